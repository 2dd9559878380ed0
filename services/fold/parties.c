/* SPDX-License-Identifier: Apache-2.0 */
/* parties: finds the deals of a party, or walks through all of them, and adds up. */
#include "services/fold/parties.h"

#include "services/fold/kept.h"

#define FORGET_BYTES ((size_t)192 << 10) /* of deals; what a processor has near at hand */

#define FORESEEN 12u /* candidates that are brought near before it is their turn */

/* ---- one deal, as it counts in sums ---- */

enum err summed_value(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
		      const struct sums **out)
{
	TRY(ladder_rung(v, d, rung, &rung));
	return ladder_value(v, d, payer, rung, out);
}

enum err summed_total(struct view *v, struct deal *d, enum rung rung, struct sums *out)
{
	TRY(ladder_rung(v, d, rung, &rung));
	return ladder_total(v, d, rung, out);
}

enum err summed_unattributed(struct view *v, struct deal *d, enum rung rung, struct sums *out)
{
	TRY(ladder_rung(v, d, rung, &rung));
	return ladder_unattributed(v, d, rung, out);
}

/* ---- the deals of one party ---- */

static struct deal *root_of(struct deal *d)
{
	while (d->whole)
		d = d->whole;
	return d;
}

/* A walk through the deals of a party; what it needs of itself outlives the deals that it forgets. */
struct walk_of_party {
	uint32_t party;
	bool forget; /* deals, from time to time */
	struct number_list candidates;
	deal_visit *visit;
	void *arg;
};

static enum err walk_begin(struct view *v, struct walk_of_party *w, enum relation relation)
{
	return v->facts->related(v->facts->arg, relation, w->party, &v->kept, &w->candidates);
}

/* Bring near what will be asked for of a deal: what is kept of it, or its facts. */
static void foresee(struct view *v, uint32_t deal)
{
	if (!v->keeps || !kept_foresee(v->facts->kept, deal))
		v->facts->foresee_home(v->facts->arg, HOME_DEAL, deal);
}

/* The same once what is kept is near: where it does not serve this question, the facts are needed as well. */
static void foresee_facts(struct view *v, uint32_t deal)
{
	if (v->keeps && kept_has(v->facts->kept, deal) &&
	    !kept_find(v->facts->kept, &v->question->horizon, deal))
		v->facts->foresee_home(v->facts->arg, HOME_DEAL, deal);
}

/*
 * What it comes to is known to the next question as well. To find that out marks statements as used: not
 * for those who ask which ones were.
 */
static enum err keep(struct view *v, struct deal *d)
{
	return v->keeps ? kept_put(v, d) : ERR_OK;
}

/* The next candidate; small memory that is used again stays in reach. */
static enum err walk_open(struct view *v, const struct walk_of_party *w, size_t i, struct deal **out)
{
	if (w->forget)
		view_tidy(v, FORGET_BYTES);
	if (i + FORESEEN < w->candidates.n)
		foresee(v, w->candidates.v[i + FORESEEN]);
	if (i + FORESEEN / 2 < w->candidates.n)
		foresee_facts(v, w->candidates.v[i + FORESEEN / 2]);
	return w->forget ? view_recall(v, w->candidates.v[i], out)
			 : view_open(v, w->candidates.v[i], out);
}

static enum err each_paying(struct view *v, struct walk_of_party *w)
{
	struct map seen = { 0 };

	TRY(walk_begin(v, w, RELATION_PAYER));
	for (size_t i = 0; i < w->candidates.n; i++) {
		struct deal *d;
		TRY(walk_open(v, w, i, &d));
		TRY(view_whole(v, d));
		d = root_of(d);
		if (map_find(&seen, d->number))
			continue;
		TRY(map_put(&seen, &v->kept, d->number, 1));
		TRY(view_payers(v, d));
		if (w->forget)
			TRY(keep(v, d));
		if (deal_payer(d, w->party))
			TRY(w->visit(v, d, w->arg));
	}
	return ERR_OK;
}

static enum err each_receiving(struct view *v, struct walk_of_party *w)
{
	TRY(walk_begin(v, w, RELATION_PAYEE));
	for (size_t i = 0; i < w->candidates.n; i++) {
		struct deal *d;
		bool topmost;
		TRY(walk_open(v, w, i, &d));
		TRY(view_topmost(v, d, w->party, &topmost));
		if (w->forget)
			TRY(keep(v, d));
		if (topmost)
			TRY(w->visit(v, d, w->arg));
	}
	return ERR_OK;
}

enum err parties_each_paying(struct view *v, uint32_t party, deal_visit *visit, void *arg)
{
	return each_paying(v, &(struct walk_of_party){ .party = party, .forget = true,
						       .visit = visit, .arg = arg });
}

enum err parties_each_receiving(struct view *v, uint32_t party, deal_visit *visit, void *arg)
{
	return each_receiving(v, &(struct walk_of_party){ .party = party, .forget = true,
							  .visit = visit, .arg = arg });
}

struct finding {
	struct deals_found *out;
	size_t cap;
};

static enum err find_deal(struct view *v, struct deal *d, void *arg)
{
	struct finding *f = arg;

	if (f->out->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 16;
		struct deal **more = arena_alloc(&v->arena, f->cap * sizeof(struct deal *));
		if (!more)
			return ERR_NO_MEMORY;
		if (f->out->n)
			memcpy(more, f->out->v, f->out->n * sizeof(struct deal *));
		f->out->v = more;
	}
	f->out->v[f->out->n++] = d;
	return ERR_OK;
}

enum err parties_paying(struct view *v, uint32_t party, struct deals_found *out)
{
	struct finding f = { .out = out };

	*out = (struct deals_found){ 0 };
	return each_paying(v, &(struct walk_of_party){ .party = party, .visit = find_deal, .arg = &f });
}

enum err parties_receiving(struct view *v, uint32_t party, struct deals_found *out)
{
	struct finding f = { .out = out };

	*out = (struct deals_found){ 0 };
	return each_receiving(v, &(struct walk_of_party){ .party = party, .visit = find_deal,
							  .arg = &f });
}

enum err parties_from(struct view *v, uint32_t party, enum rung rung, struct sums *out)
{
	struct deals_found deals;

	*out = (struct sums){ 0 };
	TRY(parties_paying(v, party, &deals));
	for (size_t i = 0; i < deals.n; i++) {
		const struct sums *value;
		TRY(summed_value(v, deals.v[i], party, rung, &value));
		TRY(sums_add(&v->counting, out, value));
	}
	return ERR_OK;
}

enum err parties_to(struct view *v, uint32_t party, enum rung rung, struct sums *out)
{
	struct deals_found deals;

	*out = (struct sums){ 0 };
	TRY(parties_receiving(v, party, &deals));
	for (size_t i = 0; i < deals.n; i++) {
		struct sums total;
		TRY(summed_total(v, deals.v[i], rung, &total));
		TRY(sums_add(&v->counting, out, &total));
	}
	return ERR_OK;
}

enum err parties_backers(struct view *v, uint32_t payee, enum rung rung, struct shares *out)
{
	struct deals_found deals;

	TRY(parties_receiving(v, payee, &deals));
	for (size_t i = 0; i < deals.n; i++) {
		struct deal *d = deals.v[i];
		TRY(view_payers(v, d));
		for (size_t j = 0; j < d->npayers; j++) {
			const struct sums *value;
			TRY(summed_value(v, d, d->payers[j].number, rung, &value));
			TRY(shares_add(v, out, d->payers[j].number, rung, value));
		}
	}
	return ERR_OK;
}

enum err parties_unattributed_to(struct view *v, uint32_t payee, enum rung rung, struct sums *out)
{
	struct deals_found deals;

	*out = (struct sums){ 0 };
	TRY(parties_receiving(v, payee, &deals));
	for (size_t i = 0; i < deals.n; i++) {
		struct sums rest;
		TRY(summed_unattributed(v, deals.v[i], rung, &rest));
		TRY(sums_add(&v->counting, out, &rest));
	}
	return ERR_OK;
}

/* ---- whom a deal pays ---- */

/* Its payees that no deal which contains it names. */
static enum err topmost_payees(struct view *v, struct deal *d, struct number_list *out)
{
	size_t kept = 0;

	TRY(view_payees(v, d, out));
	for (size_t i = 0; d->whole && i < out->n; i++) {
		bool topmost;
		TRY(view_topmost(v, d, out->v[i], &topmost));
		if (topmost)
			out->v[kept++] = out->v[i];
	}
	out->n = d->whole ? kept : out->n;
	return ERR_OK;
}

enum err parties_payees_of(struct view *v, uint32_t payer, enum rung rung, struct shares *out)
{
	struct number_list candidates;
	struct map seen = { 0 };

	TRY(v->facts->related(v->facts->arg, RELATION_PAYER, payer, &v->arena, &candidates));
	for (size_t i = 0; i < candidates.n; i++) {
		struct deal *d;
		TRY(view_open(v, candidates.v[i], &d));
		TRY(view_whole(v, d));
		for (; d && !map_find(&seen, d->number); d = d->whole) {
			struct number_list payees;
			const struct sums *value;
			TRY(map_put(&seen, &v->arena, d->number, 1));
			TRY(topmost_payees(v, d, &payees));
			if (payees.n == 0)
				continue;
			TRY(summed_value(v, d, payer, rung, &value));
			for (size_t j = 0; j < payees.n; j++)
				TRY(shares_add(v, out, payees.v[j], rung, value));
		}
	}
	return ERR_OK;
}

/* ---- all deals ---- */

static enum err visit_tree(struct view *v, struct deal *d, deal_visit *visit, void *arg)
{
	TRY(visit(v, d, arg));
	TRY(view_parts(v, d));
	for (size_t i = 0; i < d->nparts; i++)
		TRY(visit_tree(v, d->parts[i], visit, arg));
	return ERR_OK;
}

/* With `sums` a visit needs no statements, and what a deal comes to is kept. */
static enum err each_deal(struct view *v, bool sums, deal_visit *visit, void *arg)
{
	uint32_t last;

	TRY(v->facts->last_number(v->facts->arg, DICT_DEAL, &last));
	for (uint32_t number = 1; number && number <= last; number++) {
		struct deal *d;
		view_tidy(v, FORGET_BYTES);
		TRY(sums ? view_recall(v, number, &d) : view_open(v, number, &d));
		TRY(view_whole(v, d));
		if (!d->whole)
			TRY(visit_tree(v, d, visit, arg));
		if (sums)
			TRY(keep(v, d));
	}
	return ERR_OK;
}

enum err parties_each_deal(struct view *v, deal_visit *visit, void *arg)
{
	return each_deal(v, false, visit, arg);
}

struct adding {
	enum rung rung; /* rung_NONE: all */
	struct shares *shares;
	struct sums *unattributed; /* add_payers: where it goes */
	bool rest;		   /* add_pairs: with what is unattributed */
};

static enum err add_payers(struct view *v, struct deal *d, void *arg)
{
	const struct adding *a = arg;
	struct counting kept = { &v->kept, v->counting.ratios };
	struct sums rest;

	if (d->whole)
		return ERR_OK;
	TRY(view_payers(v, d));
	for (size_t i = 0; i < d->npayers; i++) {
		const struct sums *value;
		TRY(summed_value(v, d, d->payers[i].number, a->rung, &value));
		TRY(shares_add(v, a->shares, d->payers[i].number, a->rung, value));
	}
	TRY(summed_unattributed(v, d, a->rung, &rest));
	return sums_add(&kept, a->unattributed, &rest);
}

enum err parties_payers(struct view *v, enum rung rung, struct shares *out,
			struct sums *unattributed)
{
	struct adding a = { .rung = rung, .shares = out, .unattributed = unattributed };

	*unattributed = (struct sums){ 0 };
	return each_deal(v, true, add_payers, &a);
}

static enum err add_payees(struct view *v, struct deal *d, void *arg)
{
	const struct adding *a = arg;
	struct number_list payees;
	struct sums total;

	TRY(topmost_payees(v, d, &payees));
	if (payees.n == 0)
		return ERR_OK;
	TRY(summed_total(v, d, a->rung, &total));
	for (size_t i = 0; i < payees.n; i++)
		TRY(shares_add(v, a->shares, payees.v[i], a->rung, &total));
	return ERR_OK;
}

enum err parties_payees(struct view *v, enum rung rung, struct shares *out)
{
	struct adding a = { .rung = rung, .shares = out };

	return each_deal(v, true, add_payees, &a);
}

static enum err add_pairs_on(struct view *v, struct deal *d, const struct number_list *payees,
			     enum rung rung, const struct adding *a)
{
	struct shares *shares = a->shares;
	struct sums rest;

	TRY(view_payers(v, d));
	for (size_t i = 0; i < d->npayers; i++) {
		const struct sums *value;
		TRY(summed_value(v, d, d->payers[i].number, rung, &value));
		for (size_t j = 0; j < payees->n; j++)
			TRY(shares_add(v, shares, pair_key(d->payers[i].number, payees->v[j]),
				       rung, value));
	}
	if (!a->rest)
		return ERR_OK;
	TRY(summed_unattributed(v, d, rung, &rest));
	for (size_t j = 0; j < payees->n; j++)
		TRY(shares_add(v, shares, pair_key(0, payees->v[j]), rung, &rest));
	return ERR_OK;
}

static enum err add_pairs(struct view *v, struct deal *d, void *arg)
{
	const struct adding *a = arg;
	struct number_list payees;

	TRY(topmost_payees(v, d, &payees));
	if (payees.n == 0)
		return ERR_OK;
	if (a->rung)
		return add_pairs_on(v, d, &payees, a->rung, a);
	for (enum rung rung = rung_talked; rung <= rung_paid; rung++)
		TRY(add_pairs_on(v, d, &payees, rung, a));
	return ERR_OK;
}

enum err parties_pairs(struct view *v, enum rung rung, bool rest, struct shares *out)
{
	struct adding a = { .rung = rung, .shares = out, .rest = rest };

	return each_deal(v, true, add_pairs, &a);
}
