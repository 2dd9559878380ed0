/* SPDX-License-Identifier: Apache-2.0 */
/* Following the ledger, and telling those who follow: the query service without sockets. */
#include "services/query/index.h"
#include "services/query/query.h"
#include "services/query/reader.h"
#include "tests/unit/exchange_help.h"

struct fixture {
	struct bench b;
	struct outbox people, ledger, tape;
	struct replica *replica;
	struct query *q;
	struct id id;	     /* of the ledger that the test plays */
	struct str log[64];  /* its events */
	int64_t late[64];    /* by so much they were recorded later than right behind the others */
	uint64_t head;
	void *dir;
};

static struct fixture *f;

static void open_query(void)
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

static void close_query(void)
{
	query_free(f->q);
	replica_close(f->replica);
}

static int setup(void **state)
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

static int teardown(void **state)
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

/* ---- the ledger that the test plays ---- */

static void say(const struct shape *shape, uint64_t rid, const void *msg)
{
	const struct parcel p = parcel_of(&f->b, 0, shape, rid, 0, msg);

	assert_int_equal(query_hear(f->q, p.wire, f->b.now), ERR_OK);
}

static void say_welcome(uint64_t rid)
{
	struct welcome w;

	welcome_init(&w, "ledger", WALL_US);
	msg_set(&w, welcome, ledger, f->id);
	msg_set(&w, welcome, epoch, 1);
	msg_set(&w, welcome, head, f->head);
	say(&shape_welcome, rid, &w);
}

static void say_events(uint64_t rid, uint64_t after, uint64_t to)
{
	struct entry entries[64];
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
static struct head asked(const struct shape *shape, void *msg)
{
	struct head head;

	(void)query_tick(f->q, f->b.now);
	(void)next_sent(&f->b, &f->ledger, shape, &head, msg);
	return head;
}

static struct read asked_read(uint64_t *rid)
{
	struct read r;

	*rid = asked(&shape_read, &r).rid;
	return r;
}

static uint64_t greet(void)
{
	struct hello hello;
	const struct head head = asked(&shape_hello, &hello);

	say_welcome(head.rid);
	return head.rid;
}

/* The ledger has these events now: write them there, `more` as in event_bytes. */
static void write_event(const char *more)
{
	f->head++;
	f->log[f->head] = event_bytes(&f->b, (unsigned)f->head, more);
}

/* Greet, and let the query service have everything. */
static void follow(void)
{
	uint64_t rid;

	(void)greet();
	const struct read r = asked_read(&rid);
	say_events(rid, r.after, f->head);
}

/* One more event, through the read that waits for it. */
static void news(const char *more)
{
	uint64_t rid;
	struct read r;

	while (f->ledger.taken + 1 < f->ledger.n)
		f->ledger.taken++;
	r = asked_read(&rid);
	write_event(more);
	say_events(rid, r.after, f->head);
}

static struct replica_info info(void)
{
	struct replica_info i;

	replica_info(f->replica, &i);
	return i;
}

/* ---- people ---- */

static void ask(unsigned peer, const struct shape *shape, uint64_t ttl_ms, const void *msg)
{
	const struct parcel p = parcel_of(&f->b, peer, shape, 7, ttl_ms, msg);

	query_take(f->q, &p, f->b.now);
}

static struct events told(void)
{
	struct events e;
	struct head head;

	(void)next_sent(&f->b, &f->people, &shape_events, &head, &e);
	return e;
}

static struct events read_now(const struct read *q)
{
	ask(1, &shape_read, 0, q);
	return told();
}

static struct read filtered(uint64_t after)
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

static void ten_events(void)
{
	for (unsigned i = 0; i < 10; i++)
		write_event(i % 2 ? TALK_CD : TALK_AB);
	follow();
}

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

#define MANY 100u
#define PAUSE_MS (MANY * READER_ANSWER_US / 1000)
#define A_PAUSE_MS (PAUSE_MS + (int64_t)(MANY * 300 / READER_BYTES_PER_US / 1000) + 1)

static void pass_ms(int64_t ms)
{
	f->b.now.mono_ms += ms;
	(void)query_tick(f->q, f->b.now);
}

/* Ten events flow in; of one more many are told at once, and there is a pause. */
static void many_are_told(void)
{
	ten_events();
	readers_wait(MANY, 10, 0);
	news(TALK_AB);
	assert_told(MANY, 11, 11);
}

static void what_comes_after_many_were_told_comes_in_one_answer_when_a_pause_is_over(void **state)
{
	(void)state;
	many_are_told();
	readers_wait(MANY, 11, 0);
	news(TALK_AB);
	pass_ms(PAUSE_MS - 1);
	news(TALK_CD);
	assert_told(0, 0, 0);
	pass_ms(A_PAUSE_MS - PAUSE_MS + 1);
	assert_told(MANY, 12, 13);
}

static void who_reads_on_in_a_pause_waits_with_the_others_if_he_would(void **state)
{
	struct read q = { 0 };
	(void)state;
	many_are_told();
	readers_wait(1, 0, 0);
	msg_set(&q, read, after, 10);
	assert_int_equal(read_now(&q).events.n, 1);
	msg_set(&q, read, wait_ms, READER_LONG_MS - 1);
	assert_int_equal(read_now(&q).events.n, 1);
	news(TALK_CD);
	assert_told(0, 0, 0);
	pass_ms(A_PAUSE_MS);
	assert_told(1, 1, 12);
}

static void a_pause_ends_when_events_come_in_no_more(void **state)
{
	(void)state;
	many_are_told();
	for (unsigned i = 0; i < 10; i++) { /* each is answered, so that it grows beyond all flow */
		struct read q = { 0 };
		msg_set(&q, read, wait_ms, READER_LONG_MS - 1);
		for (unsigned k = 0; k < MANY; k++)
			ask(k, &shape_read, 0, &q);
		outbox_clear(&f->people);
	}
	readers_wait(1, 0, 0);
	pass_ms(READER_FLOW_MS - 1);
	assert_told(0, 0, 0);
	pass_ms(1);
	assert_told(1, 1, 11);
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
	struct read q = filtered(11);
	(void)state;
	many_are_told();
	msg_set(&q.filter, filter, deal, STR("c-d"));
	msg_set(&q, read, wait_ms, 2000);
	ask(1, &shape_read, 0, &q);
	q = (struct read){ 0 };
	msg_set(&q, read, after, 11);
	msg_set(&q, read, wait_ms, 2000);
	msg_set(&q, read, since, WALL_US + 14);
	ask(2, &shape_read, 0, &q);
	news(TALK_AB);
	pass_ms(A_PAUSE_MS);
	assert_told(0, 0, 0);
	news(TALK_CD);
	assert_told(1, 13, 13);
	news(TALK_AB);
	assert_told(1, 14, 14);
}

static void what_is_damaged_is_named_to_who_waited_through_a_pause(void **state)
{
	(void)state;
	many_are_told();
	readers_wait(1, 11, 0);
	news(TALK_CD ",\"note\":\"the last one\"");
	assert_true(file_flip(in_dir(f->dir, "data.mdb"), STR("the last one"), 0) > 0);
	pass_ms(A_PAUSE_MS);
	assert_int_equal(next_error(&f->b, &f->people, ERR_DAMAGED).seq, 12);
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
#define feed_test(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
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
		feed_test(each_event_is_on_the_tape_once_then_a_beacon),
		feed_test(limits_end_an_answer_and_the_next_goes_on_there),
		feed_test(scanned_to_moves_on_where_nothing_matches),
		feed_test(the_last_ones_are_given_in_ascending_order),
		feed_test(since_begins_at_an_instant),
		feed_test(a_position_in_the_future_is_refused),
		feed_test(a_reader_who_waits_hears_of_what_it_asked_for_and_nothing_else),
		feed_test(a_reader_who_waits_in_vain_is_told_how_far_was_looked),
		feed_test(readers_beyond_the_limit_are_told_to_come_back),
		feed_test(what_comes_after_many_were_told_comes_in_one_answer_when_a_pause_is_over),
		feed_test(who_reads_on_in_a_pause_waits_with_the_others_if_he_would),
		feed_test(a_pause_ends_when_events_come_in_no_more),
		feed_test(a_few_are_told_of_each_without_any_pause),
		feed_test(what_nobody_asked_for_is_passed_over_in_a_pause_too),
		feed_test(what_is_damaged_is_named_to_who_waited_through_a_pause),
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
