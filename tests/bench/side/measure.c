/* SPDX-License-Identifier: Apache-2.0 */
/* measure: times are kept one by one, as a histogram would have to be believed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/side/measure.h"
#include "tests/bench/side/stream.h"

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t measure_ns(void)
{
	static _Thread_local uint64_t last;
	const uint64_t now = now_ns(CLOCK_MONOTONIC);

	last = now > last ? now : last + 1;
	return last;
}

uint64_t measure_cpu_ns(void)
{
	return now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void times_add(struct times *t, uint64_t ns)
{
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 4096;
		t->v = realloc(t->v, t->room * sizeof(*t->v));
		if (!t->v)
			stream_give_up("times", STR("no memory"));
	}
	t->v[t->n++] = ns;
}

void times_free(struct times *t)
{
	free(t->v);
	*t = (struct times){ 0 };
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void times_print(struct times *t, const char *prefix)
{
	static const struct {
		const char *name;
		unsigned thousandths;
	} places[] = { { "p50_us", 500 }, { "p95_us", 950 }, { "p99_us", 990 }, { "max_us", 1000 } };

	if (t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_size);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const size_t at = t->n ? (t->n - 1) * places[i].thousandths / 1000 : 0;
		printf("%s\"%s%s\": %.1f", i ? ", " : "", prefix, places[i].name,
		       t->n ? (double)t->v[at] / 1e3 : 0.0);
	}
}

uint64_t measure_number(const char *text, uint64_t max)
{
	char *end;
	const unsigned long long n = strtoull(text, &end, 10);

	if (!*text || *end || n > max)
		stream_give_up(text, STR("is not a number, or too large"));
	return n;
}
