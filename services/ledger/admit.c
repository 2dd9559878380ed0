/* SPDX-License-Identifier: Apache-2.0 */
/* admit: decide event by event, in order, each seeing what stands before it in the same publish. */
#include "services/ledger/admit.h"

#include "services/shared/faults.h"
#include "store/fresh.h"

/* Corrections without `stated` take it from what they correct; so long a chain is refused. */
#define REF_CHAIN_MAX 1000u

struct deciding {
	struct log *log;
	struct arena *a;
	struct admission *d;
	struct fresh first; /* where in the publish an id stands first */
	bool twins;	    /* an id stands twice */
	size_t hard; /* faults of shape and identity: they count before `expect` */
};

/* The first event of the publish with this id, where it was not refused; NULL: there is none. */
static struct slot *first_slot(const struct deciding *x, const struct id *id, size_t *at)
{
	uint64_t i;

	if (!fresh_find(&x->first, id, &i) || x->d->slots[i].fate == fate_refused)
		return NULL;
	*at = (size_t)i;
	return &x->d->slots[i];
}

/* Note that event i is at fault; its fate is sealed. */
static enum err refuse(struct deciding *x, size_t i, const struct fault *fault)
{
	struct admission *d = x->d;

	d->slots[i].fate = fate_refused;
	return faults_add(&d->faults, d->n, i, fault, x->a);
}

/* ---- shape ---- */

static enum err read_one(struct deciding *x, size_t i)
{
	struct slot *s = &x->d->slots[i];
	struct fault fault;

	fault_init(&fault);
	fault.code = event_peek(s->event, &s->keys, &fault);
	if (fault.code) {
		x->hard++;
		return refuse(x, i, &fault);
	}
	if (x->d->n == 1)
		return ERR_OK;
	const enum err e = fresh_add(&x->first, &s->keys.id, i);
	x->twins |= e == ERR_INTERNAL;
	return e == ERR_INTERNAL ? ERR_OK : e;
}

static enum err read_all(struct deciding *x, const struct publish *p)
{
	struct admission *d = x->d;
	enum err e = ERR_OK;

	d->n = p->events.n;
	d->slots = arena_zalloc(x->a, d->n, sizeof(*d->slots));
	if (!d->slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < d->n; i++) {
		d->slots[i].event = p->events.v[i];
		e = read_one(x, i);
	}
	return e;
}

/* ---- identity ---- */

static enum err conflict(struct fault *fault, uint64_t seq)
{
	if (seq == 0)
		return fault_set(fault, ERR_ID_CONFLICT, "id",
				 "an earlier event of this batch has this id and other content");
	fault->seq = (int64_t)seq;
	return fault_set(fault, ERR_ID_CONFLICT, "id", "event #%llu has this id and other content",
			 (unsigned long long)seq);
}

/* Is it new? ERR_ID_CONFLICT, ERR_DAMAGED: a fault of this event; ERR_IO, ERR_NO_MEMORY. */
static enum err check_identity(struct deciding *x, size_t i, struct fault *fault)
{
	struct slot *s = &x->d->slots[i];
	size_t at = i;
	const struct slot *first = x->twins ? first_slot(x, &s->keys.id, &at) : NULL;
	uint64_t seq;
	bool same;
	enum err e;

	if (first && at < i) {
		e = event_same(s->event, first->event, x->a, &same);
		if (e)
			return e;
		if (!same)
			return conflict(fault, first->fate == fate_exists ? first->rec.seq : 0);
		s->fate = fate_twin;
		s->twin = (uint32_t)at;
		return ERR_OK;
	}
	e = log_find(x->log, &s->keys.id, &seq);
	if (e == ERR_NOT_FOUND) {
		s->fate = fate_new;
		return ERR_OK;
	}
	if (!e)
		e = log_get(x->log, seq, &s->rec);
	if (e == ERR_DAMAGED || e == ERR_NOT_FOUND) {
		fault->seq = (int64_t)seq;
		return fault_set(fault, ERR_DAMAGED, "id", "event #%llu has this id and is damaged",
				 (unsigned long long)seq);
	}
	if (!e)
		e = event_same(s->event, s->rec.event, x->a, &same);
	if (e)
		return e;
	if (!same)
		return conflict(fault, seq);
	s->fate = fate_exists;
	return ERR_OK;
}

/* ---- ref ---- */

/* What `id` names, for event i: an earlier event of the publish, or one of the log. */
static enum err find_ref(struct deciding *x, const struct id *id, size_t i, struct event_keys *keys)
{
	size_t at = i;
	const struct slot *first = first_slot(x, id, &at);
	struct record rec;
	uint64_t seq;

	if (first && at < i) {
		*keys = first->keys;
		return ERR_OK;
	}
	enum err e = log_find(x->log, id, &seq);
	if (!e)
		e = log_get(x->log, seq, &rec);
	if (!e)
		e = event_peek(rec.event, keys, NULL) ? ERR_DAMAGED : ERR_OK;
	return e;
}

static bool is_earlier(const struct when *a, const struct when *b)
{
	if (a->is_day || b->is_day)
		return a->day < b->day;
	return a->us < b->us;
}

static enum err check_stated(struct deciding *x, size_t i, struct event_keys target,
			     struct fault *fault)
{
	const struct event_keys *own = &x->d->slots[i].keys;
	struct when ours, theirs;
	size_t steps = 0;
	enum err e;

	if (own->kind == kind_retract || own->stated.n == 0 || when_parse(own->stated, &ours, NULL))
		return ERR_OK;
	while (target.stated.n == 0 && target.has_ref) {
		if (++steps > REF_CHAIN_MAX)
			return fault_set(fault, ERR_BAD_VALUE, "ref",
					 "more than %u corrections without `stated` in a row",
					 REF_CHAIN_MAX);
		const struct id next = target.ref;
		e = find_ref(x, &next, i, &target);
		if (e == ERR_IO)
			return e;
		if (e) /* damaged: nothing to compare with */
			return ERR_OK;
	}
	if (target.stated.n == 0 || when_parse(target.stated, &theirs, NULL))
		return ERR_OK;
	if (is_earlier(&ours, &theirs))
		return fault_set(fault, ERR_STATED_TOO_EARLY, "stated",
				 "stated %.*s, before the event that it corrects, stated %.*s",
				 STR_ARG(own->stated), STR_ARG(target.stated));
	return ERR_OK;
}

static enum err check_ref(struct deciding *x, size_t i, struct fault *fault)
{
	const struct event_keys *own = &x->d->slots[i].keys;
	struct event_keys target;

	if (!own->has_ref)
		return ERR_OK;
	const enum err e = find_ref(x, &own->ref, i, &target);
	if (e == ERR_NOT_FOUND)
		return fault_set(fault, ERR_NO_SUCH_REF, "ref",
				 "`ref` names no event that this ledger holds");
	if (e == ERR_DAMAGED) /* it is there, which is all that can still be said of it */
		return ERR_OK;
	if (e)
		return e;
	return check_stated(x, i, target, fault);
}

/* ---- the whole ---- */

/* Errors that end the request; all others are the fault of one event. */
static bool is_ours(enum err e)
{
	return e == ERR_IO || e == ERR_NO_MEMORY || e == ERR_NO_SPACE;
}

static enum err decide_one(struct deciding *x, size_t i)
{
	struct fault fault;

	fault_init(&fault);
	enum err e = check_identity(x, i, &fault);
	if (e && !is_ours(e))
		x->hard++;
	if (!e && x->d->slots[i].fate == fate_new) {
		x->d->fresh++;
		e = check_ref(x, i, &fault);
		if (e && !is_ours(e))
			x->d->fresh--;
	}
	if (!e || is_ours(e))
		return e;
	fault.code = e;
	return refuse(x, i, &fault);
}

static enum err check_expect(struct deciding *x, const struct publish *p)
{
	struct fault fault;

	for (size_t i = 0; i < p->expect.n; i++) {
		const struct expect *want = &p->expect.v[i];
		uint64_t revision;
		const enum err e = log_revision(x->log, want->deal, &revision);
		if (e)
			return e;
		if (revision == want->revision)
			continue;
		fault_init(&fault);
		fault.expected = (int64_t)want->revision;
		fault.actual = (int64_t)revision;
		(void)fault_set(&fault, ERR_WRONG_REVISION, NULL,
				"deal %.*s is at revision %llu, not %llu", STR_ARG(want->deal),
				(unsigned long long)revision, (unsigned long long)want->revision);
		struct error *error = &x->d->error;
		error_from_fault(&fault, error);
		const struct str field = arena_printf(x->a, "expect[%zu]", i);
		error->text = arena_str(x->a, error->text);
		if (!field.p || !error->text.p)
			return ERR_NO_MEMORY;
		msg_set(error, error, field, field);
		return ERR_WRONG_REVISION;
	}
	return ERR_OK;
}

static enum err decide(struct deciding *x, const struct publish *p)
{
	struct admission *d = x->d;
	const bool partial = msg_has(p, publish, partial) && p->partial;

	enum err e = read_all(x, p);
	for (size_t i = 0; !e && i < d->n; i++)
		if (d->slots[i].fate != fate_refused)
			e = decide_one(x, i);
	if (e)
		return e;
	faults_sort(&d->faults);
	if (x->hard && !partial)
		return faults_refusal(&d->faults, d->n, &d->error);
	/* a publish that is all there already is a retry: its condition was met the first time */
	if (d->fresh || d->faults.n > x->hard) {
		e = check_expect(x, p);
		if (e)
			return e;
	}
	return d->faults.n && !partial ? faults_refusal(&d->faults, d->n, &d->error) : ERR_OK;
}

enum err admit_decide(struct log *log, const struct publish *p, struct arena *a,
		      struct admission *out)
{
	struct deciding x = { .log = log, .a = a, .d = out };

	*out = (struct admission){ 0 };
	if (p->events.n > 1) /* of one alone nothing stands before it or behind it */
		fresh_init(&x.first);
	const enum err e = decide(&x, p);
	fresh_fini(&x.first);
	return e;
}

/* Between two publishes a microsecond stays free, which shows where one ends; within one there is none. */
#define PUBLISH_GAP_US 2

enum err admit_put(struct log *log, struct admission *d, int64_t now_us)
{
	const int64_t last_us = log_recorded(log);

	if (last_us <= INT64_MAX - PUBLISH_GAP_US && now_us < last_us + PUBLISH_GAP_US)
		now_us = last_us + PUBLISH_GAP_US;
	for (size_t i = 0; i < d->n; i++) {
		struct slot *s = &d->slots[i];
		if (s->fate != fate_new)
			continue;
		const enum err e = log_put(log, &s->keys.id, s->keys.deal, s->event, now_us, &s->rec);
		if (e)
			return e;
	}
	return ERR_OK;
}

/* ---- receipts ---- */

static const struct record *record_of(const struct admission *d, size_t i)
{
	const struct slot *s = &d->slots[i];

	return s->fate == fate_twin ? &d->slots[s->twin].rec : &s->rec;
}

/* Whether event i stands in the log right behind event i - 1, with the same status. */
static bool goes_on(const struct admission *d, size_t i)
{
	if (i == 0 || d->slots[i - 1].fate == fate_refused)
		return false;
	const struct record *before = record_of(d, i - 1), *rec = record_of(d, i);
	return (d->slots[i - 1].fate == fate_new) == (d->slots[i].fate == fate_new) &&
	       rec->epoch == before->epoch && rec->seq == before->seq + 1 &&
	       rec->recorded == before->recorded + 1;
}

static void receipt_begin(struct receipt *r, const struct admission *d, size_t i,
			  struct hash *leaves)
{
	const struct record *rec = record_of(d, i);

	*r = (struct receipt){ 0 };
	msg_set(r, receipt, index, i);
	msg_set(r, receipt, status, d->slots[i].fate == fate_new ? outcome_created : outcome_exists);
	msg_set(r, receipt, epoch, rec->epoch);
	msg_set(r, receipt, first, rec->seq);
	msg_set(r, receipt, last, rec->seq);
	msg_set(r, receipt, recorded, rec->recorded);
	r->leaves.v = leaves;
	msg_mark(r, receipt, leaves);
}

enum err admit_answer(const struct admission *d, struct arena *a, struct published *out)
{
	size_t runs = 0, good = 0;

	for (size_t i = 0; i < d->n; i++) {
		if (d->slots[i].fate == fate_refused)
			continue;
		good++;
		runs += !goes_on(d, i);
	}
	*out = (struct published){ 0 };
	struct receipt *receipts = arena_alloc(a, runs * sizeof(*receipts));
	struct hash *leaves = arena_alloc(a, good * sizeof(*leaves));
	if (!receipts || !leaves)
		return ERR_NO_MEMORY;
	struct receipt *r = receipts;
	for (size_t i = 0, k = 0; i < d->n; i++) {
		if (d->slots[i].fate == fate_refused)
			continue;
		if (!goes_on(d, i))
			receipt_begin(r++, d, i, &leaves[k]);
		r[-1].last = record_of(d, i)->seq;
		r[-1].leaves.n++;
		leaves[k++] = record_of(d, i)->leaf;
	}
	ensure((size_t)(r - receipts) == runs);
	msg_set(out, published, status, d->fresh ? outcome_created : outcome_exists);
	out->receipts = (struct receipt_list){ .v = receipts, .n = runs };
	msg_mark(out, published, receipts);
	if (d->faults.n) {
		out->faults = d->faults;
		msg_mark(out, published, faults);
	}
	return ERR_OK;
}
