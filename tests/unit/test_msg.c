/* SPDX-License-Identifier: Apache-2.0 */
/* Messages: what is encoded is read back, and what is not a message is refused with the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "proto/wire.h"

struct fixture {
	struct arena arena;
	struct buf wire;
	struct fault fault;
};

static int setup(void **state)
{
	static struct fixture f;

	arena_init(&f.arena, 16u << 20);
	buf_init(&f.wire, MSG_BYTES_MAX);
	fault_init(&f.fault);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	buf_fini(&f->wire);
	return 0;
}

/* Bytes of hexadecimal digits; blanks are left out. */
static struct str hex(struct fixture *f, const char *digits)
{
	char *p = arena_alloc(&f->arena, strlen(digits) / 2 + 1);
	size_t n = 0;
	unsigned byte;

	for (; *digits; digits += *digits == ' ' ? 1 : 2)
		if (*digits != ' ' && sscanf(digits, "%2x", &byte) == 1)
			p[n++] = (char)byte;
	return (struct str){ p, n };
}

static void encode_read(struct fixture *f)
{
	const struct head head = { .rid = 7, .ttl_ms = 1000 };
	struct read msg = { 0 };
	int kinds[] = { kind_pay, kind_commit };

	msg_set(&msg, read, after, 300);
	msg_set(&msg, read, limit, 10000);
	msg_mark(&msg, read, filter);
	msg_set(&msg.filter, filter, to, STR("openai"));
	msg_set(&msg.filter, filter, kind, ((struct enum_list){ kinds, 2 }));
	assert_int_equal(msg_encode(&shape_read, &head, &msg, &f->wire), ERR_OK);
}

static void a_message_is_read_back_as_it_was_encoded(void **state)
{
	struct fixture *f = *state;
	struct head head;
	struct read got;

	encode_read(f);
	assert_int_equal(msg_peek(buf_str(&f->wire), &head, &f->fault), ERR_OK);
	assert_int_equal(head.v, PROTO_VERSION);
	assert_int_equal(head.type, MSG_read);
	assert_int_equal(head.rid, 7);
	assert_int_equal(head.ttl_ms, 1000);
	assert_int_equal(answer_peek(buf_str(&f->wire), &head, &f->fault), ERR_OK);
	assert_int_equal(head.v, PROTO_VERSION);
	assert_int_equal(head.type, MSG_read);
	assert_int_equal(head.rid, 7);
	assert_int_equal(msg_decode(&shape_read, buf_str(&f->wire), &f->arena, &got, &f->fault), ERR_OK);
	assert_int_equal(got.after, 300);
	assert_int_equal(got.limit, 10000);
	assert_false(msg_has(&got, read, since));
	assert_true(msg_has(&got, read, filter));
	assert_true(str_eq(got.filter.to, STR("openai")));
	assert_int_equal(got.filter.kind.n, 2);
	assert_int_equal(got.filter.kind.v[1], kind_commit);
}

static void every_truncation_is_refused(void **state)
{
	struct fixture *f = *state;
	struct head head;
	struct read got;

	encode_read(f);
	for (size_t n = 0; n < f->wire.n; n++) {
		const struct str cut = { f->wire.p, n };
		assert_int_equal(msg_peek(cut, &head, &f->fault), ERR_MALFORMED);
		/* of an answer no more is looked at than its header, which is there once the rid is */
		assert_int_equal(answer_peek(cut, &head, &f->fault), head.rid ? ERR_OK : ERR_MALFORMED);
		assert_int_equal(msg_decode(&shape_read, cut, &f->arena, &got, &f->fault), ERR_MALFORMED);
	}
}

static void expect_refused(struct fixture *f, const char *digits, enum err code, const char *field)
{
	struct head head;
	struct read got;
	const struct str wire = hex(f, digits);
	enum err e = msg_peek(wire, &head, &f->fault);

	if (!e)
		e = msg_decode(&shape_read, wire, &f->arena, &got, &f->fault);
	assert_string_equal(err_name(e), err_name(code));
	assert_string_equal(f->fault.field, field);
	e = answer_peek(wire, &head, NULL);
	assert_int_not_equal(e ? e : msg_decode(&shape_read, wire, &f->arena, &got, NULL), ERR_OK);
}

#define V_READ "a17601 a474797065 a472656164 " /* v: 1, type: read */

static void what_is_not_a_message_is_refused_with_the_field(void **state)
{
	struct fixture *f = *state;

	expect_refused(f, "", ERR_MALFORMED, "");
	expect_refused(f, "c1", ERR_MALFORMED, "");
	expect_refused(f, "93010203", ERR_WRONG_TYPE, "");
	expect_refused(f, "81a17602", ERR_BAD_VERSION, "v");
	expect_refused(f, "80", ERR_MISSING_FIELD, "v");
	expect_refused(f, "81a17601", ERR_MISSING_FIELD, "type");
	expect_refused(f, "82a17601 a474797065 a3626162", ERR_UNKNOWN_MESSAGE, "type");
	expect_refused(f, "82" V_READ "00", ERR_MALFORMED, "");
	expect_refused(f, "83" V_READ "a17601", ERR_DUPLICATE_KEY, "v");
	expect_refused(f, "84" V_READ "a5616674657201 a5616674657202", ERR_DUPLICATE_KEY, "after");
	expect_refused(f, "83" V_READ "a56166746572 cb3ff0000000000000", ERR_FLOAT, "after");
	expect_refused(f, "83" V_READ "a56166746572 ff", ERR_WRONG_TYPE, "after");
	expect_refused(f, "83" V_READ "a56166746572 cf8000000000000000", ERR_TOO_LARGE, "after");
	expect_refused(f, "83" V_READ "a56c696d6974 cd2711", ERR_TOO_LARGE, "limit");
	assert_int_equal(f->fault.max, 10000);
	expect_refused(f, "83" V_READ "a378787a d40101", ERR_WRONG_TYPE, "xxz");
	expect_refused(f, "83" V_READ "a378787a a2c328", ERR_BAD_UTF8, "xxz");
	expect_refused(f, "83" V_READ "a378787a dd10000000", ERR_MALFORMED, "xxz");
	expect_refused(f, "83" V_READ "0101", ERR_WRONG_TYPE, "");
	expect_refused(f, "83" V_READ "a378787a 919191919191919190", ERR_TOO_DEEP, "xxz");
	expect_refused(f, "83" V_READ "a666696c746572 81 a46b696e64 91a3626162", ERR_UNKNOWN_KIND, "filter.kind[0]");
	expect_refused(f, "83" V_READ "a666696c746572 81 a472756e67 a3626162", ERR_BAD_VALUE, "filter.rung");
}

static void unknown_keys_and_nil_are_passed_over(void **state)
{
	struct fixture *f = *state;
	struct head head;
	struct read got;
	const struct str wire = hex(f, "85" V_READ "a56166746572 c0 a378787a 82a1619103a16201"
				       "a56c696d697405");

	assert_int_equal(msg_peek(wire, &head, &f->fault), ERR_OK);
	assert_int_equal(msg_decode(&shape_read, wire, &f->arena, &got, &f->fault), ERR_OK);
	assert_false(msg_has(&got, read, after));
	assert_int_equal(got.limit, 5);
}

static void the_request_id_is_known_even_where_the_message_is_not(void **state)
{
	struct fixture *f = *state;
	struct head head;

	assert_int_equal(msg_peek(hex(f, "83 a17601 a3726964 2a a474797065 a3626162"), &head, &f->fault),
			 ERR_UNKNOWN_MESSAGE);
	assert_int_equal(head.rid, 42);
}

static void every_number_has_its_shortest_form_and_is_read_back(void **state)
{
	struct fixture *f = *state;
	static const struct { int64_t n; size_t bytes; } cases[] = {
		{ 0, 1 }, { 127, 1 }, { 128, 2 }, { 255, 2 }, { 256, 3 }, { 65535, 3 }, { 65536, 5 },
		{ UINT32_MAX, 5 }, { UINT32_MAX + INT64_C(1), 9 }, { INT64_MAX, 9 }, { -1, 1 },
		{ -32, 1 }, { -33, 2 }, { -128, 2 }, { -129, 3 }, { -32768, 3 }, { -32769, 5 },
		{ INT32_MIN, 5 }, { INT32_MIN - INT64_C(1), 9 }, { INT64_MIN, 9 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_clear(&f->wire);
		assert_int_equal(put_int(&f->wire, cases[i].n), ERR_OK);
		assert_int_equal(f->wire.n, cases[i].bytes);
		struct wire w = wire_of(buf_str(&f->wire));
		struct item item;
		assert_int_equal(wire_next(&w, &item, NULL), ERR_OK);
		if (cases[i].n < 0)
			assert_true(item.kind == ITEM_NEGATIVE && item.i == cases[i].n);
		else
			assert_true(item.kind == ITEM_UINT && item.u == (uint64_t)cases[i].n);
		assert_ptr_equal(w.p, w.end);
	}
}

static void a_fault_travels_as_an_error_and_comes_back(void **state)
{
	struct fixture *f = *state;
	const struct head head = { .rid = 1 };
	struct fault back;
	struct error error, got;

	(void)fault_set(&f->fault, ERR_WRONG_REVISION, "expect[0]", "caf\xc3"); /* cut in a character */
	f->fault.expected = 3;
	f->fault.actual = 4;
	error_from_fault(&f->fault, &error);
	assert_int_equal(msg_encode(&shape_error, &head, &error, &f->wire), ERR_OK);
	assert_int_equal(msg_decode(&shape_error, buf_str(&f->wire), &f->arena, &got, NULL), ERR_OK);
	fault_from_error(&got, &back);
	assert_int_equal(back.code, ERR_WRONG_REVISION);
	assert_string_equal(back.field, "expect[0]");
	assert_string_equal(back.text, "caf");
	assert_int_equal(back.expected, 3);
	assert_int_equal(back.actual, 4);
	assert_int_equal(back.max, FAULT_NONE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_message_is_read_back_as_it_was_encoded),
		TEST(every_truncation_is_refused),
		TEST(what_is_not_a_message_is_refused_with_the_field),
		TEST(unknown_keys_and_nil_are_passed_over),
		TEST(the_request_id_is_known_even_where_the_message_is_not),
		TEST(every_number_has_its_shortest_form_and_is_read_back),
		TEST(a_fault_travels_as_an_error_and_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
