/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow show: what is known of a deal, with the sources that it comes from (show_deal.c), of a party,
 * with its deals (show_party.c), or one event with all its fields and its receipt (show_event.c).
 */
#include <stdio.h>

#include "tools/show.h"

static const struct opt options[] = {
	{ "party", 0, opt_flag, NULL, NULL, "NAME is a party, also where a deal has the same name." },
	{ "rung", 0, opt_text, "RUNG", NULL, "Only this rung: talked, announced, committed or paid." },
	OPT_END
};

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

/* Whether anything in the ledger speaks of a party by this name, within the clocks. */
static bool is_party(struct cli *c, struct client *client, struct str name,
		     const struct rules *rules)
{
	struct history history = { 0 };
	struct statements found;
	struct fault ignored;

	fault_init(&ignored);
	CLOCKS_PUT(&history, history, rules);
	msg_set(&history, history, party, name);
	msg_set(&history, history, limit, 1);
	return query_ask(c, client, &shape_history, &history, &shape_statements, &found,
			 &ignored) == ERR_OK;
}

/* A deal by this name, else a party. */
static enum err show_name(struct cli *c, struct client *client, struct str name,
			  struct fault *fault)
{
	struct fault second;
	struct rules rules;

	enum err e = slug_check(name, fault);
	if (!e)
		e = rules_given(c, &rules, fault);
	if (e)
		return e;
	if (cli_flag(c, "party"))
		return show_party(c, client, name, &rules, fault);
	e = show_deal(c, client, name, &rules, fault);
	if (!e && is_party(c, client, name, &rules))
		fprintf(stderr, "avow show: %.*s is a party as well: `avow show %.*s --party`\n",
			STR_ARG(name), STR_ARG(name));
	if (e != ERR_NOT_FOUND)
		return e;
	fault_init(&second);
	e = show_party(c, client, name, &rules, &second);
	if (e == ERR_NOT_FOUND) {
		const struct fault first = *fault;
		return fault_set(fault, e, NULL, "%.125s; %.125s", first.text, second.text);
	}
	if (e)
		*fault = second;
	return e;
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
		e = show_name(c, client, str_of(word), fault);
	}
	client_close(client);
	return e;
}

const struct command command_show = {
	.name = "show",
	.group = group_read,
	.line = "what is known of a deal or a party, as of any day, with its sources; or one event",
	.usage = "DEAL|PARTY|SEQ|ID [--as-of DAY] [options]",
	.examples = (const char *const[]){ "avow show softbank-openai-2025 --as-of 2025-01-30",
					   "avow show softbank-openai-2025 --as-of 2025-04-01",
					   "avow show openai-oracle --policy hull -o json",
					   "avow show softbank --as-of 2025-04-01",
					   "avow show stargate --party --in USD",
					   "avow show '#18'", NULL },
	.details = "The stage; for each rung its total, who pays it, and what no payer is named for; what hangs\n"
		   "on open conditions; then the statements that it comes from, newest first. Without --as-of all\n"
		   "that is public counts. In a shell, write '#18' in quotes, or 18.\n"
		   "A name is a deal, or else a party: what it is; for each rung what it pays and is paid, over the\n"
		   "deals that no other deal contains; then those deals, with what it pays in each, and what each\n"
		   "that pays it comes to.\n"
		   "In TSV, CSV and JSON Lines, `part` says what a row is: total, payer, unattributed, conditional\n"
		   "or source. An amount without a figure is a row with `undisclosed` above 0; a rung with nothing at\n"
		   "all is a total without an amount. Of a party: pays, paid, pays_in or paid_by.",
	.options = { options, clock_options, counting_options },
	.args_min = 1,
	.args_max = 1,
	.run = run_show,
};
