/* SPDX-License-Identifier: Apache-2.0 */
/* demo: the sample deals, which are part of the program, for `avow up --demo`. */
#ifndef AVOW_TOOLS_DEMO_H
#define AVOW_TOOLS_DEMO_H

#include "proto/msg.h"

/*
 * Publish the sample deals through ingest, as any user would; their ids are fixed, so that doing it
 * again adds nothing. Waits for ingest to come up, at most timeout_ms. The last seq is put out, for
 * who wants to wait until query holds it. Errors of pipeline_add, and of an event that is refused.
 */
MUST_USE enum err demo_publish(const char *ingest, int timeout_ms, uint64_t *created,
			       uint64_t *exists, uint64_t *last_seq, struct fault *fault);
/* Print on stdout what to try next; `dir` is the data directory, NULL where it is the default. */
void demo_print_hints(const char *dir);

#endif
