/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_help: a ledger without sockets, and the requests that a test puts to it. */
#ifndef AVOW_TESTS_UNIT_LEDGER_HELP_H
#define AVOW_TESTS_UNIT_LEDGER_HELP_H

#include "services/ledger/ledger.h"
#include "tests/unit/exchange_help.h"

struct fixture {
	struct bench b;
	struct outbox out;
	struct log *log;
	struct ledger *l;
	void *dir;
};

static struct fixture *f;

static inline int setup(void **state)
{
	struct fault fault;

	f = calloc(1, sizeof(*f));
	*state = f;
	bench_open(&f->b);
	if (temp_make(&f->dir) || log_open(f->dir, WALL_US, &f->log, &fault))
		return -1;
	f->l = ledger_new(f->log, outlet_to(&f->out), f->b.now);
	return f->l ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	ledger_free(f->l);
	log_close(f->log);
	outbox_clear(&f->out);
	bench_close(&f->b);
	const int rc = temp_remove(&f->dir);
	free(f);
	return rc;
}

#define ledger_test(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

/* Take one request of this turn; its bytes live in the arena. */
static inline void take(unsigned peer, const struct shape *shape, uint64_t rid, const void *msg)
{
	struct parcel *p = arena_alloc(&f->b.arena, sizeof(*p));

	*p = parcel_of(&f->b, peer, shape, rid, 0, msg);
	p->wire = arena_str(&f->b.arena, p->wire);
	ledger_take(f->l, p, f->b.now);
}

/* A turn of the loop: commit, answer, and tell who waits. */
static inline void turn(void)
{
	assert_int_equal(ledger_commit(f->l, f->b.now), ERR_OK);
	ledger_reply(f->l, f->b.now);
	(void)ledger_ring(f->l, f->b.now);
}

/* One request, in a turn of its own. */
static inline void ask(const struct shape *shape, const void *msg)
{
	take(1, shape, 7, msg);
	turn();
}

/* The next answer, which must be that of a publish. */
static inline struct published published(void)
{
	struct published p;
	struct head head;

	(void)next_sent(&f->b, &f->out, &shape_published, &head, &p);
	return p;
}

/* Publish, and be answered so. */
static inline struct published publish_ok(const struct publish *p)
{
	ask(&shape_publish, p);
	return published();
}

/* Event number n, `more` as in event_bytes. */
static inline struct str event(unsigned n, const char *more)
{
	return event_bytes(&f->b, n, more);
}

/* Publish events number 1 to n, each in a request of its own. */
static inline void fill(unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		struct str v[] = { event(i, A_TALK) };
		const struct publish p = publish_of(v, 1);
		(void)publish_ok(&p);
	}
}

#endif
