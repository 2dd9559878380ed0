/* SPDX-License-Identifier: Apache-2.0 */
/* map: open addressing, at most half full; a sieve has at least eight bits for each number. */
#include "services/fold/map.h"

#define MAP_FIRST 16u

static size_t slot_of(const struct map *m, uint64_t key)
{
	size_t i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (m->cap - 1);

	while (m->v[i].key && m->v[i].key != key)
		i = (i + 1) & (m->cap - 1);
	return i;
}

uint64_t *map_find(const struct map *m, uint64_t key)
{
	if (m->n == 0)
		return NULL;
	struct map_slot *slot = &m->v[slot_of(m, key)];
	return slot->key ? &slot->value : NULL;
}

static enum err grow(struct map *m, struct arena *a)
{
	struct map bigger = { .cap = m->cap ? 2 * m->cap : MAP_FIRST, .n = m->n };

	bigger.v = arena_zalloc(a, bigger.cap, sizeof(*bigger.v));
	if (!bigger.v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < m->cap; i++)
		if (m->v[i].key)
			bigger.v[slot_of(&bigger, m->v[i].key)] = m->v[i];
	*m = bigger;
	return ERR_OK;
}

enum err map_put(struct map *m, struct arena *a, uint64_t key, uint64_t value)
{
	require(key);
	if (2 * (m->n + 1) > m->cap) {
		const enum err e = grow(m, a);
		if (e)
			return e;
	}
	struct map_slot *slot = &m->v[slot_of(m, key)];
	m->n += slot->key ? 0 : 1;
	*slot = (struct map_slot){ key, value };
	return ERR_OK;
}

enum err sieve_make(struct sieve *s, struct arena *a, size_t n)
{
	unsigned size = 6; /* bits of a hash */

	while (size < 32 && (UINT64_C(1) << size) < 8 * (uint64_t)n)
		size++;
	s->shift = 64 - size;
	s->bits = arena_zalloc(a, (size_t)1 << (size - 6), sizeof(*s->bits));
	return s->bits ? ERR_OK : ERR_NO_MEMORY;
}
