/* SPDX-License-Identifier: Apache-2.0 */
/* avow config show: each setting, its value, and where it comes from. */
#include "tools/out.h"

static enum err run_config(struct cli *c, struct fault *fault)
{
	static const struct out_column columns[] = { { "name", out_is_text, false },
						     { "value", out_is_text, false },
						     { "origin", out_is_text, false } };
	struct out *o;

	if (strcmp(cli_word(c, 0), "show") != 0)
		return fault_set(fault, ERR_USAGE, NULL, "`%s`? it is: avow config show",
				 cli_word(c, 0));
	const enum err e = out_open(c, columns, ARRAY_LEN(columns), &o, fault);
	if (e)
		return e;
	for (int i = 0; i < SETTING_COUNT; i++) {
		out_text(o, str_of(setting_word((enum setting_name)i)));
		out_text(o, str_of(c->settings.v[i].value));
		out_text(o, str_of(c->settings.v[i].origin));
		out_row(o);
	}
	return out_close(o, fault);
}

const struct command command_config = {
	.name = "config",
	.group = group_run,
	.line = "show each setting and where it comes from",
	.usage = "show",
	.examples = (const char *const[]){ "avow config show", "avow config show -o json", NULL },
	.details = "Settings are taken from the option, then the variable AVOW_NAME, then the config\n"
		   "file ($AVOW_CONFIG, or ~/.config/avow/config over /etc/avow/config, with lines\n"
		   "`name = value`), then the default.",
	.args_min = 1,
	.args_max = 1,
	.run = run_config,
};
