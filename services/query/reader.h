/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: answers `read`: events in order, filtered, waiting for news where there is none.
 *
 * One answer looks at a bounded number of events; where that is not enough, `scanned_to` (or
 * `scanned_from`) tells how far it came, and the reader asks on from there.
 */
#ifndef AVOW_SERVICES_QUERY_READER_H
#define AVOW_SERVICES_QUERY_READER_H

#include "services/query/feed.h"

/* What one answer looks at, and how many readers may wait for news. */
#define READER_ROWS_MAX 4000u
#define READER_BYTES_MAX (4u << 20)
#define READER_PARKED_MAX 4096u
/*
 * What an answer takes of the machine, from here to the reader, and the bytes of events in it, and an event
 * that has to be decoded for one who waits. They are told so much of it in one go, at least one answer.
 */
#define READER_ANSWER_US 150u
#define READER_BYTES_PER_US 100u
#define READER_MADE_PER_US 500u /* of those that cannot be sent, as he is gone */
#define READER_LOOK_US 2u
#define READER_GO_US 2000u
/*
 * While events come in, a pause so many times as long follows; shorter as they are fewer than
 * READER_FLOW_EVENTS in READER_FLOW_MS, none where they are none. It is of whole milliseconds, so a few
 * answers are followed by none, and it keeps nobody who would wait less than READER_LONG_MS.
 */
#define READER_PAUSE_TIMES 3u
#define READER_PAUSE_MAX_MS 1000
#define READER_LONG_MS 1000
#define READER_FLOW_EVENTS 200u
#define READER_FLOW_MS 50
/* How soon those who wait are told where the port had too much to send already. */
#define READER_CROWDED_MS 5

struct reader;

/* Both stay the caller's. NULL without memory. */
struct reader *reader_new(struct replica *replica, struct sender *people);
/* Accepts NULL. */
void reader_free(struct reader *d);
/* Answer a `read`, now or when there is news. Outside of a snapshot. */
void reader_take(struct reader *d, const struct request *r, struct now now);
/*
 * Tell some of those who wait, each event decoded once for all of them; the others, and in a pause all, are
 * told by reader_tick. Outside of a snapshot.
 */
void reader_news(struct reader *d, const struct news *news, struct now now);
/*
 * Tell what waits to be told, and answer those whose time is over; milliseconds until it is to be called
 * again, -1: nobody waits. Outside of a snapshot.
 */
int reader_tick(struct reader *d, struct now now);
/* Whether so much waits for people to take it (port_crowded) that nobody who waits is to be told now. */
void reader_crowded(struct reader *d, bool crowded);
/* Refuse all who wait: the replica is not to be served from any more. */
void reader_refuse_all(struct reader *d, const struct fault *fault);
/* How many wait. */
size_t reader_waiting(const struct reader *d);

#endif
