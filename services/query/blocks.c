/* SPDX-License-Identifier: Apache-2.0 */
/* blocks: finds the block of a place in the order, and puts a fact into it. */
#include "services/query/blocks.h"

#define ITEM_HEAD 18u /* size, stated, seq */
#define ITEM_SIZE_MAX (ITEM_HEAD + FACT_SIZE_MAX)
#define BLOCK_ROOM (BLOCK_SIZE_MAX + 2 * ITEM_SIZE_MAX)

/* One fact in a block. */
struct item {
	uint16_t size; /* of all of it */
	struct order at;
};

static bool item_read(struct str from, struct item *out)
{
	uint16_t rest;

	if (from.n < ITEM_HEAD)
		return false;
	memcpy(&rest, from.p, 2);
	memcpy(&out->at.stated, from.p + 2, 8);
	memcpy(&out->at.seq, from.p + 10, 8);
	out->size = (uint16_t)(rest + 2);
	return rest >= ITEM_HEAD - 2 && out->size <= from.n;
}

/* A block while it is changed. */
struct draft {
	char p[BLOCK_ROOM];
	size_t n;
};

/* Where the first item behind this place begins, or the end. ERR_DAMAGED */
static enum err place_in(const struct draft *d, struct order at, size_t *out)
{
	struct item item;

	for (*out = 0; *out < d->n; *out += item.size) {
		if (!item_read((struct str){ d->p + *out, d->n - *out }, &item))
			return ERR_DAMAGED;
		if (order_cmp(item.at, at) > 0)
			return ERR_OK;
	}
	return ERR_OK;
}

static enum err insert(struct draft *d, size_t at, const struct fact *f, uint32_t deal)
{
	char bytes[ITEM_SIZE_MAX];
	const uint16_t size = (uint16_t)(ITEM_HEAD + fact_write(f, deal, bytes + ITEM_HEAD));
	const uint16_t rest = (uint16_t)(size - 2);

	if (d->n + size > sizeof(d->p))
		return ERR_DAMAGED; /* no block was ever written that large */
	memcpy(bytes, &rest, 2);
	memcpy(bytes + 2, &f->stated, 8);
	memcpy(bytes + 10, &f->seq, 8);
	memmove(d->p + at + size, d->p + at, d->n - at);
	memcpy(d->p + at, bytes, size);
	d->n += size;
	return ERR_OK;
}

/* Where to cut a block that is too large: before its last item where that is new, else in the middle. */
static enum err cut_of(const struct draft *d, size_t newest, size_t *out)
{
	struct item item;
	size_t at = 0;

	*out = newest;
	if (!item_read((struct str){ d->p + newest, d->n - newest }, &item))
		return ERR_DAMAGED;
	if (newest > 0 && newest + item.size == d->n)
		return ERR_OK;
	for (; at < d->n; at += item.size) {
		if (!item_read((struct str){ d->p + at, d->n - at }, &item))
			return ERR_DAMAGED;
		if (at > 0 && at + item.size > d->n / 2)
			break;
	}
	*out = at;
	return ERR_OK;
}

static enum err put(struct replica *r, const struct row_key *key, const char *p, size_t n)
{
	return replica_index(r, table_fact, row_str(key), (struct str){ p, n });
}

static enum err put_draft(struct replica *r, struct place place, const struct row_key *key,
			  const struct draft *d, size_t newest)
{
	struct item item;
	size_t cut;

	if (d->n <= BLOCK_SIZE_MAX)
		return put(r, key, d->p, d->n);
	TRY(cut_of(d, newest, &cut));
	if (cut == 0 || cut >= d->n)
		return put(r, key, d->p, d->n); /* one large fact */
	if (!item_read((struct str){ d->p + cut, d->n - cut }, &item))
		return ERR_DAMAGED;
	const struct row_key upper = key_fact(place.home, place.number, item.at.stated,
					      item.at.seq);
	TRY(put(r, key, d->p, cut));
	return put(r, &upper, d->p + cut, d->n - cut);
}

/* The block that this place in the order belongs to; an empty one where the home has none. */
static enum err find(struct replica *r, struct place place, struct order at, struct row_key *key,
		     struct draft *out)
{
	const struct row_key from = key_fact(place.home, place.number, at.stated, at.seq);
	struct cursor c;

	*key = key_home(place.home, place.number);
	out->n = 0;
	TRY(cursor_open(r, table_fact, row_str(&from), true, &c));
	enum err e = cursor_next(&c);
	if (!e && c.key.n >= key->n && memcmp(c.key.p, key->p, key->n) == 0) {
		if (c.key.n > sizeof(key->p) || c.value.n > sizeof(out->p)) {
			e = ERR_DAMAGED;
		} else {
			memcpy(key->p, c.key.p, c.key.n);
			key->n = c.key.n;
			memcpy(out->p, c.value.p, c.value.n);
			out->n = c.value.n;
		}
	}
	cursor_close(&c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err blocks_put(struct replica *r, struct place place, const struct fact *f)
{
	struct draft draft;
	struct row_key key;
	size_t at;

	TRY(find(r, place, fact_order(f), &key, &draft));
	TRY(place_in(&draft, fact_order(f), &at));
	TRY(insert(&draft, at, f, home_deal(place.home, place.number)));
	return put_draft(r, place, &key, &draft, at);
}

/* ---- reading ---- */

/* Whether the cursor stands on the first block of this home: the walk before ended there. */
static bool stands_on(const struct cursor *c, const struct row_key *first)
{
	return c->at == cursor_within && c->key.n == first->n &&
	       memcmp(c->key.p, first->p, first->n) == 0;
}

enum err walk_begin(struct replica *r, struct cursor *c, struct place place, int64_t stated_end,
		    struct walk *out)
{
	*out = (struct walk){ .c = c, .prefix = key_home(place.home, place.number),
		.stated_end = stated_end };
	if (!c->impl)
		return cursor_open(r, table_fact, row_str(&out->prefix), false, c);
	out->standing = stands_on(c, &out->prefix);
	return out->standing ? ERR_OK : cursor_seek(c, row_str(&out->prefix));
}

static enum err next_block(struct walk *w)
{
	struct cursor *c = w->c;

	if (!w->standing)
		TRY(cursor_next(c));
	w->standing = false;
	if (c->key.n < w->prefix.n || memcmp(c->key.p, w->prefix.p, w->prefix.n) != 0)
		return ERR_NOT_FOUND;
	w->rest = c->value;
	return ERR_OK;
}

enum err walk_next(struct walk *w, int64_t *stated, uint64_t *seq, struct str *bytes)
{
	struct item item;

	if (w->rest.n == 0)
		TRY(next_block(w));
	if (!item_read(w->rest, &item))
		return ERR_DAMAGED;
	if (item.at.stated >= w->stated_end)
		return ERR_NOT_FOUND; /* and so are all that follow */
	*stated = item.at.stated;
	*seq = item.at.seq;
	*bytes = (struct str){ w->rest.p + ITEM_HEAD, item.size - ITEM_HEAD };
	w->rest.p += item.size;
	w->rest.n -= item.size;
	return ERR_OK;
}
