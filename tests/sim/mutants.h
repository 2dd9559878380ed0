/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutants: mistakes that can be planted, each of which the simulator must catch.
 *
 * The linker (--wrap) sends calls from one source of the product to another through here; without a
 * mutant they go straight on. The product holds no code for it.
 */
#ifndef AVOW_TESTS_SIM_MUTANTS_H
#define AVOW_TESTS_SIM_MUTANTS_H

#include <stdbool.h>
#include <stddef.h>

/* Plant one; false where none has this name. */
bool mutants_set(const char *name);
/* Which is planted; NULL: none. */
const char *mutants_on(void);
/* The name of mutant i, NULL behind the last. */
const char *mutants_at(size_t i);
/* Whether the disk of a ledger, or of a query, lies about what is durable. */
bool mutants_disk_lies(bool ledger);

#endif
