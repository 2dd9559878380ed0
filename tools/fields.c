/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: from options to an event. The options given become the event's JSON, which proto reads and
 * checks: the command line takes exactly what a line of a file takes.
 */
#include "tools/fields.h"

#include <stdio.h>

#include "tools/out.h"

#define EVENT_JSON_MAX (1u << 20)

#define F(name, type, arg, field, doc) { name, 0, type, arg, field, doc }

const struct opt fields_any[] = {
	F("stated", opt_text, "WHEN", "stated", "When the source made it public; today where "
		"absent."),
	F("on", opt_text, "DATE", "on", "When it happened or takes effect (EDTF): 2025, "
		"2025-01, 2024-10/2025-01."),
	F("url", opt_text, "URL", "source.url", "Where it stands."),
	F("publisher", opt_text, "NAME", "source.publisher", "Who published it."),
	F("published", opt_text, "DATE", "source.published", "When the source was published."),
	F("lang", opt_text, "TAG", "source.lang", "Language of the source, as fr."),
	F("by", opt_text, "PARTY", "by", "Who says it, where that is not the publisher."),
	F("derived-from", opt_text, "EVENT", "derived_from", "The event that this one retells: "
		"an id, or #SEQ."),
	F("note", opt_text, "TEXT", "note", "Free text."),
	F("tags", opt_list, "TAG", "tags", "Labels; repeat it or separate them by commas."),
	F("id", opt_text, "UUID", "id", "The event's id; made where absent. The same id is "
		"written once."),
	F("ref", opt_text, "EVENT", "ref", "The event that this one corrects: an id, or #SEQ."),
	F("reason", opt_text, "WORD", "reason", "Why: typo, source_corrected, source_withdrawn, "
		"duplicate, wrong_party, better_source, other; of a cancel: withdrawn, "
		"rejected, terminated, lapsed, denied."),
	OPT_END
};
const struct opt fields_said[] = {
	F("grade", opt_text, "WORD", "grade", "official, press (where absent), anonymous, social."),
	F("title", opt_text, "TEXT", "source.title", "Title of the article or filing."),
	F("quote", opt_text, "TEXT", "source.quote", "The words themselves; short."),
	OPT_END
};
const struct opt fields_about[] = {
	F("deal", opt_text, "DEAL", "deal", "The deal, as softbank-openai-2025."),
	F("from", opt_list, "PARTY", "from", "Who gives the money; on a deal, all of them."),
	F("to", opt_list, "PARTY", "to", "Who receives it."),
	OPT_END
};
const struct opt fields_money[] = {
	F("amount", opt_amount, "AMOUNT", "amount", "15bn..25bn USD, ~20bn USD, >40bn USD, <=25bn "
		"USD, 2.5bn USD; undisclosed where absent."),
	F("basis", opt_text, "WORD", "basis", "cash (where absent), stock, debt, in_kind, "
		"purchase, guarantee."),
	OPT_END
};
const struct opt fields_adds[] = {
	F("adds", opt_flag, NULL, "adds", "The amount adds to the rung instead of setting it."),
	OPT_END
};
const struct opt fields_phase[] = {
	F("phase", opt_text, "WORD", "phase", "early, ongoing, advanced, offer."),
	OPT_END
};
const struct opt fields_returned[] = {
	F("returned", opt_flag, NULL, "returned", "The money came back."),
	OPT_END
};
const struct opt fields_condition[] = {
	F("condition", opt_text, "SLUG", "condition", "Its name within the deal."),
	F("state", opt_text, "WORD", "state", "stated, met, failed, waived."),
	F("deadline", opt_text, "DATE", "deadline", "Until when."),
	OPT_END
};
const struct opt fields_total[] = {
	F("rung", opt_text, "WORD", "rung", "The rung that is claimed: talked, announced, "
		"committed, paid."),
	F("deals", opt_list, "DEAL", "deals", "The deals in scope; all where absent."),
	F("assume", opt_list, "DEAL", "assume", "The deals assumed closed."),
	OPT_END
};
const struct opt fields_remark[] = {
	F("stance", opt_text, "WORD", "stance", "doubt, denies, confirms, supports, reports."),
	OPT_END
};
const struct opt fields_market[] = {
	F("instrument", opt_text, "MIC:TICKER", "instrument", "The instrument, as XTKS:9984."),
	F("move", opt_text, "PERCENT", "move", "An exact decimal, or up, or down."),
	OPT_END
};
const struct opt fields_party[] = {
	F("party", opt_text, "PARTY", "party", "The party's slug."),
	F("name", opt_text, "TEXT", "name", "Its name."),
	F("names", opt_texts, "TEXT", "names", "Another name or spelling; repeat it for more."),
	F("type", opt_text, "WORD", "type", "company, state_body, person, group, arrangement."),
	F("identifier", opt_texts, "SCHEME:VALUE", "identifiers", "A name in a register, as "
		"lei:5493003BZYYYCDIO0R13; repeat it for more."),
	F("group", opt_text, "PARTY", "group", "The group that it belongs to."),
	OPT_END
};
const struct opt fields_deal[] = {
	F("title", opt_text, "TEXT", "title", "The deal's title."),
	F("instrument", opt_text, "TEXT", "instrument", "What is exchanged."),
	F("deadline", opt_text, "DATE", "deadline", "Until when."),
	F("link", opt_list, "TYPE:DEAL", "links", "How it stands to another: part_of, "
		"supersedes, retries, extends, in_return_for, funded_by."),
	F("source-title", opt_text, "TEXT", "source.title", "Title of the article or filing."),
	F("quote", opt_text, "TEXT", "source.quote", "The words themselves; short."),
	F("grade", opt_text, "WORD", "grade", "official, press, anonymous, social."),
	OPT_END
};
const struct opt fields_rate[] = {
	F("base", opt_text, "CURRENCY", "base", "One unit of this …"),
	F("quote", opt_text, "CURRENCY", "quote", "… costs, in this,"),
	F("rate", opt_text, "DECIMAL", "rate", "so much; exact."),
	F("grade", opt_text, "WORD", "grade", "official, press, anonymous, social."),
	F("title", opt_text, "TEXT", "source.title", "Title of the article or table."),
	OPT_END
};
const struct opt fields_correct[] = {
	F("deal-title", opt_text, "TEXT", "title", "deal: its title."),
	F("link", opt_list, "TYPE:DEAL", "links", "deal: how it stands to another."),
	F("base", opt_text, "CURRENCY", "base", "rate: one unit of this …"),
	F("quote-currency", opt_text, "CURRENCY", "quote", "rate: … costs, in this,"),
	F("rate", opt_text, "DECIMAL", "rate", "rate: so much; exact."),
	OPT_END
};
const struct opt fields_write[] = {
	F("dry-run", opt_flag, NULL, NULL, "Check it and show it; write nothing."),
	F("expect", opt_text, "REVISION", NULL, "Write only if the deal has as many events; 0: "
		"it must not exist yet."),
	OPT_END
};

/* ---- JSON ---- */

static enum err put(struct buf *b, const char *text)
{
	return buf_put(b, text, strlen(text));
}

/* `scheme:value` or `type:deal`: both sides of the colon. */
static enum err split_pair(const struct opt *o, struct str s, struct str *left, struct str *right,
			   struct fault *fault)
{
	const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;

	if (!colon)
		return fault_set(fault, ERR_USAGE, NULL, "--%s: `%.*s` is not "
		"%s", o->name, STR_ARG(s),
				 o->arg);
	*left = (struct str){ s.p, (size_t)(colon - s.p) };
	*right = (struct str){ colon + 1, s.n - left->n - 1 };
	return ERR_OK;
}

static enum err put_pair(const struct opt *o, struct str s, struct buf *b, struct fault *fault)
{
	const bool link = strcmp(o->field, "links") == 0;
	struct str left, right;
	enum err e = split_pair(o, s, &left, &right, fault);

	if (!e && link)
		e = put(b, "{\"type\":");
	if (!e)
		e = json_quote(left, b);
	if (!e)
		e = put(b, link ? ",\"deal\":" : ":");
	if (!e)
		e = json_quote(right, b);
	return !e && link ? put(b, "}") : e;
}

static enum err put_list(struct cli *c, const struct opt *o, struct buf *b, struct fault *fault)
{
	const bool map = strcmp(o->field, "identifiers") == 0, links = strcmp(o->field, "links") == 0;
	struct str_list list;
	enum err e = cli_list(c, o->name, &list, fault);

	if (!e)
		e = put(b, map ? "{" : "[");
	for (size_t i = 0; !e && i < list.n; i++) {
		if (i)
			e = put(b, ",");
		if (!e)
			e = map || links ? put_pair(o, list.v[i], b, fault) : json_quote(list.v[i], b);
	}
	return e ? e : put(b, map ? "}" : "]");
}

static enum err put_field(struct cli *c, const struct opt *o, const char *name, struct buf *b,
			  struct fault *fault)
{
	enum err e = b->n && b->p[b->n - 1] != '{' ? put(b, ",") : ERR_OK;

	if (!e)
		e = buf_printf(b, "\"%s\":", name);
	if (e)
		return e;
	switch (o->type) {
	case opt_flag:
		return put(b, "true");
	case opt_text:
	case opt_amount:
		return json_quote(str_of(cli_text(c, o->name)), b);
	case opt_list:
	case opt_texts:
		break;
	}
	return put_list(c, o, b, fault);
}

/* Fields under `prefix` ("source."), or those under none. */
static enum err put_fields(struct cli *c, const char *prefix, struct buf *b, struct fault *fault)
{
	const size_t n = strlen(prefix);
	const struct opt *o;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && (o = command_option(c->cmd, i)); i++) {
		if (!o->field || !cli_given(c, o->name))
			continue;
		if (n ? strncmp(o->field, prefix, n) == 0 : !strchr(o->field, '.'))
			e = put_field(c, o, o->field + n, b, fault);
	}
	return e;
}

static bool any_given(const struct cli *c, const char *prefix)
{
	const struct opt *o;

	for (size_t i = 0; (o = command_option(c->cmd, i)); i++)
		if (o->field && strncmp(o->field, prefix, strlen(prefix)) == 0 &&
		    cli_given(c, o->name))
			return true;
	return false;
}

static enum err put_event(struct cli *c, int kind, struct buf *b, struct fault *fault)
{
	enum err e = put(b, "{");

	if (!e)
		e = buf_printf(b, "\"kind\":\"%s\"", enum_word(&enum_kind, kind));
	if (!e)
		e = put_fields(c, "", b, fault);
	if (!e && any_given(c, "source.")) {
		e = put(b, b->n > 1 ? ",\"source\":{" : "\"source\":{");
		if (!e)
			e = put_fields(c, "source.", b, fault);
		if (!e)
			e = put(b, "}");
	}
	return e ? e : put(b, "}");
}

void fields_fault(const struct cli *c, struct fault *fault)
{
	const struct opt *o;
	const size_t n = strcspn(fault->field, "[");

	if (strcmp(fault->field, "source") == 0) {
		/* no option is all of it */
		(void)fault_set(fault, fault->code, NULL, "a source is missing: say where it was stated, "
				"with --publisher, --url, or a title");
		return;
	}
	for (size_t i = 0; (o = command_option(c->cmd, i)); i++) {
		const size_t k = o->field ? strlen(o->field) : 0;
		if (k && k <= n && memcmp(o->field, fault->field, k) == 0 &&
		    (k == n || fault->field[k] == '.')) {
			(void)snprintf(fault->field, sizeof(fault->field), "--%s", o->name);
			return;
		}
	}
}

enum err fields_event(struct cli *c, int kind, struct event *e, struct fault *fault)
{
	struct buf b;

	buf_init(&b, EVENT_JSON_MAX);
	enum err bad = put_event(c, kind, &b, fault);
	if (bad == ERR_TOO_LARGE || bad == ERR_NO_MEMORY)
		bad = fault_set(fault, bad, NULL, "the options are too long for one event");
	/* decoded texts point into the JSON: it must stay */
	const struct str text = bad ? (struct str){ 0 } : arena_str(&c->arena, buf_str(&b));
	buf_fini(&b);
	if (bad)
		return bad;
	if (!text.p)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	bad = json_read(&shape_event, text, &c->arena, e, fault);
	if (bad)
		fields_fault(c, fault);
	return bad;
}

enum err fields_default_grade(struct event *e)
{
	const bool statement = e->kind != kind_party && e->kind != kind_deal &&
			       e->kind != kind_rate && e->kind != kind_retract;

	if (statement && !msg_has(e, event, grade))
		msg_set(e, event, grade, grade_press);
	return ERR_OK;
}

enum err fields_defaults(struct cli *c, struct event *e, struct fault *fault)
{
	char today[DAY_TEXT_SIZE];

	if (!msg_has(e, event, id)) {
		id_make(c->now_us, e->id.b);
		msg_mark(e, event, id);
	}
	if (!msg_has(e, event, stated)) {
		day_format(day_of(c->now_us), today);
		msg_set(e, event, stated, arena_str(&c->arena, str_of(today)));
		if (!e->stated.p)
			return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	}
	return fields_default_grade(e);
}
