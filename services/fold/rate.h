/* SPDX-License-Identifier: Apache-2.0 */
/* rate: exchange of amounts on the day on which they were stated; DESIGN.md section 4, rule 7. */
#ifndef AVOW_FOLD_RATE_H
#define AVOW_FOLD_RATE_H

#include "services/fold/view.h"

/*
 * The amount of a statement as it counts: as stated, or converted into the currency of the
 * question. `out` gets nothing and the view notes the missing rate where there is none: the first
 * in order of these is the error of the question, see view.missing.
 */
MUST_USE enum err rate_amount(struct view *v, const struct visible *s, bool *found,
			      struct interval *out);

#endif
