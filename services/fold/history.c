/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history: every event about a deal or a party, each with how it stands; see fold.h. Nothing is
 * left out: what was corrected, withdrawn or copied is shown as such.
 */
#include "services/fold/ask.h"
#include "services/fold/fold.h"

#include <stdlib.h>

/* One event of the history, as it stands. */
struct standing_of {
	const struct fact *fact;
	enum standing standing;
	uint64_t by; /* the event that put it there; 0: none */
};
struct collected {
	struct standing_of *v;
	size_t n, cap;
	struct map seen; /* seq: 1 */
};

/* How one event of a home stands, after its repairs. */
static struct standing_of standing_of(const struct repairs *repairs, const struct map *statements,
				      const struct fact *f)
{
	const struct repair *own = repairs_find(repairs, f->seq);
	const struct repair *first = repairs_find(repairs, f->root);

	if (own && own->by)
		return (struct standing_of){ f, standing_retracted, own->by };
	if (first && first->by)
		return (struct standing_of){ f, standing_retracted, first->by };
	if (first && first->latest && first->latest != f)
		return (struct standing_of){ f, standing_corrected, first->latest->seq };
	if (f->kind == kind_retract)
		return (struct standing_of){ f, standing_counts, 0 };
	const uint64_t *at = map_find(statements, f->root);
	if (!at)
		return (struct standing_of){ f, standing_hidden, 0 };
	const struct visible *s = (const struct visible *)(uintptr_t)*at;
	if (s->copy)
		return (struct standing_of){ f, standing_copy, f->derived };
	return (struct standing_of){ f, standing_counts, 0 };
}

static enum err collect(struct view *v, struct collected *all, struct standing_of one)
{
	if (map_find(&all->seen, one.fact->seq))
		return ERR_OK;
	TRY(map_put(&all->seen, &v->arena, one.fact->seq, 1));
	if (all->n == all->cap) {
		const size_t cap = all->cap ? 2 * all->cap : 64;
		struct standing_of *more = arena_alloc(&v->arena, cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (all->n)
			memcpy(more, all->v, all->n * sizeof(*more));
		all->v = more;
		all->cap = cap;
	}
	all->v[all->n++] = one;
	return ERR_OK;
}

/* Whether the event names this party: as payer, payee, or as what it declares. */
static bool names_party(const struct fact *f, uint32_t party)
{
	return f->payer == party || numbers_have(fact_numbers(f, FACT_FROM), party) ||
	       numbers_have(fact_numbers(f, FACT_TO), party) ||
	       numbers_have(fact_numbers(f, FACT_SUBJECT), party);
}

static int by_seq_of_fact(const void *x, const void *y)
{
	const struct fact *const *f = x, *const *g = y;

	return (*f)->seq < (*g)->seq ? -1 : (*f)->seq > (*g)->seq;
}

/*
 * Note the events of those chains of which one is in, by seq; and the retractions, which go with what
 * they withdraw: an earlier event, so they are looked at in order of their seqs.
 */
static enum err whole_chains(struct view *v, struct fact_list facts, const struct map *roots,
			     struct map *in)
{
	const struct fact **retracts = arena_alloc(&v->arena, facts.n * sizeof(*retracts));
	size_t n = 0;

	if (!retracts)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < facts.n; i++) {
		const struct fact *f = &facts.v[i];
		if (map_find(roots, f->root))
			TRY(map_put(in, &v->arena, f->seq, 1));
		else if (f->kind == kind_retract)
			retracts[n++] = f;
	}
	if (n > 1)
		qsort(retracts, n, sizeof(*retracts), by_seq_of_fact);
	for (size_t i = 0; i < n; i++)
		if (map_find(in, retracts[i]->ref))
			TRY(map_put(in, &v->arena, retracts[i]->seq, 1));
	return ERR_OK;
}

/*
 * The events that the history shows: those of chains that belong to this home (a correction that is not
 * visible may have brought others here), and with a party only where one speaks for or of it.
 */
static enum err concerns(struct view *v, struct fact_list facts, enum home home, uint32_t number,
			 uint32_t party, struct map *in)
{
	struct map roots = { 0 };
	struct deal *d = NULL;

	for (size_t i = 0; i < facts.n; i++) {
		const struct fact *f = &facts.v[i];
		const bool here = home == HOME_DEAL ? f->deal == number : names_party(f, number);
		bool does = here && (!party || names_party(f, party));
		if (here && !does && !f->payer && f->kind < kind_party) {
			if (!d)
				TRY(view_deal(v, f->deal, &d));
			does = deal_speaker(d, f->payer) == party;
		}
		if (does)
			TRY(map_put(&roots, &v->arena, f->root, 1));
	}
	return whole_chains(v, facts, &roots, in);
}

static enum err collect_home(struct view *v, enum home home, uint32_t number, uint32_t party,
			     struct collected *all)
{
	const struct question *q = v->question;
	struct fact_list facts;
	struct visible_list statements;
	struct repairs repairs;
	struct map by_root = { 0 }, in = { 0 };

	TRY(v->facts->home(v->facts->arg, home, number, &q->horizon, &v->arena, &facts));
	TRY(repairs_of(facts, &v->arena, &repairs));
	TRY(visible_statements(v->facts, &q->horizon, q->on, facts, &v->arena, &statements));
	for (size_t i = 0; i < statements.n; i++)
		TRY(map_put(&by_root, &v->arena, statements.v[i].first->seq,
			    (uint64_t)(uintptr_t)&statements.v[i]));
	TRY(concerns(v, facts, home, number, party, &in));
	for (size_t i = 0; i < facts.n; i++)
		if (map_find(&in, facts.v[i].seq))
			TRY(collect(v, all, standing_of(&repairs, &by_root, &facts.v[i])));
	return ERR_OK;
}

static int by_order(const void *x, const void *y)
{
	const struct standing_of *s = x, *t = y;

	return order_cmp(fact_order(s->fact), fact_order(t->fact));
}

static enum err collect_party(struct view *v, uint32_t party, struct collected *all)
{
	static const enum relation sides[] = { RELATION_PAYER, RELATION_PAYEE };

	TRY(collect_home(v, HOME_PARTY, party, 0, all));
	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		struct number_list deals;
		TRY(v->facts->related(v->facts->arg, sides[i], party, &v->arena, &deals));
		for (size_t j = 0; j < deals.n; j++)
			TRY(collect_home(v, HOME_DEAL, deals.v[j], party, all));
	}
	return ERR_OK;
}

static enum err write_page(struct view *v, const struct collected *all, const struct history *ask,
			   struct arena *a, struct statements *out)
{
	const struct page page = ask_page(ask->skip, msg_has(ask, history, limit), ask->limit,
					  all->n);

	msg_set(out, statements, total, all->n);
	msg_mark(out, statements, statements);
	out->statements.n = page.n;
	out->statements.v = arena_zalloc(a, page.n, sizeof(*out->statements.v));
	if (!out->statements.v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < page.n; i++) {
		const struct standing_of *from = &all->v[page.first + i];
		struct statement *to = &out->statements.v[i];
		TRY(v->facts->entry(v->facts->arg, from->fact->seq, &to->entry));
		msg_mark(to, statement, entry);
		msg_set(to, statement, standing, (int)from->standing);
		if (from->by)
			msg_set(to, statement, by_seq, from->by);
	}
	return ERR_OK;
}

static enum err answer(struct view *v, const struct history *ask, struct arena *a,
		       struct statements *out, struct fault *fault)
{
	const bool party = msg_has(ask, history, party);
	struct collected all = { .v = NULL };
	uint32_t number;

	TRY(ask_number(v->facts, v->question, party ? DICT_PARTY : DICT_DEAL,
		       party ? ask->party : ask->deal, party ? "party" : "deal", &number, fault));
	if (party)
		TRY(collect_party(v, number, &all));
	else
		TRY(collect_home(v, HOME_DEAL, number, 0, &all));
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), by_order);
	return write_page(v, &all, ask, a, out);
}

enum err fold_history(const struct facts *source, const struct history *ask, struct arena *a,
		      struct statements *out, struct fault *fault)
{
	const struct options options = CLOCKS_OF(history, ask);
	struct asking k;

	*out = (struct statements){ 0 };
	if (msg_has(ask, history, deal) == msg_has(ask, history, party))
		return fault_set(fault, ERR_BAD_VALUE, "deal", "give either deal or party");
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, statements, basis);
	return ask_end(&k, answer(&k.view, ask, a, out, fault));
}

static int by_seq(const void *x, const void *y)
{
	const uint64_t *m = x, *n = y;

	return *m < *n ? -1 : *m > *n;
}

enum err fold_versions(const struct facts *source, uint64_t seq, struct arena *a,
		       struct u64_list *out)
{
	const struct horizon all = { UINT64_MAX, INT64_MAX };
	struct fact_list chain;

	TRY(source->chain(source->arg, seq, &all, a, &chain));
	out->n = chain.n;
	out->v = arena_alloc(a, chain.n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < chain.n; i++)
		out->v[i] = chain.v[i].seq;
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_seq);
	return ERR_OK;
}
