/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger, put together: its log, its socket, its loop.
 *
 * Only ipc: who may write is decided by ingest, so nothing else on the network reaches the ledger.
 */
#include "services/ledger/main.h"

#include "services/ledger/loop.h"
#include "services/shared/clock.h"
#include "services/shared/endpoint.h"
#include "services/shared/port.h"

/* Its peers are our own services, each with many requests on the way. */
#define WAITING_MAX 16384
/* Of a process that is the ledger alone, before its port starts anew; P11 promises 128 MiB. */
#define MEMORY_MAX ((size_t)96 << 20)

static enum err only_ipc(const struct service_config *config, struct fault *fault)
{
	for (size_t i = 0; i < SERVICE_ENDPOINTS_MAX && config->listen[i]; i++)
		if (!endpoint_path(config->listen[i]))
			return fault_set(fault, ERR_USAGE, NULL,
					 "the ledger listens on ipc:// only, not on '%.64s'",
					 config->listen[i]);
	return ERR_OK;
}

static enum err run(const struct service_config *config, struct service_control *control,
		    struct log *log, struct fault *fault)
{
	const struct port_limits limits = { .message_max = MSG_BYTES_MAX, .waiting_max = WAITING_MAX,
					    .memory_max = config->together ? 0 : MEMORY_MAX };
	struct port *port;

	enum err e = port_listen(control->zmq, config->listen, SERVICE_ENDPOINTS_MAX, limits, &port,
				 fault);
	if (e)
		return e;
	const struct service_opening opening = { .service = "ledger", .config = config,
						 .control = control, .listen = port };
	if (config->together)
		e = port_meet(port, fault);
	if (!e)
		e = service_ready(&opening, fault);
	if (!e) {
		e = ledger_loop(log, port, control->stop_fd[0]);
		if (e)
			(void)fault_set(fault, e, NULL,
					"the log failed (%s); what was in flight is unknown until "
					"the next start", log_trouble(log));
	}
	port_close(port);
	return e;
}

enum err ledger_run(const struct service_config *config, struct service_control *control,
		    struct fault *fault)
{
	struct log *log;

	enum err e = only_ipc(config, fault);
	if (!e)
		e = directory_make(config->dir, fault);
	if (!e)
		e = log_open(config->dir, clock_wall_us(), &log, fault);
	if (e)
		return e;
	e = run(config, control, log, fault);
	log_close(log);
	return e;
}
