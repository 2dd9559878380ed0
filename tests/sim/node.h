/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node: a service: the product's core and store in a loop that does what the service's own does, but
 * with the virtual clock, network and disk.
 *
 * What it must answer, and by when, is noted as requests reach it, and compared with what it sends.
 */
#ifndef AVOW_TESTS_SIM_NODE_H
#define AVOW_TESTS_SIM_NODE_H

#include "services/shared/clock.h"
#include "tests/sim/disk.h"
#include "tests/sim/net.h"

#define NODE_INBOX_MAX 1024
#define NODE_OPEN_MAX 1024
#define NODE_DEATHS_KEPT 64

struct ledger;
struct ingest;
struct query;
struct log;
struct replica;

enum role { role_ledger, role_ingest, role_query };

/* A request that was not answered yet. */
struct open_request {
	unsigned link;
	uint64_t session, rid;
	int64_t due_ms; /* on the node's clock */
	bool waits;	/* for news, as a read may */
};
struct node {
	struct world *world;
	enum role role;
	unsigned number; /* in world->nodes */
	char name[16];
	struct life life;
	bool up, stalled;
	uint64_t incarnation;
	int64_t died_us[NODE_DEATHS_KEPT];
	int64_t wall_jump_us, mono_base_us;
	unsigned upstream; /* link to the ledger */
	struct disk disk;
	struct log *log;
	struct ledger *ledger;
	struct ingest *ingest;
	struct replica *replica;
	struct query *query;
	struct message *inbox[NODE_INBOX_MAX];
	size_t ninbox;
	uint64_t turn; /* generation of the turn that is planned */
	int64_t turn_us;
	struct open_request open[NODE_OPEN_MAX];
	size_t nopen;
	uint64_t told_head; /* query: the greatest head that it has told anybody, since it was wiped */
	unsigned wipes;
	uint64_t taped;	    /* query: the last seq on its tape since it was started */
};

void node_init(struct world *w, struct node *n, enum role role, unsigned number);
void node_fini(struct node *n);
/* Take its place in the world again; it may fail to, and is then tried again later. */
void node_boot(struct world *w, struct node *n);
/* Kill it, at once, and let it be started again after so long. */
void node_kill(struct world *w, struct node *n, int64_t again_us);
/* Remove what is on its disk, while it is down. */
void node_wipe(struct node *n);
/* Ask it to stop, as a signal does. */
void node_stop(struct world *w, struct node *n, int64_t again_us);
void node_turn(struct world *w, struct node *n);
/* Let its next turn be not later than in so long. */
void node_wake(struct world *w, struct node *n, int64_t in_us);
void node_receive(struct world *w, struct node *n, struct message *m);
/* When this incarnation died; INT64_MAX: it lives, or that is forgotten. */
int64_t node_died_us(const struct node *n, uint64_t incarnation);

#endif
