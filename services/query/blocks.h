/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks: the facts of a home, many to a row, in order of (stated, seq).
 *
 * A row for each fact would cost a step of the cursor for each, which is most of what an answer
 * costs. The key of a block says from which place in the order on its facts are; the first of a home
 * has no place in its key and takes whatever comes before the second. So keys never change, and a
 * block that is full gives its upper half, or only the newest fact, to a block of its own.
 *
 * Bytes of a block, one after the other: size of the rest (2), stated (8), seq (8), the fact; numbers
 * least significant byte first.
 */
#ifndef AVOW_SERVICES_QUERY_BLOCKS_H
#define AVOW_SERVICES_QUERY_BLOCKS_H

#include "services/query/rows.h"

/* Bytes; four of them fit on a page of LMDB. A larger fact has a block of its own. */
#define BLOCK_SIZE_MAX 960u

/* Put a fact where it belongs, inside a transaction. */
MUST_USE enum err blocks_put(struct replica *r, struct place place, const struct fact *f);

/*
 * A walk through the facts of a home that were stated before some instant. Walks one after the other
 * share a cursor, which is opened by the first one (all zero before) and closed by the caller: homes
 * that lie next to each other are then walked through without a new search.
 */
struct walk {
	struct cursor *c;
	struct row_key prefix;
	struct str rest; /* of the block in hand */
	bool standing;	 /* the cursor stands on the next block already */
	int64_t stated_end;
};
/* In order; from the first. */
MUST_USE enum err walk_begin(struct replica *r, struct cursor *c, struct place place,
			     int64_t stated_end, struct walk *out);
/* The next one: its bytes are for fact_read, and borrowed. ERR_NOT_FOUND behind the last. */
MUST_USE enum err walk_next(struct walk *w, int64_t *stated, uint64_t *seq, struct str *bytes);

#endif
