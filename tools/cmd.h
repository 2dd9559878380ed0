/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd: what a command is, and what it is given when it runs.
 *
 * A command is one constant row: `const struct command command_show = { … }` in its own file, and a
 * line in commands.def. Option parsing, --help, "did you mean", completion and the overview all
 * follow from these rows; a command's function only asks for what it was given.
 */
#ifndef AVOW_TOOLS_CMD_H
#define AVOW_TOOLS_CMD_H

#include "proto/msg.h"
#include "tools/settings.h"

#define ARGS_MAX 4096u	      /* words on one command line */
#define CLI_ARENA_MAX ((size_t)256 << 20)

enum opt_type {
	opt_flag,   /* --name: there or not */
	opt_text,   /* --name VALUE, the last one counts */
	opt_list,   /* --name A --name B,C: repeatable; commas separate */
	opt_texts,  /* --name A --name B: repeatable; commas belong to the text */
	opt_amount  /* --name AMOUNT: a text; a currency's code may be a word of its own: 1bn USD */
};
/* One option; a NULL name ends an array of them. */
struct opt {
	const char *name;
	char letter;	    /* short form, 0: none */
	enum opt_type type;
	const char *arg;    /* what help calls the value; NULL for flags */
	const char *field;  /* write verbs: the event's field, as `source.url`; NULL: none */
	const char *doc;
};
#define OPT_END { .name = NULL }
#define OPT_SETS_MAX 16

enum command_group { group_write, group_read, group_follow, group_check, group_run, group_help,
		     GROUP_COUNT };

struct cli;
struct command {
	const char *name;
	enum command_group group;
	const char *line;		     /* in the overview; no full stop */
	const char *usage;		     /* behind "avow NAME " */
	const char *const *examples;	     /* whole command lines, NULL ends; shown first */
	const char *details;		     /* paragraphs below the options; NULL: none */
	const struct opt *options[OPT_SETS_MAX]; /* arrays of options, NULL ends */
	int args_min, args_max;		     /* how many arguments besides options */
	/*
	 * Do it: print the answer on stdout, and return. On an error fill in the fault; main reports
	 * it and exits with the code of the table. What was reported already has an empty text.
	 */
	enum err (*run)(struct cli *c, struct fault *fault);
	int kind;			     /* write verbs: enum kind of what they publish */
	int exit_failed;		     /* exits with this on every error; 0: with the table's code */
};
/* Row i of commands.def, NULL behind the last; by name, NULL where there is none. */
const struct command *command_at(size_t i);
const struct command *command_find(const char *name);
/* Option i over all sets of a command, NULL behind the last. */
const struct opt *command_option(const struct command *cmd, size_t i);

/* What was given on the command line: options in their order, and arguments. They borrow from argv. */
struct given {
	const struct opt *opt;
	const char *value; /* NULL for flags */
	char *joined;	   /* where it was made of two words: the value, freed with the args */
};
struct args {
	struct given *options;
	size_t noptions;
	const char **words;
	size_t nwords;
};
/*
 * Read argv (without the program's and the command's name) by the command's options; settings that
 * are given are put into `settings`. ERR_USAGE with words that name the nearest option.
 */
MUST_USE enum err args_parse(struct args *a, const struct command *cmd, int argc, char **argv,
			     struct settings *settings, struct fault *fault);
void args_fini(struct args *a);
/* Whether an option was given. */
bool cli_args_has(const struct args *a, const char *name);

struct cli {
	const struct command *cmd;
	struct args args;
	struct settings settings;
	int64_t now_us;	     /* when the command was started, UTC */
	struct arena arena;  /* lives as long as the command */
	int exit;	     /* what the program exits with where there was no error */
};
/* The last value of an option, NULL where it was not given. The name must be one of its table. */
const char *cli_text(const struct cli *c, const char *name);
bool cli_flag(const struct cli *c, const char *name);
/* Whether an option was given at all. */
bool cli_given(const struct cli *c, const char *name);
/* All values of a list option, commas taken apart for opt_list; in the arena. n 0 where not given. */
MUST_USE enum err cli_list(struct cli *c, const char *name, struct str_list *out, struct fault *fault);
/* A whole number from 0 to max; `absent` where the option was not given. ERR_USAGE. */
MUST_USE enum err cli_number(const struct cli *c, const char *name, uint64_t absent, uint64_t max,
			     uint64_t *out, struct fault *fault);
/* Argument i, NULL behind the last. */
const char *cli_word(const struct cli *c, size_t i);
/* Whether Ctrl-C or SIGTERM came since the command began: finish, and return ERR_INTERRUPTED. */
bool cli_interrupted(void);
/* Begin to notice them. The second signal ends the program at once, whatever it is waiting for. */
void cli_catch_signals(void);
/* --timeout in milliseconds. */
int cli_timeout_ms(const struct cli *c);
/* "500ms", "10s", "2m", "1h", "3d", or seconds. ERR_USAGE. */
MUST_USE enum err duration_parse(const char *text, int64_t *ms, struct fault *fault);

/* ---- help.c ---- */
/* The fault for a command that does not exist; returns ERR_USAGE. */
enum err command_unknown(const char *name, struct fault *fault);
void help_overview(void);
void help_command(const struct command *cmd);
/* The nearest of names within two slips, NULL where none is; `at` gives name i, NULL ends. */
const char *nearest(const char *word, const char *(*at)(size_t i, const void *arg), const void *arg);

#endif
