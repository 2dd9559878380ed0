/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slab: events of consecutive seqs, as they lie in one row of a store; the row's key is the first
 * seq. Rows of many events waste nearly nothing of the pages that they fill.
 *
 * Bytes (format 2), numbers most significant byte first. The bodies, one for each event:
 *  32  leaf hash, RFC 9162, in the log; a replica leaves it out
 *   n  the event bytes
 * then the frame, of 10 bytes for each event and 34 behind them:
 *   2  where its body begins   4  recorded, microseconds after the slab's
 *   4  record_sum of its body
 *   8  seq of the first   8  epoch   8  recorded of the first (microseconds UTC)   2  how many
 *   8  XXH3-64 of the frame up to here
 *
 * LMDB keeps no checksums of its own, so a bit that flips at rest would be served as truth. A flip in
 * a body makes this one event ERR_DAMAGED; one in the frame, 3 % of the bytes where events have 300,
 * makes all of its slab so.
 */
#ifndef AVOW_STORE_SLAB_H
#define AVOW_STORE_SLAB_H

#include "store/record.h"

/* A slab of more than one event fills at most so many pages of LMDB, whose header is 16 bytes. */
#define SLAB_BYTES(pages) ((pages)*4096u - 16u)
#define SLAB_PAGES_MAX 8u
#define SLAB_BYTES_MAX SLAB_BYTES(SLAB_PAGES_MAX)
#define SLAB_EVENTS_MAX 512u
#define SLAB_TABLE_ROW 10u
#define SLAB_FRAME_END 34u
/* One of a single event may be larger. */
#define SLAB_BODY_MAX (HASH_SIZE + EVENT_BYTES_MAX)
#define SLAB_ROW_MAX (SLAB_BODY_MAX + SLAB_TABLE_ROW + SLAB_FRAME_END)

/* One that is there: borrows the row. */
struct slab {
	uint64_t epoch, first;
	int64_t recorded; /* of the first */
	size_t n;	  /* events, at least one */
	bool leaves;	  /* whether bodies begin with a leaf hash */
	struct str bodies;
	const char *table;
};
/* Read the frame of the row under `first`. ERR_DAMAGED where it is not what was written. */
MUST_USE enum err slab_open(struct str row, uint64_t first, bool leaves, struct slab *out);
static inline bool slab_has(const struct slab *s, uint64_t seq)
{
	return seq >= s->first && seq - s->first < s->n;
}
/* Read and verify one event; it borrows the row. ERR_NOT_FOUND beyond the slab, ERR_DAMAGED. */
MUST_USE enum err slab_get(const struct slab *s, uint64_t seq, struct record *out);

/*
 * Hints that an event of this row will be read soon: the end of its frame, when that has come the frame, and
 * then its body begin to come into the processor's cache. What it says is believed as far as it stays within
 * the row. Where the end is awaited nothing that follows depends on it, so that those of many rows come at once.
 */
void slab_foresee(struct str row);
void slab_await(struct str row);
void slab_foresee_frame(struct str row);
void slab_foresee_body(struct str row, uint64_t first, uint64_t seq);

/* One in the making. */
struct slab_writer {
	struct slab slab; /* as far as it is; n may be 0; borrows the memory below */
	size_t bytes_max;
	char table[SLAB_EVENTS_MAX * SLAB_TABLE_ROW];
	char bodies[SLAB_BODY_MAX + SLAB_BYTES_MAX]; /* and, while it is written, the frame */
};
/* It gets at most so many bytes, SLAB_BYTES of some pages, but for a single event that is larger. */
void slab_begin(struct slab_writer *w, bool leaves, size_t bytes_max);
/* Begin with what is there already. */
void slab_resume(struct slab_writer *w, const struct slab *s, size_t bytes_max);
/*
 * Add the next event. False where it does not belong to this slab: there is no room, or its seq,
 * epoch or recorded does not go on. A slab without events takes any that EVENT_BYTES_MAX allows.
 */
bool slab_add(struct slab_writer *w, const struct record *rec);
/* The row, borrowed until the next call; there is at least one event. */
struct str slab_row(struct slab_writer *w);

#endif
