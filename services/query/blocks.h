/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks: the facts of a home, many to a row, in order of (stated, seq).
 *
 * A row for each fact would cost a step of the cursor for each, which is most of what an answer
 * costs. The key of a block says from which place in the order on its facts are; the first of a home
 * has no place in its key and takes whatever comes before the second. So keys never change, and a
 * block that is full gives its upper half, or only the newest fact, to a block of its own.
 *
 * Bytes of a block: how many facts (2), how many of them name no other deal than the home's own (2),
 * 1 where another block of the home follows, else 0 (4), the greatest of their seqs (8), then the
 * facts in order, one after the other, each as: its size, these two bytes included, and 32768 where
 * it has a time of day (2); day of `stated` (4); seq (6); microseconds of the day where it has a time
 * (8); the fact. Numbers least significant byte first.
 */
#ifndef AVOW_SERVICES_QUERY_BLOCKS_H
#define AVOW_SERVICES_QUERY_BLOCKS_H

#include "services/query/rows.h"

/* Bytes; at least four of them fit on a page of LMDB. A larger fact has a block of its own. */
#define BLOCK_SIZE_MAX 960u

/* An item of a block: size, day, seq; see above. */
#define ITEM_HEAD 12u
#define ITEM_TIME 0x8000u /* in the size: the time of day follows */
#define ITEM_SEQ_BITS 48u
/* A fact where it lies: its bytes are for fact_read, and borrowed. */
struct item {
	int64_t stated;
	uint64_t seq;
	struct str bytes;
};
/* Reads the item at *at, and goes behind it; false: these are no items. */
static inline bool item_read(const char **at, const char *end, struct item *out)
{
	const char *p = *at;
	uint16_t size;
	int32_t day;
	int64_t time = 0;

	if (end - p < (ptrdiff_t)(ITEM_HEAD + FACT_SIZE_MIN))
		return false;
	memcpy(&size, p, sizeof(size));
	const size_t n = ITEM_HEAD + (size & ITEM_TIME ? sizeof(time) : 0);
	const size_t all = size & ~ITEM_TIME;
	if (all < n || all > (size_t)(end - p))
		return false;
	memcpy(&day, p + 2, sizeof(day));
	memcpy(&out->seq, p + 6, sizeof(out->seq));
	out->seq &= (UINT64_C(1) << ITEM_SEQ_BITS) - 1;
	if (size & ITEM_TIME)
		memcpy(&time, p + ITEM_HEAD, sizeof(time));
	/* what was written fits; whatever else lies there must not overflow */
	out->stated = (int64_t)((uint64_t)day * (uint64_t)US_PER_DAY + (uint64_t)time);
	out->bytes = (struct str){ p + n, all - n };
	*at = p + all;
	return true;
}

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
	const char *at, *end; /* what is left of the block in hand */
	bool standing;	      /* the cursor stands on the next block already */
	bool more;	      /* there may be another block */
	int64_t stated_end;
};
/* In order; from the first. */
MUST_USE enum err walk_begin(struct replica *r, struct cursor *c, struct place place,
			     int64_t stated_end, struct walk *out);
/* Go to the next block of the home. ERR_NOT_FOUND behind the last, ERR_DAMAGED */
MUST_USE enum err walk_block(struct walk *w);
/* The next one. ERR_NOT_FOUND behind the last, ERR_DAMAGED */
MUST_USE static inline enum err walk_next(struct walk *w, struct item *out)
{
	if (w->at == w->end)
		TRY(walk_block(w));
	if (!item_read(&w->at, w->end, out))
		return ERR_DAMAGED;
	return out->stated < w->stated_end ? ERR_OK : ERR_NOT_FOUND; /* and so are all that follow */
}
/* How many facts a home holds, by the heads of its blocks. */
struct walk_counts {
	uint64_t all;
	uint64_t most; /* at least as many as the walk would give */
	uint64_t own;  /* whenever stated, of a seq up to at_seq, that name no other deal than the home's own */
};
/* Of a walk that has just begun, and ends with it. ERR_DAMAGED */
MUST_USE enum err walk_count(struct walk *w, uint64_t at_seq, struct walk_counts *out);

#endif
