/* SPDX-License-Identifier: Apache-2.0 */
/* The write verbs: one a kind, each a row; and retract, which names what it withdraws. */
#include "tools/fields.h"
#include "tools/write.h"

/* Options that name an event take #SEQ as well: put the id in its place. */
static enum err resolve_names(struct cli *c, struct fault *fault)
{
	for (size_t i = 0; i < c->args.noptions; i++) {
		struct given *g = &c->args.options[i];
		char text[ID_TEXT_SIZE];
		struct id id;
		if (!g->opt->field || !g->opt->arg || strcmp(g->opt->arg, "EVENT") != 0)
			continue;
		const enum err e = fetch_id(c, g->value, &id, fault);
		if (e)
			return e;
		id_format(id.b, text);
		const struct str kept = arena_str(&c->arena, str_of(text));
		if (!kept.p)
			return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
		g->value = kept.p;
	}
	return ERR_OK;
}

static enum err run_write(struct cli *c, struct fault *fault)
{
	struct event e = { 0 };
	enum err bad = resolve_names(c, fault);

	if (!bad)
		bad = fields_event(c, c->cmd->kind, &e, fault);
	if (!bad)
		bad = fields_defaults(c, &e, fault);
	return bad ? bad : write_event(c, &e, fault);
}

static enum err run_retract(struct cli *c, struct fault *fault)
{
	struct event e = { 0 };
	enum err bad = resolve_names(c, fault);

	if (!bad)
		bad = fields_event(c, kind_retract, &e, fault);
	if (!bad)
		bad = fetch_id(c, cli_word(c, 0), &e.ref, fault);
	if (bad)
		return bad;
	msg_mark(&e, event, ref);
	if (!msg_has(&e, event, source)) {
		/* who withdraws is the source, where no other is named */
		msg_set(&e.source, source, publisher, STR("curator"));
		msg_mark(&e, event, source);
	}
	bad = fields_defaults(c, &e, fault);
	return bad ? bad : write_event(c, &e, fault);
}

#define EXAMPLES(...) (const char *const[]){ __VA_ARGS__, NULL }
#define MONEY_USAGE                                                                                \
	"--deal DEAL [--from PARTY] [--to PARTY] [--amount AMOUNT] --publisher NAME [--url URL] …"

const struct command command_announce = {
	.name = "announce",
	.group = group_write,
	.line = "a plan or an intent, not binding: sets the announced rung",
	.usage = MONEY_USAGE,
	.examples = EXAMPLES(
		"avow announce --deal stargate --from softbank --amount '500bn USD' --on "
		"2025/2029 --publisher OpenAI --grade official",
		"avow announce --deal openai-amd-2025 --from openai --to amd --amount '>10bn "
		"USD' --publisher AMD"),
	.options = { fields_about, fields_money, fields_adds, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_announce,
};

const struct command command_talks = {
	.name = "talks",
	.group = group_write,
	.line = "negotiations: sets the talked rung",
	.usage = MONEY_USAGE,
	.examples = EXAMPLES(
		"avow talks --deal softbank-openai-2025 --from softbank --to openai --amount "
		"'15bn..25bn USD' --stated 2025-01-30 --publisher 'Financial Times' --grade "
		"anonymous",
		"avow talks --deal softbank-openai-2025 --amount '40bn USD' --phase advanced "
		"--publisher CNBC"),
	.options = { fields_about, fields_money, fields_adds, fields_said, fields_phase, fields_any,
		     fields_write, NULL },
	.run = run_write,
	.kind = kind_talks,
};

const struct command command_rumour = {
	.name = "rumour",
	.group = group_write,
	.line = "something heard, not confirmed: sets the talked rung",
	.usage = MONEY_USAGE,
	.examples = EXAMPLES(
		"avow rumour --deal apple-perplexity --from apple --to perplexity --publisher "
		"Bloomberg --grade anonymous"),
	.options = { fields_about, fields_money, fields_adds, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_rumour,
};

const struct command command_commit = {
	.name = "commit",
	.group = group_write,
	.line = "signed, allocated, binding: sets the committed rung",
	.usage = MONEY_USAGE,
	.examples = EXAMPLES(
		"avow commit --deal softbank-openai-2025 --from softbank --amount '<=40bn USD' "
		"--stated 2025-03-31 --publisher 'SoftBank Group' --grade official",
		"avow commit --deal oracle-openai --amount '4bn USD' --adds --publisher Oracle"),
	.options = { fields_about, fields_money, fields_adds, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_commit,
};

const struct command command_pay = {
	.name = "pay",
	.group = group_write,
	.line = "money moved: adds to the paid rung",
	.usage = MONEY_USAGE,
	.examples = EXAMPLES(
		"avow pay --deal softbank-openai-2025 --from softbank --to openai --amount "
		"'7.5bn USD' --on 2025-04 --publisher 'SoftBank Group' --grade official",
		"avow pay --deal nvidia-arm --amount '1.25bn USD' --returned --publisher SoftBank"),
	.options = { fields_about, fields_money, fields_returned, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_pay,
};

const struct command command_close = {
	.name = "close",
	.group = group_write,
	.line = "the deal is done; an amount sets the committed rung",
	.usage = MONEY_USAGE,
	.examples = EXAMPLES(
		"avow close --deal softbank-openai-2025 --on 2025-12-26 --publisher 'SoftBank "
		"Group' --grade official"),
	.options = { fields_about, fields_money, fields_adds, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_close,
};

const struct command command_cancel = {
	.name = "cancel",
	.group = group_write,
	.line = "the deal, or one payer's part of it, is off; what was paid stays",
	.usage = "--deal DEAL [--from PARTY] [--reason WORD] --publisher NAME …",
	.examples = EXAMPLES(
		"avow cancel --deal nvidia-arm --reason terminated --stated 2022-02-08 "
		"--publisher Nvidia --grade official"),
	.options = { fields_about, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_cancel,
};

const struct command command_condition = {
	.name = "condition",
	.group = group_write,
	.line = "something the commitment hangs on: stated, met, failed or waived",
	.usage = "--deal DEAL --condition SLUG --state WORD [--amount AMOUNT] [--deadline DATE] "
		"--publisher NAME …",
	.examples = EXAMPLES(
		"avow condition --deal softbank-openai-2025 --condition restructuring --state "
		"stated --amount '20bn USD' --deadline 2025-12-31 --publisher OpenAI",
		"avow condition --deal softbank-openai-2025 --condition restructuring --state "
		"met --publisher OpenAI"),
	.options = { fields_about, fields_money, fields_condition, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_condition,
};

const struct command command_total = {
	.name = "total",
	.group = group_write,
	.line = "a sum that a source states: never added up, but reconciled",
	.usage = "--rung WORD --amount AMOUNT --from PARTY | --to PARTY [--deals DEAL,…] "
		"--publisher NAME …",
	.examples = EXAMPLES(
		"avow total --from microsoft --to openai --rung committed --amount '13bn USD' "
		"--publisher Reuters"),
	.options = { fields_about, fields_money, fields_total, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_total,
};

const struct command command_remark = {
	.name = "remark",
	.group = group_write,
	.line = "somebody doubts, denies, confirms or supports; changes no amount",
	.usage = "--deal DEAL --stance WORD [--by PARTY] --publisher NAME …",
	.examples = EXAMPLES(
		"avow remark --deal stargate --stance doubt --by elon-musk --quote 'They do not "
		"actually have the money' --publisher X --grade social"),
	.options = { fields_about, fields_remark, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_remark,
};

const struct command command_market = {
	.name = "market",
	.group = group_write,
	.line = "a price reaction",
	.usage = "--instrument MIC:TICKER --move PERCENT [--deal DEAL] --publisher NAME …",
	.examples = EXAMPLES(
		"avow market --deal stargate --instrument XTKS:9984 --move 10.6 --on 2025-01-22 "
		"--publisher Nikkei",
		"avow market --instrument XNAS:NVDA --move down --publisher Reuters"),
	.options = { fields_about, fields_market, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_market,
};

const struct command command_party = {
	.name = "party",
	.group = group_write,
	.line = "declare a party: its names and what it is",
	.usage = "--party PARTY --name TEXT [--type WORD] …",
	.examples = EXAMPLES(
		"avow party --party softbank --name 'SoftBank Group' --names ソフトバンクグループ --type "
		"company --identifier lei:5493003BZYYYCDIO0R13"),
	.options = { fields_party, fields_said, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_party,
};

const struct command command_deal = {
	.name = "deal",
	.group = group_write,
	.line = "declare a deal: its sides, and how it stands to others",
	.usage = "--deal DEAL [--title TEXT] [--from PARTY,…] [--to PARTY,…] [--link TYPE:DEAL] …",
	.examples = EXAMPLES(
		"avow deal --deal stargate --title 'The Stargate Project' --from "
		"softbank,openai,oracle,mgx --to stargate-llc",
		"avow deal --deal stargate-abilene --link part_of:stargate"),
	.options = { fields_about, fields_deal, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_deal,
};

const struct command command_rate = {
	.name = "rate",
	.group = group_write,
	.line = "an exchange rate on a day",
	.usage = "--base CURRENCY --quote CURRENCY --rate DECIMAL --on DATE --publisher NAME …",
	.examples = EXAMPLES(
		"avow rate --base USD --quote JPY --rate 156.25 --on 2025-01-30 --publisher ECB"),
	.options = { fields_rate, fields_any, fields_write, NULL },
	.run = run_write,
	.kind = kind_rate,
};

const struct command command_retract = {
	.name = "retract",
	.group = group_write,
	.line = "withdraw an event, a correction, or a retract",
	.usage = "SEQ | ID [--reason WORD] [--publisher NAME] …",
	.examples = EXAMPLES("avow retract 17 --reason duplicate",
			     "avow retract 17 --reason source_withdrawn --publisher Reuters "
			"--url https://example.com/a"),
	.details = "The event stays in the ledger, and counts for every day before `stated`.\n"
		   "Without a source the source is `curator`: whoever keeps this ledger.",
	.options = { fields_said, fields_any, fields_write, NULL },
	.args_min = 1,
	.args_max = 1,
	.run = run_retract,
	.kind = kind_retract,
};
