/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow league: who pays most on a rung, or is paid most, with the best and the worst rank that each
 * may have; and whether one party overtook another between two days.
 *
 * The answer comes in pages, all of them pinned to the seq of the first.
 */
#include <stdio.h>

#include "tools/filter.h"
#include "tools/question.h"

#define LEAGUE_PAGE 1000u
#define LEAGUE_MAX 10000000u /* rows of a currency; those who answer have a limit of their own */
#define RANK_TEXT_SIZE 48

static const struct opt options[] = {
	{ "rung", 0, opt_text, "RUNG", NULL, "talked, announced, committed or paid." },
	{ "to", 0, opt_text, "PARTY", NULL, "Who pays this party." },
	{ "from", 0, opt_text, "PARTY", NULL, "Whom this party pays." },
	{ "by", 0, opt_text, "SIDE", NULL, "payers (if not given) or payees." },
	{ "limit", 0, opt_text, "N", NULL, "At most so many rows of each currency." },
	{ "overtook", 0, opt_list, "PARTY,OTHER", NULL, "Instead of ranks: whether PARTY overtook OTHER …" },
	{ "between", 0, opt_text, "DAY..DAY", NULL, "… from what was public by the one day to the other." },
	OPT_END
};
static const struct out_column words_columns[] = { { "currency", out_is_text, false },
						   { "rank", out_is_text, false },
						   { "party", out_is_text, false },
						   { "amount", out_is_text, false } };
static const struct out_column fields_columns[] = {
	{ "rung", out_is_text, false },	    { "currency", out_is_text, false },
	{ "best", out_is_number, false },   { "worst", out_is_number, false },
	{ "party", out_is_text, false },    { "amount", out_is_amount, false },
	{ "undisclosed", out_is_number, false }
};
static const struct out_column overtook_columns[] = {
	{ "party", out_is_text, false },    { "other", out_is_text, false },
	{ "rung", out_is_text, false },	    { "before", out_is_text, false },
	{ "after", out_is_text, false },    { "currency", out_is_text, false },
	{ "overtook", out_is_text, false }
};

struct table_out {
	struct out *o; /* opened with the first answer */
	bool words;
	const char *rung;
	uint64_t shown, total; /* rows with a rank */
};

/* ---- the ranks ---- */

static void put_words(struct out *o, struct str currency, const struct league_row *r)
{
	char rank[RANK_TEXT_SIZE];

	if (r->best == r->worst)
		(void)snprintf(rank, sizeof(rank), "%llu", (unsigned long long)r->best);
	else
		(void)snprintf(rank, sizeof(rank), "%llu–%llu", (unsigned long long)r->best,
			       (unsigned long long)r->worst);
	out_text(o, currency);
	out_text(o, str_of(rank));
	out_text(o, r->party);
	sums_put(o, &r->sums);
	out_row(o);
}

/* What it comes to in one currency; undisclosed amounts may be of any. */
static struct sum sum_in(const struct sum_list *sums, struct str currency)
{
	struct sum in = { .currency = currency };

	for (size_t i = 0; i < sums->n; i++) {
		const struct sum *s = &sums->v[i];
		in.undisclosed += s->undisclosed;
		if (str_eq(s->currency, currency) && msg_has(s, sum, amount))
			msg_set(&in, sum, amount, s->amount);
	}
	return in;
}

static void put_fields(const struct table_out *t, struct str currency, const struct league_row *r)
{
	const struct sum sum = sum_in(&r->sums, currency);

	out_text(t->o, str_of(t->rung));
	out_text(t->o, currency);
	out_number(t->o, (int64_t)r->best);
	out_number(t->o, (int64_t)r->worst);
	out_text(t->o, r->party);
	sum_put(t->o, &sum);
	out_row(t->o);
}

static void put_page(struct table_out *t, const struct league_tables *page)
{
	for (size_t i = 0; i < page->tables.n; i++) {
		const struct league_table *table = &page->tables.v[i];
		for (size_t r = 0; r < table->rows.n; r++) {
			if (t->words)
				put_words(t->o, table->currency, &table->rows.v[r]);
			else
				put_fields(t, table->currency, &table->rows.v[r]);
		}
		t->shown += table->rows.n;
	}
}

/* Money of which nobody says who: it has no rank. */
static void put_unattributed(const struct table_out *t, const struct sum_list *sums)
{
	for (size_t i = 0; i < sums->n; i++) {
		const struct sum_list one = { &sums->v[i], 1 };
		if (!t->words)
			out_text(t->o, str_of(t->rung));
		out_text(t->o, sums->v[i].currency);
		out_none(t->o);
		if (!t->words)
			out_none(t->o);
		if (t->words)
			out_text(t->o, STR("(unattributed)"));
		else
			out_none(t->o);
		if (t->words)
			sums_put(t->o, &one);
		else
			sum_put(t->o, &sums->v[i]);
		out_row(t->o);
	}
}

static void put_meta(const struct table_out *t, const struct league_tables *answer)
{
	char words[80];

	(void)snprintf(words, sizeof(words), "rung %s", t->rung);
	out_meta_text(t->o, "rung", words, str_of(t->rung));
	question_meta(t->o, &answer->basis);
	(void)snprintf(words, sizeof(words), "%llu of %llu ranked", (unsigned long long)t->shown,
		       (unsigned long long)t->total);
	out_meta_number(t->o, "total", t->shown < t->total ? words : NULL, (int64_t)t->total);
}

static enum err open_out(struct cli *c, struct table_out *t, struct fault *fault)
{
	enum out_format format;
	const enum err e = out_format(c, &format, fault);

	if (e)
		return e;
	t->words = format == out_table || format == out_md;
	return t->words ? out_open(c, words_columns, ARRAY_LEN(words_columns), &t->o, fault)
			: out_open(c, fields_columns, ARRAY_LEN(fields_columns), &t->o, fault);
}

/* All pages of one question, or as many rows as were asked for. */
static enum err print_league(struct cli *c, struct client *client, struct league *q,
			     struct table_out *t, struct fault *fault)
{
	struct league_tables page;
	uint64_t limit, skip = 0;
	bool more;

	enum err e = cli_number(c, "limit", LEAGUE_MAX, LEAGUE_MAX, &limit, fault);
	do {
		const uint64_t left = limit - skip;
		more = false;
		msg_set(q, league, skip, skip);
		msg_set(q, league, limit, left < LEAGUE_PAGE ? left : LEAGUE_PAGE);
		if (!e)
			e = query_ask(c, client, &shape_league, q, &shape_league_tables, &page, fault);
		if (!e && !t->o)
			e = open_out(c, t, fault);
		if (e)
			return e;
		put_page(t, &page);
		t->total = 0;
		skip += q->limit;
		for (size_t i = 0; i < page.tables.n; i++) {
			t->total += page.tables.v[i].total;
			more = more || (page.tables.v[i].rows.n && page.tables.v[i].total > skip);
		}
		CLOCKS_PIN(q, league, &page.basis);
	} while (more && skip < limit && !cli_interrupted());
	put_unattributed(t, &page.unattributed);
	put_meta(t, &page);
	return cli_interrupted() ? ERR_INTERRUPTED : ERR_OK;
}

/* ---- the question ---- */

/* What both questions share: among whom. */
struct among {
	int rung, by;
	struct str from, to;
};

static enum err read_among(struct cli *c, struct among *a, struct fault *fault)
{
	const char *by = cli_text(c, "by");

	*a = (struct among){ .by = by && strcmp(by, "payees") == 0 ? side_to : side_NONE };
	if (by && !a->by && strcmp(by, "payers") != 0)
		return fault_set(fault, ERR_USAGE, NULL, "--by: `%s` is neither payers nor payees", by);
	enum err e = word_given(c, "rung", &enum_rung, &a->rung, fault);
	if (!e && !a->rung)
		return fault_set(fault, ERR_USAGE, NULL, "of which rung? give --rung talked, announced, "
				 "committed or paid: they are never added together");
	if (!e)
		e = slug_given(c, "from", &a->from, fault);
	if (!e)
		e = slug_given(c, "to", &a->to, fault);
	if (!e && (a->from.n != 0) + (a->to.n != 0) + (by != NULL) > 1)
		return fault_set(fault, ERR_USAGE, NULL, "give one of --to, --from and --by");
	return e;
}

#define among_ask(q, m, a)                                 \
	do {                                               \
		msg_set(q, m, rung, (a)->rung);            \
		if ((a)->from.n)                           \
			msg_set(q, m, from, (a)->from);    \
		if ((a)->to.n)                             \
			msg_set(q, m, to, (a)->to);        \
		if ((a)->by)                               \
			msg_set(q, m, by, (a)->by);        \
	} while (0)

static enum err run_ranks(struct cli *c, struct client *client, const struct among *among,
			  const struct rules *rules, struct fault *fault)
{
	struct league q = { 0 };
	struct table_out t = { .rung = enum_word(&enum_rung, among->rung) };

	RULES_PUT(&q, league, rules);
	among_ask(&q, league, among);
	const enum err e = print_league(c, client, &q, &t, fault);
	if (e) {
		out_cancel(t.o);
		return e;
	}
	return out_close(t.o, fault);
}

/* ---- overtaken? ---- */

static enum err read_overtook(struct cli *c, struct overtook *q, struct fault *fault)
{
	const char *between = cli_text(c, "between");
	const char *dots = between ? strstr(between, "..") : NULL;
	struct str_list parties;
	int32_t first = 0, last = 0;

	enum err e = cli_list(c, "overtook", &parties, fault);
	if (!e && parties.n != 2)
		return fault_set(fault, ERR_USAGE, NULL, "--overtook takes two parties: PARTY,OTHER");
	if (!e && !dots)
		return fault_set(fault, ERR_USAGE, NULL, "--overtook needs --between DAY..DAY");
	if (!e && cli_given(c, "as-of"))
		return fault_set(fault, ERR_USAGE, NULL, "--overtook compares what was public on the days "
				 "of --between; leave out --as-of");
	for (size_t i = 0; !e && i < parties.n; i++) {
		e = slug_check(parties.v[i], fault);
		if (e)
			fault_under(fault, "overtook");
	}
	if (e)
		return e;
	msg_set(q, overtook, party, parties.v[0]);
	msg_set(q, overtook, other, parties.v[1]);
	msg_set(q, overtook, before, ((struct str){ between, (size_t)(dots - between) }));
	msg_set(q, overtook, after, str_of(dots + 2));
	e = day_parse(q->before, &first, fault);
	if (!e)
		e = day_parse(q->after, &last, fault);
	if (e)
		fault_under(fault, "between");
	else if (first > last)
		e = fault_set(fault, ERR_USAGE, NULL, "--between: the earlier day comes first");
	return e;
}

static enum err run_overtook(struct cli *c, struct client *client, const struct among *among,
			     const struct rules *rules, struct fault *fault)
{
	struct overtook q = { 0 };
	struct overtook_answer answer;
	struct out *o;

	enum err e = read_overtook(c, &q, fault);
	RULES_PUT(&q, overtook, rules);
	among_ask(&q, overtook, among);
	if (!e)
		e = query_ask(c, client, &shape_overtook, &q, &shape_overtook_answer, &answer, fault);
	if (!e)
		e = out_open(c, overtook_columns, ARRAY_LEN(overtook_columns), &o, fault);
	if (e)
		return e;
	for (size_t i = 0; i < answer.currencies.n; i++) {
		const char *word = enum_word(&enum_certainty, answer.currencies.v[i].overtook);
		out_text(o, q.party);
		out_text(o, q.other);
		out_text(o, str_of(enum_word(&enum_rung, q.rung)));
		out_text(o, q.before);
		out_text(o, q.after);
		out_text(o, answer.currencies.v[i].currency);
		out_text(o, str_of(word ? word : "?"));
		out_row(o);
	}
	question_meta(o, &answer.basis);
	return out_close(o, fault);
}

static enum err run_league(struct cli *c, struct fault *fault)
{
	struct client *client;
	struct among among;
	struct rules rules;

	enum err e = read_among(c, &among, fault);
	if (!e)
		e = rules_given(c, &rules, fault);
	if (!e && !cli_given(c, "overtook") && cli_given(c, "between"))
		e = fault_set(fault, ERR_USAGE, NULL, "--between belongs to --overtook PARTY,OTHER");
	if (!e)
		e = query_open(c, &client, fault);
	if (e)
		return e;
	e = cli_given(c, "overtook") ? run_overtook(c, client, &among, &rules, fault)
				     : run_ranks(c, client, &among, &rules, fault);
	client_close(client);
	return e;
}

const struct command command_league = {
	.name = "league",
	.group = group_read,
	.line = "who pays most, or is paid most, with the best and worst rank of each",
	.usage = "--rung RUNG [--to PARTY|--from PARTY|--by payees] [options]",
	.examples = (const char *const[]){
		"avow league --rung committed",
		"avow league --rung committed --to openai --assume softbank-openai-2025",
		"avow league --rung paid --by payees --as-of 2025-12-31",
		"avow league --rung talked --to openai --overtook softbank,microsoft "
		"--between 2025-01-01..2025-01-31",
		NULL },
	.details = "Amounts are intervals, so a party has a best rank, one behind those that are certainly above it,\n"
		   "and a worst, behind those that are possibly above it as well: `2–4`. Each currency has ranks of\n"
		   "its own, unless --in converts. XXX stands where nothing at all is disclosed. What no party can\n"
		   "be named for is a row without a rank.\n"
		   "--overtook answers certain, possible or no.\n"
		   "In TSV, CSV and JSON the amount is that in the row's currency; `undisclosed` counts the amounts\n"
		   "without a figure, of whatever currency, beside it.",
	.options = { options, clock_options, counting_options },
	.args_min = 0,
	.args_max = 0,
	.run = run_league,
};
