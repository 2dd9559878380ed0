/* SPDX-License-Identifier: Apache-2.0 */
/* idmap: open addressing, never more than half full. */
#include "tools/idmap.h"

#include <stdlib.h>

#define SLOTS_FIRST 1024u

void idmap_fini(struct idmap *m)
{
	free(m->slots);
	*m = (struct idmap){ 0 };
}

static struct idmap_slot *find(const struct idmap *m, const struct id *key)
{
	size_t i;

	memcpy(&i, key->b + ID_SIZE - sizeof(i), sizeof(i)); /* the end is random in every version */
	for (i &= m->nslots - 1;; i = (i + 1) & (m->nslots - 1))
		if (!m->slots[i].used || memcmp(&m->slots[i].key, key, sizeof(*key)) == 0)
			return &m->slots[i];
}

static enum err grow(struct idmap *m)
{
	struct idmap bigger = { .nslots = m->nslots ? m->nslots * 2 : SLOTS_FIRST, .count = m->count };

	if (m->count * 2 < m->nslots)
		return ERR_OK;
	if (m->count >= IDMAP_MAX)
		return ERR_TOO_LARGE;
	bigger.slots = calloc(bigger.nslots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < m->nslots; i++)
		if (m->slots[i].used)
			*find(&bigger, &m->slots[i].key) = m->slots[i];
	free(m->slots);
	*m = bigger;
	return ERR_OK;
}

enum err idmap_slot(struct idmap *m, const struct id *key, struct idmap_slot **out)
{
	const enum err e = grow(m);

	if (e)
		return e;
	*out = find(m, key);
	if (!(*out)->used) {
		**out = (struct idmap_slot){ .key = *key, .used = true };
		m->count++;
	}
	return ERR_OK;
}
