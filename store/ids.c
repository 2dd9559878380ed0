/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ids: a table from id to seq.
 *
 * A row is full before the next one begins where ids grow; where one is added in the middle of a full
 * row, that is cut into two of the same size.
 */
#include "store/ids.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/be.h"

#define SUM_SIZE 4u
/* How many ids are merged into one row at a time. */
#define ROUND_MAX 1000u
#define ROW_SIZE_MAX (ID_SIZE + IDS_ROW_MAX * IDS_ENTRY_SIZE + SUM_SIZE)

/* The least id of all, under which the first row lies. */
static const char least[ID_SIZE];

static uint32_t sum_of(const char *bytes, size_t n)
{
	return (uint32_t)XXH3_64bits(bytes, n);
}

/* Of entries, which begin with their ids, and of ids alone: those are bytes, and may lie anywhere. */
static int entry_cmp(const void *a, const void *b)
{
	return id_cmp(a, b);
}

/* ---- rows ---- */

struct row {
	char key[ID_SIZE];
	const char *entries; /* borrowed */
	size_t n;
	bool whole;	     /* as it was written: in order */
};

static enum err row_open(struct str key, struct str value, struct row *out)
{
	char bytes[ROW_SIZE_MAX];

	if (key.n != ID_SIZE || value.n < SUM_SIZE || value.n > ROW_SIZE_MAX - ID_SIZE ||
	    (value.n - SUM_SIZE) % IDS_ENTRY_SIZE != 0)
		return ERR_DAMAGED;
	memcpy(bytes, key.p, ID_SIZE);
	memcpy(bytes + ID_SIZE, value.p, value.n);
	memcpy(out->key, key.p, ID_SIZE);
	out->entries = value.p;
	out->n = (value.n - SUM_SIZE) / IDS_ENTRY_SIZE;
	const size_t summed = ID_SIZE + value.n - SUM_SIZE;
	out->whole = be32_get(bytes + summed) == sum_of(bytes, summed);
	return ERR_OK;
}

/* The entry of this id, or NULL. */
static const char *row_find(const struct row *r, const struct id *id)
{
	if (r->whole)
		return r->n ? bsearch(id->b, r->entries, r->n, IDS_ENTRY_SIZE, entry_cmp) : NULL;
	for (size_t i = 0; i < r->n; i++)
		if (memcmp(r->entries + i * IDS_ENTRY_SIZE, id->b, ID_SIZE) == 0)
			return r->entries + i * IDS_ENTRY_SIZE;
	return NULL;
}

enum err ids_find(struct lm_cursor *c, const struct id *id, uint64_t *seq)
{
	const struct str want = { (const char *)id->b, ID_SIZE };
	struct str key, value;
	struct row row;

	enum err e = lm_cursor_floor(c, want, &key, &value);
	if (!e)
		e = row_open(key, value, &row);
	if (e)
		return e;
	const char *entry = row_find(&row, id);
	if (!entry)
		return ERR_NOT_FOUND;
	return cell_parse(want, (struct str){ entry + ID_SIZE, CELL_SIZE }, seq);
}

enum err ids_greatest(struct lm_cursor *c, struct id *out)
{
	struct id most;
	struct str key, value;
	struct row row;

	memset(most.b, 0xff, ID_SIZE);
	enum err e = lm_cursor_floor(c, (struct str){ (const char *)most.b, ID_SIZE }, &key, &value);
	if (!e)
		e = row_open(key, value, &row);
	if (!e && (!row.whole || row.n == 0))
		e = ERR_DAMAGED;
	if (!e)
		memcpy(out->b, row.entries + (row.n - 1) * IDS_ENTRY_SIZE, ID_SIZE);
	return e;
}

/* ---- adding ---- */

/* The row that the ids from `from` on belong to, copied, and the key behind it. */
struct target {
	char key[ID_SIZE];
	char entries[IDS_ROW_MAX * IDS_ENTRY_SIZE];
	size_t n;
	char next[ID_SIZE];
	bool last; /* there is no next */
};

static enum err target_read(struct lm_cursor *c, const struct id *from, struct target *out)
{
	const struct str want = { (const char *)from->b, ID_SIZE };
	struct str key, value;
	struct row row;

	enum err e = lm_cursor_floor(c, want, &key, &value);
	if (e == ERR_NOT_FOUND) {
		memcpy(out->key, least, ID_SIZE);
		out->n = 0;
		out->last = true;
		return ERR_OK;
	}
	if (!e)
		e = row_open(key, value, &row);
	if (e)
		return e;
	memcpy(out->key, row.key, ID_SIZE);
	memcpy(out->entries, row.entries, row.n * IDS_ENTRY_SIZE);
	out->n = row.n;
	if (!row.whole) /* what flipped keeps its place and is found out by its cell */
		qsort(out->entries, out->n, IDS_ENTRY_SIZE, entry_cmp);
	e = lm_cursor_step(c, false, &key, &value);
	out->last = e == ERR_NOT_FOUND;
	if (!e && key.n != ID_SIZE)
		e = ERR_DAMAGED;
	if (!e)
		memcpy(out->next, key.p, ID_SIZE);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Both in order, as entries. ERR_INTERNAL: an id is in both, or one of v is not behind the one before. */
static enum err merge(const struct target *old, const struct id_place *v, size_t n, char *out)
{
	size_t i = 0, k = 0;

	for (; i < old->n || k < n; out += IDS_ENTRY_SIZE) {
		const char *entry = old->entries + i * IDS_ENTRY_SIZE;
		const int c = i == old->n ? 1 : k == n ? -1 : entry_cmp(entry, &v[k].id);
		if (c == 0 || (k > 0 && k < n && id_cmp(&v[k - 1].id, &v[k].id) >= 0))
			return ERR_INTERNAL;
		if (c < 0) {
			memcpy(out, entry, IDS_ENTRY_SIZE);
			i++;
			continue;
		}
		const struct str key = { (const char *)v[k].id.b, ID_SIZE };
		memcpy(out, key.p, ID_SIZE);
		cell_write(key, v[k].seq, out + ID_SIZE);
		k++;
	}
	return ERR_OK;
}

static enum err put_row(struct lm_txn *t, unsigned table, const char *key, const char *entries,
			size_t n, enum lm_how how)
{
	char bytes[ROW_SIZE_MAX];
	const size_t summed = ID_SIZE + n * IDS_ENTRY_SIZE;

	require(n <= IDS_ROW_MAX);
	memcpy(bytes, key, ID_SIZE);
	memcpy(bytes + ID_SIZE, entries, n * IDS_ENTRY_SIZE);
	be32_put(bytes + summed, sum_of(bytes, summed));
	return lm_put(t, table, (struct str){ bytes, ID_SIZE },
		      (struct str){ bytes + ID_SIZE, summed - ID_SIZE + SUM_SIZE }, how);
}

/* Put n entries where the row was: the last row leaves full ones behind, another is cut evenly. */
static enum err put_rows(struct lm_txn *t, unsigned table, const struct target *old,
			 const char *entries, size_t n)
{
	const size_t rows = (n + IDS_ROW_MAX - 1) / IDS_ROW_MAX;
	const size_t each = old->last ? IDS_ROW_MAX : (n + rows - 1) / rows;
	enum err e = ERR_OK;

	for (size_t at = 0; !e && at < n; at += each) {
		const char *first = entries + at * IDS_ENTRY_SIZE;
		const size_t count = n - at < each ? n - at : each;
		const enum lm_how how = at && old->last ? lm_append : lm_replace;
		e = put_row(t, table, at ? first : old->key, first, count, how);
	}
	return e;
}

/* Add the first of n ids, as many as belong to one row. */
static enum err add_some(struct lm_txn *t, unsigned table, const struct id_place *v, size_t n,
			 size_t *done)
{
	char entries[(IDS_ROW_MAX + ROUND_MAX) * IDS_ENTRY_SIZE];
	struct lm_cursor *c;
	struct target old;
	size_t take = 0;

	enum err e = lm_cursor_open(t, table, &c);
	if (e)
		return e;
	e = target_read(c, &v[0].id, &old);
	lm_cursor_close(c);
	if (e)
		return e;
	while (take < n && take < ROUND_MAX && (old.last || entry_cmp(&v[take].id, old.next) < 0))
		take++;
	ensure(take > 0);
	e = merge(&old, v, take, entries);
	if (!e)
		e = put_rows(t, table, &old, entries, old.n + take);
	*done = take;
	return e;
}

enum err ids_add(struct lm_txn *t, unsigned table, const struct id_place *v, size_t n)
{
	size_t done = 0;
	enum err e = ERR_OK;

	for (size_t at = 0; !e && at < n; at += done)
		e = add_some(t, table, v + at, n - at, &done);
	return e;
}
