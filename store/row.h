/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row: a value under a key of an index, with a check over table, key and value.
 *
 * A flipped bit in an index would be a wrong figure. So behind each value stand 4 bytes made of
 * XXH3-64 over table and key, and over the value. A row that was moved under another key, or into
 * another table, is noticed as well.
 */
#ifndef AVOW_STORE_ROW_H
#define AVOW_STORE_ROW_H

#include "proto/base.h"

#define ROW_SUM_SIZE 4u

/* Write the value.n + ROW_SUM_SIZE bytes of a row. */
void row_write(unsigned table, struct str key, struct str value, char *out);
/* The value in a row, borrowed; ERR_DAMAGED where these are not the bytes that were written. */
MUST_USE enum err row_parse(unsigned table, struct str key, struct str bytes, struct str *value);

#endif
