/* SPDX-License-Identifier: Apache-2.0 */
/* clock: CLOCK_REALTIME and CLOCK_MONOTONIC, which cannot fail on Linux. */
#include "services/shared/clock.h"

#include <time.h>

int64_t clock_wall_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct now clock_now(void)
{
	return (struct now){ .wall_us = clock_wall_us(), .mono_ms = clock_mono_ms() };
}
