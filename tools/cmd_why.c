/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow why: what a figure comes from: the tree of deals and events that it is computed from, with
 * their sources, and the number of independent ones.
 *
 * The figure is a deal's total, a payer's part of it, or what a party pays or is paid over all deals.
 */
#include <stdio.h>

#include "tools/fail.h"
#include "tools/filter.h"
#include "tools/gist.h"
#include "tools/question.h"

#define HEAD_MAX ((size_t)1 << 20)
#define INDENT_MAX 40u /* columns; deeper parts stand below one another */

static const struct opt options[] = {
	{ "rung", 0, opt_text, "RUNG", NULL, "The rung: talked, announced, committed or paid; always "
					     "needed." },
	{ "from", 0, opt_text, "PARTY", NULL, "Instead of a deal: what this party pays." },
	{ "to", 0, opt_text, "PARTY", NULL, "Instead of a deal: what this party is paid." },
	OPT_END
};
static const struct out_column words_columns[] = {
	{ "figure", out_is_text, false }, { "amount", out_is_text, false },
	{ "stated", out_is_text, false }, { "kind", out_is_text, false },
	{ "payer", out_is_text, true },	  { "grade", out_is_text, false },
	{ "source", out_is_text, true },
};
static const struct out_column fields_columns[] = {
	{ "depth", out_is_number, false },	 { "part", out_is_text, false },
	{ "deal", out_is_text, false },		 { "part_of", out_is_text, false },
	{ "from", out_is_text, false },		 { "to", out_is_text, false },
	{ "rung", out_is_text, false },		 { "amount", out_is_amount, false },
	{ "undisclosed", out_is_number, false }, { "events", out_is_number, false },
	{ "sources", out_is_number, false },	 { "seq", out_is_number, false },
	{ "stated", out_is_text, false },	 { "kind", out_is_text, false },
	{ "grade", out_is_text, false },	 { "publisher", out_is_text, false },
	{ "title", out_is_text, false },	 { "url", out_is_text, false },
};

static void put_built(struct out *o, struct buf *b, enum err e)
{
	if (e)
		out_fail(o, e);
	str_put(o, buf_str(b));
	buf_fini(b);
}

/* How deep a deal stands in the tree: 1, or one below what contains it, which stands before it. */
static uint32_t *depths_of(struct cli *c, const struct reasons *r)
{
	uint32_t *depth = arena_zalloc(&c->arena, r->deals.n + 1, sizeof(*depth));

	if (!depth)
		return NULL;
	for (size_t i = 0; i < r->deals.n; i++) {
		const struct str whole = r->deals.v[i].part_of;
		size_t at = i;
		while (whole.n && at && str_cmp(r->deals.v[at - 1].deal, whole) != 0)
			at--;
		depth[i] = whole.n && at ? depth[at - 1] + 1 : 1;
	}
	return depth;
}

/* ---- for people ---- */

/* `softbank → openai`, `stargate`, `stargate · softbank` */
static enum err put_figure_name(const struct why *q, struct buf *b)
{
	if (q->deal.n)
		return buf_printf(b, "%.*s%s%.*s", STR_ARG(q->deal), q->payer.n ? " · " : "",
				  STR_ARG(q->payer));
	return buf_printf(b, "%.*s → %.*s", STR_ARG(q->payer.n ? q->payer : STR("anybody")),
			  STR_ARG(q->to.n ? q->to : STR("anybody")));
}

static enum err print_head(const struct why *q, const struct reasons *r)
{
	struct buf head, safe;
	const char *rung = enum_word(&enum_rung, r->rung);

	buf_init(&head, HEAD_MAX);
	buf_init(&safe, HEAD_MAX);
	enum err e = put_figure_name(q, &head);
	if (!e)
		e = buf_printf(&head, " · %s ", rung ? rung : "?");
	if (!e)
		e = sums_words(&r->sums, &head);
	if (!e)
		e = buf_printf(&head, " · %llu event%s, %llu independent source%s",
			       (unsigned long long)r->events, r->events == 1 ? "" : "s",
			       (unsigned long long)r->sources, r->sources == 1 ? "" : "s");
	if (!e)
		e = text_escape(buf_str(&head), &safe);
	if (!e)
		printf("%.*s\n\n", (int)safe.n, safe.p);
	buf_fini(&head);
	buf_fini(&safe);
	return e;
}

static void put_indented(struct out *o, uint32_t depth, struct str name, uint64_t seq)
{
	struct buf b;
	const int columns = (int)(2 * depth < INDENT_MAX ? 2 * depth : INDENT_MAX);

	buf_init(&b, HEAD_MAX);
	enum err e = buf_printf(&b, "%*s", columns, "");
	if (!e && name.n)
		e = buf_put(&b, name.p, name.n);
	if (!e && !name.n)
		e = buf_printf(&b, "#%llu", (unsigned long long)seq);
	put_built(o, &b, e);
}

static void put_event_words(struct out *o, uint32_t depth, uint64_t seq, const struct event *event)
{
	struct buf b;

	put_indented(o, depth, STR(""), seq);
	buf_init(&b, HEAD_MAX);
	enum err e = gist_what(event, &b);
	put_built(o, &b, e);
	str_put(o, event->stated);
	out_text(o, str_of(gist_kind(event)));
	buf_init(&b, HEAD_MAX);
	e = gist_list(event->from, &b);
	put_built(o, &b, e);
	str_put(o, str_of(enum_word(&enum_grade, event->grade)));
	buf_init(&b, HEAD_MAX);
	e = gist_source(event, &b);
	put_built(o, &b, e);
	out_row(o);
}

static void put_deal_words(struct out *o, uint32_t depth, const struct why_deal *d, int rung)
{
	put_indented(o, depth - 1, d->deal, 0);
	sums_put(o, &d->sums);
	out_none(o);
	/* a superseded deal counts with what was paid */
	str_put(o, d->rung == rung ? STR("") : str_of(enum_word(&enum_rung, d->rung)));
	for (size_t i = 4; i < ARRAY_LEN(words_columns); i++)
		out_none(o);
	out_row(o);
}

static enum err print_words(struct cli *c, const struct why *q, const struct reasons *r,
			    const uint32_t *depth, struct fault *fault)
{
	struct event event;
	struct out *o;
	enum err e = print_head(q, r);

	if (e)
		return fault_set(fault, e, NULL, "the answer is too large to show at once");
	e = out_open(c, words_columns, ARRAY_LEN(words_columns), &o, fault);
	if (e)
		return e;
	for (size_t i = 0; !e && i < r->deals.n; i++) {
		const struct why_deal *d = &r->deals.v[i];
		put_deal_words(o, depth[i], d, r->rung);
		for (size_t k = 0; !e && k < d->events.n; k++) {
			e = event_decode(d->events.v[k].event, &c->arena, &event, fault);
			if (!e)
				put_event_words(o, depth[i], d->events.v[k].seq, &event);
		}
	}
	question_meta(o, &r->basis);
	const enum err closed = out_close(o, e ? NULL : fault);
	return e ? e : closed;
}

/* ---- for programs: the figure, then deals and events, each with its depth ---- */

static void put_none(struct out *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out_none(o);
}

static void put_sum_row(struct out *o, const struct why *q, const struct reasons *r,
			const struct why_deal *d, uint32_t depth, const struct sum *s)
{
	out_number(o, depth);
	out_text(o, d ? STR("deal") : STR("figure"));
	str_put(o, d ? d->deal : q->deal);
	str_put(o, d ? d->part_of : STR(""));
	str_put(o, q->payer);
	str_put(o, q->to);
	str_put(o, str_of(enum_word(&enum_rung, d ? d->rung : r->rung)));
	if (s && msg_has(s, sum, amount))
		out_amount(o, &s->amount);
	else
		out_none(o);
	out_number(o, s ? (int64_t)s->undisclosed : 0);
	out_number(o, (int64_t)(d ? d->events.n : r->events));
	if (d)
		out_none(o);
	else
		out_number(o, (int64_t)r->sources);
	put_none(o, 7);
	out_row(o);
}

static void put_sums(struct out *o, const struct why *q, const struct reasons *r,
		     const struct why_deal *d, uint32_t depth, const struct sum_list *sums)
{
	for (size_t i = 0; i < sums->n; i++)
		put_sum_row(o, q, r, d, depth, &sums->v[i]);
	if (sums->n == 0)
		put_sum_row(o, q, r, d, depth, NULL);
}

static void put_event_row(struct out *o, const struct why_deal *d, uint32_t depth, uint64_t seq,
			  const struct event *event)
{
	struct buf b;

	out_number(o, depth);
	out_text(o, STR("event"));
	str_put(o, d->deal);
	out_none(o);
	str_put(o, event->from.n ? event->from.v[0] : STR(""));
	buf_init(&b, HEAD_MAX);
	const enum err e = gist_list(event->to, &b);
	put_built(o, &b, e);
	out_none(o);
	if (msg_has(event, event, amount))
		out_amount(o, &event->amount);
	else
		out_none(o);
	out_number(o, gist_undisclosed(event));
	put_none(o, 2);
	out_number(o, (int64_t)seq);
	str_put(o, event->stated);
	out_text(o, str_of(gist_kind(event)));
	str_put(o, str_of(enum_word(&enum_grade, event->grade)));
	str_put(o, event->source.publisher);
	str_put(o, event->source.title);
	str_put(o, event->source.url);
	out_row(o);
}

static enum err print_rows(struct cli *c, const struct why *q, const struct reasons *r,
			   const uint32_t *depth, struct fault *fault)
{
	struct event event;
	struct out *o;
	enum err e = out_open(c, fields_columns, ARRAY_LEN(fields_columns), &o, fault);

	if (e)
		return e;
	put_sums(o, q, r, NULL, 0, &r->sums);
	for (size_t i = 0; !e && i < r->deals.n; i++) {
		const struct why_deal *d = &r->deals.v[i];
		put_sums(o, q, r, d, depth[i], &d->sums);
		for (size_t k = 0; !e && k < d->events.n; k++) {
			e = event_decode(d->events.v[k].event, &c->arena, &event, fault);
			if (!e)
				put_event_row(o, d, depth[i] + 1, d->events.v[k].seq, &event);
		}
	}
	const enum err closed = out_close(o, e ? NULL : fault);
	return e ? e : closed;
}

static enum err print(struct cli *c, const struct why *q, struct reasons *r, struct fault *fault)
{
	enum out_format format;
	enum err e = out_format(c, &format, fault);

	if (e)
		return e;
	if (format == out_json) {
		r->has &= ~(UINT64_C(1) << reasons_HAS_basis);
		return answer_print_json(c, &shape_reasons, r, &r->basis, fault);
	}
	const uint32_t *depth = depths_of(c, r);
	if (!depth)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "the answer is too large");
	if (format == out_table || format == out_md)
		return print_words(c, q, r, depth, fault);
	return print_rows(c, q, r, depth, fault);
}

/* ---- asking ---- */

/* What options name: a party that pays, one that is paid, or both. */
static enum err ask_parties(struct cli *c, struct why *q, bool *given, struct fault *fault)
{
	struct str from, to;
	enum err e = slug_given(c, "from", &from, fault);

	if (!e)
		e = slug_given(c, "to", &to, fault);
	if (e)
		return e;
	*given = from.n || to.n;
	if (*given && cli_word(c, 0))
		return fault_set(fault, ERR_USAGE, NULL,
				 "give a deal, or --from and --to, not both");
	if (!*given && !cli_word(c, 0))
		return fault_set(fault, ERR_USAGE, NULL,
				 "name a deal, or two parties, or give --from or --to");
	if (from.n)
		msg_set(q, why, payer, from);
	if (to.n)
		msg_set(q, why, to, to);
	return ERR_OK;
}

static enum err ask(struct cli *c, struct client *client, const struct why *q, struct reasons *out,
		    struct fault *fault)
{
	return query_ask(c, client, &shape_why, q, &shape_reasons, out, fault);
}

/* One word is a deal, or a party that no figure can be asked of without a direction. */
static enum err hint_party(struct cli *c, struct client *client, const struct why *q,
			   struct str name, struct fault *fault)
{
	struct why party = *q;
	struct reasons found;
	struct fault ignored;

	fault_init(&ignored);
	msg_set(&party, why, to, name);
	if (ask(c, client, &party, &found, &ignored) == ERR_OK)
		(void)fault_set(fault, ERR_NOT_FOUND, NULL, "%.*s is a party, not a deal: `--from %.*s` "
				"or `--to %.*s` asks for what it pays or is paid", STR_ARG(name),
				STR_ARG(name), STR_ARG(name));
	return fault->code;
}

/* Words: a deal and perhaps its payer, else who pays and who is paid. The question keeps which. */
static enum err ask_words(struct cli *c, struct client *client, struct why *q, struct reasons *out,
			  struct fault *fault)
{
	const struct str first = str_of(cli_word(c, 0)), second = str_of(cli_word(c, 1));
	struct why parties = *q;
	struct fault other;

	msg_set(q, why, deal, first);
	if (second.n)
		msg_set(q, why, payer, second);
	enum err e = ask(c, client, q, out, fault);
	if (e != ERR_NOT_FOUND || str_cmp(str_of(fault->field), STR("deal")) != 0)
		return e;
	if (!second.n)
		return hint_party(c, client, &parties, first, fault);
	msg_set(&parties, why, payer, first);
	msg_set(&parties, why, to, second);
	fault_init(&other);
	e = ask(c, client, &parties, out, &other);
	*q = parties;
	if (e == ERR_NOT_FOUND) {
		const struct fault deal = *fault;
		return fault_set(fault, e, NULL, "%.125s; %.125s", deal.text, other.text);
	}
	if (e)
		*fault = other;
	return e;
}

static enum err run_why(struct cli *c, struct fault *fault)
{
	struct why question = { 0 };
	struct client *client;
	struct reasons answer;
	struct rules rules;
	int rung = 0;
	bool parties;

	enum err e = rules_given(c, &rules, fault);
	if (!e)
		e = word_given(c, "rung", &enum_rung, &rung, fault);
	if (!e && !rung)
		e = fault_set(fault, ERR_USAGE, NULL, "give --rung: talked, announced, committed or paid");
	for (size_t i = 0; !e && i < 2 && cli_word(c, i); i++)
		e = slug_check(str_of(cli_word(c, i)), fault);
	if (!e)
		e = ask_parties(c, &question, &parties, fault);
	if (!e)
		e = query_open(c, &client, fault);
	if (e)
		return e;
	msg_set(&question, why, rung, rung);
	RULES_PUT(&question, why, &rules);
	e = parties ? ask(c, client, &question, &answer, fault)
		    : ask_words(c, client, &question, &answer, fault);
	if (!e)
		e = print(c, &question, &answer, fault);
	client_close(client);
	return e;
}

const struct command command_why = {
	.name = "why",
	.group = group_read,
	.line = "what a figure comes from: its deals, events and sources",
	.usage = "DEAL [PAYER] | PAYER PAYEE --rung RUNG [options]",
	.examples = (const char *const[]){ "avow why softbank openai --rung paid",
					   "avow why stargate --rung committed --as-of 2025-01-30",
					   "avow why stargate softbank --rung committed",
					   "avow why --to openai --rung paid -o json", NULL },
	.details = "The deals that the figure is summed from, the parts inside them, and below each the events\n"
		   "of its own that count, with their sources; copies never do. Sources are independent where\n"
		   "they have different publishers and do not retell the same event.\n"
		   "In TSV, CSV and JSON Lines `depth` says how deep a row stands, and `part` what it is: figure,\n"
		   "deal or event.",
	.options = { options, clock_options, counting_options },
	.args_min = 0,
	.args_max = 2,
	.run = run_why,
};
