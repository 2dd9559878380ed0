/* SPDX-License-Identifier: Apache-2.0 */
/* uuid: reading, writing, making and deriving ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/value.h"

static void ids_read_back_as_they_were_written(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint8_t id[ID_SIZE], again[ID_SIZE];
		char text[ID_TEXT_SIZE];
		id_make(INT64_C(1737450000000000) + i, id);
		id_format(id, text);
		assert_int_equal(id_parse(str_of(text), again, NULL), ERR_OK);
		assert_memory_equal(id, again, ID_SIZE);
	}
}

static void ids_are_read_in_any_case_and_written_in_lower_case(void **state)
{
	uint8_t id[ID_SIZE];
	char text[ID_TEXT_SIZE];

	(void)state;
	assert_int_equal(id_parse(STR("EE42FA91-9B91-547C-91CC-C631BCA634F6"), id, NULL), ERR_OK);
	assert_int_equal(id[0], 0xee);
	assert_int_equal(id[15], 0xf6);
	id_format(id, text);
	assert_string_equal(text, "ee42fa91-9b91-547c-91cc-c631bca634f6");
}

static void what_is_no_id_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"ee42fa91",
		"ee42fa919b91547c91ccc631bca634f6",
		"ee42fa91-9b91-547c-91cc-c631bca634f",
		"ee42fa91-9b91-547c-91cc-c631bca634f60",
		"{ee42fa91-9b91-547c-91cc-c631bca634f6}",
		"ee42fa91-9b91-547c-91cc-c631bca634fg",
		"ee42fa91-9b91-547c-91cc+c631bca634f6",
		"ee42fa91-9b91-547c-91c--631bca634f6f",
		"ee42fa9-19b91-547c-91cc-c631bca634f6",
	};
	uint8_t id[ID_SIZE];
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		fault_init(&fault);
		assert_int_equal(id_parse(str_of(wrong[i]), id, &fault), ERR_BAD_ID);
		assert_int_equal(fault.code, ERR_BAD_ID);
		assert_non_null(strstr(fault.text, "8-4-4-4-12"));
	}
}

static void made_ids_are_version_7_and_hold_their_millisecond(void **state)
{
	uint8_t id[ID_SIZE];
	char text[ID_TEXT_SIZE];

	(void)state;
	/* the instant of the example in RFC 9562, appendix A.6 */
	id_make(INT64_C(1645557742000) * 1000 + 999, id);
	id_format(id, text);
	assert_memory_equal(text, "017f22e2-79b0-7", 15);
	assert_int_equal(id[8] & 0xc0, 0x80);
}

static void made_ids_differ_and_sort_by_time(void **state)
{
	uint8_t early[ID_SIZE], same[ID_SIZE], late[ID_SIZE];

	(void)state;
	for (int64_t ms = 1; ms < INT64_C(100000000000000); ms *= 7) {
		id_make(ms * 1000, early);
		id_make(ms * 1000, same);
		id_make((ms + 1) * 1000, late);
		assert_memory_not_equal(early, same, ID_SIZE);
		assert_true(memcmp(early, late, ID_SIZE) < 0);
		assert_true(memcmp(same, late, ID_SIZE) < 0);
	}
}

static void a_clock_before_1970_gives_ids_that_sort_first(void **state)
{
	static const uint8_t zero[6] = { 0 };
	uint8_t id[ID_SIZE];

	(void)state;
	id_make(INT64_MIN, id);
	assert_memory_equal(id, zero, sizeof(zero));
}

static void derived_ids_are_the_same_for_ever(void **state)
{
	/* the namespace of domain names in RFC 9562, and SHA-256 computed elsewhere */
	static const uint8_t dns[ID_SIZE] = { 0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
					      0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8 };
	uint8_t id[ID_SIZE], other[ID_SIZE];
	char text[ID_TEXT_SIZE];

	(void)state;
	/* the example of RFC 9562, appendix B.2 */
	id_derive(dns, STR("www.example.com"), id);
	id_format(id, text);
	assert_string_equal(text, "5c146b14-3c52-8afd-938a-375d0df1fbf6");
	id_derive(dns, STR("www.example.org"), other);
	assert_memory_not_equal(id, other, ID_SIZE);
	id_derive(dns, (struct str){ NULL, 0 }, other);
	assert_int_equal(other[6] >> 4, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_read_back_as_they_were_written),
		cmocka_unit_test(ids_are_read_in_any_case_and_written_in_lower_case),
		cmocka_unit_test(what_is_no_id_is_refused),
		cmocka_unit_test(made_ids_are_version_7_and_hold_their_millisecond),
		cmocka_unit_test(made_ids_differ_and_sort_by_time),
		cmocka_unit_test(a_clock_before_1970_gives_ids_that_sort_first),
		cmocka_unit_test(derived_ids_are_the_same_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
