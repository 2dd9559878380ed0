/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: deals that never were, as they would be reported over five years: declared, talked of,
 * announced, committed, paid, doubted, retold, corrected, withdrawn. The same seed gives the same
 * events, byte for byte, on every machine.
 */
#ifndef AVOW_TESTS_BENCH_WORLD_H
#define AVOW_TESTS_BENCH_WORLD_H

#include "proto/msg.h"

#define WORLD_FIRST_DAY 18262 /* 2020-01-01 */
#define WORLD_DAYS 1826	      /* to 2024-12-31 */
#define PLAN_PAYERS_MAX 32u
#define WORLD_EVENTS_MAX 20000000u

struct world_size {
	uint64_t seed;
	uint32_t events; /* all of them, declarations and rates included */
	uint32_t deals, parties;
	uint32_t mogul_deals; /* party 1, and nobody but it, is the payer of so many deals */
};

/* What a deal's statements have in common; numbers begin at 1. */
struct plan {
	uint32_t payers[PLAN_PAYERS_MAX];
	uint8_t npayers;
	uint8_t declared; /* how many of the payers its declaration names */
	uint8_t currency; /* see world_currency */
	uint32_t payee;
	uint32_t whole, replaces; /* deals; 0: none */
	uint32_t events;	  /* its statements, without declarations */
	int32_t begin, days;	  /* from its declaration, from WORLD_FIRST_DAY */
	int64_t size;		  /* minor units */
};

enum made_flag {
	MADE_AMOUNT = 1 << 0,
	MADE_ADDS = 1 << 1,
	MADE_RETURNED = 1 << 2,
	MADE_APPROX = 1 << 3,
	MADE_MORE_THAN = 1 << 4, /* low is excluded, high is open */
	MADE_UNKNOWN_ORIGIN = 1 << 5 /* retells an event that nobody published */
};
/* An event as it was made up: small, as there are many. */
struct made {
	int64_t key; /* sorts as they are published: minutes since WORLD_FIRST_DAY */
	int64_t low, high;
	uint32_t n; /* its number, from 1; the id follows from it */
	uint32_t deal, payer, payee, party;
	uint32_t ref, derived; /* the n of others, 0: none */
	int32_t stated;	       /* days since WORLD_FIRST_DAY */
	uint8_t kind, grade, basis, currency, detail, flags;
};

struct world {
	struct world_size size;
	struct plan *plans; /* of deal 1 and on, at 1 and on */
	struct made *v;	    /* in the order in which they are published: seq 1 is v[0] */
	size_t n;
	uint32_t *seq_of; /* by n */
};
/* False without memory, or where the size has no room for its own declarations. */
bool world_make(struct world *w, const struct world_size *size);
void world_free(struct world *w);

const char *world_currency(uint8_t number);
/* The rung that it sets or adds to; rung_NONE where it does neither. */
enum rung made_rung(const struct made *m);
/* The payer that it speaks for, the only declared one where it names none; 0: the whole deal. */
uint32_t made_payer(const struct world *w, const struct made *m);
/* Its bytes as its publisher would send them, in the arena. */
MUST_USE enum err made_encode(const struct world *w, const struct made *m, struct arena *a,
			      struct str *out);
/* Names, in the arena. */
struct str world_deal(uint32_t deal, struct arena *a);
struct str world_party(uint32_t party, struct arena *a);

#endif
