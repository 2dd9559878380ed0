/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica: a query service's own copy of the log, with its indexes, in LMDB.
 *
 * Tables: `meta` holds the store's identity, `log` the events by seq and `ids` the seq of each id (see
 * book.h), and one for each index. The position is the end of `log`: it cannot differ from what is in
 * it.
 */
#include "store/replica.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/book.h"
#include "store/identity.h"
#include "store/lm.h"
#include "store/row.h"

#define REPLICA_KIND "avow-rep"
#define REPLICA_FORMAT 3
/* An answer names events from all over: each page beyond one costs it more than all else of an event. */
#define SLAB_PAGES 1u
/* So many bytes of a damaged row's key are told. */
#define KEY_TOLD_MAX 32u

enum { T_META, T_LOG, T_IDS, T_INDEX };
static const struct lm_table tables[T_INDEX + REPLICA_TABLES] = {
	[T_META] = { "meta", false },	      [T_LOG] = { "log", true },
	[T_IDS] = { "ids", false },	      [T_INDEX] = { "index00", false },
	[T_INDEX + 1] = { "index01", false }, [T_INDEX + 2] = { "index02", false },
	[T_INDEX + 3] = { "index03", false }, [T_INDEX + 4] = { "index04", false },
	[T_INDEX + 5] = { "index05", false }, [T_INDEX + 6] = { "index06", false },
	[T_INDEX + 7] = { "index07", false }, [T_INDEX + 8] = { "index08", false },
	[T_INDEX + 9] = { "index09", false }, [T_INDEX + 10] = { "index10", false },
	[T_INDEX + 11] = { "index11", false }, [T_INDEX + 12] = { "index12", false },
	[T_INDEX + 13] = { "index13", false }, [T_INDEX + 14] = { "index14", false },
	[T_INDEX + 15] = { "index15", false },
};
_Static_assert(REPLICA_TABLES == 16, "each index has its row above");
_Static_assert(ARRAY_LEN(tables) <= LM_TABLES_MAX, "the environment holds them all");
_Static_assert(REPLICA_KEY_MAX <= LM_KEY_MAX, "a key fits");

struct replica {
	struct lm *lm;
	struct book *book;
	struct lm_txn *write; /* the transaction in hand, or NULL */
	struct lm_txn *view;  /* what is read from: a snapshot, or `write`; NULL without a snap */
	struct replica_info durable, pending;
	struct replica_damage damage;
	bool ours;     /* the store has said that it is a replica */
	bool outdated; /* of another format or index version: to be made anew */
};

/* ---- damage ---- */

const struct replica_damage *replica_damage(const struct replica *r)
{
	return &r->damage;
}

static enum err damaged_event(struct replica *r, uint64_t seq)
{
	r->damage.count++;
	if (!r->damage.first_seq)
		r->damage.first_seq = seq;
	fault_init(&r->damage.last);
	r->damage.last.seq = (int64_t)seq;
	return fault_set(&r->damage.last, ERR_DAMAGED, NULL, "event #%llu is damaged in this replica",
			 (unsigned long long)seq);
}

/* A row of the ids, or of an index: what it would have said can only be said by building it anew. */
static enum err damaged_row(struct replica *r, unsigned table, struct str key)
{
	char hex[2 * KEY_TOLD_MAX + 1] = "";

	for (size_t i = 0; i < key.n && i < KEY_TOLD_MAX; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", (unsigned char)key.p[i]);
	r->damage.count++;
	fault_init(&r->damage.last);
	return fault_set(&r->damage.last, ERR_DAMAGED, NULL,
			 "a row of table %s of this replica is damaged, key 0x%s",
			 tables[table].name, hex);
}

/* ---- opening ---- */

static enum err read_identity(struct replica *r, struct lm_txn *t, uint32_t index_version,
			      struct fault *fault)
{
	struct str row;
	struct identity id;

	enum err e = lm_get(t, T_META, LM_FIRST_KEY, &row);
	if (e)
		return fault_set(fault, e == ERR_NOT_FOUND ? ERR_STORE_FOREIGN : e, NULL,
				 "the store does not say what it is");
	e = identity_parse(row, REPLICA_KIND, REPLICA_FORMAT, &id, fault);
	r->outdated = e ? e == ERR_STORE_FOREIGN && id.format != 0 : id.index_version != index_version;
	r->ours = !e || r->outdated;
	if (r->outdated && fault)
		fault_init(fault);
	if (e || r->outdated)
		return r->outdated ? ERR_OK : e;
	r->durable = (struct replica_info){ .ledger = id.ledger,
					    .epoch = id.epoch,
					    .index_version = id.index_version };
	return ERR_OK;
}

static enum err read_head(struct replica *r, struct lm_txn *t, struct fault *fault)
{
	struct record rec;
	uint64_t seq;

	const enum err e = book_newest(r->book, t, &rec, &seq);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e == ERR_DAMAGED && seq) {
		if (fault)
			fault->seq = (int64_t)seq;
		return fault_set(fault, ERR_DAMAGED, NULL,
				 "the replica's newest event, %llu, is damaged",
				 (unsigned long long)seq);
	}
	if (e)
		return fault_set(fault, e, NULL, "the replica cannot be read: %s",
				 lm_trouble(r->lm));
	r->durable.head = seq;
	r->durable.recorded = rec.recorded;
	return ERR_OK;
}

static enum err open_store(struct replica *r, const char *dir, uint32_t index_version, bool anew,
			   const struct lm_sizes *sizes, struct fault *fault)
{
	const struct identity id = { .kind = REPLICA_KIND,
				     .format = REPLICA_FORMAT,
				     .index_version = index_version };
	char first[IDENTITY_SIZE];
	struct lm_txn *t;

	identity_write(&id, first);
	const struct lm_options o = { .tables = tables,
				      .ntables = ARRAY_LEN(tables),
				      .first = { first, sizeof(first) },
				      .anew = anew,
				      .sizes = sizes,
				      .looked_up = true };
	enum err e = lm_open(dir, &o, &r->lm, fault);
	if (e)
		return e;
	r->book = book_new(T_LOG, T_IDS, false, SLAB_PAGES);
	if (!r->book)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "no memory to open the replica");
	e = lm_read(r->lm, &t);
	if (e)
		return fault_set(fault, e, NULL, "the replica cannot be read: %s",
				 lm_trouble(r->lm));
	e = read_identity(r, t, index_version, fault);
	if (!e && !r->outdated)
		e = read_head(r, t, fault);
	book_leave(r->book);
	lm_end(t);
	return e;
}

static enum err open_replica(const char *dir, uint32_t index_version, bool anew,
			     const struct lm_sizes *sizes, struct replica **out,
			     struct fault *fault)
{
	struct replica *r = calloc(1, sizeof(*r));

	if (!r)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "no memory to open the replica");
	enum err e = open_store(r, dir, index_version, false, sizes, fault);
	if (r->ours && (r->outdated || (anew && (!e || e == ERR_DAMAGED)))) {
		book_free(r->book);
		lm_close(r->lm);
		*r = (struct replica){ 0 };
		e = open_store(r, dir, index_version, true, sizes, fault);
	}
	if (e) {
		replica_close(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

enum err replica_open_sized(const char *dir, uint32_t index_version, const struct lm_sizes *sizes,
			    struct replica **out, struct fault *fault)
{
	return open_replica(dir, index_version, false, sizes, out, fault);
}

enum err replica_open(const char *dir, uint32_t index_version, struct replica **out,
		      struct fault *fault)
{
	return open_replica(dir, index_version, false, NULL, out, fault);
}

enum err replica_rebuild(const char *dir, uint32_t index_version, struct replica **out,
			 struct fault *fault)
{
	const enum err e = open_replica(dir, index_version, true, NULL, out, fault);

	if (e == ERR_DAMAGED && fault)
		(void)fault_set(fault, e, NULL, "%s cannot be read at all; if it holds a replica and "
				"no ledger, remove it", dir);
	return e;
}

void replica_close(struct replica *r)
{
	if (!r)
		return;
	book_free(r->book);
	lm_close(r->lm);
	free(r);
}

void replica_info(const struct replica *r, struct replica_info *out)
{
	*out = r->write ? r->pending : r->durable;
}

enum err replica_log_bytes(struct replica *r, uint64_t *bytes)
{
	struct lm_txn *t;

	require(!r->write && !r->view);
	enum err e = lm_read(r->lm, &t);
	if (e)
		return e;
	e = lm_size(t, T_LOG, bytes);
	lm_end(t);
	return e;
}

const char *replica_trouble(const struct replica *r)
{
	return lm_trouble(r->lm);
}

enum err replica_tend(struct replica *r)
{
	return lm_tend(r->lm);
}

enum err replica_warm(struct replica *r, bool *more)
{
	struct lm_txn *t;

	require(!r->view && !r->write);
	enum err e = lm_warm(r->lm, more);
	if (!e)
		e = lm_read(r->lm, &t);
	if (e)
		return e;
	*more |= book_learn(r->book, t);
	lm_end(t);
	return ERR_OK;
}

enum err replica_reach(struct replica *r, uint64_t *in_reach, uint64_t *bytes)
{
	return lm_reach(r->lm, in_reach, bytes);
}

enum err replica_bind(struct replica *r, const struct id *ledger, uint64_t epoch)
{
	char row[IDENTITY_SIZE];
	const struct identity id = { .kind = REPLICA_KIND,
				     .format = REPLICA_FORMAT,
				     .index_version = r->durable.index_version,
				     .ledger = *ledger,
				     .epoch = epoch };

	require(!r->write && !r->view);
	if (r->durable.epoch == epoch && memcmp(&r->durable.ledger, ledger, sizeof(*ledger)) == 0)
		return ERR_OK;
	if (r->durable.head > 0)
		return ERR_WRONG_LEDGER;
	identity_write(&id, row);
	enum err e = replica_begin(r);
	if (e)
		return e;
	e = lm_put(r->write, T_META, LM_FIRST_KEY, (struct str){ row, sizeof(row) }, lm_replace);
	if (e) {
		replica_abort(r);
		return e;
	}
	r->pending.ledger = *ledger;
	r->pending.epoch = epoch;
	return replica_commit(r);
}

/* ---- writing ---- */

enum err replica_begin(struct replica *r)
{
	require(!r->write && !r->view);
	const enum err e = lm_write(r->lm, &r->write);
	if (e)
		return e;
	r->pending = r->durable;
	book_begin(r->book, r->write);
	return ERR_OK;
}

enum err replica_put(struct replica *r, const struct id *id, const struct record *rec)
{
	require(r->write);
	if (rec->seq != r->pending.head + 1)
		return ERR_INTERNAL;
	if (rec->event.n > EVENT_BYTES_MAX)
		return ERR_TOO_LARGE;
	const enum err e = book_put(r->book, id, rec);
	if (e)
		return e;
	r->pending.head = rec->seq;
	r->pending.recorded = rec->recorded;
	return ERR_OK;
}

enum err replica_index(struct replica *r, unsigned table, struct str key, struct str value)
{
	char *bytes;

	require(r->write && table < REPLICA_TABLES && key.n > 0);
	if (key.n > REPLICA_KEY_MAX || value.n > REPLICA_VALUE_MAX)
		return ERR_TOO_LARGE;
	enum err e = lm_put_room(r->write, T_INDEX + table, key, value.n + ROW_SUM_SIZE, lm_replace,
				 &bytes);
	if (!e)
		row_write(table, key, value, bytes);
	return e;
}

enum err replica_commit(struct replica *r)
{
	require(r->write);
	enum err e = book_settle(r->book);
	if (e) {
		replica_abort(r);
		return e;
	}
	struct lm_txn *t = r->write;
	r->write = r->view = NULL;
	e = lm_commit(t);
	book_end(r->book);
	if (!e)
		r->durable = r->pending;
	return e;
}

void replica_abort(struct replica *r)
{
	if (r->write) {
		book_end(r->book);
		lm_end(r->write);
	}
	r->write = r->view = NULL;
}

/* ---- reading ---- */

enum err replica_snap(struct replica *r)
{
	require(!r->view);
	r->damage.last.code = ERR_OK;
	if (!r->write)
		return lm_read(r->lm, &r->view);
	r->view = r->write;
	return ERR_OK;
}

void replica_unsnap(struct replica *r)
{
	require(r->view);
	if (r->view != r->write) {
		book_leave(r->book);
		lm_end(r->view);
	}
	r->view = NULL;
}

enum err replica_get(struct replica *r, uint64_t seq, struct record *out)
{
	const uint64_t head = r->write ? r->pending.head : r->durable.head;

	require(r->view);
	if (seq == 0 || seq > head)
		return ERR_NOT_FOUND;
	const enum err e = book_get(r->book, r->view, seq, out);
	return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? damaged_event(r, seq) : e;
}

enum err replica_find(struct replica *r, const struct id *id, uint64_t *seq)
{
	const struct str key = { (const char *)id->b, ID_SIZE };

	require(r->view);
	const enum err e = book_find(r->book, r->view, id, seq);
	return e == ERR_DAMAGED ? damaged_row(r, T_IDS, key) : e;
}

enum err replica_seq_at(struct replica *r, int64_t recorded, uint64_t *seq)
{
	struct halving h = { .low = 1, .high = (r->write ? r->pending.head : r->durable.head) + 1 };
	struct record rec;

	require(r->view);
	while (halving_goes_on(&h)) {
		const enum err e = replica_get(r, h.at, &rec);
		if (e)
			return e;
		halving_take(&h, rec.recorded < recorded);
	}
	*seq = h.low;
	return ERR_OK;
}

void replica_foresee_events(struct replica *r, const uint64_t *seqs, size_t n)
{
	require(r->view);
	book_foresee(r->book, r->view, seqs, n);
}

void replica_foresee(struct replica *r, unsigned table, struct str key)
{
	require(r->view && table < REPLICA_TABLES);
	lm_foresee(r->view, T_INDEX + table, key);
}

enum err replica_lookup(struct replica *r, unsigned table, struct str key, struct str *value)
{
	struct str bytes;

	require(r->view && table < REPLICA_TABLES);
	enum err e = lm_get(r->view, T_INDEX + table, key, &bytes);
	if (!e)
		e = row_parse(table, key, bytes, value);
	return e == ERR_DAMAGED ? damaged_row(r, T_INDEX + table, key) : e;
}

/* ---- cursors ---- */

enum err cursor_open(struct replica *r, unsigned table, struct str from, bool back,
		     struct cursor *c)
{
	struct lm_cursor *impl;

	require(r->view && table < REPLICA_TABLES);
	*c = (struct cursor){ .replica = r, .table = table, .back = back };
	if (from.n > REPLICA_KEY_MAX)
		return ERR_TOO_LARGE;
	enum err e = lm_cursor_open(r->view, T_INDEX + table, &impl);
	if (e)
		return e;
	c->impl = impl;
	e = cursor_seek(c, from);
	if (e)
		cursor_close(c);
	return e;
}

enum err cursor_seek(struct cursor *c, struct str from)
{
	if (from.n > REPLICA_KEY_MAX)
		return ERR_TOO_LARGE;
	const enum err e = lm_cursor_seek(c->impl, from, c->back, &c->key, &c->value);
	c->at = e ? cursor_ended : cursor_first;
	if (e == ERR_DAMAGED)
		return damaged_row(c->replica, T_INDEX + c->table, from);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err cursor_next(struct cursor *c)
{
	enum err e = ERR_OK;

	if (c->at == cursor_ended)
		return ERR_NOT_FOUND;
	if (c->at == cursor_within)
		e = lm_cursor_step(c->impl, c->back, &c->key, &c->value);
	if (!e)
		e = row_parse(c->table, c->key, c->value, &c->value);
	c->at = e ? cursor_ended : cursor_within;
	return e == ERR_DAMAGED ? damaged_row(c->replica, T_INDEX + c->table, c->key) : e;
}

void cursor_close(struct cursor *c)
{
	if (c->impl)
		lm_cursor_close(c->impl);
	*c = (struct cursor){ 0 };
}
