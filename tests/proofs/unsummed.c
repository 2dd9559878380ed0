/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unsummed: linked into a mutant of `flips` in the place of record_parse (--wrap), it takes every
 * record for right: the mistake that P9 must catch.
 */
#include "store/be.h"
#include "store/record.h"

/* record_parse without a look at version, seq and checksum. */
enum err __wrap_record_parse(struct str bytes, uint64_t seq, struct record *out);
enum err __wrap_record_parse(struct str bytes, uint64_t seq, struct record *out)
{
	if (bytes.n < RECORD_HEAD_SIZE)
		return ERR_DAMAGED;
	*out = (struct record){ .epoch = be64_get(bytes.p + 8),
				.seq = seq,
				.recorded = (int64_t)be64_get(bytes.p + 24) };
	memcpy(out->leaf.b, bytes.p + 32, HASH_SIZE);
	out->event = (struct str){ bytes.p + RECORD_HEAD_SIZE, bytes.n - RECORD_HEAD_SIZE };
	return ERR_OK;
}
