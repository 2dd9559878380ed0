/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speaker: how one peer is asked to do one kind of work: its handshake, a request, and where an
 * answer ends. The loop around it (load.c) is the same for all.
 */
#ifndef AVOW_TESTS_SIDE_SPEAKER_H
#define AVOW_TESTS_SIDE_SPEAKER_H

#include "tests/bench/side/payload.h"
#include "tests/bench/side/stream.h"

#define WAITING_MAX 8192u /* requests in flight on one connection */

/* What one request asks for. `tag` is the time of sending, and unlike all others in flight. */
struct work {
	uint64_t tag;
	uint64_t first;		  /* number of its first event, from 0 */
	uint64_t batch;		  /* how many events it publishes */
	uint64_t head;		  /* of questions: about the events up to here */
	struct payload *payload;
};
/* A peer that answers in order does not say to what: the tags of what waits, the oldest first. */
struct waiting {
	uint64_t tag[WAITING_MAX];
	uint64_t each, come; /* answers to each request; those that came to the oldest */
	size_t at, n;
};
struct talk {
	struct stream stream;
	struct waiting waiting;
	unsigned number; /* of the connection */
	unsigned flying; /* requests that wait for an answer */
};
enum heard {
	heard_nothing, /* no whole answer is there */
	heard_answer,
	heard_busy /* the peer would not do it now */
};
struct speaker {
	const char *name; /* as "avow.publish" */
	/* All that comes before the first request; waits for the peer's agreement. */
	void (*greet)(struct talk *t);
	/* Append one request to the stream. */
	void (*put)(struct talk *t, const struct work *w);
	/* Take one whole answer from the stream, with its request's tag. A refusal ends the program. */
	enum heard (*take)(struct talk *t, uint64_t *tag);
};

extern const struct speaker speaker_avow_publish, speaker_avow_get, speaker_avow_as_of, speaker_echo,
	speaker_redis_publish, speaker_nats_publish, speaker_postgres_publish,
	speaker_postgres_get, speaker_postgres_as_of;

/* A request that is answered in `each` parts went out; one part came, true: the last of the oldest. */
void waiting_push(struct waiting *w, uint64_t tag, uint64_t each);
bool waiting_pop(struct waiting *w, uint64_t *tag);
/* The first `\r\n` ends a line; false: it is not there yet. */
bool speaker_line(struct str here, struct str *line);

/* ---- ZMTP, and Avow on it: speak_avow.c ---- */

/* Shake hands as a DEALER; append a message of one frame; take one, heartbeats answered. */
void zmtp_greet(struct talk *t);
void zmtp_put(struct stream *s, struct str message);
/* A message borrows from the stream; `whole` is what stream_take is to be told afterwards. */
bool zmtp_next(struct stream *s, struct str *message, size_t *whole);
/* Append a request; take an answer of the wanted type, or BUSY, in the same way. */
void avow_put(struct stream *s, const struct shape *shape, uint64_t rid, const void *message);
enum heard avow_next(struct stream *s, enum msg_type want, uint64_t *rid, struct str *message,
		     size_t *whole);

#endif
