/* SPDX-License-Identifier: Apache-2.0 */
/* date: days, instants, EDTF level 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "proto/value.h"
#include "tests/unit/random.h"

#define ROUNDS 200000
#define OPEN   "open"

static void the_epoch_is_day_zero(void **state)
{
	(void)state;
	assert_int_equal(day_join(1970, 1, 1), 0);
	assert_int_equal(day_join(1969, 12, 31), -1);
	assert_int_equal(day_join(2000, 3, 1), 11017);
	assert_int_equal(day_join(2025, 1, 21), 20109);
	assert_int_equal(day_join(0, 3, 1), -719468);
}

/* A calendar that only counts, to compare with. */
static void every_day_from_1600_to_2400_goes_both_ways(void **state)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int32_t day = -135140; /* 1600-01-01 */

	(void)state;
	for (int year = 1600; year <= 2400; year++) {
		const bool leap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0);
		for (int month = 1; month <= 12; month++) {
			const int last = lengths[month - 1] + (month == 2 && leap);
			for (int mday = 1; mday <= last; mday++, day++) {
				int y, m, d;
				int32_t got;
				char text[DAY_TEXT_SIZE], expected[32];
				assert_int_equal(day_join(year, month, mday), day);
				day_split(day, &y, &m, &d);
				assert_true(y == year && m == month && d == mday);
				day_format(day, text);
				(void)snprintf(expected, sizeof(expected), "%04d-%02d-%02d", year,
					       month, mday);
				assert_string_equal(text, expected);
				assert_int_equal(day_parse(str_of(text), &got, NULL), ERR_OK);
				assert_int_equal(got, day);
			}
		}
	}
	assert_int_equal(day, day_join(2401, 1, 1));
}

static void days_of_all_years_follow_each_other(void **state)
{
	int32_t before = day_join(-9999, 1, 1) - 1;

	(void)state;
	for (int year = -9999; year <= 9999; year++) {
		int y, m, d;
		char text[DAY_TEXT_SIZE];
		int32_t got;
		const int32_t first = day_join(year, 1, 1), last = day_join(year, 12, 31);
		assert_int_equal(first, before + 1);
		before = last;
		day_split(last, &y, &m, &d);
		assert_true(y == year && m == 12 && d == 31);
		day_format(first, text);
		assert_int_equal(day_parse(str_of(text), &got, NULL), ERR_OK);
		assert_int_equal(got, first);
	}
	/* the marks of open sides can be split and written too */
	int y, m, d;
	char text[DAY_TEXT_SIZE];
	day_split(DAY_MIN, &y, &m, &d);
	assert_true(m >= 1 && m <= 12 && d >= 1 && d <= 31);
	day_format(DAY_MIN, text);
	assert_string_equal(text, "-5877641-06-23");
	day_format(DAY_MAX, text);
	assert_string_equal(text, "5881580-07-11");
}

static void days_that_do_not_exist_are_refused(void **state)
{
	static const struct {
		const char *text, *hint;
	} cases[] = {
		{ "2023-02-29", "this month" },
		{ "1900-02-29", "this month" },
		{ "2025-04-31", "this month" },
		{ "2025-01-00", "this month" },
		{ "2025-01-32", "this month" },
		{ "2025-13-01", "months are 01 to 12" },
		{ "2025-00-01", "months are 01 to 12" },
		{ "2025-21", "not a day" },
		{ "2025-01", "not a day" },
		{ "2025", "not a day" },
		{ "2025-01-XX", "unspecified" },
		{ "-0000-01-01", "year -0" },
		{ "12025-01-01", "without hyphens" },
		{ "20250121", "without hyphens" },
		{ "25-01-21", "four digits" },
		{ "2025-1-21", "month of two digits" },
		{ "2025-01-2", "day of two digits" },
		{ "2025-01-211", "more than two digits" },
		{ "2025-01-21 ", "behind the day" },
		{ " 2025-01-21", "four digits" },
		{ "2025-01-21T00:00:00Z", "behind the day" },
		{ "21/01/2025", "four digits" },
		{ "2025/01/21", "behind the day" },
		{ "Y12025-01-01", "beyond the calendar" },
		{ "", "four digits" },
		{ "-", "four digits" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault fault;
		int32_t day;
		fault_init(&fault);
		assert_int_equal(day_parse(str_of(cases[i].text), &day, &fault), ERR_BAD_DATE);
		assert_non_null(strstr(fault.text, cases[i].hint));
		assert_int_equal(day_parse(str_of(cases[i].text), &day, NULL), ERR_BAD_DATE);
	}
}

/* ---- instants ---- */

static void stated_is_a_day_or_an_instant_in_utc(void **state)
{
	struct when w;

	(void)state;
	assert_int_equal(when_parse(STR("2025-01-30"), &w, NULL), ERR_OK);
	assert_true(w.is_day);
	assert_int_equal(w.day, 20118);
	assert_int_equal(w.us, INT64_C(1738195200000000));
	assert_int_equal(when_parse(STR("2025-01-30T14:05:06Z"), &w, NULL), ERR_OK);
	assert_false(w.is_day);
	assert_int_equal(w.day, 20118);
	assert_int_equal(w.us, INT64_C(1738245906000000));
	assert_int_equal(when_parse(STR("2025-01-30T14:05:06.000001Z"), &w, NULL), ERR_OK);
	assert_int_equal(w.us, INT64_C(1738245906000001));
	assert_int_equal(when_parse(STR("2025-01-30T14:05:06.5Z"), &w, NULL), ERR_OK);
	assert_int_equal(w.us, INT64_C(1738245906500000));
	assert_int_equal(when_parse(STR("1969-12-31T23:59:59.999999Z"), &w, NULL), ERR_OK);
	assert_int_equal(w.us, -1);
	assert_int_equal(w.day, -1);
}

static void what_is_no_instant_in_utc_is_refused(void **state)
{
	static const struct {
		const char *text, *hint;
	} cases[] = {
		{ "2025-01-30T14:05:06", "not in UTC" },
		{ "2025-01-30T14:05:06+01:00", "not in UTC" },
		{ "2025-01-30T14:05:06z", "not in UTC" },
		{ "2025-01-30 14:05:06Z", "not an instant" },
		{ "2025-01-30T14:05Z", "not an instant" },
		{ "2025-01-30T14:05:06.Z", "not an instant" },
		{ "2025-01-30T14:05:06Zx", "not an instant" },
		{ "2025-01-30T1X:05:06Z", "not an instant" },
		{ "2025-01-30T24:00:00Z", "does not exist" },
		{ "2025-01-30T23:60:00Z", "does not exist" },
		{ "2016-12-31T23:59:60Z", "does not exist" },
		{ "2025-01-30T14:05:06.0000001Z", "6 decimals" },
		{ "2025-02-30T14:05:06Z", "this month" },
		{ "2025-01T14:05:06Z", "not a day" },
		{ "T14:05:06Z", "four digits" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fault fault;
		struct when w;
		int64_t us;
		fault_init(&fault);
		assert_int_equal(when_parse(str_of(cases[i].text), &w, &fault), ERR_BAD_DATE);
		assert_non_null(strstr(fault.text, cases[i].hint));
		assert_int_equal(time_parse(str_of(cases[i].text), &us, NULL), ERR_BAD_DATE);
	}
}

static void times_read_back_as_they_were_written(void **state)
{
	struct random r = random_begin("times");
	const int64_t first = day_join(-9999, 1, 1) * INT64_C(86400000000);
	const int64_t last = (day_join(9999, 12, 31) + 1) * INT64_C(86400000000) - 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		const int64_t us =
			i == 0 ? first
			: i == 1
				? last
				: first + (int64_t)(random_next(&r) % (uint64_t)(last - first + 1));
		char text[TIME_TEXT_SIZE];
		struct when w;
		int64_t got;
		time_format(us, text);
		assert_int_equal(time_parse(str_of(text), &got, NULL), ERR_OK);
		assert_int_equal(got, us);
		assert_int_equal(when_parse(str_of(text), &w, NULL), ERR_OK);
		assert_int_equal(w.day, day_of(us));
	}
}

static void any_instant_of_64_bits_can_be_written(void **state)
{
	char text[TIME_TEXT_SIZE];
	int64_t us;

	(void)state;
	time_format(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	time_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
	time_format(INT64_MAX, text);
	assert_string_equal(text, "294247-01-10T04:00:54.775807Z");
	time_format(INT64_MIN, text);
	assert_string_equal(text, "-290308-12-21T19:59:05.224192Z");
	assert_int_equal(time_parse(STR("2025-01-30"), &us, NULL), ERR_BAD_DATE);
}

/* ---- EDTF ---- */

static int32_t day_named(const char *text, int32_t open)
{
	int32_t day;

	if (strcmp(text, OPEN) == 0)
		return open;
	assert_int_equal(day_parse(str_of(text), &day, NULL), ERR_OK);
	return day;
}

static void edtf_dates_mean_their_days(void **state)
{
	/* flags: ~ approximate, ? uncertain, / interval */
	static const struct {
		const char *text, *earliest, *latest, *flags;
	} cases[] = {
		{ "1985", "1985-01-01", "1985-12-31", "" },
		{ "1985-04", "1985-04-01", "1985-04-30", "" },
		{ "1985-04-12", "1985-04-12", "1985-04-12", "" },
		{ "2024-02", "2024-02-01", "2024-02-29", "" },
		{ "2024-02-29", "2024-02-29", "2024-02-29", "" },
		{ "0000", "0000-01-01", "0000-12-31", "" },
		{ "-1985", "-1985-01-01", "-1985-12-31", "" },
		{ "-0044-03-15", "-0044-03-15", "-0044-03-15", "" },
		{ "-9999", "-9999-01-01", "-9999-12-31", "" },
		{ "9999", "9999-01-01", "9999-12-31", "" },
		{ "1984?", "1984-01-01", "1984-12-31", "?" },
		{ "2004-06~", "2004-06-01", "2004-06-30", "~" },
		{ "2004-06-11%", "2004-06-11", "2004-06-11", "~?" },
		{ "2001-21", "2001-03-01", "2001-05-31", "" },
		{ "2001-22", "2001-06-01", "2001-08-31", "" },
		{ "2001-23", "2001-09-01", "2001-11-30", "" },
		{ "2001-24", "2001-12-01", "2002-02-28", "" },
		{ "2023-24", "2023-12-01", "2024-02-29", "" },
		{ "2001-21~", "2001-03-01", "2001-05-31", "~" },
		{ "9999-24", "9999-12-01", "9999-12-31", "" },
		{ "-0001-24", "-0001-12-01", "0000-02-29", "" },
		{ "201X", "2010-01-01", "2019-12-31", "" },
		{ "20XX", "2000-01-01", "2099-12-31", "" },
		{ "-20XX", "-2099-01-01", "-2000-12-31", "" },
		{ "-000X", "-0009-01-01", "0000-12-31", "" },
		{ "2004-XX", "2004-01-01", "2004-12-31", "" },
		{ "1985-04-XX", "1985-04-01", "1985-04-30", "" },
		{ "1985-02-XX", "1985-02-01", "1985-02-28", "" },
		{ "1985-XX-XX", "1985-01-01", "1985-12-31", "" },
		{ "201X?", "2010-01-01", "2019-12-31", "?" },
		{ "1964/2008", "1964-01-01", "2008-12-31", "/" },
		{ "2004-06/2006-08", "2004-06-01", "2006-08-31", "/" },
		{ "2004-02-01/2005-02-08", "2004-02-01", "2005-02-08", "/" },
		{ "2004-02-01/2005-02", "2004-02-01", "2005-02-28", "/" },
		{ "2004-02-01/2005", "2004-02-01", "2005-12-31", "/" },
		{ "2005/2006-02", "2005-01-01", "2006-02-28", "/" },
		{ "1985-04-12/..", "1985-04-12", OPEN, "/" },
		{ "1985-04/..", "1985-04-01", OPEN, "/" },
		{ "../1985-04-12", OPEN, "1985-04-12", "/" },
		{ "1985-04-12/", "1985-04-12", OPEN, "/" },
		{ "/1985", OPEN, "1985-12-31", "/" },
		{ "1984~/2004-06", "1984-01-01", "2004-06-30", "~/" },
		{ "1984/2004-06~", "1984-01-01", "2004-06-30", "~/" },
		{ "1984?/2004%", "1984-01-01", "2004-12-31", "~?/" },
		{ "1984-06-02?/2004-08-08~", "1984-06-02", "2004-08-08", "~?/" },
		{ "1984-06-02?/", "1984-06-02", OPEN, "?/" },
		{ "../2029-01-21", OPEN, "2029-01-21", "/" },
		{ "2024-10/2024-12-24", "2024-10-01", "2024-12-24", "/" },
		{ "2025-21/2025-23", "2025-03-01", "2025-11-30", "/" },
		{ "2025-01-21/2025-01-21", "2025-01-21", "2025-01-21", "/" },
		{ "2025-01-21/2025-01", "2025-01-21", "2025-01-31", "/" },
		{ "2025-01-21T23:59:59Z", "2025-01-21", "2025-01-21", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct date d;
		const char *flags = cases[i].flags;
		assert_int_equal(date_parse(str_of(cases[i].text), &d, NULL), ERR_OK);
		assert_int_equal(d.earliest, day_named(cases[i].earliest, DAY_MIN));
		assert_int_equal(d.latest, day_named(cases[i].latest, DAY_MAX));
		assert_int_equal(d.approximate, strchr(flags, '~') != NULL);
		assert_int_equal(d.uncertain, strchr(flags, '?') != NULL);
		assert_int_equal(d.interval, strchr(flags, '/') != NULL);
	}
}

static void what_is_not_edtf_level_1_is_refused_with_a_hint(void **state)
{
	static const struct {
		const char *text, *hint;
		enum err code;
	} cases[] = {
		{ "", "empty", ERR_BAD_DATE },
		{ "2023-02-29", "this month", ERR_BAD_DATE },
		{ "2025-13", "01 to 12", ERR_BAD_DATE },
		{ "2025-00", "01 to 12", ERR_BAD_DATE },
		{ "2025-20", "01 to 12", ERR_BAD_DATE },
		{ "2025-25", "level 2", ERR_BAD_DATE },
		{ "2025-33", "level 2", ERR_BAD_DATE },
		{ "2025-41", "level 2", ERR_BAD_DATE },
		{ "2025-42", "01 to 12", ERR_BAD_DATE },
		{ "2025-21-01", "01 to 12", ERR_BAD_DATE },
		{ "-0000", "year -0", ERR_BAD_DATE },
		{ "Y12025", "beyond the calendar", ERR_BAD_DATE },
		{ "Y-170000002", "beyond the calendar", ERR_BAD_DATE },
		{ "12025", "without hyphens", ERR_BAD_DATE },
		{ "2025?-01", "qualifier within", ERR_BAD_DATE },
		{ "2004-06~-11", "qualifier within", ERR_BAD_DATE },
		{ "?2004", "four digits", ERR_BAD_DATE },
		{ "2004?~", "% says both", ERR_BAD_DATE },
		{ "XXXX", "unspecified", ERR_BAD_DATE },
		{ "1XXX", "unspecified", ERR_BAD_DATE },
		{ "156X-12-25", "unspecified", ERR_BAD_DATE },
		{ "20XX-XX", "unspecified", ERR_BAD_DATE },
		{ "2025-1X", "unspecified", ERR_BAD_DATE },
		{ "2025-01-2X", "unspecified", ERR_BAD_DATE },
		{ "2025-XX-21", "unspecified", ERR_BAD_DATE },
		{ "20X5", "four digits", ERR_BAD_DATE },
		{ "202x", "four digits", ERR_BAD_DATE },
		{ "[1667,1668]", "set of dates", ERR_BAD_DATE },
		{ "{1667..1672}", "set of dates", ERR_BAD_DATE },
		{ "/", "says nothing", ERR_BAD_DATE },
		{ "../..", "says nothing", ERR_BAD_DATE },
		{ "/..", "says nothing", ERR_BAD_DATE },
		{ "2025/2026/2027", "two slashes", ERR_BAD_DATE },
		{ "2025//2027", "two slashes", ERR_BAD_DATE },
		{ "2025/x", "four digits", ERR_BAD_DATE },
		{ "2025/2023-02-29", "this month", ERR_BAD_DATE },
		{ "..2025", "four digits", ERR_BAD_DATE },
		{ "2025..2026", "not an EDTF level 1 date", ERR_BAD_DATE },
		{ "2025 ", "not an EDTF level 1 date", ERR_BAD_DATE },
		{ "January 2025", "four digits", ERR_BAD_DATE },
		{ "2025-01-21T10:00:00Z/2025", "not an EDTF level 1 date", ERR_BAD_DATE },
		{ "2025-01-21T10:00:00+01:00", "not in UTC", ERR_BAD_DATE },
		{ "2025-02/2025-01", "earlier date first", ERR_BAD_INTERVAL },
		{ "2025-01-22/2025-01-21", "earlier date first", ERR_BAD_INTERVAL },
		{ "2026/2025", "earlier date first", ERR_BAD_INTERVAL },
		{ "203X/2029", "earlier date first", ERR_BAD_INTERVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct date d;
		struct fault fault;
		fault_init(&fault);
		assert_int_equal(date_parse(str_of(cases[i].text), &d, &fault), cases[i].code);
		assert_int_equal(fault.code, cases[i].code);
		assert_non_null(strstr(fault.text, cases[i].hint));
		assert_int_equal(date_parse(str_of(cases[i].text), &d, NULL), cases[i].code);
	}
}

static void months_and_seasons_follow_each_other(void **state)
{
	int32_t before = day_join(-9999, 1, 1) - 1, season = day_join(-9999, 3, 1) - 1;

	(void)state;
	for (int year = -9999; year <= 9999; year++) {
		char text[40];
		struct date d;
		for (int month = 1; month <= 12; month++) {
			(void)snprintf(text, sizeof(text), "%s%04d-%02d", year < 0 ? "-" : "",
				       abs(year), month);
			assert_int_equal(date_parse(str_of(text), &d, NULL), ERR_OK);
			assert_int_equal(d.earliest, before + 1);
			before = d.latest;
		}
		for (int part = 21; part <= 24; part++) {
			(void)snprintf(text, sizeof(text), "%s%04d-%02d", year < 0 ? "-" : "",
				       abs(year), part);
			assert_int_equal(date_parse(str_of(text), &d, NULL), ERR_OK);
			assert_int_equal(d.earliest, season + 1);
			season = d.latest;
		}
	}
}

static void any_bytes_are_a_date_in_order_or_refused(void **state)
{
	static const char alphabet[] = "00112259XX--//..?~%TZ: Y\xc3";
	struct random r = random_begin("dates");

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char text[24] = "2025-01-21/2026-02-28", *end = text + strlen(text);
		struct date d;
		struct when w;
		int32_t day;
		/* change, cut or take all: from nearly right to nonsense */
		const size_t changes = random_below(&r, 4);
		size_t n = random_below(&r, 2) ? 10 : (size_t)(end - text);
		for (size_t k = 0; k < changes; k++)
			text[random_below(&r, n)] =
				alphabet[random_below(&r, sizeof(alphabet) - 1)];
		if (random_below(&r, 4) == 0)
			n = random_below(&r, n + 1);
		const struct str s = { text, n };
		const enum err e = date_parse(s, &d, NULL);
		assert_true(e == ERR_OK || e == ERR_BAD_DATE || e == ERR_BAD_INTERVAL);
		assert_true(e || d.earliest <= d.latest);
		if (day_parse(s, &day, NULL) == ERR_OK) {
			assert_int_equal(e, ERR_OK);
			assert_true(d.earliest == day && d.latest == day);
		}
		if (when_parse(s, &w, NULL) == ERR_OK)
			assert_int_equal(e, ERR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_epoch_is_day_zero),
		cmocka_unit_test(every_day_from_1600_to_2400_goes_both_ways),
		cmocka_unit_test(days_of_all_years_follow_each_other),
		cmocka_unit_test(days_that_do_not_exist_are_refused),
		cmocka_unit_test(stated_is_a_day_or_an_instant_in_utc),
		cmocka_unit_test(what_is_no_instant_in_utc_is_refused),
		cmocka_unit_test(times_read_back_as_they_were_written),
		cmocka_unit_test(any_instant_of_64_bits_can_be_written),
		cmocka_unit_test(edtf_dates_mean_their_days),
		cmocka_unit_test(what_is_not_edtf_level_1_is_refused_with_a_hint),
		cmocka_unit_test(months_and_seasons_follow_each_other),
		cmocka_unit_test(any_bytes_are_a_date_in_order_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
