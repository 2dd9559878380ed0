/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: the append-only history of events, in LMDB.
 *
 * Four tables: `meta` holds the store's identity, `log` the events by seq, `ids` the seq of each id
 * (so that a publish can be repeated for ever), `deals` the number of events of each deal. Nothing is
 * ever taken out of `log` and `ids`; see book.h for what a row holds.
 *
 * seq and recorded are handed out inside the transaction and become `durable` only once it is on
 * the disk; an aborted log commit leaves no hole.
 */
#include "store/log.h"

#include <stdlib.h>

#include "store/book.h"
#include "store/cell.h"
#include "store/counts.h"
#include "store/identity.h"
#include "store/lm.h"

#define LOG_KIND "avow-log"
#define LOG_FORMAT 2
#define FIRST_EPOCH 1
/* It is read from one event to the next, and must be small. */
#define SLAB_PAGES 8u
/* One snapshot of log_read: short, so that it never keeps the writer from using pages again. */
#define SNAPSHOT_EVENTS_MAX 1000u
#define SNAPSHOT_BYTES_MAX ((size_t)4 << 20)

enum { T_META, T_LOG, T_IDS, T_DEALS };
static const struct lm_table tables[] = {
	[T_META] = { "meta", false },
	[T_LOG] = { "log", true },
	[T_IDS] = { "ids", false },
	[T_DEALS] = { "deals", false },
};

struct log {
	struct lm *lm;
	struct book *book;
	struct lm_txn *txn; /* the log commit in hand, or NULL */
	struct counts deals; /* revisions that are known, with what it has changed */
	struct log_info durable;
	uint64_t head;	    /* with what the log commit in hand has put */
	int64_t recorded;
	size_t put_events, put_bytes;
};

/* ---- opening ---- */

static enum err read_identity(struct log *log, struct lm_txn *t, struct fault *fault)
{
	struct str row;
	struct identity id;

	enum err e = lm_get(t, T_META, LM_FIRST_KEY, &row);
	if (e)
		return fault_set(fault, e == ERR_NOT_FOUND ? ERR_STORE_FOREIGN : e, NULL,
				 "the store does not say what it is");
	e = identity_parse(row, LOG_KIND, LOG_FORMAT, &id, fault);
	if (e)
		return e;
	log->durable.ledger = id.ledger;
	log->durable.epoch = id.epoch;
	return ERR_OK;
}

/* The newest event must be whole. */
static enum err read_head(struct log *log, struct lm_txn *t, struct fault *fault)
{
	struct record r;
	uint64_t seq;

	const enum err e = book_newest(log->book, t, &r, &seq);
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e == ERR_DAMAGED && seq) {
		if (fault)
			fault->seq = (int64_t)seq;
		return fault_set(fault, e, NULL, "the newest event, %llu, is damaged",
				 (unsigned long long)seq);
	}
	if (e)
		return fault_set(fault, e, NULL, "the log cannot be read: %s", lm_trouble(log->lm));
	log->durable.head = seq;
	log->durable.recorded = r.recorded;
	return ERR_OK;
}

static enum err open_store(struct log *log, const char *dir, int64_t now_us,
			   const struct lm_sizes *sizes, struct fault *fault)
{
	struct identity id = { .kind = LOG_KIND,
			       .format = LOG_FORMAT,
			       .epoch = FIRST_EPOCH,
			       .created = now_us };
	char first[IDENTITY_SIZE];
	struct lm_txn *t;

	id_make(now_us, id.ledger.b);
	identity_write(&id, first);
	const struct lm_options o = { .tables = tables,
				      .ntables = ARRAY_LEN(tables),
				      .first = { first, sizeof(first) },
				      .sizes = sizes };
	enum err e = lm_open(dir, &o, &log->lm, fault);
	if (e)
		return e;
	log->book = book_new(T_LOG, T_IDS, true, SLAB_PAGES);
	if (!log->book)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "no memory to open the log");
	e = lm_read(log->lm, &t);
	if (e)
		return fault_set(fault, e, NULL, "the log cannot be read: %s", lm_trouble(log->lm));
	e = read_identity(log, t, fault);
	if (!e)
		e = read_head(log, t, fault);
	book_leave(log->book);
	lm_end(t);
	return e;
}

enum err log_open_sized(const char *dir, int64_t now_us, const struct lm_sizes *sizes,
			struct log **out, struct fault *fault)
{
	struct log *log = calloc(1, sizeof(*log));

	if (!log)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "no memory to open the log");
	counts_init(&log->deals);
	const enum err e = open_store(log, dir, now_us, sizes, fault);
	if (e) {
		log_close(log);
		return e;
	}
	*out = log;
	return ERR_OK;
}

enum err log_open(const char *dir, int64_t now_us, struct log **out, struct fault *fault)
{
	return log_open_sized(dir, now_us, NULL, out, fault);
}

void log_close(struct log *log)
{
	if (!log)
		return;
	counts_fini(&log->deals);
	book_free(log->book);
	lm_close(log->lm);
	free(log);
}

void log_info(const struct log *log, struct log_info *out)
{
	*out = log->durable;
}

bool log_has_room(const struct log *log)
{
	return lm_has_room(log->lm);
}

const char *log_trouble(const struct log *log)
{
	return lm_trouble(log->lm);
}

/* ---- writing ---- */

enum err log_begin(struct log *log)
{
	require(!log->txn);
	const enum err e = lm_write(log->lm, &log->txn);
	if (e)
		return e;
	log->head = log->durable.head;
	log->recorded = log->durable.recorded;
	log->put_events = log->put_bytes = 0;
	book_begin(log->book, log->txn);
	return ERR_OK;
}

enum err log_look(struct log *log)
{
	require(!log->txn);
	log->head = log->durable.head;
	log->recorded = log->durable.recorded;
	return lm_read(log->lm, &log->txn);
}

enum err log_find(struct log *log, const struct id *id, uint64_t *seq)
{
	require(log->txn);
	enum err e = book_find(log->book, log->txn, id, seq);
	if (!e && (*seq == 0 || *seq > log->head))
		e = ERR_DAMAGED;
	return e;
}

enum err log_get(struct log *log, uint64_t seq, struct record *out)
{
	require(log->txn);
	if (seq == 0 || seq > log->head)
		return ERR_NOT_FOUND;
	const enum err e = book_get(log->book, log->txn, seq, out);
	return e == ERR_NOT_FOUND ? ERR_DAMAGED : e;
}

/* What the table has, 0 where it has nothing. ERR_DAMAGED */
static enum err read_revision(struct log *log, struct str deal, uint64_t *revision)
{
	struct str cell;

	*revision = 0;
	const enum err e = lm_get(log->txn, T_DEALS, deal, &cell);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	return cell_parse(deal, cell, revision);
}

enum err log_revision(struct log *log, struct str deal, uint64_t *revision)
{
	require(log->txn);
	*revision = 0;
	if (deal.n > SLUG_MAX)
		return ERR_OK;
	const struct count *known = counts_find(&log->deals, deal);
	if (!known)
		return read_revision(log, deal, revision);
	*revision = known->number;
	return ERR_OK;
}

static enum err count_deal(struct log *log, struct str deal)
{
	struct count *known;
	uint64_t revision;
	enum err e = ERR_OK;

	if (deal.n == 0)
		return ERR_OK;
	known = counts_find(&log->deals, deal);
	if (!known)
		e = read_revision(log, deal, &revision);
	if (!e && !known)
		e = counts_add(&log->deals, deal, revision, &known);
	if (!e)
		counts_change(&log->deals, known, known->number + 1);
	return e;
}

/* The revisions that this log commit has changed, into their table. */
static enum err put_deals(struct log *log)
{
	struct lm_cursor *deals;
	char cell[CELL_SIZE];

	enum err e = lm_cursor_open(log->txn, T_DEALS, &deals);
	if (e)
		return e;
	for (size_t i = 0; !e && i < log->deals.nchanged; i++) {
		const struct count *c = counts_changed(&log->deals, i);
		cell_write(c->key, c->number, cell);
		e = lm_cursor_put(deals, c->key, (struct str){ cell, CELL_SIZE });
	}
	lm_cursor_close(deals);
	return e;
}

enum err log_put(struct log *log, const struct id *id, struct str deal, struct str event,
		 int64_t now_us, struct record *out)
{
	require(log->txn && log->recorded < INT64_MAX);
	if (event.n > EVENT_BYTES_MAX || deal.n > SLUG_MAX ||
	    log->put_events == LOG_COMMIT_EVENTS_MAX ||
	    event.n > LOG_COMMIT_BYTES_MAX - log->put_bytes)
		return ERR_TOO_LARGE;
	struct record r = { .epoch = log->durable.epoch,
			    .seq = log->head + 1,
			    .recorded = now_us > log->recorded ? now_us : log->recorded + 1,
			    .event = event };
	leaf_hash(r.epoch, r.seq, r.recorded, event, &r.leaf);
	/* a deal's cell that is damaged comes out before anything is put */
	enum err e = count_deal(log, deal);
	if (!e)
		e = book_put(log->book, id, &r);
	if (e)
		return e;
	log->head = r.seq;
	log->recorded = r.recorded;
	log->put_events++;
	log->put_bytes += event.n;
	*out = r;
	return ERR_OK;
}

int64_t log_recorded(const struct log *log)
{
	return log->txn ? log->recorded : log->durable.recorded;
}

enum err log_commit(struct log *log)
{
	require(log->txn);
	enum err e = put_deals(log);
	if (e == ERR_DAMAGED) /* log_abort forgets what was known, so that log_put will meet it */
		e = ERR_BUSY;
	if (!e)
		e = book_settle(log->book);
	if (e) {
		log_abort(log);
		return e;
	}
	struct lm_txn *t = log->txn;
	log->txn = NULL;
	e = lm_commit(t);
	book_end(log->book);
	if (e) {
		counts_clear(&log->deals);
		return e;
	}
	counts_settle(&log->deals);
	log->durable.head = log->head;
	log->durable.recorded = log->recorded;
	return ERR_OK;
}

void log_abort(struct log *log)
{
	if (!log->txn)
		return;
	if (log->deals.nchanged) /* they are not what the table has */
		counts_clear(&log->deals);
	book_leave(log->book); /* log_look's */
	book_end(log->book);
	lm_end(log->txn);
	log->txn = NULL;
}

/* ---- reading ---- */

/* What is left of a slice's limits, and where the slice goes. */
struct slice {
	struct slice_limits left;
	struct arena *arena;
	struct record_list *out;
	uint64_t next;	   /* seq of the next record */
	bool full;	   /* a limit is reached */
};

/* Copy one stored record into the slice; sets full instead where it does not fit. */
static enum err take(struct slice *s, struct record r)
{
	s->full = r.event.n > s->left.bytes && s->out->n > 0;
	if (s->full)
		return ERR_OK;
	char *copy = arena_alloc(s->arena, r.event.n);
	if (!copy)
		return ERR_NO_MEMORY;
	if (r.event.n)
		memcpy(copy, r.event.p, r.event.n);
	r.event.p = copy;
	s->out->v[s->out->n++] = r;
	s->left.bytes -= r.event.n < s->left.bytes ? r.event.n : s->left.bytes;
	s->left.events--;
	s->full = s->left.events == 0;
	s->next++;
	return ERR_OK;
}

/* Go on from s->next to the end of the slice or of what one snapshot may do. */
static enum err take_some(struct slice *s, struct book *book, struct lm_txn *t)
{
	struct record r;
	size_t done = 0;
	enum err e = ERR_OK;

	for (size_t n = 0; !e && !s->full && n < SNAPSHOT_EVENTS_MAX && done < SNAPSHOT_BYTES_MAX;
	     n++) {
		e = book_get(book, t, s->next, &r);
		if (!e)
			e = take(s, r);
		done += e ? 0 : r.event.n;
	}
	book_leave(book);
	/* the slice ends at the head, so that an event that is not there is one that is lost */
	return e == ERR_NOT_FOUND ? ERR_DAMAGED : e;
}

static enum err slice_fault(const struct log *log, enum err e, uint64_t seq, struct fault *fault)
{
	switch (e) {
	case ERR_DAMAGED:
		if (fault)
			fault->seq = (int64_t)seq;
		return fault_set(fault, e, NULL, "event %llu is damaged", (unsigned long long)seq);
	case ERR_NO_MEMORY:
		return fault_set(fault, e, NULL, "event %llu does not fit into memory",
				 (unsigned long long)seq);
	default:
		return fault_set(fault, e, NULL, "cannot read the log: %s", log_trouble(log));
	}
}

enum err log_read(struct log *log, uint64_t after, struct slice_limits limits, struct arena *a,
		  struct record_list *out, struct fault *fault)
{
	const uint64_t head = log->durable.head;
	struct lm_txn *t;
	enum err e = ERR_OK;

	*out = (struct record_list){ 0 };
	if (after >= head || limits.events == 0)
		return ERR_OK;
	if (limits.events > head - after)
		limits.events = head - after;
	out->v = arena_zalloc(a, limits.events, sizeof(*out->v));
	if (!out->v)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "no memory for %zu records",
				 limits.events);
	struct slice s = { .left = limits, .arena = a, .out = out, .next = after + 1 };
	while (!e && !s.full) {
		e = lm_read(log->lm, &t);
		if (e)
			break;
		e = take_some(&s, log->book, t);
		lm_end(t);
	}
	/* what came before the trouble is good; the next call meets it first */
	if (e && out->n == 0)
		return slice_fault(log, e, s.next, fault);
	return ERR_OK;
}

enum err log_verify(struct log *log, uint64_t after, size_t count, uint64_t *to, uint64_t *damaged)
{
	struct record r;
	struct lm_txn *t;

	require(!log->txn);
	*to = after;
	*damaged = 0;
	enum err e = lm_read(log->lm, &t);
	if (e)
		return e;
	while (!e && *to < log->durable.head && *to - after < count) {
		e = book_get(log->book, t, *to + 1, &r);
		if (e == ERR_DAMAGED || e == ERR_NOT_FOUND) {
			*damaged = *damaged ? *damaged : *to + 1;
			e = ERR_OK;
		}
		*to += !e;
	}
	book_leave(log->book);
	lm_end(t);
	return e;
}

enum err log_tend(struct log *log)
{
	return lm_tend(log->lm);
}
