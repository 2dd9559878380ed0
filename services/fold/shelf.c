/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelf: one mapping, deal behind deal: its facts, the bytes of their parts, its marks, and the ids that
 * its facts wait for. What is dropped leaves a gap, unless it was the last.
 */
#include "services/fold/shelf.h"

#include <stdlib.h>

#define DEALS_MAX 8u
#define DEALS_KNOWN 64u

struct shelved {
	uint32_t deal; /* 0: dropped */
	size_t end; /* bytes of the room up to which it lies */
	struct fact_list facts;
	struct marks marks;
	uint64_t last_seq, own; /* facts that name this deal */
	const uint64_t *awaited; /* ends of ids of events that are retold and have not come; ascending */
	size_t nawaited;
};
struct shelf {
	char *room;
	size_t max, least;
	struct shelved v[DEALS_MAX];
	size_t n;
	struct shelved next; /* begun */
	size_t cap; /* facts that it may have */
	uint32_t known[DEALS_KNOWN]; /* that have been here, round and round */
	size_t nknown;
	uint32_t unfit; /* deal that found no room although there was no other */
	bool full;
};

struct shelf *shelf_new(size_t bytes_max, size_t least)
{
	struct shelf *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->max = bytes_max;
	s->least = least;
	s->room = memory_map(bytes_max);
	if (!s->room) {
		free(s);
		return NULL;
	}
	memory_wish_huge(s->room, bytes_max);
	return s;
}

void shelf_free(struct shelf *s)
{
	if (!s)
		return;
	memory_unmap(s->room, s->max);
	free(s);
}

size_t shelf_least(const struct shelf *s)
{
	return s->least;
}

/* ---- forgetting ---- */

static void drop(struct shelf *s, struct shelved *d)
{
	d->deal = 0;
	while (s->n && !s->v[s->n - 1].deal)
		s->n--;
}

void shelf_drop(struct shelf *s, uint32_t deal)
{
	if (s->unfit == deal)
		s->unfit = 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].deal == deal) {
			drop(s, &s->v[i]);
			return;
		}
}

static int by_number(const void *x, const void *y)
{
	const uint64_t *m = x, *n = y;

	return *m < *n ? -1 : *m > *n;
}

/* The end of an id is chance; two that end alike are only dropped once too often. */
static uint64_t id_end(const void *id)
{
	uint64_t end;

	memcpy(&end, (const char *)id + ID_SIZE - sizeof(end), sizeof(end));
	return end;
}

void shelf_arrived(struct shelf *s, const struct id *id)
{
	const uint64_t key = id_end(id->b);

	for (size_t i = s->n; i-- > 0;) {
		struct shelved *d = &s->v[i];
		if (d->nawaited &&
		    bsearch(&key, d->awaited, d->nawaited, sizeof(key), by_number))
			drop(s, d);
	}
}

void shelf_tidy(struct shelf *s)
{
	if (s->full)
		s->n = 0;
	s->full = false;
}

/* ---- finding ---- */

static const struct shelved *find(const struct shelf *s, uint32_t deal)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].deal == deal)
			return &s->v[i];
	return NULL;
}

/* How many of them were stated before this. */
static size_t facts_before(struct fact_list facts, int64_t stated_end)
{
	struct halving h = { .high = facts.n };

	while (halving_goes_on(&h))
		halving_take(&h, facts.v[h.at].stated < stated_end);
	return h.low;
}

/* Those of an older seq are the others' copies; their places are their own. */
static enum err facts_up_to(const struct horizon *h, struct arena *a, struct fact_list *facts)
{
	const struct fact_list all = *facts;

	*facts = (struct fact_list){ .cut = true, .v = arena_alloc(a, all.n * sizeof(*facts->v)) };
	if (!facts->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < all.n; i++)
		if (all.v[i].seq <= h->at_seq)
			facts->v[facts->n++] = all.v[i];
	return ERR_OK;
}

enum err shelf_find(const struct shelf *s, uint32_t deal, const struct horizon *h, struct arena *a,
		    struct fact_list *out, bool *found)
{
	const struct shelved *d = find(s, deal);

	*found = d != NULL;
	if (!d)
		return ERR_OK;
	*out = d->facts;
	out->n = facts_before(d->facts, h->stated_end);
	out->cut = out->n < d->facts.n;
	return h->at_seq >= d->last_seq ? ERR_OK : facts_up_to(h, a, out);
}

bool shelf_revision(const struct shelf *s, uint32_t deal, uint64_t at_seq, uint64_t *out)
{
	const struct shelved *d = find(s, deal);

	*out = d ? d->own : 0;
	if (!d || at_seq >= d->last_seq)
		return d != NULL;
	for (size_t i = 0; i < d->facts.n; i++)
		*out -= d->facts.v[i].deal == deal && d->facts.v[i].seq > at_seq;
	return true;
}

bool shelf_knew(const struct shelf *s, uint32_t deal)
{
	for (size_t i = 0; i < s->nknown && i < DEALS_KNOWN; i++)
		if (s->known[i] == deal)
			return true;
	return false;
}

/* ---- putting ---- */

/* Whether it retells what has not come yet. */
static bool awaits(const struct fact *f)
{
	return fact_lacks_origin(f) && !f->derived && fact_bytes(f, FACT_ORIGIN).n == ID_SIZE;
}

static void find_no_room(struct shelf *s)
{
	if (s->n)
		s->full = true; /* alone it may fit */
	else
		s->unfit = s->next.deal;
}

/* NULL: there is no room. */
static void *take(struct shelf *s, size_t n, size_t align)
{
	struct shelved *d = &s->next;
	const size_t first = (d->end + align - 1) / align * align;

	if (first > s->max || n > s->max - first) {
		find_no_room(s);
		return NULL;
	}
	d->end = first + n;
	return s->room + first;
}

bool shelf_begin(struct shelf *s, uint32_t deal, size_t facts)
{
	const size_t end = s->n ? s->v[s->n - 1].end : 0;

	if (deal == s->unfit)
		return false;
	s->next = (struct shelved){ .deal = deal, .end = end };
	s->cap = facts;
	if (s->n == DEALS_MAX || facts > s->max / sizeof(struct fact)) {
		find_no_room(s);
		return false;
	}
	s->next.facts.v = take(s, facts * sizeof(struct fact), _Alignof(struct fact));
	return s->next.facts.v != NULL;
}

bool shelf_add(struct shelf *s, const struct fact *f)
{
	struct shelved *d = &s->next;
	char *more = d->facts.n < s->cap ? take(s, f->more_size, 1) : NULL;

	if (!more)
		return false;
	if (f->more_size)
		memcpy(more, f->more, f->more_size);
	struct fact *own = &d->facts.v[d->facts.n++];
	*own = *f;
	own->more = more;
	if (f->seq > d->last_seq)
		d->last_seq = f->seq;
	d->own += f->deal == d->deal;
	d->nawaited += awaits(f);
	return true;
}

/* The ids that its facts wait for; false: there is no room. */
static bool put_awaited(struct shelf *s)
{
	struct shelved *d = &s->next;
	uint64_t *ids = take(s, d->nawaited * sizeof(*ids), sizeof(*ids));
	size_t n = 0;

	if (!ids)
		return false;
	for (size_t i = 0; n < d->nawaited; i++)
		if (awaits(&d->facts.v[i]))
			ids[n++] = id_end(fact_bytes(&d->facts.v[i], FACT_ORIGIN).p);
	if (n > 1)
		qsort(ids, n, sizeof(*ids), by_number);
	d->awaited = ids;
	return true;
}

enum err shelf_end(struct shelf *s, struct arena *a)
{
	struct shelved *d = &s->next;
	struct marks marks;

	TRY(marks_of(d->facts, a, &marks));
	struct mark *v = take(s, marks.n * sizeof(*v), _Alignof(struct mark));
	if (!v || !put_awaited(s))
		return ERR_OK;
	if (marks.n)
		memcpy(v, marks.v, marks.n * sizeof(*v));
	struct shelved *to = &s->v[s->n++];
	*to = *d;
	to->marks = (struct marks){ v, marks.n };
	to->facts.marks = &to->marks;
	if (!shelf_knew(s, d->deal))
		s->known[s->nknown++ % DEALS_KNOWN] = d->deal;
	return ERR_OK;
}
