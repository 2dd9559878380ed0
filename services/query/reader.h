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
 * While events come in, the pause for an answer, and for the bytes of events in it: whole milliseconds of
 * it in all, so a few answers are followed by none. It keeps nobody who would wait less than
 * READER_LONG_MS. They come in for so long after each event, at most READER_FLOW_MS after the last.
 */
#define READER_ANSWER_US 400u
#define READER_BYTES_PER_US 40u
#define READER_PAUSE_MAX_MS 1000
#define READER_LONG_MS 1000
#define READER_FLOW_EVENT_MS 10
#define READER_FLOW_MS 100

struct reader;

/* Both stay the caller's. NULL without memory. */
struct reader *reader_new(struct replica *replica, struct sender *people);
/* Accepts NULL. */
void reader_free(struct reader *d);
/* Answer a `read`, now or when there is news. Outside of a snapshot. */
void reader_take(struct reader *d, const struct request *r, struct now now);
/*
 * Tell those who wait, in a pause when reader_tick finds it over; each event is decoded once for all of
 * them. Outside of a snapshot.
 */
void reader_news(struct reader *d, const struct news *news, struct now now);
/*
 * Tell what waits to be told, and answer those whose time is over; milliseconds until it is to be called
 * again, -1: nobody waits. Outside of a snapshot.
 */
int reader_tick(struct reader *d, struct now now);
/* Refuse all who wait: the replica is not to be served from any more. */
void reader_refuse_all(struct reader *d, const struct fault *fault);
/* How many wait. */
size_t reader_waiting(const struct reader *d);

#endif
