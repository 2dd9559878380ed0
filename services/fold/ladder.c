/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ladder: a rung looks down its way until somebody states an amount; where nobody does, what was
 * added, paid, and stated in the parts counts.
 */
#include "services/fold/ladder.h"

#include "services/fold/kept.h"

/* The rungs at which to look for an amount, in this order. */
struct way {
	enum rung v[3];
	size_t n;
};

static struct way way_of(const struct view *v, const struct deal *d, enum rung rung)
{
	struct way way = { .n = 0 };

	for (enum rung at = rung; at <= rung_committed; at++)
		way.v[way.n++] = at;
	if (!question_assumes(v->question, d->number))
		return way;
	if (rung > rung_announced)
		way.v[way.n++] = rung_announced;
	if (rung > rung_talked)
		way.v[way.n++] = rung_talked;
	return way;
}

/* ---- tiers ---- */

/* How many of a group are not later than this. */
static size_t ended_by(const struct group *g, struct order cut)
{
	struct halving h = { .high = g->n };

	while (halving_goes_on(&h))
		halving_take(&h, order_cmp(visible_order(g->v[h.at]), cut) <= 0);
	return h.low;
}

static void tiers_find(const struct view *v, const struct deal *d, const struct group *g)
{
	const size_t ended = ended_by(g, deal_cut(d, g->payer));
	const bool latest = v->question->policy == policy_latest;
	struct tiers *t = g->tiers;

	t->known = true;
	for (size_t i = 0; i < g->n; i++) {
		struct visible *s = g->v[i];
		const enum rung rung = visible_rung(s);
		struct visible **chosen = &t->chosen[rung];
		if (!rung || !question_counts(v->question, s))
			continue;
		if (rung == rung_paid)
			thread_put(&t->paid, s);
		else if (i < ended)
			continue;
		else if (s->flags & FACT_ADDS)
			thread_put(&t->added[rung], s);
		else if (!(s->flags & FACT_AMOUNT))
			thread_put(&t->undisclosed[rung], s);
		else if (!*chosen || latest || s->grade <= (*chosen)->grade)
			*chosen = s;
	}
}

/* NULL: nothing speaks for this payer. */
static struct tiers *tiers_of(const struct view *v, const struct deal *d, uint32_t payer)
{
	require(!d->kept);
	const struct group *g = deal_group(d, payer);

	if (g && !g->tiers->known)
		tiers_find(v, d, g);
	return g ? g->tiers : NULL;
}

/* ---- stated ---- */

/* What was added on these rungs, after the chosen one and of no worse grade; NULL: all. */
static enum err additions(struct view *v, const struct tiers *t, const struct way *way,
			  const struct visible *chosen, struct sums *out)
{
	const bool best = v->question->policy != policy_latest;

	for (size_t i = 0; i < way->n; i++)
		for (struct visible *s = t->added[way->v[i]].first; s; s = s->next)
			if (!chosen || (order_cmp(visible_order(s), visible_order(chosen)) > 0 &&
					(!best || s->grade <= chosen->grade)))
				TRY(visible_sums(v, s, out));
	return ERR_OK;
}

static enum err hull(struct view *v, const struct deal *d, const struct group *g,
		     const struct way *way, struct sums *out)
{
	struct choice c = { .v = g->v, .n = g->n, .after = deal_cut(d, g->payer),
			    .base = way->v[way->n - 1] };

	for (size_t i = 0; i < way->n; i++)
		c.rungs[way->v[i]] = true;
	return choice_sums(v, &c, out);
}

enum err ladder_stated(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
		       struct stated *out)
{
	const struct tiers *t = tiers_of(v, d, payer);
	struct way way = way_of(v, d, rung);
	struct visible *chosen = NULL;
	size_t n = 0;

	require(rung >= rung_talked && rung <= rung_committed);
	*out = (struct stated){ .base = false };
	if (!t)
		return ERR_OK;
	while (n < way.n && !chosen) {
		const enum rung at = way.v[n++];
		chosen = t->chosen[at];
		for (struct visible *s = t->undisclosed[at].first; s && !chosen; s = s->next) {
			s->used = true;
			out->sums.undisclosed = 1;
		}
	}
	way.n = n; /* not beyond the base */
	out->base = chosen != NULL;
	if (chosen && v->question->policy == policy_hull)
		return hull(v, d, deal_group(d, payer), &way, &out->sums);
	if (chosen)
		TRY(visible_sums(v, chosen, &out->sums));
	return additions(v, t, &way, chosen, &out->sums);
}

/* Payments on the deal itself that name this payer (0: nobody), net of what came back. */
static enum err payments(struct view *v, struct deal *d, uint32_t payer, struct sums *out)
{
	struct tiers *t = tiers_of(v, d, payer);

	if (!t)
		return ERR_OK;
	for (struct visible *s = t->paid.first; s && !t->paid_known; s = s->next) {
		struct sums one = { 0 };
		if (s->next) /* where its amount is, which lies far from this one */
			__builtin_prefetch(s->next->fact);
		if (!(s->flags & FACT_RETURNED)) {
			TRY(visible_sums(v, s, &t->paid_sums));
			continue;
		}
		TRY(visible_sums(v, s, &one));
		TRY(sums_return(&v->counting, &one));
		TRY(sums_add(&v->counting, &t->paid_sums, &one));
	}
	t->paid_known = true;
	return sums_add(&v->counting, out, &t->paid_sums);
}

/* ---- values ---- */

enum err ladder_rung(struct view *v, struct deal *d, enum rung rung, enum rung *out)
{
	TRY(view_successor(v, d));
	*out = d->successor ? rung_paid : rung;
	return ERR_OK;
}

enum err ladder_value(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
		      const struct sums **out)
{
	static const struct sums nothing = { 0 };
	struct stated stated = { .base = false };

	TRY(view_payers(v, d));
	struct payer *p = deal_payer(d, payer);
	*out = p ? &p->value[rung] : &nothing;
	if (!p || p->known[rung])
		return ERR_OK;
	p->known[rung] = d->kept != NULL;
	if (d->kept)
		return kept_value(&v->counting, d->kept, (size_t)(p - d->payers), rung,
				  &p->value[rung]);
	if (rung != rung_paid)
		TRY(ladder_stated(v, d, payer, rung, &stated));
	struct sums sums = stated.sums;
	if (!stated.base) {
		TRY(payments(v, d, payer, &sums));
		for (size_t i = 0; i < d->nparts; i++) {
			const struct sums *in_part;
			enum rung at;
			TRY(ladder_rung(v, d->parts[i], rung, &at));
			TRY(ladder_value(v, d->parts[i], payer, at, &in_part));
			TRY(sums_add(&v->counting, &sums, in_part));
		}
	}
	p->value[rung] = sums;
	p->known[rung] = true;
	return ERR_OK;
}

enum err ladder_payers(struct view *v, struct deal *d, enum rung rung, struct sums *out)
{
	const struct sums *value;

	TRY(view_payers(v, d));
	for (size_t i = 0; i < d->npayers; i++) {
		TRY(ladder_value(v, d, d->payers[i].number, rung, &value));
		TRY(sums_add(&v->counting, out, value));
	}
	return ERR_OK;
}

/*
 * What the whole states beyond its payers' values. In a total nothing is taken off for payers whose
 * amount is undisclosed: it stands beside the total already, and what the whole states is there all
 * the same.
 */
static enum err beyond_payers(struct view *v, struct deal *d, enum rung rung,
			      const struct sums *whole, bool in_total, struct sums *out)
{
	struct sums share = { 0 };

	TRY(ladder_payers(v, d, rung, &share));
	if (in_total)
		share.undisclosed = share.undisclosed_returned = 0;
	return sums_beyond(&v->counting, whole, &share, out);
}

static enum err unattributed(struct view *v, struct deal *d, enum rung rung, bool in_total,
			     struct sums *out)
{
	struct stated stated = { .base = false };

	if (d->kept)
		return kept_unattributed(&v->counting, d->kept, rung, out);
	TRY(view_payers(v, d));
	if (rung != rung_paid)
		TRY(ladder_stated(v, d, 0, rung, &stated));
	if (stated.base)
		return beyond_payers(v, d, rung, &stated.sums, in_total, out);
	*out = stated.sums;
	TRY(payments(v, d, 0, out));
	for (size_t i = 0; i < d->nparts; i++) {
		struct sums in_part;
		enum rung at;
		TRY(ladder_rung(v, d->parts[i], rung, &at));
		TRY(unattributed(v, d->parts[i], at, in_total, &in_part));
		TRY(sums_add(&v->counting, out, &in_part));
	}
	return ERR_OK;
}

enum err ladder_unattributed(struct view *v, struct deal *d, enum rung rung, struct sums *out)
{
	return unattributed(v, d, rung, false, out);
}

enum err ladder_total(struct view *v, struct deal *d, enum rung rung, struct sums *out)
{
	struct stated stated = { .base = false };
	struct sums rest;

	if (d->kept)
		return kept_total(&v->counting, d->kept, rung, out);
	TRY(view_payers(v, d));
	if (rung != rung_paid)
		TRY(ladder_stated(v, d, 0, rung, &stated));
	*out = stated.sums;
	if (stated.base)
		return ERR_OK;
	*out = (struct sums){ 0 };
	TRY(ladder_payers(v, d, rung, out));
	TRY(unattributed(v, d, rung, true, &rest));
	return sums_add(&v->counting, out, &rest);
}
