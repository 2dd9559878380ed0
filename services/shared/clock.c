/* SPDX-License-Identifier: Apache-2.0 */
/* clock: CLOCK_REALTIME and CLOCK_MONOTONIC, which cannot fail on Linux. */
#include "services/shared/clock.h"

#include <time.h>

static int64_t read_us(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

struct now clock_now(void)
{
	return (struct now){ .wall_us = clock_wall_us(), .mono_ms = clock_mono_ms() };
}
