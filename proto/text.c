/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text: UTF-8, its normal form, and the slugs made out of it. Hides utf8proc.
 *
 * text_check stands in front of every event, so it decides almost all texts in one pass without
 * memory: what is valid and built only of code points that no normalisation touches is in NFC.
 * Anything else is normalised and compared.
 */
#include "proto/value.h"

#include <stdlib.h>
#include <utf8proc.h>

/* UAX 15, section 13: no language needs more marks on one letter; sorting more is quadratic. */
#define MARKS_MAX   30
#define HASH_DIGITS 12
#define HASH_BYTES  (HASH_DIGITS / 2)

/*
 * Code points that are in NFC wherever they stand: they are no marks, have no other canonical
 * form and combine with nothing before them. Not complete: the common scripts, in order.
 */
static const struct range {
	uint32_t first, last;
} inert[] = {
	{ 0x0000, 0x02ff },                       /* Latin */
	{ 0x0370, 0x0373 },                       /* Greek */
	{ 0x0388, 0x03ff },   { 0x0400, 0x0482 }, /* Cyrillic */
	{ 0x048a, 0x052f },   { 0x05d0, 0x05ea }, /* Hebrew letters */
	{ 0x0620, 0x064a },                       /* Arabic letters */
	{ 0x0e01, 0x0e30 },                       /* Thai letters */
	{ 0x10a0, 0x10ff },                       /* Georgian */
	{ 0x2010, 0x2027 },                       /* dashes and quotes */
	{ 0x2030, 0x205e },   { 0x20a0, 0x20c0 }, /* currency symbols */
	{ 0x3001, 0x3029 },                       /* East Asian */
	{ 0x3041, 0x3096 },   { 0x309d, 0x30ff },   { 0x3105, 0x312f },
	{ 0x3400, 0x4dbf },   { 0x4e00, 0x9fff },   { 0xac00, 0xd7a3 },
	{ 0xff01, 0xffdc },   { 0x1f300, 0x1faff }, /* pictures */
	{ 0x20000, 0x2a6df },                       /* more ideographs */
};

static bool is_inert(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_LEN(inert) && c >= inert[i].first; i++)
		if (c <= inert[i].last)
			return true;
	return false;
}

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0u) == 0x80u;
}

/* The length of the well-formed sequence at p (RFC 3629) and its code point; 0 if it is not. */
static size_t decode(const unsigned char *p, size_t n, uint32_t *c)
{
	const unsigned char lead = p[0];

	if (lead < 0x80) {
		*c = lead;
		return 1;
	}
	if (lead >= 0xc2 && lead < 0xe0 && n >= 2 && is_continuation(p[1])) {
		*c = (lead & 0x1fu) << 6 | (p[1] & 0x3fu);
		return 2;
	}
	if ((lead & 0xf0) == 0xe0 && n >= 3 && is_continuation(p[1]) && is_continuation(p[2])) {
		*c = (lead & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
		return *c >= 0x800 && (*c < 0xd800 || *c > 0xdfff) ? 3 : 0;
	}
	if ((lead & 0xf8) == 0xf0 && n >= 4 && is_continuation(p[1]) && is_continuation(p[2]) &&
	    is_continuation(p[3])) {
		*c = (lead & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 |
		     (p[3] & 0x3fu);
		return *c >= 0x10000 && *c <= 0x10ffff ? 4 : 0;
	}
	return 0;
}

/* Eight bytes of ASCII without a zero among them, which is what most text is made of. */
static bool eight_plain(const char *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	/* while no byte has its high bit, the subtraction sets one exactly where a byte is 0 */
	return !(word & highs) && !((word - ones) & highs);
}

/* Valid, without U+0000, and not too many marks in a row; tells whether it is surely in NFC. */
static enum err scan(struct str s, bool *surely_nfc, struct fault *fault)
{
	unsigned marks = 0;

	*surely_nfc = true;
	for (size_t i = 0; i < s.n;) {
		uint32_t c;
		if (s.n - i >= 8 && eight_plain(s.p + i)) {
			marks = 0;
			i += 8;
			continue;
		}
		const size_t length = decode((const unsigned char *)s.p + i, s.n - i, &c);
		if (length == 0)
			return fault_set(fault, ERR_BAD_UTF8, NULL,
					 "byte %zu is not valid UTF-8; encode the text as UTF-8",
					 i);
		if (c == 0)
			return fault_set(fault, ERR_BAD_UTF8, NULL,
					 "byte %zu is U+0000, which no text may hold; remove it",
					 i);
		i += length;
		if (is_inert(c)) {
			marks = 0;
			continue;
		}
		*surely_nfc = false;
		marks = utf8proc_get_property((utf8proc_int32_t)c)->combining_class ? marks + 1 : 0;
		if (marks > MARKS_MAX)
			return fault_set(fault, ERR_NOT_NFC, NULL,
					 "more than %d combining marks on one letter at byte %zu; "
					 "remove some",
					 MARKS_MAX, i);
	}
	return ERR_OK;
}

#define NFC (UTF8PROC_STABLE | UTF8PROC_COMPOSE)
/* STRIPMARK looks at decomposed letters; IGNORE drops what cannot be seen; LUMP joins dashes. */
#define FOLDED                                                                                     \
	(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |              \
	 UTF8PROC_STRIPMARK | UTF8PROC_IGNORE | UTF8PROC_LUMP)
/* The same name in another case or width, and nothing else, gives the same text. */
#define SAME_NAME                                                                                  \
	(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE)

/* `s`, which scan has passed, in the form that options name; *out is for free(). */
static enum err map(struct str s, int options, char **out, size_t *n)
{
	utf8proc_uint8_t *mapped = NULL;
	const utf8proc_ssize_t got =
		utf8proc_map((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &mapped,
			     (utf8proc_option_t)options);

	if (got < 0)
		return ERR_NO_MEMORY; /* the text is valid: nothing else can fail */
	*out = (char *)mapped;
	*n = (size_t)got;
	return ERR_OK;
}

static enum err map_in(struct str s, int options, struct arena *a, struct str *out)
{
	char *mapped;
	size_t n;

	if (s.n == 0) {
		*out = s;
		return ERR_OK;
	}
	const enum err e = map(s, options, &mapped, &n);
	if (e)
		return e;
	*out = arena_str(a, (struct str){ mapped, n });
	free(mapped);
	return out->p ? ERR_OK : ERR_NO_MEMORY;
}

enum err text_check(struct str s, struct fault *fault)
{
	bool surely_nfc;
	char *mapped;
	size_t n;
	enum err e = scan(s, &surely_nfc, fault);

	if (e || surely_nfc)
		return e;
	e = map(s, NFC, &mapped, &n);
	if (e)
		return fault_set(fault, e, NULL, "no memory to normalise a text of %zu bytes", s.n);
	const bool same = str_eq(s, (struct str){ mapped, n });
	free(mapped);
	if (same)
		return ERR_OK;
	return fault_set(fault, ERR_NOT_NFC, NULL,
			 "not in Unicode normalization form C; normalise the text before sending");
}

enum err text_nfc(struct str s, struct arena *a, struct str *out, struct fault *fault)
{
	bool surely_nfc;
	enum err e = scan(s, &surely_nfc, fault);

	*out = s;
	if (e || surely_nfc)
		return e;
	e = map_in(s, NFC, a, out);
	if (e)
		return fault_set(fault, e, NULL, "no memory to normalise a text of %zu bytes", s.n);
	return ERR_OK;
}

/* Letters with a stroke or joined, which no decomposition takes apart, as UTS 30 folds them. */
static const struct {
	const char *letter, *plain;
} strokes[] = {
	{ "ø", "o" }, { "ł", "l" }, { "đ", "d" },  { "ð", "d" },  { "ħ", "h" },
	{ "ı", "i" }, { "ŧ", "t" }, { "æ", "ae" }, { "œ", "oe" }, { "þ", "th" },
};

/* In place: no plain letter is longer than what it stands for. */
static size_t unstroke(char *p, size_t n)
{
	size_t to = 0;

	for (size_t from = 0; from < n;) {
		size_t i = 0;
		while (i < ARRAY_LEN(strokes) &&
		       (n - from < 2 || memcmp(p + from, strokes[i].letter, 2) != 0))
			i++;
		if (i == ARRAY_LEN(strokes)) {
			p[to++] = p[from++];
			continue;
		}
		const size_t length = strlen(strokes[i].plain);
		ensure(length <= 2 && strlen(strokes[i].letter) == 2);
		memcpy(p + to, strokes[i].plain, length);
		to += length;
		from += 2;
	}
	return to;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

enum err text_fold(struct str s, struct arena *a, struct str *out)
{
	bool surely_nfc;
	enum err e = scan(s, &surely_nfc, NULL);

	*out = s;
	if (e)
		return e;
	if (!is_ascii(s)) {
		e = map_in(s, FOLDED, a, out);
		/* the bytes are ours: the arena has just made them */
		if (!e)
			out->n = unstroke((char *)(uintptr_t)out->p, out->n);
		return e;
	}
	char *lower = arena_alloc(a, s.n + 1);
	if (!lower)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < s.n; i++)
		lower[i] = ascii_lower(s.p[i]);
	lower[s.n] = 0;
	*out = (struct str){ lower, s.n };
	return ERR_OK;
}

static bool slug_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum err slug_check(struct str s, struct fault *fault)
{
	char quote[TEXT_QUOTE_SIZE];
	const char *why = NULL;

	for (size_t i = 0; i < s.n && i < SLUG_MAX && !why; i++) {
		if (slug_letter(s.p[i]))
			continue;
		if (s.p[i] != '-')
			why = "holds a character that no slug has";
		else if (i == 0 || i == s.n - 1)
			why = "begins or ends with a hyphen";
		else if (s.p[i - 1] == '-')
			why = "has two hyphens in a row";
	}
	if (!why && s.n == 0)
		why = "is empty";
	if (!why && s.n > SLUG_MAX) {
		why = "is too long";
		if (fault)
			fault->max = SLUG_MAX;
	}
	if (!why)
		return ERR_OK;
	text_quote(s, quote);
	return fault_set(fault, ERR_BAD_SLUG, NULL,
			 "\"%s\" %s; use a-z, 0-9 and single hyphens, at most %d bytes", quote, why,
			 SLUG_MAX);
}

/* A hash of what makes a name another one (not its case or width), as hexadecimal digits. */
static enum err name_hash(struct str name, char out[HASH_DIGITS + 1])
{
	static const uint8_t space[ID_SIZE] = { 0 };
	static const char hex[] = "0123456789abcdef";
	uint8_t id[ID_SIZE];
	char *mapped;
	size_t n;
	const enum err e = map(name, SAME_NAME, &mapped, &n);

	if (e)
		return e;
	id_derive(space, (struct str){ mapped, n }, id);
	free(mapped);
	/* bytes 0 to 5 hold no version bits */
	for (size_t i = 0; i < HASH_BYTES; i++) {
		out[2 * i] = hex[id[i] >> 4];
		out[2 * i + 1] = hex[id[i] & 15];
	}
	out[HASH_DIGITS] = 0;
	return ERR_OK;
}

/*
 * Letters and digits of a folded text, with hyphens between groups; tells how many bytes it has,
 * and whether it lost something: letters of other scripts, or the end.
 */
static size_t slug_letters(struct str folded, char out[SLUG_MAX + 1], bool *lost)
{
	size_t n = 0;
	bool gap = false;

	*lost = false;
	for (size_t i = 0; i < folded.n;) {
		uint32_t c;
		const size_t length = decode((const unsigned char *)folded.p + i, folded.n - i, &c);
		ensure(length > 0);
		i += length;
		if (c >= 0x80 || !slug_letter((char)c)) {
			const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
			/* letters and digits of another script, and pictures, make the name */
			if (c >= 0x80 && ((category >= UTF8PROC_CATEGORY_LU &&
					   category <= UTF8PROC_CATEGORY_NO) ||
					  category == UTF8PROC_CATEGORY_SO))
				*lost = true;
			gap = true;
			continue;
		}
		if (n + (gap && n > 0) + 1 > SLUG_MAX) {
			*lost = true;
			break;
		}
		if (gap && n > 0)
			out[n++] = '-';
		gap = false;
		out[n++] = (char)c;
	}
	return n;
}

enum err slug_from_name(struct str name, char out[SLUG_MAX + 1], struct fault *fault)
{
	bool surely_nfc, lost;
	char hash[HASH_DIGITS + 1], *folded;
	size_t n;
	enum err e = scan(name, &surely_nfc, fault);

	out[0] = 0;
	if (e)
		return e;
	if (name.n == 0)
		return fault_set(fault, ERR_BAD_SLUG, NULL, "the name is empty; give one");
	e = map(name, FOLDED, &folded, &n);
	if (!e) {
		n = slug_letters((struct str){ folded, unstroke(folded, n) }, out, &lost);
		free(folded);
		if (lost || n == 0)
			e = name_hash(name, hash);
	}
	if (e)
		return fault_set(fault, e, NULL, "no memory to fold a name of %zu bytes", name.n);
	if (lost || n == 0) {
		static const struct str nothing = { "name", 4 };
		if (n == 0) {
			memcpy(out, nothing.p, nothing.n);
			n = nothing.n;
		}
		if (n > SLUG_MAX - 1 - HASH_DIGITS)
			n = SLUG_MAX - 1 - HASH_DIGITS;
		while (out[n - 1] == '-')
			n--;
		out[n++] = '-';
		memcpy(out + n, hash, HASH_DIGITS);
		n += HASH_DIGITS;
	}
	out[n] = 0;
	ensure(slug_check((struct str){ out, n }, NULL) == ERR_OK);
	return ERR_OK;
}

void text_quote(struct str s, char out[TEXT_QUOTE_SIZE])
{
	static const char more[] = "…";
	size_t n = 0, i = 0;

	while (i < s.n) {
		uint32_t c;
		const size_t length = decode((const unsigned char *)s.p + i, s.n - i, &c);
		const size_t room = TEXT_QUOTE_SIZE - sizeof(more);
		if (n + (length ? length : 1) > room) {
			memcpy(out + n, more, sizeof(more) - 1);
			n += sizeof(more) - 1;
			break;
		}
		/* control characters, direction overrides and broken bytes could harm a terminal */
		if (length == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0) ||
		    utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_CF) {
			out[n++] = '?';
			i += length ? length : 1;
			continue;
		}
		memcpy(out + n, s.p + i, length);
		n += length;
		i += length;
	}
	out[n] = 0;
}
