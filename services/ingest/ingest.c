/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest: a table of requests on their way to the ledger.
 *
 * To the ledger a request is known by its place in the table and a count of how often that place
 * was used, so that an answer that comes too late finds nobody. In a `partial` publish an event that
 * is refused here travels as one of no bytes: places stay, and the ledger's list of faults has a row
 * for it that is replaced by ours.
 */
#include "services/ingest/ingest.h"

#include <stdlib.h>

#include "services/shared/faults.h"

#define REQUEST_ARENA_MAX ((size_t)48 << 20)
#define EVENT_ARENA_MAX ((size_t)4 << 20)
/* What one noted fault may take until the ledger's answer. */
#define FAULT_BYTES (sizeof(struct event_fault) + FAULT_FIELD_MAX + FAULT_TEXT_MAX)
/* rid to the ledger: the place in the low bits, how often it was used above; one place is hello's. */
#define PLACE_BITS 13
#define PLACE_HELLO ((UINT64_C(1) << PLACE_BITS) - 1)
_Static_assert(INGEST_PENDING_MAX <= PLACE_HELLO, "places must fit their bits");

struct pending {
	bool used;
	uint64_t uses;
	struct peer from;
	uint64_t rid;
	int64_t deadline_ms;
	size_t bytes;
	struct arena faults_arena; /* only where something was refused */
	struct event_fault_list faults;
	uint32_t next_free;
};

struct ingest {
	struct sender people, ledger;
	struct arena arena;	  /* of one message */
	struct arena event_arena; /* of one event in it */
	struct pending *pending;
	uint32_t first_free; /* INGEST_PENDING_MAX: none */
	uint32_t untouched;  /* from here on no place was ever used */
	size_t npending, pending_bytes;
	int64_t due_ms; /* before that nobody's time is over */
	bool known; /* the ledger has said who it is */
	struct id ledger_id;
	uint64_t epoch, head;
	uint64_t greetings;
	int64_t greeted_ms, heard_ms, started_us;
	bool heard;
	uint64_t count_requests, count_events, count_refused, count_busy, count_unknown, started_anew;
};

struct ingest *ingest_new(struct outlet people, struct outlet ledger, struct now now)
{
	struct ingest *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->started_us = now.wall_us;
	g->greeted_ms = now.mono_ms - INGEST_GREET_MS;
	g->due_ms = INT64_MAX;
	const enum err to_people = sender_init(&g->people, people);
	const enum err to_ledger = sender_init(&g->ledger, ledger);
	arena_init(&g->arena, REQUEST_ARENA_MAX);
	arena_init(&g->event_arena, EVENT_ARENA_MAX);
	g->pending = calloc(INGEST_PENDING_MAX, sizeof(*g->pending));
	if (to_people || to_ledger || !g->pending) {
		ingest_free(g);
		return NULL;
	}
	g->first_free = INGEST_PENDING_MAX;
	return g;
}

/* A place that is free, where check_room has found that there is one; the table is touched no further. */
static uint32_t pending_begin(struct ingest *g)
{
	const bool fresh = g->first_free == INGEST_PENDING_MAX;
	const uint32_t place = fresh ? g->untouched++ : g->first_free;

	ensure(place < INGEST_PENDING_MAX && !g->pending[place].used);
	if (!fresh)
		g->first_free = g->pending[place].next_free;
	return place;
}

static void pending_end(struct ingest *g, struct pending *p)
{
	ensure(p->used && g->npending > 0);
	arena_fini(&p->faults_arena);
	p->faults = (struct event_fault_list){ 0 };
	p->used = false;
	p->uses++;
	p->next_free = g->first_free;
	g->first_free = (uint32_t)(p - g->pending);
	g->npending--;
	g->pending_bytes -= p->bytes;
}

void ingest_free(struct ingest *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->untouched; i++)
		if (g->pending[i].used)
			pending_end(g, &g->pending[i]);
	sender_fini(&g->people);
	sender_fini(&g->ledger);
	arena_fini(&g->arena);
	arena_fini(&g->event_arena);
	free(g->pending);
	free(g);
}

bool ingest_knows_ledger(const struct ingest *g)
{
	return g->known;
}

void ingest_started_anew(struct ingest *g, uint64_t times)
{
	g->started_anew = times;
}

size_t ingest_waiting(const struct ingest *g)
{
	return g->npending;
}

/* ---- people ---- */

static void refuse(struct ingest *g, const struct request *r, const struct fault *fault)
{
	g->count_refused++;
	sender_refuse(&g->people, r->from, r->head.rid, fault);
}

/* Check every event; what is at fault is noted, and emptied. */
static enum err check_events(struct ingest *g, struct publish *p, struct now now,
			     struct event_fault_list *faults)
{
	for (size_t i = 0; i < p->events.n; i++) {
		struct str *bytes = &p->events.v[i];
		struct event event;
		struct fault fault;

		arena_reset(&g->event_arena);
		fault_init(&fault);
		fault.code = event_check(*bytes, now.wall_us, &g->event_arena, &event, &fault);
		if (!fault.code)
			continue;
		if (fault.code == ERR_NO_MEMORY)
			return ERR_NO_MEMORY; /* not the event's fault */
		bytes->n = 0;
		if (faults_add(faults, p->events.n, i, &fault, &g->arena))
			return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

/* A copy that lives until the ledger's answer. */
static enum err keep_faults(struct pending *p, const struct event_fault_list *faults)
{
	arena_init(&p->faults_arena, faults->n * FAULT_BYTES);
	struct event_fault *v = arena_alloc(&p->faults_arena, faults->n * sizeof(*v));
	if (!v)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < faults->n; i++) {
		v[i] = faults->v[i];
		v[i].text = arena_str(&p->faults_arena, v[i].text);
		v[i].field = arena_str(&p->faults_arena, v[i].field);
		if (!v[i].text.p || !v[i].field.p)
			return ERR_NO_MEMORY;
	}
	p->faults = (struct event_fault_list){ .v = v, .n = faults->n };
	return ERR_OK;
}

/* Whether the table has room for so much more; one request always goes. */
static enum err check_room(struct ingest *g, size_t bytes, struct fault *fault)
{
	if (g->npending < INGEST_PENDING_MAX &&
	    (g->npending == 0 || (g->pending_bytes < INGEST_PENDING_BYTES_MAX &&
				  bytes <= INGEST_PENDING_BYTES_MAX - g->pending_bytes)))
		return ERR_OK;
	g->count_busy++;
	fault->retry_after_ms = INGEST_BUSY_MS;
	return fault_set(fault, ERR_BUSY, NULL, "%zu requests wait for the ledger already",
			 g->npending);
}

static enum err forward(struct ingest *g, const struct request *r, const struct publish *p,
			const struct event_fault_list *faults, struct now now, struct fault *fault)
{
	const size_t bytes = r->wire.n + faults->n * FAULT_BYTES;

	enum err e = check_room(g, bytes, fault);
	if (e)
		return e;
	const uint32_t place = pending_begin(g);
	struct pending *slot = &g->pending[place];
	g->npending++;
	g->pending_bytes += bytes;
	slot->used = true;
	slot->from = *r->from;
	slot->rid = r->head.rid;
	slot->deadline_ms = r->deadline_ms;
	if (slot->deadline_ms < g->due_ms)
		g->due_ms = slot->deadline_ms;
	slot->bytes = bytes;
	if (faults->n)
		e = keep_faults(slot, faults);
	if (!e)
		e = sender_ask(&g->ledger, slot->uses << PLACE_BITS | place,
			       (uint64_t)(r->deadline_ms - now.mono_ms), &shape_publish, p);
	if (!e)
		return ERR_OK;
	pending_end(g, slot);
	if (e == ERR_BUSY)
		fault->retry_after_ms = INGEST_BUSY_MS;
	if (e == ERR_UNREACHABLE)
		e = ERR_UNAVAILABLE;
	return fault_set(fault, e, NULL, "%s", e == ERR_UNAVAILABLE ?
			 "the ledger cannot be reached; surely not written" : "");
}

static enum err take_publish(struct ingest *g, const struct request *r, struct now now,
			     struct fault *fault)
{
	struct event_fault_list faults = { 0 };
	struct publish p;

	/* before the work of looking at its events, and once more with what was found */
	enum err e = check_room(g, r->wire.n, fault);
	if (e)
		return e;
	e = msg_decode(&shape_publish, r->wire, &g->arena, &p, fault);
	if (!e)
		e = publish_check(&p, fault);
	if (e)
		return e;
	e = check_events(g, &p, now, &faults);
	if (e)
		return e;
	g->count_events += p.events.n;
	if (faults.n && !(msg_has(&p, publish, partial) && p.partial)) {
		struct error error;
		g->count_refused++;
		(void)faults_refusal(&faults, p.events.n, &error);
		sender_answer(&g->people, r->from, r->head.rid, &shape_error, &error);
		return ERR_OK;
	}
	return forward(g, r, &p, &faults, now, fault);
}

static void take_hello(struct ingest *g, const struct request *r, struct now now)
{
	struct welcome w;

	if (!g->known) {
		g->count_refused++;
		sender_refuse_as(&g->people, r->from, r->head.rid, ERR_UNAVAILABLE,
				 "the ledger has not been reached yet");
		return;
	}
	welcome_init(&w, "ingest", now.wall_us);
	msg_set(&w, welcome, ledger, g->ledger_id);
	msg_set(&w, welcome, epoch, g->epoch);
	msg_set(&w, welcome, head, g->head);
	sender_answer(&g->people, r->from, r->head.rid, &shape_welcome, &w);
}

static void take_status(struct ingest *g, const struct request *r, struct now now)
{
	struct state_of_service s;
	struct counters counters = { .n = 0 };

	state_init(&s, "ingest", g->started_us, now.wall_us);
	if (g->known) {
		msg_set(&s, state_of_service, ledger, g->ledger_id);
		msg_set(&s, state_of_service, epoch, g->epoch);
		msg_set(&s, state_of_service, upstream_head, g->head);
	}
	msg_set(&s, state_of_service, upstream_ok,
		g->heard && now.mono_ms - g->heard_ms < INGEST_SILENCE_MS);
	counters_add(&counters, "requests", g->count_requests);
	counters_add(&counters, "events", g->count_events);
	counters_add(&counters, "refused", g->count_refused);
	counters_add(&counters, "busy", g->count_busy);
	counters_add(&counters, "unknown", g->count_unknown);
	counters_add(&counters, "waiting", g->npending);
	counters_add(&counters, "waiting_bytes", g->pending_bytes);
	counters_add(&counters, "unsent", g->people.failed);
	counters_add(&counters, "started_anew", g->started_anew);
	counters_into(&counters, &s);
	sender_answer(&g->people, r->from, r->head.rid, &shape_state_of_service, &s);
}

void ingest_take(struct ingest *g, const struct parcel *parcel, struct now now)
{
	struct request r;
	struct fault fault;

	g->count_requests++;
	arena_reset(&g->arena);
	if (!request_open(&r, parcel, now, &g->people)) {
		g->count_refused++;
		return;
	}
	fault_init(&fault);
	switch (r.head.type) {
	case MSG_publish:
		fault.code = take_publish(g, &r, now, &fault);
		if (fault.code)
			refuse(g, &r, &fault);
		break;
	case MSG_hello:
		take_hello(g, &r, now);
		break;
	case MSG_status:
		take_status(g, &r, now);
		break;
	default:
		(void)fault_set(&fault, ERR_UNKNOWN_MESSAGE, "type",
				"ingest answers hello, publish and status");
		refuse(g, &r, &fault);
	}
}

/* ---- the ledger ---- */

static void hear_welcome(struct ingest *g, struct str wire)
{
	struct welcome w;

	if (msg_decode(&shape_welcome, wire, &g->arena, &w, NULL))
		return;
	g->known = true;
	g->ledger_id = w.ledger;
	g->epoch = w.epoch;
	g->head = w.head;
}

/* Put our faults in the place of the rows that the ledger has for events of no bytes. */
static void replace_faults(struct event_fault_list *theirs, const struct event_fault_list *ours)
{
	for (size_t i = 0, k = 0; i < theirs->n && k < ours->n; i++) {
		while (k < ours->n && ours->v[k].index < theirs->v[i].index)
			k++;
		if (k < ours->n && ours->v[k].index == theirs->v[i].index)
			theirs->v[i] = ours->v[k];
	}
}

/* A ledger that is newer than we are may have words for an outcome that we could not say again. */
static bool says_known_words(const struct published *answer)
{
	if (answer->status == outcome_NONE)
		return false;
	for (size_t i = 0; i < answer->receipts.n; i++)
		if (answer->receipts.v[i].status == outcome_NONE)
			return false;
	return true;
}

static enum err pass_published(struct ingest *g, struct str wire, const struct pending *p)
{
	struct published answer;
	const enum err e = msg_decode(&shape_published, wire, &g->arena, &answer, NULL);

	if (e)
		return e;
	if (!says_known_words(&answer))
		return ERR_BAD_VALUE;
	replace_faults(&answer.faults, &p->faults);
	for (size_t i = 0; i < answer.receipts.n; i++)
		if (answer.receipts.v[i].last > g->head)
			g->head = answer.receipts.v[i].last;
	sender_answer(&g->people, &p->from, p->rid, &shape_published, &answer);
	return ERR_OK;
}

static enum err pass_error(struct ingest *g, struct str wire, const struct pending *p)
{
	struct error answer;
	const enum err e = msg_decode(&shape_error, wire, &g->arena, &answer, NULL);

	if (e)
		return e;
	g->count_refused++;
	sender_answer(&g->people, &p->from, p->rid, &shape_error, &answer);
	return ERR_OK;
}

static void unknown(struct ingest *g, struct pending *p, const char *why)
{
	g->count_unknown++;
	sender_refuse_as(&g->people, &p->from, p->rid, ERR_UNKNOWN, why);
	pending_end(g, p);
}

void ingest_hear(struct ingest *g, struct str wire, struct now now)
{
	struct head head;

	arena_reset(&g->arena);
	if (answer_peek(wire, &head, NULL))
		return;
	g->heard = true;
	g->heard_ms = now.mono_ms;
	if (head.type == MSG_welcome) {
		hear_welcome(g, wire);
		return;
	}
	const uint64_t place = head.rid & PLACE_HELLO;
	if (place >= INGEST_PENDING_MAX)
		return;
	struct pending *p = &g->pending[place];
	if (!p->used || head.rid >> PLACE_BITS != p->uses)
		return; /* it was given up meanwhile */
	enum err e = ERR_UNKNOWN_MESSAGE;
	if (head.type == MSG_published)
		e = pass_published(g, wire, p);
	else if (head.type == MSG_error)
		e = pass_error(g, wire, p);
	if (e)
		unknown(g, p, "the ledger's answer could not be read");
	else
		pending_end(g, p);
}

/* ---- time ---- */

static void greet(struct ingest *g, struct now now)
{
	const struct hello hello = { 0 };

	g->greeted_ms = now.mono_ms;
	/* nobody there, or no room: the next greeting is soon */
	if (sender_ask(&g->ledger, g->greetings++ << PLACE_BITS | PLACE_HELLO, INGEST_GREET_MS,
		       &shape_hello, &hello))
		g->greeted_ms -= INGEST_GREET_MS - INGEST_KNOCK_MS;
}

/* Answer those whose time is over, and see when the next one's is. */
static void give_up_late(struct ingest *g, struct now now)
{
	g->due_ms = INT64_MAX;
	for (size_t i = 0, left = g->npending; left > 0 && i < INGEST_PENDING_MAX; i++) {
		struct pending *p = &g->pending[i];
		if (!p->used)
			continue;
		left--;
		if (p->deadline_ms <= now.mono_ms)
			unknown(g, p, "the ledger did not answer in time");
		else if (p->deadline_ms < g->due_ms)
			g->due_ms = p->deadline_ms;
	}
}

int ingest_tick(struct ingest *g, struct now now)
{
	if (g->greeted_ms + INGEST_GREET_MS <= now.mono_ms)
		greet(g, now);
	if (g->due_ms <= now.mono_ms)
		give_up_late(g, now);
	const int64_t next_ms = g->greeted_ms + INGEST_GREET_MS;
	return (int)((g->due_ms < next_ms ? g->due_ms : next_ms) - now.mono_ms);
}

void ingest_give_up(struct ingest *g)
{
	for (size_t i = 0; g->npending > 0 && i < INGEST_PENDING_MAX; i++)
		if (g->pending[i].used)
			unknown(g, &g->pending[i], "ingest is being stopped");
}
