/* SPDX-License-Identifier: Apache-2.0 */
/* The query service, put together: its replica, its three sockets, its loop. */
#include "services/query/main.h"

#include "services/query/index.h"
#include "services/query/loop.h"
#include "services/query/query.h"
#include "services/shared/endpoint.h"
#include "services/shared/port.h"

/*
 * Messages that wait at one connection: few, as answers may be large, and what one who takes none costs
 * the others is to make these; more wait in the port's backlog.
 */
#define PEOPLE_WAITING_MAX 16
#define LEDGER_WAITING_MAX 64

static enum err open_ports(const struct service_config *config, void *zmq, struct query_ports *ports,
			   struct fault *fault)
{
	const struct port_limits people = { .message_max = QUERY_MESSAGE_MAX,
					    .waiting_max = PEOPLE_WAITING_MAX,
					    .memory_max = config->memory_max,
					    .crowd_max = config->memory_max / 2 };
	const struct port_limits ledger = { .message_max = MSG_BYTES_MAX,
					    .waiting_max = LEDGER_WAITING_MAX };

	enum err e = port_listen(zmq, config->listen, SERVICE_ENDPOINTS_MAX, people, &ports->people,
				 fault);
	if (!e)
		e = port_tape(zmq, config->tape, SERVICE_ENDPOINTS_MAX, &ports->tape, fault);
	if (e)
		return e;
	e = config->together ? port_join(zmq, ledger, &ports->ledger, fault) :
			       port_connect(zmq, config->ledger, ledger, &ports->ledger, fault);
	return e;
}

static enum err run(const struct service_config *config, struct service_control *control,
		    struct replica *replica, struct fault *fault)
{
	struct query_ports ports = { 0 };

	enum err e = open_ports(config, control->zmq, &ports, fault);
	if (!e) {
		const struct service_opening opening = { .service = "query", .config = config,
							 .control = control,
							 .listen = ports.people,
							 .tape = ports.tape };
		e = query_loop(replica, &ports, &opening, fault);
		if (e && !fault->text[0])
			(void)fault_set(fault, e, NULL, "the replica failed: %s",
					replica_trouble(replica));
	}
	port_close(ports.people);
	port_close(ports.tape);
	port_close(ports.ledger);
	return e;
}

enum err query_run(const struct service_config *config, struct service_control *control,
		   struct fault *fault)
{
	struct replica *replica;

	enum err e = directory_make(config->dir, fault);
	if (!e)
		e = (config->rebuild ? replica_rebuild : replica_open)(config->dir, INDEX_VERSION,
								       &replica, fault);
	if (e)
		return e;
	e = run(config, control, replica, fault);
	replica_close(replica);
	return e;
}
