/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest's decisions, without sockets: what is refused, what goes on, and that all get one answer. */
#include "services/ingest/ingest.h"
#include "services/shared/faults.h"
#include "tests/unit/exchange_help.h"

struct fixture {
	struct bench b;
	struct outbox people, ledger;
	struct ingest *g;
};

static struct fixture *f;

static int setup(void **state)
{
	f = calloc(1, sizeof(*f));
	*state = f;
	bench_open(&f->b);
	f->g = ingest_new(outlet_to(&f->people), outlet_to(&f->ledger), f->b.now);
	return f->g ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	ingest_free(f->g);
	outbox_clear(&f->people);
	outbox_clear(&f->ledger);
	bench_close(&f->b);
	free(f);
	return 0;
}

static struct str event(unsigned n, const char *more)
{
	return event_bytes(&f->b, n, more);
}

static void ask(unsigned peer, const struct shape *shape, uint64_t rid, uint64_t ttl_ms,
		const void *msg)
{
	const struct parcel p = parcel_of(&f->b, peer, shape, rid, ttl_ms, msg);

	ingest_take(f->g, &p, f->b.now);
}

static void publish(unsigned peer, uint64_t rid, struct str *v, size_t n)
{
	const struct publish p = publish_of(v, n);

	ask(peer, &shape_publish, rid, 5000, &p);
}

/* What the ledger was sent last; its rid is in the head. */
static struct publish forwarded(struct head *head)
{
	struct publish p;

	(void)next_sent(&f->b, &f->ledger, &shape_publish, head, &p);
	return p;
}

/* The ledger says this. */
static void hear(const struct shape *shape, uint64_t rid, const void *msg)
{
	const struct parcel p = parcel_of(&f->b, 0, shape, rid, 0, msg);

	ingest_hear(f->g, p.wire, f->b.now);
}

static struct published one_receipt(struct receipt *r, struct hash *leaf)
{
	struct published p = { 0 };

	*r = (struct receipt){ 0 };
	*leaf = (struct hash){ { 1 } };
	msg_set(r, receipt, index, 0);
	msg_set(r, receipt, status, outcome_created);
	msg_set(r, receipt, epoch, 1);
	msg_set(r, receipt, first, 1);
	msg_set(r, receipt, last, 1);
	msg_set(r, receipt, recorded, WALL_US);
	r->leaves = (struct hash_list){ .v = leaf, .n = 1 };
	msg_mark(r, receipt, leaves);
	msg_set(&p, published, status, outcome_created);
	p.receipts = (struct receipt_list){ .v = r, .n = 1 };
	msg_mark(&p, published, receipts);
	return p;
}

static void greet(uint64_t head_seq)
{
	struct welcome w;
	struct hello hello;
	struct head head;

	(void)ingest_tick(f->g, f->b.now);
	(void)next_sent(&f->b, &f->ledger, &shape_hello, &head, &hello);
	welcome_init(&w, "ledger", WALL_US);
	w.ledger = (struct id){ { 9 } };
	msg_mark(&w, welcome, ledger);
	msg_set(&w, welcome, epoch, 1);
	msg_set(&w, welcome, head, head_seq);
	hear(&shape_welcome, head.rid, &w);
}

/* ---- forwarding ---- */

static void what_passes_goes_to_the_ledger_byte_for_byte_with_the_time_that_is_left(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK), event(2, A_TALK) };
	struct head head;

	publish(1, 42, v, 2);
	const struct publish p = forwarded(&head);
	assert_int_equal(p.events.n, 2);
	assert_true(str_eq(p.events.v[0], v[0]));
	assert_true(str_eq(p.events.v[1], v[1]));
	assert_int_equal(head.ttl_ms, 5000);
	assert_int_equal(f->people.n, 0);
	assert_int_equal(ingest_waiting(f->g), 1);
}

static void the_ledgers_answer_goes_to_the_one_who_asked(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) }, w[] = { event(2, A_TALK) };
	struct head first, second, head;
	struct receipt r;
	struct hash leaf;
	const struct published answer = one_receipt(&r, &leaf);
	struct published got;

	publish(1, 42, v, 1);
	(void)forwarded(&first);
	publish(2, 42, w, 1);
	(void)forwarded(&second);
	hear(&shape_published, second.rid, &answer);
	assert_true(peer_is(&next_sent(&f->b, &f->people, &shape_published, &head, &got)->to, 2));
	assert_int_equal(head.rid, 42);
	hear(&shape_published, first.rid, &answer);
	assert_true(peer_is(&next_sent(&f->b, &f->people, &shape_published, &head, &got)->to, 1));
	assert_memory_equal(got.receipts.v[0].leaves.v, &leaf, sizeof(leaf));
	assert_int_equal(ingest_waiting(f->g), 0);
}

static void the_ledgers_refusal_goes_there_too_with_all_that_it_says(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };
	struct error error;
	struct fault fault;
	struct head head;

	publish(1, 42, v, 1);
	(void)forwarded(&head);
	fault_init(&fault);
	fault.seq = 17;
	(void)fault_set(&fault, ERR_ID_CONFLICT, "id", "taken");
	error_from_fault(&fault, &error);
	hear(&shape_error, head.rid, &error);
	const struct error got = next_error(&f->b, &f->people, ERR_ID_CONFLICT);
	assert_int_equal(got.seq, 17);
}

static void a_word_of_the_ledger_that_nobody_knows_means_unknown_and_no_harm(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };
	struct head head;
	struct receipt r;
	struct hash leaf;
	const struct published answer = one_receipt(&r, &leaf);
	struct parcel p;

	for (unsigned word = 0; word < 2; word++) { /* of the receipt, and of the answer */
		publish(1, 42, v, 1);
		(void)forwarded(&head);
		p = parcel_of(&f->b, 0, &shape_published, head.rid, 0, &answer);
		char *at = (char *)p.wire.p;
		for (unsigned found = 0; found <= word; found++, at++) {
			at = memmem(at, (size_t)(p.wire.p + p.wire.n - at), "created", 7);
			assert_non_null(at);
		}
		at[-1] = 'k';
		ingest_hear(f->g, p.wire, f->b.now);
		(void)next_error(&f->b, &f->people, ERR_UNKNOWN);
	}
	assert_int_equal(ingest_waiting(f->g), 0);
}

/* ---- refusing ---- */

static void a_publish_that_no_answer_to_read_could_hold_is_refused_and_the_limit_told(void **state)
{
	(void)state;
	static char no_event[EVENT_BYTES_MAX];
	struct str v[BATCH_BYTES_MAX / EVENT_BYTES_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		v[i] = (struct str){ no_event, sizeof(no_event) };
	publish(1, 42, v, ARRAY_LEN(v));
	const struct error e = next_error(&f->b, &f->people, ERR_TOO_LARGE);
	assert_true(str_eq(e.field, STR("events")));
	assert_int_equal(e.max, BATCH_BYTES_MAX);
	assert_int_equal(e.actual, BATCH_BYTES_MAX + EVENT_BYTES_MAX);
	/* one less, and they are looked at */
	publish(1, 43, v, ARRAY_LEN(v) - 1);
	(void)next_error(&f->b, &f->people, ERR_BAD_BATCH);
}

static void a_bad_event_is_refused_here_and_its_field_is_named(void **state)
{
	(void)state;
	struct str v[] = { event(1, TALKS STATED("2031-01-30") ",\"deal\":\"a-b\"") };

	publish(1, 42, v, 1);
	const struct error e = next_error(&f->b, &f->people, ERR_STATED_IN_FUTURE);
	assert_true(str_eq(e.field, STR("stated")));
	assert_int_equal(e.index, 0);
	assert_int_equal(f->ledger.n, 0);
}

static void a_bad_batch_names_every_event_at_fault_up_to_a_hundred(void **state)
{
	(void)state;
	struct str v[250];

	for (unsigned i = 0; i < 250; i++)
		v[i] = i % 2 ? event(i, A_TALK) : STR("\x81\xa1x\x01");
	publish(1, 42, v, 250);
	const struct error e = next_error(&f->b, &f->people, ERR_BAD_BATCH);
	assert_int_equal(e.faults.n, 100);
	assert_int_equal(e.faults.v[99].index, 198);
	assert_int_equal(f->ledger.n, 0);
}

static void faults_of_a_partial_batch_come_with_the_ledgers_receipts(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK), event(2, TALKS ",\"deal\":\"a-b\""), event(3, A_TALK) };
	struct publish p = publish_of(v, 3);
	struct event_fault_list theirs = { 0 };
	struct receipt r;
	struct hash leaf;
	struct published answer = one_receipt(&r, &leaf), got;
	struct fault fault;
	struct head head;

	msg_set(&p, publish, partial, true);
	ask(1, &shape_publish, 42, 0, &p);
	const struct publish sent = forwarded(&head);
	assert_int_equal(sent.events.n, 3);
	assert_int_equal(sent.events.v[1].n, 0);
	fault_init(&fault);
	(void)fault_set(&fault, ERR_MALFORMED, NULL, "no bytes");
	assert_int_equal(faults_add(&theirs, 3, 1, &fault, &f->b.arena), ERR_OK);
	(void)fault_set(&fault, ERR_ID_CONFLICT, "id", "taken");
	assert_int_equal(faults_add(&theirs, 3, 2, &fault, &f->b.arena), ERR_OK);
	answer.faults = theirs;
	msg_mark(&answer, published, faults);
	hear(&shape_published, head.rid, &answer);
	(void)next_sent(&f->b, &f->people, &shape_published, &head, &got);
	assert_int_equal(got.faults.n, 2);
	assert_int_equal(got.faults.v[0].code, ERR_MISSING_FIELD);
	assert_true(str_eq(got.faults.v[0].field, STR("stated")));
	assert_int_equal(got.faults.v[1].code, ERR_ID_CONFLICT);
}

static void other_questions_are_not_for_ingest(void **state)
{
	(void)state;
	const struct get get = { 0 };

	ask(1, &shape_get, 1, 0, &get);
	(void)next_error(&f->b, &f->people, ERR_UNKNOWN_MESSAGE);
}

/* ---- limits and time ---- */

static void without_a_ledger_nothing_is_executed_and_that_is_said(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };
	const struct hello hello = { 0 };

	f->ledger.refuse = ERR_UNREACHABLE;
	publish(1, 42, v, 1);
	(void)next_error(&f->b, &f->people, ERR_UNAVAILABLE);
	assert_int_equal(ingest_waiting(f->g), 0);
	ask(1, &shape_hello, 1, 0, &hello);
	(void)next_error(&f->b, &f->people, ERR_UNAVAILABLE);
}

static void a_full_table_means_busy_and_when_to_come_back(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };

	for (unsigned i = 0; i < INGEST_PENDING_MAX; i++) {
		publish(i, i, v, 1);
		outbox_clear(&f->ledger);
	}
	assert_int_equal(f->people.n, 0);
	publish(1, 1, v, 1);
	const struct error e = next_error(&f->b, &f->people, ERR_BUSY);
	assert_int_equal(e.retry_after_ms, INGEST_BUSY_MS);
}

static void an_answer_that_does_not_come_means_unknown_at_the_deadline(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };
	struct receipt r;
	struct hash leaf;
	const struct published answer = one_receipt(&r, &leaf);
	struct head head;

	greet(0);
	publish(1, 42, v, 1);
	(void)forwarded(&head);
	f->b.now.mono_ms += 4999;
	assert_int_equal(ingest_tick(f->g, f->b.now), 1);
	assert_int_equal(f->people.n, 0);
	f->b.now.mono_ms += 1;
	(void)ingest_tick(f->g, f->b.now);
	(void)next_error(&f->b, &f->people, ERR_UNKNOWN);
	/* an answer that comes after that finds nobody, also when the place is taken again */
	publish(2, 43, v, 1);
	hear(&shape_published, head.rid, &answer);
	assert_int_equal(f->people.taken, f->people.n);
}

static void who_waits_when_ingest_stops_is_told(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };

	publish(1, 42, v, 1);
	ingest_give_up(f->g);
	(void)next_error(&f->b, &f->people, ERR_UNKNOWN);
	assert_int_equal(ingest_waiting(f->g), 0);
}

static void hello_tells_the_ledgers_identity_and_head(void **state)
{
	(void)state;
	const struct hello hello = { 0 };
	struct welcome w;
	struct head head;

	greet(12);
	ask(1, &shape_hello, 5, 0, &hello);
	(void)next_sent(&f->b, &f->people, &shape_welcome, &head, &w);
	assert_int_equal(head.rid, 5);
	assert_int_equal(w.ledger.b[0], 9);
	assert_int_equal(w.head, 12);
	assert_true(str_eq(w.service, STR("ingest")));
}

static void status_tells_whether_the_ledger_answers(void **state)
{
	(void)state;
	const struct status status = { 0 };
	struct state_of_service s;
	struct head head;

	greet(12);
	ask(1, &shape_status, 5, 0, &status);
	(void)next_sent(&f->b, &f->people, &shape_state_of_service, &head, &s);
	assert_true(s.upstream_ok);
	f->b.now.mono_ms += INGEST_SILENCE_MS;
	ask(1, &shape_status, 6, 0, &status);
	(void)next_sent(&f->b, &f->people, &shape_state_of_service, &head, &s);
	assert_false(s.upstream_ok);
	assert_int_equal(s.upstream_head, 12);
}

int main(void)
{
#define ingest_test(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		ingest_test(what_passes_goes_to_the_ledger_byte_for_byte_with_the_time_that_is_left),
		ingest_test(the_ledgers_answer_goes_to_the_one_who_asked),
		ingest_test(the_ledgers_refusal_goes_there_too_with_all_that_it_says),
		ingest_test(a_word_of_the_ledger_that_nobody_knows_means_unknown_and_no_harm),
		ingest_test(a_publish_that_no_answer_to_read_could_hold_is_refused_and_the_limit_told),
		ingest_test(a_bad_event_is_refused_here_and_its_field_is_named),
		ingest_test(a_bad_batch_names_every_event_at_fault_up_to_a_hundred),
		ingest_test(faults_of_a_partial_batch_come_with_the_ledgers_receipts),
		ingest_test(other_questions_are_not_for_ingest),
		ingest_test(without_a_ledger_nothing_is_executed_and_that_is_said),
		ingest_test(a_full_table_means_busy_and_when_to_come_back),
		ingest_test(an_answer_that_does_not_come_means_unknown_at_the_deadline),
		ingest_test(who_waits_when_ingest_stops_is_told),
		ingest_test(hello_tells_the_ledgers_identity_and_head),
		ingest_test(status_tells_whether_the_ledger_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
