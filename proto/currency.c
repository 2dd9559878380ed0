/* SPDX-License-Identifier: Apache-2.0 */
/* currency: the table of ISO 4217, which is generated (see data/README.md), and look-ups in it. */
#include "proto/value.h"

static const struct currency table[] = {
#define CURRENCY(code, minor, name, withdrawn) { #code, minor, name, withdrawn },
#define CURRENCY_WITHOUT(code, name)
#include "proto/currencies.def"
#undef CURRENCY
#undef CURRENCY_WITHOUT
};

/* Codes that exist, but with which no exact amount can be written: only to say so. */
static const struct currency without[] = {
#define CURRENCY(code, minor, name, withdrawn)
#define CURRENCY_WITHOUT(code, name) { #code, 0, name, NULL },
#include "proto/currencies.def"
#undef CURRENCY
#undef CURRENCY_WITHOUT
};

/* Three letters as a number, in whose order the tables are. */
static uint32_t rank(const char *code)
{
	const unsigned char *c = (const unsigned char *)code;

	return (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
}

static const struct currency *find(const struct currency *rows, size_t count, struct str code)
{
	size_t low = 0, high = count;

	if (code.n != 3)
		return NULL;
	const uint32_t wanted = rank(code.p);
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const uint32_t here = rank(rows[middle].code);
		if (wanted == here)
			return &rows[middle];
		if (wanted < here)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct currency *currency_find(struct str code)
{
	return find(table, ARRAY_LEN(table), code);
}

const struct currency *currency_at(size_t i)
{
	return i < ARRAY_LEN(table) ? &table[i] : NULL;
}

/* The code in capitals, where it is three letters in any case. */
static bool capitals(struct str code, char out[4])
{
	if (code.n != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		const char c = code.p[i];
		if (c >= 'a' && c <= 'z')
			out[i] = (char)(c - 'a' + 'A');
		else if (c >= 'A' && c <= 'Z')
			out[i] = c;
		else
			return false;
	}
	out[3] = 0;
	return true;
}

enum err currency_check(struct str code, const struct currency **out, struct fault *fault)
{
	char quote[TEXT_QUOTE_SIZE], upper[4];

	*out = currency_find(code);
	if (*out)
		return ERR_OK;
	const struct currency *bare = find(without, ARRAY_LEN(without), code);
	if (bare)
		return fault_set(fault, ERR_BAD_CURRENCY, NULL,
				 "%s (%s) has no minor unit in ISO 4217, so no exact amount can be "
				 "in it; state the amount in a currency",
				 bare->code, bare->name);
	if (code.n == 0)
		return fault_set(fault, ERR_BAD_CURRENCY, NULL,
				 "no currency; add its ISO 4217 code, as USD");
	text_quote(code, quote);
	if (capitals(code, upper) && currency_find((struct str){ upper, 3 }))
		return fault_set(fault, ERR_BAD_CURRENCY, NULL,
				 "\"%s\" is not a currency code; write it in capitals: %s", quote,
				 upper);
	return fault_set(fault, ERR_BAD_CURRENCY, NULL,
			 "\"%s\" is not a currency code of ISO 4217; use a three-letter code, "
			 "as USD",
			 quote);
}
