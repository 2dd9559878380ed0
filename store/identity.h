/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity: what a store is, whose it is, and in which format; the first row that is written and
 * the first that is read.
 *
 * Bytes, numbers most significant byte first: 8 kind, 4 format, 4 index version, 16 ledger,
 * 8 epoch, 8 created (microseconds UTC), 8 XXH3-64 of everything before.
 */
#ifndef AVOW_STORE_IDENTITY_H
#define AVOW_STORE_IDENTITY_H

#include "proto/msg.h"

#define IDENTITY_SIZE 56u
#define IDENTITY_KIND_SIZE 8u

struct identity {
	char kind[IDENTITY_KIND_SIZE + 1]; /* "avow-log" or "avow-rep" */
	uint32_t format;
	uint32_t index_version;		   /* replica: the caller's; log: 0 */
	struct id ledger;
	uint64_t epoch;
	int64_t created;
};

/* `kind` has exactly IDENTITY_KIND_SIZE letters. */
void identity_write(const struct identity *i, char out[IDENTITY_SIZE]);
/*
 * Read the row of a store that should be of this kind and format. ERR_STORE_FOREIGN: it is of
 * another kind (out->format is 0), or of the format that is in out->format; ERR_DAMAGED: it is not
 * what was written.
 */
MUST_USE enum err identity_parse(struct str bytes, const char *kind, uint32_t format,
				 struct identity *out, struct fault *fault);

#endif
