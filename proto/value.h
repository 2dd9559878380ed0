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
 * dropped, and where that leaves nothing (or cuts) a hash of the name keeps it unique.
 * `out` gets a zero-terminated slug.
 */
MUST_USE enum err slug_from_name(struct str name, char out[SLUG_MAX + 1], struct fault *fault);
/* Valid UTF-8 (RFC 3629) without U+0000, in NFC (UAX 15): ERR_BAD_UTF8, ERR_NOT_NFC. */
MUST_USE enum err text_check(struct str s, struct fault *fault);
/* The NFC of s in the arena (s itself where it is already); ERR_BAD_UTF8, ERR_NO_MEMORY. */
MUST_USE enum err text_nfc(struct str s, struct arena *a, struct str *out, struct fault *fault);
/* For finding: casefold and strip marks (UAX 15 NFKD, UTS 30), so "É" finds "e". */
MUST_USE enum err text_fold(struct str s, struct arena *a, struct str *out);

/* ---- UUID (RFC 9562) ---- */
#define ID_SIZE 16
#define ID_TEXT_SIZE 37
MUST_USE enum err id_parse(struct str text, uint8_t id[ID_SIZE], struct fault *fault);
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
	const char *withdrawn; /* "YYYY-MM" or "YYYY"…, NULL while in use */
};
/* By code in capitals; NULL where there is none with a minor unit. */
const struct currency *currency_find(struct str code);
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
 * high side's), `~20bn USD`, `>40bn USD`, `>=40bn USD`, `<25bn USD`, `<=25bn USD`, `2bn USD`.
 * Multipliers k, m, mn, bn, tn in any case. `1,25bn` is refused with a hint.
 * ERR_BAD_AMOUNT, ERR_BAD_CURRENCY, ERR_BAD_INTERVAL.
 */
MUST_USE enum err amount_parse(struct str text, struct amount *out, struct fault *fault);
/* low <= high, flags on open bounds off, a known currency, not negative. */
MUST_USE enum err amount_check(const struct amount *a, struct fault *fault);
#define AMOUNT_TEXT_SIZE 96
/* Exact text that amount_parse reads back: `15000000000..25000000000 USD`, `1234.50 EUR`. */
void amount_format(const struct amount *a, char out[AMOUNT_TEXT_SIZE]);
/* For people: `15–25bn USD`, `~20bn USD`, `>40bn USD`, `up to 25bn USD`; exact, only shorter. */
void amount_format_short(const struct amount *a, char out[AMOUNT_TEXT_SIZE]);
/* Minor units as a decimal in major units without trailing zeros behind a whole: `1234.50`, `15`. */
#define MINOR_TEXT_SIZE 32
void minor_format(int64_t minor, const struct currency *c, char out[MINOR_TEXT_SIZE]);
MUST_USE enum err minor_parse(struct str decimal, const struct currency *c, int64_t *minor,
			      struct fault *fault);

/* ---- decimal ---- */
/* units / 10^scale, exact: at most 18 significant digits and scale 0..18. Canonical: no trailing zeros. */
struct decimal {
	int64_t units;
	uint8_t scale;
};
MUST_USE enum err decimal_parse(struct str text, struct decimal *out, struct fault *fault);
#define DECIMAL_TEXT_SIZE 40
void decimal_format(struct decimal d, char out[DECIMAL_TEXT_SIZE]);

/* ---- days and dates ---- */
/* A day as a number: days since 1970-01-01 in the proleptic Gregorian calendar, year -9999 to 9999. */
#define DAY_MIN INT32_MIN
#define DAY_MAX INT32_MAX
MUST_USE enum err day_parse(struct str text, int32_t *day, struct fault *fault);
#define DAY_TEXT_SIZE 16
void day_format(int32_t day, char out[DAY_TEXT_SIZE]);
void day_split(int32_t day, int *year, int *month, int *mday);
int32_t day_join(int year, int month, int mday);
/* The day of an instant in microseconds since 1970 UTC. */
int32_t day_of(int64_t us);

/* An EDTF level 1 date (ISO 8601-2:2019) as the days that it may mean. */
struct date {
	int32_t earliest, latest;   /* DAY_MIN, DAY_MAX where open or unknown */
	bool approximate, uncertain; /* ~ and ?; % sets both */
	bool interval;
};
/*
 * 2023, 2025-01, 2025-01-21, with ? ~ %; 2025-21 (seasons 21 to 24: spring March to May … winter
 * December to February of the next year); intervals a/b, a/.., ../b, a/ (unknown end); unspecified
 * digits 202X, 20XX, 2025-XX, 2025-01-XX; years Y12025 are beyond the calendar and refused.
 * A qualifier does not widen the days. ERR_BAD_DATE, ERR_BAD_INTERVAL.
 */
MUST_USE enum err date_parse(struct str text, struct date *out, struct fault *fault);

/* `stated`: a day, or an instant in UTC as 2025-01-30T14:05:06Z (fraction up to microseconds). */
struct when {
	int64_t us;  /* a day counts as its first instant */
	int32_t day;
	bool is_day;
};
MUST_USE enum err when_parse(struct str text, struct when *out, struct fault *fault);
/* RFC 3339 in UTC with microseconds: 2025-01-30T14:05:06.000000Z. */
#define TIME_TEXT_SIZE 32
void time_format(int64_t us, char out[TIME_TEXT_SIZE]);
MUST_USE enum err time_parse(struct str text, int64_t *us, struct fault *fault);

/* `move`: a signed decimal percent, or up, or down. */
MUST_USE enum err move_check(struct str text, struct fault *fault);

#endif
