/* SPDX-License-Identifier: Apache-2.0 */
/* The three forms of bytes that a store holds: records, cells, identities. */
#include "tests/unit/store_help.h"

#include "store/cell.h"
#include "store/identity.h"

static const char event_bytes[] = "somebody's statement, with its source";
#define EVENT ((struct str){ event_bytes, sizeof(event_bytes) - 1 })
#define BYTES_SIZE (RECORD_HEAD_SIZE + sizeof(event_bytes) - 1)

static struct record sample(void)
{
	struct record r = { .epoch = 3, .recorded = NOW, .event = EVENT };

	r.seq = UINT64_C(0x0102030405060708);
	for (size_t i = 0; i < HASH_SIZE; i++)
		r.leaf.b[i] = (uint8_t)(i + 1);
	return r;
}

static void a_record_reads_back_as_it_was_written(void **state)
{
	const struct record r = sample();
	struct record got;
	char bytes[BYTES_SIZE];

	(void)state;
	record_write(&r, bytes);
	assert_int_equal(record_parse((struct str){ bytes, sizeof(bytes) }, r.seq, &got), ERR_OK);
	assert_int_equal(got.epoch, r.epoch);
	assert_int_equal(got.seq, r.seq);
	assert_int_equal(got.recorded, r.recorded);
	assert_memory_equal(got.leaf.b, r.leaf.b, HASH_SIZE);
	assert_true(str_eq(got.event, EVENT));
	assert_ptr_equal(got.event.p, bytes + RECORD_HEAD_SIZE);
}

static void a_record_without_event_bytes_reads_back(void **state)
{
	struct record r = sample(), got;
	char bytes[RECORD_HEAD_SIZE];

	(void)state;
	r.event = (struct str){ 0 };
	record_write(&r, bytes);
	assert_int_equal(record_parse((struct str){ bytes, sizeof(bytes) }, r.seq, &got), ERR_OK);
	assert_int_equal(got.event.n, 0);
}

/* Format 1 is for ever: these are the bytes of the header as record.h says them. */
static void the_bytes_of_format_one_do_not_change(void **state)
{
	static const unsigned char golden[RECORD_HEAD_SIZE - 8] = {
		1, 0, 0, 0, 0, 0, 0, 0, /* format */
		0, 0, 0, 0, 0, 0, 0, 3, /* epoch */
		1, 2, 3, 4, 5, 6, 7, 8, /* seq */
		0x00, 0x06, 0x37, 0x9d, 0xa0, 0x5b, 0x60, 0x00, /* recorded */
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* leaf */
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32
	};
	static const unsigned char sum[8] = { 0xe7, 0xdb, 0x17, 0x50, 0xd6, 0x5c, 0xeb, 0x79 };
	const struct record r = sample();
	char bytes[BYTES_SIZE];

	(void)state;
	record_write(&r, bytes);
	assert_memory_equal(bytes, golden, sizeof(golden));
	assert_memory_equal(bytes + RECORD_HEAD_SIZE - 8, sum, sizeof(sum));
	assert_memory_equal(bytes + RECORD_HEAD_SIZE, event_bytes, EVENT.n);
}

static void every_flipped_bit_of_a_record_is_refused(void **state)
{
	const struct record r = sample();
	struct record got;
	char bytes[BYTES_SIZE];

	(void)state;
	record_write(&r, bytes);
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(record_parse((struct str){ bytes, sizeof(bytes) }, r.seq, &got),
				 ERR_DAMAGED);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
}

static void every_other_value_of_every_byte_of_a_record_is_refused(void **state)
{
	const struct record r = sample();
	struct record got;
	char bytes[BYTES_SIZE];

	(void)state;
	record_write(&r, bytes);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		const char right = bytes[i];
		for (unsigned wrong = 1; wrong < 256; wrong++) {
			bytes[i] = (char)(right ^ (char)wrong);
			assert_int_equal(
				record_parse((struct str){ bytes, sizeof(bytes) }, r.seq, &got),
				ERR_DAMAGED);
		}
		bytes[i] = right;
	}
}

static void every_truncation_and_extension_of_a_record_is_refused(void **state)
{
	const struct record r = sample();
	struct record got;
	char bytes[BYTES_SIZE + 1] = { 0 };

	(void)state;
	record_write(&r, bytes);
	for (size_t n = 0; n < BYTES_SIZE; n++) {
		/* a copy of just this size, so that a sanitizer sees a read beyond it */
		char *cut = malloc(n ? n : 1);
		assert_non_null(cut);
		memcpy(cut, bytes, n);
		assert_int_equal(record_parse((struct str){ cut, n }, r.seq, &got), ERR_DAMAGED);
		free(cut);
	}
	assert_int_equal(record_parse((struct str){ bytes, BYTES_SIZE + 1 }, r.seq, &got),
			 ERR_DAMAGED);
}

static void a_size_that_no_record_has_is_refused_before_a_byte_is_read(void **state)
{
	struct record got;

	(void)state;
	assert_int_equal(record_parse((struct str){ NULL, RECORD_HEAD_SIZE - 1 }, 1, &got),
			 ERR_DAMAGED);
	assert_int_equal(record_parse((struct str){ NULL, RECORD_HEAD_SIZE + EVENT_BYTES_MAX + 1 },
				      1, &got),
			 ERR_DAMAGED);
}

static void a_record_under_another_seq_is_refused(void **state)
{
	const struct record r = sample();
	struct record got;
	char bytes[BYTES_SIZE];

	(void)state;
	record_write(&r, bytes);
	assert_int_equal(record_parse((struct str){ bytes, sizeof(bytes) }, r.seq + 1, &got),
			 ERR_DAMAGED);
}

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
		cmocka_unit_test(a_record_reads_back_as_it_was_written),
		cmocka_unit_test(a_record_without_event_bytes_reads_back),
		cmocka_unit_test(the_bytes_of_format_one_do_not_change),
		cmocka_unit_test(every_flipped_bit_of_a_record_is_refused),
		cmocka_unit_test(every_other_value_of_every_byte_of_a_record_is_refused),
		cmocka_unit_test(every_truncation_and_extension_of_a_record_is_refused),
		cmocka_unit_test(a_size_that_no_record_has_is_refused_before_a_byte_is_read),
		cmocka_unit_test(a_record_under_another_seq_is_refused),
		cmocka_unit_test(a_cell_reads_back_under_its_own_key_alone),
		cmocka_unit_test(a_flipped_bit_of_a_cell_is_refused),
		cmocka_unit_test(an_identity_reads_back_as_it_was_written),
		cmocka_unit_test(an_identity_of_another_kind_or_format_is_foreign),
		cmocka_unit_test(every_flipped_bit_of_an_identity_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
