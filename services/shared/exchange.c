/* SPDX-License-Identifier: Apache-2.0 */
/* exchange: opening requests, and sending answers so that nothing is left unsaid. */
#include "services/shared/exchange.h"

#define REFUSAL_ROOM 4096u

enum err sender_init(struct sender *s, struct outlet outlet)
{
	char *room;

	*s = (struct sender){ .outlet = outlet };
	buf_init(&s->wire, MSG_BYTES_MAX);
	const enum err e = buf_grow(&s->wire, REFUSAL_ROOM, &room);
	buf_clear(&s->wire);
	return e;
}

void sender_fini(struct sender *s)
{
	buf_fini(&s->wire);
}

static enum err send_message(struct sender *s, const struct peer *to, const struct head *head,
			     const struct shape *shape, const void *msg)
{
	buf_clear(&s->wire);
	enum err e = msg_encode(shape, head, msg, &s->wire);
	if (!e)
		e = s->outlet.send(s->outlet.arg, to, buf_str(&s->wire));
	if (e)
		s->failed++;
	else
		s->sent++;
	return e;
}

void sender_answer(struct sender *s, const struct peer *to, uint64_t rid, const struct shape *shape,
		   const void *msg)
{
	const struct head head = { .v = PROTO_VERSION, .type = shape->type, .rid = rid };
	const enum err e = send_message(s, to, &head, shape, msg);

	/* an encoding that failed is said; a connection that is gone hears nothing */
	if ((e != ERR_TOO_LARGE && e != ERR_NO_MEMORY) || shape == &shape_error)
		return;
	if (shape == &shape_published)
		sender_refuse_as(s, to, rid, ERR_UNKNOWN,
				 "it is done, but its receipt cannot be sent; ask again with the same ids");
	else
		sender_refuse_as(s, to, rid, e, "the answer is larger than a message may be");
}

void sender_refuse(struct sender *s, const struct peer *to, uint64_t rid, const struct fault *fault)
{
	struct error error = { 0 };

	error_from_fault(fault, &error);
	sender_answer(s, to, rid, &shape_error, &error);
}

void sender_refuse_as(struct sender *s, const struct peer *to, uint64_t rid, enum err code,
		      const char *text)
{
	struct fault fault;

	fault_init(&fault);
	(void)fault_set(&fault, code, NULL, "%s", text);
	sender_refuse(s, to, rid, &fault);
}

enum err sender_ask(struct sender *s, uint64_t rid, uint64_t ttl_ms, const struct shape *shape,
		    const void *msg)
{
	const struct head head = { .v = PROTO_VERSION, .type = shape->type, .rid = rid,
				   .ttl_ms = ttl_ms };

	return send_message(s, NULL, &head, shape, msg);
}

bool request_open(struct request *r, const struct parcel *p, struct now now, struct sender *s)
{
	struct fault fault;

	fault_init(&fault);
	*r = (struct request){ .from = &p->from, .wire = p->wire };
	enum err e = request_peek(p->wire, &r->head, &fault);
	if (!e && p->from.n && p->from.name[0] != 0)
		e = fault_set(&fault, ERR_BAD_VALUE, NULL,
			      "do not set a routing id on the socket: connections are told apart "
			      "by the service");
	if (e) {
		fault.code = e;
		sender_refuse(s, r->from, r->head.rid, &fault);
		return false;
	}
	r->has_ttl = r->head.ttl_ms != 0;
	uint64_t ttl_ms = r->has_ttl ? r->head.ttl_ms : TTL_DEFAULT_MS;
	if (ttl_ms > TTL_MAX_MS)
		ttl_ms = TTL_MAX_MS;
	r->deadline_ms = now.mono_ms + (int64_t)ttl_ms;
	return true;
}

void welcome_init(struct welcome *w, const char *service, int64_t wall_us)
{
	*w = (struct welcome){ 0 };
	msg_set(w, welcome, service, str_of(service));
	msg_set(w, welcome, version, STR(AVOW_VERSION));
	msg_set(w, welcome, proto_min, PROTO_VERSION);
	msg_set(w, welcome, proto_max, PROTO_VERSION);
	msg_mark(w, welcome, features);
	msg_set(w, welcome, time, wall_us);
	msg_mark(w, welcome, limits);
	msg_set(&w->limits, limits, message_bytes, MSG_BYTES_MAX);
	msg_set(&w->limits, limits, event_bytes, EVENT_BYTES_MAX);
	msg_set(&w->limits, limits, batch_events, BATCH_EVENTS_MAX);
	msg_set(&w->limits, limits, batch_bytes, BATCH_BYTES_MAX);
	msg_set(&w->limits, limits, read_events, READ_EVENTS_MAX);
	msg_set(&w->limits, limits, wait_ms, WAIT_MS_MAX);
}

void state_init(struct state_of_service *s, const char *service, int64_t started_us, int64_t wall_us)
{
	*s = (struct state_of_service){ 0 };
	msg_set(s, state_of_service, service, str_of(service));
	msg_set(s, state_of_service, version, STR(AVOW_VERSION));
	msg_set(s, state_of_service, started, started_us);
	msg_set(s, state_of_service, time, wall_us);
}

void counters_add(struct counters *c, const char *name, uint64_t value)
{
	require(c->n < COUNTERS_MAX);
	struct counter *v = &c->v[c->n++];
	*v = (struct counter){ 0 };
	msg_set(v, counter, name, str_of(name));
	msg_set(v, counter, value, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void counters_into(struct counters *c, struct state_of_service *s)
{
	s->counters = (struct counter_list){ .v = c->v, .n = c->n };
	msg_mark(s, state_of_service, counters);
}

struct entry entry_make(uint64_t epoch, uint64_t seq, int64_t recorded_us, struct str event)
{
	struct entry e = { 0 };

	msg_set(&e, entry, seq, seq);
	msg_set(&e, entry, epoch, epoch);
	msg_set(&e, entry, recorded, recorded_us);
	msg_set(&e, entry, event, event);
	return e;
}

enum err publish_check(const struct publish *p, struct fault *fault)
{
	size_t bytes = 0;

	if (p->events.n == 0)
		return fault_set(fault, ERR_BAD_VALUE, "events", "a publish without events");
	for (size_t i = 0; i < p->events.n; i++)
		bytes += p->events.v[i].n;
	if (bytes <= BATCH_BYTES_MAX)
		return ERR_OK;
	fault->max = BATCH_BYTES_MAX;
	fault->actual = (int64_t)bytes;
	return fault_set(fault, ERR_TOO_LARGE, "events",
			 "%zu bytes of events in one publish, more than %u; split it", bytes,
			 BATCH_BYTES_MAX);
}

enum err read_check(const struct read *q, uint64_t epoch, uint64_t head, struct fault *fault)
{
	if (msg_has(q, read, epoch) && q->epoch != epoch) {
		fault->expected = (int64_t)q->epoch;
		fault->actual = (int64_t)epoch;
		return fault_set(fault, ERR_WRONG_LEDGER, "epoch",
				 "the position is of epoch %llu, this ledger is at %llu",
				 (unsigned long long)q->epoch, (unsigned long long)epoch);
	}
	if (q->after > head) {
		fault->expected = (int64_t)q->after;
		fault->actual = (int64_t)head;
		return fault_set(fault, ERR_POSITION_IN_FUTURE, "after",
				 "position %llu is beyond the newest event here, %llu",
				 (unsigned long long)q->after, (unsigned long long)head);
	}
	if (msg_has(q, read, limit) && q->limit == 0)
		return fault_set(fault, ERR_BAD_VALUE, "limit", "a limit is at least 1");
	return ERR_OK;
}

size_t read_limit(const struct read *q)
{
	return msg_has(q, read, limit) ? q->limit : READ_EVENTS_DEFAULT;
}

size_t read_bytes(const struct read *q)
{
	return msg_has(q, read, max_bytes) ? q->max_bytes : READ_BYTES_DEFAULT;
}

int64_t read_until(const struct read *q, const struct request *r, struct now now)
{
	const int64_t until_ms = now.mono_ms + (int64_t)q->wait_ms;

	return r->has_ttl && r->deadline_ms < until_ms ? r->deadline_ms : until_ms;
}
