/* SPDX-License-Identifier: Apache-2.0 */
/* The log's contract, sentence by sentence. */
#include "tests/unit/store_help.h"

static const struct slice_limits no_limits = { SIZE_MAX, SIZE_MAX };

/* ---- opening ---- */

static void a_new_log_is_empty_and_of_epoch_one(void **state)
{
	struct log *log = open_small_log(in_dir(*state, "a/new/one"));
	const struct log_info i = info_of_log(log);

	assert_int_equal(i.epoch, 1);
	assert_int_equal(i.head, 0);
	assert_int_equal(i.recorded, 0);
	assert_string_equal(log_trouble(log), "");
	log_close(log);
}

static void the_id_of_a_ledger_is_made_once(void **state)
{
	struct log *a = open_small_log(in_dir(*state, "a"));
	struct log *b = open_small_log(in_dir(*state, "b"));
	const struct log_info first = info_of_log(a), other = info_of_log(b);

	assert_memory_not_equal(first.ledger.b, other.ledger.b, ID_SIZE);
	a = reopen_log(a, in_dir(*state, "a"));
	assert_memory_equal(info_of_log(a).ledger.b, first.ledger.b, ID_SIZE);
	log_close(a);
	log_close(b);
}

static void what_was_committed_is_there_after_opening_again(void **state)
{
	struct log *log = open_small_log(*state);

	commit_events(log, 1, 3);
	const struct log_info before = info_of_log(log);
	log = reopen_log(log, *state);
	const struct log_info after = info_of_log(log);
	assert_int_equal(after.head, 3);
	assert_int_equal(after.recorded, before.recorded);
	assert_int_equal(after.epoch, before.epoch);
	log_close(log);
}

static void closing_accepts_null(void **state)
{
	(void)state;
	log_close(NULL);
}

static void closing_aborts_an_open_transaction(void **state)
{
	struct log *log = open_small_log(*state);

	commit_events(log, 1, 2);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_event(log, 3, "stargate", NOW), ERR_OK);
	log = reopen_log(log, *state);
	assert_int_equal(info_of_log(log).head, 2);
	log_close(log);
}

/* ---- writing ---- */

static void events_get_the_next_seq_one_by_one(void **state)
{
	struct log *log = open_small_log(*state);
	struct record r;

	for (uint64_t n = 1; n <= 20; n++) {
		const struct id id = id_of(n);
		if (n % 5 == 1)
			assert_int_equal(log_begin(log), ERR_OK);
		assert_int_equal(log_put(log, &id, STR("a"), STR("x"), NOW, &r), ERR_OK);
		assert_int_equal(r.seq, n);
		assert_int_equal(r.epoch, 1);
		if (n % 5 == 0)
			assert_int_equal(log_commit(log), ERR_OK);
	}
	log_close(log);
}

static void recorded_is_now_or_one_microsecond_after_the_one_before(void **state)
{
	static const struct { int64_t now, recorded; } cases[] = {
		{ NOW, NOW }, { NOW, NOW + 1 }, { NOW + 1, NOW + 2 }, { NOW + 3, NOW + 3 },
		{ NOW - 1000000, NOW + 4 }, { 0, NOW + 5 }, { -1, NOW + 6 }, { NOW + 9, NOW + 9 },
	};
	struct log *log = open_small_log(*state);
	struct record r;

	assert_int_equal(log_begin(log), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct id id = id_of(i);
		assert_int_equal(log_put(log, &id, STR(""), STR("x"), cases[i].now, &r), ERR_OK);
		assert_int_equal(r.recorded, cases[i].recorded);
	}
	assert_int_equal(log_commit(log), ERR_OK);
	assert_int_equal(info_of_log(log).recorded, NOW + 9);
	log_close(log);
}

static void a_clock_set_back_over_a_restart_does_not_take_recorded_back(void **state)
{
	struct log *log = open_small_log(*state);
	struct record r;
	const struct id id = id_of(2);

	commit_events(log, 1, 1);
	log = reopen_log(log, *state);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(log_put(log, &id, STR("a"), STR("x"), 17, &r), ERR_OK);
	assert_int_equal(r.recorded, NOW + 1);
	assert_int_equal(log_commit(log), ERR_OK);
	log_close(log);
}

static void the_leaf_is_the_hash_of_the_header_and_the_event(void **state)
{
	struct log *log = open_small_log(*state);
	struct record r, got;
	struct hash leaf;
	const struct id id = id_of(1);

	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(log_put(log, &id, STR("a"), STR("an event"), NOW, &r), ERR_OK);
	leaf_hash(1, 1, NOW, STR("an event"), &leaf);
	assert_memory_equal(r.leaf.b, leaf.b, HASH_SIZE);
	assert_int_equal(log_get(log, 1, &got), ERR_OK);
	assert_memory_equal(got.leaf.b, leaf.b, HASH_SIZE);
	log_abort(log);
	log_close(log);
}

static void an_id_is_found_from_inside_the_transaction_on(void **state)
{
	struct log *log = open_small_log(*state);
	const struct id one = id_of(1), two = id_of(2);
	uint64_t seq;

	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(log_find(log, &one, &seq), ERR_NOT_FOUND);
	assert_int_equal(put_event(log, 1, "a", NOW), ERR_OK);
	assert_int_equal(log_find(log, &one, &seq), ERR_OK);
	assert_int_equal(seq, 1);
	assert_int_equal(log_find(log, &two, &seq), ERR_NOT_FOUND);
	assert_int_equal(log_commit(log), ERR_OK);
	log = reopen_log(log, *state);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(log_find(log, &one, &seq), ERR_OK);
	assert_int_equal(seq, 1);
	log_abort(log);
	log_close(log);
}

static void an_id_that_is_not_new_spoils_the_log_commit(void **state)
{
	struct log *log = open_small_log(*state);

	commit_events(log, 1, 1);
	/* one that is in the same log commit comes out at once */
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_event(log, 2, "a", NOW), ERR_OK);
	assert_int_equal(put_event(log, 2, "a", NOW), ERR_INTERNAL);
	assert_int_equal(put_event(log, 3, "a", NOW), ERR_INTERNAL);
	assert_int_equal(log_commit(log), ERR_INTERNAL);
	assert_int_equal(info_of_log(log).head, 1);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_event(log, 1, "a", NOW), ERR_OK);
	assert_int_equal(log_commit(log), ERR_INTERNAL);
	assert_int_equal(info_of_log(log).head, 1);
	commit_events(log, 2, 1);
	assert_int_equal(info_of_log(log).head, 2);
	log_close(log);
}

static void a_record_can_be_had_inside_the_transaction(void **state)
{
	struct log *log = open_small_log(*state);
	struct record r;

	commit_events(log, 1, 2);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_event(log, 3, "a", NOW), ERR_OK);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		assert_int_equal(log_get(log, seq, &r), ERR_OK);
		assert_event(&r, seq, seq);
	}
	assert_int_equal(log_get(log, 0, &r), ERR_NOT_FOUND);
	assert_int_equal(log_get(log, 4, &r), ERR_NOT_FOUND);
	assert_int_equal(log_get(log, UINT64_MAX, &r), ERR_NOT_FOUND);
	log_abort(log);
	log_close(log);
}

static uint64_t revision_of(struct log *log, const char *deal)
{
	uint64_t revision = 99;

	assert_int_equal(log_revision(log, str_of(deal), &revision), ERR_OK);
	return revision;
}

static void the_revision_of_a_deal_is_the_number_of_its_events(void **state)
{
	struct log *log = open_small_log(*state);

	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(revision_of(log, "a"), 0);
	assert_int_equal(put_event(log, 1, "a", NOW), ERR_OK);
	assert_int_equal(put_event(log, 2, "b", NOW), ERR_OK);
	assert_int_equal(put_event(log, 3, "a", NOW), ERR_OK);
	assert_int_equal(put_event(log, 4, "", NOW), ERR_OK);
	assert_int_equal(revision_of(log, "a"), 2);
	assert_int_equal(log_commit(log), ERR_OK);
	log = reopen_log(log, *state);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(revision_of(log, "a"), 2);
	assert_int_equal(revision_of(log, "b"), 1);
	assert_int_equal(revision_of(log, ""), 0);
	assert_int_equal(revision_of(log, "none"), 0);
	log_abort(log);
	log_close(log);
}

/* Of as many deals as fill several pages of their table, in any order, in two log commits. */
static void the_revisions_of_many_deals_are_there_when_it_is_opened_again(void **state)
{
	const unsigned deals = 700;
	struct log *log = open_small_log(*state);
	char deal[16];

	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(log_begin(log), ERR_OK);
		for (unsigned i = 0; i < deals; i++) {
			(void)snprintf(deal, sizeof(deal), "d%u", i * 37 % deals);
			assert_int_equal(put_event(log, round * deals + i + 1, deal, NOW), ERR_OK);
		}
		assert_int_equal(log_commit(log), ERR_OK);
	}
	log = reopen_log(log, *state);
	assert_int_equal(log_begin(log), ERR_OK);
	for (unsigned i = 0; i < deals; i++) {
		(void)snprintf(deal, sizeof(deal), "d%u", i);
		assert_int_equal(revision_of(log, deal), 2);
	}
	log_abort(log);
	log_close(log);
}

static void who_looks_after_an_abort_sees_the_revisions_that_are_durable(void **state)
{
	struct log *log = open_small_log(*state);

	commit_events(log, 1, 1);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_event(log, 2, "stargate", NOW), ERR_OK);
	assert_int_equal(revision_of(log, "stargate"), 2);
	log_abort(log);
	assert_int_equal(log_look(log), ERR_OK);
	assert_int_equal(revision_of(log, "stargate"), 1);
	log_abort(log);
	log_close(log);
}

static void an_abort_leaves_neither_trace_nor_hole(void **state)
{
	struct log *log = open_small_log(*state);
	const struct id id = id_of(9);
	struct record r;
	uint64_t seq;

	commit_events(log, 1, 1);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_event(log, 9, "other", NOW + 500), ERR_OK);
	log_abort(log);
	log_abort(log);
	assert_int_equal(info_of_log(log).head, 1);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(log_find(log, &id, &seq), ERR_NOT_FOUND);
	assert_int_equal(revision_of(log, "other"), 0);
	assert_int_equal(log_put(log, &id, STR("other"), STR("x"), NOW, &r), ERR_OK);
	assert_int_equal(r.seq, 2);
	assert_int_equal(r.recorded, NOW + 1);
	assert_int_equal(log_commit(log), ERR_OK);
	log_close(log);
}

static void what_is_not_durable_is_not_seen(void **state)
{
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct arena a;

	arena_init(&a, ARENA_MAX);
	commit_events(log, 1, 1);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_event(log, 2, "a", NOW), ERR_OK);
	assert_int_equal(info_of_log(log).head, 1);
	assert_int_equal(log_read(log, 0, no_limits, &a, &got, NULL), ERR_OK);
	assert_int_equal(got.n, 1);
	assert_int_equal(log_commit(log), ERR_OK);
	assert_int_equal(info_of_log(log).head, 2);
	assert_int_equal(log_read(log, 0, no_limits, &a, &got, NULL), ERR_OK);
	assert_int_equal(got.n, 2);
	arena_fini(&a);
	log_close(log);
}

static void an_event_that_is_too_large_is_refused_and_the_others_stay(void **state)
{
	struct log *log = NULL;
	const struct id id = id_of(2);
	struct record r;
	char *big = calloc(1, EVENT_BYTES_MAX + 1), deal[SLUG_MAX + 1];

	assert_non_null(big);
	memset(deal, 'd', sizeof(deal));
	assert_int_equal(log_open(*state, NOW, &log, NULL), ERR_OK);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_event(log, 1, "a", NOW), ERR_OK);
	assert_int_equal(log_put(log, &id, STR("a"), (struct str){ big, EVENT_BYTES_MAX + 1 },
				 NOW, &r),
			 ERR_TOO_LARGE);
	assert_int_equal(log_put(log, &id, (struct str){ deal, SLUG_MAX + 1 }, STR("x"), NOW, &r),
			 ERR_TOO_LARGE);
	assert_int_equal(log_put(log, &id, (struct str){ deal, SLUG_MAX },
				 (struct str){ big, EVENT_BYTES_MAX }, NOW, &r),
			 ERR_OK);
	assert_int_equal(log_commit(log), ERR_OK);
	assert_int_equal(info_of_log(log).head, 2);
	free(big);
	log_close(log);
}

static void a_log_commit_takes_so_many_events_and_no_more(void **state)
{
	struct log *log = NULL;
	struct record r;
	struct id id;

	assert_int_equal(log_open(*state, NOW, &log, NULL), ERR_OK);
	assert_int_equal(log_begin(log), ERR_OK);
	for (uint64_t n = 0; n < LOG_COMMIT_EVENTS_MAX; n++) {
		id = id_of(n);
		assert_int_equal(log_put(log, &id, STR("a"), STR("x"), NOW, &r), ERR_OK);
	}
	id = id_of(LOG_COMMIT_EVENTS_MAX);
	assert_int_equal(log_put(log, &id, STR("a"), STR("x"), NOW, &r), ERR_TOO_LARGE);
	assert_int_equal(log_commit(log), ERR_OK);
	assert_int_equal(info_of_log(log).head, LOG_COMMIT_EVENTS_MAX);
	log_close(log);
}

static void a_log_commit_takes_so_many_bytes_and_no_more(void **state)
{
	struct log *log = NULL;
	struct record r;
	char *big = calloc(1, EVENT_BYTES_MAX);

	assert_non_null(big);
	assert_int_equal(log_open(*state, NOW, &log, NULL), ERR_OK);
	assert_int_equal(log_begin(log), ERR_OK);
	const uint64_t fit = LOG_COMMIT_BYTES_MAX / EVENT_BYTES_MAX;
	for (uint64_t n = 0; n <= fit; n++) {
		const struct id id = id_of(n);
		assert_int_equal(log_put(log, &id, STR("a"), (struct str){ big, EVENT_BYTES_MAX },
					 NOW, &r),
				 n < fit ? ERR_OK : ERR_TOO_LARGE);
	}
	assert_int_equal(log_commit(log), ERR_OK);
	assert_int_equal(info_of_log(log).head, fit);
	free(big);
	log_close(log);
}

static void below_the_reserve_writing_is_refused_and_reading_goes_on(void **state)
{
	const struct lm_sizes greedy = { MIB, MIB, MIB, .reserve = SIZE_MAX };
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct fault f;
	struct arena a;

	fault_init(&f);
	arena_init(&a, ARENA_MAX);
	commit_events(log, 1, 3);
	log_close(log);
	assert_int_equal(log_open_sized(*state, NOW, &greedy, &log, NULL), ERR_OK);
	assert_int_equal(log_begin(log), ERR_NO_SPACE);
	assert_string_not_equal(log_trouble(log), "");
	assert_int_equal(log_read(log, 0, no_limits, &a, &got, NULL), ERR_OK);
	assert_int_equal(got.n, 3);
	log_close(log);
	assert_int_equal(log_open_sized(in_dir(*state, "new"), NOW, &greedy, &log, &f),
			 ERR_NO_SPACE);
	arena_fini(&a);
}

static void a_map_that_is_full_is_grown_by_doing_the_same_once_more(void **state)
{
	struct log *log = open_small_log(*state);
	unsigned grown = 0;
	uint64_t n = 1;

	for (unsigned round = 0; round < 60; round++) {
		const uint64_t count = 1 + round * 20;
		enum err e = ERR_NO_SPACE;
		for (unsigned attempt = 0; e == ERR_NO_SPACE; attempt++) {
			/* a map of 128 KiB more than was used may double only so often */
			assert_in_range(attempt, 0, 8);
			assert_int_equal(log_begin(log), ERR_OK);
			e = ERR_OK;
			for (uint64_t i = n; i < n + count && !e; i++)
				e = put_event(log, i, "stargate", NOW);
			if (e)
				assert_int_equal(put_event(log, n, "stargate", NOW), ERR_NO_SPACE);
			const enum err committed = log_commit(log);
			assert_true(committed == e || (!e && committed == ERR_NO_SPACE));
			e = committed;
			grown += e == ERR_NO_SPACE;
		}
		assert_int_equal(e, ERR_OK);
		n += count;
		assert_int_equal(info_of_log(log).head, n - 1);
	}
	assert_true(grown > 0);
	log_close(log);
}

static void the_map_grows_without_anybody_noticing(void **state)
{
	struct log *log = open_small_log(*state);

	/* 128 KiB of room are more than ten events take: some MB come to be in a map of 256 KiB */
	for (uint64_t n = 1; n < 6000; n += 10)
		commit_events(log, n, 10);
	log = reopen_log(log, *state);
	assert_int_equal(info_of_log(log).head, 6000);
	log_close(log);
}

static void tending_finds_nothing_wrong(void **state)
{
	struct log *log = open_small_log(*state);

	assert_int_equal(log_tend(log), ERR_OK);
	log_close(log);
}

/* ---- reading ---- */

static void a_slice_holds_the_records_after_a_position(void **state)
{
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct arena a;

	arena_init(&a, ARENA_MAX);
	commit_events(log, 1, 30);
	for (uint64_t after = 0; after <= 31; after++) {
		assert_int_equal(log_read(log, after, no_limits, &a, &got, NULL), ERR_OK);
		assert_int_equal(got.n, after < 30 ? 30 - after : 0);
		for (size_t i = 0; i < got.n; i++)
			assert_event(&got.v[i], after + 1 + i, after + 1 + i);
	}
	assert_int_equal(log_read(log, UINT64_MAX, no_limits, &a, &got, NULL), ERR_OK);
	assert_int_equal(got.n, 0);
	arena_fini(&a);
	log_close(log);
}

static void a_slice_keeps_its_limit_of_events(void **state)
{
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct arena a;

	arena_init(&a, ARENA_MAX);
	commit_events(log, 1, 30);
	for (size_t limit = 0; limit <= 40; limit++) {
		assert_int_equal(log_read(log, 5, (struct slice_limits){ limit, SIZE_MAX }, &a,
					  &got, NULL),
				 ERR_OK);
		assert_int_equal(got.n, limit < 25 ? limit : 25);
	}
	arena_fini(&a);
	log_close(log);
}

static void a_slice_keeps_its_limit_of_bytes_but_holds_at_least_one_event(void **state)
{
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct arena a;
	char space[EVENT_SIZE_MAX];

	arena_init(&a, ARENA_MAX);
	commit_events(log, 1, 30);
	for (size_t limit = 0; limit < 3000; limit++) {
		size_t fit = 0, bytes = 0;
		while (fit < 30 && bytes + event_of(fit + 1, space).n <= limit)
			bytes += event_of(++fit, space).n;
		assert_int_equal(log_read(log, 0, (struct slice_limits){ 100, limit }, &a, &got,
					  NULL),
				 ERR_OK);
		assert_int_equal(got.n, fit ? fit : 1);
		arena_reset(&a);
	}
	arena_fini(&a);
	log_close(log);
}

static void a_slice_of_many_snapshots_has_no_seam(void **state)
{
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct arena a;

	arena_init(&a, ARENA_MAX);
	for (uint64_t n = 1; n < 4000; n += 100)
		commit_events(log, n, 100);
	assert_int_equal(log_read(log, 7, (struct slice_limits){ 3500, SIZE_MAX }, &a, &got, NULL),
			 ERR_OK);
	assert_int_equal(got.n, 3500);
	for (size_t i = 0; i < got.n; i++)
		assert_event(&got.v[i], 8 + i, 8 + i);
	arena_fini(&a);
	log_close(log);
}

static void what_was_read_stays_when_the_log_goes_on_and_away(void **state)
{
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct arena a;

	arena_init(&a, ARENA_MAX);
	commit_events(log, 1, 10);
	assert_int_equal(log_read(log, 0, no_limits, &a, &got, NULL), ERR_OK);
	commit_events(log, 11, 50);
	log_close(log);
	for (size_t i = 0; i < got.n; i++)
		assert_event(&got.v[i], 1 + i, 1 + i);
	arena_fini(&a);
}

static void an_arena_that_is_full_ends_the_slice(void **state)
{
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct fault f;
	struct arena a;

	fault_init(&f);
	commit_events(log, 1, 30);
	arena_init(&a, 30 * sizeof(struct record) + 1000);
	assert_int_equal(log_read(log, 0, no_limits, &a, &got, &f), ERR_OK);
	assert_in_range(got.n, 1, 29);
	arena_fini(&a);
	arena_init(&a, 30 * sizeof(struct record));
	assert_int_equal(log_read(log, 0, no_limits, &a, &got, &f), ERR_NO_MEMORY);
	assert_int_equal(f.code, ERR_NO_MEMORY);
	arena_fini(&a);
	log_close(log);
}

static void a_damaged_record_is_named_and_neither_served_nor_in_the_way(void **state)
{
	struct log *log = open_small_log(*state);
	struct record_list got;
	struct record r;
	struct fault f;
	struct arena a;

	fault_init(&f);
	arena_init(&a, ARENA_MAX);
	commit_events(log, 1, 30);
	log_close(log);
	assert_true(file_flip(in_dir(*state, "data.mdb"), STR("<event 12>"), 7) > 0);
	log = open_small_log(*state);
	assert_int_equal(log_read(log, 0, no_limits, &a, &got, &f), ERR_OK);
	assert_int_equal(got.n, 11);
	assert_int_equal(log_read(log, 11, no_limits, &a, &got, &f), ERR_DAMAGED);
	assert_int_equal(f.seq, 12);
	assert_int_equal(f.code, ERR_DAMAGED);
	assert_int_equal(log_read(log, 12, no_limits, &a, &got, &f), ERR_OK);
	assert_int_equal(got.n, 18);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(log_get(log, 12, &r), ERR_DAMAGED);
	assert_int_equal(put_event(log, 31, "stargate", NOW), ERR_OK);
	assert_int_equal(log_commit(log), ERR_OK);
	arena_fini(&a);
	log_close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_new_log_is_empty_and_of_epoch_one),
		store_test(the_id_of_a_ledger_is_made_once),
		store_test(what_was_committed_is_there_after_opening_again),
		cmocka_unit_test(closing_accepts_null),
		store_test(closing_aborts_an_open_transaction),
		store_test(events_get_the_next_seq_one_by_one),
		store_test(recorded_is_now_or_one_microsecond_after_the_one_before),
		store_test(a_clock_set_back_over_a_restart_does_not_take_recorded_back),
		store_test(the_leaf_is_the_hash_of_the_header_and_the_event),
		store_test(an_id_is_found_from_inside_the_transaction_on),
		store_test(an_id_that_is_not_new_spoils_the_log_commit),
		store_test(a_record_can_be_had_inside_the_transaction),
		store_test(the_revision_of_a_deal_is_the_number_of_its_events),
		store_test(the_revisions_of_many_deals_are_there_when_it_is_opened_again),
		store_test(who_looks_after_an_abort_sees_the_revisions_that_are_durable),
		store_test(an_abort_leaves_neither_trace_nor_hole),
		store_test(what_is_not_durable_is_not_seen),
		store_test(an_event_that_is_too_large_is_refused_and_the_others_stay),
		store_test(a_log_commit_takes_so_many_events_and_no_more),
		store_test(a_log_commit_takes_so_many_bytes_and_no_more),
		store_test(below_the_reserve_writing_is_refused_and_reading_goes_on),
		store_test(a_map_that_is_full_is_grown_by_doing_the_same_once_more),
		store_test(the_map_grows_without_anybody_noticing),
		store_test(tending_finds_nothing_wrong),
		store_test(a_slice_holds_the_records_after_a_position),
		store_test(a_slice_keeps_its_limit_of_events),
		store_test(a_slice_keeps_its_limit_of_bytes_but_holds_at_least_one_event),
		store_test(a_slice_of_many_snapshots_has_no_seam),
		store_test(what_was_read_stays_when_the_log_goes_on_and_away),
		store_test(an_arena_that_is_full_ends_the_slice),
		store_test(a_damaged_record_is_named_and_neither_served_nor_in_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
