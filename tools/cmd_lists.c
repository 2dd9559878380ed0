/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow parties, deals, rates: lists of what the ledger knows of. Answers come in pages, all of them
 * pinned to the seq of the first.
 */
#include <stdio.h>

#include "tools/question.h"

#define LIST_PAGE 1000u
#define LIST_MAX 10000000u /* rows, where no --limit is given */
#define SLUG_TEXT_MAX 80u  /* as the messages have it */

static const struct opt options[] = {
	{ "limit", 0, opt_text, "N", NULL, "At most so many; all if not given." },
	OPT_END
};

/* A list on its way out. */
struct list {
	struct cli *c;
	struct client *client;
	struct out *o; /* opened with the first answer */
	struct rules rules;
	uint64_t limit, shown;
	char after[SLUG_TEXT_MAX + 1]; /* the last slug shown: answers borrow from the client */
};

static enum err list_open(struct list *l, struct cli *c, struct fault *fault)
{
	*l = (struct list){ .c = c };
	enum err e = clocks_given(c, &l->rules.clocks, &l->rules.pinned, fault);
	if (!e)
		e = min_seq_given(c, &l->rules.min_seq, fault);
	if (!e)
		e = cli_number(c, "limit", LIST_MAX, LIST_MAX, &l->limit, fault);
	return e ? e : query_open(c, &l->client, fault);
}

/* Print, and return the first error. */
static enum err list_close(struct list *l, enum err e, struct fault *fault)
{
	client_close(l->client);
	if (!e && cli_interrupted())
		e = ERR_INTERRUPTED;
	if (!e)
		return out_close(l->o, fault);
	out_cancel(l->o);
	return e;
}

/* How many the next page may have, 0: enough is shown. */
static uint64_t list_room(const struct list *l)
{
	const uint64_t left = l->limit - l->shown;

	return cli_interrupted() ? 0 : left < LIST_PAGE ? left : LIST_PAGE;
}

static void list_end(struct list *l, const struct basis_of_answer *basis, bool more)
{
	question_meta(l->o, basis);
	out_meta_json(l->o, "more", more ? "there are more" : NULL, more ? STR("true") : STR("false"));
}

static void list_seen(struct list *l, struct str last)
{
	ensure(last.n <= SLUG_TEXT_MAX);
	memcpy(l->after, last.p, last.n);
	l->after[last.n] = 0;
}

/* ---- parties ---- */

static const struct out_column party_columns[] = { { "party", out_is_text, false },
						   { "name", out_is_text, true },
						   { "type", out_is_text, false },
						   { "group", out_is_text, false } };

static void put_parties(struct list *l, const struct party_row_list *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct party_row *r = &rows->v[i];
		const char *type = enum_word(&enum_party_type, r->type);
		out_text(l->o, r->party);
		str_put(l->o, r->name);
		str_put(l->o, str_of(type ? type : ""));
		str_put(l->o, r->group);
		out_row(l->o);
	}
	l->shown += rows->n;
	if (rows->n)
		list_seen(l, rows->v[rows->n - 1].party);
}

static enum err ask_parties(struct list *l, struct fault *fault)
{
	struct parties q = { 0 };
	struct party_table page;

	CLOCKS_PUT(&q, parties, &l->rules);
	do {
		msg_set(&q, parties, limit, list_room(l));
		if (*l->after)
			msg_set(&q, parties, after, str_of(l->after));
		enum err e = query_ask(l->c, l->client, &shape_parties, &q, &shape_party_table, &page,
				       fault);
		if (!e && !l->o)
			e = out_open(l->c, party_columns, ARRAY_LEN(party_columns), &l->o, fault);
		if (e)
			return e;
		put_parties(l, &page.parties);
		CLOCKS_PIN(&q, parties, &page.basis);
	} while (page.more && page.parties.n && list_room(l));
	list_end(l, &page.basis, page.more);
	return ERR_OK;
}

static enum err run_parties(struct cli *c, struct fault *fault)
{
	struct list l;
	const enum err e = list_open(&l, c, fault);

	return e ? e : list_close(&l, ask_parties(&l, fault), fault);
}

/* ---- deals ---- */

static const struct out_column deal_columns[] = {
	{ "deal", out_is_text, false },	    { "stage", out_is_text, false },
	{ "part_of", out_is_text, false },  { "superseded_by", out_is_text, false },
	{ "events", out_is_number, false }, { "title", out_is_text, true }
};

static void put_deals(struct list *l, const struct deal_row_list *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct deal_row *r = &rows->v[i];
		const char *stage = enum_word(&enum_stage, r->stage);
		l->shown++;
		out_text(l->o, r->deal);
		str_put(l->o, str_of(stage ? stage : ""));
		str_put(l->o, r->part_of);
		str_put(l->o, r->superseded_by);
		out_number(l->o, (int64_t)r->events);
		str_put(l->o, r->title);
		out_row(l->o);
	}
	if (rows->n)
		list_seen(l, rows->v[rows->n - 1].deal);
}

static enum err ask_deals(struct list *l, struct fault *fault)
{
	struct deals q = { 0 };
	struct deal_table page;

	CLOCKS_PUT(&q, deals, &l->rules);
	do {
		msg_set(&q, deals, limit, list_room(l));
		if (*l->after)
			msg_set(&q, deals, after, str_of(l->after));
		enum err e = query_ask(l->c, l->client, &shape_deals, &q, &shape_deal_table, &page,
				       fault);
		if (!e && !l->o)
			e = out_open(l->c, deal_columns, ARRAY_LEN(deal_columns), &l->o, fault);
		if (e)
			return e;
		put_deals(l, &page.deals);
		CLOCKS_PIN(&q, deals, &page.basis);
	} while (page.more && page.deals.n && list_room(l));
	list_end(l, &page.basis, page.more);
	return ERR_OK;
}

static enum err run_deals(struct cli *c, struct fault *fault)
{
	struct list l;
	const enum err e = list_open(&l, c, fault);

	return e ? e : list_close(&l, ask_deals(&l, fault), fault);
}

/* ---- rates ---- */

static const struct out_column rate_columns[] = { { "on", out_is_text, false },
						  { "base", out_is_text, false },
						  { "quote", out_is_text, false },
						  { "rate", out_is_text, false },
						  { "seq", out_is_number, false } };

static void put_rates(struct list *l, const struct rate_row_list *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct rate_row *r = &rows->v[i];
		str_put(l->o, r->on);
		out_text(l->o, r->base);
		out_text(l->o, r->quote);
		out_text(l->o, r->rate);
		out_number(l->o, (int64_t)r->seq);
		out_row(l->o);
	}
	l->shown += rows->n;
}

static enum err currency_word(const struct cli *c, size_t i, struct str *code, struct fault *fault)
{
	const struct currency *currency;
	const enum err e = currency_check(str_of(cli_word(c, i)), &currency, fault);

	if (!e)
		*code = str_of(currency->code);
	return e;
}

static enum err ask_rates(struct list *l, struct fault *fault)
{
	struct rates q = { 0 };
	struct rate_table page;

	enum err e = currency_word(l->c, 0, &q.base, fault);
	if (!e)
		e = currency_word(l->c, 1, &q.quote, fault);
	msg_mark(&q, rates, base);
	msg_mark(&q, rates, quote);
	CLOCKS_PUT(&q, rates, &l->rules);
	do {
		msg_set(&q, rates, limit, list_room(l));
		msg_set(&q, rates, skip, l->shown);
		if (!e)
			e = query_ask(l->c, l->client, &shape_rates, &q, &shape_rate_table, &page,
				      fault);
		if (!e && !l->o)
			e = out_open(l->c, rate_columns, ARRAY_LEN(rate_columns), &l->o, fault);
		if (e)
			return e;
		put_rates(l, &page.rates);
		CLOCKS_PIN(&q, rates, &page.basis);
	} while (page.total > l->shown && page.rates.n && list_room(l));
	list_end(l, &page.basis, page.total > l->shown);
	return ERR_OK;
}

static enum err run_rates(struct cli *c, struct fault *fault)
{
	struct list l;
	const enum err e = list_open(&l, c, fault);

	return e ? e : list_close(&l, ask_rates(&l, fault), fault);
}

/* ---- what they are ---- */

const struct command command_parties = {
	.name = "parties",
	.group = group_read,
	.line = "the parties, as of any day",
	.usage = "[options]",
	.examples = (const char *const[]){ "avow parties", "avow parties --as-of 2025-01-21 -o csv", NULL },
	.details = "In order of their slugs; `avow show PARTY` tells more of one. A party that nothing public\n"
		   "names is left out. Nothing is counted, so --rung, --policy, --assume, --in and --basis do not\n"
		   "apply.",
	.options = { options, clock_options },
	.args_min = 0,
	.args_max = 0,
	.run = run_parties,
};

const struct command command_deals = {
	.name = "deals",
	.group = group_read,
	.line = "the deals, how far they are, and how they hang together, as of any day",
	.usage = "[options]",
	.examples = (const char *const[]){ "avow deals", "avow deals --as-of 2025-01-21 -o csv", NULL },
	.details = "In order of their slugs; `events` counts the visible statements. A deal of which nothing was\n"
		   "public is left out. `avow show DEAL` tells more of one. Nothing is counted, so --rung, --policy,\n"
		   "--assume, --in and --basis do not apply.",
	.options = { options, clock_options },
	.args_min = 0,
	.args_max = 0,
	.run = run_deals,
};

const struct command command_rates = {
	.name = "rates",
	.group = group_read,
	.line = "the exchange rates between two currencies that the ledger holds",
	.usage = "CODE CODE [options]",
	.examples = (const char *const[]){ "avow rates EUR USD", "avow rates USD EUR --as-of 2025-09-09",
					   NULL },
	.details = "Rates of both directions, in order of their days; of those on one day the last holds. --in of\n"
		   "other commands uses the latest on or before the day on which an amount was stated. Nothing is\n"
		   "counted, so --rung, --policy, --assume, --in and --basis do not apply.",
	.options = { options, clock_options },
	.args_min = 2,
	.args_max = 2,
	.run = run_rates,
};
