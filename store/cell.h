/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cell: a number under a key, in 8 bytes that know whose they are.
 *
 * The tables from id to seq and from deal to revision hold numbers; a flipped bit there would be a
 * wrong receipt. So a cell is 6 bytes of the number and 2 bytes of XXH3-64 over key and number.
 */
#ifndef AVOW_STORE_CELL_H
#define AVOW_STORE_CELL_H

#include "proto/base.h"

#define CELL_SIZE 8u
#define CELL_KEY_MAX 128u
#define CELL_MAX ((UINT64_C(1) << 48) - 1)

/* The cell of `number` (at most CELL_MAX) under `key` (at most CELL_KEY_MAX bytes). */
void cell_write(struct str key, uint64_t number, char out[CELL_SIZE]);
/* ERR_DAMAGED where these are not the bytes that were written under this key. */
MUST_USE enum err cell_parse(struct str key, struct str bytes, uint64_t *number);

#endif
