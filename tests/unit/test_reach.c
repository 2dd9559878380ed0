/* SPDX-License-Identifier: Apache-2.0 */
/* What of a replica is in reach, and that events are the same whether they are or not. */
#include "tests/unit/store_help.h"

/* How many times it is to be called until all is in reach. */
static size_t warm(struct replica *r)
{
	bool more = true;
	size_t n = 0;

	while (more) {
		assert_int_equal(replica_warm(r, &more), ERR_OK);
		assert_true(++n < 1000);
	}
	return n;
}

static void what_is_stored_comes_into_reach_a_few_mib_at_a_time(void **state)
{
	static char value[1 << 20];
	struct replica *r;
	uint64_t in_reach, bytes;
	bool more;

	assert_int_equal(replica_open(*state, SOME_VERSION, &r, NULL), ERR_OK);
	assert_int_equal(warm(r), 1);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(put_record(r, 1), ERR_OK);
	for (char i = 'a'; i < 'a' + 24; i++)
		assert_int_equal(replica_index(r, 0, (struct str){ &i, 1 },
					       (struct str){ value, sizeof(value) }),
				 ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	/* 24 MiB, 4 at a time; what is left over waits for more */
	assert_int_equal(replica_reach(r, &in_reach, &bytes), ERR_OK);
	assert_in_range(in_reach, 0, 4 << 20);
	assert_in_range(bytes, 24 << 20, 25 << 20);
	assert_in_range(warm(r), 5, 8);
	assert_int_equal(replica_warm(r, &more), ERR_OK);
	assert_false(more);
	assert_int_equal(replica_reach(r, &in_reach, &bytes), ERR_OK);
	assert_in_range(in_reach, bytes - (4 << 20), bytes);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_record(r, 1);
	replica_unsnap(r);
	replica_close(r);
}

#define MANY 700u /* events in some slabs */

/* Each event of the list is got as it is, one beyond the head is not. */
static void get_in_order(struct replica *r, const uint64_t *seqs, size_t n)
{
	struct replica_info info;
	struct record got;

	replica_info(r, &info);
	const uint64_t head = info.head;
	for (size_t i = 0; i < n; i++) {
		if (seqs[i] > 0 && seqs[i] <= head)
			assert_record(r, seqs[i]);
		else
			assert_int_equal(replica_get(r, seqs[i], &got), ERR_NOT_FOUND);
	}
}

static void get_in_all_orders(struct replica *r)
{
	static const uint64_t some[] = { MANY, 3, 3, 2, 0, 350, 1, MANY + 1, 351, 200, MANY - 1, UINT64_MAX };
	uint64_t all[MANY], back[MANY];

	for (uint64_t i = 0; i < MANY; i++) {
		all[i] = i + 1;
		back[MANY - 1 - i] = i + 1;
	}
	assert_int_equal(replica_snap(r), ERR_OK);
	replica_foresee_events(r, some, ARRAY_LEN(some));
	get_in_order(r, some, ARRAY_LEN(some));
	get_in_order(r, all, MANY);
	replica_foresee_events(r, some, ARRAY_LEN(some));
	get_in_order(r, back, MANY);
	get_in_order(r, some, ARRAY_LEN(some));
	replica_foresee_events(r, back, MANY); /* more than are remembered */
	get_in_order(r, back, MANY);
	replica_unsnap(r);
}

static void events_are_got_in_any_order_foreseen_or_not_in_reach_or_not(void **state)
{
	struct replica *r;

	assert_int_equal(replica_open(*state, SOME_VERSION, &r, NULL), ERR_OK);
	commit_records(r, 1, MANY / 2);
	commit_records(r, MANY / 2 + 1, MANY);
	get_in_all_orders(r);
	(void)warm(r);
	get_in_all_orders(r);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(replica_snap(r), ERR_OK);
	replica_foresee_events(r, (const uint64_t[]){ 1, 2 }, 2);
	assert_record(r, 1);
	assert_int_equal(put_record(r, MANY + 1), ERR_OK);
	assert_record(r, 2);
	assert_record(r, MANY + 1);
	replica_unsnap(r);
	replica_abort(r);
	replica_close(r);
}

static void put_rows(struct replica *r, unsigned table, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n < to; n++) {
		char key[24] = { 0 };
		(void)snprintf(key, sizeof(key), "%llu", (unsigned long long)n);
		assert_int_equal(replica_index(r, table, (struct str){ key, sizeof(key) }, STR("value")),
				 ERR_OK);
	}
}

/* Of a replica that is too large leaves are brought, those of all tables; and no more than fit. */
static void of_a_large_replica_keys_and_small_values_come_into_reach(void **state)
{
	struct lm_sizes sizes = { .map = 64 * MIB, .room = 32 * MIB, .step = 64 * MIB, .reach = MIB };
	struct replica *r;
	uint64_t in_reach, bytes, more;

	assert_int_equal(replica_open_sized(*state, SOME_VERSION, &sizes, &r, NULL), ERR_OK);
	commit_records(r, 1, MANY);
	assert_int_equal(replica_begin(r), ERR_OK);
	put_rows(r, 3, 0, 5000);
	put_rows(r, 7, 5000, 10000);
	for (uint64_t n = MANY + 1; n <= 5 * MANY; n++) /* most of the bytes */
		assert_int_equal(put_record(r, n), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	assert_in_range(warm(r), 3, 100);
	assert_int_equal(replica_reach(r, &in_reach, &bytes), ERR_OK);
	/* 10,000 rows of about 40 bytes, and what is smaller, but not the events */
	assert_in_range(bytes, MIB, 4 * MIB);
	assert_in_range(in_reach, 400000, bytes - MIB / 2);
	get_in_all_orders(r);
	replica_close(r);

	sizes.reach = 64 * KIB; /* even of the leaves only some */
	assert_int_equal(replica_open_sized(*state, SOME_VERSION, &sizes, &r, NULL), ERR_OK);
	(void)warm(r);
	assert_int_equal(replica_reach(r, &more, &bytes), ERR_OK);
	assert_in_range(more, 64 * KIB, in_reach - 1);
	replica_close(r);
}

/* What was learned of where slabs lie stays right while the newest is moved by every log commit. */
static void what_was_learned_stays_right_as_the_replica_grows(void **state)
{
	struct replica *r;

	assert_int_equal(replica_open(*state, SOME_VERSION, &r, NULL), ERR_OK);
	commit_records(r, 1, 15); /* more than lies among other rows */
	(void)warm(r);
	for (uint64_t n = 16; n <= MANY; n++) {
		const uint64_t newest[] = { n, n - 1, n - 10, 1 };
		commit_records(r, n, n);
		(void)warm(r);
		assert_int_equal(replica_snap(r), ERR_OK);
		replica_foresee_events(r, newest, ARRAY_LEN(newest));
		get_in_order(r, newest, ARRAY_LEN(newest));
		replica_unsnap(r);
	}
	get_in_all_orders(r);
	replica_close(r);
}

#define LARGE_SIZE 3000u /* no second one has room in its slab */
#define LARGE_FIRST 300u
#define LARGE_LAST 399u
#define UNEVEN 1400u /* events, in more than a hundred slabs */

/* Event n, where from some on a hundred are large; in `space` of LARGE_SIZE. */
static struct str uneven_event(uint64_t n, char *space)
{
	const struct str event = event_of(n, space);

	if (n < LARGE_FIRST || n > LARGE_LAST)
		return event;
	memset(space + event.n, 'x', LARGE_SIZE - event.n);
	return (struct str){ space, LARGE_SIZE };
}

/* Few slabs of many events lie beside many slabs of one: by its share of the seqs none is found. */
static void a_slab_is_found_however_many_events_its_neighbours_hold(void **state)
{
	char space[LARGE_SIZE];
	struct replica *r;
	struct record got;

	assert_int_equal(replica_open(*state, SOME_VERSION, &r, NULL), ERR_OK);
	assert_int_equal(replica_begin(r), ERR_OK);
	for (uint64_t n = 1; n <= UNEVEN; n++) {
		const struct record rec = { .epoch = 1, .seq = n, .recorded = NOW,
					    .event = uneven_event(n, space) };
		const struct id id = id_of(n);
		assert_int_equal(replica_put(r, &id, &rec), ERR_OK);
	}
	assert_int_equal(replica_commit(r), ERR_OK);
	(void)warm(r);
	assert_int_equal(replica_snap(r), ERR_OK);
	for (uint64_t n = UNEVEN; n > 0; n--) {
		const uint64_t two[] = { n, 1 + n * 7 % UNEVEN };
		replica_foresee_events(r, two, ARRAY_LEN(two));
		for (size_t i = 0; i < ARRAY_LEN(two); i++) {
			assert_int_equal(replica_get(r, two[i], &got), ERR_OK);
			assert_true(str_eq(got.event, uneven_event(two[i], space)));
		}
	}
	replica_unsnap(r);
	replica_close(r);
}

#define HALF_THERE 20u
#define HALF_THERE_SIZE 20000u
#define PAGE 4096

static struct str big_event(uint64_t n, char space[HALF_THERE_SIZE])
{
	memset(space, (int)('a' + n % 26), HALF_THERE_SIZE);
	return (struct str){ space, HALF_THERE_SIZE };
}

/* Of the file every second page is in memory, as far as its file system lets go of the others. */
static void keep_half_in_memory(const char *dir)
{
	char page[PAGE];
	const int fd = open(in_dir(dir, "data.mdb"), O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	for (off_t at = 0; pread(fd, page, PAGE, at) == PAGE;)
		at += 2 * PAGE;
	close(fd);
}

static void an_event_half_of_which_is_in_memory_is_got_whole(void **state)
{
	char space[HALF_THERE_SIZE];
	struct replica *r;
	struct record got;

	assert_int_equal(replica_open(*state, SOME_VERSION, &r, NULL), ERR_OK);
	assert_int_equal(replica_begin(r), ERR_OK);
	for (uint64_t n = 1; n <= HALF_THERE; n++) {
		const struct record rec = { .epoch = 1, .seq = n, .recorded = NOW,
					    .event = big_event(n, space) };
		const struct id id = id_of(n);
		assert_int_equal(replica_put(r, &id, &rec), ERR_OK);
	}
	assert_int_equal(replica_commit(r), ERR_OK);
	keep_half_in_memory(*state);
	assert_int_equal(replica_snap(r), ERR_OK);
	for (uint64_t n = 1; n <= HALF_THERE; n++) {
		replica_foresee_events(r, &n, 1); /* one alone, as others would be sent for with the first */
		assert_int_equal(replica_get(r, n, &got), ERR_OK);
		assert_true(str_eq(got.event, big_event(n, space)));
	}
	replica_unsnap(r);
	replica_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(what_is_stored_comes_into_reach_a_few_mib_at_a_time),
		store_test(events_are_got_in_any_order_foreseen_or_not_in_reach_or_not),
		store_test(of_a_large_replica_keys_and_small_values_come_into_reach),
		store_test(what_was_learned_stays_right_as_the_replica_grows),
		store_test(a_slab_is_found_however_many_events_its_neighbours_hold),
		store_test(an_event_half_of_which_is_in_memory_is_got_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
