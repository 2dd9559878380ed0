/* SPDX-License-Identifier: Apache-2.0 */
/* gist: what an event says, short. Only fields of the event are looked at; nothing is decided here. */
#include "tools/gist.h"

#define GIST_BYTES_MAX ((size_t)1 << 20)

const char *gist_kind(const struct event *e)
{
	const char *word = enum_word(&enum_kind, e->kind);

	return word ? word : "?";
}

bool gist_undisclosed(const struct event *e)
{
	switch (e->kind) {
	case kind_rumour:
	case kind_talks:
	case kind_announce:
	case kind_commit:
	case kind_pay:
		return !msg_has(e, event, amount);
	default:
		return false;
	}
}

enum err gist_list(struct str_list list, struct buf *out)
{
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < list.n; i++)
		e = buf_printf(out, "%s%.*s", i ? "," : "", STR_ARG(list.v[i]));
	return e;
}

static enum err put_amount(const struct event *e, struct buf *out)
{
	char text[AMOUNT_TEXT_SIZE];

	if (!msg_has(e, event, amount))
		return gist_undisclosed(e) ? buf_printf(out, "undisclosed%s",
							e->returned ? ", returned" : "")
					   : ERR_OK;
	amount_format_short(&e->amount, text);
	return buf_printf(out, "%s%s%s", e->adds ? "adds " : "", text,
			  e->returned ? ", returned" : "");
}

static enum err put_condition(const struct event *e, struct buf *out)
{
	char text[AMOUNT_TEXT_SIZE];
	const char *state = enum_word(&enum_state, e->state);
	enum err bad = buf_printf(out, "%s: %.*s", state ? state : "?", STR_ARG(e->condition));

	if (!bad && msg_has(e, event, amount)) {
		amount_format_short(&e->amount, text);
		bad = buf_printf(out, ", %s", text);
	}
	if (!bad && msg_has(e, event, deadline))
		bad = buf_printf(out, ", until %.*s", STR_ARG(e->deadline));
	return bad;
}

static enum err put_deal(const struct event *e, struct buf *out)
{
	enum err bad = buf_put(out, e->title.p, e->title.n);
	const char *between = e->title.n ? "; " : "";

	for (size_t i = 0; !bad && i < e->links.n; i++) {
		const struct link *link = &e->links.v[i];
		const char *type = enum_word(&enum_link_type, link->type);
		bad = buf_printf(out, "%s%s %.*s", between, type ? type : "?", STR_ARG(link->deal));
		between = ", ";
	}
	return bad;
}

static enum err put_market(const struct event *e, struct buf *out)
{
	const bool word = e->move.n && (e->move.p[0] == 'u' || e->move.p[0] == 'd');

	return buf_printf(out, "%.*s %.*s%s", STR_ARG(e->instrument), STR_ARG(e->move),
			  word ? "" : "%");
}

static enum err put_word(const struct enum_info *words, int value, struct buf *out)
{
	const char *word = enum_word(words, value);

	return buf_printf(out, "%s", word ? word : "");
}

static enum err put_what(const struct event *e, struct buf *out)
{
	enum err bad;

	switch (e->kind) {
	case kind_condition:
		return put_condition(e, out);
	case kind_total:
		bad = put_word(&enum_rung, e->rung, out);
		if (!bad)
			bad = buf_put(out, " ", 1);
		return bad ? bad : put_amount(e, out);
	case kind_remark:
		return put_word(&enum_stance, e->stance, out);
	case kind_market:
		return put_market(e, out);
	case kind_party:
		return buf_put(out, e->name.p, e->name.n);
	case kind_deal:
		return put_deal(e, out);
	case kind_rate:
		return buf_printf(out, "1 %.*s = %.*s %.*s", STR_ARG(e->base), STR_ARG(e->rate),
				  STR_ARG(e->quote));
	case kind_cancel:
	case kind_retract:
		return put_word(&enum_reason, e->reason, out);
	default:
		return put_amount(e, out);
	}
}

enum err gist_what(const struct event *e, struct buf *out)
{
	const size_t before = out->n;
	const enum err bad = put_what(e, out);

	if (bad || !msg_has(e, event, ref) || e->kind == kind_retract)
		return bad;
	return buf_printf(out, "%s(corrects)", out->n > before ? " " : "");
}

enum err gist_source(const struct event *e, struct buf *out)
{
	const struct source *s = &e->source;
	const struct str rest = s->title.n ? s->title : s->url;
	enum err bad = buf_put(out, s->publisher.p, s->publisher.n);

	if (!bad && s->publisher.n && rest.n)
		bad = buf_put(out, ": ", 2);
	return bad ? bad : buf_put(out, rest.p, rest.n);
}

/* ---- rows ---- */

static void put_text(struct out *o, struct buf *b, enum err e)
{
	if (e)
		out_fail(o, e);
	if (e || b->n == 0)
		out_none(o);
	else
		out_text(o, buf_str(b));
	buf_clear(b);
}

static void put_str(struct out *o, struct str s)
{
	if (s.n)
		out_text(o, s);
	else
		out_none(o);
}

static void put_list(struct out *o, struct buf *b, struct str_list list)
{
	const enum err e = gist_list(list, b);

	put_text(o, b, e);
}

static void put_grade(struct out *o, const struct event *e)
{
	put_str(o, str_of(enum_word(&enum_grade, e->grade)));
}

static void put_words(struct out *o, uint64_t seq, const struct event *e, bool payee)
{
	struct buf b;
	enum err bad;

	buf_init(&b, GIST_BYTES_MAX);
	out_number(o, (int64_t)seq);
	put_str(o, e->stated);
	out_text(o, str_of(gist_kind(e)));
	put_list(o, &b, e->from);
	if (payee)
		put_list(o, &b, e->to);
	bad = gist_what(e, &b);
	put_text(o, &b, bad);
	put_grade(o, e);
	bad = gist_source(e, &b);
	put_text(o, &b, bad);
	buf_fini(&b);
}

void gist_words_put(struct out *o, uint64_t seq, const struct event *e)
{
	put_words(o, seq, e, true);
}

void gist_payer_put(struct out *o, uint64_t seq, const struct event *e)
{
	put_words(o, seq, e, false);
}

void gist_fields_put(struct out *o, uint64_t seq, int64_t recorded_us, const struct event *e)
{
	char recorded[TIME_TEXT_SIZE] = "", id[ID_TEXT_SIZE];
	struct buf b;

	buf_init(&b, GIST_BYTES_MAX);
	if (recorded_us)
		time_format(recorded_us, recorded);
	id_format(e->id.b, id);
	out_number(o, (int64_t)seq);
	put_str(o, str_of(recorded));
	out_text(o, str_of(id));
	put_str(o, e->stated);
	put_str(o, e->on);
	out_text(o, str_of(gist_kind(e)));
	put_str(o, e->deal);
	put_list(o, &b, e->from);
	put_list(o, &b, e->to);
	if (msg_has(e, event, amount))
		out_amount(o, &e->amount);
	else
		out_none(o);
	out_bool(o, gist_undisclosed(e));
	out_bool(o, e->adds);
	put_grade(o, e);
	put_str(o, e->source.publisher);
	put_str(o, e->source.title);
	put_str(o, e->source.url);
	id_format(e->ref.b, id);
	put_str(o, msg_has(e, event, ref) ? str_of(id) : STR(""));
	const enum err bad = gist_what(e, &b);
	put_text(o, &b, bad);
	buf_fini(&b);
}
