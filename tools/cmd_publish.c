/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow publish: JSON Lines to ingest, as a stream.
 *
 * Lines are read, checked and encoded in chunks. An event that brings no id gets one, which is on
 * disk before any event of its chunk is sent: run again after a crash, every event is written once.
 * What ingest refuses, and what is refused here already, is shown with its place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/json_place.h"
#include "tools/lines.h"
#include "tools/fail.h"
#include "tools/fields.h"
#include "tools/out.h"
#include "tools/pipeline.h"
#include "tools/progress.h"
#include "tools/spool.h"
#include "tools/spool_lines.h"

#define CHUNK_EVENTS 8192u
#define CHUNK_BYTES ((size_t)8 << 20) /* of encoded events; lines may be twice as long */
#define REPORTS_MAX 20u		      /* refusals shown; the others are counted */
#define LINE_ARENA_MAX ((size_t)16 << 20)

struct chunk_item {
	uint64_t line;
	size_t at, n, text_at, text_n;
};

struct publish_run {
	struct cli *c;
	struct lines lines;
	struct spool *spool;		 /* of a file */
	struct spool_lines *spool_lines; /* of stdin */
	struct pipeline *pipeline;
	struct progress progress;
	struct out *receipts; /* --receipts; else NULL */
	FILE *rejects;	      /* made at the first refusal with --partial */
	struct str rejects_path;
	bool partial, stop;
	enum err first_refusal;
	uint64_t created, exists, refused, first_seq, last_seq;
	int64_t now_us;	    /* when the chunk was begun */
	struct id fresh;    /* the last id that was made in this chunk */
	bool has_fresh;
	struct arena arena; /* of one line */
	struct buf events, texts;
	struct chunk_item *items;
	size_t count;
};

static enum err no_memory(struct fault *fault)
{
	return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
}

static int64_t clock_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- what is refused ---- */

static void write_reject(struct publish_run *r, uint64_t line, struct str text,
			 const struct fault *fault)
{
	if (!r->partial)
		return;
	if (!r->rejects) {
		r->rejects = fopen(r->rejects_path.p, "we");
		if (!r->rejects) {
			progress_clear(&r->progress);
			fprintf(stderr, "avow publish: cannot write %s: %s\n", r->rejects_path.p,
				strerror(errno));
			r->partial = false; /* said once; what is refused is shown and counted still */
			r->stop = true;
			return;
		}
	}
	fprintf(r->rejects, "# line %llu: %s%s%s: %s\n%.*s\n", (unsigned long long)line,
		err_name(fault->code), fault->field[0] ? ": " : "", fault->field, fault->text,
		STR_ARG(text));
}

/* What json_read says behind `line:column: `. */
static const char *behind_place(const char *text)
{
	const size_t n = strspn(text, "0123456789:");

	return n && text[n] == ' ' ? text + n + 1 : text;
}

static void refuse(struct publish_run *r, uint64_t line, struct str text, const struct fault *fault)
{
	const struct place place = { r->lines.name, line, json_place(text, fault->field), text };
	struct fault shown = *fault;

	/* the place is in front already */
	if (fault->code == ERR_BAD_JSON)
		(void)snprintf(shown.text, sizeof(shown.text), "%s", behind_place(fault->text));

	if (r->refused == 0)
		r->first_refusal = fault->code;
	if (!r->partial)
		r->stop = true;
	if (r->refused++ < REPORTS_MAX) {
		progress_clear(&r->progress);
		fail_print("publish", &shown, &place);
	}
	write_reject(r, line, text, &shown);
}

static void on_verdict(void *arg, const struct verdict *v)
{
	struct publish_run *r = arg;
	struct event_keys keys;
	char recorded[TIME_TEXT_SIZE], id[ID_TEXT_SIZE];

	if (v->code) {
		refuse(r, v->tag, v->context, v->fault);
		return;
	}
	if (v->outcome == outcome_created)
		r->created++;
	else
		r->exists++;
	if (!r->first_seq || v->seq < r->first_seq)
		r->first_seq = v->seq;
	if (v->seq > r->last_seq)
		r->last_seq = v->seq;
	if (!r->receipts || event_peek(v->event, &keys, NULL))
		return;
	time_format(v->recorded_us, recorded);
	id_format(keys.id.b, id);
	out_number(r->receipts, (int64_t)v->tag);
	out_number(r->receipts, (int64_t)v->seq);
	out_text(r->receipts, str_of(enum_word(&enum_outcome, (int)v->outcome)));
	out_text(r->receipts, str_of(recorded));
	out_text(r->receipts, str_of(id));
	out_row(r->receipts);
}

/* ---- one line ---- */

/*
 * The next new id: of version 7 and this chunk's instant; within a chunk they count up from a random
 * number (RFC 9562, 6.2), which saves asking the system for randomness for each.
 */
static struct id fresh_id(struct publish_run *r)
{
	if (!r->has_fresh)
		id_make(r->now_us, r->fresh.b);
	r->has_fresh = true;
	for (size_t i = ID_SIZE; i > ID_SIZE - 4 && ++r->fresh.b[i - 1] == 0; i--)
		;
	return r->fresh;
}

static enum err give_id(struct publish_run *r, struct event *e, struct str line, struct fault *fault)
{
	const bool had = msg_has(e, event, id);
	enum err bad = ERR_OK;

	if (!had) {
		e->id = fresh_id(r);
		if (r->spool)
			bad = spool_id(r->spool, line, &e->id, &e->id, fault);
	}
	msg_mark(e, event, id);
	if (!bad && r->spool_lines)
		bad = spool_lines_add(r->spool_lines, line, had ? NULL : &e->id, fault);
	return bad;
}

/* Read, complete, check and encode; errors of the line itself are reported, others returned. */
static enum err take_line(struct publish_run *r, struct str line, struct fault *fault)
{
	const uint64_t number = r->lines.number;
	struct event e = { 0 };
	struct fault why;
	const size_t at = r->events.n, text_at = r->texts.n;

	arena_reset(&r->arena);
	fault_init(&why);
	enum err bad = json_read(&shape_event, line, &r->arena, &e, &why);
	if (!bad) {
		const enum err id = give_id(r, &e, line, fault);
		if (id)
			return id;
		bad = fields_default_grade(&e);
	}
	if (!bad)
		bad = event_check_struct(&e, r->now_us, &why);
	if (!bad)
		bad = record_encode(&shape_event, &e, &r->events);
	if (!bad && r->events.n - at > EVENT_BYTES_MAX)
		bad = fault_set(&why, ERR_TOO_LARGE, NULL, "an event of more than %u bytes",
				EVENT_BYTES_MAX);
	if (bad == ERR_NO_MEMORY)
		return no_memory(fault); /* not the line's fault: it may be good */
	if (bad) {
		r->events.n = at;
		if (!why.text[0])
			(void)fault_set(&why, bad, NULL, "%s", err_info(bad)->text);
		refuse(r, number, line, &why);
		return ERR_OK;
	}
	bad = buf_put(&r->texts, line.p, line.n);
	if (bad)
		return fault_set(fault, bad, NULL, "out of memory");
	r->items[r->count++] = (struct chunk_item){ number, at, r->events.n - at, text_at, line.n };
	return ERR_OK;
}

static bool is_blank(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!strchr(" \t\r", line.p[i]) || !line.p[i])
			return line.p[i] == '#' && i == 0;
	return true;
}

/* ---- chunks ---- */

static bool chunk_full(const struct publish_run *r)
{
	return r->count == CHUNK_EVENTS || r->events.n > CHUNK_BYTES || r->texts.n > CHUNK_BYTES;
}

/* Fill the chunk; stops early where the next line would have to be waited for. */
static enum err read_chunk(struct publish_run *r, bool *more, struct fault *fault)
{
	struct str line;
	bool newline;

	r->count = 0;
	r->now_us = clock_us();
	r->has_fresh = false;
	buf_clear(&r->events);
	buf_clear(&r->texts);
	*more = true;
	while (*more && !r->stop && !chunk_full(r)) {
		if (r->count && lines_would_wait(&r->lines))
			return ERR_OK;
		fault_init(fault);
		enum err e = lines_next(&r->lines, &line, &newline, more, fault);
		if (e == ERR_TOO_LARGE)
			refuse(r, r->lines.number, (struct str){ 0 }, fault);
		else if (e)
			return e;
		else if (*more && !is_blank(line))
			e = take_line(r, line, fault);
		if (e && e != ERR_TOO_LARGE)
			return e;
	}
	return ERR_OK;
}

static enum err send_chunk(struct publish_run *r, struct fault *fault)
{
	enum err e = r->spool ? spool_sync(r->spool, fault) : ERR_OK;

	if (!e && r->spool_lines)
		e = spool_lines_sync(r->spool_lines, fault);
	for (size_t i = 0; !e && i < r->count; i++) {
		const struct chunk_item *item = &r->items[i];
		e = pipeline_add(r->pipeline, (struct str){ r->events.p + item->at, item->n },
				 item->line, (struct str){ r->texts.p + item->text_at, item->text_n },
				 fault);
	}
	if (!e)
		e = pipeline_flush(r->pipeline, fault);
	progress_show(&r->progress, r->created + r->exists, r->lines.offset, r->lines.size);
	return e;
}

static enum err publish_all(struct publish_run *r, struct fault *fault)
{
	bool more = true;
	enum err e = ERR_OK;

	while (!e && more && !r->stop) {
		e = read_chunk(r, &more, fault);
		if (!e)
			e = send_chunk(r, fault);
	}
	if (!e)
		e = pipeline_finish(r->pipeline, fault);
	progress_clear(&r->progress);
	return e;
}

/* ---- before and after ---- */

static enum err open_spool(struct publish_run *r, const char *file, struct fault *fault)
{
	struct cli *c = r->c;
	const char *dir = setting(&c->settings, setting_dir);
	struct str path = arena_printf(&c->arena, "%s/spool", dir);
	uint8_t key[ID_SIZE] = { 0 };
	char name[ID_TEXT_SIZE];

	if (!path.p)
		return no_memory(fault);
	enum err e = settings_make_dir(path.p, fault);
	if (e)
		return e;
	if (strcmp(file, "-") == 0) {
		id_make(c->now_us, key);
		id_format(key, name);
		path = arena_printf(&c->arena, "%s/spool/stdin-%s.jsonl", dir, name);
		return path.p ? spool_lines_open(path.p, &r->spool_lines, fault) : no_memory(fault);
	}
	char *real = realpath(file, NULL);
	id_derive(key, str_of(real ? real : file), key);
	free(real);
	id_format(key, name);
	path = arena_printf(&c->arena, "%s/spool/%s", dir, name);
	return path.p ? spool_open(path.p, &r->spool, fault) : no_memory(fault);
}

static enum err publish_open(struct publish_run *r, struct fault *fault)
{
	static const struct out_column columns[] = {
		{ "line", out_is_number, false },   { "seq", out_is_number, false },
		{ "status", out_is_text, false },   { "recorded", out_is_text, false },
		{ "id", out_is_text, false },
	};
	struct cli *c = r->c;
	const char *file = cli_word(c, 0), *rejects = cli_text(c, "rejects");

	r->partial = cli_flag(c, "partial") || rejects;
	r->rejects_path = rejects ? str_of(rejects)
				  : arena_printf(&c->arena, "%s.rejects.jsonl",
						 strcmp(file, "-") ? file : "stdin");
	r->items = calloc(CHUNK_EVENTS, sizeof(*r->items));
	if (!r->items || !r->rejects_path.p)
		return no_memory(fault);
	enum err e = lines_open(&r->lines, file, fault);
	if (!e)
		e = open_spool(r, file, fault);
	if (!e && cli_flag(c, "receipts"))
		e = out_open(c, columns, ARRAY_LEN(columns), &r->receipts, fault);
	if (!e)
		e = pipeline_open(setting(&c->settings, setting_ingest), cli_timeout_ms(c), on_verdict,
				  r, &r->pipeline, fault);
	return e;
}

static enum err print_summary(struct publish_run *r, struct fault *fault)
{
	static const struct out_column columns[] = {
		{ "created", out_is_number, false }, { "exists", out_is_number, false },
		{ "refused", out_is_number, false }, { "first_seq", out_is_number, false },
		{ "last_seq", out_is_number, false },
	};
	struct out *o;

	if (r->receipts) {
		o = r->receipts;
		r->receipts = NULL;
		out_meta_number(o, "refused", NULL, (int64_t)r->refused);
		return out_close(o, fault);
	}
	const enum err e = out_open(r->c, columns, ARRAY_LEN(columns), &o, fault);
	if (e)
		return e;
	out_number(o, (int64_t)r->created);
	out_number(o, (int64_t)r->exists);
	out_number(o, (int64_t)r->refused);
	if (r->last_seq) {
		out_number(o, (int64_t)r->first_seq);
		out_number(o, (int64_t)r->last_seq);
	} else {
		out_none(o);
		out_none(o);
	}
	out_row(o);
	return out_close(o, fault);
}

/* What came of the events that are not accounted for, when the sending ended early. */
static enum err explain_end(struct publish_run *r, enum err e, struct fault *fault)
{
	uint64_t unsent = 0, in_doubt = 0;
	char why[FAULT_TEXT_MAX];

	if (r->pipeline)
		pipeline_open_ends(r->pipeline, &unsent, &in_doubt);
	(void)snprintf(why, sizeof(why), "%.100s", fault->text[0] ? fault->text : err_name(e));
	(void)fault_set(fault, e, NULL, "%s; up to line %llu: %llu written, %llu surely not, "
		"%llu perhaps",
			why, (unsigned long long)r->lines.number,
			(unsigned long long)(r->created + r->exists), (unsigned long long)unsent,
			(unsigned long long)in_doubt);
	return e;
}

static enum err settle(struct publish_run *r, struct fault *fault)
{
	if (!r->refused)
		return ERR_OK;
	fault_init(fault);
	if (r->refused > REPORTS_MAX)
		fprintf(stderr, "avow publish: and %llu more\n",
			(unsigned long long)(r->refused - REPORTS_MAX));
	if (r->rejects)
		fprintf(stderr, "avow publish: %llu refused, see %s; mend it and publish it\n",
			(unsigned long long)r->refused, r->rejects_path.p);
	/* everything was said: the text stays empty */
	return r->created + r->exists ? ERR_PARTLY : r->first_refusal;
}

static void publish_close(struct publish_run *r, bool done)
{
	if (r->spool_lines && !done && r->created + r->exists + r->refused < r->lines.number)
		fprintf(stderr, "avow publish: `avow publish %s` sends what is missing, with "
		"the same "
			"ids\n", spool_lines_path(r->spool_lines));
	spool_lines_close(r->spool_lines, done);
	spool_close(r->spool);
	pipeline_close(r->pipeline);
	out_cancel(r->receipts); /* what was not closed with the sums */
	lines_close(&r->lines);
	buf_fini(&r->events);
	buf_fini(&r->texts);
	arena_fini(&r->arena);
	free(r->items);
}

static enum err run_publish(struct cli *c, struct fault *fault)
{
	struct publish_run r = { .c = c, .lines = { .fd = -1 } };

	buf_init(&r.events, CHUNK_BYTES + 2 * EVENT_BYTES_MAX);
	buf_init(&r.texts, CHUNK_BYTES + 2 * LINE_MAX_BYTES);
	arena_init(&r.arena, LINE_ARENA_MAX);
	progress_begin(&r.progress, "events");
	enum err e = publish_open(&r, fault);
	if (!e) {
		e = publish_all(&r, fault);
		if (e)
			e = explain_end(&r, e, fault);
		struct fault printing;
		fault_init(&printing);
		const enum err bad = print_summary(&r, &printing);
		if (!e && bad)
			*fault = printing;
		e = e ? e : bad;
	}
	if (r.rejects && fclose(r.rejects) && !e)
		e = fault_set(fault, ERR_IO, NULL, "cannot write %s", r.rejects_path.p);
	if (!e)
		e = settle(&r, fault);
	publish_close(&r, e == ERR_OK || (e == ERR_PARTLY && r.partial));
	return e;
}

static const struct opt options[] = {
	{ "partial", 0, opt_flag, NULL, NULL, "Go on behind refused events, and write them to "
		"the rejects file." },
	{ "rejects", 0, opt_text, "FILE", NULL, "Where refused lines go, with their reasons; "
		"FILE.rejects.jsonl where absent." },
	{ "receipts", 0, opt_flag, NULL, NULL, "Print each event's receipt, not only the sums." },
	OPT_END
};

const struct command command_publish = {
	.name = "publish",
	.group = group_write,
	.line = "publish events from a file or a pipe (JSON Lines)",
	.usage = "FILE | - [--partial] [--rejects FILE] [--receipts]",
	.examples = (const char *const[]){
		"avow publish events.jsonl", "avow publish events.jsonl --partial --rejects "
		"bad.jsonl",
		"jq -c .events[] feed.json | avow publish - --receipts -o jsonl", NULL },
	.details =
		"Each line is one event:\n"
		"  {\"kind\": \"pay\", \"deal\": \"softbank-openai-2025\", \"amount\": \"7.5bn "
		"USD\",\n"
		"   \"stated\": \"2025-04-30\", \"source\": {\"publisher\": \"SoftBank Group\"}}\n"
		"Empty lines and lines that begin with # are skipped. `grade` is press where "
		"absent.\n\n"
		"It is safe to interrupt and to run again: an event that brings no `id` gets "
		"one, which is\n"
		"kept in the data directory's spool/ before it is sent, so that the same file "
		"gets the same\n"
		"ids. At the first refused event it stops, unless --partial is given. It gives "
		"up when\n"
		"nothing was acknowledged for --timeout.",
	.options = { options, NULL },
	.args_min = 1,
	.args_max = 1,
	.run = run_publish,
};
