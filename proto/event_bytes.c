/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_bytes: what is done with an event's bytes as they stand: a look at its keys, and whether
 * two are the same content.
 */
#include "proto/field.h"
#include "proto/wire.h"

/* ---- a look ---- */

static enum err peek_id(const struct item *item, struct id *to, struct fault *fault)
{
	if (item->kind != ITEM_BIN)
		return wire_wrong(item, "bytes (bin)", fault);
	if (item->s.n != ID_SIZE)
		return fault_set(fault, ERR_BAD_ID, NULL, "%zu bytes instead of %d", item->s.n,
				 ID_SIZE);
	memcpy(to, item->s.p, ID_SIZE);
	return ERR_OK;
}

static enum err peek_text(const struct item *item, struct str *to, struct fault *fault)
{
	if (item->kind != ITEM_TEXT)
		return wire_wrong(item, "text", fault);
	*to = item->s;
	return ERR_OK;
}

enum peeked { PEEK_ID = 1, PEEK_KIND = 2 };

static enum err peek_value(struct str key, const struct item *item, struct event_keys *keys,
			   unsigned *found, struct fault *fault)
{
	struct str word = { 0 };
	enum err e = ERR_OK;

	if (item->kind == ITEM_NIL)
		return ERR_OK;
	if (str_eq(key, STR("id"))) {
		e = peek_id(item, &keys->id, fault);
		*found |= PEEK_ID;
	} else if (str_eq(key, STR("kind"))) {
		e = peek_text(item, &word, fault);
		keys->kind = e ? 0 : enum_value(&enum_kind, word);
		*found |= PEEK_KIND;
	} else if (str_eq(key, STR("deal"))) {
		e = peek_text(item, &keys->deal, fault);
	} else if (str_eq(key, STR("stated"))) {
		e = peek_text(item, &keys->stated, fault);
	} else if (str_eq(key, STR("ref"))) {
		e = peek_id(item, &keys->ref, fault);
		keys->has_ref = true;
	}
	return e;
}

static enum err peek_pair(struct wire *w, struct keyset *seen, struct event_keys *keys,
			  unsigned *found, struct fault *fault)
{
	struct item item;
	struct str key;
	enum err e = wire_key(w, &key, fault);

	if (e)
		return e;
	e = keyset_add(seen, key, fault);
	if (!e)
		e = wire_next(w, &item, fault);
	if (!e)
		e = wire_pass(w, &item, 1, fault);
	if (!e)
		e = peek_value(key, &item, keys, found, fault);
	if (e)
		fault_under_key(fault, key);
	return e;
}

enum err event_peek(struct str bytes, struct event_keys *keys, struct fault *fault)
{
	struct wire w = wire_of(bytes);
	struct keyset seen;
	struct item item;
	unsigned found = 0;

	*keys = (struct event_keys){ 0 };
	enum err e = field_check_limit(EVENT_BYTES_MAX, bytes.n, "a longer event", fault);
	if (!e)
		e = wire_next(&w, &item, fault);
	if (e)
		return e;
	if (item.kind != ITEM_MAP)
		return wire_wrong(&item, "a map", fault);
	seen.n = 0;
	for (uint64_t i = 0; !e && i < item.u; i++)
		e = peek_pair(&w, &seen, keys, &found, fault);
	if (!e && w.p != w.end)
		e = fault_set(fault, ERR_MALFORMED, NULL, "bytes behind the end of the map");
	if (!e && found != (PEEK_ID | PEEK_KIND))
		e = fault_set(fault, ERR_MISSING_FIELD, found & PEEK_ID ? "kind" : "id",
			      "every event has it");
	return e;
}

/* ---- the same content ---- */

struct pair {
	struct str key;
	struct wire value; /* where it begins */
};

/* Both wires stand before a value; both were checked. They are left behind it. */
static enum err same_value(struct wire *a, struct wire *b, struct arena *arena, bool *same);

static enum err same_array(struct wire *a, struct wire *b, uint64_t n, struct arena *arena,
			   bool *same)
{
	enum err e = ERR_OK;

	for (uint64_t i = 0; !e && *same && i < n; i++)
		e = same_value(a, b, arena, same);
	return e;
}

/* The pairs of a map of n, and the wire behind it. */
static enum err list_pairs(struct wire *w, uint64_t n, struct arena *arena, struct pair **out)
{
	struct pair *v = arena_alloc(arena, (size_t)n * sizeof(*v));
	struct item item;
	enum err e = v ? ERR_OK : ERR_NO_MEMORY;

	for (uint64_t i = 0; !e && i < n; i++) {
		e = wire_key(w, &v[i].key, NULL);
		v[i].value = *w;
		if (!e)
			e = wire_next(w, &item, NULL);
		if (!e)
			e = wire_pass(w, &item, 0, NULL);
	}
	*out = v;
	return e;
}

/* Keys are unique and as many on both sides: each of a's must be among b's. */
static enum err same_map(struct wire *a, struct wire *b, uint64_t n, struct arena *arena,
			 bool *same)
{
	struct pair *of_a, *of_b;
	enum err e = list_pairs(a, n, arena, &of_a);

	if (!e)
		e = list_pairs(b, n, arena, &of_b);
	for (uint64_t i = 0; !e && *same && i < n; i++) {
		uint64_t j = 0;
		while (j < n && !str_eq(of_b[j].key, of_a[i].key))
			j++;
		if (j == n)
			*same = false;
		else
			e = same_value(&of_a[i].value, &of_b[j].value, arena, same);
	}
	return e;
}

static enum err same_value(struct wire *a, struct wire *b, struct arena *arena, bool *same)
{
	struct item x, y;
	enum err e = wire_next(a, &x, NULL);

	if (!e)
		e = wire_next(b, &y, NULL);
	if (e)
		return e;
	*same = x.kind == y.kind;
	if (!*same)
		return ERR_OK;
	switch (x.kind) {
	case ITEM_NIL:
		return ERR_OK;
	case ITEM_BOOL:
	case ITEM_UINT:
		*same = x.u == y.u;
		return ERR_OK;
	case ITEM_NEGATIVE:
		*same = x.i == y.i;
		return ERR_OK;
	case ITEM_TEXT:
	case ITEM_BIN:
		*same = str_eq(x.s, y.s);
		return ERR_OK;
	case ITEM_ARRAY:
	case ITEM_MAP:
		*same = x.u == y.u;
		if (!*same)
			return ERR_OK;
		return x.kind == ITEM_MAP ? same_map(a, b, x.u, arena, same) :
					    same_array(a, b, x.u, arena, same);
	}
	impossible("every kind of item is handled");
}

enum err event_same(struct str a, struct str b, struct arena *arena, bool *same)
{
	struct wire of_a = wire_of(a), of_b = wire_of(b);

	*same = str_eq(a, b);
	if (*same)
		return ERR_OK;
	enum err e = wire_check(a, NULL);
	if (!e)
		e = wire_check(b, NULL);
	return e ? e : same_value(&of_a, &of_b, arena, same);
}
