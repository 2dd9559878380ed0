/* SPDX-License-Identifier: Apache-2.0 */
/* decimal: exact decimals, and moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/value.h"
#include "tests/unit/random.h"

#define ROUNDS 100000

static void decimals_are_read_exactly_and_written_canonically(void **state)
{
	static const struct {
		const char *text;
		int64_t units;
		uint8_t scale;
		const char *canonical;
	} cases[] = {
		{ "0", 0, 0, "0" },
		{ "-0", 0, 0, "0" },
		{ "0.000", 0, 0, "0" },
		{ "1", 1, 0, "1" },
		{ "007", 7, 0, "7" },
		{ "1500", 1500, 0, "1500" },
		{ "1.50", 15, 1, "1.5" },
		{ "156.25", 15625, 2, "156.25" },
		{ "-3.4", -34, 1, "-3.4" },
		{ "0.0001", 1, 4, "0.0001" },
		{ "-0.05", -5, 2, "-0.05" },
		{ "0.000000000000000001", 1, 18, "0.000000000000000001" },
		{ "999999999999999999", INT64_C(999999999999999999), 0, "999999999999999999" },
		{ "-999999999.999999999", INT64_C(-999999999999999999), 9, "-999999999.999999999" },
		{ "00000000000000000001.5", 15, 1, "1.5" },
		{ "1.00000000000000000000", 1, 0, "1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct decimal d;
		char text[DECIMAL_TEXT_SIZE];
		assert_int_equal(decimal_parse(str_of(cases[i].text), &d, NULL), ERR_OK);
		assert_int_equal(d.units, cases[i].units);
		assert_int_equal(d.scale, cases[i].scale);
		decimal_format(d, text);
		assert_string_equal(text, cases[i].canonical);
	}
}

static void what_is_no_exact_decimal_is_refused_with_a_hint(void **state)
{
	static const struct {
		const char *text, *hint;
	} cases[] = {
		{ "", "no digits" },
		{ "-", "no digits" },
		{ ".", "before its point" },
		{ ".5", "before its point" },
		{ "-.5", "before its point" },
		{ "5.", "behind its point" },
		{ "1.2.3", "two points" },
		{ "1,5", "comma" },
		{ "1 000", "groups" },
		{ "1e5", "exponent" },
		{ "+5", "plus sign" },
		{ "5%", "percent" },
		{ "0x10", "not a number" },
		{ "--5", "not a number" },
		{ "nan", "not a number" },
		{ "inf", "not a number" },
		{ "1000000000000000000", "18 digits" },
		{ "0.0000000000000000001", "18 digits" },
		{ "1234567890.1234567891", "18 digits" },
		{ "0000000000000000000000000000000000000001", "too long" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct decimal d;
		struct fault fault;
		fault_init(&fault);
		assert_int_equal(decimal_parse(str_of(cases[i].text), &d, &fault), ERR_BAD_DECIMAL);
		assert_int_equal(fault.code, ERR_BAD_DECIMAL);
		assert_non_null(strstr(fault.text, cases[i].hint));
		assert_int_equal(decimal_parse(str_of(cases[i].text), &d, NULL), ERR_BAD_DECIMAL);
		assert_int_equal(d.units, 0);
	}
}

static void every_decimal_reads_back_as_it_was_written(void **state)
{
	struct random r = random_begin("decimal");

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct decimal d = { (int64_t)(random_bits(&r, 59) % INT64_C(1000000000000000000)),
				     (uint8_t)random_below(&r, 19) };
		struct decimal got;
		char text[DECIMAL_TEXT_SIZE], again[DECIMAL_TEXT_SIZE];
		if (random_below(&r, 2))
			d.units = -d.units;
		decimal_format(d, text);
		assert_int_equal(decimal_parse(str_of(text), &got, NULL), ERR_OK);
		while (d.scale > 0 && d.units % 10 == 0) {
			d.units /= 10;
			d.scale--;
		}
		assert_int_equal(got.units, d.units);
		assert_int_equal(got.scale, d.scale);
		decimal_format(got, again);
		assert_int_equal(decimal_parse(str_of(again), &d, NULL), ERR_OK);
		assert_int_equal(got.units, d.units);
	}
}

static void any_bytes_are_read_or_refused(void **state)
{
	static const char alphabet[] = "0123456789.-+,e %x\xc3";
	struct random r = random_begin("decimal bytes");

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char text[24], again[DECIMAL_TEXT_SIZE];
		struct decimal d, same;
		const size_t n = random_below(&r, sizeof(text));
		for (size_t k = 0; k < n; k++)
			text[k] = alphabet[random_below(&r, sizeof(alphabet) - 1)];
		if (decimal_parse((struct str){ text, n }, &d, NULL) != ERR_OK)
			continue;
		decimal_format(d, again);
		assert_int_equal(decimal_parse(str_of(again), &same, NULL), ERR_OK);
		assert_int_equal(same.units, d.units);
		assert_int_equal(same.scale, d.scale);
	}
}

static void a_move_is_a_direction_or_a_percentage(void **state)
{
	static const char *const good[] = { "up", "down", "3", "-3.4", "+12.5", "0", "-0.01" };
	static const char *const bad[] = { "",    "Up",  "sideways", "3%", "+",
					   "+-3", "+.5", "1e3",      "--3" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(move_check(str_of(good[i]), NULL), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct fault fault;
		fault_init(&fault);
		assert_int_equal(move_check(str_of(bad[i]), &fault), ERR_BAD_DECIMAL);
		assert_non_null(strstr(fault.text, "up nor down"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimals_are_read_exactly_and_written_canonically),
		cmocka_unit_test(what_is_no_exact_decimal_is_refused_with_a_hint),
		cmocka_unit_test(every_decimal_reads_back_as_it_was_written),
		cmocka_unit_test(any_bytes_are_read_or_refused),
		cmocka_unit_test(a_move_is_a_direction_or_a_percentage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
