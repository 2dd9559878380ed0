/* SPDX-License-Identifier: Apache-2.0 */
/* counts: numbers under keys, in a table of the keys' hashes. */
#include "store/counts.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "proto/msg.h"

#define FIRST_MAX 256u
#define KEYS_MAX ((size_t)64 << 20)

void counts_init(struct counts *c)
{
	struct id random;

	*c = (struct counts){ 0 };
	id_make(0, random.b);
	memcpy(&c->seed, random.b + ID_SIZE - sizeof(c->seed), sizeof(c->seed));
	arena_init(&c->keys, KEYS_MAX);
}

void counts_fini(struct counts *c)
{
	free(c->v);
	free(c->slots);
	free(c->changed);
	arena_fini(&c->keys);
	*c = (struct counts){ 0 };
}

void counts_clear(struct counts *c)
{
	if (c->n)
		memset(c->slots, 0, c->nslots * sizeof(*c->slots));
	c->n = c->nchanged = 0;
	arena_reset(&c->keys);
}

/* The slot of this key, or the empty one where it would be. */
static uint32_t *slot_of(const struct counts *c, struct str key)
{
	size_t i = XXH3_64bits_withSeed(key.p, key.n, c->seed) & (c->nslots - 1);

	while (c->slots[i] && !str_eq(c->v[c->slots[i] - 1].key, key))
		i = (i + 1) & (c->nslots - 1);
	return &c->slots[i];
}

struct count *counts_find(const struct counts *c, struct str key)
{
	if (c->n == 0)
		return NULL;
	const uint32_t at = *slot_of(c, key);
	return at ? &c->v[at - 1] : NULL;
}

static enum err grow(struct counts *c)
{
	const size_t max = c->max ? 2 * c->max : FIRST_MAX;
	struct count *v = realloc(c->v, max * sizeof(*v));

	if (!v)
		return ERR_NO_MEMORY;
	c->v = v;
	uint32_t *changed = realloc(c->changed, max * sizeof(*changed));
	if (!changed)
		return ERR_NO_MEMORY;
	c->changed = changed;
	uint32_t *slots = calloc(2 * max, sizeof(*slots));
	if (!slots)
		return ERR_NO_MEMORY;
	free(c->slots);
	c->slots = slots;
	c->nslots = 2 * max;
	c->max = max;
	for (size_t i = 0; i < c->n; i++)
		*slot_of(c, c->v[i].key) = (uint32_t)i + 1;
	return ERR_OK;
}

enum err counts_add(struct counts *c, struct str key, uint64_t number, struct count **out)
{
	if (c->n == c->max && grow(c))
		return ERR_NO_MEMORY;
	const struct str copy = arena_str(&c->keys, key);
	if (!copy.p)
		return ERR_NO_MEMORY;
	uint32_t *slot = slot_of(c, key);
	require(*slot == 0);
	*out = &c->v[c->n++];
	**out = (struct count){ .key = copy, .number = number };
	*slot = (uint32_t)c->n;
	return ERR_OK;
}

void counts_change(struct counts *c, struct count *count, uint64_t number)
{
	count->number = number;
	if (count->changed)
		return;
	count->changed = true;
	c->changed[c->nchanged++] = (uint32_t)(count - c->v);
}

void counts_settle(struct counts *c)
{
	for (size_t i = 0; i < c->nchanged; i++)
		c->v[c->changed[i]].changed = false;
	c->nchanged = 0;
	if (c->n > COUNTS_KEPT_MAX)
		counts_clear(c);
}
