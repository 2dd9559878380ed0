/* SPDX-License-Identifier: Apache-2.0 */
/* causes: the events that only one of two settings of the clocks knows and that belong to a deal. */
#ifndef AVOW_FOLD_CAUSES_H
#define AVOW_FOLD_CAUSES_H

#include "services/fold/view.h"

/* Two views of the same events, which differ in their clocks; all else zero before the first question. */
struct views_apart {
	struct view *v[2];
	struct map rates; /* pair, see rate_home: struct home_apart, in the first view's kept memory */
};

#define CAUSES_SHOWN_MAX 1000u
/*
 * Events about the deal (given as each view has it), about deals inside it, and about those that
 * contain it; declarations of what supersedes the first two; where amounts are converted, rates that
 * convert one of the first two; and what corrects or withdraws any of these. By seq, at most
 * CAUSES_SHOWN_MAX, in the arena `a`; `scratch` is for this call. ERR_NO_MEMORY and those of the source
 */
MUST_USE enum err causes_of(struct views_apart *t, struct deal *sides[2], struct arena *scratch,
			    struct arena *a, struct u64_list *out);

#endif
