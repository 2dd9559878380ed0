/* SPDX-License-Identifier: Apache-2.0 */
/* cell: a number under a key, with a check over both. */
#include "store/cell.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/be.h"

#define CHECK_BITS 16
#define CHECK_MASK 0xffffu

static uint64_t seal(struct str key, uint64_t number)
{
	char text[8 + CELL_KEY_MAX];

	require(key.n <= CELL_KEY_MAX && number <= CELL_MAX);
	be64_put(text, number);
	memcpy(text + 8, key.p, key.n);
	return number << CHECK_BITS | (XXH3_64bits(text, 8 + key.n) & CHECK_MASK);
}

void cell_write(struct str key, uint64_t number, char out[CELL_SIZE])
{
	be64_put(out, seal(key, number));
}

enum err cell_parse(struct str key, struct str bytes, uint64_t *number)
{
	if (bytes.n != CELL_SIZE)
		return ERR_DAMAGED;
	const uint64_t sealed = be64_get(bytes.p);
	if (sealed != seal(key, sealed >> CHECK_BITS))
		return ERR_DAMAGED;
	*number = sealed >> CHECK_BITS;
	return ERR_OK;
}
