/* SPDX-License-Identifier: Apache-2.0 */
/* blocks: finds the block of a place in the order, and puts a fact into it. */
#include "services/query/blocks.h"

#define HEAD_SIZE ((size_t)16)
#define ITEM_SIZE_MAX (ITEM_HEAD + 8u + FACT_SIZE_MAX)
#define BLOCK_ROOM (BLOCK_SIZE_MAX + 2 * ITEM_SIZE_MAX)

/* ---- items ---- */

static size_t item_write(const struct fact *f, uint32_t deal, char out[ITEM_SIZE_MAX])
{
	const int32_t day = day_of(f->stated);
	const int64_t time = f->stated - day * US_PER_DAY;
	size_t n = ITEM_HEAD;

	require(f->seq >> ITEM_SEQ_BITS == 0);
	memcpy(out + 2, &day, 4);
	memcpy(out + 6, &f->seq, ITEM_SEQ_BITS / 8);
	if (time) {
		memcpy(out + n, &time, sizeof(time));
		n += sizeof(time);
	}
	n += fact_write(f, deal, out + n);
	const uint16_t size = (uint16_t)(n | (time ? ITEM_TIME : 0));
	memcpy(out, &size, sizeof(size));
	return n;
}

static struct order item_order(const struct item *item)
{
	return (struct order){ item->stated, item->seq };
}

/* ---- heads ---- */

/* What a block holds in all; see blocks.h. */
struct block_head {
	uint16_t facts, own;
	uint32_t more; /* 1: another block of this home follows */
	uint64_t greatest;
};
_Static_assert(sizeof(struct block_head) == HEAD_SIZE, "it lies in a row as it is");

static void head_count(struct block_head *h, const struct item *item)
{
	h->facts++;
	h->own = (uint16_t)(h->own + !fact_bytes_elsewhere(item->bytes));
	if (item->seq > h->greatest)
		h->greatest = item->seq;
}

static bool head_read(struct str block, struct block_head *out)
{
	if (block.n < HEAD_SIZE)
		return false;
	memcpy(out, block.p, HEAD_SIZE);
	return true;
}

/* ---- writing ---- */

/* A block while it is changed: its facts as they will lie behind its head. */
struct draft {
	char p[BLOCK_ROOM];
	size_t n;
	bool more; /* another block of this home follows */
};

/* Where the first item behind this place begins, or the end. ERR_DAMAGED */
static enum err place_in(const struct draft *d, struct order at, size_t *out)
{
	const char *p = d->p, *end = d->p + d->n;
	struct item item;

	for (*out = 0; p < end; *out = (size_t)(p - d->p)) {
		if (!item_read(&p, end, &item))
			return ERR_DAMAGED;
		if (order_cmp(item_order(&item), at) > 0)
			return ERR_OK;
	}
	return ERR_OK;
}

static enum err insert(struct draft *d, size_t at, const struct fact *f, uint32_t deal)
{
	char bytes[ITEM_SIZE_MAX];
	const size_t size = item_write(f, deal, bytes);

	if (d->n + size > sizeof(d->p))
		return ERR_DAMAGED; /* no block was ever written that large */
	memmove(d->p + at + size, d->p + at, d->n - at);
	memcpy(d->p + at, bytes, size);
	d->n += size;
	return ERR_OK;
}

/*
 * Where to cut a block that is too large: before its last item where that is new, else in the
 * middle; at 0 where it has no second item.
 */
static enum err cut_of(const struct draft *d, size_t newest, size_t *out)
{
	const char *p = d->p, *end = d->p + d->n;
	struct item item;
	size_t at;

	*out = 0;
	while (p < end) {
		at = (size_t)(p - d->p);
		if (!item_read(&p, end, &item))
			return ERR_DAMAGED;
		if (at == newest && p == end)
			*out = at;
		if (*out == 0 && (size_t)(p - d->p) > d->n / 2)
			*out = at;
	}
	return ERR_OK;
}

/* Some items as a block of their own. */
static enum err put(struct replica *r, const struct row_key *key, const char *items, size_t n,
		    bool more)
{
	const char *p = items, *end = items + n;
	struct block_head head = { .more = more };
	char bytes[HEAD_SIZE + BLOCK_ROOM];
	struct item item;

	while (p < end) {
		if (!item_read(&p, end, &item))
			return ERR_DAMAGED;
		head_count(&head, &item);
	}
	memcpy(bytes, &head, HEAD_SIZE);
	memcpy(bytes + HEAD_SIZE, items, n);
	return replica_index(r, table_fact, row_str(key), (struct str){ bytes, HEAD_SIZE + n });
}

static enum err put_draft(struct replica *r, struct place place, const struct row_key *key,
			  const struct draft *d, size_t newest)
{
	struct item item;
	size_t cut = 0;

	if (d->n > BLOCK_SIZE_MAX)
		TRY(cut_of(d, newest, &cut));
	if (cut == 0)
		return put(r, key, d->p, d->n, d->more); /* small, or one large fact */
	const char *p = d->p + cut;
	if (!item_read(&p, d->p + d->n, &item))
		return ERR_DAMAGED;
	const struct row_key upper = key_fact(place.home, place.number, item.stated, item.seq);
	TRY(put(r, key, d->p, cut, true));
	return put(r, &upper, d->p + cut, d->n - cut, d->more);
}

/* The block that this place in the order belongs to; an empty one where the home has none. */
static enum err find(struct replica *r, struct place place, struct order at, struct row_key *key,
		     struct draft *out)
{
	const struct row_key from = key_fact(place.home, place.number, at.stated, at.seq);
	struct cursor c;

	struct block_head head;

	*key = key_home(place.home, place.number);
	out->n = 0;
	out->more = false;
	TRY(cursor_open(r, table_fact, row_str(&from), true, &c));
	enum err e = cursor_next(&c);
	if (!e && c.key.n >= key->n && memcmp(c.key.p, key->p, key->n) == 0) {
		if (c.key.n > sizeof(key->p) || !head_read(c.value, &head) ||
		    c.value.n > HEAD_SIZE + sizeof(out->p)) {
			e = ERR_DAMAGED;
		} else {
			memcpy(key->p, c.key.p, c.key.n);
			key->n = c.key.n;
			out->more = head.more;
			out->n = c.value.n - HEAD_SIZE;
			memcpy(out->p, c.value.p + HEAD_SIZE, out->n);
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

static bool stands_on(const struct cursor *c, const struct row_key *first)
{
	return c->at == cursor_within && c->key.n == first->n &&
	       memcmp(c->key.p, first->p, first->n) == 0;
}

/* Whether the cursor stands in the home before this one, as after the walk through that. */
static bool stands_before(const struct cursor *c, struct place place)
{
	return c->at == cursor_within && key_is_of(c->key, place.home, place.number - 1);
}

enum err walk_begin(struct replica *r, struct cursor *c, struct place place, int64_t stated_end,
		    struct walk *out)
{
	*out = (struct walk){ .c = c, .prefix = key_home(place.home, place.number), .more = true,
		.stated_end = stated_end };
	if (!c->impl)
		return cursor_open(r, table_fact, row_str(&out->prefix), false, c);
	if (stands_before(c, place)) {
		const enum err e = cursor_next(c);
		if (e && e != ERR_NOT_FOUND)
			return e;
		out->standing = !e && stands_on(c, &out->prefix);
	}
	return out->standing ? ERR_OK : cursor_seek(c, row_str(&out->prefix));
}

/* The next block of the home, its items in hand. */
static enum err next_block(struct walk *w, struct block_head *head)
{
	struct cursor *c = w->c;

	if (!w->more)
		return ERR_NOT_FOUND;
	if (!w->standing)
		TRY(cursor_next(c));
	w->standing = false;
	if (c->key.n < w->prefix.n || memcmp(c->key.p, w->prefix.p, w->prefix.n) != 0)
		return ERR_NOT_FOUND;
	if (!head_read(c->value, head))
		return ERR_DAMAGED;
	w->more = head->more;
	w->at = c->value.p + HEAD_SIZE;
	w->end = c->value.p + c->value.n;
	return ERR_OK;
}

enum err walk_block(struct walk *w)
{
	struct block_head head;

	return next_block(w, &head);
}

/* The facts of the block in hand, item by item. */
static enum err count_items(struct walk *w, uint64_t at_seq, uint64_t *own)
{
	struct item item;

	while (w->at < w->end) {
		if (!item_read(&w->at, w->end, &item))
			return ERR_DAMAGED;
		*own += item.seq <= at_seq && !fact_bytes_elsewhere(item.bytes);
	}
	return ERR_OK;
}

enum err walk_count(struct walk *w, uint64_t at_seq, struct walk_counts *out)
{
	struct block_head head;
	enum err e;

	*out = (struct walk_counts){ 0 };
	while (!(e = next_block(w, &head))) {
		const char *p = w->at;
		struct item first;
		if (!item_read(&p, w->end, &first))
			return ERR_DAMAGED;
		out->all += head.facts;
		out->most += first.stated < w->stated_end ? head.facts : 0;
		if (head.greatest <= at_seq)
			out->own += head.own;
		else
			TRY(count_items(w, at_seq, &out->own));
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}
