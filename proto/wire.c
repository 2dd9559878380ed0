/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: MessagePack, read by hand: msgpack-c believes the counts that it reads. pack.c writes.
 *
 * A first byte says what an item is and how many bytes of length or number follow; classify()
 * turns it into that, and everything else is the same for all. Input may be anything: the untouched
 * length is compared with what is left, never a sum.
 */
#include "proto/wire.h"

/* What a first byte announces. */
enum form {
	FORM_VALUE, /* the item is the byte itself */
	FORM_UINT,
	FORM_INT,
	FORM_TEXT,
	FORM_BIN,
	FORM_ARRAY,
	FORM_MAP,
	FORM_FLOAT,
	FORM_EXT,
	FORM_NEVER
};
struct lead {
	unsigned char form, width; /* width: bytes of number or length behind it */
};

/* 0xc0 to 0xdf; the others carry their value or length in themselves. */
static const struct lead leads[32] = {
	{ FORM_VALUE, 0 }, { FORM_NEVER, 0 }, { FORM_VALUE, 0 }, { FORM_VALUE, 0 },
	{ FORM_BIN, 1 },   { FORM_BIN, 2 },   { FORM_BIN, 4 },	 { FORM_EXT, 0 },
	{ FORM_EXT, 0 },   { FORM_EXT, 0 },   { FORM_FLOAT, 0 }, { FORM_FLOAT, 0 },
	{ FORM_UINT, 1 },  { FORM_UINT, 2 },  { FORM_UINT, 4 },	 { FORM_UINT, 8 },
	{ FORM_INT, 1 },   { FORM_INT, 2 },   { FORM_INT, 4 },	 { FORM_INT, 8 },
	{ FORM_EXT, 0 },   { FORM_EXT, 0 },   { FORM_EXT, 0 },	 { FORM_EXT, 0 },
	{ FORM_EXT, 0 },   { FORM_TEXT, 1 },  { FORM_TEXT, 2 },	 { FORM_TEXT, 4 },
	{ FORM_ARRAY, 2 }, { FORM_ARRAY, 4 }, { FORM_MAP, 2 },	 { FORM_MAP, 4 },
};

static enum err truncated(struct fault *fault)
{
	return fault_set(fault, ERR_MALFORMED, NULL, "the bytes end in the middle of a value");
}

/* Most significant byte first. */
static enum err read_number(struct wire *w, unsigned width, uint64_t *out, struct fault *fault)
{
	uint64_t n = 0;

	if (width > (size_t)(w->end - w->p))
		return truncated(fault);
	for (unsigned i = 0; i < width; i++)
		n = n << 8 | w->p[i];
	w->p += width;
	*out = n;
	return ERR_OK;
}

static enum err read_run(struct wire *w, enum item_kind kind, uint64_t n, struct item *item,
			 struct fault *fault)
{
	if (n > (size_t)(w->end - w->p))
		return truncated(fault);
	item->kind = kind;
	item->s = (struct str){ (const char *)w->p, (size_t)n };
	w->p += n;
	if (kind == ITEM_BIN)
		w->reserved -= w->reserved < n ? w->reserved : n;
	return ERR_OK;
}

/* Each item of an array takes a byte at least, each pair of a map two. */
static enum err read_count(struct wire *w, enum item_kind kind, uint64_t n, struct item *item,
			   struct fault *fault)
{
	const size_t left = (size_t)(w->end - w->p);

	if (n > (kind == ITEM_MAP ? left / 2 : left))
		return fault_set(fault, ERR_MALFORMED, NULL, "a count of more items than bytes");
	item->kind = kind;
	item->u = n;
	return ERR_OK;
}

static void set_signed(struct item *item, int64_t n)
{
	item->kind = n < 0 ? ITEM_NEGATIVE : ITEM_UINT;
	item->i = n;
	item->u = n < 0 ? 0 : (uint64_t)n;
}

static int64_t sign_extend(uint64_t n, unsigned width)
{
	const uint64_t sign = UINT64_C(1) << (8 * width - 1);

	/* two's complement, without shifting a signed number */
	return (int64_t)((n ^ sign) - sign);
}

/* The items whose first byte says that a number or length of its own follows, or a constant. */
static enum err read_led(struct wire *w, unsigned char first, struct item *item, struct fault *fault)
{
	const struct lead lead = leads[first - 0xc0];
	uint64_t n = 0;
	const enum err e = read_number(w, lead.width, &n, fault);

	if (e)
		return e;
	switch ((enum form)lead.form) {
	case FORM_VALUE:
		item->kind = first == 0xc0 ? ITEM_NIL : ITEM_BOOL;
		item->u = first == 0xc3;
		return ERR_OK;
	case FORM_UINT:
		item->kind = ITEM_UINT;
		item->u = n;
		return ERR_OK;
	case FORM_INT:
		set_signed(item, sign_extend(n, lead.width));
		return ERR_OK;
	case FORM_TEXT:
		return read_run(w, ITEM_TEXT, n, item, fault);
	case FORM_BIN:
		return read_run(w, ITEM_BIN, n, item, fault);
	case FORM_ARRAY:
		return read_count(w, ITEM_ARRAY, n, item, fault);
	case FORM_MAP:
		return read_count(w, ITEM_MAP, n, item, fault);
	case FORM_FLOAT:
		return fault_set(fault, ERR_FLOAT, NULL, "a floating point number");
	case FORM_EXT:
		return fault_set(fault, ERR_WRONG_TYPE, NULL, "extension types are not used");
	case FORM_NEVER:
		return fault_set(fault, ERR_MALFORMED, NULL, "the byte 0xc1, which begins nothing");
	}
	impossible("every form is handled");
}

enum err wire_next_any(struct wire *w, struct item *item, struct fault *fault)
{
	if (w->p == w->end)
		return truncated(fault);
	const unsigned char first = *w->p++;
	if (first < 0x80) {
		item->kind = ITEM_UINT;
		item->u = first;
		return ERR_OK;
	}
	if (first < 0x90)
		return read_count(w, ITEM_MAP, first & 0x0f, item, fault);
	if (first < 0xa0)
		return read_count(w, ITEM_ARRAY, first & 0x0f, item, fault);
	if (first < 0xc0)
		return read_run(w, ITEM_TEXT, first & 0x1f, item, fault);
	if (first < 0xe0)
		return read_led(w, first, item, fault);
	set_signed(item, (int64_t)first - 256);
	return ERR_OK;
}

enum err wire_wrong(const struct item *item, const char *wanted, struct fault *fault)
{
	static const char *const found[] = { "nil", "a boolean", "a number", "a negative number",
					     "text", "bytes", "an array", "a map" };

	return fault_set(fault, ERR_WRONG_TYPE, NULL, "%s where %s belongs", found[item->kind],
			 wanted);
}

static enum err too_large(int64_t max, const char *what, struct fault *fault)
{
	if (fault)
		fault->max = max;
	return fault_set(fault, ERR_TOO_LARGE, NULL, "%s than %lld bytes", what, (long long)max);
}

enum err wire_key_any(struct wire *w, struct str *key, struct fault *fault)
{
	struct item item;
	const enum err e = wire_next_any(w, &item, fault);

	if (e)
		return e;
	if (item.kind != ITEM_TEXT)
		return wire_wrong(&item, "a key, which is text,", fault);
	if (item.s.n > KEY_BYTES_MAX)
		return too_large(KEY_BYTES_MAX, "a longer key", fault);
	*key = item.s;
	return ERR_OK;
}

/* ---- UTF-8 ---- */

/* Bytes of the character that begins at p, 0 where it is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	const unsigned char c = p[0];
	const size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;

	if (n == 0 || n > left || c == 0)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* overlong forms, surrogates, beyond U+10FFFF */
	if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) ||
	    (c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* Whether any byte is not ASCII, or zero: a byte of 0 borrows, one from 0x80 on has the bit already. */
static bool is_odd(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;

	return ((word | (word - ones)) & highs) != 0;
}

static uint64_t word_at(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Bytes 0 to 3 and the last four of 4 to 7. */
static uint64_t short_word(const unsigned char *p, size_t n)
{
	uint32_t first, last;

	memcpy(&first, p, sizeof(first));
	memcpy(&last, p + n - sizeof(last), sizeof(last));
	return first | (uint64_t)last << 32;
}

/*
 * How much of the beginning is ASCII without a zero, nearly all of nearly every text: in whole words, the
 * last of which may look at bytes a second time.
 */
static inline size_t plain_length(const unsigned char *p, size_t n)
{
	const size_t size = sizeof(uint64_t);
	size_t i = 0;

	if (n < size)
		return n >= size / 2 && !is_odd(short_word(p, n)) ? n : 0;
	while (n - i >= size && !is_odd(word_at(p + i)))
		i += size;
	return n - i < size && !is_odd(word_at(p + n - size)) ? n : i;
}

bool plain_ascii(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = plain_length(p, s.n);

	while (i < s.n && p[i] - 1u < 0x7f)
		i++;
	return i == s.n;
}

bool utf8_valid(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = plain_length(p, s.n);

	while (i < s.n) {
		if (p[i] - 1u < 0x7f) {
			i++;
			continue;
		}
		const size_t n = utf8_length(p + i, s.n - i);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* ---- keys ---- */

/* The end of a key, in which keys mostly differ, and its length. */
static uint32_t mark_of(struct str key)
{
	uint32_t end = 0;

	if (key.n >= sizeof(end))
		memcpy(&end, key.p + key.n - sizeof(end), sizeof(end));
	else
		for (size_t i = 0; i < key.n; i++)
			end = end << 8 | (unsigned char)key.p[i];
	return end ^ (uint32_t)key.n << 24;
}

_Static_assert(MAP_KEYS_MAX % KEYS_AT_ONCE == 0, "marks are compared in whole blocks");

/* Whether a block of marks has this one; without a branch, so that it is a few vector compares. */
static bool block_has(const uint32_t *marks, uint32_t mark)
{
	uint32_t hits = 0;

	for (unsigned i = 0; i < KEYS_AT_ONCE; i++)
		hits |= marks[i] == mark;
	return hits != 0;
}

static bool keyset_has(const struct keyset *k, uint32_t mark, struct str key)
{
	for (size_t at = 0; at < k->n; at += KEYS_AT_ONCE) {
		if (!block_has(k->mark + at, mark))
			continue;
		for (size_t i = at; i < at + KEYS_AT_ONCE && i < k->n; i++)
			if (k->mark[i] == mark && str_eq(k->key[i], key))
				return true;
	}
	return false;
}

/* One of 64, by the highest bits of a product that all bits of the mark have a part in. */
static uint64_t bit_of(uint32_t mark)
{
	return UINT64_C(1) << (mark * UINT32_C(0x9e3779b1) >> 26);
}

enum err keyset_add(struct keyset *k, struct str key, struct fault *fault)
{
	const uint32_t mark = mark_of(key);
	const uint64_t bit = bit_of(mark);

	if (k->n == 0)
		k->seen = 0;
	if (k->seen & bit && keyset_has(k, mark, key))
		return fault_set(fault, ERR_DUPLICATE_KEY, NULL, "this key stands twice");
	if (k->n == MAP_KEYS_MAX) {
		if (fault)
			fault->max = MAP_KEYS_MAX;
		return fault_set(fault, ERR_TOO_LARGE, NULL, "a map of more than %u keys",
				 MAP_KEYS_MAX);
	}
	if (!utf8_valid(key))
		return fault_set(fault, ERR_BAD_UTF8, NULL, "a key that is not valid UTF-8");
	if (k->n % KEYS_AT_ONCE == 0)
		memset(k->mark + k->n, 0, KEYS_AT_ONCE * sizeof(mark));
	k->seen |= bit;
	k->mark[k->n] = mark;
	k->key[k->n++] = key;
	return ERR_OK;
}

#define PLAIN_KEY_MAX 40
void fault_under_key(struct fault *fault, struct str key)
{
	char name[PLAIN_KEY_MAX + 1];
	bool plain = key.n > 0 && key.n <= PLAIN_KEY_MAX;

	for (size_t i = 0; plain && i < key.n; i++) {
		const char c = key.p[i];
		plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '_' || c == '-';
		name[i] = c;
	}
	name[plain ? key.n : 0] = 0;
	fault_under(fault, plain ? name : "?");
}

/* ---- passing over ---- */

static enum err pass_map(struct wire *w, uint64_t pairs, unsigned depth, struct fault *fault)
{
	struct keyset keys;
	struct item item;
	struct str key;
	enum err e;

	keys.n = 0;
	for (uint64_t i = 0; i < pairs; i++) {
		e = wire_key(w, &key, fault);
		if (e)
			return e;
		e = keyset_add(&keys, key, fault);
		if (!e)
			e = wire_next(w, &item, fault);
		if (!e)
			e = wire_pass(w, &item, depth, fault);
		if (e) {
			fault_under_key(fault, key);
			return e;
		}
	}
	return ERR_OK;
}

static enum err pass_array(struct wire *w, uint64_t count, unsigned depth, struct fault *fault)
{
	struct item item;

	for (uint64_t i = 0; i < count; i++) {
		enum err e = wire_next(w, &item, fault);
		if (!e)
			e = wire_pass(w, &item, depth, fault);
		if (e)
			return e;
	}
	return ERR_OK;
}

enum err wire_pass(struct wire *w, const struct item *item, unsigned depth, struct fault *fault)
{
	if (w->reserved > (size_t)(w->end - w->p))
		return too_large(REQUEST_PLAIN_MAX, "a request of more beside its events", fault);
	if (item->kind == ITEM_TEXT && !utf8_valid(item->s))
		return fault_set(fault, ERR_BAD_UTF8, NULL, "text that is not valid UTF-8");
	if (item->kind != ITEM_ARRAY && item->kind != ITEM_MAP)
		return ERR_OK;
	if (depth >= MSG_DEPTH_MAX) {
		if (fault)
			fault->max = MSG_DEPTH_MAX;
		return fault_set(fault, ERR_TOO_DEEP, NULL, "nested more than %u deep",
				 MSG_DEPTH_MAX);
	}
	return item->kind == ITEM_MAP ? pass_map(w, item->u, depth + 1, fault) :
					pass_array(w, item->u, depth + 1, fault);
}

enum err wire_check(struct str bytes, struct fault *fault)
{
	struct wire w = wire_of(bytes);
	struct item item;
	enum err e = wire_next(&w, &item, fault);

	if (!e && item.kind != ITEM_MAP)
		e = wire_wrong(&item, "a map", fault);
	if (!e)
		e = wire_pass(&w, &item, 0, fault);
	if (!e && w.p != w.end)
		e = fault_set(fault, ERR_MALFORMED, NULL, "bytes behind the end of the map");
	return e;
}
