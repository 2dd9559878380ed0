/* SPDX-License-Identifier: Apache-2.0 */
/* stage: walks a deal's statements in order, with the cancels of what contains it. */
#include "services/fold/stage.h"

#include <stdlib.h>

#include "services/fold/kept.h"
#include "services/fold/ladder.h"

static enum stage stage_of_kind(uint8_t kind)
{
	switch (kind) {
	case kind_rumour:
		return stage_rumour;
	case kind_talks:
		return stage_talks;
	case kind_announce:
		return stage_announced;
	case kind_commit:
	case kind_pay:
		return stage_committed;
	case kind_close:
		return stage_closed;
	default:
		return stage_NONE;
	}
}

static bool reopens(uint8_t kind)
{
	return kind == kind_talks || kind == kind_announce || kind == kind_commit;
}

/* The last cancel that reaches everybody undoes whatever came before it. */
enum err stage_of(struct view *v, struct deal *d, enum stage *out)
{
	if (d->kept) {
		*out = kept_stage(d->kept);
		return ERR_OK;
	}
	TRY(view_load(v, d));
	TRY(view_whole(v, d));
	const struct order cut = deal_cut(d, 0);
	*out = cut.seq ? stage_cancelled : stage_NONE;
	for (size_t i = deal_ended(d, cut); i < d->statements.n; i++) {
		const struct visible *s = &d->statements.v[i];
		const enum stage reached = stage_of_kind(s->kind);
		if (s->copy || !reached || s->flags & FACT_RETURNED)
			continue;
		if (*out == stage_cancelled && !reopens(s->kind))
			continue;
		if (*out == stage_cancelled || reached > *out)
			*out = reached;
	}
	return ERR_OK;
}

/* ---- conditions ---- */

static int by_name(const void *x, const void *y)
{
	struct visible *const *s = x, *const *t = y;
	const int c = str_cmp(fact_bytes((*s)->fact, FACT_CONDITION),
			      fact_bytes((*t)->fact, FACT_CONDITION));

	return c ? c : order_cmp(visible_order(*s), visible_order(*t));
}

/* The conditions of the deal that no cancel ended, by name, then in order. */
static enum err conditions_of(struct view *v, struct deal *d, struct visible ***out, size_t *n)
{
	const size_t most = d->statements.conditions;
	const struct visible *later = d->statements.v + deal_ended(d, deal_cut(d, 0));

	*n = 0;
	*out = arena_alloc(&v->arena, most * sizeof(**out));
	if (!*out)
		return ERR_NO_MEMORY;
	for (struct visible *s = most ? d->statements.apart.first : NULL; s; s = s->next)
		if (s->kind == kind_condition && !s->copy && s >= later &&
		    order_cmp(visible_order(s), deal_cut(d, s->payer)) > 0)
			(*out)[(*n)++] = s;
	if (*n > 1)
		qsort(*out, *n, sizeof(**out), by_name);
	return ERR_OK;
}

/* The amount of one condition, out of all that is said of it. */
static enum err condition_sums(struct view *v, struct visible **all, size_t n, struct sums *out)
{
	struct choice c = { .v = all, .n = n, .after = { INT64_MIN, 0 }, .base = rung_NONE };
	bool amount = false, stated = false;

	for (size_t i = 0; i < n; i++)
		if (all[i]->fact->detail != state_stated)
			return ERR_OK;
	for (size_t i = 0; i < n; i++) {
		stated |= question_counts(v->question, all[i]);
		amount |= choice_sets(v, &c, all[i]);
	}
	if (amount)
		return choice_sums(v, &c, out);
	out->undisclosed += stated;
	return ERR_OK;
}

static enum err conditional(struct view *v, struct deal *d, struct sums *out)
{
	struct visible **all;
	size_t n;

	TRY(view_load(v, d));
	TRY(view_whole(v, d));
	TRY(conditions_of(v, d, &all, &n));
	for (size_t i = 0, end; i < n; i = end) {
		const struct str name = fact_bytes(all[i]->fact, FACT_CONDITION);
		end = i + 1;
		while (end < n && str_eq(fact_bytes(all[end]->fact, FACT_CONDITION), name))
			end++;
		TRY(condition_sums(v, all + i, end - i, out));
	}
	TRY(view_parts(v, d));
	for (size_t i = 0; i < d->nparts; i++)
		TRY(conditional(v, d->parts[i], out));
	return ERR_OK;
}

enum err stage_conditional(struct view *v, struct deal *d, struct sums *out)
{
	*out = (struct sums){ 0 };
	return conditional(v, d, out);
}
