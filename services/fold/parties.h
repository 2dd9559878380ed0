/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parties: sums over deals, from and to parties; DESIGN.md section 4, rule 6. Deals that nobody
 * contains count from a party, topmost ones to a party; of a superseded one, what was paid.
 */
#ifndef AVOW_FOLD_PARTIES_H
#define AVOW_FOLD_PARTIES_H

#include "services/fold/ladder.h"
#include "services/fold/shares.h"

struct deals_found {
	struct deal **v;
	size_t n;
};
/* The deals that nobody contains in which, or inside which, this party pays; in the view's arena. */
MUST_USE enum err parties_paying(struct view *v, uint32_t party, struct deals_found *out);
/* The topmost deals to this party. */
MUST_USE enum err parties_receiving(struct view *v, uint32_t party, struct deals_found *out);

/*
 * Called for a deal as soon as it is found, while what it was found by is at hand, with everything
 * that contains it known.
 */
typedef enum err deal_visit(struct view *v, struct deal *d, void *arg);
/*
 * The same deals as above, in the same order. Deals are forgotten from time to time between calls: what
 * the visit keeps of one, its sums too, it copies into the view's kept memory.
 */
MUST_USE enum err parties_each_paying(struct view *v, uint32_t party, deal_visit *visit, void *arg);
MUST_USE enum err parties_each_receiving(struct view *v, uint32_t party, deal_visit *visit,
					 void *arg);

/* value(deal, payer, rung) as it counts where the deal is summed into something else. */
MUST_USE enum err summed_value(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
			       const struct sums **out);
/* The same of its total, and of what is unattributed in it. */
MUST_USE enum err summed_total(struct view *v, struct deal *d, enum rung rung, struct sums *out);
MUST_USE enum err summed_unattributed(struct view *v, struct deal *d, enum rung rung,
				      struct sums *out);

/* What a party pays, over all deals. */
MUST_USE enum err parties_from(struct view *v, uint32_t party, enum rung rung, struct sums *out);
/* What it is paid. */
MUST_USE enum err parties_to(struct view *v, uint32_t party, enum rung rung, struct sums *out);

/* Who pays this party, by payer, and what nobody is named for. */
MUST_USE enum err parties_backers(struct view *v, uint32_t payee, enum rung rung,
				  struct shares *out);
MUST_USE enum err parties_unattributed_to(struct view *v, uint32_t payee, enum rung rung,
					  struct sums *out);
/* Whom this party pays, by payee. */
MUST_USE enum err parties_payees_of(struct view *v, uint32_t payer, enum rung rung,
				    struct shares *out);

/*
 * Every deal that anything visible names. Deals are forgotten from time to time between calls, so the
 * visit keeps what it needs in shares.
 */
MUST_USE enum err parties_each_deal(struct view *v, deal_visit *visit, void *arg);

/* All payers, by payer, and what is unattributed, in the view's kept memory. */
MUST_USE enum err parties_payers(struct view *v, enum rung rung, struct shares *out,
				 struct sums *unattributed);
/* All payees with what they are paid, by payee. */
MUST_USE enum err parties_payees(struct view *v, enum rung rung, struct shares *out);
/*
 * Who pays whom, on one rung or (rung_NONE) on all, by pair_key; with `rest` what is unattributed as
 * well, as of payer 0.
 */
MUST_USE enum err parties_pairs(struct view *v, enum rung rung, bool rest, struct shares *out);

#endif
