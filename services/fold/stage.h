/* SPDX-License-Identifier: Apache-2.0 */
/* stage: how far a deal is, and what of it hangs on conditions; DESIGN.md section 4, rules 8, 9. */
#ifndef AVOW_FOLD_STAGE_H
#define AVOW_FOLD_STAGE_H

#include "services/fold/view.h"

/* The furthest stage reached since the last cancel; stage_NONE where nothing was stated. */
MUST_USE enum err stage_of(struct view *v, struct deal *d, enum stage *out);
/* The amounts of its open conditions, and of those of its parts. */
MUST_USE enum err stage_conditional(struct view *v, struct deal *d, struct sums *out);

#endif
