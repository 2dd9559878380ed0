/* SPDX-License-Identifier: Apache-2.0 */
/* amount: people's text, the canonical text, the short text, minor units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/value.h"
#include "tests/unit/random.h"

#define ROUNDS 100000
#define BN     INT64_C(100000000000) /* a thousand million dollars, in cents */

static void assert_same_amount(const struct amount *a, const struct amount *b)
{
	assert_int_equal(a->low, b->low);
	assert_int_equal(a->high, b->high);
	assert_string_equal(a->currency, b->currency);
	assert_int_equal(a->low_open, b->low_open);
	assert_int_equal(a->high_open, b->high_open);
	assert_int_equal(a->low_excl, b->low_excl);
	assert_int_equal(a->high_excl, b->high_excl);
	assert_int_equal(a->approx, b->approx);
}

static void the_grammar_of_the_design_is_read_exactly(void **state)
{
	static const struct {
		const char *text;
		struct amount amount;
	} cases[] = {
		{ "15bn..25bn USD", { 15 * BN, 25 * BN, "USD", .approx = false } },
		{ "15..25bn USD", { 15 * BN, 25 * BN, "USD", .approx = false } },
		{ "~20bn USD", { 20 * BN, 20 * BN, "USD", .approx = true } },
		{ "~15..25bn USD", { 15 * BN, 25 * BN, "USD", .approx = true } },
		{ ">40bn USD", { 40 * BN, 0, "USD", .high_open = true, .low_excl = true } },
		{ ">=40bn USD", { 40 * BN, 0, "USD", .high_open = true } },
		{ "<=25bn USD", { 0, 25 * BN, "USD", .approx = false } },
		{ "<25bn USD", { 0, 25 * BN, "USD", .high_excl = true } },
		{ "2bn USD", { 2 * BN, 2 * BN, "USD", .approx = false } },
		{ "15bn.. USD", { 15 * BN, 0, "USD", .high_open = true } },
		{ "..25bn USD", { 0, 25 * BN, "USD", .low_open = true } },
		{ "..<25bn USD", { 0, 25 * BN, "USD", .low_open = true, .high_excl = true } },
		{ ".. USD", { 0, 0, "USD", .low_open = true, .high_open = true } },
		{ ">15..<25bn USD",
		  { 15 * BN, 25 * BN, "USD", .low_excl = true, .high_excl = true } },
		{ "0 USD", { 0, 0, "USD", .approx = false } },
		{ ">0 USD", { 0, 0, "USD", .high_open = true, .low_excl = true } },
		{ "0..5 USD", { 0, 500, "USD", .approx = false } },
		{ "0.01 USD", { 1, 1, "USD", .approx = false } },
		{ "1234.50 EUR", { 123450, 123450, "EUR", .approx = false } },
		{ "1234.5000 EUR", { 123450, 123450, "EUR", .approx = false } },
		{ "11.9bn USD", { 1190000000000, 1190000000000, "USD", .approx = false } },
		{ "1.23456789012bn USD", { 123456789012, 123456789012, "USD", .approx = false } },
		{ "900m..1.2bn USD", { 90000000000, 120000000000, "USD", .approx = false } },
		{ "5k JPY", { 5000, 5000, "JPY", .approx = false } },
		{ "1.5k JPY", { 1500, 1500, "JPY", .approx = false } },
		{ "1.00 JPY", { 1, 1, "JPY", .approx = false } },
		{ "0.001 KWD", { 1, 1, "KWD", .approx = false } },
		{ "1.2345 CLF", { 12345, 12345, "CLF", .approx = false } },
		{ "5m ITL", { 5000000, 5000000, "ITL", .approx = false } },
		{ "92233720368547758.07 USD", { INT64_MAX, INT64_MAX, "USD", .approx = false } },
		{ "9223372036854775807 JPY", { INT64_MAX, INT64_MAX, "JPY", .approx = false } },
		{ "0000000000000000000000000000015 USD", { 1500, 1500, "USD", .approx = false } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct amount got;
		assert_int_equal(amount_parse(str_of(cases[i].text), &got, NULL), ERR_OK);
		assert_same_amount(&got, &cases[i].amount);
		assert_int_equal(amount_check(&got, NULL), ERR_OK);
	}
}

static void the_same_amount_may_be_written_in_several_ways(void **state)
{
	static const char *const pairs[][2] = {
		{ "15bn USD", "15 bn USD" },
		{ "15bn USD", "15BN usd" },
		{ "15bn USD", "15bnUSD" },
		{ "15bn USD", "USD 15bn" },
		{ "15bn USD", "usd15bn" },
		{ "15bn USD", "  15  bn  USD  " },
		{ "15bn USD", "15\u00a0bn\u202fUSD" },
		{ "15bn USD", "15000m USD" },
		{ "15bn USD", "15000mn USD" },
		{ "15bn USD", "0.015tn USD" },
		{ "15bn USD", "15000000k USD" },
		{ "15bn USD", "15..15bn USD" },
		{ "15bn..25bn USD", "15–25bn USD" },
		{ "15bn..25bn USD", "15 – 25 bn USD" },
		{ "15bn..25bn USD", "15 .. 25bn USD" },
		{ "15bn..25bn USD", "USD 15..25bn" },
		{ "15bn..25bn USD", ">=15bn..<=25bn USD" },
		{ "15bn..25bn USD", "≥15bn..≤25bn USD" },
		{ "~15bn..25bn USD", "~USD 15..25bn" },
		{ "~15bn..25bn USD", "USD ~15..~25bn" },
		{ "~15bn..25bn USD", "~ 15..25bn USD" },
		{ "~>40bn USD", ">~40bn USD" },
		{ ">40bn USD", "> 40bn USD" },
		{ ">40bn USD", "USD >40bn" },
		{ ">40bn USD", ">40bn.. USD" },
		{ ">=40bn USD", "40bn.. USD" },
		{ ">=40bn USD", "≥40bn USD" },
		{ ">=40bn USD", "at least 40bn USD" },
		{ ">=40bn USD", "40bn – USD" },
		{ "<=25bn USD", "up to 25bn USD" },
		{ "<=25bn USD", "≤25bn USD" },
		{ "<=25bn USD", "0..25bn USD" },
		{ "<25bn USD", "0..<25bn USD" },
		{ "5 MNT", "5mnt" },
		{ "5m MNT", "5mmnt" },
		{ "5mn MNT", "5mnmnt" },
		{ "0 USD", "<=0 USD" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct amount a, b;
		assert_int_equal(amount_parse(str_of(pairs[i][0]), &a, NULL), ERR_OK);
		assert_int_equal(amount_parse(str_of(pairs[i][1]), &b, NULL), ERR_OK);
		assert_same_amount(&a, &b);
	}
}

static const struct {
	const char *text;
	enum err code;
	const char *hint;
} refused[] = {
	{ "", ERR_BAD_AMOUNT, "has no number" },
	{ " ", ERR_BAD_AMOUNT, "has no number" },
	{ "USD", ERR_BAD_AMOUNT, "has no number" },
	{ "nan USD", ERR_BAD_AMOUNT, "has no number" },
	{ "inf USD", ERR_BAD_AMOUNT, "has no number" },
	{ "undisclosed", ERR_BAD_AMOUNT, "leave out what is undisclosed" },
	{ "> USD", ERR_BAD_AMOUNT, "has no number" },
	{ ">..5 USD", ERR_BAD_AMOUNT, "no number behind its operator" },
	{ "5..< USD", ERR_BAD_AMOUNT, "operator without a number" },
	{ "1,25bn USD", ERR_BAD_AMOUNT, "as 1.25bn" },
	{ "1,250,000 USD", ERR_BAD_AMOUNT, "as 1.25bn or 1250000" },
	{ "1'250'000 CHF", ERR_BAD_AMOUNT, "as 1.25bn or 1250000" },
	{ "1’250’000 CHF", ERR_BAD_AMOUNT, "as 1.25bn or 1250000" },
	{ "1_250_000 USD", ERR_BAD_AMOUNT, "as 1.25bn or 1250000" },
	{ "1.250.000 EUR", ERR_BAD_AMOUNT, "two points" },
	{ "1 250 000 EUR", ERR_BAD_AMOUNT, "space between digits" },
	{ "1\u202f250\u202f000 EUR", ERR_BAD_AMOUNT, "space between digits" },
	{ "1e9 USD", ERR_BAD_AMOUNT, "exponent" },
	{ "1E+9 USD", ERR_BAD_AMOUNT, "plus sign" },
	{ "1e-9 USD", ERR_BAD_AMOUNT, "hyphen" },
	{ "0x10 USD", ERR_BAD_AMOUNT, "multiplier" },
	{ "-5 USD", ERR_BAD_AMOUNT, "negative" },
	{ "−5 USD", ERR_BAD_AMOUNT, "negative" },
	{ "USD -5", ERR_BAD_AMOUNT, "negative" },
	{ "~-5 USD", ERR_BAD_AMOUNT, "negative" },
	{ "5..-4 USD", ERR_BAD_AMOUNT, "negative" },
	{ "15-25bn USD", ERR_BAD_AMOUNT, "15bn..25bn" },
	{ "40bn+ USD", ERR_BAD_AMOUNT, ">=40bn" },
	{ "+5 USD", ERR_BAD_AMOUNT, "plus sign" },
	{ ".5bn USD", ERR_BAD_AMOUNT, "before its point" },
	{ "5.bn USD", ERR_BAD_AMOUNT, "behind its point" },
	{ "5...6 USD", ERR_BAD_AMOUNT, "before its point" },
	{ "15b USD", ERR_BAD_AMOUNT, "write bn" },
	{ "15t USD", ERR_BAD_AMOUNT, "write tn" },
	{ "15 billion USD", ERR_BAD_AMOUNT, "write bn" },
	{ "15 Mio USD", ERR_BAD_AMOUNT, "write m" },
	{ "15 zillion USD", ERR_BAD_AMOUNT, "multiplier that is not known" },
	{ "1.5 JPY", ERR_BAD_AMOUNT, "more decimals than JPY has: at most 0" },
	{ "1.234 USD", ERR_BAD_AMOUNT, "more decimals than USD has: at most 2" },
	{ "1.234567890123bn USD", ERR_BAD_AMOUNT, "more decimals" },
	{ "9223372036854775808 JPY", ERR_BAD_AMOUNT, "too large" },
	{ "92233720368547758.08 USD", ERR_BAD_AMOUNT, "too large" },
	{ "99999999999999999999999999999999 USD", ERR_BAD_AMOUNT, "too large" },
	{ "92233720369tn USD", ERR_BAD_AMOUNT, "too large" },
	{ "15bn USD..25bn USD", ERR_BAD_AMOUNT, "from \"..25bn USD\" on" },
	{ "15bn USD!", ERR_BAD_AMOUNT, "from \"!\" on" },
	{ "USD 15bn USD", ERR_BAD_AMOUNT, "two currency codes" },
	{ "<5..6 USD", ERR_BAD_AMOUNT, "upper bound on its low side" },
	{ "5..>6 USD", ERR_BAD_AMOUNT, "lower bound on its high side" },
	{ ">>5 USD", ERR_BAD_AMOUNT, "no number" },
	{ "15bn", ERR_BAD_CURRENCY, "no currency" },
	{ "..", ERR_BAD_CURRENCY, "no currency" },
	{ "$15bn", ERR_BAD_CURRENCY, "ISO 4217 code" },
	{ "US$15bn", ERR_BAD_CURRENCY, "ISO 4217 code" },
	{ "15bn €", ERR_BAD_CURRENCY, "ISO 4217 code" },
	{ "£5", ERR_BAD_CURRENCY, "ISO 4217 code" },
	{ "¥5", ERR_BAD_CURRENCY, "ISO 4217 code" },
	{ "₿5", ERR_BAD_CURRENCY, "ISO 4217 code" },
	{ "5 ZZZ", ERR_BAD_CURRENCY, "\"ZZZ\" is not a currency code" },
	{ "5 XAU", ERR_BAD_CURRENCY, "no minor unit" },
	{ "25bn..15bn USD", ERR_BAD_INTERVAL, "smaller first" },
	{ "900..1.2bn USD", ERR_BAD_INTERVAL, "smaller first" },
	{ "15bn..25 USD", ERR_BAD_INTERVAL, "multiplier" },
	{ ">5..<5 USD", ERR_BAD_INTERVAL, "between its bounds" },
	{ "5..<5 USD", ERR_BAD_INTERVAL, "between its bounds" },
	{ "<0 USD", ERR_BAD_INTERVAL, "between its bounds" },
};

static void what_cannot_be_read_exactly_is_refused_with_a_hint(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct amount got;
		struct fault fault;
		fault_init(&fault);
		assert_int_equal(amount_parse(str_of(refused[i].text), &got, &fault),
				 refused[i].code);
		assert_int_equal(fault.code, refused[i].code);
		assert_string_equal(fault.field, "");
		assert_non_null(strstr(fault.text, refused[i].hint));
		assert_int_equal(text_check(str_of(fault.text), NULL), ERR_OK);
		assert_int_equal(amount_parse(str_of(refused[i].text), &got, NULL),
				 refused[i].code);
		assert_string_equal(got.currency, "");
	}
}

static void texts_beyond_the_limit_are_refused(void **state)
{
	char text[256];
	struct amount a;
	struct fault fault;

	(void)state;
	memset(text, '0', sizeof(text));
	memcpy(text + 124, " USD", 4);
	assert_int_equal(amount_parse((struct str){ text, 128 }, &a, NULL), ERR_OK);
	memcpy(text + 125, " USD", 4);
	assert_int_equal(amount_parse((struct str){ text, 129 }, &a, &fault), ERR_BAD_AMOUNT);
	assert_non_null(strstr(fault.text, "128 bytes"));
}

static void people_see_short_and_exact_amounts(void **state)
{
	static const struct {
		const char *text, *canonical, *shown;
	} cases[] = {
		{ "15..25bn USD", "15000000000..25000000000 USD", "15–25bn USD" },
		{ "~20bn USD", "~20000000000 USD", "~20bn USD" },
		{ ">40bn USD", ">40000000000 USD", ">40bn USD" },
		{ ">=40bn USD", ">=40000000000 USD", "≥40bn USD" },
		{ "<=40bn USD", "<=40000000000 USD", "up to 40bn USD" },
		{ "~<=40bn USD", "~<=40000000000 USD", "up to ~40bn USD" },
		{ "<40bn USD", "<40000000000 USD", "<40bn USD" },
		{ "11.9bn USD", "11900000000 USD", "11.9bn USD" },
		{ "1.25bn USD", "1250000000 USD", "1.25bn USD" },
		{ "47.875bn USD", "47875000000 USD", "47.875bn USD" },
		{ "1234.567m USD", "1234567000 USD", "1234.567m USD" },
		{ "1234567890.12 USD", "1234567890.12 USD", "1234567890.12 USD" },
		{ "900m..1.2bn USD", "900000000..1200000000 USD", "900m–1.2bn USD" },
		{ "500..1500000 USD", "500..1500000 USD", "500–1500000 USD" },
		{ ">15..<25bn USD", ">15000000000..<25000000000 USD", ">15–<25bn USD" },
		{ "..25bn USD", "..25000000000 USD", "..25bn USD" },
		{ ".. USD", ".. USD", ".. USD" },
		{ "1tn USD", "1000000000000 USD", "1tn USD" },
		{ "500bn JPY", "500000000000 JPY", "500bn JPY" },
		{ "15k USD", "15000 USD", "15k USD" },
		{ "1500 USD", "1500 USD", "1500 USD" },
		{ "0.05 USD", "0.05 USD", "0.05 USD" },
		{ "0 USD", "0 USD", "0 USD" },
		{ ">0..25bn USD", ">0..25000000000 USD", ">0–25bn USD" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct amount a;
		char text[AMOUNT_TEXT_SIZE];
		assert_int_equal(amount_parse(str_of(cases[i].text), &a, NULL), ERR_OK);
		amount_format(&a, text);
		assert_string_equal(text, cases[i].canonical);
		amount_format_short(&a, text);
		assert_string_equal(text, cases[i].shown);
	}
}

/* A bound with few or many digits, with and without zeros at its end. */
static int64_t random_minor(struct random *r)
{
	int64_t value = (int64_t)random_bits(r, 63);

	for (uint64_t zeros = random_below(r, 19); zeros > 0; zeros--)
		value = value / 10 * 10 == value && value < INT64_MAX / 10 ? value * 10
									   : value / 10 * 10;
	return value;
}

static size_t count_currencies(void)
{
	size_t n = 0;

	while (currency_at(n))
		n++;
	return n;
}

static struct amount random_amount(struct random *r, size_t currencies)
{
	const uint64_t flags = random_next(r);
	struct amount a = { 0 };

	memcpy(a.currency, currency_at(random_below(r, currencies))->code, 4);
	a.low = random_below(r, 8) ? random_minor(r) : 0;
	a.high = random_below(r, 4) ? random_minor(r) : a.low;
	if (a.low > a.high) {
		const int64_t low = a.high;
		a.high = a.low;
		a.low = low;
	}
	a.low_open = (flags & 7) == 0;
	a.high_open = (flags & 0x38) == 0;
	a.low_excl = (flags & 0x40) && !a.low_open;
	a.high_excl = (flags & 0x80) && !a.high_open;
	a.approx = flags & 0x100;
	if (a.low_open)
		a.low = 0;
	if (a.high_open)
		a.high = 0;
	if (!a.low_open && !a.high_open && a.low == a.high)
		a.low_excl = a.high_excl = false;
	return a;
}

static void every_amount_reads_back_from_both_its_texts(void **state)
{
	struct random r = random_begin("amounts");
	const size_t currencies = count_currencies();

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		const struct amount a = random_amount(&r, currencies);
		struct amount got;
		char text[AMOUNT_TEXT_SIZE], again[AMOUNT_TEXT_SIZE], shown[AMOUNT_TEXT_SIZE];
		assert_int_equal(amount_check(&a, NULL), ERR_OK);
		amount_format(&a, text);
		assert_int_equal(amount_parse(str_of(text), &got, NULL), ERR_OK);
		assert_same_amount(&a, &got);
		amount_format(&got, again);
		assert_string_equal(text, again);
		amount_format_short(&a, shown);
		assert_int_equal(amount_parse(str_of(shown), &got, NULL), ERR_OK);
		assert_same_amount(&a, &got);
		assert_int_equal(text_check(str_of(shown), NULL), ERR_OK);
	}
}

static void any_bytes_are_an_amount_or_refused(void **state)
{
	static const char *const pieces[] = { "1",  "25",       "0",    "9223372036854775807",
					      ".",  "..",       "~",    ">",
					      ">=", "<",        "<=",   "bn",
					      "m",  "k",        "mn",   "tn",
					      " ",  "USD",      "JPY",  "usd",
					      "–",  "\u00a0",   "e",    "-",
					      ",",  "\xe2\x82", "\xff", "up to ",
					      "XAU" };
	struct random r = random_begin("amount bytes");

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char text[200], canonical[AMOUNT_TEXT_SIZE];
		struct amount a, same;
		struct fault fault;
		size_t n = 0;
		for (uint64_t k = random_below(&r, 10); k > 0; k--) {
			const char *piece = pieces[random_below(&r, ARRAY_LEN(pieces))];
			memcpy(text + n, piece, strlen(piece));
			n += strlen(piece);
		}
		fault_init(&fault);
		if (amount_parse((struct str){ text, n }, &a, &fault) != ERR_OK) {
			assert_int_equal(text_check(str_of(fault.text), NULL), ERR_OK);
			continue;
		}
		assert_int_equal(amount_check(&a, NULL), ERR_OK);
		amount_format(&a, canonical);
		assert_int_equal(amount_parse(str_of(canonical), &same, NULL), ERR_OK);
		assert_same_amount(&a, &same);
	}
}

static void amounts_that_break_a_rule_are_refused_by_field(void **state)
{
	static const struct {
		struct amount amount;
		enum err code;
		const char *field;
	} cases[] = {
		{ { 1, 2, "USX", .approx = false }, ERR_BAD_CURRENCY, "currency" },
		{ { 1, 2, "", .approx = false }, ERR_BAD_CURRENCY, "currency" },
		{ { 1, 2, { 'U', 'S', 'D', 'X' }, .approx = false }, ERR_BAD_CURRENCY, "currency" },
		{ { -1, 2, "USD", .approx = false }, ERR_BAD_AMOUNT, "low" },
		{ { -2, -1, "USD", .approx = false }, ERR_BAD_AMOUNT, "low" },
		{ { 0, -1, "USD", .low_open = true }, ERR_BAD_AMOUNT, "high" },
		{ { 1, 2, "USD", .low_open = true }, ERR_BAD_AMOUNT, "low" },
		{ { 1, 2, "USD", .high_open = true }, ERR_BAD_AMOUNT, "high" },
		{ { 0, 2, "USD", .low_open = true, .low_excl = true }, ERR_BAD_AMOUNT, "low" },
		{ { 1, 0, "USD", .high_open = true, .high_excl = true }, ERR_BAD_AMOUNT, "high" },
		{ { 3, 2, "USD", .approx = false }, ERR_BAD_INTERVAL, "low" },
		{ { 2, 2, "USD", .low_excl = true }, ERR_BAD_INTERVAL, "low" },
		{ { 2, 2, "USD", .high_excl = true }, ERR_BAD_INTERVAL, "low" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault fault;
		char text[AMOUNT_TEXT_SIZE];
		fault_init(&fault);
		assert_int_equal(amount_check(&cases[i].amount, &fault), cases[i].code);
		assert_string_equal(fault.field, cases[i].field);
		assert_int_equal(amount_check(&cases[i].amount, NULL), cases[i].code);
		/* what is wrong can still be shown */
		amount_format(&cases[i].amount, text);
		amount_format_short(&cases[i].amount, text);
	}
}

static void sums_below_nothing_can_be_shown(void **state)
{
	struct amount a = { -5 * BN, -2 * BN, "USD", .approx = false };
	char text[AMOUNT_TEXT_SIZE];

	(void)state;
	amount_format(&a, text);
	assert_string_equal(text, "-5000000000..-2000000000 USD");
	amount_format_short(&a, text);
	assert_string_equal(text, "-5..-2bn USD");
	a.high = a.low = INT64_MIN;
	amount_format(&a, text);
	assert_string_equal(text, "-92233720368547758.08 USD");
	a.high = INT64_MAX;
	a.low_excl = a.high_excl = a.approx = true;
	amount_format(&a, text);
	assert_string_equal(text, "~>-92233720368547758.08..<92233720368547758.07 USD");
	amount_format_short(&a, text);
	assert_string_equal(text, "~>-92233720368547758.08..<92233720368547758.07 USD");
}

static void minor_units_are_decimals_of_the_major_unit(void **state)
{
	static const struct {
		const char *code, *text;
		int64_t minor;
		const char *canonical;
	} cases[] = {
		{ "USD", "1234.5", 123450, "1234.50" },
		{ "USD", "15", 1500, "15" },
		{ "USD", "15.00", 1500, "15" },
		{ "USD", "0.01", 1, "0.01" },
		{ "USD", "-0.01", -1, "-0.01" },
		{ "USD", "-0", 0, "0" },
		{ "JPY", "15", 15, "15" },
		{ "KWD", "1.5", 1500, "1.500" },
		{ "CLF", "0.0001", 1, "0.0001" },
		{ "JPY", "9223372036854775807", INT64_MAX, "9223372036854775807" },
		{ "JPY", "-9223372036854775808", INT64_MIN, "-9223372036854775808" },
		{ "USD", "-92233720368547758.08", INT64_MIN, "-92233720368547758.08" },
	};
	static const struct {
		const char *code, *text;
	} wrong[] = {
		{ "USD", "" },
		{ "USD", "-" },
		{ "USD", "--1" },
		{ "USD", "1.234" },
		{ "JPY", "0.5" },
		{ "USD", "1,5" },
		{ "USD", "1bn" },
		{ "USD", "1 USD" },
		{ "USD", "1e5" },
		{ "USD", "+1" },
		{ "USD", " 1" },
		{ "USD", "1 " },
		{ "USD", ".5" },
		{ "USD", "5." },
		{ "USD", "1..2" },
		{ "USD", "$1" },
		{ "JPY", "9223372036854775808" },
		{ "JPY", "-9223372036854775809" },
		{ "USD", "nan" },
		{ "USD", "1.2.3" },
		{ "USD", "1-2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct currency *c = currency_find(str_of(cases[i].code));
		int64_t minor;
		char text[MINOR_TEXT_SIZE];
		assert_int_equal(minor_parse(str_of(cases[i].text), c, &minor, NULL), ERR_OK);
		assert_int_equal(minor, cases[i].minor);
		minor_format(minor, c, text);
		assert_string_equal(text, cases[i].canonical);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const struct currency *c = currency_find(str_of(wrong[i].code));
		struct fault fault;
		int64_t minor;
		fault_init(&fault);
		assert_int_equal(minor_parse(str_of(wrong[i].text), c, &minor, &fault),
				 ERR_BAD_AMOUNT);
		assert_true(strlen(fault.text) > 0);
	}
}

static void minor_units_read_back_as_they_were_written(void **state)
{
	struct random r = random_begin("minor units");
	const size_t currencies = count_currencies();

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		const struct currency *c = currency_at(random_below(&r, currencies));
		const int64_t minor = (int64_t)random_next(&r) >> random_below(&r, 64);
		char text[MINOR_TEXT_SIZE];
		int64_t got;
		minor_format(minor, c, text);
		assert_int_equal(minor_parse(str_of(text), c, &got, NULL), ERR_OK);
		assert_int_equal(got, minor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_grammar_of_the_design_is_read_exactly),
		cmocka_unit_test(the_same_amount_may_be_written_in_several_ways),
		cmocka_unit_test(what_cannot_be_read_exactly_is_refused_with_a_hint),
		cmocka_unit_test(texts_beyond_the_limit_are_refused),
		cmocka_unit_test(people_see_short_and_exact_amounts),
		cmocka_unit_test(every_amount_reads_back_from_both_its_texts),
		cmocka_unit_test(any_bytes_are_an_amount_or_refused),
		cmocka_unit_test(amounts_that_break_a_rule_are_refused_by_field),
		cmocka_unit_test(sums_below_nothing_can_be_shown),
		cmocka_unit_test(minor_units_are_decimals_of_the_major_unit),
		cmocka_unit_test(minor_units_read_back_as_they_were_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
