/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_check: whether an LMDB file holds all its pages.
 *
 * LMDB maps the file and trusts its root page: reading a page that lies behind the end of the file
 * kills the process, and so does a damaged size of pages, by which it finds the second root page while it
 * opens the file. The file may rightly be short by pages that a transaction took and gave back;
 * those stand in the table of free pages. To read that table safely the file is made longer first,
 * and cut back to what it was where pages are lost.
 */
#include "store/lm_check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/dir.h"
#include "store/lm_guard.h"
#include "store/lm_page.h"

#define FREE_TABLE 0 /* LMDB's own table of free pages: from transaction to a list of pages */
/* More pages than that behind the end are not left over but lost. */
#define SPARE_PAGES_MAX 4096u

/*
 * Count the free pages from page `first` to `last`. Transactions ascend, so that pages which lead back
 * to each other come to an end.
 */
static int count_free(MDB_env *env, uint64_t first, uint64_t last, uint64_t *count)
{
	MDB_txn *t;
	MDB_cursor *c;
	MDB_val key, value;
	uint64_t txn, before = 0;

	*count = 0;
	int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &t);
	if (rc)
		return rc;
	rc = mdb_cursor_open(t, FREE_TABLE, &c);
	if (rc) {
		mdb_txn_abort(t);
		return rc;
	}
	while ((rc = lm_guard_seek(c, &key, &value, MDB_NEXT)) == 0) {
		/* a count, then so many page numbers */
		const size_t *list = value.mv_data;
		if (key.mv_size != sizeof(txn))
			break;
		memcpy(&txn, key.mv_data, sizeof(txn));
		if (txn <= before)
			break;
		before = txn;
		const size_t n = value.mv_size / sizeof(*list);
		if (n == 0 || list[0] >= n)
			break;
		for (size_t i = 1; i <= list[0]; i++)
			*count += list[i] >= first && list[i] <= last;
	}
	mdb_cursor_close(c);
	mdb_txn_abort(t);
	return rc == MDB_NOTFOUND ? 0 : rc ? rc : MDB_CORRUPTED;
}

enum err lm_check_page_size(int dir_fd, const char *name, struct fault *fault)
{
	char roots[PAGES_ROOTS_SIZE];
	const int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fault_set(fault, dir_err(errno), NULL, "cannot open the store's file");
	const ssize_t n = pread(fd, roots, sizeof(roots), 0);
	const enum err e = n < 0 ? dir_err(errno) : ERR_OK;
	(void)close(fd);
	if (e)
		return fault_set(fault, e, NULL, "cannot read the store's root pages");
	/* LMDB itself refuses what is shorter */
	if (n == (ssize_t)sizeof(roots) && !pages_of_our_size(roots))
		return fault_set(fault, ERR_DAMAGED, NULL,
				 "the store's root pages are damaged: they name another size of pages");
	return ERR_OK;
}

enum err lm_check_roots(MDB_env *env, struct fault *fault)
{
	char roots[PAGES_ROOTS_SIZE];
	int fd;

	const int rc = mdb_env_get_fd(env, &fd);
	if (rc || pread(fd, roots, sizeof(roots), 0) != (ssize_t)sizeof(roots))
		return fault_set(fault, ERR_IO, NULL, "cannot read the store's root pages");
	if (pages_check_roots(roots))
		return fault_set(fault, ERR_DAMAGED, NULL,
				 "the store's root pages are damaged: they do not go together");
	return ERR_OK;
}

enum err lm_check_whole(MDB_env *env, struct fault *fault)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat st;
	int fd;
	uint64_t free_pages;

	int rc = mdb_env_info(env, &info);
	if (!rc)
		rc = mdb_env_stat(env, &stat);
	if (!rc)
		rc = mdb_env_get_fd(env, &fd);
	if (rc || fstat(fd, &st) != 0)
		return fault_set(fault, ERR_IO, NULL, "cannot look at the store's file");
	const uint64_t pages = (uint64_t)info.me_last_pgno + 1;
	const uint64_t have = (uint64_t)st.st_size / stat.ms_psize;
	if (have >= pages)
		return ERR_OK;
	if (pages - have <= SPARE_PAGES_MAX) {
		if (ftruncate(fd, (off_t)(pages * stat.ms_psize)) != 0)
			return fault_set(fault, dir_err(errno), NULL,
					 "cannot make the store's file longer");
		rc = count_free(env, have, pages - 1, &free_pages);
		if (!rc && free_pages == pages - have)
			return ERR_OK;
		if (ftruncate(fd, st.st_size) != 0)
			return fault_set(fault, dir_err(errno), NULL,
					 "cannot give the store's file its length back");
	}
	return fault_set(fault, ERR_DAMAGED, NULL,
			 "the store's file is cut off: it has %llu of %llu pages",
			 (unsigned long long)have, (unsigned long long)pages);
}
