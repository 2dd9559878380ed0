/* SPDX-License-Identifier: Apache-2.0 */
/* row: a value of an index, with a check behind it. */
#include "store/row.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/be.h"

/* Two hashes added: a change of one of the two parts alone always changes the sum of 64 bits. */
static uint32_t sum_of(unsigned table, struct str key, struct str value)
{
	return (uint32_t)(XXH3_64bits_withSeed(key.p, key.n, table + 1) +
			  XXH3_64bits(value.p, value.n));
}

void row_write(unsigned table, struct str key, struct str value, char *out)
{
	if (value.n)
		memcpy(out, value.p, value.n);
	be32_put(out + value.n, sum_of(table, key, value));
}

enum err row_parse(unsigned table, struct str key, struct str bytes, struct str *value)
{
	if (bytes.n < ROW_SUM_SIZE)
		return ERR_DAMAGED;
	const struct str v = { bytes.p, bytes.n - ROW_SUM_SIZE };
	if (be32_get(v.p + v.n) != sum_of(table, key, v))
		return ERR_DAMAGED;
	*value = v;
	return ERR_OK;
}
