/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: what every service is started with, and how it is asked to stop.
 *
 * A service is one function, ledger_run, ingest_run or query_run (main.h of its folder), that runs
 * one event loop on the calling thread until it is stopped. All of them can run in one process, each
 * on its own thread, sharing nothing but the ZeroMQ context.
 */
#ifndef AVOW_SERVICES_SHARED_SERVICE_H
#define AVOW_SERVICES_SHARED_SERVICE_H

#include "proto/msg.h"

#define SERVICE_ENDPOINTS_MAX 4

struct port;

struct service_config {
	const char *dir;  /* its own directory: the ledger's log, the query's replica; NULL for ingest */
	const char *listen[SERVICE_ENDPOINTS_MAX]; /* endpoints to answer on; NULL ends the list */
	const char *tape[SERVICE_ENDPOINTS_MAX];   /* query: endpoints of the tape */
	const char *ledger; /* ingest, query: the ledger's endpoint */
	bool together;	    /* all services are in this process: they meet there, not at `ledger` */
	/*
	 * Where the service writes the endpoints that it bound, one a line, once it answers (ports
	 * given as * are filled in): "listen tcp://127.0.0.1:40123". NULL: nowhere.
	 */
	const char *endpoints_file;
	bool rebuild; /* query: empty the replica, and fill it anew from the ledger */
	size_t memory_max; /* of the process, in bytes; see port_limits */
};
/* What a process may have allocated for each of its services. */
#define SERVICE_MEMORY_MAX ((size_t)160 << 20)

/*
 * Asks a service to stop: any thread or a signal handler writes to `stop_fd[1]`; the loop polls
 * stop_fd[0], finishes what is in hand, and returns. `ready_fd`: the loop writes one line there once
 * it answers, as "ledger ready on ipc:///run/avow/ledger.sock"; -1: nobody wants to know.
 */
struct service_control {
	void *zmq; /* the process's one ZeroMQ context */
	int stop_fd[2];
	int ready_fd;
};

/*
 * A service's function. ERR_OK: it was asked to stop, and did. Otherwise it could not start, or had
 * to leave, and fault says why: ERR_IO, ERR_NO_MEMORY, ERR_USAGE, errors of log_open.
 */
typedef enum err service_function(const struct service_config *config,
				  struct service_control *control, struct fault *fault);

/* Open the pipe of a control; ERR_IO. */
MUST_USE enum err service_control_open(struct service_control *control, void *zmq, int ready_fd,
				       struct fault *fault);
void service_control_close(struct service_control *control);
/* Ask to stop; may be called from a signal handler, and more than once. */
void service_stop(const struct service_control *control);
/* What a service says of itself once it answers; all borrowed. `tape` may be NULL. */
struct service_opening {
	const char *service;
	const struct service_config *config;
	const struct service_control *control;
	const struct port *listen, *tape;
};
/*
 * A service that stands before a ledger is ready when it has heard of it, so that who waits for it
 * can publish and ask at once; without a ledger it is ready after this time all the same, and says
 * UNAVAILABLE.
 */
#define SERVICE_READY_MS 1000
/*
 * For a service, once it is ready: write the endpoints file, then the line to ready_fd. ERR_IO,
 * ERR_NO_SPACE with words in fault.
 */
MUST_USE enum err service_ready(const struct service_opening *o, struct fault *fault);

#endif
