/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: parties and deals by a part of a name; see fold.h.
 *
 * The source tells who may have such a name; what the declaration under the question's clocks says
 * decides. A slug is compared with the words of the question joined by hyphens.
 */
#include "services/fold/ask.h"
#include "services/fold/fold.h"
#include "services/fold/named.h"

#include <stdlib.h>

#define HITS_DEFAULT 50u

/* How well a name fits, the best first. */
enum fit { FIT_WHOLE, FIT_BEGINS, FIT_WORD, FIT_PART, FIT_NOT };

struct candidate {
	enum fit fit;
	enum dictionary dict;
	struct str slug, name; /* the name that fits; empty: the slug does */
};
struct candidates {
	struct candidate *v;
	size_t n, cap;
};
/* What is looked for, in both forms. */
struct wanted {
	struct str text, slug;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static enum fit fit_of(struct str name, struct str text)
{
	enum fit best = FIT_NOT;

	if (text.n == 0 || text.n > name.n)
		return FIT_NOT;
	if (str_eq(name, text))
		return FIT_WHOLE;
	for (size_t i = 0; i + text.n <= name.n && best > FIT_WORD; i++) {
		if (memcmp(name.p + i, text.p, text.n) != 0)
			continue;
		if (i == 0)
			return FIT_BEGINS;
		best = is_letter(name.p[i - 1]) ? FIT_PART : FIT_WORD;
	}
	return best;
}

static enum err fit_name(struct view *v, struct str name, const struct wanted *wanted,
			 struct candidate *out)
{
	struct str folded;

	TRY(text_fold(name, &v->arena, &folded));
	const enum fit fit = fit_of(folded, wanted->text);
	if (fit < out->fit) {
		out->fit = fit;
		out->name = name;
	}
	return ERR_OK;
}

/* The names of the declaration that decides. */
static enum err fit_names(struct asking *k, uint32_t number, const struct wanted *wanted,
			  struct candidate *out)
{
	struct view *v = &k->view;
	struct event event;
	struct deal *d;
	bool found;

	if (out->dict == DICT_DEAL) {
		TRY(view_deal(v, number, &d));
		TRY(ask_deal(v, d, k->a, &event, &found));
		return found ? fit_name(v, event.title, wanted, out) : ERR_OK;
	}
	TRY(ask_party(v, number, k->a, &event, &found));
	if (!found)
		return ERR_OK;
	TRY(fit_name(v, event.name, wanted, out));
	for (size_t i = 0; i < event.names.n; i++)
		TRY(fit_name(v, event.names.v[i], wanted, out));
	return ERR_OK;
}

static enum err candidate_add(struct asking *k, struct candidates *all,
			      const struct candidate *one)
{
	if (all->n == all->cap) {
		const size_t cap = all->cap ? 2 * all->cap : 64;
		struct candidate *more = arena_alloc(k->a, cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (all->n)
			memcpy(more, all->v, all->n * sizeof(*more));
		all->v = more;
		all->cap = cap;
	}
	all->v[all->n++] = *one;
	return ERR_OK;
}

static enum err collect(struct asking *k, enum dictionary dict, const struct wanted *wanted,
			struct candidates *all)
{
	const struct facts *facts = k->source;
	struct number_list numbers;
	uint32_t known;
	bool visible = true;

	TRY(facts->named(facts->arg, dict, wanted->text, wanted->slug, k->a, &numbers));
	for (size_t i = 0; i < numbers.n; i++) {
		struct candidate one = { .fit = FIT_NOT, .dict = dict };
		TRY(facts->slug(facts->arg, dict, numbers.v[i], &one.slug));
		const enum err e = facts->number(facts->arg, dict, one.slug,
						 k->question.horizon.at_seq, &known);
		if (e == ERR_NOT_FOUND)
			continue;
		TRY(e);
		one.fit = fit_of(one.slug, wanted->slug);
		TRY(fit_names(k, numbers.v[i], wanted, &one));
		if (one.fit < FIT_NOT)
			TRY(named(&k->view, dict, numbers.v[i], &visible));
		if (one.fit < FIT_NOT && visible)
			TRY(candidate_add(k, all, &one));
		view_forget(&k->view);
	}
	return ERR_OK;
}

static int by_fit(const void *x, const void *y)
{
	const struct candidate *c = x, *d = y;

	if (c->fit != d->fit)
		return c->fit < d->fit ? -1 : 1;
	const int order = str_cmp(c->slug, d->slug);
	return order ? order : (int)d->dict - (int)c->dict;
}

/* Words joined by hyphens, as a slug has them. */
static enum err slug_form(struct str text, struct arena *a, struct str *out)
{
	char *p = arena_alloc(a, text.n);
	size_t n = 0;

	if (!p)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < text.n; i++) {
		if (is_letter(text.p[i]))
			p[n++] = text.p[i];
		else if (n && p[n - 1] != '-')
			p[n++] = '-';
	}
	while (n && p[n - 1] == '-')
		n--;
	*out = (struct str){ p, n };
	return ERR_OK;
}

static enum err answer(struct asking *k, const struct search *ask, struct found *out)
{
	struct candidates all = { .v = NULL };
	struct wanted wanted;

	TRY(text_fold(ask->text, k->a, &wanted.text));
	TRY(slug_form(wanted.text, k->a, &wanted.slug));
	if (wanted.text.n == 0)
		return fault_set(k->fault, ERR_BAD_VALUE, "text", "nothing to look for");
	TRY(collect(k, DICT_PARTY, &wanted, &all));
	TRY(collect(k, DICT_DEAL, &wanted, &all));
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), by_fit);
	const struct page page = ask_page(0, true, msg_has(ask, search, limit) ? ask->limit
									       : HITS_DEFAULT,
					  all.n);
	msg_set(out, found, total, all.n);
	msg_mark(out, found, hits);
	out->hits.v = arena_zalloc(k->a, page.n, sizeof(*out->hits.v));
	if (!out->hits.v)
		return ERR_NO_MEMORY;
	for (; out->hits.n < page.n; out->hits.n++) {
		const struct candidate *from = &all.v[out->hits.n];
		struct hit *to = &out->hits.v[out->hits.n];
		if (from->dict == DICT_PARTY)
			msg_set(to, hit, party, from->slug);
		else
			msg_set(to, hit, deal, from->slug);
		if (from->name.n)
			msg_set(to, hit, name, from->name);
	}
	return ERR_OK;
}

enum err fold_search(const struct facts *source, const struct search *ask, struct arena *a,
		     struct found *out, struct fault *fault)
{
	const struct options options = CLOCKS_OF(search, ask);
	struct asking k;

	*out = (struct found){ 0 };
	TRY(ask_begin(&k, source, &options, a, &out->basis, fault));
	msg_mark(out, found, basis);
	return ask_end(&k, answer(&k, ask, out));
}
