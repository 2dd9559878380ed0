/* SPDX-License-Identifier: Apache-2.0 */
/* totals: each has a scope, and may have a window and assumptions of its own: a question in itself. */
#include "services/fold/totals.h"

#include <stdlib.h>

#include "services/fold/rate.h"

enum err totals_of(struct view *v, struct visible_list *out)
{
	const struct question *q = v->question;
	struct fact_list facts;
	struct visible_list all;
	size_t n = 0;

	TRY(v->facts->home(v->facts->arg, HOME_TOTAL, 0, &q->horizon, &v->kept, &facts));
	TRY(visible_statements(v->facts, &q->horizon, q->on, facts, &v->kept, &all));
	for (size_t i = 0; i < all.n; i++)
		if (!all.v[i].copy && all.v[i].kind == kind_total &&
		    question_counts(q, &all.v[i]))
			all.v[n++] = all.v[i];
	*out = (struct visible_list){ .v = all.v, .n = n };
	return ERR_OK;
}

/* ---- scope ---- */

static enum err scope_named(struct view *v, struct numbers named, struct reconciling *out)
{
	for (size_t i = 0; i < named.n; i++) {
		struct deal *d;
		bool inside = false, twice = false;
		TRY(view_deal(v, numbers_at(named, i), &d));
		TRY(view_whole(v, d));
		for (const struct deal *at = d->whole; at && !inside; at = at->whole)
			inside = numbers_have(named, at->number);
		for (size_t j = 0; j < out->nscope; j++)
			twice |= out->scope[j] == d->number;
		if (!inside && !twice)
			out->scope[out->nscope++] = d->number;
	}
	return ERR_OK;
}

static enum err scope_of(struct view *v, const struct fact *total, struct arena *a,
			 struct reconciling *out)
{
	const struct numbers named = fact_numbers(total, FACT_DEALS);
	const struct numbers to = fact_numbers(total, FACT_TO);
	struct deals_found deals = { .n = 0 };

	if (named.n == 0 && to.n)
		TRY(parties_receiving(v, numbers_at(to, 0), &deals));
	else if (named.n == 0 && total->payer)
		TRY(parties_paying(v, total->payer, &deals));
	out->scope = arena_alloc(a, (named.n + deals.n) * sizeof(*out->scope));
	if (!out->scope)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < deals.n; i++)
		out->scope[out->nscope++] = deals.v[i]->number;
	return scope_named(v, named, out);
}

bool totals_speaks_of(const struct reconciling *r, uint32_t deal)
{
	for (size_t i = 0; i < r->nscope; i++)
		if (r->scope[i] == deal)
			return true;
	return false;
}

/* ---- figure ---- */

static int by_number(const void *x, const void *y)
{
	const uint32_t *m = x, *n = y;

	return *m < *n ? -1 : *m > *n;
}

/* The question of the view, with what the total itself assumes and its window. */
static enum err own_question(const struct question *q, const struct fact *total, struct arena *a,
			     struct question *out)
{
	const struct numbers assume = fact_numbers(total, FACT_ASSUME);

	*out = *q;
	out->assume.v = arena_alloc(a, (q->assume.n + assume.n) * sizeof(*out->assume.v));
	if (!out->assume.v)
		return ERR_NO_MEMORY;
	if (q->assume.n)
		memcpy(out->assume.v, q->assume.v, q->assume.n * sizeof(*out->assume.v));
	for (size_t i = 0; i < assume.n; i++)
		out->assume.v[out->assume.n++] = numbers_at(assume, i);
	if (out->assume.n > 1)
		qsort(out->assume.v, out->assume.n, sizeof(*out->assume.v), by_number);
	out->window = total->flags & FACT_WINDOW;
	out->window_first = total->on_first;
	out->window_last = total->on_last;
	return ERR_OK;
}

static enum err figure_of(struct view *v, const struct fact *total, const struct reconciling *r,
			  struct sums *out)
{
	const enum rung rung = (enum rung)total->detail;

	*out = (struct sums){ 0 };
	for (size_t i = 0; i < r->nscope; i++) {
		const struct sums *value;
		struct sums sums;
		struct deal *d;
		TRY(view_open(v, r->scope[i], &d));
		TRY(view_whole(v, d));
		if (total->payer) {
			TRY(summed_value(v, d, total->payer, rung, &value));
		} else {
			TRY(summed_total(v, d, rung, &sums));
			value = &sums;
		}
		TRY(sums_add(&v->counting, out, value));
	}
	return ERR_OK;
}

/* ---- verdict ---- */

static bool unverifiable(const struct sums *claim, const struct sums *own)
{
	if (claim->n == 0 || own->undisclosed)
		return true;
	for (size_t i = 0; i < own->n; i++)
		if (!sums_find(claim, own->v[i].currency))
			return true;
	return false;
}

/* How the claim, of one currency, compares with the figure; the difference goes into `by`. */
static enum err judge(struct view *v, const struct sums *claim, const struct sums *own,
		      struct sums *by, enum agreement *out)
{
	struct counting *c = &v->counting;
	enum certainty above;
	bool same, meet;

	*out = agreement_unverifiable;
	if (unverifiable(claim, own))
		return ERR_OK;
	struct interval stated = claim->v[0];
	const struct interval *found = sums_find(own, stated.currency);
	struct interval figure = found ? *found : interval_nothing(stated.currency);
	TRY(interval_same(c, &stated, &figure, &same));
	TRY(interval_meet(c, &stated, &figure, &meet));
	*out = same ? agreement_match : agreement_compatible;
	if (same || meet)
		return ERR_OK;
	TRY(interval_above(c, &stated, &figure, &above));
	*out = above == certainty_certain ? agreement_above : agreement_below;
	struct interval *less = *out == agreement_above ? &figure : &stated;
	struct interval *more = *out == agreement_above ? &stated : &figure;
	TRY(interval_negate(c, less));
	TRY(interval_add(c, more, less));
	return sums_add_interval(c, by, more);
}

static enum err compare(struct view *v, struct visible *total, struct arena *a,
			struct reconciling *out)
{
	struct sums claim = { 0 }, own, by = { 0 };

	TRY(visible_sums(v, total, &claim));
	TRY(figure_of(v, total->fact, out, &own));
	TRY(judge(v, &claim, &own, &by, &out->verdict));
	TRY(sums_write(&v->counting, &claim, a, &out->stated));
	TRY(sums_write(&v->counting, &own, a, &out->figure));
	return sums_write(&v->counting, &by, a, &out->by);
}

enum err totals_reconcile(struct view *v, struct visible *total, struct arena *a,
			  struct reconciling *out)
{
	struct question question;
	struct view own;

	*out = (struct reconciling){ .nscope = 0 };
	TRY(own_question(v->question, total->fact, a, &question));
	TRY(scope_of(v, total->fact, a, out));
	view_init(&own, v->facts, &question);
	const enum err e = compare(&own, total, a, out);
	rate_missing(v, &own.missing);
	view_fini(&own);
	return e;
}
