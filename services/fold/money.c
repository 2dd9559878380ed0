/* SPDX-License-Identifier: Apache-2.0 */
/* money: arithmetic of intervals, then of sums by currency. */
#include "services/fold/money.h"

/* ---- intervals ---- */

struct interval interval_nothing(uint16_t currency)
{
	return (struct interval){ .currency = currency };
}

static void add_flags(struct interval *x, const struct interval *y)
{
	x->low_open |= y->low_open;
	x->high_open |= y->high_open;
	x->low_excl = (x->low_excl || y->low_excl) && !x->low_open;
	x->high_excl = (x->high_excl || y->high_excl) && !x->high_open;
	x->approx |= y->approx;
}

enum err interval_add(struct counting *c, struct interval *x, const struct interval *y)
{
	add_flags(x, y);
	if (x->low_open)
		x->low = bound_of(0);
	else
		TRY(bound_add(c->arena, x->low, y->low, &x->low));
	if (x->high_open)
		x->high = bound_of(0);
	else
		TRY(bound_add(c->arena, x->high, y->high, &x->high));
	return ERR_OK;
}

enum err interval_negate(struct counting *c, struct interval *x)
{
	const struct interval was = *x;

	x->low_open = was.high_open;
	x->high_open = was.low_open;
	x->low_excl = was.high_excl;
	x->high_excl = was.low_excl;
	TRY(bound_negate(c->arena, was.high, &x->low));
	return bound_negate(c->arena, was.low, &x->high);
}

static enum err compare(struct counting *c, struct bound x, struct bound y, int *order)
{
	return bound_cmp(&c->ratios, c->arena, x, y, order);
}

enum err interval_floor(struct counting *c, struct interval *x)
{
	int low = -1, high = 1;

	if (!x->high_open)
		TRY(compare(c, x->high, bound_of(0), &high));
	if (high < 0 || (high == 0 && x->high_excl)) {
		const bool approx = x->approx;
		*x = interval_nothing(x->currency);
		x->approx = approx;
		return ERR_OK;
	}
	if (!x->low_open)
		TRY(compare(c, x->low, bound_of(0), &low));
	if (low < 0) {
		x->low = bound_of(0);
		x->low_open = x->low_excl = false;
	}
	return ERR_OK;
}

enum err interval_span(struct counting *c, struct interval *x, const struct interval *y)
{
	int order = 0;

	if (x->low_open || y->low_open) {
		x->low_open = true;
		x->low_excl = false;
		x->low = bound_of(0);
	} else {
		TRY(compare(c, y->low, x->low, &order));
		x->low_excl = order < 0 ? y->low_excl
					: x->low_excl && (order > 0 || y->low_excl);
		x->low = order < 0 ? y->low : x->low;
	}
	if (x->high_open || y->high_open) {
		x->high_open = true;
		x->high_excl = false;
		x->high = bound_of(0);
	} else {
		TRY(compare(c, y->high, x->high, &order));
		x->high_excl = order > 0 ? y->high_excl
					 : x->high_excl && (order < 0 || y->high_excl);
		x->high = order > 0 ? y->high : x->high;
	}
	x->approx |= y->approx;
	return ERR_OK;
}

enum err interval_above(struct counting *c, const struct interval *a, const struct interval *b,
			enum certainty *out)
{
	int order;

	*out = certainty_possible;
	if (!a->low_open && !b->high_open) {
		TRY(compare(c, a->low, b->high, &order));
		if (order > 0 || (order == 0 && (a->low_excl || b->high_excl))) {
			*out = certainty_certain;
			return ERR_OK;
		}
	}
	if (!a->high_open && !b->low_open) {
		TRY(compare(c, a->high, b->low, &order));
		if (order <= 0)
			*out = certainty_no;
	}
	return ERR_OK;
}

enum err interval_meet(struct counting *c, const struct interval *a, const struct interval *b,
		       bool *out)
{
	enum certainty one, other;

	TRY(interval_above(c, a, b, &one));
	TRY(interval_above(c, b, a, &other));
	*out = one != certainty_certain && other != certainty_certain;
	return ERR_OK;
}

enum err interval_same(struct counting *c, const struct interval *a, const struct interval *b,
		       bool *out)
{
	int low = 0, high = 0;

	*out = a->low_open == b->low_open && a->high_open == b->high_open &&
	       a->low_excl == b->low_excl && a->high_excl == b->high_excl &&
	       a->approx == b->approx;
	if (*out && !a->low_open)
		TRY(compare(c, a->low, b->low, &low));
	if (*out && !a->high_open)
		TRY(compare(c, a->high, b->high, &high));
	*out = *out && low == 0 && high == 0;
	return ERR_OK;
}

/* ---- sums ---- */

/* Where the currency stands, or would have to. */
static size_t place_of(const struct sums *s, uint16_t currency)
{
	size_t i = 0;

	while (i < s->n && s->v[i].currency < currency)
		i++;
	return i;
}

const struct interval *sums_find(const struct sums *s, uint16_t currency)
{
	const size_t i = place_of(s, currency);

	return i < s->n && s->v[i].currency == currency ? &s->v[i] : NULL;
}

struct interval sums_bounds(const struct sums *s, uint16_t currency)
{
	const struct interval *found = sums_find(s, currency);
	struct interval known = found ? *found : interval_nothing(currency);

	if (s->undisclosed) {
		known.high_open = true;
		known.high_excl = false;
		known.high = bound_of(0);
	}
	if (s->undisclosed_returned) {
		known.low_open = true;
		known.low_excl = false;
		known.low = bound_of(0);
	}
	return known;
}

/* x += y, where nobody else holds the terms of x. */
static enum err interval_raise(struct counting *c, struct interval *x, const struct interval *y)
{
	add_flags(x, y);
	if (x->low_open)
		x->low = bound_of(0);
	else
		TRY(bound_raise(c->arena, &x->low, y->low));
	if (x->high_open)
		x->high = bound_of(0);
	else
		TRY(bound_raise(c->arena, &x->high, y->high));
	return ERR_OK;
}

enum err sums_add_interval(struct counting *c, struct sums *s, const struct interval *i)
{
	const size_t at = place_of(s, i->currency);

	if (at < s->n && s->v[at].currency == i->currency)
		return interval_raise(c, &s->v[at], i);
	if (s->n == s->cap) {
		const size_t cap = s->cap ? 2 * s->cap : 1;
		struct interval *v = arena_alloc(c->arena, cap * sizeof(*v));
		if (!v)
			return ERR_NO_MEMORY;
		if (s->n)
			memcpy(v, s->v, s->n * sizeof(*v));
		s->v = v;
		s->cap = cap;
	}
	memmove(s->v + at + 1, s->v + at, (s->n - at) * sizeof(*s->v));
	s->v[at] = *i;
	TRY(bound_copy(c->arena, i->low, &s->v[at].low));
	TRY(bound_copy(c->arena, i->high, &s->v[at].high));
	s->n++;
	return ERR_OK;
}

enum err sums_add(struct counting *c, struct sums *s, const struct sums *more)
{
	for (size_t i = 0; i < more->n; i++)
		TRY(sums_add_interval(c, s, &more->v[i]));
	s->undisclosed += more->undisclosed;
	s->undisclosed_returned += more->undisclosed_returned;
	return ERR_OK;
}

enum err sums_return(struct counting *c, struct sums *s)
{
	for (size_t i = 0; i < s->n; i++)
		TRY(interval_negate(c, &s->v[i]));
	s->undisclosed_returned = s->undisclosed;
	return ERR_OK;
}

enum err sums_copy(struct counting *c, const struct sums *from, struct sums *to)
{
	*to = (struct sums){ 0 };
	return sums_add(c, to, from);
}

enum err sums_beyond(struct counting *c, const struct sums *whole, const struct sums *share,
		     struct sums *out)
{
	*out = (struct sums){ 0 };
	for (size_t i = 0; i < whole->n; i++) {
		struct interval less = sums_bounds(share, whole->v[i].currency);
		struct interval rest = whole->v[i];
		TRY(interval_negate(c, &less));
		TRY(interval_add(c, &rest, &less));
		TRY(interval_floor(c, &rest));
		TRY(sums_add_interval(c, out, &rest));
	}
	return ERR_OK;
}

/* Span with zero what `s` lacks of the currencies that `of` has. */
static enum err span_nothing(struct counting *c, struct sums *s, const struct sums *of)
{
	for (size_t i = 0; i < s->n; i++) {
		if (sums_find(of, s->v[i].currency))
			continue;
		const struct interval nothing = interval_nothing(s->v[i].currency);
		TRY(interval_span(c, &s->v[i], &nothing));
	}
	return ERR_OK;
}

enum err hull_put(struct counting *c, struct hull *h, const struct sums *s)
{
	struct sums *all = &h->spanned;

	TRY(span_nothing(c, all, s));
	for (size_t i = 0; i < s->n; i++) {
		const size_t at = place_of(all, s->v[i].currency);
		struct interval more = s->v[i];
		if (at < all->n && all->v[at].currency == more.currency) {
			TRY(interval_span(c, &all->v[at], &more));
			continue;
		}
		const struct interval nothing = interval_nothing(more.currency);
		if (h->n)
			TRY(interval_span(c, &more, &nothing));
		TRY(sums_add_interval(c, all, &more));
	}
	if (s->undisclosed > all->undisclosed)
		all->undisclosed = s->undisclosed;
	if (s->undisclosed_returned > all->undisclosed_returned)
		all->undisclosed_returned = s->undisclosed_returned;
	h->n++;
	return ERR_OK;
}

/* ---- answers ---- */

static enum err amount_write(struct counting *c, const struct interval *i, struct amount *out)
{
	*out = (struct amount){ .low_open = i->low_open, .high_open = i->high_open,
		.low_excl = i->low_excl, .high_excl = i->high_excl, .approx = i->approx };
	currency_unpack(i->currency, out->currency);
	if (!i->low_open)
		TRY(bound_round(&c->ratios, c->arena, i->low, &out->low));
	if (!i->high_open)
		TRY(bound_round(&c->ratios, c->arena, i->high, &out->high));
	return ERR_OK;
}

enum err sums_write(struct counting *c, const struct sums *s, struct arena *out,
		    struct sum_list *list)
{
	const size_t n = s->n + (s->undisclosed ? 1 : 0);
	struct sum *v = arena_zalloc(out, n, sizeof(*v));

	if (!v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < s->n; i++) {
		TRY(amount_write(c, &s->v[i], &v[i].amount));
		msg_mark(&v[i], sum, amount);
		msg_set(&v[i], sum, currency, ((struct str){ v[i].amount.currency, 3 }));
	}
	if (s->undisclosed) {
		msg_set(&v[s->n], sum, currency, STR("XXX"));
		msg_set(&v[s->n], sum, undisclosed, s->undisclosed);
	}
	*list = (struct sum_list){ v, n };
	return ERR_OK;
}
