/* SPDX-License-Identifier: Apache-2.0 */
/* field: what one field's value must be, wherever it comes from: the wire, JSON, or a struct. */
#ifndef AVOW_PROTO_FIELD_H
#define AVOW_PROTO_FIELD_H

#include "proto/msg.h"

/* Times that RFC 3339 can write: years 1 to 9999. */
#define TIME_US_MIN INT64_C(-62135596800000000)
#define TIME_US_MAX INT64_C(253402300799999999)

/* The scalar type is a text in C (F_TEXT … F_CURRENCY, but not F_BYTES). */
bool type_is_text(enum ftype type);
/* Size in memory of one value of this field, or of one item where it is a list. */
size_t field_size(const struct field *f);

/*
 * Check one text against its type and the field's limit (a list's limit counts items: there it is
 * TEXT_ITEM_MAX). ERR_TOO_LARGE, and the codes of the type.
 */
MUST_USE enum err field_check_text(const struct field *f, struct str s, struct fault *fault);
/* ERR_TOO_LARGE with max, where n is above a limit that is not 0. */
MUST_USE enum err field_check_limit(uint64_t limit, uint64_t n, const char *what,
				    struct fault *fault);
/* Not above the limit and, where there is none, not above 2^63-1. */
MUST_USE enum err field_check_u64(const struct field *f, uint64_t n, struct fault *fault);
MUST_USE enum err field_check_time(int64_t us, struct fault *fault);
/* ERR_UNKNOWN_KIND or ERR_BAD_VALUE, with the words that could have been meant. */
enum err field_bad_word(const struct enum_info *words, struct str word, struct fault *fault);

/*
 * What every amount must be, sums in answers included, which may be below zero (amount_check, for
 * events, asks for more): ERR_BAD_INTERVAL, ERR_BAD_AMOUNT (an open bound that is exclusive).
 */
MUST_USE enum err amount_check_form(const struct amount *a, struct fault *fault);
/* An amount as its record on the wire, which borrows the currency; and back, checked for form. */
void bounds_of_amount(const struct amount *a, struct bounds *b);
MUST_USE enum err amount_of_bounds(const struct bounds *b, struct amount *a, struct fault *fault);

/*
 * Every value of a struct that did not come through decoding: required fields, types, limits,
 * texts in NFC, words that are known.
 */
MUST_USE enum err record_check(const struct shape *s, const void *rec, struct fault *fault);

#endif
