/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: the rules of an event beyond its shape.
 *
 * The table says which fields a kind needs and takes; what a table cannot say is in the functions
 * behind it. That an event contradicts others is no reason to refuse it: nothing here looks at
 * another event.
 */
#include "proto/field.h"

#define STATED_AHEAD_MAX_US (INT64_C(86400) * 1000000) /* a day */

#define BIT(f) (UINT64_C(1) << event_HAS_##f)
/* what every event has or may have */
#define ALWAYS (BIT(id) | BIT(kind))
#define ANY (BIT(on) | BIT(derived_from) | BIT(grade) | BIT(by) | BIT(ref) | BIT(reason) | \
	     BIT(note) | BIT(tags) | BIT(stated) | BIT(source))
/* statements: who says so, when, how well, and about whom */
#define SAID (ALWAYS | BIT(stated) | BIT(source) | BIT(grade))
#define ABOUT (ANY | BIT(deal) | BIT(from) | BIT(to))
#define MONEY (ABOUT | BIT(amount) | BIT(basis))
#define SETS (MONEY | BIT(adds))

static const struct kind_rule rules[kind_COUNT] = {
	[kind_rumour] = { SAID | BIT(deal), SETS, true },
	[kind_talks] = { SAID | BIT(deal), SETS | BIT(phase), true },
	[kind_announce] = { SAID | BIT(deal), SETS, true },
	[kind_commit] = { SAID | BIT(deal), SETS, true },
	[kind_close] = { SAID | BIT(deal), SETS, true },
	[kind_pay] = { SAID | BIT(deal), MONEY | BIT(returned), true },
	[kind_cancel] = { SAID | BIT(deal), ABOUT, true },
	[kind_condition] = { SAID | BIT(deal) | BIT(condition) | BIT(state), MONEY | BIT(deadline),
			     true },
	[kind_total] = { SAID | BIT(rung) | BIT(amount), MONEY | BIT(deals) | BIT(assume), true },
	[kind_remark] = { SAID | BIT(deal) | BIT(stance), ABOUT, true },
	[kind_market] = { SAID | BIT(instrument) | BIT(move), ABOUT, true },
	[kind_party] = { ALWAYS | BIT(stated) | BIT(party) | BIT(name),
			 ANY | BIT(names) | BIT(type) | BIT(identifiers) | BIT(group), false },
	[kind_deal] = { ALWAYS | BIT(stated) | BIT(deal),
			ABOUT | BIT(title) | BIT(instrument) | BIT(deadline) | BIT(links), false },
	[kind_rate] = { ALWAYS | BIT(stated) | BIT(source) | BIT(base) | BIT(quote) | BIT(rate), ANY,
			false },
	[kind_retract] = { ALWAYS | BIT(stated) | BIT(source) | BIT(ref), ANY, false },
};

const struct kind_rule *kind_rule(int kind)
{
	require(kind > 0 && kind < kind_COUNT);
	return &rules[kind];
}

static const char *kind_name(const struct event *e)
{
	return enum_word(&enum_kind, e->kind);
}

/* The fields that the kind needs and takes. */
static enum err check_fields(const struct event *e, struct fault *fault)
{
	const struct kind_rule *rule = &rules[e->kind];
	uint64_t needs = rule->needs;

	if (msg_has(e, event, ref))
		needs &= ~BIT(stated);
	const uint64_t lacks = needs & ~e->has, extra = e->has & ~(rule->needs | rule->takes);
	if (extra)
		return fault_set(fault, ERR_NOT_FOR_KIND,
				 shape_event.fields[__builtin_ctzll(extra)].name,
				 "`%s` does not have this field", kind_name(e));
	if (lacks)
		return fault_set(fault, ERR_MISSING_FIELD,
				 shape_event.fields[__builtin_ctzll(lacks)].name,
				 "`%s` needs it", kind_name(e));
	return ERR_OK;
}

static enum err check_stated(const struct event *e, int64_t now_us, struct fault *fault)
{
	struct when when;

	if (!msg_has(e, event, stated))
		return ERR_OK;
	const enum err bad = when_parse(e->stated, &when, fault);
	if (bad) {
		fault_under(fault, "stated");
		return bad;
	}
	/* a day counts as its first instant */
	if (when.us > now_us && when.us - now_us > STATED_AHEAD_MAX_US)
		return fault_set(fault, ERR_STATED_IN_FUTURE, "stated",
				 "stated more than a day from now");
	return ERR_OK;
}

static enum err check_source(const struct event *e, struct fault *fault)
{
	const struct source *s = &e->source;

	if (!msg_has(e, event, source))
		return ERR_OK;
	if (s->url.n || s->title.n || s->publisher.n)
		return ERR_OK;
	return fault_set(fault, ERR_NO_SOURCE, "source", "it needs a url, a title or a publisher");
}

static enum err check_amount(const struct event *e, struct fault *fault)
{
	if (!msg_has(e, event, amount))
		return ERR_OK;
	enum err bad = amount_check(&e->amount, fault);
	if (!bad && e->amount.low_open && e->amount.high_open)
		bad = fault_set(fault, ERR_BAD_AMOUNT, NULL,
				"an amount without a bound; leave it out where it is undisclosed");
	if (bad)
		fault_under(fault, "amount");
	return bad;
}

/* Why: words of cancel on a cancel, words of repairs where `ref` names what is repaired. */
static enum err check_reason(const struct event *e, struct fault *fault)
{
	const bool repairs = msg_has(e, event, ref), cancels = e->kind == kind_cancel;

	if (!msg_has(e, event, reason))
		return ERR_OK;
	if (!repairs && !cancels)
		return fault_set(fault, ERR_NOT_FOR_KIND, "reason",
				 "a reason goes with `ref`, or with a cancel");
	if ((repairs && cancels) || e->reason == reason_other)
		return ERR_OK;
	if ((e->reason >= reason_withdrawn) == cancels)
		return ERR_OK;
	return fault_set(fault, ERR_BAD_VALUE, "reason", "not a reason %s",
			 cancels ? "of a cancel" : "for a correction or a retract");
}

static enum err check_payers(const struct event *e, struct fault *fault)
{
	if (rules[e->kind].statement && e->from.n > 1) {
		if (fault)
			fault->max = 1;
		return fault_set(fault, ERR_TOO_LARGE, "from",
				 "a statement names at most one payer; a deal may declare more");
	}
	if (e->kind == kind_total && e->from.n == 0 && e->to.n == 0)
		return fault_set(fault, ERR_MISSING_FIELD, "from",
				 "`total` needs from, or to, or both");
	return ERR_OK;
}

static enum err check_rate(const struct event *e, struct fault *fault)
{
	struct decimal rate;

	if (e->kind != kind_rate)
		return ERR_OK;
	if (str_eq(e->base, e->quote))
		return fault_set(fault, ERR_BAD_VALUE, "quote", "the same currency as base");
	const enum err bad = decimal_parse(e->rate, &rate, fault);
	if (bad) {
		fault_under(fault, "rate");
		return bad;
	}
	return rate.units > 0 ? ERR_OK :
		fault_set(fault, ERR_BAD_VALUE, "rate", "a rate is above zero");
}

#define MIC_SIZE 4
/* MIC:ticker, as XNAS:NVDA (ISO 10383). */
static enum err check_instrument(const struct event *e, struct fault *fault)
{
	const struct str s = e->instrument;
	bool good = s.n > MIC_SIZE + 1 && s.p[MIC_SIZE] == ':';

	if (e->kind != kind_market)
		return ERR_OK;
	for (size_t i = 0; good && i < s.n; i++) {
		const char c = s.p[i];
		const bool capital = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		good = i < MIC_SIZE ? capital : c > ' ' && c < 0x7f;
	}
	return good ? ERR_OK :
		fault_set(fault, ERR_BAD_VALUE, "instrument", "not MIC:ticker, as XNAS:NVDA");
}

/* Every rule on an event whose values are right by themselves. */
static enum err check_rules(const struct event *e, int64_t now_us, struct fault *fault)
{
	enum err bad = check_fields(e, fault);

	if (!bad)
		bad = check_stated(e, now_us, fault);
	if (!bad)
		bad = check_source(e, fault);
	if (!bad)
		bad = check_amount(e, fault);
	if (!bad)
		bad = check_reason(e, fault);
	if (!bad)
		bad = check_payers(e, fault);
	if (!bad)
		bad = check_rate(e, fault);
	if (!bad)
		bad = check_instrument(e, fault);
	if (!bad && msg_has(e, event, ref) && memcmp(&e->ref, &e->id, ID_SIZE) == 0)
		bad = fault_set(fault, ERR_BAD_VALUE, "ref", "an event cannot repair itself");
	return bad;
}

static enum err check_size(struct str bytes, struct fault *fault)
{
	return field_check_limit(EVENT_BYTES_MAX, bytes.n, "a longer event", fault);
}

enum err event_decode(struct str bytes, struct arena *a, struct event *e, struct fault *fault)
{
	const enum err bad = check_size(bytes, fault);

	return bad ? bad : record_decode(&shape_event, bytes, a, e, fault);
}

enum err event_check(struct str bytes, int64_t now_us, struct arena *a, struct event *e,
		     struct fault *fault)
{
	enum err bad = check_size(bytes, fault);

	if (!bad)
		bad = record_decode_strict(&shape_event, bytes, a, e, fault);
	return bad ? bad : check_rules(e, now_us, fault);
}

enum err event_check_struct(const struct event *e, int64_t now_us, struct fault *fault)
{
	const enum err bad = record_check(&shape_event, e, fault);

	return bad ? bad : check_rules(e, now_us, fault);
}
