/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: what the replica keeps beside the events, so that an answer touches only the events that
 * it is made of. Rows are written in the transaction of the events themselves.
 */
#ifndef AVOW_SERVICES_QUERY_INDEX_H
#define AVOW_SERVICES_QUERY_INDEX_H

#include "store/replica.h"

struct kept;
struct known;

/* Of the rows below; another number makes replica_open empty the replica, to be filled again. */
#define INDEX_VERSION 7u

/*
 * Write the rows of one event, inside replica_begin … replica_commit and after its replica_put.
 * `e` is rec->event decoded by event_decode; the arena is for this call's own use.
 * Of `kept` (NULL: nothing is kept) the deals that it is about are dropped. What `known` (NULL: nothing)
 * remembers of this replica is not looked up; where the transaction is given up, known_forget.
 * Errors of replica_index; ERR_NO_MEMORY.
 */
MUST_USE enum err index_event(struct replica *r, struct kept *kept, struct known *known,
			      const struct record *rec, const struct event *e, struct arena *a);
/*
 * Seq of the latest declaration (event of kind `deal`) of this deal with seq <= at_seq, inside a
 * snapshot or a transaction. ERR_NOT_FOUND where there is none.
 */
MUST_USE enum err index_declaration(struct replica *r, struct str deal, uint64_t at_seq,
				    uint64_t *seq);

#endif
