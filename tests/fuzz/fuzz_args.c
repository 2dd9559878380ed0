/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: the name of a command and its words, one a line. */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "tools/cmd.h"

#define WORDS_MAX 32

/* What commands ask of their options, whichever they have. */
static void look(struct cli *c, struct fault *fault)
{
	struct str_list list;
	uint64_t number;
	int64_t ms;
	const struct opt *o;

	for (size_t i = 0; (o = command_option(c->cmd, i)); i++) {
		if (o->type == opt_flag) {
			(void)cli_flag(c, o->name);
			continue;
		}
		const char *text = cli_text(c, o->name);
		enum err e = cli_list(c, o->name, &list, fault);
		require(e || (list.n > 0) == (text != NULL));
		e = cli_number(c, o->name, 0, 10000, &number, fault);
		require(e == ERR_USAGE || number <= 10000);
		if (text && duration_parse(text, &ms, fault) == ERR_OK)
			require(ms >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(fuzz_str(data, size));
	char *argv[WORDS_MAX], *save = NULL;
	struct fault fault;
	int argc = 0;

	for (char *word = strtok_r(text, "\n", &save); word && argc < WORDS_MAX;
	     word = strtok_r(NULL, "\n", &save))
		argv[argc++] = word;
	struct cli c = { .cmd = argc ? command_find(argv[0]) : NULL, .now_us = FUZZ_NOW_US };
	fault_init(&fault);
	if (!c.cmd) {
		require(command_unknown(argc ? argv[0] : "", &fault) == ERR_USAGE && fault.text[0]);
		free(text);
		return 0;
	}
	arena_init(&c.arena, CLI_ARENA_MAX);
	settings_init(&c.settings);
	const enum err e = args_parse(&c.args, c.cmd, argc - 1, argv + 1, &c.settings, &fault);
	if (e)
		require(fault.code == e && fault.text[0]);
	else
		look(&c, &fault);
	args_fini(&c.args);
	arena_fini(&c.arena);
	free(text);
	return 0;
}
