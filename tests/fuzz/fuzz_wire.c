/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bounded MessagePack reader against msgpack-c: they agree on every input that msgpack-c can be
 * trusted with, which is one whose counts are not beyond its bytes.
 */
#include <msgpack.h>

#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

/* ---- is it safe to show it to msgpack-c ---- */

static uint64_t number_at(const unsigned char *p, size_t width)
{
	uint64_t n = 0;

	for (size_t i = 0; i < width; i++)
		n = n << 8 | p[i];
	return n;
}

struct lead {
	size_t width;  /* bytes of length or count behind the first byte */
	uint64_t fixed; /* bytes or items that the first byte itself says */
	int items;      /* what is counted: 0 bytes, 1 items, 2 pairs */
};

static struct lead lead_of(unsigned char c)
{
	static const unsigned char numbers[] = { 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17 };

	if (c < 0x80 || c >= 0xe0 || (c >= 0xc0 && c <= 0xc3))
		return (struct lead){ 0 };
	if (c < 0xa0)
		return (struct lead){ 0, c & 15u, c < 0x90 ? 2 : 1 };
	if (c < 0xc0)
		return (struct lead){ 0, c & 31u, 0 };
	if (c <= 0xc6)
		return (struct lead){ (size_t)1 << (c - 0xc4), 0, 0 };
	if (c <= 0xc9)
		return (struct lead){ (size_t)1 << (c - 0xc7), 1, 0 };
	if (c <= 0xd8)
		return (struct lead){ 0, numbers[c - 0xca], 0 };
	if (c <= 0xdb)
		return (struct lead){ (size_t)1 << (c - 0xd9), 0, 0 };
	return (struct lead){ (size_t)2 << (c & 1), 0, c < 0xde ? 1 : 2 };
}

/* Each count, and each length, is at most what is left. */
static bool is_safe(const uint8_t *p, size_t n)
{
	uint64_t owed = 1;

	for (size_t at = 0; owed && at < n;) {
		const struct lead lead = lead_of(p[at++]);
		if (lead.width > n - at)
			return true; /* it is cut off: nothing is reserved */
		const uint64_t count = lead.fixed + number_at(p + at, lead.width);
		at += lead.width;
		if (count > n - at)
			return false;
		at += lead.items ? 0 : (size_t)count;
		owed += (uint64_t)lead.items * count - 1;
	}
	return true;
}

/* ---- whether what msgpack-c read is within our rules ---- */

static bool is_text(const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_STR &&
	       utf8_valid((struct str){ o->via.str.ptr, o->via.str.size });
}

static bool good(const msgpack_object *o, unsigned depth);

static bool good_map(const msgpack_object_map *m, unsigned depth)
{
	if (m->size > MAP_KEYS_MAX)
		return false;
	for (uint32_t i = 0; i < m->size; i++) {
		if (!is_text(&m->ptr[i].key) || m->ptr[i].key.via.str.size > KEY_BYTES_MAX ||
		    !good(&m->ptr[i].val, depth))
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (msgpack_object_equal(m->ptr[i].key, m->ptr[k].key))
				return false;
	}
	return true;
}

static bool good(const msgpack_object *o, unsigned depth)
{
	switch (o->type) {
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
	case MSGPACK_OBJECT_EXT:
		return false;
	case MSGPACK_OBJECT_STR:
		return is_text(o);
	case MSGPACK_OBJECT_MAP:
		return depth < MSG_DEPTH_MAX && good_map(&o->via.map, depth + 1);
	case MSGPACK_OBJECT_ARRAY:
		for (uint32_t i = 0; depth < MSG_DEPTH_MAX && i < o->via.array.size; i++)
			if (!good(&o->via.array.ptr[i], depth + 1))
				return false;
		return depth < MSG_DEPTH_MAX;
	default:
		return true;
	}
}

/* ---- the same values ---- */

static void same(struct wire *w, const msgpack_object *o)
{
	struct item item;

	require(wire_next(w, &item, NULL) == ERR_OK);
	switch (item.kind) {
	case ITEM_NIL:
		require(o->type == MSGPACK_OBJECT_NIL);
		return;
	case ITEM_BOOL:
		require(o->type == MSGPACK_OBJECT_BOOLEAN && o->via.boolean == (item.u != 0));
		return;
	case ITEM_UINT:
		require(o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 == item.u);
		return;
	case ITEM_NEGATIVE:
		require(o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER && o->via.i64 == item.i);
		return;
	case ITEM_TEXT:
		require(o->type == MSGPACK_OBJECT_STR && o->via.str.size == item.s.n);
		require(memcmp(o->via.str.ptr, item.s.p, item.s.n) == 0);
		return;
	case ITEM_BIN:
		require(o->type == MSGPACK_OBJECT_BIN && o->via.bin.size == item.s.n);
		require(memcmp(o->via.bin.ptr, item.s.p, item.s.n) == 0);
		return;
	case ITEM_ARRAY:
		require(o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size == item.u);
		for (uint32_t i = 0; i < item.u; i++)
			same(w, &o->via.array.ptr[i]);
		return;
	case ITEM_MAP:
		require(o->type == MSGPACK_OBJECT_MAP && o->via.map.size == item.u);
		for (uint32_t i = 0; i < item.u; i++) {
			same(w, &o->via.map.ptr[i].key);
			same(w, &o->via.map.ptr[i].val);
		}
		return;
	}
	impossible("every kind is handled");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str bytes = fuzz_str(data, size);
	struct fault fault;
	msgpack_unpacked theirs;
	size_t at = 0;

	fault_init(&fault);
	const enum err e = wire_check(bytes, &fault);
	require(wire_check(bytes, NULL) == e && (!e || fault.code == e));
	if (!is_safe(data, size)) {
		require(e);
		return 0;
	}
	msgpack_unpacked_init(&theirs);
	const bool read = msgpack_unpack_next(&theirs, (const char *)data, size, &at) ==
			  MSGPACK_UNPACK_SUCCESS;
	const bool fine = read && at == size && theirs.data.type == MSGPACK_OBJECT_MAP &&
			  good(&theirs.data, 0);
	require(fine == (e == ERR_OK));
	if (fine) {
		struct wire w = wire_of(bytes);
		same(&w, &theirs.data);
		require(w.p == w.end);
	}
	msgpack_unpacked_destroy(&theirs);
	return 0;
}
