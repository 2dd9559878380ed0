/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: the scalar values of events: amounts, dates, slugs, ids, decimals, currencies, text.
 *
 * For each there is its form in memory, a reader from people's text and a writer of its one
 * canonical text. Readers take untrusted bytes: they refuse with a fault that says what is wrong
 * (field left empty; the caller names it with fault_under). `fault` may be NULL everywhere.
 */
#ifndef AVOW_PROTO_VALUE_H
#define AVOW_PROTO_VALUE_H

#include "proto/base.h"

/* ---- text ---- */
#define SLUG_MAX 80
/* a-z and 0-9 in groups joined by single hyphens, 1 to SLUG_MAX bytes. */
MUST_USE enum err slug_check(struct str s, struct fault *fault);
/*
 * A slug out of any name: casefolded, compatibility-decomposed, marks stripped, what is neither
 * letter nor digit becomes a hyphen; letters of other scripts, which a slug cannot hold, are
 * dropped. Where something was dropped or cut, or nothing is left, a hash of the name (the same
 * for every case and width of it) keeps it unique: "Яндекс NV" is "nv-" and 12 digits.
 * `out` gets a zero-terminated slug. ERR_BAD_UTF8, ERR_BAD_SLUG for an empty name.
 */
MUST_USE enum err slug_from_name(struct str name, char out[SLUG_MAX + 1], struct fault *fault);
/*
 * Valid UTF-8 (RFC 3629) without U+0000, in NFC (UAX 15), with at most 30 combining marks in a row
 * (its stream-safe form): ERR_BAD_UTF8, ERR_NOT_NFC, ERR_NO_MEMORY.
 */
MUST_USE enum err text_check(struct str s, struct fault *fault);
/*
 * The NFC of s in the arena (s itself where no code point could change); errors of text_check, and
 * ERR_NOT_NFC only for too many marks.
 */
MUST_USE enum err text_nfc(struct str s, struct arena *a, struct str *out, struct fault *fault);
/* For finding: casefold and strip marks (UAX 15 NFKD, UTS 30), so "É" finds "e", "ø" "o". */
MUST_USE enum err text_fold(struct str s, struct arena *a, struct str *out);
/*
 * The beginning of s for a fault's text, zero-terminated: always valid UTF-8, without control
 * characters and direction overrides (each a `?`), with `…` where it was cut.
 */
#define TEXT_QUOTE_SIZE 48
void text_quote(struct str s, char out[TEXT_QUOTE_SIZE]);

/* ---- UUID (RFC 9562) ---- */
#define ID_SIZE 16
#define ID_TEXT_SIZE 37
/* 8-4-4-4-12 hexadecimal digits in any case; versions are not looked at. ERR_BAD_ID. */
MUST_USE enum err id_parse(struct str text, uint8_t id[ID_SIZE], struct fault *fault);
/* In lower case, zero-terminated. */
void id_format(const uint8_t id[ID_SIZE], char text[ID_TEXT_SIZE]);
/* Version 7 of this instant (microseconds since 1970 UTC), with 74 random bits from libsodium. */
void id_make(int64_t now_us, uint8_t id[ID_SIZE]);
/* Version 8, derived by SHA-256 from a namespace id and a name: the same in, the same out. */
void id_derive(const uint8_t space[ID_SIZE], struct str name, uint8_t id[ID_SIZE]);

/* ---- currency (ISO 4217) ---- */
struct currency {
	char code[4];
	uint8_t minor;	      /* decimals of the minor unit; 0 to 4 */
	const char *name;     /* in English */
	const char *withdrawn; /* "YYYY-MM" or "YYYY to YYYY", NULL while in use */
};
/*
 * All currencies in use, and the withdrawn ones, because deals of their time were stated in them.
 * ISO 4217 keeps no minor unit for those: it is 2, except for those that were known to be counted
 * without decimals (see data/currencies.py). Gold, the SDR, test codes and units of account have
 * no minor unit, and no amounts.
 */
/* By code in capitals; NULL where there is none with a minor unit. */
const struct currency *currency_find(struct str code);
/* The same with a fault that says why not: unknown, not in capitals, without minor unit (XAU). */
MUST_USE enum err currency_check(struct str code, const struct currency **out, struct fault *fault);
const struct currency *currency_at(size_t i); /* row i by code, NULL behind the last */

/* ---- amount ---- */
/* An interval in minor units. An open bound holds 0 in `low` or `high` and its flag. */
struct amount {
	int64_t low, high;
	char currency[4];
	bool low_open, high_open; /* no bound on this side */
	bool low_excl, high_excl; /* the bound itself is not included */
	bool approx;
};
/*
 * People's text: `15bn..25bn USD`, `15..25bn USD` (a missing multiplier on the low side is the
 * high side's), `~20bn USD`, `>40bn USD`, `>=40bn USD`, `<25bn USD`, `<=25bn USD` (low is 0),
 * `2bn USD`, `>15bn..<25bn USD`, open sides `15bn.. USD` (the same as >=) and `..25bn USD` (no low
 * bound, unlike <=). `–` for `..`, `≥`, `≤` and `up to`, spaces before multipliers, the code in
 * front and in any case are read too. Multipliers k, m, mn, bn, tn in any case. Refused with a
 * hint: commas and groups (`1,25bn`), symbols ($), exponents, signs, more decimals than the minor
 * unit has. ERR_BAD_AMOUNT, ERR_BAD_CURRENCY, ERR_BAD_INTERVAL.
 */
MUST_USE enum err amount_parse(struct str text, struct amount *out, struct fault *fault);
/*
 * Some amount lies between the bounds, no value or flag on open ones, a known currency, not
 * negative. The fault names the field: low, high or currency. Errors as of amount_parse.
 */
MUST_USE enum err amount_check(const struct amount *a, struct fault *fault);
#define AMOUNT_TEXT_SIZE 96
/*
 * The one canonical text, exact, which amount_parse reads back as the same amount:
 * `15000000000..25000000000 USD`, `~1234.50 EUR`, `>=40000000000 USD`, `<=…`, `..5 USD`, `.. USD`.
 * Sums below nothing are written too (with a minus), but are not read back.
 */
void amount_format(const struct amount *a, char out[AMOUNT_TEXT_SIZE]);
/*
 * For people: `15–25bn USD`, `~20bn USD`, `>40bn USD`, `≥40bn USD`, `up to 25bn USD`; exact, only
 * shorter: at most three decimals with a multiplier, else all digits. Is read back as well. UTF-8.
 */
void amount_format_short(const struct amount *a, char out[AMOUNT_TEXT_SIZE]);
/* Minor units as a decimal in major units, without decimals where whole: `1234.50`, `15`. */
#define MINOR_TEXT_SIZE 32
void minor_format(int64_t minor, const struct currency *c, char out[MINOR_TEXT_SIZE]);
/* The way back, with a sign where there is one; ERR_BAD_AMOUNT. */
MUST_USE enum err minor_parse(struct str decimal, const struct currency *c, int64_t *minor,
			      struct fault *fault);

/* ---- decimal ---- */
/*
 * units / 10^scale, exact: at most 18 significant digits and scale 0..18. Canonical: the scale is
 * as small as it can be (1.50 is 15 / 10^1).
 */
struct decimal {
	int64_t units;
	uint8_t scale;
};
/* -?digits[.digits]; ERR_BAD_DECIMAL, also for a sign +, exponents, groups, more digits. */
MUST_USE enum err decimal_parse(struct str text, struct decimal *out, struct fault *fault);
#define DECIMAL_TEXT_SIZE 40
void decimal_format(struct decimal d, char out[DECIMAL_TEXT_SIZE]);

/* ---- days and dates ---- */
/*
 * A day as a number: days since 1970-01-01 in the proleptic Gregorian calendar. Read are the years
 * -9999 to 9999.
 */
#define DAY_MIN INT32_MIN
#define DAY_MAX INT32_MAX
/* [-]YYYY-MM-DD, a day that exists; ERR_BAD_DATE. */
MUST_USE enum err day_parse(struct str text, int32_t *day, struct fault *fault);
/* DAY_MIN and DAY_MAX too are written as days: who means "open" writes it in words. */
#define DAY_TEXT_SIZE 16
void day_format(int32_t day, char out[DAY_TEXT_SIZE]);
void day_split(int32_t day, int *year, int *month, int *mday);
/* The day must exist, in a year of -9999 to 9999. */
int32_t day_join(int year, int month, int mday);
/* The day of an instant in microseconds since 1970 UTC. */
#define US_PER_DAY (INT64_C(86400) * 1000000)
static inline int32_t day_of(int64_t us)
{
	return (int32_t)(us / US_PER_DAY - (us % US_PER_DAY < 0));
}

/* An EDTF level 1 date (ISO 8601-2:2019) as the days that it may mean. */
struct date {
	int32_t earliest, latest;   /* DAY_MIN, DAY_MAX where open or unknown */
	bool approximate, uncertain; /* ~ and ?; % sets both */
	bool interval;
};
/*
 * 2023, 2025-01, 2025-01-21, -0044-03-15; with ? ~ % at the end; 2025-21 (seasons 21 to 24: spring
 * March to May … winter December to February of the next year); intervals a/b, a/.., ../b, a/
 * (unknown end), /b, whose sides may have all of these; unspecified digits 202X, 20XX, 2025-XX,
 * 2025-01-XX, 2025-XX-XX. An instant (see when_parse) means its day. Years Y12025 are beyond the
 * calendar and refused, and so is level 2. A qualifier does not widen the days; year 0 exists.
 * ERR_BAD_DATE; ERR_BAD_INTERVAL where the end is before the beginning whatever the dates mean.
 */
MUST_USE enum err date_parse(struct str text, struct date *out, struct fault *fault);

/* `stated`: a day, or an instant in UTC as 2025-01-30T14:05:06Z (fraction up to microseconds). */
struct when {
	int64_t us;  /* a day counts as its first instant */
	int32_t day;
	bool is_day;
};
/* ERR_BAD_DATE, also for other zones than Z and for leap seconds. */
MUST_USE enum err when_parse(struct str text, struct when *out, struct fault *fault);
/* RFC 3339 in UTC with microseconds: 2025-01-30T14:05:06.000000Z. */
#define TIME_TEXT_SIZE 40
void time_format(int64_t us, char out[TIME_TEXT_SIZE]);
MUST_USE enum err time_parse(struct str text, int64_t *us, struct fault *fault);

/* `move`: a decimal percent with or without sign, or up, or down; ERR_BAD_DECIMAL. */
MUST_USE enum err move_check(struct str text, struct fault *fault);

#endif
