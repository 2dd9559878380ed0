/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow anomalies: what certainly contradicts itself, in all deals or in one. Shown, never resolved.
 *
 * The answer comes in pages, all of them pinned to the seq of the first.
 */
#include "tools/filter.h"
#include "tools/question.h"

static const struct opt options[] = {
	{ "rung", 0, opt_text, "RUNG", NULL, "Only this rung: talked, announced, committed or paid." },
	OPT_END
};

#define ANOMALIES_PAGE 1000u

/* the last column is for programs */
static const struct out_column columns[] = {
	{ "anomaly", out_is_text, false }, { "deal", out_is_text, false },
	{ "whole", out_is_text, false },   { "payer", out_is_text, false },
	{ "rung", out_is_text, false },	   { "currency", out_is_text, false },
	{ "seq", out_is_number, false },   { "verdict", out_is_text, false },
	{ "event", out_is_text, false },
};

static void put_row(struct out *o, const struct anomaly *a, bool id_too)
{
	const char *word = enum_word(&enum_anomaly_kind, a->anomaly);
	char id[ID_TEXT_SIZE] = "";

	out_text(o, str_of(word ? word : "?"));
	str_put(o, a->deal);
	str_put(o, a->whole);
	str_put(o, a->payer);
	str_put(o, str_of(enum_word(&enum_rung, a->rung)));
	str_put(o, a->currency);
	if (msg_has(a, anomaly, seq))
		out_number(o, (int64_t)a->seq);
	else
		out_none(o);
	str_put(o, str_of(enum_word(&enum_agreement, a->verdict)));
	if (msg_has(a, anomaly, event))
		id_format(a->event.b, id);
	if (id_too)
		str_put(o, str_of(id));
	out_row(o);
}

static enum err ask(struct cli *c, struct client *client, const struct anomalies *question,
		    struct anomaly_table *page, struct fault *fault)
{
	return query_ask(c, client, &shape_anomalies, question, &shape_anomaly_table, page, fault);
}

static enum err print(struct cli *c, struct client *client, struct anomalies *question,
		      struct fault *fault)
{
	struct anomaly_table page;
	enum out_format format;
	struct out *o;
	uint64_t n = 0;
	int rung;

	enum err e = out_format(c, &format, fault);
	if (!e)
		e = word_given(c, "rung", &enum_rung, &rung, fault);
	if (!e)
		e = ask(c, client, question, &page, fault);
	if (e)
		return e;
	const bool words = format == out_table || format == out_md;
	e = out_open(c, columns, ARRAY_LEN(columns) - words, &o, fault);
	if (e)
		return e;
	for (;;) {
		for (size_t i = 0; i < page.anomalies.n; i++)
			if (!rung || page.anomalies.v[i].rung == rung)
				put_row(o, &page.anomalies.v[i], !words);
		n += page.anomalies.n;
		if (n >= page.total || page.anomalies.n == 0)
			break;
		/* the answer's texts are gone with the next page, so take over only its seq */
		msg_mark(question, anomalies, clocks);
		msg_set(&question->clocks, clocks, at_seq, page.basis.clocks.at_seq);
		msg_set(question, anomalies, skip, n);
		e = ask(c, client, question, &page, fault);
		if (e)
			break;
	}
	if (!e)
		question_meta(o, &page.basis);
	const enum err closed = out_close(o, e ? NULL : fault);
	return e ? e : closed;
}

static enum err run_anomalies(struct cli *c, struct fault *fault)
{
	const char *deal = cli_word(c, 0);
	struct anomalies question = { 0 };
	struct client *client;
	struct rules rules;

	enum err e = deal ? slug_check(str_of(deal), fault) : ERR_OK;
	if (!e)
		e = rules_given(c, &rules, fault);
	if (!e)
		e = query_open(c, &client, fault);
	if (e)
		return e;
	if (deal)
		msg_set(&question, anomalies, deal, str_of(deal));
	msg_set(&question, anomalies, limit, ANOMALIES_PAGE);
	RULES_PUT(&question, anomalies, &rules);
	e = print(c, client, &question, fault);
	client_close(client);
	return e;
}

const struct command command_anomalies = {
	.name = "anomalies",
	.group = group_read,
	.line = "what certainly contradicts itself",
	.usage = "[DEAL] [--as-of DAY] [options]",
	.examples = (const char *const[]){ "avow anomalies --as-of 2025-12-31",
					   "avow anomalies softbank-openai-2025",
					   "avow anomalies --policy hull -o json", NULL },
	.details = "Parts or payers beyond their whole; paid, or hanging on conditions, beyond what is committed;\n"
		   "statements of one rung and payer that exclude each other; a rumour, close or payment after a\n"
		   "cancel; stated totals above or below the ledger's figure (see avow reconcile); deals that claim\n"
		   "to be part of two others, or of themselves. Only what is certain is shown, and nothing is\n"
		   "resolved in silence: `seq` names the statement, `avow why` what a figure comes from. Deals\n"
		   "assumed closed play no part. An empty payer means the whole deal. With --rung, what concerns no\n"
		   "rung (parts, cancels, totals) is left out.",
	.options = { options, clock_options, counting_options },
	.args_min = 0,
	.args_max = 1,
	.run = run_anomalies,
};
