/* SPDX-License-Identifier: Apache-2.0 */
/*
 * questions: everything that answers.h answers, once the replica holds what the question asks for.
 *
 * Who has just written, and asks with `min_seq`, waits here until its own event is in, and is told
 * DEADLINE if that takes too long; it never sees less.
 */
#ifndef AVOW_SERVICES_QUERY_QUESTIONS_H
#define AVOW_SERVICES_QUERY_QUESTIONS_H

#include "services/shared/exchange.h"
#include "store/replica.h"

/* How many questions may wait, and how many bytes of them. */
#define QUESTIONS_PARKED_MAX 1024u
#define QUESTIONS_BYTES_MAX (8u << 20)

struct kept;
struct questions;

/* All stay the caller's. NULL without memory. */
struct questions *questions_new(struct replica *replica, struct kept *kept, struct sender *people);
/* Accepts NULL. */
void questions_free(struct questions *q);
/* Answer one, for whose type answers_takes holds, now or when it can be. Outside of a snapshot. */
void questions_take(struct questions *q, const struct request *r);
/* The replica holds more than before. */
void questions_news(struct questions *q);
/* Refuse those whose time is over; milliseconds until the next one's is, -1: nobody waits. */
int questions_tick(struct questions *q, struct now now);
/* Refuse all who wait: the replica is not to be served from any more. */
void questions_refuse_all(struct questions *q, const struct fault *fault);
/* How many wait. */
size_t questions_waiting(const struct questions *q);

#endif
