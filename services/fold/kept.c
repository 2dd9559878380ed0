/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept: a deal in one piece of memory: its head, intervals, sums that point to intervals, payers and
 * payees. Most sums of a deal are the same ones, carried down or of its only payer; they share intervals.
 */
#include "services/fold/kept.h"

#include <stdlib.h>

#include "services/fold/ladder.h"
#include "services/fold/stage.h"

#define FORESEEN_BYTES (6 * CACHE_LINE) /* most deals take no more */
#define RUNGS_KEPT 4u	  /* talked to paid */
#define NUMBERS_FIRST 1024u
#define TOGETHER_MAX 64u /* deals that hang together; more are not kept */
#define DROPPED_SHARE 4u /* of all memory: when it is worth to begin anew */
#define VIEWED_BYTES 64u /* of a view for each fact of a large deal, about */
#define AWAITED_BYTES_MAX ((size_t)8 << 20)
#define AWAITED_MAX 65536u /* for which these bytes are enough */

struct kept_interval {
	int64_t low, high;
	uint16_t currency;
	bool low_open, high_open, low_excl, high_excl, approx;
};
struct kept_sums {
	uint32_t first, n; /* intervals */
	uint32_t undisclosed, undisclosed_returned;
};
struct kept_deal {
	int64_t first_stated, last_stated; /* of its facts */
	uint64_t last_seq;
	/* of each payer, then in all, then unattributed: rung by rung */
	const struct kept_sums *sums;
	const struct kept_interval *intervals;
	const uint32_t *payers, *payees, *parts;
	uint32_t npayers, npayees, nparts;
	uint32_t whole, successor;
	uint32_t next; /* of those that hang together: the next one, round to the first */
	enum stage stage;
	struct str slug;
	size_t bytes;
};
/*
 * Memory is taken from one mapping, one piece behind the other, and given back all at once when there is
 * no more and much of it was dropped. It is not malloc's, as a service takes what that holds for answers
 * that nobody fetches (services/shared/port.h).
 */
struct kept {
	char *room;
	size_t used, max, dropped; /* bytes; those that were dropped are used as well */
	bool full; /* what did not fit was not kept */
	struct kept_deal **v; /* by number of deal; NULL: not kept */
	size_t cap;
	/* ids of events that are retold and have not come, to the deal where they are */
	struct map awaited;
	struct arena arena;
	struct shelf *shelf;
	struct room for_views;
};

/* ---- all of them ---- */

struct kept *kept_new(size_t bytes_max, size_t large)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->max = bytes_max;
	k->room = memory_map(bytes_max);
	k->shelf = shelf_new(bytes_max, large);
	arena_init(&k->arena, AWAITED_BYTES_MAX);
	if (!room_init(&k->for_views, KEPT_ROOM_BYTES) && k->room && k->shelf)
		return k;
	kept_free(k);
	return NULL;
}

void kept_free(struct kept *k)
{
	if (!k)
		return;
	memory_unmap(k->room, k->max);
	shelf_free(k->shelf);
	room_fini(&k->for_views);
	arena_fini(&k->arena);
	free(k);
}

struct shelf *kept_shelf(const struct kept *k)
{
	return k->shelf;
}

struct room *kept_room(struct kept *k)
{
	return &k->for_views;
}

void kept_foresee_large(struct kept *k, size_t facts)
{
	room_ready(&k->for_views, facts < SIZE_MAX / VIEWED_BYTES ? facts * VIEWED_BYTES : SIZE_MAX);
}

bool kept_has(const struct kept *k, uint32_t deal)
{
	return deal < k->cap && k->v[deal];
}

/* What it came to, with all that it hangs together with. */
static void forget(struct kept *k, uint32_t deal)
{
	while (kept_has(k, deal)) {
		const struct kept_deal *d = k->v[deal];
		k->dropped += d->bytes;
		k->v[deal] = NULL;
		deal = d->next;
	}
}

void kept_drop(struct kept *k, uint32_t deal)
{
	if (!k)
		return;
	shelf_drop(k->shelf, deal);
	forget(k, deal);
}

/* The end of an id is chance, its beginning is time. */
static uint64_t awaited_key(const void *id)
{
	uint64_t key;

	memcpy(&key, (const char *)id + ID_SIZE - sizeof(key), sizeof(key));
	return key ? key : 1;
}

void kept_arrived(struct kept *k, const struct id *id)
{
	if (!k)
		return;
	const uint64_t *deal = map_find(&k->awaited, awaited_key(id->b));
	if (deal)
		forget(k, (uint32_t)*deal);
	shelf_arrived(k->shelf, id);
}

void kept_tidy(struct kept *k)
{
	if (!k)
		return;
	shelf_tidy(k->shelf);
	if (!k->full || k->dropped < k->max / DROPPED_SHARE)
		return;
	arena_reset(&k->arena);
	*k = (struct kept){ .room = k->room, .max = k->max, .arena = k->arena, .shelf = k->shelf,
			    .for_views = k->for_views };
}

/* NULL: there is no room. */
static void *take(struct kept *k, size_t n)
{
	const size_t padded = arena_padded(n);

	k->full |= padded > k->max - k->used;
	if (k->full)
		return NULL;
	void *p = k->room + k->used;
	k->used += padded;
	return p;
}

/* A place for this number; false: there is none. */
static bool place_for(struct kept *k, uint32_t deal)
{
	size_t cap = k->cap ? k->cap : NUMBERS_FIRST;

	while (cap <= deal)
		cap *= 2;
	if (cap == k->cap)
		return true;
	struct kept_deal **v = take(k, cap * sizeof(struct kept_deal *));
	if (!v)
		return false;
	if (k->cap)
		memcpy(v, k->v, k->cap * sizeof(struct kept_deal *));
	memset(v + k->cap, 0, (cap - k->cap) * sizeof(struct kept_deal *));
	k->v = v;
	k->cap = cap;
	return true;
}

/* ---- finding ---- */

bool kept_serves(const struct question *q)
{
	return q->policy == policy_best && q->bases == BASES_DEFAULT && q->on == DAY_MAX &&
	       !q->window && !q->assume.n && !q->currency;
}

const struct kept_deal *kept_find(const struct kept *k, const struct horizon *h, uint32_t deal)
{
	static const struct kept_deal nothing = { .stage = stage_NONE };
	const struct kept_deal *d = kept_has(k, deal) ? k->v[deal] : NULL;

	if (!d)
		return NULL;
	if (h->stated_end <= d->first_stated)
		return &nothing;
	return h->stated_end > d->last_stated && h->at_seq >= d->last_seq ? d : NULL;
}

bool kept_foresee(const struct kept *k, uint32_t deal)
{
	const char *p = kept_has(k, deal) ? (const char *)k->v[deal] : NULL;

	if (p)
		memory_foresee(p, FORESEEN_BYTES);
	return p;
}

const uint32_t *kept_payers(const struct kept_deal *d, size_t *n)
{
	*n = d->npayers;
	return d->payers;
}

const uint32_t *kept_payees(const struct kept_deal *d, size_t *n)
{
	*n = d->npayees;
	return d->payees;
}

const uint32_t *kept_parts(const struct kept_deal *d, size_t *n)
{
	*n = d->nparts;
	return d->parts;
}

uint32_t kept_whole(const struct kept_deal *d)
{
	return d->whole;
}

uint32_t kept_successor(const struct kept_deal *d)
{
	return d->successor;
}

bool kept_slug(const struct kept *k, uint32_t deal, struct str *out)
{
	const bool found = kept_has(k, deal);

	if (found)
		*out = k->v[deal]->slug;
	return found;
}

enum stage kept_stage(const struct kept_deal *d)
{
	return d->stage;
}

static enum err sums_of(struct counting *c, const struct kept_deal *d, size_t row, enum rung rung,
			struct sums *out)
{
	*out = (struct sums){ 0 };
	if (!d->sums)
		return ERR_OK; /* nothing at all */
	const struct kept_sums *from = &d->sums[row * RUNGS_KEPT + rung - rung_talked];
	out->undisclosed = from->undisclosed;
	out->undisclosed_returned = from->undisclosed_returned;
	if (from->n == 0)
		return ERR_OK;
	out->n = out->cap = from->n;
	out->v = arena_alloc(c->arena, from->n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < from->n; i++) {
		const struct kept_interval *one = &d->intervals[from->first + i];
		out->v[i] = (struct interval){ .low = bound_of(one->low), .high = bound_of(one->high),
			.currency = one->currency, .low_open = one->low_open,
			.high_open = one->high_open, .low_excl = one->low_excl,
			.high_excl = one->high_excl, .approx = one->approx };
	}
	return ERR_OK;
}

enum err kept_value(struct counting *c, const struct kept_deal *d, size_t place, enum rung rung,
		    struct sums *out)
{
	return sums_of(c, d, place, rung, out);
}

enum err kept_total(struct counting *c, const struct kept_deal *d, enum rung rung, struct sums *out)
{
	return sums_of(c, d, d->npayers, rung, out);
}

enum err kept_unattributed(struct counting *c, const struct kept_deal *d, enum rung rung,
			   struct sums *out)
{
	return sums_of(c, d, (size_t)d->npayers + 1, rung, out);
}

/* ---- keeping ---- */

/* A deal as it will be kept, in the view's memory. */
struct draft {
	struct kept_sums *sums;
	size_t nsums;
	struct kept_interval *intervals;
	size_t n, cap;
	bool fits;
};

static bool fits_64(wide n)
{
	return n >= INT64_MIN && n <= INT64_MAX;
}

static struct kept_interval *draft_room(struct view *v, struct draft *d, size_t more)
{
	if (d->n + more > d->cap) {
		const size_t cap = 2 * (d->n + more);
		struct kept_interval *all = arena_alloc(&v->arena, cap * sizeof(*all));
		if (!all)
			return NULL;
		if (d->n)
			memcpy(all, d->intervals, d->n * sizeof(*all));
		d->intervals = all;
		d->cap = cap;
	}
	memset(d->intervals + d->n, 0, more * sizeof(*d->intervals));
	return d->intervals + d->n;
}

/* The intervals of the sums that came `back` before, where they are the same ones. */
static bool draft_shares(const struct draft *d, size_t back, struct kept_sums *s)
{
	if (d->nsums < back)
		return false;
	const struct kept_sums *other = &d->sums[d->nsums - back];
	if (other->n != s->n || memcmp(d->intervals + other->first, d->intervals + s->first,
				       s->n * sizeof(*d->intervals)) != 0)
		return false;
	s->first = other->first;
	return true;
}

static enum err draft_sums(struct view *v, struct draft *d, const struct sums *sums)
{
	struct kept_sums s = { (uint32_t)d->n, (uint32_t)sums->n, (uint32_t)sums->undisclosed,
			       (uint32_t)sums->undisclosed_returned };
	struct kept_interval *to = draft_room(v, d, sums->n + 1);

	if (!to)
		return ERR_NO_MEMORY;
	d->fits &= sums->undisclosed <= UINT32_MAX;
	for (size_t i = 0; i < sums->n; i++, to++) {
		const struct interval *from = &sums->v[i];
		d->fits &= !from->low.terms && !from->high.terms && fits_64(from->low.n) &&
			   fits_64(from->high.n);
		to->low = (int64_t)from->low.n;
		to->high = (int64_t)from->high.n;
		to->currency = from->currency;
		to->low_open = from->low_open;
		to->high_open = from->high_open;
		to->low_excl = from->low_excl;
		to->high_excl = from->high_excl;
		to->approx = from->approx;
	}
	/* as of the rung before, or of the same rung of the row before */
	if (!draft_shares(d, 1, &s) && !draft_shares(d, RUNGS_KEPT, &s))
		d->n += sums->n;
	d->sums[d->nsums++] = s;
	return ERR_OK;
}

static enum err draft_make(struct view *v, struct deal *d, struct draft *out)
{
	struct sums sums;

	*out = (struct draft){ .fits = true };
	out->sums = arena_alloc(&v->arena, (d->npayers + 2) * RUNGS_KEPT * sizeof(*out->sums));
	if (!out->sums)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->npayers; i++)
		for (enum rung rung = rung_talked; rung <= rung_paid; rung++) {
			const struct sums *value;
			TRY(ladder_value(v, d, d->payers[i].number, rung, &value));
			TRY(draft_sums(v, out, value));
		}
	for (enum rung rung = rung_talked; rung <= rung_paid; rung++) {
		TRY(ladder_total(v, d, rung, &sums));
		TRY(draft_sums(v, out, &sums));
	}
	for (enum rung rung = rung_talked; rung <= rung_paid; rung++) {
		TRY(ladder_unattributed(v, d, rung, &sums));
		TRY(draft_sums(v, out, &sums));
	}
	return ERR_OK;
}

/* Deals that hang together, and how far their facts reach. */
struct together {
	struct deal *v[TOGETHER_MAX];
	size_t n;
	struct extent extent;
	bool fits; /* all of them can be kept */
};

/* What is kept of one beside its sums. */
struct particulars {
	struct number_list payees;
	struct str slug;
	enum stage stage;
	uint32_t next;
};

/* In one piece; NULL where there is no room. */
static struct kept_deal *kept_of(struct kept *all, const struct deal *d, const struct extent *extent,
				 const struct draft *draft, const struct particulars *p)
{
	const size_t intervals = draft->n * sizeof(*draft->intervals);
	const size_t sums = draft->nsums * sizeof(*draft->sums);
	const size_t numbers = d->npayers + p->payees.n + d->nparts;
	const size_t bytes = sizeof(struct kept_deal) + intervals + sums +
			     numbers * sizeof(uint32_t) + p->slug.n;
	struct kept_deal *k = take(all, bytes);

	if (!k)
		return NULL;
	struct kept_interval *to_intervals = (struct kept_interval *)(k + 1);
	struct kept_sums *to_sums = (struct kept_sums *)(to_intervals + draft->n);
	uint32_t *payers = (uint32_t *)(to_sums + draft->nsums);
	uint32_t *payees = payers + d->npayers, *parts = payees + p->payees.n;
	char *slug = (char *)(parts + d->nparts);
	if (intervals)
		memcpy(to_intervals, draft->intervals, intervals);
	memcpy(to_sums, draft->sums, sums);
	for (size_t i = 0; i < d->npayers; i++)
		payers[i] = d->payers[i].number;
	for (size_t i = 0; i < p->payees.n; i++)
		payees[i] = p->payees.v[i];
	for (size_t i = 0; i < d->nparts; i++)
		parts[i] = d->parts[i]->number;
	memcpy(slug, p->slug.p, p->slug.n);
	*k = (struct kept_deal){ .first_stated = extent->first_stated,
		.last_stated = extent->last_stated, .last_seq = extent->last_seq,
		.sums = to_sums, .intervals = to_intervals, .payers = payers, .payees = payees,
		.parts = parts, .npayers = (uint32_t)d->npayers,
		.npayees = (uint32_t)p->payees.n, .nparts = (uint32_t)d->nparts,
		.whole = d->whole ? d->whole->number : 0, .successor = d->successor,
		.next = p->next, .stage = p->stage, .slug = { slug, p->slug.n },
		.bytes = bytes };
	return k;
}

/* False: another deal retells the same event, or too many are awaited. */
static enum err await(struct view *v, const struct deal *d, bool *out)
{
	struct kept *k = v->facts->kept;

	*out = true;
	for (size_t i = 0; i < d->statements.n; i++) {
		const struct fact *f = d->statements.v[i].fact;
		if (f->derived || !fact_lacks_origin(f))
			continue;
		const struct str origin = fact_bytes(f, FACT_ORIGIN);
		if (origin.n != ID_SIZE)
			return ERR_DAMAGED;
		const uint64_t key = awaited_key(origin.p);
		const uint64_t *other = map_find(&k->awaited, key);
		*out = other ? *other == d->number || !kept_has(k, (uint32_t)*other)
			     : k->awaited.n < AWAITED_MAX;
		if (!*out)
			return ERR_OK;
		TRY(map_put(&k->awaited, &k->arena, key, d->number));
	}
	return ERR_OK;
}

static enum err put_one(struct view *v, struct deal *d, const struct extent *extent,
			uint32_t next, bool *out)
{
	struct kept *k = v->facts->kept;
	struct particulars p = { .next = next };
	struct draft draft;

	TRY(view_payers(v, d));
	TRY(view_successor(v, d));
	TRY(view_payees(v, d, &p.payees));
	TRY(stage_of(v, d, &p.stage));
	TRY(draft_make(v, d, &draft));
	TRY(v->facts->slug(v->facts->arg, DICT_DEAL, d->number, &p.slug));
	TRY(await(v, d, out));
	*out = *out && draft.fits;
	if (!*out)
		return ERR_OK;
	struct kept_deal *one = place_for(k, d->number) ? kept_of(k, d, extent, &draft, &p) : NULL;
	*out = one != NULL;
	if (one)
		k->v[d->number] = one;
	return ERR_OK;
}

/* One more that hangs together with the others. */
static enum err join(struct view *v, struct together *t, uint32_t number)
{
	struct extent *all = &t->extent;
	struct deal *d;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i]->number == number)
			return ERR_OK;
	t->fits &= t->n < TOGETHER_MAX;
	if (!t->fits)
		return ERR_OK;
	TRY(view_open(v, number, &d));
	const struct extent *own = &d->extent;
	t->v[t->n++] = d;
	t->fits = own->whole && own->alone;
	if (own->first_stated < all->first_stated)
		all->first_stated = own->first_stated;
	if (own->last_stated > all->last_stated)
		all->last_stated = own->last_stated;
	if (own->last_seq > all->last_seq)
		all->last_seq = own->last_seq;
	return ERR_OK;
}

static enum err join_related(struct view *v, struct together *t, enum relation relation,
			     uint32_t number)
{
	struct number_list others;

	TRY(v->facts->related(v->facts->arg, relation, number, &v->arena, &others));
	for (size_t i = 0; i < others.n && t->fits; i++)
		TRY(join(v, t, others.v[i]));
	return ERR_OK;
}

/* All that it hangs together with, by links that any declaration ever made. */
static enum err together_with(struct view *v, struct deal *d, struct together *t)
{
	*t = (struct together){ .fits = true, .extent = { .first_stated = INT64_MAX,
							 .last_stated = INT64_MIN } };
	TRY(join(v, t, d->number));
	for (size_t i = 0; i < t->n && t->fits; i++) {
		const struct number_list links = t->v[i]->extent.links;
		for (size_t j = 0; j < links.n && t->fits; j++)
			TRY(join(v, t, links.v[j]));
		TRY(join_related(v, t, RELATION_PARTS, t->v[i]->number));
		TRY(join_related(v, t, RELATION_SUCCESSORS, t->v[i]->number));
	}
	return ERR_OK;
}

enum err kept_put(struct view *v, struct deal *d)
{
	struct kept *k = v->facts->kept;
	struct together t;
	enum err e = ERR_OK;

	if (k->full || !d->loaded || !d->extent.whole || !d->extent.alone || kept_has(k, d->number))
		return ERR_OK;
	TRY(together_with(v, d, &t));
	for (size_t i = 0; i < t.n && t.fits && !e; i++)
		e = put_one(v, t.v[i], &t.extent, t.v[(i + 1) % t.n]->number, &t.fits);
	if (e || !t.fits)
		forget(k, t.v[0]->number);
	return e == ERR_OVERFLOW ? ERR_OK : e; /* said where that rung is asked for */
}
