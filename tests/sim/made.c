/* SPDX-License-Identifier: Apache-2.0 */
/* made: events and publishes out of the dice: good ones, bad ones, twins, repeats, conditions. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/world.h"

#define AMOUNT_MAX_MINOR INT64_C(900000000000)
#define NOTE_MAX 60
#define FRESH_DEAL_REVISION_WRONG 7
#define EVENT_ROOM 1024u

void model_deal(unsigned i, char out[24])
{
	(void)snprintf(out, 24, "deal-%u", i);
}

void model_party(unsigned i, char out[24])
{
	(void)snprintf(out, 24, "party-%u", i);
}

uint64_t model_hash(struct str bytes)
{
	uint64_t h = UINT64_C(14695981039346656037) + bytes.n;

	for (size_t i = 0; i < bytes.n; i++)
		h = (h ^ (uint8_t)bytes.p[i]) * UINT64_C(1099511628211);
	return h;
}

/* Texts of one event, while it is encoded. */
struct texts {
	char deal[24], from[24], to[24], stated[16], note[NOTE_MAX + 1], title[32];
	struct str from_list[2], to_list[1];
};

static struct str bytes_of(const struct event *e)
{
	struct buf b;

	buf_init(&b, EVENT_ROOM);
	ensure(record_encode(&shape_event, e, &b) == ERR_OK);
	return buf_str(&b); /* the model frees it */
}

static void set_source(struct event *e)
{
	msg_mark(e, event, source);
	msg_set(&e->source, source, publisher, STR("Example Wire"));
	msg_set(e, event, grade, grade_press);
}

static void set_sides(struct world *w, struct made *made, struct event *e, struct texts *t)
{
	if (!dice_once_in(&w->dice, 3)) {
		made->from = (int)random_below(&w->dice, MODEL_PARTIES);
		model_party((unsigned)made->from, t->from);
		t->from_list[0] = str_of(t->from);
		e->from = (struct str_list){ t->from_list, 1 };
		msg_mark(e, event, from);
	}
	if (!dice_once_in(&w->dice, 3)) {
		made->to = (int)random_below(&w->dice, MODEL_PARTIES);
		model_party((unsigned)made->to, t->to);
		t->to_list[0] = str_of(t->to);
		e->to = (struct str_list){ t->to_list, 1 };
		msg_mark(e, event, to);
	}
}

static void set_amount(struct world *w, struct event *e)
{
	struct amount a = { .currency = "USD" };

	a.low = dice_between(&w->dice, 1, AMOUNT_MAX_MINOR);
	a.high = dice_once_in(&w->dice, 2) ? a.low : a.low + dice_between(&w->dice, 0, a.low);
	msg_set(e, event, amount, a);
}

static void set_note(struct world *w, struct event *e, struct texts *t)
{
	const size_t n = (size_t)random_below(&w->dice, NOTE_MAX + 1);

	for (size_t i = 0; i < n; i++)
		t->note[i] = (char)('a' + random_below(&w->dice, 26));
	if (n)
		msg_set(e, event, note, ((struct str){ t->note, n }));
}

static int some_kind(struct world *w)
{
	static const int kinds[] = { kind_announce, kind_announce, kind_commit, kind_commit, kind_pay,
				     kind_pay,	    kind_talks,	   kind_rumour, kind_deal,   kind_party,
				     kind_close,    kind_cancel };

	return kinds[random_below(&w->dice, ARRAY_LEN(kinds))];
}

/* An event that was acknowledged and is a statement; -1: there is none. */
static int some_statement(struct world *w)
{
	const struct model *m = &w->model;

	for (size_t tries = 0; m->nmade && tries < 8; tries++) {
		const unsigned i = (unsigned)random_below(&w->dice, m->nmade);
		if (m->made[i].acked && m->made[i].kind < kind_cancel)
			return (int)i;
	}
	return -1;
}

/* What every event has, of the kind and deal of `made`. */
static void begin_event(struct world *w, struct made *made, const char *deal, struct event *e,
			struct texts *t)
{
	*e = (struct event){ 0 };
	for (size_t i = 0; i < ID_SIZE; i += 8) {
		const uint64_t bits = random_next(&w->dice);
		memcpy(&made->id.b[i], &bits, 8);
	}
	msg_set(e, event, id, made->id);
	msg_set(e, event, kind, made->kind);
	(void)snprintf(t->stated, sizeof(t->stated), "%d-%02d-%02d",
		       (int)dice_between(&w->dice, 2014, 2019), (int)dice_between(&w->dice, 1, 12),
		       (int)dice_between(&w->dice, 1, 28));
	msg_set(e, event, stated, str_of(t->stated));
	set_note(w, e, t);
	made->deal = made->from = made->to = -1;
	made->target = -1;
	if (deal) {
		(void)snprintf(t->deal, sizeof(t->deal), "%s", deal);
	} else {
		made->deal = (int)random_below(&w->dice, MODEL_DEALS);
		model_deal((unsigned)made->deal, t->deal);
	}
}

static void finish_statement(struct world *w, struct made *made, struct event *e,
			     struct texts *t)
{
	msg_set(e, event, deal, str_of(t->deal));
	set_source(e);
	set_sides(w, made, e, t);
	if (made->kind != kind_cancel && !dice_once_in(&w->dice, 5))
		set_amount(w, e);
}

static void finish_declaration(struct world *w, struct made *made, struct event *e, struct texts *t)
{
	if (made->kind == kind_party) {
		made->deal = -1;
		model_party((unsigned)random_below(&w->dice, MODEL_PARTIES), t->title);
		msg_set(e, event, party, str_of(t->title));
		msg_set(e, event, name, str_of(t->title));
		return;
	}
	msg_set(e, event, deal, str_of(t->deal));
	set_sides(w, made, e, t);
}

/* Make a new event. `deal`: of this deal, else of some. Returns its place in model->made. */
static unsigned make_event(struct world *w, const char *deal, enum lot lot)
{
	struct model *m = &w->model;
	struct texts t = { .deal = "" };
	struct event e;

	ensure(m->nmade < MODEL_MADE_MAX);
	const unsigned place = (unsigned)m->nmade++;
	struct made *made = &m->made[place];
	const int target = some_statement(w);
	*made = (struct made){ .kind = lot || deal ? kind_announce : some_kind(w) };
	const bool corrects = target >= 0 && !lot && !deal && dice_once_in(&w->dice, 6);
	const bool retracts = corrects && dice_once_in(&w->dice, 2);
	if (corrects)
		made->kind = retracts ? kind_retract : m->made[target].kind;
	begin_event(w, made, deal, &e, &t);
	if (made->kind == kind_deal || made->kind == kind_party)
		finish_declaration(w, made, &e, &t);
	else if (!retracts)
		finish_statement(w, made, &e, &t);
	if (corrects) {
		made->target = retracts ? target : -1;
		made->deal = retracts ? -1 : made->deal;
		set_source(&e);
		msg_set(&e, event, ref, m->made[target].id);
		e.has &= ~(UINT64_C(1) << event_HAS_stated);
		if (retracts)
			msg_set(&e, event, stated, str_of(t.stated));
	}
	if (lot == lot_bad_form)
		e.has &= ~(UINT64_C(1) << event_HAS_source);
	if (lot == lot_bad_ref) {
		struct id nobody = made->id;
		nobody.b[0] ^= 0xff;
		msg_set(&e, event, ref, nobody);
	}
	made->bytes = bytes_of(&e);
	return place;
}

/* Other content under the id of an event that was acknowledged. */
static struct str conflicting_bytes(struct world *w, unsigned of)
{
	struct texts t = { .deal = "" };
	struct made other = { .kind = kind_announce };
	struct event e;

	begin_event(w, &other, NULL, &e, &t);
	finish_statement(w, &other, &e, &t);
	msg_set(&e, event, id, w->model.made[of].id);
	return bytes_of(&e);
}

static bool is_acked_something(const struct model *m, unsigned *which, struct world *w)
{
	for (size_t tries = 0; m->nmade && tries < 8; tries++) {
		*which = (unsigned)random_below(&w->dice, m->nmade);
		if (m->made[*which].acked)
			return true;
	}
	return false;
}

/* One event of a plan: mostly new and good. */
static void add_slot(struct world *w, struct plan *p, enum lot lot)
{
	struct model *m = &w->model;
	struct slot_made *s = &p->slots[p->n];
	unsigned which;

	*s = (struct slot_made){ .lot = lot };
	if (lot == lot_conflict && is_acked_something(m, &which, w)) {
		s->made = which;
		s->bytes = conflicting_bytes(w, which);
	} else if (!lot && p->n && p->slots[p->n - 1].lot != lot_conflict && dice_once_in(&w->dice, 16)) {
		*s = p->slots[p->n - 1]; /* a twin */
		p->once = false;
	} else if (!lot && !p->expects && dice_once_in(&w->dice, 16) && is_acked_something(m, &which, w)) {
		s->made = which;
		s->old = true;
		p->once = false;
	} else {
		s->lot = lot == lot_conflict ? lot_written : lot;
		s->made = make_event(w, p->expects ? p->deal : NULL, s->lot);
	}
	if (s->lot != lot_conflict)
		s->bytes = m->made[s->made].bytes;
	p->n++;
}

/* How many events the deal of this plan has, all of them its own. */
static uint64_t revision_of(const struct plan *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += i == 0 || p->slots[i].made != p->slots[i - 1].made;
	return n;
}

/* A condition: a deal of its own that does not exist yet, or a deal at another revision than it is. */
static void expect(struct world *w, struct plan *p)
{
	const struct plan *known = w->model.last_expected;

	p->expects = true;
	p->wrong_revision = dice_once_in(&w->dice, 2);
	(void)snprintf(p->deal, sizeof(p->deal), "fresh-%u", (unsigned)w->model.nplans);
	if (!p->wrong_revision)
		return;
	p->revision = FRESH_DEAL_REVISION_WRONG;
	if (known && dice_once_in(&w->dice, 2)) {
		memcpy(p->deal, known->deal, sizeof(p->deal));
		p->actual = revision_of(known);
		p->revision = p->actual + (dice_once_in(&w->dice, 2) ? 1 : UINT64_MAX);
	}
}

struct plan *model_plan(struct world *w, unsigned publisher)
{
	struct model *m = &w->model;
	const uint64_t sort = random_below(&w->dice, 12);

	ensure(m->nplans < MODEL_PLANS_MAX);
	struct plan *p = &m->plans[m->nplans];
	*p = (struct plan){ .publisher = publisher, .once = true, .sent_us = -1, .acked_us = -1 };
	buf_init(&p->receipt, MSG_BYTES_MAX);
	const size_t n = 1 + (size_t)random_below(&w->dice, MODEL_SLOTS_MAX - 2);
	if (sort == 0)
		expect(w, p);
	m->nplans++;
	p->partial = sort == 1;
	for (size_t i = 0; i < n; i++)
		add_slot(w, p, lot_written);
	if (sort == 1 || sort == 2) /* bad apples, with or without `partial` */
		add_slot(w, p, dice_once_in(&w->dice, 2) ? lot_bad_form : lot_bad_ref);
	if (sort == 3)
		add_slot(w, p, lot_conflict);
	if (sort == 1 && p->n < MODEL_SLOTS_MAX)
		add_slot(w, p, lot_written);
	return p;
}

struct publish model_publish(struct model *m, const struct plan *p)
{
	struct publish out = { 0 };

	arena_reset(&m->arena);
	struct str *events = arena_alloc(&m->arena, p->n * sizeof(*events));
	struct expect *expect = arena_zalloc(&m->arena, 1, sizeof(*expect));
	ensure(events && expect);
	for (size_t i = 0; i < p->n; i++)
		events[i] = p->slots[i].bytes;
	out.events = (struct str_list){ events, p->n };
	msg_mark(&out, publish, events);
	if (p->partial)
		msg_set(&out, publish, partial, true);
	if (p->expects) {
		msg_set(expect, expect, deal, str_of(p->deal));
		msg_set(expect, expect, revision, p->revision);
		out.expect = (struct expect_list){ expect, 1 };
		msg_mark(&out, publish, expect);
	}
	return out;
}
