/* SPDX-License-Identifier: Apache-2.0 */
/* measure: clocks, times in a row, and a result as one line of JSON. */
#ifndef AVOW_TESTS_SIDE_MEASURE_H
#define AVOW_TESTS_SIDE_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of a clock that only goes on; each call of one thread gives a greater one. */
uint64_t measure_ns(void);
/* Nanoseconds of processor that this process has used. */
uint64_t measure_cpu_ns(void);

/* How long things took, in nanoseconds; grows as needed. */
struct times {
	uint64_t *v;
	size_t n, room;
};
void times_add(struct times *t, uint64_t ns);
void times_free(struct times *t);
/* `"PREFIXp50_us": 1.2, … "PREFIXmax_us": 3.4`, without braces. Sorts them. */
void times_print(struct times *t, const char *prefix);
/* A whole number of the command line, at most max; ends the program otherwise. */
uint64_t measure_number(const char *text, uint64_t max);

#endif
