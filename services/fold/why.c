/* SPDX-License-Identifier: Apache-2.0 */
/*
 * why: the tree of deals and events that a figure is computed from; see fold.h.
 *
 * Computing a figure marks the statements whose amounts enter it. A view of its own does nothing
 * else, so that what is marked afterwards is the answer.
 */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/parties.h"

#include <stdlib.h>

#define DEALS_SHOWN_MAX 1000u
#define EVENTS_SHOWN_MAX 1000u
#define EVENTS_BYTES_MAX ((size_t)8 << 20) /* of events in one answer */

struct figure {
	uint32_t payer; /* 0: totals */
	enum rung rung;
	struct deals_found deals;
	bool summed; /* over deals: superseded ones count what was paid */
};

static enum err worth(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
		      struct sums *out)
{
	const struct sums *value;

	if (!payer)
		return ladder_total(v, d, rung, out);
	TRY(ladder_value(v, d, payer, rung, &value));
	return sums_copy(&v->counting, value, out);
}

static enum err rung_counted(struct view *v, struct deal *d, const struct figure *f, bool summed,
			     enum rung *out)
{
	*out = f->rung;
	return summed ? ladder_rung(v, d, f->rung, out) : ERR_OK;
}

/* ---- how many sources ---- */

struct sources {
	struct str *v; /* each a letter for what it is, and its text */
	size_t n, cap;
};

static enum err source_add(struct view *v, const struct fact *f, struct sources *out)
{
	struct arena *a = &v->arena;
	struct entry entry;
	struct event event;

	if (out->n == out->cap) {
		const size_t cap = out->cap ? 2 * out->cap : 64;
		struct str *more = arena_alloc(a, cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (out->n)
			memcpy(more, out->v, out->n * sizeof(*more));
		out->v = more;
		out->cap = cap;
	}
	TRY(v->facts->entry(v->facts->arg, f->seq, &entry));
	TRY(event_decode(entry.event, a, &event, NULL));
	struct str *to = &out->v[out->n++];
	if (msg_has(&event, event, derived_from)) {
		char text[ID_TEXT_SIZE];
		id_format(event.derived_from.b, text);
		*to = arena_printf(a, "d%s", text);
	} else if (event.source.publisher.n) {
		*to = arena_printf(a, "p%.*s", STR_ARG(event.source.publisher));
	} else if (event.source.title.n) {
		*to = arena_printf(a, "t%.*s", STR_ARG(event.source.title));
	} else if (event.source.url.n) {
		*to = arena_printf(a, "u%.*s", STR_ARG(event.source.url));
	} else {
		*to = arena_printf(a, "e%llu", (unsigned long long)f->root);
	}
	return to->p ? ERR_OK : ERR_NO_MEMORY;
}

static int by_text(const void *x, const void *y)
{
	const struct str *s = x, *t = y;

	return str_cmp(*s, *t);
}

static uint64_t sources_distinct(struct sources *s)
{
	uint64_t distinct = 0;

	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), by_text);
	for (size_t i = 0; i < s->n; i++)
		distinct += i == 0 || !str_eq(s->v[i - 1], s->v[i]);
	return distinct;
}

/* ---- the tree ---- */

struct telling {
	struct asking *k;
	const struct figure *figure;
	struct reasons *out;
	size_t deals_cap;
	size_t bytes; /* of events that are in */
	struct sources sources;
	uint64_t events;
};

static size_t used_count(const struct deal *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->statements.n; i++)
		n += d->statements.v[i].used;
	return n;
}

/* Whether it or anything inside it has a share in the figure. */
static bool tree_used(const struct deal *d)
{
	if (used_count(d))
		return true;
	for (size_t i = 0; i < d->nparts; i++)
		if (tree_used(d->parts[i]))
			return true;
	return false;
}

static enum err events_write(struct telling *t, const struct deal *d, struct source_of_list *out)
{
	struct view *v = &t->k->view;
	const size_t n = used_count(d);

	out->v = arena_zalloc(t->k->a, n < EVENTS_SHOWN_MAX ? n : EVENTS_SHOWN_MAX,
			      sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->statements.n; i++) {
		const struct visible *s = &d->statements.v[i];
		struct entry entry;
		if (!s->used)
			continue;
		t->events++;
		TRY(source_add(v, s->fact, &t->sources));
		if (out->n == EVENTS_SHOWN_MAX || t->bytes > EVENTS_BYTES_MAX)
			continue;
		TRY(v->facts->entry(v->facts->arg, s->fact->seq, &entry));
		t->bytes += entry.event.n;
		struct source_of *to = &out->v[out->n++];
		msg_set(to, source_of, seq, entry.seq);
		msg_set(to, source_of, event, entry.event);
		msg_set(to, source_of, decides, true);
	}
	return ERR_OK;
}

static enum err room_for_deal(struct telling *t, struct why_deal **out)
{
	struct why_deal_list *list = &t->out->deals;

	*out = NULL;
	if (list->n == DEALS_SHOWN_MAX)
		return ERR_OK;
	if (list->n == t->deals_cap) {
		t->deals_cap = t->deals_cap ? 2 * t->deals_cap : 8;
		struct why_deal *more = arena_zalloc(t->k->a, t->deals_cap, sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (list->n)
			memcpy(more, list->v, list->n * sizeof(*more));
		list->v = more;
	}
	*out = &list->v[list->n++];
	return ERR_OK;
}

static enum err tell_events(struct telling *t, struct deal *d, struct str slug,
			    struct source_of_list *events)
{
	struct view *v = &t->k->view;
	struct why_deal *to;

	TRY(events_write(t, d, events));
	TRY(room_for_deal(t, &to));
	if (!to)
		return ERR_OK;
	msg_set(to, why_deal, deal, slug);
	if (d->whole) {
		TRY(v->facts->slug(v->facts->arg, DICT_DEAL, d->whole->number, &to->part_of));
		msg_mark(to, why_deal, part_of);
	}
	msg_set(to, why_deal, events, *events);
	return ERR_OK;
}

/* Deals by slug, each with what is inside it. */
static enum err tell_deals(struct telling *t, struct deal *const *deals, size_t n)
{
	struct view *v = &t->k->view;
	uint32_t *numbers = arena_alloc(&v->arena, n * sizeof(*numbers));
	struct named *names;

	if (!numbers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		numbers[i] = deals[i]->number;
	TRY(ask_names(v, DICT_DEAL, numbers, n, &names));
	for (size_t i = 0; i < n; i++) {
		struct deal *d = deals[names[i].at];
		struct source_of_list events = { 0 };
		if (!tree_used(d))
			continue;
		TRY(tell_events(t, d, names[i].slug, &events));
		TRY(tell_deals(t, d->parts, d->nparts));
	}
	return ERR_OK;
}

/* What each of the deals told comes to; only now, since counting marks statements. */
static enum err tell_sums(struct telling *t)
{
	struct view *v = &t->k->view;
	const struct figure *f = t->figure;

	for (size_t i = 0; i < t->out->deals.n; i++) {
		struct why_deal *to = &t->out->deals.v[i];
		struct deal *d;
		struct sums sums;
		uint32_t number;
		enum rung rung;
		TRY(v->facts->number(v->facts->arg, DICT_DEAL, to->deal, UINT64_MAX, &number));
		TRY(view_open(v, number, &d));
		TRY(rung_counted(v, d, f, f->summed || to->part_of.n, &rung));
		TRY(worth(v, d, f->payer, rung, &sums));
		msg_set(to, why_deal, rung, (int)rung);
		msg_mark(to, why_deal, sums);
		TRY(sums_write(&v->counting, &sums, t->k->a, &to->sums));
	}
	return ERR_OK;
}

static enum err tell(struct asking *k, const struct figure *f, struct reasons *out)
{
	struct telling t = { .k = k, .figure = f, .out = out };
	struct view *v = &k->view;
	struct sums all = { 0 };

	for (size_t i = 0; i < f->deals.n; i++) {
		struct sums sums;
		enum rung rung;
		TRY(rung_counted(v, f->deals.v[i], f, f->summed, &rung));
		TRY(worth(v, f->deals.v[i], f->payer, rung, &sums));
		TRY(sums_add(&v->counting, &all, &sums));
	}
	msg_mark(out, reasons, sums);
	TRY(sums_write(&v->counting, &all, k->a, &out->sums));
	TRY(tell_deals(&t, f->deals.v, f->deals.n));
	msg_set(out, reasons, events, t.events);
	msg_set(out, reasons, sources, sources_distinct(&t.sources));
	msg_mark(out, reasons, deals);
	return tell_sums(&t);
}

static enum err answer(struct asking *k, const struct why *ask, struct reasons *out)
{
	struct figure f = { .rung = (enum rung)ask->rung, .summed = !ask->deal.n };
	uint32_t number;
	struct deal *one;

	/* counting marks statements, and to keep what a deal comes to is to count all of its rungs */
	k->view.keeps = false;
	if (ask->payer.n)
		TRY(ask_number(k->source, &k->question, DICT_PARTY, ask->payer, "payer", &f.payer,
			       k->fault));
	if (ask->deal.n) {
		TRY(ask_number(k->source, &k->question, DICT_DEAL, ask->deal, "deal", &number,
			       k->fault));
		TRY(view_open(&k->view, number, &one));
		f.deals = (struct deals_found){ &one, 1 };
	} else if (ask->to.n) {
		TRY(ask_number(k->source, &k->question, DICT_PARTY, ask->to, "to", &number,
			       k->fault));
		TRY(parties_receiving(&k->view, number, &f.deals));
	} else {
		TRY(parties_paying(&k->view, f.payer, &f.deals));
	}
	return tell(k, &f, out);
}

enum err fold_why(const struct facts *source, const struct why *ask, struct arena *a,
		  struct reasons *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(why, ask);
	struct asking k;

	*out = (struct reasons){ 0 };
	if (ask->deal.n ? ask->to.n != 0 : !ask->payer.n && !ask->to.n)
		return fault_set(fault, ERR_BAD_VALUE, "deal", "give deal, or payer, or to");
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, reasons, basis);
	msg_set(out, reasons, rung, ask->rung);
	return ask_end(&k, answer(&k, ask, out));
}
