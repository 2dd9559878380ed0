/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ingest's core, given any messages by people and by the ledger: one answer to each of people's, and
 * everything that it sends is well-formed.
 */
#include <stdlib.h>

#include "services/ingest/ingest.h"
#include "tests/fuzz/fuzz.h"

/* Making one is most of the work: it is kept from input to input while it is as good as new. */
static struct ingest *kept;
static struct fuzz_answers answers;
static bool good_as_new;

static struct ingest *new_ingest(struct now now)
{
	if (kept && good_as_new && !ingest_knows_ledger(kept))
		return kept;
	if (kept)
		fuzz_answers_fini(&answers);
	ingest_free(kept);
	fuzz_answers_init(&answers);
	kept = ingest_new(fuzz_answers_outlet(&answers), fuzz_outlet(&answers), now);
	require(kept);
	good_as_new = true;
	return kept;
}

static void run(struct str input, struct fuzz_clock *c)
{
	struct now now = { .wall_us = FUZZ_NOW_US, .mono_ms = 1000 };
	struct ingest *g = new_ingest(now);
	struct fuzz_message m;
	size_t asked = 0;

	answers.n = 0;
	for (size_t n = 0; n < FUZZ_MESSAGES_MAX && fuzz_message(&input, &m); n++) {
		const struct parcel parcel = { m.from, { m.bytes, m.n } };
		now.mono_ms += m.who & FUZZ_LATER ? 100 : 0;
		fuzz_clock_start(c);
		if (m.who & FUZZ_FROM_LEDGER)
			ingest_hear(g, parcel.wire, now);
		else
			ingest_take(g, &parcel, now), asked++;
		(void)ingest_tick(g, now);
		fuzz_clock_stop(c);
		free(m.bytes);
		require(answers.n + ingest_waiting(g) == asked);
		good_as_new = good_as_new && ingest_waiting(g) == 0;
	}
	now.mono_ms += TTL_MAX_MS + 1;
	(void)ingest_tick(g, now);
	require(answers.n == asked && ingest_waiting(g) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_within(run, fuzz_str(data, size));
	return 0;
}
