/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vectors beside the specification: every message, every kind of event, and every refusal, as
 * bytes and as JSON. Lines of the files are never edited: with --update, those are added that the
 * tables ask for and the files lack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <jansson.h>

#include "proto/wire.h"
#include "tests/unit/sample.h"

#define FOLDER AVOW_TEST_DATA "/../vectors/"
#define NOW_US INT64_C(1738245600000000) /* 2025-01-30T14:00:00Z */
#define STRUCT_MAX 4096

static bool update;

struct fixture {
	struct arena arena;
	struct buf wire, text;
	struct fault fault;
	json_t *file; /* an array of vectors */
	const char *path;
	_Alignas(16) char made[STRUCT_MAX];
};

static int setup(void **state)
{
	static struct fixture f;

	arena_init(&f.arena, 64u << 20);
	buf_init(&f.wire, MSG_BYTES_MAX);
	buf_init(&f.text, MSG_BYTES_MAX);
	fault_init(&f.fault);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	buf_fini(&f->wire);
	buf_fini(&f->text);
	json_decref(f->file);
	f->file = NULL;
	return 0;
}

/* ---- files ---- */

static void load(struct fixture *f, const char *path)
{
	json_error_t error;

	f->path = path;
	f->file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!f->file && update)
		f->file = json_array();
	if (!json_is_array(f->file))
		fail_msg("%s:%d: %s", path, error.line, error.text);
}

/* One vector a line. */
static void save(struct fixture *f)
{
	FILE *out = fopen(f->path, "w");
	json_t *vector;
	size_t i;

	assert_non_null(out);
	fputs("[\n", out);
	json_array_foreach(f->file, i, vector) {
		assert_int_equal(json_dumpf(vector, out, JSON_COMPACT), 0);
		fputs(i + 1 < json_array_size(f->file) ? ",\n" : "\n", out);
	}
	fputs("]\n", out);
	assert_int_equal(fclose(out), 0);
}

static json_t *hex_of(struct fixture *f, struct str bytes)
{
	char *p = arena_alloc(&f->arena, 2 * bytes.n + 1);

	assert_non_null(p);
	for (size_t i = 0; i < bytes.n; i++)
		(void)snprintf(p + 2 * i, 3, "%02x", (unsigned char)bytes.p[i]);
	p[2 * bytes.n] = 0;
	return json_string(p);
}

static struct str bytes_of(struct fixture *f, const json_t *hex)
{
	const char *digits = json_string_value(hex);
	const size_t n = json_string_length(hex) / 2;
	char *p = arena_alloc(&f->arena, n);
	unsigned byte;

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(sscanf(digits + 2 * i, "%2x", &byte), 1);
		p[i] = (char)byte;
	}
	return (struct str){ p, n };
}

static const char *text_at(const json_t *vector, const char *key)
{
	const char *text = json_string_value(json_object_get(vector, key));

	return text ? text : "";
}

/* The file must hold this vector (which is given away): one with its bytes, or what `key` says. */
static void must_hold(struct fixture *f, json_t *vector, const char *key)
{
	json_t *other;
	size_t i;

	assert_non_null(vector);
	json_array_foreach(f->file, i, other)
		if (json_equal(json_object_get(other, key), json_object_get(vector, key))) {
			if (!json_equal(other, vector))
				fail_msg("%s differs from %s", text_at(other, "name"), f->path);
			json_decref(vector);
			return;
		}
	if (!update)
		fail_msg("%s: no vector for %s; run test_vectors --update", f->path, text_at(vector, "name"));
	assert_int_equal(json_array_append_new(f->file, vector), 0);
	save(f);
}

/* ---- records and messages ---- */

static json_t *json_of(struct fixture *f, const struct shape *s, const void *rec)
{
	buf_clear(&f->text);
	assert_int_equal(json_write(s, rec, &f->arena, &f->text), ERR_OK);
	json_t *json = json_loadb(f->text.p, f->text.n, 0, NULL);
	assert_non_null(json);
	return json;
}

static json_t *head_of(const struct shape *s, const struct head *head)
{
	return json_pack("{s:i,s:s,s:I,s:I}", "v", PROTO_VERSION, "type", s->name, "rid",
			 (json_int_t)head->rid, "ttl_ms", (json_int_t)head->ttl_ms);
}

static void hold_message(struct fixture *f, const char *name, const struct shape *s, const void *msg)
{
	const struct head head = { .rid = 7, .ttl_ms = 5000 };

	buf_clear(&f->wire);
	assert_int_equal(msg_encode(s, &head, msg, &f->wire), ERR_OK);
	must_hold(f, json_pack("{s:s,s:o,s:o,s:o}", "name", name, "hex", hex_of(f, buf_str(&f->wire)),
			       "head", head_of(s, &head), "json", json_of(f, s, msg)), "hex");
}

/* Each shape has its own chance: a new row changes no vector of another message. */
static struct random chance_of(const struct shape *s)
{
	uint64_t state = 0;

	for (const char *p = s->name; *p; p++)
		state = state * 31 + (unsigned char)*p;
	return (struct random){ state };
}

static void every_message_has_its_vector(void **state)
{
	struct fixture *f = *state;
	const struct err_info *info;
	const struct shape *s;

	load(f, FOLDER "messages.json");
	for (size_t i = 0; (s = shape_at(i)); i++) {
		if (!s->message)
			continue;
		struct random r = chance_of(s);
		sample_make(s, &r, &f->arena, true, f->made);
		hold_message(f, s->name, s, f->made);
	}
	for (size_t i = 0; (info = err_at(i)); i++) {
		struct error error;
		struct fault fault;
		fault_init(&fault);
		(void)fault_set(&fault, info->code, NULL, "%s", info->text);
		error_from_fault(&fault, &error);
		hold_message(f, info->name, &shape_error, &error);
	}
}

static const struct shape *shape_named(const char *name)
{
	const struct shape *s = NULL;

	for (size_t i = 0; (s = shape_at(i)); i++)
		if (strcmp(s->name, name) == 0)
			return s;
	fail_msg("no message %s", name);
	return NULL;
}

/* Bytes to struct to JSON, and JSON to struct to bytes. */
static void check_message(struct fixture *f, const json_t *vector)
{
	const json_t *const head_json = json_object_get(vector, "head"), *const body = json_object_get(vector, "json");
	const struct shape *s = shape_named(text_at(head_json, "type"));
	const struct str wire = bytes_of(f, json_object_get(vector, "hex"));
	struct head head;

	assert_int_equal(msg_peek(wire, &head, &f->fault), ERR_OK);
	assert_int_equal(head.type, s->type);
	assert_int_equal(head.rid, json_integer_value(json_object_get(head_json, "rid")));
	assert_int_equal(head.ttl_ms, json_integer_value(json_object_get(head_json, "ttl_ms")));
	assert_int_equal(msg_decode(s, wire, &f->arena, f->made, &f->fault), ERR_OK);
	json_t *json = json_of(f, s, f->made);
	assert_true(json_equal(json, body));
	json_decref(json);

	char *text = json_dumps(body, JSON_COMPACT);
	assert_int_equal(json_read(s, str_of(text), &f->arena, f->made, &f->fault), ERR_OK);
	free(text);
	buf_clear(&f->wire);
	assert_int_equal(msg_encode(s, &head, f->made, &f->wire), ERR_OK);
	assert_true(str_eq(buf_str(&f->wire), wire));
}

static void every_vector_of_a_message_holds(void **state)
{
	struct fixture *f = *state;
	json_t *vector;
	size_t i;

	load(f, FOLDER "messages.json");
	json_array_foreach(f->file, i, vector)
		check_message(f, vector);
}

/* ---- events ---- */

#define ID(n) "{\"id\":\"0190f3a2-0000-7000-8000-0000000000" n "\",\"kind\":"
#define DEAL ",\"deal\":\"softbank-openai-2025\""
#define SAID ",\"stated\":\"2025-01-30\",\"source\":{\"publisher\":\"The Daily\"}"
#define PRESS SAID ",\"grade\":\"press\""
#define OTHER "\"0190f3a2-0000-7000-8000-0000000000ff\""

static const char *const events[] = {
	ID("01") "\"rumour\"" DEAL ",\"amount\":\">40bn USD\"" PRESS "}",
	ID("02") "\"talks\"" DEAL ",\"from\":\"softbank\",\"to\":\"openai\",\"amount\":\"15bn..25bn USD\","
		"\"stated\":\"2025-01-30T14:05:06Z\",\"source\":{\"url\":\"https://example.org/a\","
		"\"title\":\"N\xc3\xa9gociations\",\"publisher\":\"The Daily\","
		"\"published\":\"2025-01-30\",\"lang\":\"fr\",\"quote\":\"15 \xc3\xa0 25\"},"
		"\"grade\":\"anonymous\",\"phase\":\"advanced\",\"tags\":[\"ai\"],\"note\":\"two people\"}",
	ID("03") "\"announce\"" DEAL ",\"amount\":\"<=25bn USD\",\"adds\":true,\"on\":\"2025/..\"" PRESS "}",
	ID("04") "\"commit\"" DEAL ",\"amount\":\"~20bn USD\",\"basis\":\"stock\",\"derived_from\":" OTHER PRESS "}",
	ID("05") "\"commit\"" DEAL ",\"ref\":" OTHER ",\"reason\":\"better_source\",\"source\":{\"title\":\"t\"},"
		"\"grade\":\"official\"}",
	ID("06") "\"close\"" DEAL PRESS "}",
	ID("07") "\"pay\"" DEAL ",\"amount\":\"1.234 KWD\",\"returned\":true,\"on\":\"2024-10/2024-12-24\"" PRESS "}",
	ID("08") "\"cancel\"" DEAL ",\"from\":\"softbank\",\"reason\":\"lapsed\"" PRESS "}",
	ID("09") "\"condition\"" DEAL ",\"condition\":\"restructuring\",\"state\":\"stated\",\"amount\":\"10bn USD\","
		"\"deadline\":\"2025-12-31\"" PRESS "}",
	ID("10") "\"total\",\"to\":\"openai\",\"rung\":\"committed\",\"amount\":\">40bn USD\",\"deals\":[\"a\",\"b\"],"
		"\"assume\":[\"b\"]" PRESS "}",
	ID("11") "\"remark\"" DEAL ",\"stance\":\"doubt\",\"by\":\"somebody\"" PRESS "}",
	ID("12") "\"market\",\"instrument\":\"XTKS:9984\",\"move\":\"-1\"" PRESS "}",
	ID("13") "\"party\",\"party\":\"softbank\",\"name\":\"SoftBank Group\","
		"\"names\":[\"\xe3\x82\xbd\xe3\x83\x95\xe3\x83\x88\"],\"type\":\"company\","
		"\"identifiers\":{\"lei\":\"5493003BZYYYCDIO0R13\",\"ticker\":\"XTKS:9984\"},"
		"\"group\":\"softbank-family\"" SAID "}",
	ID("14") "\"deal\"" DEAL ",\"title\":\"Round\",\"instrument\":\"shares\","
		"\"from\":[\"co-investors\",\"softbank\"],\"to\":[\"openai\"],\"deadline\":\"2025-12\","
		"\"links\":[{\"type\":\"part_of\",\"deal\":\"stargate\"}]" SAID "}",
	ID("15") "\"rate\",\"base\":\"EUR\",\"quote\":\"JPY\",\"rate\":\"161.3\",\"on\":\"2025-01-29\"" SAID "}",
	ID("16") "\"retract\",\"ref\":" OTHER ",\"reason\":\"source_withdrawn\"" SAID "}",
};

static json_t *leaf_of(struct fixture *f, struct str bytes)
{
	struct hash leaf;

	leaf_hash(1, 42, NOW_US, bytes, &leaf);
	return hex_of(f, (struct str){ (const char *)leaf.b, HASH_SIZE });
}

static void every_kind_of_event_has_its_vector(void **state)
{
	struct fixture *f = *state;
	unsigned kinds = 0;
	struct event event;

	load(f, FOLDER "events.json");
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		if (json_read(&shape_event, str_of(events[i]), &f->arena, &event, &f->fault))
			fail_msg("%s: %s: %s", events[i], f->fault.field, f->fault.text);
		buf_clear(&f->wire);
		assert_int_equal(record_encode(&shape_event, &event, &f->wire), ERR_OK);
		kinds |= 1u << event.kind;
		must_hold(f, json_pack("{s:s,s:o,s:o,s:i,s:i,s:I,s:o}", "name", enum_word(&enum_kind, event.kind),
				       "hex", hex_of(f, buf_str(&f->wire)), "json", json_of(f, &shape_event, &event),
				       "epoch", 1, "seq", 42, "recorded", (json_int_t)NOW_US,
				       "leaf", leaf_of(f, buf_str(&f->wire))), "hex");
	}
	assert_int_equal(kinds, (1u << kind_COUNT) - 2);
}

static void every_vector_of_an_event_holds(void **state)
{
	struct fixture *f = *state;
	struct event event;
	json_t *vector;
	size_t i;

	load(f, FOLDER "events.json");
	json_array_foreach(f->file, i, vector) {
		const struct str bytes = bytes_of(f, json_object_get(vector, "hex"));
		assert_int_equal(event_check(bytes, NOW_US, &f->arena, &event, &f->fault), ERR_OK);
		json_t *json = json_of(f, &shape_event, &event);
		assert_true(json_equal(json, json_object_get(vector, "json")));
		json_decref(json);
		json_t *leaf = leaf_of(f, bytes);
		assert_true(json_equal(leaf, json_object_get(vector, "leaf")));
		json_decref(leaf);
	}
}

/* ---- refusals ---- */

#define M "\xa1v\x01\xa4type\xa4read" /* the header of a read */
#define E "\xa2id\xc4\x10" "0123456789abcdef\xa4kind\xa6" "commit\xa4" "deal\xa1" "d"
#define S "\xa6stated\xaa" "2025-01-30\xa6source\x81\xa9publisher\xa1p\xa5grade\xa5press" /* E S: six pairs */
#define AMOUNT(low, high) "\xa6" "amount\x83\xa3low" low "\xa4high" high "\xa8" "currency\xa3USD"

static const struct refusal {
	const char *name, *as, *bytes;
	size_t n;
	enum err code;
	const char *field;
} refusals[] = {
#define R(name, as, code, field, bytes) { name, as, bytes, sizeof(bytes) - 1, ERR_##code, field },
	R("nothing", "message", MALFORMED, "", "")
	R("the byte that begins nothing", "message", MALFORMED, "", "\xc1")
	R("cut in a key", "message", MALFORMED, "", "\x81\xa4ty")
	R("bytes behind the map", "message", MALFORMED, "", "\x82" M "\xc0")
	R("an array of 2^32-1 in nine bytes", "message", MALFORMED, "x",
	  "\x83" M "\xa1x\xdd\xff\xff\xff\xff\x00\x00\x00")
	R("a text longer than the message", "message", MALFORMED, "x", "\x83" M "\xa1x\xdb\x7f\xff\xff\xffyz")
	R("an array", "message", WRONG_TYPE, "", "\x91\x01")
	R("a key that is a number", "message", WRONG_TYPE, "", "\x83" M "\x01\x01")
	R("an extension type, unknown key", "message", WRONG_TYPE, "x", "\x83" M "\xa1x\xd4\x01\x01")
	R("a timestamp", "message", WRONG_TYPE, "since", "\x83" M "\xa5since\xd6\xff\x67\x9b\x8a\x00")
	R("a float", "message", FLOAT, "after", "\x83" M "\xa5" "after\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00")
	R("a float, unknown key", "message", FLOAT, "x", "\x83" M "\xa1x\xca\x3f\x80\x00\x00")
	R("a key twice", "message", DUPLICATE_KEY, "after", "\x84" M "\xa5" "after\x01\xa5" "after\x01")
	R("an unknown key twice", "message", DUPLICATE_KEY, "x", "\x84" M "\xa1x\x01\xa1x\x02")
	R("a key twice, deep", "message", DUPLICATE_KEY, "x.y", "\x83" M "\xa1x\x82\xa1y\x01\xa1y\x01")
	R("text that is not UTF-8", "message", BAD_UTF8, "x", "\x83" M "\xa1x\xa2\xc3\x28")
	R("a surrogate", "message", BAD_UTF8, "x", "\x83" M "\xa1x\xa3\xed\xa0\x80")
	R("U+0000", "message", BAD_UTF8, "x", "\x83" M "\xa1x\xa1\x00")
	R("nested too deep", "message", TOO_DEEP, "x", "\x83" M "\xa1x\x91\x91\x91\x91\x91\x91\x91\x91\x01")
	R("2^63", "message", TOO_LARGE, "after", "\x83" M "\xa5" "after\xcf\x80\x00\x00\x00\x00\x00\x00\x00")
	R("above the field's limit", "message", TOO_LARGE, "limit", "\x83" M "\xa5limit\xcd\x27\x11")
	R("too much time to answer", "message", TOO_LARGE, "ttl_ms", "\x83" M "\xa6ttl_ms\xce\x7f\xff\xff\xff")
	R("a negative number", "message", WRONG_TYPE, "after", "\x83" M "\xa5" "after\xff")
	R("no version", "message", MISSING_FIELD, "v", "\x81\xa4type\xa4read")
	R("no type", "message", MISSING_FIELD, "type", "\x81\xa1v\x01")
	R("another version", "message", BAD_VERSION, "v", "\x82\xa1v\x02\xa4type\xa4read")
	R("another message", "message", UNKNOWN_MESSAGE, "type", "\x82\xa1v\x01\xa4type\xa3zap")
	R("a publish without events", "message", MISSING_FIELD, "events", "\x82\xa1v\x01\xa4type\xa7publish")
	R("events that are text", "message", WRONG_TYPE, "events[0]",
	  "\x83\xa1v\x01\xa4type\xa7publish\xa6" "events\x91\xa1x")
	R("a kind that is not known", "message", UNKNOWN_KIND, "filter.kind[0]",
	  "\x83" M "\xa6" "filter\x81\xa4kind\x91\xa3zap")
	R("a word that is not known", "message", BAD_VALUE, "filter.rung",
	  "\x83" M "\xa6" "filter\x81\xa4rung\xa3zap")
	R("a day that is none", "message", BAD_DATE, "clocks.as_of",
	  "\x84\xa1v\x01\xa4type\xab" "deal_figure\xa4" "deal\xa1"
	  "d\xa6" "clocks\x81\xa5" "as_of\xaa" "2025-02-30")
	R("an event that is an array", "event", WRONG_TYPE, "", "\x90")
	R("no id", "event", MISSING_FIELD, "id", "\x81\xa4kind\xa3pay")
	R("an id of 15 bytes", "event", BAD_ID, "id", "\x81\xa2id\xc4\x0f" "0123456789abcde")
	R("an id as text", "event", WRONG_TYPE, "id", "\x81\xa2id\xb0" "0123456789abcdef")
	R("another kind of event", "event", UNKNOWN_KIND, "kind",
	  "\x82\xa2id\xc4\x10" "0123456789abcdef\xa4kind\xa3zap")
	R("a slug with a capital", "event", BAD_SLUG, "deal", "\x81\xa4" "deal\xa1" "D")
	R("text that is not in NFC", "event", NOT_NFC, "note", "\x87" E S "\xa4note\xa3" "e\xcc\x81")
	R("a note that is too long", "event", TOO_LARGE, "source.lang", "\x81\xa6source\x81\xa4lang\xd9\x24"
	  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
	R("no grade", "event", MISSING_FIELD, "grade",
	  "\x85" E "\xa6stated\xaa" "2025-01-30\xa6source\x81\xa9publisher\xa1p")
	R("a source without a name", "event", NO_SOURCE, "source",
	  "\x86" E "\xa6stated\xaa" "2025-01-30\xa6source\x81\xa4lang"
	  "\xa2" "fr\xa5grade\xa5press")
	R("a field of another kind", "event", NOT_FOR_KIND, "phase", "\x87" E S "\xa5phase\xa5" "early")
	R("two payers", "event", TOO_LARGE, "from", "\x87" E S "\xa4" "from\x92\xa1" "a\xa1" "b")
	R("an amount as text", "event", WRONG_TYPE, "amount", "\x87" E S "\xa6" "amount\xa6" "1 USD ")
	R("an amount that is a float", "event", FLOAT, "amount.low",
	  "\x87" E S AMOUNT("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00", "\x01"))
	R("an amount without bounds", "event", BAD_AMOUNT, "amount", "\x87" E S AMOUNT("\xc0", "\xc0"))
	R("bounds that are swapped", "event", BAD_INTERVAL, "amount.low", "\x87" E S AMOUNT("\x02", "\x01"))
	R("a currency that is none", "event", BAD_CURRENCY, "amount.currency", "\x87" E S
	  "\xa6" "amount\x82\xa3low\x01\xa8" "currency\xa3USX")
	R("an amount twice", "event", DUPLICATE_KEY, "amount.low",
	  "\x87" E S "\xa6" "amount\x82\xa3low\x01\xa3low\x01")
	R("stated tomorrow and a day", "event", STATED_IN_FUTURE, "stated", "\x86" E
	  "\xa6stated\xaa" "2025-02-01\xa6source\x81\xa9publisher\xa1p\xa5grade\xa5press")
	R("a date that is not possible", "event", BAD_DATE, "on", "\x87" E S "\xa2on\xa7" "2025-13")
	R("a rate with a comma", "event", BAD_DECIMAL, "rate", "\x81\xa4rate\xa3" "1,5")
	R("a party that is named by nothing", "event", BAD_SLUG, "to[1]", "\x87" E S "\xa2to\x92\xa1" "a\xa0")
#undef R
};

static enum err judge(struct fixture *f, const char *as, struct str bytes)
{
	struct head head;
	struct event event;

	fault_init(&f->fault);
	if (strcmp(as, "event") == 0)
		return event_check(bytes, NOW_US, &f->arena, &event, &f->fault);
	const enum err e = msg_peek(bytes, &head, &f->fault);
	return e ? e : msg_decode(shape_of(head.type), bytes, &f->arena, f->made, &f->fault);
}

static void every_refusal_has_its_vector(void **state)
{
	struct fixture *f = *state;

	load(f, FOLDER "refusals.json");
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct refusal *r = &refusals[i];
		must_hold(f, json_pack("{s:s,s:s,s:o,s:{s:i,s:s,s:s}}", "name", r->name, "as", r->as,
				       "hex", hex_of(f, (struct str){ r->bytes, r->n }), "error", "code", (int)r->code,
				       "name", err_name(r->code), "field", r->field), "name");
	}
}

static void every_vector_of_a_refusal_holds(void **state)
{
	struct fixture *f = *state;
	json_t *vector;
	size_t i;

	load(f, FOLDER "refusals.json");
	json_array_foreach(f->file, i, vector) {
		const json_t *error = json_object_get(vector, "error");
		const enum err e = judge(f, text_at(vector, "as"), bytes_of(f, json_object_get(vector, "hex")));
		if (e != (enum err)json_integer_value(json_object_get(error, "code")) ||
		    strcmp(f->fault.field, text_at(error, "field")) != 0)
			fail_msg("%s: %s, %s: %s", text_at(vector, "name"), err_name(e), f->fault.field, f->fault.text);
	}
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_message_has_its_vector),
		TEST(every_vector_of_a_message_holds),
		TEST(every_kind_of_event_has_its_vector),
		TEST(every_vector_of_an_event_holds),
		TEST(every_refusal_has_its_vector),
		TEST(every_vector_of_a_refusal_holds),
	};

	update = argc > 1 && strcmp(argv[1], "--update") == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
