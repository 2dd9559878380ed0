/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seen: how every service is, as far as one can see from here. The ledger answers on its own machine
 * alone, so elsewhere it is ingest and query that say whether it answers them.
 */
#ifndef AVOW_TOOLS_SEEN_H
#define AVOW_TOOLS_SEEN_H

#include "services/shared/client.h"
#include "tools/cmd.h"

enum seen_which { seen_ingest, seen_ledger, seen_query, SEEN_MAX };
extern const char *const seen_names[SEEN_MAX];

struct seen {
	bool asked, up;
	struct state_of_service state; /* where it was asked and is up */
	struct fault fault;	       /* why not */
	struct client *client;	       /* whose bytes `state` borrows */
};

/* Where a service is looked for. */
const char *seen_endpoint(const struct cli *c, enum seen_which which);
/* Ask one, or all; `seen` begins all zero, and is ended by seen_end. */
void seen_one(struct cli *c, enum seen_which which, struct seen seen[SEEN_MAX]);
void seen_all(struct cli *c, struct seen seen[SEEN_MAX]);
/* One of its counters; 0 where it has none of this name, or is not up. */
int64_t seen_count(const struct seen *seen, const char *counter);
/* Whether somebody takes connections there: one that does and does not answer is stopped, or hangs. */
bool seen_listens(const struct cli *c, enum seen_which which);
void seen_end(struct seen seen[SEEN_MAX]);

#endif
