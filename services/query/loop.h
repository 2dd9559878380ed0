/* SPDX-License-Identifier: Apache-2.0 */
/* The query service's loop: time and sockets. */
#ifndef AVOW_SERVICES_QUERY_LOOP_H
#define AVOW_SERVICES_QUERY_LOOP_H

#include "services/shared/service.h"
#include "store/replica.h"

struct query_ports {
	struct port *people, *ledger, *tape;
};

/*
 * Serve, saying when it is ready, until the opening's control asks to stop (ERR_OK), or the replica
 * fails (its error). fault has words where it could not become ready.
 */
MUST_USE enum err query_loop(struct replica *replica, const struct query_ports *ports,
			     const struct service_opening *opening, struct fault *fault);

#endif
