/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest, put together: the socket that people reach, the one that reaches the ledger, its loop. */
#include "services/ingest/main.h"

#include "services/ingest/loop.h"
#include "services/shared/port.h"

/* Messages that wait at one connection; small, as there may be many. */
#define PEOPLE_WAITING_MAX 256
#define LEDGER_WAITING_MAX 16384

static enum err run(const struct service_config *config, struct service_control *control,
		    struct port *people, struct fault *fault)
{
	const struct port_limits limits = { .message_max = MSG_BYTES_MAX,
					    .waiting_max = LEDGER_WAITING_MAX };
	struct port *ledger;

	enum err e = config->together ?
			     port_join(control->zmq, limits, &ledger, fault) :
			     port_connect(control->zmq, config->ledger, limits, &ledger, fault);
	if (e)
		return e;
	const struct service_opening opening = { .service = "ingest", .config = config,
						 .control = control, .listen = people };
	e = ingest_loop(people, ledger, &opening, fault);
	if (e && !fault->text[0])
		(void)fault_set(fault, e, NULL, "the sockets of ingest failed");
	port_close(ledger);
	return e;
}

enum err ingest_run(const struct service_config *config, struct service_control *control,
		    struct fault *fault)
{
	const struct port_limits limits = { .message_max = MSG_BYTES_MAX,
					    .waiting_max = PEOPLE_WAITING_MAX,
					    .memory_max = config->memory_max };
	struct port *people;

	enum err e = port_listen(control->zmq, config->listen, SERVICE_ENDPOINTS_MAX, limits, &people,
				 fault);
	if (e)
		return e;
	e = run(config, control, people, fault);
	port_close(people);
	return e;
}
