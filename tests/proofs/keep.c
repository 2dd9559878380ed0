/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keep: linked into programs that open the file of one store thousands of times, it keeps the file's map
 * from one opening to the next, as to make and unmake it costs more than all that is done with the store.
 *
 * A shared map that is only read shows what the file holds, whenever the map was made: whoever gets
 * an old one of the same file, of the same size, cannot tell. LMDB's calls come here as the program's own
 * functions stand before the system's.
 */
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT_MIN ((size_t)64 << 20) /* what LMDB maps of a store; all else is none of ours */

static struct {
	void *at; /* NULL: none */
	size_t n;
	dev_t device;
	ino_t inode;
	bool used;
} kept;

static void *map(void *at, size_t n, int protection, int flags, int fd, off_t off)
{
	return (void *)syscall(SYS_mmap, at, n, protection, flags, fd, off);
}

static int unmap(void *at, size_t n)
{
	return (int)syscall(SYS_munmap, at, n);
}

/* The map of this file as it was kept, if it is that. */
static void *again(size_t n, const struct stat *st)
{
	if (!kept.at || kept.used)
		return NULL;
	if (kept.n == n && kept.inode == st->st_ino && kept.device == st->st_dev) {
		kept.used = true;
		return kept.at;
	}
	(void)unmap(kept.at, kept.n);
	kept.at = NULL;
	return NULL;
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t off)
{
	struct stat st;

	if (at || n < KEPT_MIN || protection != PROT_READ || flags != MAP_SHARED || off ||
	    fstat(fd, &st) != 0)
		return map(at, n, protection, flags, fd, off);
	void *p = again(n, &st);
	if (p)
		return p;
	p = map(at, n, protection, flags, fd, off);
	if (p != MAP_FAILED && !kept.at) {
		kept.at = p;
		kept.n = n;
		kept.device = st.st_dev;
		kept.inode = st.st_ino;
		kept.used = true;
	}
	return p;
}

int munmap(void *at, size_t n)
{
	if (!kept.at || at != kept.at || n != kept.n)
		return unmap(at, n);
	kept.used = false;
	return 0;
}
