/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answers: from a question's bytes to its answer, out of one snapshot of the replica.
 *
 * Which messages are questions is known only here: the service asks answers_takes, waits until the
 * replica holds answers_min_seq, and lets answers_answer do the rest.
 */
#ifndef AVOW_SERVICES_QUERY_ANSWERS_H
#define AVOW_SERVICES_QUERY_ANSWERS_H

#include "store/replica.h"

struct kept;

/* Whether messages of this type are answered here. */
bool answers_takes(enum msg_type type);
/*
 * The seq that the replica must hold before the question may be answered (read your own writes);
 * 0 where it names none, or where it cannot be decoded, which answers_answer then reports.
 */
uint64_t answers_min_seq(enum msg_type type, struct str wire, struct arena *a);
/*
 * Answer one question, inside replica_snap … replica_unsnap. `kept` is what index_event was given for
 * all events; NULL: nothing is kept between questions, and the answer is the same. `shape` and `answer` describe the
 * answer; it lies in the arena and borrows from the snapshot and from wire. On error, fault says
 * what is wrong with the question (ERR_NOT_FOUND, ERR_BAD_VALUE, the errors of msg_decode, …).
 */
MUST_USE enum err answers_answer(struct replica *r, struct kept *kept, enum msg_type type,
				 struct str wire, struct arena *a, const struct shape **shape,
				 void **answer, struct fault *fault);

#endif
