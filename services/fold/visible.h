/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visible: from facts to statements. An event and its corrections are one statement; retractions
 * withdraw, corrections replace, copies set nothing; see DESIGN.md section 4, rule 1.
 */
#ifndef AVOW_FOLD_VISIBLE_H
#define AVOW_FOLD_VISIBLE_H

#include "services/fold/map.h"
#include "services/fold/facts.h"

struct visible {
	const struct fact *first; /* its place in the order */
	const struct fact *fact;  /* the version that decides; never a retract */
	struct visible *next;	  /* in the thread that it is in */
	uint32_t group;		  /* for payers.c: in which group it is */
	/* of `fact`, as most of those who go through all statements need no more of it */
	uint32_t payer;
	uint16_t flags;
	uint8_t kind, grade, basis;
	bool retells; /* fact->derived is not 0 */
	bool copy;    /* retells a visible statement: sets nothing */
	bool used;    /* its amount is in the figures that were asked for */
};
/* Statements one after the other, by their `next`. */
struct thread {
	struct visible *first, *last;
};
static inline void thread_put(struct thread *t, struct visible *s)
{
	s->next = NULL;
	if (t->last)
		t->last->next = s;
	else
		t->first = s;
	t->last = s;
}
struct visible_list {
	struct visible *v;
	size_t n, copies;
	struct thread apart; /* declarations of deals, cancels and conditions */
	size_t cancels, conditions; /* so many of them */
	uint32_t deal;	     /* that all of them name; 0: not all the same */
	bool elsewhere;	     /* one of them retells what is not in this home */
};
/* Put one that stands at the end of the list, where it already is: count it, and have it in its thread. */
void visible_put(struct visible_list *list, struct visible *s);
/* The rung that it sets or adds to; see rung_of. */
static inline enum rung visible_rung(const struct visible *s)
{
	return rung_of(s->kind, s->flags);
}
/* That of its first version. */
static inline struct order visible_order(const struct visible *s)
{
	return fact_order(s->first);
}

/*
 * Those facts of a home that are not alone, in the arena. ERR_NO_MEMORY; ERR_TOO_LARGE for more facts
 * than have places.
 */
MUST_USE enum err marks_of(struct fact_list facts, struct arena *a, struct marks *out);

/* What the corrections and retractions among some facts come to. */
struct repair {
	uint64_t seq;
	const struct fact *latest; /* of its corrections that stand; NULL: none */
	uint64_t by;		   /* the retraction in effect that names it; 0: none */
};
struct repairs {
	struct map by_seq; /* seq: place in v */
	struct sieve seqs;
	struct repair *v;
	size_t n;
};
/* `facts` hold each chain whole, in order of (stated, seq). */
MUST_USE enum err repairs_of(struct fact_list facts, struct arena *a, struct repairs *out);
/* NULL where nothing names this event. */
const struct repair *repairs_find(const struct repairs *r, uint64_t seq);

/*
 * The statements that stand among the facts of a home and happened by the end of day `on`
 * (DAY_MAX: whenever), in order, copies marked. Those that left the home are among them: see
 * statement.fact->deal.
 */
MUST_USE enum err visible_statements(const struct facts *source, const struct horizon *h,
				     int32_t on, struct fact_list facts, struct arena *a,
				     struct visible_list *out);

#endif
