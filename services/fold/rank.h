/* SPDX-License-Identifier: Apache-2.0 */
/* rank: honest ranks of amounts that are intervals; DESIGN.md section 4, rule 11. */
#ifndef AVOW_FOLD_RANK_H
#define AVOW_FOLD_RANK_H

#include "services/fold/money.h"

struct ranked {
	const struct sums *sums; /* given */
	size_t at;		 /* given: whose it is; for the caller */
	struct interval bounds;
	uint64_t best, worst; /* behind those certainly, and those possibly, above it */
};

/* The currencies of some sums, ascending; XXX alone where there is nothing but undisclosed. */
#define CURRENCIES_MAX 512u
struct currencies {
	uint16_t v[CURRENCIES_MAX];
	size_t n;
};
/* Add those of one; the second is for the end, when all are in. ERR_TOO_LARGE beyond the maximum. */
MUST_USE enum err currencies_add(struct currencies *c, const struct sums *s);
void currencies_end(struct currencies *c, bool undisclosed);
/* Whether a sum has a row in the ranks of a currency: it has this one, or something undisclosed. */
bool rank_takes(const struct sums *s, uint16_t currency);
/* Fill in bounds, best and worst of rows that all have a row in this currency. */
MUST_USE enum err rank_all(struct counting *c, uint16_t currency, struct ranked *rows, size_t n);
/*
 * Whether X overtook Y, given whether X was above Y before, and is after: certain if it certainly
 * was not and certainly is, no if that is impossible.
 */
enum certainty rank_overtook(enum certainty was, enum certainty now);

#endif
