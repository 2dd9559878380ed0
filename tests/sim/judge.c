/* SPDX-License-Identifier: Apache-2.0 */
/* judge: the final log against what was published, acknowledged and delivered. */
#include "tests/sim/model.h"

#include "tests/sim/world.h"

static const struct made *made_with(const struct model *m, const struct id *id)
{
	for (size_t i = 0; i < m->nmade; i++)
		if (memcmp(&m->made[i].id, id, sizeof(*id)) == 0)
			return &m->made[i];
	return NULL;
}

/* One record: in its place, and what somebody published and has a receipt for. */
static void judge_record(struct world *w, const struct record *rec, const struct record *before)
{
	const unsigned long long seq = rec->seq;
	struct event_keys keys;

	if (before && (rec->seq != before->seq + 1 || rec->recorded <= before->recorded))
		world_fail(w, "seq %llu does not follow the one before", seq);
	if (event_peek(rec->event, &keys, NULL)) {
		world_fail(w, "seq %llu is no event", seq);
		return;
	}
	const struct made *made = made_with(&w->model, &keys.id);
	world_check(w, events_in_log, made && str_eq(made->bytes, rec->event),
		    "seq %llu holds what nobody published", seq);
	if (made && !made->acked)
		world_fail(w, "seq %llu was written, and refused", seq);
	else if (made && (made->rec.seq != rec->seq || made->rec.recorded != rec->recorded ||
			  made->rec.epoch != rec->epoch))
		world_fail(w, "the event at seq %llu was acknowledged as %llu", seq,
			   (unsigned long long)made->rec.seq);
}

/* The first and last seq of a plan's new events, which must stand together. */
static bool span_of(struct world *w, const struct plan *p, uint64_t *first, uint64_t *last)
{
	const struct model *m = &w->model;

	*first = *last = 0;
	for (size_t i = 0; p->acked && i < p->n; i++) {
		const struct slot_made *s = &p->slots[i];
		const uint64_t seq = m->made[s->made].rec.seq;
		if (s->lot != lot_written || s->old || (*first && seq == *last))
			continue;
		if (*first && seq != *last + 1)
			world_fail(w, "a batch is torn: seq %llu behind %llu", (unsigned long long)seq,
				   (unsigned long long)*last);
		*first = *first ? *first : seq;
		*last = seq;
	}
	return *first > 0;
}

/* What was acknowledged before another was sent comes first. */
static void judge_order(struct world *w)
{
	const struct model *m = &w->model;
	uint64_t first, last, other_first, other_last;

	for (size_t i = 0; i < m->nplans; i++) {
		const struct plan *p = &m->plans[i];
		if (!span_of(w, p, &first, &last))
			continue;
		w->tally->v[tally_batches_whole]++;
		for (size_t k = 0; k < m->nplans; k++) {
			const struct plan *later = &m->plans[k];
			if (later->sent_us <= p->acked_us || !span_of(w, later, &other_first, &other_last))
				continue;
			world_check(w, order_kept, last < other_first,
				    "seq %llu was acknowledged before seq %llu was sent",
				    (unsigned long long)last, (unsigned long long)other_first);
		}
	}
}

void model_judge(struct world *w, const struct record_list *log)
{
	for (size_t i = 0; i < log->n; i++)
		judge_record(w, &log->v[i], i ? &log->v[i - 1] : NULL);
	if (log->n && log->v[0].seq != 1)
		world_fail(w, "the log does not begin with seq 1");
	if (log->n != w->model.nacked)
		world_fail(w, "%llu events were acknowledged, the log holds %zu",
			   (unsigned long long)w->model.nacked, log->n);
	judge_order(w);
}

/* ---- watchers ---- */

/* The latest declaration of the deal of `made` up to its own seq; NULL where there is none. */
static const struct made *declared(const struct model *m, const struct made *made)
{
	const struct made *latest = NULL;

	for (size_t i = 0; made->deal >= 0 && i < m->nmade; i++) {
		const struct made *d = &m->made[i];
		if (d->acked && d->kind == kind_deal && d->deal == made->deal &&
		    d->rec.seq <= made->rec.seq && (!latest || d->rec.seq > latest->rec.seq))
			latest = d;
	}
	return latest;
}

/* Whether a party is on either side; a statement that leaves a side open has the declared one. */
static bool has_party(const struct model *m, const struct made *made, int party)
{
	const struct made *d = made->kind == kind_deal ? NULL : declared(m, made);
	const int from = made->from < 0 && d ? d->from : made->from;
	const int to = made->to < 0 && d ? d->to : made->to;

	return from == party || to == party;
}

/* Whether an event is what the watcher asked for. */
static bool is_wanted(const struct model *m, const struct watcher *u, const struct made *made)
{
	const struct made *about = made;

	if (u->by_kind && made->kind != u->kind)
		return false;
	while (about->kind == kind_retract) /* it is about what it withdraws */
		about = &m->made[about->target];
	if (u->by_deal && about->deal != u->deal)
		return false;
	return !u->by_party || has_party(m, about, u->party);
}

void watcher_judge(struct world *w, const struct client *c)
{
	const struct watcher *u = &c->u.watcher;
	const struct model *m = &w->model;
	size_t at = 0;

	for (uint64_t seq = u->first + 1; seq <= m->head; seq++) {
		const struct made *made = NULL;
		for (size_t i = 0; i < m->nmade && !made; i++)
			if (m->made[i].acked && m->made[i].rec.seq == seq)
				made = &m->made[i];
		if (!made || !is_wanted(m, u, made))
			continue;
		if (at == u->nseen || u->seen[at].seq != seq) {
			world_fail(w, "%s was not given seq %llu", c->name, (unsigned long long)seq);
			return;
		}
		world_check(w, deliveries, u->seen[at].hash == model_hash(made->bytes) &&
			    u->seen[at].recorded == made->rec.recorded,
			    "%s was given something else as seq %llu", c->name,
			    (unsigned long long)seq);
		at++;
	}
	world_check(w, watches_complete, at == u->nseen, "%s was given seq %llu, which it did not ask for",
		    c->name, (unsigned long long)u->seen[at < u->nseen ? at : 0].seq);
}
