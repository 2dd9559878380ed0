/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query's core, asked anything by people, over a replica of the sample deals: one answer to each,
 * every one well-formed.
 */
#include <stdio.h>
#include <stdlib.h>

#include "services/query/index.h"
#include "services/query/query.h"
#include "tests/fuzz/fuzz.h"

#define LINE_SIZE ((size_t)1 << 20)

static void put(struct replica *r, struct str json, uint64_t seq, struct arena *a)
{
	struct record rec = { .epoch = 1, .seq = seq, .recorded = FUZZ_NOW_US + (int64_t)seq };
	struct event event;
	struct fault fault;
	struct buf bytes;

	fault_init(&fault);
	buf_init(&bytes, EVENT_BYTES_MAX);
	require(json_read(&shape_event, json, a, &event, &fault) == ERR_OK);
	require(record_encode(&shape_event, &event, &bytes) == ERR_OK);
	rec.event = buf_str(&bytes);
	leaf_hash(rec.epoch, rec.seq, rec.recorded, rec.event, &rec.leaf);
	require(replica_put(r, &event.id, &rec) == ERR_OK);
	require(index_event(r, NULL, NULL, &rec, &event, a) == ERR_OK);
	buf_fini(&bytes);
}

/* Filled at the first input, and never written again. */
static struct replica *sample(void)
{
	static struct replica *r;
	const struct id ledger = { { 7 } };
	struct fault fault;
	struct arena a;
	uint64_t seq = 0;

	if (r)
		return r;
	fault_init(&fault);
	require(replica_open(fuzz_dir(), INDEX_VERSION, &r, &fault) == ERR_OK);
	require(replica_bind(r, &ledger, 1) == ERR_OK && replica_begin(r) == ERR_OK);
	FILE *f = fopen(AVOW_TEST_DATA "/ai-deals.jsonl", "re");
	char *line = malloc(LINE_SIZE);
	require(f && line);
	while (fgets(line, (int)LINE_SIZE, f)) {
		arena_init(&a, FUZZ_ARENA_MAX);
		put(r, str_of(line), ++seq, &a);
		arena_fini(&a);
	}
	free(line);
	(void)fclose(f);
	require(seq > 0 && replica_commit(r) == ERR_OK);
	return r;
}

/* Kept from input to input: what was asked leaves nothing behind but counters. */
static struct query *core(struct fuzz_answers *answers, struct now now)
{
	static struct query *q;
	const struct query_outlets outlets = { .people = fuzz_answers_outlet(answers),
					       .ledger = fuzz_outlet(answers),
					       .tape = fuzz_outlet(answers) };

	if (!q) {
		fuzz_answers_init(answers);
		q = query_new(sample(), outlets, now);
		require(q);
	}
	return q;
}

static void run(struct str input, struct fuzz_clock *c)
{
	static struct now now = { .wall_us = FUZZ_NOW_US, .mono_ms = 1000 };
	static struct fuzz_answers answers;
	struct query *q = core(&answers, now);
	struct fuzz_message m;
	size_t asked = 0;

	answers.n = 0;
	for (; asked < FUZZ_MESSAGES_MAX && fuzz_message(&input, &m); asked++) {
		const struct parcel parcel = { m.from, { m.bytes, m.n } };
		now.mono_ms += m.who & FUZZ_LATER ? 100 : 0;
		fuzz_clock_start(c);
		query_take(q, &parcel, now);
		query_took(q, 1);
		(void)query_tick(q, now);
		fuzz_clock_stop(c);
		free(m.bytes);
	}
	now.mono_ms += TTL_MAX_MS + WAIT_MS_MAX + 1;
	(void)query_tick(q, now);
	require(answers.n == asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_within(run, fuzz_str(data, size));
	return 0;
}
