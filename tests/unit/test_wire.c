/* SPDX-License-Identifier: Apache-2.0 */
/* MessagePack by property: whatever is encoded comes back, whatever comes in is survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <msgpack.h>

#include "proto/wire.h"
#include "tests/unit/sample.h"

#define ROUNDS 200 /* of each shape */
#define DAMAGES 20 /* of each encoded struct */
#define NOISES 50000
#define WIRE_MAX (4u << 20)
#define STRUCT_MAX 4096 /* bytes of the largest struct */

struct fixture {
	struct arena arena;
	struct buf wire, again, text;
	struct fault fault;
	_Alignas(16) char made[STRUCT_MAX], got[STRUCT_MAX];
};

static int setup(void **state)
{
	static struct fixture f;

	arena_init(&f.arena, 64u << 20);
	buf_init(&f.wire, WIRE_MAX);
	buf_init(&f.again, WIRE_MAX);
	buf_init(&f.text, WIRE_MAX);
	fault_init(&f.fault);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	buf_fini(&f->wire);
	buf_fini(&f->again);
	buf_fini(&f->text);
	return 0;
}

/* A struct by chance and its bytes; a message gets a header. */
static void make(struct fixture *f, const struct shape *s, struct random *r)
{
	const struct head head = { .rid = random_bits(r, 63), .ttl_ms = random_below(r, TTL_MAX_MS + 1) };

	require(s->size <= STRUCT_MAX);
	arena_reset(&f->arena);
	buf_clear(&f->wire);
	sample_make(s, r, &f->arena, false, f->made);
	const enum err e = s->message ? msg_encode(s, &head, f->made, &f->wire) :
					record_encode(s, f->made, &f->wire);
	assert_int_equal(e, ERR_OK);
}

static enum err decode(struct fixture *f, const struct shape *s, struct str wire)
{
	struct head head;

	if (!s->message)
		return record_decode(s, wire, &f->arena, f->got, &f->fault);
	const enum err e = msg_peek(wire, &head, &f->fault);
	return e ? e : msg_decode(s, wire, &f->arena, f->got, &f->fault);
}

/* The same body again, without a header. */
static void encode_body(const struct shape *s, const void *rec, struct buf *out)
{
	buf_clear(out);
	assert_int_equal(record_encode(s, rec, out), ERR_OK);
}

static void check_same(struct fixture *f, const struct shape *s)
{
	struct buf other;

	buf_init(&other, WIRE_MAX);
	encode_body(s, f->made, &f->again);
	encode_body(s, f->got, &other);
	assert_true(str_eq(buf_str(&f->again), buf_str(&other)));
	buf_fini(&other);
}

static void every_struct_comes_back_from_its_bytes(void **state)
{
	struct fixture *f = *state;
	struct random r = random_begin(__func__);
	const struct shape *s;

	for (size_t i = 0; (s = shape_at(i)); i++)
		for (int n = 0; n < ROUNDS; n++) {
			make(f, s, &r);
			if (decode(f, s, buf_str(&f->wire)))
				fail_msg("%s: %s: %s", s->name, f->fault.field, f->fault.text);
			check_same(f, s);
		}
}

static void every_struct_comes_back_from_its_json(void **state)
{
	struct fixture *f = *state;
	struct random r = random_begin(__func__);
	const struct shape *s;

	for (size_t i = 0; (s = shape_at(i)); i++)
		for (int n = 0; n < ROUNDS; n++) {
			make(f, s, &r);
			buf_clear(&f->text);
			assert_int_equal(json_write(s, f->made, &f->arena, &f->text), ERR_OK);
			assert_null(memchr(f->text.p, '\n', f->text.n));
			if (json_read(s, buf_str(&f->text), &f->arena, f->got, &f->fault))
				fail_msg("%s: %s: %s\n%.*s", s->name, f->fault.field,
					 f->fault.text, STR_ARG(buf_str(&f->text)));
			check_same(f, s);
		}
}

static void every_truncation_of_every_message_is_malformed(void **state)
{
	struct fixture *f = *state;
	struct random r = random_begin(__func__);
	const struct shape *s;

	for (size_t i = 0; (s = shape_at(i)); i++) {
		make(f, s, &r);
		/* short ones at every byte, long ones at some */
		const size_t step = f->wire.n / 2000 + 1;
		for (size_t n = 0; n < f->wire.n; n += step)
			assert_int_equal(decode(f, s, (struct str){ f->wire.p, n }), ERR_MALFORMED);
	}
}

/* What msgpack-c says of a whole: one object, and nothing behind it. */
static bool oracle_takes(struct str bytes)
{
	msgpack_unpacked got;
	size_t offset = 0;

	msgpack_unpacked_init(&got);
	const msgpack_unpack_return what = msgpack_unpack_next(&got, bytes.p, bytes.n, &offset);
	msgpack_unpacked_destroy(&got);
	return (what == MSGPACK_UNPACK_SUCCESS || what == MSGPACK_UNPACK_EXTRA_BYTES) && offset == bytes.n;
}

/* The tests hand over a copy of the exact size, so that the sanitizer sees a byte read too far. */
static enum err check_bytes(struct str bytes)
{
	char *copy = malloc(bytes.n ? bytes.n : 1);

	assert_non_null(copy);
	if (bytes.n)
		memcpy(copy, bytes.p, bytes.n);
	const struct str exact = { copy, bytes.n };
	const enum err e = wire_check(exact, NULL);
	if (!e && !oracle_takes(exact))
		fail_msg("msgpack-c refuses what we take");
	free(copy);
	return e;
}

static void damaged_messages_are_survived_and_never_better_read_than_by_msgpack(void **state)
{
	struct fixture *f = *state;
	struct random r = random_begin(__func__);
	const struct shape *s;
	size_t taken = 0;

	for (size_t i = 0; (s = shape_at(i)); i++)
		for (int n = 0; n < ROUNDS; n++) {
			make(f, s, &r);
			for (int k = 0; k < DAMAGES; k++) {
				char *byte = f->wire.p + random_below(&r, f->wire.n);
				const char was = *byte;
				*byte = (char)random_next(&r);
				const enum err e = check_bytes(buf_str(&f->wire));
				if (e && !decode(f, s, buf_str(&f->wire)))
					fail_msg("%s: decoded, though not well-formed", s->name);
				taken += e == ERR_OK;
				*byte = was;
			}
		}
	assert_true(taken > 0);
}

static void noise_is_survived(void **state)
{
	struct fixture *f = *state;
	struct random r = random_begin(__func__);
	struct event_keys keys;
	char noise[64];
	bool same;

	for (int i = 0; i < NOISES; i++) {
		const size_t n = random_below(&r, sizeof(noise));
		for (size_t k = 0; k < n; k++)
			noise[k] = (char)random_next(&r);
		/* most begin as a small map, so that the noise gets deeper */
		if (n && random_below(&r, 4))
			noise[0] = (char)(0x80 | random_below(&r, 6));
		const struct str bytes = { noise, n };
		const enum err e = check_bytes(bytes);
		arena_reset(&f->arena);
		if (e) {
			assert_int_not_equal(decode(f, &shape_publish, bytes), ERR_OK);
			assert_int_not_equal(event_peek(bytes, &keys, NULL), ERR_OK);
			assert_int_not_equal(event_same(bytes, STR("\x80"), &f->arena, &same), ERR_OK);
		}
		(void)!event_decode(bytes, &f->arena, (struct event *)f->got, &f->fault);
	}
}

static void counts_that_no_bytes_stand_behind_cost_nothing(void **state)
{
	struct fixture *f = *state;
	struct publish got;
	/* v, type, events: an array of 2^32-1, in 30 bytes */
	static const char bomb[] = "\x83\xa1v\x01\xa4type\xa7publish\xa6" "events\xdd\xff\xff\xff\xff";

	assert_int_equal(msg_decode(&shape_publish, (struct str){ bomb, sizeof(bomb) - 1 }, &f->arena, &got,
				    &f->fault), ERR_MALFORMED);
	assert_int_equal(f->arena.used, 0);
	assert_string_equal(f->fault.field, "events");
}

static void a_map_has_at_most_so_many_keys_and_none_twice(void **state)
{
	struct fixture *f = *state;
	char key[8];

	for (unsigned n = MAP_KEYS_MAX; n <= MAP_KEYS_MAX + 1; n++)
		for (unsigned twice = 0; twice <= 1; twice++) {
			buf_clear(&f->wire);
			assert_int_equal(put_map(&f->wire, n), ERR_OK);
			for (unsigned i = 0; i < n; i++) {
				(void)snprintf(key, sizeof(key), "k%u", twice && i == n - 1 ? 0 : i);
				assert_int_equal(put_text(&f->wire, str_of(key)), ERR_OK);
				assert_int_equal(put_uint(&f->wire, i), ERR_OK);
			}
			assert_int_equal(wire_check(buf_str(&f->wire), NULL),
					 twice ? ERR_DUPLICATE_KEY :
					 n > MAP_KEYS_MAX ? ERR_TOO_LARGE : ERR_OK);
		}
}

/* hello with `n` bytes more, as one text or as one bin */
static struct str hello_with(struct fixture *f, size_t n, bool bin)
{
	char *fill;

	buf_clear(&f->wire);
	assert_int_equal(put_map(&f->wire, 3), ERR_OK);
	assert_int_equal(put_text(&f->wire, STR("v")) || put_uint(&f->wire, PROTO_VERSION), 0);
	assert_int_equal(put_text(&f->wire, STR("type")) || put_text(&f->wire, STR("hello")), 0);
	assert_int_equal(put_text(&f->wire, STR("x")), ERR_OK);
	buf_clear(&f->again);
	assert_int_equal(buf_grow(&f->again, n, &fill), ERR_OK);
	memset(fill, 'x', n);
	const struct str s = buf_str(&f->again);
	assert_int_equal(bin ? put_bin(&f->wire, s) : put_text(&f->wire, s), ERR_OK);
	return buf_str(&f->wire);
}

static void a_request_is_small_beside_its_events(void **state)
{
	struct fixture *f = *state;
	struct head head;

	assert_int_equal(request_peek(hello_with(f, REQUEST_PLAIN_MAX - 100, false), &head, NULL), ERR_OK);
	const struct str large = hello_with(f, REQUEST_PLAIN_MAX, false);
	assert_int_equal(request_peek(large, &head, &f->fault), ERR_TOO_LARGE);
	assert_int_equal(f->fault.max, REQUEST_PLAIN_MAX);
	assert_int_equal(msg_peek(large, &head, NULL), ERR_OK); /* an answer may be */
	assert_int_equal(request_peek(hello_with(f, 3 * REQUEST_PLAIN_MAX, true), &head, NULL), ERR_OK);
}

static void a_key_has_at_most_so_many_bytes(void **state)
{
	struct fixture *f = *state;
	char key[KEY_BYTES_MAX + 1];

	memset(key, 'k', sizeof(key));
	for (size_t n = KEY_BYTES_MAX; n <= sizeof(key); n++) {
		buf_clear(&f->wire);
		assert_int_equal(put_map(&f->wire, 1) || put_text(&f->wire, (struct str){ key, n }) ||
				 put_uint(&f->wire, 1), 0);
		assert_int_equal(wire_check(buf_str(&f->wire), NULL),
				 n > KEY_BYTES_MAX ? ERR_TOO_LARGE : ERR_OK);
	}
}

static void numbers_and_lengths_take_their_shortest_form(void **state)
{
	struct fixture *f = *state;
	static const struct { int64_t n; unsigned first, size; } ints[] = {
		{ 0, 0x00, 1 }, { 127, 0x7f, 1 }, { 128, 0xcc, 2 }, { 255, 0xcc, 2 }, { 256, 0xcd, 3 },
		{ 65535, 0xcd, 3 }, { 65536, 0xce, 5 }, { UINT32_MAX, 0xce, 5 },
		{ INT64_C(1) << 32, 0xcf, 9 }, { INT64_MAX, 0xcf, 9 }, { -1, 0xff, 1 }, { -32, 0xe0, 1 },
		{ -33, 0xd0, 2 }, { -128, 0xd0, 2 }, { -129, 0xd1, 3 }, { -32768, 0xd1, 3 },
		{ -32769, 0xd2, 5 }, { INT32_MIN, 0xd2, 5 }, { INT64_C(-1) - INT32_MAX - 1, 0xd3, 9 },
		{ INT64_MIN, 0xd3, 9 },
	};
	static const struct { size_t n; unsigned text, bin, array, map; } runs[] = {
		{ 0, 0xa0, 0xc4, 0x90, 0x80 }, { 15, 0xaf, 0xc4, 0x9f, 0x8f }, { 16, 0xb0, 0xc4, 0xdc, 0xde },
		{ 31, 0xbf, 0xc4, 0xdc, 0xde }, { 32, 0xd9, 0xc4, 0xdc, 0xde }, { 255, 0xd9, 0xc4, 0xdc, 0xde },
		{ 256, 0xda, 0xc5, 0xdc, 0xde }, { 65535, 0xda, 0xc5, 0xdc, 0xde },
		{ 65536, 0xdb, 0xc6, 0xdd, 0xdf },
	};
	static char many[65536];

	for (size_t i = 0; i < ARRAY_LEN(ints); i++) {
		buf_clear(&f->wire);
		assert_int_equal(put_int(&f->wire, ints[i].n), ERR_OK);
		assert_int_equal((unsigned char)f->wire.p[0], ints[i].first);
		assert_int_equal(f->wire.n, ints[i].size);
		struct wire w = wire_of(buf_str(&f->wire));
		struct item item;
		assert_int_equal(wire_next(&w, &item, NULL), ERR_OK);
		assert_int_equal(ints[i].n < 0 ? item.i : (int64_t)item.u, ints[i].n);
	}
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		const struct str s = { many, runs[i].n };
		buf_clear(&f->wire);
		size_t at[4] = { 0 };
		assert_int_equal(put_text(&f->wire, s), ERR_OK);
		at[1] = f->wire.n;
		assert_int_equal(put_bin(&f->wire, s), ERR_OK);
		at[2] = f->wire.n;
		assert_int_equal(put_array(&f->wire, s.n), ERR_OK);
		at[3] = f->wire.n;
		assert_int_equal(put_map(&f->wire, s.n), ERR_OK);
		const unsigned firsts[] = { runs[i].text, runs[i].bin, runs[i].array, runs[i].map };
		for (size_t k = 0; k < ARRAY_LEN(firsts); k++)
			assert_int_equal((unsigned char)f->wire.p[at[k]], firsts[k]);
	}
}

static void a_buffer_that_is_full_says_so_and_keeps_what_it_had(void **state)
{
	struct fixture *f = *state;
	struct random r = random_begin(__func__);
	struct buf small;

	make(f, &shape_event, &r);
	for (size_t max = 0; max < f->wire.n; max++) {
		buf_init(&small, max);
		assert_int_equal(record_encode(&shape_event, f->made, &small), ERR_TOO_LARGE);
		assert_int_equal(small.n, 0);
		buf_fini(&small);
	}
}

static void text_is_utf8_as_rfc_3629_has_it(void **state)
{
	static const struct { const char *s; size_t n; bool valid; } cases[] = {
		{ "", 0, true }, { "a", 1, true }, { "\0", 1, false }, { "\x7f", 1, true }, { "\x80", 1, false },
		{ "\xc2\x80", 2, true }, { "\xc1\xbf", 2, false }, { "\xc3", 1, false },
		{ "\xe0\xa0\x80", 3, true }, { "\xe0\x9f\xbf", 3, false }, { "\xed\x9f\xbf", 3, true },
		{ "\xed\xa0\x80", 3, false }, { "\xef\xbf\xbf", 3, true }, { "\xf0\x90\x80\x80", 4, true },
		{ "\xf0\x8f\xbf\xbf", 4, false }, { "\xf4\x8f\xbf\xbf", 4, true },
		{ "\xf4\x90\x80\x80", 4, false }, { "\xf5\x80\x80\x80", 4, false }, { "\xf0\x90\x80", 3, false },
		{ "\xe3\x82\xbd\xff", 4, false }, { "a\xcc\x81", 3, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (utf8_valid((struct str){ cases[i].s, cases[i].n }) != cases[i].valid)
			fail_msg("case %zu", i);
		/* plain bytes are looked at in words: the same anywhere among them */
		for (size_t at = 0; at < 20; at++) {
			char text[32];
			memset(text, at % 2 ? 0x7f : 1, sizeof(text));
			memcpy(text + at, cases[i].s, cases[i].n);
			for (size_t n = at + cases[i].n; n <= sizeof(text); n++)
				if (utf8_valid((struct str){ text, n }) != cases[i].valid)
					fail_msg("case %zu at %zu of %zu", i, at, n);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_struct_comes_back_from_its_bytes),
		TEST(every_struct_comes_back_from_its_json),
		TEST(every_truncation_of_every_message_is_malformed),
		TEST(damaged_messages_are_survived_and_never_better_read_than_by_msgpack),
		TEST(noise_is_survived),
		TEST(counts_that_no_bytes_stand_behind_cost_nothing),
		TEST(a_map_has_at_most_so_many_keys_and_none_twice),
		TEST(a_request_is_small_beside_its_events),
		TEST(a_key_has_at_most_so_many_bytes),
		TEST(numbers_and_lengths_take_their_shortest_form),
		TEST(a_buffer_that_is_full_says_so_and_keeps_what_it_had),
		TEST(text_is_utf8_as_rfc_3629_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
