/* SPDX-License-Identifier: Apache-2.0 */
/* lists: parties, deals and exchange rates, page by page; see fold.h. */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/named.h"
#include "services/fold/rate.h"
#include "services/fold/stage.h"

#define PAGE_ROWS_DEFAULT 1000u
#define SLUGS_AT_ONCE 1000u
#define FORGET_BYTES ((size_t)768 << 10)

/* Write a row, whose place is given, of a name that there is under the clocks. */
typedef enum err row_write(struct asking *k, const struct slug_of *slug, void *rows, size_t at);

/* A page of a dictionary: names of which nothing is visible have no row. */
struct name_page {
	enum dictionary dict;
	struct str after;
	size_t most, n;
	bool more;
	row_write *write;
	void *rows; /* room for `most` */
};

static enum err page_slugs(struct asking *k, struct name_page *p, const struct slug_list *slugs)
{
	for (size_t i = 0; i < slugs->n; i++) {
		bool visible;
		TRY(named(&k->view, p->dict, slugs->v[i].number, &visible));
		p->more = visible && p->n == p->most;
		if (p->more)
			return ERR_OK;
		if (visible)
			TRY(p->write(k, &slugs->v[i], p->rows, p->n++));
		view_tidy(&k->view, FORGET_BYTES);
	}
	return ERR_OK;
}

static enum err page_fill(struct asking *k, struct name_page *p)
{
	const struct facts *facts = k->source;
	struct slug_list slugs;

	do {
		TRY(facts->slugs(facts->arg, p->dict, p->after, k->question.horizon.at_seq,
				 SLUGS_AT_ONCE, k->a, &slugs));
		TRY(page_slugs(k, p, &slugs));
		if (slugs.n)
			p->after = slugs.v[slugs.n - 1].slug;
	} while (slugs.n == SLUGS_AT_ONCE && !p->more);
	return ERR_OK;
}

/* ---- parties ---- */

static enum err party_write(struct asking *k, const struct slug_of *party, void *rows, size_t at)
{
	struct party_row *out = (struct party_row *)rows + at;
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

static enum err answer_parties(struct asking *k, const struct parties *ask, struct party_table *out)
{
	struct name_page page = { .dict = DICT_PARTY, .after = ask->after, .write = party_write,
		.most = msg_has(ask, parties, limit) ? (size_t)ask->limit : PAGE_ROWS_DEFAULT };

	page.rows = out->parties.v = arena_zalloc(k->a, page.most, sizeof(*out->parties.v));
	if (!page.rows)
		return ERR_NO_MEMORY;
	TRY(page_fill(k, &page));
	out->parties.n = page.n;
	msg_mark(out, party_table, parties);
	if (page.more)
		msg_set(out, party_table, more, true);
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

static enum err deal_write(struct asking *k, const struct slug_of *slug, void *rows, size_t at)
{
	struct deal_row *out = (struct deal_row *)rows + at;
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
	struct name_page page = { .dict = DICT_DEAL, .after = ask->after, .write = deal_write,
		.most = msg_has(ask, deals, limit) ? (size_t)ask->limit : PAGE_ROWS_DEFAULT };

	page.rows = out->deals.v = arena_zalloc(k->a, page.most, sizeof(*out->deals.v));
	if (!page.rows)
		return ERR_NO_MEMORY;
	TRY(page_fill(k, &page));
	out->deals.n = page.n;
	msg_mark(out, deal_table, deals);
	if (page.more)
		msg_set(out, deal_table, more, true);
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
