/* SPDX-License-Identifier: Apache-2.0 */
/* decimal: exact decimal numbers for rates, and `move`, the percent or direction of a price. */
#include "proto/value.h"

#include <stdio.h>

#define DIGITS_MAX 18 /* any 18 digits fit into 64 bits */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum err refuse(struct str text, const char *why, struct fault *fault)
{
	char quote[TEXT_QUOTE_SIZE];

	text_quote(text, quote);
	return fault_set(fault, ERR_BAD_DECIMAL, NULL,
			 "\"%s\" %s; write digits with a point, as 156.25", quote, why);
}

/* What is wrong with the shape of a number, or NULL: -?[0-9]+(\.[0-9]+)? */
static const char *wrong_shape(struct str text)
{
	size_t i = text.n > 0 && text.p[0] == '-';
	const size_t first = i;
	size_t point = text.n;

	if (i == text.n)
		return "has no digits";
	for (; i < text.n; i++) {
		const char c = text.p[i];
		if (is_digit(c))
			continue;
		if (c == ',' || c == '_' || c == '\'' || c == ' ')
			return "groups digits or has a comma";
		if (c == 'e' || c == 'E')
			return "has an exponent";
		if (c == '+' && i == 0)
			return "has a plus sign";
		if (c == '%')
			return "has a percent sign";
		if (c != '.')
			return "is not a number";
		if (point != text.n)
			return "has two points";
		point = i;
	}
	if (point == first)
		return "has no digit before its point";
	if (point == text.n - 1)
		return "has no digit behind its point";
	return NULL;
}

enum err decimal_parse(struct str text, struct decimal *out, struct fault *fault)
{
	const bool negative = text.n > 0 && text.p[0] == '-';
	const char *why = wrong_shape(text);
	size_t n = text.n, significant = 0;
	bool behind_point = false;

	*out = (struct decimal){ 0 };
	if (!why && text.n >= DECIMAL_TEXT_SIZE)
		why = "is too long (39 bytes at most)";
	if (why)
		return refuse(text, why, fault);
	/* zeros at the end of the decimals say nothing: without them the form is canonical */
	if (memchr(text.p, '.', text.n)) {
		while (text.p[n - 1] == '0')
			n--;
		if (text.p[n - 1] == '.')
			n--;
	}
	for (size_t i = negative; i < n; i++) {
		if (text.p[i] == '.') {
			behind_point = true;
			continue;
		}
		significant += significant > 0 || text.p[i] != '0';
		out->scale = (uint8_t)(out->scale + behind_point);
		if (significant > DIGITS_MAX || out->scale > DIGITS_MAX) {
			*out = (struct decimal){ 0 };
			return refuse(text, "has more than 18 digits or decimals", fault);
		}
		out->units = out->units * 10 + (text.p[i] - '0');
	}
	if (negative)
		out->units = -out->units;
	return ERR_OK;
}

void decimal_format(struct decimal d, char out[DECIMAL_TEXT_SIZE])
{
	char digits[DECIMAL_TEXT_SIZE];
	const uint64_t size = d.units < 0 ? -(uint64_t)d.units : (uint64_t)d.units;

	require(d.scale <= DIGITS_MAX);
	/* at least one digit before the point */
	const int n =
		snprintf(digits, sizeof(digits), "%0*llu", d.scale + 1, (unsigned long long)size);
	const int whole = n - d.scale;
	(void)snprintf(out, DECIMAL_TEXT_SIZE, "%s%.*s%s%s", d.units < 0 ? "-" : "", whole, digits,
		       d.scale ? "." : "", digits + whole);
}

enum err move_check(struct str text, struct fault *fault)
{
	struct str number = text;
	struct decimal d;
	char quote[TEXT_QUOTE_SIZE];

	if (str_eq(text, STR("up")) || str_eq(text, STR("down")))
		return ERR_OK;
	if (text.n > 1 && text.p[0] == '+' && is_digit(text.p[1]))
		number = (struct str){ text.p + 1, text.n - 1 };
	if (decimal_parse(number, &d, NULL) == ERR_OK)
		return ERR_OK;
	text_quote(text, quote);
	return fault_set(fault, ERR_BAD_DECIMAL, NULL,
			 "\"%s\" is neither up nor down nor a number of percent; write it as -3.4",
			 quote);
}
