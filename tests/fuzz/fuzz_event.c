/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event as bytes: what ingest takes, readers, the ledger and the fold can read as well, and it comes
 * back the same through bytes and through JSON.
 */
#include "proto/field.h"
#include "services/fold/fact.h"
#include "tests/fuzz/fuzz.h"

struct made {
	struct arena arena;
	struct buf first, second;
};

static enum err number(void *arg, enum dictionary dict, struct str slug, uint32_t *out)
{
	(void)arg;
	(void)dict;
	*out = 1 + (uint32_t)slug.n;
	return ERR_OK;
}

/* Through the fold's fact and its bytes. */
static void through_fact(struct made *m, const struct event *e)
{
	const struct numbering numbering = { .number = number };
	char bytes[FACT_SIZE_MAX], again[FACT_SIZE_MAX];
	struct fact fact, back;

	require(fact_from_event(e, 9, NULL, 0, &numbering, &m->arena, &fact) == ERR_OK);
	const size_t n = fact_write(&fact, 0, bytes);
	require(fact_read((struct str){ bytes, n }, 0, fact.stated, 9, &back) == ERR_OK);
	require(fact_write(&back, 0, again) == n && memcmp(bytes, again, n) == 0);
}

/* As JSON and back: the same event, byte for byte as we write it. */
static void through_json(struct made *m, const struct event *e)
{
	struct event back;
	struct fault fault;

	fault_init(&fault);
	buf_clear(&m->second);
	require(json_write(&shape_event, e, &m->arena, &m->second) == ERR_OK);
	require(json_read(&shape_event, buf_str(&m->second), &m->arena, &back, &fault) == ERR_OK);
	buf_clear(&m->second);
	require(record_encode(&shape_event, &back, &m->second) == ERR_OK);
	require(str_eq(buf_str(&m->first), buf_str(&m->second)));
}

static void round_trip(struct made *m, const struct event *e)
{
	struct event back;
	struct fault fault;
	bool same;

	fault_init(&fault);
	require(record_check(&shape_event, e, &fault) == ERR_OK);
	require(record_encode(&shape_event, e, &m->first) == ERR_OK);
	const struct str bytes = buf_str(&m->first);
	require(event_check(bytes, FUZZ_NOW_US, &m->arena, &back, &fault) == ERR_OK);
	require(record_encode(&shape_event, &back, &m->second) == ERR_OK);
	require(str_eq(bytes, buf_str(&m->second)));
	require(event_same(bytes, buf_str(&m->second), &m->arena, &same) == ERR_OK && same);
	through_fact(m, e);
	through_json(m, e);
}

/* What the ledger needs of its bytes it can read, and so can a reader. */
static void others(struct made *m, struct str bytes, const struct event *e)
{
	struct event_keys keys;
	struct event lenient;
	struct fault fault;
	bool same;

	fault_init(&fault);
	require(event_decode(bytes, &m->arena, &lenient, &fault) == ERR_OK);
	require(event_peek(bytes, &keys, &fault) == ERR_OK);
	require(memcmp(keys.id.b, e->id.b, ID_SIZE) == 0 && keys.kind == e->kind);
	require(str_eq(keys.deal, e->deal) && keys.has_ref == msg_has(e, event, ref));
	require(event_same(bytes, bytes, &m->arena, &same) == ERR_OK && same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str bytes = fuzz_str(data, size);
	struct made m;
	struct event event;
	struct event_keys keys;
	struct fault fault;

	arena_init(&m.arena, FUZZ_ARENA_MAX);
	buf_init(&m.first, EVENT_BYTES_MAX);
	buf_init(&m.second, (size_t)8 * EVENT_BYTES_MAX);
	fault_init(&fault);
	const enum err e = event_check(bytes, FUZZ_NOW_US, &m.arena, &event, &fault);
	if (!e) {
		others(&m, bytes, &event);
		round_trip(&m, &event);
	} else {
		fuzz_refused(e, &fault);
		const enum err peeked = event_peek(bytes, &keys, &fault);
		(void)peeked; /* either way it comes back */
	}
	arena_fini(&m.arena);
	buf_fini(&m.first);
	buf_fini(&m.second);
	return 0;
}
