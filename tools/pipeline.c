/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline: a ring of batches. The oldest one that must be sent again goes before all newer ones, so
 * that the order of the log stays about that of the input. A batch leaves when every event of it has
 * its verdict; it is asked for again after BUSY, UNAVAILABLE, DEADLINE, NO_SPACE, a broken
 * connection, or no answer.
 */
#include "tools/pipeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "services/shared/client.h"
#include "tools/cmd.h"

#define TTL_MS 5000	    /* for one try */
#define GRACE_MS 250	    /* for the answer to arrive that the time is over */
#define BACKOFF_MS 20
#define BACKOFF_MAX_MS 1000
#define TURN_MS 200	    /* how long a turn waits at most: signals, deadlines */

enum batch_state { batch_free, batch_filling, batch_ready, batch_waiting, batch_again };

struct item {
	uint64_t tag;
	size_t at, n;		      /* the event in bytes */
	size_t context_at, context_n; /* in contexts */
};

struct batch {
	enum batch_state state;
	uint64_t number; /* counts batches: the order of the input */
	uint64_t rid;
	int64_t sent_ms, again_ms; /* when it was sent; when it may be sent again */
	unsigned tries;
	bool in_doubt;		   /* a try may have been executed */
	struct buf bytes, contexts;
	struct item items[PIPELINE_BATCH_EVENTS];
	size_t count;
};

struct pipeline {
	struct client *client;
	verdict_fn *on_verdict;
	void *arg;
	int timeout_ms;
	int64_t moved_ms;    /* when an event got an outcome, or the pipeline had nothing in flight */
	uint64_t batches;    /* begun so far */
	struct fault last;   /* why the last try failed */
	struct arena arena;  /* of one answer */
	struct str *events;  /* of the publish being encoded */
	struct batch v[PIPELINE_BATCHES];
};

static int64_t clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum err pipeline_open(const char *endpoint, int timeout_ms, verdict_fn *on_verdict, void *arg,
		       struct pipeline **out, struct fault *fault)
{
	struct pipeline *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	p->on_verdict = on_verdict;
	p->arg = arg;
	p->timeout_ms = timeout_ms;
	p->moved_ms = clock_ms();
	fault_init(&p->last);
	arena_init(&p->arena, 4 * (size_t)MSG_BYTES_MAX);
	for (size_t i = 0; i < PIPELINE_BATCHES; i++) {
		buf_init(&p->v[i].bytes, PIPELINE_BATCH_BYTES);
		buf_init(&p->v[i].contexts, 4 * PIPELINE_BATCH_BYTES);
	}
	p->events = calloc(PIPELINE_BATCH_EVENTS, sizeof(*p->events));
	const enum err e = p->events ? client_open(endpoint, &p->client, fault) : ERR_NO_MEMORY;
	if (e) {
		pipeline_close(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

void pipeline_close(struct pipeline *p)
{
	if (!p)
		return;
	client_close(p->client);
	for (size_t i = 0; i < PIPELINE_BATCHES; i++) {
		buf_fini(&p->v[i].bytes);
		buf_fini(&p->v[i].contexts);
	}
	arena_fini(&p->arena);
	free(p->events);
	free(p);
}

/* ---- verdicts ---- */

static void give(struct pipeline *p, const struct batch *b, size_t i, struct verdict *v)
{
	const struct item *item = &b->items[i];

	v->tag = item->tag;
	v->event = (struct str){ b->bytes.p + item->at, item->n };
	v->context = (struct str){ b->contexts.p + item->context_at, item->context_n };
	p->on_verdict(p->arg, v);
}

/* Fill in the verdict on event i out of the answer; ERR_INTERNAL where the answer has none. */
static enum err verdict_on(const struct published *answer, uint64_t i, struct verdict *v,
			   struct fault *fault)
{
	for (size_t k = 0; k < answer->receipts.n; k++) {
		const struct receipt *r = &answer->receipts.v[k];
		if (i < r->index || i - r->index > r->last - r->first)
			continue;
		*v = (struct verdict){ .outcome = (enum outcome)r->status,
				       .seq = r->first + (i - r->index),
				       .recorded_us = r->recorded + (int64_t)(i - r->index) };
		return ERR_OK;
	}
	for (size_t k = 0; k < answer->faults.n; k++) {
		const struct event_fault *f = &answer->faults.v[k];
		if (f->index != i)
			continue;
		fault_init(fault);
		(void)fault_set(fault, (enum err)f->code, NULL, "%.*s", STR_ARG(f->text));
		(void)snprintf(fault->field, sizeof(fault->field), "%.*s", STR_ARG(f->field));
		if (msg_has(f, event_fault, seq))
			fault->seq = (int64_t)f->seq;
		*v = (struct verdict){ .code = (enum err)f->code, .fault = fault };
		return ERR_OK;
	}
	return fault_set(fault, ERR_INTERNAL, NULL, "an answer that leaves events out");
}

static void batch_reset(struct batch *b)
{
	b->state = batch_free;
	b->count = 0;
	b->tries = 0;
	b->in_doubt = false;
	buf_clear(&b->bytes);
	buf_clear(&b->contexts);
}

static enum err settle(struct pipeline *p, struct batch *b, const struct published *answer,
		       struct fault *fault)
{
	struct fault one;
	struct verdict v;

	for (size_t i = 0; i < b->count; i++) {
		const enum err e = verdict_on(answer, i, &v, &one);
		if (e) {
			*fault = one;
			return e;
		}
		give(p, b, i, &v);
	}
	batch_reset(b);
	p->moved_ms = clock_ms();
	return ERR_OK;
}

/* Every event of it is refused for the same reason. */
static void refuse_all(struct pipeline *p, struct batch *b, const struct fault *why)
{
	for (size_t i = 0; i < b->count; i++) {
		struct verdict v = { .code = why->code, .fault = why };
		give(p, b, i, &v);
	}
	batch_reset(b);
	p->moved_ms = clock_ms();
}

/* ---- sending ---- */

static void again_later(struct pipeline *p, struct batch *b, const struct fault *why)
{
	int64_t wait = BACKOFF_MS << (b->tries < 6 ? b->tries : 6);

	if (wait > BACKOFF_MAX_MS)
		wait = BACKOFF_MAX_MS;
	if (why->retry_after_ms != FAULT_NONE && why->retry_after_ms > wait)
		wait = why->retry_after_ms < BACKOFF_MAX_MS ? why->retry_after_ms : BACKOFF_MAX_MS;
	b->state = batch_again;
	b->again_ms = clock_ms() + wait;
	b->in_doubt |= why->code == ERR_UNKNOWN;
	p->last = *why;
}

/* False: there is no connection, or no room, now. */
static bool batch_send(struct pipeline *p, struct batch *b, enum err *e, struct fault *fault)
{
	struct publish msg = { 0 };

	for (size_t i = 0; i < b->count; i++)
		p->events[i] = (struct str){ b->bytes.p + b->items[i].at, b->items[i].n };
	msg_set(&msg, publish, events, ((struct str_list){ p->events, b->count }));
	msg_set(&msg, publish, partial, true);
	*e = client_send(p->client, &shape_publish, &msg, TTL_MS, &b->rid, fault);
	if (*e == ERR_BUSY) {
		*e = ERR_OK;
		return false;
	}
	b->state = batch_waiting;
	b->tries++;
	b->sent_ms = clock_ms();
	return *e == ERR_OK;
}

/* The oldest batch that is to be sent; NULL: none, or an older one has to wait. */
static struct batch *next_to_send(struct pipeline *p, int64_t now)
{
	struct batch *oldest = NULL;

	for (size_t i = 0; i < PIPELINE_BATCHES; i++) {
		struct batch *b = &p->v[i];
		if ((b->state == batch_ready || b->state == batch_again) &&
		    (!oldest || b->number < oldest->number))
			oldest = b;
	}
	return oldest && oldest->state == batch_again && oldest->again_ms > now ? NULL : oldest;
}

static enum err send_all(struct pipeline *p, bool *stuck, struct fault *fault)
{
	struct batch *b;
	enum err e = ERR_OK;

	*stuck = false;
	while (!*stuck && !e && (b = next_to_send(p, clock_ms())))
		*stuck = !batch_send(p, b, &e, fault);
	return e;
}

/* ---- answers ---- */

static enum err take_answer(struct pipeline *p, const struct head *head, struct str wire,
			    struct fault *fault)
{
	struct published answer = { 0 };
	struct fault refused;

	for (size_t i = 0; i < PIPELINE_BATCHES; i++) {
		struct batch *b = &p->v[i];
		if (b->state != batch_waiting || b->rid != head->rid)
			continue;
		arena_reset(&p->arena);
		fault_init(&refused);
		const enum err e = client_open_answer(head, wire, &shape_published, &answer,
						      &p->arena, &refused);
		const struct err_info *info = err_info(e);
		refused.code = e;
		if (!e)
			return settle(p, b, &answer, fault);
		if (info && info->class == err_retry)
			again_later(p, b, &refused);
		else if (info && info->class != err_server && info->class != err_permission)
			refuse_all(p, b, &refused);
		else
			return *fault = refused, e;
		return ERR_OK;
	}
	return ERR_OK; /* a late answer to an earlier try */
}

/* What will get no answer, because its time is over or its connection is gone, is sent again. */
static void give_up_waiting(struct pipeline *p, bool all)
{
	const int64_t now = clock_ms();
	struct fault why;

	fault_init(&why);
	(void)fault_set(&why, ERR_UNKNOWN, NULL, all ? "the connection broke before the answer"
						     : "no answer in time");
	for (size_t i = 0; i < PIPELINE_BATCHES; i++) {
		struct batch *b = &p->v[i];
		if (b->state == batch_waiting && (all || now - b->sent_ms > TTL_MS + GRACE_MS))
			again_later(p, b, &why);
	}
}

static size_t count_in(const struct pipeline *p, enum batch_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < PIPELINE_BATCHES; i++)
		n += p->v[i].state == state;
	return n;
}

/* How long a turn may wait for an answer. */
static int turn_ms(const struct pipeline *p)
{
	const int64_t now = clock_ms();
	int64_t wait = TURN_MS;

	for (size_t i = 0; i < PIPELINE_BATCHES; i++) {
		const struct batch *b = &p->v[i];
		if (b->state == batch_again && b->again_ms - now < wait)
			wait = b->again_ms > now ? b->again_ms - now : 1;
	}
	return (int)wait;
}

/* A connection that broke while nothing was in flight is no news to what is sent next. */
static void forget_news(struct pipeline *p)
{
	struct head head;
	struct str wire;
	const enum err e = client_next(p->client, 0, &head, &wire, NULL);

	(void)e; /* nothing is awaited, so whatever comes is late */
}

/* One turn: send what can be sent; take one answer, waiting for it where `wait`. */
static enum err turn(struct pipeline *p, bool wait, struct fault *fault)
{
	struct fault why;
	struct head head;
	struct str wire;
	bool stuck;
	enum err e;

	if (count_in(p, batch_waiting) == 0)
		forget_news(p);
	e = send_all(p, &stuck, fault);
	if (e)
		return e;
	if (cli_interrupted())
		return fault_set(fault, ERR_INTERRUPTED, NULL, "interrupted");
	fault_init(&why);
	e = client_next(p->client, !wait ? 0 : stuck ? BACKOFF_MS : turn_ms(p), &head, &wire, &why);
	if (e == ERR_UNREACHABLE)
		give_up_waiting(p, true);
	else if (e == ERR_UNKNOWN)
		give_up_waiting(p, false);
	else if (e && e != ERR_INTERRUPTED)
		return *fault = why, e;
	else if (!e)
		e = take_answer(p, &head, wire, fault);
	if (e && e != ERR_UNREACHABLE && e != ERR_UNKNOWN && e != ERR_INTERRUPTED)
		return e;
	if (stuck && p->last.code == ERR_OK)
		(void)fault_set(&p->last, ERR_UNREACHABLE, NULL, "nobody answers");
	if (clock_ms() - p->moved_ms <= p->timeout_ms)
		return ERR_OK;
	*fault = p->last;
	if (fault->code == ERR_OK)
		(void)fault_set(fault, ERR_UNKNOWN, NULL, "no answer in time");
	return fault->code;
}

/* ---- gathering ---- */

static struct batch *in_state(struct pipeline *p, enum batch_state state)
{
	for (size_t i = 0; i < PIPELINE_BATCHES; i++)
		if (p->v[i].state == state)
			return &p->v[i];
	return NULL;
}

static bool has_room(const struct batch *b, struct str event, struct str context)
{
	return b->count < PIPELINE_BATCH_EVENTS && event.n <= b->bytes.max - b->bytes.n &&
	       context.n <= b->contexts.max - b->contexts.n;
}

/* The batch that takes the next event, waiting for a free one. */
static enum err batch_for(struct pipeline *p, struct str event, struct str context,
			  struct batch **out, struct fault *fault)
{
	struct batch *b = in_state(p, batch_filling);
	enum err e = ERR_OK;

	if (b && !has_room(b, event, context)) {
		b->state = batch_ready;
		b = NULL;
		e = turn(p, false, fault);
	}
	while (!e && !b) {
		b = in_state(p, batch_free);
		if (!b)
			e = turn(p, true, fault);
	}
	if (e)
		return e;
	if (b->state == batch_free) {
		if (count_in(p, batch_free) == PIPELINE_BATCHES)
			p->moved_ms = clock_ms(); /* nothing was awaited until now */
		b->state = batch_filling;
		b->number = ++p->batches;
	}
	*out = b;
	return ERR_OK;
}

enum err pipeline_add(struct pipeline *p, struct str event, uint64_t tag, struct str context,
		      struct fault *fault)
{
	struct batch *b;

	if (event.n > EVENT_BYTES_MAX || context.n > 4 * PIPELINE_BATCH_BYTES)
		return fault_set(fault, ERR_TOO_LARGE, NULL, "an event of %zu bytes", event.n);
	enum err e = batch_for(p, event, context, &b, fault);
	if (e)
		return e;
	b->items[b->count] = (struct item){ tag, b->bytes.n, event.n, b->contexts.n, context.n };
	e = buf_put(&b->bytes, event.p, event.n);
	if (!e)
		e = buf_put(&b->contexts, context.p, context.n);
	if (e)
		return fault_set(fault, e, NULL, "out of memory");
	b->count++;
	if (b->count < PIPELINE_BATCH_EVENTS)
		return ERR_OK;
	b->state = batch_ready;
	return turn(p, false, fault);
}

enum err pipeline_flush(struct pipeline *p, struct fault *fault)
{
	struct batch *b = in_state(p, batch_filling);

	if (b)
		b->state = batch_ready;
	return turn(p, false, fault);
}

enum err pipeline_finish(struct pipeline *p, struct fault *fault)
{
	enum err e = pipeline_flush(p, fault);

	while (!e && count_in(p, batch_free) < PIPELINE_BATCHES)
		e = turn(p, true, fault);
	return e;
}

void pipeline_open_ends(const struct pipeline *p, uint64_t *unsent, uint64_t *in_doubt)
{
	*unsent = *in_doubt = 0;
	for (size_t i = 0; i < PIPELINE_BATCHES; i++) {
		const struct batch *b = &p->v[i];
		if (b->state == batch_waiting || b->in_doubt)
			*in_doubt += b->count;
		else
			*unsent += b->count;
	}
}
