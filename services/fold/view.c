/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view: loads a deal's statements and finds its place among the others.
 *
 * Going up needs only declarations and cancels, which lie in a home of their own, so that the
 * question for a small part of a huge deal stays small.
 */
#include "services/fold/kept.h"

#include <stdlib.h>

void view_init(struct view *v, const struct facts *source, const struct question *question)
{
	*v = (struct view){ .facts = source, .question = question };
	arena_init(&v->arena, VIEW_BYTES_MAX);
	arena_init(&v->kept, VIEW_BYTES_MAX);
	if (source && source->kept)
		v->arena.room = kept_room(source->kept);
	v->counting.arena = &v->arena;
	v->keeps = source && source->kept && kept_serves(question);
}

void view_fini(struct view *v)
{
	arena_fini(&v->arena);
	arena_fini(&v->kept);
}

void view_forget(struct view *v)
{
	v->deals = (struct map){ 0 };
	arena_reset(&v->arena);
	v->first_bytes = 0;
}

void view_tidy(struct view *v, size_t bytes)
{
	if (!v->first_bytes)
		v->first_bytes = v->arena.used;
	if (v->arena.used > bytes && v->arena.used > 2 * v->first_bytes)
		view_forget(v);
}

bool question_assumes(const struct question *q, uint32_t deal)
{
	for (size_t i = 0; i < q->assume.n; i++)
		if (q->assume.v[i] == deal)
			return true;
	return false;
}

/* ---- loading ---- */

static bool within(const struct question *q, const struct fact *f)
{
	return !q->window || fact_declares(f) ||
	       (f->on_first >= q->window_first && f->on_first <= q->window_last);
}

struct numbers deal_declared(const struct deal *d, enum fact_part part)
{
	return d->declared ? fact_numbers(d->declared->fact, part) : (struct numbers){ 0 };
}

static int by_payer_then_order(const void *x, const void *y)
{
	const struct cut *a = x, *b = y;

	if (a->payer != b->payer)
		return a->payer < b->payer ? -1 : 1;
	return order_cmp(a->at, b->at);
}

/* Its declaration, the cancels among its statements, and the last of each payer. */
static enum err find_apart(struct view *v, struct deal *d)
{
	const size_t most = d->statements.cancels;

	d->declared = NULL;
	d->ncuts = d->nlast_cuts = 0;
	d->cuts = d->last_cuts = NULL;
	if (most) {
		d->cuts = arena_alloc(&v->arena, most * sizeof(*d->cuts));
		d->last_cuts = arena_alloc(&v->arena, most * sizeof(*d->last_cuts));
		if (!d->cuts || !d->last_cuts)
			return ERR_NO_MEMORY;
	}
	for (const struct visible *s = d->statements.apart.first; s; s = s->next) {
		if (s->kind == kind_deal && !s->copy)
			d->declared = s;
		if (s->kind == kind_cancel && !s->copy)
			d->cuts[d->ncuts++] = (struct cut){ visible_order(s), s->payer, s->fact };
	}
	if (d->ncuts == 0)
		return ERR_OK;
	memcpy(d->last_cuts, d->cuts, d->ncuts * sizeof(*d->cuts));
	if (d->ncuts > 1)
		qsort(d->last_cuts, d->ncuts, sizeof(*d->last_cuts), by_payer_then_order);
	for (size_t i = 0; i < d->ncuts; i++) {
		if (d->nlast_cuts && d->last_cuts[d->nlast_cuts - 1].payer == d->last_cuts[i].payer)
			d->nlast_cuts--;
		d->last_cuts[d->nlast_cuts++] = d->last_cuts[i];
	}
	return ERR_OK;
}

/* What is of this deal, and within the window. */
static struct visible_list own_statements(const struct view *v, const struct deal *d,
					  struct visible_list all)
{
	struct visible_list own = { .v = all.v, .elsewhere = all.elsewhere };

	if (all.deal == d->number && !v->question->window)
		return all;
	for (size_t i = 0; i < all.n; i++) {
		const struct fact *f = all.v[i].fact;
		if (f->deal != d->number || !within(v->question, f))
			continue;
		struct visible *s = &own.v[own.n];
		if (s != &all.v[i])
			*s = all.v[i];
		visible_put(&own, s);
	}
	return own;
}

/* Keep what is of this deal; find its declaration and cancels. */
static enum err settle(struct view *v, struct deal *d, struct visible_list all)
{
	d->statements = own_statements(v, d, all);
	TRY(find_apart(v, d));
	const struct numbers from = deal_declared(d, FACT_FROM);
	d->only_payer = from.n == 1 ? numbers_at(from, 0) : 0;
	return ERR_OK;
}

static void links_put(struct extent *x, const struct fact *f, enum fact_part part)
{
	const struct numbers list = fact_numbers(f, part);

	for (size_t i = 0; i < list.n; i++)
		x->links.v[x->links.n++] = numbers_at(list, i);
}

/* How far the facts of a deal reach. */
static enum err extent_of(struct view *v, uint32_t deal, struct fact_list facts, bool elsewhere,
			  struct extent *x)
{
	size_t n = 0;

	*x = (struct extent){ .whole = !facts.cut, .alone = !elsewhere, .first_stated = INT64_MAX,
			      .last_stated = INT64_MIN };
	if (!x->whole || !x->alone || facts.n == 0)
		return ERR_OK;
	x->first_stated = facts.v[0].stated;
	x->last_stated = facts.v[facts.n - 1].stated;
	for (size_t i = 0; i < facts.n; i++) {
		const struct fact *f = &facts.v[i];
		if (f->seq > x->last_seq)
			x->last_seq = f->seq;
		if (f->kind == kind_deal)
			n += fact_numbers(f, FACT_PART_OF).n + fact_numbers(f, FACT_SUPERSEDES).n;
	}
	x->links.v = arena_alloc(&v->arena, n * sizeof(*x->links.v));
	if (!x->links.v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; n && i < facts.n; i++) {
		if (facts.v[i].kind != kind_deal || facts.v[i].deal != deal)
			continue;
		links_put(x, &facts.v[i], FACT_PART_OF);
		links_put(x, &facts.v[i], FACT_SUPERSEDES);
	}
	return ERR_OK;
}

static enum err load(struct view *v, struct deal *d, enum home home)
{
	struct fact_list facts;
	struct visible_list statements;

	TRY(v->facts->home(v->facts->arg, home, d->number, &v->question->horizon, &v->arena,
			     &facts));
	TRY(visible_statements(v->facts, &v->question->horizon, v->question->on, facts,
			       &v->arena, &statements));
	if (v->keeps && home == HOME_DEAL)
		TRY(extent_of(v, d->number, facts, statements.elsewhere, &d->extent));
	return settle(v, d, statements);
}

static enum err deal_new(struct view *v, uint32_t number, struct deal **out)
{
	struct deal *d = arena_zalloc(&v->arena, 1, sizeof(*d));

	if (!d)
		return ERR_NO_MEMORY;
	d->number = number;
	TRY(map_put(&v->deals, &v->arena, number, (uint64_t)(uintptr_t)d));
	*out = d;
	return ERR_OK;
}

static struct deal *deal_known(const struct view *v, uint32_t number)
{
	const uint64_t *known = map_find(&v->deals, number);

	return known ? (struct deal *)(uintptr_t)*known : NULL;
}

enum err view_deal(struct view *v, uint32_t number, struct deal **out)
{
	*out = deal_known(v, number);
	if (*out)
		return (*out)->kept ? view_load(v, *out) : ERR_OK;
	TRY(deal_new(v, number, out));
	return load(v, *out, HOME_STRUCTURE);
}

enum err view_load(struct view *v, struct deal *d)
{
	if (d->loaded)
		return ERR_OK;
	d->loaded = true;
	if (d->kept) { /* from now on by its statements, and the cancels of what contains it */
		d->kept = NULL;
		d->payers_known = d->parts_known = false;
		if (d->whole)
			TRY(view_load(v, d->whole));
	}
	return load(v, d, HOME_DEAL);
}

enum err view_open(struct view *v, uint32_t number, struct deal **out)
{
	*out = deal_known(v, number);
	if (!*out)
		TRY(deal_new(v, number, out));
	return view_load(v, *out);
}

enum err view_recall(struct view *v, uint32_t number, struct deal **out)
{
	if (!v->keeps)
		return view_open(v, number, out);
	*out = deal_known(v, number);
	if (!*out) {
		TRY(deal_new(v, number, out));
		(*out)->kept = kept_find(v->facts->kept, &v->question->horizon, number);
	}
	struct deal *d = *out;
	if (!d->kept)
		return view_load(v, d);
	if (d->walk == WHOLE_KNOWN)
		return ERR_OK;
	d->walk = WHOLE_KNOWN;
	d->successor = kept_successor(d->kept);
	d->successor_known = true;
	const uint32_t whole = kept_whole(d->kept);
	return whole ? view_recall(v, whole, &d->whole) : ERR_OK;
}

/* ---- among the others ---- */

/* Deals that are looked at on the way up before it is given up. */
#define WAY_MAX ((size_t)3 * DEPTH_MAX)

/* The deals from one up to where the way is known, ends, comes round to itself, or is given up. */
struct way {
	struct deal *v[WAY_MAX];
	size_t n;
	struct deal *end; /* what the last one claims to be part of; NULL: nothing */
};

static enum err go_up(struct view *v, struct deal *d, struct way *w)
{
	w->end = d;
	for (w->n = 0; w->n < WAY_MAX && w->end && w->end->walk == WHOLE_UNKNOWN; w->n++) {
		struct deal *at = w->end;
		const struct numbers wholes = deal_declared(at, FACT_PART_OF);
		w->v[w->n] = at;
		at->walk = WHOLE_WALKED;
		at->whole = NULL;
		if (wholes.n)
			TRY(view_deal(v, numbers_at(wholes, 0), &at->whole));
		w->end = at->whole;
	}
	return ERR_OK;
}

/* Of those from `first` round to it again the latest declared link is dropped; the others are walked anew. */
static void drop_circle(struct way *w, size_t first)
{
	size_t latest = first;

	for (size_t i = first + 1; i < w->n; i++)
		if (order_cmp(visible_order(w->v[i]->declared),
			      visible_order(w->v[latest]->declared)) > 0)
			latest = i;
	for (size_t i = 0; i < w->n; i++)
		w->v[i]->walk = WHOLE_UNKNOWN;
	w->v[latest]->walk = WHOLE_KNOWN;
	w->v[latest]->whole = NULL;
	w->v[latest]->link = LINK_CLOSES_CIRCLE;
}

static void settle_whole(struct deal *d, unsigned above)
{
	d->walk = WHOLE_KNOWN;
	d->above = above < DEPTH_MAX ? above : DEPTH_MAX;
	if (d->above < DEPTH_MAX)
		return;
	d->whole = NULL;
	d->link = LINK_TOO_DEEP;
}

/*
 * Given up, with so many above it that the lowest third is too deep, also where the highest third is
 * in a circle that was not seen yet.
 */
static void settle_lowest(struct way *w)
{
	for (size_t i = 0; i < w->n; i++)
		w->v[i]->walk = WHOLE_UNKNOWN;
	for (size_t i = 0; i < DEPTH_MAX; i++)
		settle_whole(w->v[i], DEPTH_MAX);
}

/* Settles some of the deals on the way up, and after a few times this one. */
static enum err walk_up(struct view *v, struct deal *d)
{
	struct way w;
	size_t first = 0;

	TRY(go_up(v, d, &w));
	if (w.end && w.end->walk == WHOLE_UNKNOWN) {
		settle_lowest(&w);
		return ERR_OK;
	}
	if (w.end && w.end->walk == WHOLE_WALKED) {
		while (w.v[first] != w.end)
			first++;
		if (w.n - first <= DEPTH_MAX) {
			drop_circle(&w, first);
			return ERR_OK;
		}
		w.end->above = DEPTH_MAX;
	}
	for (size_t i = w.n; i-- > 0;)
		settle_whole(w.v[i], w.v[i]->whole ? w.v[i]->whole->above + 1 : 0);
	return ERR_OK;
}

enum err view_whole(struct view *v, struct deal *d)
{
	while (d->walk != WHOLE_KNOWN)
		TRY(walk_up(v, d));
	return ERR_OK;
}

static enum err parts_kept(struct view *v, struct deal *d)
{
	size_t n;
	const uint32_t *kept = kept_parts(d->kept, &n);

	d->parts = arena_alloc(&v->arena, n * sizeof(struct deal *));
	if (!d->parts)
		return ERR_NO_MEMORY;
	d->parts_known = true;
	for (d->nparts = 0; d->nparts < n; d->nparts++)
		TRY(view_recall(v, kept[d->nparts], &d->parts[d->nparts]));
	return ERR_OK;
}

enum err view_parts(struct view *v, struct deal *d)
{
	struct number_list candidates;

	if (d->parts_known)
		return ERR_OK;
	if (d->kept)
		return parts_kept(v, d);
	d->nparts = 0;
	TRY(v->facts->related(v->facts->arg, RELATION_PARTS, d->number, &v->arena, &candidates));
	d->parts_known = true;
	if (candidates.n == 0)
		return ERR_OK;
	d->parts = arena_alloc(&v->arena, candidates.n * sizeof(struct deal *));
	if (!d->parts)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < candidates.n; i++) {
		struct deal *part;
		TRY(view_deal(v, candidates.v[i], &part));
		TRY(view_whole(v, part));
		if (part->whole == d)
			d->parts[d->nparts++] = part;
	}
	return ERR_OK;
}

enum err view_successor(struct view *v, struct deal *d)
{
	struct number_list candidates;
	const struct deal *first = NULL;

	if (d->successor_known)
		return ERR_OK;
	TRY(v->facts->related(v->facts->arg, RELATION_SUCCESSORS, d->number, &v->arena,
			       &candidates));
	for (size_t i = 0; i < candidates.n; i++) {
		struct deal *other;
		if (candidates.v[i] == d->number)
			continue;
		TRY(view_deal(v, candidates.v[i], &other));
		if (!numbers_have(deal_declared(other, FACT_SUPERSEDES), d->number))
			continue;
		if (!first || order_cmp(visible_order(other->declared),
					visible_order(first->declared)) < 0)
			first = other;
	}
	d->successor_known = true;
	d->successor = first ? first->number : 0;
	return ERR_OK;
}

size_t deal_ended(const struct deal *d, struct order cut)
{
	struct halving h = { .high = d->statements.n };

	while (halving_goes_on(&h))
		halving_take(&h, order_cmp(visible_order(&d->statements.v[h.at]), cut) <= 0);
	return h.low;
}

static struct order last_cut(const struct deal *d, uint32_t payer, struct order latest)
{
	const struct cut key = { .at = { INT64_MAX, UINT64_MAX }, .payer = payer };
	struct halving h = { .high = d->nlast_cuts };

	while (halving_goes_on(&h))
		halving_take(&h, by_payer_then_order(&d->last_cuts[h.at], &key) < 0);
	const struct cut *c = h.low ? &d->last_cuts[h.low - 1] : NULL;
	return c && c->payer == payer && order_cmp(latest, c->at) < 0 ? c->at : latest;
}

struct order deal_cut(const struct deal *d, uint32_t payer)
{
	struct order latest = { INT64_MIN, 0 };

	for (; d; d = d->whole) {
		if (d->nlast_cuts == 0)
			continue;
		latest = last_cut(d, 0, latest);
		if (payer)
			latest = last_cut(d, payer, latest);
	}
	return latest;
}
