/* SPDX-License-Identifier: Apache-2.0 */
/* checks: what of one deal certainly contradicts itself; DESIGN.md section 4, rule 13. */
#ifndef AVOW_FOLD_CHECKS_H
#define AVOW_FOLD_CHECKS_H

#include "services/fold/ladder.h"

/* What was found, in numbers; what does not apply is 0. */
struct contradiction {
	enum anomaly_kind kind;
	uint32_t deal, whole;
	uint32_t payer; /* where there is a rung: 0 is the whole */
	enum rung rung;
	uint16_t currency;
	uint64_t first, seq; /* the statement: its first version, and the one that decides */
	enum agreement verdict;
};
#define CONTRADICTIONS_MAX 500000u
/* All zero: none yet. */
struct contradictions {
	struct contradiction *v; /* in the view's kept memory */
	size_t n, cap;
};
/* ERR_TOO_LARGE beyond CONTRADICTIONS_MAX. */
MUST_USE enum err contradiction_add(struct view *v, struct contradictions *all,
				    const struct contradiction *one);
/* Everything but totals. The view must assume nothing. */
MUST_USE enum err checks_deal(struct view *v, struct deal *d, struct contradictions *all);

#endif
