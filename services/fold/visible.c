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

enum err repairs_of(struct fact_list facts, struct arena *a, struct repairs *out)
{
	const struct fact **repairing;
	size_t n = 0;

	*out = (struct repairs){ 0 };
	for (size_t i = 0; i < facts.n; i++)
		n += facts.v[i].ref != 0;
	if (n == 0)
		return ERR_OK;
	repairing = arena_alloc(a, n * sizeof(*repairing));
	/* of each its own, and the event that it names or the first version */
	out->v = arena_alloc(a, 2 * n * sizeof(*out->v));
	if (!repairing || !out->v)
		return ERR_NO_MEMORY;
	TRY(sieve_make(&out->seqs, a, 2 * n));
	n = 0;
	for (size_t i = 0; i < facts.n; i++)
		if (facts.v[i].ref)
			repairing[n++] = &facts.v[i];
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
		if (chain.v[i].seq != *root)
			continue;
		const struct fact *decides = deciding(&r, &chain.v[i]);
		if (decides && happened(decides, on))
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
	}
	return ERR_OK;
}

/* The roots of those events of the home that are retold, and whether they stand. */
static enum err originals_here(struct fact_list facts, struct visible_list statements,
			       struct arena *a, struct map *roots, struct map *standing)
{
	struct sieve wanted;

	TRY(sieve_make(&wanted, a, roots->n));
	for (size_t i = 0; i < roots->cap; i++)
		if (roots->v[i].key)
			sieve_add(&wanted, roots->v[i].key);
	for (size_t i = 0; i < facts.n; i++) {
		if (!sieve_has(&wanted, facts.v[i].seq))
			continue;
		uint64_t *root = map_find(roots, facts.v[i].seq);
		if (!root)
			continue;
		*root = facts.v[i].root;
		TRY(map_put(standing, a, *root, false));
	}
	TRY(sieve_make(&wanted, a, standing->n));
	for (size_t i = 0; i < standing->cap; i++)
		if (standing->v[i].key)
			sieve_add(&wanted, standing->v[i].key);
	for (size_t i = 0; i < statements.n; i++) {
		const uint64_t seq = statements.v[i].first->seq;
		uint64_t *stands = sieve_has(&wanted, seq) ? map_find(standing, seq) : NULL;
		if (stands)
			*stands = true;
	}
	return ERR_OK;
}

/* What is retold: seq of the event to the first version of its statement; 0: not visible. */
static enum err originals(const struct facts *source, const struct horizon *h, int32_t on,
			  struct fact_list facts, struct visible_list *statements,
			  struct arena *a, struct map *roots)
{
	struct map standing = { 0 };

	for (size_t i = 0; i < statements->n; i++)
		if (statements->v[i].retells)
			TRY(map_put(roots, a, statements->v[i].fact->derived, UINT64_MAX));
	if (roots->n == 0)
		return ERR_OK;
	TRY(originals_here(facts, *statements, a, roots, &standing));
	for (size_t i = 0; i < roots->cap; i++) {
		struct map_slot *slot = &roots->v[i];
		if (slot->key && slot->value == UINT64_MAX) {
			statements->elsewhere = true;
			TRY(stands_elsewhere(source, h, on, slot->key, a, &slot->value));
		} else if (slot->key && !*map_find(&standing, slot->value)) {
			slot->value = 0;
		}
	}
	return ERR_OK;
}

static enum err mark_copies(const struct facts *source, const struct horizon *h, int32_t on,
			    struct fact_list facts, struct visible_list *statements,
			    struct arena *a)
{
	struct map roots = { 0 };

	TRY(originals(source, h, on, facts, statements, a, &roots));
	for (size_t i = 0; roots.n && i < statements->n; i++) {
		struct visible *s = &statements->v[i];
		const uint64_t *root = s->retells ? map_find(&roots, s->fact->derived) : NULL;
		s->copy = root && *root && *root != s->first->seq;
	}
	return ERR_OK;
}

enum err visible_statements(const struct facts *source, const struct horizon *h, int32_t on,
			    struct fact_list facts, struct arena *a, struct visible_list *out)
{
	struct repairs repairs;
	bool retold = false;

	TRY(repairs_of(facts, a, &repairs));
	*out = (struct visible_list){ .v = arena_alloc(a, facts.n * sizeof(*out->v)) };
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < facts.n; i++) {
		const struct fact *first = &facts.v[i];
		if (fact_corrects(first))
			continue;
		const struct fact *fact = deciding(&repairs, first);
		if (!fact || !happened(fact, on))
			continue;
		out->v[out->n++] = (struct visible){ .first = first, .fact = fact,
			.retells = fact->derived != 0, .kind = fact->kind };
		retold |= fact->derived != 0;
	}
	if (!retold)
		return ERR_OK;
	return facts.n <= LOOKED_THROUGH_MAX
		       ? mark_copies_of_few(source, h, on, facts, out, a)
		       : mark_copies(source, h, on, facts, out, a);
}
