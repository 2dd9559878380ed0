/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow flows: who pays whom, rung by rung, as a table or as a graph (flow_graph.c); and round trips:
 * parties that pay one another in a circle.
 *
 * Answers come in pages, all of them pinned to the seq of the first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tools/filter.h"
#include "tools/flow_graph.h"
#include "tools/question.h"

#define FLOWS_PAGE 1000u
#define FLOWS_MAX 10000000u /* rows, where no --limit is given */
#define TRIPS_MAX 10000u  /* as the message has it */
#define LENGTH_MAX 8u	  /* likewise */
#define GRAPH_BYTES_MAX ((size_t)1 << 30)

static const struct opt options[] = {
	{ "rung", 0, opt_text, "RUNG", NULL, "Only this rung; with --cycles, no weaker one." },
	{ "party", 0, opt_text, "PARTY", NULL, "Only from or to this party; with --cycles, through it." },
	{ "cycles", 0, opt_flag, NULL, NULL, "Round trips instead." },
	{ "max-length", 0, opt_text, "N", NULL, "Round trips of at most so many parties; 4 if not given, "
						"at most 8." },
	{ "limit", 0, opt_text, "N", NULL, "At most so many." },
	OPT_END
};
static const struct out_column words_columns[] = {
	{ "from", out_is_text, false },	     { "to", out_is_text, false },
	{ "talked", out_is_text, false },    { "announced", out_is_text, false },
	{ "committed", out_is_text, false }, { "paid", out_is_text, false }
};
static const struct out_column fields_columns[] = {
	{ "from", out_is_text, false },	   { "to", out_is_text, false },
	{ "rung", out_is_text, false },	   { "amount", out_is_amount, false },
	{ "undisclosed", out_is_number, false }
};
static const struct out_column trip_words_columns[] = { { "weakest", out_is_text, false },
							{ "round_trip", out_is_text, false } };
static const struct out_column trip_fields_columns[] = {
	{ "cycle", out_is_number, false }, { "length", out_is_number, false },
	{ "weakest", out_is_text, false }, { "from", out_is_text, false },
	{ "to", out_is_text, false },	   { "rung", out_is_text, false }
};

/* What is asked, and what has come of it. */
struct flowing {
	struct cli *c;
	struct client *client;
	struct rules rules;
	int rung;
	struct str party;
	uint64_t limit, max_length; /* max_length 0: not given */
	struct out *o;		    /* opened with the first answer */
	bool words;
	uint64_t shown;
	struct edge_list edges;	    /* of a graph */
	struct str basis;	    /* of a graph, as JSON */
};

static enum err no_memory(struct fault *fault)
{
	return fault_set(fault, ERR_NO_MEMORY, NULL, "the answer is too large to show at once");
}

static enum err open_out(struct flowing *f, const struct out_column *words, size_t nwords,
			 const struct out_column *fields, size_t nfields, struct fault *fault)
{
	enum out_format format;
	const enum err e = out_format(f->c, &format, fault);

	if (e || f->o)
		return e;
	f->words = format == out_table || format == out_md;
	return f->words ? out_open(f->c, words, nwords, &f->o, fault)
			: out_open(f->c, fields, nfields, &f->o, fault);
}

/* ---- who pays whom ---- */

/* NULL where the flow has nothing on this rung. */
static const struct sum_list *sums_on(const struct flow *flow, int rung)
{
	for (size_t i = 0; i < flow->rungs.n; i++)
		if (flow->rungs.v[i].rung == rung)
			return &flow->rungs.v[i].sums;
	return NULL;
}

static void put_words(struct out *o, const struct flow *flow)
{
	out_text(o, flow->from.n ? flow->from : STR("(unattributed)"));
	out_text(o, flow->to);
	for (int rung = rung_talked; rung < rung_COUNT; rung++) {
		const struct sum_list *sums = sums_on(flow, rung);
		if (sums)
			sums_put(o, sums);
		else
			out_none(o);
	}
	out_row(o);
}

static void put_fields(struct out *o, const struct flow *flow)
{
	for (size_t r = 0; r < flow->rungs.n; r++) {
		const struct rung_amount *on = &flow->rungs.v[r];
		const char *rung = enum_word(&enum_rung, on->rung);
		for (size_t i = 0; i < on->sums.n; i++) {
			str_put(o, flow->from);
			out_text(o, flow->to);
			out_text(o, str_of(rung ? rung : "?"));
			sum_put(o, &on->sums.v[i]);
			out_row(o);
		}
	}
}

/* Texts of the answer borrow, so an edge has copies. */
static enum err keep_edge(struct flowing *f, const struct flow *flow)
{
	struct arena *a = &f->c->arena;
	struct edge_list *l = &f->edges;

	if (l->n == l->cap) {
		const size_t cap = l->cap ? 2 * l->cap : 256;
		struct edge *more = arena_zalloc(a, cap, sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (l->n)
			memcpy(more, l->v, l->n * sizeof(*more));
		l->v = more;
		l->cap = cap;
	}
	struct edge *edge = &l->v[l->n++];
	*edge = (struct edge){ .to = arena_str(a, flow->to) };
	if (flow->from.n)
		edge->from = arena_str(a, flow->from);
	if (!edge->to.p || (flow->from.n && !edge->from.p))
		return ERR_NO_MEMORY;
	for (int rung = rung_talked; rung < rung_COUNT; rung++) {
		const struct sum_list *sums = sums_on(flow, rung);
		struct buf b;
		if (!sums)
			continue;
		buf_init(&b, GRAPH_BYTES_MAX);
		const enum err e = sums_words(sums, &b);
		if (!e)
			edge->words[rung] = arena_str(a, buf_str(&b));
		buf_fini(&b);
		if (e || !edge->words[rung].p)
			return e ? e : ERR_NO_MEMORY;
	}
	return ERR_OK;
}

static enum err take_flows(struct flowing *f, const struct flow_table *page, bool graph,
			   struct fault *fault)
{
	enum err e = graph ? ERR_OK
			   : open_out(f, words_columns, ARRAY_LEN(words_columns), fields_columns,
				      ARRAY_LEN(fields_columns), fault);

	for (size_t i = 0; !e && i < page->flows.n; i++) {
		if (graph && keep_edge(f, &page->flows.v[i]))
			return no_memory(fault);
		if (!graph && f->words)
			put_words(f->o, &page->flows.v[i]);
		else if (!graph)
			put_fields(f->o, &page->flows.v[i]);
	}
	f->shown += page->flows.n;
	return e;
}

static enum err keep_basis(struct flowing *f, const struct basis_of_answer *basis)
{
	struct buf b;

	buf_init(&b, GRAPH_BYTES_MAX);
	const enum err e = json_write(&shape_basis_of_answer, basis, &f->c->arena, &b);
	if (!e)
		f->basis = arena_str(&f->c->arena, buf_str(&b));
	buf_fini(&b);
	return e ? e : f->basis.p ? ERR_OK : ERR_NO_MEMORY;
}

static void put_total(struct flowing *f, uint64_t total)
{
	char words[64];

	(void)snprintf(words, sizeof(words), "%llu in all", (unsigned long long)total);
	out_meta_number(f->o, "total", f->shown < total ? words : NULL, (int64_t)total);
}

static enum err ask_flows(struct flowing *f, bool graph, struct fault *fault)
{
	struct flows q = { 0 };
	struct flow_table page;

	RULES_PUT(&q, flows, &f->rules);
	if (f->rung)
		msg_set(&q, flows, rung, f->rung);
	if (f->party.n)
		msg_set(&q, flows, party, f->party);
	do {
		const uint64_t left = f->limit - f->shown;
		msg_set(&q, flows, skip, f->shown);
		msg_set(&q, flows, limit, left < FLOWS_PAGE ? left : FLOWS_PAGE);
		enum err e = query_ask(f->c, f->client, &shape_flows, &q, &shape_flow_table, &page,
				       fault);
		if (!e)
			e = take_flows(f, &page, graph, fault);
		if (e)
			return e;
		CLOCKS_PIN(&q, flows, &page.basis);
	} while (f->shown < page.total && page.flows.n && f->shown < f->limit && !cli_interrupted());
	if (graph) {
		msg_set(&f->rules.clocks, clocks, at_seq, page.basis.clocks.at_seq);
		f->rules.pinned = true;
		return keep_basis(f, &page.basis) ? no_memory(fault) : ERR_OK;
	}
	question_meta(f->o, &page.basis);
	put_total(f, page.total);
	return ERR_OK;
}

/* ---- round trips ---- */

/* Whether it is asked for: through the party, and no weaker than the rung. */
static bool trip_wanted(const struct flowing *f, const struct cycle *t)
{
	bool through = f->party.n == 0;

	for (size_t i = 0; i < t->parties.n; i++)
		through = through || str_eq(t->parties.v[i], f->party);
	return through && t->weakest >= f->rung && t->parties.n && t->rungs.n == t->parties.n;
}

static const char *rung_word(int rung)
{
	const char *word = enum_word(&enum_rung, rung);

	return word ? word : "?";
}

/* `microsoft –committed→ openai –paid→ microsoft` */
static void put_trip_words(struct out *o, const struct cycle *t)
{
	struct buf b;
	enum err e = ERR_OK;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; !e && i < t->parties.n; i++)
		e = buf_printf(&b, "%.*s –%s→ ", STR_ARG(t->parties.v[i]), rung_word(t->rungs.v[i]));
	if (!e)
		e = buf_printf(&b, "%.*s", STR_ARG(t->parties.v[0]));
	if (e)
		out_fail(o, e);
	out_text(o, str_of(rung_word(t->weakest)));
	out_text(o, buf_str(&b));
	out_row(o);
	buf_fini(&b);
}

static void put_trip_fields(struct flowing *f, const struct cycle *t)
{
	for (size_t i = 0; i < t->parties.n; i++) {
		out_number(f->o, (int64_t)f->shown);
		out_number(f->o, (int64_t)t->parties.n);
		out_text(f->o, str_of(rung_word(t->weakest)));
		out_text(f->o, t->parties.v[i]);
		out_text(f->o, t->parties.v[(i + 1) % t->parties.n]);
		out_text(f->o, str_of(rung_word(t->rungs.v[i])));
		out_row(f->o);
	}
}

static int by_edge(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	const int d = str_cmp(x->from, y->from);

	return d ? d : str_cmp(x->to, y->to);
}

static void mark_trip(struct flowing *f, const struct cycle *t)
{
	for (size_t i = 0; i < t->parties.n; i++) {
		const struct edge key = { .from = t->parties.v[i],
					  .to = t->parties.v[(i + 1) % t->parties.n] };
		struct edge *edge = bsearch(&key, f->edges.v, f->edges.n, sizeof(key), by_edge);
		if (edge)
			edge->cycle = true;
	}
}

static enum err take_trips(struct flowing *f, const struct cycle_table *page, bool graph,
			   struct fault *fault)
{
	const enum err e = graph ? ERR_OK
				 : open_out(f, trip_words_columns, ARRAY_LEN(trip_words_columns),
					    trip_fields_columns, ARRAY_LEN(trip_fields_columns),
					    fault);

	for (size_t i = 0; !e && i < page->cycles.n; i++) {
		const struct cycle *t = &page->cycles.v[i];
		if (!trip_wanted(f, t) || (!graph && f->shown == f->limit))
			continue;
		if (graph) {
			mark_trip(f, t);
			continue;
		}
		f->shown++;
		if (f->words)
			put_trip_words(f->o, t);
		else
			put_trip_fields(f, t);
	}
	return e;
}

/* The message has no cursor: all of them come at once, or the service says that they are too many. */
static enum err ask_trips(struct flowing *f, bool graph, struct fault *fault)
{
	struct cycles q = { 0 };
	struct cycle_table page;

	RULES_PUT(&q, cycles, &f->rules);
	msg_set(&q, cycles, limit, TRIPS_MAX);
	if (f->max_length)
		msg_set(&q, cycles, max_length, f->max_length);
	enum err e = query_ask(f->c, f->client, &shape_cycles, &q, &shape_cycle_table, &page, fault);
	if (!e && page.total > page.cycles.n)
		fprintf(stderr, "avow flows: only the first %llu of %llu round trips are looked at\n",
			(unsigned long long)page.cycles.n, (unsigned long long)page.total);
	if (!e)
		e = take_trips(f, &page, graph, fault);
	if (e || graph)
		return e;
	question_meta(f->o, &page.basis);
	out_meta_number(f->o, "cycles", NULL, (int64_t)f->shown);
	return ERR_OK;
}

/* ---- the command ---- */

static enum err print_graph(struct flowing *f, bool dot, struct fault *fault)
{
	struct buf b;

	enum err e = ask_flows(f, true, fault);
	if (!e && f->edges.n > 1)
		qsort(f->edges.v, f->edges.n, sizeof(*f->edges.v), by_edge);
	if (!e)
		e = ask_trips(f, true, fault);
	if (e)
		return e;
	buf_init(&b, GRAPH_BYTES_MAX);
	e = dot ? flow_graph_dot(&f->edges, f->basis, &b)
		: flow_graph_graphml(&f->edges, f->basis, &b);
	if (e)
		(void)no_memory(fault);
	else if (fwrite(b.p, 1, b.n, stdout) != b.n)
		e = fault_set(fault, ERR_IO, NULL, "cannot write the answer");
	buf_fini(&b);
	return e;
}

static enum err read_flowing(struct flowing *f, struct fault *fault)
{
	struct cli *c = f->c;

	enum err e = rules_given(c, &f->rules, fault);
	if (!e)
		e = word_given(c, "rung", &enum_rung, &f->rung, fault);
	if (!e)
		e = slug_given(c, "party", &f->party, fault);
	if (!e)
		e = cli_number(c, "limit", FLOWS_MAX, FLOWS_MAX, &f->limit, fault);
	if (!e)
		e = cli_number(c, "max-length", 0, LENGTH_MAX, &f->max_length, fault);
	return e;
}

static enum err run_flows(struct cli *c, struct fault *fault)
{
	const char *format = setting(&c->settings, setting_output);
	const bool dot = strcmp(format, "dot") == 0, graphml = strcmp(format, "graphml") == 0;
	struct flowing f = { .c = c };

	enum err e = read_flowing(&f, fault);
	if (!e)
		e = query_open(c, &f.client, fault);
	if (e)
		return e;
	if (dot || graphml)
		e = print_graph(&f, dot, fault);
	else
		e = cli_flag(c, "cycles") ? ask_trips(&f, false, fault)
					  : ask_flows(&f, false, fault);
	client_close(f.client);
	if (!e && cli_interrupted())
		e = ERR_INTERRUPTED;
	if (!e)
		return out_close(f.o, fault);
	out_cancel(f.o);
	return e;
}

const struct command command_flows = {
	.name = "flows",
	.group = group_read,
	.line = "who pays whom, rung by rung, as a table or a graph; and round trips",
	.usage = "[--rung RUNG] [--party PARTY] [--cycles] [options]",
	.examples = (const char *const[]){ "avow flows --rung committed",
					   "avow flows --party openai --as-of 2025-09-30",
					   "avow flows --cycles --max-length 3",
					   "avow flows --rung committed -o dot >flows.dot",
					   "avow flows -o graphml >flows.graphml", NULL },
	.details = "Besides the usual formats -o takes dot (Graphviz) and graphml, in which edges that are part of a\n"
		   "round trip are marked: red in dot, `cycle` in graphml. What no payer is named for is a row, or a\n"
		   "node, of its own, and in no round trip. A round trip's weakest rung is the least certain in it;\n"
		   "each payment is shown with its most certain one.",
	.options = { options, clock_options, counting_options },
	.args_min = 0,
	.args_max = 0,
	.run = run_flows,
};
