/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random: repeatable random numbers for property tests (splitmix64).
 *
 * The seed is AVOW_SEED of the environment, else a fixed one, and is printed, so that a failure
 * can be seen again.
 */
#ifndef AVOW_TESTS_RANDOM_H
#define AVOW_TESTS_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct random {
	uint64_t state;
};

/* The generator for one test, whose name is printed with the seed. */
static inline struct random random_begin(const char *test)
{
	const char *text = getenv("AVOW_SEED");
	const uint64_t seed = text ? strtoull(text, NULL, 10) : 20250121;

	printf("%s: AVOW_SEED=%llu\n", test, (unsigned long long)seed);
	return (struct random){ seed };
}

/* 64 random bits. */
static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 to n - 1. */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
	return random_next(r) % n;
}

/* A number of any length: as many bits as chance says, 0 to `bits` of them. */
static inline uint64_t random_bits(struct random *r, unsigned bits)
{
	const unsigned keep = (unsigned)random_below(r, bits + 1);

	return keep ? random_next(r) >> (64 - keep) : 0;
}

#endif
