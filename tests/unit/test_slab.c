/* SPDX-License-Identifier: Apache-2.0 */
/* Events in one row: what was written comes back, and nothing else does. */
#include "tests/unit/store_help.h"

#include "store/slab.h"

#define FIRST UINT64_C(0x0102030405060708)
#define EVENTS 5u
#define ROW_MAX (SLAB_BODY_MAX + SLAB_BYTES_MAX)

static struct slab_writer writer; /* too large for the stack of a test */

static struct record record_of(uint64_t seq, char *space)
{
	struct record r = { .epoch = 3, .seq = seq, .recorded = NOW + (int64_t)(seq - FIRST) * 7 };

	for (size_t i = 0; i < HASH_SIZE; i++)
		r.leaf.b[i] = (uint8_t)(i + seq);
	r.event = event_of(seq, space);
	return r;
}

/* A row of n events from FIRST on. */
static struct str row_of(size_t n, bool leaves, char *out)
{
	char space[EVENT_SIZE_MAX];

	slab_begin(&writer, leaves, SLAB_BYTES_MAX);
	for (uint64_t seq = FIRST; seq < FIRST + n; seq++) {
		const struct record r = record_of(seq, space);
		assert_true(slab_add(&writer, &r));
	}
	const struct str row = slab_row(&writer);
	memcpy(out, row.p, row.n);
	return (struct str){ out, row.n };
}

static void assert_right(const struct slab *s, uint64_t seq)
{
	static const struct hash none;
	char space[EVENT_SIZE_MAX];
	struct record got;
	const struct record right = record_of(seq, space);

	assert_int_equal(slab_get(s, seq, &got), ERR_OK);
	assert_int_equal(got.epoch, right.epoch);
	assert_int_equal(got.seq, seq);
	assert_int_equal(got.recorded, right.recorded);
	assert_memory_equal(got.leaf.b, s->leaves ? right.leaf.b : none.b, HASH_SIZE);
	assert_true(str_eq(got.event, right.event));
}

static void events_read_back_as_they_were_written(void **state)
{
	char bytes[ROW_MAX];
	struct record got;
	struct slab s;

	(void)state;
	for (size_t n = 1; n <= 2 * EVENTS; n++) {
		const struct str row = row_of(n, n % 2, bytes);
		assert_int_equal(slab_open(row, FIRST, n % 2, &s), ERR_OK);
		assert_int_equal(s.n, n);
		for (uint64_t seq = FIRST; seq < FIRST + n; seq++)
			assert_right(&s, seq);
		assert_int_equal(slab_get(&s, FIRST - 1, &got), ERR_NOT_FOUND);
		assert_int_equal(slab_get(&s, FIRST + n, &got), ERR_NOT_FOUND);
	}
}

/* Format 2 is for ever: these are its bytes as slab.h says them. */
static void the_bytes_of_format_two_do_not_change(void **state)
{
	static const unsigned char golden[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* leaf */
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
		'o', 'n', 'e',
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
		17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
		0, 0, 0, 0, 0, 0, 0x6b, 0x15, 0x8a, 0x76, /* begins at 0, after 0, sum */
		0, 35, 0, 0, 1, 0, 0x2d, 0x15, 0x02, 0xeb, /* begins at 35, after 256, sum */
		1, 2, 3, 4, 5, 6, 7, 8, /* first */
		0, 0, 0, 0, 0, 0, 0, 3, /* epoch */
		0x00, 0x06, 0x37, 0x9d, 0xa0, 0x5b, 0x60, 0x00, /* recorded */
		0, 2, /* how many */
		0x9e, 0x0a, 0x41, 0x09, 0xcc, 0xef, 0xd4, 0x8b /* sum */
	};
	struct record r = { .epoch = 3, .seq = FIRST, .recorded = NOW, .event = STR("one") };

	(void)state;
	for (size_t i = 0; i < HASH_SIZE; i++)
		r.leaf.b[i] = (uint8_t)(i + 1);
	slab_begin(&writer, true, SLAB_BYTES_MAX);
	assert_true(slab_add(&writer, &r));
	r = (struct record){ 3, FIRST + 1, NOW + 256, r.leaf, STR("") };
	assert_true(slab_add(&writer, &r));
	assert_int_equal(slab_row(&writer).n, sizeof(golden));
	assert_memory_equal(slab_row(&writer).p, golden, sizeof(golden));
}

static void a_slab_goes_on_where_it_was_left(void **state)
{
	char bytes[ROW_MAX], space[EVENT_SIZE_MAX];
	struct slab s;

	(void)state;
	assert_int_equal(slab_open(row_of(EVENTS, true, bytes), FIRST, true, &s), ERR_OK);
	slab_resume(&writer, &s, SLAB_BYTES_MAX);
	const struct record r = record_of(FIRST + EVENTS, space);
	assert_true(slab_add(&writer, &r));
	assert_int_equal(slab_open(slab_row(&writer), FIRST, true, &s), ERR_OK);
	for (uint64_t seq = FIRST; seq <= FIRST + EVENTS; seq++)
		assert_right(&s, seq);
}

static void what_does_not_go_on_is_not_taken(void **state)
{
	const struct record first = { .epoch = 1, .seq = 7, .recorded = NOW, .event = STR("x") };
	const struct record wrong[] = {
		{ .epoch = 2, .seq = 8, .recorded = NOW + 1, .event = STR("x") },
		{ .epoch = 1, .seq = 9, .recorded = NOW + 1, .event = STR("x") },
		{ .epoch = 1, .seq = 7, .recorded = NOW + 1, .event = STR("x") },
		{ .epoch = 1, .seq = 8, .recorded = NOW - 1, .event = STR("x") },
		{ .epoch = 1, .seq = 8, .recorded = NOW + UINT32_MAX + 1, .event = STR("x") },
	};
	const struct record right = { 1, 8, NOW + UINT32_MAX, first.leaf, STR("x") };

	(void)state;
	slab_begin(&writer, true, SLAB_BYTES_MAX);
	assert_true(slab_add(&writer, &first));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(slab_add(&writer, &wrong[i]));
	assert_true(slab_add(&writer, &right));
}

static void a_slab_is_never_larger_than_its_limits_but_for_one_large_event(void **state)
{
	static char big[EVENT_BYTES_MAX];
	struct record r = { .epoch = 1, .seq = 1, .recorded = NOW };
	struct slab s;

	(void)state;
	for (size_t n = 0; n < 400; n += 13) {
		const size_t max = n % 2 ? SLAB_BYTES_MAX : SLAB_BYTES(1);
		slab_begin(&writer, false, max);
		r.event = (struct str){ big, n };
		for (r.seq = 1; slab_add(&writer, &r); r.seq++)
			;
		assert_in_range(slab_row(&writer).n, 1, max);
		assert_true(writer.slab.n == SLAB_EVENTS_MAX ||
			    slab_row(&writer).n + n + SLAB_TABLE_ROW > max);
	}
	slab_begin(&writer, true, SLAB_BYTES_MAX);
	r.seq = 1;
	r.event = (struct str){ big, EVENT_BYTES_MAX };
	assert_true(slab_add(&writer, &r));
	r.seq = 2;
	r.event.n = 0;
	assert_false(slab_add(&writer, &r));
	assert_int_equal(slab_open(slab_row(&writer), 1, true, &s), ERR_OK);
	assert_int_equal(slab_get(&s, 1, &r), ERR_OK);
	assert_int_equal(r.event.n, EVENT_BYTES_MAX);
}

/* How many of the events of this row are damaged; the others are right. */
static size_t damaged_in(struct str row, bool leaves)
{
	struct slab s;
	struct record got;
	size_t damaged = 0;

	if (slab_open(row, FIRST, leaves, &s))
		return EVENTS;
	assert_int_equal(s.n, EVENTS);
	for (uint64_t seq = FIRST; seq < FIRST + EVENTS; seq++) {
		if (slab_get(&s, seq, &got)) {
			damaged++;
			continue;
		}
		assert_right(&s, seq);
	}
	return damaged;
}

static void every_flipped_bit_damages_its_own_event_or_the_whole_slab(void **state)
{
	char bytes[ROW_MAX];
	const struct str row = row_of(EVENTS, true, bytes);
	const size_t frame = row.n - EVENTS * SLAB_TABLE_ROW - SLAB_FRAME_END;

	(void)state;
	assert_int_equal(damaged_in(row, true), 0);
	for (size_t bit = 0; bit < 8 * row.n; bit++) {
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_equal(damaged_in(row, true), bit / 8 < frame ? 1 : EVENTS);
		bytes[bit / 8] ^= (char)(1 << bit % 8);
	}
}

static void every_other_value_of_every_byte_of_a_slab_is_noticed(void **state)
{
	char bytes[ROW_MAX];
	const struct str row = row_of(EVENTS, true, bytes);

	(void)state;
	for (size_t i = 0; i < row.n; i++) {
		const char right = bytes[i];
		for (unsigned wrong = 1; wrong < 256; wrong++) {
			bytes[i] = (char)(right ^ (char)wrong);
			assert_true(damaged_in(row, true) > 0);
		}
		bytes[i] = right;
	}
}

static void every_truncation_and_extension_of_a_slab_is_refused(void **state)
{
	char bytes[ROW_MAX] = { 0 };
	const struct str row = row_of(EVENTS, true, bytes);

	(void)state;
	for (size_t n = 0; n < row.n; n++) {
		/* a copy of just this size, so that a sanitizer sees a read beyond it */
		char *cut = malloc(n ? n : 1);
		assert_non_null(cut);
		memcpy(cut, bytes, n);
		assert_int_equal(damaged_in((struct str){ cut, n }, true), EVENTS);
		free(cut);
	}
	assert_int_equal(damaged_in((struct str){ bytes, row.n + 1 }, true), EVENTS);
}

static void a_slab_under_another_seq_is_refused(void **state)
{
	char bytes[ROW_MAX];
	struct slab s;

	(void)state;
	assert_int_equal(slab_open(row_of(EVENTS, true, bytes), FIRST + 1, true, &s), ERR_DAMAGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_read_back_as_they_were_written),
		cmocka_unit_test(the_bytes_of_format_two_do_not_change),
		cmocka_unit_test(a_slab_goes_on_where_it_was_left),
		cmocka_unit_test(what_does_not_go_on_is_not_taken),
		cmocka_unit_test(a_slab_is_never_larger_than_its_limits_but_for_one_large_event),
		cmocka_unit_test(every_flipped_bit_damages_its_own_event_or_the_whole_slab),
		cmocka_unit_test(every_other_value_of_every_byte_of_a_slab_is_noticed),
		cmocka_unit_test(every_truncation_and_extension_of_a_slab_is_refused),
		cmocka_unit_test(a_slab_under_another_seq_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
