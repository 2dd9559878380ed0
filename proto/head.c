/* SPDX-License-Identifier: Apache-2.0 */
/* head: the first keys of every message, read before anything else is believed. */
#include "proto/field.h"
#include "proto/wire.h"

/* What was found of the header; bits tell which keys were there. */
enum head_key { HEAD_V, HEAD_TYPE, HEAD_RID, HEAD_TTL, HEAD_KEYS };
static const struct str head_keys[HEAD_KEYS] = { { "v", 1 }, { "type", 4 }, { "rid", 3 }, { "ttl_ms", 6 } };
/* What an answer has of it. */
#define HEAD_OF_ANSWER (1u << HEAD_V | 1u << HEAD_TYPE | 1u << HEAD_RID)
#define HEAD_WHOLE (~0u) /* never found: to the end of the message */

static enum err read_head_number(const struct item *item, uint64_t max, uint64_t *to,
				 struct fault *fault)
{
	if (item->kind != ITEM_UINT)
		return wire_wrong(item, "a number from 0", fault);
	*to = item->u;
	return field_check_limit(max, item->u, "a larger number", fault);
}

static enum err read_type(const struct item *item, struct head *head, struct fault *fault)
{
	if (item->kind != ITEM_TEXT)
		return wire_wrong(item, "the name of a message", fault);
	for (int t = 1; t < MSG_COUNT; t++) {
		const struct shape *s = shape_of((enum msg_type)t);
		if (!str_eq(item->s, (struct str){ s->name, s->name_n }))
			continue;
		head->type = (enum msg_type)t;
		break;
	}
	return ERR_OK;
}

static enum err read_head_value(enum head_key key, const struct item *item, struct head *head,
				struct fault *fault)
{
	switch (key) {
	case HEAD_V:
		return read_head_number(item, INT64_MAX, &head->v, fault);
	case HEAD_TYPE:
		return read_type(item, head, fault);
	case HEAD_RID:
		return read_head_number(item, INT64_MAX, &head->rid, fault);
	case HEAD_TTL:
		return read_head_number(item, TTL_MAX_MS, &head->ttl_ms, fault);
	case HEAD_KEYS:
		break;
	}
	impossible("every key is handled");
}

static enum head_key find_key(struct str key)
{
	unsigned k = 0;

	while (k < HEAD_KEYS && !str_eq(key, head_keys[k]))
		k++;
	return (enum head_key)k;
}

static enum err read_pair(struct wire *w, struct keyset *keys, struct head *head, unsigned *found,
			  struct fault *fault)
{
	struct item item;
	struct str key;
	enum err e = wire_key(w, &key, fault);

	if (e)
		return e;
	const enum head_key k = find_key(key);
	e = keyset_add(keys, key, fault);
	if (!e)
		e = wire_next(w, &item, fault);
	if (!e)
		e = wire_pass(w, &item, 1, fault);
	if (!e && k < HEAD_KEYS && item.kind != ITEM_NIL) {
		e = read_head_value(k, &item, head, fault);
		*found |= 1u << k;
	}
	if (e)
		fault_under_key(fault, key);
	return e;
}

/* Version first: another version may have another header. */
static enum err judge(const struct head *head, unsigned found, struct fault *fault)
{
	if (!(found & 1u << HEAD_V))
		return fault_set(fault, ERR_MISSING_FIELD, "v", "the protocol version");
	if (head->v != PROTO_VERSION) {
		if (fault) {
			fault->expected = PROTO_VERSION;
			fault->actual = (int64_t)head->v;
		}
		return fault_set(fault, ERR_BAD_VERSION, "v", "version %llu; %u is spoken here",
				 (unsigned long long)head->v, PROTO_VERSION);
	}
	if (!(found & 1u << HEAD_TYPE))
		return fault_set(fault, ERR_MISSING_FIELD, "type", "the name of the message");
	if (head->type == MSG_NONE)
		return fault_set(fault, ERR_UNKNOWN_MESSAGE, "type", "no message has this name");
	return ERR_OK;
}

/* Read on until all of `wanted` has been found, or the whole. */
static enum err peek(struct wire w, unsigned wanted, struct head *head, struct fault *fault)
{
	struct keyset keys;
	struct item item;
	unsigned found = 0;

	*head = (struct head){ 0 };
	const size_t n = (size_t)(w.end - w.p);
	enum err e = field_check_limit(MSG_BYTES_MAX, n, "a longer message", fault);
	if (!e)
		e = wire_next(&w, &item, fault);
	if (e)
		return e;
	if (item.kind != ITEM_MAP)
		return wire_wrong(&item, "a map", fault);
	keys.n = 0;
	for (uint64_t i = 0; !e && found != wanted && i < item.u; i++)
		e = read_pair(&w, &keys, head, &found, fault);
	if (!e && found != wanted && w.p != w.end)
		e = fault_set(fault, ERR_MALFORMED, NULL, "bytes behind the end of the map");
	return e ? e : judge(head, found, fault);
}

enum err msg_peek(struct str wire, struct head *head, struct fault *fault)
{
	return peek(wire_of(wire), HEAD_WHOLE, head, fault);
}

enum err request_peek(struct str wire, struct head *head, struct fault *fault)
{
	return peek(wire_of_request(wire), HEAD_WHOLE, head, fault);
}

enum err answer_peek(struct str wire, struct head *head, struct fault *fault)
{
	return peek(wire_of(wire), HEAD_OF_ANSWER, head, fault);
}
