/* SPDX-License-Identifier: Apache-2.0 */
/* payers: who pays and who is paid in a deal; the second half of view.h. */
#include "services/fold/kept.h"

#include <stdlib.h>

static bool speaks_of_money(const struct visible *s)
{
	return !s->copy && s->kind >= kind_rumour && s->kind <= kind_pay;
}

static int by_group(const void *x, const void *y)
{
	const struct group *g = x, *h = y;

	return g->payer < h->payer ? -1 : g->payer > h->payer;
}

#define NO_GROUP UINT32_MAX
#define GROUPS_SEARCHED_MAX 8u /* more payers than that are found by a map */

/* Where the group of a payer stands, ngroups where there is none. */
static uint32_t group_place(const struct deal *d, const struct map *places, uint32_t payer)
{
	uint32_t i = 0;

	if (places->n) {
		/* keys are not 0, payers may be */
		const uint64_t *place = map_find(places, (uint64_t)payer + 1);
		return (uint32_t)(place ? *place : d->ngroups);
	}
	while (i < d->ngroups && d->groups[i].payer != payer)
		i++;
	return i;
}

static enum err group_new(struct view *v, struct deal *d, struct map *places, uint32_t payer,
			  size_t *cap)
{
	struct tiers *tiers = arena_zalloc(&v->arena, 1, sizeof(*tiers));

	if (d->ngroups == *cap) {
		*cap = *cap ? 2 * *cap : 4;
		struct group *more = arena_alloc(&v->arena, *cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (d->ngroups)
			memcpy(more, d->groups, d->ngroups * sizeof(*more));
		d->groups = more;
	}
	if (!tiers)
		return ERR_NO_MEMORY;
	d->groups[d->ngroups++] = (struct group){ .payer = payer, .tiers = tiers };
	if (d->ngroups < GROUPS_SEARCHED_MAX)
		return ERR_OK;
	for (size_t i = places->n; i < d->ngroups; i++)
		TRY(map_put(places, &v->arena, (uint64_t)d->groups[i].payer + 1, i));
	return ERR_OK;
}

/* Find the group of each statement, and count those of each group. */
static enum err count_groups(struct view *v, struct deal *d)
{
	struct map places = { 0 };
	size_t cap = 0;

	for (size_t i = 0; i < d->statements.n; i++) {
		struct visible *s = &d->statements.v[i];
		s->group = NO_GROUP;
		if (!speaks_of_money(s))
			continue;
		const uint32_t payer = deal_speaker(d, s->payer);
		s->group = group_place(d, &places, payer);
		if (s->group == d->ngroups)
			TRY(group_new(v, d, &places, payer, &cap));
		d->groups[s->group].n++;
	}
	return ERR_OK;
}

static enum err group_statements(struct view *v, struct deal *d)
{
	size_t total = 0;

	if (d->grouped)
		return ERR_OK;
	TRY(view_load(v, d));
	TRY(count_groups(v, d));
	for (size_t i = 0; i < d->ngroups; i++)
		total += d->groups[i].n;
	struct visible **all = arena_alloc(&v->arena, total * sizeof(struct visible *));
	if (!all)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->ngroups; i++) {
		d->groups[i].v = all;
		all += d->groups[i].n;
		d->groups[i].n = 0;
	}
	for (size_t i = 0; i < d->statements.n; i++) {
		struct visible *s = &d->statements.v[i];
		if (s->group != NO_GROUP)
			d->groups[s->group].v[d->groups[s->group].n++] = s;
	}
	if (d->ngroups > 1)
		qsort(d->groups, d->ngroups, sizeof(*d->groups), by_group);
	d->grouped = true;
	return ERR_OK;
}

const struct group *deal_group(const struct deal *d, uint32_t payer)
{
	const struct group key = { .payer = payer };

	if (d->ngroups == 0)
		return NULL;
	return bsearch(&key, d->groups, d->ngroups, sizeof(*d->groups), by_group);
}

static int by_payer(const void *x, const void *y)
{
	const struct payer *p = x, *q = y;

	return p->number < q->number ? -1 : p->number > q->number;
}

static int by_number(const void *x, const void *y)
{
	const uint32_t *m = x, *n = y;

	return *m < *n ? -1 : *m > *n;
}

static size_t without_doubles(uint32_t *v, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(v, n, sizeof(*v), by_number);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || v[kept - 1] != v[i])
			v[kept++] = v[i];
	return kept;
}

static enum err payers_make(struct view *v, struct deal *d, const uint32_t *numbers, size_t n)
{
	d->payers = arena_zalloc(&v->arena, n, sizeof(*d->payers));
	if (!d->payers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		d->payers[i].number = numbers[i];
	d->npayers = n;
	d->payers_known = true;
	return ERR_OK;
}

enum err view_payers(struct view *v, struct deal *d)
{
	size_t n = 0;

	if (d->payers_known)
		return ERR_OK;
	if (d->kept) {
		const uint32_t *kept = kept_payers(d->kept, &n);
		return payers_make(v, d, kept, n);
	}
	TRY(group_statements(v, d));
	TRY(view_whole(v, d));
	TRY(view_parts(v, d));
	size_t most = d->ngroups;
	for (size_t i = 0; i < d->nparts; i++) {
		TRY(view_payers(v, d->parts[i]));
		most += d->parts[i]->npayers;
	}
	uint32_t *numbers = arena_alloc(&v->arena, most * sizeof(*numbers));
	if (!numbers)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < d->ngroups; i++)
		if (d->groups[i].payer)
			numbers[n++] = d->groups[i].payer;
	for (size_t i = 0; i < d->nparts; i++)
		for (size_t j = 0; j < d->parts[i]->npayers; j++)
			numbers[n++] = d->parts[i]->payers[j].number;
	if (d->nparts)
		n = without_doubles(numbers, n);
	return payers_make(v, d, numbers, n);
}

struct payer *deal_payer(const struct deal *d, uint32_t number)
{
	const struct payer key = { .number = number };

	if (d->npayers == 0)
		return NULL;
	return bsearch(&key, d->payers, d->npayers, sizeof(*d->payers), by_payer);
}

/* ---- payees ---- */

static enum err payees_kept(struct view *v, const struct deal *d, struct number_list *out)
{
	const uint32_t *kept = kept_payees(d->kept, &out->n);

	out->v = arena_alloc(&v->arena, out->n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	if (out->n)
		memcpy(out->v, kept, out->n * sizeof(*out->v));
	return ERR_OK;
}

static enum err payees_declared(struct view *v, struct numbers declared, struct number_list *out)
{
	out->v = arena_alloc(&v->arena, declared.n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < declared.n; i++)
		out->v[i] = numbers_at(declared, i);
	out->n = without_doubles(out->v, declared.n);
	return ERR_OK;
}

enum err view_payees(struct view *v, struct deal *d, struct number_list *out)
{
	const struct numbers declared = deal_declared(d, FACT_TO);
	size_t n = 0;

	if (d->kept)
		return payees_kept(v, d, out);
	if (declared.n)
		return payees_declared(v, declared, out);
	*out = (struct number_list){ 0 };
	TRY(view_load(v, d));
	for (size_t i = 0; i < d->statements.n; i++)
		if (!d->statements.v[i].copy && d->statements.v[i].kind != kind_deal)
			n += fact_numbers(d->statements.v[i].fact, FACT_TO).n;
	if (n == 0)
		return ERR_OK;
	out->v = arena_alloc(&v->arena, n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	n = 0;
	for (size_t i = 0; i < d->statements.n; i++) {
		if (d->statements.v[i].copy || d->statements.v[i].kind == kind_deal)
			continue;
		const struct numbers to = fact_numbers(d->statements.v[i].fact, FACT_TO);
		for (size_t j = 0; j < to.n; j++)
			out->v[n++] = numbers_at(to, j);
	}
	out->n = without_doubles(out->v, n);
	return ERR_OK;
}

static enum err pays(struct view *v, struct deal *d, uint32_t party, bool *out)
{
	struct number_list payees;

	TRY(view_payees(v, d, &payees));
	*out = payees.n && bsearch(&party, payees.v, payees.n, sizeof(*payees.v), by_number);
	return ERR_OK;
}

enum err view_topmost(struct view *v, struct deal *d, uint32_t party, bool *out)
{
	TRY(view_whole(v, d));
	TRY(pays(v, d, party, out));
	for (struct deal *at = d->whole; *out && at; at = at->whole) {
		TRY(pays(v, at, party, out));
		*out = !*out;
	}
	return ERR_OK;
}
