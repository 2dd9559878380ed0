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
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/dir.h"
#include "store/lm_check.h"
#include "store/lm_guard.h"
#include "store/lm_page.h"
#include "store/resident.h"

#define DATA_NAME "data.mdb"
#define LACKS_A_TABLE "the store lacks a table that it should have"
#define READERS_NAME "lock.mdb"
/* LMDB makes its table of readers sparse and maps it: on a full disk its first use is fatal. */
#define READERS_SIZE 16384u
#define FILE_MODE 0600
/* Everything by default, but a snapshot belongs to us and not to the thread. */
#define ENV_FLAGS MDB_NOTLS
#define MIB ((size_t)1 << 20)
/* What finding a row touches of the map, about. */
#define FIND_BYTES 4096u

const struct lm_sizes lm_sizes_default = {
	.map = 1024 * MIB,
	.room = 512 * MIB, /* 131,072 pages: LMDB's own limit for one transaction */
	.step = 4096 * MIB,
	.reserve = 32 * MIB,
};

struct lm_txn {
	struct lm *lm;
	MDB_txn *t;	 /* of a snapshot that ended: kept, to be renewed */
	bool open, writes;
	unsigned cursors;
	enum err failed; /* the first error of a write transaction */
};
struct lm {
	struct dir dir;
	MDB_env *env;
	MDB_dbi tables[LM_TABLES_MAX];
	size_t ntables;
	struct lm_sizes sizes;
	struct resident resident;
	struct pages pages; /* of the state that the transaction in hand began with */
	bool looked_up; /* what cursors go through is wanted again soon */
	struct lm_txn write, read;
	bool other_pages; /* of another size than lm_page knows */
	bool full;   /* a transaction has filled the map: it must grow */
	bool broken; /* an outcome is unknown: no more of this */
	char trouble[FAULT_TEXT_MAX];
};

/* ---- errors ---- */

static enum err err_of(int rc)
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

static enum err troubled(struct lm *lm, const char *what, int rc)
{
	(void)snprintf(lm->trouble, sizeof(lm->trouble), "cannot %s: %s", what, mdb_strerror(rc));
	return err_of(rc);
}

static enum err refused(struct fault *fault, const char *what, int rc)
{
	return fault_set(fault, err_of(rc), NULL, "cannot %s: %s", what, mdb_strerror(rc));
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

static enum err watch_pages(struct lm *lm, size_t max, struct fault *fault)
{
	mdb_filehandle_t fd;

	if (mdb_env_get_fd(lm->env, &fd) ||
	    resident_init(&lm->resident, fd, max ? max : RESIDENT_SCANNED))
		return fault_set(fault, ERR_IO, NULL, "cannot look at the store's file");
	return ERR_OK;
}

/* ---- looking at pages before LMDB does ---- */

struct look {
	struct lm_txn *t;
	enum { look_tables, look_free, look_path, look_place, look_foresee } at;
	unsigned table;
	struct str key;
	bool found;
};

static enum err look_now(struct look *x)
{
	struct lm *lm = x->t->lm;
	size_t size;
	const char *map = resident_map(&lm->resident, &size);
	/* a write transaction has the number of the state that it makes */
	const uint64_t txn = mdb_txn_id(x->t->t) - x->t->writes;

	if (!map || lm->other_pages)
		return ERR_OK; /* lm_guard is all there is */
	enum err e = pages_at(&lm->pages, map, size, txn);
	if (e)
		return e;
	switch (x->at) {
	case look_tables:
		return pages_check_tables(&lm->pages, lm->ntables);
	case look_free:
		return pages_check_free(&lm->pages);
	case look_foresee:
		pages_foresee(&lm->pages, x->table, x->key);
		return ERR_OK;
	case look_place:
		return pages_check_place(&lm->pages, x->table, x->key.p);
	case look_path:
	default:
		return pages_check_path(&lm->pages, x->table, x->key, &x->found);
	}
}

static int look_guarded(void *arg)
{
	return (int)look_now(arg);
}

/* ERR_DAMAGED, in words that name the table; ERR_NOT_FOUND: one is not there (look_tables). */
static enum err look(struct look *x)
{
	struct lm *lm = x->t->lm;

	const int rc = lm_guard(look_guarded, x);
	if (rc == 0 || (rc == ERR_NOT_FOUND && x->at == look_tables))
		return (enum err)rc;
	const char *what = x->at == look_free ? "free pages" : x->at == look_tables ? "tables" :
			   lm->pages.tables[x->table].name;
	(void)snprintf(lm->trouble, sizeof(lm->trouble), "a page of the table of %s is damaged", what);
	return ERR_DAMAGED;
}

/* Before LMDB goes down the table of tables: what is damaged there may lead it anywhere, or back. */
static enum err check_tables(struct lm *lm, struct fault *fault)
{
	struct lm_txn *t;
	enum err e = lm_read(lm, &t);

	if (!e) {
		e = look(&(struct look){ .t = t, .at = look_tables });
		e = e ? e : look(&(struct look){ .t = t, .at = look_free });
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
	lm->ntables = o->ntables;
	lm->looked_up = o->resident != 0;
	lm->sizes = o->sizes ? *o->sizes : lm_sizes_default;
	lm->write = (struct lm_txn){ .lm = lm, .writes = true };
	lm->read = (struct lm_txn){ .lm = lm };
	enum err e = dir_open(path, &lm->dir, fault);
	if (!e)
		e = decide(lm, o, &make, &size, fault);
	if (!e)
		e = open_env(lm, path, size, fault);
	if (!e)
		e = watch_pages(lm, o->resident, fault);
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
	dir_close(&lm->dir);
	pages_fini(&lm->pages);
	free(lm);
}

/* How large the map is, and how many bytes of the file are in use. */
static int map_state(struct lm *lm, MDB_envinfo *info, uint64_t *used)
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
	return rc ? troubled(lm, "check the readers", rc) : ERR_OK;
}

enum err lm_warm(struct lm *lm, bool *more)
{
	mdb_filehandle_t fd;
	MDB_envinfo info;
	uint64_t used;

	*more = false;
	if (lm->broken)
		return ERR_IO;
	int rc = map_state(lm, &info, &used);
	if (!rc)
		rc = mdb_env_get_fd(lm->env, &fd);
	if (rc)
		return troubled(lm, "look at the map", rc);
	*more = !lm->other_pages && resident_warm(&lm->resident, fd, used, pages_hold_keys);
	return ERR_OK;
}

enum err lm_reach(struct lm *lm, uint64_t *in_reach, uint64_t *bytes)
{
	MDB_envinfo info;

	const int rc = lm->broken ? EIO : map_state(lm, &info, bytes);
	*in_reach = lm->resident.warmed;
	return rc ? troubled(lm, "look at the map", rc) : ERR_OK;
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

	int rc = map_state(lm, &info, &used);
	if (rc)
		return troubled(lm, "look at the map", rc);
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
		(void)troubled(lm, "grow the map", rc);
		return ERR_IO;
	}
	lm->full = false;
	resident_moved(&lm->resident);
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
		return troubled(lm, "see how full the disk is", errno);
	if (space < lm->sizes.reserve)
		return troubled(lm, "write: the reserve is reached", ENOSPC);
	e = grow(lm);
	if (e)
		return e;
	const int rc = mdb_txn_begin(lm->env, NULL, 0, &lm->write.t);
	if (rc) {
		lm->broken = lm->broken || rc == MDB_PANIC;
		(void)troubled(lm, "begin to write", rc);
		return err_of(rc) == ERR_NO_SPACE ? ERR_NO_SPACE : ERR_IO;
	}
	lm->write.open = true;
	lm->write.failed = ERR_OK;
	e = look(&(struct look){ .t = &lm->write, .at = look_free });
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

	if (err_of(rc) == ERR_NO_SPACE)
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
	if (!rc)
		return ERR_OK;
	(void)troubled(lm, "commit to the disk", rc);
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
		(void)troubled(lm, "begin to read", rc);
		return err_of(rc) == ERR_NO_MEMORY ? ERR_NO_MEMORY : ERR_IO;
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

/* ---- rows ---- */

static MDB_val val(struct str s)
{
	return (MDB_val){ s.n, (void *)(uintptr_t)s.p };
}

static struct str str_of_val(MDB_val v)
{
	return (struct str){ v.mv_data, v.mv_size };
}

/* What reading inside a transaction returns; in a write transaction an error sticks. */
static enum err outcome(struct lm_txn *t, const char *what, int rc)
{
	resident_touch(&t->lm->resident, FIND_BYTES);
	if (rc == MDB_SUCCESS)
		return ERR_OK;
	if (rc == MDB_NOTFOUND)
		return ERR_NOT_FOUND;
	/* LMDB asks the system for nothing but memory here: whatever else it says, it has misread */
	const enum err said = troubled(t->lm, what, rc);
	const enum err e = said == ERR_NO_MEMORY ? said : ERR_DAMAGED;
	if (t->writes)
		t->failed = e;
	return e;
}

enum err lm_get(struct lm_txn *t, unsigned table, struct str key, struct str *value)
{
	MDB_val k = val(key), v;

	require(t->open && table < t->lm->ntables);
	if (t->failed)
		return t->failed;
	if (key.n == 0 || key.n > LM_KEY_MAX)
		return ERR_NOT_FOUND;
	struct look path = { .t = t, .at = look_path, .table = table, .key = key };
	enum err e = t->writes ? look(&path) : ERR_OK;
	if (e)
		return e; /* LMDB has not met it: the transaction is good */
	e = outcome(t, "read", lm_guard_get(t->t, t->lm->tables[table], &k, &v));
	if (!e)
		*value = str_of_val(v);
	/* a damaged page may hide a row from LMDB */
	if (e == ERR_NOT_FOUND && !t->writes && (look(&path) || path.found))
		return ERR_DAMAGED;
	return e;
}

enum err lm_last(struct lm_txn *t, unsigned table, struct str *key, struct str *value)
{
	struct lm_cursor *c;
	enum err e = lm_cursor_open(t, table, &c);

	if (e)
		return e;
	e = lm_cursor_seek(c, (struct str){ 0 }, true, key, value);
	lm_cursor_close(c);
	return e;
}

void lm_foresee(struct lm_txn *t, unsigned table, struct str key)
{
	struct look x = { .t = t, .at = look_foresee, .table = table, .key = key };

	require(t->open && table < t->lm->ntables && key.n > 0);
	/* whoever looks the key up will meet what is damaged, and say so */
	(void)lm_guard(look_guarded, &x);
}

enum err lm_count(struct lm_txn *t, unsigned table, uint64_t *rows)
{
	MDB_stat stat;

	require(t->open && table < t->lm->ntables);
	if (t->failed)
		return t->failed;
	const enum err e = outcome(t, "count", mdb_stat(t->t, t->lm->tables[table], &stat));
	if (!e)
		*rows = stat.ms_entries;
	return e;
}

enum err lm_size(struct lm_txn *t, unsigned table, uint64_t *bytes)
{
	MDB_stat stat;

	require(t->open && table < t->lm->ntables);
	if (t->failed)
		return t->failed;
	const enum err e = outcome(t, "measure", mdb_stat(t->t, t->lm->tables[table], &stat));
	if (!e)
		*bytes = stat.ms_psize * (uint64_t)(stat.ms_branch_pages + stat.ms_leaf_pages +
						    stat.ms_overflow_pages);
	return e;
}

static const unsigned put_flags[] = { [lm_replace] = 0,
				      [lm_fresh] = MDB_NOOVERWRITE,
				      [lm_append] = MDB_APPEND };

/* Before a put, at where it goes; what is appended goes to the end. An error sticks. */
static enum err look_ahead(struct lm_txn *t, unsigned table, struct str key, enum lm_how how)
{
	const struct str at = how == lm_append ? (struct str){ 0 } : key;

	require(t->open && t->writes && table < t->lm->ntables);
	require(key.n > 0 && key.n <= LM_KEY_MAX);
	if (!t->failed)
		t->failed = look(&(struct look){ .t = t, .at = look_path, .table = table, .key = at });
	return t->failed;
}

/* A put that came upon a damaged page has left the transaction as no one knows what. */
static enum err put_outcome(struct lm_txn *t, int rc)
{
	resident_touch(&t->lm->resident, FIND_BYTES);
	if (rc == MDB_SUCCESS)
		return ERR_OK;
	enum err e = troubled(t->lm, "write", rc);
	if (e == ERR_STORE_FOREIGN || e == ERR_STORE_LOCKED)
		e = ERR_INTERNAL;
	if (rc == MDB_CORRUPTED) {
		t->lm->broken = true;
		e = ERR_IO;
	}
	if (rc == MDB_MAP_FULL)
		t->lm->full = true;
	return t->failed = e;
}

enum err lm_put(struct lm_txn *t, unsigned table, struct str key, struct str value, enum lm_how how)
{
	MDB_val k = val(key), v = val(value);

	if (look_ahead(t, table, key, how))
		return t->failed;
	return put_outcome(t, lm_guard_put(t->t, t->lm->tables[table], &k, &v, put_flags[how]));
}

enum err lm_put_room(struct lm_txn *t, unsigned table, struct str key, size_t n, enum lm_how how,
		     char **out)
{
	MDB_val k = val(key), v = { n, NULL };

	if (look_ahead(t, table, key, how))
		return t->failed;
	const enum err e = put_outcome(t, lm_guard_put(t->t, t->lm->tables[table], &k, &v,
						       put_flags[how] | MDB_RESERVE));
	if (!e)
		*out = v.mv_data;
	return e;
}

/* ---- cursors ---- */

/* A lm_cursor is LMDB's; this finds the transaction that it belongs to. */
static struct lm_txn *txn_of(struct lm_cursor *c)
{
	MDB_txn *t = mdb_cursor_txn((MDB_cursor *)c);
	struct lm *lm = mdb_env_get_userctx(mdb_txn_env(t));

	return t == lm->write.t ? &lm->write : &lm->read;
}

/* The table that it is a place in. */
static unsigned table_of(struct lm_cursor *c)
{
	const struct lm *lm = txn_of(c)->lm;
	const MDB_dbi dbi = mdb_cursor_dbi((MDB_cursor *)c);

	for (unsigned i = 0; i < lm->ntables; i++)
		if (lm->tables[i] == dbi)
			return i;
	impossible("a cursor is opened on one of the tables");
}

enum err lm_cursor_open(struct lm_txn *t, unsigned table, struct lm_cursor **out)
{
	MDB_cursor *c;

	require(t->open && table < t->lm->ntables);
	if (t->failed)
		return t->failed;
	const enum err e = outcome(t, "read", mdb_cursor_open(t->t, t->lm->tables[table], &c));
	if (e)
		return e;
	t->cursors++;
	*out = (struct lm_cursor *)c;
	return ERR_OK;
}

void lm_cursor_close(struct lm_cursor *c)
{
	txn_of(c)->cursors--;
	mdb_cursor_close((MDB_cursor *)c);
}

/* How a cursor is moved: so that what it finds can be read in full, or its key alone. */
typedef int guarded_move(MDB_cursor *c, MDB_val *key, MDB_val *value, MDB_cursor_op op);

static enum err step(struct lm_cursor *c, guarded_move *move, MDB_cursor_op op, struct str from,
		     struct str *key, struct str *value)
{
	MDB_val k = val(from), v;
	struct lm_txn *t = txn_of(c);
	enum err e = ERR_OK;

	if (t->failed)
		return t->failed;
	const int rc = move((MDB_cursor *)c, &k, &v, op);
	if (!rc && (op == MDB_NEXT || op == MDB_PREV))
		(t->lm->looked_up ? resident_touch : resident_scan)(&t->lm->resident,
								    k.mv_size + v.mv_size);
	else
		e = outcome(t, "read", rc);
	if (e)
		return e;
	*key = str_of_val(k);
	*value = str_of_val(v);
	if (t->writes || pages_stand_on(&t->lm->pages, key->p))
		return ERR_OK;
	return look(&(struct look){ .t = t, .at = look_place, .table = table_of(c), .key = *key });
}

static enum err seek(struct lm_cursor *c, guarded_move *move, struct str from, bool back,
		     struct str *key, struct str *value)
{
	require(from.n <= LM_KEY_MAX);
	if (from.n == 0)
		return step(c, move, back ? MDB_LAST : MDB_FIRST, from, key, value);
	const enum err e = step(c, move, MDB_SET_RANGE, from, key, value);
	if (!back || (!e && str_eq(*key, from)))
		return e;
	if (e == ERR_NOT_FOUND)
		return step(c, move, MDB_LAST, from, key, value);
	return e ? e : step(c, move, MDB_PREV, from, key, value);
}

enum err lm_cursor_seek(struct lm_cursor *c, struct str from, bool back, struct str *key,
			struct str *value)
{
	return seek(c, lm_guard_seek, from, back, key, value);
}

enum err lm_cursor_step(struct lm_cursor *c, bool back, struct str *key, struct str *value)
{
	return step(c, lm_guard_seek, back ? MDB_PREV : MDB_NEXT, (struct str){ 0 }, key, value);
}

static enum err floor_of(struct lm_cursor *c, guarded_move *move, struct str key, struct str *found,
			 struct str *value)
{
	struct lm_txn *t = txn_of(c);

	require(key.n > 0);
	if (t->failed)
		return t->failed;
	const enum err e = look(&(struct look){ .t = t, .at = look_path, .table = table_of(c), .key = key });
	return e ? e : seek(c, move, key, true, found, value);
}

enum err lm_cursor_floor(struct lm_cursor *c, struct str key, struct str *found, struct str *value)
{
	return floor_of(c, lm_guard_seek, key, found, value);
}

/* What lies in the file is read from there; a page that the transaction has made lies in memory. */
static enum err copy(struct lm *lm, struct str from, char *to)
{
	MDB_val there = val(from);
	mdb_filehandle_t fd;
	size_t size, done = 0;
	const char *map = resident_map(&lm->resident, &size);

	if (!map || from.p < map || from.p >= map + size || mdb_env_get_fd(lm->env, &fd) != 0) {
		if (lm_guard_touch(&there))
			return ERR_DAMAGED;
		memcpy(to, from.p, from.n);
		return ERR_OK;
	}
	while (done < from.n) {
		const ssize_t n = pread(fd, to + done, from.n - done, from.p - map + (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_DAMAGED; /* it is not all there, or the disk cannot read it */
		done += (size_t)n;
	}
	return ERR_OK;
}

enum err lm_cursor_floor_copy(struct lm_cursor *c, struct str key, struct str *found, char *room,
			      size_t size, struct str *value)
{
	struct str there;

	const enum err e = floor_of(c, lm_guard_find, key, found, &there);
	if (e)
		return e;
	if (there.n > size)
		return ERR_DAMAGED;
	*value = there;
	if (resident_holds(&txn_of(c)->lm->resident, there))
		return lm_guard_touch(&(MDB_val){ there.n, (void *)(uintptr_t)there.p }) ? ERR_DAMAGED
										: ERR_OK;
	value->p = room;
	return copy(txn_of(c)->lm, there, room);
}

bool lm_cursor_sound(struct lm_cursor *c)
{
	struct lm *lm = txn_of(c)->lm;
	MDB_val key, value;

	if (lm_guard_seek((MDB_cursor *)c, &key, &value, MDB_GET_CURRENT) != 0)
		return false;
	return !lm->pages.at || pages_match_value(&lm->pages, str_of_val(value));
}
