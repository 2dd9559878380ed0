/* SPDX-License-Identifier: Apache-2.0 */
/* archive: the facts of a replica, as the fold reads them. */
#ifndef AVOW_SERVICES_QUERY_ARCHIVE_H
#define AVOW_SERVICES_QUERY_ARCHIVE_H

#include "services/query/blocks.h"

struct archive {
	struct replica *r;
	struct facts facts;
	struct cursor walking; /* through facts; see blocks.h */
	struct cursor relating; /* through table_related */
	/* the home that was counted last; home 0: none */
	struct counted {
		struct place place;
		uint64_t at_seq;
		struct walk_counts counts;
	} counted;
	/* of parts and successors the row of table_some that was looked at last; see rows.h */
	struct some {
		bool known;
		uint32_t first; /* number that its first bit is about */
		struct str bits; /* empty: nobody among them has any */
	} some[RELATION_SUCCESSORS + 1];
};
/*
 * Facts out of the replica's snapshot: init and fini inside replica_snap … replica_unsnap.
 * `facts.arg` points to the archive, which must not move. `kept`: see facts.h; NULL: nothing is.
 */
void archive_init(struct archive *archive, struct replica *r, struct kept *kept);
void archive_fini(struct archive *archive);

#endif
