/* SPDX-License-Identifier: Apache-2.0 */
/* counts: numbers under keys, as a table on the disk has them and as one transaction changes them. */
#ifndef AVOW_STORE_COUNTS_H
#define AVOW_STORE_COUNTS_H

#include "proto/base.h"

struct count {
	struct str key; /* a copy */
	uint64_t number;
	bool changed; /* it is not yet in its table */
};
struct counts {
	struct count *v; /* in the order in which they were added */
	size_t n, max;
	uint32_t *slots; /* open addressing, at most half full: place in v and 1, or 0 */
	size_t nslots;	 /* a power of two, or 0 */
	uint32_t *changed; /* the places of those that are, in the order in which they were first changed */
	size_t nchanged;
	uint64_t seed; /* so that nobody can choose keys that share a slot */
	struct arena keys;
};
/* Empty, without memory yet; counts_fini gives back what it comes to have. */
void counts_init(struct counts *c);
/* Accepts one that is empty. */
void counts_fini(struct counts *c);
/* Forget all; the memory stays. */
void counts_clear(struct counts *c);
/* The number under this key, borrowed until the next counts_add; NULL: not known. */
struct count *counts_find(const struct counts *c, struct str key);
/* Know a number under a key that is not there; *out as of counts_find. ERR_NO_MEMORY. */
MUST_USE enum err counts_add(struct counts *c, struct str key, uint64_t number, struct count **out);
/* Change one that counts_find or counts_add gave. */
void counts_change(struct counts *c, struct count *count, uint64_t number);
/* The i-th of the c->nchanged that are changed. */
static inline const struct count *counts_changed(const struct counts *c, size_t i)
{
	return &c->v[c->changed[i]];
}
/* What was changed is in its table: nothing is from now on. Of more than so many, all is forgotten. */
#define COUNTS_KEPT_MAX 16384u
void counts_settle(struct counts *c);

#endif
