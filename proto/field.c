/* SPDX-License-Identifier: Apache-2.0 */
/* field: checks of single values, and of structs made of them. */
#include "proto/field.h"

#include <stdio.h>

#include "proto/near.h"
#include "proto/wire.h"

bool type_is_text(enum ftype type)
{
	switch (type) {
	case F_TEXT:
	case F_SLUG:
	case F_DATE:
	case F_WHEN:
	case F_DAY:
	case F_DECIMAL:
	case F_MOVE:
	case F_CURRENCY:
		return true;
	case F_BOOL:
	case F_U64:
	case F_I64:
	case F_TIME:
	case F_ID:
	case F_HASH:
	case F_BYTES:
	case F_AMOUNT:
	case F_ENUM:
	case F_SUB:
	case F_PAIRS:
		return false;
	}
	impossible("every type is handled");
}

size_t field_size(const struct field *f)
{
	switch (f->type) {
	case F_BOOL:
		return sizeof(bool);
	case F_U64:
		return sizeof(uint64_t);
	case F_I64:
	case F_TIME:
		return sizeof(int64_t);
	case F_ID:
		return sizeof(struct id);
	case F_HASH:
		return sizeof(struct hash);
	case F_AMOUNT:
		return sizeof(struct amount);
	case F_ENUM:
		return sizeof(int);
	case F_SUB:
	case F_PAIRS:
		return f->sub->size;
	default:
		ensure(type_is_text(f->type) || f->type == F_BYTES);
		return sizeof(struct str);
	}
}

enum err field_check_limit(uint64_t limit, uint64_t n, const char *what, struct fault *fault)
{
	if (limit == 0 || n <= limit)
		return ERR_OK;
	if (fault) {
		fault->max = (int64_t)limit;
		fault->actual = n <= INT64_MAX ? (int64_t)n : FAULT_NONE;
	}
	return fault_set(fault, ERR_TOO_LARGE, NULL, "%s, more than %llu", what,
			 (unsigned long long)limit);
}

enum err field_check_u64(const struct field *f, uint64_t n, struct fault *fault)
{
	if (n > INT64_MAX) {
		if (fault)
			fault->max = INT64_MAX;
		return fault_set(fault, ERR_TOO_LARGE, NULL, "a number above 2^63-1");
	}
	/* the limit of a list counts its items, not their values */
	return f->list ? ERR_OK : field_check_limit(f->limit, n, "a larger number", fault);
}

enum err field_check_time(int64_t us, struct fault *fault)
{
	if (us < TIME_US_MIN || us > TIME_US_MAX)
		return fault_set(fault, ERR_BAD_DATE, NULL, "a time outside the years 1 to 9999");
	return ERR_OK;
}

static enum err check_currency(struct str s, struct fault *fault)
{
	if (currency_find(s))
		return ERR_OK;
	return fault_set(fault, ERR_BAD_CURRENCY, NULL, "not a currency of ISO 4217");
}

enum err field_check_text(const struct field *f, struct str s, struct fault *fault)
{
	struct decimal decimal;
	struct date date;
	struct when when;
	int32_t day;
	/* slugs, days and codes say themselves how long they may be */
	const bool sized = f->type != F_SLUG && f->type != F_DAY && f->type != F_CURRENCY;
	const enum err e = sized ? field_check_limit(f->list ? TEXT_ITEM_MAX : f->limit, s.n,
						     "a longer text", fault) : ERR_OK;

	if (e)
		return e;
	switch (f->type) {
	case F_TEXT:
		return plain_ascii(s) ? ERR_OK : text_check(s, fault);
	case F_SLUG:
		return slug_check(s, fault);
	case F_DATE:
		return date_parse(s, &date, fault);
	case F_WHEN:
		return when_parse(s, &when, fault);
	case F_DAY:
		return day_parse(s, &day, fault);
	case F_DECIMAL:
		return decimal_parse(s, &decimal, fault);
	case F_MOVE:
		return move_check(s, fault);
	case F_CURRENCY:
		return check_currency(s, fault);
	default:
		impossible("the caller asked type_is_text");
	}
}

enum err field_bad_word(const struct enum_info *words, struct str word, struct fault *fault)
{
	const char *near = near_word(words->words, words->count, word);
	const enum err e = words == &enum_kind ? ERR_UNKNOWN_KIND : ERR_BAD_VALUE;

	if (near)
		return fault_set(fault, e, NULL, "not a %s; did you mean %s?", words->name, near);
	char list[FAULT_TEXT_MAX - 40] = "";
	size_t n = 0;
	for (size_t i = 0; i < words->count && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "",
				      words->words[i]);
	return fault_set(fault, e, NULL, "not one of: %s", list);
}

/* ---- amounts ---- */

void bounds_of_amount(const struct amount *a, struct bounds *b)
{
	*b = (struct bounds){ .currency = str_of(a->currency) };
	msg_mark(b, bounds, currency);
	if (!a->low_open)
		msg_set(b, bounds, low, a->low);
	if (!a->high_open)
		msg_set(b, bounds, high, a->high);
	if (a->approx)
		msg_set(b, bounds, approx, true);
	if (a->low_excl)
		msg_set(b, bounds, low_excl, true);
	if (a->high_excl)
		msg_set(b, bounds, high_excl, true);
}

enum err amount_check_form(const struct amount *a, struct fault *fault)
{
	const char *const exclusive = "an open bound cannot be exclusive";

	if (a->low_open && a->low_excl)
		return fault_set(fault, ERR_BAD_AMOUNT, "low_excl", "%s", exclusive);
	if (a->high_open && a->high_excl)
		return fault_set(fault, ERR_BAD_AMOUNT, "high_excl", "%s", exclusive);
	if (!a->low_open && !a->high_open && a->low > a->high)
		return fault_set(fault, ERR_BAD_INTERVAL, "low", "low is above high");
	return ERR_OK;
}

enum err amount_of_bounds(const struct bounds *b, struct amount *a, struct fault *fault)
{
	*a = (struct amount){ .low = b->low, .high = b->high, .approx = b->approx,
			      .low_open = !msg_has(b, bounds, low),
			      .high_open = !msg_has(b, bounds, high),
			      .low_excl = b->low_excl, .high_excl = b->high_excl };
	ensure(b->currency.n == 3); /* CURRENCY was checked */
	memcpy(a->currency, b->currency.p, 3);
	return amount_check_form(a, fault);
}

/* ---- structs ---- */

static enum err check_value(const struct field *f, const void *p, struct fault *fault)
{
	if (type_is_text(f->type))
		return field_check_text(f, *(const struct str *)p, fault);
	switch (f->type) {
	case F_U64:
		return field_check_u64(f, *(const uint64_t *)p, fault);
	case F_TIME:
		return field_check_time(*(const int64_t *)p, fault);
	case F_BYTES:
		return f->list ? ERR_OK : field_check_limit(f->limit, ((const struct str *)p)->n,
							    "more bytes", fault);
	case F_ENUM:
		if (enum_word(f->words, *(const int *)p))
			return ERR_OK;
		return fault_set(fault, f->words == &enum_kind ? ERR_UNKNOWN_KIND : ERR_BAD_VALUE,
				 NULL, "not a %s that is known here", f->words->name);
	case F_AMOUNT:
		return amount_check(p, fault);
	case F_SUB:
	case F_PAIRS:
		return record_check(f->sub, p, fault);
	default:
		return ERR_OK;
	}
}

/* Every list has the layout { v, n }. */
static enum err check_list(const struct field *f, const void *p, struct fault *fault)
{
	const struct str_list *list = p;
	const size_t size = field_size(f);
	enum err e = field_check_limit(f->limit, list->n, "more items", fault);

	for (size_t i = 0; !e && i < list->n; i++) {
		e = check_value(f, (const char *)list->v + i * size, fault);
		if (e) {
			char at[24];
			(void)snprintf(at, sizeof(at), "[%zu]", i);
			fault_under(fault, at);
		}
	}
	return e;
}

enum err record_check(const struct shape *s, const void *rec, struct fault *fault)
{
	uint64_t has;

	memcpy(&has, rec, sizeof(has));
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const void *p = (const char *)rec + f->offset;
		if (!(has >> i & 1)) {
			if (f->required)
				return fault_set(fault, ERR_MISSING_FIELD, f->name, "%s", f->doc);
			continue;
		}
		const enum err e = f->list ? check_list(f, p, fault) : check_value(f, p, fault);
		if (e) {
			fault_under(fault, f->name);
			return e;
		}
	}
	return ERR_OK;
}
