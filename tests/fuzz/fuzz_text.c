/* SPDX-License-Identifier: Apache-2.0 */
/* Text: UTF-8, NFC, folding, slugs, quotes for people, and which words are near. */
#include "proto/near.h"
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

static void normalised(struct str text, struct arena *a)
{
	struct str nfc, again, folded;
	struct fault fault;

	fault_init(&fault);
	const enum err e = text_nfc(text, a, &nfc, &fault);
	const enum err checked = text_check(text, NULL);
	require(utf8_valid(text) == (e != ERR_BAD_UTF8));
	require((checked == ERR_BAD_UTF8) == (e == ERR_BAD_UTF8));
	if (e)
		return;
	require(text_check(nfc, &fault) == ERR_OK);
	require(text_nfc(nfc, a, &again, &fault) == ERR_OK && str_eq(nfc, again));
	require((checked == ERR_OK) == str_eq(text, nfc));
	if (text_fold(text, a, &folded) == ERR_OK)
		require(utf8_valid(folded));
}

static void slugs(struct str text)
{
	char slug[SLUG_MAX + 1], again[SLUG_MAX + 1];

	if (slug_from_name(text, slug, NULL))
		return;
	require(slug_check(str_of(slug), NULL) == ERR_OK);
	require(slug_from_name(str_of(slug), again, NULL) == ERR_OK && strcmp(slug, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "softbank", "openai", "announce", "" };
	struct str text = fuzz_str(data, size);
	char quote[TEXT_QUOTE_SIZE];
	const struct currency *currency;
	struct arena a;

	arena_init(&a, FUZZ_ARENA_MAX);
	normalised(text, &a);
	slugs(text);
	text_quote(text, quote);
	require(strlen(quote) < TEXT_QUOTE_SIZE && utf8_valid(str_of(quote)));
	if (currency_check(text, &currency, NULL) == ERR_OK)
		require(str_eq(str_of(currency->code), text));
	(void)near_word(words, ARRAY_LEN(words), text);
	const struct str left = fuzz_cut(&text, ' ');
	require(near_distance(left, text) == near_distance(text, left));
	arena_fini(&a);
	return 0;
}
