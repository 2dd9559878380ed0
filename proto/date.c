/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date: days, instants, and EDTF level 1 dates (ISO 8601-2:2019) as the days that they may mean.
 *
 * Everything is reckoned in the proleptic Gregorian calendar with a year 0, in UTC, and refused
 * where no such day exists.
 */
#include "proto/value.h"

#include <stdio.h>

#define YEAR_LIMIT      9999
#define US_PER_SECOND   INT64_C(1000000)
#define FRACTION_DIGITS 6
#define SEASON_FIRST    21
#define SEASON_LAST     24
#define MONTHS          12

/* ---- days ---- */

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int year, int month)
{
	static const uint8_t days[MONTHS] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/*
 * Both ways reckon in years that begin on 1 March, so that the leap day is the last one, and in
 * eras of 400 years, which are all equally long; 719468 is the number of days from 0000-03-01 to
 * 1970-01-01.
 */
#define ERA_YEARS    400
#define ERA_DAYS     146097
#define DAYS_TO_1970 719468

int32_t day_join(int year, int month, int mday)
{
	require(year >= -YEAR_LIMIT && year <= YEAR_LIMIT && month >= 1 && month <= MONTHS);
	require(mday >= 1 && mday <= month_days(year, month));
	const int y = year - (month <= 2);
	const int era = (y >= 0 ? y : y - (ERA_YEARS - 1)) / ERA_YEARS;
	const int year_of_era = y - era * ERA_YEARS;
	const int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + mday - 1;
	const int day_of_era =
		year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * ERA_DAYS + day_of_era - DAYS_TO_1970;
}

void day_split(int32_t day, int *year, int *month, int *mday)
{
	const int64_t z = (int64_t)day + DAYS_TO_1970;
	const int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
	const int day_of_era = (int)(z - era * ERA_DAYS);
	const int year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	const int day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const int m = (5 * day_of_year + 2) / 153; /* months since March */

	*mday = day_of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = (int)(year_of_era + era * ERA_YEARS) + (*month <= 2);
}

void day_format(int32_t day, char out[DAY_TEXT_SIZE])
{
	int year, month, mday;

	day_split(day, &year, &month, &mday);
	/* the remainders change nothing: they tell the compiler that the text fits */
	(void)snprintf(out, DAY_TEXT_SIZE, "%s%04u-%02u-%02u", year < 0 ? "-" : "",
		       (unsigned)(year < 0 ? -year : year) % 10000000u, (unsigned)month % 100u,
		       (unsigned)mday % 100u);
}

/* ---- reading ---- */

static enum err refuse(struct str text, const char *why, struct fault *fault)
{
	char quote[TEXT_QUOTE_SIZE];

	text_quote(text, quote);
	return fault_set(fault, ERR_BAD_DATE, NULL, "\"%s\" %s", quote, why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One number of `width` digits, of which the last `unknown` are written as X. */
struct part {
	bool there;
	int low, high; /* equal without X */
	int unknown;
};

/* Years, months and days as they stand between hyphens. */
struct ymd {
	struct part year, month, mday;
};

/* Take `width` digits, the last of which may be X, off the front; false where they are not. */
static bool take_part(struct str *s, size_t width, struct part *out)
{
	*out = (struct part){ .there = true };
	if (s->n < width)
		return false;
	for (size_t i = 0; i < width; i++) {
		const char c = s->p[i];
		if (c == 'X')
			out->unknown++;
		else if (!is_digit(c) || out->unknown)
			return false;
		out->low = out->low * 10 + (c == 'X' ? 0 : c - '0');
		out->high = out->high * 10 + (c == 'X' ? 9 : c - '0');
	}
	s->p += width;
	s->n -= width;
	return true;
}

static bool take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	s->p++;
	s->n--;
	return true;
}

#define HOW "; write it as 2025-01-21, 2025-01 or 2025"

/* What keeps a text from being [-]YYYY[-MM[-DD]], or NULL; says nothing of the calendar yet. */
static const char *take_ymd(struct str *s, struct ymd *out)
{
	*out = (struct ymd){ 0 };
	if (s->n > 0 && s->p[0] == 'Y')
		return "is a year beyond the calendar, which ends with 9999";
	const bool negative = take_char(s, '-');
	if (!take_part(s, 4, &out->year))
		return "does not begin with a year of four digits" HOW;
	if (negative) {
		const int low = out->year.low;
		if (out->year.high == 0)
			return "is year -0, which does not exist; year 0 is 0000";
		out->year.low = -out->year.high;
		out->year.high = -low;
	}
	if (s->n > 0 && is_digit(s->p[0]))
		return "has digits without hyphens between them" HOW;
	if (!take_char(s, '-'))
		return NULL;
	if (!take_part(s, 2, &out->month))
		return "has no month of two digits" HOW;
	if (s->n > 0 && is_digit(s->p[0]))
		return "has a month of more than two digits" HOW;
	if (!take_char(s, '-'))
		return NULL;
	if (!take_part(s, 2, &out->mday))
		return "has no day of two digits" HOW;
	if (s->n > 0 && is_digit(s->p[0]))
		return "has a day of more than two digits" HOW;
	return NULL;
}

/* A whole day of the calendar, with nothing unspecified; else what is wrong with it. */
static const char *exact_day(const struct ymd *t, int32_t *day)
{
	if (!t->mday.there)
		return "is not a day; write it as 2025-01-21";
	if (t->year.unknown || t->month.unknown || t->mday.unknown)
		return "leaves digits unspecified; give the day, as 2025-01-21";
	if (t->month.low < 1 || t->month.low > MONTHS)
		return "has a month that does not exist; months are 01 to 12";
	if (t->mday.low < 1 || t->mday.low > month_days(t->year.low, t->month.low))
		return "has a day that this month does not have";
	*day = day_join(t->year.low, t->month.low, t->mday.low);
	return NULL;
}

enum err day_parse(struct str text, int32_t *day, struct fault *fault)
{
	struct str s = text;
	struct ymd t;
	const char *why = take_ymd(&s, &t);

	*day = 0;
	if (!why && s.n > 0)
		why = "has something behind the day; write it as 2025-01-21";
	if (!why)
		why = exact_day(&t, day);
	return why ? refuse(text, why, fault) : ERR_OK;
}

/* ---- instants ---- */

/* The part of an instant behind its day: Thh:mm:ss[.ffffff]Z, as microseconds. */
static const char *take_time(struct str *s, int64_t *us)
{
	static const char how[] = "is not an instant; write it as 2025-01-30T14:05:06Z";
	struct part hour, minute, second;
	int64_t fraction = 0, unit = US_PER_SECOND;

	if (!take_char(s, 'T') || !take_part(s, 2, &hour) || !take_char(s, ':') ||
	    !take_part(s, 2, &minute) || !take_char(s, ':') || !take_part(s, 2, &second))
		return how;
	if (hour.unknown || minute.unknown || second.unknown)
		return how;
	if (hour.low > 23 || minute.low > 59 || second.low > 59)
		return "has a time that does not exist; hours end with 23, minutes and seconds "
		       "with 59";
	if (take_char(s, '.')) {
		size_t digits = 0;
		while (s->n > 0 && is_digit(s->p[0])) {
			if (++digits > FRACTION_DIGITS)
				return "is finer than a microsecond; give at most 6 decimals";
			unit /= 10;
			fraction += (s->p[0] - '0') * unit;
			s->p++;
			s->n--;
		}
		if (digits == 0)
			return how;
	}
	if (!take_char(s, 'Z'))
		return "is not in UTC; convert it and end it with Z, as 2025-01-30T14:05:06Z";
	if (s->n > 0)
		return how;
	*us = ((int64_t)hour.low * 3600 + minute.low * 60 + second.low) * US_PER_SECOND + fraction;
	return NULL;
}

enum err when_parse(struct str text, struct when *out, struct fault *fault)
{
	struct str s = text;
	struct ymd t;
	int64_t us = 0;
	int32_t day = 0;
	const char *why = take_ymd(&s, &t);

	*out = (struct when){ 0 };
	if (!why)
		why = exact_day(&t, &day);
	const bool is_day = s.n == 0;
	if (!why && !is_day)
		why = take_time(&s, &us);
	if (why)
		return refuse(text, why, fault);
	*out = (struct when){ .us = day * US_PER_DAY + us, .day = day, .is_day = is_day };
	return ERR_OK;
}

enum err time_parse(struct str text, int64_t *us, struct fault *fault)
{
	struct when w;
	const enum err e = when_parse(text, &w, fault);

	*us = w.us;
	if (!e && w.is_day)
		return refuse(text, "is a day, not an instant; add the time, as T14:05:06Z", fault);
	return e;
}

void time_format(int64_t us, char out[TIME_TEXT_SIZE])
{
	const int32_t day = day_of(us);
	/* not day * US_PER_DAY, which overflows on the first day that 64 bits reach */
	int64_t rest = us % US_PER_DAY;
	char text[DAY_TEXT_SIZE];

	if (rest < 0)
		rest += US_PER_DAY;
	const unsigned second = (unsigned)(rest / US_PER_SECOND);
	day_format(day, text);
	(void)snprintf(out, TIME_TEXT_SIZE, "%sT%02u:%02u:%02u.%06uZ", text, second / 3600u % 100u,
		       second / 60u % 60u, second % 60u, (unsigned)(rest % US_PER_SECOND));
}

/* ---- EDTF ---- */

/* The first and last day of a season: spring is March to May, winter ends in the next year. */
static void season_days(const struct ymd *t, struct date *out)
{
	const int first = 3 * (t->month.low - SEASON_FIRST) + 3;
	int last = first + 2, year = t->year.high;

	out->earliest = day_join(t->year.low, first, 1);
	if (last > MONTHS) {
		last -= MONTHS;
		year++;
	}
	/* the winter of 9999 ends with the calendar */
	out->latest = year > YEAR_LIMIT ? day_join(YEAR_LIMIT, MONTHS, 31)
					: day_join(year, last, month_days(year, last));
}

/* The days of a date without qualifiers; else what is wrong with it. */
static const char *edtf_days(const struct ymd *t, struct date *out)
{
	static const char unspecified[] =
		"leaves digits unspecified that level 1 of EDTF does not; "
		"write 202X, 20XX, 2025-XX, 2025-01-XX or 2025-XX-XX";
	const bool any_month = !t->month.there || t->month.unknown;

	if (t->year.unknown > 2 || (t->year.unknown && t->month.there) || t->month.unknown == 1 ||
	    t->mday.unknown == 1 || (t->month.unknown && t->mday.there && !t->mday.unknown))
		return unspecified;
	if (any_month) {
		out->earliest = day_join(t->year.low, 1, 1);
		out->latest = day_join(t->year.high, MONTHS, 31);
		return NULL;
	}
	if (t->month.low >= SEASON_FIRST && t->month.low <= SEASON_LAST && !t->mday.there) {
		season_days(t, out);
		return NULL;
	}
	if (t->month.low > SEASON_LAST && t->month.low <= 41)
		return "is a season or quarter of EDTF level 2; level 1 has 21 (spring) to 24 "
		       "(winter)";
	if (t->month.low < 1 || t->month.low > MONTHS)
		return "has a month that does not exist; months are 01 to 12, seasons 21 to 24";
	if (!t->mday.there || t->mday.unknown) {
		const int last = month_days(t->year.low, t->month.low);
		out->earliest = day_join(t->year.low, t->month.low, 1);
		out->latest = day_join(t->year.low, t->month.low, last);
		return NULL;
	}
	const char *why = exact_day(t, &out->earliest);
	out->latest = out->earliest;
	return why;
}

static bool is_qualifier(char c)
{
	return c == '?' || c == '~' || c == '%';
}

/* One date with its qualifier. */
static const char *edtf_side(struct str s, struct date *out)
{
	struct ymd t;
	const char *why = take_ymd(&s, &t);

	if (why)
		return why;
	if (s.n > 0 && is_qualifier(s.p[0])) {
		out->uncertain = s.p[0] != '~';
		out->approximate = s.p[0] != '?';
		s.p++;
		s.n--;
		if (s.n > 0 && is_qualifier(s.p[0]))
			return "has two qualifiers; % says both uncertain and approximate";
		if (s.n > 0)
			return "has a qualifier within; level 1 of EDTF has one at the end, as "
			       "2025-01~";
	}
	if (s.n > 0)
		return "is not an EDTF level 1 date" HOW;
	return edtf_days(&t, out);
}

static bool is_open(struct str s)
{
	return s.n == 0 || str_eq(s, STR(".."));
}

/* A side that is missing (`a/`) is unknown, one that is `..` is open: both may mean any day. */
static enum err parse_interval(struct str text, size_t slash, struct date *out, struct fault *fault)
{
	const struct str left = { text.p, slash };
	const struct str right = { text.p + slash + 1, text.n - slash - 1 };
	struct date from = { .earliest = DAY_MIN }, to = { .latest = DAY_MAX };
	const char *why = NULL;

	if (is_open(left) && is_open(right))
		why = "says nothing: both sides are open; leave it out";
	if (!why && !is_open(left))
		why = edtf_side(left, &from);
	if (!why && !is_open(right))
		why = memchr(right.p, '/', right.n) ? "has two slashes" : edtf_side(right, &to);
	if (why)
		return refuse(text, why, fault);
	if (from.earliest > to.latest) {
		(void)refuse(text, "ends before it begins; put the earlier date first", fault);
		if (fault)
			fault->code = ERR_BAD_INTERVAL;
		return ERR_BAD_INTERVAL;
	}
	*out = (struct date){
		.earliest = from.earliest,
		.latest = to.latest,
		.approximate = from.approximate || to.approximate,
		.uncertain = from.uncertain || to.uncertain,
		.interval = true,
	};
	return ERR_OK;
}

enum err date_parse(struct str text, struct date *out, struct fault *fault)
{
	struct date d = { 0 };
	struct when w;
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;

	*out = (struct date){ 0 };
	if (text.n == 0)
		return refuse(text, "is empty; leave the date out, or write it as 2025-01-21",
			      fault);
	if (slash)
		return parse_interval(text, (size_t)(slash - text.p), out, fault);
	if (memchr(text.p, 'T', text.n)) {
		const enum err e = when_parse(text, &w, fault);
		if (!e)
			*out = (struct date){ .earliest = w.day, .latest = w.day };
		return e;
	}
	if (text.p[0] == '[' || text.p[0] == '{')
		return refuse(text, "is a set of dates, which EDTF level 1 does not have", fault);
	const char *why = edtf_side(text, &d);
	if (why)
		return refuse(text, why, fault);
	*out = d;
	return ERR_OK;
}
