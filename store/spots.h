/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spots: where the slabs of a store lie in its file, in memory: an event that is read by itself is found
 * without a tree, whose leaves are needed for nothing else and mostly far from the processor.
 *
 * A slab stays where it is for ever once another one has begun behind it. So what was learned stays right,
 * and the newest is never learned.
 *
 * Slabs hold about as many events as their neighbours do. So in a group of them one is found by its share of
 * the group's seqs, not halfway and halfway again through memory that is far: mostly that is one step.
 */
#ifndef AVOW_STORE_SPOTS_H
#define AVOW_STORE_SPOTS_H

#include "store/lm.h"

/* Of all of them, 12 for each slab and 4 for each group; what does not fit is looked up in the tree. */
#define SPOTS_BYTES_MAX ((size_t)96 << 20)

struct spots {
	struct spot *v; /* in order */
	uint32_t *groups; /* the first seq of each */
	size_t n;
	uint64_t next; /* the first seq of which nothing is known */
};

/* Nothing is known; it takes memory as it learns. ERR_NO_MEMORY */
MUST_USE enum err spots_init(struct spots *s);
void spots_fini(struct spots *s);
/*
 * Learn where some more of the slabs in this table of a snapshot lie. Whether there are others. What is
 * damaged is not learned, nor what lies behind it: whoever looks it up will hear of it.
 */
bool spots_learn(struct spots *s, struct lm_txn *t, unsigned table);
/* A hint that this event's will be asked for soon. */
void spots_foresee(const struct spots *s, uint64_t seq);
/* Where the slab of this event lies, and its first seq; false: it is not known. Of it no byte is looked at. */
bool spots_find(const struct spots *s, struct lm_txn *t, uint64_t seq, uint64_t *first,
		struct str *there);

#endif
