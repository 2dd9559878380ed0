/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: what the replica keeps beside the events, so that an answer touches only the events that
 * it is made of. Rows are written in the transaction of the events themselves.
 */
#ifndef AVOW_SERVICES_QUERY_INDEX_H
#define AVOW_SERVICES_QUERY_INDEX_H

#include "store/counts.h"
#include "store/replica.h"

struct kept;
/*
 * Rows of a replica that never change once they are written, remembered, so that what is said of the same
 * deals and parties again and again is not looked up for each event: the numbers of slugs, and who belongs
 * to what. At most KNOWN_ROWS_MAX of each; beyond that all of them are forgotten.
 */
#define KNOWN_ROWS_MAX 8192u
struct known_rows {
	struct counts slugs, related;
};

/* Of the rows below; another number makes replica_open empty the replica, to be filled again. */
#define INDEX_VERSION 7u

/*
 * Write the rows of one event, inside replica_begin … replica_commit and after its replica_put.
 * `e` is rec->event decoded by event_decode; the arena is for this call's own use.
 * Of `kept` (NULL: nothing is kept) the deals that it is about are dropped. What is `known` of this replica
 * (NULL: nothing) is not looked up; where the transaction is given up, it has to be forgotten.
 * Errors of replica_index; ERR_NO_MEMORY.
 */
MUST_USE enum err index_event(struct replica *r, struct kept *kept, struct known_rows *known,
			      const struct record *rec, const struct event *e, struct arena *a);
/*
 * Seq of the latest declaration (event of kind `deal`) of this deal with seq <= at_seq, inside a
 * snapshot or a transaction. ERR_NOT_FOUND where there is none.
 */
MUST_USE enum err index_declaration(struct replica *r, struct str deal, uint64_t at_seq,
				    uint64_t *seq);

#endif
