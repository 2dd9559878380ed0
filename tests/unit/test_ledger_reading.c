/* SPDX-License-Identifier: Apache-2.0 */
/* What a ledger reads: for those who ask, for those who wait for news, and to find damage. */
#include "tests/unit/ledger_help.h"

/* ---- for others ---- */

static struct read read_after(uint64_t after)
{
	struct read q = { 0 };

	msg_set(&q, read, after, after);
	return q;
}

static struct events events(void)
{
	struct events e;
	struct head h;

	(void)next_sent(&f->b, &f->out, &shape_events, &h, &e);
	return e;
}

static void the_feed_is_read_from_any_seq(void **state)
{
	(void)state;
	fill(5);
	struct read q = read_after(2);
	msg_set(&q, read, limit, 2);
	ask(&shape_read, &q);
	const struct events e = events();
	assert_int_equal(e.events.n, 2);
	assert_int_equal(e.events.v[0].seq, 3);
	assert_int_equal(e.scanned_to, 4);
	assert_int_equal(e.head, 5);
}

static void a_position_beyond_the_head_is_refused_with_the_head(void **state)
{
	(void)state;
	fill(1);
	const struct read q = read_after(2);
	ask(&shape_read, &q);
	const struct error e = next_error(&f->b, &f->out, ERR_POSITION_IN_FUTURE);
	assert_int_equal(e.actual, 1);
	struct read other = read_after(0);
	msg_set(&other, read, epoch, 2);
	ask(&shape_read, &other);
	(void)next_error(&f->b, &f->out, ERR_WRONG_LEDGER);
}

static void who_waits_is_told_of_news_at_once(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };
	const struct publish p = publish_of(v, 1);
	struct read q = read_after(0);

	msg_set(&q, read, wait_ms, 1000);
	ask(&shape_read, &q);
	assert_int_equal(f->out.n, 0);
	(void)publish_ok(&p);
	const struct events e = events();
	assert_int_equal(e.events.n, 1);
}

static void who_waits_in_vain_gets_an_empty_answer_in_time(void **state)
{
	(void)state;
	struct read q = read_after(0);

	msg_set(&q, read, wait_ms, 1000);
	ask(&shape_read, &q);
	f->b.now.mono_ms += 400;
	assert_int_equal(ledger_ring(f->l, f->b.now), 600);
	f->b.now.mono_ms += 600;
	assert_int_equal(ledger_ring(f->l, f->b.now), -1);
	const struct events e = events();
	assert_int_equal(e.events.n, 0);
	assert_int_equal(e.scanned_to, 0);
}

static void readers_beyond_the_limit_are_told_to_come_back(void **state)
{
	(void)state;
	struct read q = read_after(0);

	msg_set(&q, read, wait_ms, 1000);
	for (unsigned i = 0; i < LEDGER_PARKED_MAX; i++)
		take(i, &shape_read, i, &q);
	take(1, &shape_read, 9, &q);
	turn();
	const struct error e = next_error(&f->b, &f->out, ERR_BUSY);
	assert_true(e.retry_after_ms > 0);
	assert_int_equal(f->out.taken, f->out.n);
}

/* ---- for itself, to find damage ---- */

/* Passes, the events looked at, and the first that is damaged, as status says. */
static void assert_verified(int64_t passes, int64_t events, int64_t damaged_seq)
{
	const struct { const char *name; int64_t value; } want[] = {
		{ "verify_passes", passes }, { "verified", events }, { "damaged_seq", damaged_seq },
	};
	const struct status status = { 0 };
	struct state_of_service s;
	struct head head;

	ask(&shape_status, &status);
	(void)next_sent(&f->b, &f->out, &shape_state_of_service, &head, &s);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		size_t j = 0;
		while (j < s.counters.n && !str_eq(s.counters.v[j].name, str_of(want[i].name)))
			j++;
		assert_true(j < s.counters.n);
		assert_int_equal(s.counters.v[j].value, want[i].value);
	}
}

static void verify_all(void)
{
	bool more = true;

	while (more)
		assert_int_equal(ledger_verify(f->l, f->b.now, &more), ERR_OK);
}

static void damage_is_found_before_anybody_asks_and_looked_for_again_after_an_hour(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK), event(2, A_TALK ",\"note\":\"the second\""),
			   event(3, A_TALK) };
	const struct publish p = publish_of(v, 3);
	struct fault fault;

	(void)publish_ok(&p);
	verify_all();
	assert_verified(1, 3, 0);
	ledger_free(f->l);
	log_close(f->log);
	assert_true(file_flip(in_dir(f->dir, "data.mdb"), STR("the second"), 0) > 0);
	fault_init(&fault);
	assert_int_equal(log_open(f->dir, WALL_US, &f->log, &fault), ERR_OK);
	f->l = ledger_new(f->log, outlet_to(&f->out), f->b.now);
	verify_all();
	assert_verified(1, 3, 2);
	verify_all();
	assert_verified(1, 3, 2);
	f->b.now.mono_ms += LEDGER_VERIFY_MS;
	verify_all();
	assert_verified(2, 6, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ledger_test(the_feed_is_read_from_any_seq),
		ledger_test(a_position_beyond_the_head_is_refused_with_the_head),
		ledger_test(who_waits_is_told_of_news_at_once),
		ledger_test(who_waits_in_vain_gets_an_empty_answer_in_time),
		ledger_test(readers_beyond_the_limit_are_told_to_come_back),
		ledger_test(damage_is_found_before_anybody_asks_and_looked_for_again_after_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
