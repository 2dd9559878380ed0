/* SPDX-License-Identifier: Apache-2.0 */
/* counts: numbers under keys that one transaction changes, until they go into their table. */
#ifndef AVOW_STORE_COUNTS_H
#define AVOW_STORE_COUNTS_H

#include "proto/base.h"

struct count {
	struct str key; /* a copy */
	uint64_t number;
};
struct counts {
	struct count *v; /* in the order in which they were added */
	size_t n, max;
	uint32_t *slots; /* open addressing, at most half full: place in v and 1, or 0 */
	size_t nslots;	 /* a power of two, or 0 */
	uint64_t seed;	 /* so that nobody can choose keys that share a slot */
	struct arena keys;
};
/* Empty, without memory yet; counts_fini gives back what it comes to have. */
void counts_init(struct counts *c);
/* Accepts one that is empty. */
void counts_fini(struct counts *c);
/* Forget all; the memory stays. */
void counts_clear(struct counts *c);
/* The number under this key, to be changed in its place until the next add; NULL: none. */
uint64_t *counts_find(const struct counts *c, struct str key);
/* Add a key that is not there. ERR_NO_MEMORY. */
MUST_USE enum err counts_add(struct counts *c, struct str key, uint64_t number);

#endif
