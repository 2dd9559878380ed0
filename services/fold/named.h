/* SPDX-License-Identifier: Apache-2.0 */
/*
 * named: which deals and parties there are under the clocks of a question. A ledger may hold a name
 * of which nothing was public yet, nothing had happened, or all was withdrawn: then it is none.
 */
#ifndef AVOW_FOLD_NAMED_H
#define AVOW_FOLD_NAMED_H

#include "services/fold/view.h"

/*
 * Whether a visible statement speaks of this deal, or a visible declaration says that another deal
 * is a part of it or supersedes it.
 */
MUST_USE enum err named_deal(struct view *v, uint32_t deal, bool *out);
/*
 * Whether this party is declared, or a visible statement or declaration names it as payer or payee.
 * May forget the deals of the view.
 */
MUST_USE enum err named_party(struct view *v, uint32_t party, bool *out);
/* The one or the other. */
MUST_USE static inline enum err named(struct view *v, enum dictionary dict, uint32_t number,
				      bool *out)
{
	return dict == DICT_DEAL ? named_deal(v, number, out) : named_party(v, number, out);
}

#endif
