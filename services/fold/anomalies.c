/* SPDX-License-Identifier: Apache-2.0 */
/* anomalies: the answer about what contradicts itself, in the order of its words; see fold.h. */
#include "services/fold/ask.h"
#include "services/fold/checks.h"
#include "services/fold/fold.h"
#include "services/fold/totals.h"

#include <stdlib.h>

/* One with its words, which decide the order. */
struct worded {
	const struct contradiction *what;
	struct str deal, payer, whole; /* empty: none; payer "*": the whole */
	struct id event;
};

static int by_words(const void *x, const void *y)
{
	const struct worded *a = x, *b = y;
	const struct contradiction *p = a->what, *q = b->what;
	int c = strcmp(enum_word(&enum_anomaly_kind, (int)p->kind),
		       enum_word(&enum_anomaly_kind, (int)q->kind));

	c = c ? c : str_cmp(a->deal, b->deal);
	c = c ? c : str_cmp(a->payer, b->payer);
	if (!c && p->rung && q->rung)
		c = strcmp(enum_word(&enum_rung, (int)p->rung),
			   enum_word(&enum_rung, (int)q->rung));
	c = c ? c : (int)p->currency - (int)q->currency;
	c = c ? c : memcmp(a->event.b, b->event.b, ID_SIZE);
	return c ? c : str_cmp(a->whole, b->whole);
}

static enum err word(struct view *v, const struct contradiction *what, struct worded *out)
{
	const struct facts *facts = v->facts;

	*out = (struct worded){ .what = what };
	if (what->deal)
		TRY(facts->slug(facts->arg, DICT_DEAL, what->deal, &out->deal));
	if (what->whole)
		TRY(facts->slug(facts->arg, DICT_DEAL, what->whole, &out->whole));
	if (what->payer)
		TRY(facts->slug(facts->arg, DICT_PARTY, what->payer, &out->payer));
	else if (what->rung)
		out->payer = STR("*");
	if (what->first) {
		struct event_keys keys;
		struct entry entry;
		TRY(facts->entry(facts->arg, what->first, &entry));
		TRY(event_peek(entry.event, &keys, NULL));
		out->event = keys.id;
	}
	return ERR_OK;
}

static enum err anomaly_write(const struct worded *w, struct arena *a, struct anomaly *out)
{
	const struct contradiction *what = w->what;
	char code[4];

	msg_set(out, anomaly, anomaly, (int)what->kind);
	if (what->deal)
		msg_set(out, anomaly, deal, w->deal);
	if (what->whole)
		msg_set(out, anomaly, whole, w->whole);
	if (what->payer)
		msg_set(out, anomaly, payer, w->payer);
	if (what->rung)
		msg_set(out, anomaly, rung, (int)what->rung);
	if (what->currency) {
		currency_unpack(what->currency, code);
		msg_set(out, anomaly, currency, arena_str(a, str_of(code)));
		if (!out->currency.p)
			return ERR_NO_MEMORY;
	}
	if (what->first) {
		msg_set(out, anomaly, event, w->event);
		msg_set(out, anomaly, seq, what->seq);
	}
	if (what->verdict)
		msg_set(out, anomaly, verdict, (int)what->verdict);
	return ERR_OK;
}

static enum err check_totals(struct asking *k, uint32_t only, struct contradictions *all)
{
	struct visible_list totals;

	TRY(totals_of(&k->view, &totals));
	for (size_t i = 0; i < totals.n; i++) {
		struct contradiction one = { .kind = anomaly_kind_total_does_not_reconcile,
			.first = totals.v[i].first->seq, .seq = totals.v[i].fact->seq };
		struct reconciling r;
		TRY(totals_reconcile(&k->view, &totals.v[i], &k->view.arena, &r));
		one.verdict = r.verdict;
		if ((r.verdict == agreement_above || r.verdict == agreement_below) &&
		    (!only || totals_speaks_of(&r, only)))
			TRY(contradiction_add(&k->view, all, &one));
		view_forget(&k->view);
	}
	return ERR_OK;
}

static enum err check_deal(struct view *v, struct deal *d, void *all)
{
	return checks_deal(v, d, all);
}

static enum err check_one(struct asking *k, uint32_t number, struct contradictions *all)
{
	struct deal *d;

	TRY(view_open(&k->view, number, &d));
	TRY(view_whole(&k->view, d));
	return checks_deal(&k->view, d, all);
}

static enum err answer(struct asking *k, const struct anomalies *ask, struct anomaly_table *out)
{
	struct contradictions all = { .v = NULL };
	uint32_t only = 0;

	if (ask->deal.n)
		TRY(ask_number(k->source, &k->question, DICT_DEAL, ask->deal, "deal", &only,
			       k->fault));
	k->question.assume.n = 0;
	TRY(check_totals(k, only, &all));
	if (only)
		TRY(check_one(k, only, &all));
	else
		TRY(parties_each_deal(&k->view, check_deal, &all));
	struct worded *words = arena_alloc(&k->view.kept, all.n * sizeof(*words));
	if (!words)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < all.n; i++)
		TRY(word(&k->view, &all.v[i], &words[i]));
	if (all.n > 1)
		qsort(words, all.n, sizeof(*words), by_words);
	const struct page page = ask_page(ask->skip, msg_has(ask, anomalies, limit), ask->limit,
					  all.n);
	msg_set(out, anomaly_table, total, all.n);
	msg_mark(out, anomaly_table, anomalies);
	out->anomalies.v = arena_zalloc(k->a, page.n, sizeof(*out->anomalies.v));
	if (!out->anomalies.v)
		return ERR_NO_MEMORY;
	for (; out->anomalies.n < page.n; out->anomalies.n++)
		TRY(anomaly_write(&words[page.first + out->anomalies.n], k->a,
				  &out->anomalies.v[out->anomalies.n]));
	return ERR_OK;
}

enum err fold_anomalies(const struct facts *source, const struct anomalies *ask, struct arena *a,
			struct anomaly_table *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(anomalies, ask);
	struct asking k;

	*out = (struct anomaly_table){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, anomaly_table, basis);
	return ask_end(&k, answer(&k, ask, out));
}
