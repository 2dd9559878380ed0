/* SPDX-License-Identifier: Apache-2.0 */
/* Exact arithmetic (exact, money): no step overflows in silence, and rounding is once, at the end. */
#include "tests/unit/story.h"

#include <stdlib.h>

#include "services/fold/money.h"

#define MOST ((wide)(~(uwide)0 >> 1)) /* of 128 bits */
#define ARENA_MAX ((size_t)1 << 20)

static int setup(void **state)
{
	struct arena *a = malloc(sizeof(*a));

	*state = a;
	if (!a)
		return -1;
	arena_init(a, ARENA_MAX);
	return 0;
}

static int teardown(void **state)
{
	arena_fini(*state);
	free(*state);
	return 0;
}

static struct interval exactly(int64_t low, int64_t high)
{
	return (struct interval){ .low = bound_of(low), .high = bound_of(high),
				  .currency = currency_pack("JPY") };
}

static void a_sum_beyond_128_bits_is_an_overflow_at_each_step(void **state)
{
	struct bound x = { .n = MOST }, y = { .n = -MOST - 1 }, out;

	assert_int_equal(bound_add(*state, x, bound_of(0), &out), ERR_OK);
	assert_int_equal(bound_add(*state, x, bound_of(1), &out), ERR_OVERFLOW);
	assert_int_equal(bound_add(*state, y, bound_of(-1), &out), ERR_OVERFLOW);
	assert_int_equal(bound_negate(*state, x, &out), ERR_OK);
	assert_int_equal(bound_negate(*state, y, &out), ERR_OVERFLOW);
	assert_int_equal(bound_at(*state, -MOST - 1, 0, &out), ERR_OK);
	assert_int_equal(bound_negate(*state, out, &out), ERR_OVERFLOW);
	assert_int_equal(bound_raise(*state, &x, bound_of(1)), ERR_OVERFLOW);
}

static void terms_of_rates_overflow_as_whole_numbers_do(void **state)
{
	struct bound x, out;

	assert_int_equal(bound_at(*state, MOST, 0, &x), ERR_OK);
	assert_int_equal(bound_add(*state, x, x, &out), ERR_OVERFLOW);
	assert_int_equal(bound_copy(*state, x, &out), ERR_OK);
	assert_int_equal(bound_raise(*state, &out, x), ERR_OVERFLOW);
}

static void what_is_beyond_64_bits_in_the_end_is_an_overflow(void **state)
{
	const struct ratios none = { NULL, 0 };
	struct bound x = bound_of(INT64_MAX);
	int64_t n;

	assert_int_equal(bound_round(&none, *state, x, &n), ERR_OK);
	assert_true(n == INT64_MAX);
	assert_int_equal(bound_raise(*state, &x, bound_of(1)), ERR_OK); /* on the way it may be */
	assert_int_equal(bound_round(&none, *state, x, &n), ERR_OVERFLOW);
	assert_int_equal(bound_raise(*state, &x, bound_of(-1)), ERR_OK);
	assert_int_equal(bound_round(&none, *state, x, &n), ERR_OK);
}

static void halves_are_rounded_to_even_and_nothing_before_the_end(void **state)
{
	struct ratio half = ratio_direct(1, 0, 0); /* a tenth; times 5 it is a half */
	const struct ratios ratios = { &half, 1 };
	static const int64_t fives[] = { 1, 3, 5, -1, -3 };
	static const int64_t rounded[] = { 0, 2, 2, 0, -2 };
	struct bound x, sum = bound_of(0);
	int64_t n;

	for (size_t i = 0; i < ARRAY_LEN(fives); i++) {
		assert_int_equal(bound_at(*state, 5 * fives[i], 0, &x), ERR_OK);
		assert_int_equal(bound_round(&ratios, *state, x, &n), ERR_OK);
		assert_true(n == rounded[i]);
		assert_int_equal(bound_raise(*state, &sum, x), ERR_OK);
	}
	assert_int_equal(bound_round(&ratios, *state, sum, &n), ERR_OK);
	assert_true(n == 2); /* of 2.5 */
	assert_int_equal(bound_at(*state, 5, 0, &x), ERR_OK);
	assert_int_equal(bound_raise(*state, &x, x), ERR_OK);
	assert_int_equal(bound_round(&ratios, *state, x, &n), ERR_OK);
	assert_true(n == 1);
}

static void an_open_bound_stays_open_and_exclusive_and_approximate_stick(void **state)
{
	struct counting c = { .arena = *state };
	struct interval x = exactly(1, 2), y = exactly(3, 4);

	y.high_open = y.low_excl = y.approx = true;
	assert_int_equal(interval_add(&c, &x, &y), ERR_OK);
	assert_true(x.low.n == 4 && x.high_open && x.low_excl && x.approx && !x.low_open);
	assert_int_equal(interval_negate(&c, &x), ERR_OK);
	assert_true(x.low_open && x.high.n == -4 && x.high_excl && !x.low_excl);
	assert_int_equal(interval_floor(&c, &x), ERR_OK);
	assert_true(x.low.n == 0 && x.high.n == 0 && !x.low_open && !x.high_excl && x.approx);
}

static void comparison_has_three_values(void **state)
{
	struct counting c = { .arena = *state };
	struct interval low = exactly(1, 5), high = exactly(5, 9);
	enum certainty above;
	bool meet;

	assert_int_equal(interval_above(&c, &low, &high, &above), ERR_OK);
	assert_int_equal(above, certainty_no);
	assert_int_equal(interval_above(&c, &high, &low, &above), ERR_OK);
	assert_int_equal(above, certainty_possible);
	assert_int_equal(interval_meet(&c, &high, &low, &meet), ERR_OK);
	assert_true(meet);
	high.low_excl = true;
	assert_int_equal(interval_above(&c, &high, &low, &above), ERR_OK);
	assert_int_equal(above, certainty_certain);
	assert_int_equal(interval_meet(&c, &high, &low, &meet), ERR_OK);
	assert_false(meet);
}

static void a_sum_of_payments_beyond_64_bits_is_told(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'9000000000000000000 JPY'}");
	assert_string_equal(figure(s, "{'deal':'d'}", rung_paid, NULL), "9000000000000000000 JPY");
	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'9000000000000000000 JPY'}");
	assert_string_equal(figure(s, "{'deal':'d'}", rung_paid, NULL), "OVERFLOW");
	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'9000000000000000000 JPY','returned':true}");
	assert_string_equal(figure(s, "{'deal':'d'}", rung_paid, NULL), "9000000000000000000 JPY");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sum_beyond_128_bits_is_an_overflow_at_each_step),
		TEST(terms_of_rates_overflow_as_whole_numbers_do),
		TEST(what_is_beyond_64_bits_in_the_end_is_an_overflow),
		TEST(halves_are_rounded_to_even_and_nothing_before_the_end),
		TEST(an_open_bound_stays_open_and_exclusive_and_approximate_stick),
		TEST(comparison_has_three_values),
		cmocka_unit_test_setup_teardown(a_sum_of_payments_beyond_64_bits_is_told, story_setup,
						story_teardown),
	};

	return cmocka_run_group_tests_name("fold/exact", tests, NULL, NULL);
}
