/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: one event as it lies in a store.
 *
 * LMDB keeps no checksums of its own, so a bit that flips at rest would be served as truth: each
 * record carries a checksum over all of itself, and nobody gets an event that does not match it.
 */
#include "store/record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/be.h"

#define RECORD_FORMAT 1

/* Where each part of the head begins. */
enum { AT_FORMAT = 0, AT_EPOCH = 8, AT_SEQ = 16, AT_RECORDED = 24, AT_LEAF = 32, AT_SUM = 64 };
_Static_assert(AT_SUM + 8 == RECORD_HEAD_SIZE, "the head ends with its checksum");

/* Over the head up to the checksum, and the event, as if they stood side by side. */
static uint64_t checksum(const char *head, struct str event)
{
	XXH3_state_t s;

	(void)XXH3_64bits_reset(&s);
	(void)XXH3_64bits_update(&s, head, AT_SUM);
	if (event.n)
		(void)XXH3_64bits_update(&s, event.p, event.n);
	return XXH3_64bits_digest(&s);
}

void record_write(const struct record *r, char *out)
{
	require(r->event.n <= EVENT_BYTES_MAX);
	memset(out, 0, AT_EPOCH);
	out[AT_FORMAT] = RECORD_FORMAT;
	be64_put(out + AT_EPOCH, r->epoch);
	be64_put(out + AT_SEQ, r->seq);
	be64_put(out + AT_RECORDED, (uint64_t)r->recorded);
	memcpy(out + AT_LEAF, r->leaf.b, HASH_SIZE);
	be64_put(out + AT_SUM, checksum(out, r->event));
	if (r->event.n)
		memcpy(out + RECORD_HEAD_SIZE, r->event.p, r->event.n);
}

enum err record_parse(struct str bytes, uint64_t seq, struct record *out)
{
	static const char start[AT_EPOCH] = { RECORD_FORMAT };

	/* the size first: a damaged one must not make us read beyond the store */
	if (bytes.n < RECORD_HEAD_SIZE || bytes.n > RECORD_HEAD_SIZE + EVENT_BYTES_MAX)
		return ERR_DAMAGED;
	const struct str event = { bytes.p + RECORD_HEAD_SIZE, bytes.n - RECORD_HEAD_SIZE };
	if (memcmp(bytes.p, start, sizeof(start)) != 0 || be64_get(bytes.p + AT_SEQ) != seq)
		return ERR_DAMAGED;
	if (be64_get(bytes.p + AT_SUM) != checksum(bytes.p, event))
		return ERR_DAMAGED;
	out->epoch = be64_get(bytes.p + AT_EPOCH);
	out->seq = seq;
	out->recorded = (int64_t)be64_get(bytes.p + AT_RECORDED);
	memcpy(out->leaf.b, bytes.p + AT_LEAF, HASH_SIZE);
	out->event = event;
	return ERR_OK;
}
