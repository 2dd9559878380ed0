/* SPDX-License-Identifier: Apache-2.0 */
/* The query service's loop: time and sockets. */
#ifndef AVOW_SERVICES_QUERY_LOOP_H
#define AVOW_SERVICES_QUERY_LOOP_H

#include "store/replica.h"

struct port;

struct query_ports {
	struct port *people, *ledger, *tape;
};

/* Serve until stop_fd is readable (ERR_OK), or the replica fails (its error). */
MUST_USE enum err query_loop(struct replica *replica, const struct query_ports *ports, int stop_fd);

#endif
