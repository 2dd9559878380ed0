/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fresh: ids, each with a number, found at once: those of one transaction with their seqs, until they go into
 * their table; those of one publish with their places in it.
 */
#ifndef AVOW_STORE_FRESH_H
#define AVOW_STORE_FRESH_H

#include "store/ids.h"

#define FRESH_MAX ((1u << 20) - 1)
struct fresh {
	struct id_place *v; /* in the order in which they were added */
	struct id_place *spare; /* as many, to sort them with */
	size_t n, max;
	uint32_t *slots; /* open addressing, at most half full: see fresh.c */
	size_t nslots;	 /* a power of two, or 0 */
	uint64_t seed;	 /* so that nobody can choose ids that share a slot */
};
/* Empty, without memory yet; fresh_fini gives back what it comes to have. */
void fresh_init(struct fresh *f);
/* Accepts one that is empty. */
void fresh_fini(struct fresh *f);
/* Forget all; the memory stays. */
void fresh_clear(struct fresh *f);
/* ERR_INTERNAL: it is there already; ERR_NO_MEMORY, also where FRESH_MAX are there. */
MUST_USE enum err fresh_add(struct fresh *f, const struct id *id, uint64_t seq);
/* Whether it is there, and its seq. */
bool fresh_find(const struct fresh *f, const struct id *id, uint64_t *seq);
/*
 * All in the order of their ids, borrowed until the next call. None is found or added behind it, before
 * fresh_clear.
 */
const struct id_place *fresh_sorted(struct fresh *f);

#endif
