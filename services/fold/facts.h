/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: where the fold gets its facts from. The query service answers out of its replica, tests
 * out of arrays. Nothing that it gives changes while a question is answered, and everything
 * borrowed from it lives as long.
 */
#ifndef AVOW_FOLD_FACTS_H
#define AVOW_FOLD_FACTS_H

#include "services/fold/fact.h"

/*
 * Where facts lie. Every fact lies in each home that any event of its chain names, where a chain
 * is an event with all events that lead to it by `ref`: what changes a statement is found where
 * the statement was, and where it went.
 */
enum home {
	HOME_DEAL = 1,	/* by deal: what names it in `deal` */
	HOME_STRUCTURE, /* by deal: of these, the declarations and cancels */
	HOME_PARTY,	/* by party: its declarations, and what names it but no deal */
	HOME_TOTAL,	/* number 0: all totals */
	HOME_RATE	/* by pair of currencies, see rate_home: its rates */
};

/* Rows that any declaration ever made, to be checked against the one that decides. */
enum relation {
	RELATION_PARTS = 1,  /* deal: deals that said to be part_of it */
	RELATION_SUCCESSORS, /* deal: deals that said to supersede it */
	RELATION_PAYER,	     /* party: deals with events that name it in `from` */
	RELATION_PAYEE	     /* party: deals with events that name it in `to` */
};

struct number_list {
	uint32_t *v;
	size_t n;
};

/* A name with its number. */
struct slug_of {
	struct str slug;
	uint32_t number;
};
struct slug_list {
	struct slug_of *v;
	size_t n;
};

/* Events that the ledger held, and that were public. */
struct horizon {
	uint64_t at_seq;
	int64_t stated_end; /* `stated` before this, microseconds; INT64_MAX: any */
};
static inline bool horizon_holds(const struct horizon *h, const struct fact *f)
{
	return f->seq <= h->at_seq && f->stated < h->stated_end;
}

struct kept;

struct facts {
	void *arg;
	struct kept *kept; /* what deals came to in earlier questions, see kept.h; NULL: nothing is kept */
	struct id ledger;
	uint64_t epoch, head;
	/* The facts of a home within the horizon, in order of (stated, seq); they borrow. */
	enum err (*home)(void *arg, enum home home, uint32_t number, const struct horizon *h,
			  struct arena *a, struct fact_list *out);
	/* The chain of an event, within the horizon, in the same order; empty for unknown events. */
	enum err (*chain)(void *arg, uint64_t seq, const struct horizon *h, struct arena *a,
			  struct fact_list *out);
	/* Ascending, without doubles. */
	enum err (*related)(void *arg, enum relation relation, uint32_t number, struct arena *a,
			    struct number_list *out);
	/* A slug's number; ERR_NOT_FOUND where no event up to at_seq names it. */
	enum err (*number)(void *arg, enum dictionary dict, struct str slug, uint64_t at_seq,
			   uint32_t *out);
	enum err (*slug)(void *arg, enum dictionary dict, uint32_t number, struct str *out);
	/*
	 * At most `most` slugs that sort behind `after` (empty: all), ascending; of those that
	 * events up to at_seq name.
	 */
	enum err (*slugs)(void *arg, enum dictionary dict, struct str after, uint64_t at_seq,
			  size_t most, struct arena *a, struct slug_list *out);
	/*
	 * Those with a name in any declaration ever made that holds this text, which is folded
	 * (text_fold), or whose slug holds `slug`; ascending by number, without doubles.
	 */
	enum err (*named)(void *arg, enum dictionary dict, struct str text, struct str slug,
			  struct arena *a, struct number_list *out);
	/* Numbers are 1 to this one. */
	enum err (*last_number)(void *arg, enum dictionary dict, uint32_t *out);
	/* Hints that these will be asked for soon, so that they can be brought near. */
	void (*foresee_home)(void *arg, enum home home, uint32_t number);
	void (*foresee_slug)(void *arg, enum dictionary dict, uint32_t number);
	/* The same of the events that will be asked for next, in this order. */
	void (*foresee_entries)(void *arg, const uint64_t *seqs, size_t n);
	/* How many events with seq <= at_seq name this deal in `deal`. */
	enum err (*revision)(void *arg, uint32_t deal, uint64_t at_seq, uint64_t *out);
	/* The event itself. ERR_NOT_FOUND, ERR_DAMAGED */
	enum err (*entry)(void *arg, uint64_t seq, struct entry *out);
};

/* The home of rates between two currencies, whichever is the base. */
static inline uint32_t rate_home(uint16_t x, uint16_t y)
{
	return x < y ? (uint32_t)x << 16 | y : (uint32_t)y << 16 | x;
}

#endif
