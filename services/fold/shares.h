/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shares: what comes together under a key, as a party or a pair of parties, rung by rung. Outlives
 * the deals that it was summed from.
 */
#ifndef AVOW_FOLD_SHARES_H
#define AVOW_FOLD_SHARES_H

#include "services/fold/view.h"

struct share {
	uint64_t key;
	enum rung rung; /* of these sums: nearly every question asks for one rung alone */
	struct sums sums;
	struct share *more; /* under the same key, of another rung; NULL: none */
};
/* What is under a key on one rung. */
static inline const struct sums *share_sums(const struct share *s, enum rung rung)
{
	static const struct sums nothing = { 0 };

	while (s && s->rung != rung)
		s = s->more;
	return s ? &s->sums : &nothing;
}
/* All zero: empty. */
struct shares {
	uint32_t *near;	   /* of small keys, as those of parties: 1 + their places; 0: none */
	size_t near_cap;
	struct map places; /* of all other keys */
	struct share *v; /* in the order in which their keys came */
	size_t n, cap;
};
/* Add to what is under a key, which is not 0; in the view's kept memory. ERR_OVERFLOW, ERR_NO_MEMORY */
MUST_USE enum err shares_add(struct view *v, struct shares *s, uint64_t key, enum rung rung,
			     const struct sums *sums);
/* NULL: nothing under this key. */
const struct share *shares_find(const struct shares *s, uint64_t key);

/* The key of a payment from one party, 0 for nobody in particular, to another one. */
static inline uint64_t pair_key(uint32_t payer, uint32_t payee)
{
	return (uint64_t)payee << 32 | payer;
}
/* Its parts. */
static inline uint32_t pair_payer(uint64_t key)
{
	return (uint32_t)key;
}
static inline uint32_t pair_payee(uint64_t key)
{
	return (uint32_t)(key >> 32);
}

#endif
