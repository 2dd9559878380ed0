/* SPDX-License-Identifier: Apache-2.0 */
/* ask: from a question as it was sent to one in numbers, and what of it an answer repeats. */
#ifndef AVOW_FOLD_ASK_H
#define AVOW_FOLD_ASK_H

#include "services/fold/view.h"

/* The options that questions share; NULL or empty where not given. */
struct options {
	const struct clocks *clocks;
	int policy;
	struct str_list assume;
	struct str currency;
	struct enum_list basis;
};

/* Those of a message that has them all. */
#define OPTIONS_OF(m, ask)                                                                         \
	{ .clocks = msg_has(ask, m, clocks) ? &(ask)->clocks : NULL, .policy = (ask)->policy,      \
	  .assume = (ask)->assume, .currency = (ask)->currency, .basis = (ask)->basis }
/* Those of a message that has clocks alone. */
#define CLOCKS_OF(m, ask) { .clocks = msg_has(ask, m, clocks) ? &(ask)->clocks : NULL }

/* The counting rules of this fold; another number when figures of the same events change. */
#define COUNTING_RULES "avow-1"

/*
 * ERR_POSITION_IN_FUTURE beyond the source's head, ERR_BAD_DATE, ERR_BAD_CURRENCY, ERR_NOT_FOUND
 * for an unknown deal in `assume`; fault names the field.
 */
MUST_USE enum err ask_question(const struct facts *source, const struct options *options,
			       struct arena *a, struct question *out, struct fault *fault);
/* What makes the answer repeatable; borrows from the options. */
void ask_basis(const struct facts *source, const struct options *options,
	       const struct question *question, struct basis_of_answer *out);
/* The number of a deal or party; ERR_NOT_FOUND, with the field and the slug in fault. */
MUST_USE enum err ask_number(const struct facts *source, const struct question *question,
			     enum dictionary dict, struct str slug, const char *field,
			     uint32_t *out, struct fault *fault);
/*
 * ERR_NO_RATE with pair and day in fault where an amount could not be converted; else the error
 * that is given, with words where it has none yet.
 */
MUST_USE enum err ask_check(const struct view *v, enum err e, struct fault *fault);

/* The rows of a page: `skip` and `limit` as they were sent, of n. */
struct page {
	size_t first, n;
};
struct page ask_page(uint64_t skip, bool limited, uint64_t limit, size_t n);

/* A question in hand: its view, and where its answer goes. */
struct asking {
	const struct facts *source;
	struct options options;
	struct question question;
	struct view view;
	struct arena *a;
	struct fault *fault;
};
/*
 * Begin to answer: check the options, fill in the answer's basis, make the view; ask_end ends it in
 * every case but an error here, and turns the error of the answer into the one to report.
 */
MUST_USE enum err ask_begin(struct asking *k, const struct facts *source,
			    const struct options *options, struct arena *a,
			    struct basis_of_answer *basis, struct fault *fault);
MUST_USE enum err ask_end(struct asking *k, enum err e);

/* A number with its slug, for answers, which are in the order of slugs. */
struct named {
	struct str slug;
	uint32_t number;
	size_t at; /* place before sorting */
};
/* In the view's arena, sorted by slug. */
MUST_USE enum err ask_names(struct view *v, enum dictionary dict, const uint32_t *numbers,
			    size_t n, struct named **out);
/* The same as a list of slugs in an answer, at most `most`. */
MUST_USE enum err ask_slugs(struct view *v, enum dictionary dict, const uint32_t *numbers,
			    size_t n, size_t most, struct arena *a, struct str_list *out);

/* The declaration that decides, of a party or a deal; its lists lie in the arena. */
MUST_USE enum err ask_party(struct view *v, uint32_t party, struct arena *a, struct event *out,
			    bool *found);
MUST_USE enum err ask_deal(struct view *v, const struct deal *d, struct arena *a,
			   struct event *out, bool *found);

#endif
