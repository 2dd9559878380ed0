/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query's core, told anything by the ledger behind it, with a real replica: whatever it says, the
 * replica stays one that opens again, people get one answer each, and nothing else is sent than what
 * is well-formed.
 */
#include <stdlib.h>

#include "services/query/index.h"
#include "services/query/query.h"
#include "store/lm.h"
#include "tests/fuzz/fuzz.h"

#define MIB ((size_t)1 << 20)

static struct replica *open_replica(void)
{
	static const struct lm_sizes sizes = { .map = 16 * MIB, .room = 8 * MIB, .step = 16 * MIB };
	struct replica *r;
	struct fault fault;

	fault_init(&fault);
	require(replica_open_sized(fuzz_dir(), INDEX_VERSION, &sizes, &r, &fault) == ERR_OK);
	return r;
}

/* Kept from input to input while nothing was written to it. */
static struct replica *kept;

static struct replica *empty_replica(void)
{
	static const struct id none;
	struct replica_info info;

	if (kept)
		replica_info(kept, &info);
	if (kept && memcmp(info.ledger.b, none.b, ID_SIZE) == 0)
		return kept;
	if (kept) {
		replica_close(kept);
		replica_close(open_replica());
	}
	fuzz_dir_empty(fuzz_dir());
	kept = open_replica();
	return kept;
}

static void run(struct str input, struct fuzz_clock *c)
{
	struct now now = { .wall_us = FUZZ_NOW_US, .mono_ms = 1000 };
	struct fuzz_answers answers;
	struct fuzz_message m;
	size_t asked = 0;

	fuzz_answers_init(&answers);
	const struct query_outlets outlets = { .people = fuzz_answers_outlet(&answers),
					       .ledger = fuzz_outlet(&answers),
					       .tape = fuzz_outlet(&answers) };
	struct query *q = query_new(empty_replica(), outlets, now);
	require(q);
	for (size_t n = 0; n < FUZZ_MESSAGES_MAX && fuzz_message(&input, &m); n++) {
		const struct parcel parcel = { m.from, { m.bytes, m.n } };
		now.mono_ms += m.who & FUZZ_LATER ? 100 : 0;
		fuzz_clock_start(c);
		if (m.who & FUZZ_FROM_LEDGER)
			require(query_hear(q, parcel.wire, now) == ERR_OK);
		else
			query_take(q, &parcel, now), asked++;
		(void)query_tick(q, now);
		fuzz_clock_stop(c);
		free(m.bytes);
	}
	now.mono_ms += TTL_MAX_MS + WAIT_MS_MAX + 1;
	(void)query_tick(q, now);
	require(answers.n == asked);
	query_free(q);
	fuzz_answers_fini(&answers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_within(run, fuzz_str(data, size));
	return 0;
}
