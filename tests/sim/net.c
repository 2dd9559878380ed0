/* SPDX-License-Identifier: Apache-2.0 */
/* net: links, sessions, and what happens to messages on their way. */
#include "tests/sim/net.h"

#include <stdlib.h>

#include "tests/sim/world.h"

#define WAY_MIN_US 40
#define WAY_MAX_US 800
#define NOTICE_MIN_US 200
#define NOTICE_MAX_US 1500000
#define RECONNECT_MIN_US 1000
#define RECONNECT_MAX_US 200000
#define PEER_SIZE 9

static bool is_node(unsigned end)
{
	return end < WORLD_NODES_MAX;
}

static bool is_alive(const struct world *w, unsigned end)
{
	return is_node(end) ? w->nodes[end].up : w->clients[end - WORLD_NODES_MAX].up;
}

static int64_t time_at(const struct world *w, unsigned end)
{
	const bool busy = is_node(end) && w->nodes[end].life.now_us > w->now_us;

	return busy ? w->nodes[end].life.now_us : w->now_us;
}

unsigned net_link(struct world *w, unsigned client, unsigned server)
{
	ensure(w->nlinks < WORLD_LINKS_MAX);
	w->links[w->nlinks] = (struct line){ .client = client, .server = server };
	world_plan(w, dice_between(&w->dice, 0, RECONNECT_MIN_US), what_link_connects,
		   (unsigned)w->nlinks, 0);
	return (unsigned)w->nlinks++;
}

/* A name as a port gives: its first byte is 0. */
struct peer net_peer(const struct world *w, unsigned link, uint64_t session)
{
	struct peer p = { .n = PEER_SIZE };

	(void)w;
	for (size_t i = 0; i < 4; i++) {
		p.name[1 + i] = (uint8_t)(link >> 8 * i);
		p.name[5 + i] = (uint8_t)(session >> 8 * i);
	}
	return p;
}

bool net_link_of(const struct world *w, const struct peer *peer, unsigned *link, uint64_t *session)
{
	*link = 0;
	*session = 0;
	if (peer->n != PEER_SIZE)
		return false;
	for (size_t i = 0; i < 4; i++) {
		*link |= (unsigned)peer->name[1 + i] << 8 * i;
		*session |= (uint64_t)peer->name[5 + i] << 8 * i;
	}
	return *link < w->nlinks;
}

/* ---- messages ---- */

static void set_out(struct world *w, unsigned link, bool to_server, struct str wire, bool again)
{
	struct line *l = &w->links[link];
	struct message *m = malloc(sizeof(*m) + wire.n);
	const unsigned from = to_server ? l->client : l->server;
	int64_t way_us = dice_skewed(&w->dice, WAY_MIN_US, WAY_MAX_US);

	ensure(m);
	if (dice_falls(&w->dice, w->set.delays)) {
		w->tally->v[tally_messages_late]++;
		way_us += dice_skewed(&w->dice, 1000, w->set.delay_max_us);
	}
	*m = (struct message){ .link = link, .session = l->session, .to_server = to_server,
			       .again = again, .left_us = time_at(w, from), .n = wire.n,
			       .incarnation = is_node(from) ? w->nodes[from].incarnation : 0 };
	memcpy(m->bytes, wire.p, wire.n);
	int64_t at_us = m->left_us + way_us;
	int64_t *last_us = &l->last_us[to_server];
	if (!w->set.reorders && at_us <= *last_us)
		at_us = *last_us + 1;
	if (at_us > *last_us)
		*last_us = at_us;
	queue_put(&w->queue, (struct happening){ .at_us = at_us, .what = what_arrives, .who = link,
						 .message = m });
}

enum err net_send(struct world *w, unsigned link, bool to_server, struct str wire, bool *again)
{
	const struct line *l = &w->links[link];
	const int64_t left_us = time_at(w, to_server ? l->client : l->server);

	if (again)
		*again = false;
	if (!(to_server ? l->client_up : l->server_up))
		return ERR_UNREACHABLE;
	w->tally->v[tally_messages]++;
	if (left_us < l->cut_until_us || dice_falls(&w->dice, w->set.loses)) {
		w->tally->v[tally_messages_lost]++;
		return ERR_OK;
	}
	set_out(w, link, to_server, wire, false);
	if (dice_falls(&w->dice, w->set.doubles)) {
		w->tally->v[tally_messages_doubled]++;
		w->doubled = true;
		set_out(w, link, to_server, wire, true);
		if (again)
			*again = true;
	}
	return ERR_OK;
}

/* Whether it had left before its sender died. */
static bool has_left(const struct world *w, const struct message *m)
{
	const struct line *l = &w->links[m->link];
	const unsigned from = m->to_server ? l->client : l->server;

	return !is_node(from) || w->nodes[from].incarnation == m->incarnation ||
	       m->left_us <= node_died_us(&w->nodes[from], m->incarnation);
}

void net_arrive(struct world *w, struct message *m)
{
	const struct line *l = &w->links[m->link];
	const unsigned to = m->to_server ? l->server : l->client;

	if (m->session != l->session || !(m->to_server ? l->server_up : l->client_up) ||
	    w->now_us < l->cut_until_us || !has_left(w, m)) {
		free(m);
		return;
	}
	for (size_t i = 0; i + 8 <= m->n; i += 8) {
		uint64_t word;
		memcpy(&word, m->bytes + i, sizeof(word));
		world_mix(w, word);
	}
	if (is_node(to)) {
		node_receive(w, &w->nodes[to], m);
		return;
	}
	client_hear(w, &w->clients[to - WORLD_NODES_MAX], m->link,
		    (struct str){ m->bytes, m->n });
	free(m);
}

/* ---- connections ---- */

static void plan_notice(struct world *w, unsigned link)
{
	world_plan(w, dice_skewed(&w->dice, NOTICE_MIN_US, NOTICE_MAX_US), what_link_breaks, link,
		   w->links[link].session);
}

void net_gone(struct world *w, unsigned end)
{
	for (unsigned i = 0; i < w->nlinks; i++) {
		struct line *l = &w->links[i];
		if (l->client != end && l->server != end)
			continue;
		if (l->client == end)
			l->client_up = false;
		else
			l->server_up = false;
		plan_notice(w, i);
	}
}

void net_break(struct world *w, unsigned link)
{
	plan_notice(w, link);
}

void net_link_breaks(struct world *w, unsigned link, uint64_t session)
{
	struct line *l = &w->links[link];

	if (session != l->session)
		return;
	const bool was_up = l->client_up;
	l->client_up = l->server_up = false;
	if (was_up && !is_node(l->client))
		client_lost(w, &w->clients[l->client - WORLD_NODES_MAX], link);
	world_plan(w, dice_skewed(&w->dice, RECONNECT_MIN_US, RECONNECT_MAX_US), what_link_connects,
		   link, session);
}

void net_link_connects(struct world *w, unsigned link, uint64_t session)
{
	struct line *l = &w->links[link];

	if (session != l->session)
		return;
	if (!is_alive(w, l->client) || !is_alive(w, l->server) || w->now_us < l->cut_until_us) {
		world_plan(w, dice_skewed(&w->dice, RECONNECT_MIN_US, RECONNECT_MAX_US),
			   what_link_connects, link, session);
		return;
	}
	l->session++;
	l->client_up = l->server_up = true;
	l->last_us[0] = l->last_us[1] = w->now_us;
}
