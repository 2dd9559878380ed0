/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow diff: what changed in what is known between two settings of the clocks, deal by deal, and the
 * events that changed it.
 *
 * The answer comes in pages, both of their clocks pinned to the seqs of the first; the events are
 * fetched behind them, one by one.
 */
#include <stdio.h>
#include <string.h>

#include "tools/filter.h"
#include "tools/gist.h"
#include "tools/question.h"

#define DIFF_PAGE 200u
#define CELL_BYTES_MAX ((size_t)1 << 20)

static const struct opt range_options[] = {
	{ "as-of", 0, opt_text, "DAY..DAY", NULL, "What was public by the end of these days; an empty "
						  "side is any day." },
	{ "at-seq", 0, opt_text, "SEQ..SEQ", NULL, "What this ledger held at these events; an empty "
						   "side is its newest." },
	{ "on", 0, opt_text, "DAY..DAY", NULL, "What happened by the end of these days." },
	{ "min-seq", 0, opt_text, "SEQ", NULL, "Answer only when this event is known (read your own "
					       "writes)." },
	{ "rung", 0, opt_text, "RUNG", NULL, "Only this rung: talked, announced, committed or paid." },
	OPT_END
};
static const struct out_column change_columns[] = {
	{ "deal", out_is_text, false }, { "what", out_is_text, false },
	{ "rung", out_is_text, false }, { "payer", out_is_text, false },
	{ "before", out_is_text, false }, { "after", out_is_text, false },
};
static const struct out_column cause_columns[] = { { "deal", out_is_text, false },
						   GIST_WORDS_COLUMNS };
/* the last column is for JSON alone */
static const struct out_column fields_columns[] = {
	{ "deal", out_is_text, false },	     { "part", out_is_text, false },
	{ "what", out_is_text, false },	     { "rung", out_is_text, false },
	{ "payer", out_is_text, false },     { "before", out_is_amount, false },
	{ "before_undisclosed", out_is_number, false },
	{ "after", out_is_amount, false },   { "after_undisclosed", out_is_number, false },
	{ "was", out_is_text, false },	     { "is", out_is_text, false },
	{ "seq", out_is_number, false },     { "stated", out_is_text, false },
	{ "kind", out_is_text, false },	     { "from", out_is_text, false },
	{ "grade", out_is_text, false },     { "publisher", out_is_text, false },
	{ "title", out_is_text, false },     { "url", out_is_text, false },
	{ "event", out_is_json, false },
};
#define CAUSE_COLUMNS 8u  /* those that only causes have, without `event` */
#define CHANGE_COLUMNS 8u /* those that only changes have, behind `what` */

/* An event that changed a deal. */
struct cause {
	struct str deal;
	uint64_t seq;
};
struct differing {
	struct cli *c;
	struct client *client;
	struct diff question;
	struct changes page;
	struct cause *causes; /* of all pages, in the arena */
	size_t ncauses, cap;
	struct out *o;
	bool words, json;
	int rung; /* only changes of this one; 0: all */
};

static void put_none(struct out *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out_none(o);
}

/* ---- changes ---- */

/* A word that changed, and no amount: whether it is one, and the two. */
static bool word_changed(const struct change *c, struct str *was, struct str *is)
{
	if (c->what == changed_stage) {
		*was = str_of(enum_word(&enum_stage, c->stage_before));
		*is = str_of(enum_word(&enum_stage, c->stage_after));
	} else if (c->what == changed_superseded_by) {
		*was = c->deal_before;
		*is = c->deal_after;
	} else {
		*was = *is = STR("");
		return false;
	}
	return true;
}

static void put_change_words(struct out *o, struct str deal, const struct change *c)
{
	struct str was, is;

	str_put(o, deal);
	str_put(o, str_of(enum_word(&enum_changed, c->what)));
	str_put(o, str_of(enum_word(&enum_rung, c->rung)));
	str_put(o, c->payer);
	if (word_changed(c, &was, &is)) {
		out_text(o, was.n ? was : STR("nothing"));
		out_text(o, is.n ? is : STR("nothing"));
	} else {
		sums_put(o, &c->before);
		sums_put(o, &c->after);
	}
	out_row(o);
}

static void put_sum(struct out *o, const struct sum *s)
{
	if (s && msg_has(s, sum, amount))
		out_amount(o, &s->amount);
	else
		out_none(o);
	out_number(o, s ? (int64_t)s->undisclosed : 0);
}

static void put_change_row(const struct differing *d, struct str deal, const struct change *c,
			   struct str currency)
{
	struct out *o = d->o;
	struct str was, is;

	out_text(o, deal);
	out_text(o, STR("change"));
	str_put(o, str_of(enum_word(&enum_changed, c->what)));
	str_put(o, str_of(enum_word(&enum_rung, c->rung)));
	str_put(o, c->payer);
	const bool word = word_changed(c, &was, &is);
	if (word) {
		put_none(o, 4);
	} else {
		put_sum(o, sum_of_currency(&c->before, currency));
		put_sum(o, sum_of_currency(&c->after, currency));
	}
	str_put(o, was);
	str_put(o, is);
	put_none(o, CAUSE_COLUMNS + d->json);
	out_row(o);
}

/* A row for each currency that either side has. */
static void put_change_rows(const struct differing *d, struct str deal, const struct change *c)
{
	for (size_t i = 0; i < c->before.n; i++)
		put_change_row(d, deal, c, c->before.v[i].currency);
	for (size_t i = 0; i < c->after.n; i++)
		if (!sum_of_currency(&c->before, c->after.v[i].currency))
			put_change_row(d, deal, c, c->after.v[i].currency);
	if (c->before.n == 0 && c->after.n == 0)
		put_change_row(d, deal, c, STR(""));
}

static enum err keep_causes(struct differing *d, const struct deal_change *change)
{
	const struct str deal = arena_str(&d->c->arena, change->deal);

	if (!deal.p)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < change->causes.n; i++) {
		if (d->ncauses == d->cap) {
			const size_t cap = d->cap ? 2 * d->cap : 64;
			struct cause *more = arena_alloc(&d->c->arena, cap * sizeof(*more));
			if (!more)
				return ERR_NO_MEMORY;
			if (d->ncauses)
				memcpy(more, d->causes, d->ncauses * sizeof(*more));
			d->causes = more;
			d->cap = cap;
		}
		d->causes[d->ncauses++] = (struct cause){ deal, change->causes.v[i] };
	}
	return ERR_OK;
}

static void only_rung(struct change_list *changes, int rung)
{
	size_t n = 0;

	for (size_t i = 0; i < changes->n; i++)
		if (changes->v[i].rung == rung)
			changes->v[n++] = changes->v[i];
	changes->n = n;
}

static enum err put_page(struct differing *d, struct fault *fault)
{
	for (size_t i = 0; i < d->page.deals.n; i++) {
		struct deal_change *change = &d->page.deals.v[i];
		if (d->rung)
			only_rung(&change->changes, d->rung);
		if (change->changes.n == 0)
			continue;
		for (size_t k = 0; k < change->changes.n; k++) {
			if (d->words)
				put_change_words(d->o, k ? STR("") : change->deal,
						 &change->changes.v[k]);
			else
				put_change_rows(d, change->deal, &change->changes.v[k]);
		}
		if (keep_causes(d, change))
			return fault_set(fault, ERR_NO_MEMORY, NULL,
					 "too many changes to show at once");
	}
	return ERR_OK;
}

/* ---- causes ---- */

static void put_cause_fields(const struct differing *d, const struct cause *cause,
			     const struct event *e)
{
	struct out *o = d->o;
	struct buf b;

	out_text(o, cause->deal);
	out_text(o, STR("cause"));
	buf_init(&b, CELL_BYTES_MAX);
	enum err bad = gist_what(e, &b);
	if (bad)
		out_fail(o, bad);
	str_put(o, buf_str(&b));
	put_none(o, CHANGE_COLUMNS);
	out_number(o, (int64_t)cause->seq);
	str_put(o, e->stated);
	out_text(o, str_of(gist_kind(e)));
	buf_clear(&b);
	bad = gist_list(e->from, &b);
	if (bad)
		out_fail(o, bad);
	str_put(o, buf_str(&b));
	str_put(o, str_of(enum_word(&enum_grade, e->grade)));
	str_put(o, e->source.publisher);
	str_put(o, e->source.title);
	str_put(o, e->source.url);
	if (d->json) {
		buf_clear(&b);
		bad = json_write(&shape_event, e, &d->c->arena, &b);
		if (bad)
			out_fail(o, bad);
		out_text(o, buf_str(&b));
	}
	buf_fini(&b);
	out_row(o);
}

static enum err put_causes(struct differing *d, struct fault *fault)
{
	struct event event;
	struct got got;

	for (size_t i = 0; i < d->ncauses; i++) {
		const struct cause *cause = &d->causes[i];
		struct get get = { 0 };
		msg_set(&get, get, seq, cause->seq);
		enum err e = query_ask(d->c, d->client, &shape_get, &get, &shape_got, &got, fault);
		if (!e)
			e = event_decode(got.entry.event, &d->c->arena, &event, fault);
		if (e)
			return e;
		if (d->words) {
			out_text(d->o, cause->deal);
			gist_words_put(d->o, cause->seq, &event);
			out_row(d->o);
		} else {
			put_cause_fields(d, cause, &event);
		}
	}
	return ERR_OK;
}

/* ---- the answer ---- */

static enum err put_day(struct buf *json, const char *key, struct str day, bool given)
{
	enum err e = buf_printf(json, "\"%s\":", key);

	if (!e)
		e = given ? json_quote(day, json) : buf_put(json, "null", 4);
	return e ? e : buf_put(json, ",", 1);
}

/* The clocks before, beside those after. */
static void put_before(struct out *o, const struct clocks *c)
{
	const bool as_of = msg_has(c, clocks, as_of);
	char words[160];
	struct buf json;

	(void)snprintf(words, sizeof(words), "before: happened by %.*s, public by %.*s, ledger at #%llu",
		       msg_has(c, clocks, on) ? (int)c->on.n : 7,
		       msg_has(c, clocks, on) ? c->on.p : "any day", as_of ? (int)c->as_of.n : 7,
		       as_of ? c->as_of.p : "any day", (unsigned long long)c->at_seq);
	buf_init(&json, CELL_BYTES_MAX);
	enum err e = buf_put(&json, "{", 1);
	if (!e)
		e = put_day(&json, "on", c->on, msg_has(c, clocks, on));
	if (!e)
		e = put_day(&json, "as_of", c->as_of, as_of);
	if (!e)
		e = buf_printf(&json, "\"at_seq\":%llu}", (unsigned long long)c->at_seq);
	if (e)
		out_fail(o, e);
	else
		out_meta_json(o, "before", words, buf_str(&json));
	buf_fini(&json);
}

static enum err ask(struct differing *d, struct fault *fault)
{
	return query_ask(d->c, d->client, &shape_diff, &d->question, &shape_changes, &d->page,
			 fault);
}

/* All pages; the clocks of the last one's answer, which are those of all, go into the meta. */
static enum err put_changes(struct differing *d, struct out *meta, struct fault *fault)
{
	uint64_t n = 0;

	for (;;) {
		enum err e = put_page(d, fault);
		if (e)
			return e;
		n += d->page.deals.n;
		if (n >= d->page.total || d->page.deals.n == 0)
			break;
		/* the answer's texts are gone with the next page, so take over only its seqs */
		msg_set(&d->question.before, clocks, at_seq, d->page.before.at_seq);
		msg_set(&d->question.after, clocks, at_seq, d->page.basis.clocks.at_seq);
		msg_set(&d->question, diff, skip, n);
		e = ask(d, fault);
		if (e)
			return e;
	}
	question_meta(meta, &d->page.basis);
	put_before(meta, &d->page.before);
	return ERR_OK;
}

/* For people two tables: what changed, and behind it what changed it, with the clocks. */
static enum err print_words(struct differing *d, struct fault *fault)
{
	struct out *changes, *causes;
	enum err closed = ERR_OK, e;

	e = out_open(d->c, cause_columns, ARRAY_LEN(cause_columns), &causes, fault);
	if (e)
		return e;
	if (d->page.total) {
		e = out_open(d->c, change_columns, ARRAY_LEN(change_columns), &changes, fault);
		if (!e) {
			d->o = changes;
			e = put_changes(d, causes, fault);
			out_continues(changes);
			closed = out_close(changes, e ? NULL : fault);
			e = e ? e : closed;
		}
	} else {
		e = put_changes(d, causes, fault);
	}
	d->o = causes;
	if (!e)
		e = put_causes(d, fault);
	closed = out_close(causes, e ? NULL : fault);
	return e ? e : closed;
}

static enum err print_rows(struct differing *d, struct fault *fault)
{
	enum err e = out_open(d->c, fields_columns, ARRAY_LEN(fields_columns) - !d->json, &d->o,
			      fault);

	if (e)
		return e;
	e = put_changes(d, d->o, fault);
	if (!e)
		e = put_causes(d, fault);
	const enum err closed = out_close(d->o, e ? NULL : fault);
	return e ? e : closed;
}

/* ---- asking ---- */

/* `A..B` taken apart; one value without dots is both. ERR_USAGE: both sides are empty. */
static enum err range_given(const struct cli *c, const char *name, struct str *a, struct str *b,
			    bool *apart, struct fault *fault)
{
	const char *text = cli_text(c, name), *dots = text ? strstr(text, "..") : NULL;

	*a = *b = str_of(text);
	if (dots) {
		a->n = (size_t)(dots - text);
		*b = str_of(dots + 2);
		*apart = true;
	}
	if (text && !a->n && !b->n)
		return fault_set(fault, ERR_USAGE, NULL, "--%s: give two values, as A..B", name);
	return ERR_OK;
}

static enum err day_in(const char *name, struct str text, struct fault *fault)
{
	int32_t day;
	const enum err e = text.n ? day_parse(text, &day, fault) : ERR_OK;

	if (e)
		fault_under(fault, name);
	return e;
}

static enum err seq_in(const char *name, struct str text, uint64_t *seq, struct fault *fault)
{
	*seq = 0;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9' || __builtin_mul_overflow(*seq, 10, seq) ||
		    __builtin_add_overflow(*seq, (uint64_t)(text.p[i] - '0'), seq) ||
		    *seq > INT64_MAX)
			return fault_set(fault, ERR_USAGE, NULL, "--%s: `%.*s` is no seq", name,
					 STR_ARG(text));
	return ERR_OK;
}

static enum err ranges_given(const struct cli *c, struct clocks *a, struct clocks *b,
			     struct fault *fault)
{
	struct str first, second;
	bool apart = false;

	enum err e = range_given(c, "on", &a->on, &b->on, &apart, fault);
	if (!e)
		e = range_given(c, "as-of", &a->as_of, &b->as_of, &apart, fault);
	if (!e)
		e = range_given(c, "at-seq", &first, &second, &apart, fault);
	if (!e)
		e = seq_in("at-seq", first, &a->at_seq, fault);
	if (!e)
		e = seq_in("at-seq", second, &b->at_seq, fault);
	for (struct clocks *k = a; !e && k; k = k == a ? b : NULL) {
		e = day_in("on", k->on, fault);
		if (!e)
			e = day_in("as-of", k->as_of, fault);
		if (k->on.n)
			msg_mark(k, clocks, on);
		if (k->as_of.n)
			msg_mark(k, clocks, as_of);
		if (k == a ? first.n : second.n)
			msg_mark(k, clocks, at_seq);
	}
	if (!e && !apart)
		e = fault_set(fault, ERR_USAGE, NULL, "give two days, as --as-of DAY..DAY, or two "
						      "events, as --at-seq SEQ..SEQ");
	return e;
}

static enum err run_diff(struct cli *c, struct fault *fault)
{
	const char *deal = cli_word(c, 0);
	struct differing d = { .c = c };
	enum out_format format;
	struct rules rules = { 0 };

	enum err e = deal ? slug_check(str_of(deal), fault) : ERR_OK;
	if (!e)
		e = out_format(c, &format, fault);
	if (!e)
		e = ranges_given(c, &d.question.before, &d.question.after, fault);
	if (!e)
		e = counting_given(c, &rules, fault);
	if (!e)
		e = word_given(c, "rung", &enum_rung, &d.rung, fault);
	if (!e)
		e = query_open(c, &d.client, fault);
	if (e)
		return e;
	msg_mark(&d.question, diff, before);
	msg_mark(&d.question, diff, after);
	if (deal)
		msg_set(&d.question, diff, deal, str_of(deal));
	msg_set(&d.question, diff, limit, DIFF_PAGE);
	RULES_COUNT(&d.question, diff, &rules);
	d.words = format == out_table || format == out_md;
	d.json = format == out_json || format == out_jsonl;
	e = ask(&d, fault);
	if (!e)
		e = d.words ? print_words(&d, fault) : print_rows(&d, fault);
	client_close(d.client);
	return e;
}

const struct command command_diff = {
	.name = "diff",
	.group = group_read,
	.line = "what changed between two days, or two events, and what changed it",
	.usage = "[DEAL] --as-of DAY..DAY | --at-seq SEQ..SEQ [options]",
	.examples = (const char *const[]){ "avow diff --as-of 2025-01-21..2025-01-30",
					   "avow diff softbank-openai-2025 --as-of 2025-01-30..",
					   "avow diff --at-seq 155.. --as-of 2025-12-31",
					   "avow diff stargate --at-seq 42..56 -o json", NULL },
	.details = "First the figures that changed, deal by deal: stage, what replaces it, what hangs on\n"
		   "conditions, and on each rung the total, each payer's part and what is unattributed. Then the\n"
		   "causes: the events that only one of the two sides knows, and that are about the deal, a part\n"
		   "of it, or what contains it. A clock with one value holds for both sides.\n"
		   "In TSV, CSV and JSON Lines `part` says what a row is: change or cause. `before` and `after`\n"
		   "are amounts, a row for each currency; `was` and `is` are words.",
	.options = { range_options, counting_options },
	.args_min = 0,
	.args_max = 1,
	.run = run_diff,
};
