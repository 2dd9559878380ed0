/* SPDX-License-Identifier: Apache-2.0 */
/* csv: a CSV file row by row (RFC 4180), with the line that each begins at and its raw bytes. */
#ifndef AVOW_TOOLS_CSV_H
#define AVOW_TOOLS_CSV_H

#include "tools/lines.h"

#define CSV_FIELDS_MAX 1024u
#define CSV_ROW_BYTES_MAX ((size_t)4 << 20)

struct csv_row {
	struct str *fields; /* all borrowed until the next csv_next */
	size_t n;
	uint64_t line; /* where it begins, from 1 */
	struct str raw; /* as it stands in the file, without its last end of line */
};
struct csv;
/* "-" is stdin. ERR_IO. */
MUST_USE enum err csv_open(const char *name, struct csv **out, struct fault *fault);
/* Accepts NULL. */
void csv_close(struct csv *c);
/*
 * The next row that is not empty. *more false: there is none. ERR_BAD_CSV: a row of more than
 * CSV_ROW_BYTES_MAX bytes or CSV_FIELDS_MAX fields, where a quote may have no end; nothing can be
 * read behind it. ERR_IO.
 */
MUST_USE enum err csv_next(struct csv *c, struct csv_row *row, bool *more, struct fault *fault);
/* For progress: bytes read, and of how many. */
void csv_progress(const struct csv *c, uint64_t *done, uint64_t *size);
/* The column, in characters from 1, at which field i of a raw row of one line begins. */
uint64_t csv_place(struct str raw, size_t i);

#endif
