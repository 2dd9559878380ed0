/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload: the events that every peer is given: about 300 bytes, as a publisher of Avow encodes them,
 * each with an id, a deal, an amount and words of its own, so that nobody stores the same bytes twice.
 *
 * 20 statements to a deal, however many events there are: a block of 20,000 events begins 1,000 deals
 * and speaks of each on 20 days.
 */
#ifndef AVOW_TESTS_SIDE_PAYLOAD_H
#define AVOW_TESTS_SIDE_PAYLOAD_H

#include "proto/msg.h"

#define PAYLOAD_BLOCK 1000u /* deals that begin together */
#define PAYLOAD_DAYS 20u    /* statements of each */
#define PAYLOAD_DEAL_SIZE 14u
#define PAYLOAD_PAYER_SIZE 9u
#define PAYLOAD_STATED_SIZE 10u
#define PAYLOAD_WORDS 256u
#define PAYLOAD_WORD_SIZE 8u

struct payload {
	char bytes[512];  /* the event */
	size_t n;
	char *id, *deal, *payer, *stated, *low, *high, *url, *text; /* where these stand in it */
	char words[PAYLOAD_WORDS][PAYLOAD_WORD_SIZE];
	char days[PAYLOAD_DAYS][PAYLOAD_STATED_SIZE + 1];
	uint64_t number, random, id_ms;
};

/* ERR_NO_MEMORY. Ids are other ones for another seed. */
MUST_USE enum err payload_init(struct payload *p, uint64_t seed);
/* Ids of version 7 begin with the time: from now on that of now. */
void payload_now(struct payload *p);
/* Make it event number n, from 0, with an id that is new. */
void payload_set(struct payload *p, uint64_t n);
/* What PostgreSQL has in columns of their own. */
int64_t payload_amount(uint64_t n);
int32_t payload_day(uint64_t n); /* days since 2000-01-01 */
/* The name of the deal that event n speaks of, zero-terminated. */
void payload_deal(uint64_t n, char text[PAYLOAD_DEAL_SIZE + 1]);
/* The next of a row of numbers that look random. */
uint64_t payload_mix(uint64_t *state);

#endif
