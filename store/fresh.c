/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fresh: the ids of one transaction, in a table of their hashes.
 *
 * A slot has the place in v and 1, or 0 where it is empty, and above that as much of the hash as there is
 * room for: another id, which lies far away, is hardly ever looked at.
 */
#include "store/fresh.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FIRST_MAX 512u
#define TAG_MASK (~FRESH_MAX)

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
	free(f->spare);
	free(f->slots);
	*f = (struct fresh){ 0 };
}

void fresh_clear(struct fresh *f)
{
	if (f->n)
		memset(f->slots, 0, f->nslots * sizeof(*f->slots));
	f->n = 0;
}

static const struct id_place *place_in(const struct fresh *f, uint32_t slot)
{
	return &f->v[(slot & FRESH_MAX) - 1];
}

/* The slot of this id, or the empty one where it would be; *tag is what stands above its place. */
static uint32_t *slot_of(const struct fresh *f, const struct id *id, uint32_t *tag)
{
	const uint64_t hash = XXH3_64bits_withSeed(id->b, ID_SIZE, f->seed);
	size_t i = hash & (f->nslots - 1);

	*tag = (uint32_t)(hash >> 32) & TAG_MASK;
	while (f->slots[i] && ((f->slots[i] & TAG_MASK) != *tag ||
			       memcmp(place_in(f, f->slots[i])->id.b, id->b, ID_SIZE) != 0))
		i = (i + 1) & (f->nslots - 1);
	return &f->slots[i];
}

static void put_slot(struct fresh *f, size_t at)
{
	uint32_t tag;
	uint32_t *slot = slot_of(f, &f->v[at].id, &tag);

	*slot = tag | ((uint32_t)at + 1);
}

static enum err grow(struct fresh *f)
{
	const size_t max = f->max ? 2 * f->max : FIRST_MAX;
	struct id_place *v = realloc(f->v, max * sizeof(*v));

	if (!v)
		return ERR_NO_MEMORY;
	f->v = v;
	struct id_place *spare = realloc(f->spare, max * sizeof(*spare));
	if (!spare)
		return ERR_NO_MEMORY;
	f->spare = spare;
	uint32_t *slots = calloc(2 * max, sizeof(*slots));
	if (!slots)
		return ERR_NO_MEMORY;
	free(f->slots);
	f->slots = slots;
	f->nslots = 2 * max;
	f->max = max;
	for (size_t i = 0; i < f->n; i++)
		put_slot(f, i);
	return ERR_OK;
}

enum err fresh_add(struct fresh *f, const struct id *id, uint64_t seq)
{
	uint32_t tag;

	if (f->n == FRESH_MAX || (f->n == f->max && grow(f)))
		return ERR_NO_MEMORY;
	uint32_t *slot = slot_of(f, id, &tag);
	if (*slot)
		return ERR_INTERNAL;
	f->v[f->n++] = (struct id_place){ *id, seq };
	*slot = tag | (uint32_t)f->n;
	return ERR_OK;
}

bool fresh_find(const struct fresh *f, const struct id *id, uint64_t *seq)
{
	uint32_t tag;

	if (f->n == 0)
		return false;
	const uint32_t slot = *slot_of(f, id, &tag);
	if (slot)
		*seq = place_in(f, slot)->seq;
	return slot != 0;
}

/*
 * ---- sorting ----
 *
 * A merge sort from below. Ids in no order at all cost it little more than others: which of two comes first,
 * that no processor can guess, is no branch.
 */

/* Two runs, each in order, into one. */
static void merge(const struct id_place *a, size_t na, const struct id_place *b, size_t nb,
		  struct id_place *out)
{
	const struct id_place *const a_end = a + na, *const b_end = b + nb;

	if (na && nb && id_cmp(&a_end[-1].id, &b->id) > 0)
		while (a < a_end && b < b_end) {
			const bool second = id_cmp(&b->id, &a->id) < 0;
			*out++ = *(second ? b : a);
			b += second;
			a += !second;
		}
	memcpy(out, a, (size_t)(a_end - a) * sizeof(*out));
	memcpy(out + (a_end - a), b, (size_t)(b_end - b) * sizeof(*out));
}

const struct id_place *fresh_sorted(struct fresh *f)
{
	for (size_t run = 1; run < f->n; run *= 2) {
		for (size_t at = 0; at < f->n; at += 2 * run) {
			const size_t left = f->n - at, na = left < run ? left : run;
			const size_t nb = left - na < run ? left - na : run;
			merge(f->v + at, na, f->v + at + na, nb, f->spare + at);
		}
		struct id_place *sorted = f->spare;
		f->spare = f->v;
		f->v = sorted;
	}
	return f->v;
}
