/* SPDX-License-Identifier: Apache-2.0 */
/* party_figure: what a party pays and is paid, and who pays it; see fold.h. */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/parties.h"
#include "services/fold/stage.h"

#define DEALS_SHOWN_MAX 1000u

/* The rungs asked for: all of them, or one. */
struct rungs {
	enum rung first, last;
};
static struct rungs rungs_of(int rung)
{
	if (rung)
		return (struct rungs){ (enum rung)rung, (enum rung)rung };
	return (struct rungs){ rung_talked, rung_paid };
}

/* ---- a party ---- */

/* What a deal comes to for the party (0: in all) on one rung; in the view's memory of deals. */
static enum err worth(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
		      struct sums *out)
{
	const struct sums *value;

	if (!payer)
		return summed_total(v, d, rung, out);
	TRY(summed_value(v, d, payer, rung, &value));
	*out = *value;
	return ERR_OK;
}

/* What is shown of one deal, found out while all of it is at hand. */
struct worth_of_deal {
	uint32_t deal, successor;
	enum stage stage;
	struct sums sums[RUNGS];
};
/* The deals of a party on one side, and what they come to. */
struct worths {
	struct rungs rungs;
	uint32_t payer; /* 0: each deal counts in all */
	struct worth_of_deal *v; /* in the view's kept memory */
	size_t n, cap;
	struct sums total[RUNGS];
};

static enum err worth_new(struct view *v, struct worths *all, struct worth_of_deal **out)
{
	if (all->n == all->cap) {
		const size_t cap = all->cap ? 2 * all->cap : 16;
		struct worth_of_deal *more = arena_alloc(&v->kept, cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (all->n)
			memcpy(more, all->v, all->n * sizeof(*more));
		all->v = more;
		all->cap = cap;
	}
	*out = &all->v[all->n++];
	return ERR_OK;
}

static enum err add_worth(struct view *v, struct deal *d, void *arg)
{
	struct counting kept = { &v->kept, v->counting.ratios };
	struct worths *all = arg;
	struct worth_of_deal *one;

	TRY(worth_new(v, all, &one));
	TRY(view_successor(v, d));
	one->deal = d->number;
	one->successor = d->successor;
	TRY(stage_of(v, d, &one->stage));
	for (enum rung rung = all->rungs.first; rung <= all->rungs.last; rung++) {
		struct sums sums;
		TRY(worth(v, d, all->payer, rung, &sums));
		TRY(sums_copy(&kept, &sums, &one->sums[rung]));
		TRY(sums_add(&kept, &all->total[rung], &sums));
	}
	return ERR_OK;
}

static enum err deal_write(struct asking *k, const struct worth_of_deal *from, struct str slug,
			   struct rungs rungs, struct party_deal *out)
{
	struct view *v = &k->view;

	msg_set(out, party_deal, deal, slug);
	if (from->stage)
		msg_set(out, party_deal, stage, (int)from->stage);
	if (from->successor) {
		TRY(v->facts->slug(v->facts->arg, DICT_DEAL, from->successor,
				   &out->superseded_by));
		msg_mark(out, party_deal, superseded_by);
	}
	msg_mark(out, party_deal, rungs);
	out->rungs.v = arena_zalloc(k->a, rung_paid, sizeof(*out->rungs.v));
	if (!out->rungs.v)
		return ERR_NO_MEMORY;
	for (enum rung rung = rungs.first; rung <= rungs.last; rung++) {
		if (sums_empty(&from->sums[rung]))
			continue;
		struct rung_amount *to = &out->rungs.v[out->rungs.n++];
		msg_set(to, rung_amount, rung, (int)rung);
		msg_mark(to, rung_amount, sums);
		TRY(sums_write(&v->counting, &from->sums[rung], k->a, &to->sums));
	}
	return ERR_OK;
}

static enum err deals_write(struct asking *k, const struct worths *deals,
			    struct party_deal_list *out)
{
	struct view *v = &k->view;
	struct named *names;
	uint32_t *numbers = arena_alloc(&v->arena, deals->n * sizeof(*numbers));

	out->n = deals->n < DEALS_SHOWN_MAX ? deals->n : DEALS_SHOWN_MAX;
	out->v = arena_zalloc(k->a, out->n, sizeof(*out->v));
	if (!numbers || !out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < deals->n; i++)
		numbers[i] = deals->v[i].deal;
	TRY(ask_names(v, DICT_DEAL, numbers, deals->n, &names));
	for (size_t i = 0; i < out->n; i++)
		TRY(deal_write(k, &deals->v[names[i].at], names[i].slug, deals->rungs, &out->v[i]));
	return ERR_OK;
}

/* What its declaration says. */
static enum err declaration_write(struct asking *k, uint32_t party, struct party_figures *out)
{
	struct event event;
	bool found;

	TRY(ask_party(&k->view, party, k->a, &event, &found));
	if (!found)
		return ERR_OK;
	if (event.name.n)
		msg_set(out, party_figures, name, event.name);
	if (event.names.n)
		msg_set(out, party_figures, names, event.names);
	if (event.type)
		msg_set(out, party_figures, party_type, event.type);
	if (event.group.n)
		msg_set(out, party_figures, group, event.group);
	if (event.identifiers.n)
		msg_set(out, party_figures, identifiers, event.identifiers);
	return ERR_OK;
}

static enum err answer_party(struct asking *k, const struct party_figure *ask,
			     struct party_figures *out)
{
	const struct rungs rungs = rungs_of(ask->rung);
	struct worths pays = { .rungs = rungs }, receives = { .rungs = rungs };
	struct view *v = &k->view;
	uint32_t party;

	TRY(ask_number(k->source, &k->question, DICT_PARTY, ask->party, "party", &party,
		       k->fault));
	TRY(declaration_write(k, party, out));
	pays.payer = party;
	TRY(parties_each_paying(v, party, add_worth, &pays));
	TRY(parties_each_receiving(v, party, add_worth, &receives));
	out->rungs.v = arena_zalloc(k->a, rung_paid, sizeof(*out->rungs.v));
	if (!out->rungs.v)
		return ERR_NO_MEMORY;
	for (enum rung rung = rungs.first; rung <= rungs.last; rung++) {
		struct party_sums *to = &out->rungs.v[out->rungs.n++];
		msg_set(to, party_sums, rung, (int)rung);
		msg_mark(to, party_sums, from);
		TRY(sums_write(&v->counting, &pays.total[rung], k->a, &to->from));
		msg_mark(to, party_sums, to);
		TRY(sums_write(&v->counting, &receives.total[rung], k->a, &to->to));
	}
	msg_mark(out, party_figures, rungs);
	msg_mark(out, party_figures, pays);
	TRY(deals_write(k, &pays, &out->pays));
	msg_mark(out, party_figures, receives);
	return deals_write(k, &receives, &out->receives);
}

enum err fold_party(const struct facts *source, const struct party_figure *ask, struct arena *a,
		    struct party_figures *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(party_figure, ask);
	struct asking k;

	*out = (struct party_figures){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, party_figures, basis);
	msg_set(out, party_figures, party, ask->party);
	return ask_end(&k, answer_party(&k, ask, out));
}

/* ---- its backers ---- */

static enum err payers_write(struct asking *k, const struct shares *shares, enum rung rung,
			     struct payer_sums_list *out)
{
	struct view *v = &k->view;
	struct named *names;
	uint32_t *numbers = arena_alloc(&v->arena, shares->n * sizeof(*numbers));

	out->n = shares->n;
	out->v = arena_zalloc(k->a, out->n, sizeof(*out->v));
	if (!numbers || !out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < shares->n; i++)
		numbers[i] = (uint32_t)shares->v[i].key;
	TRY(ask_names(v, DICT_PARTY, numbers, shares->n, &names));
	for (size_t i = 0; i < out->n; i++) {
		struct payer_sums *to = &out->v[i];
		msg_set(to, payer_sums, payer, names[i].slug);
		msg_mark(to, payer_sums, sums);
		TRY(sums_write(&v->counting, share_sums(&shares->v[names[i].at], rung), k->a,
			       &to->sums));
	}
	return ERR_OK;
}

static enum err backers_write(struct asking *k, uint32_t payee, enum rung rung,
			      struct rung_sums *out)
{
	struct view *v = &k->view;
	struct shares shares = { .v = NULL };
	struct sums sums;

	msg_set(out, rung_sums, rung, (int)rung);
	TRY(parties_to(v, payee, rung, &sums));
	msg_mark(out, rung_sums, total);
	TRY(sums_write(&v->counting, &sums, k->a, &out->total));
	TRY(parties_unattributed_to(v, payee, rung, &sums));
	msg_mark(out, rung_sums, unattributed);
	TRY(sums_write(&v->counting, &sums, k->a, &out->unattributed));
	TRY(parties_backers(v, payee, rung, &shares));
	msg_mark(out, rung_sums, payers);
	return payers_write(k, &shares, rung, &out->payers);
}

static enum err answer_backers(struct asking *k, const struct backers_figure *ask,
			       struct backers_figures *out)
{
	const struct rungs rungs = rungs_of(ask->rung);
	uint32_t payee;

	TRY(ask_number(k->source, &k->question, DICT_PARTY, ask->to, "to", &payee, k->fault));
	out->rungs.v = arena_zalloc(k->a, rung_paid, sizeof(*out->rungs.v));
	if (!out->rungs.v)
		return ERR_NO_MEMORY;
	for (enum rung rung = rungs.first; rung <= rungs.last; rung++)
		TRY(backers_write(k, payee, rung, &out->rungs.v[out->rungs.n++]));
	msg_mark(out, backers_figures, rungs);
	return ERR_OK;
}

enum err fold_backers(const struct facts *source, const struct backers_figure *ask,
		      struct arena *a, struct backers_figures *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(backers_figure, ask);
	struct asking k;

	*out = (struct backers_figures){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, backers_figures, basis);
	msg_set(out, backers_figures, to, ask->to);
	return ask_end(&k, answer_backers(&k, ask, out));
}
