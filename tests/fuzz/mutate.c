/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutate: for handlers, whose inputs are messages one behind the other (see fuzz.h): changes one of
 * them and keeps the others whole, or puts a new one of any type in its place.
 */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tests/unit/sample.h"

#define HEAD_SIZE 3u
#define MESSAGE_MAX 0xffffu

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* Where one of the messages begins, chosen by chance; size is where there is none. */
static size_t choose(const uint8_t *data, size_t size, struct random *r)
{
	size_t at = 0, chosen = size;

	for (uint64_t n = 1; at + HEAD_SIZE <= size; n++) {
		if (random_below(r, n) == 0)
			chosen = at;
		at += HEAD_SIZE + ((size_t)data[at + 1] << 8 | data[at + 2]);
	}
	return chosen;
}

/* A message of any type, right field by field, into out; its size. */
static size_t make(struct random *r, uint8_t *out, size_t max)
{
	const struct shape *s = shape_of((enum msg_type)(1 + random_below(r, MSG_COUNT - 1)));
	const struct head head = { .v = PROTO_VERSION, .type = s->type,
				   .rid = random_below(r, 3) ? random_below(r, 300) : 0,
				   .ttl_ms = random_below(r, 2) ? 1 + random_below(r, 900) : 0 };
	struct arena a;
	struct buf wire;
	size_t n = 0;

	arena_init(&a, FUZZ_ARENA_MAX);
	buf_init(&wire, max);
	void *msg = arena_zalloc(&a, 1, s->size);
	require(msg);
	sample_make(s, r, &a, random_below(r, 2), msg);
	if (msg_encode(s, &head, msg, &wire) == ERR_OK) {
		n = wire.n;
		memcpy(out, wire.p, n);
	}
	buf_fini(&wire);
	arena_fini(&a);
	return n;
}

/* Put `n` bytes in the place of what lies between `at` and `end`; the new size. */
static size_t splice(uint8_t *data, size_t size, size_t at, size_t end, const uint8_t *bytes, size_t n)
{
	memmove(data + at + n, data + end, size - end);
	memcpy(data + at, bytes, n);
	return size - (end - at) + n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct random r = { seed };
	const size_t at = choose(data, size, &r);

	if (max < HEAD_SIZE + 1 || (at < size && random_below(&r, 4) == 0))
		return LLVMFuzzerMutate(data, size, max);
	const size_t said = at < size ? (size_t)data[at + 1] << 8 | data[at + 2] : 0;
	const size_t body = at < size ? at + HEAD_SIZE : size;
	const size_t end = said < size - body ? body + said : size;
	uint8_t *m = malloc(MESSAGE_MAX);
	size_t room = max - size + (end - at);

	require(m);
	if (room > MESSAGE_MAX)
		room = MESSAGE_MAX;
	if (room <= HEAD_SIZE) {
		free(m);
		return LLVMFuzzerMutate(data, size, max);
	}
	m[0] = at < size ? data[at] : (uint8_t)random_next(&r);
	size_t n = end - body;
	if (n > room - HEAD_SIZE)
		n = room - HEAD_SIZE;
	memcpy(m + HEAD_SIZE, data + body, n);
	if (at == size || random_below(&r, 4) == 0)
		n = make(&r, m + HEAD_SIZE, room - HEAD_SIZE);
	else if (random_below(&r, 8) == 0)
		m[0] = (uint8_t)random_next(&r);
	else
		n = LLVMFuzzerMutate(m + HEAD_SIZE, n, room - HEAD_SIZE);
	m[1] = (uint8_t)(n >> 8);
	m[2] = (uint8_t)n;
	/* half the time it is one more, where there is room */
	const bool more = at < size && random_below(&r, 2) && size + HEAD_SIZE + n <= max;
	const size_t made = splice(data, size, at, more ? at : end, m, HEAD_SIZE + n);
	free(m);
	return made;
}
