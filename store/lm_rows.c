/* SPDX-License-Identifier: Apache-2.0 */
/* lm_rows: what is read and written inside a transaction; see lm.c for what is made of damaged pages. */
#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "store/lm_guard.h"
#include "store/lm_inside.h"

/* What finding a row touches of the map, about. */
#define FIND_BYTES 4096u

/* ---- looking at pages before LMDB does ---- */

static enum err look_now(struct lm_look *x)
{
	struct lm *lm = x->t->lm;
	mdb_filehandle_t fd;
	size_t size;
	const char *map = resident_map(&lm->resident, &size);
	/* a write transaction has the number of the state that it makes */
	const uint64_t txn = mdb_txn_id(x->t->t) - x->t->writes;

	if (!map || lm->other_pages || mdb_env_get_fd(lm->env, &fd) != 0)
		return ERR_OK; /* lm_guard is all there is */
	enum err e = pages_at(&lm->pages, fd, map, size, txn);
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
	case look_floor:
		return pages_floor(&lm->pages, x->table, x->key, &x->row, &x->there);
	case look_rows:
		return pages_rows(&lm->pages, x->table, x->key, x->rows, x->most, &x->n);
	case look_leaves:
		return pages_leaves(&lm->pages, x->table, x->key, x->leaves, x->most, &x->n, &x->next);
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

enum err lm_look(struct lm_look *x)
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
	const enum err said = lm_troubled(t->lm, what, rc);
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
	struct lm_look path = { .t = t, .at = look_path, .table = table, .key = key };
	enum err e = t->writes ? lm_look(&path) : ERR_OK;
	if (e)
		return e; /* LMDB has not met it: the transaction is good */
	e = outcome(t, "read", lm_guard_get(t->t, t->lm->tables[table], &k, &v));
	if (!e)
		*value = str_of_val(v);
	/* a damaged page may hide a row from LMDB */
	if (e == ERR_NOT_FOUND && !t->writes && (lm_look(&path) || path.found))
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
	struct lm_look x = { .t = t, .at = look_foresee, .table = table, .key = key };

	require(t->open && table < t->lm->ntables && key.n > 0);
	/* whoever looks the key up will meet what is damaged, and say so */
	(void)lm_guard(look_guarded, &x);
}

enum err lm_rows_from(struct lm_txn *t, unsigned table, uint64_t key, struct lm_row *out, size_t most,
		      size_t *n)
{
	struct lm_look x = { .t = t, .at = look_rows, .table = table,
			     .key = { (const char *)&key, sizeof(key) }, .rows = out, .most = most };

	require(t->open && !t->writes && table < t->lm->ntables);
	const enum err e = lm_look(&x);
	*n = e ? 0 : x.n;
	return e;
}

struct str lm_row_there(struct lm_txn *t, const struct lm_row *row)
{
	size_t size;
	const char *map = resident_map(&t->lm->resident, &size);
	const uint64_t at = row->page * PAGES_SIZE + PAGES_HEAD_SIZE;

	if (!map || t->lm->other_pages || at > size || row->size > size - at)
		return (struct str){ 0 };
	return (struct str){ map + at, row->size };
}

static enum err measure(struct lm_txn *t, const char *what, unsigned table, MDB_stat *stat)
{
	require(t->open && table < t->lm->ntables);
	if (t->failed)
		return t->failed;
	return outcome(t, what, mdb_stat(t->t, t->lm->tables[table], stat));
}

enum err lm_count(struct lm_txn *t, unsigned table, uint64_t *rows)
{
	MDB_stat stat;

	const enum err e = measure(t, "count", table, &stat);
	if (!e)
		*rows = stat.ms_entries;
	return e;
}

enum err lm_size(struct lm_txn *t, unsigned table, uint64_t *bytes)
{
	MDB_stat stat;

	const enum err e = measure(t, "measure", table, &stat);
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
		t->failed = lm_look(&(struct lm_look){ .t = t, .at = look_path, .table = table, .key = at });
	return t->failed;
}

/* A put that came upon a damaged page has left the transaction as no one knows what. */
static enum err put_outcome(struct lm_txn *t, int rc)
{
	resident_touch(&t->lm->resident, FIND_BYTES);
	if (rc == MDB_SUCCESS)
		return ERR_OK;
	enum err e = lm_troubled(t->lm, "write", rc);
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

enum err lm_cursor_put(struct lm_cursor *c, struct str key, struct str value)
{
	MDB_val k = val(key), v = val(value);
	struct lm_txn *t = txn_of(c);

	if (look_ahead(t, table_of(c), key, lm_replace))
		return t->failed;
	return put_outcome(t, lm_guard_put_near((MDB_cursor *)c, &k, &v));
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
		resident_touch(&t->lm->resident, k.mv_size + v.mv_size);
	else
		e = outcome(t, "read", rc);
	if (e)
		return e;
	*key = str_of_val(k);
	*value = str_of_val(v);
	if (t->writes || pages_stand_on(&t->lm->pages, key->p))
		return ERR_OK;
	return lm_look(&(struct lm_look){ .t = t, .at = look_place, .table = table_of(c), .key = *key });
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
	const enum err e = lm_look(&(struct lm_look){ .t = t, .at = look_path, .table = table_of(c), .key = key });
	return e ? e : seek(c, move, key, true, found, value);
}

enum err lm_cursor_floor(struct lm_cursor *c, struct str key, struct str *found, struct str *value)
{
	return floor_of(c, lm_guard_seek, key, found, value);
}

enum err lm_cursor_floor_there(struct lm_cursor *c, struct str key, struct str *found,
			       struct str *there)
{
	struct lm_look x = { .t = txn_of(c), .at = look_floor, .table = table_of(c), .key = key };

	require(key.n > 0);
	/* in a snapshot its pages say as much as LMDB would, for half of the work */
	const enum err e = x.t->writes || x.t->failed ? ERR_OK : lm_look(&x);
	if (!e && !x.there.p)
		return floor_of(c, lm_guard_find, key, found, there);
	resident_touch(&x.t->lm->resident, FIND_BYTES);
	*found = x.row;
	*there = x.there;
	return e;
}

bool lm_in_reach(struct lm_txn *t, struct str there)
{
	return !t->writes && resident_holds(&t->lm->resident, there);
}

/* What lies in the file is read from there; a page that the transaction has made lies in memory. */
enum err lm_copy(struct lm_txn *t, struct str from, char *to)
{
	struct lm *lm = t->lm;
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
	resident_read(&lm->resident, fd, (size_t)(from.p - map), (size_t)(from.p - map) + done);
	return ERR_OK;
}

bool lm_copy_near(struct lm_txn *t, struct str from, char *to)
{
	struct lm *lm = t->lm;
	size_t size;
	const char *map = resident_map(&lm->resident, &size);
	struct iovec into = { to, from.n };

	if (!map || from.p < map || from.p >= map + size)
		return false;
	return preadv2(lm->alone_fd, &into, 1, from.p - map, RWF_NOWAIT) == (ssize_t)from.n;
}

void lm_expect(struct lm_txn *t, struct str there)
{
	mdb_filehandle_t fd;

	if (mdb_env_get_fd(t->lm->env, &fd) == 0)
		resident_expect(&t->lm->resident, fd, there);
}

bool lm_cursor_sound(struct lm_cursor *c)
{
	struct lm *lm = txn_of(c)->lm;
	MDB_val key, value;

	if (lm_guard_seek((MDB_cursor *)c, &key, &value, MDB_GET_CURRENT) != 0)
		return false;
	return !lm->pages.at || pages_match_value(&lm->pages, str_of_val(value));
}
