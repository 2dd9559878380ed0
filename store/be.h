/* SPDX-License-Identifier: Apache-2.0 */
/* be: numbers as bytes, most significant first, as everything that Avow stores holds them. */
#ifndef AVOW_STORE_BE_H
#define AVOW_STORE_BE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* Write 8 bytes. */
static inline void be64_put(void *to, uint64_t v)
{
	const uint64_t b = htobe64(v);

	memcpy(to, &b, sizeof(b));
}

/* Read 8 bytes. */
static inline uint64_t be64_get(const void *from)
{
	uint64_t b;

	memcpy(&b, from, sizeof(b));
	return be64toh(b);
}

/* Write 4 bytes. */
static inline void be32_put(void *to, uint32_t v)
{
	const uint32_t b = htobe32(v);

	memcpy(to, &b, sizeof(b));
}

/* Read 4 bytes. */
static inline uint32_t be32_get(const void *from)
{
	uint32_t b;

	memcpy(&b, from, sizeof(b));
	return be32toh(b);
}

/* Write 2 bytes. */
static inline void be16_put(void *to, uint16_t v)
{
	const uint16_t b = htobe16(v);

	memcpy(to, &b, sizeof(b));
}

/* Read 2 bytes. */
static inline uint16_t be16_get(const void *from)
{
	uint16_t b;

	memcpy(&b, from, sizeof(b));
	return be16toh(b);
}

#endif
