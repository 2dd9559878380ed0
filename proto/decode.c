/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode: from bytes to structs, by the descriptions of tables.c.
 *
 * A map is read pair by pair. The look-up of a key begins at the field behind the last one found:
 * encoders that keep the order of the table cost one comparison a key. Nothing is allocated but
 * lists. An error leaves its field's path in the fault, put together on the way out.
 */
#include <stdio.h>

#include "proto/field.h"
#include "proto/wire.h"

struct reader {
	struct wire w;
	struct arena *arena;
	bool strict; /* unknown words are refused; else they are 0 */
	struct fault *fault;
};

static enum err read_map(struct reader *r, const struct shape *s, const struct item *head,
			 unsigned depth, void *out);

/* ---- scalars ---- */

static enum err read_blob(struct reader *r, const struct item *item, size_t size, enum err wrong,
			  void *to)
{
	if (item->kind != ITEM_BIN)
		return wire_wrong(item, "bytes (bin)", r->fault);
	if (item->s.n != size)
		return fault_set(r->fault, wrong, NULL, "%zu bytes instead of %zu", item->s.n, size);
	memcpy(to, item->s.p, size);
	return ERR_OK;
}

static enum err read_bytes(struct reader *r, const struct field *f, const struct item *item,
			   struct str *to)
{
	if (item->kind != ITEM_BIN)
		return wire_wrong(item, "bytes (bin)", r->fault);
	*to = item->s;
	/* the size of each event of a publish is checked with the event, and reported so */
	return f->list ? ERR_OK : field_check_limit(f->limit, item->s.n, "more bytes", r->fault);
}

static enum err read_text(struct reader *r, const struct field *f, const struct item *item,
			  struct str *to)
{
	if (item->kind != ITEM_TEXT)
		return wire_wrong(item, "text", r->fault);
	*to = item->s;
	return field_check_text(f, item->s, r->fault);
}

static enum err read_bool(struct reader *r, const struct item *item, bool *to)
{
	if (item->kind != ITEM_BOOL)
		return wire_wrong(item, "a boolean", r->fault);
	*to = item->u != 0;
	return ERR_OK;
}

static enum err read_u64(struct reader *r, const struct field *f, const struct item *item,
			 uint64_t *to)
{
	if (item->kind != ITEM_UINT)
		return wire_wrong(item, "a number from 0", r->fault);
	*to = item->u;
	return field_check_u64(f, item->u, r->fault);
}

static enum err read_i64(struct reader *r, const struct field *f, const struct item *item,
			 int64_t *to)
{
	if (item->kind != ITEM_UINT && item->kind != ITEM_NEGATIVE)
		return wire_wrong(item, "a whole number", r->fault);
	if (item->kind == ITEM_UINT && item->u > INT64_MAX) {
		if (r->fault)
			r->fault->max = INT64_MAX;
		return fault_set(r->fault, ERR_TOO_LARGE, NULL, "a number above 2^63-1");
	}
	*to = item->kind == ITEM_UINT ? (int64_t)item->u : item->i;
	return f->type == F_TIME ? field_check_time(*to, r->fault) : ERR_OK;
}

static enum err read_word(struct reader *r, const struct field *f, const struct item *item, int *to)
{
	if (item->kind != ITEM_TEXT)
		return wire_wrong(item, "a word", r->fault);
	*to = enum_value(f->words, item->s);
	if (*to != 0)
		return ERR_OK;
	if (!utf8_valid(item->s))
		return fault_set(r->fault, ERR_BAD_UTF8, NULL, "text that is not valid UTF-8");
	return r->strict ? field_bad_word(f->words, item->s, r->fault) : ERR_OK;
}

static enum err read_amount(struct reader *r, const struct item *item, unsigned depth,
			    struct amount *to)
{
	struct bounds b;
	const enum err e = read_map(r, &shape_bounds, item, depth, &b);

	return e ? e : amount_of_bounds(&b, to, r->fault);
}

static enum err read_value(struct reader *r, const struct field *f, const struct item *item,
			   unsigned depth, void *to)
{
	switch (f->type) {
	case F_BOOL:
		return read_bool(r, item, to);
	case F_U64:
		return read_u64(r, f, item, to);
	case F_I64:
	case F_TIME:
		return read_i64(r, f, item, to);
	case F_ID:
		return read_blob(r, item, ID_SIZE, ERR_BAD_ID, to);
	case F_HASH:
		return read_blob(r, item, HASH_SIZE, ERR_BAD_VALUE, to);
	case F_BYTES:
		return read_bytes(r, f, item, to);
	case F_AMOUNT:
		return read_amount(r, item, depth, to);
	case F_ENUM:
		return read_word(r, f, item, to);
	case F_SUB:
		return read_map(r, f->sub, item, depth, to);
	case F_PAIRS:
		impossible("pairs are read as a list");
	default:
		return read_text(r, f, item, to);
	}
}

/* ---- lists ---- */

static enum err too_deep(struct reader *r)
{
	if (r->fault)
		r->fault->max = MSG_DEPTH_MAX;
	return fault_set(r->fault, ERR_TOO_DEEP, NULL, "nested more than %u deep", MSG_DEPTH_MAX);
}

/* Room for the items of a list; every list has the layout { v, n }. */
static enum err make_list(struct reader *r, const struct field *f, uint64_t n, void *to, char **items)
{
	struct str_list list = { 0 };
	enum err e = field_check_limit(f->limit, n, "more items", r->fault);

	if (e)
		return e;
	list.n = (size_t)n;
	list.v = n ? arena_zalloc(r->arena, list.n, field_size(f)) : NULL;
	if (n && !list.v)
		return fault_set(r->fault, ERR_NO_MEMORY, NULL, "more than this request may take");
	memcpy(to, &list, sizeof(list));
	*items = (char *)list.v;
	return ERR_OK;
}

static enum err read_list(struct reader *r, const struct field *f, const struct item *head,
			  unsigned depth, void *to)
{
	const size_t size = field_size(f);
	struct item item;
	char *items;

	if (head->kind != ITEM_ARRAY)
		return wire_wrong(head, "an array", r->fault);
	if (depth >= MSG_DEPTH_MAX)
		return too_deep(r);
	enum err e = make_list(r, f, head->u, to, &items);
	for (uint64_t i = 0; !e && i < head->u; i++) {
		e = wire_next(&r->w, &item, r->fault);
		if (!e)
			e = read_value(r, f, &item, depth + 1, items + i * size);
		if (e) {
			char at[24];
			(void)snprintf(at, sizeof(at), "[%llu]", (unsigned long long)i);
			fault_under(r->fault, at);
		}
	}
	return e;
}

/* One pair into a record of two texts. */
static enum err read_pair(struct reader *r, const struct shape *s, struct keyset *keys, char *out,
			  struct str *key)
{
	const struct field *first = &s->fields[0], *second = &s->fields[1];
	const uint64_t has = 3;
	struct item item;
	enum err e = wire_key(&r->w, key, r->fault);

	if (e)
		return e;
	memcpy(out, &has, sizeof(has));
	memcpy(out + first->offset, key, sizeof(*key));
	e = field_check_text(first, *key, r->fault);
	if (!e)
		e = keyset_add(keys, *key, r->fault);
	if (!e)
		e = wire_next(&r->w, &item, r->fault);
	if (!e)
		e = read_text(r, second, &item, (struct str *)(out + second->offset));
	if (e)
		fault_under_key(r->fault, *key);
	return e;
}

static enum err read_pairs(struct reader *r, const struct field *f, const struct item *head,
			   unsigned depth, void *to)
{
	struct keyset keys;
	struct str key;
	char *items;

	if (head->kind != ITEM_MAP)
		return wire_wrong(head, "a map", r->fault);
	if (depth >= MSG_DEPTH_MAX)
		return too_deep(r);
	enum err e = make_list(r, f, head->u, to, &items);
	keys.n = 0;
	for (uint64_t i = 0; !e && i < head->u; i++)
		e = read_pair(r, f->sub, &keys, items + i * f->sub->size, &key);
	return e;
}

/* ---- maps ---- */

/* The field of this name, looked for from `from` on and around. */
static const struct field *find_field(const struct shape *s, struct str key, size_t from)
{
	for (size_t i = 0; i < s->nfields; i++) {
		const size_t at = from + i < s->nfields ? from + i : from + i - s->nfields;
		const struct field *f = &s->fields[at];
		if (f->name_n == key.n && memcmp(f->name, key.p, key.n) == 0)
			return f;
	}
	return NULL;
}

static enum err read_field(struct reader *r, const struct field *f, unsigned depth, char *out,
			   bool *present)
{
	struct item item;
	void *to = out + f->offset;
	enum err e = wire_next(&r->w, &item, r->fault);

	*present = !e && item.kind != ITEM_NIL;
	if (!*present)
		return e;
	if (f->type == F_PAIRS)
		return read_pairs(r, f, &item, depth, to);
	return f->list ? read_list(r, f, &item, depth, to) : read_value(r, f, &item, depth, to);
}

/* A key that is not in the table: its value is checked for form, and left. */
static enum err read_unknown(struct reader *r, struct str key, struct keyset *keys, unsigned depth)
{
	struct item item;
	enum err e = keyset_add(keys, key, r->fault);

	if (!e)
		e = wire_next(&r->w, &item, r->fault);
	if (!e)
		e = wire_pass(&r->w, &item, depth, r->fault);
	if (e)
		fault_under_key(r->fault, key);
	return e;
}

static enum err missing(struct reader *r, const struct shape *s, uint64_t has)
{
	for (size_t i = 0; i < s->nfields; i++)
		if (s->fields[i].required && !(has >> i & 1))
			return fault_set(r->fault, ERR_MISSING_FIELD, s->fields[i].name, "%s",
					 s->fields[i].doc);
	return ERR_OK;
}

/* One pair: its field's bit goes into seen, and into has unless it is nil. */
static enum err read_member(struct reader *r, const struct shape *s, struct keyset *keys,
			    unsigned depth, char *out, uint64_t *seen, size_t *next)
{
	struct str key;
	bool present;
	enum err e = wire_key(&r->w, &key, r->fault);

	if (e)
		return e;
	const struct field *f = find_field(s, key, *next);
	if (!f)
		return read_unknown(r, key, keys, depth);
	const size_t i = (size_t)(f - s->fields);
	const uint64_t bit = UINT64_C(1) << i;
	if (*seen & bit)
		return fault_set(r->fault, ERR_DUPLICATE_KEY, f->name, "this key stands twice");
	*seen |= bit;
	*next = i + 1;
	e = read_field(r, f, depth, out, &present);
	if (e)
		fault_under(r->fault, f->name);
	else if (present)
		*(uint64_t *)(void *)out |= bit;
	return e;
}

static enum err read_map(struct reader *r, const struct shape *s, const struct item *head,
			 unsigned depth, void *out)
{
	struct keyset keys;
	uint64_t seen = 0;
	size_t next = 0;
	enum err e = ERR_OK;

	if (head->kind != ITEM_MAP)
		return wire_wrong(head, "a map", r->fault);
	if (depth >= MSG_DEPTH_MAX)
		return too_deep(r);
	if (head->u > MAP_KEYS_MAX)
		return field_check_limit(MAP_KEYS_MAX, head->u, "more keys", r->fault);
	memset(out, 0, s->size);
	keys.n = 0;
	for (uint64_t i = 0; !e && i < head->u; i++)
		e = read_member(r, s, &keys, depth + 1, out, &seen, &next);
	return e ? e : missing(r, s, *(uint64_t *)out);
}

static enum err decode(const struct shape *s, struct str wire, struct arena *a, bool strict,
		       void *out, struct fault *fault)
{
	struct reader r = { wire_of(wire), a, strict, fault };
	struct item head;
	enum err e = wire_next(&r.w, &head, fault);

	if (!e)
		e = read_map(&r, s, &head, 0, out);
	if (!e && r.w.p != r.w.end)
		e = fault_set(fault, ERR_MALFORMED, NULL, "bytes behind the end of the map");
	return e;
}

enum err record_decode(const struct shape *s, struct str wire, struct arena *a, void *rec,
		       struct fault *fault)
{
	return decode(s, wire, a, false, rec, fault);
}

enum err record_decode_strict(const struct shape *s, struct str wire, struct arena *a, void *rec,
			      struct fault *fault)
{
	return decode(s, wire, a, true, rec, fault);
}

/* The keys of the header are passed over here like unknown ones: msg_peek has read them. */
enum err msg_decode(const struct shape *s, struct str wire, struct arena *a, void *msg,
		    struct fault *fault)
{
	require(s->message);
	const enum err e = field_check_limit(MSG_BYTES_MAX, wire.n, "a longer message", fault);

	return e ? e : decode(s, wire, a, s->answer != NULL, msg, fault);
}
