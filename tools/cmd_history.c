/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow history: the statements about a deal or a party, in the order in which they were made public,
 * each with its source and how it stands: copies, corrections and retractions are marked.
 *
 * The answer comes in pages, all of them pinned to the seq of the first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/filter.h"
#include "tools/gist.h"
#include "tools/question.h"

#define HISTORY_PAGE 1000u
#define HISTORY_MAX 1000000u /* statements; the arena's limit comes first */
#define JSON_EVENT_MAX ((size_t)1 << 20)

struct row {
	const struct statement *statement;
	const struct event *event;
	struct str source;
	size_t order;
};
struct rows {
	struct row *v;
	size_t n;
};

static const struct opt options[] = {
	{ "party", 0, opt_flag, NULL, NULL, "NAME is a party, also where a deal has the same name." },
	{ "by-source", 0, opt_flag, NULL, NULL, "Group by who published it." },
	OPT_END
};
static const struct out_column words_columns[] = { GIST_PAYER_COLUMNS,
						   { "standing", out_is_text, false } };
static const struct out_column deal_words_columns[] = { { "deal", out_is_text, false },
							GIST_WORDS_COLUMNS,
							{ "standing", out_is_text, false } };
/* the last column is for JSON alone */
static const struct out_column fields_columns[] = { GIST_FIELDS_COLUMNS,
						    { "standing", out_is_text, false },
						    { "by_seq", out_is_number, false },
						    { "event", out_is_json, false } };

/* ---- the rows ---- */

static void put_standing(struct out *o, const struct statement *s)
{
	char text[64];
	const char *word = enum_word(&enum_standing, s->standing);
	const unsigned long long by = s->by_seq;

	if (s->standing == standing_counts)
		out_none(o);
	else if (msg_has(s, statement, by_seq) && s->standing == standing_copy)
		(void)snprintf(text, sizeof(text), "copy of #%llu", by);
	else if (msg_has(s, statement, by_seq))
		(void)snprintf(text, sizeof(text), "%s by #%llu", word ? word : "?", by);
	else
		(void)snprintf(text, sizeof(text), "%s", word ? word : "?");
	if (s->standing != standing_counts)
		out_text(o, str_of(text));
}

static void put_event(struct out *o, const struct event *e, struct arena *a)
{
	struct buf b;

	buf_init(&b, JSON_EVENT_MAX);
	const enum err bad = json_write(&shape_event, e, a, &b);
	if (bad)
		out_fail(o, bad);
	out_text(o, buf_str(&b));
	buf_fini(&b);
}

static void put_words(struct out *o, const struct row *r, bool of_party)
{
	const uint64_t seq = r->statement->entry.seq;

	if (of_party) {
		out_text(o, r->event->deal);
		gist_words_put(o, seq, r->event);
	} else {
		gist_payer_put(o, seq, r->event);
	}
	put_standing(o, r->statement);
}

static void put_fields(struct out *o, const struct row *r, bool json, struct arena *a)
{
	const struct statement *s = r->statement;

	gist_fields_put(o, s->entry.seq, s->entry.recorded, r->event);
	const char *word = enum_word(&enum_standing, s->standing);
	out_text(o, str_of(word ? word : "?"));
	if (msg_has(s, statement, by_seq))
		out_number(o, (int64_t)s->by_seq);
	else
		out_none(o);
	if (json)
		put_event(o, r->event, a);
}

static enum err print(struct cli *c, const struct rows *rows, const struct basis_of_answer *basis,
		      bool of_party, struct fault *fault)
{
	enum out_format format;
	struct out *o;
	enum err e = out_format(c, &format, fault);

	if (e)
		return e;
	const bool words = format == out_table || format == out_md;
	const bool json = format == out_json || format == out_jsonl;
	if (words && of_party)
		e = out_open(c, deal_words_columns, ARRAY_LEN(deal_words_columns), &o, fault);
	else if (words)
		e = out_open(c, words_columns, ARRAY_LEN(words_columns), &o, fault);
	else
		e = out_open(c, fields_columns, ARRAY_LEN(fields_columns) - !json, &o, fault);
	if (e)
		return e;
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];
		if (words)
			put_words(o, r, of_party);
		else
			put_fields(o, r, json, &c->arena);
		out_row(o);
	}
	question_meta(o, basis);
	return out_close(o, fault);
}

/* ---- asking ---- */

static enum err no_memory(struct fault *fault)
{
	return fault_set(fault, ERR_NO_MEMORY, NULL, "too many statements to show at once");
}

/* Keep a statement of an answer, which borrows, in the arena. */
static enum err keep(struct cli *c, const struct statement *from, struct row *row,
		     struct fault *fault)
{
	struct statement *s = arena_zalloc(&c->arena, 1, sizeof(*s));
	struct event *event = arena_zalloc(&c->arena, 1, sizeof(*event));
	struct buf source;

	if (!s || !event)
		return no_memory(fault);
	*s = *from;
	s->entry.event = arena_str(&c->arena, from->entry.event);
	if (!s->entry.event.p)
		return no_memory(fault);
	enum err e = event_decode(s->entry.event, &c->arena, event, fault);
	if (e)
		return e;
	buf_init(&source, EVENT_BYTES_MAX);
	e = gist_source(event, &source);
	row->statement = s;
	row->event = event;
	row->source = e ? (struct str){ NULL, 0 } : arena_str(&c->arena, buf_str(&source));
	buf_fini(&source);
	return row->source.p ? ERR_OK : no_memory(fault);
}

static enum err keep_page(struct cli *c, const struct statements *page, struct rows *rows,
			  struct fault *fault)
{
	if (rows->n == 0 && page->total) {
		if (page->total > HISTORY_MAX)
			return no_memory(fault);
		rows->v = arena_zalloc(&c->arena, page->total, sizeof(*rows->v));
		if (!rows->v)
			return no_memory(fault);
	}
	for (size_t i = 0; i < page->statements.n && rows->n < page->total; i++) {
		struct row *row = &rows->v[rows->n];
		const enum err e = keep(c, &page->statements.v[i], row, fault);
		if (e)
			return e;
		row->order = rows->n++;
	}
	return ERR_OK;
}

/* All pages of one question. */
static enum err ask(struct cli *c, struct client *client, struct history *question,
		    struct rows *rows, struct basis_of_answer *basis, struct fault *fault)
{
	struct statements page;

	msg_set(question, history, limit, HISTORY_PAGE);
	*rows = (struct rows){ 0 };
	do {
		const enum err e = query_ask(c, client, &shape_history, question,
					     &shape_statements, &page, fault);
		if (e)
			return e;
		const enum err kept = keep_page(c, &page, rows, fault);
		if (kept)
			return kept;
		/* the answer's texts are gone with the next page, so take over only its seq */
		msg_mark(question, history, clocks);
		msg_set(&question->clocks, clocks, at_seq, page.basis.clocks.at_seq);
		msg_set(question, history, skip, rows->n);
	} while (rows->n < page.total && page.statements.n);
	*basis = page.basis;
	return ERR_OK;
}

/* A deal by this name, else a party; `of_party` tells which, and asks for a party alone. */
static enum err ask_either(struct cli *c, struct client *client, const struct history *question,
			   struct str name, bool *of_party, struct rows *rows,
			   struct basis_of_answer *basis, struct fault *fault)
{
	struct history deal = *question, party = *question;
	struct fault second;

	msg_set(&deal, history, deal, name);
	msg_set(&party, history, party, name);
	if (*of_party)
		return ask(c, client, &party, rows, basis, fault);
	enum err e = ask(c, client, &deal, rows, basis, fault);
	if (e != ERR_NOT_FOUND)
		return e;
	fault_init(&second);
	e = ask(c, client, &party, rows, basis, &second);
	*of_party = e == ERR_OK;
	if (e == ERR_NOT_FOUND) {
		const struct fault first = *fault;
		return fault_set(fault, e, NULL, "%.125s; %.125s", first.text, second.text);
	}
	if (e)
		*fault = second;
	return e;
}

/* By source, and within one in the order that they had. */
static int by_source(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	const int d = str_cmp(x->source, y->source);

	return d ? d : x->order < y->order ? -1 : x->order > y->order;
}

static enum err run_history(struct cli *c, struct fault *fault)
{
	struct history question = { 0 };
	struct basis_of_answer basis;
	struct client *client;
	struct rows rows;
	bool any, of_party = cli_flag(c, "party");
	const struct str name = str_of(cli_word(c, 0));

	enum err e = slug_check(name, fault);
	if (!e)
		e = clocks_given(c, &question.clocks, &any, fault);
	if (!e && any)
		msg_mark(&question, history, clocks);
	if (!e)
		e = min_seq_given(c, &question.min_seq, fault);
	if (!e && question.min_seq)
		msg_mark(&question, history, min_seq);
	if (!e)
		e = query_open(c, &client, fault);
	if (e)
		return e;
	e = ask_either(c, client, &question, name, &of_party, &rows, &basis, fault);
	if (!e && cli_flag(c, "by-source") && rows.n)
		qsort(rows.v, rows.n, sizeof(*rows.v), by_source);
	if (!e)
		e = print(c, &rows, &basis, of_party, fault);
	client_close(client);
	return e;
}

const struct command command_history = {
	.name = "history",
	.group = group_read,
	.line = "the statements about a deal or a party, each with its source and how it stands",
	.usage = "NAME [--as-of DAY] [options]",
	.examples = (const char *const[]){ "avow history stargate",
					   "avow history stargate --by-source",
					   "avow history softbank-openai-2025 --as-of 2025-01-30",
					   "avow history nvidia-arm -o json", NULL },
	.details = "NAME is a deal, or else a party. Rows stand in the order in which they were made public; a\n"
		   "correction stands where the original stood. `standing` says what is a copy of another\n"
		   "statement, and which event corrected or retracted it. Nothing is counted, so --rung, --policy,\n"
		   "--assume, --in and --basis do not apply.",
	.options = { options, clock_options },
	.args_min = 1,
	.args_max = 1,
	.run = run_history,
};
