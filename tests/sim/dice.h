/* SPDX-License-Identifier: Apache-2.0 */
/* dice: chance, all of it from the seed of a run. */
#ifndef AVOW_TESTS_SIM_DICE_H
#define AVOW_TESTS_SIM_DICE_H

#include <stdbool.h>

#include "tests/unit/random.h"

#define DICE_CERTAIN 100000u

/* Whether something happens that does so `per` times in DICE_CERTAIN. */
static inline bool dice_falls(struct random *r, unsigned per)
{
	return per && random_below(r, DICE_CERTAIN) < per;
}

/* Once in n times. */
static inline bool dice_once_in(struct random *r, uint64_t n)
{
	return random_below(r, n) == 0;
}

/* From low to high, both included. */
static inline int64_t dice_between(struct random *r, int64_t low, int64_t high)
{
	return low + (int64_t)random_below(r, (uint64_t)(high - low) + 1);
}

/* Mostly near `low`, rarely up to `high`: as delays are. */
static inline int64_t dice_skewed(struct random *r, int64_t low, int64_t high)
{
	const int64_t top = low + ((high - low) >> random_below(r, 8));

	return dice_between(r, low, top);
}

#endif
