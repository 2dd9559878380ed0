/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's core, given any messages, with a real log: one answer to each, every one well-formed,
 * and a log that holds what the answers say.
 */
#include <stdlib.h>

#include "services/ledger/ledger.h"
#include "store/lm.h"
#include "tests/fuzz/fuzz.h"

#define MIB ((size_t)1 << 20)

/* Both are kept from input to input while nothing was written. */
static struct log *kept;
static struct ledger *core;
static struct fuzz_answers answers;

static struct ledger *empty_ledger(struct now now)
{
	static const struct lm_sizes sizes = { .map = 16 * MIB, .room = 8 * MIB, .step = 16 * MIB };
	struct log_info info;
	struct fault fault;

	if (kept)
		log_info(kept, &info);
	if (kept && info.head == 0)
		return core;
	if (kept)
		fuzz_answers_fini(&answers);
	ledger_free(core);
	log_close(kept);
	fuzz_dir_empty(fuzz_dir());
	fault_init(&fault);
	require(log_open_sized(fuzz_dir(), FUZZ_NOW_US, &sizes, &kept, &fault) == ERR_OK);
	fuzz_answers_init(&answers);
	core = ledger_new(kept, fuzz_answers_outlet(&answers), now);
	require(core);
	return core;
}

static void end_turn(struct ledger *l, struct now now, struct fuzz_clock *c)
{
	fuzz_clock_start(c);
	require(ledger_commit(l, now) == ERR_OK);
	ledger_reply(l, now);
	(void)ledger_ring(l, now);
	fuzz_clock_stop(c);
}

static void run(struct str input, struct fuzz_clock *c)
{
	struct fuzz_message m[FUZZ_MESSAGES_MAX];
	struct parcel parcels[FUZZ_MESSAGES_MAX]; /* live until ledger_reply */
	struct now now = { .wall_us = FUZZ_NOW_US, .mono_ms = 1000 };
	struct ledger *l = empty_ledger(now);
	size_t n = 0;

	answers.n = 0;
	for (; n < FUZZ_MESSAGES_MAX && fuzz_message(&input, &m[n]); n++) {
		parcels[n] = (struct parcel){ m[n].from, { m[n].bytes, m[n].n } };
		now.mono_ms += m[n].who & FUZZ_LATER ? 100 : 0;
		now.wall_us += 1000;
		fuzz_clock_start(c);
		ledger_take(l, &parcels[n], now);
		fuzz_clock_stop(c);
		if (m[n].who & FUZZ_TURN)
			end_turn(l, now, c);
	}
	end_turn(l, now, c);
	now.mono_ms += TTL_MAX_MS + WAIT_MS_MAX;
	require(ledger_ring(l, now) == -1);
	require(answers.n == n);
	for (size_t i = 0; i < n; i++)
		free(m[i].bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_within(run, fuzz_str(data, size));
	return 0;
}
