/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow search: parties and deals by a part of a name, in any spelling and script; whole names come
 * first, then beginnings, then the rest.
 */
#include <stdio.h>

#include "tools/question.h"

#define HITS_MAX 1000u /* as the message has it */

static const struct opt options[] = {
	{ "limit", 0, opt_text, "N", NULL, "At most so many; 50 if not given, at most 1000." },
	OPT_END
};
static const struct out_column columns[] = { { "what", out_is_text, false },
					     { "slug", out_is_text, false },
					     { "name", out_is_text, true } };

static enum err print(struct cli *c, const struct found *found, struct fault *fault)
{
	char words[64];
	struct out *o;
	const enum err e = out_open(c, columns, ARRAY_LEN(columns), &o, fault);

	if (e)
		return e;
	for (size_t i = 0; i < found->hits.n; i++) {
		const struct hit *h = &found->hits.v[i];
		const bool party = msg_has(h, hit, party);
		out_text(o, party ? STR("party") : STR("deal"));
		out_text(o, party ? h->party : h->deal);
		str_put(o, h->name);
		out_row(o);
	}
	question_meta(o, &found->basis);
	(void)snprintf(words, sizeof(words), "%llu found", (unsigned long long)found->total);
	out_meta_number(o, "total", found->total > found->hits.n ? words : NULL,
			(int64_t)found->total);
	return out_close(o, fault);
}

/* All arguments are one text, so that quotes are needed only for what the shell would take. */
static enum err read_text(struct cli *c, struct str *text, struct fault *fault)
{
	*text = str_of(cli_word(c, 0));
	for (size_t i = 1; cli_word(c, i); i++) {
		*text = arena_printf(&c->arena, "%.*s %s", STR_ARG(*text), cli_word(c, i));
		if (!text->p)
			return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	}
	return ERR_OK;
}

static enum err run_search(struct cli *c, struct fault *fault)
{
	struct search q = { 0 };
	struct client *client;
	struct found found;
	struct rules rules = { 0 };

	enum err e = clocks_given(c, &rules.clocks, &rules.pinned, fault);
	if (!e)
		e = min_seq_given(c, &rules.min_seq, fault);
	if (!e)
		e = read_text(c, &q.text, fault);
	if (!e)
		e = cli_number(c, "limit", 0, HITS_MAX, &q.limit, fault);
	if (!e)
		e = query_open(c, &client, fault);
	if (e)
		return e;
	CLOCKS_PUT(&q, search, &rules);
	msg_mark(&q, search, text);
	if (cli_given(c, "limit"))
		msg_mark(&q, search, limit);
	e = query_ask(c, client, &shape_search, &q, &shape_found, &found, fault);
	if (!e)
		e = print(c, &found, fault);
	client_close(client);
	return e;
}

const struct command command_search = {
	.name = "search",
	.group = group_read,
	.line = "parties and deals by a part of a name, in any spelling and script",
	.usage = "TEXT [options]",
	.examples = (const char *const[]){ "avow search softbank", "avow search ソフトバンク",
					   "avow search 'open ai' --limit 5",
					   "avow search stargate --as-of 2025-01-21 -o json", NULL },
	.details = "Slugs, names, other names and titles are searched; case and accents do not matter. Whole names\n"
		   "come first, then beginnings, then beginnings of words, then the rest. `name` is what matched,\n"
		   "where that was not the slug. Nothing is counted, so --rung, --policy, --assume, --in and\n"
		   "--basis do not apply.",
	.options = { options, clock_options },
	.args_min = 1,
	.args_max = ARGS_MAX,
	.run = run_search,
};
