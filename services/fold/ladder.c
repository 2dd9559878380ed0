/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ladder: a rung looks down its way until somebody states an amount; where nobody does, what was
 * added, paid, and stated in the parts counts.
 */
#include "services/fold/ladder.h"

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

/* What a group holds, after the last cancel, of setters with and without an amount. */
struct tally {
	bool amount[RUNGS], undisclosed[RUNGS];
};

static struct tally tally_of(const struct view *v, const struct choice *c)
{
	struct tally t = { .amount = { false } };

	for (size_t i = 0; i < c->n; i++) {
		const struct fact *f = c->v[i]->fact;
		const enum rung rung = fact_rung(f);
		if (f->flags & FACT_ADDS || !question_counts(v->question, f) ||
		    order_cmp(visible_order(c->v[i]), c->after) <= 0)
			continue;
		if (f->flags & FACT_AMOUNT)
			t.amount[rung] = true;
		else
			t.undisclosed[rung] = true;
	}
	return t;
}

/* Mark the setters without an amount on these rungs as used. */
static void use_undisclosed(const struct view *v, const struct choice *c, const bool rungs[RUNGS])
{
	for (size_t i = 0; i < c->n; i++) {
		const struct fact *f = c->v[i]->fact;
		if (rungs[fact_rung(f)] && !(f->flags & (FACT_ADDS | FACT_AMOUNT)) &&
		    question_counts(v->question, f) &&
		    order_cmp(visible_order(c->v[i]), c->after) > 0)
			c->v[i]->used = true;
	}
}

/* Without a base: all that was added on the way. */
static enum err additions(struct view *v, const struct choice *c, struct sums *out)
{
	for (size_t i = 0; i < c->n; i++)
		if (choice_adds(v, c, c->v[i]))
			TRY(visible_sums(v, c->v[i], out));
	return ERR_OK;
}

enum err ladder_stated(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
		       struct stated *out)
{
	const struct group *group = deal_group(d, payer);
	const struct way way = way_of(v, d, rung);
	bool undisclosed_at[RUNGS] = { false };
	bool undisclosed = false;

	require(rung >= rung_talked && rung <= rung_committed);
	*out = (struct stated){ .base = false };
	if (!group)
		return ERR_OK;
	struct choice c = { .v = group->v, .n = group->n, .after = deal_cut(d, payer) };
	const struct tally tally = tally_of(v, &c);
	for (size_t i = 0; i < way.n && !out->base; i++) {
		const enum rung at = way.v[i];
		c.rungs[at] = true;
		out->base = tally.amount[at];
		c.base = at;
		if (!out->base && tally.undisclosed[at])
			undisclosed = undisclosed_at[at] = true;
	}
	if (undisclosed) {
		out->sums.undisclosed = 1;
		use_undisclosed(v, &c, undisclosed_at);
	}
	return out->base ? choice_sums(v, &c, &out->sums) : additions(v, &c, &out->sums);
}

/* Payments on the deal itself that name this payer (0: nobody), net of what came back. */
static enum err payments(struct view *v, struct deal *d, uint32_t payer, struct sums *out)
{
	const struct group *group = deal_group(d, payer);

	for (size_t i = 0; group && i < group->n; i++) {
		struct visible *s = group->v[i];
		struct sums one = { 0 };
		if (s->fact->kind != kind_pay || !question_counts(v->question, s->fact))
			continue;
		if (!(s->fact->flags & FACT_RETURNED)) {
			TRY(visible_sums(v, s, out));
			continue;
		}
		TRY(visible_sums(v, s, &one));
		TRY(sums_return(&v->counting, &one));
		TRY(sums_add(&v->counting, out, &one));
	}
	return ERR_OK;
}

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

/* Without a base: payments that name nobody, and what is unattributed in the parts. */
static enum err unattributed_below(struct view *v, struct deal *d, enum rung rung,
				   struct sums *out)
{
	TRY(payments(v, d, 0, out));
	for (size_t i = 0; i < d->nparts; i++) {
		struct sums in_part;
		enum rung at;
		TRY(ladder_rung(v, d->parts[i], rung, &at));
		TRY(ladder_unattributed(v, d->parts[i], at, &in_part));
		TRY(sums_add(&v->counting, out, &in_part));
	}
	return ERR_OK;
}

enum err ladder_unattributed(struct view *v, struct deal *d, enum rung rung, struct sums *out)
{
	struct stated stated = { .base = false };

	TRY(view_payers(v, d));
	if (rung != rung_paid)
		TRY(ladder_stated(v, d, 0, rung, &stated));
	if (stated.base) {
		struct sums share = { 0 };
		TRY(ladder_payers(v, d, rung, &share));
		return sums_beyond(&v->counting, &stated.sums, &share, out);
	}
	*out = stated.sums;
	return unattributed_below(v, d, rung, out);
}

enum err ladder_total(struct view *v, struct deal *d, enum rung rung, struct sums *out)
{
	struct stated stated = { .base = false };
	struct sums rest;

	TRY(view_payers(v, d));
	if (rung != rung_paid)
		TRY(ladder_stated(v, d, 0, rung, &stated));
	*out = stated.sums;
	if (stated.base)
		return ERR_OK;
	*out = (struct sums){ 0 };
	TRY(ladder_payers(v, d, rung, out));
	TRY(ladder_unattributed(v, d, rung, &rest));
	return sums_add(&v->counting, out, &rest);
}
