/* SPDX-License-Identifier: Apache-2.0 */
/* filter: cheap conditions first; the replica is asked only for sides that the event leaves open. */
#include "services/query/filter.h"

#include "services/query/index.h"

/* A retraction of a retraction of …: followed so far. */
#define REF_CHAIN_MAX 16u

/* ---- keeping ---- */

static enum err keep_text(struct filter_kept *to, size_t *used, struct str *s)
{
	if (s->n > sizeof(to->text) - *used)
		return ERR_TOO_LARGE;
	if (s->n)
		memcpy(to->text + *used, s->p, s->n);
	s->p = to->text + *used;
	*used += s->n;
	return ERR_OK;
}

static enum err keep_all(struct filter_kept *to)
{
	struct filter *f = &to->filter;
	struct str *const texts[] = { &f->deal, &f->party, &f->from,	&f->to,
				      &f->min,	&f->currency, &f->tag };
	size_t used = 0;

	if (f->kind.n > FILTER_KINDS_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < f->kind.n; i++)
		to->kinds[i] = f->kind.v[i];
	f->kind.v = to->kinds;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const enum err e = keep_text(to, &used, texts[i]);
		if (e)
			return e;
	}
	return ERR_OK;
}

enum err filter_keep(struct filter_kept *to, const struct filter *f, struct fault *fault)
{
	*to = (struct filter_kept){ .empty = !f || f->has == 0 };
	if (to->empty)
		return ERR_OK;
	to->filter = *f;
	if (msg_has(f, filter, min)) {
		const enum err e = decimal_parse(f->min, &to->min, fault);
		if (e) {
			fault_under(fault, "filter.min");
			return e;
		}
	}
	if (keep_all(to))
		return fault_set(fault, ERR_TOO_LARGE, "filter", "a filter of more than %u bytes",
				 FILTER_TEXT_MAX);
	return ERR_OK;
}

void filter_move(struct filter_kept *to, const struct filter_kept *from)
{
	*to = *from;
	if (!to->empty && keep_all(to))
		impossible("it fitted before");
}

/* ---- subjects ---- */

struct subject subject_of(const struct event *event, uint64_t seq)
{
	return (struct subject){ .event = event, .seq = seq, .about = event, .from = event->from,
				 .to = event->to };
}

/* Errors that mean "nothing there to match with"; what is damaged would be skipped in silence. */
static enum err forgive(enum err e)
{
	return e == ERR_IO || e == ERR_NO_MEMORY || e == ERR_DAMAGED ? e : ERR_OK;
}

/* The record at seq, decoded; *out stays NULL where it cannot be had. */
static enum err load(struct replica *r, uint64_t seq, struct arena *a, const struct event **out)
{
	struct record rec;
	struct event *event = arena_alloc(a, sizeof(*event));

	if (!event)
		return ERR_NO_MEMORY;
	enum err e = replica_get(r, seq, &rec);
	if (!e)
		e = event_decode(rec.event, a, event, NULL);
	if (!e)
		*out = event;
	return forgive(e);
}

static enum err follow_retraction(struct subject *s, struct replica *r, struct arena *a)
{
	for (size_t i = 0; i < REF_CHAIN_MAX; i++) {
		const struct event *next = NULL;
		uint64_t seq;

		if (s->about->kind != kind_retract || !msg_has(s->about, event, ref))
			return ERR_OK;
		enum err e = replica_find(r, &s->about->ref, &seq);
		if (!e)
			e = load(r, seq, a, &next);
		if (e || !next)
			return forgive(e);
		s->about = next;
		s->seq = seq;
		s->from = next->from;
		s->to = next->to;
	}
	return ERR_OK;
}

static enum err inherit_sides(struct subject *s, struct replica *r, struct arena *a)
{
	const struct event *declared = NULL;
	uint64_t seq;

	if (s->about->kind == kind_deal || !msg_has(s->about, event, deal) || (s->from.n && s->to.n))
		return ERR_OK;
	enum err e = index_declaration(r, s->about->deal, s->seq, &seq);
	if (!e)
		e = load(r, seq, a, &declared);
	if (e || !declared)
		return forgive(e);
	if (s->from.n == 0)
		s->from = declared->from;
	if (s->to.n == 0)
		s->to = declared->to;
	return ERR_OK;
}

static enum err look_up(struct subject *s, struct replica *r, struct arena *a)
{
	if (s->looked_up)
		return ERR_OK;
	enum err e = follow_retraction(s, r, a);
	if (!e)
		e = inherit_sides(s, r, a);
	s->looked_up = !e; /* else the next who asks hears of it as well */
	return e;
}

/* ---- matching ---- */

static bool has_kind(const struct filter *f, int kind)
{
	for (size_t i = 0; i < f->kind.n; i++)
		if (f->kind.v[i] == kind)
			return true;
	return false;
}

static bool has_text(const struct str_list *list, struct str s)
{
	for (size_t i = 0; i < list->n; i++)
		if (str_eq(list->v[i], s))
			return true;
	return false;
}

/* The rung that an event speaks of. */
static int rung_of(const struct event *e)
{
	switch (e->kind) {
	case kind_rumour:
	case kind_talks:
		return rung_talked;
	case kind_announce:
		return rung_announced;
	case kind_commit:
	case kind_close:
		return rung_committed;
	case kind_pay:
		return rung_paid;
	case kind_total:
		return e->rung;
	default:
		return rung_NONE;
	}
}

/* Whether high (in minor units of c) may reach min (in major units). Exact: 128 bits hold both. */
static bool reaches(const struct amount *amount, const struct currency *c, struct decimal min)
{
	__extension__ typedef __int128 wide;
	wide high = amount->high, low = min.units;

	if (amount->high_open)
		return true;
	for (unsigned i = 0; i < min.scale; i++)
		high *= 10;
	for (unsigned i = 0; i < c->minor; i++)
		low *= 10;
	return amount->high_excl ? high > low : high >= low;
}

static bool amount_matches(const struct filter_kept *k, const struct event *e)
{
	const struct filter *f = &k->filter;

	if (!msg_has(f, filter, min) && !msg_has(f, filter, currency))
		return true;
	if (!msg_has(e, event, amount))
		return false;
	const struct currency *c = currency_find(str_of(e->amount.currency));
	if (!c)
		return false;
	if (msg_has(f, filter, currency) && !str_eq(f->currency, str_of(c->code)))
		return false;
	return !msg_has(f, filter, min) || reaches(&e->amount, c, k->min);
}

bool filter_may_match(const struct filter_kept *k, struct str event)
{
	const struct filter *f = &k->filter;
	struct event_keys keys;

	if (k->empty || (f->kind.n == 0 && !msg_has(f, filter, deal)))
		return true;
	if (event_peek(event, &keys, NULL))
		return false;
	if (f->kind.n && !has_kind(f, keys.kind))
		return false;
	/* a retraction speaks of the deal of what it retracts */
	return !msg_has(f, filter, deal) || keys.kind == kind_retract || str_eq(keys.deal, f->deal);
}

enum err filter_match(const struct filter_kept *k, struct subject *s, struct replica *r,
		      struct arena *a, bool *matches)
{
	const struct filter *f = &k->filter;

	*matches = k->empty;
	if (k->empty)
		return ERR_OK;
	if (f->kind.n && !has_kind(f, s->event->kind))
		return ERR_OK;
	const bool retracts = s->event->kind == kind_retract;
	const bool sides = msg_has(f, filter, party) || msg_has(f, filter, from) ||
			   msg_has(f, filter, to);
	if (retracts) {
		const enum err e = look_up(s, r, a);
		if (e)
			return e;
	}
	const struct event *about = s->about;
	if (msg_has(f, filter, deal) && !str_eq(f->deal, about->deal))
		return ERR_OK;
	if (msg_has(f, filter, rung) && f->rung != rung_of(about))
		return ERR_OK;
	if (msg_has(f, filter, tag) && !has_text(&about->tags, f->tag))
		return ERR_OK;
	if (!amount_matches(k, about))
		return ERR_OK;
	if (sides) {
		const enum err e = look_up(s, r, a);
		if (e)
			return e;
	}
	*matches = (!msg_has(f, filter, from) || has_text(&s->from, f->from)) &&
		   (!msg_has(f, filter, to) || has_text(&s->to, f->to)) &&
		   (!msg_has(f, filter, party) || has_text(&s->from, f->party) ||
		    has_text(&s->to, f->party));
	return ERR_OK;
}
