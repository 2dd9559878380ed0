/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_help: cores without sockets: requests made of JSON, answers kept in a list, a time that
 * the test sets.
 */
#ifndef AVOW_TESTS_UNIT_EXCHANGE_HELP_H
#define AVOW_TESTS_UNIT_EXCHANGE_HELP_H

#include "services/shared/exchange.h"
#include "tests/unit/store_help.h"

#define SENT_MAX 4096
#define WALL_US INT64_C(1738245600000000) /* 2025-01-30T14:00:00Z */

/* One message that a core sent. */
struct sent {
	struct peer to; /* n 0: to the service behind, or the tape */
	struct buf wire;
};
struct outbox {
	struct sent v[SENT_MAX];
	size_t n, taken;
	enum err refuse; /* what sending gives instead of keeping */
};

/* An outlet's send: keep it. */
static inline enum err outbox_send(void *arg, const struct peer *to, struct str wire)
{
	struct outbox *o = arg;

	if (o->refuse)
		return o->refuse;
	assert_true(o->n < SENT_MAX);
	struct sent *s = &o->v[o->n++];
	*s = (struct sent){ 0 };
	if (to)
		s->to = *to;
	buf_init(&s->wire, MSG_BYTES_MAX);
	assert_int_equal(buf_put(&s->wire, wire.p, wire.n), ERR_OK);
	return ERR_OK;
}

/* An outlet that keeps what is sent in o. */
static inline struct outlet outlet_to(struct outbox *o)
{
	return (struct outlet){ .send = outbox_send, .arg = o };
}

/* Forget all that was sent. */
static inline void outbox_clear(struct outbox *o)
{
	for (size_t i = 0; i < o->n; i++)
		buf_fini(&o->v[i].wire);
	o->n = o->taken = 0;
}

/* A connection, as a port names it. */
static inline struct peer peer_named(unsigned n)
{
	return (struct peer){ .n = 5, .name = { 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

/* Whether it is connection number n. */
static inline bool peer_is(const struct peer *p, unsigned n)
{
	const struct peer want = peer_named(n);

	return p->n == want.n && memcmp(p->name, want.name, p->n) == 0;
}

/* What a test holds besides its core. */
struct bench {
	struct arena arena;
	struct now now;
	struct buf wire; /* the request in hand */
};

/* Nothing in hand yet; the time is WALL_US. */
static inline void bench_open(struct bench *b)
{
	arena_init(&b->arena, (size_t)256 << 20);
	buf_init(&b->wire, MSG_BYTES_MAX);
	b->now = (struct now){ .wall_us = WALL_US, .mono_ms = 1000 };
}

/* Give everything back. */
static inline void bench_close(struct bench *b)
{
	arena_fini(&b->arena);
	buf_fini(&b->wire);
}

/* A request as bytes; borrowed from the bench until the next. */
static inline struct parcel parcel_of(struct bench *b, unsigned peer, const struct shape *shape,
				      uint64_t rid, uint64_t ttl_ms, const void *msg)
{
	const struct head head = { .v = PROTO_VERSION, .type = shape->type, .rid = rid,
				   .ttl_ms = ttl_ms };

	buf_clear(&b->wire);
	assert_int_equal(msg_encode(shape, &head, msg, &b->wire), ERR_OK);
	return (struct parcel){ .from = peer_named(peer), .wire = buf_str(&b->wire) };
}

/* Number n as an id of version 7. */
static inline struct id id_number(unsigned n)
{
	return (struct id){ { 1, 0x90, 0xf3, 0xa2, 0, 0, 0x70, 0, 0x80, 0, 0, 0, (uint8_t)(n >> 24),
			      (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

/*
 * An event as bytes: number n, with `more` as further fields in JSON (beginning with a comma), which
 * must not repeat id.
 */
static inline struct str event_bytes(struct bench *b, unsigned n, const char *more)
{
	char json[2048], id[ID_TEXT_SIZE];
	struct event event;
	struct fault fault;
	struct buf out;

	id_format(id_number(n).b, id);
	(void)snprintf(json, sizeof(json), "{\"id\":\"%s\"%s}", id, more);
	fault_init(&fault);
	if (json_read(&shape_event, str_of(json), &b->arena, &event, &fault))
		fail_msg("%s: %s: %s", json, fault.field, fault.text);
	buf_init(&out, EVENT_BYTES_MAX);
	assert_int_equal(record_encode(&shape_event, &event, &out), ERR_OK);
	const struct str kept = arena_str(&b->arena, buf_str(&out));
	buf_fini(&out);
	return kept;
}

#define SOURCED ",\"source\":{\"publisher\":\"p\"}"
#define STATED(day) ",\"stated\":\"" day "\""
#define TALKS ",\"kind\":\"talks\",\"grade\":\"press\"" SOURCED
#define A_TALK TALKS STATED("2025-01-30") ",\"deal\":\"a-b\""

/* A publish of n events that lie in v. */
static inline struct publish publish_of(struct str *v, size_t n)
{
	struct publish p = { 0 };

	p.events = (struct str_list){ .v = v, .n = n };
	msg_mark(&p, publish, events);
	return p;
}

/* The next message that was not looked at yet; it must be of this shape. */
static inline const struct sent *next_sent(struct bench *b, struct outbox *o,
					   const struct shape *shape, struct head *head, void *msg)
{
	struct fault fault;

	fault_init(&fault);
	assert_true(o->taken < o->n);
	const struct sent *s = &o->v[o->taken++];
	assert_int_equal(msg_peek(buf_str(&s->wire), head, &fault), ERR_OK);
	if (head->type != (enum msg_type)shape->type)
		fail_msg("sent a %s, not a %s", shape_of(head->type)->name, shape->name);
	if (msg_decode(shape, buf_str(&s->wire), &b->arena, msg, &fault))
		fail_msg("%s: %s", fault.field, fault.text);
	return s;
}

/* The next message must be this error. */
static inline struct error next_error(struct bench *b, struct outbox *o, enum err code)
{
	struct error error;
	struct head head;

	(void)next_sent(b, o, &shape_error, &head, &error);
	if (error.code != (uint64_t)code)
		fail_msg("%.*s, not %s", STR_ARG(error.name), err_name(code));
	return error;
}

#endif
