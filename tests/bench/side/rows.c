/* SPDX-License-Identifier: Apache-2.0 */
/* rows: LMDB as it is, for what the machine and the libraries can do at all. */
#include "tests/bench/side/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <lmdb.h>

#include "tests/bench/side/stream.h"

#define MAP_BYTES ((size_t)64 << 30)

struct rows {
	MDB_env *env;
	MDB_dbi table;
	MDB_txn *txn;
	uint64_t key; /* of the next row */
};

static void must(int rc, const char *what)
{
	if (rc)
		stream_give_up(what, str_of(mdb_strerror(rc)));
}

static void find_end(struct rows *r, MDB_txn *t)
{
	MDB_val key, value;
	MDB_cursor *c;

	must(mdb_cursor_open(t, r->table, &c), "mdb_cursor_open");
	if (mdb_cursor_get(c, &key, &value, MDB_LAST) == 0)
		memcpy(&r->key, key.mv_data, sizeof(r->key));
	r->key++;
	mdb_cursor_close(c);
}

struct rows *rows_open(const char *dir)
{
	struct rows *r = calloc(1, sizeof(*r));

	if (!r)
		stream_give_up("rows", STR("no memory"));
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		stream_give_up(dir, str_of(strerror(errno)));
	must(mdb_env_create(&r->env), "mdb_env_create");
	must(mdb_env_set_mapsize(r->env, MAP_BYTES), "mdb_env_set_mapsize");
	must(mdb_env_open(r->env, dir, 0, 0600), "mdb_env_open");
	rows_begin(r);
	must(mdb_dbi_open(r->txn, NULL, MDB_INTEGERKEY, &r->table), "mdb_dbi_open");
	find_end(r, r->txn);
	rows_commit(r);
	return r;
}

void rows_close(struct rows *r)
{
	mdb_env_close(r->env);
	free(r);
}

void rows_begin(struct rows *r)
{
	must(mdb_txn_begin(r->env, NULL, 0, &r->txn), "mdb_txn_begin");
}

uint64_t rows_next(const struct rows *r)
{
	return r->key;
}

void rows_put(struct rows *r, const char *bytes, size_t n)
{
	MDB_val key = { sizeof(r->key), &r->key }, value = { n, (void *)bytes };

	must(mdb_put(r->txn, r->table, &key, &value, MDB_APPEND), "mdb_put");
	r->key++;
}

void rows_commit(struct rows *r)
{
	must(mdb_txn_commit(r->txn), "mdb_txn_commit");
}
