/* SPDX-License-Identifier: Apache-2.0 */
/* client: what publishers, watchers and askers share. */
#include "tests/sim/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/world.h"

void client_init(struct world *w, struct client *c, enum trade trade, unsigned number)
{
	static const char *const names[] = { "publisher", "watcher", "asker" };
	const size_t first = trade == trade_publisher ? 1 : 1 + w->ningests;
	const size_t count = trade == trade_publisher ? w->ningests : w->nqueries;

	*c = (struct client){ .trade = trade, .number = number, .up = true };
	(void)snprintf(c->name, sizeof(c->name), "%s-%u", names[trade], number);
	for (size_t i = 0; i < count; i++)
		c->links[c->nlinks++] = net_link(w, WORLD_NODES_MAX + number, (unsigned)(first + i));
	switch (trade) {
	case trade_publisher:
		publisher_init(w, c);
		break;
	case trade_watcher:
		watcher_init(w, c);
		break;
	case trade_asker:
	default:
		asker_init(w, c);
	}
	client_plan(w, c, dice_between(&w->dice, 2000, 50000));
}

void client_fini(struct client *c)
{
	if (c->trade == trade_watcher)
		free(c->u.watcher.seen);
}

void client_plan(struct world *w, struct client *c, int64_t in_us)
{
	world_plan(w, in_us > 0 ? in_us : 1, what_client_wakes, c->number, ++c->wakes);
}

void client_wake(struct world *w, struct client *c)
{
	switch (c->trade) {
	case trade_publisher:
		publisher_wake(w, c);
		break;
	case trade_watcher:
		watcher_wake(w, c);
		break;
	case trade_asker:
	default:
		asker_wake(w, c);
	}
}

void client_hear(struct world *w, struct client *c, unsigned link, struct str wire)
{
	struct head head;

	if (msg_peek(wire, &head, NULL)) {
		world_fail(w, "%s hears something that is no message", c->name);
		return;
	}
	world_trace(w, "%s hears %s to %llu from %s", c->name,
		    head.type ? shape_of(head.type)->name : "?", (unsigned long long)head.rid,
		    w->nodes[w->links[link].server].name);
	switch (c->trade) {
	case trade_publisher:
		publisher_hear(w, c, &head, wire);
		break;
	case trade_watcher:
		watcher_hear(w, c, link, &head, wire);
		break;
	case trade_asker:
	default:
		asker_hear(w, c, link, &head, wire);
	}
}

void client_lost(struct world *w, struct client *c, unsigned link)
{
	(void)link;
	/* half of all users wait for the time to be over all the same */
	if (c->trade == trade_publisher && dice_once_in(&w->dice, 2))
		publisher_lost(w, c);
}

void client_restart(struct world *w, struct client *c)
{
	w->tally->v[tally_clients_restarted]++;
	world_trace(w, "%s starts again", c->name);
	if (c->trade == trade_publisher)
		publisher_lost(w, c);
	else if (c->trade == trade_watcher)
		c->u.watcher.rid = 0;
	else
		c->u.asker.rid = 0;
	net_gone(w, WORLD_NODES_MAX + c->number);
	client_plan(w, c, dice_between(&w->dice, 1000, 100000));
}

bool client_is_done(const struct world *w, const struct client *c)
{
	const struct publisher *p = &c->u.publisher;
	const struct asker *a = &c->u.asker;

	switch (c->trade) {
	case trade_publisher:
		for (size_t i = 0; i < CLIENT_OPEN_MAX; i++)
			if (p->open[i].plan)
				return false;
		return p->left == 0;
	case trade_watcher:
		return c->u.watcher.after >= w->model.head && !c->u.watcher.lost;
	case trade_asker:
	default:
		return a->left == 0 && a->last_round && a->rid == 0;
	}
}

bool client_ask(struct world *w, struct client *c, unsigned link, const struct shape *shape,
		uint64_t rid, uint64_t ttl_ms, const void *msg, bool *again)
{
	const struct head head = { .v = PROTO_VERSION, .type = shape->type, .rid = rid,
				   .ttl_ms = ttl_ms };
	struct buf b;

	buf_init(&b, MSG_BYTES_MAX);
	ensure(msg_encode(shape, &head, msg, &b) == ERR_OK);
	const enum err e = net_send(w, link, true, buf_str(&b), again);
	buf_fini(&b);
	if (!e)
		world_trace(w, "%s asks %s: %s, request %llu", c->name,
			    w->nodes[w->links[link].server].name, shape->name,
			    (unsigned long long)rid);
	return !e;
}
