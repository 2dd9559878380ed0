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
};
/*
 * Facts out of the replica's snapshot: inside replica_snap … replica_unsnap only. `facts.arg` points
 * to the archive, which must not move.
 */
void archive_init(struct archive *archive, struct replica *r, struct arena *a);

#endif
