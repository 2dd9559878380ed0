/* SPDX-License-Identifier: Apache-2.0 */
/* A view keeps what the next steps of a walk need, and no more than they need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/fold/view.h"

#define STEP 10000u /* bytes of the deals that one step of a walk loads */

static void load(struct view *v, size_t bytes)
{
	assert_non_null(arena_alloc(&v->arena, bytes));
}

static bool has_forgotten(const struct view *v)
{
	return v->arena.used < STEP;
}

static void view_make(struct view *v)
{
	static const struct question question;

	view_init(v, NULL, &question);
}

static void what_is_small_is_kept(void **state)
{
	struct view v;

	(void)state;
	view_make(&v);
	for (size_t i = 0; i < 10; i++) {
		load(&v, STEP);
		view_tidy(&v, 20 * STEP);
		assert_false(has_forgotten(&v));
	}
	view_fini(&v);
}

/* The next step would have to load most of it again. */
static void what_the_first_step_took_is_kept_for_another_one(void **state)
{
	struct view v;

	(void)state;
	view_make(&v);
	load(&v, 4 * STEP);
	view_tidy(&v, STEP);
	assert_false(has_forgotten(&v));
	load(&v, 3 * STEP);
	view_tidy(&v, STEP);
	assert_false(has_forgotten(&v));
	load(&v, 2 * STEP);
	view_tidy(&v, STEP);
	assert_true(has_forgotten(&v));
	/* and so again from there */
	load(&v, 2 * STEP);
	view_tidy(&v, STEP);
	assert_false(has_forgotten(&v));
	load(&v, 3 * STEP);
	view_tidy(&v, STEP);
	assert_true(has_forgotten(&v));
	view_fini(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_small_is_kept),
		cmocka_unit_test(what_the_first_step_took_is_kept_for_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
