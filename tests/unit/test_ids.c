/* SPDX-License-Identifier: Apache-2.0 */
/* A table from id to seq: whatever the order in which ids come, each is found, and no other is. */
#include "tests/unit/store_help.h"

#include "store/counts.h"
#include "store/fresh.h"
#include "store/ids.h"

#define IDS 4000u
#define ROUND_MAX 300u
#define SEEDS 4u

static const struct lm_table tables[] = { { "meta", false }, { "ids", false } };

static struct lm *open_table(const char *dir)
{
	const struct lm_options o = { .tables = tables, .ntables = 2, .first = STR("test") };
	struct lm *lm;

	assert_int_equal(lm_open(dir, &o, &lm, NULL), ERR_OK);
	return lm;
}

/* Ids that grow, ids in no order at all, and those of several clocks. */
static struct id id_number(uint64_t n, unsigned kind)
{
	struct id id = { { 0 } };
	uint64_t high = n;

	if (kind == 1)
		high = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
	if (kind == 2)
		high = n + (n % 3) * 50;
	high = __builtin_bswap64(high);
	memcpy(id.b, &high, 8);
	memcpy(id.b + 8, &n, 8);
	return id;
}

static int place_cmp(const void *a, const void *b)
{
	const struct id_place *x = a, *y = b;

	return memcmp(x->id.b, y->id.b, ID_SIZE);
}

static enum err add(struct lm *lm, struct id_place *v, size_t n)
{
	struct lm_txn *t;

	qsort(v, n, sizeof(*v), place_cmp);
	assert_int_equal(lm_write(lm, &t), ERR_OK);
	const enum err e = ids_add(t, 1, v, n);
	if (!e)
		return lm_commit(t);
	lm_end(t);
	return e;
}

static enum err find(struct lm *lm, struct id id, uint64_t *seq)
{
	struct lm_cursor *c;
	struct lm_txn *t;

	assert_int_equal(lm_read(lm, &t), ERR_OK);
	assert_int_equal(lm_cursor_open(t, 1, &c), ERR_OK);
	const enum err e = ids_find(c, &id, seq);
	lm_cursor_close(c);
	lm_end(t);
	return e;
}

static void fill(struct lm *lm, unsigned kind, struct random random)
{
	struct id_place v[ROUND_MAX];

	for (uint64_t n = 0; n < IDS;) {
		size_t count = 0;
		for (uint64_t want = 1 + random_below(&random, ROUND_MAX - 1); count < want && n < IDS; n++)
			v[count++] = (struct id_place){ id_number(n, kind), n + 1 };
		assert_int_equal(add(lm, v, count), ERR_OK);
	}
}

static void every_id_is_found_and_no_other_whatever_their_order(void **state)
{
	uint64_t seq;

	for (unsigned kind = 0; kind < 3; kind++) {
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			char name[32];
			(void)snprintf(name, sizeof(name), "%u-%u", kind, (unsigned)seed);
			struct lm *lm = open_table(in_dir(*state, name));
			fill(lm, kind, (struct random){ seed });
			for (uint64_t n = 0; n < IDS; n++) {
				assert_int_equal(find(lm, id_number(n, kind), &seq), ERR_OK);
				assert_int_equal(seq, n + 1);
				assert_int_equal(find(lm, id_number(n + IDS, kind), &seq),
						 ERR_NOT_FOUND);
			}
			lm_close(lm);
		}
	}
}

static void ids_that_grow_fill_their_rows(void **state)
{
	struct lm *lm = open_table(*state);
	struct lm_txn *t;
	uint64_t bytes, rows;

	fill(lm, 0, (struct random){ 1 });
	assert_int_equal(lm_read(lm, &t), ERR_OK);
	assert_int_equal(lm_count(t, 1, &rows), ERR_OK);
	assert_int_equal(lm_size(t, 1, &bytes), ERR_OK);
	assert_int_equal(rows, (IDS + IDS_ROW_MAX - 1) / IDS_ROW_MAX);
	/* two rows a page, and the page above them */
	assert_int_equal(bytes, 4096 * ((rows + 1) / 2 + 1));
	lm_end(t);
	lm_close(lm);
}

static void an_id_that_is_there_is_not_taken_again(void **state)
{
	struct lm *lm = open_table(*state);
	struct id_place v[] = { { id_number(1, 0), 1 }, { id_number(2, 0), 2 } };
	struct id_place again[] = { { id_number(3, 0), 3 }, { id_number(1, 0), 4 } };
	struct id_place twice[] = { { id_number(5, 0), 3 }, { id_number(5, 0), 4 } };
	const struct id_place back[] = { { id_number(7, 0), 3 }, { id_number(6, 0), 4 } };
	struct lm_txn *t;
	uint64_t seq;

	assert_int_equal(add(lm, v, 2), ERR_OK);
	assert_int_equal(add(lm, again, 2), ERR_INTERNAL);
	assert_int_equal(add(lm, twice, 2), ERR_INTERNAL);
	assert_int_equal(lm_write(lm, &t), ERR_OK);
	assert_int_equal(ids_add(t, 1, back, 2), ERR_INTERNAL); /* not in order */
	lm_end(t);
	assert_int_equal(find(lm, id_number(3, 0), &seq), ERR_NOT_FOUND);
	assert_int_equal(find(lm, id_number(1, 0), &seq), ERR_OK);
	assert_int_equal(seq, 1);
	lm_close(lm);
}

/* A flip in a row is found out where it lies, and hides none of the other ids, also once added to. */
static void a_flipped_bit_hides_no_other_id(void **state)
{
	const struct id hit = id_number(40, 0);
	const char *data = in_dir(*state, "data.mdb");
	uint64_t seq;

	for (size_t at = 0; at < IDS_ENTRY_SIZE; at++) {
		struct lm *lm = open_table(*state);
		struct id_place one = { hit, IDS + 1 + at };
		if (at == 0)
			fill(lm, 0, (struct random){ 1 });
		lm_close(lm);
		const struct str text = { (const char *)hit.b, ID_SIZE };
		assert_true(file_flip(data, text, at) > 0);
		lm = open_table(*state);
		one.id.b[ID_SIZE - 1] = (uint8_t)(at + 1); /* beside it, in the same row */
		assert_int_equal(add(lm, &one, 1), ERR_OK);
		for (uint64_t n = 0; n < IDS; n++) {
			const enum err e = find(lm, id_number(n, 0), &seq);
			if (n == 40 && e)
				assert_true(e == ERR_DAMAGED || e == ERR_NOT_FOUND);
			else
				assert_int_equal(e, ERR_OK);
			assert_true(e || seq == n + 1);
		}
		lm_close(lm);
		struct id flipped = hit;
		if (at < ID_SIZE)
			flipped.b[at] ^= 4;
		const struct str back = { (const char *)flipped.b, ID_SIZE };
		assert_true(file_flip(data, back, at) > 0);
	}
}

static void ids_of_one_transaction_are_found_at_once(void **state)
{
	struct fresh f;
	struct id id;
	uint64_t seq;

	(void)state;
	fresh_init(&f);
	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t n = 0; n < IDS; n++) {
			id = id_number(n, 1);
			assert_false(fresh_find(&f, &id, &seq));
			assert_int_equal(fresh_add(&f, &id, n + 1), ERR_OK);
			assert_int_equal(fresh_add(&f, &id, n + 2), ERR_INTERNAL);
			assert_true(fresh_find(&f, &id, &seq));
			assert_int_equal(seq, n + 1);
		}
		assert_int_equal(f.n, IDS);
		fresh_clear(&f);
	}
	id = id_number(0, 1);
	assert_false(fresh_find(&f, &id, &seq));
	fresh_fini(&f);
}

/* However many there are and in whichever order they came: as the library sorts them. */
static void ids_of_one_transaction_come_in_order(void **state)
{
	struct id_place want[IDS];
	struct random random = random_begin(__func__);
	struct fresh f;

	(void)state;
	fresh_init(&f);
	for (unsigned kind = 0; kind < 3; kind++) {
		for (size_t n = 0; n < IDS; n += 1 + random_below(&random, n + 1)) {
			for (size_t i = 0; i < n; i++) {
				want[i] = (struct id_place){ id_number(i, kind), i + 1 };
				assert_int_equal(fresh_add(&f, &want[i].id, want[i].seq), ERR_OK);
			}
			qsort(want, n, sizeof(*want), place_cmp);
			const struct id_place *got = fresh_sorted(&f);
			for (size_t i = 0; i < n; i++) {
				assert_memory_equal(got[i].id.b, want[i].id.b, ID_SIZE);
				assert_int_equal(got[i].seq, want[i].seq);
			}
			fresh_clear(&f);
		}
	}
	fresh_fini(&f);
}

/* One cursor puts all rows of a transaction: those of another page, those that split one, those that were there. */
static void rows_put_through_one_cursor_are_all_there(void **state)
{
	struct lm *lm = open_table(*state);
	struct random random = random_begin(__func__);
	uint64_t last[IDS] = { 0 };

	for (uint64_t round = 1; round <= 20; round++) {
		struct lm_cursor *c;
		struct lm_txn *t;
		assert_int_equal(lm_write(lm, &t), ERR_OK);
		assert_int_equal(lm_cursor_open(t, 1, &c), ERR_OK);
		for (uint64_t at = random_below(&random, IDS); at < IDS; at += 1 + random_below(&random, 9)) {
			/* by turns in order, and in none */
			const struct id id = id_number(at, round % 2);
			const struct str key = { (const char *)id.b, ID_SIZE };
			const struct str value = { (const char *)&round, sizeof(round) };
			assert_int_equal(lm_cursor_put(c, key, value), ERR_OK);
			last[at] |= UINT64_C(1) << round;
		}
		lm_cursor_close(c);
		assert_int_equal(lm_commit(t), ERR_OK);
	}
	struct lm_txn *t;
	assert_int_equal(lm_read(lm, &t), ERR_OK);
	for (uint64_t at = 0; at < IDS; at++) {
		for (unsigned kind = 0; kind < 2; kind++) {
			const struct id id = id_number(at, kind);
			const uint64_t rounds = last[at] & (kind ? UINT64_C(0xaaaaaaaa) : UINT64_C(0x55555555));
			struct str value;
			const enum err e = lm_get(t, 1, (struct str){ (const char *)id.b, ID_SIZE }, &value);
			assert_int_equal(e, rounds ? ERR_OK : ERR_NOT_FOUND);
			uint64_t round = 0;
			if (!e)
				memcpy(&round, value.p, sizeof(round));
			assert_int_equal(round, rounds ? 63 - __builtin_clzll(rounds) : 0);
		}
	}
	lm_end(t);
	lm_close(lm);
}

static void the_greatest_id_is_that_of_the_last_row(void **state)
{
	struct lm *lm = open_table(*state);
	struct id_place one = { id_number(7, 0), 1 };
	struct lm_cursor *c;
	struct lm_txn *t;
	struct id got;

	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(lm_read(lm, &t), ERR_OK);
		assert_int_equal(lm_cursor_open(t, 1, &c), ERR_OK);
		assert_int_equal(ids_greatest(c, &got), round ? ERR_OK : ERR_NOT_FOUND);
		lm_cursor_close(c);
		lm_end(t);
		if (round)
			assert_memory_equal(got.b, one.id.b, ID_SIZE);
		else
			assert_int_equal(add(lm, &one, 1), ERR_OK);
	}
	lm_close(lm);
}

static struct str deal_text(char text[16], uint64_t n)
{
	return (struct str){ text, (size_t)snprintf(text, 16, "deal-%u", (unsigned)n) };
}

/* As many as are kept, and one in three of them changed, each twice. */
static void fill_counts(struct counts *c)
{
	struct count *count;
	char text[16];

	for (uint64_t n = 0; n < COUNTS_KEPT_MAX; n++) {
		assert_null(counts_find(c, deal_text(text, n)));
		assert_int_equal(counts_add(c, deal_text(text, n), n, &count), ERR_OK);
		assert_int_equal(count->number, n);
		for (unsigned i = 1; n % 3 == 0 && i <= 2; i++)
			counts_change(c, counts_find(c, deal_text(text, n)), n + i);
	}
}

static void numbers_are_known_beyond_the_transaction_that_changed_them(void **state)
{
	struct counts c;
	struct count *count;
	char text[16];

	(void)state;
	counts_init(&c);
	for (unsigned round = 0; round < 2; round++) {
		fill_counts(&c);
		assert_int_equal(c.nchanged, (COUNTS_KEPT_MAX + 2) / 3);
		for (size_t i = 0; i < c.nchanged; i++) {
			assert_true(str_eq(counts_changed(&c, i)->key, deal_text(text, 3 * i)));
			assert_int_equal(counts_changed(&c, i)->number, 3 * i + 2);
		}
		counts_settle(&c);
		assert_int_equal(c.nchanged, 0);
		assert_int_equal(counts_find(&c, deal_text(text, 4))->number, 4);
		assert_int_equal(counts_find(&c, deal_text(text, 6))->number, 8);
		/* one more than are kept, and all are forgotten; by hand as well */
		if (round == 0) {
			assert_int_equal(counts_add(&c, STR("more"), 1, &count), ERR_OK);
			counts_settle(&c);
		} else {
			counts_clear(&c);
		}
		assert_null(counts_find(&c, STR("deal-4")));
		assert_null(counts_find(&c, STR("more")));
	}
	counts_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(every_id_is_found_and_no_other_whatever_their_order),
		store_test(ids_that_grow_fill_their_rows),
		store_test(an_id_that_is_there_is_not_taken_again),
		store_test(a_flipped_bit_hides_no_other_id),
		cmocka_unit_test(ids_of_one_transaction_are_found_at_once),
		cmocka_unit_test(ids_of_one_transaction_come_in_order),
		store_test(rows_put_through_one_cursor_are_all_there),
		store_test(the_greatest_id_is_that_of_the_last_row),
		cmocka_unit_test(numbers_are_known_beyond_the_transaction_that_changed_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
