/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: rows beside the events; see rows.h for the tables.
 *
 * An event becomes a fact, which lies in every home that it belongs to. Where events hang together
 * by `ref`, each of them lies in the homes of all of them, so that every answer finds the whole
 * chain at the one place where it looks. A chain through more than CHAIN_HOMES_MAX homes, or with
 * more than CHAIN_ROWS_MAX rows in them, is followed no further: its later events change no figure.
 * No real correction comes near, and without a limit one event could cost as many rows as it likes.
 *
 * Events are read back out of the transaction itself; what a look-up gives is copied before the
 * next row is put, since putting ends it.
 */
#include "services/query/index.h"

#include "services/fold/kept.h"
#include "services/query/blocks.h"

struct indexing {
	struct replica *r;
	struct kept *kept;
	struct counts *slugs, *related; /* that are known; NULL: nothing is remembered */
	struct arena *a;
	uint64_t seq; /* of the event in hand */
};

/* ---- rows that never change ---- */

/* False: none of the events before this one has met the row, as far as it is remembered. */
static bool recall(const struct counts *known, const struct row_key *key, uint32_t *number)
{
	const struct count *count = known ? counts_find(known, row_str(key)) : NULL;

	if (count)
		*number = (uint32_t)count->number;
	return count;
}

static void remember(struct counts *known, const struct row_key *key, uint32_t number)
{
	struct count *count;

	if (!known)
		return;
	if (known->n == KNOWN_ROWS_MAX)
		counts_clear(known);
	if (counts_add(known, row_str(key), number, &count))
		counts_clear(known); /* without memory nothing is */
}

/* ---- names ---- */

static enum err number_next(struct replica *r, enum dictionary dict, uint32_t *out)
{
	const struct row_key key = key_name(dict, UINT32_MAX);
	struct cursor c;

	TRY(cursor_open(r, table_name, row_str(&key), true, &c));
	const enum err e = cursor_next(&c);
	*out = 1;
	if (!e && c.key.p[0] == (char)dict)
		*out = key_last_number(c.key) + 1;
	cursor_close(&c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The number of a slug, given to it now where it has none. */
static enum err number_of(void *arg, enum dictionary dict, struct str slug, uint32_t *number)
{
	struct indexing *x = arg;
	const struct row_key key = key_slug(dict, slug);
	struct str value;
	char row[12];

	if (recall(x->slugs, &key, number))
		return ERR_OK;
	enum err e = replica_lookup(x->r, table_slug, row_str(&key), &value);
	if (!e && value.n != sizeof(row))
		return ERR_DAMAGED;
	if (!e) {
		memcpy(number, value.p, sizeof(*number));
		remember(x->slugs, &key, *number);
	}
	if (e != ERR_NOT_FOUND)
		return e;
	TRY(number_next(x->r, dict, number));
	memcpy(row, number, 4);
	memcpy(row + 4, &x->seq, 8);
	TRY(replica_index(x->r, table_slug, row_str(&key), (struct str){ row, sizeof(row) }));
	const struct row_key back = key_name(dict, *number);
	TRY(replica_index(x->r, table_name, row_str(&back), slug));
	remember(x->slugs, &key, *number);
	return ERR_OK;
}

/* ---- rows of a fact ---- */

static enum err put_chain(struct indexing *x, uint64_t tree, const struct fact *f)
{
	char bytes[8 + FACT_SIZE_MAX];
	const struct row_key key = key_chain(tree, f->seq);

	memcpy(bytes, &f->stated, 8);
	const size_t n = fact_write(f, 0, bytes + 8);
	return replica_index(x->r, table_chain, row_str(&key), (struct str){ bytes, 8 + n });
}

/* From now on the number has some rows of this relation. */
static enum err put_some(struct indexing *x, enum relation relation, uint32_t number)
{
	const struct row_key key = key_some(relation, number);
	const size_t at = number % SOME_NUMBERS;
	char bits[SOME_BYTES] = { 0 };
	struct str value;

	const enum err e = replica_lookup(x->r, table_some, row_str(&key), &value);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (!e && value.n != sizeof(bits))
		return ERR_DAMAGED;
	if (!e)
		memcpy(bits, value.p, sizeof(bits));
	bits[at / 8] |= (char)(1u << at % 8);
	return replica_index(x->r, table_some, row_str(&key), (struct str){ bits, sizeof(bits) });
}

static enum err relate(struct indexing *x, enum relation relation, uint32_t number, uint32_t other)
{
	const struct row_key key = key_related(relation, number, other);
	uint32_t itself;
	struct str value;

	if (recall(x->related, &key, &itself))
		return ERR_OK;
	const enum err e = replica_lookup(x->r, table_related, row_str(&key), &value);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e && relation <= RELATION_SUCCESSORS) {
		kept_drop(x->kept, number);
		TRY(put_some(x, relation, number));
	}
	if (e)
		TRY(replica_index(x->r, table_related, row_str(&key), STR("")));
	remember(x->related, &key, number);
	return ERR_OK;
}

static enum err relate_all(struct indexing *x, enum relation relation, struct numbers list,
			   uint32_t other)
{
	for (size_t i = 0; i < list.n; i++)
		TRY(relate(x, relation, numbers_at(list, i), other));
	return ERR_OK;
}

static enum err put_relations(struct indexing *x, const struct fact *f)
{
	if (!f->deal)
		return ERR_OK;
	if (f->payer)
		TRY(relate(x, RELATION_PAYER, f->payer, f->deal));
	TRY(relate_all(x, RELATION_PAYER, fact_numbers(f, FACT_FROM), f->deal));
	TRY(relate_all(x, RELATION_PAYEE, fact_numbers(f, FACT_TO), f->deal));
	TRY(relate_all(x, RELATION_PARTS, fact_numbers(f, FACT_PART_OF), f->deal));
	return relate_all(x, RELATION_SUCCESSORS, fact_numbers(f, FACT_SUPERSEDES), f->deal);
}

static enum err put_fact(struct indexing *x, struct place place, const struct fact *f)
{
	if (place.home == HOME_DEAL)
		kept_drop(x->kept, place.number);
	return blocks_put(x->r, place, f);
}

/* ---- chains ---- */

struct places {
	struct place v[CHAIN_HOMES_MAX];
	size_t n;
};

static bool places_have(const struct places *all, struct place one)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].home == one.home && all->v[i].number == one.number)
			return true;
	return false;
}

/* Add where this fact belongs; those that do not fit are left out. */
static void places_join(struct places *all, const struct fact *f)
{
	struct place own[PLACES_MAX];
	const size_t n = places_of(f, own);

	for (size_t i = 0; i < n; i++)
		if (all->n < CHAIN_HOMES_MAX && !places_have(all, own[i]))
			all->v[all->n++] = own[i];
}

static enum err fact_of_event(struct indexing *x, const struct event *e, uint64_t seq,
			      const struct fact *ref, struct fact *out)
{
	const struct numbering numbering = { x, number_of };
	uint64_t derived = 0;

	if (msg_has(e, event, derived_from)) {
		const enum err err = replica_find(x->r, &e->derived_from, &derived);
		if (err && err != ERR_NOT_FOUND)
			return err;
	}
	return fact_from_event(e, seq, ref, derived, &numbering, x->a, out);
}

/* The fact of an event that is in the replica already and has no `ref`. */
static enum err fact_of_seq(struct indexing *x, uint64_t seq, struct fact *out)
{
	struct record rec;
	struct event e;

	TRY(replica_get(x->r, seq, &rec));
	const struct str bytes = arena_str(x->a, rec.event);
	if (!bytes.p)
		return ERR_NO_MEMORY;
	TRY(event_decode(bytes, x->a, &e, NULL));
	return fact_of_event(x, &e, seq, NULL, out);
}

/* All events of the chain that `ref` is in, at least that one; in order of seq. */
static enum err chain_before(struct indexing *x, uint64_t tree, struct fact_list *out)
{
	const struct horizon all = { UINT64_MAX, INT64_MAX };

	TRY(chain_read(x->r, tree, &all, x->a, out));
	if (out->n)
		return ERR_OK;
	out->v = arena_alloc(x->a, sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	TRY(fact_of_seq(x, tree, &out->v[0]));
	out->n = 1;
	return put_chain(x, tree, &out->v[0]);
}

static enum err put_in_chain(struct indexing *x, const struct event *e, uint64_t ref,
			     struct fact *f)
{
	struct fact_list before;
	struct places places = { .n = 0 };
	const struct fact *named = NULL;
	uint64_t tree;

	TRY(chain_of(x->r, ref, &tree));
	TRY(chain_before(x, tree, &before));
	for (size_t i = 0; i < before.n; i++)
		if (before.v[i].seq == ref)
			named = &before.v[i];
	TRY(fact_of_event(x, e, x->seq, named, f));
	for (size_t i = 0; i < before.n; i++)
		places_join(&places, &before.v[i]);
	const size_t old = places.n;
	places_join(&places, f);
	/* also where it is not followed, so that what corrects it is not either */
	const struct row_key key = key_seq(x->seq);
	TRY(replica_index(x->r, table_tree, row_str(&key),
			  (struct str){ (const char *)&tree, sizeof(tree) }));
	if (!named || (before.n + 1) * places.n > CHAIN_ROWS_MAX)
		return ERR_OK;
	for (size_t i = old; i < places.n; i++)
		for (size_t j = 0; j < before.n; j++)
			TRY(put_fact(x, places.v[i], &before.v[j]));
	for (size_t i = 0; i < places.n; i++)
		TRY(put_fact(x, places.v[i], f));
	return put_chain(x, tree, f);
}

static enum err put_alone(struct indexing *x, const struct fact *f)
{
	struct place places[PLACES_MAX];
	const size_t n = places_of(f, places);

	for (size_t i = 0; i < n; i++)
		TRY(put_fact(x, places[i], f));
	return ERR_OK;
}

/* ---- names that can be searched ---- */

#define ALIAS_SIZE_MAX ((size_t)256 << 10) /* 64 names of 512 bytes, some of which grow when folded */

static enum err alias_add(struct indexing *x, struct str name, struct buf *out)
{
	struct str folded;

	if (name.n == 0)
		return ERR_OK;
	TRY(text_fold(name, x->a, &folded));
	TRY(buf_put(out, folded.p, folded.n));
	return buf_put(out, "\n", 1);
}

static enum err alias_fill(struct indexing *x, const struct event *e, struct buf *out)
{
	if (e->kind == kind_deal)
		return alias_add(x, e->title, out);
	TRY(alias_add(x, e->name, out));
	for (size_t i = 0; i < e->names.n; i++)
		TRY(alias_add(x, e->names.v[i], out));
	return ERR_OK;
}

static enum err put_aliases(struct indexing *x, const struct event *e, const struct fact *f)
{
	const bool deal = e->kind == kind_deal;
	const struct numbers subject = fact_numbers(f, FACT_SUBJECT);
	struct buf names;

	if (deal ? !f->deal : e->kind != kind_party || !subject.n)
		return ERR_OK;
	buf_init(&names, ALIAS_SIZE_MAX);
	enum err err = alias_fill(x, e, &names);
	if (!err && names.n) {
		const struct row_key key = key_alias(deal ? DICT_DEAL : DICT_PARTY,
						     deal ? f->deal : numbers_at(subject, 0),
						     x->seq);
		err = replica_index(x->r, table_alias, row_str(&key), buf_str(&names));
	}
	buf_fini(&names);
	return err;
}

/* ---- one event ---- */

static enum err put_event(struct indexing *x, const struct event *e)
{
	struct fact f;
	uint64_t ref;

	enum err err = ERR_NOT_FOUND;
	if (msg_has(e, event, ref))
		err = replica_find(x->r, &e->ref, &ref);
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (!err && ref < x->seq) {
		TRY(put_in_chain(x, e, ref, &f));
	} else {
		TRY(fact_of_event(x, e, x->seq, NULL, &f));
		TRY(put_alone(x, &f));
	}
	TRY(put_aliases(x, e, &f));
	return put_relations(x, &f);
}

/* ---- declarations ---- */

#define SEQ_SIZE 8u
#define DEAL_KEY_MAX (SLUG_MAX + 1 + SEQ_SIZE)

static struct row_key declaration_key(struct str deal, uint64_t seq)
{
	const struct row_key last = key_seq(seq);
	struct row_key k = { .n = deal.n + 1 + SEQ_SIZE };

	_Static_assert(DEAL_KEY_MAX <= ROW_KEY_MAX, "a key fits");
	require(deal.n <= SLUG_MAX);
	memcpy(k.p, deal.p, deal.n);
	k.p[deal.n] = 0;
	memcpy(k.p + deal.n + 1, last.p, SEQ_SIZE);
	return k;
}

enum err index_event(struct replica *r, struct kept *kept, struct known_rows *known,
		     const struct record *rec, const struct event *e, struct arena *a)
{
	struct indexing x = { r, kept, known ? &known->slugs : NULL, known ? &known->related : NULL, a,
			      rec->seq };

	if (e->kind == kind_deal && msg_has(e, event, deal)) {
		const struct row_key key = declaration_key(e->deal, rec->seq);
		TRY(replica_index(r, table_declaration, row_str(&key), STR("")));
	}
	kept_arrived(kept, &e->id);
	TRY(replica_snap(r));
	const enum err err = put_event(&x, e);
	replica_unsnap(r);
	return err;
}

enum err index_declaration(struct replica *r, struct str deal, uint64_t at_seq, uint64_t *seq)
{
	const struct row_key key = declaration_key(deal, at_seq);
	struct cursor c;

	TRY(cursor_open(r, table_declaration, row_str(&key), true, &c));
	enum err e = cursor_next(&c);
	if (!e && (c.key.n != key.n || memcmp(c.key.p, key.p, deal.n + 1) != 0))
		e = ERR_NOT_FOUND;
	if (!e)
		*seq = key_last_seq(c.key);
	cursor_close(&c);
	return e;
}
