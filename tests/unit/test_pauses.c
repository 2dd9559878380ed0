/* SPDX-License-Identifier: Apache-2.0 */
/* Telling many who wait for events: in their order, a few at a time, with pauses while many events come in. */
#include "tests/unit/feed_help.h"

/* So many wait behind `after`; with a limit of 0 for as much as there is. */
static void readers_wait(unsigned count, uint64_t after, uint32_t limit)
{
	struct read q = { 0 };

	msg_set(&q, read, after, after);
	msg_set(&q, read, wait_ms, 1000);
	if (limit)
		msg_set(&q, read, limit, limit);
	for (unsigned i = 0; i < count; i++)
		ask(i, &shape_read, 0, &q);
}

static void assert_told(unsigned count, uint64_t first, uint64_t last)
{
	for (unsigned i = 0; i < count; i++) {
		const struct events e = told();
		assert_int_equal(e.events.n, last - first + 1);
		assert_int_equal(e.events.v[0].seq, first);
		assert_int_equal(e.scanned_to, last);
	}
	assert_int_equal(f->people.taken, f->people.n);
}

/* How many are told in one go, where an event's bytes are few, and how long the pause is that follows. */
#define GO (READER_GO_US / READER_ANSWER_US + 1)
#define PAUSE_MS ((int64_t)(GO * READER_ANSWER_US * READER_PAUSE_TIMES / 1000))
#define FLOW ((uint64_t)READER_FLOW_EVENTS)

static void pass_ms(int64_t ms)
{
	f->b.now.mono_ms += ms;
	(void)query_tick(f->q, f->b.now);
}

static void flow(void)
{
	for (uint64_t i = 0; i < FLOW; i++)
		write_event(TALK_AB);
	follow();
}

/* Events flow in; of one more those of one go are told, and there is a pause. */
static void some_are_told(void)
{
	flow();
	readers_wait(GO, FLOW, 0);
	news(TALK_AB);
	assert_told(GO, FLOW + 1, FLOW + 1);
}

/* Answers that nobody waits long for, so many that the pause is as long as can be. */
static void pause_long(void)
{
	struct read q = { 0 };

	msg_set(&q, read, wait_ms, READER_LONG_MS - 1);
	for (uint64_t us = 0; us < READER_PAUSE_MAX_MS * 1000;
	     us += READER_ANSWER_US * READER_PAUSE_TIMES)
		ask(1, &shape_read, 0, &q);
	outbox_clear(&f->people);
}

static void as_long_as_many_come_in_a_few_are_told_at_a_time_with_pauses_who_waits_longest_first(void **state)
{
	(void)state;
	flow();
	readers_wait(3 * GO, FLOW, 0);
	news(TALK_AB);
	assert_told(GO, FLOW + 1, FLOW + 1);
	pass_ms(PAUSE_MS - 1);
	news(TALK_CD);
	assert_told(0, 0, 0);
	for (unsigned go = 1; go < 3; go++) {
		const size_t sent = f->people.n;
		pass_ms(PAUSE_MS + 2);
		assert_told(GO, FLOW + 1, FLOW + 2);
		for (unsigned i = 0; i < GO; i++)
			assert_true(peer_is(&f->people.v[sent + i].to, go * GO + i));
	}
}

static void where_few_come_in_many_are_told_with_hardly_a_pause(void **state)
{
	(void)state;
	ten_events();
	readers_wait(10 * GO, 10, 0);
	news(TALK_AB);
	for (unsigned go = 1; go < 10; go++)
		pass_ms(1);
	assert_told(10 * GO, 11, 11);
}

static void who_reads_on_in_a_pause_waits_with_the_others_if_he_would(void **state)
{
	struct read q = { 0 };
	(void)state;
	some_are_told();
	readers_wait(1, 0, 0);
	msg_set(&q, read, after, FLOW);
	assert_int_equal(read_now(&q).events.n, 1);
	msg_set(&q, read, wait_ms, READER_LONG_MS - 1);
	assert_int_equal(read_now(&q).events.n, 1);
	news(TALK_CD);
	assert_told(0, 0, 0);
	pass_ms(PAUSE_MS + 2);
	assert_told(1, 1, FLOW + 2);
}

static void a_pause_ends_when_events_come_in_no_more(void **state)
{
	(void)state;
	some_are_told();
	pause_long();
	readers_wait(1, 0, 0);
	pass_ms(2 * READER_FLOW_MS - 1);
	assert_told(0, 0, 0);
	pass_ms(1);
	assert_told(1, 1, FLOW + 1);
}

static void who_has_waited_through_a_pause_for_as_long_as_he_would_is_told_what_there_is(void **state)
{
	(void)state;
	some_are_told();
	pause_long();
	readers_wait(1, FLOW, 0);
	for (int64_t ms = READER_FLOW_MS; ms < 1000; ms += READER_FLOW_MS) {
		f->b.now.mono_ms += READER_FLOW_MS;
		news(TALK_AB);
	}
	pause_long();
	pass_ms(READER_FLOW_MS - 1);
	assert_told(0, 0, 0);
	pass_ms(1);
	assert_told(1, FLOW + 1, FLOW + 20);
}

static void who_waits_is_not_told_while_too_much_is_to_be_sent_already(void **state)
{
	(void)state;
	ten_events();
	readers_wait(1, 10, 0);
	query_crowded(f->q, true);
	news(TALK_AB);
	pass_ms(1);
	assert_told(0, 0, 0);
	query_crowded(f->q, false);
	pass_ms(1);
	assert_told(1, 11, 11);
}

static void who_is_gone_keeps_nobody_waiting_for_long(void **state)
{
	(void)state;
	flow();
	readers_wait(10 * GO, FLOW, 0);
	f->people.refuse = ERR_UNREACHABLE;
	news(TALK_AB);
	f->people.refuse = ERR_OK;
	readers_wait(1, FLOW, 0);
	pass_ms(2);
	assert_told(1, FLOW + 1, FLOW + 1);
}

static void a_few_are_told_of_each_without_any_pause(void **state)
{
	(void)state;

	ten_events();
	for (uint64_t after = 10; after < 13; after++) {
		readers_wait(2, after, 0);
		news(TALK_AB);
		assert_told(2, after + 1, after + 1);
		pass_ms(1);
	}
}

static void what_nobody_asked_for_is_passed_over_in_a_pause_too(void **state)
{
	struct read q = filtered(FLOW + 1);
	(void)state;
	some_are_told();
	msg_set(&q.filter, filter, deal, STR("c-d"));
	msg_set(&q, read, wait_ms, 2000);
	ask(1, &shape_read, 0, &q);
	q = (struct read){ 0 };
	msg_set(&q, read, after, FLOW + 1);
	msg_set(&q, read, wait_ms, 2000);
	msg_set(&q, read, since, WALL_US + (int64_t)FLOW + 4);
	ask(2, &shape_read, 0, &q);
	news(TALK_AB);
	pass_ms(PAUSE_MS + 1);
	assert_told(0, 0, 0);
	news(TALK_CD);
	assert_told(1, FLOW + 3, FLOW + 3);
	news(TALK_AB);
	assert_told(1, FLOW + 4, FLOW + 4);
}

static void what_is_damaged_is_named_to_who_waited_through_a_pause(void **state)
{
	(void)state;
	some_are_told();
	readers_wait(1, FLOW + 1, 0);
	news(TALK_CD ",\"note\":\"the last one\"");
	assert_true(file_flip(in_dir(f->dir, "data.mdb"), STR("the last one"), 0) > 0);
	pass_ms(PAUSE_MS + 1);
	assert_int_equal(next_error(&f->b, &f->people, ERR_DAMAGED).seq, FLOW + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		feed_test(as_long_as_many_come_in_a_few_are_told_at_a_time_with_pauses_who_waits_longest_first),
		feed_test(where_few_come_in_many_are_told_with_hardly_a_pause),
		feed_test(who_reads_on_in_a_pause_waits_with_the_others_if_he_would),
		feed_test(a_pause_ends_when_events_come_in_no_more),
		feed_test(who_has_waited_through_a_pause_for_as_long_as_he_would_is_told_what_there_is),
		feed_test(who_waits_is_not_told_while_too_much_is_to_be_sent_already),
		feed_test(who_is_gone_keeps_nobody_waiting_for_long),
		feed_test(a_few_are_told_of_each_without_any_pause),
		feed_test(what_nobody_asked_for_is_passed_over_in_a_pause_too),
		feed_test(what_is_damaged_is_named_to_who_waited_through_a_pause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
