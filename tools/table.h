/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: aligned columns on stdout, fitted to the terminal's width. Texts are copied, and must be
 * free of control characters (text_escape).
 */
#ifndef AVOW_TOOLS_TABLE_H
#define AVOW_TOOLS_TABLE_H

#include "proto/base.h"

#define TABLE_COLUMNS_MAX 256u

struct table;
/* `fit`: cut and wrap to the terminal's width; else nothing is cut. ERR_NO_MEMORY, as all below. */
MUST_USE enum err table_open(bool fit, struct table **out);
/* Add a column; underscores of its name are shown as spaces. At most TABLE_COLUMNS_MAX. */
MUST_USE enum err table_column(struct table *t, const char *name, bool right, bool may_cut);
/* Begin a row, then set its cells. */
MUST_USE enum err table_row(struct table *t);
MUST_USE enum err table_cell(struct table *t, size_t column, const char *text);
/* Print heads and rows. ERR_IO. */
MUST_USE enum err table_print(struct table *t);
/* Accepts NULL. */
void table_close(struct table *t);

#endif
