/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: one event as it lies in a store, with the ledger's own header and its checksums.
 *
 * Bytes (format 1), numbers most significant byte first:
 *   1  format version, 1
 *   7  zero
 *   8  epoch   8  seq   8  recorded (microseconds UTC)
 *  32  leaf hash, RFC 9162 (see leaf_hash in proto/msg.h)
 *   8  XXH3-64 of everything before and the event bytes
 *   n  the event bytes
 */
#ifndef AVOW_STORE_RECORD_H
#define AVOW_STORE_RECORD_H

#include "proto/msg.h"

#define RECORD_HEAD_SIZE 72u

struct record {
	uint64_t epoch, seq;
	int64_t recorded;
	struct hash leaf;
	struct str event; /* borrowed: see who gives the record */
};
struct record_list {
	struct record *v;
	size_t n;
};
/* Write head and event to out, RECORD_HEAD_SIZE + event.n bytes; leaf must be filled in. */
void record_write(const struct record *r, char *out);
/*
 * Read and verify a stored record; `event` borrows from bytes. ERR_DAMAGED where the version,
 * the checksum or the seq is not what was written.
 */
MUST_USE enum err record_parse(struct str bytes, uint64_t seq, struct record *out);

#endif
