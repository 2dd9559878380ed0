/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: what the core of a service and its loop hand to each other: requests in, answers out.
 *
 * A core decides; it knows neither sockets nor clocks. It gets each request with the time, and sends
 * through an outlet, which is a port in a service, a list in a test, a network in a simulator.
 */
#ifndef AVOW_SERVICES_SHARED_EXCHANGE_H
#define AVOW_SERVICES_SHARED_EXCHANGE_H

#include "proto/msg.h"
#include "services/shared/clock.h"
#include "services/shared/port.h"

/* Where a core sends. `to` is NULL for the one service behind it, or for the tape. */
struct outlet {
	/* ERR_UNREACHABLE: surely not sent; ERR_BUSY: no room, surely not sent. */
	enum err (*send)(void *arg, const struct peer *to, struct str wire);
	void *arg;
};

/* A message with a header that could be read, from somebody who waits for an answer. */
struct request {
	const struct peer *from; /* borrowed, as wire, from whoever brought it */
	struct str wire;
	struct head head;
	int64_t deadline_ms; /* on the clock of struct now */
	bool has_ttl;	     /* the deadline was given, not the default */
};

/* What a core sends with: an outlet, and memory for one message at a time. */
struct sender {
	struct outlet outlet;
	struct buf wire;
	uint64_t sent, failed;
};
/* With room for any refusal, so that one can still be said when memory is short; ERR_NO_MEMORY. */
MUST_USE enum err sender_init(struct sender *s, struct outlet outlet);
void sender_fini(struct sender *s);
/*
 * Send a message to `to` as the answer to rid. What cannot be sent is counted; whoever asked will
 * ask again. A message that does not fit, or for which there is no memory, becomes an error: ERR_UNKNOWN
 * for a receipt, as what it is about is written, else ERR_TOO_LARGE or ERR_NO_MEMORY.
 */
void sender_answer(struct sender *s, const struct peer *to, uint64_t rid, const struct shape *shape,
		   const void *msg);
/* Send an `error` message. */
void sender_refuse(struct sender *s, const struct peer *to, uint64_t rid, const struct fault *fault);
/* The same for a refusal that is said in one sentence. */
void sender_refuse_as(struct sender *s, const struct peer *to, uint64_t rid, enum err code,
		      const char *text);
/* Ask the service behind: errors of the outlet, ERR_TOO_LARGE, ERR_NO_MEMORY. */
MUST_USE enum err sender_ask(struct sender *s, uint64_t rid, uint64_t ttl_ms,
			     const struct shape *shape, const void *msg);

/*
 * Read the header of what has arrived. False where it was refused, and answered, already: no header
 * (rid 0), another version, an unknown type, or a connection that names itself.
 */
bool request_open(struct request *r, const struct parcel *p, struct now now, struct sender *s);

/* The limits that `welcome` tells; the same for every service. */
#define READ_EVENTS_MAX 10000u
#define READ_EVENTS_DEFAULT 1000u
#define READ_BYTES_MAX (8u << 20)
#define READ_BYTES_DEFAULT (1u << 20)
#define WAIT_MS_MAX 60000u
/* Fill in an answer to hello but for ledger, epoch and head. Features borrow static memory. */
void welcome_init(struct welcome *w, const char *service, int64_t wall_us);
/* Fill in an answer to status but for ledger, epoch, head and counters. */
void state_init(struct state_of_service *s, const char *service, int64_t started_us,
		int64_t wall_us);

/* An entry of `events`; the event's bytes stay borrowed. */
struct entry entry_make(uint64_t epoch, uint64_t seq, int64_t recorded_us, struct str event);

/*
 * What every publish must be, whoever takes it: of one event at least, and no larger than one answer to
 * read, so that whoever follows gets it whole. ERR_BAD_VALUE, ERR_TOO_LARGE.
 */
MUST_USE enum err publish_check(const struct publish *p, struct fault *fault);
_Static_assert(BATCH_BYTES_MAX <= READ_BYTES_MAX && BATCH_EVENTS_MAX <= READ_EVENTS_MAX,
	       "a publish must fit one answer to read");

/*
 * What every `read` must be, whoever answers it: of this epoch, not behind the head, a limit above 0.
 * ERR_WRONG_LEDGER, ERR_POSITION_IN_FUTURE, ERR_BAD_VALUE.
 */
MUST_USE enum err read_check(const struct read *q, uint64_t epoch, uint64_t head,
			     struct fault *fault);
/* How many events, how many bytes of them, and until when (clock of struct now) it may wait. */
size_t read_limit(const struct read *q);
size_t read_bytes(const struct read *q);
int64_t read_until(const struct read *q, const struct request *r, struct now now);

/* Counters of an answer to status, gathered one by one; at most COUNTERS_MAX. */
#define COUNTERS_MAX 128
struct counters {
	struct counter v[COUNTERS_MAX];
	size_t n;
};
/* name is static text. */
void counters_add(struct counters *c, const char *name, uint64_t value);
void counters_into(struct counters *c, struct state_of_service *s);

#endif
