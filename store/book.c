/* SPDX-License-Identifier: Apache-2.0 */
/*
 * book: the events of a store, by seq and by id.
 *
 * To get an event is to find the last slab that begins at or before it, and to copy the slab out of
 * the store where it is not in reach. In a snapshot it is kept, so that reading on costs nothing but the
 * event; a write transaction may replace it.
 */
#include "store/book.h"

#include <stdlib.h>

#include "store/fresh.h"
#include "store/slab.h"
#include "store/spots.h"

/* Events that are borrowed from one transaction, at once. */
#define GOT_BYTES_MAX ((size_t)256 << 20)

/* The slab of an event: where it lies. */
struct found_slab {
	uint64_t seq, first;
	struct str there;
};

/* Where reading stands in one transaction. */
struct place {
	struct lm_txn *t;	 /* NULL: nowhere */
	struct lm_cursor *slabs, *ids;
	bool has_slab;
	struct slab slab; /* borrows where it lies, or `row` */
	char row[SLAB_ROW_MAX];
	struct arena got; /* the events that were */
	struct found_slab foreseen[FORESEEN_MAX];
	size_t nforeseen, next; /* those before `next` were got */
	bool sent_for; /* their memory */
	bool expected; /* those that are not in memory are being read */
};

struct book {
	unsigned slabs, ids;
	bool leaves;
	size_t slab_max;	 /* bytes of a slab */
	struct lm_txn *write;	 /* the write transaction in hand, or NULL */
	bool writing;		 /* `w` is in use */
	bool stored;		 /* its row is there, with w_stored of its events */
	size_t w_stored;
	enum err failed;	 /* the first error of the write transaction */
	struct fresh fresh;
	struct spots spots;
	bool has_greatest;
	struct id greatest;	 /* of the ids in the table: ids of version 7 are beyond it when new */
	struct place inside, outside; /* the write transaction, and a snapshot */
	struct slab_writer w;
};

struct book *book_new(unsigned slabs, unsigned ids, bool leaves, unsigned slab_pages)
{
	struct book *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->slabs = slabs;
	b->ids = ids;
	b->leaves = leaves;
	b->slab_max = SLAB_BYTES(slab_pages);
	fresh_init(&b->fresh);
	arena_init(&b->inside.got, GOT_BYTES_MAX);
	arena_init(&b->outside.got, GOT_BYTES_MAX);
	if (spots_init(&b->spots)) {
		book_free(b);
		return NULL;
	}
	return b;
}

void book_free(struct book *b)
{
	if (!b)
		return;
	book_end(b);
	book_leave(b);
	fresh_fini(&b->fresh);
	arena_fini(&b->inside.got);
	arena_fini(&b->outside.got);
	spots_fini(&b->spots);
	free(b);
}

/* ---- reading ---- */

static struct str seq_key(const uint64_t *seq)
{
	return (struct str){ (const char *)seq, sizeof(*seq) };
}

static void place_leave(struct place *p)
{
	if (p->slabs)
		lm_cursor_close(p->slabs);
	if (p->ids)
		lm_cursor_close(p->ids);
	p->t = NULL;
	p->slabs = p->ids = NULL;
	p->has_slab = false;
	p->nforeseen = p->next = 0;
	arena_reset(&p->got);
}

static struct place *place_of(struct book *b, struct lm_txn *t)
{
	struct place *p = t == b->write ? &b->inside : &b->outside;

	require(!p->t || p->t == t);
	p->t = t;
	return p;
}

/* What is read of the slab in hand, while that is guarded: see lm_cursor_floor_there. */
struct look {
	struct slab *slab;
	struct str row;
	uint64_t seq;
	struct record *out;
};

static enum err open_slab(void *arg)
{
	const struct look *x = arg;

	return slab_open(x->row, x->slab->first, x->slab->leaves, x->slab);
}

static enum err get_event(void *arg)
{
	const struct look *x = arg;

	return slab_get(x->slab, x->seq, x->out);
}

/* The last slab that begins at or before seq. On error `first` is that of a damaged one, 0 where it is not known. */
static enum err look_up(struct book *b, struct place *p, uint64_t seq, struct found_slab *out)
{
	struct str key;
	enum err e = ERR_OK;

	*out = (struct found_slab){ .seq = seq };
	if (p->t != b->write && spots_find(&b->spots, p->t, seq, &out->first, &out->there))
		return ERR_OK;
	if (!p->slabs)
		e = lm_cursor_open(p->t, b->slabs, &p->slabs);
	if (!e)
		e = lm_cursor_floor_there(p->slabs, seq_key(&seq), &key, &out->there);
	if (!e && key.n != sizeof(out->first))
		e = ERR_DAMAGED;
	if (e)
		return e;
	memcpy(&out->first, key.p, sizeof(out->first));
	return out->there.n <= SLAB_ROW_MAX ? ERR_OK : ERR_DAMAGED;
}

/* Each step reads what the one before has sent for, of all of them: none is waited for while others could come. */
static enum err send_for_foreseen(void *arg)
{
	const struct place *p = arg;

	for (size_t i = 0; i < p->nforeseen; i++)
		if (lm_in_reach(p->t, p->foreseen[i].there))
			slab_await(p->foreseen[i].there);
	for (size_t i = 0; i < p->nforeseen; i++)
		if (lm_in_reach(p->t, p->foreseen[i].there))
			slab_foresee_frame(p->foreseen[i].there);
	for (size_t i = 0; i < p->nforeseen; i++)
		if (lm_in_reach(p->t, p->foreseen[i].there))
			slab_foresee_body(p->foreseen[i].there, p->foreseen[i].first, p->foreseen[i].seq);
	return ERR_OK;
}

static enum err find(struct book *b, struct place *p, uint64_t seq, struct found_slab *out)
{
	if (p->nforeseen && !p->sent_for) {
		p->sent_for = true;
		if (lm_guarded(send_for_foreseen, p))
			p->nforeseen = 0; /* one cannot be read: whoever gets it will hear of it */
	}
	for (size_t i = p->next; i < p->nforeseen; i++) {
		if (p->foreseen[i].seq != seq)
			continue;
		*out = p->foreseen[i];
		p->next = i + 1;
		return ERR_OK;
	}
	return look_up(b, p, seq, out);
}

/* Copy a slab that is not in reach; where one that was foreseen comes from the disk, so do those behind it. */
static enum err copy_slab(struct place *p, const struct found_slab *at)
{
	const bool foreseen = p->next > 0 && p->foreseen[p->next - 1].seq == at->seq;

	if (foreseen && lm_copy_near(p->t, at->there, p->row))
		return ERR_OK;
	for (size_t i = p->next; foreseen && !p->expected && i < p->nforeseen; i++)
		lm_expect(p->t, p->foreseen[i].there);
	p->expected |= foreseen;
	return lm_copy(p->t, at->there, p->row);
}

/* Have the slab of this event in hand; see look_up for errors. */
static enum err take_slab(struct book *b, struct place *p, uint64_t seq)
{
	struct found_slab at;
	enum err e = find(b, p, seq, &at);

	p->has_slab = false;
	p->slab = (struct slab){ .first = at.first, .leaves = b->leaves };
	if (!e && !lm_in_reach(p->t, at.there)) {
		e = copy_slab(p, &at);
		at.there.p = p->row;
	}
	return e ? e : lm_guarded(open_slab, &(struct look){ .slab = &p->slab, .row = at.there });
}

/* The event out of the slab in hand, its bytes where they stay. */
static enum err get_there(struct place *p, uint64_t seq, struct record *out)
{
	const enum err e = lm_guarded(get_event,
				   &(struct look){ .slab = &p->slab, .seq = seq, .out = out });

	if (e)
		return e;
	out->event = arena_str(&p->got, out->event);
	return out->event.p ? ERR_OK : ERR_NO_MEMORY;
}

enum err book_get(struct book *b, struct lm_txn *t, uint64_t seq, struct record *out)
{
	struct place *p = place_of(b, t);

	if (t == b->write && b->writing && seq >= b->w.slab.first)
		return slab_get(&b->w.slab, seq, out);
	if (!p->has_slab || !slab_has(&p->slab, seq)) {
		const enum err e = take_slab(b, p, seq);
		if (e)
			return e;
		p->has_slab = t != b->write;
	}
	return get_there(p, seq, out);
}

/* Whether an id is greater than all in the table, as of the beginning of the write transaction. */
static bool is_beyond(struct book *b, const struct id *id)
{
	if (!b->has_greatest) {
		b->greatest = (struct id){ { 0 } };
		const enum err e = ids_greatest(b->inside.ids, &b->greatest);
		b->has_greatest = !e || e == ERR_NOT_FOUND;
	}
	return b->has_greatest && id_cmp(id, &b->greatest) > 0;
}

enum err book_find(struct book *b, struct lm_txn *t, const struct id *id, uint64_t *seq)
{
	struct place *p = place_of(b, t);
	enum err e = ERR_OK;

	if (t == b->write && fresh_find(&b->fresh, id, seq))
		return ERR_OK;
	if (!p->ids)
		e = lm_cursor_open(t, b->ids, &p->ids);
	if (e)
		return e;
	if (t == b->write && is_beyond(b, id))
		return ERR_NOT_FOUND;
	return ids_find(p->ids, id, seq);
}

void book_foresee(struct book *b, struct lm_txn *t, const uint64_t *seqs, size_t n)
{
	struct place *p = place_of(b, t);

	p->nforeseen = p->next = 0;
	p->sent_for = false;
	p->expected = false;
	if (t == b->write)
		return; /* the next put may move them */
	n = n < FORESEEN_MAX ? n : FORESEEN_MAX;
	for (size_t i = 0; i < n; i++)
		spots_foresee(&b->spots, seqs[i]);
	for (size_t i = 0; i < n; i++) {
		struct found_slab *at = &p->foreseen[p->nforeseen];
		if (look_up(b, p, seqs[i], at))
			continue; /* whoever gets it will hear of it */
		if (lm_in_reach(t, at->there))
			slab_foresee(at->there);
		p->nforeseen++;
	}
}

bool book_learn(struct book *b, struct lm_txn *t)
{
	return spots_learn(&b->spots, t, b->slabs);
}

void book_leave(struct book *b)
{
	place_leave(&b->outside);
}

enum err book_newest(struct book *b, struct lm_txn *t, struct record *out, uint64_t *seq)
{
	struct place *p = place_of(b, t);

	const enum err e = take_slab(b, p, UINT64_MAX);
	*seq = e ? p->slab.first : p->slab.first + p->slab.n - 1;
	return e ? e : lm_guarded(get_event, &(struct look){ .slab = &p->slab, .seq = *seq, .out = out });
}

/* ---- writing ---- */

void book_begin(struct book *b, struct lm_txn *t)
{
	require(!b->write && t);
	b->write = t;
	b->writing = b->has_greatest = false;
	b->failed = ERR_OK;
}

/* Go on with the newest slab where that can be done, else begin one. */
static enum err go_on(struct book *b)
{
	struct place *p = place_of(b, b->write);
	const struct slab *newest = &p->slab;
	const enum err e = take_slab(b, p, UINT64_MAX);

	b->writing = true;
	b->stored = !e && newest->bodies.n <= SLAB_BYTES_MAX && lm_cursor_sound(b->inside.slabs);
	if (b->stored) {
		slab_resume(&b->w, newest, b->slab_max);
		b->w_stored = newest->n;
		return ERR_OK;
	}
	slab_begin(&b->w, b->leaves, b->slab_max);
	b->w_stored = 0;
	/* a damaged one stays as it is, and never stops the writer */
	return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? ERR_OK : e;
}

/* Put the slab in hand into its table. */
static enum err put_slab(struct book *b)
{
	const uint64_t first = b->w.slab.first;

	if (!b->writing || b->w.slab.n == b->w_stored)
		return ERR_OK;
	place_leave(&b->inside);
	/* copied by lm_put, which a damaged page cannot lead to write somewhere else */
	const enum err e = lm_put(b->write, b->slabs, seq_key(&first), slab_row(&b->w),
				  b->stored ? lm_replace : lm_append);
	if (e)
		return e;
	b->stored = true;
	b->w_stored = b->w.slab.n;
	return ERR_OK;
}

static enum err put(struct book *b, const struct id *id, const struct record *rec)
{
	enum err e = b->writing ? ERR_OK : go_on(b);

	if (!e)
		e = fresh_add(&b->fresh, id, rec->seq);
	if (e || slab_add(&b->w, rec))
		return e;
	e = put_slab(b);
	if (e)
		return e;
	slab_begin(&b->w, b->leaves, b->slab_max);
	b->stored = false;
	b->w_stored = 0;
	return slab_add(&b->w, rec) ? ERR_OK : ERR_INTERNAL;
}

enum err book_put(struct book *b, const struct id *id, const struct record *rec)
{
	require(b->write);
	if (!b->failed)
		b->failed = put(b, id, rec);
	return b->failed;
}

enum err book_settle(struct book *b)
{
	require(b->write);
	if (!b->failed)
		b->failed = put_slab(b);
	place_leave(&b->inside);
	if (!b->failed)
		b->failed = ids_add(b->write, b->ids, fresh_sorted(&b->fresh), b->fresh.n);
	fresh_clear(&b->fresh);
	return b->failed;
}

void book_end(struct book *b)
{
	place_leave(&b->inside);
	fresh_clear(&b->fresh);
	b->write = NULL;
	b->writing = false;
}
