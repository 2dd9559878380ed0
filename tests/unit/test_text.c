/* SPDX-License-Identifier: Apache-2.0 */
/* text: UTF-8, NFC, folding, slugs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/value.h"
#include "tests/unit/random.h"

#define CODE_POINTS    0x110000u
#define IDEOGRAPHS_END 0x30000u /* the fast way knows none behind the second plane */
#define ARENA_MAX      ((size_t)1 << 20)
#define ROUNDS         100000

/* UTF-8 of a code point, also of those that it must not encode; gives the number of bytes. */
static size_t encode(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static bool is_surrogate(uint32_t c)
{
	return c >= 0xd800 && c <= 0xdfff;
}

/* ---- UTF-8 ---- */

static bool within(unsigned char c, unsigned char low, unsigned char high)
{
	return c >= low && c <= high;
}

/* The grammar of RFC 3629, section 4, row by row, for one character of exactly n bytes. */
static bool rfc_3629(const unsigned char *p, size_t n)
{
	for (size_t i = 2; i < n; i++)
		if (!within(p[i], 0x80, 0xbf))
			return false;
	switch (n) {
	case 1:
		return p[0] <= 0x7f;
	case 2:
		return within(p[0], 0xc2, 0xdf) && within(p[1], 0x80, 0xbf);
	case 3:
		return (p[0] == 0xe0 && within(p[1], 0xa0, 0xbf)) ||
		       (within(p[0], 0xe1, 0xec) && within(p[1], 0x80, 0xbf)) ||
		       (p[0] == 0xed && within(p[1], 0x80, 0x9f)) ||
		       (within(p[0], 0xee, 0xef) && within(p[1], 0x80, 0xbf));
	default:
		return (p[0] == 0xf0 && within(p[1], 0x90, 0xbf)) ||
		       (within(p[0], 0xf1, 0xf3) && within(p[1], 0x80, 0xbf)) ||
		       (p[0] == 0xf4 && within(p[1], 0x80, 0x8f));
	}
}

/* Whether any split of the n bytes into characters is UTF-8 without U+0000. */
static bool is_utf8(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t length = 1;
		while (length <= 4 && !(i + length <= n && rfc_3629(p + i, length)))
			length++;
		if (length > 4 || p[i] == 0)
			return false;
		i += length;
	}
	return true;
}

static bool is_bad_utf8(const unsigned char *p, size_t n)
{
	return text_check((struct str){ (const char *)p, n }, NULL) == ERR_BAD_UTF8;
}

static void all_short_byte_sequences_are_judged_as_rfc_3629_does(void **state)
{
	/* the ends of all ranges of the grammar, and what lies between and beside them */
	static const unsigned char later[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f,
					       0xa0, 0xb5, 0xbf, 0xc0, 0xc2, 0xff };
	const size_t count = ARRAY_LEN(later);

	(void)state;
	for (unsigned a = 0; a < 256; a++) {
		unsigned char p[4] = { (unsigned char)a };
		assert_int_equal(is_bad_utf8(p, 1), !is_utf8(p, 1));
		for (unsigned b = 0; b < 256; b++) {
			p[1] = (unsigned char)b;
			assert_int_equal(is_bad_utf8(p, 2), !is_utf8(p, 2));
		}
		for (size_t i = 0; i < count * count * count; i++) {
			p[1] = later[i % count];
			p[2] = later[i / count % count];
			p[3] = later[i / count / count];
			assert_int_equal(is_bad_utf8(p, 3), !is_utf8(p, 3));
			assert_int_equal(is_bad_utf8(p, 4), !is_utf8(p, 4));
		}
	}
}

static void a_bad_byte_is_found_at_every_place(void **state)
{
	static const char *const bad[] = { "\xff", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xc0\xaf" };

	(void)state;
	for (size_t before = 0; before < 40; before++) {
		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			char text[64], expected[16];
			struct fault fault;
			memset(text, 'a', sizeof(text));
			memcpy(text + before, bad[i], strlen(bad[i]));
			(void)snprintf(expected, sizeof(expected), "byte %zu ", before);
			assert_int_equal(text_check((struct str){ text, 50 }, &fault),
					 ERR_BAD_UTF8);
			assert_non_null(strstr(fault.text, expected));
			assert_int_equal(
				text_check((struct str){ text, before + strlen(bad[i]) }, NULL),
				ERR_BAD_UTF8);
			assert_int_equal(text_check((struct str){ text, before }, NULL), ERR_OK);
		}
		char zero[64];
		memset(zero, 'a', sizeof(zero));
		zero[before] = 0;
		assert_int_equal(text_check((struct str){ zero, 50 }, NULL), ERR_BAD_UTF8);
	}
	assert_int_equal(text_check((struct str){ NULL, 0 }, NULL), ERR_OK);
}

/* ---- NFC ---- */

static struct str nfc(struct str s, struct arena *a)
{
	struct str out;

	assert_int_equal(text_nfc(s, a, &out, NULL), ERR_OK);
	return out;
}

static void every_code_point_is_checked_as_it_is_normalised(void **state)
{
	struct arena a;
	size_t changed = 0;

	(void)state;
	arena_init(&a, ARENA_MAX);
	for (uint32_t c = 1; c < CODE_POINTS; c++) {
		char text[8];
		if (is_surrogate(c))
			continue;
		const struct str s = { text, encode(c, text) };
		const struct str normal = nfc(s, &a);
		const enum err expected = str_eq(s, normal) ? ERR_OK : ERR_NOT_NFC;
		changed += expected == ERR_NOT_NFC;
		assert_int_equal(text_check(s, NULL), expected);
		assert_int_equal(text_check(normal, NULL), ERR_OK);
		arena_reset(&a);
	}
	/* singletons and exclusions from composition: their number is fixed for ever */
	assert_int_equal(changed, 1120);
	arena_fini(&a);
}

/*
 * The fast way trusts a table of code points that nothing composes with. U+4DC0 is not in it, so
 * a text with it goes the slow way: both must agree, behind letters that compose with much.
 */
static void the_fast_way_agrees_with_the_slow_one(void **state)
{
	static const char *const bases[] = { "A", "e", "o", "u",  "y",  "n",  "ü",  "ǫ", "Α",
					     "ω", "И", "к", "か", "ハ", "가", "ᄀ", "ا", "ش" };

	(void)state;
	for (uint32_t c = 1; c < IDEOGRAPHS_END; c++) {
		char text[ARRAY_LEN(bases) * 12 + 4];
		size_t n = 0;
		if (is_surrogate(c))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
			memcpy(text + n, bases[i], strlen(bases[i]));
			n += strlen(bases[i]);
			n += encode(c, text + n);
		}
		const enum err fast = text_check((struct str){ text, n }, NULL);
		n += encode(0x4dc0, text + n);
		assert_int_equal(text_check((struct str){ text, n }, NULL), fast);
	}
}

static void normalising_composes_what_can_be_composed(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "plain", "plain" },
		{ "e\u0301", "é" },
		{ "Nestle\u0301 S.A.", "Nestlé S.A." },
		{ "a\u0323\u0302", "ậ" },
		{ "a\u0302\u0323", "ậ" },
		{ "\u212b", "Å" },
		{ "\u2126", "Ω" },
		{ "\u1112\u1161\u11ab", "한" },
		{ "か\u3099", "が" },
		{ "ﬁ", "ﬁ" },
	};
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct str from = str_of(cases[i].from), to = str_of(cases[i].to);
		assert_true(str_eq(nfc(from, &a), to));
		assert_int_equal(text_check(from, NULL), str_eq(from, to) ? ERR_OK : ERR_NOT_NFC);
	}
	arena_fini(&a);
}

static void more_marks_than_any_language_has_are_refused(void **state)
{
	char text[256] = "a";
	size_t n = 1;
	struct arena a;
	struct str out;

	(void)state;
	arena_init(&a, ARENA_MAX);
	for (int i = 0; i < 30; i++)
		n += encode(0x0325, text + n);
	assert_int_equal(text_check((struct str){ text, n }, NULL), ERR_NOT_NFC); /* ḁ */
	out = nfc((struct str){ text, n }, &a);
	assert_int_equal(text_check(out, NULL), ERR_OK);
	n += encode(0x0325, text + n);
	assert_int_equal(text_check((struct str){ text, n }, NULL), ERR_NOT_NFC);
	assert_int_equal(text_nfc((struct str){ text, n }, &a, &out, NULL), ERR_NOT_NFC);
	assert_int_equal(text_fold((struct str){ text, n }, &a, &out), ERR_NOT_NFC);
	arena_fini(&a);
}

static void without_memory_nothing_is_normalised(void **state)
{
	struct arena a;
	struct str out;
	struct fault fault;

	(void)state;
	arena_init(&a, 1);
	assert_int_equal(text_nfc(STR("e\u0301"), &a, &out, &fault), ERR_NO_MEMORY);
	assert_int_equal(fault.code, ERR_NO_MEMORY);
	assert_int_equal(text_fold(STR("é"), &a, &out), ERR_NO_MEMORY);
	assert_int_equal(text_fold(STR("plain"), &a, &out), ERR_NO_MEMORY);
	/* what needs no change needs no memory */
	assert_int_equal(text_nfc(STR("plain é"), &a, &out, NULL), ERR_OK);
	arena_fini(&a);
}

/* ---- folding ---- */

static void folding_finds_names_in_any_spelling(void **state)
{
	static const struct {
		const char *text, *folded;
	} cases[] = {
		{ "", "" },
		{ "SoftBank Group", "softbank group" },
		{ "É", "e" },
		{ "e\u0301", "e" },
		{ "Nestlé", "nestle" },
		{ "MÜLLER", "muller" },
		{ "Straße", "strasse" },
		{ "Ørsted", "orsted" },
		{ "Mærsk", "maersk" },
		{ "Łódź", "lodz" },
		{ "İstanbul", "istanbul" },
		{ "ısı", "isi" },
		{ "ﬁnance", "finance" },
		{ "ＮＴＴ", "ntt" },
		{ "Ελλάδα", "ελλαδα" },
		{ "ΣΊΣΥΦΟΣ", "σισυφοσ" },
		{ "Йошкар", "иошкар" },
		{ "ソフトバンク", "ソフトハンク" },
		{ "ｿﾌﾄﾊﾞﾝｸ", "ソフトハンク" },
		{ "co\u00adop", "coop" },
		{ "A–B", "a-b" },
	};
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str out;
		assert_int_equal(text_fold(str_of(cases[i].text), &a, &out), ERR_OK);
		assert_true(str_eq(out, str_of(cases[i].folded)));
	}
	struct str out;
	assert_int_equal(text_fold(STR("\xff"), &a, &out), ERR_BAD_UTF8);
	arena_fini(&a);
}

static void folding_a_folded_text_changes_nothing(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX);
	for (uint32_t c = 1; c < CODE_POINTS; c++) {
		char text[8];
		struct str once, twice;
		if (is_surrogate(c))
			continue;
		assert_int_equal(text_fold((struct str){ text, encode(c, text) }, &a, &once),
				 ERR_OK);
		assert_int_equal(text_fold(once, &a, &twice), ERR_OK);
		assert_true(str_eq(once, twice));
		arena_reset(&a);
	}
	arena_fini(&a);
}

/* ---- slugs ---- */

/* Groups of [a-z0-9]+ joined by single hyphens, as a machine of two states. */
static bool is_slug(const char *p, size_t n)
{
	bool in_group = false;

	for (size_t i = 0; i < n; i++) {
		const bool letter = within((unsigned char)p[i], 'a', 'z') ||
				    within((unsigned char)p[i], '0', '9');
		if (!letter && (!in_group || p[i] != '-'))
			return false;
		in_group = letter;
	}
	return in_group && n <= SLUG_MAX;
}

static void slugs_of_all_classes_are_judged_right(void **state)
{
	static const char classes[] = { 'a', 'z', '0', '9', '-', 'A', '_', ' ', '.', '\xc3', 0 };

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		const char text[3] = { 'a', (char)c, 'a' };
		assert_int_equal(slug_check((struct str){ text, 3 }, NULL) == ERR_OK,
				 is_slug(text, 3));
		assert_int_equal(slug_check((struct str){ text + 1, 1 }, NULL) == ERR_OK,
				 is_slug(text + 1, 1));
	}
	for (size_t i = 0; i < 11 * 11 * 11 * 11; i++) {
		const char text[4] = { classes[i % 11], classes[i / 11 % 11], classes[i / 121 % 11],
				       classes[i / 1331] };
		for (size_t n = 0; n <= 4; n++)
			assert_int_equal(slug_check((struct str){ text, n }, NULL) == ERR_OK,
					 is_slug(text, n));
	}
}

static void the_length_of_a_slug_has_a_limit(void **state)
{
	char text[200];
	struct fault fault;

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t n = 0; n <= sizeof(text); n++) {
		fault_init(&fault);
		const enum err e = slug_check((struct str){ text, n }, &fault);
		assert_int_equal(e, n >= 1 && n <= 80 ? ERR_OK : ERR_BAD_SLUG);
		if (n > 80) {
			assert_int_equal(fault.max, 80);
			assert_non_null(strstr(fault.text, "too long"));
			assert_non_null(strstr(fault.text, "80 bytes"));
		}
	}
	assert_int_equal(slug_check(STR("SoftBank"), &fault), ERR_BAD_SLUG);
	assert_non_null(strstr(fault.text, "\"SoftBank\" holds a character"));
	assert_int_equal(slug_check(STR("a--b"), &fault), ERR_BAD_SLUG);
	assert_non_null(strstr(fault.text, "two hyphens"));
	assert_int_equal(slug_check(STR("-a"), &fault), ERR_BAD_SLUG);
	assert_non_null(strstr(fault.text, "begins or ends"));
}

static void names_become_legible_slugs(void **state)
{
	static const struct {
		const char *name, *slug;
	} cases[] = {
		{ "SoftBank Group", "softbank-group" },
		{ "OpenAI, Inc.", "openai-inc" },
		{ "  --OpenAI--  ", "openai" },
		{ "AT&T", "at-t" },
		{ "Nestlé S.A.", "nestle-s-a" },
		{ "Nestle\u0301 S.A.", "nestle-s-a" },
		{ "Straße & Söhne", "strasse-sohne" },
		{ "Ørsted A/S", "orsted-a-s" },
		{ "Crédit Agricole – CIB", "credit-agricole-cib" },
		{ "ＮＴＴ", "ntt" },
		{ "3M", "3m" },
		{ "Yahoo!", "yahoo" },
		{ "a", "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char slug[SLUG_MAX + 1];
		assert_int_equal(slug_from_name(str_of(cases[i].name), slug, NULL), ERR_OK);
		assert_string_equal(slug, cases[i].slug);
	}
}

static void slug_of(const char *name, char slug[SLUG_MAX + 1])
{
	assert_int_equal(slug_from_name(str_of(name), slug, NULL), ERR_OK);
	assert_int_equal(slug_check(str_of(slug), NULL), ERR_OK);
}

static void what_a_slug_cannot_hold_is_kept_apart_by_a_hash(void **state)
{
	char one[SLUG_MAX + 1], other[SLUG_MAX + 1], name[201] = { 0 };

	(void)state;
	slug_of("ソフトバンク", one);
	assert_memory_equal(one, "name-", 5);
	assert_int_equal(strlen(one), 17);
	slug_of("ソフトハンク", other); /* folds to the same */
	assert_string_not_equal(one, other);
	slug_of("ｿﾌﾄﾊﾞﾝｸ", other); /* is the same in another width */
	assert_string_equal(one, other);
	slug_of("Яндекс NV", one);
	assert_memory_equal(one, "nv-", 3);
	assert_int_equal(strlen(one), 15);
	slug_of("ЯНДЕКС nv", other);
	assert_string_equal(one, other);
	slug_of("NV", other);
	assert_string_equal(other, "nv");
	slug_of("!!!", one);
	slug_of("???", other);
	assert_string_not_equal(one, other);
	slug_of("♥ Labs", one);
	assert_memory_equal(one, "labs-", 5);
	/* names that are only equal up to where they are cut */
	memset(name, 'a', 200);
	slug_of(name, one);
	assert_int_equal(strlen(one), SLUG_MAX);
	name[199] = 'b';
	slug_of(name, other);
	assert_int_equal(strlen(other), SLUG_MAX);
	assert_string_not_equal(one, other);
	/* 80 letters fit; a cut never leaves a hyphen at the end */
	name[80] = 0;
	slug_of(name, one);
	assert_string_equal(one, name);
	for (size_t at = 60; at < 80; at++) {
		memset(name, 'a', 200);
		name[at] = ' ';
		slug_of(name, one);
	}
}

static void names_that_are_no_text_are_refused(void **state)
{
	char slug[SLUG_MAX + 1];
	struct fault fault;

	(void)state;
	assert_int_equal(slug_from_name(STR(""), slug, &fault), ERR_BAD_SLUG);
	assert_non_null(strstr(fault.text, "empty"));
	assert_int_equal(slug_from_name(STR("a\xff"), slug, &fault), ERR_BAD_UTF8);
	assert_int_equal(slug_from_name((struct str){ "a\0b", 3 }, slug, NULL), ERR_BAD_UTF8);
}

static void any_name_becomes_the_same_valid_slug_again(void **state)
{
	struct random r = random_begin("names");

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char name[64], slug[SLUG_MAX + 1], again[SLUG_MAX + 1];
		size_t n = 0;
		for (uint64_t k = 1 + random_below(&r, 14); k > 0; k--) {
			uint32_t c = (uint32_t)random_bits(&r, 21) % CODE_POINTS;
			if (c == 0 || is_surrogate(c))
				c = 'x';
			n += encode(c, name + n);
		}
		const struct str s = { name, n };
		assert_int_equal(slug_from_name(s, slug, NULL), ERR_OK);
		assert_int_equal(slug_check(str_of(slug), NULL), ERR_OK);
		assert_int_equal(slug_from_name(s, again, NULL), ERR_OK);
		assert_string_equal(slug, again);
		/* a slug is its own slug */
		assert_int_equal(slug_from_name(str_of(slug), again, NULL), ERR_OK);
		assert_string_equal(slug, again);
	}
}

/* ---- quotes ---- */

static void quotes_are_short_and_harmless(void **state)
{
	static const struct {
		const char *text, *quote;
	} cases[] = {
		{ "", "" },
		{ "15bn USD", "15bn USD" },
		{ "café", "café" },
		{ "a\033[2Jb", "a?[2Jb" },
		{ "a\xff\xc3", "a??" },
		{ "a\u202eb", "a?b" },
		{ "a\xc2\x85"
		  "b",
		  "a?b" },
		{ "a\nb", "a?b" },
		{ "01234567890123456789012345678901234567890123",
		  "01234567890123456789012345678901234567890123" },
		{ "0123456789012345678901234567890123456789012345",
		  "01234567890123456789012345678901234567890123…" },
	};
	struct random r = random_begin("quotes");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char quote[TEXT_QUOTE_SIZE];
		text_quote(str_of(cases[i].text), quote);
		assert_string_equal(quote, cases[i].quote);
	}
	for (int i = 0; i < ROUNDS; i++) {
		char text[80], quote[TEXT_QUOTE_SIZE];
		const size_t n = random_below(&r, sizeof(text));
		for (size_t k = 0; k < n; k++)
			text[k] = (char)(random_below(&r, 2) ? random_next(&r) : 0xc3);
		text_quote((struct str){ text, n }, quote);
		assert_true(text_check(str_of(quote), NULL) != ERR_BAD_UTF8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_short_byte_sequences_are_judged_as_rfc_3629_does),
		cmocka_unit_test(a_bad_byte_is_found_at_every_place),
		cmocka_unit_test(every_code_point_is_checked_as_it_is_normalised),
		cmocka_unit_test(the_fast_way_agrees_with_the_slow_one),
		cmocka_unit_test(normalising_composes_what_can_be_composed),
		cmocka_unit_test(more_marks_than_any_language_has_are_refused),
		cmocka_unit_test(without_memory_nothing_is_normalised),
		cmocka_unit_test(folding_finds_names_in_any_spelling),
		cmocka_unit_test(folding_a_folded_text_changes_nothing),
		cmocka_unit_test(slugs_of_all_classes_are_judged_right),
		cmocka_unit_test(the_length_of_a_slug_has_a_limit),
		cmocka_unit_test(names_become_legible_slugs),
		cmocka_unit_test(what_a_slug_cannot_hold_is_kept_apart_by_a_hash),
		cmocka_unit_test(names_that_are_no_text_are_refused),
		cmocka_unit_test(any_name_becomes_the_same_valid_slug_again),
		cmocka_unit_test(quotes_are_short_and_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
