/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: the decisions of the query service: what the feed brings goes to readers, to questions that
 * wait, and on the tape; what people ask is answered from the replica.
 */
#ifndef AVOW_SERVICES_QUERY_QUERY_H
#define AVOW_SERVICES_QUERY_QUERY_H

#include "services/shared/exchange.h"
#include "store/replica.h"

/* How often the tape says that nothing happened. */
#define QUERY_BEACON_MS 250
/* When who is refused with BUSY is to come back. */
#define QUERY_BUSY_MS 100
/* Largest request, in bytes: questions are small. */
#define QUERY_MESSAGE_MAX (1u << 20)

struct query;

/* Three ways out: to people, to the ledger, on the tape. `replica` stays the caller's. */
struct query_outlets {
	struct outlet people, ledger, tape;
};
/* NULL without memory. */
struct query *query_new(struct replica *replica, struct query_outlets outlets, struct now now);
/* Accepts NULL. */
void query_free(struct query *q);
/* Whether it has heard of its ledger, the right one or another, since it was started. */
bool query_knows_ledger(const struct query *q);
/* How often its port has started anew (port.h): status tells. */
void query_started_anew(struct query *q, uint64_t times);
/* Whether its port is crowded (port.h): nobody who waits for events is told of any meanwhile. */
void query_crowded(struct query *q, bool crowded);
/* A message from somebody who asks. */
void query_take(struct query *q, const struct parcel *parcel, struct now now);
/* The same where earlier answers to its connection lie there and are not taken: BUSY. */
void query_put_off(struct query *q, const struct parcel *parcel, struct now now);
/*
 * How long the last query_take took, for the counters of `status`: of each type of question, and of
 * `read`, their number and their microseconds, the time of those that had to wait not included.
 */
void query_took(struct query *q, uint64_t us);
/* A message from the ledger. ERR_IO: the replica failed, leave. */
MUST_USE enum err query_hear(struct query *q, struct str wire, struct now now);
/* Let time pass. Returns after how many milliseconds it is to be called again at the latest. */
int query_tick(struct query *q, struct now now);

#endif
