/* SPDX-License-Identifier: Apache-2.0 */
/* table: hides libsmartcols. */
#include "tools/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

struct table {
	struct libscols_table *t;
	struct libscols_line *row;
	struct libscols_column *columns[TABLE_COLUMNS_MAX];
	size_t n;
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
	if (scols_table_set_column_separator(t->t, "  ") ||
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
	t->columns[t->n] = scols_table_new_column(t->t, head, 0, (right ? SCOLS_FL_RIGHT : 0) |
								     (may_cut ? SCOLS_FL_TRUNC : 0));
	return t->columns[t->n++] ? ERR_OK : ERR_NO_MEMORY;
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
	if (scols_line_refer_column_data(t->row, t->columns[column], copy)) {
		free(copy);
		return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

enum err table_print(struct table *t)
{
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
