/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service: what every service is started with, and how it is asked to stop.
 *
 * A service is one function that runs one event loop on the calling thread until it is stopped:
 *   int ledger_run(const struct service_config *, struct service_control *, struct fault *);
 *   int ingest_run(…), int query_run(…)
 * All of them can run in one process, each on its own thread, sharing nothing but the ZeroMQ context.
 */
#ifndef AVOW_SERVICES_SHARED_SERVICE_H
#define AVOW_SERVICES_SHARED_SERVICE_H

#include "proto/msg.h"

#define SERVICE_ENDPOINTS_MAX 4

struct service_config {
	const char *dir;  /* its own directory: the ledger's log, the query's replica; NULL for ingest */
	const char *listen[SERVICE_ENDPOINTS_MAX]; /* endpoints to answer on; NULL ends the list */
	const char *tape[SERVICE_ENDPOINTS_MAX];   /* query: endpoints of the tape */
	const char *ledger; /* ingest, query: the ledger's endpoint */
	/*
	 * Where the service writes the endpoints that it bound, one a line, once it answers (ports
	 * given as * are filled in): "listen tcp://127.0.0.1:40123". NULL: nowhere.
	 */
	const char *endpoints_file;
};

/*
 * Asks a service to stop: any thread or a signal handler writes to `stop_fd[1]`; the loop polls
 * stop_fd[0], finishes what is in hand, and returns. `ready_fd`: the loop writes one byte there once
 * it answers; -1: nobody wants to know.
 */
struct service_control {
	void *zmq; /* the process's one ZeroMQ context */
	int stop_fd[2];
	int ready_fd;
};

#endif
