/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known: rows that never change once they are written, remembered, so that what is said of the same
 * deals and parties again and again is not looked up in the index for each event.
 *
 * What it has not is looked up; of two rows that want the same slot the later one has it.
 */
#ifndef AVOW_SERVICES_QUERY_KNOWN_H
#define AVOW_SERVICES_QUERY_KNOWN_H

#include "proto/base.h"

/* How many rows at most, about 100 bytes each; those with longer keys are not remembered. */
#define KNOWN_ROWS 8192u
#define KNOWN_KEY_MAX 96u

struct known;

/* Nothing yet. NULL without memory. */
struct known *known_new(void);
/* Accepts NULL. */
void known_free(struct known *k);
/* Whether the row is known to be there, and its number. Of NULL nothing is known. */
bool known_find(const struct known *k, unsigned table, struct str key, uint32_t *number);
/* The row is there, and says this number. Accepts NULL. */
void known_put(struct known *k, unsigned table, struct str key, uint32_t number);
/* Forget all: a transaction was given up, and rows that were put in it are not there. Accepts NULL. */
void known_forget(struct known *k);

#endif
