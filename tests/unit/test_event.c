/* SPDX-License-Identifier: Apache-2.0 */
/* The event's rules: what each kind needs and takes, and the same content in other bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "proto/wire.h"

#define NOW_US INT64_C(1738245600000000) /* 2025-01-30T14:00:00Z */

struct fixture {
	struct arena arena;
	struct buf bytes;
	struct fault fault;
};

static int setup(void **state)
{
	static struct fixture f;

	arena_init(&f.arena, 16u << 20);
	buf_init(&f.bytes, EVENT_BYTES_MAX);
	fault_init(&f.fault);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	buf_fini(&f->bytes);
	return 0;
}

/* What ingest says of the event, which must be what tools say before they send it. */
static enum err check(struct fixture *f, const char *json)
{
	struct event event, decoded;
	struct fault tool;

	fault_init(&f->fault);
	fault_init(&tool);
	if (json_read(&shape_event, str_of(json), &f->arena, &event, &f->fault))
		fail_msg("%s: %s: %s", json, f->fault.field, f->fault.text);
	const enum err e = event_check_struct(&event, NOW_US, &tool);
	buf_clear(&f->bytes);
	assert_int_equal(record_encode(&shape_event, &event, &f->bytes), ERR_OK);
	assert_int_equal(event_check(buf_str(&f->bytes), NOW_US, &f->arena, &decoded, &f->fault), e);
	assert_string_equal(f->fault.field, tool.field);
	assert_string_equal(f->fault.text, tool.text);
	return e;
}

#define ID "{\"id\":\"0190f3a2-0000-7000-8000-000000000001\",\"kind\":\""
#define SOURCE ",\"source\":{\"publisher\":\"p\"}"
#define STATED ",\"stated\":\"2025-01-30\""
#define SAID STATED SOURCE ",\"grade\":\"press\""
#define MADE "\",\"deal\":\"d\"" SAID
#define REF ",\"ref\":\"0190f3a2-0000-7000-8000-000000000002\""

static void each_kind_is_taken_with_what_it_needs(void **state)
{
	struct fixture *f = *state;
	static const char *const good[] = {
		ID "rumour" MADE "}",
		ID "talks" MADE ",\"phase\":\"early\",\"amount\":\"1bn USD\",\"adds\":true}",
		ID "announce" MADE ",\"from\":\"a\",\"to\":[\"b\",\"c\"],\"basis\":\"debt\"}",
		ID "commit" MADE ",\"on\":\"2015/..\",\"derived_from\":\"0190f3a2-0000-7000-8000-000000000002\"}",
		ID "close" MADE ",\"amount\":\">=40bn USD\"}",
		ID "pay" MADE ",\"returned\":true,\"amount\":\"1 USD\"}",
		ID "cancel" MADE ",\"reason\":\"lapsed\"}",
		ID "cancel" MADE ",\"reason\":\"typo\"" REF "}",
		ID "condition" MADE ",\"condition\":\"c\",\"state\":\"met\",\"deadline\":\"2025-12\"}",
		ID "total\"" SAID ",\"rung\":\"paid\",\"amount\":\"1bn USD\",\"to\":\"b\",\"deals\":\"x\","
		   "\"assume\":[\"y\"]}",
		ID "remark" MADE ",\"stance\":\"doubt\",\"by\":\"someone\",\"note\":\"n\",\"tags\":[\"t\"]}",
		ID "market\"" SAID ",\"instrument\":\"XNAS:NVDA\",\"move\":\"-3.5\"}",
		ID "party\",\"party\":\"p\",\"name\":\"P\",\"identifiers\":{\"lei\":\"5\"}" STATED "}",
		ID "deal\",\"deal\":\"d\",\"from\":[\"a\",\"b\"],"
		   "\"links\":[{\"type\":\"extends\",\"deal\":\"e\"}]" STATED "}",
		ID "rate\",\"base\":\"EUR\",\"quote\":\"USD\",\"rate\":\"1.04\"" STATED SOURCE "}",
		ID "retract\"" STATED SOURCE REF ",\"reason\":\"duplicate\"}",
		ID "retract\"" SOURCE REF "}",
		ID "commit\",\"deal\":\"d\",\"grade\":\"press\"" SOURCE REF ",\"reason\":\"other\"}",
		ID "commit\",\"deal\":\"d\",\"stated\":\"2025-01-31T13:59:59Z\",\"grade\":\"press\"" SOURCE "}",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (check(f, good[i]))
			fail_msg("%s: %s: %s", good[i], f->fault.field, f->fault.text);
}

static void what_a_kind_does_not_have_or_lacks_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	static const struct { const char *json; enum err code; const char *field; } bad[] = {
		{ ID "pay" MADE ",\"phase\":\"early\"}", ERR_NOT_FOR_KIND, "phase" },
		{ ID "pay" MADE ",\"adds\":true}", ERR_NOT_FOR_KIND, "adds" },
		{ ID "cancel" MADE ",\"amount\":\"1 USD\"}", ERR_NOT_FOR_KIND, "amount" },
		{ ID "remark" MADE ",\"stance\":\"doubt\",\"basis\":\"cash\"}", ERR_NOT_FOR_KIND, "basis" },
		{ ID "party\",\"party\":\"p\",\"name\":\"P\",\"deal\":\"d\"" STATED "}", ERR_NOT_FOR_KIND, "deal" },
		{ ID "commit\"" SAID "}", ERR_MISSING_FIELD, "deal" },
		{ ID "commit\",\"deal\":\"d\"" SOURCE ",\"grade\":\"press\"}", ERR_MISSING_FIELD, "stated" },
		{ ID "commit\",\"deal\":\"d\"" STATED ",\"grade\":\"press\"}", ERR_MISSING_FIELD, "source" },
		{ ID "commit\",\"deal\":\"d\"" STATED SOURCE "}", ERR_MISSING_FIELD, "grade" },
		{ ID "total\"" SAID ",\"rung\":\"paid\",\"amount\":\"1 USD\"}", ERR_MISSING_FIELD, "from" },
		{ ID "total\"" SAID ",\"rung\":\"paid\",\"to\":\"b\"}", ERR_MISSING_FIELD, "amount" },
		{ ID "condition" MADE ",\"condition\":\"c\"}", ERR_MISSING_FIELD, "state" },
		{ ID "remark" MADE "}", ERR_MISSING_FIELD, "stance" },
		{ ID "market\"" SAID ",\"instrument\":\"XNAS:NVDA\"}", ERR_MISSING_FIELD, "move" },
		{ ID "party\",\"party\":\"p\"" STATED "}", ERR_MISSING_FIELD, "name" },
		{ ID "retract\"" STATED SOURCE "}", ERR_MISSING_FIELD, "ref" },
		{ ID "rate\",\"base\":\"EUR\",\"quote\":\"USD\"" STATED SOURCE "}", ERR_MISSING_FIELD, "rate" },
		{ ID "commit\",\"deal\":\"d\",\"source\":{\"lang\":\"fr\"},\"grade\":\"press\"" STATED "}",
		  ERR_NO_SOURCE, "source" },
		{ ID "commit" MADE ",\"from\":[\"a\",\"b\"]}", ERR_TOO_LARGE, "from" },
		{ ID "commit" MADE ",\"reason\":\"typo\"}", ERR_NOT_FOR_KIND, "reason" },
		{ ID "cancel" MADE ",\"reason\":\"typo\"}", ERR_BAD_VALUE, "reason" },
		{ ID "commit" MADE REF ",\"reason\":\"lapsed\"}", ERR_BAD_VALUE, "reason" },
		{ ID "commit" MADE ",\"ref\":\"0190f3a2-0000-7000-8000-000000000001\"}", ERR_BAD_VALUE, "ref" },
		{ ID "commit" MADE ",\"amount\":{\"currency\":\"USD\"}}", ERR_BAD_AMOUNT, "amount" },
		{ ID "commit" MADE ",\"amount\":{\"low\":-1,\"currency\":\"USD\"}}", ERR_BAD_AMOUNT, "amount" },
		{ ID "market\"" SAID ",\"instrument\":\"Nvidia\",\"move\":\"up\"}", ERR_BAD_VALUE, "instrument" },
		{ ID "rate\",\"base\":\"EUR\",\"quote\":\"EUR\",\"rate\":\"1\"" STATED SOURCE "}",
		  ERR_BAD_VALUE, "quote" },
		{ ID "rate\",\"base\":\"EUR\",\"quote\":\"USD\",\"rate\":\"0\"" STATED SOURCE "}",
		  ERR_BAD_VALUE, "rate" },
		{ ID "commit\",\"deal\":\"d\",\"stated\":\"2025-02-01\",\"grade\":\"press\"" SOURCE "}",
		  ERR_STATED_IN_FUTURE, "stated" },
		{ ID "commit\",\"deal\":\"d\",\"stated\":\"2025-01-31T14:00:01Z\",\"grade\":\"press\"" SOURCE "}",
		  ERR_STATED_IN_FUTURE, "stated" },
	};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const enum err e = check(f, bad[i].json);
		/* a bound at fault is named below the amount */
		if (e != bad[i].code || strncmp(f->fault.field, bad[i].field, strlen(bad[i].field)) != 0)
			fail_msg("%s: %s %s: %s", bad[i].json, err_name(e), f->fault.field, f->fault.text);
	}
}

static void every_known_kind_has_a_rule_and_needs_id_and_kind(void **state)
{
	(void)state;
	for (int k = 1; k < kind_COUNT; k++) {
		const struct kind_rule *rule = kind_rule(k);
		assert_true(rule->needs >> event_HAS_id & rule->needs >> event_HAS_kind & 1);
		assert_int_equal(rule->needs & rule->takes & ~(UINT64_C(1) << event_HAS_stated |
			UINT64_C(1) << event_HAS_source | UINT64_C(1) << event_HAS_grade |
			UINT64_C(1) << event_HAS_deal | UINT64_C(1) << event_HAS_amount |
			UINT64_C(1) << event_HAS_ref), 0);
		assert_int_equal((rule->needs | rule->takes) >> event_FIELDS, 0);
	}
}

#define BYTES(literal) ((struct str){ literal, sizeof(literal) - 1 })

/* An event with one more key, `n`, whose value is these bytes. */
static struct str event_with(struct fixture *f, struct str value)
{
	static const char head[] = "\x84\xa2id\xc4\x10" "0123456789abcdef\xa4kind\xa6" "commit"
		"\xa4" "deal\xa1" "d\xa1n";

	buf_clear(&f->bytes);
	assert_int_equal(buf_put(&f->bytes, head, sizeof(head) - 1), ERR_OK);
	assert_int_equal(buf_put(&f->bytes, value.p, value.n), ERR_OK);
	return arena_str(&f->arena, buf_str(&f->bytes));
}

static void a_reader_keeps_an_event_of_a_kind_that_it_does_not_know(void **state)
{
	struct fixture *f = *state;
	const struct str bytes = BYTES("\x82\xa2id\xc4\x10" "0123456789abcdef\xa4kind\xa3zap");
	struct event_keys keys;
	struct event event;

	assert_int_equal(event_decode(bytes, &f->arena, &event, &f->fault), ERR_OK);
	assert_true(msg_has(&event, event, kind));
	assert_int_equal(event.kind, 0);
	assert_int_equal(event_peek(bytes, &keys, &f->fault), ERR_OK);
	assert_int_equal(keys.kind, 0);
	assert_int_equal(event_check(bytes, NOW_US, &f->arena, &event, &f->fault), ERR_UNKNOWN_KIND);
	assert_string_equal(f->fault.field, "kind");
}

static void a_look_at_the_keys_finds_what_the_ledger_needs(void **state)
{
	struct fixture *f = *state;
	struct event_keys keys;

	assert_int_equal(check(f, ID "commit" MADE REF "}"), ERR_OK);
	assert_int_equal(event_peek(buf_str(&f->bytes), &keys, &f->fault), ERR_OK);
	assert_int_equal(keys.kind, kind_commit);
	assert_true(str_eq(keys.deal, STR("d")));
	assert_true(str_eq(keys.stated, STR("2025-01-30")));
	assert_true(keys.has_ref);
	assert_int_equal(keys.id.b[15], 1);
	assert_int_equal(keys.ref.b[15], 2);

	assert_int_equal(event_peek(BYTES("\x80"), &keys, &f->fault), ERR_MISSING_FIELD);
	assert_string_equal(f->fault.field, "id");
	for (size_t n = 0; n < f->bytes.n; n++)
		assert_int_equal(event_peek((struct str){ f->bytes.p, n }, &keys, NULL), ERR_MALFORMED);
}

static void the_same_content_is_known_in_other_bytes(void **state)
{
	struct fixture *f = *state;
	const struct { struct str a, b; bool same; } cases[] = {
		{ BYTES("\x05"), BYTES("\x05"), true },
		{ BYTES("\x05"), BYTES("\xcd\x00\x05"), true },
		{ BYTES("\xff"), BYTES("\xd3\xff\xff\xff\xff\xff\xff\xff\xff"), true },
		{ BYTES("\x05"), BYTES("\xd0\x05"), true },
		{ BYTES("\x05"), BYTES("\x06"), false },
		{ BYTES("\x05"), BYTES("\xa1\x05"), false },
		{ BYTES("\x82\xa1" "a\x01\xa1" "b\xc3"), BYTES("\xde\x00\x02\xa1" "b\xc3\xa1" "a\x01"), true },
		{ BYTES("\x82\xa1" "a\x01\xa1" "b\xc3"), BYTES("\x82\xa1" "c\xc3\xa1" "a\x01"), false },
		{ BYTES("\x82\xa1" "a\x01\xa1" "b\xc3"), BYTES("\x82\xa1" "b\xc2\xa1" "a\x01"), false },
		{ BYTES("\x92\x01\x02"), BYTES("\x92\x02\x01"), false },
		{ BYTES("\x92\x01\x90"), BYTES("\xdc\x00\x02\x01\xdc\x00\x00"), true },
		{ BYTES("\x92\x01\x90"), BYTES("\x91\x01"), false },
		{ BYTES("\xc4\x01x"), BYTES("\xc5\x00\x01x"), true },
		{ BYTES("\xc4\x01x"), BYTES("\xa1x"), false },
		{ BYTES("\xc0"), BYTES("\xc0"), true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct str a = event_with(f, cases[i].a), b = event_with(f, cases[i].b);
		bool same = !cases[i].same;
		assert_int_equal(event_same(a, b, &f->arena, &same), ERR_OK);
		assert_int_equal(same, cases[i].same);
		same = !same;
		assert_int_equal(event_same(b, a, &f->arena, &same), ERR_OK);
		assert_int_equal(same, cases[i].same);
	}
}

static void a_leaf_is_the_hash_of_the_entry_behind_a_zero(void **state)
{
	struct hash leaf;
	char text[2 * HASH_SIZE + 1];

	(void)state;
	/* computed with Python's hashlib and struct */
	leaf_hash(1, 2, 3, STR("x"), &leaf);
	for (size_t i = 0; i < HASH_SIZE; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", leaf.b[i]);
	assert_string_equal(text, "cf4f60b1003f6aff0882435727a56388c570b442cb2a9f5d471fd3f80b394448");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_kind_is_taken_with_what_it_needs),
		TEST(what_a_kind_does_not_have_or_lacks_is_refused_by_name),
		TEST(every_known_kind_has_a_rule_and_needs_id_and_kind),
		TEST(a_reader_keeps_an_event_of_a_kind_that_it_does_not_know),
		TEST(a_look_at_the_keys_finds_what_the_ledger_needs),
		TEST(the_same_content_is_known_in_other_bytes),
		TEST(a_leaf_is_the_hash_of_the_entry_behind_a_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
