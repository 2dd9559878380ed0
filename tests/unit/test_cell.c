/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers under keys, and what a store says of itself: cells and identities. */
#include "tests/unit/store_help.h"

#include "store/cell.h"
#include "store/identity.h"

static void a_cell_reads_back_under_its_own_key_alone(void **state)
{
	char cell[CELL_SIZE];
	uint64_t got, number[] = { 0, 1, 255, 256, UINT64_C(0xfedcba987654), CELL_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(number); i++) {
		cell_write(STR("stargate"), number[i], cell);
		assert_int_equal(cell_parse(STR("stargate"), (struct str){ cell, CELL_SIZE }, &got),
				 ERR_OK);
		assert_int_equal(got, number[i]);
		assert_int_equal(cell_parse(STR("stargat"), (struct str){ cell, CELL_SIZE }, &got),
				 ERR_DAMAGED);
		assert_int_equal(cell_parse(STR("stargate"), (struct str){ cell, 7 }, &got),
				 ERR_DAMAGED);
	}
}

static void a_flipped_bit_of_a_cell_is_refused(void **state)
{
	char cell[CELL_SIZE];
	uint64_t got;

	(void)state;
	for (uint64_t number = 1; number < 1000; number++) {
		cell_write(STR("stargate"), number, cell);
		for (size_t bit = 0; bit < 8 * CELL_SIZE; bit++) {
			cell[bit / 8] ^= (char)(1 << bit % 8);
			assert_int_equal(cell_parse(STR("stargate"),
						    (struct str){ cell, CELL_SIZE }, &got),
					 ERR_DAMAGED);
			cell[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
}

static struct identity sample_identity(void)
{
	struct identity i = { .kind = "avow-log", .format = 1, .index_version = 7, .epoch = 5 };

	i.created = NOW;
	memset(i.ledger.b, 0xab, ID_SIZE);
	return i;
}

static void an_identity_reads_back_as_it_was_written(void **state)
{
	const struct identity i = sample_identity();
	struct identity got;
	char bytes[IDENTITY_SIZE];

	(void)state;
	identity_write(&i, bytes);
	assert_int_equal(identity_parse((struct str){ bytes, sizeof(bytes) }, "avow-log", 1, &got,
					NULL),
			 ERR_OK);
	assert_memory_equal(got.kind, "avow-log", 9);
	assert_int_equal(got.index_version, 7);
	assert_memory_equal(got.ledger.b, i.ledger.b, ID_SIZE);
	assert_int_equal(got.epoch, 5);
	assert_int_equal(got.created, NOW);
}

static void an_identity_of_another_kind_or_format_is_foreign(void **state)
{
	const struct identity i = sample_identity();
	struct identity got;
	struct fault f;
	char bytes[IDENTITY_SIZE];
	const struct str row = { bytes, sizeof(bytes) };

	(void)state;
	fault_init(&f);
	identity_write(&i, bytes);
	assert_int_equal(identity_parse(row, "avow-rep", 1, &got, &f), ERR_STORE_FOREIGN);
	assert_int_equal(identity_parse(row, "avow-log", 2, &got, &f), ERR_STORE_FOREIGN);
	assert_string_equal(f.text, "the store has format 1, this version reads 2");
	assert_int_equal(identity_parse((struct str){ bytes, 3 }, "avow-log", 1, &got, &f),
			 ERR_STORE_FOREIGN);
}

static void every_flipped_bit_of_an_identity_is_refused(void **state)
{
	const struct identity i = sample_identity();
	struct identity got;
	char bytes[IDENTITY_SIZE];

	(void)state;
	identity_write(&i, bytes);
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_not_equal(identity_parse((struct str){ bytes, sizeof(bytes) },
						    "avow-log", 1, &got, NULL),
				     ERR_OK);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cell_reads_back_under_its_own_key_alone),
		cmocka_unit_test(a_flipped_bit_of_a_cell_is_refused),
		cmocka_unit_test(an_identity_reads_back_as_it_was_written),
		cmocka_unit_test(an_identity_of_another_kind_or_format_is_foreign),
		cmocka_unit_test(every_flipped_bit_of_an_identity_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
