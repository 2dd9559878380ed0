/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what people write is read, with the reason where it is not; what is written is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <jansson.h>

#include "proto/msg.h"
#include "tests/unit/random.h"

#define NOW_US INT64_C(1800000000000000) /* January 2027 */
#define DEMO_EVENTS 158
#define NOISES 200000
#define NOISE_MAX 24 /* bytes */
#define ARENA_STEP 64 /* bytes */

struct fixture {
	struct arena arena;
	struct buf bytes, text;
	struct fault fault;
	struct event event;
};

static int setup(void **state)
{
	static struct fixture f;

	arena_init(&f.arena, 16u << 20);
	buf_init(&f.bytes, EVENT_BYTES_MAX);
	buf_init(&f.text, MSG_BYTES_MAX);
	fault_init(&f.fault);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	buf_fini(&f->bytes);
	buf_fini(&f->text);
	return 0;
}

static enum err read_event(struct fixture *f, const char *text)
{
	fault_init(&f->fault);
	return json_read(&shape_event, str_of(text), &f->arena, &f->event, &f->fault);
}

/* Through JSON, bytes and back: the same bytes. */
static void check_round_trip(struct fixture *f)
{
	struct event again;
	struct buf bytes;

	buf_clear(&f->bytes);
	buf_clear(&f->text);
	assert_int_equal(record_encode(&shape_event, &f->event, &f->bytes), ERR_OK);
	assert_int_equal(event_check(buf_str(&f->bytes), NOW_US, &f->arena, &again, &f->fault), ERR_OK);
	assert_int_equal(json_write(&shape_event, &again, &f->arena, &f->text), ERR_OK);
	assert_int_equal(json_read(&shape_event, buf_str(&f->text), &f->arena, &again, &f->fault), ERR_OK);
	buf_init(&bytes, EVENT_BYTES_MAX);
	assert_int_equal(record_encode(&shape_event, &again, &bytes), ERR_OK);
	assert_true(str_eq(buf_str(&bytes), buf_str(&f->bytes)));
	buf_fini(&bytes);
}

static void every_event_of_the_demo_is_taken_and_comes_back_unchanged(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(AVOW_TEST_DATA "/ai-deals.jsonl", "r");
	char line[4096];
	size_t n = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		n++;
		const enum err e = read_event(f, line);
		if (e || event_check_struct(&f->event, NOW_US, &f->fault))
			fail_msg("line %zu: %s %s: %s", n, err_name(f->fault.code), f->fault.field,
				 f->fault.text);
		check_round_trip(f);
		arena_reset(&f->arena);
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(n, DEMO_EVENTS);
}

#define HEAD "{\"id\":\"0190f3a2-0000-7000-8000-000000000001\",\"kind\":\"commit\","

static void amounts_are_read_as_people_and_programs_write_them(void **state)
{
	struct fixture *f = *state;
	static const char *const same[] = {
		HEAD "\"amount\":\"15bn..25bn USD\"}",
		HEAD "\"amount\":{\"low\":\"15000000000\",\"high\":\"25000000000.00\",\"currency\":\"USD\"}}",
		HEAD "\"amount\":{\"low\":15000000000,\"high\":25000000000,\"currency\":\"USD\",\"approx\":false}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		assert_int_equal(read_event(f, same[i]), ERR_OK);
		assert_int_equal(f->event.amount.low, 1500000000000);
		assert_int_equal(f->event.amount.high, 2500000000000);
		assert_string_equal(f->event.amount.currency, "USD");
		buf_clear(&f->text);
		assert_int_equal(json_write(&shape_event, &f->event, &f->arena, &f->text), ERR_OK);
		assert_true(str_eq(buf_str(&f->text), STR(HEAD "\"amount\":{\"low\":\"15000000000\","
				   "\"high\":\"25000000000\",\"currency\":\"USD\"}}")));
	}
	assert_int_equal(read_event(f, HEAD "\"amount\":\">40bn USD\"}"), ERR_OK);
	assert_true(f->event.amount.high_open && f->event.amount.low_excl);
}

static void one_slug_stands_for_a_list_of_one_and_text_is_normalised(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_event(f, HEAD "\"from\":\"softbank\",\"note\":\"cafe\\u0301\",\"to\":null}"), ERR_OK);
	assert_int_equal(f->event.from.n, 1);
	assert_true(str_eq(f->event.from.v[0], STR("softbank")));
	assert_true(str_eq(f->event.note, STR("caf\xc3\xa9")));
	assert_false(msg_has(&f->event, event, to));
}

static void what_an_export_adds_is_passed_over_and_an_id_may_lack(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_event(f, "{\"seq\":7,\"epoch\":1,"
				       "\"recorded\":\"2025-01-30T14:05:06.000000Z\",\"kind\":\"pay\"}"), ERR_OK);
	assert_int_equal(f->event.kind, kind_pay);
	assert_false(msg_has(&f->event, event, id));
}

static void what_cannot_be_read_is_refused_with_its_place(void **state)
{
	struct fixture *f = *state;
	static const struct { const char *text; enum err code; const char *field, *words; } cases[] = {
		{ "", ERR_BAD_JSON, "", "1:1: " },
		{ "{\"kind\":\n  oops}", ERR_BAD_JSON, "", "2:3: " },
		{ "[]", ERR_WRONG_TYPE, "", "an array where" },
		{ "{} {}", ERR_BAD_JSON, "", "1:4: " },
		{ "{\"note\":\"a", ERR_BAD_JSON, "", "1:11: " },
		{ "{\"note\":\"a\nb\"}", ERR_BAD_JSON, "", "1:11: " },
		{ "{\"note\":\"\\x\"}", ERR_BAD_JSON, "", "1:11: " },
		{ "{\"note\":\"\\ud800\"}", ERR_BAD_UTF8, "", "half" },
		{ "{\"note\":01}", ERR_BAD_JSON, "", "1:10: " },
		{ "{\"note\":1.}", ERR_BAD_JSON, "", "1:9: " },
		{ "{\"note\":1e+}", ERR_BAD_JSON, "", "1:9: " },
		{ "{\"note\":\"\\u12g4\"}", ERR_BAD_JSON, "", "1:14: four" },
		{ "{\"note\":\"\\udc00\"}", ERR_BAD_UTF8, "", "1:12: half" },
		{ "{\"note\":\"\\ud83d\\u0041\"}", ERR_BAD_UTF8, "", "1:12: half" },
		{ "{\"note\":\"\\ud83d\\n\"}", ERR_BAD_UTF8, "", "1:12: half" },
		{ "{\"note\":\"\xc0\xaf\"}", ERR_BAD_UTF8, "", "1:9: " },
		{ "{\"note\":\"\xed\xa0\x80\"}", ERR_BAD_UTF8, "", "1:9: " },
		{ "{\"tags\":[,\"a\"]}", ERR_BAD_JSON, "", "1:10: a value" },
		{ "{\"tags\":[\"a\",,\"b\"]}", ERR_BAD_JSON, "", "1:14: a value" },
		{ "{\"tags\":[\"a\" \"b\"]}", ERR_BAD_JSON, "", "1:14: a comma or ]" },
		{ "{\"note\"::1}", ERR_BAD_JSON, "", "1:9: a value" },
		{ "{\"tags\":[\"a\"", ERR_BAD_JSON, "", "1:13: the text ends" },
		{ "{\"note\":1", ERR_BAD_JSON, "", "1:10: the text ends" },
		{ "{} \"begun", ERR_BAD_JSON, "", "1:4: something behind" },
		{ "{} 7", ERR_BAD_JSON, "", "1:4: something behind" },
		{ "{} // words", ERR_BAD_JSON, "", "1:4: something behind" },
		{ "{ /* words */ }", ERR_BAD_JSON, "", "1:3: " },
		{ "{\f}", ERR_BAD_JSON, "", "1:2: a control character" },
		{ "{}\v", ERR_BAD_JSON, "", "1:3: a control character" },
		{ "\xef\xbb\xbf{}", ERR_BAD_JSON, "", "1:1: a value" },
		{ "99999999999999999999", ERR_OVERFLOW, "", "1:1: " },
		{ "{\"note\":-}", ERR_BAD_JSON, "", "1:9: " },
		{ "{\"note\":-9223372036854775809}", ERR_OVERFLOW, "", "1:9: " },
		{ "{\"note\":nul}", ERR_BAD_JSON, "", "1:9: " },
		{ "{\"note\" \"a\"}", ERR_BAD_JSON, "", "1:9: a colon" },
		{ "{\"note\":\"a\" \"b\"}", ERR_BAD_JSON, "", "1:13: a comma" },
		{ "{\"note\":\"a\",}", ERR_BAD_JSON, "", "1:13: a key" },
		{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", ERR_TOO_DEEP, "", "1:18: " },
		{ "{\"kind\":\"pay\",\"kind\":\"pay\"}", ERR_DUPLICATE_KEY, "", "1:" },
		{ "{\"note\":\"\xc3\x28\"}", ERR_BAD_UTF8, "", "1:" },
		{ "{\"note\":\"a\\u0000b\"}", ERR_BAD_UTF8, "", "1:" },
		{ "{\"note\":99999999999999999999}", ERR_OVERFLOW, "", "1:" },
		{ "{\"deal\":\"a\"}", ERR_MISSING_FIELD, "kind", "What" },
		{ HEAD "\"amuont\":1}", ERR_UNKNOWN_FIELD, "amuont", "did you mean `amount`?" },
		{ HEAD "\"xyzzy\":1}", ERR_UNKNOWN_FIELD, "xyzzy", "no such field" },
		{ HEAD "\"grade\":\"pres\"}", ERR_BAD_VALUE, "grade", "did you mean press?" },
		{ "{\"kind\":\"comit\"}", ERR_UNKNOWN_KIND, "kind", "did you mean commit?" },
		{ HEAD "\"amount\":1.5}", ERR_FLOAT, "amount", "" },
		{ HEAD "\"amount\":{\"low\":1.5,\"currency\":\"USD\"}}", ERR_FLOAT, "amount.low", "" },
		{ HEAD "\"amount\":{\"low\":1}}", ERR_MISSING_FIELD, "amount.currency", "" },
		{ HEAD "\"amount\":{\"hihg\":1,\"currency\":\"USD\"}}", ERR_UNKNOWN_FIELD, "amount.hihg", "`high`" },
		{ HEAD "\"amount\":{\"low\":2,\"high\":1,\"currency\":\"USD\"}}", ERR_BAD_INTERVAL, "amount.low", "" },
		{ HEAD "\"amount\":{\"low\":2,\"currency\":\"USX\"}}", ERR_BAD_CURRENCY, "amount.currency", "" },
		{ HEAD "\"from\":[\"a\",\"B\"]}", ERR_BAD_SLUG, "from[1]", "" },
		{ HEAD "\"links\":[{\"type\":\"part_of\",\"deal\":1}]}", ERR_WRONG_TYPE, "links[0].deal", "" },
		{ HEAD "\"identifiers\":{\"lei\":7}}", ERR_WRONG_TYPE, "identifiers.lei", "" },
		{ HEAD "\"adds\":1}", ERR_WRONG_TYPE, "adds", "" },
		{ HEAD "\"source\":{\"published\":\"2025-13\"}}", ERR_BAD_DATE, "source.published", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const enum err e = read_event(f, cases[i].text);
		if (e != cases[i].code || strcmp(f->fault.field, cases[i].field) != 0 ||
		    !strstr(f->fault.text, cases[i].words))
			fail_msg("%s: %s, %s: %s", cases[i].text, err_name(e), f->fault.field, f->fault.text);
	}
}

static void every_escape_is_read_as_what_it_means(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(read_event(f, HEAD "\"note\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\\ud83D\\uDE00\\\\ud800\"}"),
			 ERR_OK);
	assert_true(str_eq(f->event.note, STR("\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80\\ud800")));
	const struct str note = f->event.note;
	assert_int_equal(json_write(&shape_event, &f->event, &f->arena, &f->text), ERR_OK);
	assert_int_equal(json_read(&shape_event, buf_str(&f->text), &f->arena, &f->event, &f->fault), ERR_OK);
	assert_true(str_eq(f->event.note, note));
}

/* What jansson says of it; it refuses double keys, and U+0000, as we do. */
static bool oracle_takes(struct str text)
{
	json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

	json_decref(json);
	return json != NULL;
}

/* Whether what was wrong, if anything, was not the JSON but what it says. */
static bool is_json(enum err e)
{
	return e != ERR_BAD_JSON && e != ERR_BAD_UTF8 && e != ERR_DUPLICATE_KEY && e != ERR_OVERFLOW &&
	       e != ERR_TOO_DEEP;
}

/* jansson refuses what is beyond a double: no piece makes such a number. */
static void noise_is_taken_where_jansson_takes_it_and_only_there(void **state)
{
	struct fixture *f = *state;
	static const char *const pieces[] = { "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\":", "\\", "\\u00",
					      "\\ud83d", "\\ude00", "n", "e-", "41", "0", "-1", ".5", "true",
					      "null", " ", "\n", "/", "\xc3\xa9", "\xc3", "\xed\xa0\x80" };
	struct random r = random_begin(__func__);
	size_t taken = 0;

	for (int i = 0; i < NOISES; i++) {
		char noise[NOISE_MAX * 8];
		size_t n = 0;
		for (size_t k = random_below(&r, NOISE_MAX); k > 0; k--) {
			const char *piece = pieces[random_below(&r, ARRAY_LEN(pieces))];
			memcpy(noise + n, piece, strlen(piece));
			n += strlen(piece);
		}
		/* a copy of the exact size, so that the sanitizer sees a byte read too far */
		char *copy = malloc(n + !n);
		assert_non_null(copy);
		memcpy(copy, noise, n);
		const struct str text = { copy, n };
		arena_reset(&f->arena);
		const enum err e = json_read(&shape_event, text, &f->arena, &f->event, &f->fault);
		if (is_json(e) != oracle_takes(text))
			fail_msg("%.*s: %s: %s", STR_ARG(text), err_name(e), f->fault.text);
		taken += is_json(e);
		free(copy);
	}
	assert_true(taken > NOISES / 1000);
}

/* The least memory that reading and writing it takes; with less it is refused, at every size. */
static void a_full_arena_is_an_error_wherever_it_fills(void **state)
{
	struct fixture *f = *state;
	static const char text[] = HEAD "\"from\":[\"softbank\"],\"note\":\"a\\n\\u00e9\","
				   "\"source\":{\"url\":\"https://example.org/\"}}";
	struct arena small;
	size_t max;
	enum err e;

	for (e = ERR_NO_MEMORY, max = 0; e; max += ARENA_STEP) {
		arena_init(&small, max);
		e = json_read(&shape_event, str_of(text), &small, &f->event, &f->fault);
		assert_true(e == ERR_OK || e == ERR_NO_MEMORY);
		arena_fini(&small);
	}
	assert_true(max > ARENA_STEP);
	assert_int_equal(read_event(f, text), ERR_OK);
	assert_int_equal(buf_put(&f->text, "before", 6), ERR_OK);
	for (e = ERR_NO_MEMORY, max = 0; e; max += ARENA_STEP) {
		assert_int_equal(f->text.n, 6);
		arena_init(&small, max);
		e = json_write(&shape_event, &f->event, &small, &f->text);
		assert_true(e == ERR_OK || e == ERR_NO_MEMORY);
		arena_fini(&small);
	}
	assert_true(max > ARENA_STEP && f->text.n > 6);
}

static void an_unknown_kind_and_unknown_keys_come_out_of_the_bytes(void **state)
{
	struct fixture *f = *state;
	/* id, kind "zap", deal "x", amount, new: [-1, nil, bytes, { "a": true }] */
	static const char bytes[] = "\x85\xa2id\xc4\x10" "0123456789abcdef" "\xa4kind\xa3zap\xa4" "deal\xa1x"
		"\xa6" "amount\x82\xa3low\xcd\x30\x39\xa8" "currency\xa3" "EUR"
		"\xa3new\x94\xff\xc0\xc4\x02\x01\xff\x81\xa1" "a\xc3";
	const struct entry entry = { .seq = 3, .epoch = 1, .event = { bytes, sizeof(bytes) - 1 } };

	assert_int_equal(json_write_entry(&entry, &f->arena, &f->text), ERR_OK);
	assert_true(str_eq(buf_str(&f->text), STR(
		"{\"seq\":3,\"epoch\":1,\"recorded\":\"1970-01-01T00:00:00.000000Z\","
		"\"id\":\"30313233-3435-3637-3839-616263646566\",\"kind\":\"zap\",\"deal\":\"x\","
		"\"amount\":{\"low\":\"123.45\",\"high\":null,\"currency\":\"EUR\"},"
		"\"new\":[-1,null,\"01ff\",{\"a\":true}]}")));
}

static void a_message_with_events_is_written_and_read_back(void **state)
{
	struct fixture *f = *state;
	struct publish msg = { 0 }, again;
	struct str event;

	assert_int_equal(read_event(f, HEAD "\"note\":\"\\\"\\\\\\n\\u0001\"}"), ERR_OK);
	assert_int_equal(record_encode(&shape_event, &f->event, &f->bytes), ERR_OK);
	event = buf_str(&f->bytes);
	msg_set(&msg, publish, events, ((struct str_list){ &event, 1 }));
	assert_int_equal(json_write(&shape_publish, &msg, &f->arena, &f->text), ERR_OK);
	assert_true(str_eq(buf_str(&f->text),
			   STR("{\"events\":[" HEAD "\"note\":\"\\\"\\\\\\n\\u0001\"}]}")));
	assert_int_equal(json_read(&shape_publish, buf_str(&f->text), &f->arena, &again, &f->fault), ERR_OK);
	assert_int_equal(again.events.n, 1);
	assert_true(str_eq(again.events.v[0], event));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_event_of_the_demo_is_taken_and_comes_back_unchanged),
		TEST(amounts_are_read_as_people_and_programs_write_them),
		TEST(one_slug_stands_for_a_list_of_one_and_text_is_normalised),
		TEST(what_an_export_adds_is_passed_over_and_an_id_may_lack),
		TEST(what_cannot_be_read_is_refused_with_its_place),
		TEST(every_escape_is_read_as_what_it_means),
		TEST(noise_is_taken_where_jansson_takes_it_and_only_there),
		TEST(a_full_arena_is_an_error_wherever_it_fills),
		TEST(an_unknown_kind_and_unknown_keys_come_out_of_the_bytes),
		TEST(a_message_with_events_is_written_and_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
