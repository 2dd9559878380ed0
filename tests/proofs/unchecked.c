/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unchecked: linked into a second `avow` in the place of what only checks (--wrap): checksums of
 * records (see unsummed.c), cells and rows, the look at LMDB's pages before they are used, the guard
 * around LMDB's calls; in a third `avow` ingest's validation of events as well. Only to see what the
 * checks cost.
 */
#include "proto/msg.h"
#include "store/be.h"
#include "store/cell.h"
#include "store/lm_page.h"
#include "store/row.h"

/* LMDB's functions, as far as they are needed; its header belongs to the store */
int mdb_get(void *txn, unsigned table, void *key, void *value);
int mdb_put(void *txn, unsigned table, void *key, void *value, unsigned flags);
int mdb_cursor_get(void *cursor, void *key, void *value, int op);
int mdb_txn_commit(void *txn);

int __wrap_lm_guard(int (*call)(void *arg), void *arg);
int __wrap_lm_guard(int (*call)(void *arg), void *arg)
{
	return call(arg);
}

int __wrap_lm_guard_get(void *txn, unsigned table, void *key, void *value);
int __wrap_lm_guard_get(void *txn, unsigned table, void *key, void *value)
{
	return mdb_get(txn, table, key, value);
}

int __wrap_lm_guard_put(void *txn, unsigned table, void *key, void *value, unsigned flags);
int __wrap_lm_guard_put(void *txn, unsigned table, void *key, void *value, unsigned flags)
{
	return mdb_put(txn, table, key, value, flags);
}

int __wrap_lm_guard_seek(void *cursor, void *key, void *value, int op);
int __wrap_lm_guard_seek(void *cursor, void *key, void *value, int op)
{
	return mdb_cursor_get(cursor, key, value, op);
}

int __wrap_lm_guard_find(void *cursor, void *key, void *value, int op);
int __wrap_lm_guard_find(void *cursor, void *key, void *value, int op)
{
	return mdb_cursor_get(cursor, key, value, op);
}

int __wrap_lm_guard_commit(void *txn);
int __wrap_lm_guard_commit(void *txn)
{
	return mdb_txn_commit(txn);
}

enum err __wrap_pages_check_path(struct pages *p, unsigned table, struct str key, bool *found);
enum err __wrap_pages_check_path(struct pages *p, unsigned table, struct str key, bool *found)
{
	(void)p;
	(void)table;
	(void)key;
	*found = false;
	return ERR_OK;
}

enum err __wrap_pages_check_place(struct pages *p, unsigned table, const char *place);
enum err __wrap_pages_check_place(struct pages *p, unsigned table, const char *place)
{
	(void)p;
	(void)table;
	(void)place;
	return ERR_OK;
}

enum err __wrap_pages_check_free(struct pages *p);
enum err __wrap_pages_check_free(struct pages *p)
{
	(void)p;
	return ERR_OK;
}

void __wrap_cell_write(struct str key, uint64_t number, char out[CELL_SIZE]);
void __wrap_cell_write(struct str key, uint64_t number, char out[CELL_SIZE])
{
	(void)key;
	be64_put(out, number);
}

enum err __wrap_cell_parse(struct str key, struct str bytes, uint64_t *number);
enum err __wrap_cell_parse(struct str key, struct str bytes, uint64_t *number)
{
	(void)key;
	*number = be64_get(bytes.p);
	return ERR_OK;
}

void __wrap_row_write(unsigned table, struct str key, struct str value, char *out);
void __wrap_row_write(unsigned table, struct str key, struct str value, char *out)
{
	(void)table;
	(void)key;
	if (value.n)
		memcpy(out, value.p, value.n);
	memset(out + value.n, 0, ROW_SUM_SIZE);
}

enum err __wrap_row_parse(unsigned table, struct str key, struct str bytes, struct str *value);
enum err __wrap_row_parse(unsigned table, struct str key, struct str bytes, struct str *value)
{
	(void)table;
	(void)key;
	*value = (struct str){ bytes.p, bytes.n - ROW_SUM_SIZE };
	return ERR_OK;
}

enum err __wrap_event_check(struct str bytes, int64_t now_us, struct arena *a, struct event *e,
			    struct fault *fault);
enum err __wrap_event_check(struct str bytes, int64_t now_us, struct arena *a, struct event *e,
			    struct fault *fault)
{
	(void)bytes;
	(void)now_us;
	(void)a;
	(void)e;
	(void)fault;
	return ERR_OK;
}
