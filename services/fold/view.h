/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view: the deals as they stand under the clocks of one question, loaded as they are asked for.
 *
 * A view lives as long as its question. Everything in it lies in its own memory, which view_fini
 * gives back; view_forget gives back the deals alone, for questions that go through all of them.
 */
#ifndef AVOW_FOLD_VIEW_H
#define AVOW_FOLD_VIEW_H

#include "services/fold/money.h"
#include "services/fold/visible.h"

#define VIEW_BYTES_MAX ((size_t)192 << 20) /* memory of one question */
/* Deals from one that nobody contains down to the innermost; see view_whole. Tests may have fewer. */
#ifndef DEPTH_MAX
#define DEPTH_MAX 500u
#endif
#define RUNGS (rung_COUNT)		   /* size of arrays by rung; 0 is unused */

/* What is asked, in numbers. */
struct question {
	struct horizon horizon;
	int32_t on;		/* DAY_MAX: whenever */
	bool window;		/* only what happened within these days, both included */
	int32_t window_first, window_last;
	enum policy policy;
	uint32_t bases;		/* bit 1 << enum basis of those that count */
	struct number_list assume; /* deals assumed closed, ascending */
	uint16_t currency;	/* convert into it; 0: keep apart */
};
/* Everything but guarantees. */
#define BASES_DEFAULT (~(UINT32_C(1) << basis_guarantee))

/* A cancel, and whom it reaches: everybody (0) or one payer. */
struct cut {
	struct order at;
	uint32_t payer;
	const struct fact *fact;
};

/*
 * What the statements of a group are to each rung, found out in one pass; see ladder.c. Only those
 * whose basis counts, and but for payments only those that no cancel ended.
 */
struct tiers {
	bool known;
	struct visible *chosen[RUNGS];	    /* decides under best and latest; NULL: none has an amount */
	struct thread undisclosed[RUNGS]; /* set the rung without an amount */
	struct thread added[RUNGS];
	struct thread paid;
	bool paid_known;
	struct sums paid_sums;
};

/* What speaks of money for one payer, or for the whole (0), in order. */
struct group {
	uint32_t payer;
	struct visible **v;
	size_t n;
	struct tiers *tiers;
};

/* A payer of a deal or of what is inside it, with its value by rung once that is known. */
struct payer {
	uint32_t number;
	bool known[RUNGS];
	struct sums value[RUNGS];
};

/* How far its facts reach; known where what it comes to may be kept, see kept.h. */
struct extent {
	bool whole; /* no fact of its home is beyond the horizon */
	bool alone; /* nothing that it retells is elsewhere */
	int64_t first_stated, last_stated;
	uint64_t last_seq;
	struct number_list links; /* deals that any of its declarations named, some perhaps twice */
};

struct deal {
	uint32_t number;
	bool loaded; /* with all statements, not only declarations and cancels */
	const struct kept_deal *kept; /* NULL, or what it comes to: it has no statements then */
	struct extent extent;
	struct visible_list statements;
	const struct visible *declared; /* the declaration that decides; NULL: none */
	uint32_t only_payer; /* that it declares; 0: none, or several */
	struct cut *cuts; /* in order */
	size_t ncuts;
	struct cut *last_cuts; /* of each payer, and of everybody (0), the last; ascending by payer */
	size_t nlast_cuts;
	/* what contains it */
	enum { WHOLE_UNKNOWN, WHOLE_WALKED, WHOLE_KNOWN } walk;
	struct deal *whole; /* NULL: nobody contains it, or that link was dropped */
	enum { LINK_HOLDS, LINK_CLOSES_CIRCLE, LINK_TOO_DEEP } link;
	unsigned above; /* deals that contain it, by all links but those of circles; DEPTH_MAX: too many */
	/* what is inside, and what replaced it; see view_parts, view_successor */
	bool parts_known, successor_known;
	struct deal **parts;
	size_t nparts;
	uint32_t successor;
	/* who pays; see view_payers */
	bool grouped, payers_known;
	struct group *groups; /* ascending by payer; the whole first, if there */
	size_t ngroups;
	struct payer *payers; /* ascending; without the whole */
	size_t npayers;
};

/* The first in order of the amounts that no rate could convert. */
struct missing_rate {
	bool any;
	struct order at;
	uint16_t base, quote;
	int32_t day;
};

struct view {
	const struct facts *facts;
	const struct question *question;
	struct arena arena; /* of the deals */
	struct arena kept;  /* of what outlives view_forget: rates and their uses */
	struct counting counting; /* in `arena` */
	struct map deals;   /* number: struct deal */
	struct map rates;   /* pair: struct rate_table; see rate.h */
	struct map ratios;  /* event of a rate, direct or inverse: place in counting.ratios */
	size_t ratios_cap;
	struct missing_rate missing;
	bool keeps; /* what deals come to under this question is kept, see kept.h */
	size_t first_bytes; /* that the first step since all was forgotten took; 0: not known yet */
};

/* source and question must outlive the view. */
void view_init(struct view *v, const struct facts *source, const struct question *question);
void view_fini(struct view *v);
/* Forget the deals: pointers to them end. Sums made in counting.arena end as well. */
void view_forget(struct view *v);
/*
 * The same between two steps of a walk through many deals, where these take more than `bytes`; not
 * sooner than after some steps, though, where each needs so many, as deals deep inside others do.
 */
void view_tidy(struct view *v, size_t bytes);

/* The deal with its declarations and cancels; an unknown one is empty. */
MUST_USE enum err view_deal(struct view *v, uint32_t number, struct deal **out);
/* The deal with all its statements, at once. */
MUST_USE enum err view_open(struct view *v, uint32_t number, struct deal **out);
/* All its statements. */
MUST_USE enum err view_load(struct view *v, struct deal *d);
/* The deal for sums alone: as it was kept, else with all its statements. */
MUST_USE enum err view_recall(struct view *v, uint32_t number, struct deal **out);
/*
 * Fill in what contains it: d->whole. Of a circle the latest link is dropped, and the link of every
 * deal that has DEPTH_MAX others above it, or has them above it for ever, as a circle of more than
 * DEPTH_MAX deals does. So no deal is inside more than DEPTH_MAX - 1 others, whatever was published,
 * and going down through parts ends.
 */
MUST_USE enum err view_whole(struct view *v, struct deal *d);
/* Fill in what it contains: d->parts, ascending by number. */
MUST_USE enum err view_parts(struct view *v, struct deal *d);
/* Fill in d->successor, 0: none. */
MUST_USE enum err view_successor(struct view *v, struct deal *d);
/* Fill in d->groups and d->payers, with those of its parts. */
MUST_USE enum err view_payers(struct view *v, struct deal *d);
/* The payer of this deal with this number; NULL: not one of its payers. Needs view_payers. */
struct payer *deal_payer(const struct deal *d, uint32_t number);
/* What speaks for this payer, 0 for the whole; NULL: nothing. Needs view_payers. */
const struct group *deal_group(const struct deal *d, uint32_t payer);
/*
 * Whom it pays: the parties of its declaration, else those that its statements name, ascending.
 * In the view's arena.
 */
MUST_USE enum err view_payees(struct view *v, struct deal *d, struct number_list *out);
/* Whether it pays this party and no deal that contains it does. */
MUST_USE enum err view_topmost(struct view *v, struct deal *d, uint32_t party, bool *out);

/* The payer that a statement of this deal speaks for, which names this one or nobody; 0: the whole. */
static inline uint32_t deal_speaker(const struct deal *d, uint32_t payer)
{
	return payer ? payer : d->only_payer;
}
/* The last cancel that reaches this payer (0: the whole), {INT64_MIN, 0} where none does. Needs view_whole. */
struct order deal_cut(const struct deal *d, uint32_t payer);
/* How many of its statements are not later than this. */
size_t deal_ended(const struct deal *d, struct order cut);
/* A list of the declaration that decides; empty where there is none. */
struct numbers deal_declared(const struct deal *d, enum fact_part part);
bool question_assumes(const struct question *q, uint32_t deal);
/* Whether an amount of this statement counts by its basis. */
static inline bool question_counts(const struct question *q, const struct visible *s)
{
	return q->bases >> s->basis & 1;
}

#endif
