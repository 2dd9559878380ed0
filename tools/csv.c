/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv: hides libcsv. Lines are fed to it one by one, so that a row knows where it began; libcsv says
 * when a row is whole.
 */
#include "tools/csv.h"

#include <csv.h>
#include <stdlib.h>

#include "tools/fail.h"

/* bytes by which libcsv lets a long field grow; its own 128 copy a field without an end over and over */
#define FIELD_STEP ((size_t)64 << 10)

struct csv {
	struct csv_parser parser;
	struct lines lines;
	struct buf raw;	   /* the row so far */
	struct buf texts;  /* its fields, one behind the other */
	size_t ends[CSV_FIELDS_MAX];
	struct str fields[CSV_FIELDS_MAX];
	size_t n;
	bool whole, too_many;
	enum err e;
	uint64_t line; /* at which the row began */
	bool finished;
};

/* Spaces around a field belong to it: libcsv would trim them. */
static int is_space(unsigned char c)
{
	(void)c;
	return 0;
}

enum err csv_open(const char *name, struct csv **out, struct fault *fault)
{
	struct csv *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c || csv_init(&c->parser, CSV_EMPTY_IS_NULL)) {
		free(c);
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	}
	csv_set_space_func(&c->parser, is_space);
	csv_set_blk_size(&c->parser, FIELD_STEP);
	buf_init(&c->raw, CSV_ROW_BYTES_MAX);
	buf_init(&c->texts, CSV_ROW_BYTES_MAX);
	const enum err e = lines_open(&c->lines, name, fault);
	if (e) {
		csv_close(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

void csv_close(struct csv *c)
{
	if (!c)
		return;
	csv_free(&c->parser);
	lines_close(&c->lines);
	buf_fini(&c->raw);
	buf_fini(&c->texts);
	free(c);
}

static void on_field(void *text, size_t n, void *arg)
{
	struct csv *c = arg;
	enum err e = ERR_OK;

	if (c->n == CSV_FIELDS_MAX)
		c->too_many = true;
	else if (text)
		e = buf_put(&c->texts, text, n);
	if (!c->e)
		c->e = e;
	if (!c->too_many)
		c->ends[c->n++] = c->texts.n;
}

static void on_row(int end, void *arg)
{
	struct csv *c = arg;

	(void)end;
	c->whole = true;
}

static enum err feed(struct csv *c, struct str line, bool newline, struct fault *fault)
{
	enum err e = buf_put(&c->raw, line.p, line.n);

	if (!e && newline)
		e = buf_put(&c->raw, "\n", 1);
	if (!e) {
		const size_t from = c->raw.n - line.n - newline;
		const size_t n = line.n + newline;
		if (csv_parse(&c->parser, c->raw.p + from, n, on_field, on_row, c) != n)
			e = ERR_NO_MEMORY;
	}
	if (!e)
		e = c->e;
	if (e == ERR_NO_MEMORY)
		return fault_set(fault, e, NULL, "out of memory");
	if (e || c->too_many)
		return fault_set(fault, ERR_BAD_CSV, NULL, "the row that begins in line %llu has more "
				 "than %zu bytes or %u fields: a quote without an end?",
				 (unsigned long long)c->line, CSV_ROW_BYTES_MAX, CSV_FIELDS_MAX);
	return ERR_OK;
}

static void row_of(struct csv *c, struct csv_row *row)
{
	size_t from = 0;

	for (size_t i = 0; i < c->n; i++) {
		c->fields[i] = (struct str){ c->texts.p + from, c->ends[i] - from };
		from = c->ends[i];
	}
	row->fields = c->fields;
	row->n = c->n;
	row->line = c->line;
	row->raw = buf_str(&c->raw);
	while (row->raw.n && strchr("\r\n", row->raw.p[row->raw.n - 1]) && row->raw.p[row->raw.n - 1])
		row->raw.n--;
}

enum err csv_next(struct csv *c, struct csv_row *row, bool *more, struct fault *fault)
{
	struct str line;
	bool newline;

	buf_clear(&c->raw);
	buf_clear(&c->texts);
	c->n = 0;
	c->whole = false;
	*more = true;
	while (!c->whole) {
		bool any;
		enum err e = lines_next(&c->lines, &line, &newline, &any, fault);
		if (e == ERR_TOO_LARGE)
			e = fault_set(fault, ERR_BAD_CSV, NULL, "line %llu has more than %u bytes",
				      (unsigned long long)c->lines.number, LINE_MAX_BYTES);
		if (e)
			return e;
		if (!any && c->finished) {
			*more = false;
			return ERR_OK;
		}
		if (!any) {
			c->finished = true;
			if (csv_fini(&c->parser, on_field, on_row, c))
				return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
			continue;
		}
		if (c->raw.n == 0)
			c->line = c->lines.number;
		e = feed(c, line, newline, fault);
		if (e)
			return e;
		if (!c->whole && c->n == 0 && (line.n == 0 || (line.n == 1 && line.p[0] == '\r')) &&
		    c->raw.n == line.n + newline)
			buf_clear(&c->raw); /* an empty line between rows */
	}
	row_of(c, row);
	return ERR_OK;
}

void csv_progress(const struct csv *c, uint64_t *done, uint64_t *size)
{
	*done = c->lines.offset;
	*size = c->lines.size;
}

uint64_t csv_place(struct str raw, size_t i)
{
	uint64_t column = 1;
	bool quoted = false;

	for (size_t at = 0; at < raw.n && i; column++) {
		uint32_t cp;
		const size_t n = utf8_next(raw.p + at, raw.n - at, &cp);
		if (raw.p[at] == '"')
			quoted = !quoted;
		else if (raw.p[at] == ',' && !quoted)
			i--;
		at += n ? n : 1;
	}
	return column;
}
