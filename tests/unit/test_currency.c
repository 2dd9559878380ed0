/* SPDX-License-Identifier: Apache-2.0 */
/* currency: the table of ISO 4217. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/value.h"

static void minor_units_are_those_of_iso_4217(void **state)
{
	static const struct {
		const char *code;
		int minor;
	} cases[] = {
		{ "USD", 2 },
		{ "EUR", 2 },
		{ "GBP", 2 },
		{ "CHF", 2 },
		{ "CNY", 2 },
		{ "INR", 2 },
		{ "AZN", 2 },
		{ "SDG", 2 },
		{ "HUF", 2 },
		{ "IDR", 2 },
		{ "IRR", 2 },
		{ "MRU", 2 },
		{ "JPY", 0 },
		{ "KRW", 0 },
		{ "ISK", 0 },
		{ "CLP", 0 },
		{ "VND", 0 },
		{ "XOF", 0 },
		{ "BHD", 3 },
		{ "KWD", 3 },
		{ "TND", 3 },
		{ "JOD", 3 },
		{ "CLF", 4 },
		{ "UYW", 4 },
		/* withdrawn */
		{ "DEM", 2 },
		{ "FRF", 2 },
		{ "HRK", 2 },
		{ "LTL", 2 },
		{ "VEF", 2 },
		{ "XEU", 2 },
		{ "ITL", 0 },
		{ "ESP", 0 },
		{ "BEF", 0 },
		{ "TRL", 0 },
		{ "BYR", 0 },
		{ "YDD", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct currency *c = currency_find(str_of(cases[i].code));
		assert_non_null(c);
		assert_string_equal(c->code, cases[i].code);
		assert_int_equal(c->minor, cases[i].minor);
	}
}

static void every_row_is_found_by_its_code(void **state)
{
	size_t in_use = 0, i = 0;

	(void)state;
	for (const struct currency *c = currency_at(0); c; c = currency_at(++i)) {
		assert_ptr_equal(currency_find(str_of(c->code)), c);
		assert_true(i == 0 || strcmp(currency_at(i - 1)->code, c->code) < 0);
		assert_true(c->minor <= 4);
		assert_true(strlen(c->name) > 0);
		in_use += c->withdrawn == NULL;
	}
	/* all 178 codes of the list in use, less the 13 without a minor unit */
	assert_int_equal(in_use, 165);
	assert_null(currency_at(SIZE_MAX));
}

static void withdrawn_currencies_say_when(void **state)
{
	(void)state;
	assert_null(currency_find(STR("USD"))->withdrawn);
	/* left by one country, in use in others */
	assert_null(currency_find(STR("EUR"))->withdrawn);
	assert_string_equal(currency_find(STR("HRK"))->withdrawn, "2023-01");
	assert_string_equal(currency_find(STR("FRF"))->withdrawn, "2002-03");
	assert_string_equal(currency_find(STR("BGN"))->withdrawn, "2026-01");
}

/* That a code is refused, everywhere, with a text that says why. */
static void assert_refused(const char *code, const char *hint)
{
	const struct currency *c;
	struct fault fault;

	fault_init(&fault);
	assert_null(currency_find(str_of(code)));
	assert_int_equal(currency_check(str_of(code), &c, &fault), ERR_BAD_CURRENCY);
	assert_null(c);
	assert_non_null(strstr(fault.text, hint));
	assert_int_equal(currency_check(str_of(code), &c, NULL), ERR_BAD_CURRENCY);
}

static void codes_without_a_minor_unit_are_refused_by_that_name(void **state)
{
	static const char *const codes[] = {
		"XAU", "XAG", "XPT", "XPD", "XDR", "XXX", "XTS", "XSU",
		"XUA", "XBA", "XBB", "XBC", "XBD", "XFO", "XFU", "XRE"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_refused(codes[i], "has no minor unit");
}

static void what_is_no_code_is_refused_with_a_hint(void **state)
{
	(void)state;
	assert_refused("", "no currency");
	assert_refused("usd", "in capitals: USD");
	assert_refused("ZZZ", "not a currency code");
	assert_refused("AAA", "not a currency code");
	assert_refused("US", "not a currency code");
	assert_refused("USDT", "not a currency code");
	assert_refused("U\nD", "\"U?D\"");
	assert_refused("€", "not a currency code");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(minor_units_are_those_of_iso_4217),
		cmocka_unit_test(every_row_is_found_by_its_code),
		cmocka_unit_test(withdrawn_currencies_say_when),
		cmocka_unit_test(codes_without_a_minor_unit_are_refused_by_that_name),
		cmocka_unit_test(what_is_no_code_is_refused_with_a_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
