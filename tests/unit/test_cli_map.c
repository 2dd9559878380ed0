/* SPDX-License-Identifier: Apache-2.0 */
/* map, csv: rows of a CSV file are read as they are, become events, and come back exactly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "tools/map.h"

#define NOW_US INT64_C(1800000000000000) /* January 2027 */

struct fixture {
	char path[64];
	struct arena arena;
	struct fault fault;
	struct map map;
	struct map_result made;
	int column, line;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .path = "/tmp/avow-test-XXXXXX" };
	const int fd = mkstemp(f.path);
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	arena_init(&f.arena, 64u << 20);
	fault_init(&f.fault);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	map_close(&f->map);
	arena_fini(&f->arena);
	return unlink(f->path);
}

static void write_file(struct fixture *f, const char *text, size_t n)
{
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

#define HEAD                                                                                       \
	"[map]\nname = t\ntag = t\n[columns]\nbuyer = required max:20\nday = date:2000-01-01.."    \
	"2020-12-31\nprice = decimal\nmoney = currency\nextra =\n[defaults]\nstated = {day|day}\n" \
	"source.publisher = P\n"
#define PAY "[event pay]\nkind = pay\ngrade = press\ndeal = {buyer} {day}\nfrom = {buyer}\n"

static enum err open_map(struct fixture *f, const char *text)
{
	map_close(&f->map);
	write_file(f, text, strlen(text));
	return map_open(f->path, &f->map, &f->line, &f->fault);
}

/* The events of one row of five columns. */
static enum err make(struct fixture *f, const char *buyer, const char *day, const char *price,
		     const char *money, const char *extra)
{
	const struct str cells[] = { str_of(buyer), str_of(day), str_of(price), str_of(money),
				     str_of(extra) };

	fault_init(&f->fault);
	return map_events(&f->map, cells, NOW_US, &f->arena, &f->made, &f->column, &f->fault);
}

static struct event decoded(struct fixture *f, size_t i)
{
	struct event e;

	assert_true(i < f->made.n);
	assert_int_equal(event_check(f->made.v[i].bytes, NOW_US, &f->arena, &e, &f->fault), ERR_OK);
	return e;
}

static void a_row_becomes_the_events_that_the_map_says(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_map(f, HEAD PAY "amount = {price} {money|default:USD}\nrow = note\n"
					  "[event party]\nwhen = extra, !money\nkind = party\n"
					  "party = {buyer}\nname = {extra|trim}\n"), ERR_OK);
	assert_int_equal(make(f, "Big Co", "2014-03-02 00:00:00", "1.5", "", " The Big "), ERR_OK);
	assert_int_equal(f->made.n, 2);
	const struct event pay = decoded(f, 0), party = decoded(f, 1);
	assert_true(str_eq(pay.deal, STR("big-co-2014-03-02-00-00-00")));
	assert_true(str_eq(pay.from.v[0], STR("big-co")));
	assert_true(str_eq(pay.stated, STR("2014-03-02")));
	assert_int_equal(pay.amount.low, 150);
	assert_true(str_eq(pay.tags.v[0], STR("t")));
	assert_true(str_eq(party.name, STR("The Big")));
	/* an empty column leaves the field out; an unmet condition the event */
	assert_int_equal(make(f, "Big Co", "2014-03-02", "", "EUR", "x"), ERR_OK);
	assert_int_equal(f->made.n, 1);
	const struct event undisclosed = decoded(f, 0);
	assert_false(msg_has(&undisclosed, event, amount));
}

static void what_breaks_a_check_is_refused_with_its_column(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *cells[4];
		enum err code;
		int column;
	} cases[] = {
		{ { "", "2014-03-02", "", "" }, ERR_MISSING_FIELD, 0 },
		{ { "a very long name of a buyer", "2014-03-02", "", "" }, ERR_TOO_LARGE, 0 },
		{ { "b", "1999-12-31", "", "" }, ERR_BAD_DATE, 1 },
		{ { "b", "2014-02-30", "", "" }, ERR_BAD_DATE, 1 },
		{ { "b", "3201-10-21", "", "" }, ERR_BAD_DATE, 1 },
		{ { "b", "2014-03-02", "1,5", "USD" }, ERR_BAD_DECIMAL, 2 },
		{ { "b", "2014-03-02", "5", "QQQ" }, ERR_BAD_CURRENCY, 3 },
		{ { "b", "2014-03-02", "5.001", "USD" }, ERR_BAD_AMOUNT, 2 },
	};

	assert_int_equal(open_map(f, HEAD PAY "amount = {price} {money}\n"), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *const *c = cases[i].cells;
		const enum err e = make(f, c[0], c[1], c[2], c[3], "");
		if (e != cases[i].code || f->column != cases[i].column)
			fail_msg("case %zu: %s, column %d: %s", i, err_name(e), f->column, f->fault.text);
	}
}

static void ids_come_from_the_content_and_the_same_row_again_is_a_copy(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_map(f, HEAD PAY), ERR_OK);
	assert_int_equal(make(f, "b", "2014-03-02", "", "", ""), ERR_OK);
	const struct id first = f->made.v[0].id;
	assert_int_equal(make(f, "c", "2014-03-02", "", "", ""), ERR_OK);
	assert_memory_not_equal(&f->made.v[0].id, &first, sizeof(first));
	assert_false(f->made.again);
	assert_int_equal(make(f, "b", "2014-03-02", "", "", ""), ERR_OK);
	assert_true(f->made.again);
	assert_memory_not_equal(&f->made.v[0].id, &first, sizeof(first));
	const struct event copy = decoded(f, 0);
	assert_memory_equal(&copy.derived_from, &first, sizeof(first));
	/* another run, another order: the same ids */
	assert_int_equal(open_map(f, HEAD PAY), ERR_OK);
	assert_int_equal(make(f, "c", "2014-03-02", "", "", ""), ERR_OK);
	assert_int_equal(make(f, "b", "2014-03-02", "", "", ""), ERR_OK);
	assert_memory_equal(&f->made.v[0].id, &first, sizeof(first));
}

static void two_texts_that_make_one_slug_are_not_mixed_up(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_map(f, HEAD PAY), ERR_OK);
	assert_int_equal(make(f, "A.B. Corp", "2014-03-02", "", "", ""), ERR_OK);
	assert_int_equal(make(f, "A.B. Corp", "2015-03-02", "", "", ""), ERR_OK);
	assert_int_equal(make(f, "A B Corp", "2016-03-02", "", "", ""), ERR_BAD_SLUG);
	assert_int_equal(f->column, 0);
}

static void every_text_comes_back_out_of_the_row_that_is_kept(void **state)
{
	struct fixture *f = *state;
	static const char *const texts[] = {
		"", " spaces ", "\"quotes\" and \\ and /", "tab\tline\nreturn\r", "\x01\x1f\x7f",
		"na\xc3\xafve", "Decor\xcc\x81", "\xf0\x9f\x90\x9f e\xcc\x81 \xe6\x97\xa5", "{\"a\":1}",
	};
	struct str cells[MAP_COLUMNS_MAX], back[MAP_COLUMNS_MAX];
	struct buf raw;

	assert_int_equal(open_map(f, HEAD PAY), ERR_OK);
	buf_init(&raw, 65536);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		for (size_t k = 0; k < f->map.ncolumns; k++)
			cells[k] = str_of(texts[(i + k) % ARRAY_LEN(texts)]);
		buf_clear(&raw);
		assert_int_equal(map_raw_write(&f->map, cells, &raw), ERR_OK);
		assert_int_equal(text_check(buf_str(&raw), NULL), ERR_OK);
		assert_true(map_raw_read(&f->map, buf_str(&raw), &f->arena, back));
		for (size_t k = 0; k < f->map.ncolumns; k++)
			assert_true(str_eq(cells[k], back[k]));
	}
	cells[0] = STR("\xff");
	assert_int_equal(map_raw_write(&f->map, cells, &raw), ERR_BAD_UTF8);
	assert_false(map_raw_read(&f->map, STR("{\"other\":\"x\"}"), &f->arena, back));
	assert_false(map_raw_read(&f->map, STR("{\"buyer\":\"x\""), &f->arena, back));
	assert_false(map_raw_read(&f->map, STR("hello"), &f->arena, back));
	buf_fini(&raw);
}

static void days_are_read_in_the_order_that_the_map_says(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_map(f, "[map]\nname = t\n[columns]\nbuyer =\nday =\nc =\nd =\ne =\n"
				     "[defaults]\nsource.publisher = P\nstated = {day|day:dmy}\n" PAY), ERR_OK);
	assert_int_equal(make(f, "b", "2/3/2014", "", "", ""), ERR_OK);
	struct event e = decoded(f, 0);
	assert_true(str_eq(e.stated, STR("2014-03-02")));
	assert_int_equal(make(f, "b", "2/13/2014", "", "", ""), ERR_BAD_DATE);
	assert_int_equal(make(f, "b", "March 2", "", "", ""), ERR_BAD_DATE);
	assert_int_equal(f->column, 1);
}

static void a_file_is_read_row_by_row_with_its_lines(void **state)
{
	struct fixture *f = *state;
	static const char text[] = "\n\na,b\r\n\"x\n\"\"y\"\"\",\n\n  z ,\"\"\nlast,\"q\"";
	static const struct {
		uint64_t line;
		const char *a, *b;
	} want[] = { { 3, "a", "b" }, { 4, "x\n\"y\"", "" }, { 7, "  z ", "" }, { 8, "last", "q" } };
	struct csv_row row;
	struct csv *csv;
	bool more;

	write_file(f, text, sizeof(text) - 1);
	assert_int_equal(csv_open(f->path, &csv, &f->fault), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(csv_next(csv, &row, &more, &f->fault), ERR_OK);
		assert_true(more);
		assert_int_equal(row.n, 2);
		assert_int_equal(row.line, want[i].line);
		assert_true(str_eq(row.fields[0], str_of(want[i].a)));
		assert_true(str_eq(row.fields[1], str_of(want[i].b)));
	}
	assert_int_equal(csv_next(csv, &row, &more, &f->fault), ERR_OK);
	assert_false(more);
	csv_close(csv);
	assert_int_equal(csv_place(STR("a,\"b,\xc3\xa9\",c"), 2), 9);
}

static void a_row_without_an_end_is_an_error_not_all_of_memory(void **state)
{
	struct fixture *f = *state;
	struct csv_row row;
	struct csv *csv;
	bool more;
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	assert_true(fputs("a,b\n\"never closed\n", file) >= 0);
	for (size_t i = 0; i < CSV_ROW_BYTES_MAX / 8; i++)
		assert_true(fputs("x,y,z,w\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(csv_open(f->path, &csv, &f->fault), ERR_OK);
	assert_int_equal(csv_next(csv, &row, &more, &f->fault), ERR_OK);
	assert_int_equal(csv_next(csv, &row, &more, &f->fault), ERR_BAD_CSV);
	assert_non_null(strstr(f->fault.text, "line 2"));
	csv_close(csv);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_row_becomes_the_events_that_the_map_says),
		TEST(what_breaks_a_check_is_refused_with_its_column),
		TEST(ids_come_from_the_content_and_the_same_row_again_is_a_copy),
		TEST(two_texts_that_make_one_slug_are_not_mixed_up),
		TEST(every_text_comes_back_out_of_the_row_that_is_kept),
		TEST(days_are_read_in_the_order_that_the_map_says),
		TEST(a_file_is_read_row_by_row_with_its_lines),
		TEST(a_row_without_an_end_is_an_error_not_all_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
