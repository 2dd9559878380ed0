/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clocks: preloaded into a service, it lets the wall clock jump while the service runs.
 *
 * CLOCK_FILE holds 8 bytes, the seconds to add (as the machine has them); it is mapped, so that the
 * driver's change is seen at once. The monotonic clock, which by its nature never jumps, is left;
 * CLOCK_MONOTONIC_TOO plants the mistake that time-outs follow the wall clock.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *jump_s;
static bool monotonic_too;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CLOCK_FILE");

	if (!path)
		return;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p = mmap(NULL, sizeof(*jump_s), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		abort();
	jump_s = p;
	monotonic_too = getenv("CLOCK_MONOTONIC_TOO") != NULL;
	(void)close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	const long rc = syscall(SYS_clock_gettime, clock, t);

	if (rc == 0 && jump_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
				  monotonic_too))
		t->tv_sec += *jump_s;
	return (int)rc;
}

int gettimeofday(struct timeval *t, void *zone)
{
	struct timespec now;

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec;
	t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}
