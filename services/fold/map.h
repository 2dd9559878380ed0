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

#endif
