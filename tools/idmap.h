/* SPDX-License-Identifier: Apache-2.0 */
/* idmap: a hash table in memory, from 16 bytes that a hash made to what is kept for them. */
#ifndef AVOW_TOOLS_IDMAP_H
#define AVOW_TOOLS_IDMAP_H

#include "proto/msg.h"

#define IDMAP_MAX ((size_t)64 << 20) /* entries */

struct idmap_slot {
	struct id key, value;
	uint64_t count;
	bool used;
};
struct idmap {
	struct idmap_slot *slots;
	size_t nslots, count;
};
/* All zero is an empty map. */
void idmap_fini(struct idmap *m);
/*
 * The slot of a key, made, with value and count zero, where it is new. Valid until the next call.
 * ERR_TOO_LARGE beyond IDMAP_MAX, ERR_NO_MEMORY.
 */
MUST_USE enum err idmap_slot(struct idmap *m, const struct id *key, struct idmap_slot **out);

#endif
