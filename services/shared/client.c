/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client: one DEALER socket to one service.
 *
 * The socket queues only to a connection that stands (ZMQ_IMMEDIATE), so "no room to send within the
 * time" means that nothing was received by anybody. A second socket brings the first one's events:
 * a connection that breaks while an answer is awaited is told at once, not after the time.
 */
#include "services/shared/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#define CLIENT_QUEUE_MAX 1000
#define HEARTBEAT_MS 2000
#define HEARTBEAT_TIMEOUT_MS 6000
#define RECONNECT_MS 50
#define RECONNECT_MAX_MS 1000
#define EVENT_NAME_SIZE 80
#define ANSWER_GRACE_MS 250 /* for the service to say DEADLINE itself */

struct client {
	void *context, *socket, *events;
	uint64_t rid;	   /* the last that was given out */
	struct buf wire;   /* the request being encoded */
	zmq_msg_t message; /* the last answer; its bytes are what callers borrow */
	bool broke;	   /* a connection did since client_broke was asked */
	bool lost;	   /* the connection broke, and nobody was told yet */
	char endpoint[256];
};

static int64_t clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool set(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool configure(struct client *c)
{
	const int64_t size_max = MSG_BYTES_MAX;

	return set(c->socket, ZMQ_LINGER, 0) && set(c->socket, ZMQ_IMMEDIATE, 1) &&
	       set(c->socket, ZMQ_SNDHWM, CLIENT_QUEUE_MAX) &&
	       set(c->socket, ZMQ_RCVHWM, CLIENT_QUEUE_MAX) &&
	       set(c->socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
	       set(c->socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
	       set(c->socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
	       set(c->socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
	       zmq_setsockopt(c->socket, ZMQ_MAXMSGSIZE, &size_max, sizeof(size_max)) == 0;
}

/* Hear of connections that break. */
static bool listen_to_events(struct client *c)
{
	char name[EVENT_NAME_SIZE];

	(void)snprintf(name, sizeof(name), "inproc://client-%p", (void *)c);
	if (zmq_socket_monitor(c->socket, name, ZMQ_EVENT_DISCONNECTED) != 0)
		return false;
	c->events = zmq_socket(c->context, ZMQ_PAIR);
	return c->events && set(c->events, ZMQ_LINGER, 0) && zmq_connect(c->events, name) == 0;
}

enum err client_open(const char *endpoint, struct client **out, struct fault *fault)
{
	struct client *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (!c)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	buf_init(&c->wire, MSG_BYTES_MAX);
	(void)zmq_msg_init(&c->message);
	(void)snprintf(c->endpoint, sizeof(c->endpoint), "%s", endpoint);
	c->context = zmq_ctx_new();
	c->socket = c->context ? zmq_socket(c->context, ZMQ_DEALER) : NULL;
	if (!c->socket || !configure(c) || !listen_to_events(c)) {
		(void)fault_set(fault, ERR_IO, NULL, "cannot make a socket: %s", zmq_strerror(errno));
		client_close(c);
		return ERR_IO;
	}
	const bool known = strncmp(endpoint, "tcp://", 6) == 0 || strncmp(endpoint, "ipc://", 6) == 0;
	if (!known || zmq_connect(c->socket, endpoint) != 0) {
		const bool long_path = known && errno == ENAMETOOLONG;
		client_close(c);
		if (long_path)
			return fault_set(fault, ERR_USAGE, NULL, "%.100s…: the path of a socket has at most "
					 "107 bytes; use a shorter --dir, or tcp", endpoint);
		return fault_set(fault, ERR_USAGE, NULL,
				 "`%s` is not an endpoint as ipc:///path or tcp://host:port", endpoint);
	}
	*out = c;
	return ERR_OK;
}

void client_close(struct client *c)
{
	if (!c)
		return;
	if (c->events)
		(void)zmq_close(c->events);
	if (c->socket)
		(void)zmq_close(c->socket);
	if (c->context)
		(void)zmq_ctx_term(c->context);
	(void)zmq_msg_close(&c->message);
	buf_fini(&c->wire);
	free(c);
}

/* Take in what the monitor says; every event is two frames. */
static void hear_events(struct client *c)
{
	zmq_msg_t frame;

	(void)zmq_msg_init(&frame);
	while (zmq_msg_recv(&frame, c->events, ZMQ_DONTWAIT) >= 0)
		c->lost = c->broke = true;
	(void)zmq_msg_close(&frame);
}

bool client_broke(struct client *c)
{
	hear_events(c);
	const bool broke = c->broke;
	c->broke = false;
	return broke;
}

/*
 * Send what is in c->wire, waiting for a connection or for room until the deadline. A negative
 * timeout does not wait.
 */
static enum err send_wire(struct client *c, int64_t deadline_ms)
{
	for (;;) {
		const int64_t left = deadline_ms - clock_ms();
		if (zmq_send(c->socket, c->wire.p, c->wire.n, ZMQ_DONTWAIT) >= 0)
			return ERR_OK;
		if (errno != EAGAIN && errno != EINTR)
			return ERR_IO;
		if (left <= 0)
			return ERR_BUSY;
		zmq_pollitem_t item = { c->socket, 0, ZMQ_POLLOUT, 0 };
		if (zmq_poll(&item, 1, (long)left) < 0 && errno == EINTR)
			return ERR_INTERRUPTED;
	}
}

static enum err encode(struct client *c, const struct shape *request, const void *req, int ttl_ms,
		       struct fault *fault)
{
	const uint64_t ttl = ttl_ms < 1 ? 1 : ttl_ms > (int)TTL_MAX_MS ? TTL_MAX_MS : (uint64_t)ttl_ms;
	const struct head head = { PROTO_VERSION, (enum msg_type)request->type, ++c->rid, ttl };

	buf_clear(&c->wire);
	const enum err e = msg_encode(request, &head, req, &c->wire);
	if (e)
		return fault_set(fault, e, NULL, "the request is too large to send");
	return ERR_OK;
}

enum err client_send(struct client *c, const struct shape *request, const void *req, int ttl_ms,
		     uint64_t *rid, struct fault *fault)
{
	enum err e = encode(c, request, req, ttl_ms, fault);

	if (e)
		return e;
	*rid = c->rid;
	e = send_wire(c, clock_ms());
	if (e)
		return fault_set(fault, e, NULL, "%s cannot take a request now", c->endpoint);
	return ERR_OK;
}

enum err client_next(struct client *c, int timeout_ms, struct head *head, struct str *wire,
		     struct fault *fault)
{
	const int64_t deadline = clock_ms() + timeout_ms;
	enum err e;

	for (;;) {
		zmq_pollitem_t items[] = { { c->socket, 0, ZMQ_POLLIN, 0 },
					   { c->events, 0, ZMQ_POLLIN, 0 } };
		const int64_t left = deadline - clock_ms();
		if (zmq_msg_recv(&c->message, c->socket, ZMQ_DONTWAIT) >= 0) {
			*wire = (struct str){ zmq_msg_data(&c->message), zmq_msg_size(&c->message) };
			e = msg_peek(*wire, head, fault);
			if (e == ERR_OK)
				return e;
			continue; /* not an answer of this protocol: as if it were not there */
		}
		hear_events(c);
		if (c->lost) {
			c->lost = false;
			return fault_set(fault, ERR_UNREACHABLE, NULL,
					 "the connection to %s broke before the answer", c->endpoint);
		}
		if (left <= 0)
			return fault_set(fault, ERR_UNKNOWN, NULL, "no answer from %s in time",
					 c->endpoint);
		if (zmq_poll(items, 2, (long)left) < 0 && errno == EINTR)
			return fault_set(fault, ERR_INTERRUPTED, NULL, "interrupted");
	}
}

enum err client_open_answer(const struct head *head, struct str wire, const struct shape *want,
			    void *answer, struct arena *a, struct fault *fault)
{
	struct error error;

	if (head->type == MSG_error) {
		const enum err e = msg_decode(&shape_error, wire, a, &error, fault);
		if (e)
			return e;
		fault_from_error(&error, fault);
		return (enum err)error.code;
	}
	if ((uint32_t)head->type != want->type)
		return fault_set(fault, ERR_INTERNAL, NULL, "an answer of another type than asked for");
	return msg_decode(want, wire, a, answer, fault);
}

enum err client_ask(struct client *c, const struct shape *request, const void *req,
		    const struct shape *want, void *answer, int timeout_ms, struct arena *a,
		    struct fault *fault)
{
	const int64_t now = clock_ms(), deadline = now + timeout_ms + ANSWER_GRACE_MS;
	const int connect_ms = timeout_ms < CLIENT_CONNECT_MS ? timeout_ms : CLIENT_CONNECT_MS;
	struct head head;
	struct str wire;
	enum err e = encode(c, request, req, timeout_ms, fault);

	if (e)
		return e;
	const uint64_t rid = c->rid;
	hear_events(c);
	c->lost = false;
	e = send_wire(c, now + connect_ms);
	if (e == ERR_BUSY)
		return fault_set(fault, ERR_UNREACHABLE, NULL, "nobody answers at %s", c->endpoint);
	if (e)
		return fault_set(fault, e, NULL, e == ERR_IO ? "cannot send to %s" : "interrupted (%s)",
				 c->endpoint);
	do {
		const int64_t left = deadline - clock_ms();
		e = client_next(c, left > 0 ? (int)left : 0, &head, &wire, fault);
		if (e == ERR_UNREACHABLE)
			return fault_set(fault, ERR_UNKNOWN, NULL, "the connection to %s broke before "
					 "the answer", c->endpoint);
		if (e)
			return e;
	} while (head.rid != rid); /* a late answer to an earlier request */
	return client_open_answer(&head, wire, want, answer, a, fault);
}
