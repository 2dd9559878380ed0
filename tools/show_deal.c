/* SPDX-License-Identifier: Apache-2.0 */
/* show_deal: the figures of a deal, rung by rung and payer by payer, and the statements behind them. */
#include <stdio.h>

#include "tools/fail.h"
#include "tools/filter.h"
#include "tools/gist.h"
#include "tools/show.h"

#define SHOW_BYTES_MAX ((size_t)64 << 20)

/* ---- for people: a head, the rungs, the sources ---- */

static const struct out_column rung_columns[] = { { "rung", out_is_text, false },
						  { "payer", out_is_text, false },
						  { "amount", out_is_text, false } };
static const struct out_column source_columns[] = { GIST_PAYER_COLUMNS,
						    { "decides", out_is_bool, false } };

static void put_rung_line(struct out *o, const char *rung, struct str payer,
			  const struct sum_list *sums)
{
	out_text(o, str_of(rung));
	out_text(o, payer);
	sums_put(o, sums);
	out_row(o);
}

static void put_rung_lines(struct out *o, const struct rung_sums *r)
{
	const char *rung = enum_word(&enum_rung, r->rung);

	put_rung_line(o, rung ? rung : "?", STR(""), &r->total);
	for (size_t i = 0; i < r->payers.n; i++)
		put_rung_line(o, "", r->payers.v[i].payer, &r->payers.v[i].sums);
	if (r->unattributed.n)
		put_rung_line(o, "", STR("(unattributed)"), &r->unattributed);
}

static const char *stage_word(const struct deal_figures *f)
{
	const char *word = enum_word(&enum_stage, f->stage);

	return word ? word : "no stage";
}

static enum err put_names(const char *title, struct str_list names, struct buf *b)
{
	enum err e = names.n ? buf_printf(b, " · %s ", title) : ERR_OK;

	for (size_t i = 0; !e && i < names.n; i++)
		e = buf_printf(b, "%s%.*s", i ? ", " : "", STR_ARG(names.v[i]));
	return e;
}

/* `softbank-openai-2025 · talks · from softbank · to openai`, and its title below. */
static enum err print_head(const struct deal_figures *f)
{
	const struct str_list title = { (struct str *)&f->title, f->title.n ? 1 : 0 };
	const struct str_list by = { (struct str *)&f->superseded_by, f->superseded_by.n ? 1 : 0 };
	struct buf head, safe;

	buf_init(&head, SHOW_BYTES_MAX);
	buf_init(&safe, SHOW_BYTES_MAX);
	enum err e = buf_printf(&head, "%.*s · %s", STR_ARG(f->deal), stage_word(f));
	if (!e)
		e = put_names("title", title, &head);
	if (!e)
		e = put_names("from", f->from, &head);
	if (!e)
		e = put_names("to", f->to, &head);
	if (!e)
		e = put_names("superseded by", by, &head);
	if (!e)
		e = put_names("parts", f->parts, &head);
	if (!e)
		e = text_escape(buf_str(&head), &safe);
	if (!e)
		printf("%.*s\n\n", (int)safe.n, safe.p);
	buf_fini(&head);
	buf_fini(&safe);
	return e;
}

static enum err print_rungs(struct cli *c, const struct deal_figures *f, struct fault *fault)
{
	struct out *o;
	const enum err e = out_open(c, rung_columns, ARRAY_LEN(rung_columns), &o, fault);

	if (e)
		return e;
	for (size_t i = 0; i < f->rungs.n; i++)
		put_rung_lines(o, &f->rungs.v[i]);
	if (f->conditional.n)
		put_rung_line(o, "conditional", STR(""), &f->conditional);
	out_continues(o);
	return out_close(o, fault);
}

static enum err decode_source(struct cli *c, const struct source_of *s, struct event *e,
			      struct fault *fault)
{
	return event_decode(s->event, &c->arena, e, fault);
}

static void put_counts(struct out *o, const struct deal_figures *f)
{
	char words[64];

	(void)snprintf(words, sizeof(words), "%llu statements", (unsigned long long)f->events);
	out_meta_number(o, "events", f->events > f->sources.n ? words : NULL, (int64_t)f->events);
}

static enum err print_sources(struct cli *c, const struct deal_figures *f, struct fault *fault)
{
	struct event event;
	struct out *o;
	enum err e = out_open(c, source_columns, ARRAY_LEN(source_columns), &o, fault);

	if (e)
		return e;
	for (size_t i = 0; !e && i < f->sources.n; i++) {
		const struct source_of *s = &f->sources.v[i];
		e = decode_source(c, s, &event, fault);
		if (e)
			break;
		gist_payer_put(o, s->seq, &event);
		out_bool(o, s->decides);
		out_row(o);
	}
	question_meta(o, &f->basis);
	put_counts(o, f);
	const enum err closed = out_close(o, e ? NULL : fault);
	return e ? e : closed;
}

static enum err print_page(struct cli *c, const struct deal_figures *f, struct fault *fault)
{
	enum err e = print_head(f);

	if (e)
		return fault_set(fault, e, NULL, "the answer is too large to show at once");
	e = print_rungs(c, f, fault);
	return e ? e : print_sources(c, f, fault);
}

/* ---- for programs: one row a figure and one a source ---- */

static const struct out_column row_columns[] = {
	{ "deal", out_is_text, false },	     { "stage", out_is_text, false },
	{ "part", out_is_text, false },	     { "rung", out_is_text, false },
	{ "payer", out_is_text, false },     { "amount", out_is_amount, false },
	{ "undisclosed", out_is_number, false }, { "seq", out_is_number, false },
	{ "stated", out_is_text, false },    { "kind", out_is_text, false },
	{ "to", out_is_text, false },	     { "grade", out_is_text, false },
	{ "decides", out_is_bool, false },   { "publisher", out_is_text, false },
	{ "title", out_is_text, false },     { "url", out_is_text, false },
};
#define SOURCE_COLUMNS 9u /* those that only sources have, from `seq` on */

static void begin_row(struct out *o, const struct deal_figures *f, const char *part,
		      const char *rung, struct str payer)
{
	out_text(o, f->deal);
	str_put(o, str_of(enum_word(&enum_stage, f->stage)));
	out_text(o, str_of(part));
	str_put(o, str_of(rung));
	str_put(o, payer);
}

static void put_sum_rows(struct out *o, const struct deal_figures *f, const char *part,
			 const char *rung, struct str payer, const struct sum_list *sums)
{
	static const struct sum nothing = { 0 };
	const size_t n = sums->n ? sums->n : 1;

	for (size_t i = 0; i < n; i++) {
		const struct sum *s = sums->n ? &sums->v[i] : &nothing;
		begin_row(o, f, part, rung, payer);
		if (msg_has(s, sum, amount))
			out_amount(o, &s->amount);
		else
			out_none(o);
		out_number(o, (int64_t)s->undisclosed);
		for (size_t k = 0; k < SOURCE_COLUMNS; k++)
			out_none(o);
		out_row(o);
	}
}

static void put_rung_rows(struct out *o, const struct deal_figures *f, const struct rung_sums *r)
{
	const char *rung = enum_word(&enum_rung, r->rung);

	put_sum_rows(o, f, "total", rung, STR(""), &r->total);
	for (size_t i = 0; i < r->payers.n; i++)
		put_sum_rows(o, f, "payer", rung, r->payers.v[i].payer, &r->payers.v[i].sums);
	if (r->unattributed.n)
		put_sum_rows(o, f, "unattributed", rung, STR(""), &r->unattributed);
}

static void put_source_row(struct out *o, const struct deal_figures *f, const struct source_of *s,
			   const struct event *e)
{
	struct buf to;

	begin_row(o, f, "source", NULL, e->from.n ? e->from.v[0] : STR(""));
	if (msg_has(e, event, amount))
		out_amount(o, &e->amount);
	else
		out_none(o);
	out_number(o, gist_undisclosed(e));
	out_number(o, (int64_t)s->seq);
	str_put(o, e->stated);
	out_text(o, str_of(gist_kind(e)));
	buf_init(&to, SHOW_BYTES_MAX);
	const enum err bad = gist_list(e->to, &to);
	if (bad)
		out_fail(o, bad);
	str_put(o, buf_str(&to));
	buf_fini(&to);
	str_put(o, str_of(enum_word(&enum_grade, e->grade)));
	out_bool(o, s->decides);
	str_put(o, e->source.publisher);
	str_put(o, e->source.title);
	str_put(o, e->source.url);
	out_row(o);
}

static enum err print_rows(struct cli *c, const struct deal_figures *f, struct fault *fault)
{
	struct event event;
	struct out *o;
	enum err e = out_open(c, row_columns, ARRAY_LEN(row_columns), &o, fault);

	if (e)
		return e;
	for (size_t i = 0; i < f->rungs.n; i++)
		put_rung_rows(o, f, &f->rungs.v[i]);
	if (f->conditional.n)
		put_sum_rows(o, f, "conditional", "committed", STR(""), &f->conditional);
	for (size_t i = 0; !e && i < f->sources.n; i++) {
		e = decode_source(c, &f->sources.v[i], &event, fault);
		if (!e)
			put_source_row(o, f, &f->sources.v[i], &event);
	}
	const enum err closed = out_close(o, e ? NULL : fault);
	return e ? e : closed;
}

/* ---- JSON: the answer as it is, its basis as `meta` ---- */

static enum err print_json(struct cli *c, const struct deal_figures *f, struct fault *fault)
{
	struct deal_figures body = *f;

	body.has &= ~(UINT64_C(1) << deal_figures_HAS_basis);
	return answer_print_json(c, &shape_deal_figures, &body, &f->basis, fault);
}

/* ---- asking ---- */

static void only_rung(struct rung_sums_list *rungs, int rung)
{
	while (rungs->n > 1 && rungs->v->rung != rung) {
		rungs->v++;
		rungs->n--;
	}
	rungs->n = rungs->n > 1 ? 1 : rungs->n;
}

enum err show_deal(struct cli *c, struct client *client, struct str deal,
		   const struct rules *rules, struct fault *fault)
{
	struct deal_figure question = { 0 };
	struct deal_figures figures;
	enum out_format format;
	int rung;

	enum err e = out_format(c, &format, fault);
	if (!e)
		e = word_given(c, "rung", &enum_rung, &rung, fault);
	if (e)
		return e;
	RULES_PUT(&question, deal_figure, rules);
	msg_set(&question, deal_figure, deal, deal);
	e = query_ask(c, client, &shape_deal_figure, &question, &shape_deal_figures, &figures,
		      fault);
	if (e)
		return e;
	if (rung)
		only_rung(&figures.rungs, rung);
	if (format == out_json)
		return print_json(c, &figures, fault);
	if (format == out_table || format == out_md)
		return print_page(c, &figures, fault);
	return print_rows(c, &figures, fault);
}
