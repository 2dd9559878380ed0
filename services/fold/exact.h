/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exact: a bound of an amount as an exact number of minor units, also while currencies are mixed.
 *
 * Without conversion a bound is an integer. With it, a bound is an integer plus a sum of integers
 * each multiplied by an exchange rate, and stays so until it is compared or shown: nothing is
 * rounded but once, at the end, half to even.
 */
#ifndef AVOW_FOLD_EXACT_H
#define AVOW_FOLD_EXACT_H

#include "services/fold/fact.h"

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;

/* From minor units to minor units: 10^(tens - RATIO_TENS) / den. */
#define RATIO_TENS 26
struct ratio {
	uint64_t den;
	unsigned tens;	   /* 0 to 2 * RATIO_TENS */
	/* nearly the same, for quick comparisons: about * 2^-shift, less than 2^-62 of it too low */
	uint64_t about;
	int shift;
};
struct ratios {
	struct ratio *v;
	size_t n;
};
/*
 * The ratios that turn minor units of a currency into those of another one; the digits are those of
 * the minor units. Where one of it costs rate.units / 10^scale, the units are left to the factor of
 * the term, so that all rates of a scale share a ratio.
 */
struct ratio ratio_direct(unsigned scale, unsigned digits_from, unsigned digits_to);
/* Where one of the other costs `rate` of it. */
struct ratio ratio_inverse(struct decimal rate, unsigned digits_from, unsigned digits_to);

struct term {
	wide n;
	uint32_t ratio; /* which of the ratios */
};
/* Sorted by ratio, never empty. */
struct terms {
	size_t n, cap;
	struct term v[];
};
struct bound {
	wide n;
	struct terms *terms; /* NULL: none; shared between bounds, so changed by bound_raise alone */
};

/* A whole number of minor units. */
static inline struct bound bound_of(int64_t n)
{
	return (struct bound){ .n = n };
}
/* n times this ratio. ERR_NO_MEMORY */
MUST_USE enum err bound_at(struct arena *a, wide n, uint32_t ratio, struct bound *out);
/* a + b; ERR_OVERFLOW, ERR_NO_MEMORY. */
MUST_USE enum err bound_add(struct arena *a, struct bound x, struct bound y, struct bound *out);
/*
 * x += y, where nobody else holds x's terms: begin with zero, or with a bound_copy. Any number of
 * additions takes no more memory than the terms of the sum. ERR_OVERFLOW, ERR_NO_MEMORY.
 */
MUST_USE enum err bound_raise_terms(struct arena *a, struct bound *x, struct bound y);
MUST_USE static inline enum err bound_raise(struct arena *a, struct bound *x, struct bound y)
{
	if (y.terms)
		return bound_raise_terms(a, x, y);
	return __builtin_add_overflow(x->n, y.n, &x->n) ? ERR_OVERFLOW : ERR_OK;
}
/* With terms of its own, in this arena. */
MUST_USE enum err bound_copy_terms(struct arena *a, struct bound x, struct bound *out);
MUST_USE static inline enum err bound_copy(struct arena *a, struct bound x, struct bound *out)
{
	if (x.terms)
		return bound_copy_terms(a, x, out);
	*out = x;
	return ERR_OK;
}
/* ERR_OVERFLOW, ERR_NO_MEMORY */
MUST_USE enum err bound_negate(struct arena *a, struct bound x, struct bound *out);
/* See bound_cmp: where there are terms. */
MUST_USE enum err bound_cmp_terms(const struct ratios *ratios, struct arena *a, struct bound x,
				  struct bound y, int *order);
/* Below, equal or above: -1, 0, 1. ERR_OVERFLOW, ERR_NO_MEMORY */
MUST_USE static inline enum err bound_cmp(const struct ratios *ratios, struct arena *a,
					  struct bound x, struct bound y, int *order)
{
	if (x.terms || y.terms)
		return bound_cmp_terms(ratios, a, x, y, order);
	*order = x.n < y.n ? -1 : x.n > y.n;
	return ERR_OK;
}
/* The nearest integer, of two the even one; ERR_OVERFLOW where it is beyond 64 bits. */
MUST_USE enum err bound_round(const struct ratios *ratios, struct arena *a, struct bound x,
			      int64_t *out);

#endif
