/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fact: out of an event, into bytes and back.
 *
 * Bytes, least significant first: kind (1), grade + 16 * basis (1), flags (2), then what the flags
 * name: payer (4), currency and low (2 + 8), high (8), days of `on` (4 + 4), deal (4), root and ref
 * (8 + 8), derived (8), detail (1), and the parts to the end. Nearly every fact takes 14 to 26.
 */
#include "services/fold/fact.h"

#define PART_HEAD 3u /* tag, count */

uint32_t numbers_at(struct numbers list, size_t i)
{
	uint32_t number;

	require(i < list.n);
	memcpy(&number, list.p + i * sizeof(number), sizeof(number));
	return number;
}

bool numbers_have(struct numbers list, uint32_t number)
{
	for (size_t i = 0; i < list.n; i++)
		if (numbers_at(list, i) == number)
			return true;
	return false;
}

uint16_t currency_pack(const char code[3])
{
	return (uint16_t)((code[0] - '@') << 10 | (code[1] - '@') << 5 | (code[2] - '@'));
}

void currency_unpack(uint16_t packed, char code[4])
{
	code[0] = (char)('@' + (packed >> 10 & 31));
	code[1] = (char)('@' + (packed >> 5 & 31));
	code[2] = (char)('@' + (packed & 31));
	code[3] = 0;
}

/* ---- out of an event ---- */

struct builder {
	const struct numbering *numbering;
	char *p;
	size_t n;
};

static void part_put(struct builder *b, enum fact_part part, const void *p, size_t size, size_t n)
{
	require(b->n + PART_HEAD + size <= FACT_SIZE_MAX && n <= UINT16_MAX);
	b->p[b->n] = (char)part;
	const uint16_t count = (uint16_t)n;
	memcpy(b->p + b->n + 1, &count, sizeof(count));
	if (size)
		memcpy(b->p + b->n + PART_HEAD, p, size);
	b->n += PART_HEAD + size;
}

static enum err part_slugs(struct builder *b, enum fact_part part, enum dictionary dict,
			   const struct str *slugs, size_t n)
{
	uint32_t numbers[256];

	if (n == 0)
		return ERR_OK;
	if (n > ARRAY_LEN(numbers))
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < n; i++)
		TRY(b->numbering->number(b->numbering->arg, dict, slugs[i], &numbers[i]));
	part_put(b, part, numbers, n * sizeof(numbers[0]), n);
	return ERR_OK;
}

static enum err part_links(struct builder *b, const struct event *e, enum link_type type,
			   enum fact_part part)
{
	struct str deals[64];
	size_t n = 0;

	for (size_t i = 0; i < e->links.n; i++)
		if (e->links.v[i].type == (int)type && n < ARRAY_LEN(deals))
			deals[n++] = e->links.v[i].deal;
	return part_slugs(b, part, DICT_DEAL, deals, n);
}

static enum err part_rate(struct builder *b, const struct event *e)
{
	struct decimal rate;
	char bytes[13];

	if (e->base.n != 3 || e->quote.n != 3)
		return ERR_BAD_CURRENCY;
	TRY(decimal_parse(e->rate, &rate, NULL));
	const uint16_t base = currency_pack(e->base.p), quote = currency_pack(e->quote.p);
	memcpy(bytes, &base, 2);
	memcpy(bytes + 2, &quote, 2);
	bytes[4] = (char)rate.scale;
	memcpy(bytes + 5, &rate.units, 8);
	part_put(b, FACT_RATE, bytes, sizeof(bytes), sizeof(bytes));
	return ERR_OK;
}

static enum err parts_of(struct builder *b, const struct event *e, struct fact *f)
{
	const struct numbering *names = b->numbering;

	if (msg_has(e, event, derived_from) && !f->derived)
		part_put(b, FACT_ORIGIN, e->derived_from.b, ID_SIZE, ID_SIZE);
	if (e->kind == kind_deal)
		TRY(part_slugs(b, FACT_FROM, DICT_PARTY, e->from.v, e->from.n));
	else if (e->from.n)
		TRY(names->number(names->arg, DICT_PARTY, e->from.v[0], &f->payer));
	TRY(part_slugs(b, FACT_TO, DICT_PARTY, e->to.v, e->to.n));
	if (e->kind == kind_deal) {
		TRY(part_links(b, e, link_type_part_of, FACT_PART_OF));
		TRY(part_links(b, e, link_type_supersedes, FACT_SUPERSEDES));
	}
	if (e->kind == kind_total) {
		TRY(part_slugs(b, FACT_DEALS, DICT_DEAL, e->deals.v, e->deals.n));
		TRY(part_slugs(b, FACT_ASSUME, DICT_DEAL, e->assume.v, e->assume.n));
	}
	if (e->kind == kind_party && e->party.n)
		TRY(part_slugs(b, FACT_SUBJECT, DICT_PARTY, &e->party, 1));
	if (e->kind == kind_condition && e->condition.n)
		part_put(b, FACT_CONDITION, e->condition.p, e->condition.n, e->condition.n);
	if (e->kind == kind_rate)
		TRY(part_rate(b, e));
	return ERR_OK;
}

static void amount_of(const struct amount *a, struct fact *f)
{
	f->flags |= FACT_AMOUNT;
	f->currency = currency_pack(a->currency);
	f->low = a->low_open ? 0 : a->low;
	f->high = a->high_open ? 0 : a->high;
	f->flags |= a->low_open ? FACT_LOW_OPEN : a->low_excl ? FACT_LOW_EXCL : 0;
	f->flags |= a->high_open ? FACT_HIGH_OPEN : a->high_excl ? FACT_HIGH_EXCL : 0;
	f->flags |= a->approx ? FACT_APPROX : 0;
}

/* `stated` and `on`, own or taken from the event that is corrected. */
static enum err dates_of(const struct event *e, const struct fact *ref, struct fact *f)
{
	struct when stated;
	struct date on;

	if (e->stated.n) {
		TRY(when_parse(e->stated, &stated, NULL));
		f->stated = stated.us;
	} else if (ref) {
		f->stated = ref->stated;
	}
	f->on_first = f->on_last = day_of(f->stated);
	if (e->on.n) {
		TRY(date_parse(e->on, &on, NULL));
		f->on_first = on.earliest;
		f->on_last = on.latest;
		f->flags |= on.interval ? FACT_WINDOW : 0;
	} else if (ref && e->kind != kind_retract) {
		f->on_first = ref->on_first;
		f->on_last = ref->on_last;
		f->flags |= ref->flags & FACT_WINDOW;
	}
	return ERR_OK;
}

enum err fact_from_event(const struct event *e, uint64_t seq, const struct fact *ref,
			 uint64_t derived, const struct numbering *numbering, struct arena *a,
			 struct fact *out)
{
	char parts[FACT_SIZE_MAX];
	struct builder b = { .numbering = numbering, .p = parts };
	struct fact f = { .seq = seq, .root = seq, .derived = derived, .kind = (uint8_t)e->kind };

	if (ref) {
		f.ref = ref->seq;
		if (e->kind != kind_retract)
			f.root = fact_corrects(ref) ? ref->root : ref->seq;
	}
	f.grade = (uint8_t)(e->grade ? e->grade : grade_press);
	f.basis = (uint8_t)(e->basis ? e->basis : basis_cash);
	f.detail = (uint8_t)(e->kind == kind_total ? e->rung
			     : e->kind == kind_condition ? e->state : 0);
	f.flags = (e->adds ? FACT_ADDS : 0u) | (e->returned ? FACT_RETURNED : 0u);
	if (msg_has(e, event, amount))
		amount_of(&e->amount, &f);
	TRY(dates_of(e, ref, &f));
	if (e->deal.n)
		TRY(numbering->number(numbering->arg, DICT_DEAL, e->deal, &f.deal));
	TRY(parts_of(&b, e, &f));
	const struct str more = arena_str(a, (struct str){ parts, b.n });
	if (!more.p)
		return ERR_NO_MEMORY;
	f.more = more.p;
	f.more_size = (uint32_t)b.n;
	*out = f;
	return ERR_OK;
}

/* ---- bytes ---- */

#define FIXED_SIZE FACT_SIZE_MIN /* kind to flags */
#define FACT_RARE                                                                                  \
	(FACT_HAS_ON | FACT_HAS_DEAL | FACT_HAS_CHAIN | FACT_HAS_DERIVED | FACT_HAS_DETAIL)

static uint16_t stored_flags(const struct fact *f, uint32_t home_deal)
{
	const int32_t day = day_of(f->stated);
	uint32_t flags = f->flags & ~(uint32_t)FACT_STORED;

	flags |= f->on_first != day || f->on_last != day ? FACT_HAS_ON : 0;
	flags |= f->deal != home_deal ? FACT_HAS_DEAL : 0;
	flags |= f->payer ? FACT_HAS_PAYER : 0;
	flags |= f->flags & FACT_AMOUNT && f->high != f->low ? FACT_HAS_HIGH : 0;
	flags |= f->ref ? FACT_HAS_CHAIN : 0;
	flags |= f->derived ? FACT_HAS_DERIVED : 0;
	flags |= f->detail ? FACT_HAS_DETAIL : 0;
	return (uint16_t)flags;
}

static char *put(char *to, const void *p, size_t n)
{
	memcpy(to, p, n);
	return to + n;
}

size_t fact_write(const struct fact *f, uint32_t home_deal, char out[FACT_SIZE_MAX])
{
	const uint16_t flags = stored_flags(f, home_deal);
	char *to = out + FIXED_SIZE;

	out[0] = (char)f->kind;
	out[1] = (char)(f->grade | f->basis << 4);
	memcpy(out + 2, &flags, sizeof(flags));
	if (flags & FACT_HAS_PAYER)
		to = put(to, &f->payer, 4);
	if (flags & FACT_AMOUNT)
		to = put(put(to, &f->currency, 2), &f->low, 8);
	if (flags & FACT_HAS_HIGH)
		to = put(to, &f->high, 8);
	if (flags & FACT_HAS_ON)
		to = put(put(to, &f->on_first, 4), &f->on_last, 4);
	if (flags & FACT_HAS_DEAL)
		to = put(to, &f->deal, 4);
	if (flags & FACT_HAS_CHAIN)
		to = put(put(to, &f->root, 8), &f->ref, 8);
	if (flags & FACT_HAS_DERIVED)
		to = put(to, &f->derived, 8);
	if (flags & FACT_HAS_DETAIL)
		*to++ = (char)f->detail;
	require((size_t)(to - out) + f->more_size <= FACT_SIZE_MAX);
	if (f->more_size)
		to = put(to, f->more, f->more_size);
	return (size_t)(to - out);
}

static inline const char *take(const char *from, void *p, size_t n)
{
	memcpy(p, from, n);
	return from + n;
}

/* What few facts have; NULL where they are cut off. */
static const char *read_rare(const char *from, const char *end, uint32_t flags, struct fact *f)
{
	const ptrdiff_t size = (flags & FACT_HAS_ON ? 8 : 0) + (flags & FACT_HAS_DEAL ? 4 : 0) +
			       (flags & FACT_HAS_CHAIN ? 16 : 0) +
			       (flags & FACT_HAS_DERIVED ? 8 : 0) +
			       (flags & FACT_HAS_DETAIL ? 1 : 0);

	if (end - from < size)
		return NULL;
	if (flags & FACT_HAS_ON)
		from = take(take(from, &f->on_first, 4), &f->on_last, 4);
	if (flags & FACT_HAS_DEAL)
		from = take(from, &f->deal, 4);
	if (flags & FACT_HAS_CHAIN)
		from = take(take(from, &f->root, 8), &f->ref, 8);
	if (flags & FACT_HAS_DERIVED)
		from = take(from, &f->derived, 8);
	if (flags & FACT_HAS_DETAIL)
		f->detail = (uint8_t)*from++;
	return from;
}

/* What nearly every fact is without; field by field, as this is what most of an answer's time goes to. */
static void fact_begin(struct fact *f, uint32_t deal, int64_t stated, uint64_t seq)
{
	f->seq = f->root = seq;
	f->ref = f->derived = 0;
	f->stated = stated;
	f->low = f->high = 0;
	f->deal = deal;
	f->payer = 0;
	f->on_first = f->on_last = day_of(stated);
	f->currency = 0;
	f->detail = 0;
}

enum err fact_read(struct str bytes, uint32_t home_deal, int64_t stated, uint64_t seq,
		   struct fact *f)
{
	const char *from = bytes.p + FIXED_SIZE, *end = bytes.p + bytes.n;
	uint16_t flags;

	if (bytes.n < FIXED_SIZE)
		return ERR_DAMAGED;
	memcpy(&flags, bytes.p + 2, sizeof(flags));
	if (end - from < (flags & FACT_HAS_PAYER ? 4 : 0) + (flags & FACT_AMOUNT ? 10 : 0) +
				 (flags & FACT_HAS_HIGH ? 8 : 0))
		return ERR_DAMAGED;
	fact_begin(f, home_deal, stated, seq);
	f->kind = (uint8_t)bytes.p[0];
	f->grade = (uint8_t)bytes.p[1] & 15;
	f->basis = (uint8_t)bytes.p[1] >> 4;
	f->flags = flags & ~(uint32_t)FACT_STORED;
	if (flags & FACT_HAS_PAYER)
		from = take(from, &f->payer, 4);
	if (flags & FACT_AMOUNT) {
		from = take(take(from, &f->currency, 2), &f->low, 8);
		f->high = f->low;
	}
	if (flags & FACT_HAS_HIGH)
		from = take(from, &f->high, 8);
	if (flags & FACT_RARE)
		from = read_rare(from, end, flags, f);
	if (!from)
		return ERR_DAMAGED;
	f->more = from;
	f->more_size = (uint32_t)(end - from);
	return ERR_OK;
}

bool fact_bytes_elsewhere(struct str bytes)
{
	uint16_t flags;

	if (bytes.n < FIXED_SIZE)
		return true;
	memcpy(&flags, bytes.p + 2, sizeof(flags));
	return flags & FACT_HAS_DEAL;
}

static bool holds_bytes(enum fact_part part)
{
	return part == FACT_CONDITION || part == FACT_ORIGIN || part == FACT_RATE;
}

/* The count of a part, and where it begins; 0 where the fact has none. */
static size_t find_part(const struct fact *f, enum fact_part part, const char **p)
{
	size_t at = 0;

	while (at + PART_HEAD <= f->more_size) {
		const enum fact_part found = (enum fact_part)f->more[at];
		uint16_t count;
		memcpy(&count, f->more + at + 1, sizeof(count));
		const size_t size = holds_bytes(found) ? count : count * sizeof(uint32_t);
		if (size > f->more_size - at - PART_HEAD)
			return 0;
		*p = f->more + at + PART_HEAD;
		if (found == part)
			return count;
		at += PART_HEAD + size;
	}
	return 0;
}

struct numbers fact_numbers(const struct fact *f, enum fact_part part)
{
	struct numbers list = { 0 };

	require(!holds_bytes(part));
	list.n = find_part(f, part, &list.p);
	return list;
}

struct str fact_bytes(const struct fact *f, enum fact_part part)
{
	struct str bytes = { 0 };

	require(holds_bytes(part));
	bytes.n = find_part(f, part, &bytes.p);
	return bytes;
}
