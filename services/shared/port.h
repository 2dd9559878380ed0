/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port: a socket of a service. Messages come and go here, nothing is understood.
 *
 * Three kinds: one that answers many (ROUTER), one that asks a service (DEALER), and the tape (PUB).
 * Each has its limits before it is bound: size of a message, messages waiting, time for a handshake.
 * A message of more than one part is dropped. A port belongs to one thread; nothing here blocks but
 * port_wait.
 *
 * ZeroMQ counts messages, not bytes, and neither those that are not finished nor the parts of one that
 * never ends; and it can close all connections of a socket, not one. So a port that strangers reach
 * looks at the memory of its process, and starts anew where that is too much: all connections are
 * closed, what waited in them is gone, and it listens again. Who asked has no answer, and asks again.
 */
#ifndef AVOW_SERVICES_SHARED_PORT_H
#define AVOW_SERVICES_SHARED_PORT_H

#include "proto/base.h"

struct port;
struct inbox;

/*
 * Who asked: the name that a port gave to a connection. Connections that bring a name of their own
 * (the first byte is not 0) are told to stop it, see request_open: a second one of the same name
 * would never be heard.
 */
#define PEER_NAME_MAX 255
struct peer {
	uint32_t life; /* counts how often the port had started anew; who is of an earlier life is gone */
	uint8_t n;
	uint8_t name[PEER_NAME_MAX];
};

/* The ZeroMQ context, one a process. NULL where the system refuses. */
void *context_open(void);
/* Waits until what was sent before has left, at most a quarter of a second. Accepts NULL. */
void context_close(void *context);

/*
 * Listen on `endpoints` (at most `endpoints_max`, a NULL ends them) for messages of at most
 * `message_max` bytes; `waiting_max` messages of one connection may wait, in each direction.
 * ERR_USAGE: an endpoint that is not allowed; ERR_STORE_LOCKED: an ipc path that another process
 * listens on; ERR_IO: the system refuses. Words are in fault.
 */
struct port_limits {
	size_t message_max; /* bytes */
	int waiting_max;    /* messages */
	/*
	 * Bytes that the process may have allocated before the port starts anew; and beyond how many it
	 * is crowded, see port_crowded. 0: it does not look.
	 */
	size_t memory_max, crowd_max;
};
MUST_USE enum err port_listen(void *context, const char *const *endpoints, size_t endpoints_max,
			      struct port_limits limits, struct port **out, struct fault *fault);
/* Connect to a service; goes on in the background, again and again. Errors as port_listen. */
MUST_USE enum err port_connect(void *context, const char *endpoint, struct port_limits limits,
			       struct port **out, struct fault *fault);
/*
 * Services of one process meet without a socket of the system in between: a port that listens is
 * reached there as well, by those who join; one port of a context, with memory_max 0. ERR_IO,
 * ERR_NO_MEMORY.
 */
MUST_USE enum err port_meet(struct port *p, struct fault *fault);
MUST_USE enum err port_join(void *context, struct port_limits limits, struct port **out,
			    struct fault *fault);
/* Publish to whoever listens; a listener that is too slow loses messages. Errors as port_listen. */
MUST_USE enum err port_tape(void *context, const char *const *endpoints, size_t endpoints_max,
			    struct port **out, struct fault *fault);
/* Accepts NULL. */
void port_close(struct port *p);
/* Endpoint i that is bound, with its port filled in; NULL behind the last. */
const char *port_endpoint(const struct port *p, size_t i);

/*
 * Wait until a message lies in one of the ports, stop_fd is readable, or timeout_ms are over.
 * *stop tells whether stop_fd is readable. ERR_IO.
 */
MUST_USE enum err port_wait(struct port *const *ports, size_t count, int stop_fd, int timeout_ms,
			    bool *stop);

/*
 * Whether so much waits for people to take it that no more should be made for them now. While that is
 * so, port_wait does not tell of what arrives here; where it does not pass, the port starts anew.
 */
bool port_crowded(struct port *p);

/* What has arrived: borrowed from the inbox until its next gather or clear. */
struct parcel {
	struct peer from; /* of a port that listens; else empty */
	struct str wire;
};
/* An inbox for at most `count_max` messages at once; NULL without memory. */
struct inbox *inbox_open(size_t count_max);
void inbox_close(struct inbox *in);
void inbox_clear(struct inbox *in);
size_t inbox_count(const struct inbox *in);
const struct parcel *inbox_at(const struct inbox *in, size_t i);
/*
 * Add to the inbox what has arrived at p: at most its count, and no more once it holds bytes_max.
 * Never waits. ERR_IO, ERR_NO_MEMORY.
 */
MUST_USE enum err port_gather(struct port *p, struct inbox *in, size_t bytes_max);
/* The same, and then wait for more until `want` messages are in, at most wait_us. */
MUST_USE enum err port_gather_wait(struct port *p, struct inbox *in, size_t bytes_max, size_t want,
				   int64_t wait_us);

/*
 * Send one message, to `to` where the port listens (NULL otherwise). Never waits: an answer that
 * does not fit the connection's queue is kept in a bounded backlog and tried again by port_flush.
 * ERR_UNREACHABLE: nobody is connected (or, where the port connects, the queue is full); surely not
 * sent. ERR_BUSY: no room, also not in the backlog; not sent.
 */
MUST_USE enum err port_send(struct port *p, const struct peer *to, struct str wire);
/* Bytes of answers to `to` in the backlog: what it has not taken, beyond what its connection holds. */
size_t port_backlog(const struct port *p, const struct peer *to);
/* Try the backlog again. True while something is left in it: call soon again. */
bool port_flush(struct port *p);
/* On the tape: a topic and a message. What is lost is lost. */
void port_publish(struct port *p, struct str topic, struct str wire);

/* Since it was opened: messages dropped on arrival (parts), answers dropped (no room, gone), lives. */
struct port_counts {
	uint64_t parts_dropped, answers_dropped, started_anew;
};
struct port_counts port_counts(const struct port *p);

#endif
