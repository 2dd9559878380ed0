/* SPDX-License-Identifier: Apache-2.0 */
/* ask: options are checked here, once, for all questions. */
#include "services/fold/ask.h"

#include <stdlib.h>

#include "proto/near.h"

#define PAGE_ROWS_DEFAULT 1000u
#define US_OF_DAY (INT64_C(86400) * 1000000)
#define NEAR_SLUGS_MAX 20000u /* that one which is not known is compared with */

static enum err ask_clocks(const struct facts *source, const struct clocks *clocks,
			   struct question *q, struct fault *fault)
{
	int32_t day;

	q->horizon = (struct horizon){ .at_seq = source->head, .stated_end = INT64_MAX };
	q->on = DAY_MAX;
	if (!clocks)
		return ERR_OK;
	if (msg_has(clocks, clocks, at_seq)) {
		if (clocks->at_seq > source->head) {
			if (fault) {
				fault->expected = (int64_t)source->head;
				fault->actual = (int64_t)clocks->at_seq;
			}
			return fault_set(fault, ERR_POSITION_IN_FUTURE, "clocks.at_seq",
					 "the newest event here is #%llu",
					 (unsigned long long)source->head);
		}
		q->horizon.at_seq = clocks->at_seq;
	}
	if (msg_has(clocks, clocks, as_of)) {
		const enum err e = day_parse(clocks->as_of, &day, fault);
		if (e) {
			fault_under(fault, "clocks.as_of");
			return e;
		}
		q->horizon.stated_end = ((int64_t)day + 1) * US_OF_DAY;
	}
	if (msg_has(clocks, clocks, on)) {
		const enum err e = day_parse(clocks->on, &q->on, fault);
		if (e) {
			fault_under(fault, "clocks.on");
			return e;
		}
	}
	return ERR_OK;
}

static int by_number(const void *x, const void *y)
{
	const uint32_t *m = x, *n = y;

	return *m < *n ? -1 : *m > *n;
}

static enum err ask_assume(const struct facts *source, struct str_list slugs, struct arena *a,
			   struct question *q, struct fault *fault)
{
	q->assume.v = arena_alloc(a, slugs.n * sizeof(*q->assume.v));
	if (!q->assume.v)
		return ERR_NO_MEMORY;
	for (q->assume.n = 0; q->assume.n < slugs.n; q->assume.n++)
		TRY(ask_number(source, q, DICT_DEAL, slugs.v[q->assume.n], "assume",
			       &q->assume.v[q->assume.n], fault));
	if (q->assume.n > 1)
		qsort(q->assume.v, q->assume.n, sizeof(*q->assume.v), by_number);
	return ERR_OK;
}

enum err ask_question(const struct facts *source, const struct options *o, struct arena *a,
		      struct question *out, struct fault *fault)
{
	*out = (struct question){ .policy = policy_best, .bases = BASES_DEFAULT };
	if (o->policy)
		out->policy = (enum policy)o->policy;
	TRY(ask_clocks(source, o->clocks, out, fault));
	TRY(ask_assume(source, o->assume, a, out, fault));
	if (o->basis.n)
		out->bases = 0;
	for (size_t i = 0; i < o->basis.n; i++) {
		if (o->basis.v[i] == basis_NONE)
			return fault_set(fault, ERR_BAD_VALUE, "basis", "not a basis of amounts");
		out->bases |= UINT32_C(1) << o->basis.v[i];
	}
	if (o->currency.n) {
		if (!currency_find(o->currency))
			return fault_set(fault, ERR_BAD_CURRENCY, "currency",
					 "\"%.*s\" is not a currency", STR_ARG(o->currency));
		out->currency = currency_pack(o->currency.p);
	}
	return ERR_OK;
}

void ask_basis(const struct facts *source, const struct options *o,
	       const struct question *question, struct basis_of_answer *out)
{
	*out = (struct basis_of_answer){ 0 };
	msg_set(out, basis_of_answer, ledger, source->ledger);
	msg_set(out, basis_of_answer, epoch, source->epoch);
	msg_mark(out, basis_of_answer, clocks);
	if (o->clocks)
		out->clocks = *o->clocks;
	msg_set(&out->clocks, clocks, at_seq, question->horizon.at_seq);
	msg_set(out, basis_of_answer, policy, (int)question->policy);
	if (o->assume.n)
		msg_set(out, basis_of_answer, assume, o->assume);
	if (o->currency.n)
		msg_set(out, basis_of_answer, currency, o->currency);
	if (o->basis.n)
		msg_set(out, basis_of_answer, basis, o->basis);
	msg_set(out, basis_of_answer, rules, STR(COUNTING_RULES));
}

/*
 * The slug of this ledger, at the question's seq, that another may be a slip of the pen for; empty
 * where none is, or where it is not among the first NEAR_SLUGS_MAX.
 */
static enum err nearest(const struct facts *source, const struct question *question,
			enum dictionary dict, struct str slug, struct str *out)
{
	unsigned least = NEAR_WORD_MAX + 1;
	uint32_t last, again;

	*out = (struct str){ NULL, 0 };
	TRY(source->last_number(source->arg, dict, &last));
	for (uint32_t n = 1; n <= last && n <= NEAR_SLUGS_MAX; n++) {
		struct str other;
		TRY(source->slug(source->arg, dict, n, &other));
		if (!near_enough(slug, other) || near_distance(slug, other) >= least)
			continue;
		const enum err e = source->number(source->arg, dict, other,
						  question->horizon.at_seq, &again);
		if (e && e != ERR_NOT_FOUND)
			return e;
		if (!e) {
			least = near_distance(slug, other);
			*out = other;
		}
	}
	return ERR_OK;
}

enum err ask_number(const struct facts *source, const struct question *question,
		    enum dictionary dict, struct str slug, const char *field, uint32_t *out,
		    struct fault *fault)
{
	const enum err e = source->number(source->arg, dict, slug, question->horizon.at_seq, out);
	struct str near;

	if (e != ERR_NOT_FOUND)
		return e;
	TRY(nearest(source, question, dict, slug, &near));
	return fault_set(fault, e, field, "no %s \"%.*s\" in this ledger%s%.*s%s",
			 dict == DICT_DEAL ? "deal" : "party", STR_ARG(slug),
			 near.n ? "; did you mean \"" : "", STR_ARG(near), near.n ? "\"?" : "");
}

enum err ask_check(const struct view *v, enum err e, struct fault *fault)
{
	const struct missing_rate *m = &v->missing;
	char base[4], quote[4], day[DAY_TEXT_SIZE];

	if (!e && m->any) {
		currency_unpack(m->base, base);
		currency_unpack(m->quote, quote);
		day_format(m->day, day);
		return fault_set(fault, ERR_NO_RATE, "currency",
				 "no rate between %s and %s on or before %s", base, quote, day);
	}
	if (e == ERR_OVERFLOW)
		return fault_set(fault, e, NULL, "a sum is beyond 64 bits of minor units");
	return e;
}

enum err ask_begin(struct asking *k, const struct facts *source, const struct options *options,
		   struct arena *a, struct basis_of_answer *basis, struct fault *fault)
{
	*k = (struct asking){ .source = source, .options = *options, .a = a, .fault = fault };
	TRY(ask_question(source, options, a, &k->question, fault));
	ask_basis(source, options, &k->question, basis);
	view_init(&k->view, source, &k->question);
	return ERR_OK;
}

enum err ask_end(struct asking *k, enum err e)
{
	const enum err checked = ask_check(&k->view, e, k->fault);

	view_fini(&k->view);
	return checked;
}

struct page ask_page(uint64_t skip, bool limited, uint64_t limit, size_t n)
{
	struct page page = { .first = skip < n ? (size_t)skip : n };

	if (!limited)
		limit = PAGE_ROWS_DEFAULT;
	page.n = n - page.first < limit ? n - page.first : (size_t)limit;
	return page;
}

static int by_slug(const void *x, const void *y)
{
	const struct named *m = x, *n = y;

	return str_cmp(m->slug, n->slug);
}

#define NAMES_WALKED_MIN 1000u
#define NAMES_FORESEEN 8u /* slugs that are brought near before they are asked for */

/*
 * Where most of a dictionary is named, its slugs are walked through in their own order. Gives n names,
 * or fewer where the walk did not meet all of them.
 */
static enum err walk_names(struct view *v, enum dictionary dict, const uint32_t *numbers, size_t n,
			   uint32_t last, struct named *names, size_t *found)
{
	uint32_t *places = arena_zalloc(&v->arena, (size_t)last + 1, sizeof(*places));
	struct slug_list all;

	*found = 0;
	if (!places)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		if (numbers[i] <= last)
			places[numbers[i]] = (uint32_t)i + 1;
	TRY(v->facts->slugs(v->facts->arg, dict, STR(""), v->question->horizon.at_seq, last,
			    &v->arena, &all));
	for (size_t i = 0; i < all.n && *found < n; i++) {
		const uint32_t number = all.v[i].number;
		if (number <= last && places[number])
			names[(*found)++] = (struct named){ all.v[i].slug, number,
				places[number] - 1 };
	}
	return ERR_OK;
}

enum err ask_names(struct view *v, enum dictionary dict, const uint32_t *numbers, size_t n,
		   struct named **out)
{
	struct named *names = arena_alloc(&v->arena, n * sizeof(*names));
	uint32_t last = UINT32_MAX;
	size_t found = 0;

	if (!names)
		return ERR_NO_MEMORY;
	*out = names;
	if (n >= NAMES_WALKED_MIN)
		TRY(v->facts->last_number(v->facts->arg, dict, &last));
	if (last / 4 < n)
		TRY(walk_names(v, dict, numbers, n, last, names, &found));
	if (found == n)
		return ERR_OK;
	for (size_t i = 0; i < n; i++) {
		if (i + NAMES_FORESEEN < n)
			v->facts->foresee_slug(v->facts->arg, dict, numbers[i + NAMES_FORESEEN]);
		names[i].number = numbers[i];
		names[i].at = i;
		TRY(v->facts->slug(v->facts->arg, dict, numbers[i], &names[i].slug));
	}
	if (n > 1)
		qsort(names, n, sizeof(*names), by_slug);
	return ERR_OK;
}

enum err ask_slugs(struct view *v, enum dictionary dict, const uint32_t *numbers, size_t n,
		   size_t most, struct arena *a, struct str_list *out)
{
	struct named *names;

	TRY(ask_names(v, dict, numbers, n, &names));
	out->n = n < most ? n : most;
	out->v = arena_alloc(a, out->n * sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < out->n; i++)
		out->v[i] = names[i].slug;
	return ERR_OK;
}

static enum err event_of(struct view *v, const struct fact *f, struct arena *a,
			 struct event *out)
{
	struct entry entry;

	TRY(v->facts->entry(v->facts->arg, f->seq, &entry));
	return event_decode(entry.event, a, out, NULL);
}

enum err ask_deal(struct view *v, const struct deal *d, struct arena *a, struct event *out,
		  bool *found)
{
	*found = d->declared != NULL;
	return d->declared ? event_of(v, d->declared->fact, a, out) : ERR_OK;
}

enum err ask_party(struct view *v, uint32_t party, struct arena *a, struct event *out,
		   bool *found)
{
	const struct question *q = v->question;
	const struct fact *declared = NULL;
	struct fact_list facts;
	struct visible_list all;

	TRY(v->facts->home(v->facts->arg, HOME_PARTY, party, &q->horizon, &v->arena, &facts));
	TRY(visible_statements(v->facts, &q->horizon, q->on, facts, &v->arena, &all));
	for (size_t i = 0; i < all.n; i++)
		if (!all.v[i].copy && all.v[i].kind == kind_party &&
		    numbers_have(fact_numbers(all.v[i].fact, FACT_SUBJECT), party))
			declared = all.v[i].fact;
	*found = declared != NULL;
	return declared ? event_of(v, declared, a, out) : ERR_OK;
}
