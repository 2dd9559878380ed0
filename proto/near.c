/* SPDX-License-Identifier: Apache-2.0 */
/* near: edit distance by three rows of the usual table. */
#include "proto/near.h"

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned near_distance(struct str a, struct str b)
{
	unsigned char rows[3][NEAR_WORD_MAX + 1];
	unsigned char *before = rows[0], *above = rows[1], *row = rows[2];

	if (a.n > NEAR_WORD_MAX || b.n > NEAR_WORD_MAX)
		return NEAR_WORD_MAX + 1;
	for (size_t j = 0; j <= b.n; j++)
		above[j] = (unsigned char)j;
	for (size_t i = 1; i <= a.n; i++) {
		row[0] = (unsigned char)i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned d = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
			d = least(d, least(above[j], row[j - 1]) + 1u);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				d = least(d, before[j - 2] + 1u);
			row[j] = (unsigned char)d;
		}
		unsigned char *spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b.n];
}

/* One slip is forgiven in any word of three letters or more. */
static unsigned allowance(size_t n)
{
	return n < 3 ? 0 : n < 6 ? 1 : (unsigned)(n / 3);
}

bool near_enough(struct str a, struct str b)
{
	const size_t apart = a.n > b.n ? a.n - b.n : b.n - a.n; /* the distance is never less */

	return apart <= allowance(b.n) && near_distance(a, b) <= allowance(b.n);
}

const char *near_word(const char *const *words, size_t n, struct str word)
{
	const char *best = NULL;
	unsigned best_distance = NEAR_WORD_MAX + 1;

	for (size_t i = 0; i < n; i++) {
		const struct str w = str_of(words[i]);
		const unsigned d = near_distance(word, w);
		if (d <= allowance(w.n) && d < best_distance) {
			best = words[i];
			best_distance = d;
		}
	}
	return best;
}
