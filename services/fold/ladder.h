/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ladder: what the statements of a deal come to, rung by rung and payer by payer; DESIGN.md section
 * 4, rules 2 to 5. Sums lie in the view's arena and must not be changed where they are const.
 *
 * Whatever enters a sum marks its statements as used.
 */
#ifndef AVOW_FOLD_LADDER_H
#define AVOW_FOLD_LADDER_H

#include "services/fold/view.h"

/* What a payer (0: the whole) is said to do: its own level, else what is carried down to it. */
struct stated {
	bool base; /* a statement with an amount decides: nothing below counts */
	struct sums sums;
};
MUST_USE enum err ladder_stated(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
				struct stated *out);
/* value(deal, payer, rung); empty where that party pays nothing here. */
MUST_USE enum err ladder_value(struct view *v, struct deal *d, uint32_t payer, enum rung rung,
			       const struct sums **out);
MUST_USE enum err ladder_unattributed(struct view *v, struct deal *d, enum rung rung,
				      struct sums *out);
MUST_USE enum err ladder_total(struct view *v, struct deal *d, enum rung rung, struct sums *out);
/* The sum of the values over all payers. */
MUST_USE enum err ladder_payers(struct view *v, struct deal *d, enum rung rung, struct sums *out);
/*
 * The rung of a deal that counts where it is summed into something else: paid where it is
 * superseded.
 */
MUST_USE enum err ladder_rung(struct view *v, struct deal *d, enum rung rung, enum rung *out);

/* Which of some statements of one rung decide, and what comes to them: the choice of a policy. */
struct choice {
	struct visible *const *v; /* in order */
	size_t n;
	struct order after;	  /* only what is later */
	bool rungs[RUNGS];	  /* additions of these rungs count */
	enum rung base;		  /* setters of this one */
};
/* Whether it sets this rung with an amount, within the choice. */
bool choice_sets(const struct view *v, const struct choice *c, const struct visible *s);
/* Whether it adds to one of the rungs, within the choice. */
bool choice_adds(const struct view *v, const struct choice *c, const struct visible *s);
/* The amount of the chosen ones with their additions; there must be a setter with an amount. */
MUST_USE enum err choice_sums(struct view *v, const struct choice *c, struct sums *out);
/* The amount of a statement, one undisclosed where it has none; marks it as used. */
MUST_USE enum err visible_sums(struct view *v, struct visible *s, struct sums *into);

#endif
