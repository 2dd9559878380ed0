/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message and event, between struct, bytes and JSON, while memory is refused or a buffer is full:
 * that is the error, a buffer is as long as it was, and then it goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "proto/wire.h"
#include "tests/unit/failing.h"
#include "tests/unit/sample.h"

#define ARENA_MAX ((size_t)64 << 20)
#define WIRE_MAX ((size_t)1 << 20)
#define STRUCT_MAX 4096

/* One sample of a record, with all that the ways of writing and reading it take. */
struct subject {
	const struct shape *shape;
	struct head head;
	struct str wire, json;
	_Alignas(16) char made[STRUCT_MAX];
};

/* A way from one form to another: appends to `out` what it comes to. */
typedef enum err way(const struct subject *s, struct arena *a, struct buf *out);

static enum err encode(const struct subject *s, struct arena *a, struct buf *out)
{
	(void)a;
	return s->shape->message ? msg_encode(s->shape, &s->head, s->made, out)
				 : record_encode(s->shape, s->made, out);
}

static enum err write_json(const struct subject *s, struct arena *a, struct buf *out)
{
	return json_write(s->shape, s->made, a, out);
}

static enum err decode(const struct subject *s, struct arena *a, struct buf *out)
{
	void *got = arena_zalloc(a, 1, s->shape->size);

	if (!got)
		return ERR_NO_MEMORY;
	const enum err e = s->shape->message ? msg_decode(s->shape, s->wire, a, got, NULL)
					     : record_decode(s->shape, s->wire, a, got, NULL);
	if (e)
		return e;
	return s->shape->message ? msg_encode(s->shape, &s->head, got, out)
				 : record_encode(s->shape, got, out);
}

static enum err read_json(const struct subject *s, struct arena *a, struct buf *out)
{
	void *got = arena_zalloc(a, 1, s->shape->size);

	if (!got)
		return ERR_NO_MEMORY;
	const enum err e = json_read(s->shape, s->json, a, got, NULL);
	return e ? e : json_write(s->shape, got, a, out);
}

/* What it comes to where nothing fails; the first bytes of `out` stand for what was there before. */
static struct str right_of(const struct subject *s, way *go, struct arena *a, struct buf *out)
{
	buf_clear(out);
	assert_int_equal(buf_put(out, "before", 6), ERR_OK);
	assert_int_equal(go(s, a, out), ERR_OK);
	const struct str right = arena_str(a, buf_str(out));
	assert_non_null(right.p);
	return right;
}

/* Memory is refused at the first call, at the second one, … */
static void refuse_memory(const struct subject *s, way *go, struct str right)
{
	bool came = true;

	for (unsigned long n = 1; came; n++) {
		struct arena a;
		struct buf out;
		arena_init(&a, ARENA_MAX);
		buf_init(&out, WIRE_MAX);
		assert_int_equal(buf_put(&out, "before", 6), ERR_OK);
		failing_begin(failing_memory, n);
		const enum err e = go(s, &a, &out);
		came = failing_end();
		/* a buffer that may not grow by much may still grow by less */
		assert_true(e == ERR_OK || (came && e == ERR_NO_MEMORY));
		assert_memory_equal(out.p, "before", 6);
		if (!e)
			assert_true(str_eq(buf_str(&out), right));
		arena_fini(&a);
		buf_fini(&out);
	}
}

#define ROOMS 64u /* that are tried, about */

/* There is room for nothing, for a little more, … for a byte less than it takes, and then for all of it. */
static size_t next_room(size_t max, size_t enough)
{
	const size_t more = max + 1 + enough / ROOMS;

	return max < enough - 1 && more >= enough ? enough - 1 : more > enough && max < enough ? enough : more;
}

static void refuse_room(const struct subject *s, way *go, struct str right)
{
	struct arena a;
	struct buf out;

	arena_init(&a, ARENA_MAX);
	for (size_t max = 6; max <= right.n; max = next_room(max, right.n)) {
		buf_init(&out, max);
		assert_int_equal(buf_put(&out, "before", 6), ERR_OK);
		assert_int_equal(go(s, &a, &out), max < right.n ? ERR_TOO_LARGE : ERR_OK);
		assert_memory_equal(out.p, "before", 6);
		buf_fini(&out);
		arena_reset(&a);
	}
	arena_fini(&a);
}

static void subject_make(struct subject *s, const struct shape *shape, struct arena *a,
			 struct buf *out)
{
	struct random r = { 1 };

	*s = (struct subject){ .shape = shape };
	s->head = (struct head){ .v = PROTO_VERSION, .type = (enum msg_type)shape->type, .rid = 7,
				 .ttl_ms = 5000 };
	assert_true(shape->size <= STRUCT_MAX);
	sample_make(shape, &r, a, true, s->made);
	buf_clear(out);
	assert_int_equal(encode(s, a, out), ERR_OK);
	s->wire = arena_str(a, buf_str(out));
	buf_clear(out);
	assert_int_equal(write_json(s, a, out), ERR_OK);
	s->json = arena_str(a, buf_str(out));
}

static void each_way(void (*refuse)(const struct subject *s, way *go, struct str right))
{
	static way *const ways[] = { encode, decode, write_json, read_json };
	static struct subject s;
	const struct shape *shape;

	for (size_t i = 0; (shape = shape_at(i)); i++) {
		struct arena a;
		struct buf out;
		arena_init(&a, ARENA_MAX);
		buf_init(&out, WIRE_MAX);
		subject_make(&s, shape, &a, &out);
		for (size_t k = 0; k < ARRAY_LEN(ways); k++)
			refuse(&s, ways[k], right_of(&s, ways[k], &a, &out));
		arena_fini(&a);
		buf_fini(&out);
	}
}

static void memory_that_is_refused_is_told_and_nothing_is_written_half(void **state)
{
	(void)state;
	each_way(refuse_memory);
}

static void a_buffer_that_is_too_small_is_told_and_one_byte_more_is_enough(void **state)
{
	(void)state;
	each_way(refuse_room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_that_is_refused_is_told_and_nothing_is_written_half),
		cmocka_unit_test(a_buffer_that_is_too_small_is_told_and_one_byte_more_is_enough),
	};

	return cmocka_run_group_tests_name("failing/proto", tests, NULL, NULL);
}
