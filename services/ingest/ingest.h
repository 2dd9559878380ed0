/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest: checks what people publish, and forwards it to the ledger.
 *
 * It holds nothing but the requests that wait for the ledger's answer, in a table of named size.
 * Every request gets exactly one answer: the ledger's, a refusal, or UNKNOWN at its deadline.
 */
#ifndef AVOW_SERVICES_INGEST_INGEST_H
#define AVOW_SERVICES_INGEST_INGEST_H

#include "services/shared/exchange.h"

/* What may be on its way to the ledger; beyond: BUSY. */
#define INGEST_PENDING_MAX 8000u
#define INGEST_PENDING_BYTES_MAX (32u << 20)
#define INGEST_BUSY_MS 50
/* How often the ledger is greeted, how soon again where nobody is there, and when silence is absence. */
#define INGEST_GREET_MS 500
#define INGEST_KNOCK_MS 20
#define INGEST_SILENCE_MS 2000

struct ingest;

/* NULL without memory. */
struct ingest *ingest_new(struct outlet people, struct outlet ledger, struct now now);
/* Accepts NULL. */
void ingest_free(struct ingest *g);
/* A message from somebody who publishes or asks. */
void ingest_take(struct ingest *g, const struct parcel *parcel, struct now now);
/* A message from the ledger. */
void ingest_hear(struct ingest *g, struct str wire, struct now now);
/*
 * Let time pass: deadlines, greetings. Returns after how many milliseconds it is to be called again
 * at the latest.
 */
int ingest_tick(struct ingest *g, struct now now);
/* Whether the ledger has said who it is. */
bool ingest_knows_ledger(const struct ingest *g);
/* How often its port has started anew (port.h): status tells. */
void ingest_started_anew(struct ingest *g, uint64_t times);
/* How many requests wait for the ledger. */
size_t ingest_waiting(const struct ingest *g);
/* Answer all of them with UNKNOWN: this ingest stops. */
void ingest_give_up(struct ingest *g);

#endif
