/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate: the rates of a pair are read once, and sorted so that the one that holds on a day is found
 * by halving: of all on or before the day the latest day, then the latest in order.
 */
#include "services/fold/rate.h"

#include <stdlib.h>

static int by_day(const void *x, const void *y)
{
	const struct rate *r = x, *s = y;

	if (r->day != s->day)
		return r->day < s->day ? -1 : 1;
	return order_cmp(r->at, s->at);
}

static bool rate_read(const struct visible *s, struct rate *out)
{
	const struct str bytes = fact_bytes(s->fact, FACT_RATE);

	if (bytes.n != 13)
		return false;
	out->day = s->fact->on_first;
	out->at = visible_order(s);
	out->seq = s->fact->seq;
	memcpy(&out->base, bytes.p, 2);
	out->units.scale = (uint8_t)bytes.p[4];
	memcpy(&out->units.units, bytes.p + 5, 8);
	return out->units.units > 0;
}

static bool of_pair(const struct visible *s, uint32_t pair)
{
	const struct str bytes = fact_bytes(s->fact, FACT_RATE);
	uint16_t base, quote;

	if (s->copy || s->fact->kind != kind_rate || bytes.n != 13)
		return false;
	memcpy(&base, bytes.p, 2);
	memcpy(&quote, bytes.p + 2, 2);
	return rate_home(base, quote) == pair;
}

static enum err table_load(struct view *v, uint32_t pair, struct rate_series **out)
{
	const struct question *q = v->question;
	struct fact_list facts;
	struct visible_list all;

	TRY(v->facts->home(v->facts->arg, HOME_RATE, pair, &q->horizon, &v->kept, &facts));
	TRY(visible_statements(v->facts, &q->horizon, q->on, facts, &v->kept, &all));
	struct rate_series *t = arena_zalloc(&v->kept, 1, sizeof(*t));
	if (!t)
		return ERR_NO_MEMORY;
	t->v = arena_alloc(&v->kept, all.n * sizeof(*t->v));
	if (!t->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < all.n; i++)
		if (of_pair(&all.v[i], pair) && rate_read(&all.v[i], &t->v[t->n]))
			t->n++;
	if (t->n > 1)
		qsort(t->v, t->n, sizeof(*t->v), by_day);
	*out = t;
	return map_put(&v->rates, &v->kept, pair, (uint64_t)(uintptr_t)t);
}

enum err rate_series_of(struct view *v, uint32_t pair, struct rate_series **out)
{
	const uint64_t *known = map_find(&v->rates, pair);

	if (!known)
		return table_load(v, pair, out);
	*out = (struct rate_series *)(uintptr_t)*known;
	return ERR_OK;
}

/* The last rate on or before the day; NULL: none. */
static const struct rate *rate_on(const struct rate_series *t, int32_t day)
{
	struct halving h = { .high = t->n };

	while (halving_goes_on(&h))
		halving_take(&h, t->v[h.at].day <= day);
	return h.low ? &t->v[h.low - 1] : NULL;
}

static enum err ratio_add(struct view *v, const struct ratio *ratio)
{
	struct ratios *ratios = &v->counting.ratios;

	if (ratios->n == v->ratios_cap) {
		const size_t cap = v->ratios_cap ? 2 * v->ratios_cap : 64;
		struct ratio *more = arena_alloc(&v->kept, cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (ratios->n)
			memcpy(more, ratios->v, ratios->n * sizeof(*more));
		ratios->v = more;
		v->ratios_cap = cap;
	}
	ratios->v[ratios->n++] = *ratio;
	return ERR_OK;
}

static enum err digits_of(uint16_t currency, unsigned *out)
{
	char code[4];

	currency_unpack(currency, code);
	const struct currency *found = currency_find((struct str){ code, 3 });
	if (!found)
		return ERR_BAD_CURRENCY;
	*out = found->minor;
	return ERR_OK;
}

/* The place of a ratio among those in use, which it gets when it is used first. */
static enum err ratio_place(struct view *v, const struct rate *rate, uint16_t from, uint32_t *out)
{
	const bool direct = rate->base == from;
	unsigned digits[2];

	TRY(digits_of(from, &digits[0]));
	TRY(digits_of(v->question->currency, &digits[1]));
	const struct ratio ratio = direct ? ratio_direct(rate->units.scale, digits[0], digits[1])
					  : ratio_inverse(rate->units, digits[0], digits[1]);
	/* direct ones are told apart by their tens alone, which are few */
	const uint64_t key = direct ? ratio.tens + 1 : 4 * RATIO_TENS + rate->seq;
	const uint64_t *known = map_find(&v->ratios, key);
	if (known) {
		*out = (uint32_t)*known;
		return ERR_OK;
	}
	*out = (uint32_t)v->counting.ratios.n;
	TRY(map_put(&v->ratios, &v->kept, key, *out));
	return ratio_add(v, &ratio);
}

void rate_missing(struct view *v, const struct missing_rate *m)
{
	if (m->any && (!v->missing.any || order_cmp(m->at, v->missing.at) <= 0))
		v->missing = *m;
}

enum err rate_for(struct view *v, const struct visible *s, const struct rate **out)
{
	struct rate_series *table;

	TRY(rate_series_of(v, rate_home(s->fact->currency, v->question->currency), &table));
	*out = rate_on(table, day_of(s->first->stated));
	return ERR_OK;
}

static enum err convert(struct view *v, const struct visible *s, bool *found,
			struct interval *out)
{
	const uint16_t from = s->fact->currency;
	const struct rate *rate;
	uint32_t place;

	TRY(rate_for(v, s, &rate));
	*found = rate != NULL;
	if (!rate) {
		rate_missing(v, &(struct missing_rate){ .any = true, .at = visible_order(s),
			.base = from, .quote = v->question->currency,
			.day = day_of(s->first->stated) });
		return ERR_OK;
	}
	TRY(ratio_place(v, rate, from, &place));
	const wide factor = rate->base == from ? rate->units.units : 1;
	out->currency = v->question->currency;
	if (!out->low_open && s->fact->low)
		TRY(bound_at(v->counting.arena, s->fact->low * factor, place, &out->low));
	if (!out->high_open && s->fact->high)
		TRY(bound_at(v->counting.arena, s->fact->high * factor, place, &out->high));
	return ERR_OK;
}

enum err rate_amount(struct view *v, const struct visible *s, bool *found, struct interval *out)
{
	const struct fact *f = s->fact;

	*out = (struct interval){
		.low = bound_of(f->low), .high = bound_of(f->high), .currency = f->currency,
		.low_open = f->flags & FACT_LOW_OPEN, .high_open = f->flags & FACT_HIGH_OPEN,
		.low_excl = f->flags & FACT_LOW_EXCL, .high_excl = f->flags & FACT_HIGH_EXCL,
		.approx = f->flags & FACT_APPROX
	};
	*found = true;
	if (!v->question->currency || v->question->currency == f->currency)
		return ERR_OK;
	return convert(v, s, found, out);
}
