/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net: the links between all ends. A message may be lost, come twice, late, or overtake others; a
 * link may be cut in silence, or break so that both ends hear of it, each in its time.
 */
#ifndef AVOW_TESTS_SIM_NET_H
#define AVOW_TESTS_SIM_NET_H

#include "proto/base.h"
#include "services/shared/port.h"

struct world;
struct message {
	unsigned link;
	uint64_t session;
	bool to_server, again; /* again: it was doubled on the way */
	int64_t left_us;
	uint64_t incarnation; /* of the node that sent it */
	size_t n;
	char bytes[];
};

/* A link between two ends, connected from the beginning. Returns its number. */
unsigned net_link(struct world *w, unsigned client, unsigned server);
/* Send; ERR_UNREACHABLE where this end knows of no connection. *again, if asked: it will come twice. */
enum err net_send(struct world *w, unsigned link, bool to_server, struct str wire, bool *again);
/* A message is there. */
void net_arrive(struct world *w, struct message *m);
/* One end of each of its links is gone at once; the others will hear of it. */
void net_gone(struct world *w, unsigned end);
/* The connection is lost, both ends will hear of it. */
void net_break(struct world *w, unsigned link);
void net_link_breaks(struct world *w, unsigned link, uint64_t session);
void net_link_connects(struct world *w, unsigned link, uint64_t session);
/* How a service names the connection, and back; false where there is none by that name. */
struct peer net_peer(const struct world *w, unsigned link, uint64_t session);
bool net_link_of(const struct world *w, const struct peer *peer, unsigned *link, uint64_t *session);

#endif
