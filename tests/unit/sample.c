/* SPDX-License-Identifier: Apache-2.0 */
/* sample: made by chance out of short lists of values, so that what comes out can be read. */
#include "tests/unit/sample.h"

#include "proto/field.h"

#define LIST_ITEMS_MAX 4

struct maker {
	struct random *random;
	struct arena *arena;
	bool whole;
};

static struct str pick(struct maker *m, const char *const *words, size_t n)
{
	return str_of(words[random_below(m->random, n)]);
}
#define PICK(m, words) pick(m, words, ARRAY_LEN(words))

static void *room(struct maker *m, size_t n)
{
	void *p = arena_alloc(m->arena, n);

	require(p);
	return p;
}

/* Words in several scripts, in NFC, up to `max` bytes; now and then as long as may be. */
static struct str make_text(struct maker *m, size_t max)
{
	static const char *const parts[] = { "deal", " ", "\"", "\\", "\n", "\xc3\xa9", "\xe3\x82\xbd",
					     "\xf0\x9f\x92\xb6", "x\x7f", "\x01", "0", "/" };
	static const char *const plain[] = { "SoftBank", "n\xc3\xa9gociations", "fr", "a \"b\"" };
	size_t n = 0;

	if (m->whole) {
		const struct str s = PICK(m, plain);
		return s.n <= max ? s : STR("XXX");
	}
	const size_t want = random_below(m->random, 40) == 0 ? max : random_below(m->random, 30);
	char *p = room(m, want + 8);
	while (n < want) {
		const struct str part = PICK(m, parts);
		if (part.n > want - n || n + part.n > max)
			p[n++] = 'z';
		else
			n += (memcpy(p + n, part.p, part.n), part.n);
	}
	return (struct str){ p, n < max ? n : max };
}

static struct str make_slug(struct maker *m)
{
	static const char *const slugs[] = { "softbank", "openai", "stargate", "softbank-openai-2025", "a",
					     "0-1", "x2" };

	return PICK(m, slugs);
}

static struct str make_currency(struct maker *m)
{
	static const char *const codes[] = { "USD", "EUR", "JPY", "KWD" };
	size_t n = 0;

	if (m->whole)
		return PICK(m, codes);
	while (currency_at(n))
		n++;
	return str_of(currency_at(random_below(m->random, n))->code);
}

static struct str make_formed(struct maker *m, enum ftype type)
{
	static const char *const dates[] = { "2023", "2025-01", "2025-01-21", "2022-12~", "2025-04?",
					     "2015/..", "../2029-01-21", "2024-10/2024-12-24", "2025-21" };
	static const char *const whens[] = { "2025-01-30", "2025-01-30T14:05:06Z",
					     "2025-01-30T14:05:06.000001Z" };
	static const char *const days[] = { "2025-01-30", "0001-01-01", "2024-02-29" };
	static const char *const decimals[] = { "0", "156.25", "-3.5", "1" };
	static const char *const moves[] = { "up", "down", "-1", "36.5" };

	switch (type) {
	case F_DATE:
		return PICK(m, dates);
	case F_WHEN:
		return PICK(m, whens);
	case F_DAY:
		return PICK(m, days);
	case F_DECIMAL:
		return PICK(m, decimals);
	case F_MOVE:
		return PICK(m, moves);
	default:
		return make_currency(m);
	}
}

static struct amount make_amount(struct maker *m)
{
	struct amount a = { .low = (int64_t)random_bits(m->random, 63),
			    .high = (int64_t)random_bits(m->random, 63),
			    .approx = random_below(m->random, 2) };

	memcpy(a.currency, make_currency(m).p, sizeof(a.currency) - 1);
	if (a.low > a.high) {
		const int64_t low = a.high;
		a.high = a.low;
		a.low = low;
	}
	if (!m->whole && random_below(m->random, 3) == 0)
		a.low = -a.low;
	a.low_open = random_below(m->random, 4) == 0;
	a.high_open = random_below(m->random, 4) == 0;
	a.low_excl = !a.low_open && random_below(m->random, 4) == 0;
	a.high_excl = !a.high_open && random_below(m->random, 4) == 0;
	if (a.low_open)
		a.low = 0;
	if (a.high_open)
		a.high = 0;
	return a;
}

/* An encoded event, or (only outside vectors) bytes that are none. */
static struct str make_bytes(struct maker *m)
{
	struct event event;
	struct buf bytes;

	if (!m->whole && random_below(m->random, 4) == 0) {
		const size_t n = random_below(m->random, 20);
		char *p = room(m, n);
		for (size_t i = 0; i < n; i++)
			p[i] = (char)random_next(m->random);
		return (struct str){ p, n };
	}
	do {
		sample_make(&shape_event, m->random, m->arena, m->whole, &event);
		buf_init(&bytes, EVENT_BYTES_MAX);
	} while (record_encode(&shape_event, &event, &bytes));
	const struct str s = arena_str(m->arena, buf_str(&bytes));
	buf_fini(&bytes);
	require(s.p);
	return s;
}

static uint64_t make_u64(struct maker *m, const struct field *f)
{
	return !f->list && f->limit ? random_below(m->random, f->limit + 1) : random_bits(m->random, 63);
}

static int64_t make_i64(struct maker *m, const struct field *f)
{
	if (f->type == F_TIME)
		return m->whole ? INT64_C(1738245906000000) :
			TIME_US_MIN + (int64_t)random_below(m->random, (uint64_t)(TIME_US_MAX - TIME_US_MIN) + 1);
	const int64_t n = (int64_t)random_bits(m->random, 63);
	return random_below(m->random, 2) ? n : -n - 1;
}

static void make_value(struct maker *m, const struct field *f, void *to)
{
	switch (f->type) {
	case F_BOOL:
		*(bool *)to = random_below(m->random, 2);
		return;
	case F_U64:
		*(uint64_t *)to = make_u64(m, f);
		return;
	case F_I64:
	case F_TIME:
		*(int64_t *)to = make_i64(m, f);
		return;
	case F_ID:
	case F_HASH:
		for (size_t i = 0; i < field_size(f); i++)
			((uint8_t *)to)[i] = (uint8_t)random_next(m->random);
		return;
	case F_BYTES:
		*(struct str *)to = make_bytes(m);
		return;
	case F_AMOUNT:
		*(struct amount *)to = make_amount(m);
		return;
	case F_ENUM:
		*(int *)to = 1 + (int)random_below(m->random, f->words->count);
		return;
	case F_SUB:
	case F_PAIRS:
		sample_make(f->sub, m->random, m->arena, m->whole, to);
		return;
	case F_TEXT:
		*(struct str *)to = make_text(m, f->list ? TEXT_ITEM_MAX : f->limit);
		return;
	case F_SLUG:
		*(struct str *)to = make_slug(m);
		return;
	default:
		*(struct str *)to = make_formed(m, f->type);
	}
}

/* Keys of a map differ. */
static void make_keys_differ(struct maker *m, const struct field *f, struct str_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		char *rec = (char *)list->v + i * f->sub->size;
		struct str *key = (struct str *)(rec + f->sub->fields[0].offset);
		*key = arena_printf(m->arena, "%.*s-%zu", STR_ARG(*key), i);
		require(key->p);
	}
}

/* Every list has the layout { v, n }. */
static void make_list(struct maker *m, const struct field *f, void *to)
{
	struct str_list list = { .n = m->whole ? 2 : random_below(m->random, LIST_ITEMS_MAX + 1) };

	if (list.n > f->limit)
		list.n = (size_t)f->limit;
	list.v = arena_zalloc(m->arena, list.n, field_size(f));
	require(list.v);
	for (size_t i = 0; i < list.n; i++)
		make_value(m, f, (char *)list.v + i * field_size(f));
	if (f->type == F_PAIRS)
		make_keys_differ(m, f, &list);
	memcpy(to, &list, sizeof(list));
}

void sample_make(const struct shape *s, struct random *r, struct arena *a, bool whole, void *out)
{
	struct maker m = { r, a, whole };
	uint64_t has = 0;

	memset(out, 0, s->size);
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		if (!f->required && !whole && random_below(r, 2))
			continue;
		has |= UINT64_C(1) << i;
		if (f->list)
			make_list(&m, f, (char *)out + f->offset);
		else
			make_value(&m, f, (char *)out + f->offset);
	}
	memcpy(out, &has, sizeof(has));
}
