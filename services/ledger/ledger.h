/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger: the one writer's decisions: what is published goes into the log, once and in order, and
 * what is asked for is read from it.
 *
 * A turn: ledger_take what has arrived, ledger_commit all of it in one log commit, ledger_reply, and
 * ledger_ring for those who wait for news. Nothing is acknowledged before its log commit returned.
 * It knows neither sockets nor clocks; the log is the only thing that it reads and writes.
 */
#ifndef AVOW_SERVICES_LEDGER_LEDGER_H
#define AVOW_SERVICES_LEDGER_LEDGER_H

#include "services/ledger/admit.h"
#include "services/shared/exchange.h"

/* Requests and bytes of one turn; readers that may wait for news. */
#define LEDGER_TURN_REQUESTS 4096u
#define LEDGER_TURN_BYTES (8u << 20)
#define LEDGER_PARKED_MAX 256u

struct ledger;

/* `log` stays the caller's, and open. NULL without memory. */
struct ledger *ledger_new(struct log *log, struct outlet outlet, struct now now);
/* Accepts NULL. */
void ledger_free(struct ledger *l);

/*
 * Take one message of this turn, at most LEDGER_TURN_REQUESTS; the parcel must live until
 * ledger_reply. What cannot be read is answered at once.
 */
void ledger_take(struct ledger *l, const struct parcel *parcel, struct now now);
/* How many publishes were taken in this turn. */
size_t ledger_publishers(const struct ledger *l);
/*
 * Decide on what was published, and make it true, on disk. ERR_OK also where everything was refused
 * or the disk is full, which the answers say. Otherwise the log cannot be trusted any more: call
 * ledger_reply, then close it and leave.
 */
MUST_USE enum err ledger_commit(struct ledger *l, struct now now);
/* Answer everything of this turn. */
void ledger_reply(struct ledger *l, struct now now);
/* How often its port has started anew (port.h): status tells. */
void ledger_started_anew(struct ledger *l, uint64_t times);
/*
 * Answer those who waited: there is news, or their time is over. Returns after how many
 * milliseconds it is to be called again at the latest, -1: when there is news.
 */
int ledger_ring(struct ledger *l, struct now now);
/*
 * Go through some of what the log holds, as it is time for that: once after the start, and then an
 * hour after each pass through all of it. Damage is counted, and shown by status with its seq, before
 * anybody asks for the event. *more: call again soon, between other things. ERR_IO: leave.
 */
#define LEDGER_VERIFY_EVENTS 500u /* at about a microsecond each, so that nobody is kept waiting */
#define LEDGER_VERIFY_MS (3600 * 1000)
MUST_USE enum err ledger_verify(struct ledger *l, struct now now, bool *more);

#endif
