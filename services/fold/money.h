/* SPDX-License-Identifier: Apache-2.0 */
/*
 * money: intervals of one currency, and sums, which are intervals by currency with the number of
 * amounts without a figure beside them.
 */
#ifndef AVOW_FOLD_MONEY_H
#define AVOW_FOLD_MONEY_H

#include "services/fold/exact.h"

/* What the arithmetic needs: memory, and the rates that bounds refer to. */
struct counting {
	struct arena *arena;
	struct ratios ratios;
};

/* From low to high; an open side has no bound, and its excl flag is off. */
struct interval {
	struct bound low, high;
	uint16_t currency;
	bool low_open, high_open, low_excl, high_excl, approx;
};

/* Exactly nothing. */
struct interval interval_nothing(uint16_t currency);
/* x += y: bounds add, open absorbs, flags stick. ERR_OVERFLOW, ERR_NO_MEMORY */
MUST_USE enum err interval_add(struct counting *c, struct interval *x, const struct interval *y);
/* -x: from -high to -low. */
MUST_USE enum err interval_negate(struct counting *c, struct interval *x);
/* The same, where money below zero is none. */
MUST_USE enum err interval_floor(struct counting *c, struct interval *x);
/* x becomes the smallest interval that spans both. */
MUST_USE enum err interval_span(struct counting *c, struct interval *x, const struct interval *y);
MUST_USE enum err interval_above(struct counting *c, const struct interval *a,
				 const struct interval *b, enum certainty *out);
/* Whether neither is certainly above the other. */
MUST_USE enum err interval_meet(struct counting *c, const struct interval *a,
				const struct interval *b, bool *out);
/* Whether bounds and flags are the same. */
MUST_USE enum err interval_same(struct counting *c, const struct interval *a,
				const struct interval *b, bool *out);

struct sums {
	struct interval *v; /* sorted by currency; in the arena */
	size_t n, cap;
	uint64_t undisclosed;
	uint64_t undisclosed_returned; /* of them: money that came back */
};
/* Nothing at all; exactly zero of a currency is not nothing. */
static inline bool sums_empty(const struct sums *s)
{
	return s->n == 0 && s->undisclosed == 0;
}
/* The interval of a currency, NULL where there is none. */
const struct interval *sums_find(const struct sums *s, uint16_t currency);
/* What is known of a currency for comparing: amounts without a figure open the bounds. */
struct interval sums_bounds(const struct sums *s, uint16_t currency);
MUST_USE enum err sums_add_interval(struct counting *c, struct sums *s, const struct interval *i);
MUST_USE enum err sums_add(struct counting *c, struct sums *s, const struct sums *more);
/* What lowers a sum by this. */
MUST_USE enum err sums_return(struct counting *c, struct sums *s);
/* Its own copy of the intervals, which may then be changed. */
MUST_USE enum err sums_copy(struct counting *c, const struct sums *from, struct sums *to);
/*
 * What the whole has beyond the share, for each currency of the whole, never below nothing;
 * nothing undisclosed in it.
 */
MUST_USE enum err sums_beyond(struct counting *c, const struct sums *whole,
			      const struct sums *share, struct sums *out);

/* What spans all sums that are put in; a currency that one of them lacks is zero there. */
struct hull {
	struct sums spanned;
	size_t n;
};
MUST_USE enum err hull_put(struct counting *c, struct hull *h, const struct sums *s);

/*
 * As answers hold it, by currency, rounded to minor units; what is undisclosed stands under XXX.
 * Lies in `out`, which may be another arena than the one of the counting. ERR_OVERFLOW where a
 * bound is beyond 64 bits.
 */
MUST_USE enum err sums_write(struct counting *c, const struct sums *s, struct arena *out,
			     struct sum_list *list);

#endif
