/* SPDX-License-Identifier: Apache-2.0 */
/* rows: keys, and the walks that both the index and the answers need. */
#include "services/query/rows.h"

static void put_bytes(struct row_key *k, const void *p, size_t n)
{
	require(k->n + n <= sizeof(k->p));
	if (n)
		memcpy(k->p + k->n, p, n);
	k->n += n;
}

static void put_number(struct row_key *k, uint64_t number, unsigned size)
{
	char bytes[sizeof(number)];

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (char)(number >> 8 * (size - 1 - i));
	put_bytes(k, bytes, size);
}

static uint64_t get_number(const char *p, unsigned size)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < size; i++)
		number = number << 8 | (unsigned char)p[i];
	return number;
}

/* Times before 1970 are negative: flip the sign so that they sort. */
static uint64_t sortable(int64_t stated)
{
	return (uint64_t)stated ^ UINT64_C(1) << 63;
}

struct row_key key_slug(enum dictionary dict, struct str slug)
{
	struct row_key k = { .n = 0 };

	put_number(&k, dict, 1);
	put_bytes(&k, slug.p, slug.n);
	return k;
}

struct row_key key_name(enum dictionary dict, uint32_t number)
{
	struct row_key k = { .n = 0 };

	put_number(&k, dict, 1);
	put_number(&k, number, 4);
	return k;
}

struct row_key key_home(enum home home, uint32_t number)
{
	struct row_key k = { .n = 0 };

	put_number(&k, home, 1);
	put_number(&k, number, 4);
	return k;
}

bool key_is_of(struct str key, enum home home, uint32_t number)
{
	return key.n >= 5 && key.p[0] == (char)home && get_number(key.p + 1, 4) == number;
}

struct row_key key_fact(enum home home, uint32_t number, int64_t stated, uint64_t seq)
{
	struct row_key k = key_home(home, number);

	put_number(&k, sortable(stated), 8);
	put_number(&k, seq, 8);
	return k;
}

struct row_key key_related(enum relation relation, uint32_t number, uint32_t other)
{
	struct row_key k = { .n = 0 };

	put_number(&k, relation, 1);
	put_number(&k, number, 4);
	put_number(&k, other, 4);
	return k;
}

struct row_key key_some(enum relation relation, uint32_t number)
{
	struct row_key k = { .n = 0 };

	put_number(&k, relation, 1);
	put_number(&k, number / SOME_NUMBERS, 4);
	return k;
}

struct row_key key_seq(uint64_t seq)
{
	struct row_key k = { .n = 0 };

	put_number(&k, seq, 8);
	return k;
}

struct row_key key_chain(uint64_t tree, uint64_t seq)
{
	struct row_key k = key_seq(tree);

	put_number(&k, seq, 8);
	return k;
}

struct row_key key_alias(enum dictionary dict, uint32_t number, uint64_t seq)
{
	struct row_key k = key_name(dict, number);

	put_number(&k, seq, 8);
	return k;
}

uint64_t key_last_seq(struct str key)
{
	require(key.n >= 8);
	return get_number(key.p + key.n - 8, 8);
}

uint32_t key_last_number(struct str key)
{
	require(key.n >= 4);
	return (uint32_t)get_number(key.p + key.n - 4, 4);
}

/* ---- places ---- */

static size_t place_add(struct place *out, size_t n, enum home home, uint32_t number)
{
	for (size_t i = 0; i < n; i++)
		if (out[i].home == home && out[i].number == number)
			return n;
	require(n < PLACES_MAX);
	out[n] = (struct place){ home, number };
	return n + 1;
}

static size_t rate_place(const struct fact *f, struct place *out, size_t n)
{
	const struct str rate = fact_bytes(f, FACT_RATE);
	uint16_t base, quote;

	if (rate.n < 4)
		return n;
	memcpy(&base, rate.p, 2);
	memcpy(&quote, rate.p + 2, 2);
	return place_add(out, n, HOME_RATE, rate_home(base, quote));
}

size_t places_of(const struct fact *f, struct place out[PLACES_MAX])
{
	size_t n = 0;

	if (f->deal)
		n = place_add(out, n, HOME_DEAL, f->deal);
	if (f->deal && (f->kind == kind_deal || f->kind == kind_cancel))
		n = place_add(out, n, HOME_STRUCTURE, f->deal);
	if (f->kind == kind_total)
		n = place_add(out, n, HOME_TOTAL, 0);
	if (f->kind == kind_rate)
		n = rate_place(f, out, n);
	const struct numbers subject = fact_numbers(f, FACT_SUBJECT);
	if (subject.n)
		n = place_add(out, n, HOME_PARTY, numbers_at(subject, 0));
	if (f->deal)
		return n;
	if (f->payer)
		n = place_add(out, n, HOME_PARTY, f->payer);
	const struct numbers to = fact_numbers(f, FACT_TO);
	for (size_t i = 0; i < to.n; i++)
		n = place_add(out, n, HOME_PARTY, numbers_at(to, i));
	return n;
}

/* ---- walks ---- */

enum err range_open(struct replica *r, enum table table, const struct row_key *prefix,
		    struct range *out)
{
	out->prefix = *prefix;
	return cursor_open(r, table, row_str(prefix), false, &out->c);
}

enum err range_next(struct range *x)
{
	TRY(cursor_next(&x->c));
	if (x->c.key.n < x->prefix.n || memcmp(x->c.key.p, x->prefix.p, x->prefix.n) != 0)
		return ERR_NOT_FOUND;
	return ERR_OK;
}

void range_close(struct range *x)
{
	cursor_close(&x->c);
}

enum err chain_of(struct replica *r, uint64_t seq, uint64_t *tree)
{
	const struct row_key key = key_seq(seq);
	struct str value;

	*tree = seq;
	const enum err e = replica_lookup(r, table_tree, row_str(&key), &value);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (value.n != sizeof(*tree))
		return ERR_DAMAGED;
	memcpy(tree, value.p, sizeof(*tree));
	return ERR_OK;
}

static enum err chain_fact(const struct cursor *c, struct arena *a, struct fact *out)
{
	int64_t stated;

	if (c->value.n < sizeof(stated))
		return ERR_DAMAGED;
	const struct str bytes = arena_str(a, c->value);
	if (!bytes.p)
		return ERR_NO_MEMORY;
	memcpy(&stated, bytes.p, sizeof(stated));
	return fact_read((struct str){ bytes.p + sizeof(stated), bytes.n - sizeof(stated) }, 0,
			 stated, key_last_seq(c->key), out);
}

static enum err chain_collect(struct range *x, const struct horizon *h, struct arena *a,
			      struct fact_list *out)
{
	enum err e;
	size_t cap = 0;

	while (!(e = range_next(x))) {
		struct fact f;
		TRY(chain_fact(&x->c, a, &f));
		if (!horizon_holds(h, &f))
			continue;
		if (out->n == cap) {
			cap = cap ? 2 * cap : 8;
			struct fact *more = arena_alloc(a, cap * sizeof(*more));
			if (!more)
				return ERR_NO_MEMORY;
			if (out->n)
				memcpy(more, out->v, out->n * sizeof(*more));
			out->v = more;
		}
		out->v[out->n++] = f;
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err chain_read(struct replica *r, uint64_t tree, const struct horizon *h, struct arena *a,
		    struct fact_list *out)
{
	const struct row_key prefix = key_seq(tree);
	struct range x;

	*out = (struct fact_list){ 0 };
	TRY(range_open(r, table_chain, &prefix, &x));
	const enum err e = chain_collect(&x, h, a, out);
	range_close(&x);
	return e;
}
