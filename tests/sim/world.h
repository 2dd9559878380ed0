/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: one run of the whole system: a ledger, some ingests and queries, publishers, watchers and
 * askers, their links and disks, and the time that they live in. Everything follows from the seed.
 *
 * First faults fall; then all is healed, and everything must come to its end.
 */
#ifndef AVOW_TESTS_SIM_WORLD_H
#define AVOW_TESTS_SIM_WORLD_H

#include "tests/sim/disk.h"
#include "tests/sim/model.h"
#include "tests/sim/node.h"
#include "tests/sim/queue.h"
#include "tests/sim/client.h"

#define WORLD_NODES_MAX 7
#define WORLD_CLIENTS_MAX 12
#define WORLD_LINKS_MAX 64
#define WORLD_FAILURE_MAX 512
/* When time begins: early in 2031, so that clocks may jump ten years back and events be older. */
#define WORLD_WALL_US INT64_C(1925000000000000)
/* How long the healed system may take to come to its end. */
#define WORLD_HEALING_US INT64_C(60000000)
/* No run needs so many happenings. */
#define WORLD_HAPPENINGS_MAX 400000u

/* What kind of run this is. */
struct settings {
	bool calm;		   /* no fault at all */
	bool reorders;		   /* messages of one link may overtake each other */
	unsigned loses, doubles, delays; /* of messages, in DICE_CERTAIN */
	int64_t delay_max_us;
	unsigned faults;	   /* how many fall */
	unsigned weights[16];	   /* how often each kind of fault, see faults.c */
	int64_t heals_us;	   /* when */
	struct disk_chances disk;
};

/* From a client (of any sort) to a service. */
struct line {
	unsigned client, server; /* ends: a node's number, or WORLD_NODES_MAX and a client's */
	uint64_t session;	 /* counts its connections */
	bool client_up, server_up;
	int64_t last_us[2];	 /* when the last message in each direction arrives */
	int64_t cut_until_us;
};

struct world {
	uint64_t seed;
	struct random dice;
	struct settings set;
	int64_t now_us;
	bool healed, doubled; /* doubled: a message has come twice */
	struct queue queue;
	struct node nodes[WORLD_NODES_MAX]; /* the ledger, then ingests, then queries */
	size_t nnodes, ningests, nqueries;
	struct client clients[WORLD_CLIENTS_MAX];
	size_t nclients;
	struct line links[WORLD_LINKS_MAX];
	size_t nlinks;
	struct model model;
	struct tally *tally;
	bool verbose;
	uint64_t trace; /* a hash over everything that happened */
	char failure[WORLD_FAILURE_MAX]; /* the first; "": none */
};

/* Run the seed to its end: true where everything held, else w->failure says what did not. */
bool world_run(struct world *w, uint64_t seed, struct tally *tally, bool verbose);
void world_fini(struct world *w);
/* A line of the trace; only numbers and names, nothing that differs between two runs. */
void world_trace(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_mix(struct world *w, uint64_t number);
/* Something does not hold: the run ends with this. */
void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Count a check, and fail where it does not hold. */
#define world_check(w, counter, holds, ...)                                                        \
	do {                                                                                       \
		(w)->tally->v[tally_##counter]++;                                                  \
		if (!(holds))                                                                      \
			world_fail(w, __VA_ARGS__);                                                \
	} while (0)
/* Let something happen in `in_us`. */
void world_plan(struct world *w, int64_t in_us, enum what what, unsigned who, uint64_t generation);

#endif
