/* SPDX-License-Identifier: Apache-2.0 */
/* league: payers or payees, ranked; and whether one overtook another. See fold.h. */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/parties.h"
#include "services/fold/rank.h"
#include "services/fold/rate.h"

#include <stdlib.h>

/* Which rows: those that `league` and `overtook` have in common. */
struct rows_asked {
	enum rung rung;
	struct str to, from;
	int by;
};

static enum err rows_of(struct asking *k, const struct rows_asked *asked, struct shares *rows,
			struct sums *unattributed)
{
	struct view *v = &k->view;
	uint32_t party;

	*unattributed = (struct sums){ 0 };
	if (asked->to.n) {
		TRY(ask_number(k->source, &k->question, DICT_PARTY, asked->to, "to", &party,
			       k->fault));
		TRY(parties_backers(v, party, asked->rung, rows));
		return parties_unattributed_to(v, party, asked->rung, unattributed);
	}
	if (asked->from.n) {
		TRY(ask_number(k->source, &k->question, DICT_PARTY, asked->from, "from", &party,
			       k->fault));
		return parties_payees_of(v, party, asked->rung, rows);
	}
	if (asked->by == side_to)
		return parties_payees(v, asked->rung, rows);
	return parties_payers(v, asked->rung, rows, unattributed);
}

/* Rows were numbered in the order of their slugs. */
static int by_rank(const void *x, const void *y)
{
	const struct ranked *r = x, *s = y;

	if (r->best != s->best)
		return r->best < s->best ? -1 : 1;
	if (r->worst != s->worst)
		return r->worst < s->worst ? -1 : 1;
	return r->at < s->at ? -1 : 1;
}

/* All that have a row somewhere, in the order of their slugs, and room for the rows of one table. */
struct listing {
	const struct named *names;
	const struct sums **sums;
	struct ranked *rows;
	size_t n;
};

static enum err listing_make(struct view *v, const struct shares *shares, enum rung rung,
			     const struct named *names, struct listing *out)
{
	*out = (struct listing){ .names = names, .n = shares->n };
	out->sums = arena_alloc(&v->arena, shares->n * sizeof(*out->sums));
	out->rows = arena_alloc(&v->arena, shares->n * sizeof(*out->rows));
	if (!out->sums || !out->rows)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < shares->n; i++)
		out->sums[i] = share_sums(&shares->v[names[i].at], rung);
	return ERR_OK;
}

static enum err table_write(struct asking *k, const struct league *ask, uint16_t currency,
			    const struct listing *all, struct league_table *out)
{
	struct view *v = &k->view;
	struct ranked *rows = all->rows;
	char code[4];
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (rank_takes(all->sums[i], currency))
			rows[n++] = (struct ranked){ .sums = all->sums[i], .at = i };
	TRY(rank_all(&v->counting, currency, rows, n));
	if (n > 1)
		qsort(rows, n, sizeof(*rows), by_rank);
	currency_unpack(currency, code);
	out->currency = arena_str(k->a, str_of(code));
	if (!out->currency.p)
		return ERR_NO_MEMORY;
	msg_mark(out, league_table, currency);
	msg_set(out, league_table, total, n);
	msg_mark(out, league_table, rows);
	const struct page page = ask_page(ask->skip, msg_has(ask, league, limit), ask->limit, n);
	out->rows.v = arena_zalloc(k->a, page.n, sizeof(*out->rows.v));
	if (!out->rows.v)
		return ERR_NO_MEMORY;
	for (out->rows.n = 0; out->rows.n < page.n; out->rows.n++) {
		const struct ranked *from = &rows[page.first + out->rows.n];
		struct league_row *to = &out->rows.v[out->rows.n];
		msg_set(to, league_row, party, all->names[from->at].slug);
		msg_set(to, league_row, best, from->best);
		msg_set(to, league_row, worst, from->worst);
		msg_mark(to, league_row, sums);
		TRY(sums_write(&v->counting, from->sums, k->a, &to->sums));
	}
	return ERR_OK;
}

static enum err tables_write(struct asking *k, const struct league *ask,
			     const struct shares *shares, struct league_tables *out)
{
	struct view *v = &k->view;
	struct currencies *currencies = arena_zalloc(&v->arena, 1, sizeof(*currencies));
	uint32_t *numbers = arena_alloc(&v->arena, shares->n * sizeof(*numbers));
	struct named *names;
	struct listing all;
	bool undisclosed = false;

	if (!currencies || !numbers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < shares->n; i++) {
		numbers[i] = (uint32_t)shares->v[i].key;
		const struct sums *sums = share_sums(&shares->v[i], (enum rung)ask->rung);
		TRY(currencies_add(currencies, sums));
		undisclosed |= sums->undisclosed != 0;
	}
	currencies_end(currencies, undisclosed);
	TRY(ask_names(v, DICT_PARTY, numbers, shares->n, &names));
	TRY(listing_make(v, shares, (enum rung)ask->rung, names, &all));
	msg_mark(out, league_tables, tables);
	out->tables.v = arena_zalloc(k->a, currencies->n, sizeof(*out->tables.v));
	if (!out->tables.v)
		return ERR_NO_MEMORY;
	for (out->tables.n = 0; out->tables.n < currencies->n; out->tables.n++)
		TRY(table_write(k, ask, currencies->v[out->tables.n], &all,
				&out->tables.v[out->tables.n]));
	return ERR_OK;
}

static enum err answer_league(struct asking *k, const struct league *ask,
			      struct league_tables *out)
{
	const struct rows_asked asked = { (enum rung)ask->rung, ask->to, ask->from, ask->by };
	struct shares shares = { .v = NULL };
	struct sums unattributed;

	TRY(rows_of(k, &asked, &shares, &unattributed));
	msg_mark(out, league_tables, unattributed);
	TRY(sums_write(&k->view.counting, &unattributed, k->a, &out->unattributed));
	return tables_write(k, ask, &shares, out);
}

/* `to`, `from` and `by` exclude one another. */
static enum err check_rows(struct str to, struct str from, int by, struct fault *fault)
{
	if ((to.n != 0) + (from.n != 0) + (by != 0) > 1)
		return fault_set(fault, ERR_BAD_VALUE, "to", "give one of to, from and by");
	return ERR_OK;
}

enum err fold_league(const struct facts *source, const struct league *ask, struct arena *a,
		     struct league_tables *out, struct fault *fault)
{
	const struct options options = OPTIONS_OF(league, ask);
	struct asking k;

	*out = (struct league_tables){ 0 };
	TRY(check_rows(ask->to, ask->from, ask->by, fault));
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, league_tables, basis);
	msg_set(out, league_tables, rung, ask->rung);
	return ask_end(&k, answer_league(&k, ask, out));
}

/* ---- overtook ---- */

/* One of the two days: its question, and what both parties had. */
struct day_asked {
	struct asking k;
	struct clocks clocks;
	struct shares shares;
	const struct sums *sums[2];
};

static enum err sums_on(struct day_asked *d, const struct overtook *ask)
{
	const struct rows_asked asked = { (enum rung)ask->rung, ask->to, ask->from, ask->by };
	const struct str slugs[2] = { ask->party, ask->other };
	static const char *const fields[2] = { "party", "other" };
	struct sums unattributed;

	TRY(rows_of(&d->k, &asked, &d->shares, &unattributed));
	for (size_t i = 0; i < 2; i++) {
		uint32_t number;
		TRY(ask_number(d->k.source, &d->k.question, DICT_PARTY, slugs[i], fields[i],
			       &number, d->k.fault));
		const struct share *share = shares_find(&d->shares, number);
		d->sums[i] = share_sums(share, (enum rung)ask->rung);
	}
	return ERR_OK;
}

static enum err above_on(struct day_asked *d, uint16_t currency, enum certainty *out)
{
	const struct interval x = sums_bounds(d->sums[0], currency);
	const struct interval y = sums_bounds(d->sums[1], currency);

	return interval_above(&d->k.view.counting, &x, &y, out);
}

static enum err overtaking_write(struct day_asked days[2], uint16_t currency, struct arena *a,
				 struct overtaking *out)
{
	enum certainty was, now;
	char code[4];

	TRY(above_on(&days[0], currency, &was));
	TRY(above_on(&days[1], currency, &now));
	currency_unpack(currency, code);
	out->currency = arena_str(a, str_of(code));
	if (!out->currency.p)
		return ERR_NO_MEMORY;
	msg_mark(out, overtaking, currency);
	msg_set(out, overtaking, overtook, (int)rank_overtook(was, now));
	return ERR_OK;
}

static enum err overtook_write(struct day_asked days[2], struct arena *a,
			       struct overtook_answer *out)
{
	struct currencies *currencies = arena_zalloc(a, 1, sizeof(*currencies));
	bool undisclosed = false;

	if (!currencies)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < 4; i++) {
		TRY(currencies_add(currencies, days[i / 2].sums[i % 2]));
		undisclosed |= days[i / 2].sums[i % 2]->undisclosed != 0;
	}
	currencies_end(currencies, undisclosed);
	msg_mark(out, overtook_answer, currencies);
	out->currencies.v = arena_zalloc(a, currencies->n, sizeof(*out->currencies.v));
	if (!out->currencies.v)
		return ERR_NO_MEMORY;
	for (; out->currencies.n < currencies->n; out->currencies.n++)
		TRY(overtaking_write(days, currencies->v[out->currencies.n], a,
				     &out->currencies.v[out->currencies.n]));
	return ERR_OK;
}

/* Ask on one day after the other, the second one while the first is in hand. */
static enum err ask_days(const struct facts *source, const struct overtook *ask, size_t day,
			 struct day_asked days[2], struct arena *a, struct overtook_answer *out,
			 struct fault *fault)
{
	struct options options = OPTIONS_OF(overtook, ask);
	struct day_asked *d = &days[day];

	*d = (struct day_asked){ .clocks = ask->clocks };
	msg_set(&d->clocks, clocks, as_of, day ? ask->after : ask->before);
	options.clocks = &d->clocks;
	TRY(ask_begin(&d->k, source, &options, a, &out->basis, fault));
	enum err e = sums_on(d, ask);
	if (!e)
		e = day ? overtook_write(days, a, out)
			: ask_days(source, ask, 1, days, a, out, fault);
	if (day)
		rate_missing(&d->k.view, &days[0].k.view.missing);
	return ask_end(&d->k, e);
}

enum err fold_overtook(const struct facts *source, const struct overtook *ask, struct arena *a,
		       struct overtook_answer *out, struct fault *fault)
{
	struct day_asked days[2];

	*out = (struct overtook_answer){ 0 };
	TRY(check_rows(ask->to, ask->from, ask->by, fault));
	msg_mark(out, overtook_answer, basis);
	return ask_days(source, ask, 0, days, a, out, fault);
}
