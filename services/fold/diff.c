/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff: what changed between two settings of the clocks, deal by deal, each change with the events
 * that only one of the two knows; see fold.h.
 *
 * Both sides are counted and written as answers, and what was written is compared: two figures that
 * look the same are the same.
 */
#include "services/fold/ask.h"
#include "services/fold/causes.h"
#include "services/fold/fold.h"
#include "services/fold/ladder.h"
#include "services/fold/rate.h"
#include "services/fold/stage.h"

#include <stdlib.h>

#define FORGET_BYTES ((size_t)8 << 20) /* deals of one side in memory */

struct two {
	struct asking before, after;
	struct arena *a;
	struct changes *out;
	const struct diff *ask;
	size_t cap;
	struct arena scratch; /* what one deal comes to on both sides */
	struct views_apart apart;
};

/* ---- comparing ---- */

static bool same_amount(const struct amount *x, const struct amount *y)
{
	return x->low_open == y->low_open && x->high_open == y->high_open &&
	       x->low_excl == y->low_excl && x->high_excl == y->high_excl &&
	       x->approx == y->approx && (x->low_open || x->low == y->low) &&
	       (x->high_open || x->high == y->high);
}

static bool same_sums(const struct sum_list *x, const struct sum_list *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!str_eq(x->v[i].currency, y->v[i].currency) ||
		    x->v[i].undisclosed != y->v[i].undisclosed ||
		    !same_amount(&x->v[i].amount, &y->v[i].amount))
			return false;
	return true;
}

/* ---- writing changes ---- */

struct changed_deal {
	struct deal_change *to;
	size_t cap;
	struct arena *a;
};

static enum err change_add(struct changed_deal *c, enum changed what, struct change **out)
{
	struct change_list *list = &c->to->changes;

	if (list->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 4;
		struct change *more = arena_zalloc(c->a, c->cap, sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (list->n)
			memcpy(more, list->v, list->n * sizeof(*more));
		list->v = more;
	}
	*out = &list->v[list->n++];
	msg_set(*out, change, what, (int)what);
	return ERR_OK;
}

/* A copy of written sums in the answer's arena. */
static enum err sums_keep(struct arena *a, const struct sum_list *from, struct sum_list *to)
{
	to->n = from->n;
	to->v = arena_alloc(a, from->n * sizeof(*to->v));
	if (!to->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < from->n; i++) {
		to->v[i] = from->v[i];
		to->v[i].currency = arena_str(a, from->v[i].currency);
		if (!to->v[i].currency.p)
			return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

static enum err compare_sums(struct changed_deal *c, enum changed what, enum rung rung,
			     struct str payer, const struct sum_list *was,
			     const struct sum_list *now)
{
	struct change *to;

	if (same_sums(was, now))
		return ERR_OK;
	TRY(change_add(c, what, &to));
	if (rung)
		msg_set(to, change, rung, (int)rung);
	if (payer.n)
		msg_set(to, change, payer, payer);
	if (was->n) {
		msg_mark(to, change, before);
		TRY(sums_keep(c->a, was, &to->before));
	}
	if (now->n) {
		msg_mark(to, change, after);
		TRY(sums_keep(c->a, now, &to->after));
	}
	return ERR_OK;
}

/* ---- both sides of a deal ---- */

struct side_of {
	struct view *view;
	struct deal *deal;
	struct named *payers;
};

static enum err side_open(struct view *v, uint32_t number, struct side_of *out)
{
	struct deal *d;

	TRY(view_open(v, number, &d));
	TRY(view_payers(v, d));
	uint32_t *numbers = arena_alloc(&v->arena, d->npayers * sizeof(*numbers));
	if (!numbers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->npayers; i++)
		numbers[i] = d->payers[i].number;
	*out = (struct side_of){ .view = v, .deal = d };
	return ask_names(v, DICT_PARTY, numbers, d->npayers, &out->payers);
}

static enum err life_changes(struct side_of sides[2], struct arena *scratch,
			     struct changed_deal *c)
{
	enum stage stage[2];
	struct sum_list written[2];
	struct change *to;

	for (size_t i = 0; i < 2; i++) {
		struct sums sums;
		TRY(stage_of(sides[i].view, sides[i].deal, &stage[i]));
		TRY(view_successor(sides[i].view, sides[i].deal));
		TRY(stage_conditional(sides[i].view, sides[i].deal, &sums));
		TRY(sums_write(&sides[i].view->counting, &sums, scratch, &written[i]));
	}
	if (stage[0] != stage[1]) {
		TRY(change_add(c, changed_stage, &to));
		if (stage[0])
			msg_set(to, change, stage_before, (int)stage[0]);
		if (stage[1])
			msg_set(to, change, stage_after, (int)stage[1]);
	}
	const uint32_t was = sides[0].deal->successor, now = sides[1].deal->successor;
	if (was != now) {
		const struct facts *facts = sides[0].view->facts;
		TRY(change_add(c, changed_superseded_by, &to));
		if (was) {
			TRY(facts->slug(facts->arg, DICT_DEAL, was, &to->deal_before));
			msg_mark(to, change, deal_before);
		}
		if (now) {
			TRY(facts->slug(facts->arg, DICT_DEAL, now, &to->deal_after));
			msg_mark(to, change, deal_after);
		}
	}
	return compare_sums(c, changed_conditional, rung_NONE, STR(""), &written[0], &written[1]);
}

static enum err value_written(const struct side_of *s, uint32_t payer, enum rung rung,
			      struct arena *scratch, struct sum_list *out)
{
	const struct sums *value;

	TRY(ladder_value(s->view, s->deal, payer, rung, &value));
	return sums_write(&s->view->counting, value, scratch, out);
}

/* Payers of either side, in the order of their slugs. */
static enum err payer_changes(struct side_of sides[2], enum rung rung, struct arena *scratch,
			      struct changed_deal *c)
{
	const size_t n[2] = { sides[0].deal->npayers, sides[1].deal->npayers };
	size_t i = 0, j = 0;

	while (i < n[0] || j < n[1]) {
		struct sum_list was, now;
		int order = i == n[0] ? 1 : j == n[1] ? -1 : 0;
		if (!order)
			order = str_cmp(sides[0].payers[i].slug, sides[1].payers[j].slug);
		const struct named *payer = order <= 0 ? &sides[0].payers[i] : &sides[1].payers[j];
		TRY(value_written(&sides[0], payer->number, rung, scratch, &was));
		TRY(value_written(&sides[1], payer->number, rung, scratch, &now));
		TRY(compare_sums(c, changed_payer, rung, payer->slug, &was, &now));
		i += order <= 0;
		j += order >= 0;
	}
	return ERR_OK;
}

static enum err rung_changes(struct side_of sides[2], enum rung rung, struct arena *scratch,
			     struct changed_deal *c)
{
	struct sum_list total[2], rest[2];

	for (size_t i = 0; i < 2; i++) {
		struct view *v = sides[i].view;
		struct sums sums;
		TRY(ladder_total(v, sides[i].deal, rung, &sums));
		TRY(sums_write(&v->counting, &sums, scratch, &total[i]));
		TRY(ladder_unattributed(v, sides[i].deal, rung, &sums));
		TRY(sums_write(&v->counting, &sums, scratch, &rest[i]));
	}
	TRY(compare_sums(c, changed_total, rung, STR(""), &total[0], &total[1]));
	TRY(compare_sums(c, changed_unattributed, rung, STR(""), &rest[0], &rest[1]));
	return payer_changes(sides, rung, scratch, c);
}

/* ---- all deals ---- */

static enum err room_for_deal(struct two *t, struct deal_change **out)
{
	struct deal_change_list *list = &t->out->deals;

	if (list->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 16;
		struct deal_change *more = arena_zalloc(t->a, t->cap, sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (list->n)
			memcpy(more, list->v, list->n * sizeof(*more));
		list->v = more;
	}
	*out = &list->v[list->n];
	return ERR_OK;
}

static enum err compare_deal(struct two *t, uint32_t number)
{
	struct changed_deal c = { .a = t->a };
	struct side_of sides[2];

	arena_reset(&t->scratch);
	TRY(side_open(&t->before.view, number, &sides[0]));
	TRY(side_open(&t->after.view, number, &sides[1]));
	TRY(room_for_deal(t, &c.to));
	TRY(life_changes(sides, &t->scratch, &c));
	for (enum rung rung = rung_talked; rung <= rung_paid; rung++)
		TRY(rung_changes(sides, rung, &t->scratch, &c));
	if (c.to->changes.n == 0)
		return ERR_OK;
	TRY(t->before.source->slug(t->before.source->arg, DICT_DEAL, number, &c.to->deal));
	msg_mark(c.to, deal_change, deal);
	msg_mark(c.to, deal_change, changes);
	TRY(causes_of(&t->apart, (struct deal *[]){ sides[0].deal, sides[1].deal }, &t->scratch, t->a,
		      &c.to->causes));
	msg_mark(c.to, deal_change, causes);
	t->out->deals.n++;
	return ERR_OK;
}

static int by_deal(const void *x, const void *y)
{
	const struct deal_change *c = x, *d = y;

	return str_cmp(c->deal, d->deal);
}

static enum err compare_all(struct two *t)
{
	struct deal_change_list *list = &t->out->deals;
	uint32_t last;

	TRY(t->before.source->last_number(t->before.source->arg, DICT_DEAL, &last));
	for (uint32_t number = 1; number && number <= last; number++) {
		view_tidy(&t->before.view, FORGET_BYTES);
		view_tidy(&t->after.view, FORGET_BYTES);
		TRY(compare_deal(t, number));
	}
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), by_deal);
	return ERR_OK;
}

static enum err answer(struct two *t, struct fault *fault)
{
	struct deal_change_list *list = &t->out->deals;
	uint32_t number;

	if (t->ask->deal.n) {
		/* known on either side is enough */
		const struct question *later = t->before.question.horizon.at_seq >
							      t->after.question.horizon.at_seq
						      ? &t->before.question
						      : &t->after.question;
		TRY(ask_number(t->before.source, later, DICT_DEAL, t->ask->deal, "deal", &number,
			       fault));
		TRY(compare_deal(t, number));
	} else {
		TRY(compare_all(t));
	}
	msg_set(t->out, changes, total, list->n);
	msg_mark(t->out, changes, deals);
	const struct page page = ask_page(t->ask->skip, msg_has(t->ask, diff, limit),
					  t->ask->limit, list->n);
	if (list->n)
		list->v += page.first;
	list->n = page.n;
	return ERR_OK;
}

enum err fold_diff(const struct facts *source, const struct diff *ask, struct arena *a,
		   struct changes *out, struct fault *fault)
{
	struct options options = { .clocks = &ask->before, .policy = ask->policy,
		.currency = ask->currency, .basis = ask->basis };
	struct two t = { .a = a, .out = out, .ask = ask };

	*out = (struct changes){ 0 };
	TRY(ask_begin(&t.before, source, &options, a, &out->basis, fault));
	msg_set(out, changes, before, out->basis.clocks);
	options.clocks = &ask->after;
	options.assume = ask->assume;
	enum err e = ask_begin(&t.after, source, &options, a, &out->basis, fault);
	if (!e) {
		/* what is assumed may not have been known before */
		t.before.question.assume = t.after.question.assume;
		arena_init(&t.scratch, VIEW_BYTES_MAX);
		t.apart = (struct views_apart){ .v = { &t.before.view, &t.after.view } };
		e = answer(&t, fault);
		rate_missing(&t.after.view, &t.before.view.missing);
		e = ask_end(&t.after, e);
		arena_fini(&t.scratch);
	}
	msg_mark(out, changes, basis);
	return ask_end(&t.before, e);
}
