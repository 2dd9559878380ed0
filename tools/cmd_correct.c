/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow correct: a new event that stands in the place of a stored one: the same but for the fields
 * that are given, or taken out.
 */
#include "tools/fields.h"
#include "tools/write.h"

static const struct opt options[] = {
	{ "unset", 0, opt_list, "FIELD", NULL, "Take a field out: an undisclosed amount is "
		"--unset amount." },
	{ "kind", 0, opt_text, "KIND", NULL, "Another kind of statement." },
	OPT_END
};

static size_t size_of(const struct field *f)
{
	if (f->list)
		return sizeof(struct str_list); /* a pointer and a count, whatever it lists */
	switch (f->type) {
	case F_BOOL:
		return sizeof(bool);
	case F_U64:
	case F_I64:
	case F_TIME:
		return sizeof(uint64_t);
	case F_ID:
		return sizeof(struct id);
	case F_HASH:
		return sizeof(struct hash);
	case F_AMOUNT:
		return sizeof(struct amount);
	case F_ENUM:
		return sizeof(int);
	case F_SUB:
		return f->sub->size;
	default:
		return sizeof(struct str);
	}
}

/* Put what `from` has over what `to` has; a nested record field by field. `has` stands first. */
static void overlay(const struct shape *s, void *to, const void *from)
{
	uint64_t given, had;

	memcpy(&given, from, sizeof(given));
	memcpy(&had, to, sizeof(had));
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const char *src = (const char *)from + f->offset;
		char *dst = (char *)to + f->offset;
		if (!(given >> i & 1))
			continue;
		if (f->type == F_SUB && !f->list && (had >> i & 1))
			overlay(f->sub, dst, src);
		else
			memcpy(dst, src, size_of(f));
	}
	had |= given;
	memcpy(to, &had, sizeof(had));
}

static enum err unset_fields(struct cli *c, struct event *e, struct fault *fault)
{
	struct str_list list;
	enum err bad = cli_list(c, "unset", &list, fault);

	for (size_t k = 0; !bad && k < list.n; k++) {
		size_t i = 0;
		while (i < shape_event.nfields &&
		       !str_eq(str_of(shape_event.fields[i].name), list.v[k]))
			i++;
		if (i == shape_event.nfields)
			return fault_set(fault, ERR_UNKNOWN_FIELD, "--unset",
					 "an event has no field `%.*s`", STR_ARG(list.v[k]));
		e->has &= ~(UINT64_C(1) << i);
	}
	return bad;
}

/* The slip of whoever published: the source said so from the beginning. */
static bool keeps_day(const struct event *given)
{
	return !msg_has(given, event, stated) && msg_has(given, event, reason) &&
	       given->reason == reason_typo;
}

static enum err run_correct(struct cli *c, struct fault *fault)
{
	struct event e = { 0 }, given = { 0 };
	struct entry entry = { 0 };
	const char *kind = cli_text(c, "kind");
	enum err bad = fetch_event(c, cli_word(c, 0), &entry, fault);

	if (!bad)
		bad = event_decode(entry.event, &c->arena, &e, fault);
	if (!bad && kind)
		e.kind = enum_value(&enum_kind, str_of(kind));
	if (!bad && !e.kind)
		bad = fault_set(fault, ERR_UNKNOWN_KIND, "--kind", "`%s` is not a kind known here",
				kind ? kind : "that of the event");
	if (!bad)
		bad = fields_event(c, e.kind, &given, fault);
	if (bad)
		return bad;
	const struct id corrected = e.id;
	/* what belonged to the corrected event alone */
	e.has &= ~(UINT64_C(1) << event_HAS_id | UINT64_C(1) << event_HAS_stated |
		   UINT64_C(1) << event_HAS_reason);
	overlay(&shape_event, &e, &given);
	msg_set(&e, event, ref, corrected);
	bad = unset_fields(c, &e, fault);
	if (!bad && kind) {
		msg_set(&e, event, kind, enum_value(&enum_kind, str_of(kind)));
		if (!e.kind)
			bad = fault_set(fault, ERR_UNKNOWN_KIND, "--kind", "`%s` is not a "
			"kind", kind);
	}
	if (!bad)
		bad = fields_defaults(c, &e, fault);
	if (!bad && keeps_day(&given))
		e.has &= ~(UINT64_C(1) << event_HAS_stated);
	return bad ? bad : write_event(c, &e, fault);
}

const struct command command_correct = {
	.name = "correct",
	.group = group_write,
	.line = "put a mended event in the place of a stored one",
	.usage = "SEQ | ID [--FIELD VALUE …] [--unset FIELD] [--reason WORD]",
	.examples = (const char *const[]){
		"avow correct 17 --amount '15bn USD' --reason typo",
		"avow correct 17 --unset amount --reason source_corrected --stated "
		"2025-02-01", NULL },
	.details = "Everything that is not given stays as in the stored event, which itself "
		"stays in the\n"
		   "ledger. The correction is public from `stated` (today where absent) on; "
		"with --reason\n"
		   "typo and no --stated, from the stored event's day on.",
	.options = { options, fields_about, fields_money, fields_adds, fields_said, fields_phase,
		     fields_returned, fields_condition, fields_total, fields_remark, fields_market,
		     fields_party, fields_correct, fields_any, fields_write, NULL },
	.args_min = 1,
	.args_max = 1,
	.run = run_correct,
};
