/* SPDX-License-Identifier: Apache-2.0 */
/* Facts that are put into homes in any order come back home by home, in order, whoever is asked first. */
#include "services/query/blocks.h"
#include "services/query/index.h"
#include "tests/unit/store_help.h"

#define HOMES 12u /* deals 1 to 11; of deal 6 nobody speaks, deal 3 is large */
#define EMPTY 6u
#define LARGE 3u
#define FACTS 1500u
#define ROUNDS 400

static struct order put_in[HOMES][FACTS];
static size_t counts[HOMES];

static int by_order(const void *x, const void *y)
{
	const struct order *a = x, *b = y;

	return order_cmp(*a, *b);
}

static struct place home_of(uint32_t deal)
{
	return (struct place){ HOME_DEAL, deal };
}

/* Facts 1 to FACTS, stated on any of 300 days, some at a time of day, each in some home. */
static void fill(struct replica *r, struct random *random)
{
	memset(counts, 0, sizeof(counts));
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(replica_snap(r), ERR_OK);
	for (uint64_t seq = 1; seq <= FACTS; seq++) {
		uint32_t deal = (uint32_t)(1 + random_below(random, HOMES - 1));
		if (deal == EMPTY || random_below(random, 2))
			deal = LARGE;
		const int64_t day = (int64_t)random_below(random, 300) * US_PER_DAY;
		const int64_t time = random_below(random, 3) ? 0 : (int64_t)random_below(random, 1000);
		const struct fact f = { .seq = seq, .root = seq, .stated = day + time, .deal = deal,
					.kind = kind_commit };
		assert_int_equal(blocks_put(r, home_of(deal), &f), ERR_OK);
		put_in[deal][counts[deal]++] = fact_order(&f);
	}
	replica_unsnap(r);
	assert_int_equal(replica_commit(r), ERR_OK);
	for (uint32_t deal = 1; deal < HOMES; deal++)
		if (counts[deal])
			qsort(put_in[deal], counts[deal], sizeof(struct order), by_order);
}

/* Walk through a home up to an instant, or only through so many of its facts. */
static void assert_walk(struct replica *r, struct cursor *c, uint32_t deal, int64_t end, size_t most)
{
	struct walk w;
	struct item item;
	size_t right = 0;

	while (right < counts[deal] && put_in[deal][right].stated < end)
		right++;
	assert_int_equal(walk_begin(r, c, home_of(deal), end, &w), ERR_OK);
	for (size_t i = 0; i < right && i < most; i++) {
		assert_int_equal(walk_next(&w, &item), ERR_OK);
		assert_int_equal(item.stated, put_in[deal][i].stated);
		assert_int_equal(item.seq, put_in[deal][i].seq);
	}
	if (right < most)
		assert_int_equal(walk_next(&w, &item), ERR_NOT_FOUND);
}

/* A replica with all homes in it, at a snapshot. */
static struct replica *filled(const char *directory, struct random *random)
{
	struct replica *r;

	assert_int_equal(replica_open(directory, INDEX_VERSION, &r, NULL), ERR_OK);
	fill(r, random);
	assert_int_equal(replica_snap(r), ERR_OK);
	return r;
}

static void walks_in_any_order_share_a_cursor_and_see_each_home_whole(void **state)
{
	struct random random = random_begin(__func__);
	struct replica *r = filled(*state, &random);
	struct cursor c = { 0 };

	for (uint32_t deal = 1; deal < HOMES; deal++) /* side by side, as a league goes */
		assert_walk(r, &c, deal, INT64_MAX, SIZE_MAX);
	for (int i = 0; i < ROUNDS; i++) {
		const uint32_t deal = (uint32_t)(1 + random_below(&random, HOMES - 1));
		const bool whole = random_below(&random, 2);
		assert_walk(r, &c, deal,
			    whole ? INT64_MAX : (int64_t)random_below(&random, 300) * US_PER_DAY,
			    random_below(&random, 4) ? SIZE_MAX : random_below(&random, 40));
	}
	cursor_close(&c);
	replica_unsnap(r);
	replica_close(r);
}

static void a_home_is_counted_by_the_heads_of_its_blocks(void **state)
{
	struct random random = random_begin(__func__);
	struct replica *r = filled(*state, &random);
	struct cursor c = { 0 };

	for (uint32_t deal = 1; deal < HOMES; deal++)
		for (uint64_t at_seq = 0; at_seq <= FACTS; at_seq += 250) {
			const int64_t end = (int64_t)random_below(&random, 300) * US_PER_DAY;
			uint64_t right = 0, given = 0;
			struct walk_counts found;
			struct walk w;
			for (size_t i = 0; i < counts[deal]; i++) {
				right += put_in[deal][i].seq <= at_seq;
				given += put_in[deal][i].stated < end;
			}
			assert_int_equal(walk_begin(r, &c, home_of(deal), end, &w), ERR_OK);
			assert_int_equal(walk_count(&w, at_seq, &found), ERR_OK);
			assert_int_equal(found.own, right);
			assert_in_range(found.most, given, counts[deal]);
		}
	cursor_close(&c);
	replica_unsnap(r);
	replica_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(walks_in_any_order_share_a_cursor_and_see_each_home_whole,
						temp_make, temp_remove),
		cmocka_unit_test_setup_teardown(a_home_is_counted_by_the_heads_of_its_blocks, temp_make,
						temp_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
