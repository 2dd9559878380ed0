/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow import: a CSV file to ingest, by a map.
 *
 * Rows are independent: one that cannot be taken goes to the rejects file, as it was, with its line and
 * the reason in two more columns, and the others go on. Ids are derived from what the events say, so a
 * second import, also of a part of the file or in another order, finds them there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tools/csv.h"
#include "tools/fail.h"
#include "tools/map.h"
#include "tools/out.h"
#include "tools/pipeline.h"
#include "tools/progress.h"

#define REPORTS_MAX 20u /* refusals shown; the others are only in the rejects file */
#define ROW_ARENA_MAX ((size_t)64 << 20)
#define COLUMN_LINE "avow_line"
#define COLUMN_REASON "avow_reason"

struct import_run {
	struct cli *c;
	struct map map;
	struct csv *csv;
	const char *file;
	struct pipeline *pipeline; /* NULL: --dry-run */
	struct progress progress;
	struct idmap sent;    /* ids of this run: declarations come again and again */
	struct idmap refused; /* rows by line: one is refused once, whatever becomes of its events */
	int columns[CSV_FIELDS_MAX]; /* of the CSV: which column of the map, -1: ours */
	size_t ncolumns;
	struct str header; /* as it stands, without our columns */
	FILE *rejects;
	struct str rejects_path;
	struct arena arena; /* of one row */
	uint64_t rows, rejected, copies, events, created, exists;
	enum err first_refusal;
};

/* ---- rejects ---- */

/* A row as it stood, without our columns: field by field, as some may be ours. */
static enum err put_cells(const struct import_run *r, const struct csv_row *row, struct buf *out)
{
	enum err e = ERR_OK;
	bool first = true;

	for (size_t i = 0; !e && i < row->n; i++) {
		if (i < r->ncolumns && r->columns[i] < 0)
			continue;
		if (!first)
			e = buf_put(out, ",", 1);
		first = false;
		if (!e)
			e = csv_quote(row->fields[i], out);
	}
	for (size_t i = row->n; !e && i < r->ncolumns; i++)
		if (r->columns[i] >= 0)
			e = buf_put(out, ",", 1);
	return e;
}

static enum err open_rejects(struct import_run *r, struct fault *fault)
{
	struct stat in, out;

	if (r->rejects)
		return ERR_OK;
	if (stat(r->file, &in) == 0 && stat(r->rejects_path.p, &out) == 0 && in.st_dev == out.st_dev &&
	    in.st_ino == out.st_ino)
		return fault_set(fault, ERR_USAGE, NULL, "the rejects cannot go to the file "
		"that is read; "
				 "name another with --rejects");
	r->rejects = fopen(r->rejects_path.p, "we");
	if (!r->rejects)
		return fault_set(fault, ERR_IO, NULL, "cannot write %s: %s", r->rejects_path.p,
				 strerror(errno));
	fprintf(r->rejects, "%.*s," COLUMN_LINE "," COLUMN_REASON "\n", STR_ARG(r->header));
	return ERR_OK;
}

static enum err reject(struct import_run *r, uint64_t line, struct str cells, const struct fault *why,
		       struct fault *fault)
{
	char reason[FAULT_FIELD_MAX + FAULT_TEXT_MAX + 80];
	struct buf b;

	r->rejected++;
	if (!r->pipeline)
		return ERR_OK;
	enum err e = open_rejects(r, fault);
	if (e)
		return e;
	(void)snprintf(reason, sizeof(reason), "%s: %s%s%s", err_name(why->code), why->field,
		       why->field[0] ? ": " : "", why->text);
	buf_init(&b, CSV_ROW_BYTES_MAX);
	e = csv_quote(str_of(reason), &b);
	if (!e)
		fprintf(r->rejects, "%.*s,%llu,%.*s\n", STR_ARG(cells), (unsigned long long)line,
			(int)b.n, b.p);
	buf_fini(&b);
	return e;
}

/* Show and write a refused row, once. */
static enum err refuse(struct import_run *r, uint64_t line, struct str cells, int column,
		       struct str raw, const struct fault *why, struct fault *fault)
{
	struct place place = { r->file, line, 0, { 0 } };
	struct idmap_slot *slot;
	struct id key = { { 0 } };

	memcpy(key.b + ID_SIZE - sizeof(line), &line, sizeof(line));
	enum err e = idmap_slot(&r->refused, &key, &slot);
	if (e || slot->count++)
		return e;
	if (r->rejected == 0)
		r->first_refusal = why->code;
	if (r->rejected < REPORTS_MAX) {
		if (raw.n && !memchr(raw.p, '\n', raw.n)) {
			place.text = raw;
			for (size_t i = 0; column >= 0 && i < r->ncolumns; i++)
				if (r->columns[i] == column)
					place.column = csv_place(raw, i);
		}
		progress_clear(&r->progress);
		fail_print("import", why, &place);
	}
	return reject(r, line, cells, why, fault);
}

static void on_verdict(void *arg, const struct verdict *v)
{
	struct import_run *r = arg;
	struct fault fault;

	if (v->code == ERR_OK && v->outcome == outcome_created)
		r->created++;
	else if (v->code == ERR_OK)
		r->exists++;
	else if (refuse(r, v->tag, v->context, -1, (struct str){ 0 }, v->fault, &fault))
		fail_print("import", &fault, NULL);
}

/* ---- rows ---- */

static enum err send(struct import_run *r, const struct csv_row *row, const struct map_result *made,
		     struct fault *fault)
{
	struct idmap_slot *slot;
	struct buf cells;
	enum err e = ERR_OK;

	buf_init(&cells, CSV_ROW_BYTES_MAX);
	if (r->pipeline)
		e = put_cells(r, row, &cells);
	for (size_t i = 0; !e && i < made->n; i++) {
		e = idmap_slot(&r->sent, &made->v[i].id, &slot);
		if (e || slot->count++)
			continue;
		r->events++;
		if (r->pipeline)
			e = pipeline_add(r->pipeline, made->v[i].bytes, row->line, buf_str(&cells), fault);
	}
	buf_fini(&cells);
	return e;
}

/* The row's cells in the map's order; what the map does not know was refused with the header. */
static bool arrange(const struct import_run *r, const struct csv_row *row, struct str *cells)
{
	for (size_t i = 0; i < r->map.ncolumns; i++)
		cells[i] = (struct str){ "", 0 };
	for (size_t i = 0; i < row->n && i < r->ncolumns; i++)
		if (r->columns[i] >= 0)
			cells[r->columns[i]] = row->fields[i];
	return row->n == r->ncolumns;
}

static enum err take_row(struct import_run *r, const struct csv_row *row, struct fault *fault)
{
	struct str cells[MAP_COLUMNS_MAX];
	static struct map_result made;
	struct fault why;
	int column = -1;
	enum err bad;

	r->rows++;
	arena_reset(&r->arena);
	fault_init(&why);
	if (arrange(r, row, cells))
		bad = map_events(&r->map, cells, r->c->now_us, &r->arena, &made, &column, &why);
	else
		bad = fault_set(&why, ERR_BAD_CSV, NULL, "%zu fields where the header has "
		"%zu", row->n,
				r->ncolumns);
	if (!bad) {
		r->copies += made.again;
		return send(r, row, &made, fault);
	}
	/* a row that is no longer than an event may be is not to blame for it */
	if (bad == ERR_NO_MEMORY && row->raw.n <= EVENT_BYTES_MAX)
		return fault_set(fault, bad, NULL, "out of memory");
	if (column >= 0)
		(void)snprintf(why.field, sizeof(why.field), "%.*s",
			       STR_ARG(r->map.columns[column].name));
	if (!why.text[0])
		(void)fault_set(&why, bad, why.field, "%s", err_info(bad)->text);
	why.code = bad;
	struct buf b;
	buf_init(&b, CSV_ROW_BYTES_MAX);
	bad = put_cells(r, row, &b);
	if (!bad)
		bad = refuse(r, row->line, buf_str(&b), column, row->raw, &why, fault);
	buf_fini(&b);
	return bad;
}

/* ---- the header ---- */

static const char *column_at(size_t i, const void *arg)
{
	const struct map *m = arg;

	return i < m->ncolumns ? m->columns[i].name.p : NULL; /* of the arena: zero-terminated */
}

static int column_of(const struct map *m, struct str name)
{
	for (size_t i = 0; i < m->ncolumns; i++)
		if (str_eq(m->columns[i].name, name))
			return (int)i;
	return -1;
}

static enum err take_name(struct import_run *r, struct str name, bool *seen, struct fault *fault)
{
	char text[64];
	const int column = column_of(&r->map, name);
	int *to = &r->columns[r->ncolumns++];

	*to = column;
	if (column < 0 && (str_eq(name, STR(COLUMN_LINE)) || str_eq(name, STR(COLUMN_REASON))))
		return ERR_OK;
	(void)snprintf(text, sizeof(text), "%.*s", STR_ARG(name));
	if (column < 0) {
		const char *near = nearest(text, column_at, &r->map);
		return fault_set(fault, ERR_BAD_CSV, NULL, "the map knows no column `%s`%s%s%s", text,
				 near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	if (seen[column])
		return fault_set(fault, ERR_BAD_CSV, NULL, "column `%s` stands twice", text);
	seen[column] = true;
	return ERR_OK;
}

static enum err take_header(struct import_run *r, struct fault *fault)
{
	bool seen[MAP_COLUMNS_MAX] = { false }, more;
	struct csv_row row;
	struct buf b;
	enum err e = csv_next(r->csv, &row, &more, fault);

	if (!e && !more)
		e = fault_set(fault, ERR_BAD_CSV, NULL, "%s is empty: a header is "
		"missing", r->file);
	if (e)
		return e;
	if (row.n && row.fields[0].n >= 3 && memcmp(row.fields[0].p, "\xef\xbb\xbf", 3) == 0) {
		row.fields[0].p += 3; /* a byte order mark */
		row.fields[0].n -= 3;
	}
	for (size_t i = 0; !e && i < row.n; i++)
		e = take_name(r, row.fields[i], seen, fault);
	for (size_t i = 0; !e && i < r->map.ncolumns; i++)
		if (!seen[i])
			e = fault_set(fault, ERR_BAD_CSV, NULL, "column `%s` is missing",
				      r->map.columns[i].name.p);
	if (e)
		return e;
	buf_init(&b, CSV_ROW_BYTES_MAX);
	e = put_cells(r, &row, &b);
	r->header = arena_str(&r->c->arena, buf_str(&b));
	buf_fini(&b);
	return !e && !r->header.p ? ERR_NO_MEMORY : e;
}

/* ---- the whole ---- */

static enum err import_all(struct import_run *r, struct fault *fault)
{
	struct csv_row row;
	bool more = true;
	uint64_t done, size;
	enum err e = take_header(r, fault);

	if (e)
		return e;
	while (!e) {
		e = csv_next(r->csv, &row, &more, fault);
		if (e || !more)
			break;
		e = take_row(r, &row, fault);
		csv_progress(r->csv, &done, &size);
		progress_show(&r->progress, r->rows, done, size);
		if (!e && cli_interrupted())
			e = fault_set(fault, ERR_INTERRUPTED, NULL, "interrupted");
	}
	/* what was taken before the file turned out broken is sent all the same */
	if (r->pipeline && (!e || e == ERR_BAD_CSV)) {
		struct fault sending;
		fault_init(&sending);
		const enum err bad = pipeline_finish(r->pipeline, &sending);
		if (!e && bad)
			*fault = sending;
		e = e ? e : bad;
	}
	progress_clear(&r->progress);
	return e;
}

static enum err print_summary(struct import_run *r, struct fault *fault)
{
	static const struct out_column columns[] = {
		{ "rows", out_is_number, false },     { "accepted", out_is_number, false },
		{ "rejected", out_is_number, false }, { "copies", out_is_number, false },
		{ "events", out_is_number, false },   { "created", out_is_number, false },
		{ "exists", out_is_number, false },
	};
	struct out *o;
	const enum err e = out_open(r->c, columns, ARRAY_LEN(columns), &o, fault);

	if (e)
		return e;
	out_number(o, (int64_t)r->rows);
	out_number(o, (int64_t)(r->rows - r->rejected));
	out_number(o, (int64_t)r->rejected);
	out_number(o, (int64_t)r->copies);
	out_number(o, (int64_t)r->events);
	out_number(o, (int64_t)r->created);
	out_number(o, (int64_t)r->exists);
	out_row(o);
	if (!r->pipeline)
		out_meta_text(o, "dry_run", "dry run: nothing was written", STR("yes"));
	return out_close(o, fault);
}

/* Where a map is: a path, or the name of one that is installed. */
static enum err find_map(struct cli *c, struct str *path, struct fault *fault)
{
	const char *name = cli_text(c, "map");
	struct stat st;

	if (!name)
		return fault_set(fault, ERR_USAGE, NULL, "--map is missing: avow import FILE "
		"--map MAP");
	*path = str_of(name);
	if (stat(name, &st) && !strchr(name, '/')) {
		const struct str there = arena_printf(&c->arena, AVOW_MAPS_DIR "/%s.map", name);
		if (!there.p)
			return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
		if (stat(there.p, &st) == 0)
			*path = there;
	}
	return ERR_OK;
}

enum err map_open_for(struct cli *c, struct map *m, struct fault *fault)
{
	struct str path = { 0 };
	int line = 0;
	enum err e = find_map(c, &path, fault);

	if (e)
		return e;
	e = map_open(path.p, m, &line, fault);
	if (e && line) {
		const struct place place = { path.p, (uint64_t)line, 0, { 0 } };
		fault->code = e;
		fail_print(c->cmd->name, fault, &place);
		fault->text[0] = 0; /* it is said */
	}
	return e;
}

static enum err import_open(struct import_run *r, struct fault *fault)
{
	struct cli *c = r->c;
	const char *rejects = cli_text(c, "rejects");
	const size_t n = strlen(r->file);
	const bool csv = n > 4 && strcmp(r->file + n - 4, ".csv") == 0;

	r->rejects_path = rejects ? str_of(rejects)
				  : arena_printf(&c->arena, "%.*s.rejects.csv",
						 (int)(csv ? n - 4 : n),
						 strcmp(r->file, "-") ? r->file : "stdin");
	if (!r->rejects_path.p)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	enum err e = map_open_for(c, &r->map, fault);
	if (!e)
		e = csv_open(r->file, &r->csv, fault);
	if (!e && !cli_flag(c, "dry-run"))
		e = pipeline_open(setting(&c->settings, setting_ingest), cli_timeout_ms(c), on_verdict,
				  r, &r->pipeline, fault);
	return e;
}

static enum err settle(struct import_run *r, struct fault *fault)
{
	if (!r->rejected)
		return ERR_OK;
	if (r->rejected > REPORTS_MAX)
		fprintf(stderr, "avow import: and %llu more\n",
			(unsigned long long)(r->rejected - REPORTS_MAX));
	if (r->rejects)
		fprintf(stderr, "avow import: %llu rows rejected, see %s; mend them there and "
		"import it\n",
			(unsigned long long)r->rejected, r->rejects_path.p);
	fault_init(fault); /* everything was said */
	return r->rejected < r->rows ? ERR_PARTLY : r->first_refusal;
}

static enum err explain_end(const struct import_run *r, enum err e, struct fault *fault)
{
	char why[FAULT_TEXT_MAX];

	if (!fault->text[0])
		return e;
	(void)snprintf(why, sizeof(why), "%.150s", fault->text);
	return fault_set(fault, e, fault->field[0] ? fault->field : NULL, "%s; %llu rows were "
		"read; import "
			 "it again, nothing is written twice", why, (unsigned long long)r->rows);
}

static enum err run_import(struct cli *c, struct fault *fault)
{
	static struct import_run r; /* large */

	r = (struct import_run){ .c = c, .file = cli_word(c, 0) };
	arena_init(&r.arena, ROW_ARENA_MAX);
	progress_begin(&r.progress, "rows");
	enum err e = import_open(&r, fault);
	if (!e) {
		struct fault printing;
		e = import_all(&r, fault);
		if (e && r.rows)
			e = explain_end(&r, e, fault);
		fault_init(&printing);
		const enum err bad = r.rows || !e ? print_summary(&r, &printing) : ERR_OK;
		if (!e && bad)
			*fault = printing;
		e = e ? e : bad;
	}
	if (r.rejects && (ferror(r.rejects) | fclose(r.rejects)) && !e)
		e = fault_set(fault, ERR_IO, NULL, "cannot write %s", r.rejects_path.p);
	if (!e)
		e = settle(&r, fault);
	pipeline_close(r.pipeline);
	csv_close(r.csv);
	map_close(&r.map);
	idmap_fini(&r.sent);
	idmap_fini(&r.refused);
	arena_fini(&r.arena);
	return e;
}

static const struct opt options[] = {
	{ "map", 0, opt_text, "MAP", NULL, "Which columns make which events: a file, or one "
		"that is installed." },
	{ "rejects", 0, opt_text, "FILE", NULL, "Where rows that cannot be taken go; "
		"FILE.rejects.csv where absent." },
	{ "dry-run", 0, opt_flag, NULL, NULL, "Check every row and count; write nothing." },
	OPT_END
};

const struct command command_import = {
	.name = "import",
	.group = group_write,
	.line = "publish the rows of a CSV file as events, by a map",
	.usage = "FILE | - --map MAP [--rejects FILE] [--dry-run]",
	.examples = (const char *const[]){
		"avow import acquisitions.csv --map crunchbase-2015 --dry-run",
		"avow import acquisitions.csv --map tools/maps/crunchbase-2015.map",
		"avow import acquisitions.rejects.csv --map crunchbase-2015", NULL },
	.details =
		"A row that cannot be taken goes to the rejects file, with its line and the "
		"reason in two more\n"
		"columns (avow_line, avow_reason). Mend it there and import that file: these "
		"columns are\n"
		"ignored. Importing again, the whole or a part, adds nothing: ids are derived "
		"from the map's\n"
		"name and from what the events say. `avow export --map MAP -o csv` gives the "
		"rows back.\n\n"
		"A map, in short:\n"
		"  [map]\n"
		"  name = my-deals            ; ids are derived from it: never change it\n"
		"  tag = my-deals             ; every event gets it; export finds the rows by it\n"
		"  duplicates = copy          ; the same row again: copy (shown, not counted), "
		"skip, reject\n"
		"  [columns]                  ; all of them in order, each with its checks\n"
		"  buyer = required max:512   ; required, max:BYTES, starts:TEXT, decimal, "
		"currency, date,\n"
		"  date = date:1990-01-01..2015-12-31\n"
		"  price = decimal\n"
		"  [defaults]                 ; fields that every event has\n"
		"  source.publisher = My list\n"
		"  stated = {date|day}\n"
		"  [event payment]            ; one event a row; as many sections as you need\n"
		"  when = price, !cancelled   ; only if price is not empty and cancelled is\n"
		"  kind = pay\n"
		"  deal = {buyer} {date}      ; fields that are slugs get one made of their text\n"
		"  from = {buyer|trim}\n"
		"  amount = {price} {currency|default:USD}\n"
		"  row = note                 ; this event keeps the whole row\n"
		"Filters: trim, lower, upper, strip:PREFIX, default:TEXT, split:SEPARATOR (bar "
		"for |), day,\n"
		"day:dmy, day:mdy. A field is left out where one of its columns is empty.",
	.options = { options, NULL },
	.args_min = 1,
	.args_max = 1,
	.run = run_import,
};
