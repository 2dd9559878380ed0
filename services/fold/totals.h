/* SPDX-License-Identifier: Apache-2.0 */
/* totals: what sources state in all, beside the ledger's own figures; DESIGN.md section 4, rule 10. */
#ifndef AVOW_FOLD_TOTALS_H
#define AVOW_FOLD_TOTALS_H

#include "services/fold/parties.h"

/* The totals that stand and are no copies, of a basis that counts, in order; in the view's kept memory. */
MUST_USE enum err totals_of(struct view *v, struct visible_list *out);

/* One of them, reconciled. */
struct reconciling {
	uint32_t *scope; /* deals */
	size_t nscope;
	struct sum_list stated, figure, by; /* in the arena given */
	enum agreement verdict;
};
/*
 * Compare a total with the ledger's figure under its own scope, window and assumptions, beside those
 * of the view's question. A missing rate is noted in the view.
 */
MUST_USE enum err totals_reconcile(struct view *v, struct visible *total, struct arena *a,
				   struct reconciling *out);
/* Whether a deal is in the scope. */
bool totals_speaks_of(const struct reconciling *r, uint32_t deal);

#endif
