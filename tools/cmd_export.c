/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow export: every event that matches, once, in order, exact and complete. It reads the feed in
 * slices, so that its memory does not grow, up to what the ledger held when it began, also where the
 * query service has not caught up with it yet.
 */
#include <stdio.h>
#include <unistd.h>

#include "tools/export_map.h"
#include "tools/fail.h"
#include "tools/filter.h"
#include "tools/flat.h"
#include "tools/out.h"
#include "tools/progress.h"
#include "tools/question.h"
#include "tools/reader.h"

#define EXPORT_SLICE 5000u
#define LINE_BYTES_MAX ((size_t)4 << 20)
#define ROW_ARENA_MAX ((size_t)64 << 20)

struct export {
	bool csv, terminal;
	struct flat flat;
	struct buf line, cell;
	struct arena arena; /* for one event */
	uint64_t count;
};

static const struct opt options[] = {
	{ "after", 0, opt_text, "SEQ", NULL, "Only events with a greater seq." },
	{ "at-seq", 0, opt_text, "SEQ", NULL, "Only events up to this one; else what the ledger holds "
					      "when it begins." },
	OPT_END
};

/* ---- writing ---- */

static enum err put_line(struct export *x)
{
	enum err e;

	if (x->terminal) {
		buf_clear(&x->cell);
		e = text_escape(buf_str(&x->line), &x->cell);
		if (!e)
			e = buf_put(&x->cell, "\n", 1);
		if (!e)
			(void)fwrite(x->cell.p, 1, x->cell.n, stdout);
		return e;
	}
	e = buf_put(&x->line, "\n", 1);
	/* whether it could be written is asked once a slice */
	if (!e)
		(void)fwrite(x->line.p, 1, x->line.n, stdout);
	return e;
}

static enum err put_csv_head(struct export *x)
{
	enum err e = buf_printf(&x->line, "seq,epoch,recorded");

	for (size_t i = 0; !e && i < x->flat.n; i++)
		e = buf_printf(&x->line, ",%s", x->flat.v[i].name);
	return e ? e : put_line(x);
}

static enum err put_csv(struct export *x, const struct entry *entry, struct fault *fault)
{
	char recorded[TIME_TEXT_SIZE];
	struct event event;
	bool has;
	enum err e = event_decode(entry->event, &x->arena, &event, fault);

	if (e)
		return e;
	time_format(entry->recorded, recorded);
	e = buf_printf(&x->line, "%llu,%llu,%s", (unsigned long long)entry->seq,
		       (unsigned long long)entry->epoch, recorded);
	for (size_t i = 0; !e && i < x->flat.n; i++) {
		buf_clear(&x->cell);
		e = flat_put(&x->flat.v[i], &event, &has, &x->cell);
		if (!e)
			e = buf_put(&x->line, ",", 1);
		if (!e)
			e = csv_quote(buf_str(&x->cell), &x->line);
	}
	return e ? fault_set(fault, e, NULL, "event #%llu is too large for a row",
			     (unsigned long long)entry->seq)
		 : ERR_OK;
}

static enum err put_entry(struct export *x, const struct entry *entry, struct fault *fault)
{
	enum err e;

	arena_reset(&x->arena);
	buf_clear(&x->line);
	if (x->csv) {
		e = put_csv(x, entry, fault);
	} else {
		e = json_write_entry(entry, &x->arena, &x->line);
		if (e)
			(void)fault_set(fault, e, NULL, "event #%llu cannot be written as JSON",
					(unsigned long long)entry->seq);
	}
	if (!e)
		e = put_line(x);
	x->count++;
	return e;
}

/* ---- reading ---- */

static enum err put_slice(struct export *x, const struct events *slice, struct fault *fault)
{
	for (size_t i = 0; i < slice->events.n; i++) {
		const enum err e = put_entry(x, &slice->events.v[i], fault);
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum err export_all(struct export *x, struct reader *r, uint64_t end, struct fault *fault)
{
	const uint64_t from = reader_position(r)->seq;
	struct progress progress;
	struct events slice;
	enum err e = ERR_OK;

	progress_begin(&progress, "events");
	/* what could not be written ends it; main says why, or nothing where nobody reads */
	while (!e && !ferror(stdout) && reader_position(r)->seq < end) {
		e = reader_until(r, end, EXPORT_SLICE, &slice, fault);
		if (!e)
			e = put_slice(x, &slice, fault);
		if (!x->terminal)
			progress_show(&progress, x->count, reader_position(r)->seq - from, end - from);
	}
	progress_clear(&progress);
	/* nobody reads any more: no fault */
	return e == ERR_INTERRUPTED && !cli_interrupted() ? ERR_OK : e;
}

static enum err find_range(struct cli *c, struct position *after, uint64_t *end,
			   struct fault *fault)
{
	uint64_t head;
	enum err e = cli_number(c, "after", 0, INT64_MAX, &after->seq, fault);

	if (!e)
		e = ledger_head(c, &head, fault);
	if (!e)
		e = cli_number(c, "at-seq", head, INT64_MAX, end, fault);
	if (!e && *end > head) {
		fault->actual = (int64_t)head;
		return fault_set(fault, ERR_POSITION_IN_FUTURE, "at-seq",
				 "the ledger has not come to #%llu yet", (unsigned long long)*end);
	}
	return e;
}

/* Only forms that hold all of an event; what is set for other commands does not count. */
static enum err choose_format(const struct cli *c, bool *csv, struct fault *fault)
{
	const char *asked = setting(&c->settings, setting_output);
	const bool given = c->settings.v[setting_output].rank == rank_option;

	*csv = strcmp(asked, "csv") == 0;
	if (given && !*csv && strcmp(asked, "jsonl") != 0)
		return fault_set(fault, ERR_USAGE, NULL, "-o: `%s` cannot hold whole events; use jsonl or "
				 "csv", asked);
	return ERR_OK;
}

static enum err run_map(struct cli *c, struct fault *fault)
{
	struct filter filter;
	bool any;
	const enum err e = filter_given(c, &filter, &any, fault);

	if (!e && (any || cli_given(c, "after") || cli_given(c, "at-seq")))
		return fault_set(fault, ERR_USAGE, NULL, "--map gives all rows of an import, and takes no "
				 "other selection");
	return e ? e : export_map(c, fault);
}

static enum err run_export(struct cli *c, struct fault *fault)
{
	struct export x = { .terminal = isatty(STDOUT_FILENO) != 0 };
	struct reader_options how = { .patience_ms = cli_timeout_ms(c), .notices = true };
	struct position after = { 0 };
	struct reader *r = NULL;
	struct filter filter;
	uint64_t end = 0;
	bool any = false;

	if (cli_given(c, "map"))
		return run_map(c, fault);
	enum err e = choose_format(c, &x.csv, fault);
	if (!e)
		e = filter_given(c, &filter, &any, fault);
	how.filter = any ? &filter : NULL;
	if (!e)
		e = find_range(c, &after, &end, fault);
	if (!e)
		e = reader_open(c, &how, &r, fault);
	if (!e)
		e = reader_seek(r, &after, fault);
	flat_init(&x.flat);
	buf_init(&x.line, LINE_BYTES_MAX);
	buf_init(&x.cell, LINE_BYTES_MAX);
	arena_init(&x.arena, ROW_ARENA_MAX);
	if (!e && x.csv)
		e = put_csv_head(&x);
	if (!e)
		e = export_all(&x, r, end, fault);
	buf_fini(&x.line);
	buf_fini(&x.cell);
	arena_fini(&x.arena);
	reader_close(r);
	return e;
}

const struct command command_export = {
	.name = "export",
	.group = group_read,
	.line = "events as they are in the ledger, as JSON Lines or CSV",
	.usage = "[--deal DEAL] [-o jsonl|csv] [options]",
	.examples = (const char *const[]){ "avow export > all.jsonl",
					   "avow export --deal stargate -o csv > stargate.csv",
					   "avow export --to openai --kind pay,commit --at-seq 155",
					   "avow export --map crunchbase-2015.map -o csv > again.csv",
					   NULL },
	.details = "JSON Lines is exact and complete: `avow publish` of it writes nothing twice. Each line is an\n"
		   "event with its seq, epoch and recorded time. In CSV, amounts are decimals in major units and an\n"
		   "open bound is empty; items of lists are joined by `;`, and a `;` or `\\` in one has a `\\` before\n"
		   "it. Without -o it is JSON Lines.",
	.options = { filter_options, options, export_map_options },
	.run = run_export,
};
