/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causes: reads each home as the wider of the two views does, keeps what one of them lacks, and goes
 * up from there by `ref` to what it is about.
 */
#include "services/fold/causes.h"

#include <stdlib.h>

#include "services/fold/rate.h"

struct causes {
	struct map seen; /* seq: 1 */
	uint64_t *v;
	size_t n, cap;
	struct arena *a;
};

static enum err cause_add(struct causes *c, uint64_t seq)
{
	if (map_find(&c->seen, seq))
		return ERR_OK;
	TRY(map_put(&c->seen, c->a, seq, 1));
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 16;
		uint64_t *more = arena_alloc(c->a, c->cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (c->n)
			memcpy(more, c->v, c->n * sizeof(*more));
		c->v = more;
	}
	c->v[c->n++] = seq;
	return ERR_OK;
}

/* ---- what one side lacks ---- */

/* A home as both sides together know it, and which of its facts only one of them knows. */
struct home_apart {
	struct fact_list facts;
	struct map by_seq; /* seq: place in facts */
	const struct fact **v;
	size_t n;
};

/* `by_on`: the sides differ in what happened by then. */
static bool held(const struct question *q, const struct fact *f, bool by_on)
{
	return horizon_holds(&q->horizon, f) &&
	       (!by_on || f->on_first <= q->on || fact_declares(f));
}

static enum err home_apart(const struct views_apart *t, enum home home, uint32_t number,
			   struct arena *a, struct home_apart *out)
{
	const struct question *was = t->v[0]->question, *now = t->v[1]->question;
	const struct facts *source = t->v[0]->facts;
	const bool by_on = was->on != now->on;
	struct horizon both = was->horizon;

	if (now->horizon.at_seq > both.at_seq)
		both.at_seq = now->horizon.at_seq;
	if (now->horizon.stated_end > both.stated_end)
		both.stated_end = now->horizon.stated_end;
	*out = (struct home_apart){ .n = 0 };
	TRY(source->home(source->arg, home, number, &both, a, &out->facts));
	out->v = arena_alloc(a, out->facts.n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < out->facts.n; i++)
		if (held(was, &out->facts.v[i], by_on) != held(now, &out->facts.v[i], by_on))
			out->v[out->n++] = &out->facts.v[i];
	for (size_t i = 0; out->n && i < out->facts.n; i++)
		TRY(map_put(&out->by_seq, a, out->facts.v[i].seq, i));
	return ERR_OK;
}

/* The event that this one corrects or withdraws; NULL: none, or none of this home. */
static const struct fact *repaired(const struct home_apart *h, const struct fact *f)
{
	const uint64_t *at = f->ref ? map_find(&h->by_seq, f->ref) : NULL;

	return at ? &h->facts.v[*at] : NULL;
}

/* ---- of deals ---- */

/* What names a deal, or only its declarations. */
static enum err causes_about(const struct views_apart *t, uint32_t deal, bool declarations,
			     struct causes *out)
{
	struct home_apart h;

	TRY(home_apart(t, HOME_DEAL, deal, out->a, &h));
	for (size_t i = 0; i < h.n; i++) {
		const struct fact *f = h.v[i];
		while (f && (f->deal != deal || (declarations && f->kind != kind_deal)))
			f = repaired(&h, f);
		if (f)
			TRY(cause_add(out, h.v[i]->seq));
	}
	return ERR_OK;
}

/* ---- of rates ---- */

static enum err rates_apart(struct views_apart *t, uint32_t pair, struct home_apart **out)
{
	const uint64_t *known = map_find(&t->rates, pair);
	struct arena *kept = &t->v[0]->kept;

	*out = known ? (struct home_apart *)(uintptr_t)*known : arena_alloc(kept, sizeof(**out));
	if (known)
		return ERR_OK;
	if (!*out)
		return ERR_NO_MEMORY;
	TRY(home_apart(t, HOME_RATE, pair, kept, *out));
	return map_put(&t->rates, kept, pair, (uint64_t)(uintptr_t)*out);
}

/* What makes the rate, whose first version this is, another one on one side than on the other. */
static enum err causes_at_rate(const struct home_apart *h, uint64_t first, struct causes *out)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct fact *f = h->v[i];
		while (f && f->seq != first)
			f = repaired(h, f);
		if (f)
			TRY(cause_add(out, h->v[i]->seq));
	}
	return ERR_OK;
}

static enum err causes_by_rates(struct views_apart *t, struct view *v, const struct deal *d,
				struct causes *out)
{
	const uint16_t currency = v->question->currency;

	for (size_t i = 0; currency && i < d->statements.n; i++) {
		const struct visible *s = &d->statements.v[i];
		const struct rate *rate;
		struct home_apart *h;
		if (s->copy || !(s->flags & FACT_AMOUNT) || s->fact->currency == currency)
			continue;
		TRY(rates_apart(t, rate_home(s->fact->currency, currency), &h));
		if (h->n == 0)
			continue;
		TRY(rate_for(v, s, &rate));
		if (rate)
			TRY(causes_at_rate(h, rate->at.seq, out));
	}
	return ERR_OK;
}

/* ---- of one deal with all that belongs to it ---- */

static enum err causes_inside(struct views_apart *t, struct view *v, struct deal *d,
			      struct causes *out)
{
	TRY(causes_about(t, d->number, false, out));
	TRY(view_load(v, d));
	TRY(causes_by_rates(t, v, d, out));
	TRY(view_successor(v, d));
	if (d->successor)
		TRY(causes_about(t, d->successor, true, out));
	TRY(view_parts(v, d));
	for (size_t i = 0; i < d->nparts; i++)
		TRY(causes_inside(t, v, d->parts[i], out));
	return ERR_OK;
}

static int by_seq(const void *x, const void *y)
{
	const uint64_t *m = x, *n = y;

	return *m < *n ? -1 : *m > *n;
}

enum err causes_of(struct views_apart *t, struct deal *sides[2], struct arena *scratch,
		   struct arena *a, struct u64_list *out)
{
	struct causes causes = { .a = scratch };

	for (size_t i = 0; i < 2; i++) {
		TRY(causes_inside(t, t->v[i], sides[i], &causes));
		for (const struct deal *at = sides[i]->whole; at; at = at->whole)
			TRY(causes_about(t, at->number, false, &causes));
	}
	if (causes.n > 1)
		qsort(causes.v, causes.n, sizeof(*causes.v), by_seq);
	out->n = causes.n < CAUSES_SHOWN_MAX ? causes.n : CAUSES_SHOWN_MAX;
	out->v = arena_alloc(a, out->n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	if (out->n)
		memcpy(out->v, causes.v, out->n * sizeof(*out->v));
	return ERR_OK;
}
