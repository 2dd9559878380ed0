/* SPDX-License-Identifier: Apache-2.0 */
/*
 * question: what every question to a query service has in common: the clocks and counting rules that
 * are asked for, and how an answer says which of them it kept.
 */
#ifndef AVOW_TOOLS_QUESTION_H
#define AVOW_TOOLS_QUESTION_H

#include "services/shared/client.h"
#include "tools/out.h"

extern const struct opt clock_options[];    /* --on --as-of --at-seq --min-seq */
extern const struct opt counting_options[]; /* --policy --assume --in --basis */

/*
 * The clocks that were given; `any`: one was. Texts borrow from the arguments. ERR_BAD_DATE,
 * ERR_USAGE.
 */
MUST_USE enum err clocks_given(const struct cli *c, struct clocks *clocks, bool *any,
			       struct fault *fault);
/* What every question about figures may set: the clocks, and how is counted. */
struct rules {
	struct clocks clocks;
	bool pinned; /* some clock was given */
	uint64_t min_seq;
	int policy; /* enum policy, 0: not given */
	struct str_list assume;
	struct str currency;
	struct enum_list basis;
};
/*
 * All of clock_options and counting_options; texts borrow from the arguments, lists lie in the arena.
 * ERR_BAD_DATE, ERR_BAD_SLUG, ERR_BAD_CURRENCY, ERR_USAGE.
 */
MUST_USE enum err rules_given(struct cli *c, struct rules *rules, struct fault *fault);
/* The same without the clocks. */
MUST_USE enum err counting_given(struct cli *c, struct rules *rules, struct fault *fault);
/* Put rules into a question of the record `m`. */
#define RULES_COUNT(q, m, rules)                                                                   \
	do {                                                                                       \
		if ((rules)->policy)                                                               \
			msg_set(q, m, policy, (rules)->policy);                                    \
		if ((rules)->assume.n)                                                             \
			msg_set(q, m, assume, (rules)->assume);                                    \
		if ((rules)->currency.n)                                                           \
			msg_set(q, m, currency, (rules)->currency);                                \
		if ((rules)->basis.n)                                                              \
			msg_set(q, m, basis, (rules)->basis);                                      \
		if ((rules)->min_seq)                                                              \
			msg_set(q, m, min_seq, (rules)->min_seq);                                  \
	} while (0)
#define RULES_PUT(q, m, rules)                                                                     \
	do {                                                                                       \
		if ((rules)->pinned)                                                               \
			msg_set(q, m, clocks, (rules)->clocks);                                    \
		RULES_COUNT(q, m, rules);                                                          \
	} while (0)
/* Put only the clocks, and --min-seq, for questions that count nothing. */
#define CLOCKS_PUT(q, m, rules)                                                                    \
	do {                                                                                       \
		if ((rules)->pinned)                                                               \
			msg_set(q, m, clocks, (rules)->clocks);                                    \
		if ((rules)->min_seq)                                                              \
			msg_set(q, m, min_seq, (rules)->min_seq);                                  \
	} while (0)
/* Ask for the next page at the seq that the answer to the first one was pinned to. */
#define CLOCKS_PIN(q, m, answer_basis)                                                             \
	do {                                                                                       \
		msg_mark(q, m, clocks);                                                            \
		msg_set(&(q)->clocks, clocks, at_seq, (answer_basis)->clocks.at_seq);              \
	} while (0)
/* --min-seq, 0 where it was not given. */
MUST_USE enum err min_seq_given(const struct cli *c, uint64_t *seq, struct fault *fault);
/* Connect to the query service of the settings. Errors of client_open. */
MUST_USE enum err query_open(const struct cli *c, struct client **client, struct fault *fault);
/*
 * client_ask with the settings' time limit, within which a service that is busy, or has not met its
 * ledger yet, is asked again; lists of the answer lie in the arena of c.
 */
MUST_USE enum err query_ask(struct cli *c, struct client *client, const struct shape *request,
			    const void *req, const struct shape *want, void *answer,
			    struct fault *fault);
/*
 * The newest event that anybody here knows the ledger to hold: what query holds or has heard of, and
 * what ingest has seen acknowledged, where it answers soon. So what was published before this call is
 * within it, also where query has not caught up. Errors of client_ask, for query.
 */
MUST_USE enum err ledger_head(struct cli *c, uint64_t *head, struct fault *fault);
/* Clocks, policy and counting rules of an answer, into its last line and its meta. */
void question_meta(struct out *o, const struct basis_of_answer *b);
/*
 * Sums for people, appended: `47.875bn USD + 1 undisclosed`, `nothing` where there are none.
 */
MUST_USE enum err sums_words(const struct sum_list *sums, struct buf *out);
/* The sum in a currency, NULL where there is none. */
const struct sum *sum_of_currency(const struct sum_list *sums, struct str currency);
/* The words of sums as the next cell of a row. */
void sums_put(struct out *o, const struct sum_list *sums);
/* The next cell: a text, or none where it is empty. */
void str_put(struct out *o, struct str s);
/* The next two cells, for programs: an amount, and how many are undisclosed; NULL: nothing at all. */
void sum_put(struct out *o, const struct sum *sum);
/*
 * -o json: an answer as it is, with its basis as `meta`. `body` is the answer of the shape without
 * its own basis.
 */
MUST_USE enum err answer_print_json(struct cli *c, const struct shape *shape, const void *body,
				    const struct basis_of_answer *basis, struct fault *fault);

#endif
