/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow watch: prints events as they arrive. It goes on where it was after any service was restarted,
 * without a gap and without a repeat: the position is the reader's (reader.c), and moves only with
 * what was printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tools/fail.h"
#include "tools/filter.h"
#include "tools/gist.h"
#include "tools/reader.h"

#define WATCH_SLICE 1000u
#define WATCH_WAIT_MS 20000u
#define LAST_MAX 10000u
#define LINE_BYTES_MAX ((size_t)4 << 20)
#define ROW_ARENA_MAX ((size_t)64 << 20)

struct watch {
	struct cli *c;
	struct reader *reader;
	enum out_format format;
	struct out *out;	/* NULL for lines of a terminal, and JSON Lines */
	struct buf line, cell;
	struct arena arena;	/* for one event */
	uint64_t left;		/* events to print still; UINT64_MAX: no end */
	const char *position;	/* the file; NULL: none */
	bool kept;		/* the file holds a position: */
	uint64_t kept_seq;
	int timeout_ms;		/* without an event; 0: none */
	int64_t heard_ms;	/* when the last event came */
	size_t columns;		/* of the terminal; 0: any */
	enum err e;		/* of formatting */
};

static const struct opt options[] = {
	{ "last", 0, opt_text, "N", NULL, "First the last so many that match; at most 10,000." },
	{ "since", 0, opt_text, "TIME", NULL, "First those recorded since: 1h or 2d ago, a day, an "
					      "instant." },
	{ "after", 0, opt_text, "SEQ", NULL, "First those after this event; 0: all." },
	{ "count", 0, opt_text, "N", NULL, "End after so many events." },
	{ "position", 0, opt_text, "FILE", NULL, "Keep the position in this file, and go on from it "
						 "where it is there." },
	OPT_END
};
static const struct out_column fields_columns[] = { GIST_FIELDS_COLUMNS };

/* ---- printing ---- */

static void note(struct watch *w, enum err e)
{
	if (!w->e)
		w->e = e;
}

/* A cell of a line, padded to a width that most have. */
static void put_cell(struct watch *w, size_t width, struct str s)
{
	static const char spaces[] = "                                        ";
	size_t have;

	buf_clear(&w->cell);
	note(w, text_escape(s, &w->cell));
	have = text_width(buf_str(&w->cell));
	note(w, buf_put(&w->line, w->cell.p, w->cell.n));
	note(w, buf_put(&w->line, spaces, (have < width ? width - have : 0) + 2));
}

/* Cut to the terminal's width, where there is one. */
static struct str fit(struct watch *w)
{
	struct str s = buf_str(&w->line);

	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	if (!w->columns || text_width(s) <= w->columns)
		return s;
	w->line.n = text_prefix(s, w->columns - 1);
	note(w, buf_put(&w->line, "…", sizeof("…") - 1));
	return buf_str(&w->line);
}

/* `#159  2026-01-05  commit  softbank → openai  up to 40bn USD  softbank-openai-2025  …`. */
static void put_words(struct watch *w, const struct entry *entry, const struct event *e)
{
	char seq[24];
	struct buf b;

	buf_init(&b, LINE_BYTES_MAX);
	buf_clear(&w->line);
	(void)snprintf(seq, sizeof(seq), "#%llu", (unsigned long long)entry->seq);
	put_cell(w, 4, str_of(seq));
	put_cell(w, 10, e->stated);
	put_cell(w, 9, str_of(gist_kind(e)));
	note(w, gist_what(e, &b));
	put_cell(w, 18, buf_str(&b));
	buf_clear(&b);
	note(w, gist_list(e->from, &b));
	if (e->to.n)
		note(w, buf_printf(&b, "%s→ ", b.n ? " " : ""));
	note(w, gist_list(e->to, &b));
	put_cell(w, 20, buf_str(&b));
	put_cell(w, 20, e->deal.n ? e->deal : e->party);
	buf_clear(&b);
	note(w, gist_source(e, &b));
	put_cell(w, 0, buf_str(&b));
	buf_fini(&b);
	const struct str line = fit(w);
	printf("%.*s\n", STR_ARG(line));
}

static void put_json(struct watch *w, const struct entry *entry)
{
	buf_clear(&w->line);
	note(w, json_write_entry(entry, &w->arena, &w->line));
	if (w->e)
		return;
	if (isatty(STDOUT_FILENO)) {
		buf_clear(&w->cell);
		note(w, text_escape(buf_str(&w->line), &w->cell));
		printf("%.*s\n", (int)w->cell.n, w->cell.p);
	} else {
		printf("%.*s\n", (int)w->line.n, w->line.p);
	}
}

static enum err put_entry(struct watch *w, const struct entry *entry, struct fault *fault)
{
	struct event event;

	arena_reset(&w->arena);
	const enum err e = event_decode(entry->event, &w->arena, &event, fault);
	if (e)
		return e;
	if (w->out) {
		gist_fields_put(w->out, entry->seq, entry->recorded, &event);
		out_row(w->out);
	} else if (w->format == out_jsonl) {
		put_json(w, entry);
	} else {
		put_words(w, entry, &event);
	}
	return w->e ? fault_set(fault, w->e, NULL, "event #%llu cannot be shown",
				(unsigned long long)entry->seq)
		    : ERR_OK;
}

/* What is printed is read at once; false: nobody reads. */
static bool flush(struct watch *w)
{
	return w->out ? out_flush(w->out) : fflush(stdout) == 0;
}

static int64_t clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum err keep_position(struct watch *w, const struct position *at, struct fault *fault)
{
	if (!w->position || (w->kept_seq == at->seq && w->kept))
		return ERR_OK;
	w->kept = true;
	w->kept_seq = at->seq;
	return position_store(w->position, at, fault);
}

/*
 * Print events, then keep the position behind them. With --count the last ones may be left, then the
 * position is that of the last one printed.
 */
static enum err put_events(struct watch *w, const struct entry_list *events, struct fault *fault)
{
	struct position at = *reader_position(w->reader);
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < events->n && w->left; i++) {
		e = put_entry(w, &events->v[i], fault);
		w->left -= w->left != UINT64_MAX;
		if (!w->left)
			at.seq = events->v[i].seq;
	}
	if (e)
		return e;
	if (events->n)
		w->heard_ms = clock_ms();
	if (!flush(w))
		return ERR_INTERRUPTED;
	return keep_position(w, &at, fault);
}

/* ---- where to begin ---- */

/* The last n events may come in several answers, the newest first: hold them until all are there. */
static enum err put_last(struct watch *w, uint64_t n, struct fault *fault)
{
	struct arena *a = &w->c->arena;
	struct entry *held = arena_zalloc(a, n, sizeof(*held));
	struct events slice;
	uint64_t first = n, before = 0; /* held[first] and behind it are there */
	enum err e = held ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");

	while (!e && first > 0) {
		e = reader_last(w->reader, first, before, &slice, fault);
		if (e)
			break;
		for (size_t i = slice.events.n; !e && i > 0 && first > 0; i--) {
			held[--first] = slice.events.v[i - 1];
			held[first].event = arena_str(a, held[first].event);
			if (!held[first].event.p)
				e = fault_set(fault, ERR_NO_MEMORY, NULL, "too much to hold at once");
		}
		if (slice.scanned_from <= 1 || (before && slice.scanned_from >= before))
			break;
		before = slice.scanned_from;
	}
	const struct entry_list list = { held + first, n - first };
	return e ? e : put_events(w, &list, fault);
}

/* 1h, 2d: so long ago; a day or an instant: then. In microseconds since 1970 UTC. */
static enum err since_parse(const struct cli *c, const char *text, int64_t *us, struct fault *fault)
{
	int64_t ms;
	struct when when;

	if (duration_parse(text, &ms, NULL) == ERR_OK && ms < c->now_us / 1000) {
		*us = c->now_us - ms * 1000;
		return ERR_OK;
	}
	if (when_parse(str_of(text), &when, NULL))
		return fault_set(fault, ERR_USAGE, NULL, "--since: `%s` is not a time such as 1h, 2d, "
				 "2025-01-30 or 2025-01-30T14:05:06Z", text);
	*us = when.us;
	return ERR_OK;
}

static enum err begin(struct watch *w, struct fault *fault)
{
	struct cli *c = w->c;
	struct position at = { 0 };
	uint64_t last;
	int64_t since = 0;
	bool found = false;

	enum err e = cli_number(c, "last", 0, LAST_MAX, &last, fault);
	if (!e && w->position)
		e = position_load(w->position, &at, &found, fault);
	if (!e && !found)
		e = cli_number(c, "after", 0, INT64_MAX, &at.seq, fault);
	if (e)
		return e;
	if (found || cli_given(c, "after"))
		e = reader_seek(w->reader, &at, fault);
	else if (last)
		return put_last(w, last, fault);
	else if (cli_given(c, "since")) {
		/* what is kept is a seq, which only the first answer tells */
		e = since_parse(c, cli_text(c, "since"), &since, fault);
		if (!e)
			reader_seek_time(w->reader, since);
		return e;
	}
	return e ? e : keep_position(w, reader_position(w->reader), fault);
}

/* ---- following ---- */

/* How long the next read may wait; 0: --timeout is over. */
static uint64_t wait_left_ms(const struct watch *w)
{
	if (!w->timeout_ms)
		return WATCH_WAIT_MS;
	const int64_t left = w->heard_ms + w->timeout_ms - clock_ms();
	return left <= 0 ? 0 : left < (int64_t)WATCH_WAIT_MS ? (uint64_t)left : WATCH_WAIT_MS;
}

static enum err follow(struct watch *w, struct fault *fault)
{
	struct events slice;
	enum err e = begin(w, fault);

	w->heard_ms = clock_ms();
	while (!e && w->left) {
		const uint64_t limit = w->left < WATCH_SLICE ? w->left : WATCH_SLICE;
		const uint64_t wait_ms = wait_left_ms(w);
		e = reader_next(w->reader, limit, wait_ms, &slice, fault);
		if (!e)
			e = put_events(w, &slice.events, fault);
		if (!e && !wait_ms && !slice.events.n)
			e = fault_set(fault, ERR_DEADLINE, NULL, "no event came within %s",
				      setting(&w->c->settings, setting_timeout));
	}
	/* who reads went away, and wanted no more */
	return e == ERR_INTERRUPTED && !cli_interrupted() ? ERR_OK : e;
}

static size_t terminal_columns(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		return size.ws_col;
	return 0;
}

static enum err open_out(struct watch *w, struct fault *fault)
{
	enum err e = out_format(w->c, &w->format, fault);

	if (!e && w->format == out_json && w->left == UINT64_MAX)
		e = fault_set(fault, ERR_USAGE, NULL, "-o json has an end, and watch has none: use -o "
			      "jsonl, or --count");
	if (!e && w->format != out_jsonl && w->format != out_table)
		e = out_open(w->c, fields_columns, ARRAY_LEN(fields_columns), &w->out, fault);
	if (!e && w->out && w->format != out_json && !out_flush(w->out))
		e = ERR_INTERRUPTED;
	return e;
}

static enum err run_watch(struct cli *c, struct fault *fault)
{
	struct watch w = { .c = c, .position = cli_text(c, "position"),
			   .columns = terminal_columns() };
	struct reader_options how = { .notices = true };
	struct filter filter;
	bool any;
	enum err e = filter_given(c, &filter, &any, fault);

	how.filter = any ? &filter : NULL;
	if (c->settings.v[setting_timeout].rank == rank_option)
		how.patience_ms = w.timeout_ms = cli_timeout_ms(c);
	if (!e)
		e = cli_number(c, "count", UINT64_MAX, INT64_MAX, &w.left, fault);
	if (e)
		return e;
	buf_init(&w.line, LINE_BYTES_MAX);
	buf_init(&w.cell, LINE_BYTES_MAX);
	arena_init(&w.arena, ROW_ARENA_MAX);
	e = open_out(&w, fault);
	if (!e)
		e = reader_open(c, &how, &w.reader, fault);
	if (!e)
		e = follow(&w, fault);
	/* where it ended because it could not write, that is what is said */
	const bool ended = !e || e == ERR_INTERRUPTED;
	const enum err closed = out_close(w.out, ended ? fault : NULL);
	reader_close(w.reader);
	arena_fini(&w.arena);
	buf_fini(&w.line);
	buf_fini(&w.cell);
	return ended && closed ? closed : e;
}

const struct command command_watch = {
	.name = "watch",
	.group = group_follow,
	.line = "follow what is published, as it arrives",
	.usage = "[--to PARTY] [--min AMOUNT] [--since TIME] [options]",
	.examples = (const char *const[]){ "avow watch --to openai --last 5",
					   "avow watch --to openai --min 1bn --since 1h",
					   "avow watch --kind commit,pay --currency USD --last 1 --count 1",
					   "avow watch --after 0 --position seen --count 10 -o jsonl",
					   NULL },
	.details = "Without --last, --since, --after or a position, it begins with what comes next. All that is\n"
		   "given must hold. One line an event on a terminal, TSV in a pipe; -o jsonl gives whole events.\n"
		   "It goes on after services were restarted, and misses and repeats nothing. --timeout: give up when\n"
		   "no event came for so long; without it watch waits until it is stopped.",
	.options = { filter_options, options },
	.run = run_watch,
};
