/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: hides libsmartcols, which aligns. What is too wide for the terminal is cut here, the widest
 * columns first, with a `…` where something is missing.
 */
#include "tools/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/fail.h"

#define SEPARATOR "  "

struct column {
	struct libscols_column *c;
	bool right, may_cut;
	size_t width;
};
struct table {
	struct libscols_table *t;
	struct libscols_line *row;
	struct column columns[TABLE_COLUMNS_MAX];
	size_t n;
	bool fit;
};

enum err table_open(bool fit, struct table **out)
{
	struct table *t = calloc(1, sizeof(*t));

	*out = t;
	if (!t)
		return ERR_NO_MEMORY;
	t->t = scols_new_table();
	if (!t->t)
		return ERR_NO_MEMORY;
	t->fit = fit;
	/* texts come escaped; it would escape our backslashes once more */
	(void)scols_table_enable_noencoding(t->t, 1);
	if (scols_table_set_column_separator(t->t, SEPARATOR) ||
	    scols_table_set_termforce(t->t, fit ? SCOLS_TERMFORCE_AUTO : SCOLS_TERMFORCE_NEVER))
		return ERR_NO_MEMORY;
	return ERR_OK;
}

enum err table_column(struct table *t, const char *name, bool right, bool may_cut)
{
	char head[64];

	require(t->n < TABLE_COLUMNS_MAX);
	(void)snprintf(head, sizeof(head), "%s", name);
	for (char *p = head; *p; p++)
		*p = *p == '_' ? ' ' : *p;
	struct column *column = &t->columns[t->n++];
	*column = (struct column){ .right = right, .may_cut = may_cut };
	column->c = scols_table_new_column(t->t, head, 0, right ? SCOLS_FL_RIGHT : 0);
	return column->c ? ERR_OK : ERR_NO_MEMORY;
}

enum err table_row(struct table *t)
{
	t->row = scols_table_new_line(t->t, NULL);
	return t->row ? ERR_OK : ERR_NO_MEMORY;
}

enum err table_cell(struct table *t, size_t column, const char *text)
{
	char *copy = strdup(text);

	require(column < t->n && t->row);
	if (!copy)
		return ERR_NO_MEMORY;
	if (scols_line_refer_column_data(t->row, t->columns[column].c, copy)) {
		free(copy);
		return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

/* ---- fitting ---- */

static struct str text_of(struct libscols_line *line, const struct column *column)
{
	struct libscols_cell *cell = line ? scols_line_get_column_cell(line, column->c)
					  : scols_column_get_header(column->c);

	return str_of(cell ? scols_cell_get_data(cell) : NULL);
}

/* All lines, after the head, which is NULL. False: there is none any more. */
static bool next_line(struct table *t, struct libscols_iter *iter, struct libscols_line **line)
{
	return scols_table_next_line(t->t, iter, line) == 0;
}

static size_t measure(struct table *t, struct libscols_iter *iter)
{
	size_t all = t->n ? (t->n - 1) * strlen(SEPARATOR) : 0;

	for (size_t i = 0; i < t->n; i++) {
		struct libscols_line *line = NULL;
		t->columns[i].width = text_width(text_of(NULL, &t->columns[i]));
		scols_reset_iter(iter, SCOLS_ITER_FORWARD);
		while (next_line(t, iter, &line)) {
			const size_t width = text_width(text_of(line, &t->columns[i]));
			if (width > t->columns[i].width)
				t->columns[i].width = width;
		}
		all += t->columns[i].width;
	}
	return all;
}

/* Take from the widest column, one by one, down to `least`; how much is too much still. */
static size_t narrow(struct table *t, size_t over, size_t least, bool any)
{
	while (over) {
		struct column *widest = NULL;
		for (size_t i = 0; i < t->n; i++) {
			struct column *c = &t->columns[i];
			if (c->right || !(any || c->may_cut) || c->width <= least)
				continue;
			if (!widest || c->width > widest->width)
				widest = c;
		}
		if (!widest)
			break;
		widest->width--;
		over--;
	}
	return over;
}

static enum err cut(struct libscols_line *line, const struct column *column)
{
	const struct str s = text_of(line, column);

	if (text_width(s) <= column->width)
		return ERR_OK;
	const size_t n = text_prefix(s, column->width - 1);
	char *copy = malloc(n + sizeof("…"));
	if (!copy)
		return ERR_NO_MEMORY;
	memcpy(copy, s.p, n);
	memcpy(copy + n, "…", sizeof("…"));
	struct libscols_cell *cell = line ? scols_line_get_column_cell(line, column->c)
					  : scols_column_get_header(column->c);
	if (!cell || scols_cell_refer_data(cell, copy)) {
		free(copy);
		return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

/*
 * What is cut first: texts that may be, as long as they can be read; then whatever is longer than an
 * amount (`up to 12.5bn USD`); in the end everything that is no number.
 */
static const struct {
	size_t least;
	bool any;
} rounds[] = { { 10, false }, { 17, true }, { 6, false }, { 10, true }, { 3, false }, { 3, true } };

static enum err fit(struct table *t)
{
	struct libscols_iter *iter = scols_new_iter(SCOLS_ITER_FORWARD);
	const size_t have = scols_table_get_termwidth(t->t);
	enum err e = ERR_OK;

	if (!iter)
		return ERR_NO_MEMORY;
	const size_t need = measure(t, iter);
	size_t over = need > have ? need - have : 0;
	for (size_t i = 0; i < ARRAY_LEN(rounds); i++)
		over = narrow(t, over, rounds[i].least, rounds[i].any);
	for (size_t i = 0; !e && need > have && i < t->n; i++) {
		struct libscols_line *line = NULL;
		e = cut(NULL, &t->columns[i]);
		scols_reset_iter(iter, SCOLS_ITER_FORWARD);
		while (!e && next_line(t, iter, &line))
			e = cut(line, &t->columns[i]);
	}
	scols_free_iter(iter);
	return e;
}

enum err table_print(struct table *t)
{
	const enum err e = t->fit ? fit(t) : ERR_OK;

	if (e)
		return e;
	if (scols_print_table(t->t))
		return ERR_IO;
	putchar('\n');
	return ERR_OK;
}

void table_close(struct table *t)
{
	if (!t)
		return;
	scols_unref_table(t->t);
	free(t);
}
