/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cores of ingest, ledger and query while one call of the system or of LMDB fails: who publishes or
 * asks gets exactly one answer, and it is true; asked again, it is the right one.
 */
#include "tests/unit/failing.h"
#include "tests/unit/tale.h"
#include "tests/unit/world.h"

static struct world *w;

/* Which call is to fail; n 0: none. */
struct turn {
	enum failing kind;
	unsigned long n;
	bool came;
};

/* What one of them says, or asks: exactly one answer, at the latest when its time is over. */
static void hand(enum who to, const struct shape *shape, const void *msg, struct turn *t)
{
	const struct parcel parcel = parcel_of(&w->b, to_people, shape, 7, 9000, msg);

	world_forget(w);
	failing_begin(t->kind, t->n);
	world_say(w, to_people, to, parcel.wire);
	world_settle(w, 0);
	t->came = failing_end();
	if (!w->to[to_people].n)
		world_settle(w, 10000);
	assert_int_equal(w->to[to_people].n, 1);
}

static struct str answer(void)
{
	const struct letter *l = &w->to[to_people].v[0];

	return (struct str){ l->wire, l->n };
}

static bool answered(const struct shape *shape)
{
	struct head head;

	assert_int_equal(msg_peek(answer(), &head, NULL), ERR_OK);
	return head.type == (enum msg_type)shape->type;
}

/* It was refused, and by what failed: nothing else is the matter. */
static void assert_failed(const char *what, const struct turn *t)
{
	static const enum err right[] = { ERR_NO_MEMORY, ERR_IO, ERR_DAMAGED, ERR_UNKNOWN,
					  ERR_UNAVAILABLE };
	struct error error;

	if (!t->came || !answered(&shape_error))
		fail_msg("%s, call %lu: an answer that is wrong, but no error", what, t->n);
	assert_int_equal(msg_decode(&shape_error, answer(), &w->b.arena, &error, NULL), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(right); i++)
		if (error.code == (uint64_t)right[i])
			return;
	/* an event cannot be compared with a record that cannot be read */
	for (size_t i = 0; i < error.faults.n; i++)
		assert_int_equal(error.faults.v[i].code, ERR_DAMAGED);
	if (error.faults.n)
		return;
	fail_msg("%s, call %lu: %.*s: %.*s (%.*s)", what, t->n, STR_ARG(error.name), STR_ARG(error.text),
		 STR_ARG(error.faults.n ? error.faults.v[0].name : error.field));
}

static struct turn calm(void)
{
	return (struct turn){ failing_memory, 0, false };
}

static int setup(void **state)
{
	w = world_open();
	*state = w;
	return w ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	world_close(w);
	return 0;
}

/* ---- publishing ---- */

#define EVENTS 4u /* of a publish */

/*
 * Publish number k: a deal that is new, what was committed to it, corrected at once, and paid, with one
 * of them twice.
 */
static struct publish publish_number(unsigned k, struct str v[EVENTS + 1], struct expect *expect)
{
	const unsigned n = k * EVENTS;
	char more[512], ref[ID_TEXT_SIZE], deal[32];

	(void)snprintf(deal, sizeof(deal), "deal-%u", k);
	(void)snprintf(more, sizeof(more), SOURCED STATED("2025-01-20") ",\"kind\":\"deal\",\"deal\":\"%s\","
		       "\"from\":\"p%u\",\"to\":\"q\",\"title\":\"Deal %u\",\"links\":[{\"type\":"
		       "\"part_of\",\"deal\":\"all\"}]", deal, k % 5, k);
	v[0] = event_bytes(&w->b, n, more);
	(void)snprintf(more, sizeof(more), SOURCED STATED("2025-01-21") ",\"kind\":\"commit\",\"deal\":\"%s\","
		       "\"grade\":\"press\",\"amount\":\"%u JPY\"", deal, k + 1);
	v[1] = event_bytes(&w->b, n + 1, more);
	id_format(id_number(n + 1).b, ref);
	(void)snprintf(more, sizeof(more), SOURCED ",\"kind\":\"commit\",\"deal\":\"%s\","
		       "\"grade\":\"press\",\"amount\":\"%u JPY\",\"ref\":\"%s\"", deal, k + 2, ref);
	v[2] = event_bytes(&w->b, n + 2, more);
	(void)snprintf(more, sizeof(more), SOURCED STATED("2025-01-22") ",\"kind\":\"pay\",\"deal\":\"%s\","
		       "\"grade\":\"press\",\"amount\":\"1 JPY\"", deal);
	v[3] = event_bytes(&w->b, n + 3, more);
	v[4] = v[1];
	*expect = (struct expect){ 0 };
	msg_set(expect, expect, deal, arena_str(&w->b.arena, str_of(deal)));
	msg_set(expect, expect, revision, 0);
	struct publish p = publish_of(v, EVENTS + 1);
	p.expect = (struct expect_list){ expect, 1 };
	msg_mark(&p, publish, expect);
	return p;
}

/* The answer is a receipt for publish number k, whose events are the next ones. */
static void assert_receipt(unsigned k)
{
	struct published p;

	assert_true(answered(&shape_published));
	assert_int_equal(msg_decode(&shape_published, answer(), &w->b.arena, &p, NULL), ERR_OK);
	assert_int_equal(p.receipts.n, 2);
	assert_int_equal(p.receipts.v[0].first, k * EVENTS + 1);
	assert_int_equal(p.receipts.v[0].last, (k + 1) * EVENTS);
	assert_int_equal(p.receipts.v[1].first, k * EVENTS + 2);
}

/* Query has followed: what all deals together were paid is a yen each. */
static void assert_followed(unsigned publishes)
{
	struct deal_figure q = { 0 };
	struct deal_figures figures;
	struct turn t = calm();

	world_settle(w, 1000);
	msg_set(&q, deal_figure, deal, STR("all"));
	hand(to_query, &shape_deal_figure, &q, &t);
	assert_true(answered(&shape_deal_figures));
	assert_int_equal(msg_decode(&shape_deal_figures, answer(), &w->b.arena, &figures, NULL), ERR_OK);
	assert_int_equal(figures.basis.clocks.at_seq, publishes * EVENTS);
	assert_int_equal(figures.rungs.v[rung_paid - 1].total.v[0].amount.low, publishes);
}

/* One publish after the other, in the n-th of which the n-th call fails, until there is none. */
static void publish_each(enum failing kind, unsigned *k)
{
	struct turn t = { kind, 0, true };
	unsigned long refused = 0;

	while (t.came) {
		struct str v[EVENTS + 1];
		struct expect expect;
		struct turn second = calm();
		arena_reset(&w->b.arena);
		const struct publish p = publish_number(*k, v, &expect);
		t.n++;
		/* a new one has no memory at hand that it could do with again */
		world_stop(w, to_ingest);
		assert_int_equal(world_start(w, to_ingest), ERR_OK);
		hand(to_ingest, &shape_publish, &p, &t);
		if (answered(&shape_published)) {
			assert_receipt(*k);
		} else {
			assert_failed("publish", &t);
			refused++;
		}
		hand(to_ingest, &shape_publish, &p, &second);
		assert_receipt(*k);
		++*k;
		if (t.n % 50 == 0)
			assert_followed(*k);
	}
	assert_true(refused > 0);
	assert_followed(*k);
}

static void a_publish_in_which_a_call_fails_is_written_once_and_in_order_or_refused(void **state)
{
	unsigned k = 0;

	(void)state;
	publish_each(failing_memory, &k);
	publish_each(failing_lmdb, &k);
	publish_each(failing_files, &k);
}

/* ---- asking ---- */

/* Besides the tale's questions, which go to query. */
static const struct {
	enum who to;
	const char *message, *question;
} more_questions[] = {
	{ to_query, "hello", "{}" },
	{ to_query, "status", "{}" },
	{ to_query, "get", "{\"seq\":32}" },
	{ to_query, "get", "{\"id\":\"00000000-0000-7000-8000-000000000014\"}" },
	{ to_query, "read", "{\"after\":3,\"limit\":20}" },
	{ to_query, "read", "{\"after\":3,\"filter\":{\"deal\":\"den\",\"kind\":[\"pay\",\"commit\"]}}" },
	{ to_query, "read", "{\"filter\":{\"from\":\"wolf\",\"min\":\"2\",\"currency\":\"EUR\"}}" },
	{ to_query, "read", "{\"filter\":{\"party\":\"hare\",\"to\":\"hare\",\"rung\":\"committed\"}}" },
	{ to_query, "read", "{\"last\":5,\"filter\":{\"party\":\"fox\"}}" },
	{ to_query, "read", "{\"last\":3,\"before\":30,\"filter\":{\"tag\":\"late\"}}" },
	{ to_query, "read", "{\"since\":\"2025-01-30T14:00:00Z\"}" },
	{ to_ledger, "hello", "{}" },
	{ to_ledger, "status", "{}" },
	{ to_ledger, "read", "{\"after\":2,\"limit\":30}" },
	{ to_ingest, "hello", "{}" },
	{ to_ingest, "status", "{}" },
};

static const struct shape *shape_named(const char *name)
{
	for (size_t i = 0; shape_at(i); i++)
		if (strcmp(shape_at(i)->name, name) == 0)
			return shape_at(i);
	fail_msg("no message %s", name);
	return NULL;
}

/*
 * What is read ends before what fails: the events that are missing lie beyond what the answer says was
 * looked at. False: it is no answer to read.
 */
static bool is_shorter(struct str whole)
{
	struct events all, got;
	size_t n = 0;

	if (!answered(&shape_events))
		return false;
	assert_int_equal(msg_decode(&shape_events, whole, &w->b.arena, &all, NULL), ERR_OK);
	assert_int_equal(msg_decode(&shape_events, answer(), &w->b.arena, &got, NULL), ERR_OK);
	for (size_t i = 0; i < all.events.n; i++) {
		const uint64_t seq = all.events.v[i].seq;
		if (n < got.events.n && got.events.v[n].seq == seq)
			n++;
		else
			assert_true(seq > got.scanned_to || seq < got.scanned_from);
	}
	assert_int_equal(n, got.events.n);
	return true;
}

/* Ask again and again while one call after the other fails; right: the answer that nothing kept away. */
static void ask_each(enum who to, const char *message, const char *json, enum failing kind)
{
	const struct shape *shape = shape_named(message);
	const bool same = strcmp(message, "hello") != 0 && strcmp(message, "status") != 0;
	struct turn t = { kind, 0, true }, right = calm();
	unsigned long refused = 0;
	struct fault fault;

	arena_reset(&w->b.arena);
	fault_init(&fault);
	void *msg = arena_zalloc(&w->b.arena, 1, shape->size);
	assert_non_null(msg);
	if (json_read(shape, str_of(json), &w->b.arena, msg, &fault))
		fail_msg("%s: %s: %s", json, fault.field, fault.text);
	hand(to, shape, msg, &right);
	const struct str whole = arena_str(&w->b.arena, answer());
	while (t.came) {
		t.n++;
		hand(to, shape, msg, &t);
		if (!same || str_eq(answer(), whole))
			continue;
		refused++;
		if (!t.came || !is_shorter(whole))
			assert_failed(json, &t);
	}
	hand(to, shape, msg, &right);
	assert_true(!same || str_eq(answer(), whole));
	assert_true(!same || refused > 0 || t.n == 1);
}

static void ask_all(enum failing kind)
{
	char json[1024];

	for (size_t i = 0; i < ARRAY_LEN(tale_questions); i++) {
		(void)snprintf(json, sizeof(json), "%s", tale_questions[i].question);
		for (char *p = json; *p; p++)
			*p = *p == '\'' ? '"' : *p;
		ask_each(to_query, tale_questions[i].message, json, kind);
	}
	for (size_t i = 0; i < ARRAY_LEN(more_questions); i++)
		ask_each(more_questions[i].to, more_questions[i].message, more_questions[i].question,
			 kind);
}

/* The tale, in one publish. */
static void publish_tale(void)
{
	struct str v[ARRAY_LEN(tale_events)];
	struct turn t = calm();
	void *state;

	assert_int_equal(story_setup(&state), 0);
	struct story *s = state;
	for (size_t i = 0; i < ARRAY_LEN(tale_events); i++)
		v[i] = s->entries[tell(s, tale_events[i])].event;
	const struct publish p = publish_of(v, ARRAY_LEN(v));
	hand(to_ingest, &shape_publish, &p, &t);
	assert_true(answered(&shape_published));
	assert_int_equal(story_teardown(&state), 0);
	world_settle(w, 1000);
}

static void a_question_in_which_a_call_fails_gets_the_right_answer_or_that_it_failed(void **state)
{
	(void)state;
	publish_tale();
	ask_all(failing_memory);
	ask_all(failing_lmdb);
}

/* ---- opening ---- */

/* Open one of the services again and again while one call after the other fails. */
static void open_each(enum who service, enum failing kind)
{
	bool came = true;

	for (unsigned long n = 1; came; n++) {
		world_stop(w, service);
		failing_begin(kind, n);
		const enum err e = world_start(w, service);
		came = failing_end();
		if (!e)
			continue;
		assert_true(came && (e == ERR_NO_MEMORY || e == ERR_IO || e == ERR_DAMAGED));
		assert_int_equal(world_start(w, service), ERR_OK);
	}
}

static void what_cannot_be_opened_says_why_and_loses_nothing(void **state)
{
	static const enum failing kinds[] = { failing_memory, failing_lmdb, failing_files };

	(void)state;
	publish_tale();
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		open_each(to_ledger, kinds[i]);
		open_each(to_query, kinds[i]);
		open_each(to_ingest, kinds[i]);
		world_settle(w, 1000);
		ask_each(to_query, "deal_figure", "{\"deal\":\"den\"}", failing_memory);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_publish_in_which_a_call_fails_is_written_once_and_in_order_or_refused),
		TEST(a_question_in_which_a_call_fails_gets_the_right_answer_or_that_it_failed),
		TEST(what_cannot_be_opened_says_why_and_loses_nothing),
	};

	return cmocka_run_group_tests_name("failing/services", tests, NULL, NULL);
}
