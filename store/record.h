/* SPDX-License-Identifier: Apache-2.0 */
/* record: one event with the ledger's own header, as it is given to a store and got from it. */
#ifndef AVOW_STORE_RECORD_H
#define AVOW_STORE_RECORD_H

#include "proto/msg.h"

struct record {
	uint64_t epoch, seq;
	int64_t recorded;
	struct hash leaf; /* RFC 9162, see leaf_hash in proto/msg.h; a replica keeps none, see replica.h */
	struct str event; /* borrowed: see who gives the record */
};
struct record_list {
	struct record *v;
	size_t n;
};
/* What is kept beside a record's bytes to know them again: the low half of XXH3-64. */
uint32_t record_sum(struct str bytes);

#endif
