/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out: answers on stdout: rows with typed columns, as an aligned table, TSV, CSV, JSON, JSON Lines or
 * Markdown, and what a reader must know of them (the clocks) in the last line or in `meta`.
 *
 *   struct out *o;
 *   out_open(c, columns, ARRAY_LEN(columns), &o, fault);
 *   out_number(o, seq); out_text(o, slug); out_amount(o, amount);   one call a column, in order
 *   out_row(o);
 *   out_meta_text(o, "policy", "policy best", STR("best"));
 *   return out_close(o, fault);
 *
 * TSV, CSV and JSON Lines are written row by row, as they come; the others at the end. Nothing that
 * fails in between is lost: the first error is kept, and out_close returns it.
 */
#ifndef AVOW_TOOLS_OUT_H
#define AVOW_TOOLS_OUT_H

#include "tools/cmd.h"

enum out_format { out_table, out_tsv, out_csv, out_json, out_jsonl, out_md, OUT_FORMATS };
enum out_type {
	out_is_text,
	out_is_number, /* aligned right; a number in JSON */
	out_is_bool,   /* yes or empty; true or false in JSON */
	out_is_amount, /* one column for people; NAME_low, _high, _currency, _flags in TSV and CSV */
	out_is_json    /* text that is JSON already: as it is in JSON, escaped elsewhere */
};
#define OUT_COLUMNS_MAX 256u
struct out_column {
	const char *name; /* snake_case; a table's head shows it with spaces */
	enum out_type type;
	bool may_cut;	  /* on a terminal it may be cut to fit */
};
struct out;

/* The format asked for: -o, AVOW_OUTPUT, config, else table on a terminal and tsv in a pipe. */
MUST_USE enum err out_format(const struct cli *c, enum out_format *format, struct fault *fault);
/* Whether colours may be used: a terminal, no NO_COLOR, --color. `fd` 1 or 2. */
bool out_may_color(const struct cli *c, int fd);

/*
 * Begin an answer; columns must live until out_close. ERR_USAGE: no such format; ERR_IO: it is a table, and
 * this process has no locale in which UTF-8 is text.
 */
MUST_USE enum err out_open(const struct cli *c, const struct out_column *columns, size_t n,
			   struct out **out, struct fault *fault);
/* The next cell of the row. Texts are copied. */
void out_text(struct out *o, struct str s);
void out_number(struct out *o, int64_t v);
void out_bool(struct out *o, bool v);
void out_amount(struct out *o, const struct amount *a);
/* A cell that does not apply: empty, null in JSON; for any type. */
void out_none(struct out *o);
/* End the row: every column has its cell. */
void out_row(struct out *o);
/* Make what is written so far reach the reader now (watch); false: the reader went away, or an error. */
bool out_flush(struct out *o);
/*
 * What holds for the whole answer: `words` (NULL: nothing) stands in the last line of tables, joined
 * by " · "; `key` and the value in the `meta` of JSON. In TSV, CSV and JSON Lines it is not shown.
 */
void out_meta_text(struct out *o, const char *key, const char *words, struct str value);
void out_meta_number(struct out *o, const char *key, const char *words, int64_t value);
/* JSON text, put into meta as it is. */
void out_meta_json(struct out *o, const char *key, const char *words, struct str json);
/* Instead of rows in JSON: members of the one object beside `meta`, as `"a":1,"b":2`. */
void out_document(struct out *o, struct str members);
/* No last line: another table follows that has it. */
void out_continues(struct out *o);
/* What the caller could not put in; out_close returns it. */
void out_fail(struct out *o, enum err e);
/* Free without a last line or document: an error came in between. Accepts NULL. */
void out_cancel(struct out *o);
/* Print, free, and return the first error: ERR_IO, ERR_NO_MEMORY. Closes on an error too. */
MUST_USE enum err out_close(struct out *o, struct fault *fault);

/* ---- pieces, for answers that are no rows ---- */
/* A JSON string of s, with quotes; what is not valid UTF-8 becomes U+FFFD. */
MUST_USE enum err json_quote(struct str s, struct buf *out);
/* One CSV field (RFC 4180), quoted where it must be. */
MUST_USE enum err csv_quote(struct str s, struct buf *out);
/* Exact bounds for machines: decimals in major units, empty where open; flags as `approx low_excl`. */
struct amount_words {
	char low[MINOR_TEXT_SIZE], high[MINOR_TEXT_SIZE], flags[40];
};
void amount_words(const struct amount *a, struct amount_words *out);

#endif
