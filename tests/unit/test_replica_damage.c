/* SPDX-License-Identifier: Apache-2.0 */
/* What is damaged in a replica is found, named and never served; what is whole still is. */
#include "tests/unit/store_help.h"

#include "store/row.h"

static void a_damaged_record_is_not_served(void **state)
{
	struct replica *r = open_small_replica(*state);
	struct record rec;
	uint64_t seq;

	commit_records(r, 1, 30);
	replica_close(r);
	assert_true(file_flip(in_dir(*state, "data.mdb"), STR("<event 16>"), 0) > 0);
	r = open_small_replica(*state);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_record(r, 15);
	assert_int_equal(replica_get(r, 16, &rec), ERR_DAMAGED);
	assert_int_equal(replica_damage(r)->first_seq, 16);
	assert_int_equal(replica_damage(r)->last.seq, 16);
	assert_int_equal(replica_seq_at(r, NOW + 1600, &seq), ERR_DAMAGED);
	assert_record(r, 17);
	replica_unsnap(r);
	replica_close(r);
}

/* Rows key 1 to 9 of table 3, row 5 with one bit flipped in its key or its value. */
static struct replica *open_with_damaged_row(const char *dir, const char *text)
{
	struct replica *r = open_small_replica(dir);
	char key[24], value[32];

	assert_int_equal(replica_begin(r), ERR_OK);
	for (int i = 1; i <= 9; i++) {
		(void)snprintf(key, sizeof(key), "<key %d>", i);
		(void)snprintf(value, sizeof(value), "<value %d>", i);
		assert_int_equal(index_row(r, 3, key, value), ERR_OK);
	}
	assert_int_equal(replica_commit(r), ERR_OK);
	replica_close(r);
	assert_int_equal(file_flip(in_dir(dir, "data.mdb"), str_of(text), 1), 1);
	return open_small_replica(dir);
}

static void a_damaged_row_is_named_and_not_served(void **state)
{
	struct replica *r = open_with_damaged_row(*state, "<value 5>");
	const struct replica_damage *damage = replica_damage(r);
	struct str value;

	assert_int_equal(replica_snap(r), ERR_OK);
	assert_int_equal(replica_lookup(r, 3, STR("<key 4>"), &value), ERR_OK);
	assert_true(str_eq(value, STR("<value 4>")));
	assert_int_equal(damage->last.code, ERR_OK);
	assert_int_equal(replica_lookup(r, 3, STR("<key 5>"), &value), ERR_DAMAGED);
	assert_int_equal(damage->last.code, ERR_DAMAGED);
	assert_non_null(strstr(damage->last.text, "index03"));
	assert_non_null(strstr(damage->last.text, "3c6b65792035")); /* "<key 5" */
	assert_int_equal(damage->count, 1);
	assert_int_equal(damage->first_seq, 0);
	replica_unsnap(r);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_int_equal(damage->last.code, ERR_OK);
	replica_unsnap(r);
	assert_int_equal(damage->count, 1);
	replica_close(r);
}

/* Rows that a cursor over table 3 gives before it comes to the damage. */
static unsigned rows_before_damage(const char *dir, const char *damaged, bool back)
{
	struct replica *r = open_with_damaged_row(dir, damaged);
	struct cursor c;
	unsigned rows = 0;
	enum err e;

	assert_int_equal(replica_snap(r), ERR_OK);
	e = cursor_open(r, 3, (struct str){ 0 }, back, &c);
	while (!e && !(e = cursor_next(&c)))
		rows++;
	assert_int_equal(e, ERR_DAMAGED);
	assert_int_equal(replica_damage(r)->last.code, ERR_DAMAGED);
	cursor_close(&c);
	replica_unsnap(r);
	replica_close(r);
	return rows;
}

static void a_cursor_ends_at_a_damaged_row(void **state)
{
	assert_int_equal(rows_before_damage(in_dir(*state, "a"), "<value 5>", false), 4);
	assert_int_equal(rows_before_damage(in_dir(*state, "b"), "<value 5>", true), 4);
	/* a key that is out of order spoils its page, as nobody knows what else would be missed */
	assert_int_equal(rows_before_damage(in_dir(*state, "c"), "<key 5>", false), 0);
	assert_int_equal(rows_before_damage(in_dir(*state, "d"), "<key 5>", true), 0);
}

static void a_row_under_another_key_or_in_another_table_is_damaged(void **state)
{
	const struct str key = STR("key"), value = STR("value");
	char row[5 + ROW_SUM_SIZE];
	struct str got;

	(void)state;
	row_write(3, key, value, row);
	const struct str bytes = { row, sizeof(row) };
	assert_int_equal(row_parse(3, key, bytes, &got), ERR_OK);
	assert_true(str_eq(got, value));
	assert_int_equal(row_parse(4, key, bytes, &got), ERR_DAMAGED);
	assert_int_equal(row_parse(3, STR("kex"), bytes, &got), ERR_DAMAGED);
	for (size_t n = 0; n < sizeof(row); n++)
		assert_int_equal(row_parse(3, key, (struct str){ row, n }, &got), ERR_DAMAGED);
	for (size_t bit = 0; bit < 8 * sizeof(row); bit++) {
		row[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(row_parse(3, key, bytes, &got), ERR_DAMAGED);
		row[bit / 8] ^= (char)(1 << bit % 8);
	}
	row_write(3, key, STR(""), row);
	assert_int_equal(row_parse(3, key, (struct str){ row, ROW_SUM_SIZE }, &got), ERR_OK);
	assert_int_equal(got.n, 0);
}

static void rebuilding_empties_a_damaged_replica_and_nothing_else(void **state)
{
	const char *whole = in_dir(*state, "whole"), *foreign = in_dir(*state, "log");
	const char *garbage = in_dir(*state, "garbage");
	struct replica *r = open_small_replica(whole);
	struct log *log;
	struct fault f;

	commit_records(r, 1, 3);
	replica_close(r);
	assert_int_equal(file_flip(in_dir(whole, "data.mdb"), STR("<event 3>"), 0), 1);
	fault_init(&f);
	assert_int_equal(replica_open(whole, SOME_VERSION, &r, &f), ERR_DAMAGED);
	assert_int_equal(replica_rebuild(whole, SOME_VERSION, &r, &f), ERR_OK);
	assert_int_equal(info_of_replica(r).head, 0);
	replica_close(r);
	assert_int_equal(log_open(foreign, NOW, &log, &f), ERR_OK);
	log_close(log);
	assert_int_equal(replica_rebuild(foreign, SOME_VERSION, &r, &f), ERR_STORE_FOREIGN);
	r = open_small_replica(garbage);
	replica_close(r);
	file_write(in_dir(garbage, "data.mdb"), "none", 4);
	assert_int_equal(replica_rebuild(garbage, SOME_VERSION, &r, &f), ERR_DAMAGED);
	assert_non_null(strstr(f.text, garbage));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_damaged_record_is_not_served),
		store_test(a_damaged_row_is_named_and_not_served),
		store_test(a_cursor_ends_at_a_damaged_row),
		cmocka_unit_test(a_row_under_another_key_or_in_another_table_is_damaged),
		store_test(rebuilding_empties_a_damaged_replica_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
