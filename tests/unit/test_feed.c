/* SPDX-License-Identifier: Apache-2.0 */
/* Following the ledger, and telling those who follow: the query service without sockets. */
#include "services/query/rows.h"
#include "tests/unit/feed_help.h"

/* ---- following ---- */

static void it_greets_then_reads_behind_its_head(void **state)
{
	(void)state;
	uint64_t rid;

	write_event(A_TALK);
	(void)greet();
	const struct read r = asked_read(&rid);
	assert_int_equal(r.after, 0);
	assert_true(r.wait_ms > 0);
	say_events(rid, 0, 1);
	assert_int_equal(info().head, 1);
	assert_memory_equal(info().ledger.b, f->id.b, ID_SIZE);
	assert_int_equal(asked_read(&rid).after, 1);
}

static void it_goes_on_where_it_was_when_it_is_started_again(void **state)
{
	(void)state;
	uint64_t rid;

	write_event(A_TALK);
	write_event(A_TALK);
	follow();
	close_query();
	outbox_clear(&f->ledger);
	open_query();
	(void)greet();
	assert_int_equal(asked_read(&rid).after, 2);
}

/* An event was asked for as `rid`, and there was no answer in time: the greeting that follows. */
static struct head greeted_again(uint64_t *rid)
{
	struct hello hello;

	write_event(A_TALK);
	(void)greet();
	(void)asked_read(rid);
	f->b.now.mono_ms += FEED_WAIT_MS + FEED_PATIENCE_MS;
	return asked(&shape_hello, &hello);
}

static void without_an_answer_it_greets_again_and_takes_what_comes_late(void **state)
{
	(void)state;
	uint64_t rid;
	const struct head head = greeted_again(&rid);

	say_events(rid, 0, 1);
	assert_int_equal(info().head, 1);
	say_welcome(head.rid);
	assert_int_equal(asked_read(&rid).after, 1);
	/* and the same once more changes nothing */
	say_events(rid - 1, 0, 1);
	assert_int_equal(info().head, 1);
}

static void a_welcome_that_a_late_answer_has_overtaken_is_no_other_ledgers(void **state)
{
	(void)state;
	uint64_t rid;
	const struct head head = greeted_again(&rid);

	say_events(rid, 0, 1);
	f->head = 0; /* as it was when the welcome was written */
	say_welcome(head.rid);
	assert_int_equal(asked_read(&rid).after, 1);
}

static void events_with_a_hole_are_not_taken(void **state)
{
	(void)state;
	uint64_t rid;

	write_event(A_TALK);
	write_event(A_TALK);
	(void)greet();
	(void)asked_read(&rid);
	say_events(rid, 1, 2);
	assert_int_equal(info().head, 0);
	f->b.now.mono_ms += FEED_RETRY_MS;
	(void)greet();
	assert_int_equal(asked_read(&rid).after, 0);
}

static void nobody_sees_a_part_of_a_publish(void **state)
{
	uint64_t rid;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		write_event(A_TALK);
	f->late[3] = f->late[4] = f->late[5] = f->late[6] = 1; /* 1 and 2, 3 to 6 */
	greet();
	(void)asked_read(&rid);
	say_events(rid, 0, 5); /* 3 to 5 are a part */
	assert_int_equal(info().head, 2);
	struct read r = asked_read(&rid);
	assert_int_equal(r.after, 2);
	assert_true(r.limit < READ_EVENTS_MAX);
	say_events(rid, 2, 5); /* no end in sight: more is asked for */
	assert_int_equal(info().head, 2);
	r = asked_read(&rid);
	assert_int_equal(r.after, 2);
	assert_int_equal(r.limit, READ_EVENTS_MAX);
	say_events(rid, 2, 6);
	assert_int_equal(info().head, 6);
}

static void another_ledger_is_not_followed_and_nothing_is_served(void **state)
{
	(void)state;
	const struct read q = { 0 };
	const struct status status = { 0 };
	struct state_of_service s;
	struct head head;

	write_event(A_TALK);
	follow();
	f->ledger.taken = f->ledger.n;
	f->b.now.mono_ms += FEED_WAIT_MS + FEED_PATIENCE_MS;
	f->id = (struct id){ { 10 } };
	(void)greet();
	ask(1, &shape_read, 0, &q);
	(void)next_error(&f->b, &f->people, ERR_WRONG_LEDGER);
	ask(1, &shape_status, 0, &status);
	(void)next_sent(&f->b, &f->people, &shape_state_of_service, &head, &s);
	assert_false(s.upstream_ok);
	/* the right one comes back */
	f->id = (struct id){ { 9 } };
	f->b.now.mono_ms += FEED_RETRY_MS;
	(void)greet();
	ask(1, &shape_read, 0, &q);
	assert_int_equal(told().events.n, 1);
}

static void a_ledger_that_holds_less_is_foreign(void **state)
{
	(void)state;
	const struct read q = { 0 };

	write_event(A_TALK);
	write_event(A_TALK);
	follow();
	f->ledger.taken = f->ledger.n;
	f->b.now.mono_ms += FEED_WAIT_MS + FEED_PATIENCE_MS;
	f->head = 1;
	(void)greet();
	ask(1, &shape_read, 0, &q);
	(void)next_error(&f->b, &f->people, ERR_WRONG_LEDGER);
}

static void before_it_has_met_its_ledger_it_is_unavailable(void **state)
{
	(void)state;
	const struct read q = { 0 };

	ask(1, &shape_read, 0, &q);
	(void)next_error(&f->b, &f->people, ERR_UNAVAILABLE);
}

static bool has_slug(const char *slug)
{
	const struct row_key key = key_slug(DICT_DEAL, str_of(slug));
	struct str value;

	assert_int_equal(replica_snap(f->replica), ERR_OK);
	const enum err e = replica_lookup(f->replica, table_slug, row_str(&key), &value);
	replica_unsnap(f->replica);
	return e == ERR_OK;
}

static void what_a_transaction_that_was_given_up_had_put_is_put_again(void **state)
{
	(void)state;
	uint64_t rid;

	write_event(TALK_AB);
	write_event(TALK_AB);
	const struct str good = f->log[2];
	f->log[2] = STR("\x80"); /* a map without an id */
	follow();
	assert_int_equal(info().head, 0);
	assert_false(has_slug("a-b"));
	f->log[2] = good;
	f->b.now.mono_ms += FEED_RETRY_MS;
	(void)asked_read(&rid);
	say_events(rid, 0, 2);
	assert_int_equal(info().head, 2);
	assert_true(has_slug("a-b"));
}

/* ---- the tape ---- */

static void each_event_is_on_the_tape_once_then_a_beacon(void **state)
{
	(void)state;
	struct event_on_tape t;
	struct beacon beacon;
	struct head head;

	write_event(A_TALK);
	write_event(A_TALK);
	follow();
	for (unsigned i = 1; i <= 2; i++) {
		(void)next_sent(&f->b, &f->tape, &shape_event_on_tape, &head, &t);
		assert_int_equal(t.entry.seq, i);
	}
	(void)next_sent(&f->b, &f->tape, &shape_beacon, &head, &beacon);
	assert_int_equal(beacon.head, 2);
	assert_int_equal(f->tape.taken, f->tape.n);
	f->b.now.mono_ms += QUERY_BEACON_MS;
	(void)query_tick(f->q, f->b.now);
	(void)next_sent(&f->b, &f->tape, &shape_beacon, &head, &beacon);
}

/* ---- reading ---- */

static void limits_end_an_answer_and_the_next_goes_on_there(void **state)
{
	(void)state;
	struct read q = { 0 };

	ten_events();
	msg_set(&q, read, limit, 4);
	const struct events first = read_now(&q);
	assert_int_equal(first.events.n, 4);
	assert_int_equal(first.scanned_to, 4);
	msg_set(&q, read, after, 4);
	msg_set(&q, read, limit, 1000);
	msg_set(&q, read, max_bytes, f->log[5].n + f->log[6].n);
	const struct events second = read_now(&q);
	assert_int_equal(second.events.n, 2);
	assert_int_equal(second.scanned_to, 6);
	msg_set(&q, read, after, 6);
	msg_set(&q, read, max_bytes, 1);
	assert_int_equal(read_now(&q).events.n, 1);
}

static void scanned_to_moves_on_where_nothing_matches(void **state)
{
	(void)state;
	struct read q = filtered(0);

	ten_events();
	msg_set(&q.filter, filter, deal, STR("nobody"));
	const struct events e = read_now(&q);
	assert_int_equal(e.events.n, 0);
	assert_int_equal(e.scanned_to, 10);
}

static void the_last_ones_are_given_in_ascending_order(void **state)
{
	(void)state;
	struct read q = filtered(0);

	ten_events();
	msg_set(&q.filter, filter, deal, STR("a-b"));
	msg_set(&q, read, last, 2);
	const struct events e = read_now(&q);
	assert_int_equal(e.events.n, 2);
	assert_int_equal(e.events.v[0].seq, 7);
	assert_int_equal(e.events.v[1].seq, 9);
	assert_int_equal(e.scanned_to, 10);
	assert_int_equal(e.scanned_from, 7);
	msg_set(&q, read, before, e.scanned_from);
	msg_set(&q, read, last, 100);
	const struct events older = read_now(&q);
	assert_int_equal(older.events.n, 3);
	assert_int_equal(older.events.v[0].seq, 1);
	assert_int_equal(older.scanned_from, 1);
	msg_set(&q, read, last, 0);
	assert_int_equal(read_now(&q).events.n, 0);
}

static void since_begins_at_an_instant(void **state)
{
	(void)state;
	struct read q = { 0 };

	ten_events();
	msg_set(&q, read, since, WALL_US + 8);
	const struct events e = read_now(&q);
	assert_int_equal(e.events.n, 3);
	assert_int_equal(e.events.v[0].seq, 8);
	msg_set(&q, read, after, 9);
	assert_int_equal(read_now(&q).events.n, 1);
}

static void a_position_in_the_future_is_refused(void **state)
{
	(void)state;
	struct read q = { 0 };

	ten_events();
	msg_set(&q, read, after, 11);
	ask(1, &shape_read, 0, &q);
	assert_int_equal(next_error(&f->b, &f->people, ERR_POSITION_IN_FUTURE).actual, 10);
	msg_set(&q, read, after, 0);
	msg_set(&q, read, limit, 0);
	ask(1, &shape_read, 0, &q);
	(void)next_error(&f->b, &f->people, ERR_BAD_VALUE);
}

static void a_reader_who_waits_hears_of_what_it_asked_for_and_nothing_else(void **state)
{
	(void)state;
	struct read q = filtered(0);

	write_event(TALK_AB);
	follow();
	msg_set(&q.filter, filter, deal, STR("c-d"));
	msg_set(&q, read, after, 1);
	msg_set(&q, read, wait_ms, 1000);
	ask(1, &shape_read, 0, &q);
	news(TALK_AB);
	assert_int_equal(f->people.n, 0);
	news(TALK_CD);
	const struct events e = told();
	assert_int_equal(e.events.n, 1);
	assert_int_equal(e.events.v[0].seq, 3);
	assert_int_equal(e.scanned_to, 3);
}

static void a_reader_who_waits_in_vain_is_told_how_far_was_looked(void **state)
{
	(void)state;
	struct read q = filtered(0);

	write_event(TALK_AB);
	follow();
	msg_set(&q.filter, filter, deal, STR("c-d"));
	msg_set(&q, read, after, 1);
	msg_set(&q, read, wait_ms, 1000);
	ask(1, &shape_read, 0, &q);
	news(TALK_AB);
	f->b.now.mono_ms += 1000;
	(void)query_tick(f->q, f->b.now);
	const struct events e = told();
	assert_int_equal(e.events.n, 0);
	assert_int_equal(e.scanned_to, 2);
}

static void readers_beyond_the_limit_are_told_to_come_back(void **state)
{
	(void)state;
	struct read q = { 0 };

	write_event(TALK_AB);
	follow();
	msg_set(&q, read, after, 1);
	msg_set(&q, read, wait_ms, 1000);
	for (unsigned i = 0; i < READER_PARKED_MAX; i++)
		ask(i, &shape_read, 0, &q);
	assert_int_equal(f->people.n, 0);
	ask(1, &shape_read, 0, &q);
	(void)next_error(&f->b, &f->people, ERR_BUSY);
	f->b.now.mono_ms += 1000;
	outbox_clear(&f->people);
}

/* ---- filters ---- */

static void assert_matches(const struct filter *filter, const char *want)
{
	struct read q = filtered(0);
	char got[128] = "";

	q.filter = *filter;
	const struct events e = read_now(&q);
	for (size_t i = 0; i < e.events.n; i++)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%d", i ? " " : "",
			       (int)e.events.v[i].seq);
	assert_string_equal(got, want);
}

static void matches(const char *want, size_t field, const char *value)
{
	struct filter filter = { 0 };
	struct str *const texts[] = {
		[filter_HAS_deal] = &filter.deal, [filter_HAS_party] = &filter.party,
		[filter_HAS_from] = &filter.from, [filter_HAS_to] = &filter.to,
		[filter_HAS_min] = &filter.min,	  [filter_HAS_currency] = &filter.currency,
		[filter_HAS_tag] = &filter.tag,
	};

	*texts[field] = str_of(value);
	filter.has = UINT64_C(1) << field;
	assert_matches(&filter, want);
}

static void every_filter_selects_what_it_names(void **state)
{
	(void)state;
	write_event(TALK_CD ",\"amount\":\"10..20 USD\",\"tags\":[\"ai\"]");
	write_event(TALKS STATED("2025-01-30") ",\"deal\":\"a-b\",\"amount\":\">30 JPY\"");
	write_event(",\"kind\":\"pay\",\"grade\":\"press\"" SOURCED STATED("2025-01-30")
		    ",\"deal\":\"a-b\",\"amount\":\"<=50.25 USD\"");
	follow();
	matches("1", filter_HAS_deal, "c-d");
	matches("1", filter_HAS_from, "c");
	matches("", filter_HAS_from, "d");
	matches("1", filter_HAS_to, "d");
	matches("1", filter_HAS_party, "d");
	matches("1", filter_HAS_tag, "ai");
	matches("1 3", filter_HAS_currency, "USD");
	matches("1 2 3", filter_HAS_min, "20");
	matches("2 3", filter_HAS_min, "20.000001");
	matches("2 3", filter_HAS_min, "50.25");
	matches("2", filter_HAS_min, "50.26");
	int kind = kind_pay;
	struct filter filter = { 0 };
	filter.kind = (struct enum_list){ .v = &kind, .n = 1 };
	msg_mark(&filter, filter, kind);
	assert_matches(&filter, "3");
	filter = (struct filter){ 0 };
	msg_set(&filter, filter, rung, rung_talked);
	assert_matches(&filter, "1 2");
	msg_set(&filter, filter, deal, STR("a-b"));
	assert_matches(&filter, "2");
}

static void a_statement_has_the_sides_that_its_deal_declared_until_then(void **state)
{
	(void)state;
	write_event(TALK_AB);
	write_event(DEAL_AB);
	write_event(TALK_AB);
	write_event(",\"kind\":\"deal\",\"stated\":\"2025-01-01\",\"deal\":\"a-b\",\"from\":\"x\",\"to\":\"b\"");
	write_event(TALK_AB);
	write_event(TALK_AB ",\"from\":\"y\"");
	follow();
	matches("2 3", filter_HAS_from, "a");
	matches("4 5", filter_HAS_from, "x");
	matches("6", filter_HAS_from, "y");
	matches("2 3 4 5 6", filter_HAS_to, "b");
	matches("2 3 4 5 6", filter_HAS_party, "b");
}

static void a_retraction_is_about_what_it_retracts(void **state)
{
	(void)state;
	write_event(TALK_CD ",\"tags\":[\"ai\"]");
	write_event(RETRACTS_1);
	write_event(",\"kind\":\"retract\"" SOURCED STATED("2025-02-01")
		    ",\"ref\":\"0190f3a2-0000-7000-8000-000000000002\"");
	follow();
	matches("1 2 3", filter_HAS_deal, "c-d");
	matches("1 2 3", filter_HAS_from, "c");
	matches("1 2 3", filter_HAS_tag, "ai");
	struct filter filter = { 0 };
	int kind = kind_retract;
	filter.kind = (struct enum_list){ .v = &kind, .n = 1 };
	msg_mark(&filter, filter, kind);
	assert_matches(&filter, "2 3");
}

static void a_retraction_has_the_sides_that_what_it_retracts_has(void **state)
{
	(void)state;
	write_event(TALK_AB); /* nobody had declared its deal yet */
	write_event(DEAL_AB);
	write_event(RETRACTS_1);
	follow();
	matches("2", filter_HAS_from, "a");
	matches("1 2 3", filter_HAS_deal, "a-b");
}

static void a_damaged_event_is_named_to_who_reads_by_a_filter_and_never_skipped(void **state)
{
	(void)state;
	struct read q = filtered(0);

	write_event(TALK_CD);
	write_event(TALK_AB ",\"note\":\"the second\"");
	write_event(TALK_CD);
	follow();
	assert_true(file_flip(in_dir(f->dir, "data.mdb"), STR("the second"), 0) > 0);
	msg_set(&q.filter, filter, deal, STR("c-d"));
	const struct events e = read_now(&q);
	assert_int_equal(e.events.n, 1);
	assert_int_equal(e.scanned_to, 1);
	msg_set(&q, read, after, 1);
	ask(1, &shape_read, 0, &q);
	const struct error damaged = next_error(&f->b, &f->people, ERR_DAMAGED);
	assert_int_equal(damaged.seq, 2);
	msg_set(&q, read, after, 2); /* who knows of it goes on behind it */
	assert_int_equal(read_now(&q).events.v[0].seq, 3);
}

static void a_filter_that_cannot_be_read_is_refused(void **state)
{
	(void)state;
	struct read q = filtered(0);
	char wire[256];

	write_event(TALK_AB);
	follow();
	msg_set(&q.filter, filter, min, STR("12"));
	const struct parcel p = parcel_of(&f->b, 1, &shape_read, 7, 0, &q);
	memcpy(wire, p.wire.p, p.wire.n);
	char *at = memmem(wire, p.wire.n, "12", 2);
	assert_non_null(at);
	memcpy(at, "1e", 2);
	query_take(f->q, &(struct parcel){ .from = p.from, .wire = { wire, p.wire.n } }, f->b.now);
	const struct error e = next_error(&f->b, &f->people, ERR_BAD_DECIMAL);
	assert_true(str_eq(e.field, STR("filter.min")));
}

/* ---- questions ---- */

static void who_has_written_reads_it_or_is_told_that_time_is_up(void **state)
{
	(void)state;
	struct get get = { 0 };
	struct got got;
	struct head head;

	write_event(TALK_AB);
	follow();
	msg_set(&get, get, seq, 1);
	msg_set(&get, get, min_seq, 2);
	ask(1, &shape_get, 0, &get);
	assert_int_equal(f->people.n, 0);
	news(TALK_AB);
	(void)next_sent(&f->b, &f->people, &shape_got, &head, &got);
	assert_int_equal(got.head, 2);
	msg_set(&get, get, min_seq, 3);
	ask(1, &shape_get, 400, &get);
	f->b.now.mono_ms += 399;
	(void)query_tick(f->q, f->b.now);
	assert_int_equal(f->people.taken, f->people.n);
	f->b.now.mono_ms += 1;
	(void)query_tick(f->q, f->b.now);
	const struct error e = next_error(&f->b, &f->people, ERR_DEADLINE);
	assert_int_equal(e.expected, 3);
	assert_int_equal(e.actual, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		feed_test(it_greets_then_reads_behind_its_head),
		feed_test(it_goes_on_where_it_was_when_it_is_started_again),
		feed_test(without_an_answer_it_greets_again_and_takes_what_comes_late),
		feed_test(a_welcome_that_a_late_answer_has_overtaken_is_no_other_ledgers),
		feed_test(events_with_a_hole_are_not_taken),
		feed_test(nobody_sees_a_part_of_a_publish),
		feed_test(another_ledger_is_not_followed_and_nothing_is_served),
		feed_test(a_ledger_that_holds_less_is_foreign),
		feed_test(before_it_has_met_its_ledger_it_is_unavailable),
		feed_test(what_a_transaction_that_was_given_up_had_put_is_put_again),
		feed_test(each_event_is_on_the_tape_once_then_a_beacon),
		feed_test(limits_end_an_answer_and_the_next_goes_on_there),
		feed_test(scanned_to_moves_on_where_nothing_matches),
		feed_test(the_last_ones_are_given_in_ascending_order),
		feed_test(since_begins_at_an_instant),
		feed_test(a_position_in_the_future_is_refused),
		feed_test(a_reader_who_waits_hears_of_what_it_asked_for_and_nothing_else),
		feed_test(a_reader_who_waits_in_vain_is_told_how_far_was_looked),
		feed_test(readers_beyond_the_limit_are_told_to_come_back),
		feed_test(every_filter_selects_what_it_names),
		feed_test(a_statement_has_the_sides_that_its_deal_declared_until_then),
		feed_test(a_retraction_is_about_what_it_retracts),
		feed_test(a_retraction_has_the_sides_that_what_it_retracts_has),
		feed_test(a_damaged_event_is_named_to_who_reads_by_a_filter_and_never_skipped),
		feed_test(a_filter_that_cannot_be_read_is_refused),
		feed_test(who_has_written_reads_it_or_is_told_that_time_is_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
