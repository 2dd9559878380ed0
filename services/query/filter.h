/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter: whether an event is what a reader asked for.
 *
 * A statement without payer or payee has those of its deal's declaration, as of its own seq; a
 * retraction is about what the event that it withdraws is about.
 */
#ifndef AVOW_SERVICES_QUERY_FILTER_H
#define AVOW_SERVICES_QUERY_FILTER_H

#include "store/replica.h"

#define FILTER_KINDS_MAX 16u
#define FILTER_TEXT_MAX 1024u

/* A filter that lives on its own: its texts are inside. */
struct filter_kept {
	struct filter filter; /* borrows from this very struct: never copy it, see filter_move */
	bool empty;	      /* takes everything */
	struct decimal min;
	int kinds[FILTER_KINDS_MAX];
	char text[FILTER_TEXT_MAX];
};
/* Check and keep a filter that was decoded; f may be NULL. ERR_TOO_LARGE, errors of decimal_parse. */
MUST_USE enum err filter_keep(struct filter_kept *to, const struct filter *f, struct fault *fault);
/* Copy one, so that the copy borrows from itself. */
void filter_move(struct filter_kept *to, const struct filter_kept *from);

/* False where the event's bytes alone tell that it does not match; cheap, so ask this first. */
bool filter_may_match(const struct filter_kept *f, struct str event);

/* What is to be matched: an event, and what it has from other events, looked up when needed. */
struct subject {
	const struct event *event;
	const struct event *about; /* what it speaks of: itself, or what it retracts */
	uint64_t seq;		   /* of that */
	struct str_list from, to;
	bool looked_up;
};
/* Decoded by event_decode; nothing is looked up yet. */
struct subject subject_of(const struct event *event, uint64_t seq);
/*
 * Whether it matches. Looks things up in the replica, inside a snapshot, at most once a subject; what
 * it finds lies in the arena; what is missing does not match. ERR_IO, ERR_NO_MEMORY; ERR_DAMAGED: what
 * it would have to be compared with is damaged, so that nobody can say.
 */
MUST_USE enum err filter_match(const struct filter_kept *f, struct subject *s, struct replica *r,
			       struct arena *a, bool *matches);

#endif
