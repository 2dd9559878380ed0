/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow: one program, many commands. This file is the way in: read the command line by its tables,
 * settle the settings, run the command, close stdout with care, report what went wrong.
 *
 *   commands.def  the commands        cmd_*.c   each of them
 *   settings.def  the settings        args.c    the command line     settings.c  where they come from
 *   help.c        help out of tables  out.c     answers on stdout    fail.c      errors on stderr
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <time.h>

#include "tools/cmd.h"
#include "tools/fail.h"

static int64_t clock_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What was printed must have arrived. A reader that went away (`| head`) wanted no more. */
static enum err close_stdout(struct fault *fault)
{
	const bool failed = ferror(stdout) != 0;

	errno = 0;
	if (fclose(stdout) == 0 && !failed)
		return ERR_OK;
	if (errno == EPIPE || (failed && errno == 0))
		return ERR_OK;
	return fault_set(fault, ERR_IO, NULL, "cannot write the answer: %s", strerror(errno));
}

static enum err check_settings(const struct settings *s, struct fault *fault)
{
	int64_t ms;
	const char *color = setting(s, setting_color);
	enum err e = duration_parse(setting(s, setting_timeout), &ms, fault);

	if (!e && strcmp(color, "auto") && strcmp(color, "always") && strcmp(color, "never"))
		e = fault_set(fault, ERR_USAGE, "color", "`%s` (from %s) is not auto, always or never",
			      color, s->v[setting_color].origin);
	return e;
}

static enum err run(struct cli *c, int argc, char **argv, struct fault *fault)
{
	enum err e = args_parse(&c->args, c->cmd, argc, argv, &c->settings, fault);

	if (e)
		return e;
	if (cli_args_has(&c->args, "help")) {
		help_command(c->cmd);
		return ERR_OK;
	}
	e = settings_load(&c->settings, fault);
	if (!e)
		e = check_settings(&c->settings, fault);
	if (!e)
		e = c->cmd->run(c, fault);
	return e;
}

/* `avow`, `avow --help`, `avow --version`: before there is a command. */
static bool answer_bare(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		help_overview();
	else if (strcmp(argv[1], "--version") == 0)
		puts("avow " AVOW_VERSION);
	else
		return false;
	return true;
}

/* The command's place in argv: settings may stand before it. 0: there is none. */
static int find_command(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			return i;
		if (strcmp(argv[i], "--no-color") != 0 && !strchr(argv[i], '=') &&
		    !(argv[i][1] == 'o' && argv[i][2]))
			i++; /* its value */
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct cli cli; /* large: settings keep their texts */
	struct fault fault;

	(void)setlocale(LC_CTYPE, "C.UTF-8"); /* where there is none, out_open says so */
	fault_init(&fault);
	if (answer_bare(argc, argv))
		return fail_exit(close_stdout(&fault));
	const int at = find_command(argc, argv);
	cli.cmd = at ? command_find(argv[at]) : NULL;
	if (!cli.cmd) {
		fault_set(&fault, ERR_USAGE, NULL, "a command is missing; see `avow help`");
		if (at)
			(void)command_unknown(argv[at], &fault);
		fail_print(NULL, &fault, NULL);
		return fail_exit(ERR_USAGE);
	}
	/* take the command's name out, so that options before and behind it read the same */
	for (int i = at; i > 1; i--)
		argv[i] = argv[i - 1];
	cli_catch_signals();
	cli.now_us = clock_us();
	arena_init(&cli.arena, CLI_ARENA_MAX);
	settings_init(&cli.settings);
	enum err e = run(&cli, argc - 2, argv + 2, &fault);
	struct fault closing;
	fault_init(&closing);
	const enum err closed = close_stdout(&closing);
	if (!e && closed) {
		e = closed;
		fault = closing;
	}
	/* the one error that is often returned without words */
	if (e == ERR_NO_MEMORY && !fault.text[0])
		(void)fault_set(&fault, e, NULL, "out of memory");
	if (e && fault.text[0])
		fail_print(cli.cmd->name, &fault, NULL);
	args_fini(&cli.args);
	arena_fini(&cli.arena);
	if (e)
		return cli.cmd->exit_failed ? cli.cmd->exit_failed : fail_exit(e);
	return cli.exit;
}
