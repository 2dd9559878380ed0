/* SPDX-License-Identifier: Apache-2.0 */
/* choice: best, latest or hull among the statements that set one rung; see ladder.h. */
#include "services/fold/ladder.h"
#include "services/fold/rate.h"

enum err visible_sums(struct view *v, struct visible *s, struct sums *into)
{
	struct interval amount;
	bool found;

	s->used = true;
	if (!(s->flags & FACT_AMOUNT)) {
		into->undisclosed++;
		return ERR_OK;
	}
	TRY(rate_amount(v, s, &found, &amount));
	return found ? sums_add_interval(&v->counting, into, &amount) : ERR_OK;
}

/* Within the choice at all: of a basis that counts, and after the last cancel. */
static bool counts(const struct view *v, const struct choice *c, const struct visible *s)
{
	return question_counts(v->question, s) &&
	       order_cmp(visible_order(s), c->after) > 0;
}

bool choice_sets(const struct view *v, const struct choice *c, const struct visible *s)
{
	/* conditions are no rung (rung_NONE), and `adds` means nothing on them */
	return visible_rung(s) == c->base && s->flags & FACT_AMOUNT &&
	       (!(s->flags & FACT_ADDS) || s->kind == kind_condition) && counts(v, c, s);
}

bool choice_adds(const struct view *v, const struct choice *c, const struct visible *s)
{
	return s->flags & FACT_ADDS && c->rungs[visible_rung(s)] && counts(v, c, s);
}

static enum err sums_of_one(struct view *v, const struct choice *c, struct sums *out)
{
	const bool best = v->question->policy != policy_latest;
	struct visible *chosen = NULL;
	size_t at = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct visible *s = c->v[i];
		if (!choice_sets(v, c, s))
			continue;
		if (!chosen || !best || s->grade <= chosen->grade) {
			chosen = s;
			at = i;
		}
	}
	ensure(chosen);
	TRY(visible_sums(v, chosen, out));
	for (size_t i = at + 1; i < c->n; i++)
		if (choice_adds(v, c, c->v[i]) && (!best || c->v[i]->grade <= chosen->grade))
			TRY(visible_sums(v, c->v[i], out));
	return ERR_OK;
}

/* From the last to the first, so that what is added after each is at hand. */
static enum err sums_of_all(struct view *v, const struct choice *c, struct sums *out)
{
	struct sums added = { 0 };
	struct hull hull = { 0 };
	size_t first = 0;

	while (first < c->n && !choice_sets(v, c, c->v[first]))
		first++; /* nothing is added to what comes later */
	for (size_t i = c->n; i-- > first;) {
		struct visible *s = c->v[i];
		if (choice_adds(v, c, s)) {
			TRY(visible_sums(v, s, &added));
		} else if (choice_sets(v, c, s)) {
			struct sums one = { 0 };
			TRY(visible_sums(v, s, &one));
			TRY(sums_add(&v->counting, &one, &added));
			TRY(hull_put(&v->counting, &hull, &one));
		}
	}
	return sums_add(&v->counting, out, &hull.spanned);
}

enum err choice_sums(struct view *v, const struct choice *c, struct sums *out)
{
	return v->question->policy == policy_hull ? sums_of_all(v, c, out) : sums_of_one(v, c, out);
}
