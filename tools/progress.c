/* SPDX-License-Identifier: Apache-2.0 */
/* progress: a bar, or a line now and then. */
#include "tools/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 500
#define BAR_EVERY_MS 100
#define LINE_EVERY_MS 10000
#define BAR_WIDTH 30

static int64_t clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress){ .what = what,
				.terminal = isatty(STDERR_FILENO) != 0,
				.started_ms = clock_ms() };
	p->next_ms = p->started_ms + (p->terminal ? FIRST_MS : LINE_EVERY_MS);
}

static void print_bar(uint64_t done, uint64_t size)
{
	const int full = (int)(done * BAR_WIDTH / size);

	fputc('[', stderr);
	for (int i = 0; i < BAR_WIDTH; i++)
		fputc(i < full ? '#' : '.', stderr);
	fprintf(stderr, "] %3d%% ", (int)(done * 100 / size));
}

void progress_show(struct progress *p, uint64_t count, uint64_t done, uint64_t size)
{
	const int64_t now = clock_ms(), spent = now - p->started_ms;

	if (now < p->next_ms || spent <= 0)
		return;
	p->next_ms = now + (p->terminal ? BAR_EVERY_MS : LINE_EVERY_MS);
	if (p->terminal)
		fputs("\r", stderr);
	if (size && done <= size && p->terminal)
		print_bar(done, size);
	fprintf(stderr, "%llu %s, %llu a second", (unsigned long long)count, p->what,
		(unsigned long long)(count * 1000 / (uint64_t)spent));
	if (size && done && done <= size)
		fprintf(stderr, ", %llu s left",
			(unsigned long long)((size - done) * (uint64_t)spent / done / 1000));
	fputs(p->terminal ? "\x1b[K" : "\n", stderr);
	p->shown = p->terminal;
}

void progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\x1b[K", stderr);
	p->shown = false;
}
