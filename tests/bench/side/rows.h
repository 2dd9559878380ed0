/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: rows at the end of a table of LMDB, under numbers that grow, and nothing else: no ids, no
 * checks, no hashes. Default flags, as the log has them: what is committed is on the disk. Whatever
 * fails ends the program with words on stderr.
 */
#ifndef AVOW_TESTS_SIDE_ROWS_H
#define AVOW_TESTS_SIDE_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct rows;

/* `dir` is new, or was made by the same call before. */
struct rows *rows_open(const char *dir);
void rows_close(struct rows *r);
/* The number of the next row. */
uint64_t rows_next(const struct rows *r);
/* A transaction, rows in it, and its end. */
void rows_begin(struct rows *r);
void rows_put(struct rows *r, const char *bytes, size_t n);
void rows_commit(struct rows *r);

#endif
