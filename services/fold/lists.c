/* SPDX-License-Identifier: Apache-2.0 */
/* lists: parties, deals and exchange rates, page by page; see fold.h. */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/rate.h"
#include "services/fold/stage.h"

#define PAGE_SLUGS_DEFAULT 1000u
#define FORGET_BYTES ((size_t)768 << 10)

/* One slug more than the page holds, to know whether there are more. */
static enum err slugs_of(struct asking *k, enum dictionary dict, struct str after, bool limited,
			 uint64_t limit, struct slug_list *out, bool *more)
{
	const size_t most = limited ? (size_t)limit : PAGE_SLUGS_DEFAULT;

	TRY(k->source->slugs(k->source->arg, dict, after, k->question.horizon.at_seq, most + 1,
			     k->a, out));
	*more = out->n > most;
	out->n = *more ? most : out->n;
	return ERR_OK;
}

/* ---- parties ---- */

static enum err party_write(struct asking *k, const struct slug_of *party, struct party_row *out)
{
	struct event event;
	bool found;

	msg_set(out, party_row, party, party->slug);
	TRY(ask_party(&k->view, party->number, k->a, &event, &found));
	if (!found)
		return ERR_OK;
	if (event.name.n)
		msg_set(out, party_row, name, event.name);
	if (event.type)
		msg_set(out, party_row, type, event.type);
	if (event.group.n)
		msg_set(out, party_row, group, event.group);
	return ERR_OK;
}

static enum err answer_parties(struct asking *k, const struct parties *ask,
			       struct party_table *out)
{
	struct slug_list slugs;
	bool more;

	TRY(slugs_of(k, DICT_PARTY, ask->after, msg_has(ask, parties, limit), ask->limit, &slugs,
		     &more));
	if (more)
		msg_set(out, party_table, more, true);
	msg_mark(out, party_table, parties);
	out->parties.v = arena_zalloc(k->a, slugs.n, sizeof(*out->parties.v));
	if (!out->parties.v)
		return ERR_NO_MEMORY;
	for (; out->parties.n < slugs.n; out->parties.n++) {
		TRY(party_write(k, &slugs.v[out->parties.n],
				&out->parties.v[out->parties.n]));
		view_forget(&k->view);
	}
	return ERR_OK;
}

enum err fold_parties(const struct facts *source, const struct parties *ask, struct arena *a,
		      struct party_table *out, struct fault *fault)
{
	const struct options options = CLOCKS_OF(parties, ask);
	struct asking k;

	*out = (struct party_table){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, party_table, basis);
	return ask_end(&k, answer_parties(&k, ask, out));
}

/* ---- deals ---- */

static enum err deal_write(struct asking *k, const struct slug_of *slug, struct deal_row *out)
{
	struct view *v = &k->view;
	struct event event;
	struct deal *d;
	enum stage stage;
	bool found;

	msg_set(out, deal_row, deal, slug->slug);
	TRY(view_open(v, slug->number, &d));
	TRY(ask_deal(v, d, k->a, &event, &found));
	if (found && event.title.n)
		msg_set(out, deal_row, title, event.title);
	TRY(stage_of(v, d, &stage));
	if (stage)
		msg_set(out, deal_row, stage, (int)stage);
	if (d->whole) {
		TRY(v->facts->slug(v->facts->arg, DICT_DEAL, d->whole->number, &out->part_of));
		msg_mark(out, deal_row, part_of);
	}
	TRY(view_successor(v, d));
	if (d->successor) {
		TRY(v->facts->slug(v->facts->arg, DICT_DEAL, d->successor, &out->superseded_by));
		msg_mark(out, deal_row, superseded_by);
	}
	msg_set(out, deal_row, events, d->statements.n);
	return ERR_OK;
}

static enum err answer_deals(struct asking *k, const struct deals *ask, struct deal_table *out)
{
	struct slug_list slugs;
	bool more;

	TRY(slugs_of(k, DICT_DEAL, ask->after, msg_has(ask, deals, limit), ask->limit, &slugs,
		     &more));
	if (more)
		msg_set(out, deal_table, more, true);
	msg_mark(out, deal_table, deals);
	out->deals.v = arena_zalloc(k->a, slugs.n, sizeof(*out->deals.v));
	if (!out->deals.v)
		return ERR_NO_MEMORY;
	for (; out->deals.n < slugs.n; out->deals.n++) {
		TRY(deal_write(k, &slugs.v[out->deals.n], &out->deals.v[out->deals.n]));
		if (k->view.arena.used > FORGET_BYTES)
			view_forget(&k->view);
	}
	return ERR_OK;
}

enum err fold_deals(const struct facts *source, const struct deals *ask, struct arena *a,
		    struct deal_table *out, struct fault *fault)
{
	const struct options options = CLOCKS_OF(deals, ask);
	struct asking k;

	*out = (struct deal_table){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, deal_table, basis);
	return ask_end(&k, answer_deals(&k, ask, out));
}

/* ---- rates ---- */

static enum err rate_write(const struct rate *rate, uint16_t pair[2], struct arena *a,
			   struct rate_row *out)
{
	char code[2][4], units[DECIMAL_TEXT_SIZE], day[DAY_TEXT_SIZE];

	currency_unpack(rate->base, code[0]);
	currency_unpack(rate->base == pair[0] ? pair[1] : pair[0], code[1]);
	decimal_format(rate->units, units);
	msg_set(out, rate_row, base, arena_str(a, str_of(code[0])));
	msg_set(out, rate_row, quote, arena_str(a, str_of(code[1])));
	msg_set(out, rate_row, rate, arena_str(a, str_of(units)));
	if (rate->day != DAY_MIN) {
		day_format(rate->day, day);
		msg_set(out, rate_row, on, arena_str(a, str_of(day)));
	}
	msg_set(out, rate_row, seq, rate->seq);
	if (!out->base.p || !out->quote.p || !out->rate.p ||
	    (msg_has(out, rate_row, on) && !out->on.p))
		return ERR_NO_MEMORY;
	return ERR_OK;
}

static enum err answer_rates(struct asking *k, const struct rates *ask, struct rate_table *out)
{
	uint16_t pair[2];
	struct rate_series *series;

	if (!currency_find(ask->base) || !currency_find(ask->quote))
		return fault_set(k->fault, ERR_BAD_CURRENCY,
				 currency_find(ask->base) ? "quote" : "base",
				 "not a currency of ISO 4217");
	pair[0] = currency_pack(ask->base.p);
	pair[1] = currency_pack(ask->quote.p);
	TRY(rate_series_of(&k->view, rate_home(pair[0], pair[1]), &series));
	const struct page page = ask_page(ask->skip, msg_has(ask, rates, limit), ask->limit,
					  series->n);
	msg_set(out, rate_table, total, series->n);
	msg_mark(out, rate_table, rates);
	out->rates.v = arena_zalloc(k->a, page.n, sizeof(*out->rates.v));
	if (!out->rates.v)
		return ERR_NO_MEMORY;
	for (; out->rates.n < page.n; out->rates.n++)
		TRY(rate_write(&series->v[page.first + out->rates.n], pair, k->a,
			       &out->rates.v[out->rates.n]));
	return ERR_OK;
}

enum err fold_rates(const struct facts *source, const struct rates *ask, struct arena *a,
		    struct rate_table *out, struct fault *fault)
{
	const struct options options = CLOCKS_OF(rates, ask);
	struct asking k;

	*out = (struct rate_table){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, rate_table, basis);
	return ask_end(&k, answer_rates(&k, ask, out));
}
