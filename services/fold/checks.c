/* SPDX-License-Identifier: Apache-2.0 */
/* checks: each is a comparison that must be certain. */
#include "services/fold/checks.h"

#include "services/fold/parties.h"
#include "services/fold/stage.h"

enum err contradiction_add(struct view *v, struct contradictions *all,
			   const struct contradiction *one)
{
	if (all->n == CONTRADICTIONS_MAX)
		return ERR_TOO_LARGE;
	if (all->n == all->cap) {
		const size_t cap = all->cap ? 2 * all->cap : 64;
		struct contradiction *more = arena_alloc(&v->kept, cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (all->n)
			memcpy(more, all->v, all->n * sizeof(*more));
		all->v = more;
		all->cap = cap;
	}
	all->v[all->n++] = *one;
	return ERR_OK;
}

/* One for each currency of the limit that `much` is certainly above. */
static enum err beyond(struct view *v, struct contradictions *all, struct contradiction one,
		       const struct sums *much, const struct sums *limit)
{
	for (size_t i = 0; i < limit->n; i++) {
		const struct interval x = sums_bounds(much, limit->v[i].currency);
		const struct interval y = sums_bounds(limit, limit->v[i].currency);
		enum certainty above;
		TRY(interval_above(&v->counting, &x, &y, &above));
		one.currency = limit->v[i].currency;
		if (above == certainty_certain)
			TRY(contradiction_add(v, all, &one));
	}
	return ERR_OK;
}

static struct choice choice_of(const struct deal *d, const struct group *g, enum rung rung)
{
	struct choice c = { .v = g->v, .n = g->n, .after = deal_cut(d, g->payer), .base = rung };

	c.rungs[rung] = true;
	return c;
}

/* Whether somebody states an amount on this very rung. */
static bool states_amount(const struct view *v, const struct deal *d, uint32_t payer,
			  enum rung rung)
{
	const struct group *g = deal_group(d, payer);

	if (!g)
		return false;
	const struct choice c = choice_of(d, g, rung);
	for (size_t i = 0; i < c.n; i++)
		if (choice_sets(v, &c, c.v[i]))
			return true;
	return false;
}

static enum err parts_sums(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
			   struct sums *out)
{
	*out = (struct sums){ 0 };
	for (size_t i = 0; i < d->nparts; i++) {
		const struct sums *value;
		struct sums total;
		if (payer) {
			TRY(summed_value(v, d->parts[i], payer, rung, &value));
		} else {
			TRY(summed_total(v, d->parts[i], rung, &total));
			value = &total;
		}
		TRY(sums_add(&v->counting, out, value));
	}
	return ERR_OK;
}

static enum err beyond_stated(struct view *v, struct deal *d, uint32_t payer,
			      struct contradictions *all)
{
	for (enum rung rung = rung_talked; rung <= rung_committed; rung++) {
		struct contradiction one = { .kind = anomaly_kind_parts_beyond_whole,
			.deal = d->number, .payer = payer, .rung = rung };
		struct stated stated;
		struct sums sums;
		if (!states_amount(v, d, payer, rung))
			continue;
		TRY(ladder_stated(v, d, payer, rung, &stated));
		TRY(parts_sums(v, d, payer, rung, &sums));
		TRY(beyond(v, all, one, &sums, &stated.sums));
		if (payer)
			continue;
		one.kind = anomaly_kind_payers_beyond_whole;
		sums = (struct sums){ 0 };
		TRY(ladder_payers(v, d, rung, &sums));
		TRY(beyond(v, all, one, &sums, &stated.sums));
	}
	return ERR_OK;
}

static enum err paid_beyond(struct view *v, struct deal *d, uint32_t payer,
			    struct contradictions *all)
{
	const struct contradiction one = { .kind = anomaly_kind_paid_beyond_committed,
		.deal = d->number, .payer = payer, .rung = rung_committed };
	const struct sums *paid;
	struct stated stated;
	struct sums total;

	TRY(ladder_stated(v, d, payer, rung_committed, &stated));
	if (!stated.base)
		return ERR_OK;
	if (payer) {
		TRY(ladder_value(v, d, payer, rung_paid, &paid));
	} else {
		TRY(ladder_total(v, d, rung_paid, &total));
		paid = &total;
	}
	return beyond(v, all, one, paid, &stated.sums);
}

static enum err conditional_beyond(struct view *v, struct deal *d, struct contradictions *all)
{
	const struct contradiction one = { .kind = anomaly_kind_conditional_beyond_committed,
		.deal = d->number, .rung = rung_committed };
	struct sums conditional, committed;

	TRY(stage_conditional(v, d, &conditional));
	TRY(ladder_total(v, d, rung_committed, &committed));
	return beyond(v, all, one, &conditional, &committed);
}

/* ---- statements that do not meet ---- */

/*
 * The highest low and the lowest high bound of some intervals: all meet one another unless these
 * two pass each other, or touch where one of them is not included.
 */
struct extremes {
	uint16_t currency;
	bool low, high; /* whether there is one */
	struct bound low_bound, high_bound;
	bool low_excl, high_excl;
};
#define EXTREMES_MAX 64u /* currencies of one rung and payer */

static enum err extremes_add(struct counting *c, struct extremes *x, const struct interval *i)
{
	int order = 1;

	if (!i->low_open) {
		if (x->low)
			TRY(bound_cmp(&c->ratios, c->arena, i->low, x->low_bound, &order));
		x->low_excl = order > 0 ? i->low_excl : x->low_excl || (order == 0 && i->low_excl);
		x->low_bound = order > 0 ? i->low : x->low_bound;
		x->low = true;
	}
	order = -1;
	if (!i->high_open) {
		if (x->high)
			TRY(bound_cmp(&c->ratios, c->arena, i->high, x->high_bound, &order));
		x->high_excl = order < 0 ? i->high_excl
					 : x->high_excl || (order == 0 && i->high_excl);
		x->high_bound = order < 0 ? i->high : x->high_bound;
		x->high = true;
	}
	return ERR_OK;
}

static enum err extremes_pass(struct counting *c, const struct extremes *x, bool *out)
{
	int order;

	*out = false;
	if (!x->low || !x->high)
		return ERR_OK;
	TRY(bound_cmp(&c->ratios, c->arena, x->low_bound, x->high_bound, &order));
	*out = order > 0 || (order == 0 && (x->low_excl || x->high_excl));
	return ERR_OK;
}

/* The currency of a statement's own amount, as it counts. */
static uint16_t currency_of(const struct view *v, const struct visible *s)
{
	return v->question->currency ? v->question->currency : s->fact->currency;
}

/* One setter with what was added after it. */
static enum err extremes_put(struct view *v, struct visible *s, const struct sums *added,
			     struct extremes all[EXTREMES_MAX], size_t *n)
{
	const uint16_t currency = currency_of(v, s);
	struct sums sums = { 0 };
	size_t at = 0;

	TRY(visible_sums(v, s, &sums));
	if (!sums_find(&sums, currency))
		return ERR_OK; /* no rate */
	TRY(sums_add(&v->counting, &sums, added));
	while (at < *n && all[at].currency != currency)
		at++;
	if (at == EXTREMES_MAX)
		return ERR_TOO_LARGE;
	if (at == *n)
		all[(*n)++] = (struct extremes){ .currency = currency };
	const struct interval bounds = sums_bounds(&sums, currency);
	return extremes_add(&v->counting, &all[at], &bounds);
}

static enum err do_not_meet(struct view *v, struct deal *d, const struct group *g, enum rung rung,
			    struct contradictions *all)
{
	const struct choice c = choice_of(d, g, rung);
	struct contradiction one = { .kind = anomaly_kind_statements_do_not_meet,
		.deal = d->number, .payer = g->payer, .rung = rung };
	struct extremes extremes[EXTREMES_MAX];
	struct sums added = { 0 };
	size_t n = 0, earliest = 0;

	while (earliest < c.n && !choice_sets(v, &c, c.v[earliest]))
		earliest++; /* what comes before is added to nothing */
	for (size_t i = c.n; i-- > earliest;) {
		if (choice_sets(v, &c, c.v[i]))
			TRY(extremes_put(v, c.v[i], &added, extremes, &n));
		else if (choice_adds(v, &c, c.v[i]))
			TRY(visible_sums(v, c.v[i], &added));
	}
	for (size_t i = 0; i < n; i++) {
		bool pass;
		TRY(extremes_pass(&v->counting, &extremes[i], &pass));
		one.currency = extremes[i].currency;
		if (pass)
			TRY(contradiction_add(v, all, &one));
	}
	return ERR_OK;
}

/* ---- after a cancel ---- */

/* Whether one of these cancels reaches the statement, with nothing that reopens in between. */
static bool cancelled_by(const struct deal *at, const struct visible *s, uint32_t payer,
			 struct order reopened)
{
	for (size_t i = 0; i < at->ncuts; i++) {
		const struct cut *cut = &at->cuts[i];
		if ((!cut->payer || cut->payer == payer) &&
		    order_cmp(cut->at, visible_order(s)) < 0 && order_cmp(cut->at, reopened) > 0 &&
		    s->fact->on_first > cut->fact->on_last)
			return true;
	}
	return false;
}

static enum err after_cancel(struct view *v, struct deal *d, struct contradictions *all)
{
	struct order reopened = { INT64_MIN, 0 };

	for (size_t i = 0; i < d->statements.n; i++) {
		const struct visible *s = &d->statements.v[i];
		const uint8_t kind = s->kind;
		if (s->copy)
			continue;
		if (kind == kind_talks || kind == kind_announce || kind == kind_commit)
			reopened = visible_order(s);
		if ((kind != kind_rumour && kind != kind_close && kind != kind_pay) ||
		    s->flags & FACT_RETURNED)
			continue;
		const uint32_t payer = deal_speaker(d, s->payer);
		const struct contradiction one = { .kind = anomaly_kind_statement_after_cancel,
			.deal = d->number, .first = s->first->seq, .seq = s->fact->seq };
		bool after = false;
		for (const struct deal *at = d; at && !after; at = at->whole)
			after = cancelled_by(at, s, payer, reopened);
		if (after)
			TRY(contradiction_add(v, all, &one));
	}
	return ERR_OK;
}

/* ---- links ---- */

static enum err links(struct view *v, const struct deal *d, struct contradictions *all)
{
	const struct numbers wholes = deal_declared(d, FACT_PART_OF);

	for (size_t i = 1; i < wholes.n; i++) {
		const struct contradiction one = { .kind = anomaly_kind_part_of_double,
			.deal = d->number, .whole = numbers_at(wholes, i) };
		TRY(contradiction_add(v, all, &one));
	}
	if (d->link == LINK_HOLDS)
		return ERR_OK;
	const struct contradiction one = { .deal = d->number, .whole = numbers_at(wholes, 0),
		.kind = d->link == LINK_TOO_DEEP ? anomaly_kind_part_of_too_deep
						 : anomaly_kind_part_of_circle };
	return contradiction_add(v, all, &one);
}

enum err checks_deal(struct view *v, struct deal *d, struct contradictions *all)
{
	TRY(view_payers(v, d));
	TRY(links(v, d, all));
	for (size_t i = 0; i <= d->npayers; i++) {
		const uint32_t payer = i ? d->payers[i - 1].number : 0;
		const struct group *g = deal_group(d, payer);
		if (!g)
			continue; /* nothing is stated for it here */
		TRY(beyond_stated(v, d, payer, all));
		TRY(paid_beyond(v, d, payer, all));
		for (enum rung rung = rung_talked; rung <= rung_committed; rung++)
			TRY(do_not_meet(v, d, g, rung, all));
	}
	TRY(conditional_beyond(v, d, all));
	return after_cancel(v, d, all);
}
