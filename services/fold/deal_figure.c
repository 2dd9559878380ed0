/* SPDX-License-Identifier: Apache-2.0 */
/* deal_figure: everything about one deal; see fold.h. */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/ladder.h"
#include "services/fold/stage.h"

#define PARTS_SHOWN_MAX 1000u
#define SOURCES_SHOWN_MAX 100u

/* The payers of one rung in the order of their slugs, those alone that have something. */
static enum err payers_write(struct view *v, struct deal *d, enum rung rung,
			     const struct named *names, struct arena *a,
			     struct payer_sums_list *out)
{
	out->n = 0;
	out->v = arena_zalloc(a, d->npayers, sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->npayers; i++) {
		const struct sums *value;
		TRY(ladder_value(v, d, names[i].number, rung, &value));
		if (sums_empty(value))
			continue;
		struct payer_sums *p = &out->v[out->n++];
		msg_set(p, payer_sums, payer, names[i].slug);
		msg_mark(p, payer_sums, sums);
		TRY(sums_write(&v->counting, value, a, &p->sums));
	}
	return ERR_OK;
}

static enum err rung_write(struct view *v, struct deal *d, enum rung rung,
			   const struct named *names, struct arena *a, struct rung_sums *out)
{
	struct sums sums;

	msg_set(out, rung_sums, rung, (int)rung);
	TRY(ladder_total(v, d, rung, &sums));
	TRY(sums_write(&v->counting, &sums, a, &out->total));
	msg_mark(out, rung_sums, total);
	TRY(ladder_unattributed(v, d, rung, &sums));
	TRY(sums_write(&v->counting, &sums, a, &out->unattributed));
	msg_mark(out, rung_sums, unattributed);
	msg_mark(out, rung_sums, payers);
	return payers_write(v, d, rung, names, a, &out->payers);
}

static enum err rungs_write(struct view *v, struct deal *d, struct arena *a,
			    struct deal_figures *out)
{
	struct named *names;
	struct sums sums;

	TRY(view_payers(v, d));
	uint32_t *numbers = arena_alloc(&v->arena, d->npayers * sizeof(*numbers));
	out->rungs.n = rung_paid;
	out->rungs.v = arena_zalloc(a, out->rungs.n, sizeof(*out->rungs.v));
	if (!numbers || !out->rungs.v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->npayers; i++)
		numbers[i] = d->payers[i].number;
	TRY(ask_names(v, DICT_PARTY, numbers, d->npayers, &names));
	for (enum rung rung = rung_talked; rung <= rung_paid; rung++)
		TRY(rung_write(v, d, rung, names, a, &out->rungs.v[rung - 1]));
	msg_mark(out, deal_figures, rungs);
	TRY(stage_conditional(v, d, &sums));
	TRY(sums_write(&v->counting, &sums, a, &out->conditional));
	msg_mark(out, deal_figures, conditional);
	return ERR_OK;
}

/* Its title, out of the declaration that decides. */
static enum err title_write(struct view *v, const struct deal *d, struct arena *a,
			    struct deal_figures *out)
{
	struct event event;
	bool found;

	TRY(ask_deal(v, d, a, &event, &found));
	if (!found)
		return ERR_OK;
	if (msg_has(&event, event, title))
		msg_set(out, deal_figures, title, event.title);
	return ERR_OK;
}

static enum err place_write(struct view *v, struct deal *d, struct arena *a,
			    struct deal_figures *out)
{
	const struct numbers from = deal_declared(d, FACT_FROM);
	struct number_list payees;
	struct str slug;
	enum stage stage;

	uint32_t *numbers = arena_alloc(&v->arena, (from.n + d->nparts) * sizeof(*numbers));
	if (!numbers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < from.n; i++)
		numbers[i] = numbers_at(from, i);
	TRY(ask_slugs(v, DICT_PARTY, numbers, from.n, from.n, a, &out->from));
	msg_mark(out, deal_figures, from);
	TRY(view_payees(v, d, &payees));
	TRY(ask_slugs(v, DICT_PARTY, payees.v, payees.n, shape_deal_figures.fields[
		deal_figures_HAS_to].limit, a, &out->to));
	msg_mark(out, deal_figures, to);
	TRY(stage_of(v, d, &stage));
	if (stage)
		msg_set(out, deal_figures, stage, (int)stage);
	TRY(view_successor(v, d));
	if (d->successor) {
		TRY(v->facts->slug(v->facts->arg, DICT_DEAL, d->successor, &slug));
		msg_set(out, deal_figures, superseded_by, slug);
	}
	for (size_t i = 0; i < d->nparts; i++)
		numbers[i] = d->parts[i]->number;
	TRY(ask_slugs(v, DICT_DEAL, numbers, d->nparts, PARTS_SHOWN_MAX, a, &out->parts));
	if (out->parts.n)
		msg_mark(out, deal_figures, parts);
	return ERR_OK;
}

static enum err source_write(struct view *v, const struct visible *s, struct source_of *to)
{
	struct entry entry;

	TRY(v->facts->entry(v->facts->arg, s->fact->seq, &entry));
	msg_set(to, source_of, seq, entry.seq);
	msg_set(to, source_of, event, entry.event);
	if (s->used)
		msg_set(to, source_of, decides, true);
	return ERR_OK;
}

static enum err sources_write(struct view *v, const struct deal *d, struct arena *a,
			      struct deal_figures *out)
{
	const size_t n = d->statements.n;

	msg_set(out, deal_figures, events, n);
	msg_set(out, deal_figures, copies, d->statements.copies);
	out->sources.n = n < SOURCES_SHOWN_MAX ? n : SOURCES_SHOWN_MAX;
	out->sources.v = arena_zalloc(a, out->sources.n, sizeof(*out->sources.v));
	if (!out->sources.v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < out->sources.n; i++)
		TRY(source_write(v, &d->statements.v[n - 1 - i], &out->sources.v[i]));
	msg_mark(out, deal_figures, sources);
	return ERR_OK;
}

/*
 * The events that the answer is made of, in the order in which they are asked for: each lies somewhere else,
 * and all are on their way before the first is waited for, while the figures are made.
 */
static void foresee(struct view *v, const struct deal *d)
{
	const size_t n = d->statements.n;
	uint64_t seqs[1 + SOURCES_SHOWN_MAX];
	size_t count = 0;

	if (d->declared)
		seqs[count++] = d->declared->fact->seq;
	for (size_t i = 0; i < n && i < SOURCES_SHOWN_MAX; i++)
		seqs[count++] = d->statements.v[n - 1 - i].fact->seq;
	v->facts->foresee_entries(v->facts->arg, seqs, count);
}

static enum err answer(struct view *v, uint32_t number, struct arena *a, struct deal_figures *out)
{
	struct deal *d;
	uint64_t revision;

	TRY(view_open(v, number, &d));
	foresee(v, d);
	TRY(rungs_write(v, d, a, out));
	TRY(place_write(v, d, a, out));
	TRY(title_write(v, d, a, out));
	TRY(v->facts->revision(v->facts->arg, number, v->question->horizon.at_seq, &revision));
	msg_set(out, deal_figures, revision, revision);
	return sources_write(v, d, a, out);
}

enum err fold_deal(const struct facts *source, const struct deal_figure *ask, struct arena *a,
		   struct deal_figures *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(deal_figure, ask);
	struct asking k;
	uint32_t number;

	*out = (struct deal_figures){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, deal_figures, basis);
	msg_set(out, deal_figures, deal, ask->deal);
	enum err e = ask_number(source, &k.question, DICT_DEAL, ask->deal, "deal", &number, fault);
	if (!e)
		e = answer(&k.view, number, a, out);
	return ask_end(&k, e);
}
