/* SPDX-License-Identifier: Apache-2.0 */
/* map: from numbers that are not 0 to numbers, in an arena. */
#ifndef AVOW_FOLD_MAP_H
#define AVOW_FOLD_MAP_H

#include "proto/base.h"

struct map_slot {
	uint64_t key, value;
};
/* All zero: empty. */
struct map {
	struct map_slot *v;
	size_t cap, n; /* cap is a power of two, or 0 */
};
/* The value of a key, to be read or changed (valid until the next put); NULL: not there. */
uint64_t *map_find(const struct map *m, uint64_t key);
/* Replaces the value of a key that is there. ERR_NO_MEMORY */
MUST_USE enum err map_put(struct map *m, struct arena *a, uint64_t key, uint64_t value);

/*
 * A set of numbers that may take others for its own, but seldom, and says no within a nanosecond: to
 * be asked before a map that nearly all keys are not in.
 */
struct sieve {
	uint64_t *bits;
	unsigned shift; /* 64 - shift bits of a hash are used */
};
/* For about n numbers, empty. ERR_NO_MEMORY */
MUST_USE enum err sieve_make(struct sieve *s, struct arena *a, size_t n);
/* The bit of a number. */
static inline uint64_t sieve_place(const struct sieve *s, uint64_t number)
{
	return number * UINT64_C(0x9e3779b97f4a7c15) >> s->shift;
}
/* Put a number in. */
static inline void sieve_add(struct sieve *s, uint64_t number)
{
	const uint64_t place = sieve_place(s, number);

	s->bits[place / 64] |= UINT64_C(1) << place % 64;
}
/* False: surely not in it. */
static inline bool sieve_has(const struct sieve *s, uint64_t number)
{
	const uint64_t place = sieve_place(s, number);

	return s->bits[place / 64] >> place % 64 & 1;
}

#endif
