/* SPDX-License-Identifier: Apache-2.0 */
/* feed_help: a query service without sockets, and the ledger that it follows, which the test plays. */
#ifndef AVOW_TESTS_UNIT_FEED_HELP_H
#define AVOW_TESTS_UNIT_FEED_HELP_H

#include "services/query/index.h"
#include "services/query/query.h"
#include "services/query/reader.h"
#include "tests/unit/exchange_help.h"

#define LOG_MAX (READER_FLOW_EVENTS + 64)

struct fixture {
	struct bench b;
	struct outbox people, ledger, tape;
	struct replica *replica;
	struct query *q;
	struct id id;	     /* of the ledger that the test plays */
	struct str log[LOG_MAX]; /* its events */
	int64_t late[LOG_MAX];	 /* by so much they were recorded later than right behind the others */
	uint64_t head;
	void *dir;
};

static struct fixture *f;

static inline void open_query(void)
{
	struct fault fault;

	fault_init(&fault);
	if (replica_open(f->dir, INDEX_VERSION, &f->replica, &fault))
		fail_msg("%s", fault.text);
	f->q = query_new(f->replica,
			 (struct query_outlets){ .people = outlet_to(&f->people),
						 .ledger = outlet_to(&f->ledger),
						 .tape = outlet_to(&f->tape) },
			 f->b.now);
	assert_non_null(f->q);
}

static inline void close_query(void)
{
	query_free(f->q);
	replica_close(f->replica);
}

static inline int setup(void **state)
{
	f = calloc(1, sizeof(*f));
	*state = f;
	bench_open(&f->b);
	f->id = (struct id){ { 9 } };
	if (temp_make(&f->dir))
		return -1;
	open_query();
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	close_query();
	outbox_clear(&f->people);
	outbox_clear(&f->ledger);
	outbox_clear(&f->tape);
	bench_close(&f->b);
	const int rc = temp_remove(&f->dir);
	free(f);
	return rc;
}

#define feed_test(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

/* ---- the ledger that the test plays ---- */

static inline void say(const struct shape *shape, uint64_t rid, const void *msg)
{
	const struct parcel p = parcel_of(&f->b, 0, shape, rid, 0, msg);

	assert_int_equal(query_hear(f->q, p.wire, f->b.now), ERR_OK);
}

static inline void say_welcome(uint64_t rid)
{
	struct welcome w;

	welcome_init(&w, "ledger", WALL_US);
	msg_set(&w, welcome, ledger, f->id);
	msg_set(&w, welcome, epoch, 1);
	msg_set(&w, welcome, head, f->head);
	say(&shape_welcome, rid, &w);
}

static inline void say_events(uint64_t rid, uint64_t after, uint64_t to)
{
	struct entry entries[LOG_MAX];
	struct events e = { 0 };

	for (uint64_t s = after + 1; s <= to; s++)
		entries[s - after - 1] = entry_make(1, s, WALL_US + (int64_t)s + f->late[s], f->log[s]);
	msg_set(&e, events, epoch, 1);
	msg_set(&e, events, head, f->head);
	msg_set(&e, events, scanned_to, to);
	e.events = (struct entry_list){ .v = entries, .n = to - after };
	msg_mark(&e, events, events);
	say(&shape_events, rid, &e);
}

/* What query asks of its ledger next. */
static inline struct head asked(const struct shape *shape, void *msg)
{
	struct head head;

	(void)query_tick(f->q, f->b.now);
	(void)next_sent(&f->b, &f->ledger, shape, &head, msg);
	return head;
}

static inline struct read asked_read(uint64_t *rid)
{
	struct read r;

	*rid = asked(&shape_read, &r).rid;
	return r;
}

static inline uint64_t greet(void)
{
	struct hello hello;
	const struct head head = asked(&shape_hello, &hello);

	say_welcome(head.rid);
	return head.rid;
}

/* The ledger has these events now: write them there, `more` as in event_bytes. */
static inline void write_event(const char *more)
{
	f->head++;
	f->log[f->head] = event_bytes(&f->b, (unsigned)f->head, more);
}

/* Greet, and let the query service have everything. */
static inline void follow(void)
{
	uint64_t rid;

	(void)greet();
	const struct read r = asked_read(&rid);
	say_events(rid, r.after, f->head);
}

/* One more event, through the read that waits for it. */
static inline void news(const char *more)
{
	uint64_t rid;
	struct read r;

	while (f->ledger.taken + 1 < f->ledger.n)
		f->ledger.taken++;
	r = asked_read(&rid);
	write_event(more);
	say_events(rid, r.after, f->head);
}

static inline struct replica_info info(void)
{
	struct replica_info i;

	replica_info(f->replica, &i);
	return i;
}

/* ---- people ---- */

static inline void ask(unsigned peer, const struct shape *shape, uint64_t ttl_ms, const void *msg)
{
	const struct parcel p = parcel_of(&f->b, peer, shape, 7, ttl_ms, msg);

	query_take(f->q, &p, f->b.now);
}

static inline struct events told(void)
{
	struct events e;
	struct head head;

	(void)next_sent(&f->b, &f->people, &shape_events, &head, &e);
	return e;
}

static inline struct events read_now(const struct read *q)
{
	ask(1, &shape_read, 0, q);
	return told();
}

static inline struct read filtered(uint64_t after)
{
	struct read q = { 0 };

	msg_set(&q, read, after, after);
	msg_mark(&q, read, filter);
	return q;
}

#define DEAL_AB ",\"kind\":\"deal\",\"stated\":\"2025-01-01\",\"deal\":\"a-b\",\"from\":\"a\",\"to\":\"b\""
#define TALK_AB TALKS STATED("2025-01-30") ",\"deal\":\"a-b\""
#define TALK_CD TALKS STATED("2025-01-30") ",\"deal\":\"c-d\",\"from\":\"c\",\"to\":\"d\""
#define REF_1 ",\"ref\":\"0190f3a2-0000-7000-8000-000000000001\""
#define RETRACTS_1 ",\"kind\":\"retract\"" SOURCED STATED("2025-01-31") REF_1

static inline void ten_events(void)
{
	for (unsigned i = 0; i < 10; i++)
		write_event(i % 2 ? TALK_CD : TALK_AB);
	follow();
}

#endif
