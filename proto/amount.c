/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amount: intervals of money, exact in the minor unit of their currency.
 *
 *   amount   = [code] bound [code] | [code] interval [code]       one code, before or behind
 *   bound    = [op] number                                        op: > >= < <= (or ≥ ≤, up to)
 *   interval = [[">" | ">="] number] ".." [["<" | "<="] number]   or – for the two points
 *   number   = digits ["." digits] [multiplier]                   k m mn bn tn
 *
 * with ~ before a number, an operator or the code, and spaces between any two of these. What
 * amount_format and amount_format_short write is read back as the same amount.
 */
#include "proto/value.h"

#include <stdio.h>

#define INPUT_MAX 128 /* bytes; the longest canonical text is shorter than AMOUNT_TEXT_SIZE */
#define HOW       "; write it as 15bn..25bn USD, ~20bn USD, >40bn USD or 2.5bn USD"

/* ---- reading: pieces ---- */

enum op { op_none, op_above, op_at_least, op_below, op_up_to };

struct number {
	struct str whole, frac; /* digits before and behind the point */
	unsigned power;         /* of ten, by its multiplier */
	bool scaled;            /* has a multiplier */
};

struct side {
	enum op op;
	bool there;
	struct number number;
};

struct reading {
	struct side low, high;
	bool interval, approx;
	struct str code;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip(struct str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

static bool starts(struct str s, const char *with)
{
	const size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

static bool take(struct str *s, const char *what)
{
	if (!starts(*s, what))
		return false;
	skip(s, strlen(what));
	return true;
}

/* Plain, no-break, narrow no-break and thin spaces: what word processors put between the parts. */
static void skip_spaces(struct str *s)
{
	while (take(s, " ") || take(s, "\u00a0") || take(s, "\u202f") || take(s, "\u2009"))
		;
}

/* The ASCII letters that s begins with. */
static struct str word_at(struct str s)
{
	size_t n = 0;

	while (n < s.n && is_letter(s.p[n]))
		n++;
	return (struct str){ s.p, n };
}

static bool same_word(struct str word, const char *lower)
{
	const size_t n = strlen(lower);

	if (word.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((word.p[i] | 0x20) != lower[i])
			return false;
	return true;
}

static void take_approx(struct str *s, struct reading *r)
{
	skip_spaces(s);
	if (take(s, "~"))
		r->approx = true;
	skip_spaces(s);
}

static enum op take_op(struct str *s)
{
	static const struct {
		const char *text;
		enum op op;
	} ops[] = {
		{ ">=", op_at_least }, { "≥", op_at_least }, { "at least ", op_at_least },
		{ "<=", op_up_to },    { "≤", op_up_to },    { "up to ", op_up_to },
		{ ">", op_above },     { "<", op_below },
	};

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (take(s, ops[i].text))
			return ops[i].op;
	return op_none;
}

static const struct multiplier {
	const char *word;
	unsigned power;
} multipliers[] = { { "mn", 6 }, { "bn", 9 }, { "tn", 12 }, { "k", 3 }, { "m", 6 } };

/* Other words for multipliers, which mean different numbers to different people. */
static const struct {
	const char *word, *why;
} unclear[] = {
	{ "b", "has \"b\"; write bn for thousand million" },
	{ "t", "has \"t\"; write tn for million million" },
	{ "thousand", "has \"thousand\"; write k" },
	{ "mio", "has \"mio\"; write m for million" },
	{ "mil", "has \"mil\"; write k or m" },
	{ "mln", "has \"mln\"; write m for million" },
	{ "million", "has \"million\"; write m" },
	{ "mrd", "has \"mrd\"; write bn for thousand million" },
	{ "bln", "has \"bln\"; write bn for thousand million" },
	{ "bil", "has \"bil\"; write bn for thousand million" },
	{ "billion", "has \"billion\"; write bn for thousand million" },
	{ "trillion", "has \"trillion\"; write tn for million million" },
};

/* A multiplier, which the code may follow without a space; leaves a code alone. */
static const char *take_multiplier(struct str *s, struct number *n)
{
	struct str after = *s;

	skip_spaces(&after);
	const struct str word = word_at(after);
	for (size_t i = 0; i < ARRAY_LEN(unclear); i++)
		if (same_word(word, unclear[i].word))
			return unclear[i].why;
	for (size_t i = 0; i < ARRAY_LEN(multipliers); i++) {
		const size_t length = strlen(multipliers[i].word);
		if (word.n != length && word.n != length + 3)
			continue;
		if (!same_word((struct str){ word.p, length }, multipliers[i].word))
			continue;
		n->power = multipliers[i].power;
		n->scaled = true;
		skip(&after, length);
		*s = after;
		return NULL;
	}
	if (word.n > 0 && word.n != 3)
		return "has a multiplier that is not known; use k, m, bn or tn";
	return NULL;
}

static struct str take_digits(struct str *s)
{
	size_t n = 0;

	while (n < s->n && is_digit(s->p[n]))
		n++;
	const struct str digits = { s->p, n };
	skip(s, n);
	return digits;
}

/* A number where there is one; what is wrong with it, or NULL. */
static const char *take_number(struct str *s, struct side *side)
{
	struct number *n = &side->number;

	if (s->n >= 2 && s->p[0] == '.' && is_digit(s->p[1]))
		return "has no digit before its point";
	n->whole = take_digits(s);
	side->there = n->whole.n > 0;
	if (!side->there)
		return NULL;
	if (s->n > 0 && s->p[0] == '.' && !starts(*s, "..")) {
		skip(s, 1);
		n->frac = take_digits(s);
		if (n->frac.n == 0)
			return "has no digit behind its point";
		if (s->n >= 2 && s->p[0] == '.' && is_digit(s->p[1]))
			return "has two points in one number; write no groups, as 1250000 or 1.25m";
	}
	if (s->n >= 2 && (s->p[0] == 'e' || s->p[0] == 'E') && !is_letter(s->p[1]))
		return "has an exponent; write the digits, or k, m, bn, tn";
	const char *why = take_multiplier(s, n);
	if (why)
		return why;
	struct str after = *s;
	skip_spaces(&after);
	if (after.n > 0 && is_digit(after.p[0]))
		return "has a space between digits; write no groups, as 1250000 or 1.25m";
	return NULL;
}

/* ---- reading: the whole ---- */

/* Signs that people write in amounts and that cannot be read one way only. */
static enum err check_signs(struct str text, const char **why)
{
	bool digit = false;
	char before = 0;

	*why = NULL;
	for (size_t i = 0; i < text.n && !*why; i++) {
		const struct str s = { text.p + i, text.n - i };
		const char c = text.p[i];
		if (c == ',' || c == '_' || c == '\'' || starts(s, "’")) {
			*why = "has a comma or a mark between digits; write decimals with a point "
			       "and no groups, as 1.25bn or 1250000";
		} else if (c == '+') {
			*why = "has a plus sign; write >=40bn USD for at least";
		} else if (c == '-' || starts(s, "−")) {
			*why = digit && before != '.'
				       ? "has a hyphen; write an interval as 15bn..25bn USD"
				       : "is negative; amounts are not, and money that comes back "
					 "is "
					 "a pay with returned";
		} else if (c == '$' || starts(s, "£") || starts(s, "¥") || starts(s, "¢") ||
			   (starts(s, "\xe2\x82") && s.n > 2 && (unsigned char)s.p[2] >= 0xa0)) {
			*why = "has a currency symbol, which may mean several; write the ISO 4217 "
			       "code instead, as 15bn USD";
			return ERR_BAD_CURRENCY;
		}
		digit = digit || is_digit(c);
		if (c != ' ')
			before = c;
	}
	return *why ? ERR_BAD_AMOUNT : ERR_OK;
}

static void take_code(struct str *s, struct str *code)
{
	const struct str word = word_at(*s);

	if (word.n != 3)
		return;
	*code = word;
	skip(s, word.n);
}

static const char *take_amount(struct str *s, struct reading *r)
{
	struct str behind = { 0 };

	take_approx(s, r);
	take_code(s, &r->code);
	take_approx(s, r);
	r->low.op = take_op(s);
	take_approx(s, r);
	const char *why = take_number(s, &r->low);
	if (why)
		return why;
	skip_spaces(s);
	r->interval = take(s, "..") || (r->low.there && take(s, "–"));
	if (r->interval) {
		skip_spaces(s);
		r->high.op = take_op(s);
		take_approx(s, r);
		why = take_number(s, &r->high);
		if (why)
			return why;
		skip_spaces(s);
	} else if (!r->low.there) {
		return "has no number" HOW ", and leave out what is undisclosed";
	}
	take_code(s, &behind);
	skip_spaces(s);
	if (behind.n > 0 && r->code.n > 0)
		return "has two currency codes; write one, as 15bn..25bn USD";
	if (behind.n > 0)
		r->code = behind;
	return NULL;
}

/* What is wrong with how operators and numbers stand together, or NULL. */
static const char *wrong_shape(const struct reading *r)
{
	const enum op low = r->low.op, high = r->high.op;

	if (!r->low.there && low != op_none)
		return "has no number behind its operator" HOW;
	if (!r->interval)
		return NULL;
	if (low == op_below || low == op_up_to)
		return "has an upper bound on its low side; write >15bn..<25bn USD";
	if (high == op_above || high == op_at_least)
		return "has a lower bound on its high side; write >15bn..<25bn USD";
	if (!r->high.there && high != op_none)
		return "has an operator without a number" HOW;
	return NULL;
}

/* Digits times 10^power, at most `max`. */
static bool to_integer(struct str whole, struct str frac, unsigned power, uint64_t max,
		       uint64_t *out)
{
	uint64_t value = 0;

	for (size_t i = 0; i < whole.n + frac.n; i++) {
		const char c = i < whole.n ? whole.p[i] : frac.p[i - whole.n];
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			return false;
	}
	for (unsigned i = 0; i < power && value > 0; i++)
		if (__builtin_mul_overflow(value, UINT64_C(10), &value))
			return false;
	*out = value;
	return value <= max;
}

static const char too_fine[] = "has more decimals than";

/* The number in minor units, at most `max`; what is wrong with it, or NULL. */
static const char *to_minor(const struct number *n, unsigned minor, uint64_t max, uint64_t *out)
{
	struct str frac = n->frac;

	while (frac.n > 0 && frac.p[frac.n - 1] == '0')
		frac.n--;
	if (frac.n > n->power + minor)
		return too_fine;
	const unsigned power = n->power + minor - (unsigned)frac.n;
	if (!to_integer(n->whole, frac, power, max, out))
		return "is too large; amounts are below 9.2e18 of the minor unit";
	return NULL;
}

/* From what was read to the bounds, in the order in which they are written. */
static const char *set_bounds(const struct reading *r, unsigned minor, struct amount *a)
{
	struct number low = r->low.number;
	uint64_t first = 0, second = 0;
	const char *why = NULL;

	if (r->high.there && r->high.number.scaled && !low.scaled)
		low.power = r->high.number.power;
	if (r->low.there)
		why = to_minor(&low, minor, INT64_MAX, &first);
	if (!why && r->high.there)
		why = to_minor(&r->high.number, minor, INT64_MAX, &second);
	if (why)
		return why;
	a->low = a->high = (int64_t)first;
	if (r->interval) {
		a->high = (int64_t)second;
		a->low_open = !r->low.there;
		a->high_open = !r->high.there;
		a->low_excl = r->low.op == op_above;
		a->high_excl = r->high.op == op_below;
	} else if (r->low.op == op_above || r->low.op == op_at_least) {
		a->high = 0;
		a->high_open = true;
		a->low_excl = r->low.op == op_above;
	} else if (r->low.op == op_below || r->low.op == op_up_to) {
		a->low = 0;
		a->high_excl = r->low.op == op_below;
	}
	return NULL;
}

static enum err refuse(struct str text, enum err e, const char *why, struct fault *fault)
{
	char quote[TEXT_QUOTE_SIZE];

	text_quote(text, quote);
	return fault_set(fault, e, NULL, "\"%s\" %s", quote, why);
}

/* The same for digits that do not fit into the minor unit. */
static enum err refuse_digits(struct str text, const char *why, const struct currency *c,
			      struct fault *fault)
{
	char quote[TEXT_QUOTE_SIZE];

	if (why != too_fine)
		return refuse(text, ERR_BAD_AMOUNT, why, fault);
	text_quote(text, quote);
	return fault_set(fault, ERR_BAD_AMOUNT, NULL,
			 "\"%s\" has more decimals than %s has: at most %u, counted without "
			 "multiplier; round it as its source does",
			 quote, c->code, c->minor);
}

/* The code as people write it, in any case, as ISO 4217 does. */
static void upper_code(struct str code, char out[4])
{
	size_t i = 0;

	for (; i < code.n && i < 3; i++)
		out[i] = (char)(code.p[i] & ~0x20);
	out[i] = 0;
}

enum err amount_parse(struct str text, struct amount *out, struct fault *fault)
{
	struct reading r = { 0 };
	struct amount a = { 0 };
	const struct currency *currency;
	struct str s = text;
	const char *why;

	*out = a;
	if (text.n > INPUT_MAX)
		return refuse(text, ERR_BAD_AMOUNT, "is too long; write at most 128 bytes", fault);
	enum err e = check_signs(text, &why);
	if (e)
		return refuse(text, e, why, fault);
	why = take_amount(&s, &r);
	if (!why && s.n > 0) {
		char rest[TEXT_QUOTE_SIZE], whole[TEXT_QUOTE_SIZE];
		text_quote(s, rest);
		text_quote(text, whole);
		return fault_set(fault, ERR_BAD_AMOUNT, NULL,
				 "\"%s\" cannot be read from \"%s\" on" HOW, whole, rest);
	}
	if (!why)
		why = wrong_shape(&r);
	if (why)
		return refuse(text, ERR_BAD_AMOUNT, why, fault);
	upper_code(r.code, a.currency);
	e = currency_check(str_of(a.currency), &currency, fault);
	if (e)
		return e;
	why = set_bounds(&r, currency->minor, &a);
	if (why)
		return refuse_digits(text, why, currency, fault);
	a.approx = r.approx;
	e = amount_check(&a, fault);
	if (e)
		return refuse(text, e,
			      "has no amount between its bounds; put the smaller first, each with "
			      "its multiplier, as 900m..1.2bn USD",
			      fault);
	*out = a;
	return ERR_OK;
}

enum err amount_check(const struct amount *a, struct fault *fault)
{
	const struct currency *currency;
	const struct str code = { a->currency, strnlen(a->currency, sizeof(a->currency)) };
	const enum err e = currency_check(code, &currency, fault);

	if (e) {
		fault_under(fault, "currency");
		return e;
	}
	if (a->low_open ? a->low != 0 || a->low_excl : a->low < 0)
		return fault_set(fault, ERR_BAD_AMOUNT, "low",
				 a->low_open
					 ? "an open bound has neither a value nor exclusion"
					 : "an amount is not negative; money that comes back is "
					   "a pay with returned");
	if (a->high_open ? a->high != 0 || a->high_excl : a->high < 0)
		return fault_set(fault, ERR_BAD_AMOUNT, "high",
				 a->high_open ? "an open bound has neither a value nor exclusion"
					      : "an amount is not negative; money that comes back "
						"is a pay with returned");
	if (a->low_open || a->high_open || a->low < a->high)
		return ERR_OK;
	if (a->low > a->high)
		return fault_set(
			fault, ERR_BAD_INTERVAL, "low",
			"the low bound is above the high bound; put the smaller one first");
	if (a->low_excl || a->high_excl)
		return fault_set(fault, ERR_BAD_INTERVAL, "low",
				 "both bounds are equal and one is excluded: no amount is left");
	return ERR_OK;
}

/* ---- writing ---- */

static uint64_t size_of(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

static uint64_t ten_to(unsigned power)
{
	uint64_t value = 1;

	require(power <= 18);
	while (power-- > 0)
		value *= 10;
	return value;
}

/* A decimal of so many decimals; `frac` is what stands behind the point, as an integer. */
static void put_decimal(bool negative, uint64_t whole, uint64_t frac, unsigned decimals,
			char out[MINOR_TEXT_SIZE])
{
	int n = snprintf(out, MINOR_TEXT_SIZE, "%s%llu", negative ? "-" : "",
			 (unsigned long long)whole);

	ensure(n > 0 && (size_t)n + 1 + decimals < MINOR_TEXT_SIZE);
	if (decimals == 0)
		return;
	out[n++] = '.';
	for (unsigned i = decimals; i > 0; i--) {
		out[(unsigned)n + i - 1] = (char)('0' + frac % 10);
		frac /= 10;
	}
	out[(unsigned)n + decimals] = 0;
}

void minor_format(int64_t minor, const struct currency *c, char out[MINOR_TEXT_SIZE])
{
	const uint64_t unit = ten_to(c->minor), size = size_of(minor), frac = size % unit;

	put_decimal(minor < 0, size / unit, frac, frac ? c->minor : 0, out);
}

enum err minor_parse(struct str decimal, const struct currency *c, int64_t *minor,
		     struct fault *fault)
{
	struct str s = decimal;
	struct side side = { 0 };
	uint64_t size = 0;
	const char *why;
	enum err e = ERR_OK;

	*minor = 0;
	const bool negative = take(&s, "-");
	if (decimal.n > INPUT_MAX)
		return refuse(decimal, ERR_BAD_AMOUNT, "is too long; write at most 128 bytes",
			      fault);
	if (s.n > 0)
		e = check_signs(s, &why);
	if (e)
		return refuse(decimal, ERR_BAD_AMOUNT, why, fault);
	why = take_number(&s, &side);
	if (!why && (!side.there || s.n > 0 || side.number.scaled))
		why = "is not a plain decimal; write it as 1234.50";
	if (!why)
		why = to_minor(&side.number, c->minor, (uint64_t)INT64_MAX + negative, &size);
	if (why)
		return refuse_digits(decimal, why, c, fault);
	/* INT64_MIN has no positive counterpart: negate without leaving 64 bits */
	*minor = negative ? (int64_t)-size : (int64_t)size;
	return ERR_OK;
}

/* How the bounds are put together: exact and plain for programs, or as people write it. */
struct style {
	const char *to, *at_least, *up_to;
	bool approx_last; /* "up to ~25bn", but "~>25bn" */
};

static void compose(const struct amount *a, const struct style *style, const char *low,
		    const char *high, char out[AMOUNT_TEXT_SIZE])
{
	const char *approx = a->approx ? "~" : "";
	const char *first = "", *last = "", *op = "", *to = "";

	if (a->low_open || a->high_open || a->low != a->high || a->low_excl || a->high_excl) {
		if (a->high_open && !a->low_open) {
			op = a->low_excl ? ">" : style->at_least;
			first = low;
		} else if (!a->low_open && a->low == 0 && !a->low_excl) {
			op = a->high_excl ? "<" : style->up_to;
			first = high;
		} else {
			op = a->low_excl ? ">" : "";
			first = a->low_open ? "" : low;
			to = a->low_open ? ".." : style->to;
			last = a->high_open ? "" : high;
		}
	} else {
		first = low;
	}
	const bool approx_last = style->approx_last && op == style->up_to;
	(void)snprintf(out, AMOUNT_TEXT_SIZE, "%s%s%s%s%s%s%s %.3s", approx_last ? "" : approx, op,
		       approx_last ? approx : "", first, to, *to && a->high_excl ? "<" : "", last,
		       a->currency);
}

/* The currency of an amount to be written; one that is not known is written in minor units. */
static const struct currency *currency_of(const struct amount *a)
{
	static const struct currency unknown = { "???", 0, "", NULL };
	const struct currency *c =
		currency_find((struct str){ a->currency, strnlen(a->currency, 4) });

	return c ? c : &unknown;
}

void amount_format(const struct amount *a, char out[AMOUNT_TEXT_SIZE])
{
	static const struct style exact = { "..", ">=", "<=", false };
	const struct currency *c = currency_of(a);
	char low[MINOR_TEXT_SIZE], high[MINOR_TEXT_SIZE];

	minor_format(a->low, c, low);
	minor_format(a->high, c, high);
	compose(a, &exact, low, high, out);
}

/* A number with the largest multiplier that makes it shorter and leaves at most three decimals. */
static const char *short_number(int64_t minor, const struct currency *c, char out[MINOR_TEXT_SIZE])
{
	static const struct multiplier steps[] = {
		{ "tn", 12 }, { "bn", 9 }, { "m", 6 }, { "k", 3 }
	};
	const uint64_t size = size_of(minor);
	char text[MINOR_TEXT_SIZE];

	minor_format(minor, c, out);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const uint64_t unit = ten_to(c->minor + steps[i].power);
		unsigned decimals = 3;
		uint64_t frac = size % unit / (unit / 1000);
		if (size < unit || size % (unit / 1000) != 0)
			continue;
		while (decimals > 0 && frac % 10 == 0) {
			frac /= 10;
			decimals--;
		}
		put_decimal(minor < 0, size / unit, frac, decimals, text);
		if (strlen(text) + strlen(steps[i].word) >= strlen(out))
			continue;
		memcpy(out, text, sizeof(text));
		return steps[i].word;
	}
	return "";
}

void amount_format_short(const struct amount *a, char out[AMOUNT_TEXT_SIZE])
{
	static const struct style people = { "–", "≥", "up to ", true };
	static const struct style signs = { "..", "≥", "up to ", true };
	const struct currency *c = currency_of(a);
	char low[MINOR_TEXT_SIZE], high[MINOR_TEXT_SIZE];
	const char *low_word = short_number(a->low, c, low);
	const char *high_word = short_number(a->high, c, high);
	const bool both = !a->low_open && !a->high_open;

	if (both && *high_word && !*low_word && a->low != 0) {
		/* the low side would take the high side's multiplier: write both out */
		minor_format(a->high, c, high);
		high_word = "";
	}
	if (!both || low_word != high_word || a->low == a->high)
		strcat(low, low_word);
	strcat(high, high_word);
	compose(a, a->low < 0 || a->high < 0 ? &signs : &people, low, high, out);
}
