/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event, and every other record, as JSON: what is read can be written as bytes and as JSON, and
 * comes back the same. The first byte says which record.
 */
#include "proto/field.h"
#include "tests/fuzz/fuzz.h"

struct made {
	struct arena arena;
	struct buf first, second, json;
};

static const struct shape *shape_number(unsigned n)
{
	size_t count = 0;

	while (shape_at(count))
		count++;
	return n < 128 ? &shape_event : shape_at(n % count);
}

static void write_bytes(const struct shape *s, const void *rec, struct buf *out)
{
	const struct head head = { .v = PROTO_VERSION, .type = s->type };

	buf_clear(out);
	require((s->message ? msg_encode(s, &head, rec, out) : record_encode(s, rec, out)) == ERR_OK);
}

static void round_trip(struct made *m, const struct shape *s, void *rec)
{
	struct fault fault;

	fault_init(&fault);
	if (s == &shape_event)
		msg_mark((struct event *)rec, event, id); /* it may come without one */
	require(record_check(s, rec, &fault) == ERR_OK);
	write_bytes(s, rec, &m->first);
	require(json_write(s, rec, &m->arena, &m->json) == ERR_OK);
	void *back = arena_zalloc(&m->arena, 1, s->size);
	require(back && json_read(s, buf_str(&m->json), &m->arena, back, &fault) == ERR_OK);
	write_bytes(s, back, &m->second);
	require(str_eq(buf_str(&m->first), buf_str(&m->second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = fuzz_str(data, size);
	const struct shape *s = shape_number(fuzz_byte(&text));
	struct made m;
	struct fault fault;

	arena_init(&m.arena, FUZZ_ARENA_MAX);
	buf_init(&m.first, MSG_BYTES_MAX);
	buf_init(&m.second, MSG_BYTES_MAX);
	buf_init(&m.json, (size_t)8 * MSG_BYTES_MAX);
	fault_init(&fault);
	void *rec = arena_zalloc(&m.arena, 1, s->size);
	require(rec);
	const enum err e = json_read(s, text, &m.arena, rec, &fault);
	if (e)
		fuzz_refused(e, &fault);
	else
		round_trip(&m, s, rec);
	arena_fini(&m.arena);
	buf_fini(&m.first);
	buf_fini(&m.second);
	buf_fini(&m.json);
	return 0;
}
