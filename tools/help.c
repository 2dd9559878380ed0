/* SPDX-License-Identifier: Apache-2.0 */
/* help: the overview, a command's page, "did you mean", completion: all out of the tables. */
#include <stdio.h>
#include <stdlib.h>

#include "tools/cmd.h"
#include "tools/fail.h"

#define WORD_MAX 64u   /* longer ones are not compared */
#define SLIPS_MAX 2u

#define COMMAND(name) extern const struct command command_##name;
#include "tools/commands.def"
#undef COMMAND
static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "tools/commands.def"
#undef COMMAND
};

const struct command *command_at(size_t i)
{
	return i < ARRAY_LEN(commands) ? commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static const char *command_name_at(size_t i, const void *arg)
{
	(void)arg;
	return i < ARRAY_LEN(commands) ? commands[i]->name : NULL;
}

/* ---- did you mean ---- */

/* How many insertions, deletions, changes and swaps of neighbours lie between two words. */
static size_t slips(const char *a, const char *b)
{
	size_t d[3][WORD_MAX + 1];
	const size_t na = strlen(a), nb = strlen(b);

	if (na > WORD_MAX || nb > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			row[j] = best;
		}
	}
	return d[na % 3][nb];
}

const char *nearest(const char *word, const char *(*at)(size_t i, const void *arg), const void *arg)
{
	const char *best = NULL, *name;
	size_t least = SLIPS_MAX + 1;

	for (size_t i = 0; (name = at(i, arg)); i++) {
		const size_t n = slips(word, name);
		if (n < least && n < strlen(name)) {
			least = n;
			best = name;
		}
	}
	return best;
}

enum err command_unknown(const char *name, struct fault *fault)
{
	const char *near = nearest(name, command_name_at, NULL);

	return fault_set(fault, ERR_USAGE, NULL, "there is no command `%s`%s%s%s", name,
			 near ? ": did you mean `avow " : "; see `avow help`", near ? near : "",
			 near ? "`?" : "");
}

/* ---- pages ---- */

void help_overview(void)
{
	static const char *const titles[GROUP_COUNT] = { "write", "read", "follow", "check", "run",
							 "help" };

	puts("avow: the ledger of what was announced, committed and paid in large deals\n\n"
	     "  avow up --demo                       start everything, with sample deals\n"
	     "  avow show softbank-openai-2025       what is known of a deal\n"
	     "  avow watch --to openai --last 5      follow what is published\n");
	for (int g = 0; g < GROUP_COUNT; g++) {
		bool any = false;
		for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
			if ((int)commands[i]->group != g)
				continue;
			if (!any)
				printf("%s\n", titles[g]);
			any = true;
			printf("  %-12s %s\n", commands[i]->name, commands[i]->line);
		}
	}
	puts("\n`avow COMMAND --help` shows examples and options; `avow explain CODE` an error.");
}

static void print_option(const struct opt *o)
{
	char head[64];

	(void)snprintf(head, sizeof(head), "%s%c%s--%s%s%s", o->letter ? "-" : "",
		       o->letter ? o->letter : ' ', o->letter ? ", " : "", o->name, o->arg ? " " : "",
		       o->arg ? o->arg : "");
	printf("  %-26s %s\n", head[0] == ' ' ? head + 1 : head, o->doc);
}

void help_command(const struct command *cmd)
{
	const struct opt *o;

	printf("avow %s: %s\n\nexamples\n", cmd->name, cmd->line);
	for (const char *const *e = cmd->examples; *e; e++)
		printf("  %s\n", *e);
	printf("\nusage\n  avow %s %s\n", cmd->name, cmd->usage);
	if (command_option(cmd, 0))
		puts("\noptions");
	for (size_t i = 0; (o = command_option(cmd, i)); i++)
		print_option(o);
	if (cmd->details)
		printf("\n%s\n", cmd->details);
	puts("\nfor every command");
	for (size_t i = 0; i < SETTING_COUNT; i++)
		printf("  --%-24s %s\n", setting_word((enum setting_name)i),
		       setting_doc((enum setting_name)i));
}

static enum err run_help(struct cli *c, struct fault *fault)
{
	const char *name = cli_word(c, 0);

	if (!name) {
		help_overview();
		return ERR_OK;
	}
	const struct command *cmd = command_find(name);
	if (!cmd)
		return command_unknown(name, fault);
	help_command(cmd);
	return ERR_OK;
}

const struct command command_help = {
	.name = "help",
	.group = group_help,
	.line = "what avow can do, or how to use one command",
	.usage = "[COMMAND]",
	.examples = (const char *const[]){ "avow help", "avow help announce", NULL },
	.args_max = 1,
	.run = run_help,
};

/* ---- completion ---- */

static enum err run_completion(struct cli *c, struct fault *fault)
{
	const char *shell = cli_word(c, 0);
	const struct opt *o;

	if (strcmp(shell, "bash") != 0)
		return fault_set(fault, ERR_USAGE, NULL, "only bash is known, not `%s`", shell);
	puts("# source this file, or put it into /etc/bash_completion.d/avow\n_avow()\n{\n"
	     "\tlocal word=${COMP_WORDS[COMP_CWORD]} words=\n\tif [ $COMP_CWORD -eq 1 ]; then");
	printf("\t\twords='");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("%s%s", i ? " " : "", commands[i]->name);
	puts("'\n\telse\n\t\tcase ${COMP_WORDS[1]} in");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		printf("\t\t%s) words='", commands[i]->name);
		for (size_t k = 0; (o = command_option(commands[i], k)); k++)
			printf("--%s ", o->name);
		puts("' ;;");
	}
	printf("\t\tesac\n\t\twords=\"$words --help");
	for (size_t i = 0; i < SETTING_COUNT; i++)
		printf(" --%s", setting_word((enum setting_name)i));
	puts("\"\n\tfi\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\n"
	     "complete -o default -F _avow avow");
	return ERR_OK;
}

const struct command command_completion = {
	.name = "completion",
	.group = group_help,
	.line = "completion of commands and options for a shell",
	.usage = "bash",
	.examples = (const char *const[]){ "source <(avow completion bash)", NULL },
	.args_min = 1,
	.args_max = 1,
	.run = run_completion,
};
