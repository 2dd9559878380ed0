/* SPDX-License-Identifier: Apache-2.0 */
/* filter: options to a filter. The service compares; here only the words are checked. */
#include "tools/filter.h"

#include <stdio.h>

#include "proto/near.h"

#define ANY_CURRENCY "CLF" /* of the most decimals that there are */

const struct opt filter_options[] = {
	{ "deal", 0, opt_text, "DEAL", NULL, "Events of this deal." },
	{ "party", 0, opt_text, "PARTY", NULL, "Events with this party on either side." },
	{ "from", 0, opt_text, "PARTY", NULL, "Events with this payer." },
	{ "to", 0, opt_text, "PARTY", NULL, "Events with this payee." },
	{ "kind", 0, opt_list, "KIND,…", NULL, "Events of these kinds." },
	{ "rung", 0, opt_text, "RUNG", NULL, "Events that speak of talked, announced, committed or paid." },
	{ "min", 0, opt_amount, "AMOUNT", NULL, "Events whose amount may reach this: 1bn, in whatever "
					      "currency it has, or 1bn USD." },
	{ "currency", 0, opt_text, "CODE", NULL, "Events with an amount in this currency." },
	{ "tag", 0, opt_text, "TAG", NULL, "Events with this tag." },
	OPT_END
};

static enum err unknown_word(const char *name, struct str word, const struct enum_info *words,
			     struct fault *fault)
{
	const char *near = near_word(words->words, words->count, word);
	char all[160] = "";
	size_t n = 0;

	for (size_t i = 0; i < words->count && n < sizeof(all); i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? ", " : "",
				      words->words[i]);
	if (near)
		return fault_set(fault, ERR_USAGE, NULL, "--%s: `%.*s` is none; did you mean %s?",
				 name, STR_ARG(word), near);
	return fault_set(fault, ERR_USAGE, NULL, "--%s: `%.*s` is none of %s", name, STR_ARG(word),
			 all);
}

enum err word_given(const struct cli *c, const char *name, const struct enum_info *words, int *value,
		    struct fault *fault)
{
	const char *text = cli_text(c, name);

	*value = text ? enum_value(words, str_of(text)) : 0;
	return text && !*value ? unknown_word(name, str_of(text), words, fault) : ERR_OK;
}

enum err words_given(struct cli *c, const char *name, const struct enum_info *words,
		     struct enum_list *out, struct fault *fault)
{
	struct str_list texts;
	const enum err e = cli_list(c, name, &texts, fault);

	*out = (struct enum_list){ 0 };
	if (e || texts.n == 0)
		return e;
	out->v = arena_zalloc(&c->arena, texts.n, sizeof(*out->v));
	if (!out->v)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "--%s: out of memory", name);
	for (; out->n < texts.n; out->n++) {
		out->v[out->n] = enum_value(words, texts.v[out->n]);
		if (!out->v[out->n])
			return unknown_word(name, texts.v[out->n], words, fault);
	}
	return ERR_OK;
}

enum err slug_given(const struct cli *c, const char *name, struct str *out, struct fault *fault)
{
	const char *text = cli_text(c, name);

	*out = str_of(text);
	if (!text)
		return ERR_OK;
	const enum err e = slug_check(*out, fault);
	if (e)
		fault_under(fault, name);
	return e;
}

/*
 * --min as a plain decimal in major units. One without a currency is read in ANY_CURRENCY, so that no
 * decimals that anybody may mean are refused.
 */
static enum err read_min(struct cli *c, struct filter *f, struct fault *fault)
{
	const char *text = cli_text(c, "min");
	char digits[MINOR_TEXT_SIZE];
	struct amount amount;

	if (!text)
		return ERR_OK;
	const struct str code = msg_has(f, filter, currency) ? f->currency : STR(ANY_CURRENCY);
	const struct str whole = arena_printf(&c->arena, "%s %.*s", text, STR_ARG(code));
	enum err e = whole.p ? amount_parse(whole, &amount, NULL) : ERR_NO_MEMORY;
	const bool bare = e == ERR_OK; /* it names no currency itself */
	if (e == ERR_BAD_AMOUNT || e == ERR_BAD_CURRENCY)
		e = amount_parse(str_of(text), &amount, NULL);
	if (!e && msg_has(f, filter, currency) && !str_eq(str_of(amount.currency), f->currency))
		return fault_set(fault, ERR_USAGE, NULL, "--min: `%s` is not in --currency %.*s", text,
				 STR_ARG(f->currency));
	if (!e && (amount.low_open || amount.high_open || amount.low != amount.high ||
		   amount.approx))
		return fault_set(fault, ERR_USAGE, NULL, "--min: `%s` is not one amount, such as 1bn",
				 text);
	if (e)
		return fault_set(fault, e, "min", "`%s` is not an amount such as 1bn, 2.5m or 1bn USD",
				 text);
	const struct currency *own = currency_find(str_of(amount.currency));
	if (!bare)
		msg_set(f, filter, currency, str_of(own->code));
	minor_format(amount.low, own, digits);
	msg_set(f, filter, min, arena_str(&c->arena, str_of(digits)));
	return f->min.p ? ERR_OK : fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
}

static enum err read_currency(const struct cli *c, struct filter *f, struct fault *fault)
{
	const char *text = cli_text(c, "currency");
	const struct currency *currency;

	if (!text)
		return ERR_OK;
	const enum err e = currency_check(str_of(text), &currency, fault);
	if (e)
		fault_under(fault, "currency");
	else
		msg_set(f, filter, currency, str_of(currency->code));
	return e;
}

enum err filter_given(struct cli *c, struct filter *f, bool *any, struct fault *fault)
{
	*f = (struct filter){ 0 };
	enum err e = slug_given(c, "deal", &f->deal, fault);
	if (!e)
		e = slug_given(c, "party", &f->party, fault);
	if (!e)
		e = slug_given(c, "from", &f->from, fault);
	if (!e)
		e = slug_given(c, "to", &f->to, fault);
	if (!e)
		e = words_given(c, "kind", &enum_kind, &f->kind, fault);
	if (!e)
		e = word_given(c, "rung", &enum_rung, &f->rung, fault);
	if (!e)
		e = read_currency(c, f, fault);
	if (!e)
		e = read_min(c, f, fault);
	if (!e && cli_given(c, "tag"))
		e = text_nfc(str_of(cli_text(c, "tag")), &c->arena, &f->tag, fault);
	if (f->deal.n)
		msg_mark(f, filter, deal);
	if (f->party.n)
		msg_mark(f, filter, party);
	if (f->from.n)
		msg_mark(f, filter, from);
	if (f->to.n)
		msg_mark(f, filter, to);
	if (f->kind.n)
		msg_mark(f, filter, kind);
	if (f->rung)
		msg_mark(f, filter, rung);
	if (f->tag.p)
		msg_mark(f, filter, tag);
	*any = f->has != 0;
	return e;
}
