/* SPDX-License-Identifier: Apache-2.0 */
/* spots: a sorted list in groups, filled from the leaves of the slabs' table. */
#include "store/spots.h"

#define LEARNED_AT_ONCE 1024u
#define GROUP_SPOTS 64u
#define GROUP_BYTES (GROUP_SPOTS * sizeof(struct spot) + sizeof(uint32_t))
#define GROUPS_MAX (SPOTS_BYTES_MAX / GROUP_BYTES)
#define SPOTS_MAX (GROUPS_MAX * GROUP_SPOTS)

/* Small on purpose: there may be millions. */
struct spot {
	uint32_t first; /* seq */
	uint32_t page;	/* of the file; 0: it has none of its own, and moves with others */
	uint32_t size;
};

enum err spots_init(struct spots *s)
{
	*s = (struct spots){ .v = memory_map(SPOTS_MAX * sizeof(*s->v)),
			     .groups = memory_map(GROUPS_MAX * sizeof(*s->groups)) };
	if (s->v && s->groups)
		return ERR_OK;
	spots_fini(s);
	return ERR_NO_MEMORY;
}

void spots_fini(struct spots *s)
{
	memory_unmap(s->v, SPOTS_MAX * sizeof(*s->v));
	memory_unmap(s->groups, GROUPS_MAX * sizeof(*s->groups));
	*s = (struct spots){ 0 };
}

static bool fits(const struct lm_row *row)
{
	return row->key <= UINT32_MAX && row->page <= UINT32_MAX && row->size <= UINT32_MAX;
}

bool spots_learn(struct spots *s, struct lm_txn *t, unsigned table)
{
	struct lm_row rows[LEARNED_AT_ONCE];
	size_t n = 0;

	if (lm_rows_from(t, table, s->next, rows, LEARNED_AT_ONCE, &n))
		return false;
	/* the last may be the newest, which the next transaction moves */
	for (size_t i = 0; i + 1 < n; i++) {
		if (s->n == SPOTS_MAX || !fits(&rows[i]))
			return false;
		if (s->n % GROUP_SPOTS == 0)
			s->groups[s->n / GROUP_SPOTS] = (uint32_t)rows[i].key;
		s->v[s->n++] = (struct spot){ (uint32_t)rows[i].key, (uint32_t)rows[i].page,
					      (uint32_t)rows[i].size };
		s->next = rows[i + 1].key;
	}
	return n == LEARNED_AT_ONCE;
}

/* The group that this event's spot is in, and where it likely stands there. */
struct likely {
	size_t from, to, at;
};

/* False: it is not known. */
static bool likely_of(const struct spots *s, uint64_t seq, struct likely *out)
{
	const size_t groups = (s->n + GROUP_SPOTS - 1) / GROUP_SPOTS;
	struct halving h = { .high = groups };

	if (seq >= s->next)
		return false;
	while (halving_goes_on(&h))
		halving_take(&h, s->groups[h.at] <= seq);
	if (h.low == 0)
		return false;
	const uint64_t first = s->groups[h.low - 1], end = h.low < groups ? s->groups[h.low] : s->next;
	out->from = (h.low - 1) * GROUP_SPOTS;
	out->to = h.low < groups ? out->from + GROUP_SPOTS : s->n;
	out->at = out->from + (seq - first) * (out->to - out->from) / (end - first);
	return true;
}

void spots_foresee(const struct spots *s, uint64_t seq)
{
	struct likely likely;

	if (likely_of(s, seq, &likely))
		memory_foresee((const char *)&s->v[likely.at], sizeof(*s->v));
}

bool spots_find(const struct spots *s, struct lm_txn *t, uint64_t seq, uint64_t *first,
		struct str *there)
{
	struct likely likely;

	if (!likely_of(s, seq, &likely))
		return false;
	const struct spot *at = &s->v[likely.at];
	while (at->first > seq)
		at--; /* the first of a group is not beyond it */
	while (at + 1 < s->v + likely.to && at[1].first <= seq)
		at++;
	if (!at->page)
		return false;
	*first = at->first;
	*there = lm_row_there(t, &(struct lm_row){ at->first, at->page, at->size });
	return there->p;
}
