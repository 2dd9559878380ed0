/* SPDX-License-Identifier: Apache-2.0 */
/* rate: exchange of amounts on the day on which they were stated; DESIGN.md section 4, rule 7. */
#ifndef AVOW_FOLD_RATE_H
#define AVOW_FOLD_RATE_H

#include "services/fold/view.h"

struct rate {
	int32_t day; /* it holds from this day on; DAY_MIN: always */
	struct order at; /* of its first version */
	uint16_t base;
	struct decimal units; /* of the other currency that one of the base costs */
	uint64_t seq; /* of the version that decides */
};
/* By day, then in order. */
struct rate_series {
	struct rate *v;
	size_t n;
};
/* The rates of a pair, see rate_home; they live as long as the view. */
MUST_USE enum err rate_series_of(struct view *v, uint32_t pair, struct rate_series **out);
/* The rate that converts an amount stated by this statement; NULL: there is none. */
MUST_USE enum err rate_for(struct view *v, const struct visible *s, const struct rate **out);
/*
 * The amount of a statement as it counts: as stated, or converted into the currency of the
 * question. `out` gets nothing and the view notes the missing rate where there is none: the first
 * in order of these is the error of the question, see view.missing.
 */
MUST_USE enum err rate_amount(struct view *v, const struct visible *s, bool *found,
			      struct interval *out);
/* Note a missing rate in the view, unless one that is earlier in order is noted already. */
void rate_missing(struct view *v, const struct missing_rate *m);

#endif
