/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visible: what stands after all repairs.
 *
 * `ref` always names an earlier event, so whatever withdraws or corrects an event has a greater
 * seq: going through the repairs from the latest to the first, each is settled when it is met.
 * Most homes hold no repair and no copy; for them all this costs one pass.
 */
#include "services/fold/visible.h"

#include <stdlib.h>

/* ---- marks ---- */

/* The events that marked facts name, each with its place, NO_PLACE where it is not in the home. */
static enum err places_named(struct fact_list facts, const struct marks *marks, struct arena *a,
			     struct map *out)
{
	struct sieve wanted;

	TRY(sieve_make(&wanted, a, 2 * marks->n));
	for (size_t i = 0; i < marks->n; i++) {
		const struct fact *f = &facts.v[marks->v[i].at];
		sieve_add(&wanted, f->root);
		TRY(map_put(out, a, f->root, NO_PLACE));
		if (!f->derived)
			continue;
		sieve_add(&wanted, f->derived);
		TRY(map_put(out, a, f->derived, NO_PLACE));
	}
	for (size_t i = 0; i < facts.n; i++) {
		const uint64_t seq = facts.v[i].seq;
		uint64_t *place = sieve_has(&wanted, seq) ? map_find(out, seq) : NULL;
		if (place)
			*place = i;
	}
	return ERR_OK;
}

/* Where what it retells is, and the first version of that. */
static void mark_find(struct fact_list facts, const struct map *places, struct mark *m)
{
	const struct fact *f = &facts.v[m->at];

	if (f->derived)
		m->original = (uint32_t)*map_find(places, f->derived);
	if (m->original == NO_PLACE)
		return;
	const struct fact *original = &facts.v[m->original];
	/* what is no first version is marked itself */
	m->root = original->root == original->seq ? m->original
						  : (uint32_t)*map_find(places, original->root);
}

enum err marks_of(struct fact_list facts, struct arena *a, struct marks *out)
{
	struct map places = { 0 };
	size_t n = 0;

	*out = (struct marks){ 0 };
	if (facts.n >= NO_PLACE)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < facts.n; i++)
		n += facts.v[i].ref || facts.v[i].derived;
	if (n == 0)
		return ERR_OK;
	out->v = arena_alloc(a, n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < facts.n; i++)
		if (facts.v[i].ref || facts.v[i].derived)
			out->v[out->n++] = (struct mark){ (uint32_t)i, NO_PLACE, NO_PLACE };
	TRY(places_named(facts, out, a, &places));
	for (size_t i = 0; i < n; i++)
		mark_find(facts, &places, &out->v[i]);
	return ERR_OK;
}

/* ---- repairs ---- */

static enum err repair_at(struct repairs *r, struct arena *a, uint64_t seq, struct repair **out)
{
	const uint64_t *at = map_find(&r->by_seq, seq);

	if (!at) {
		sieve_add(&r->seqs, seq);
		TRY(map_put(&r->by_seq, a, seq, r->n));
		r->v[r->n] = (struct repair){ .seq = seq };
		*out = &r->v[r->n++];
		return ERR_OK;
	}
	*out = &r->v[*at];
	return ERR_OK;
}

static int later_first(const void *x, const void *y)
{
	const struct fact *const *f = x, *const *g = y;

	return (*f)->seq < (*g)->seq ? 1 : -1;
}

/* Let one event do to others what it does, unless it is withdrawn itself. */
static enum err repair_by(struct repairs *r, struct arena *a, const struct fact *f)
{
	struct repair *own, *named;

	TRY(repair_at(r, a, f->seq, &own));
	if (own->by)
		return ERR_OK;
	if (f->kind == kind_retract) {
		if (own->latest)
			return ERR_OK; /* another statement stands in its place */
		TRY(repair_at(r, a, f->ref, &named));
		named->by = f->seq;
		return ERR_OK;
	}
	TRY(repair_at(r, a, f->root, &named));
	if (!named->latest || order_cmp(fact_order(named->latest), fact_order(f)) < 0)
		named->latest = f;
	return ERR_OK;
}

/* Those that name another one, in order; NULL for `to`: only counted. */
static size_t repairing_facts(struct fact_list facts, const struct fact **to)
{
	const struct marks *marks = facts.marks;
	const size_t all = marks ? marks->n : facts.n;
	size_t n = 0;

	for (size_t i = 0; i < all; i++) {
		const size_t at = marks ? marks->v[i].at : i;
		if (at >= facts.n)
			break;
		if (!facts.v[at].ref)
			continue;
		if (to)
			to[n] = &facts.v[at];
		n++;
	}
	return n;
}

enum err repairs_of(struct fact_list facts, struct arena *a, struct repairs *out)
{
	const struct fact **repairing;
	const size_t n = repairing_facts(facts, NULL);

	*out = (struct repairs){ 0 };
	if (n == 0)
		return ERR_OK;
	repairing = arena_alloc(a, n * sizeof(*repairing));
	/* of each its own, and the event that it names or the first version */
	out->v = arena_alloc(a, 2 * n * sizeof(*out->v));
	if (!repairing || !out->v)
		return ERR_NO_MEMORY;
	TRY(sieve_make(&out->seqs, a, 2 * n));
	(void)repairing_facts(facts, repairing);
	qsort(repairing, n, sizeof(*repairing), later_first);
	for (size_t i = 0; i < n; i++)
		TRY(repair_by(out, a, repairing[i]));
	return ERR_OK;
}

const struct repair *repairs_find(const struct repairs *r, uint64_t seq)
{
	if (r->n == 0 || !sieve_has(&r->seqs, seq))
		return NULL;
	const uint64_t *at = map_find(&r->by_seq, seq);
	return at ? &r->v[*at] : NULL;
}

/* The version that decides the statement whose first version this is; NULL: it does not stand. */
static const struct fact *deciding(const struct repairs *r, const struct fact *first)
{
	/* most homes hold none */
	const struct repair *repair = r->n ? repairs_find(r, first->seq) : NULL;

	if (repair && repair->by)
		return NULL;
	if (repair && repair->latest)
		return repair->latest;
	return first->kind == kind_retract ? NULL : first;
}

static bool happened(const struct fact *f, int32_t on)
{
	return f->on_first <= on || fact_declares(f);
}

/* The same, where it happened by that day, and where this is a first version at all; else NULL. */
static const struct fact *standing(const struct repairs *r, const struct fact *first, int32_t on)
{
	const struct fact *fact = fact_corrects(first) ? NULL : deciding(r, first);

	return fact && happened(fact, on) ? fact : NULL;
}

/* ---- copies ---- */

/* Whether the statement with this first version stands, going by its whole chain alone. */
static enum err stands_elsewhere(const struct facts *source, const struct horizon *h, int32_t on,
				 uint64_t seq, struct arena *a, uint64_t *root)
{
	struct fact_list chain;
	struct repairs r;

	*root = 0;
	TRY(source->chain(source->arg, seq, h, a, &chain));
	TRY(repairs_of(chain, a, &r));
	for (size_t i = 0; i < chain.n; i++)
		if (chain.v[i].seq == seq)
			*root = chain.v[i].root;
	for (size_t i = 0; i < chain.n; i++) {
		if (chain.v[i].seq == *root && standing(&r, &chain.v[i], on))
			return ERR_OK;
	}
	*root = 0;
	return ERR_OK;
}

/* Homes up to this size are looked through for what is retold; in larger ones maps find it. */
#define LOOKED_THROUGH_MAX 48u

static bool stands_here(struct visible_list statements, uint64_t first)
{
	for (size_t i = 0; i < statements.n; i++)
		if (statements.v[i].first->seq == first)
			return true;
	return false;
}

/* The first version of the statement that an event belongs to; 0: not visible. */
static enum err original_of(const struct facts *source, const struct horizon *h, int32_t on,
			    struct fact_list facts, struct visible_list *statements,
			    struct arena *a, uint64_t seq, uint64_t *root)
{
	for (size_t i = 0; i < facts.n; i++) {
		if (facts.v[i].seq != seq)
			continue;
		*root = stands_here(*statements, facts.v[i].root) ? facts.v[i].root : 0;
		return ERR_OK;
	}
	statements->elsewhere = true;
	return stands_elsewhere(source, h, on, seq, a, root);
}

static enum err mark_copies_of_few(const struct facts *source, const struct horizon *h, int32_t on,
				   struct fact_list facts, struct visible_list *statements,
				   struct arena *a)
{
	for (size_t i = 0; i < statements->n; i++) {
		struct visible *s = &statements->v[i];
		uint64_t root;
		if (!s->retells)
			continue;
		TRY(original_of(source, h, on, facts, statements, a, s->fact->derived, &root));
		s->copy = root && root != s->first->seq;
		statements->copies += s->copy;
	}
	return ERR_OK;
}

static int by_place(const void *x, const void *y)
{
	const struct mark *m = x, *n = y;

	return m->at < n->at ? -1 : m->at > n->at;
}

/* Copies among the statements of a home, as they are gone through. */
struct copying {
	const struct facts *source;
	const struct horizon *horizon;
	int32_t on;
	struct fact_list facts;
	const struct repairs *repairs;
	struct arena *a;
	struct map elsewhere; /* of events that are retold: see stands_elsewhere */
	bool any_elsewhere;
};

static enum err root_elsewhere(struct copying *c, uint64_t seq, uint64_t *root)
{
	const uint64_t *known = map_find(&c->elsewhere, seq);

	c->any_elsewhere = true;
	if (known) {
		*root = *known;
		return ERR_OK;
	}
	TRY(stands_elsewhere(c->source, c->horizon, c->on, seq, c->a, root));
	return map_put(&c->elsewhere, c->a, seq, *root);
}

/* The first version of the statement that this fact retells; 0: not visible. */
static enum err root_retold(struct copying *c, const struct fact *f, uint64_t *root)
{
	const struct marks *marks = c->facts.marks;
	const struct mark key = { .at = (uint32_t)(f - c->facts.v) };
	const struct mark *m = bsearch(&key, marks->v, marks->n, sizeof(*m), by_place);

	ensure(m);
	if (m->original == NO_PLACE)
		return root_elsewhere(c, f->derived, root);
	*root = 0;
	if (m->original >= c->facts.n || m->root >= c->facts.n)
		return ERR_OK; /* not before the horizon */
	const struct fact *first = &c->facts.v[m->root];
	if (standing(c->repairs, first, c->on))
		*root = first->seq;
	return ERR_OK;
}

static enum err mark_copies(struct copying *c, struct visible_list *statements)
{
	for (size_t i = 0; i < statements->n; i++) {
		struct visible *s = &statements->v[i];
		uint64_t root;
		if (!s->retells)
			continue;
		TRY(root_retold(c, s->fact, &root));
		s->copy = root && root != s->first->seq;
		statements->copies += s->copy;
	}
	statements->elsewhere = c->any_elsewhere;
	return ERR_OK;
}

void visible_put(struct visible_list *list, struct visible *s)
{
	list->deal = list->n == 0 || list->deal == s->fact->deal ? s->fact->deal : 0;
	list->n++;
	list->copies += s->copy;
	list->cancels += s->kind == kind_cancel;
	list->conditions += s->kind == kind_condition;
	if (s->kind == kind_deal || s->kind == kind_cancel || s->kind == kind_condition)
		thread_put(&list->apart, s);
}

/* Those that stand, copies not yet marked; *retold: whether some may be copies. */
static enum err standing_statements(struct fact_list facts, const struct repairs *repairs, int32_t on,
				    struct arena *a, struct visible_list *out, bool *retold)
{
	*out = (struct visible_list){ .v = arena_alloc(a, facts.n * sizeof(*out->v)) };
	*retold = false;
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < facts.n; i++) {
		const struct fact *first = &facts.v[i];
		const struct fact *fact = standing(repairs, first, on);
		if (!fact)
			continue;
		struct visible *s = &out->v[out->n];
		*s = (struct visible){ .first = first, .fact = fact, .payer = fact->payer,
			.flags = (uint16_t)fact->flags, .kind = fact->kind, .grade = fact->grade,
			.basis = fact->basis, .retells = fact->derived != 0 };
		visible_put(out, s);
		*retold |= s->retells;
	}
	return ERR_OK;
}

enum err visible_statements(const struct facts *source, const struct horizon *h, int32_t on,
			    struct fact_list facts, struct arena *a, struct visible_list *out)
{
	const bool few = facts.n <= LOOKED_THROUGH_MAX;
	struct repairs repairs;
	struct marks marks;
	bool retold;

	if (!few && !facts.marks) {
		TRY(marks_of(facts, a, &marks));
		facts.marks = &marks;
	}
	TRY(repairs_of(facts, a, &repairs));
	TRY(standing_statements(facts, &repairs, on, a, out, &retold));
	if (!retold)
		return ERR_OK;
	if (few)
		return mark_copies_of_few(source, h, on, facts, out, a);
	return mark_copies(&(struct copying){ .source = source, .horizon = h, .on = on, .facts = facts,
			   .repairs = &repairs, .a = a }, out);
}
