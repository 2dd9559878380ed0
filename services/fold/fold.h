/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: from events to figures; DESIGN.md section 4. Knows neither sockets nor stores.
 *
 * Each question takes its message and fills in its answer, which lies in the arena and borrows from
 * the question and from the source. Errors, with words in fault: ERR_NOT_FOUND for a deal or party
 * that no event names, ERR_POSITION_IN_FUTURE, ERR_BAD_DATE, ERR_BAD_CURRENCY, ERR_BAD_VALUE,
 * ERR_NO_RATE, ERR_OVERFLOW, ERR_NO_MEMORY, and those of the source.
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
/* What a party pays and is paid, with the deals that this is summed from. */
MUST_USE enum err fold_party(const struct facts *source, const struct party_figure *ask,
			     struct arena *a, struct party_figures *out, struct fault *fault);
/* Who pays a party. */
MUST_USE enum err fold_backers(const struct facts *source, const struct backers_figure *ask,
			       struct arena *a, struct backers_figures *out, struct fault *fault);
/* Payers or payees, ranked. */
MUST_USE enum err fold_league(const struct facts *source, const struct league *ask,
			      struct arena *a, struct league_tables *out, struct fault *fault);
/* Whether a party overtook another one. */
MUST_USE enum err fold_overtook(const struct facts *source, const struct overtook *ask,
				struct arena *a, struct overtook_answer *out,
				struct fault *fault);
/* Who pays whom. */
MUST_USE enum err fold_flows(const struct facts *source, const struct flows *ask,
			     struct arena *a, struct flow_table *out, struct fault *fault);
/* Round trips; ERR_TOO_LARGE where there are too many to look for. */
MUST_USE enum err fold_cycles(const struct facts *source, const struct cycles *ask,
			      struct arena *a, struct cycle_table *out, struct fault *fault);
/* What a figure comes from. */
MUST_USE enum err fold_why(const struct facts *source, const struct why *ask, struct arena *a,
			   struct reasons *out, struct fault *fault);
/* Stated totals beside the ledger's own figures. */
MUST_USE enum err fold_reconcile(const struct facts *source, const struct reconcile *ask,
				 struct arena *a, struct reconciled *out, struct fault *fault);
/* What certainly contradicts itself. */
MUST_USE enum err fold_anomalies(const struct facts *source, const struct anomalies *ask,
				 struct arena *a, struct anomaly_table *out,
				 struct fault *fault);
/* What changed between two settings of the clocks. */
MUST_USE enum err fold_diff(const struct facts *source, const struct diff *ask, struct arena *a,
			    struct changes *out, struct fault *fault);
/* Parties and deals by a part of a name. */
MUST_USE enum err fold_search(const struct facts *source, const struct search *ask,
			      struct arena *a, struct found *out, struct fault *fault);
/* All parties, page by page. */
MUST_USE enum err fold_parties(const struct facts *source, const struct parties *ask,
			       struct arena *a, struct party_table *out, struct fault *fault);
/* All deals, page by page. */
MUST_USE enum err fold_deals(const struct facts *source, const struct deals *ask,
			     struct arena *a, struct deal_table *out, struct fault *fault);
/* The exchange rates between two currencies. */
MUST_USE enum err fold_rates(const struct facts *source, const struct rates *ask,
			     struct arena *a, struct rate_table *out, struct fault *fault);
/* The seqs of all events that hang together with this one by `ref`, ascending; itself alone if none. */
MUST_USE enum err fold_versions(const struct facts *source, uint64_t seq, struct arena *a,
				struct u64_list *out);

#endif
