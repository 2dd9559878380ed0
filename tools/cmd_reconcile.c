/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow reconcile: the totals that sources state, each beside the ledger's own figure for the same
 * scope, and how the two compare.
 *
 * The answer comes in pages, all of them pinned to the seq of the first.
 */
#include "tools/filter.h"
#include "tools/gist.h"
#include "tools/question.h"

#define TOTALS_PAGE 1000u
#define CELL_BYTES_MAX ((size_t)4 << 20)

static const struct opt options[] = {
	{ "party", 0, opt_flag, NULL, NULL, "NAME is a party, also where a deal has the same name." },
	{ "rung", 0, opt_text, "RUNG", NULL, "Only this rung: talked, announced, committed or paid." },
	OPT_END
};
static const struct out_column words_columns[] = {
	{ "seq", out_is_number, false },  { "from", out_is_text, false },
	{ "to", out_is_text, false },	  { "rung", out_is_text, false },
	{ "claim", out_is_text, false },  { "ledger", out_is_text, false },
	{ "verdict", out_is_text, false }, { "by", out_is_text, false },
	{ "deals", out_is_text, true },
};
/* TSV, CSV: a row for each currency of a total; JSON: one for each total */
static const struct out_column fields_columns[] = {
	{ "seq", out_is_number, false },      { "event", out_is_text, false },
	{ "from", out_is_text, false },	      { "to", out_is_text, false },
	{ "rung", out_is_text, false },	      { "verdict", out_is_text, false },
	{ "claim", out_is_amount, false },    { "claim_undisclosed", out_is_number, false },
	{ "figure", out_is_amount, false },   { "figure_undisclosed", out_is_number, false },
	{ "by", out_is_amount, false },	      { "deals", out_is_text, false },
};
static const struct out_column json_columns[] = {
	{ "seq", out_is_number, false },   { "event", out_is_text, false },
	{ "from", out_is_text, false },	   { "to", out_is_text, false },
	{ "rung", out_is_text, false },	   { "verdict", out_is_text, false },
	{ "claim", out_is_json, false },   { "figure", out_is_json, false },
	{ "by", out_is_json, false },	   { "deals", out_is_json, false },
};

static void put_built(struct out *o, struct buf *b, enum err e)
{
	if (e)
		out_fail(o, e);
	str_put(o, buf_str(b));
	buf_fini(b);
}

static void put_deals(struct out *o, struct str_list deals)
{
	struct buf b;

	buf_init(&b, CELL_BYTES_MAX);
	const enum err e = gist_list(deals, &b);
	put_built(o, &b, e);
}

/* ---- for people ---- */

static void put_words(struct out *o, const struct reconciliation *r)
{
	out_number(o, (int64_t)r->seq);
	str_put(o, r->from);
	str_put(o, r->to);
	str_put(o, str_of(enum_word(&enum_rung, r->rung)));
	sums_put(o, &r->stated);
	sums_put(o, &r->figure);
	str_put(o, str_of(enum_word(&enum_agreement, r->verdict)));
	if (r->by.n)
		sums_put(o, &r->by);
	else
		out_none(o);
	put_deals(o, r->deals);
	out_row(o);
}

/* ---- for programs ---- */

static void begin_row(struct out *o, const struct reconciliation *r)
{
	char id[ID_TEXT_SIZE];

	id_format(r->event.b, id);
	out_number(o, (int64_t)r->seq);
	out_text(o, str_of(id));
	str_put(o, r->from);
	str_put(o, r->to);
	str_put(o, str_of(enum_word(&enum_rung, r->rung)));
	str_put(o, str_of(enum_word(&enum_agreement, r->verdict)));
}

static void put_sum(struct out *o, const struct sum *s, bool undisclosed_too)
{
	if (s && msg_has(s, sum, amount))
		out_amount(o, &s->amount);
	else
		out_none(o);
	if (undisclosed_too)
		out_number(o, s ? (int64_t)s->undisclosed : 0);
}

static void put_currency(struct out *o, const struct reconciliation *r, struct str currency)
{
	begin_row(o, r);
	put_sum(o, sum_of_currency(&r->stated, currency), true);
	put_sum(o, sum_of_currency(&r->figure, currency), true);
	put_sum(o, sum_of_currency(&r->by, currency), false);
	put_deals(o, r->deals);
	out_row(o);
}

static void put_fields(struct out *o, const struct reconciliation *r)
{
	for (size_t i = 0; i < r->stated.n; i++)
		put_currency(o, r, r->stated.v[i].currency);
	for (size_t i = 0; i < r->figure.n; i++)
		if (!sum_of_currency(&r->stated, r->figure.v[i].currency))
			put_currency(o, r, r->figure.v[i].currency);
	if (r->stated.n == 0 && r->figure.n == 0)
		put_currency(o, r, STR(""));
}

static void put_sums_json(struct out *o, const struct sum_list *sums, struct arena *a)
{
	struct buf b;

	buf_init(&b, CELL_BYTES_MAX);
	enum err e = buf_put(&b, "[", 1);
	for (size_t i = 0; !e && i < sums->n; i++) {
		e = i ? buf_put(&b, ",", 1) : ERR_OK;
		if (!e)
			e = json_write(&shape_sum, &sums->v[i], a, &b);
	}
	if (!e)
		e = buf_put(&b, "]", 1);
	put_built(o, &b, e);
}

static void put_json(struct out *o, const struct reconciliation *r, struct arena *a)
{
	struct buf b;

	begin_row(o, r);
	put_sums_json(o, &r->stated, a);
	put_sums_json(o, &r->figure, a);
	if (r->by.n)
		put_sums_json(o, &r->by, a);
	else
		out_none(o);
	buf_init(&b, CELL_BYTES_MAX);
	enum err e = buf_put(&b, "[", 1);
	for (size_t i = 0; !e && i < r->deals.n; i++) {
		e = i ? buf_put(&b, ",", 1) : ERR_OK;
		if (!e)
			e = json_quote(r->deals.v[i], &b);
	}
	if (!e)
		e = buf_put(&b, "]", 1);
	put_built(o, &b, e);
	out_row(o);
}

/* ---- asking ---- */

static enum err open_out(struct cli *c, enum out_format format, struct out **o,
			 struct fault *fault)
{
	if (format == out_table || format == out_md)
		return out_open(c, words_columns, ARRAY_LEN(words_columns), o, fault);
	if (format == out_json || format == out_jsonl)
		return out_open(c, json_columns, ARRAY_LEN(json_columns), o, fault);
	return out_open(c, fields_columns, ARRAY_LEN(fields_columns), o, fault);
}

/* Those of one rung; 0: of all. */
static void put_page(struct out *o, enum out_format format, const struct reconciled *page,
		     int rung, struct arena *a)
{
	for (size_t i = 0; i < page->totals.n; i++) {
		if (rung && page->totals.v[i].rung != rung)
			continue;
		if (format == out_table || format == out_md)
			put_words(o, &page->totals.v[i]);
		else if (format == out_json || format == out_jsonl)
			put_json(o, &page->totals.v[i], a);
		else
			put_fields(o, &page->totals.v[i]);
	}
}

static enum err ask(struct cli *c, struct client *client, const struct reconcile *question,
		    struct reconciled *page, struct fault *fault)
{
	return query_ask(c, client, &shape_reconcile, question, &shape_reconciled, page, fault);
}

/* The first page: of a deal by this name, else of a party; the question keeps which. */
static enum err ask_first(struct cli *c, struct client *client, struct reconcile *question,
			  struct reconciled *page, struct fault *fault)
{
	const char *word = cli_word(c, 0);
	struct reconcile party = *question;
	struct fault second;

	if (!word)
		return ask(c, client, question, page, fault);
	msg_set(question, reconcile, deal, str_of(word));
	msg_set(&party, reconcile, party, str_of(word));
	enum err e = ERR_NOT_FOUND;
	if (!cli_flag(c, "party"))
		e = ask(c, client, question, page, fault);
	if (e != ERR_NOT_FOUND)
		return e;
	*question = party;
	if (cli_flag(c, "party"))
		return ask(c, client, question, page, fault);
	fault_init(&second);
	e = ask(c, client, question, page, &second);
	if (e == ERR_NOT_FOUND) {
		const struct fault first = *fault;
		return fault_set(fault, e, NULL, "%.125s; %.125s", first.text, second.text);
	}
	if (e)
		*fault = second;
	return e;
}

static enum err print(struct cli *c, struct client *client, struct reconcile *question,
		      struct fault *fault)
{
	struct reconciled page;
	enum out_format format;
	struct out *o;
	uint64_t n = 0;
	int rung;

	enum err e = out_format(c, &format, fault);
	if (!e)
		e = word_given(c, "rung", &enum_rung, &rung, fault);
	if (!e)
		e = ask_first(c, client, question, &page, fault);
	if (!e)
		e = open_out(c, format, &o, fault);
	if (e)
		return e;
	for (;;) {
		put_page(o, format, &page, rung, &c->arena);
		n += page.totals.n;
		if (n >= page.total || page.totals.n == 0)
			break;
		/* the answer's texts are gone with the next page, so take over only its seq */
		msg_mark(question, reconcile, clocks);
		msg_set(&question->clocks, clocks, at_seq, page.basis.clocks.at_seq);
		msg_set(question, reconcile, skip, n);
		e = ask(c, client, question, &page, fault);
		if (e)
			break;
	}
	if (!e)
		question_meta(o, &page.basis);
	const enum err closed = out_close(o, e ? NULL : fault);
	return e ? e : closed;
}

static enum err run_reconcile(struct cli *c, struct fault *fault)
{
	const char *word = cli_word(c, 0);
	struct reconcile question = { 0 };
	struct client *client;
	struct rules rules;

	enum err e = word ? slug_check(str_of(word), fault) : ERR_OK;
	if (!e && !word && cli_flag(c, "party"))
		e = fault_set(fault, ERR_USAGE, NULL, "--party: name the party");
	if (!e)
		e = rules_given(c, &rules, fault);
	if (!e)
		e = query_open(c, &client, fault);
	if (e)
		return e;
	msg_set(&question, reconcile, limit, TOTALS_PAGE);
	RULES_PUT(&question, reconcile, &rules);
	e = print(c, client, &question, fault);
	client_close(client);
	return e;
}

const struct command command_reconcile = {
	.name = "reconcile",
	.group = group_read,
	.line = "the totals that sources state, beside the ledger's own figures",
	.usage = "[NAME] [--as-of DAY] [options]",
	.examples = (const char *const[]){ "avow reconcile --as-of 2025-12-31",
					   "avow reconcile openai",
					   "avow reconcile softbank-openai-2025 --as-of 2025-01-30",
					   "avow reconcile --party softbank -o json", NULL },
	.details = "NAME is a deal in the scope of the total, or else a party that it names. The ledger's figure\n"
		   "is counted for the deals in scope, under the same clocks, the total's own window of days, and\n"
		   "the deals that it assumes closed.\n"
		   "The verdict is match (equal), compatible (the intervals meet), above or below (the claim\n"
		   "certainly is, and by how much), or unverifiable (something undisclosed, or another currency).\n"
		   "In TSV and CSV a total has a row for each currency of the claim or the figure.",
	.options = { options, clock_options, counting_options },
	.args_min = 0,
	.args_max = 1,
	.run = run_reconcile,
};
