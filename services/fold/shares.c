/* SPDX-License-Identifier: Apache-2.0 */
/* shares: an array of sums, found by key: small keys in an array, all others in a map. */
#include "services/fold/shares.h"

#define NEAR_FIRST ((size_t)4096)
#define NEAR_MAX ((size_t)1 << 20)

/* Where a key stands, n where it is not there. */
static size_t place_of(const struct shares *s, uint64_t key)
{
	if (key < s->near_cap)
		return s->near[key] ? s->near[key] - 1 : s->n;
	const uint64_t *place = map_find(&s->places, key);
	return place ? (size_t)*place : s->n;
}

/* Room for a key among the small ones. Those that came before are taken along. */
static enum err near_grow(struct view *v, struct shares *s, uint64_t key)
{
	size_t cap = s->near_cap ? s->near_cap : NEAR_FIRST;

	while (cap <= key)
		cap *= 2;
	uint32_t *more = arena_zalloc(&v->kept, cap, sizeof(*more));
	if (!more)
		return ERR_NO_MEMORY;
	if (s->near_cap)
		memcpy(more, s->near, s->near_cap * sizeof(*more));
	s->near = more;
	s->near_cap = cap;
	return ERR_OK;
}

static enum err place_put(struct view *v, struct shares *s, uint64_t key)
{
	if (key >= NEAR_MAX)
		return map_put(&s->places, &v->kept, key, s->n);
	if (key >= s->near_cap)
		TRY(near_grow(v, s, key));
	s->near[key] = (uint32_t)s->n + 1;
	return ERR_OK;
}

static enum err share_at(struct view *v, struct shares *s, uint64_t key, enum rung rung,
			 struct share **out)
{
	const size_t place = place_of(s, key);

	if (place < s->n) {
		*out = &s->v[place];
		return ERR_OK;
	}
	if (s->n == s->cap) {
		const size_t cap = s->cap ? 2 * s->cap : 64;
		struct share *more = arena_alloc(&v->kept, cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (s->n)
			memcpy(more, s->v, s->n * sizeof(*more));
		s->v = more;
		s->cap = cap;
	}
	TRY(place_put(v, s, key));
	*out = &s->v[s->n++];
	**out = (struct share){ .key = key, .rung = rung };
	return ERR_OK;
}

/* That of a rung, of all under one key. */
static enum err rung_at(struct view *v, enum rung rung, struct share **share)
{
	struct share *at = *share;

	while (at->rung != rung && at->more)
		at = at->more;
	if (at->rung != rung) {
		at->more = arena_alloc(&v->kept, sizeof(*at->more));
		if (!at->more)
			return ERR_NO_MEMORY;
		*at->more = (struct share){ .key = at->key, .rung = rung };
		at = at->more;
	}
	*share = at;
	return ERR_OK;
}

enum err shares_add(struct view *v, struct shares *s, uint64_t key, enum rung rung,
		    const struct sums *sums)
{
	struct counting kept = { &v->kept, v->counting.ratios };
	struct share *share;

	if (sums_empty(sums))
		return ERR_OK;
	TRY(share_at(v, s, key, rung, &share));
	TRY(rung_at(v, rung, &share));
	return sums_add(&kept, &share->sums, sums);
}

const struct share *shares_find(const struct shares *s, uint64_t key)
{
	const size_t place = place_of(s, key);

	return place < s->n ? &s->v[place] : NULL;
}
