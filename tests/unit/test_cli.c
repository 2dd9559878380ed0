/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the command line: options, places in JSON, escapes, ids that are kept, answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <locale.h>

#include "tools/cmd.h"
#include "tools/fail.h"
#include "tools/json_place.h"
#include "tools/out.h"
#include "tools/spool.h"

/* ---- options ---- */

static const struct opt options[] = {
	{ "deal", 'd', opt_text, "DEAL", NULL, "." },	  { "from", 0, opt_list, "PARTY", NULL, "." },
	{ "name", 0, opt_texts, "TEXT", NULL, "." }, { "adds", 0, opt_flag, NULL, NULL, "." },
	OPT_END
};
static const struct command command = { .name = "test", .usage = "X", .args_max = 2,
					.options = { options } };

static enum err parse(struct cli *c, struct fault *fault, const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	*c = (struct cli){ .cmd = &command };
	arena_init(&c->arena, 1u << 20);
	fault_init(fault);
	/* argv of main is not constant, and not written to */
	return args_parse(&c->args, c->cmd, argc, (char **)argv, &c->settings, fault);
}

static void done(struct cli *c)
{
	args_fini(&c->args);
	arena_fini(&c->arena);
}

static void options_are_read_in_every_form(void **state)
{
	static struct cli c;
	struct fault fault;
	struct str_list list;
	const char *argv[] = { "one", "--deal", "a", "--deal=b", "--from", "x,y", "--adds", "--from=z", "-oq",
			 "--name", "p, q", "--", "--two", NULL };

	(void)state;
	assert_int_equal(parse(&c, &fault, argv), ERR_OK);
	assert_string_equal(cli_text(&c, "deal"), "b");
	assert_true(cli_flag(&c, "adds"));
	assert_int_equal(cli_list(&c, "from", &list, &fault), ERR_OK);
	assert_int_equal(list.n, 3);
	assert_true(str_eq(list.v[2], STR("z")));
	assert_int_equal(cli_list(&c, "name", &list, &fault), ERR_OK);
	assert_int_equal(list.n, 1);
	assert_string_equal(setting(&c.settings, setting_output), "q");
	assert_string_equal(cli_word(&c, 0), "one");
	assert_string_equal(cli_word(&c, 1), "--two");
	assert_null(cli_word(&c, 2));
	done(&c);
}

static void a_command_line_that_cannot_be_understood_says_why(void **state)
{
	static struct cli c;
	struct fault fault;
	static const struct {
		const char *argv[4];
		const char *words;
	} cases[] = {
		{ { "--dael", "x" }, "did you mean --deal?" }, { { "--deal" }, "needs a value" },
		{ { "--adds=1" }, "takes no value" },	       { { "-z" }, "no option `-z`" },
		{ { "a", "b", "c" }, "too much" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *argv[5] = { 0 };
		memcpy(argv, cases[i].argv, sizeof(cases[i].argv));
		assert_int_equal(parse(&c, &fault, argv), ERR_USAGE);
		if (!strstr(fault.text, cases[i].words))
			fail_msg("case %zu: %s", i, fault.text);
		done(&c);
	}
}

static void a_higher_origin_is_not_replaced_by_a_lower_one(void **state)
{
	static struct settings s;
	struct fault fault;

	(void)state;
	settings_init(&s);
	assert_int_equal(settings_set(&s, "dir", "/a", rank_variable, "$X", &fault), ERR_OK);
	assert_int_equal(settings_set(&s, "dir", "/b", rank_user, "file:1", &fault), ERR_OK);
	assert_string_equal(setting(&s, setting_dir), "/a");
	assert_int_equal(settings_set(&s, "dir", "/c", rank_option, "--dir", &fault), ERR_OK);
	assert_string_equal(setting(&s, setting_dir), "/c");
	assert_int_equal(settings_set(&s, "drum", "/c", rank_option, "--drum", &fault), ERR_USAGE);
}

static void times_have_units(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = { { "500ms", 500 }, { "10s", 10000 }, { "7", 7000 }, { "2m", 120000 },
		     { "1h", 3600000 }, { "3d", 259200000 } };
	static const char *const bad[] = { "", "s", "-1s", "1.5s", "1 s", "1y", "99999999999999999999s" };
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(duration_parse(good[i].text, &ms, NULL), ERR_OK);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(duration_parse(bad[i], &ms, NULL), ERR_USAGE);
}

/* ---- texts and places ---- */

static void what_could_harm_a_terminal_is_escaped(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	assert_int_equal(text_escape(STR("a\x1b[0m\n\xc2\x9b\xe2\x80\xae\xff\xed\xa0\x80"
					 "\xe6\x97\xa5\xf3\xa0\x81\x81z"), &b), ERR_OK);
	assert_true(str_eq(buf_str(&b), STR("a\\x1b[0m\\n\\x9b\\u202e\\xff\\xed\\xa0\\x80"
					    "\xe6\x97\xa5\\U000e0041z")));
	buf_fini(&b);
}

static void the_place_of_a_field_is_found(void **state)
{
	static const struct {
		const char *line, *path;
		uint64_t column;
	} cases[] = {
		{ "{\"a\":1,\"b\":2}", "b", 12 },
		{ "{\"a\": {\"b\": [1, 22]}}", "a.b[1]", 17 },
		{ "{\"a\": {\"b\": 1}}", "a.x", 7 },
		{ "{\"\xc3\xa9\":1,\"b\":2}", "b", 12 },
		{ "{\"ab\":1,\"a\":2}", "a", 13 },
		{ "{\"a\":1}", "b", 0 },
		{ "{\"a\":1", "a", 7 },
		{ "{\"a\" 1}", "a", 6 },
		{ "", "a", 1 },
		{ "{\"a\":\"\\\"}", "a", 10 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const uint64_t found = json_place(str_of(cases[i].line), cases[i].path);
		if (found != cases[i].column)
			fail_msg("%s, %s: %llu", cases[i].line, cases[i].path, (unsigned long long)found);
	}
}

/* ---- ids that are kept ---- */

static struct id made(uint8_t n)
{
	return (struct id){ { n, 1, 2, 3 } };
}

static void lines_keep_the_ids_that_they_were_given(void **state)
{
	char path[] = "/tmp/avow-test-XXXXXX";
	const int fd = mkstemp(path);
	struct fault fault;
	struct spool *s, *second;
	struct id id, fresh = made(1);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(spool_open(path, &s, &fault), ERR_OK);
	assert_int_equal(spool_open(path, &second, &fault), ERR_STORE_LOCKED);
	assert_int_equal(spool_id(s, STR("a"), &fresh, &id, &fault), ERR_OK);
	fresh = made(2);
	assert_int_equal(spool_id(s, STR("a"), &fresh, &id, &fault), ERR_OK);
	assert_memory_equal(&id, &fresh, sizeof(id)); /* an equal line is an event of its own */
	assert_int_equal(spool_sync(s, &fault), ERR_OK);
	fresh = made(3);
	assert_int_equal(spool_id(s, STR("b"), &fresh, &id, &fault), ERR_OK);
	spool_close(s); /* as in a crash: the last was not synced */
	assert_int_equal(write(fd, "", 0), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END) % 32, sizeof("avow spool 1"));
	assert_int_equal(write(fd, "half a record", 13), 13);
	fresh = made(4);
	assert_int_equal(spool_open(path, &s, &fault), ERR_OK);
	for (uint8_t n = 1; n <= 2; n++) {
		const struct id want = made(n);
		assert_int_equal(spool_id(s, STR("a"), &fresh, &id, &fault), ERR_OK);
		assert_memory_equal(&id, &want, sizeof(id));
	}
	assert_int_equal(spool_id(s, STR("b"), &fresh, &id, &fault), ERR_OK);
	assert_memory_equal(&id, &fresh, sizeof(id));
	spool_close(s);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
}

/* ---- answers ---- */

static void a_table_is_refused_where_text_has_no_locale(void **state)
{
	static const struct out_column columns[] = { { "name", out_is_text, false } };
	struct fault fault;
	struct out *o;
	struct cli c;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		const char *argv[] = { "-o", round ? "table" : "tsv", NULL };
		assert_int_equal(parse(&c, &fault, argv), ERR_OK);
		assert_non_null(setlocale(LC_CTYPE, "C"));
		assert_int_equal(out_open(&c, columns, 1, &o, &fault), round ? ERR_IO : ERR_OK);
		assert_true(round == 0 || strstr(fault.text, "C.UTF-8"));
		out_cancel(o);
		assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
		assert_int_equal(out_open(&c, columns, 1, &o, &fault), ERR_OK);
		out_cancel(o);
		done(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read_in_every_form),
		cmocka_unit_test(a_command_line_that_cannot_be_understood_says_why),
		cmocka_unit_test(a_higher_origin_is_not_replaced_by_a_lower_one),
		cmocka_unit_test(times_have_units),
		cmocka_unit_test(what_could_harm_a_terminal_is_escaped),
		cmocka_unit_test(the_place_of_a_field_is_found),
		cmocka_unit_test(lines_keep_the_ids_that_they_were_given),
		cmocka_unit_test(a_table_is_refused_where_text_has_no_locale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
