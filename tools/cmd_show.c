/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow show: what is known of a deal, with the sources that it comes from (show_deal.c), or one event
 * with all its fields and its receipt (show_event.c).
 */
#include "tools/show.h"

/* `#18` or `18` is a position, a UUID an id; all else is a name. */
static bool is_position(const char *word, uint64_t *seq)
{
	const char *p = word + (*word == '#');
	uint64_t n = 0;

	for (const char *d = p; *d; d++)
		if (*d < '0' || *d > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*d - '0'), &n) || n > INT64_MAX)
			return false;
	*seq = n;
	return *p != 0;
}

static enum err run_show(struct cli *c, struct fault *fault)
{
	const char *word = cli_word(c, 0);
	struct get get = { 0 };
	struct client *client;
	uint64_t min_seq;

	enum err e = min_seq_given(c, &min_seq, fault);
	if (!e)
		e = query_open(c, &client, fault);
	if (e)
		return e;
	if (min_seq)
		msg_set(&get, get, min_seq, min_seq);
	if (is_position(word, &get.seq)) {
		msg_mark(&get, get, seq);
		e = show_event(c, client, &get, fault);
	} else if (id_parse(str_of(word), get.id.b, NULL) == ERR_OK) {
		msg_mark(&get, get, id);
		e = show_event(c, client, &get, fault);
	} else {
		e = slug_check(str_of(word), fault);
		if (!e)
			e = show_deal(c, client, str_of(word), fault);
	}
	client_close(client);
	return e;
}

const struct command command_show = {
	.name = "show",
	.group = group_read,
	.line = "what is known of a deal, as of any day, with its sources; or one event",
	.usage = "DEAL|SEQ|ID [--as-of DAY] [options]",
	.examples = (const char *const[]){ "avow show softbank-openai-2025 --as-of 2025-01-30",
					   "avow show softbank-openai-2025 --as-of 2025-04-01",
					   "avow show openai-oracle --policy hull -o json",
					   "avow show '#18'", NULL },
	.details = "The stage; for each rung its total, who pays it, and what no payer is named for; what hangs\n"
		   "on open conditions; then the statements that it comes from, newest first. Without --as-of all\n"
		   "that is public counts. In a shell, write '#18' in quotes, or 18.\n"
		   "In TSV, CSV and JSON Lines, `part` says what a row is: total, payer, unattributed, conditional\n"
		   "or source. An amount without a figure is a row with `undisclosed` above 0; a rung with nothing at\n"
		   "all is a total without an amount.",
	.options = { clock_options, counting_options },
	.args_min = 1,
	.args_max = 1,
	.run = run_show,
};
