/* SPDX-License-Identifier: Apache-2.0 */
/* archive: the facts of a replica, as the fold reads them. */
#ifndef AVOW_SERVICES_QUERY_ARCHIVE_H
#define AVOW_SERVICES_QUERY_ARCHIVE_H

#include "services/fold/facts.h"
#include "store/replica.h"

struct archive {
	struct replica *r;
	struct arena *a; /* for what it must copy while a question is answered */
	struct facts facts;
	struct cursor walking; /* through facts; see blocks.h */
	/* relations that were asked for so often that all who have any are known */
	struct known_relation {
		unsigned asked;
		bool known;
		uint64_t *some; /* a bit for each number up to `last`: it has any */
		uint32_t last;
	} known[RELATION_SUCCESSORS + 1];
};
/*
 * Facts out of the replica's snapshot: init and fini inside replica_snap … replica_unsnap.
 * `facts.arg` points to the archive, which must not move.
 */
void archive_init(struct archive *archive, struct replica *r, struct arena *a);
void archive_fini(struct archive *archive);

#endif
