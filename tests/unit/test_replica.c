/* SPDX-License-Identifier: Apache-2.0 */
/* The replica's contract, sentence by sentence, and against a plain model in memory. */
#include "tests/unit/store_help.h"

/* ---- opening and identity ---- */

static void a_new_replica_is_empty_and_nobodys(void **state)
{
	static const struct id zero;
	struct replica *r = open_small_replica(in_dir(*state, "a/new/one"));
	const struct replica_info i = info_of_replica(r);

	assert_memory_equal(&i.ledger, &zero, sizeof(zero));
	assert_int_equal(i.epoch, 0);
	assert_int_equal(i.head, 0);
	assert_int_equal(i.recorded, 0);
	assert_int_equal(i.index_version, SOME_VERSION);
	replica_close(r);
	replica_close(NULL);
}

static void events_rows_and_position_are_there_after_opening_again(void **state)
{
	struct replica *r = open_small_replica(*state);
	const struct id ledger = id_of(99);
	struct str value;

	assert_int_equal(replica_bind(r, &ledger, 4), ERR_OK);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(put_record(r, 1), ERR_OK);
	assert_int_equal(put_record(r, 2), ERR_OK);
	assert_int_equal(index_row(r, 3, "key", "value"), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	r = reopen_replica(r, *state);
	const struct replica_info i = info_of_replica(r);
	assert_memory_equal(&i.ledger, &ledger, sizeof(ledger));
	assert_int_equal(i.epoch, 4);
	assert_int_equal(i.head, 2);
	assert_int_equal(i.recorded, NOW + 200);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_record(r, 1);
	assert_record(r, 2);
	assert_int_equal(replica_lookup(r, 3, STR("key"), &value), ERR_OK);
	assert_true(str_eq(value, STR("value")));
	replica_unsnap(r);
	replica_close(r);
}

static void another_index_version_empties_the_replica(void **state)
{
	struct replica *r = open_small_replica(*state);
	const struct id ledger = id_of(99), zero = { { 0 } };
	struct str value;

	assert_int_equal(replica_bind(r, &ledger, 4), ERR_OK);
	commit_records(r, 1, 20);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(index_row(r, 3, "key", "value"), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	replica_close(r);
	r = open_replica_version(*state, SOME_VERSION + 1);
	const struct replica_info i = info_of_replica(r);
	assert_int_equal(i.head, 0);
	assert_int_equal(i.index_version, SOME_VERSION + 1);
	assert_memory_equal(&i.ledger, &zero, sizeof(zero));
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_int_equal(replica_lookup(r, 3, STR("key"), &value), ERR_NOT_FOUND);
	replica_unsnap(r);
	commit_records(r, 1, 20);
	replica_close(r);
	r = open_replica_version(*state, SOME_VERSION + 1);
	assert_int_equal(info_of_replica(r).head, 20);
	replica_close(r);
}

static void a_replica_with_events_stays_with_its_ledger(void **state)
{
	struct replica *r = open_small_replica(*state);
	const struct id mine = id_of(1), other = id_of(2);

	assert_int_equal(replica_bind(r, &other, 1), ERR_OK);
	assert_int_equal(replica_bind(r, &mine, 1), ERR_OK);
	commit_records(r, 1, 1);
	assert_int_equal(replica_bind(r, &mine, 1), ERR_OK);
	assert_int_equal(replica_bind(r, &other, 1), ERR_WRONG_LEDGER);
	assert_int_equal(replica_bind(r, &mine, 2), ERR_WRONG_LEDGER);
	r = reopen_replica(r, *state);
	assert_int_equal(replica_bind(r, &other, 1), ERR_WRONG_LEDGER);
	assert_int_equal(replica_bind(r, &mine, 1), ERR_OK);
	replica_close(r);
}

static void a_second_opener_is_refused(void **state)
{
	struct replica *r = open_small_replica(*state), *second;

	assert_int_equal(replica_open(*state, SOME_VERSION, &second, NULL), ERR_STORE_LOCKED);
	assert_int_equal(replica_open(*state, SOME_VERSION + 1, &second, NULL), ERR_STORE_LOCKED);
	assert_int_equal(replica_tend(r), ERR_OK);
	assert_string_equal(replica_trouble(r), "");
	replica_close(r);
}

/* ---- writing ---- */

static void only_the_next_record_is_taken(void **state)
{
	static const uint64_t wrong[] = { 0, 1, 2, 4, 5, UINT64_MAX };
	struct replica *r = open_small_replica(*state);

	commit_records(r, 1, 2);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(replica_begin(r), ERR_OK);
		assert_int_equal(put_record(r, wrong[i]), ERR_INTERNAL);
		replica_abort(r);
	}
	commit_records(r, 3, 3);
	assert_int_equal(info_of_replica(r).head, 3);
	replica_close(r);
}

static void an_id_that_is_not_new_spoils_the_transaction(void **state)
{
	struct replica *r = open_small_replica(*state);
	const struct id id = id_of(1);
	char space[EVENT_SIZE_MAX];
	const struct record second = record_number(2, space);

	commit_records(r, 1, 1);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(replica_put(r, &id, &second), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_INTERNAL);
	assert_int_equal(info_of_replica(r).head, 1);
	replica_close(r);
}

static void an_abort_leaves_nothing(void **state)
{
	struct replica *r = open_small_replica(*state);
	struct str value;

	commit_records(r, 1, 1);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(put_record(r, 2), ERR_OK);
	assert_int_equal(index_row(r, 0, "k", "v"), ERR_OK);
	assert_int_equal(info_of_replica(r).head, 2);
	replica_abort(r);
	replica_abort(r);
	assert_int_equal(info_of_replica(r).head, 1);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_int_equal(replica_lookup(r, 0, STR("k"), &value), ERR_NOT_FOUND);
	replica_unsnap(r);
	replica_close(r);
}

static void closing_aborts_an_open_transaction(void **state)
{
	struct replica *r = open_small_replica(*state);

	commit_records(r, 1, 1);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(put_record(r, 2), ERR_OK);
	r = reopen_replica(r, *state);
	assert_int_equal(info_of_replica(r).head, 1);
	replica_close(r);
}

static void a_row_replaces_the_one_with_its_key_in_its_table_alone(void **state)
{
	struct replica *r = open_small_replica(*state);
	struct str value;

	assert_int_equal(replica_begin(r), ERR_OK);
	for (unsigned t = 0; t < REPLICA_TABLES; t++) {
		assert_int_equal(index_row(r, t, "k", "first"), ERR_OK);
		assert_int_equal(replica_index(r, t, STR("k"),
					       (struct str){ "abcdefghijklmnop", t }),
				 ERR_OK);
	}
	assert_int_equal(replica_commit(r), ERR_OK);
	assert_int_equal(replica_snap(r), ERR_OK);
	for (unsigned t = 0; t < REPLICA_TABLES; t++) {
		assert_int_equal(replica_lookup(r, t, STR("k"), &value), ERR_OK);
		assert_true(str_eq(value, (struct str){ "abcdefghijklmnop", t }));
	}
	replica_unsnap(r);
	replica_close(r);
}

static void keys_and_values_beyond_their_limits_are_refused_and_spoil_nothing(void **state)
{
	struct replica *r = NULL;
	struct str value;
	struct cursor c;
	char *big = calloc(1, REPLICA_VALUE_MAX + 1);

	assert_non_null(big);
	assert_int_equal(replica_open(*state, SOME_VERSION, &r, NULL), ERR_OK);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(replica_index(r, 1, (struct str){ big, REPLICA_KEY_MAX + 1 }, STR("v")),
			 ERR_TOO_LARGE);
	assert_int_equal(replica_index(r, 1, STR("k"), (struct str){ big, REPLICA_VALUE_MAX + 1 }),
			 ERR_TOO_LARGE);
	assert_int_equal(replica_index(r, 1, (struct str){ big, REPLICA_KEY_MAX },
				       (struct str){ big, REPLICA_VALUE_MAX }),
			 ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_int_equal(replica_lookup(r, 1, (struct str){ big, REPLICA_KEY_MAX }, &value),
			 ERR_OK);
	assert_int_equal(value.n, REPLICA_VALUE_MAX);
	assert_int_equal(replica_lookup(r, 1, (struct str){ big, REPLICA_KEY_MAX + 1 }, &value),
			 ERR_NOT_FOUND);
	assert_int_equal(replica_lookup(r, 1, STR(""), &value), ERR_NOT_FOUND);
	assert_int_equal(cursor_open(r, 1, (struct str){ big, REPLICA_KEY_MAX + 1 }, false, &c),
			 ERR_TOO_LARGE);
	cursor_close(&c);
	replica_unsnap(r);
	replica_close(r);
	free(big);
}

static void a_map_that_is_full_is_grown_by_doing_the_same_once_more(void **state)
{
	struct replica *r = open_small_replica(*state);
	unsigned grown = 0;

	for (uint64_t n = 1; n < 4000;) {
		const uint64_t last = n + 200 + n / 3;
		enum err e = ERR_NO_SPACE;
		for (unsigned attempt = 0; e == ERR_NO_SPACE; attempt++) {
			assert_in_range(attempt, 0, 8);
			assert_int_equal(replica_begin(r), ERR_OK);
			e = ERR_OK;
			for (uint64_t i = n; i <= last && !e; i++) {
				const struct id key = id_of(i);
				e = put_record(r, i);
				if (!e)
					e = replica_index(r, i % REPLICA_TABLES,
							  (struct str){ (char *)key.b, ID_SIZE },
							  STR("v"));
			}
			if (e)
				replica_abort(r);
			else
				e = replica_commit(r);
			grown += e == ERR_NO_SPACE;
		}
		assert_int_equal(e, ERR_OK);
		assert_int_equal(info_of_replica(r).head, last);
		n = last + 1;
	}
	assert_true(grown > 0);
	replica_close(r);
}

/* ---- reading ---- */

static void a_snapshot_inside_a_transaction_is_the_transaction(void **state)
{
	struct replica *r = open_small_replica(*state);
	const struct id two = id_of(2);
	struct str value;
	uint64_t seq;

	commit_records(r, 1, 1);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(put_record(r, 2), ERR_OK);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_record(r, 2);
	assert_int_equal(replica_find(r, &two, &seq), ERR_OK);
	assert_int_equal(seq, 2);
	assert_int_equal(replica_seq_at(r, NOW + 101, &seq), ERR_OK);
	assert_int_equal(seq, 2);
	assert_int_equal(index_row(r, 5, "k", "v"), ERR_OK);
	assert_int_equal(replica_lookup(r, 5, STR("k"), &value), ERR_OK);
	replica_unsnap(r);
	assert_int_equal(put_record(r, 3), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_record(r, 3);
	replica_unsnap(r);
	replica_close(r);
}

static void records_and_ids_that_are_not_there_are_not_found(void **state)
{
	struct replica *r = open_small_replica(*state);
	const struct id three = id_of(3);
	struct record rec;
	uint64_t seq;

	commit_records(r, 1, 2);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_int_equal(replica_get(r, 0, &rec), ERR_NOT_FOUND);
	assert_int_equal(replica_get(r, 3, &rec), ERR_NOT_FOUND);
	assert_int_equal(replica_get(r, UINT64_MAX, &rec), ERR_NOT_FOUND);
	assert_int_equal(replica_find(r, &three, &seq), ERR_NOT_FOUND);
	replica_unsnap(r);
	replica_close(r);
}

static void a_replica_of_another_format_is_made_anew(void **state)
{
	struct replica *r = open_small_replica(*state);
	struct fault f;

	commit_records(r, 1, 3);
	replica_close(r);
	assert_int_equal(file_flip(in_dir(*state, "data.mdb"), STR("avow-rep"), 11), 1);
	fault_init(&f);
	assert_int_equal(replica_open_sized(*state, SOME_VERSION, &small_sizes, &r, &f), ERR_OK);
	assert_int_equal(f.text[0], 0);
	assert_int_equal(info_of_replica(r).head, 0);
	commit_records(r, 1, 3);
	r = reopen_replica(r, *state);
	assert_int_equal(info_of_replica(r).head, 3);
	replica_close(r);
}

static void the_seq_at_an_instant_is_the_first_recorded_at_or_after_it(void **state)
{
	struct replica *r = open_small_replica(*state);
	uint64_t seq;

	assert_int_equal(replica_snap(r), ERR_OK);
	assert_int_equal(replica_seq_at(r, NOW, &seq), ERR_OK);
	assert_int_equal(seq, 1);
	replica_unsnap(r);
	for (uint64_t head = 1; head <= 33; head++) {
		commit_records(r, head, head);
		assert_int_equal(replica_snap(r), ERR_OK);
		for (uint64_t n = 1; n <= head; n++) {
			const int64_t at = NOW + 100 * (int64_t)n;
			assert_int_equal(replica_seq_at(r, at, &seq), ERR_OK);
			assert_int_equal(seq, n);
			assert_int_equal(replica_seq_at(r, at - 99, &seq), ERR_OK);
			assert_int_equal(seq, n);
			assert_int_equal(replica_seq_at(r, at + 1, &seq), ERR_OK);
			assert_int_equal(seq, n + 1);
		}
		assert_int_equal(replica_seq_at(r, INT64_MIN, &seq), ERR_OK);
		assert_int_equal(seq, 1);
		assert_int_equal(replica_seq_at(r, INT64_MAX, &seq), ERR_OK);
		assert_int_equal(seq, head + 1);
		replica_unsnap(r);
	}
	replica_close(r);
}

/* ---- cursors ---- */

/* The keys that a walk gives, joined by spaces. */
static const char *walk(struct replica *r, unsigned table, const char *from, bool back)
{
	static char text[200];
	struct cursor c;
	enum err e;

	text[0] = 0;
	assert_int_equal(cursor_open(r, table, str_of(from), back, &c), ERR_OK);
	while ((e = cursor_next(&c)) == ERR_OK) {
		assert_true(str_eq(c.key, c.value));
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
			       text[0] ? " " : "", STR_ARG(c.key));
	}
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(cursor_next(&c), ERR_NOT_FOUND);
	cursor_close(&c);
	cursor_close(&c);
	return text;
}

static void a_cursor_walks_up_from_a_key_or_down_from_it(void **state)
{
	static const char *const keys[] = { "ca", "b", "c", "a", "e", "bb" };
	struct replica *r = open_small_replica(*state);

	assert_int_equal(replica_begin(r), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(index_row(r, 2, keys[i], keys[i]), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_string_equal(walk(r, 2, "", false), "a b bb c ca e");
	assert_string_equal(walk(r, 2, "", true), "e ca c bb b a");
	assert_string_equal(walk(r, 2, "b", false), "b bb c ca e");
	assert_string_equal(walk(r, 2, "b", true), "b a");
	assert_string_equal(walk(r, 2, "ba", false), "bb c ca e");
	assert_string_equal(walk(r, 2, "ba", true), "b a");
	assert_string_equal(walk(r, 2, "d", true), "ca c bb b a");
	assert_string_equal(walk(r, 2, "z", false), "");
	assert_string_equal(walk(r, 2, "z", true), "e ca c bb b a");
	assert_string_equal(walk(r, 2, "A", false), "a b bb c ca e");
	assert_string_equal(walk(r, 2, "A", true), "");
	assert_string_equal(walk(r, 3, "a", false), "");
	assert_string_equal(walk(r, 3, "a", true), "");
	replica_unsnap(r);
	replica_close(r);
}

static void several_cursors_walk_at_once(void **state)
{
	struct replica *r = open_small_replica(*state);
	struct cursor c[20];
	char key[8];

	assert_int_equal(replica_begin(r), ERR_OK);
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof(key), "%03u", i);
		assert_int_equal(index_row(r, 0, key, "v"), ERR_OK);
		assert_int_equal(index_row(r, 1, key, "w"), ERR_OK);
	}
	/* within the transaction, and then within a snapshot */
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(replica_snap(r), ERR_OK);
		for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
			(void)snprintf(key, sizeof(key), "%03u", 50 + i);
			assert_int_equal(cursor_open(r, i % 2, str_of(key), i % 3 == 0, &c[i]),
					 ERR_OK);
		}
		for (unsigned step = 0; step < 30; step++)
			for (unsigned i = 0; i < ARRAY_LEN(c); i++) {
				(void)snprintf(key, sizeof(key), "%03u",
					       i % 3 == 0 ? 50 + i - step : 50 + i + step);
				assert_int_equal(cursor_next(&c[i]), ERR_OK);
				assert_true(str_eq(c[i].key, str_of(key)));
			}
		for (unsigned i = 0; i < ARRAY_LEN(c); i++)
			cursor_close(&c[i]);
		replica_unsnap(r);
		if (round == 0)
			assert_int_equal(replica_commit(r), ERR_OK);
	}
	replica_close(r);
}

/* ---- against a model ---- */

#define KEYS 200u
#define TABLES 3u
#define STEPS 2500u
#define SEEDS 4u

/* Rows as generations of values, 0 where there is none; `open` holds those of the transaction. */
struct rows {
	unsigned at[TABLES][KEYS];
	uint64_t head;
};
struct model {
	struct rows durable, open;
	bool writing;
	unsigned generation;
};

static struct str key_of(unsigned n, char *space)
{
	/* lengths that differ, an order that is not that of the numbers */
	const int size = snprintf(space, 64, "%c%u%.*s", (char)('a' + n * 7 % 26), n,
				  (int)(n % 20) + 1,
				  ".....................");

	return (struct str){ space, (size_t)size };
}

static struct str value_of(unsigned generation, char *space)
{
	const int size = snprintf(space, EVENT_SIZE_MAX, "%u", generation);

	memset(space + size, '=', generation * 17 % 300);
	return (struct str){ space, (size_t)size + generation * 17 % 300 };
}

static void model_write(struct model *m, struct replica *r, struct random *random)
{
	char key[64], value[EVENT_SIZE_MAX];
	const unsigned t = (unsigned)random_below(random, TABLES);
	const unsigned k = (unsigned)random_below(random, KEYS);
	enum err e = put_record(r, m->open.head + 1);

	if (!e) {
		m->open.head++;
		e = replica_index(r, t, key_of(k, key), value_of(++m->generation, value));
	}
	if (!e)
		m->open.at[t][k] = m->generation;
	if (e == ERR_NO_SPACE) {
		replica_abort(r);
		m->writing = false;
		return;
	}
	assert_int_equal(e, ERR_OK);
}

/* A walk from a random key gives the rows of the model, in order. */
static void model_walk(const struct rows *m, struct replica *r, struct random *random)
{
	char key[64], value[EVENT_SIZE_MAX];
	struct cursor c;
	const unsigned t = (unsigned)random_below(random, TABLES);
	const bool back = random_below(random, 2) == 0;
	const struct str from = key_of((unsigned)random_below(random, KEYS), key);
	unsigned right = 0, rows = 0;
	char other[64], last[64];
	struct str before = { last, 0 };

	for (unsigned k = 0; k < KEYS; k++) {
		const int order = str_cmp(key_of(k, other), from);
		right += m->at[t][k] && (back ? order <= 0 : order >= 0);
	}
	assert_int_equal(cursor_open(r, t, from, back, &c), ERR_OK);
	for (; cursor_next(&c) == ERR_OK; rows++) {
		const int order = str_cmp(c.key, before);
		assert_true(before.n == 0 || (back ? order < 0 : order > 0));
		const unsigned k = (unsigned)strtoul(c.key.p + 1, NULL, 10);
		assert_true(str_eq(c.key, key_of(k, other)));
		assert_true(str_eq(c.value, value_of(m->at[t][k], value)));
		memcpy(last, c.key.p, c.key.n);
		before.n = c.key.n;
	}
	cursor_close(&c);
	assert_int_equal(rows, right);
}

static void model_read(const struct rows *m, struct replica *r, struct random *random)
{
	char key[64], value[EVENT_SIZE_MAX];
	struct str got;
	uint64_t seq;
	const unsigned t = (unsigned)random_below(random, TABLES);
	const unsigned k = (unsigned)random_below(random, KEYS);
	const uint64_t n = 1 + random_below(random, m->head + 2);
	const struct id id = id_of(n);

	assert_int_equal(replica_snap(r), ERR_OK);
	const enum err e = replica_lookup(r, t, key_of(k, key), &got);
	assert_int_equal(e, m->at[t][k] ? ERR_OK : ERR_NOT_FOUND);
	if (!e)
		assert_true(str_eq(got, value_of(m->at[t][k], value)));
	assert_int_equal(replica_find(r, &id, &seq), n <= m->head ? ERR_OK : ERR_NOT_FOUND);
	if (n <= m->head)
		assert_record(r, n);
	model_walk(m, r, random);
	replica_unsnap(r);
}

static void model_step(struct model *m, struct replica **r, const char *dir, struct random *random)
{
	const uint64_t what = random_below(random, 100);

	if (what < 2) {
		*r = reopen_replica(*r, dir);
		m->writing = false;
	} else if (what < 20) {
		model_read(m->writing ? &m->open : &m->durable, *r, random);
	} else if (!m->writing) {
		assert_int_equal(replica_begin(*r), ERR_OK);
		m->writing = true;
		m->open = m->durable;
	} else if (what < 88) {
		model_write(m, *r, random);
	} else if (what < 96) {
		const enum err e = replica_commit(*r);
		assert_true(e == ERR_OK || e == ERR_NO_SPACE);
		if (!e)
			m->durable = m->open;
		m->writing = false;
	} else {
		replica_abort(*r);
		m->writing = false;
	}
	assert_int_equal(info_of_replica(*r).head, m->writing ? m->open.head : m->durable.head);
}

static void any_sequence_of_calls_does_what_plain_maps_do(void **state)
{
	static struct model m;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		char dir[PATH_SIZE];
		struct random random = { seed };
		(void)snprintf(dir, sizeof(dir), "%s/%u", (char *)*state, (unsigned)seed);
		struct replica *r = open_small_replica(dir);
		m = (struct model){ 0 };
		print_message("seed %u\n", (unsigned)seed);
		for (unsigned i = 0; i < STEPS; i++)
			model_step(&m, &r, dir, &random);
		replica_close(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_new_replica_is_empty_and_nobodys),
		store_test(events_rows_and_position_are_there_after_opening_again),
		store_test(another_index_version_empties_the_replica),
		store_test(a_replica_with_events_stays_with_its_ledger),
		store_test(a_second_opener_is_refused),
		store_test(only_the_next_record_is_taken),
		store_test(an_id_that_is_not_new_spoils_the_transaction),
		store_test(an_abort_leaves_nothing),
		store_test(closing_aborts_an_open_transaction),
		store_test(a_row_replaces_the_one_with_its_key_in_its_table_alone),
		store_test(keys_and_values_beyond_their_limits_are_refused_and_spoil_nothing),
		store_test(a_map_that_is_full_is_grown_by_doing_the_same_once_more),
		store_test(a_snapshot_inside_a_transaction_is_the_transaction),
		store_test(records_and_ids_that_are_not_there_are_not_found),
		store_test(a_replica_of_another_format_is_made_anew),
		store_test(the_seq_at_an_instant_is_the_first_recorded_at_or_after_it),
		store_test(a_cursor_walks_up_from_a_key_or_down_from_it),
		store_test(several_cursors_walk_at_once),
		store_test(any_sequence_of_calls_does_what_plain_maps_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
