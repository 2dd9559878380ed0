/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: follows the ledger into the replica, and says what is new.
 *
 * Greet, then read behind the replica's head, again and again, each read waiting a moment for news.
 * An answer that does not come means a new greeting (what comes late is still taken, so that a slow
 * ledger is followed as well); a ledger of another id or epoch, or with less than the replica holds,
 * is foreign: nothing is taken from it, and the service says so.
 */
#ifndef AVOW_SERVICES_QUERY_FEED_H
#define AVOW_SERVICES_QUERY_FEED_H

#include "services/shared/exchange.h"
#include "store/replica.h"

/* One read: events, bytes, how long it may wait, and how much longer its answer. */
#define FEED_EVENTS_MAX 2000u
#define FEED_BYTES_MAX (1u << 20)
#define FEED_WAIT_MS 200
#define FEED_PATIENCE_MS 300
/*
 * How soon a read that was refused is tried again, and a greeting where nobody is there; when silence
 * means absence.
 */
#define FEED_RETRY_MS 200
#define FEED_KNOCK_MS 20
#define FEED_SILENCE_MS 2000

struct kept;
struct feed;

/*
 * What the replica has just taken in: durable. Borrowed from the wire that was heard, and from the feed
 * until its next tick.
 */
struct news {
	const struct record *records;
	const struct event *events; /* each decoded; all zero where it cannot be */
	size_t n;
};

/* `replica` and `kept`, see index_event, stay the caller's. NULL without memory. */
struct feed *feed_new(struct replica *replica, struct kept *kept, struct outlet ledger,
		      struct now now);
/* Accepts NULL. */
void feed_free(struct feed *f);
/*
 * A message from the ledger. Outside of a snapshot. ERR_IO: the replica failed, leave. Everything
 * else is dealt with here: what cannot be stored now is asked for again.
 */
MUST_USE enum err feed_hear(struct feed *f, struct str wire, struct now now, struct news *news);
/* Let time pass: greetings, reads. Returns the milliseconds until it is to be called again. */
int feed_tick(struct feed *f, struct now now);

/* How it stands. */
struct feed_state {
	bool greeted;	/* the ledger has said who it is */
	bool foreign;	/* the ledger behind is not the replica's */
	bool answers;	/* the ledger was heard of lately */
	uint64_t silent_ms; /* since it was heard, or since the start */
	uint64_t upstream_head;
	enum err trouble; /* what keeps it from going on, ERR_OK: nothing */
	uint64_t reads, events, undecodable;
};
struct feed_state feed_state(const struct feed *f, struct now now);

#endif
