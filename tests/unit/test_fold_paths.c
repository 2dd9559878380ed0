/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the fold has a quick way and a plain one, both come to the same: copies in small and in large
 * homes, ranks of plain and of other amounts, shares under small and under great keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/fold/rank.h"
#include "services/fold/shares.h"
#include "tests/unit/random.h"

#define ARENA_MAX ((size_t)16 << 20)
#define SETS 400
#define FEW 40u	 /* facts of a small home */
#define MORE 80u /* that make it a large one and change nothing */

/* ---- copies ---- */

/* Of events elsewhere nobody knows anything. */
static enum err no_chain(void *arg, uint64_t seq, const struct horizon *h, struct arena *a,
			 struct fact_list *out)
{
	(void)arg, (void)seq, (void)h, (void)a;
	*out = (struct fact_list){ 0 };
	return ERR_OK;
}

/* One that repairs or retells an earlier one, now and then. */
static struct fact some_fact(struct random *r, const struct fact *before, size_t n)
{
	struct fact f = { .seq = n + 1, .root = n + 1, .stated = (int64_t)n, .kind = kind_commit,
			  .deal = 1 };
	const uint64_t turn = random_below(r, 10);

	if (n == 0 || turn > 5)
		return f;
	const struct fact *other = &before[random_below(r, n)];
	if (turn > 2) {
		f.derived = other->seq;
		return f;
	}
	f.ref = other->seq;
	f.kind = turn == 0 ? kind_retract : kind_commit;
	if (turn && other->kind != kind_retract)
		f.root = other->root;
	else if (turn)
		f.root = other->seq;
	return f;
}

static size_t copies_of(struct fact *facts, size_t n, struct arena *a, uint64_t *copies)
{
	const struct facts source = { .chain = no_chain };
	const struct horizon h = { .at_seq = UINT64_MAX, .stated_end = INT64_MAX };
	struct visible_list all;
	size_t few = 0;

	const struct fact_list list = { .v = facts, .n = n };
	assert_int_equal(visible_statements(&source, &h, DAY_MAX, list, a, &all), ERR_OK);
	*copies = 0;
	for (size_t i = 0; i < all.n && all.v[i].first->seq <= FEW; i++, few++)
		*copies |= (uint64_t)all.v[i].copy << few;
	return few;
}

static void copies_are_the_same_in_small_and_large_homes(void **state)
{
	struct fact facts[FEW + MORE];
	uint64_t small, large, seen = 0;
	struct random r = random_begin("copies");
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX);
	for (int set = 0; set < SETS; set++) {
		for (size_t i = 0; i < FEW; i++)
			facts[i] = some_fact(&r, facts, i);
		for (size_t i = FEW; i < FEW + MORE; i++)
			facts[i] = (struct fact){ .seq = i + 1, .root = i + 1, .stated = (int64_t)i,
						  .kind = kind_remark, .deal = 1 };
		const size_t n = copies_of(facts, FEW, &a, &small);
		assert_int_equal(copies_of(facts, FEW + MORE, &a, &large), n);
		assert_int_equal(small, large);
		seen |= small;
		arena_reset(&a);
	}
	assert_int_not_equal(seen, 0);
	arena_fini(&a);
}

/* ---- ranks ---- */

#define ROWS 60u

static struct interval some_interval(struct random *r)
{
	struct interval i = { .currency = 1, .low = bound_of((int64_t)random_below(r, 12)) };

	i.high = bound_of((int64_t)i.low.n + (int64_t)random_below(r, 4));
	i.low_open = random_below(r, 10) == 0;
	i.high_open = random_below(r, 10) == 0;
	i.low_excl = !i.low_open && random_below(r, 4) == 0;
	i.high_excl = !i.high_open && random_below(r, 4) == 0;
	return i;
}

/* The same order of amounts, so great that no quick way takes them. */
static struct interval far_away(struct interval i)
{
	i.low.n += (wide)1 << 80;
	i.high.n += (wide)1 << 80;
	return i;
}

static void ranks_are_the_same_for_plain_and_for_great_amounts(void **state)
{
	struct interval intervals[2][ROWS];
	struct sums sums[2][ROWS];
	struct ranked rows[2][ROWS];
	struct random r = random_begin("ranks");
	struct arena a;
	struct counting c = { .arena = &a };

	(void)state;
	arena_init(&a, ARENA_MAX);
	for (int set = 0; set < SETS; set++) {
		for (size_t i = 0; i < ROWS; i++) {
			intervals[0][i] = some_interval(&r);
			intervals[1][i] = far_away(intervals[0][i]);
			for (size_t k = 0; k < 2; k++) {
				sums[k][i] = (struct sums){ .v = &intervals[k][i], .n = 1, .cap = 1 };
				rows[k][i] = (struct ranked){ .sums = &sums[k][i], .at = i };
			}
		}
		for (size_t k = 0; k < 2; k++)
			assert_int_equal(rank_all(&c, 1, rows[k], ROWS), ERR_OK);
		for (size_t i = 0; i < ROWS; i++) {
			assert_int_equal(rows[0][i].best, rows[1][i].best);
			assert_int_equal(rows[0][i].worst, rows[1][i].worst);
		}
		arena_reset(&a);
	}
	arena_fini(&a);
}

/* ---- shares ---- */

static void shares_are_found_under_every_key_and_rung(void **state)
{
	const uint64_t keys[] = { 1, 2, 4095, 4096, 70000, (1u << 20) - 1, 1u << 20,
				  pair_key(1, 1), pair_key(0, 7) };
	struct interval one = { .currency = 1, .low = bound_of(1), .high = bound_of(1) };
	const struct sums sums = { .v = &one, .n = 1, .cap = 1 };
	struct shares shares = { .v = NULL };
	struct view v;

	(void)state;
	view_init(&v, NULL, NULL);
	for (size_t round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_LEN(keys); i++)
			for (enum rung rung = rung_talked; rung <= rung_paid; rung += 3)
				assert_int_equal(shares_add(&v, &shares, keys[i], rung, &sums), ERR_OK);
	assert_int_equal(shares.n, ARRAY_LEN(keys));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct share *share = shares_find(&shares, keys[i]);
		assert_int_equal(share->key, keys[i]);
		assert_int_equal(share_sums(share, rung_talked)->v[0].low.n, 3);
		assert_int_equal(share_sums(share, rung_paid)->v[0].low.n, 3);
		assert_true(sums_empty(share_sums(share, rung_committed)));
	}
	assert_null(shares_find(&shares, 3));
	assert_null(shares_find(&shares, pair_key(2, 2)));
	view_fini(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_the_same_in_small_and_large_homes),
		cmocka_unit_test(ranks_are_the_same_for_plain_and_for_great_amounts),
		cmocka_unit_test(shares_are_found_under_every_key_and_rung),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
