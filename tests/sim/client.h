/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: who uses the services, each an independent model of a good user: a publisher that tries
 * until it has an answer, a watcher that keeps its position, an asker that reads what was written.
 */
#ifndef AVOW_TESTS_SIM_CLIENT_H
#define AVOW_TESTS_SIM_CLIENT_H

#include "proto/msg.h"

#define CLIENT_LINKS_MAX 3
#define CLIENT_OPEN_MAX 2
#define WATCHER_SEEN_MAX 2048

struct world;
struct plan;

enum trade { trade_publisher, trade_watcher, trade_asker };

/* A publish on its way, with its last attempt. */
struct attempt {
	struct plan *plan;
	unsigned number; /* of attempts so far */
	uint64_t rid;	 /* of the last; 0: none is on its way */
	int64_t until_us; /* for its answer, or when to try again */
};
struct publisher {
	struct attempt open[CLIENT_OPEN_MAX];
	unsigned left; /* how many publishes it still begins */
};
/* An event that a watcher was given. */
struct sight {
	uint64_t seq, hash;
	int64_t recorded;
};
struct watcher {
	uint64_t first, after; /* position at the beginning, and now */
	bool by_deal, by_kind, by_party, lost; /* lost: it begins far in the future */
	int deal, kind, party;
	uint64_t limit, wait_ms;
	uint64_t rid;
	int64_t until_us;
	unsigned from;	     /* link that was asked */
	uint64_t told;	     /* head that this query had told before it was asked */
	unsigned wipes;
	struct sight *seen;
	size_t nseen;
};
struct asker {
	unsigned left;
	bool last_round; /* everything at the head, from everybody */
	unsigned next;	 /* of the last round */
	uint64_t rid, question, want_seq, seen; /* want_seq: of a `get`; seen: the session's seq */
	unsigned wipes;	 /* of the query when it was asked */
	unsigned want;	 /* `get`: the event that is asked for, in model->made */
	int64_t until_us;
};
struct client {
	enum trade trade;
	unsigned number; /* in world->clients */
	char name[16];
	bool up;
	uint64_t wakes; /* generation */
	unsigned links[CLIENT_LINKS_MAX];
	size_t nlinks;
	uint64_t rids;
	union {
		struct publisher publisher;
		struct watcher watcher;
		struct asker asker;
	} u;
};

void client_init(struct world *w, struct client *c, enum trade trade, unsigned number);
void client_fini(struct client *c);
void client_wake(struct world *w, struct client *c);
void client_hear(struct world *w, struct client *c, unsigned link, struct str wire);
/* The connection is gone: an answer that is awaited from there does not come. */
void client_lost(struct world *w, struct client *c, unsigned link);
/* It is killed and started again: only what it keeps on its own disk is left. */
void client_restart(struct world *w, struct client *c);
/* Whether it has done all that it came for. */
bool client_is_done(const struct world *w, const struct client *c);
/* Let it act again in so long. */
void client_plan(struct world *w, struct client *c, int64_t in_us);
/* Send a request over one of its links; false: that one is not connected. */
bool client_ask(struct world *w, struct client *c, unsigned link, const struct shape *shape,
		uint64_t rid, uint64_t ttl_ms, const void *msg, bool *again);

void publisher_init(struct world *w, struct client *c);
void publisher_wake(struct world *w, struct client *c);
void publisher_hear(struct world *w, struct client *c, const struct head *head, struct str wire);
void publisher_lost(struct world *w, struct client *c);
void watcher_init(struct world *w, struct client *c);
void watcher_wake(struct world *w, struct client *c);
void watcher_hear(struct world *w, struct client *c, unsigned link, const struct head *head,
		  struct str wire);
/* What it saw against the final log. */
void watcher_judge(struct world *w, const struct client *c);
void asker_init(struct world *w, struct client *c);
void asker_wake(struct world *w, struct client *c);
void asker_hear(struct world *w, struct client *c, unsigned link, const struct head *head,
		struct str wire);

#endif
