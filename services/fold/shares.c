/* SPDX-License-Identifier: Apache-2.0 */
/* shares: an array of sums, found by key. */
#include "services/fold/shares.h"

static enum err share_at(struct view *v, struct shares *s, uint64_t key, struct share **out)
{
	const uint64_t *place = map_find(&s->places, key);

	if (place) {
		*out = &s->v[*place];
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
	TRY(map_put(&s->places, &v->kept, key, s->n));
	*out = &s->v[s->n++];
	**out = (struct share){ .key = key };
	return ERR_OK;
}

enum err shares_add(struct view *v, struct shares *s, uint64_t key, enum rung rung,
		    const struct sums *sums)
{
	struct counting kept = { &v->kept, v->counting.ratios };
	struct share *share;

	if (sums_empty(sums))
		return ERR_OK;
	TRY(share_at(v, s, key, &share));
	return sums_add(&kept, &share->sums[rung], sums);
}

const struct share *shares_find(const struct shares *s, uint64_t key)
{
	const uint64_t *place = map_find(&s->places, key);

	return place ? &s->v[*place] : NULL;
}
