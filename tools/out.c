/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out: answers on stdout. A row's cells are gathered, then written by the format: TSV, CSV and JSON
 * Lines at once, tables and JSON at the end.
 */
#include "tools/out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tools/fail.h"
#include "tools/table.h"

#define OUT_BYTES_MAX ((size_t)1 << 30) /* of an answer that is held until its end */
#define LINE_BYTES_MAX ((size_t)64 << 20)

struct cell {
	bool none;
	struct str text; /* out_is_text, out_is_json: in `texts` of the row */
	size_t at, n;	 /* where in `texts` */
	int64_t number;
	bool yes;
	struct amount amount;
};

struct out {
	enum out_format format;
	const struct out_column *columns;
	size_t ncolumns, at; /* the next cell */
	struct cell row[OUT_COLUMNS_MAX];
	struct buf texts;  /* of the row's cells */
	struct buf line;   /* a row as it is written */
	struct buf rows;   /* json: the rows so far */
	struct buf words;  /* the last line */
	struct buf meta;   /* members of meta, comma separated */
	struct table *table;
	uint64_t nrows;
	int64_t started_us;
	bool terminal, document, continues;
	enum err e;
};

static int64_t clock_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void note(struct out *o, enum err e)
{
	if (!o->e)
		o->e = e;
}

static void put(struct out *o, struct buf *b, const char *text)
{
	note(o, buf_put(b, text, strlen(text)));
}

static void put_str(struct out *o, struct buf *b, struct str s)
{
	note(o, buf_put(b, s.p, s.n));
}

/* ---- what is asked for ---- */

enum err out_format(const struct cli *c, enum out_format *format, struct fault *fault)
{
	static const char *const names[OUT_FORMATS] = { "table", "tsv", "csv", "json", "jsonl", "md" };
	const char *asked = setting(&c->settings, setting_output);

	*format = isatty(STDOUT_FILENO) ? out_table : out_tsv;
	if (!*asked)
		return ERR_OK;
	for (int i = 0; i < OUT_FORMATS; i++) {
		if (strcmp(asked, names[i]) == 0) {
			*format = (enum out_format)i;
			return ERR_OK;
		}
	}
	return fault_set(fault, ERR_USAGE, "output", "`%s` (from %s) is not table, tsv, csv, json, "
			 "jsonl or md", asked, c->settings.v[setting_output].origin);
}

bool out_may_color(const struct cli *c, int fd)
{
	const char *when = setting(&c->settings, setting_color), *no = getenv("NO_COLOR");

	if (strcmp(when, "always") == 0)
		return true;
	return strcmp(when, "never") != 0 && !(no && *no) && isatty(fd);
}

/* ---- pieces ---- */

enum err json_quote(struct str s, struct buf *out)
{
	size_t clean = 0;
	enum err e = buf_put(out, "\"", 1);

	for (size_t i = 0; !e && i < s.n;) {
		uint32_t cp = 0;
		const signed char c = (signed char)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
			i++; /* what most texts are made of */
			continue;
		}
		const size_t n = utf8_next(s.p + i, s.n - i, &cp);
		if (n && cp >= 0x20 && cp != '"' && cp != '\\' && cp != 0x7f) {
			i += n;
			continue;
		}
		e = buf_put(out, s.p + clean, i - clean);
		if (!e && n == 0)
			e = buf_put(out, "\xef\xbf\xbd", 3);
		else if (!e && (cp == '"' || cp == '\\'))
			e = buf_printf(out, "\\%c", (char)cp);
		else if (!e)
			e = buf_printf(out, "\\u%04x", (unsigned)cp);
		i += n ? n : 1;
		clean = i;
	}
	if (!e && s.n > clean)
		e = buf_put(out, s.p + clean, s.n - clean);
	return e ? e : buf_put(out, "\"", 1);
}

enum err csv_quote(struct str s, struct buf *out)
{
	bool needed = false;

	for (size_t i = 0; i < s.n && !needed; i++)
		needed = s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\n' || s.p[i] == '\r';
	if (!needed)
		return buf_put(out, s.p, s.n);
	enum err e = buf_put(out, "\"", 1);
	for (size_t i = 0; !e && i < s.n; i++)
		e = s.p[i] == '"' ? buf_put(out, "\"\"", 2) : buf_put(out, s.p + i, 1);
	return e ? e : buf_put(out, "\"", 1);
}

void amount_words(const struct amount *a, struct amount_words *out)
{
	const struct currency *c = currency_find(str_of(a->currency));
	char *p = out->flags;

	memset(out, 0, sizeof(*out));
	if (c && !a->low_open)
		minor_format(a->low, c, out->low);
	if (c && !a->high_open)
		minor_format(a->high, c, out->high);
	p = stpcpy(p, a->approx ? "approx" : "");
	if (a->low_excl)
		p = stpcpy(p, p == out->flags ? "low_excl" : " low_excl");
	if (a->high_excl)
		(void)stpcpy(p, p == out->flags ? "high_excl" : " high_excl");
}

/* ---- cells ---- */

static struct cell *next_cell(struct out *o)
{
	require(o->at < o->ncolumns);
	struct cell *cell = &o->row[o->at++];
	*cell = (struct cell){ 0 };
	return cell;
}

void out_text(struct out *o, struct str s)
{
	const enum out_type type = o->columns[o->at].type;
	struct cell *cell = next_cell(o);

	require(type == out_is_text || type == out_is_json);
	cell->at = o->texts.n;
	cell->n = s.n;
	note(o, buf_put(&o->texts, s.p, s.n));
}

void out_number(struct out *o, int64_t v)
{
	require(o->columns[o->at].type == out_is_number);
	next_cell(o)->number = v;
}

void out_bool(struct out *o, bool v)
{
	require(o->columns[o->at].type == out_is_bool);
	next_cell(o)->yes = v;
}

void out_amount(struct out *o, const struct amount *a)
{
	require(o->columns[o->at].type == out_is_amount);
	next_cell(o)->amount = *a;
}

void out_none(struct out *o)
{
	next_cell(o)->none = true;
}

/* ---- rows ---- */

/* A cell for people, escaped. */
static void put_plain(struct out *o, struct buf *b, size_t i)
{
	const struct cell *cell = &o->row[i];
	char text[AMOUNT_TEXT_SIZE];

	if (cell->none)
		return;
	switch (o->columns[i].type) {
	case out_is_number:
		note(o, buf_printf(b, "%lld", (long long)cell->number));
		break;
	case out_is_bool:
		put(o, b, cell->yes ? "yes" : "");
		break;
	case out_is_amount:
		amount_format_short(&cell->amount, text);
		put(o, b, text);
		break;
	case out_is_text:
	case out_is_json:
		note(o, text_escape(cell->text, b));
		break;
	}
}

/* One field of TSV or CSV. TSV says \t, \n and \\; CSV is exact, but escaped on a terminal. */
static void put_field(struct out *o, struct str s)
{
	struct buf b;

	buf_init(&b, LINE_BYTES_MAX);
	if (o->format == out_csv && !o->terminal) {
		note(o, csv_quote(s, &o->line));
	} else if (o->format == out_csv) {
		note(o, text_escape(s, &b));
		note(o, csv_quote(buf_str(&b), &o->line));
	} else {
		const char *slash;
		while ((slash = s.n ? memchr(s.p, '\\', s.n) : NULL)) {
			const size_t n = (size_t)(slash - s.p);
			note(o, text_escape((struct str){ s.p, n }, &o->line));
			put(o, &o->line, "\\\\");
			s.p += n + 1;
			s.n -= n + 1;
		}
		note(o, text_escape(s, &o->line));
	}
	buf_fini(&b);
}

static void separate(struct out *o)
{
	if (o->line.n)
		put(o, &o->line, o->format == out_csv ? "," : "\t");
}

static void put_amount_fields(struct out *o, const struct cell *cell, bool first)
{
	struct amount_words w = { 0 };
	const char *const fields[] = { w.low, w.high, cell->amount.currency, w.flags };

	if (!cell->none)
		amount_words(&cell->amount, &w);
	for (size_t k = 0; k < ARRAY_LEN(fields); k++) {
		if (k || !first)
			put(o, &o->line, o->format == out_csv ? "," : "\t");
		put_field(o, str_of(fields[k]));
	}
}

static void write_line(struct out *o)
{
	put(o, &o->line, "\n");
	if (!o->e && fwrite(o->line.p, 1, o->line.n, stdout) != o->line.n)
		note(o, errno == EPIPE ? ERR_INTERRUPTED : ERR_IO);
}

static void write_fields(struct out *o)
{
	for (size_t i = 0; i < o->ncolumns; i++) {
		struct buf plain;
		if (o->columns[i].type == out_is_amount) {
			put_amount_fields(o, &o->row[i], i == 0);
			continue;
		}
		if (i)
			put(o, &o->line, o->format == out_csv ? "," : "\t");
		if (o->row[i].none)
			continue;
		if (o->columns[i].type == out_is_text || o->columns[i].type == out_is_json) {
			put_field(o, o->row[i].text);
			continue;
		}
		buf_init(&plain, LINE_BYTES_MAX);
		put_plain(o, &plain, i);
		put_str(o, &o->line, buf_str(&plain));
		buf_fini(&plain);
	}
	write_line(o);
}

static void write_heads(struct out *o)
{
	static const char *const parts[] = { "low", "high", "currency", "flags" };

	for (size_t i = 0; i < o->ncolumns; i++) {
		const bool amount = o->columns[i].type == out_is_amount;
		for (size_t k = 0; k < (amount ? ARRAY_LEN(parts) : 1); k++) {
			separate(o);
			put(o, &o->line, o->columns[i].name);
			if (amount) {
				put(o, &o->line, "_");
				put(o, &o->line, parts[k]);
			}
		}
	}
	write_line(o);
	buf_clear(&o->line);
}

static void put_json_amount(struct out *o, const struct amount *a, struct buf *b)
{
	struct amount_words w;

	amount_words(a, &w);
	note(o, buf_printf(b, a->low_open ? "{\"low\":null" : "{\"low\":\"%s\"", w.low));
	note(o, buf_printf(b, a->high_open ? ",\"high\":null" : ",\"high\":\"%s\"", w.high));
	note(o, buf_printf(b, ",\"currency\":\"%s\"%s%s%s}", a->currency,
			   a->approx ? ",\"approx\":true" : "", a->low_excl ? ",\"low_excl\":true" : "",
			   a->high_excl ? ",\"high_excl\":true" : ""));
}

static void put_json_row(struct out *o, struct buf *b)
{
	for (size_t i = 0; i < o->ncolumns; i++) {
		const struct cell *cell = &o->row[i];
		note(o, buf_printf(b, "%s\"%s\":", i ? "," : "{", o->columns[i].name));
		if (cell->none) {
			put(o, b, "null");
			continue;
		}
		switch (o->columns[i].type) {
		case out_is_text:
			note(o, json_quote(cell->text, b));
			break;
		case out_is_json:
			put_str(o, b, cell->text);
			break;
		case out_is_number:
			note(o, buf_printf(b, "%lld", (long long)cell->number));
			break;
		case out_is_bool:
			put(o, b, cell->yes ? "true" : "false");
			break;
		case out_is_amount:
			put_json_amount(o, &cell->amount, b);
			break;
		}
	}
	put(o, b, "}");
}

static void put_markdown_row(struct out *o)
{
	struct buf plain;

	buf_init(&plain, LINE_BYTES_MAX);
	for (size_t i = 0; i < o->ncolumns; i++) {
		put(o, &o->line, "| ");
		buf_clear(&plain);
		put_plain(o, &plain, i);
		for (size_t k = 0; k < plain.n; k++) {
			if (plain.p[k] == '|')
				put(o, &o->line, "\\");
			put_str(o, &o->line, (struct str){ plain.p + k, 1 });
		}
		put(o, &o->line, " ");
	}
	put(o, &o->line, "|");
	write_line(o);
	buf_fini(&plain);
}

static void put_table_row(struct out *o)
{
	note(o, table_row(o->table));
	for (size_t i = 0; !o->e && i < o->ncolumns; i++) {
		buf_clear(&o->line);
		put_plain(o, &o->line, i);
		put_str(o, &o->line, (struct str){ "", 1 }); /* a zero behind the text */
		if (!o->e)
			note(o, table_cell(o->table, i, o->line.p));
	}
}

void out_row(struct out *o)
{
	require(o->at == o->ncolumns);
	o->at = 0;
	o->nrows++;
	if (o->e)
		return;
	/* only now, as the buffer may have moved while the row grew */
	for (size_t i = 0; i < o->ncolumns; i++)
		o->row[i].text = (struct str){ o->texts.p + o->row[i].at, o->row[i].n };
	buf_clear(&o->line);
	switch (o->format) {
	case out_tsv:
	case out_csv:
		write_fields(o);
		break;
	case out_jsonl:
		put_json_row(o, &o->line);
		write_line(o);
		break;
	case out_json:
		put(o, &o->rows, o->nrows > 1 ? ",\n" : "");
		put_json_row(o, &o->rows);
		break;
	case out_md:
		put_markdown_row(o);
		break;
	case out_table:
	case OUT_FORMATS:
		put_table_row(o);
		break;
	}
	buf_clear(&o->texts);
}

bool out_flush(struct out *o)
{
	if (!o->e && fflush(stdout))
		note(o, errno == EPIPE ? ERR_INTERRUPTED : ERR_IO);
	return o->e == ERR_OK;
}

/* ---- meta ---- */

static void add_words(struct out *o, const char *words)
{
	if (!words)
		return;
	put(o, &o->words, o->words.n ? " · " : "");
	note(o, text_escape(str_of(words), &o->words));
}

void out_meta_text(struct out *o, const char *key, const char *words, struct str value)
{
	note(o, buf_printf(&o->meta, "%s\"%s\":", o->meta.n ? "," : "", key));
	note(o, json_quote(value, &o->meta));
	add_words(o, words);
}

void out_meta_number(struct out *o, const char *key, const char *words, int64_t value)
{
	note(o, buf_printf(&o->meta, "%s\"%s\":%lld", o->meta.n ? "," : "", key, (long long)value));
	add_words(o, words);
}

void out_meta_json(struct out *o, const char *key, const char *words, struct str json)
{
	note(o, buf_printf(&o->meta, "%s\"%s\":", o->meta.n ? "," : "", key));
	put_str(o, &o->meta, json);
	add_words(o, words);
}

void out_document(struct out *o, struct str members)
{
	o->document = true;
	put_str(o, &o->rows, members);
}

void out_continues(struct out *o)
{
	o->continues = true;
}

void out_fail(struct out *o, enum err e)
{
	note(o, e);
}

/* ---- open and close ---- */

static void table_begin(struct out *o)
{
	note(o, table_open(o->terminal, &o->table));
	for (size_t i = 0; !o->e && i < o->ncolumns; i++) {
		const enum out_type type = o->columns[i].type;
		note(o, table_column(o->table, o->columns[i].name,
				     type == out_is_number || type == out_is_amount,
				     o->columns[i].may_cut));
	}
}

static void markdown_begin(struct out *o)
{
	for (size_t i = 0; i < o->ncolumns; i++)
		note(o, buf_printf(&o->line, "| %s ", o->columns[i].name));
	put(o, &o->line, "|\n");
	for (size_t i = 0; i < o->ncolumns; i++) {
		const enum out_type type = o->columns[i].type;
		put(o, &o->line, type == out_is_number || type == out_is_amount ? "| ---: " : "| --- ");
	}
	put(o, &o->line, "|");
	write_line(o);
	buf_clear(&o->line);
}

enum err out_open(const struct cli *c, const struct out_column *columns, size_t n, struct out **out,
		  struct fault *fault)
{
	enum out_format format;
	const enum err e = out_format(c, &format, fault);

	require(n > 0 && n <= OUT_COLUMNS_MAX);
	*out = NULL;
	if (e)
		return e;
	if (format == out_table && MB_CUR_MAX == 1) /* libsmartcols would never come to the end of it */
		return fault_set(fault, ERR_IO, NULL, "the locale C.UTF-8, without which no table can be "
				 "drawn, could not be had from the system; `-o tsv` needs none");
	struct out *o = calloc(1, sizeof(*o));
	if (!o)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	o->format = format;
	o->columns = columns;
	o->ncolumns = n;
	o->started_us = c->now_us;
	o->terminal = isatty(STDOUT_FILENO) != 0;
	buf_init(&o->texts, LINE_BYTES_MAX);
	buf_init(&o->line, LINE_BYTES_MAX);
	buf_init(&o->rows, OUT_BYTES_MAX);
	buf_init(&o->words, LINE_BYTES_MAX);
	buf_init(&o->meta, LINE_BYTES_MAX);
	if (format == out_tsv || format == out_csv)
		write_heads(o);
	else if (format == out_md)
		markdown_begin(o);
	else if (format == out_table)
		table_begin(o);
	*out = o;
	return ERR_OK;
}

/* The last line of tables for people. */
static void print_words(struct out *o)
{
	const int64_t us = clock_us() - o->started_us; /* the clock may have been set back */
	const long long ms = us > 0 ? (long long)(us / 1000) : 0;

	printf("%s%.*s%s%llu %s", o->format == out_md ? "\n" : "", (int)o->words.n,
	       o->words.p ? o->words.p : "", o->words.n ? " · " : "", (unsigned long long)o->nrows,
	       o->nrows == 1 ? "row" : "rows");
	if (o->format == out_table)
		printf(" · %lld ms", ms);
	putchar('\n');
}

static void print_json(struct out *o)
{
	const int nrows = (int)o->rows.n, nmeta = (int)o->meta.n;
	const char *rows = nrows ? o->rows.p : "", *meta = nmeta ? o->meta.p : "";

	if (o->document)
		printf("{%.*s%s\"meta\":{%.*s}}\n", nrows, rows, nrows ? "," : "", nmeta, meta);
	else
		printf("{\"rows\":[%s%.*s],\n\"meta\":{%.*s%s\"rows\":%llu}}\n", nrows ? "\n" : "",
		       nrows, rows, nmeta, meta, nmeta ? "," : "", (unsigned long long)o->nrows);
}

static void write_end(struct out *o)
{
	if (o->format == out_json)
		print_json(o);
	if (o->format == out_table && o->nrows)
		note(o, table_print(o->table));
	if ((o->format == out_table || o->format == out_md) && !o->continues)
		print_words(o);
	else if (o->format == out_md)
		putchar('\n');
}

void out_cancel(struct out *o)
{
	if (!o)
		return;
	table_close(o->table);
	buf_fini(&o->texts);
	buf_fini(&o->line);
	buf_fini(&o->rows);
	buf_fini(&o->words);
	buf_fini(&o->meta);
	free(o);
}

enum err out_close(struct out *o, struct fault *fault)
{
	if (!o)
		return ERR_OK;
	if (!o->e)
		write_end(o);
	/* a reader that went away wanted no more */
	const enum err e = o->e == ERR_INTERRUPTED ? ERR_OK : o->e;
	out_cancel(o);
	if (e == ERR_IO)
		return fault_set(fault, e, NULL, "cannot write the answer");
	if (e)
		return fault_set(fault, e, NULL, "the answer is too large to show at once");
	return ERR_OK;
}
