/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm: named tables in one memory-mapped file.
 *
 * What goes wrong, and what is made of it:
 * - The file system is full. We stop before (reserve); where others fill it meanwhile, LMDB's write
 *   of the pages fails, as ENOSPC or, cut short, as EIO. As long as the root page was not touched,
 *   nothing was written, and LMDB tells: it refuses every transaction after a failed root page.
 * - A write or a sync fails otherwise. The outcome is unknown; nothing is tried again.
 * - The file was cut off. LMDB would map it and die of SIGBUS: lm_check looks before use.
 * - A page is damaged. LMDB would follow it anywhere, and write there: so lm_page looks at the pages
 *   on the way before each put, and at those that say that something is not there. A reader whom LMDB
 *   leads astray is brought back by lm_guard; a writer too, half way through, and then it ends.
 */
#include "store/lm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/lm_check.h"
#include "store/lm_guard.h"
#include "store/lm_inside.h"

#define DATA_NAME "data.mdb"
#define LACKS_A_TABLE "the store lacks a table that it should have"
#define READERS_NAME "lock.mdb"
/* LMDB makes its table of readers sparse and maps it: on a full disk its first use is fatal. */
#define READERS_SIZE 16384u
#define FILE_MODE 0600
/* Everything by default, but a snapshot belongs to us and not to the thread. */
#define ENV_FLAGS MDB_NOTLS
#define MIB ((size_t)1 << 20)

const struct lm_sizes lm_sizes_default = {
	.map = 1024 * MIB,
	.room = 512 * MIB, /* 131,072 pages: LMDB's own limit for one transaction */
	.step = 4096 * MIB,
	.reserve = 32 * MIB,
};

/* ---- errors ---- */

enum err lm_err_of(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return ERR_OK;
	case MDB_NOTFOUND:
		return ERR_NOT_FOUND;
	case MDB_MAP_FULL:
		return ERR_NO_SPACE;
	case MDB_TXN_FULL:
		return ERR_TOO_LARGE;
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_BAD_TXN: /* it has met one of the others before */
		return ERR_DAMAGED;
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_INCOMPATIBLE:
		return ERR_STORE_FOREIGN;
	case MDB_KEYEXIST:
	case MDB_BAD_VALSIZE:
		return ERR_INTERNAL;
	case EAGAIN:
		return ERR_STORE_LOCKED;
	default:
		return dir_err(rc);
	}
}

enum err lm_troubled(struct lm *lm, const char *what, int rc)
{
	(void)snprintf(lm->trouble, sizeof(lm->trouble), "cannot %s: %s", what, mdb_strerror(rc));
	return lm_err_of(rc);
}

static enum err refused(struct fault *fault, const char *what, int rc)
{
	return fault_set(fault, lm_err_of(rc), NULL, "cannot %s: %s", what, mdb_strerror(rc));
}

const char *lm_trouble(const struct lm *lm)
{
	return lm->trouble;
}

/* ---- opening ---- */

/* Whether to make a new store; where its making was interrupted, what was left is removed. */
static enum err decide(struct lm *lm, const struct lm_options *o, bool *make, uint64_t *size,
		       struct fault *fault)
{
	enum err e = dir_size(&lm->dir, DATA_NAME, size, fault);

	if (e && e != ERR_NOT_FOUND)
		return e;
	*make = o->anew || lm->dir.mark == dir_making || (e && lm->dir.mark == dir_unmarked);
	if (!*make && (e || *size == 0))
		return fault_set(fault, ERR_DAMAGED, NULL, "the store's " DATA_NAME " is %s",
				 e ? "missing" : "empty");
	if (!*make)
		return ERR_OK;
	uint64_t space;
	*size = 0;
	e = dir_space(&lm->dir, &space);
	if (!e && space < lm->sizes.reserve)
		e = ERR_NO_SPACE;
	if (e)
		return fault_set(fault, e, NULL, "no room on the disk for a new store");
	e = dir_set_mark(&lm->dir, dir_making, fault);
	if (!e)
		e = dir_remove(&lm->dir, DATA_NAME, fault);
	return e ? e : dir_remove(&lm->dir, READERS_NAME, fault);
}

/* What the map should be for a file with so many bytes in use; page sizes divide a MiB. */
static size_t map_for(const struct lm_sizes *s, uint64_t used, size_t now)
{
	size_t want = now;

	while (want < used + s->room)
		want += want < s->step ? want : s->step;
	return want;
}

static enum err open_env(struct lm *lm, const char *path, uint64_t size, struct fault *fault)
{
	unsigned flags;
	enum err e = dir_reserve(&lm->dir, READERS_NAME, READERS_SIZE, fault);

	lm->other_pages = sysconf(_SC_PAGESIZE) != PAGES_SIZE;
	if (!e && size && !lm->other_pages)
		e = lm_check_page_size(lm->dir.fd, DATA_NAME, fault);
	if (e)
		return e;
	int rc = mdb_env_create(&lm->env);
	if (!rc) {
		lm_guard_open(lm->env);
		rc = mdb_env_set_userctx(lm->env, lm);
	}
	if (!rc)
		rc = mdb_env_set_maxdbs(lm->env, (MDB_dbi)lm->ntables);
	if (!rc)
		rc = mdb_env_set_mapsize(lm->env, map_for(&lm->sizes, size, lm->sizes.map));
	if (!rc)
		rc = mdb_env_open(lm->env, path, ENV_FLAGS, FILE_MODE);
	if (rc == MDB_INVALID && lm->dir.mark == dir_ready)
		return fault_set(fault, ERR_DAMAGED, NULL,
				 "the beginning of " DATA_NAME " is damaged or cut off");
	if (rc)
		return refused(fault, "open the store", rc);
	ensure(mdb_env_get_flags(lm->env, &flags) == 0 && flags == ENV_FLAGS);
	ensure(mdb_env_get_maxkeysize(lm->env) >= (int)LM_KEY_MAX);
	return ERR_OK;
}

/* The handles of all tables; in a write transaction they are made. */
static int open_tables(struct lm *lm, const struct lm_options *o, MDB_txn *t, unsigned make)
{
	int rc = 0;

	for (size_t i = 0; i < o->ntables && !rc; i++) {
		const unsigned kind = o->tables[i].by_number ? MDB_INTEGERKEY : 0;
		rc = lm_guard_table(t, o->tables[i].name, kind | make, &lm->tables[i]);
	}
	return rc;
}

static enum err make_store(struct lm *lm, const struct lm_options *o, struct fault *fault)
{
	MDB_txn *t;
	MDB_val key = { LM_FIRST_KEY.n, (void *)(uintptr_t)LM_FIRST_KEY.p };
	MDB_val value = { o->first.n, (void *)(uintptr_t)o->first.p };

	int rc = mdb_txn_begin(lm->env, NULL, 0, &t);
	if (rc)
		return refused(fault, "make the store", rc);
	rc = open_tables(lm, o, t, MDB_CREATE);
	if (!rc)
		rc = mdb_put(t, lm->tables[0], &key, &value, 0);
	if (!rc)
		rc = mdb_txn_commit(t);
	else
		mdb_txn_abort(t);
	if (rc)
		return refused(fault, "make the store", rc);
	return dir_set_mark(&lm->dir, dir_ready, fault);
}

static enum err watch_pages(struct lm *lm, struct fault *fault)
{
	mdb_filehandle_t fd;

	if (mdb_env_get_fd(lm->env, &fd) ||
	    resident_init(&lm->resident, fd, lm->looked_up, lm->sizes.reach))
		return fault_set(fault, ERR_IO, NULL, "cannot look at the store's file");
	/* it only saves time: without it what is read is read with its neighbours */
	lm->alone_fd = openat(lm->dir.fd, DATA_NAME, O_RDONLY | O_CLOEXEC);
	(void)posix_fadvise(lm->alone_fd, 0, 0, POSIX_FADV_RANDOM);
	return ERR_OK;
}

/* Before LMDB goes down the table of tables: what is damaged there may lead it anywhere, or back. */
static enum err check_tables(struct lm *lm, struct fault *fault)
{
	struct lm_txn *t;
	enum err e = lm_read(lm, &t);

	if (!e) {
		e = lm_look(&(struct lm_look){ .t = t, .at = look_tables });
		e = e ? e : lm_look(&(struct lm_look){ .t = t, .at = look_free });
		lm_end(t);
	}
	if (e == ERR_NOT_FOUND)
		return fault_set(fault, ERR_STORE_FOREIGN, NULL, LACKS_A_TABLE);
	return e ? fault_set(fault, e, NULL, "the store cannot be read: %s", lm->trouble) : ERR_OK;
}

static enum err use_store(struct lm *lm, const struct lm_options *o, struct fault *fault)
{
	MDB_txn *t;
	enum err e = lm_check_whole(lm->env, fault);

	if (!e && !lm->other_pages)
		e = lm_check_roots(lm->env, fault);
	e = e ? e : check_tables(lm, fault);
	if (e)
		return e;
	int rc = mdb_txn_begin(lm->env, NULL, MDB_RDONLY, &t);
	if (rc)
		return refused(fault, "read the store", rc);
	rc = open_tables(lm, o, t, 0);
	if (!rc)
		rc = mdb_txn_commit(t); /* keeps the handles */
	else
		mdb_txn_abort(t);
	if (rc == MDB_NOTFOUND)
		return fault_set(fault, ERR_STORE_FOREIGN, NULL, LACKS_A_TABLE);
	if (rc)
		return refused(fault, "read the store", rc);
	return lm->dir.mark == dir_ready ? ERR_OK : dir_set_mark(&lm->dir, dir_ready, fault);
}

enum err lm_open(const char *path, const struct lm_options *o, struct lm **out, struct fault *fault)
{
	bool make;
	uint64_t size;

	require(o->ntables > 0 && o->ntables <= LM_TABLES_MAX);
	struct lm *lm = calloc(1, sizeof(*lm));
	if (!lm || pages_init(&lm->pages, o->tables)) {
		lm_close(lm);
		return fault_set(fault, ERR_NO_MEMORY, NULL, "no memory to open the store");
	}
	lm->alone_fd = -1; /* none */
	lm->ntables = o->ntables;
	lm->looked_up = o->looked_up;
	lm->sizes = o->sizes ? *o->sizes : lm_sizes_default;
	lm->write = (struct lm_txn){ .lm = lm, .writes = true };
	lm->read = (struct lm_txn){ .lm = lm };
	enum err e = dir_open(path, &lm->dir, fault);
	if (!e)
		e = decide(lm, o, &make, &size, fault);
	if (!e)
		e = open_env(lm, path, size, fault);
	if (!e)
		e = watch_pages(lm, fault);
	if (!e)
		e = make ? make_store(lm, o, fault) : use_store(lm, o, fault);
	if (e) {
		lm_close(lm);
		return e;
	}
	*out = lm;
	return ERR_OK;
}

void lm_close(struct lm *lm)
{
	if (!lm)
		return;
	if (lm->write.open)
		lm_end(&lm->write);
	if (lm->read.t)
		mdb_txn_abort(lm->read.t);
	if (lm->env)
		mdb_env_close(lm->env);
	if (lm->env && lm->alone_fd >= 0)
		(void)close(lm->alone_fd);
	dir_close(&lm->dir);
	pages_fini(&lm->pages);
	free(lm);
}

int lm_map_state(struct lm *lm, MDB_envinfo *info, uint64_t *used)
{
	MDB_stat stat;

	int rc = mdb_env_info(lm->env, info);
	if (!rc)
		rc = mdb_env_stat(lm->env, &stat);
	if (!rc)
		*used = (uint64_t)(info->me_last_pgno + 1) * stat.ms_psize;
	return rc;
}

enum err lm_tend(struct lm *lm)
{
	int dead;

	if (lm->broken)
		return ERR_IO;
	const int rc = mdb_reader_check(lm->env, &dead);
	return rc ? lm_troubled(lm, "check the readers", rc) : ERR_OK;
}

/* ---- transactions ---- */

bool lm_has_room(const struct lm *lm)
{
	uint64_t space;

	return dir_space(&lm->dir, &space) == ERR_OK && space >= lm->sizes.reserve;
}

/* Let the map hold `room` bytes more than are used. No transaction is open. */
static enum err grow(struct lm *lm)
{
	MDB_envinfo info;
	uint64_t used;

	int rc = lm_map_state(lm, &info, &used);
	if (rc)
		return lm_troubled(lm, "look at the map", rc);
	if (!lm->full && info.me_mapsize >= used + lm->sizes.room)
		return ERR_OK;
	const size_t want = map_for(&lm->sizes, used, info.me_mapsize);
	const size_t more = want < lm->sizes.step ? want : lm->sizes.step;
	/* the resting snapshot holds no page, but let there be none at all */
	if (lm->read.t) {
		mdb_txn_abort(lm->read.t);
		lm->read.t = NULL;
	}
	rc = mdb_env_set_mapsize(lm->env, want > info.me_mapsize ? want : want + more);
	if (rc) {
		lm->broken = true; /* there is no map now */
		(void)lm_troubled(lm, "grow the map", rc);
		return ERR_IO;
	}
	lm->full = false;
	resident_moved(&lm->resident);
	lm->bringing = (struct bringing){ 0 };
	return ERR_OK;
}

enum err lm_write(struct lm *lm, struct lm_txn **out)
{
	uint64_t space;

	require(!lm->write.open && !lm->read.open);
	if (lm->broken)
		return ERR_IO;
	enum err e = dir_space(&lm->dir, &space);
	if (e)
		return lm_troubled(lm, "see how full the disk is", errno);
	if (space < lm->sizes.reserve)
		return lm_troubled(lm, "write: the reserve is reached", ENOSPC);
	e = grow(lm);
	if (e)
		return e;
	const int rc = mdb_txn_begin(lm->env, NULL, 0, &lm->write.t);
	if (rc) {
		lm->broken = lm->broken || rc == MDB_PANIC;
		(void)lm_troubled(lm, "begin to write", rc);
		return lm_err_of(rc) == ERR_NO_SPACE ? ERR_NO_SPACE : ERR_IO;
	}
	lm->write.open = true;
	lm->write.failed = ERR_OK;
	e = lm_look(&(struct lm_look){ .t = &lm->write, .at = look_free });
	if (e) {
		lm_end(&lm->write);
		return e;
	}
	*out = &lm->write;
	return ERR_OK;
}

/* After a failed commit: whether LMDB had not yet come to the root page. */
static bool surely_nothing_written(struct lm *lm)
{
	MDB_txn *t;

	if (mdb_txn_begin(lm->env, NULL, 0, &t) != 0)
		return false;
	mdb_txn_abort(t);
	return true;
}

/* LMDB says EIO where a full disk cut its write short. */
static bool disk_was_full(struct lm *lm, int rc)
{
	uint64_t space;

	if (lm_err_of(rc) == ERR_NO_SPACE)
		return true;
	return rc == EIO && dir_space(&lm->dir, &space) == ERR_OK && space < lm->sizes.reserve;
}

enum err lm_commit(struct lm_txn *t)
{
	struct lm *lm = t->lm;

	require(t->open && t->writes && t->cursors == 0);
	if (t->failed) {
		const enum err e = t->failed;
		lm_end(t);
		return e;
	}
	t->open = false;
	const int rc = lm_guard_commit(t->t);
	t->t = NULL;
	if (!rc) {
		lm_wrote(lm);
		return ERR_OK;
	}
	(void)lm_troubled(lm, "commit to the disk", rc);
	if (rc == MDB_CORRUPTED) { /* LMDB may still hold its lock: ask it nothing */
		lm->broken = true;
		return ERR_IO;
	}
	if (rc == MDB_MAP_FULL)
		lm->full = true;
	if ((rc == MDB_TXN_FULL || disk_was_full(lm, rc)) && surely_nothing_written(lm))
		return rc == MDB_TXN_FULL ? ERR_TOO_LARGE : ERR_NO_SPACE;
	lm->broken = true;
	return ERR_IO;
}

enum err lm_read(struct lm *lm, struct lm_txn **out)
{
	struct lm_txn *t = &lm->read;

	require(!t->open);
	if (lm->broken)
		return ERR_IO;
	const int rc = t->t ? mdb_txn_renew(t->t) : mdb_txn_begin(lm->env, NULL, MDB_RDONLY, &t->t);
	if (rc) {
		if (t->t)
			mdb_txn_abort(t->t);
		t->t = NULL;
		(void)lm_troubled(lm, "begin to read", rc);
		return lm_err_of(rc) == ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_IO;
	}
	t->open = true;
	pages_leave(&lm->pages);
	*out = t;
	return ERR_OK;
}

void lm_end(struct lm_txn *t)
{
	require(t->open && t->cursors == 0);
	t->open = false;
	if (t->writes) {
		if (!t->lm->broken) /* else see put_outcome: it is left to the end of the process */
			mdb_txn_abort(t->t);
		t->t = NULL;
	} else {
		mdb_txn_reset(t->t);
	}
}
