/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: the cores of ingest, ledger and query, joined without sockets, in a directory of their own, and
 * people who speak to them. Nothing here takes memory by itself, so that what fails (failing.h) is the
 * services' own.
 *
 * A service that says that it must leave is opened again, as a supervisor would. Time passes only in
 * world_settle.
 */
#ifndef AVOW_TESTS_WORLD_H
#define AVOW_TESTS_WORLD_H

#include "services/ingest/ingest.h"
#include "services/ledger/ledger.h"
#include "services/query/index.h"
#include "services/query/query.h"
#include "tests/unit/exchange_help.h"

#define LETTER_MAX ((size_t)1 << 20) /* bytes of a message */
#define LETTERS_MAX 16u		     /* on their way to somebody at once */

enum who { to_ingest = 1, to_ledger, to_query, to_people /* the first of them; others are behind */ };

struct letter {
	unsigned who; /* it comes from; of those to people, whom it is for */
	size_t n;
	char wire[LETTER_MAX];
};
struct letters {
	struct letter v[LETTERS_MAX];
	size_t n;
};
struct world {
	struct bench b;
	struct log *log;
	struct ledger *ledger;
	struct replica *replica;
	struct query *query;
	struct ingest *ingest;
	struct letters to[to_people + 1]; /* what each of them has yet to read */
	void *dir;
};

/* All of them open, and acquainted with each other; NULL where that fails. */
struct world *world_open(void);
void world_close(struct world *w);
/* A message from one of the people (to_people, or more); what it brings about goes on in world_settle. */
void world_say(struct world *w, unsigned who, enum who to, struct str wire);
/*
 * Everybody does what there is to do, until nothing is on its way, and so much time has passed. What
 * people get stays in `to[to_people]`.
 */
void world_settle(struct world *w, int64_t ms);
/* Forget what people were told. */
void world_forget(struct world *w);
/* End one of the services, and start it. Errors of opening its store; ERR_NO_MEMORY. */
void world_stop(struct world *w, enum who service);
MUST_USE enum err world_start(struct world *w, enum who service);

#endif
