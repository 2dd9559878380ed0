/* SPDX-License-Identifier: Apache-2.0 */
/* man: the manual page in mdoc(7), out of the same tables as --help, so that it cannot be out of date. */
#include <stdio.h>

#include "tools/cmd.h"

/* Text of ours in roff: backslashes, hyphens that are typed, and points that begin a line. */
static void put_text(const char *s)
{
	bool line_start = true;

	for (; *s; s++) {
		if (line_start && (*s == '.' || *s == '\''))
			fputs("\\&", stdout);
		line_start = *s == '\n';
		if (*s == '\\')
			fputs("\\e", stdout);
		else if (*s == '-')
			fputs("\\-", stdout);
		else
			putchar(*s);
	}
	putchar('\n');
}

/* Paragraphs: an empty line in a text is a new one. */
static void put_paragraphs(const char *s)
{
	puts(".Pp");
	for (const char *p = s; *p;) {
		const char *end = strchr(p, '\n');
		const size_t n = end ? (size_t)(end - p) : strlen(p);
		char line[512];

		(void)snprintf(line, sizeof(line), "%.*s", (int)n, p);
		if (n == 0)
			puts(".Pp");
		else if (line[0] == ' ')
			puts(".br");
		if (n > 0)
			put_text(line);
		p += end ? n + 1 : n;
	}
}

static void put_option(const struct opt *o)
{
	printf(".It ");
	if (o->letter)
		printf("Fl %c , ", o->letter);
	printf("Fl \\-%s", o->name);
	if (o->arg)
		printf(" Ar %s", o->arg);
	putchar('\n');
	put_text(o->doc);
}

static void put_command(const struct command *cmd)
{
	const struct opt *o;

	printf(".Ss avow %s\n", cmd->name);
	put_text(cmd->line);
	puts(".Bd -literal -offset indent");
	printf("avow %s ", cmd->name);
	put_text(cmd->usage);
	puts(".Ed");
	puts(".Pp\nExamples:\n.Bd -literal -offset indent");
	for (const char *const *e = cmd->examples; *e; e++)
		put_text(*e);
	puts(".Ed");
	if (cmd->details)
		put_paragraphs(cmd->details);
	if (!command_option(cmd, 0))
		return;
	puts(".Bl -tag -width Ds");
	for (size_t i = 0; (o = command_option(cmd, i)); i++)
		put_option(o);
	puts(".El");
}

static void put_settings(void)
{
	puts(".Sh SETTINGS\nFor every command: as an option, as a variable AVOW_NAME, or as a line\n"
	     "name = value in the config file; the first of these that is there counts.\n"
	     ".Bl -tag -width Ds");
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		printf(".It Fl \\-%s\n", setting_word((enum setting_name)i));
		put_text(setting_doc((enum setting_name)i));
	}
	puts(".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa ~/.config/avow/config\n"
	     "Settings of a user; before it, those of the system in\n.Pa /etc/avow/config .\n"
	     "Only the file that AVOW_CONFIG names is read where it is set.\n"
	     ".It Pa ~/.local/share/avow\nWhat services and tools keep, where\n.Fl \\-dir\n"
	     "does not say otherwise.\n.El");
}

static void put_errors(void)
{
	const struct err_info *info;

	puts(".Sh EXIT STATUS\n0: done, also where the answer is empty.\nThose of errors are below.\n"
	     ".Sh DIAGNOSTICS\n.Bl -tag -width Ds");
	for (size_t i = 0; (info = err_at(i)); i++) {
		printf(".It %s (%d, exit %d)\n", info->name, (int)info->code, info->exit);
		printf("%s.\n", info->text);
		put_text(info->remedy);
	}
	puts(".El");
}

static enum err run_man(struct cli *c, struct fault *fault)
{
	const struct command *cmd;

	(void)c;
	(void)fault;
	puts(".Dd November 23, 2026\n.Dt AVOW 1\n.Os\n.Sh NAME\n.Nm avow\n.Nd the ledger of what was "
	     "announced, committed and paid in large deals\n.Sh SYNOPSIS\n.Nm\n.Ar command\n"
	     ".Op Ar options\n.Sh DESCRIPTION\nEvery announcement, commitment and payment is an event "
	     "with its source and its dates.\nIt is published once and never changed; every figure can "
	     "be asked for as it was known on any day,\nwith the events that it comes from.\n"
	     "Answers go to stdout, everything else to stderr.\n.Sh COMMANDS");
	for (size_t i = 0; (cmd = command_at(i)); i++)
		put_command(cmd);
	put_settings();
	put_errors();
	return ERR_OK;
}

const struct command command_man = {
	.name = "man",
	.group = group_help,
	.line = "the manual page",
	.usage = "",
	.examples = (const char *const[]){ "avow man | man -l -", NULL },
	.run = run_man,
};
