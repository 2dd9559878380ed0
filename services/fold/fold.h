/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: from events to figures; DESIGN.md section 4. Knows neither sockets nor stores.
 *
 * Each question takes its message and fills in its answer, which lies in the arena and borrows from
 * the question and from the source. Errors, with words in fault: ERR_NOT_FOUND for a deal or party
 * that no event names, ERR_POSITION_IN_FUTURE, ERR_BAD_DATE, ERR_BAD_CURRENCY, ERR_BAD_VALUE,
 * ERR_NO_RATE, ERR_OVERFLOW, ERR_TOO_DEEP, ERR_NO_MEMORY, and those of the source.
 * The same question over the same events gives the same answer, whatever the source.
 */
#ifndef AVOW_FOLD_FOLD_H
#define AVOW_FOLD_FOLD_H

#include "services/fold/facts.h"

/* The figures of one deal. */
MUST_USE enum err fold_deal(const struct facts *source, const struct deal_figure *ask,
			    struct arena *a, struct deal_figures *out, struct fault *fault);
/* Every event about a deal or a party, each with how it stands. */
MUST_USE enum err fold_history(const struct facts *source, const struct history *ask,
			       struct arena *a, struct statements *out, struct fault *fault);
/* The seqs of all events that hang together with this one by `ref`, ascending; itself alone if none. */
MUST_USE enum err fold_versions(const struct facts *source, uint64_t seq, struct arena *a,
				struct u64_list *out);

#endif
