/* SPDX-License-Identifier: Apache-2.0 */
/* flows: who pays whom, and the round trips in it; see fold.h and DESIGN.md section 4, rule 12. */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/parties.h"

#include <stdlib.h>

/* The parties of some pairs by slug: a party's place among them stands for its name. */
struct places {
	struct named *names;
	size_t n;
	struct map of; /* number: place */
};

static enum err places_of(struct view *v, const struct shares *pairs, struct places *out)
{
	uint32_t *numbers = arena_alloc(&v->arena, 2 * pairs->n * sizeof(*numbers));
	struct map seen = { 0 };

	*out = (struct places){ .n = 0 };
	if (!numbers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < 2 * pairs->n; i++) {
		const uint64_t key = pairs->v[i / 2].key;
		const uint32_t number = i % 2 ? pair_payer(key) : pair_payee(key);
		if (!number || map_find(&seen, number))
			continue;
		TRY(map_put(&seen, &v->arena, number, 1));
		numbers[out->n++] = number;
	}
	TRY(ask_names(v, DICT_PARTY, numbers, out->n, &out->names));
	for (size_t i = 0; i < out->n; i++)
		TRY(map_put(&out->of, &v->arena, out->names[i].number, i));
	return ERR_OK;
}

static size_t place_of(const struct places *places, uint32_t number)
{
	return (size_t)*map_find(&places->of, number);
}

/* ---- who pays whom ---- */

struct flow_row {
	size_t payee, payer; /* places; unattributed is behind all payers */
	const struct share *share;
};

static int by_parties(const void *x, const void *y)
{
	const struct flow_row *f = x, *g = y;

	if (f->payee != g->payee)
		return f->payee < g->payee ? -1 : 1;
	return f->payer < g->payer ? -1 : f->payer > g->payer;
}

static enum err flow_write(struct asking *k, const struct flow_row *row,
			   const struct places *places, struct flow *out)
{
	if (row->payer < places->n)
		msg_set(out, flow, from, places->names[row->payer].slug);
	msg_set(out, flow, to, places->names[row->payee].slug);
	msg_mark(out, flow, rungs);
	out->rungs.v = arena_zalloc(k->a, rung_paid, sizeof(*out->rungs.v));
	if (!out->rungs.v)
		return ERR_NO_MEMORY;
	for (enum rung rung = rung_talked; rung <= rung_paid; rung++) {
		const struct sums *sums = share_sums(row->share, rung);
		if (sums_empty(sums))
			continue;
		struct rung_amount *to = &out->rungs.v[out->rungs.n++];
		msg_set(to, rung_amount, rung, (int)rung);
		msg_mark(to, rung_amount, sums);
		TRY(sums_write(&k->view.counting, sums, k->a, &to->sums));
	}
	return ERR_OK;
}

static enum err answer_flows(struct asking *k, const struct flows *ask, struct flow_table *out)
{
	struct shares pairs = { .v = NULL };
	struct places places;
	uint32_t party = 0;
	size_t n = 0;

	if (ask->party.n)
		TRY(ask_number(k->source, &k->question, DICT_PARTY, ask->party, "party", &party,
			       k->fault));
	TRY(parties_pairs(&k->view, (enum rung)ask->rung, true, &pairs));
	TRY(places_of(&k->view, &pairs, &places));
	struct flow_row *rows = arena_alloc(&k->view.arena, pairs.n * sizeof(*rows));
	if (!rows)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < pairs.n; i++) {
		const uint32_t payer = pair_payer(pairs.v[i].key);
		const uint32_t payee = pair_payee(pairs.v[i].key);
		if (party && payer != party && payee != party)
			continue;
		rows[n++] = (struct flow_row){ place_of(&places, payee),
			payer ? place_of(&places, payer) : places.n, &pairs.v[i] };
	}
	if (n > 1)
		qsort(rows, n, sizeof(*rows), by_parties);
	const struct page page = ask_page(ask->skip, msg_has(ask, flows, limit), ask->limit, n);
	msg_set(out, flow_table, total, n);
	msg_mark(out, flow_table, flows);
	out->flows.v = arena_zalloc(k->a, page.n, sizeof(*out->flows.v));
	if (!out->flows.v)
		return ERR_NO_MEMORY;
	for (; out->flows.n < page.n; out->flows.n++)
		TRY(flow_write(k, &rows[page.first + out->flows.n], &places,
			       &out->flows.v[out->flows.n]));
	return ERR_OK;
}

enum err fold_flows(const struct facts *source, const struct flows *ask, struct arena *a,
		    struct flow_table *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(flows, ask);
	struct asking k;

	*out = (struct flow_table){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, flow_table, basis);
	return ask_end(&k, answer_flows(&k, ask, out));
}

/* ---- round trips ---- */

#define CYCLE_PARTIES_DEFAULT 4u
#define CYCLE_PARTIES_MAX 8u
#define CYCLES_FOUND_MAX 200000u
#define CYCLE_STEPS_MAX 100000000u /* of looking for them */

/* A payment by place of its payer and payee, sorted by both. */
struct edge {
	uint32_t payer, payee;
	enum rung rung; /* the most certain one on which anything is paid */
};
struct graph {
	struct edge *v;
	size_t n;
	size_t *first; /* of each payer; one more at the end */
	size_t parties;
};

struct trip {
	uint32_t party[CYCLE_PARTIES_MAX];
	uint8_t rung[CYCLE_PARTIES_MAX]; /* of the payment from each */
	uint8_t n;
};

static int by_ends(const void *x, const void *y)
{
	const struct edge *e = x, *f = y;

	if (e->payer != f->payer)
		return e->payer < f->payer ? -1 : 1;
	return e->payee < f->payee ? -1 : e->payee > f->payee;
}

static enum err pays_something(struct view *v, const struct sums *s, bool *out)
{
	*out = s->undisclosed > 0;
	for (size_t i = 0; !*out && i < s->n; i++) {
		int order = 1;
		if (!s->v[i].high_open)
			TRY(bound_cmp(&v->counting.ratios, v->counting.arena, s->v[i].high,
				      bound_of(0), &order));
		*out = order > 0;
	}
	return ERR_OK;
}

static enum err graph_of(struct view *v, const struct shares *pairs, const struct places *places,
			 struct graph *out)
{
	*out = (struct graph){ .parties = places->n };
	out->v = arena_alloc(&v->arena, pairs->n * sizeof(*out->v));
	out->first = arena_zalloc(&v->arena, places->n + 1, sizeof(*out->first));
	if (!out->v || !out->first)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < pairs->n; i++) {
		const uint32_t payer = pair_payer(pairs->v[i].key);
		const uint32_t payee = pair_payee(pairs->v[i].key);
		enum rung rung = rung_paid;
		bool pays = false;
		if (!payer || payer == payee)
			continue;
		for (; rung > rung_NONE; rung--) {
			TRY(pays_something(v, share_sums(&pairs->v[i], rung), &pays));
			if (pays)
				break;
		}
		if (pays)
			out->v[out->n++] = (struct edge){ (uint32_t)place_of(places, payer),
				(uint32_t)place_of(places, payee), rung };
	}
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_ends);
	for (size_t i = 0, at = 0; i <= places->n; i++) {
		while (at < out->n && out->v[at].payer < i)
			at++;
		out->first[i] = at;
	}
	return ERR_OK;
}

struct walk {
	const struct graph *graph;
	struct arena *arena;
	size_t length_max;
	struct trip path;
	struct trip *found;
	size_t n, cap, steps;
};

static enum err trip_found(struct walk *w, enum rung closing)
{
	if (w->n == CYCLES_FOUND_MAX)
		return ERR_TOO_LARGE;
	if (w->n == w->cap) {
		const size_t cap = w->cap ? 2 * w->cap : 64;
		struct trip *more = arena_alloc(w->arena, cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (w->n)
			memcpy(more, w->found, w->n * sizeof(*more));
		w->found = more;
		w->cap = cap;
	}
	w->path.rung[w->path.n - 1] = (uint8_t)closing;
	w->found[w->n++] = w->path;
	return ERR_OK;
}

static const struct edge *edge_between(const struct graph *g, uint32_t payer, uint32_t payee)
{
	const struct edge key = { payer, payee, rung_NONE };
	const size_t n = g->first[payer + 1] - g->first[payer];

	return n ? bsearch(&key, g->v + g->first[payer], n, sizeof(key), by_ends) : NULL;
}

static bool on_path(const struct trip *path, uint32_t party)
{
	for (size_t i = 0; i < path->n; i++)
		if (path->party[i] == party)
			return true;
	return false;
}

/* Go on from the end of the path, only through parties that sort behind its first one. */
static enum err walk_on(struct walk *w)
{
	struct trip *path = &w->path;
	const uint32_t first = path->party[0], last = path->party[path->n - 1];
	const struct edge *closing = path->n > 1 ? edge_between(w->graph, last, first) : NULL;

	if (closing)
		TRY(trip_found(w, closing->rung));
	if (path->n == w->length_max)
		return ERR_OK;
	for (size_t i = w->graph->first[last]; i < w->graph->first[last + 1]; i++) {
		const struct edge *edge = &w->graph->v[i];
		if (++w->steps > CYCLE_STEPS_MAX)
			return ERR_TOO_LARGE;
		if (edge->payee <= first || on_path(path, edge->payee))
			continue;
		path->rung[path->n - 1] = (uint8_t)edge->rung;
		path->party[path->n++] = edge->payee;
		TRY(walk_on(w));
		path->n--;
	}
	return ERR_OK;
}

static int by_length(const void *x, const void *y)
{
	const struct trip *t = x, *u = y;

	if (t->n != u->n)
		return t->n < u->n ? -1 : 1;
	for (size_t i = 0; i < t->n; i++)
		if (t->party[i] != u->party[i])
			return t->party[i] < u->party[i] ? -1 : 1;
	return 0;
}

static enum err cycle_write(const struct trip *trip, const struct places *places,
			    struct arena *a, struct cycle *out)
{
	int weakest = rung_paid;

	out->parties.v = arena_alloc(a, trip->n * sizeof(*out->parties.v));
	out->rungs.v = arena_alloc(a, trip->n * sizeof(*out->rungs.v));
	if (!out->parties.v || !out->rungs.v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < trip->n; i++) {
		out->parties.v[i] = places->names[trip->party[i]].slug;
		out->rungs.v[i] = trip->rung[i];
		weakest = trip->rung[i] < weakest ? trip->rung[i] : weakest;
	}
	out->parties.n = out->rungs.n = trip->n;
	msg_mark(out, cycle, parties);
	msg_mark(out, cycle, rungs);
	msg_set(out, cycle, weakest, weakest);
	return ERR_OK;
}

static enum err answer_cycles(struct asking *k, const struct cycles *ask, struct cycle_table *out)
{
	struct shares pairs = { .v = NULL };
	struct places places;
	struct graph graph;
	struct walk w = { .graph = &graph, .arena = &k->view.arena,
		.length_max = msg_has(ask, cycles, max_length) ? ask->max_length
							       : CYCLE_PARTIES_DEFAULT };

	_Static_assert(CYCLE_PARTIES_MAX == 8, "the limit of max_length in messages.def");

	TRY(parties_pairs(&k->view, rung_NONE, false, &pairs));
	TRY(places_of(&k->view, &pairs, &places));
	TRY(graph_of(&k->view, &pairs, &places, &graph));
	for (uint32_t i = 0; i < graph.parties; i++) {
		w.path = (struct trip){ .party = { i }, .n = 1 };
		const enum err e = walk_on(&w);
		if (e == ERR_TOO_LARGE)
			return fault_set(k->fault, e, "max_length",
					 "too many ways to look at: ask for shorter ones");
		TRY(e);
	}
	if (w.n > 1)
		qsort(w.found, w.n, sizeof(*w.found), by_length);
	const struct page page = ask_page(0, msg_has(ask, cycles, limit), ask->limit, w.n);
	msg_set(out, cycle_table, total, w.n);
	msg_mark(out, cycle_table, cycles);
	out->cycles.v = arena_zalloc(k->a, page.n, sizeof(*out->cycles.v));
	if (!out->cycles.v)
		return ERR_NO_MEMORY;
	for (; out->cycles.n < page.n; out->cycles.n++)
		TRY(cycle_write(&w.found[out->cycles.n], &places, k->a,
				&out->cycles.v[out->cycles.n]));
	return ERR_OK;
}

enum err fold_cycles(const struct facts *source, const struct cycles *ask, struct arena *a,
		     struct cycle_table *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(cycles, ask);
	struct asking k;

	*out = (struct cycle_table){ 0 };
	if (msg_has(ask, cycles, max_length) && ask->max_length < 2)
		return fault_set(fault, ERR_BAD_VALUE, "max_length", "a round trip has at least 2");
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, cycle_table, basis);
	return ask_end(&k, answer_cycles(&k, ask, out));
}
