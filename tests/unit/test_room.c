/* SPDX-License-Identifier: Apache-2.0 */
/* What is large lies in a room while it fits, elsewhere else, and is all there; afterwards the room is free again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/base.h"

#define MIB ((size_t)1 << 20)
#define ROOM (24 * MIB)
#define LARGE (8 * MIB)
#define SMALL 100u

static int setup(void **state)
{
	static struct room room;

	*state = &room;
	return room_init(&room, ROOM) ? -1 : 0;
}

static int teardown(void **state)
{
	room_fini(*state);
	return 0;
}

static bool is_in(const struct room *r, const char *p)
{
	return (uintptr_t)p >= (uintptr_t)r->p && (uintptr_t)p < (uintptr_t)r->p + r->max;
}

/* Filled with one byte, to be found again. */
static char *take(struct arena *a, size_t n, int byte)
{
	char *p = arena_alloc(a, n);

	assert_non_null(p);
	return memset(p, byte, n);
}

static void assert_filled(const char *p, size_t n, int byte)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != byte)
			fail_msg("byte %zu is %d, not %d", i, p[i], byte);
}

static void what_is_large_lies_in_the_room_while_it_fits(void **state)
{
	struct room *r = *state;
	char *large[4], *small;
	struct arena a;

	arena_init(&a, 100 * MIB);
	a.room = r;
	room_ready(r, LARGE);
	room_ready(r, SIZE_MAX);
	for (int turn = 0; turn < 3; turn++) {
		small = take(&a, SMALL, 100);
		for (int i = 0; i < 4; i++)
			large[i] = take(&a, LARGE, i);
		assert_false(is_in(r, small));
		assert_true(is_in(r, large[0]));
		assert_true(is_in(r, large[1]));
		assert_false(is_in(r, large[2])); /* chunks have heads */
		assert_false(is_in(r, large[3]));
		assert_filled(small, SMALL, 100);
		for (int i = 0; i < 4; i++)
			assert_filled(large[i], LARGE, i);
		if (turn == 1)
			arena_fini(&a);
		else
			arena_reset(&a);
		assert_int_equal(r->chunks, 0);
		assert_int_equal(r->used, 0);
	}
	arena_fini(&a);
}

static void arenas_that_share_a_room_do_not_take_what_is_the_others(void **state)
{
	struct room *r = *state;
	struct arena one, other;

	arena_init(&one, 100 * MIB);
	arena_init(&other, 100 * MIB);
	one.room = other.room = r;
	char *first = take(&one, LARGE, 1);
	char *second = take(&other, LARGE, 2);
	arena_reset(&one);
	char *third = take(&one, LARGE, 3);
	assert_true(is_in(r, first));
	assert_true(is_in(r, second));
	assert_filled(second, LARGE, 2);
	assert_filled(third, LARGE, 3);
	assert_int_not_equal(r->chunks, 0);
	arena_fini(&other);
	arena_fini(&one);
	assert_int_equal(r->used, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_large_lies_in_the_room_while_it_fits),
		TEST(arenas_that_share_a_room_do_not_take_what_is_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
