/* SPDX-License-Identifier: Apache-2.0 */
/* fresh: the ids of one transaction, in a table of their hashes. */
#include "store/fresh.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIRST_MAX 512u

void fresh_init(struct fresh *f)
{
	struct id random;

	*f = (struct fresh){ 0 };
	id_make(0, random.b);
	memcpy(&f->seed, random.b + ID_SIZE - sizeof(f->seed), sizeof(f->seed));
}

void fresh_fini(struct fresh *f)
{
	free(f->v);
	free(f->slots);
	*f = (struct fresh){ 0 };
}

void fresh_clear(struct fresh *f)
{
	if (f->n)
		memset(f->slots, 0, f->nslots * sizeof(*f->slots));
	f->n = 0;
}

/* The slot of this id, or the empty one where it would be. */
static uint32_t *slot_of(const struct fresh *f, const struct id *id)
{
	size_t i = XXH3_64bits_withSeed(id->b, ID_SIZE, f->seed) & (f->nslots - 1);

	while (f->slots[i] && memcmp(f->v[f->slots[i] - 1].id.b, id->b, ID_SIZE) != 0)
		i = (i + 1) & (f->nslots - 1);
	return &f->slots[i];
}

static enum err grow(struct fresh *f)
{
	const size_t max = f->max ? 2 * f->max : FIRST_MAX;
	struct id_place *v = realloc(f->v, max * sizeof(*v));

	if (!v)
		return ERR_NO_MEMORY;
	f->v = v;
	uint32_t *slots = calloc(2 * max, sizeof(*slots));
	if (!slots)
		return ERR_NO_MEMORY;
	free(f->slots);
	f->slots = slots;
	f->nslots = 2 * max;
	f->max = max;
	for (size_t i = 0; i < f->n; i++)
		*slot_of(f, &f->v[i].id) = (uint32_t)i + 1;
	return ERR_OK;
}

enum err fresh_add(struct fresh *f, const struct id *id, uint64_t seq)
{
	if (f->n == f->max && grow(f))
		return ERR_NO_MEMORY;
	uint32_t *slot = slot_of(f, id);
	if (*slot)
		return ERR_INTERNAL;
	f->v[f->n++] = (struct id_place){ *id, seq };
	*slot = (uint32_t)f->n;
	return ERR_OK;
}

bool fresh_find(const struct fresh *f, const struct id *id, uint64_t *seq)
{
	if (f->n == 0)
		return false;
	const uint32_t at = *slot_of(f, id);
	if (at)
		*seq = f->v[at - 1].seq;
	return at != 0;
}
