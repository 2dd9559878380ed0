/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watcher: reads on from its position, from one query or another, and keeps what it was given. Its
 * position is `scanned_to` of the last answer, and all that it has after it was started again.
 */
#include <stdlib.h>

#include "tests/sim/world.h"

#define FAR_AWAY (UINT64_C(1) << 62)
#define LIMIT_MAX 12
#define WAIT_MAX_MS 900
#define GRACE_US 300000
#define THINK_MAX_US 60000
#define AGAIN_MAX_US 200000
#define STAYS_ONE_IN 3

void watcher_init(struct world *w, struct client *c)
{
	struct watcher *u = &c->u.watcher;

	*u = (struct watcher){ .limit = (uint64_t)dice_between(&w->dice, 1, LIMIT_MAX) };
	u->wait_ms = dice_once_in(&w->dice, 4) ? 0 : (uint64_t)dice_between(&w->dice, 1, WAIT_MAX_MS);
	u->by_deal = dice_once_in(&w->dice, 3);
	u->by_kind = dice_once_in(&w->dice, 4);
	u->by_party = dice_once_in(&w->dice, 3);
	u->party = (int)random_below(&w->dice, MODEL_PARTIES);
	u->deal = (int)random_below(&w->dice, MODEL_DEALS);
	u->kind = dice_once_in(&w->dice, 3) ? kind_retract : kind_announce;
	u->lost = dice_once_in(&w->dice, 8);
	u->after = u->first = u->lost ? FAR_AWAY : 0;
	u->seen = malloc(WATCHER_SEEN_MAX * sizeof(*u->seen));
	ensure(u->seen);
	if (dice_once_in(&w->dice, STAYS_ONE_IN)) {
		c->links[0] = c->links[random_below(&w->dice, c->nlinks)];
		c->nlinks = 1;
	}
}

static void ask(struct world *w, struct client *c)
{
	struct watcher *u = &c->u.watcher;
	char deal[24], party[24];
	int kind = u->kind;
	struct read q = { 0 };

	u->from = c->links[random_below(&w->dice, c->nlinks)];
	const struct node *n = &w->nodes[w->links[u->from].server];
	model_deal((unsigned)u->deal, deal);
	if (u->by_deal)
		msg_set(&q.filter, filter, deal, str_of(deal));
	model_party((unsigned)u->party, party);
	if (u->by_party)
		msg_set(&q.filter, filter, party, str_of(party));
	if (u->by_kind) {
		q.filter.kind = (struct enum_list){ &kind, 1 };
		msg_mark(&q.filter, filter, kind);
	}
	if (u->by_deal || u->by_kind || u->by_party)
		msg_mark(&q, read, filter);
	msg_set(&q, read, after, u->after);
	msg_set(&q, read, limit, u->limit);
	msg_set(&q, read, wait_ms, u->wait_ms);
	u->told = n->told_head;
	u->wipes = n->wipes;
	u->rid = ++c->rids;
	u->until_us = w->now_us + (int64_t)u->wait_ms * 1000 + GRACE_US;
	if (!client_ask(w, c, u->from, &shape_read, u->rid, 0, &q, NULL)) {
		u->rid = 0;
		u->until_us = w->now_us + dice_between(&w->dice, 1, AGAIN_MAX_US);
	}
	client_plan(w, c, u->until_us - w->now_us);
}

void watcher_wake(struct world *w, struct client *c)
{
	struct watcher *u = &c->u.watcher;

	/* an answer that did not come is asked for again, from the same position */
	if (u->rid == 0 || u->until_us <= w->now_us)
		ask(w, c);
}

static void take(struct world *w, struct client *c, struct node *n, const struct events *answer)
{
	struct watcher *u = &c->u.watcher;
	uint64_t last = u->after;

	if (u->lost || answer->scanned_to < u->after || answer->scanned_to > answer->head ||
	    answer->epoch != 1 || answer->events.n > u->limit)
		world_fail(w, "%s: an answer that does not fit: after %llu, scanned to %llu of %llu",
			   c->name, (unsigned long long)u->after,
			   (unsigned long long)answer->scanned_to, (unsigned long long)answer->head);
	for (size_t i = 0; i < answer->events.n; i++) {
		const struct entry *e = &answer->events.v[i];
		if (e->seq <= last || e->seq > answer->scanned_to || u->nseen == WATCHER_SEEN_MAX)
			world_fail(w, "%s: seq %llu after %llu", c->name, (unsigned long long)e->seq,
				   (unsigned long long)last);
		else
			u->seen[u->nseen++] = (struct sight){ e->seq, model_hash(e->event), e->recorded };
		last = e->seq;
	}
	u->after = answer->scanned_to;
	model_head(w, n, answer->head, u->wipes);
}

static void take_error(struct world *w, struct client *c, const struct node *n, uint64_t code)
{
	struct watcher *u = &c->u.watcher;

	switch (code) {
	case ERR_POSITION_IN_FUTURE:
		if (u->told >= u->after && u->wipes == n->wipes)
			world_fail(w, "%s has told of seq %llu, and now says that it is in the future",
				   n->name, (unsigned long long)u->after);
		if (u->lost)
			u->after = u->first = w->model.head;
		u->lost = false;
		return;
	case ERR_UNAVAILABLE:
	case ERR_BUSY:
		return;
	case ERR_IO:
		if (w->set.disk.read_fails || !n->life.alive)
			return;
		break;
	case ERR_DAMAGED:
		if (w->model.nflips)
			return;
		break;
	default:
		break;
	}
	world_fail(w, "%s is told %s", c->name, err_name((enum err)code));
}

void watcher_hear(struct world *w, struct client *c, unsigned link, const struct head *head,
		  struct str wire)
{
	struct watcher *u = &c->u.watcher;
	struct node *n = &w->nodes[w->links[link].server];
	struct events events;
	struct error error;
	int64_t think_us = dice_skewed(&w->dice, 1, THINK_MAX_US);

	if (head->rid != u->rid)
		return; /* it was given up, or came twice */
	arena_reset(&w->model.arena);
	if (head->type == MSG_events &&
	    msg_decode(&shape_events, wire, &w->model.arena, &events, NULL) == ERR_OK) {
		take(w, c, n, &events);
	} else if (head->type == MSG_error &&
		   msg_decode(&shape_error, wire, &w->model.arena, &error, NULL) == ERR_OK) {
		take_error(w, c, n, error.code);
		think_us += dice_between(&w->dice, 1, AGAIN_MAX_US);
	} else {
		world_fail(w, "%s: a read is answered with something else", c->name);
	}
	u->rid = 0;
	client_plan(w, c, think_us);
}
