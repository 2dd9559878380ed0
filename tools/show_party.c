/* SPDX-License-Identifier: Apache-2.0 */
/* show_party: what a party is, what it pays and is paid, rung by rung, and the deals behind that. */
#include <stdio.h>

#include "tools/fail.h"
#include "tools/filter.h"
#include "tools/show.h"

#define HEAD_BYTES_MAX ((size_t)1 << 20)

static const char *word_of(const struct enum_info *words, int value)
{
	const char *word = enum_word(words, value);

	return word ? word : "";
}

/* ---- for people: a head, the rungs, the deals ---- */

static const struct out_column rung_columns[] = { { "rung", out_is_text, false },
						  { "pays", out_is_text, false },
						  { "is_paid", out_is_text, false } };
static const struct out_column deal_columns[] = {
	{ "side", out_is_text, false },	     { "deal", out_is_text, false },
	{ "stage", out_is_text, false },     { "talked", out_is_text, false },
	{ "announced", out_is_text, false }, { "committed", out_is_text, false },
	{ "paid", out_is_text, false },	     { "superseded_by", out_is_text, true }
};

static enum err put_names(const struct party_figures *f, struct buf *b)
{
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < f->names.n; i++)
		e = buf_printf(b, "%s%.*s", i ? ", " : " · also ", STR_ARG(f->names.v[i]));
	if (!e && f->group.n)
		e = buf_printf(b, " · of group %.*s", STR_ARG(f->group));
	for (size_t i = 0; !e && i < f->identifiers.n; i++)
		e = buf_printf(b, " · %.*s %.*s", STR_ARG(f->identifiers.v[i].scheme),
			       STR_ARG(f->identifiers.v[i].value));
	return e;
}

/* `softbank · company · SoftBank Group · also … · of group … · ticker …` */
static enum err print_head(const struct party_figures *f)
{
	const char *type = enum_word(&enum_party_type, f->party_type);
	struct buf head, safe;

	buf_init(&head, HEAD_BYTES_MAX);
	buf_init(&safe, HEAD_BYTES_MAX);
	enum err e = buf_printf(&head, "%.*s · %s", STR_ARG(f->party), type ? type : "party");
	if (!e && f->name.n)
		e = buf_printf(&head, " · %.*s", STR_ARG(f->name));
	if (!e)
		e = put_names(f, &head);
	if (!e)
		e = text_escape(buf_str(&head), &safe);
	if (!e)
		printf("%.*s\n\n", (int)safe.n, safe.p);
	buf_fini(&head);
	buf_fini(&safe);
	return e;
}

static enum err print_rungs(struct cli *c, const struct party_figures *f, struct fault *fault)
{
	struct out *o;
	const enum err e = out_open(c, rung_columns, ARRAY_LEN(rung_columns), &o, fault);

	if (e)
		return e;
	for (size_t i = 0; i < f->rungs.n; i++) {
		const struct party_sums *r = &f->rungs.v[i];
		out_text(o, str_of(word_of(&enum_rung, r->rung)));
		sums_put(o, &r->from);
		sums_put(o, &r->to);
		out_row(o);
	}
	out_continues(o);
	return out_close(o, fault);
}

static void put_deal_line(struct out *o, const char *side, const struct party_deal *d)
{
	out_text(o, str_of(side));
	out_text(o, d->deal);
	str_put(o, str_of(word_of(&enum_stage, d->stage)));
	for (int rung = rung_talked; rung < rung_COUNT; rung++) {
		size_t i = 0;
		while (i < d->rungs.n && d->rungs.v[i].rung != rung)
			i++;
		if (i < d->rungs.n)
			sums_put(o, &d->rungs.v[i].sums);
		else
			out_none(o);
	}
	str_put(o, d->superseded_by);
	out_row(o);
}

static enum err print_deals(struct cli *c, const struct party_figures *f, struct fault *fault)
{
	struct out *o;
	const enum err e = out_open(c, deal_columns, ARRAY_LEN(deal_columns), &o, fault);

	if (e)
		return e;
	for (size_t i = 0; i < f->pays.n; i++)
		put_deal_line(o, "pays in", &f->pays.v[i]);
	for (size_t i = 0; i < f->receives.n; i++)
		put_deal_line(o, "paid by", &f->receives.v[i]);
	question_meta(o, &f->basis);
	return out_close(o, fault);
}

static enum err print_page(struct cli *c, const struct party_figures *f, struct fault *fault)
{
	enum err e = print_head(f);

	if (e)
		return fault_set(fault, e, NULL, "the answer is too large to show at once");
	e = print_rungs(c, f, fault);
	return e ? e : print_deals(c, f, fault);
}

/* ---- for programs: one row a figure ---- */

static const struct out_column row_columns[] = {
	{ "party", out_is_text, false },     { "part", out_is_text, false },
	{ "deal", out_is_text, false },	     { "stage", out_is_text, false },
	{ "superseded_by", out_is_text, false }, { "rung", out_is_text, false },
	{ "amount", out_is_amount, false },  { "undisclosed", out_is_number, false }
};

/* One row a currency, one without an amount where there are no sums; d NULL: over all deals. */
static void put_rows(struct out *o, struct str party, const char *part, const struct party_deal *d,
		     int rung, const struct sum_list *sums)
{
	const size_t n = sums->n ? sums->n : 1;

	for (size_t i = 0; i < n; i++) {
		out_text(o, party);
		out_text(o, str_of(part));
		str_put(o, d ? d->deal : STR(""));
		str_put(o, str_of(d ? word_of(&enum_stage, d->stage) : ""));
		str_put(o, d ? d->superseded_by : STR(""));
		str_put(o, str_of(rung ? word_of(&enum_rung, rung) : ""));
		sum_put(o, sums->n ? &sums->v[i] : NULL);
		out_row(o);
	}
}

static void put_deal_rows(struct out *o, struct str party, const char *part,
			  const struct party_deal_list *deals)
{
	static const struct sum_list nothing = { NULL, 0 };

	for (size_t i = 0; i < deals->n; i++) {
		const struct party_deal *d = &deals->v[i];
		if (d->rungs.n == 0)
			put_rows(o, party, part, d, rung_NONE, &nothing);
		for (size_t r = 0; r < d->rungs.n; r++)
			put_rows(o, party, part, d, d->rungs.v[r].rung, &d->rungs.v[r].sums);
	}
}

static enum err print_rows(struct cli *c, const struct party_figures *f, struct fault *fault)
{
	struct out *o;
	const enum err e = out_open(c, row_columns, ARRAY_LEN(row_columns), &o, fault);

	if (e)
		return e;
	for (size_t i = 0; i < f->rungs.n; i++)
		put_rows(o, f->party, "pays", NULL, f->rungs.v[i].rung, &f->rungs.v[i].from);
	for (size_t i = 0; i < f->rungs.n; i++)
		put_rows(o, f->party, "paid", NULL, f->rungs.v[i].rung, &f->rungs.v[i].to);
	put_deal_rows(o, f->party, "pays_in", &f->pays);
	put_deal_rows(o, f->party, "paid_by", &f->receives);
	return out_close(o, fault);
}

enum err show_party(struct cli *c, struct client *client, struct str party,
		    const struct rules *rules, struct fault *fault)
{
	struct party_figure question = { 0 };
	struct party_figures figures, body;
	enum out_format format;

	enum err e = out_format(c, &format, fault);
	if (!e)
		e = word_given(c, "rung", &enum_rung, &question.rung, fault);
	if (e)
		return e;
	if (question.rung)
		msg_mark(&question, party_figure, rung);
	RULES_PUT(&question, party_figure, rules);
	msg_set(&question, party_figure, party, party);
	e = query_ask(c, client, &shape_party_figure, &question, &shape_party_figures, &figures,
		      fault);
	if (e)
		return e;
	if (format == out_table || format == out_md)
		return print_page(c, &figures, fault);
	if (format != out_json)
		return print_rows(c, &figures, fault);
	body = figures;
	body.has &= ~(UINT64_C(1) << party_figures_HAS_basis);
	return answer_print_json(c, &shape_party_figures, &body, &figures.basis, fault);
}
