/* SPDX-License-Identifier: Apache-2.0 */
/* clock: the two clocks of a loop. Cores never read them: the time is handed to them. */
#ifndef AVOW_SERVICES_SHARED_CLOCK_H
#define AVOW_SERVICES_SHARED_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970 UTC; may jump. For what is written down, never for waiting. */
int64_t clock_wall_us(void);
/* Milliseconds and microseconds since some instant; never goes back. For deadlines. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* One reading of both, which a loop takes once a turn. */
struct now {
	int64_t wall_us, mono_ms;
};
struct now clock_now(void);

#endif
