/* SPDX-License-Identifier: Apache-2.0 */
/* args: the command line, read by the tables of options; and what commands ask of it. */
#include "tools/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Settings are options of every command. */
static const struct opt setting_options[] = {
#define SETTING(name, letter, type, arg, fallback, doc) { #name, letter, type, arg, NULL, doc },
#include "tools/settings.def"
#undef SETTING
	OPT_END
};
/* What no command lists, as every one has them. */
static const struct opt common_options[] = {
	{ "no-color", 0, opt_flag, NULL, NULL, "The same as --color never." },
	{ "help", 'h', opt_flag, NULL, NULL, "Show this." },
	OPT_END
};

const struct opt *command_option(const struct command *cmd, size_t i)
{
	for (size_t s = 0; s < OPT_SETS_MAX && cmd->options[s]; s++)
		for (const struct opt *o = cmd->options[s]; o->name; o++)
			if (i-- == 0)
				return o;
	return NULL;
}

/* Option i of a command: its own, then the common ones, then the settings. */
static const struct opt *any_option(const struct command *cmd, size_t i)
{
	size_t own = 0;

	while (command_option(cmd, own))
		own++;
	if (i < own)
		return command_option(cmd, i);
	i -= own;
	if (i < ARRAY_LEN(common_options) - 1)
		return &common_options[i];
	i -= ARRAY_LEN(common_options) - 1;
	return i < ARRAY_LEN(setting_options) - 1 ? &setting_options[i] : NULL;
}

static const char *option_name_at(size_t i, const void *arg)
{
	const struct opt *o = any_option(arg, i);

	return o ? o->name : NULL;
}

static const struct opt *find_option(const struct command *cmd, const char *name, size_t n,
				     char letter)
{
	const struct opt *o;

	for (size_t i = 0; (o = any_option(cmd, i)); i++)
		if (letter ? o->letter == letter
			   : strlen(o->name) == n && memcmp(o->name, name, n) == 0)
			return o;
	return NULL;
}

static bool is_setting(const struct opt *o)
{
	return o >= setting_options && o < setting_options + ARRAY_LEN(setting_options);
}

static enum err keep(struct args *a, const struct opt *o, const char *value,
		     struct settings *settings, struct fault *fault)
{
	char origin[80];

	if (is_setting(o)) {
		(void)snprintf(origin, sizeof(origin), "--%s", o->name);
		return settings_set(settings, o->name, value, rank_option, origin, fault);
	}
	if (strcmp(o->name, "no-color") == 0)
		return settings_set(settings, "color", "never", rank_option, "--no-color", fault);
	a->options[a->noptions++] = (struct given){ o, value, NULL };
	return ERR_OK;
}

/* `--amount 1bn USD` without quotes: the code is a word of its own. */
static enum err join_currency(struct args *a, const char *code, struct fault *fault)
{
	struct given *g = &a->options[a->noptions - 1];
	const size_t n = strlen(g->value) + strlen(code) + 2;

	g->joined = malloc(n);
	if (!g->joined)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	(void)snprintf(g->joined, n, "%s %s", g->value, code);
	g->value = g->joined;
	return ERR_OK;
}

/* `--name`, `--name=value`, `-n`: argv[*i] begins with a hyphen. May take argv[*i + 1] as well. */
static enum err take_option(struct args *a, const struct command *cmd, int argc, char **argv, int *i,
			    struct settings *settings, struct fault *fault)
{
	const char *word = argv[*i];
	const bool is_long = word[1] == '-';
	const char *equals = is_long ? strchr(word, '=') : NULL;
	const size_t n = is_long ? (equals ? (size_t)(equals - word) : strlen(word)) - 2 : 0;
	const struct opt *o = is_long ? find_option(cmd, word + 2, n, 0)
				      : find_option(cmd, NULL, 0, word[1]);

	if (!o) {
		char name[64];
		(void)snprintf(name, sizeof(name), "%.*s", is_long ? (int)n : 1, word + 1 + is_long);
		const char *near = is_long ? nearest(name, option_name_at, cmd) : NULL;
		return fault_set(fault, ERR_USAGE, NULL, "there is no option `%s`; see `avow %s "
				 "--help`%s%s%s", word, cmd->name, near ? "; did you mean --" : "",
				 near ? near : "", near ? "?" : "");
	}
	if (o->type == opt_flag) {
		if (equals || (!is_long && word[2]))
			return fault_set(fault, ERR_USAGE, NULL, "--%s takes no value", o->name);
		return keep(a, o, NULL, settings, fault);
	}
	const char *value = equals ? equals + 1 : !is_long && word[2] ? word + 2 : NULL;
	if (!value) {
		if (*i + 1 >= argc)
			return fault_set(fault, ERR_USAGE, NULL, "--%s needs a value: %s", o->name,
					 o->arg);
		value = argv[++*i];
	}
	const enum err e = keep(a, o, value, settings, fault);
	if (e || o->type != opt_amount || *i + 1 >= argc || !currency_find(str_of(argv[*i + 1])))
		return e;
	return join_currency(a, argv[++*i], fault);
}

static enum err check_words(const struct args *a, const struct command *cmd, struct fault *fault)
{
	if (cli_args_has(a, "help"))
		return ERR_OK;
	if (a->nwords < (size_t)cmd->args_min)
		return fault_set(fault, ERR_USAGE, NULL, "something is missing: avow %s %s", cmd->name,
				 cmd->usage);
	if (a->nwords > (size_t)cmd->args_max)
		return fault_set(fault, ERR_USAGE, NULL, "too much: `%s`; it is: avow %s %s",
				 a->words[cmd->args_max], cmd->name, cmd->usage);
	return ERR_OK;
}

enum err args_parse(struct args *a, const struct command *cmd, int argc, char **argv,
		    struct settings *settings, struct fault *fault)
{
	bool only_words = false;

	*a = (struct args){ 0 };
	if (argc < 0 || (size_t)argc > ARGS_MAX)
		return fault_set(fault, ERR_USAGE, NULL, "more than %u words", ARGS_MAX);
	a->options = calloc((size_t)argc + 1, sizeof(*a->options));
	a->words = calloc((size_t)argc + 1, sizeof(*a->words));
	if (!a->options || !a->words)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	for (int i = 0; i < argc; i++) {
		enum err e = ERR_OK;
		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!only_words && argv[i][0] == '-' && argv[i][1])
			e = take_option(a, cmd, argc, argv, &i, settings, fault);
		else
			a->words[a->nwords++] = argv[i];
		if (e)
			return e;
	}
	return check_words(a, cmd, fault);
}

void args_fini(struct args *a)
{
	for (size_t i = 0; i < a->noptions; i++)
		free(a->options[i].joined);
	free(a->options);
	free(a->words);
	*a = (struct args){ 0 };
}

bool cli_args_has(const struct args *a, const char *name)
{
	for (size_t i = 0; i < a->noptions; i++)
		if (strcmp(a->options[i].opt->name, name) == 0)
			return true;
	return false;
}

bool cli_given(const struct cli *c, const char *name)
{
	require(find_option(c->cmd, name, strlen(name), 0));
	return cli_args_has(&c->args, name);
}

bool cli_flag(const struct cli *c, const char *name)
{
	return cli_given(c, name);
}

const char *cli_text(const struct cli *c, const char *name)
{
	const char *value = NULL;

	require(find_option(c->cmd, name, strlen(name), 0));
	for (size_t i = 0; i < c->args.noptions; i++)
		if (strcmp(c->args.options[i].opt->name, name) == 0)
			value = c->args.options[i].value;
	return value;
}

/* How many values one option's text holds, and where they are, if `to` is not NULL. */
static size_t split(const struct given *g, struct str *to)
{
	size_t n = 0;
	const char *p = g->value;

	for (;;) {
		const char *end = g->opt->type == opt_list ? strchr(p, ',') : NULL;
		if (to)
			to[n] = (struct str){ p, end ? (size_t)(end - p) : strlen(p) };
		n++;
		if (!end)
			return n;
		p = end + 1;
	}
}

enum err cli_list(struct cli *c, const char *name, struct str_list *out, struct fault *fault)
{
	const struct args *a = &c->args;
	size_t n = 0;

	require(find_option(c->cmd, name, strlen(name), 0));
	*out = (struct str_list){ 0 };
	for (size_t i = 0; i < a->noptions; i++)
		if (strcmp(a->options[i].opt->name, name) == 0)
			n += split(&a->options[i], NULL);
	if (n == 0)
		return ERR_OK;
	out->v = arena_zalloc(&c->arena, n, sizeof(*out->v));
	if (!out->v)
		return fault_set(fault, ERR_NO_MEMORY, name, "out of memory");
	for (size_t i = 0; i < a->noptions; i++)
		if (strcmp(a->options[i].opt->name, name) == 0)
			out->n += split(&a->options[i], out->v + out->n);
	return ERR_OK;
}

enum err cli_number(const struct cli *c, const char *name, uint64_t absent, uint64_t max,
		    uint64_t *out, struct fault *fault)
{
	const char *text = cli_text(c, name);
	char *end;

	*out = absent;
	if (!text)
		return ERR_OK;
	errno = 0;
	const unsigned long long v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > max)
		return fault_set(fault, ERR_USAGE, NULL, "--%s: `%s` is not a whole number from 0 to %llu",
				 name, text, (unsigned long long)max);
	*out = v;
	return ERR_OK;
}

const char *cli_word(const struct cli *c, size_t i)
{
	return i < c->args.nwords ? c->args.words[i] : NULL;
}

enum err duration_parse(const char *text, int64_t *ms, struct fault *fault)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 },	{ "s", 1000 },	   { "", 1000 },
		      { "m", 60000 },	{ "h", 3600000 },  { "d", 86400000 },
		      { "w", 604800000 } };
	char *end;

	errno = 0;
	const unsigned long long v = strtoull(text, &end, 10);
	for (size_t i = 0; *text >= '0' && *text <= '9' && !errno && i < ARRAY_LEN(units); i++) {
		if (strcmp(units[i].unit, end) == 0 &&
		    !__builtin_mul_overflow((int64_t)v, units[i].ms, ms) && *ms >= 0)
			return ERR_OK;
	}
	return fault_set(fault, ERR_USAGE, NULL, "`%s` is not a time such as 500ms, 10s, 2m, 1h or 3d",
			 text);
}

int cli_timeout_ms(const struct cli *c)
{
	int64_t ms;

	/* it was checked at start */
	if (duration_parse(setting(&c->settings, setting_timeout), &ms, NULL) || ms > INT32_MAX)
		return INT32_MAX;
	return (int)ms;
}
