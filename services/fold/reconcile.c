/* SPDX-License-Identifier: Apache-2.0 */
/* reconcile: the answer about totals; see fold.h. */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/totals.h"

#define SCOPE_SHOWN_MAX 10000u
#define TOTALS_SHOWN_MAX 1000u

static enum err total_write(struct asking *k, const struct visible *total,
			    const struct reconciling *r, struct reconciliation *out)
{
	struct view *v = &k->view;
	const struct numbers to = fact_numbers(total->fact, FACT_TO);
	struct event_keys keys;
	struct entry first;

	TRY(v->facts->entry(v->facts->arg, total->first->seq, &first));
	TRY(event_peek(first.event, &keys, NULL));
	msg_set(out, reconciliation, event, keys.id);
	msg_set(out, reconciliation, seq, total->fact->seq);
	msg_set(out, reconciliation, rung, (int)total->fact->detail);
	if (total->fact->payer) {
		TRY(v->facts->slug(v->facts->arg, DICT_PARTY, total->fact->payer, &out->from));
		msg_mark(out, reconciliation, from);
	}
	if (to.n) {
		TRY(v->facts->slug(v->facts->arg, DICT_PARTY, numbers_at(to, 0), &out->to));
		msg_mark(out, reconciliation, to);
	}
	msg_set(out, reconciliation, stated, r->stated);
	msg_set(out, reconciliation, figure, r->figure);
	TRY(ask_slugs(v, DICT_DEAL, r->scope, r->nscope, SCOPE_SHOWN_MAX, k->a, &out->deals));
	msg_mark(out, reconciliation, deals);
	msg_set(out, reconciliation, verdict, (int)r->verdict);
	if (r->by.n)
		msg_set(out, reconciliation, by, r->by);
	return ERR_OK;
}

struct only {
	uint32_t party, deal; /* 0: any */
};

static bool about_party(const struct fact *f, uint32_t party)
{
	return !party || f->payer == party || numbers_have(fact_numbers(f, FACT_TO), party);
}

static enum err answer(struct asking *k, const struct reconcile *ask, struct reconciled *out)
{
	const uint64_t limit = msg_has(ask, reconcile, limit) ? ask->limit : TOTALS_SHOWN_MAX;
	struct only only = { 0, 0 };
	struct visible_list totals;
	uint64_t n = 0;

	if (ask->party.n)
		TRY(ask_number(k->source, &k->question, DICT_PARTY, ask->party, "party",
			       &only.party, k->fault));
	if (ask->deal.n)
		TRY(ask_number(k->source, &k->question, DICT_DEAL, ask->deal, "deal", &only.deal,
			       k->fault));
	TRY(totals_of(&k->view, &totals));
	out->totals.v = arena_zalloc(k->a, totals.n, sizeof(*out->totals.v));
	if (!out->totals.v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < totals.n; i++) {
		struct reconciling r;
		if (!about_party(totals.v[i].fact, only.party))
			continue;
		TRY(totals_reconcile(&k->view, &totals.v[i], k->a, &r));
		if (only.deal && !totals_speaks_of(&r, only.deal))
			continue;
		if (n++ >= ask->skip && out->totals.n < limit)
			TRY(total_write(k, &totals.v[i], &r,
					&out->totals.v[out->totals.n++]));
		view_forget(&k->view);
	}
	msg_set(out, reconciled, total, n);
	msg_mark(out, reconciled, totals);
	return ERR_OK;
}

enum err fold_reconcile(const struct facts *source, const struct reconcile *ask, struct arena *a,
			struct reconciled *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(reconcile, ask);
	struct asking k;

	*out = (struct reconciled){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, reconciled, basis);
	return ask_end(&k, answer(&k, ask, out));
}
