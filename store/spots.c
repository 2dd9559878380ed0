/* SPDX-License-Identifier: Apache-2.0 */
/* spots: a sorted list, filled from the leaves of the slabs' table. */
#include "store/spots.h"

#define LEARNED_AT_ONCE 1024u
#define SPOTS_MAX (SPOTS_BYTES_MAX / sizeof(struct spot))

/* Small on purpose: there may be millions. */
struct spot {
	uint32_t first; /* seq */
	uint32_t page;	/* of the file; 0: it has none of its own, and moves with others */
	uint32_t size;
};

enum err spots_init(struct spots *s)
{
	*s = (struct spots){ .v = memory_map(SPOTS_BYTES_MAX) };
	return s->v ? ERR_OK : ERR_NO_MEMORY;
}

void spots_fini(struct spots *s)
{
	memory_unmap(s->v, SPOTS_BYTES_MAX);
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
		s->v[s->n++] = (struct spot){ (uint32_t)rows[i].key, (uint32_t)rows[i].page,
					      (uint32_t)rows[i].size };
		s->next = rows[i + 1].key;
	}
	return n == LEARNED_AT_ONCE;
}

bool spots_find(const struct spots *s, struct lm_txn *t, uint64_t seq, uint64_t *first,
		struct str *there)
{
	size_t low = 0, high = s->n;

	if (seq >= s->next)
		return false;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (s->v[middle].first <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !s->v[low - 1].page)
		return false;
	const struct spot *at = &s->v[low - 1];
	*first = at->first;
	*there = lm_row_there(t, &(struct lm_row){ at->first, at->page, at->size });
	return there->p;
}
