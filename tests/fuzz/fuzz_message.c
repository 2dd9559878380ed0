/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message, read and written: what was decoded and keeps the rules of a struct is encoded, read
 * again, and gives the same bytes. Faults as `error` messages, and back.
 */
#include "proto/field.h"
#include "proto/wire.h"
#include "tests/fuzz/fuzz.h"

struct made {
	struct arena arena;
	struct buf first, second;
};

static void *decoded(struct made *m, const struct shape *s, struct str wire, enum err *e)
{
	struct fault fault;
	void *msg = arena_zalloc(&m->arena, 1, s->size);

	require(msg);
	fault_init(&fault);
	*e = msg_decode(s, wire, &m->arena, msg, &fault);
	require(!*e || fault.code == *e);
	return msg;
}

static void error_and_back(const struct error *e)
{
	struct fault fault, again;
	struct error out;

	fault_from_error(e, &fault);
	error_from_fault(&fault, &out);
	fault_from_error(&out, &again);
	require(again.code == fault.code && strcmp(again.field, fault.field) == 0);
}

static void round_trip(struct made *m, const struct shape *s, struct str wire)
{
	const struct head head = { .v = PROTO_VERSION, .type = s->type, .rid = 7, .ttl_ms = 9 };
	struct head back;
	struct fault fault;
	enum err e;
	void *msg = decoded(m, s, wire, &e);

	if (e)
		return;
	if (s == &shape_error)
		error_and_back(msg);
	fault_init(&fault);
	/* words that are not known here are tolerated in answers, and cannot be written */
	if (record_check(s, msg, &fault)) {
		require(s->answer == NULL);
		return;
	}
	require(msg_encode(s, &head, msg, &m->first) == ERR_OK);
	require(msg_peek(buf_str(&m->first), &back, &fault) == ERR_OK);
	require(back.type == head.type && back.rid == head.rid && back.ttl_ms == head.ttl_ms);
	msg = decoded(m, s, buf_str(&m->first), &e);
	require(e == ERR_OK);
	require(msg_encode(s, &head, msg, &m->second) == ERR_OK);
	require(str_eq(buf_str(&m->first), buf_str(&m->second)));
	buf_clear(&m->second);
	require(json_write(s, msg, &m->arena, &m->second) == ERR_OK);
	require(utf8_valid(buf_str(&m->second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str wire = fuzz_str(data, size);
	struct made m;
	struct head head;
	struct fault fault;

	arena_init(&m.arena, FUZZ_ARENA_MAX);
	buf_init(&m.first, MSG_BYTES_MAX);
	buf_init(&m.second, MSG_BYTES_MAX);
	fault_init(&fault);
	const enum err e = msg_peek(wire, &head, &fault);
	if (e)
		fuzz_refused(e, &fault);
	else {
		require(wire_check(wire, NULL) == ERR_OK);
		round_trip(&m, shape_of(head.type), wire);
	}
	arena_fini(&m.arena);
	buf_fini(&m.first);
	buf_fini(&m.second);
	return 0;
}
