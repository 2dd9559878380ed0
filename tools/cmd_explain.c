/* SPDX-License-Identifier: Apache-2.0 */
/* avow explain: what an error code means and what to do about it, and what a word of an answer means. */
#include <stdio.h>

#include "tools/out.h"

static const char *error_name_at(size_t i, const void *arg)
{
	const struct err_info *info = err_at(i);

	(void)arg;
	return info ? info->name : NULL;
}

static void put_row(struct out *o, const struct err_info *info)
{
	out_number(o, (int64_t)info->code);
	out_text(o, str_of(info->name));
	out_text(o, str_of(info->class_name));
	out_number(o, info->http);
	out_number(o, info->exit);
	out_text(o, str_of(info->text));
	out_text(o, str_of(info->remedy));
	out_row(o);
}

/* A word of the closed lists, as many times as they have it. */
static enum err explain_word(struct cli *c, struct str word, struct fault *fault)
{
	static const struct out_column columns[] = {
		{ "list", out_is_text, false }, { "word", out_is_text, false },
		{ "text", out_is_text, true },
	};
	const struct enum_info *list;
	enum out_format format;
	struct out *o;

	enum err e = out_format(c, &format, fault);
	if (!e)
		e = out_open(c, columns, ARRAY_LEN(columns), &o, fault);
	if (e)
		return e;
	for (size_t i = 0; (list = enum_at(i)); i++) {
		const int value = enum_value(list, word);
		if (!value)
			continue;
		out_text(o, str_of(list->name));
		out_text(o, word);
		out_text(o, str_of(list->docs[value - 1]));
		out_row(o);
	}
	return out_close(o, fault);
}

static bool is_word(struct str word)
{
	const struct enum_info *list;

	for (size_t i = 0; (list = enum_at(i)); i++)
		if (enum_value(list, word))
			return true;
	return false;
}

static enum err run_explain(struct cli *c, struct fault *fault)
{
	static const struct out_column columns[] = {
		{ "code", out_is_number, false }, { "name", out_is_text, false },
		{ "class", out_is_text, false },  { "http", out_is_number, false },
		{ "exit", out_is_number, false }, { "text", out_is_text, true },
		{ "remedy", out_is_text, true },
	};
	const char *name = cli_word(c, 0);
	const struct err_info *one = name ? err_find_name(name) : NULL;
	enum out_format format;
	struct out *o;

	if (name && !one && is_word(str_of(name)))
		return explain_word(c, str_of(name), fault);
	if (name && !one) {
		const char *near = nearest(name, error_name_at, NULL);
		return fault_set(fault, ERR_NOT_FOUND, NULL, "there is no error `%s`%s%s%s", name,
				 near ? ": did you mean " : "; `avow explain` lists them",
				 near ? near : "", near ? "?" : "");
	}
	enum err e = out_format(c, &format, fault);
	if (e)
		return e;
	if (one && format == out_table) {
		printf("%s (%d): %s\n\nwhat to do   %s\nclass        %s\nexit code    %d\nHTTP status  %d\n",
		       one->name, (int)one->code, one->text, one->remedy, one->class_name, one->exit,
		       one->http);
		return ERR_OK;
	}
	e = out_open(c, columns, ARRAY_LEN(columns), &o, fault);
	if (e)
		return e;
	for (size_t i = 0; err_at(i); i++)
		if (!one || one == err_at(i))
			put_row(o, err_at(i));
	return out_close(o, fault);
}

const struct command command_explain = {
	.name = "explain",
	.group = group_help,
	.line = "what an error code or a word of an answer means, and what to do",
	.usage = "[CODE|WORD]",
	.examples = (const char *const[]){ "avow explain ID_CONFLICT", "avow explain 300",
					   "avow explain part_of_circle", "avow explain -o json", NULL },
	.args_max = 1,
	.run = run_explain,
};
