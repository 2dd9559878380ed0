/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rank: instead of comparing each row with each other one, low and high bounds are sorted, and the
 * rows above a given one are counted by halving.
 */
#include "services/fold/rank.h"

#include <stdlib.h>

#define XXX_PACKED ((uint16_t)(24 << 10 | 24 << 5 | 24))

enum err currencies_add(struct currencies *c, const struct sums *s)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t at = 0;
		while (at < c->n && c->v[at] < s->v[i].currency)
			at++;
		if (at < c->n && c->v[at] == s->v[i].currency)
			continue;
		if (c->n == CURRENCIES_MAX)
			return ERR_TOO_LARGE;
		memmove(c->v + at + 1, c->v + at, (c->n - at) * sizeof(c->v[0]));
		c->v[at] = s->v[i].currency;
		c->n++;
	}
	return ERR_OK;
}

void currencies_end(struct currencies *c, bool undisclosed)
{
	if (c->n == 0 && undisclosed)
		c->v[c->n++] = XXX_PACKED;
}

bool rank_takes(const struct sums *s, uint16_t currency)
{
	return s->undisclosed || sums_find(s, currency);
}

/* One end of an interval; `excl`: without the bound itself. */
struct end {
	struct bound bound;
	bool excl;
};
/*
 * Sorted by bound, of equal ones those that include it first. Where all are plain numbers, which is
 * wherever nothing is converted, each is one number: twice the bound, and 1 more where it is excluded.
 */
struct ends {
	struct counting *c;
	bool plain;
	int64_t *keys; /* plain */
	struct end *v; /* not plain */
	size_t n;
	enum err error; /* of a comparison while sorting */
};
#define PLAIN_MAX (INT64_C(1) << 61)

static bool is_plain(struct bound b)
{
	return !b.terms && b.n < PLAIN_MAX && b.n > -PLAIN_MAX;
}

static int64_t key_of(struct end end)
{
	return (int64_t)end.bound.n * 2 + end.excl;
}

static enum err ends_begin(struct counting *c, bool plain, size_t n, struct ends *out)
{
	*out = (struct ends){ .c = c, .plain = plain };
	if (plain)
		out->keys = arena_alloc(c->arena, n * sizeof(*out->keys));
	else
		out->v = arena_alloc(c->arena, n * sizeof(*out->v));
	return out->keys || out->v ? ERR_OK : ERR_NO_MEMORY;
}

static void ends_put(struct ends *ends, struct bound bound, bool excl)
{
	const struct end end = { bound, excl };

	if (ends->plain)
		ends->keys[ends->n++] = key_of(end);
	else
		ends->v[ends->n++] = end;
}

static int by_bound(const void *x, const void *y, void *arg)
{
	struct ends *ends = arg;
	const struct end *a = x, *b = y;
	int order = 0;

	const enum err e = bound_cmp(&ends->c->ratios, ends->c->arena, a->bound, b->bound, &order);
	if (e)
		ends->error = e;
	return order ? order : (int)a->excl - (int)b->excl;
}

/* By the byte at `shift` alone, else as they are; false: all have the same one there. */
static bool sort_by_byte(const int64_t *from, int64_t *to, size_t n, unsigned shift)
{
	size_t place[256] = { 0 }, next = 0;

	for (size_t i = 0; i < n; i++)
		place[((uint64_t)from[i] ^ UINT64_C(1) << 63) >> shift & 255]++;
	if (place[((uint64_t)from[0] ^ UINT64_C(1) << 63) >> shift & 255] == n)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(place); i++) {
		const size_t here = place[i];
		place[i] = next;
		next += here;
	}
	for (size_t i = 0; i < n; i++)
		to[place[((uint64_t)from[i] ^ UINT64_C(1) << 63) >> shift & 255]++] = from[i];
	return true;
}

/* From the lowest byte to the highest. */
static enum err sort_keys(struct ends *ends)
{
	int64_t *spare = arena_alloc(ends->c->arena, ends->n * sizeof(*spare));

	if (!spare)
		return ERR_NO_MEMORY;
	for (unsigned shift = 0; ends->n > 1 && shift < 64; shift += 8) {
		int64_t *from = ends->keys;
		if (!sort_by_byte(from, spare, ends->n, shift))
			continue;
		ends->keys = spare;
		spare = from;
	}
	return ERR_OK;
}

static enum err ends_sort(struct ends *ends)
{
	if (ends->plain)
		return sort_keys(ends);
	if (ends->n > 1)
		qsort_r(ends->v, ends->n, sizeof(*ends->v), by_bound, ends);
	return ends->error;
}

/* How many keys are smaller. */
static size_t keys_before(const struct ends *ends, int64_t key)
{
	struct halving h = { .high = ends->n };

	while (halving_goes_on(&h))
		halving_take(&h, ends->keys[h.at] < key);
	return h.low;
}

/* How many come before `end`; with `included`, those equal to it as well. */
static enum err ends_before(const struct ends *ends, const struct end *end, bool included,
			    size_t *out)
{
	struct halving h = { .high = ends->n };

	if (ends->plain) {
		*out = keys_before(ends, key_of(*end) + included);
		return ERR_OK;
	}
	while (halving_goes_on(&h)) {
		const struct end *at = &ends->v[h.at];
		int order;
		TRY(bound_cmp(&ends->c->ratios, ends->c->arena, at->bound, end->bound, &order));
		if (order == 0)
			order = (int)at->excl - (int)end->excl;
		halving_take(&h, order < 0 || (order == 0 && included));
	}
	*out = h.low;
	return ERR_OK;
}

struct field_of_rows {
	struct ends lows, highs;
	struct ends points; /* intervals that are one number; excl: without their low bound */
};

static bool is_point(struct counting *c, const struct interval *i, enum err *e)
{
	int order = 1;

	if (!i->low_open && !i->high_open)
		*e = bound_cmp(&c->ratios, c->arena, i->low, i->high, &order);
	return order == 0;
}

static enum err collect(struct counting *c, struct ranked *rows, size_t n,
			struct field_of_rows *f)
{
	struct ends *const all[] = { &f->lows, &f->highs, &f->points };
	bool plain = true;

	for (size_t i = 0; i < n; i++)
		plain = plain && is_plain(rows[i].bounds.low) && is_plain(rows[i].bounds.high);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		TRY(ends_begin(c, plain, n, all[i]));
	for (size_t i = 0; i < n; i++) {
		const struct interval *b = &rows[i].bounds;
		enum err e = ERR_OK;
		if (!b->low_open)
			ends_put(&f->lows, b->low, b->low_excl);
		if (!b->high_open)
			ends_put(&f->highs, b->high, false);
		if (is_point(c, b, &e))
			ends_put(&f->points, b->low, b->low_excl);
		if (e)
			return e;
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		TRY(ends_sort(all[i]));
	return ERR_OK;
}

/* How many low bounds are above the row's high one. */
static enum err count_certain(const struct field_of_rows *f, const struct interval *b,
			      size_t *out)
{
	size_t before;

	*out = 0;
	if (b->high_open)
		return ERR_OK;
	/* without the bound itself an equal low bound is above it, too; else only an exclusive one */
	const struct end end = { b->high, false };
	TRY(ends_before(&f->lows, &end, !b->high_excl, &before));
	*out = f->lows.n - before;
	return ERR_OK;
}

/* How many are certainly not above it: high bounds up to its low one, but for those counted above. */
static enum err count_no(const struct field_of_rows *f, const struct interval *b, bool point,
			 size_t *out)
{
	size_t first, last;

	*out = 0;
	if (b->low_open)
		return ERR_OK;
	const struct end end = { b->low, false };
	TRY(ends_before(&f->highs, &end, true, out));
	if (!point)
		return ERR_OK;
	/* another point at the same place that an exclusive bound puts certainly above this one */
	const struct end excl = { b->low, true };
	TRY(ends_before(&f->points, &end, !b->high_excl, &first));
	TRY(ends_before(&f->points, &excl, true, &last));
	*out -= last - first;
	return ERR_OK;
}

enum err rank_all(struct counting *c, uint16_t currency, struct ranked *rows, size_t n)
{
	struct field_of_rows f;

	for (size_t i = 0; i < n; i++)
		rows[i].bounds = sums_bounds(rows[i].sums, currency);
	TRY(collect(c, rows, n, &f));
	for (size_t i = 0; i < n; i++) {
		const struct interval *b = &rows[i].bounds;
		size_t certain, no;
		enum err e = ERR_OK;
		const bool point = is_point(c, b, &e);
		TRY(e);
		TRY(count_certain(&f, b, &certain));
		TRY(count_no(&f, b, point, &no));
		/* it was counted among the others: a point is never above itself, unless exclusive */
		if (point && (b->low_excl || b->high_excl))
			certain--;
		else if (point)
			no--;
		rows[i].best = 1 + certain;
		rows[i].worst = n - no;
	}
	return ERR_OK;
}

enum certainty rank_overtook(enum certainty was, enum certainty now)
{
	if (was == certainty_no && now == certainty_certain)
		return certainty_certain;
	if (was == certainty_certain || now == certainty_no)
		return certainty_no;
	return certainty_possible;
}
