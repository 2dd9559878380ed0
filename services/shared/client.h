/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: a connection to one service, for tools: ask, and get one answer or an error.
 *
 * Every call has a time limit. A client belongs to one thread.
 */
#ifndef AVOW_SERVICES_SHARED_CLIENT_H
#define AVOW_SERVICES_SHARED_CLIENT_H

#include "proto/msg.h"

struct client;

/*
 * Connect a DEALER socket to an endpoint (tcp://… or ipc://…); connecting goes on in the
 * background, so an absent service shows itself only as ERR_UNREACHABLE of a later call.
 */
MUST_USE enum err client_open(const char *endpoint, struct client **out, struct fault *fault);
void client_close(struct client *c);
/*
 * Whether a connection broke since the last call of this: the next answer, or the last, may be of
 * another process than the one before.
 */
bool client_broke(struct client *c);
/*
 * Send a request and wait for its answer, at most timeout_ms. `want` is the answer's shape, `answer`
 * its struct: it borrows from the client until its next call, lists from the arena.
 * An `error` answer becomes its code, with everything it says in fault. No answer in time:
 * ERR_UNREACHABLE where it was surely not received (no connection within CLIENT_CONNECT_MS), else
 * ERR_UNKNOWN, also where the connection broke.
 */
#define CLIENT_CONNECT_MS 2000
MUST_USE enum err client_ask(struct client *c, const struct shape *request, const void *req,
			     const struct shape *want, void *answer, int timeout_ms,
			     struct arena *a, struct fault *fault);
/*
 * The same in two halves, for requests in flight at once: send returns the request's rid; next waits
 * for any answer. head.rid tells which it is; wire borrows until the next call. ERR_UNKNOWN: none in
 * time. ERR_UNREACHABLE from next: the connection broke, so that nothing in flight will be answered
 * (but it may have been executed); told once, also where nothing was in flight. ERR_BUSY from
 * send: no connection, or the socket takes no more now. ERR_INTERRUPTED: a signal came.
 */
MUST_USE enum err client_send(struct client *c, const struct shape *request, const void *req,
			      int ttl_ms, uint64_t *rid, struct fault *fault);
MUST_USE enum err client_next(struct client *c, int timeout_ms, struct head *head, struct str *wire,
			      struct fault *fault);
/* The answer's body: the wanted shape, or the code of an `error` message. */
MUST_USE enum err client_open_answer(const struct head *head, struct str wire,
				     const struct shape *want, void *answer, struct arena *a,
				     struct fault *fault);

#endif
