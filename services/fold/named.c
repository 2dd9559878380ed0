/* SPDX-License-Identifier: Apache-2.0 */
/* named: the first visible statement that names it is enough; most often it is in the first deal. */
#include "services/fold/named.h"

#define FORGET_BYTES ((size_t)768 << 10) /* of deals; what an arena keeps for its next turn */

enum err named_deal(struct view *v, uint32_t number, bool *out)
{
	struct deal *d;

	TRY(view_open(v, number, &d));
	*out = d->statements.n > 0;
	if (*out)
		return ERR_OK;
	TRY(view_parts(v, d));
	TRY(view_successor(v, d));
	*out = d->nparts || d->successor;
	return ERR_OK;
}

static bool names(const struct fact *f, uint32_t party)
{
	return f->payer == party || numbers_have(fact_numbers(f, FACT_FROM), party) ||
	       numbers_have(fact_numbers(f, FACT_TO), party) ||
	       numbers_have(fact_numbers(f, FACT_SUBJECT), party);
}

static bool any_names(struct visible_list statements, uint32_t party)
{
	for (size_t i = 0; i < statements.n; i++)
		if (names(statements.v[i].fact, party))
			return true;
	return false;
}

/* Among what is said of no deal: declarations of the party, and totals. */
static enum err named_apart(struct view *v, uint32_t party, bool *out)
{
	const struct question *q = v->question;
	struct fact_list facts;
	struct visible_list all;

	TRY(v->facts->home(v->facts->arg, HOME_PARTY, party, &q->horizon, &v->arena, &facts));
	TRY(visible_statements(v->facts, &q->horizon, q->on, facts, &v->arena, &all));
	*out = any_names(all, party);
	return ERR_OK;
}

enum err named_party(struct view *v, uint32_t party, bool *out)
{
	static const enum relation relations[] = { RELATION_PAYER, RELATION_PAYEE };

	TRY(named_apart(v, party, out));
	for (size_t r = 0; r < ARRAY_LEN(relations) && !*out; r++) {
		struct number_list deals;
		TRY(v->facts->related(v->facts->arg, relations[r], party, &v->kept, &deals));
		for (size_t i = 0; i < deals.n && !*out; i++) {
			struct deal *d;
			view_tidy(v, FORGET_BYTES);
			TRY(view_open(v, deals.v[i], &d));
			*out = any_names(d->statements, party);
		}
	}
	return ERR_OK;
}
