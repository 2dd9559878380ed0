/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port: ZeroMQ sockets with every limit set, and the only file of the services that knows them.
 *
 * What is sent goes into the queue of one connection; a connection that does not take its answers
 * fills its queue, then its answers wait in the port's backlog for a while, then they are dropped.
 *
 * A socket's descriptor tells of what has happened since the socket was last found empty. So whoever
 * has found it empty, and has not used it since, can wait for the descriptor alone: asking the socket,
 * as zmq_poll does again and again, takes three system calls each time.
 */
#include "services/shared/port.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <zmq.h>

#include "services/shared/clock.h"
#include "services/shared/endpoint.h"

#define ENDPOINTS_MAX 4
#define PORTS_MAX 4
#define HANDSHAKE_MS 3000
#define HEARTBEAT_MS 2000
#define HEARTBEAT_PATIENCE_MS 6000
#define BACKLOG_CONNECTIONS 1024
#define RECONNECT_MS 20
#define RECONNECT_MAX_MS 1000
#define CLOSE_LINGER_MS 250
/* Where services of one process meet. */
#define MEETING "inproc://ledger"
/* The tape: what waits for one listener, and the largest subscription that it may send. */
#define TAPE_WAITING_MAX 1000
#define TAPE_MESSAGE_MAX 1024
/* Answers that wait for a connection to take earlier ones. */
#define BACKLOG_MESSAGES_MAX 4096u
#define BACKLOG_BYTES_MAX (16u << 20)
#define BACKLOG_MS 5000
/*
 * Memory is looked at after so many bytes were sent, or when at this pace what is left of it could be
 * gone, which is faster than one thread of ZeroMQ takes bytes in; within these times.
 */
#define LOOK_BYTES (8u << 20)
#define LOOK_BYTES_PER_MS (2u << 20)
#define LOOK_MIN_MS 5
#define LOOK_MAX_MS 250
/* Who does not take his answers for so long is not waited for; what was closed is freed within that. */
#define CROWD_MS 2000
#define ANEW_MS 50
#define GIVE_BACK_MS 1000

/*
 * The system's, as ZeroMQ 4.3.4 calls it, which finds the one of the program first. Where no descriptor
 * is left it would abort at a unix socket's EMFILE; ENFILE it takes for what it is, and tries again.
 */
int accept4(int fd, __SOCKADDR_ARG address, socklen_t *size, int flags)
{
	const int rc = (int)syscall(SYS_accept4, fd, address.__sockaddr__, size, flags);

	if (rc < 0 && errno == EMFILE)
		errno = ENFILE;
	return rc;
}

struct waiting {
	struct waiting *next;
	int64_t until_ms;
	struct peer to;
	size_t n;
	char wire[];
};

/* What a port that looks at memory knows of it. */
struct watch {
	bool crowded;
	bool futile; /* starting anew did not help: it is not connections that hold so much */
	size_t sent; /* bytes since the last look */
	int64_t look_ms, roomy_ms, anew_ms, gave_back_ms;
};

struct port {
	void *context, *socket;
	int fd; /* the socket's */
	bool empty; /* it was found so, and its descriptor tells of whatever comes */
	int type;
	struct port_limits limits;
	bool listens;
	uint32_t life;
	struct watch watch;
	size_t count, bound; /* endpoints, and how many of them are listened on */
	char endpoint[ENDPOINTS_MAX][ENDPOINT_MAX + 1];
	int lock_fd[ENDPOINTS_MAX]; /* -1: none */
	struct waiting *first, **last;
	size_t backlog_count, backlog_bytes;
	struct port_counts counts;
};

void *context_open(void)
{
	return zmq_ctx_new();
}

void context_close(void *context)
{
	if (!context)
		return;
	while (zmq_ctx_term(context) && errno == EINTR)
		;
}

/* ---- opening ---- */

static enum err system_refuses(struct fault *fault, const char *what, const char *endpoint)
{
	return fault_set(fault, ERR_IO, NULL, "cannot %s %s: %s", what, endpoint,
			 zmq_strerror(errno));
}

static bool set(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_common(void *socket, struct port_limits limits)
{
	const int64_t message_max = (int64_t)limits.message_max;

	return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &message_max, sizeof(message_max)) == 0 &&
	       set(socket, ZMQ_SNDHWM, limits.waiting_max) &&
	       set(socket, ZMQ_RCVHWM, limits.waiting_max) && set(socket, ZMQ_LINGER, 0) &&
	       set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
	       set(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
	       set(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_PATIENCE_MS) &&
	       set(socket, ZMQ_BACKLOG, BACKLOG_CONNECTIONS);
}

static bool open_socket(struct port *p)
{
	void *s = p->socket = zmq_socket(p->context, p->type);

	if (!s || !set_common(s, p->limits))
		return false;
	size_t n = sizeof(p->fd);
	p->empty = false;
	if (zmq_getsockopt(s, ZMQ_FD, &p->fd, &n))
		return false;
	if (p->type == ZMQ_ROUTER)
		return set(s, ZMQ_ROUTER_MANDATORY, 1);
	return p->type != ZMQ_DEALER ||
	       (set(s, ZMQ_IMMEDIATE, 1) && set(s, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
		set(s, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS));
}

static enum err port_new(void *context, int type, struct port_limits limits, struct port **out,
			 struct fault *fault)
{
	struct port *p = calloc(1, sizeof(*p));

	if (!p)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "no memory for a socket");
	for (size_t i = 0; i < ENDPOINTS_MAX; i++)
		p->lock_fd[i] = -1;
	p->last = &p->first;
	p->context = context;
	p->type = type;
	p->limits = limits;
	p->listens = type == ZMQ_ROUTER;
	if (!open_socket(p)) {
		const enum err e = system_refuses(fault, "open", "a socket");
		port_close(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

static bool is_ipv6(const char *endpoint)
{
	return strncmp(endpoint, "tcp://[", strlen("tcp://[")) == 0;
}

static enum err bind_one(struct port *p, const char *endpoint, struct fault *fault)
{
	const size_t i = p->count;
	enum err e = endpoint_check(endpoint, true, fault);

	if (e)
		return e;
	const char *path = endpoint_path(endpoint);
	if (path) {
		e = endpoint_lock(path, &p->lock_fd[i], fault);
		if (e)
			return e;
	}
	if (!set(p->socket, ZMQ_IPV6, is_ipv6(endpoint)) || zmq_bind(p->socket, endpoint))
		return system_refuses(fault, "listen on", endpoint);
	size_t n = sizeof(p->endpoint[i]);
	if (zmq_getsockopt(p->socket, ZMQ_LAST_ENDPOINT, p->endpoint[i], &n))
		return system_refuses(fault, "listen on", endpoint);
	p->bound = ++p->count;
	return ERR_OK;
}

static enum err bind_all(struct port *p, const char *const *endpoints, size_t endpoints_max,
			 struct fault *fault)
{
	for (size_t i = 0; i < endpoints_max && endpoints[i]; i++) {
		if (p->count == ENDPOINTS_MAX)
			return fault_set(fault, ERR_USAGE, NULL, "at most %d endpoints",
					 ENDPOINTS_MAX);
		const enum err e = bind_one(p, endpoints[i], fault);
		if (e)
			return e;
	}
	if (p->count == 0)
		return fault_set(fault, ERR_USAGE, NULL, "no endpoint to listen on");
	return ERR_OK;
}

enum err port_listen(void *context, const char *const *endpoints, size_t endpoints_max,
		     struct port_limits limits, struct port **out, struct fault *fault)
{
	enum err e = port_new(context, ZMQ_ROUTER, limits, out, fault);

	if (e)
		return e;
	e = bind_all(*out, endpoints, endpoints_max, fault);
	if (e) {
		port_close(*out);
		*out = NULL;
	}
	return e;
}

enum err port_tape(void *context, const char *const *endpoints, size_t endpoints_max,
		   struct port **out, struct fault *fault)
{
	const struct port_limits limits = { .message_max = TAPE_MESSAGE_MAX,
					    .waiting_max = TAPE_WAITING_MAX };
	enum err e = port_new(context, ZMQ_PUB, limits, out, fault);

	if (e)
		return e;
	e = bind_all(*out, endpoints, endpoints_max, fault);
	if (e) {
		port_close(*out);
		*out = NULL;
	}
	return e;
}

enum err port_meet(struct port *p, struct fault *fault)
{
	require(p->limits.memory_max == 0); /* who started anew would not be met again */
	return zmq_bind(p->socket, MEETING) ? system_refuses(fault, "listen on", MEETING) : ERR_OK;
}

static enum err join(void *context, const char *endpoint, struct port_limits limits,
		     struct port **out, struct fault *fault)
{
	enum err e = port_new(context, ZMQ_DEALER, limits, out, fault);

	if (e)
		return e;
	if (!set((*out)->socket, ZMQ_IPV6, is_ipv6(endpoint)) ||
	    zmq_connect((*out)->socket, endpoint)) {
		e = system_refuses(fault, "connect to", endpoint);
		port_close(*out);
		*out = NULL;
	}
	return e;
}

enum err port_join(void *context, struct port_limits limits, struct port **out, struct fault *fault)
{
	return join(context, MEETING, limits, out, fault);
}

enum err port_connect(void *context, const char *endpoint, struct port_limits limits,
		      struct port **out, struct fault *fault)
{
	const enum err e = endpoint_check(endpoint, false, fault);

	return e ? e : join(context, endpoint, limits, out, fault);
}

static void backlog_drop(struct port *p, struct waiting **link)
{
	struct waiting *w = *link;

	*link = w->next;
	if (!w->next)
		p->last = link;
	p->backlog_count--;
	p->backlog_bytes -= w->n;
	free(w);
}

void port_close(struct port *p)
{
	if (!p)
		return;
	while (p->first)
		backlog_drop(p, &p->first);
	if (p->socket) {
		/* answers on their way still go out; context_close waits for them */
		if (p->listens)
			(void)set(p->socket, ZMQ_LINGER, CLOSE_LINGER_MS);
		(void)zmq_close(p->socket);
	}
	for (size_t i = 0; i < ENDPOINTS_MAX; i++)
		if (p->lock_fd[i] >= 0)
			(void)close(p->lock_fd[i]);
	free(p);
}

const char *port_endpoint(const struct port *p, size_t i)
{
	return i < p->count ? p->endpoint[i] : NULL;
}

/* ---- memory ---- */

/* Listen again; where the last life's listener still has an address, that is tried again. */
static void bind_again(struct port *p)
{
	while (p->bound < p->count &&
	       set(p->socket, ZMQ_IPV6, is_ipv6(p->endpoint[p->bound])) &&
	       zmq_bind(p->socket, p->endpoint[p->bound]) == 0)
		p->bound++;
}

/* Close every connection, with all that waits in it, and listen again. ERR_IO. */
static enum err start_anew(struct port *p)
{
	while (p->first)
		backlog_drop(p, &p->first);
	(void)zmq_close(p->socket);
	p->life++;
	p->counts.started_anew++;
	p->bound = 0;
	if (!open_socket(p))
		return ERR_IO;
	bind_again(p);
	return ERR_OK;
}

/* How long until the memory could be beyond its bound. */
static int64_t look_after_ms(const struct port *p, size_t used)
{
	const size_t room = used < p->limits.memory_max ? p->limits.memory_max - used : 0;
	const int64_t ms = (int64_t)(room / LOOK_BYTES_PER_MS);

	if (p->watch.crowded || p->bound < p->count || ms < LOOK_MIN_MS)
		return LOOK_MIN_MS;
	return ms < LOOK_MAX_MS ? ms : LOOK_MAX_MS;
}

static size_t look(struct port *p, int64_t now_ms)
{
	struct watch *w = &p->watch;
	size_t held;
	const size_t used = memory_used(&held);

	w->sent = 0;
	const bool much = p->limits.crowd_max && used > p->limits.crowd_max;
	w->futile = w->futile && much;
	w->crowded = much && !w->futile;
	if (!w->crowded)
		w->roomy_ms = now_ms;
	if (held > p->limits.memory_max && now_ms - w->gave_back_ms >= GIVE_BACK_MS) {
		w->gave_back_ms = now_ms;
		memory_give_back();
	}
	w->look_ms = now_ms + look_after_ms(p, used);
	return used;
}

/* Look where it is time to, and do what follows. *wait_ms is shortened to the time of the next look. */
static enum err tend_memory(struct port *p, int64_t now_ms, int *wait_ms)
{
	struct watch *w = &p->watch;
	enum err e = ERR_OK;

	if (p->limits.memory_max == 0)
		return ERR_OK;
	if (p->bound < p->count)
		bind_again(p);
	if (now_ms >= w->look_ms || w->sent >= LOOK_BYTES) {
		const size_t used = look(p, now_ms);
		if (now_ms - w->anew_ms >= ANEW_MS &&
		    (used > p->limits.memory_max || now_ms - w->roomy_ms >= CROWD_MS)) {
			w->anew_ms = w->roomy_ms = now_ms;
			w->gave_back_ms = 0;
			w->futile = w->crowded;
			w->crowded = false;
			e = start_anew(p);
		}
	}
	if (*wait_ms < 0 || *wait_ms > w->look_ms - now_ms)
		*wait_ms = w->look_ms > now_ms ? (int)(w->look_ms - now_ms) : 0;
	return e;
}

bool port_crowded(struct port *p)
{
	if (p->limits.crowd_max && p->watch.sent >= LOOK_BYTES)
		(void)look(p, clock_mono_ms());
	return p->watch.crowded;
}

/* ---- receiving ---- */

static bool has_message(struct port *p)
{
	int events;
	size_t n = sizeof(events);

	return zmq_getsockopt(p->socket, ZMQ_EVENTS, &events, &n) != 0 || events & ZMQ_POLLIN;
}

enum err port_wait(struct port *const *ports, size_t count, int stop_fd, int timeout_ms, bool *stop)
{
	struct pollfd fds[PORTS_MAX + 1] = { { .fd = stop_fd, .events = POLLIN } };

	require(count <= PORTS_MAX);
	const int64_t now_ms = clock_mono_ms();
	for (size_t i = 0; i < count; i++) {
		struct port *p = ports[i];
		const enum err e = tend_memory(p, now_ms, &timeout_ms);
		if (e)
			return e;
		if (!p->watch.crowded && !p->empty) {
			p->empty = !has_message(p);
			timeout_ms = p->empty ? timeout_ms : 0;
		}
		/* poll(2) passes over what is below 0 */
		fds[i + 1] = (struct pollfd){ .fd = p->watch.crowded ? -1 : p->fd, .events = POLLIN };
	}
	const int n = poll(fds, (nfds_t)count + 1, timeout_ms);
	if (n < 0 && errno != EINTR)
		return ERR_IO;
	for (size_t i = 0; n > 0 && i < count; i++)
		if (fds[i + 1].revents)
			ports[i]->empty = false;
	*stop = n > 0 && fds[0].revents & POLLIN;
	return ERR_OK;
}

struct inbox {
	size_t count, max, bytes;
	struct parcel *parcels;
	zmq_msg_t *messages; /* `count` of them are open */
};

struct inbox *inbox_open(size_t count_max)
{
	struct inbox *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->max = count_max;
	in->parcels = calloc(count_max, sizeof(*in->parcels));
	in->messages = calloc(count_max, sizeof(*in->messages));
	if (!in->parcels || !in->messages) {
		inbox_close(in);
		return NULL;
	}
	return in;
}

void inbox_clear(struct inbox *in)
{
	for (size_t i = 0; i < in->count; i++)
		(void)zmq_msg_close(&in->messages[i]);
	in->count = in->bytes = 0;
}

void inbox_close(struct inbox *in)
{
	if (!in)
		return;
	inbox_clear(in);
	free(in->parcels);
	free(in->messages);
	free(in);
}

size_t inbox_count(const struct inbox *in)
{
	return in->count;
}

const struct parcel *inbox_at(const struct inbox *in, size_t i)
{
	require(i < in->count);
	return &in->parcels[i];
}

/* The parts behind the ones that were wanted; zmq has them all in memory already. */
static void drop_parts(struct port *p)
{
	zmq_msg_t part;
	bool more = true;

	while (more) {
		(void)zmq_msg_init(&part);
		more = zmq_msg_recv(&part, p->socket, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&part);
		(void)zmq_msg_close(&part);
	}
	p->counts.parts_dropped++;
}

/* One message into `m` and `parcel`. ERR_NOT_FOUND: none is there. ERR_MALFORMED: dropped one. */
static enum err receive(struct port *p, zmq_msg_t *m, struct parcel *parcel)
{
	parcel->from.n = 0;
	parcel->from.life = p->life;
	(void)zmq_msg_init(m);
	int n = zmq_msg_recv(m, p->socket, ZMQ_DONTWAIT);
	if (n >= 0 && p->listens) {
		ensure((size_t)n <= PEER_NAME_MAX && zmq_msg_more(m));
		parcel->from.n = (uint8_t)n;
		memcpy(parcel->from.name, zmq_msg_data(m), (size_t)n);
		n = zmq_msg_recv(m, p->socket, ZMQ_DONTWAIT);
	}
	if (n < 0) {
		const int error = errno;
		(void)zmq_msg_close(m);
		p->empty = error == EAGAIN;
		return error == EAGAIN || error == EINTR ? ERR_NOT_FOUND : ERR_IO;
	}
	if (zmq_msg_more(m)) {
		(void)zmq_msg_close(m);
		drop_parts(p);
		return ERR_MALFORMED;
	}
	parcel->wire = (struct str){ zmq_msg_data(m), zmq_msg_size(m) };
	return ERR_OK;
}

enum err port_gather(struct port *p, struct inbox *in, size_t bytes_max)
{
	/* also bounds how many malformed ones are looked at in one go */
	for (size_t i = 0; !p->empty && i < in->max && in->count < in->max && in->bytes < bytes_max;
	     i++) {
		const enum err e = receive(p, &in->messages[in->count], &in->parcels[in->count]);
		if (e == ERR_MALFORMED)
			continue;
		if (e == ERR_NOT_FOUND)
			break;
		if (e)
			return e;
		in->bytes += in->parcels[in->count].wire.n;
		in->count++;
	}
	return ERR_OK;
}

enum err port_gather_wait(struct port *p, struct inbox *in, size_t bytes_max, size_t want,
			  int64_t wait_us)
{
	const int64_t until_us = clock_mono_us() + wait_us;
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };

	enum err e = port_gather(p, in, bytes_max);
	while (!e && in->count < want && in->count < in->max && in->bytes < bytes_max) {
		const int64_t left_us = until_us - clock_mono_us();
		if (left_us <= 0)
			break;
		const struct timespec left = { .tv_nsec = left_us * 1000 };
		require(left_us < 1000000);
		const int n = ppoll(&fd, 1, &left, NULL);
		if (n < 0 && errno != EINTR)
			return ERR_IO;
		p->empty = p->empty && n <= 0;
		e = port_gather(p, in, bytes_max);
	}
	return e;
}

/* ---- sending ---- */

static enum err send_now(struct port *p, const struct peer *to, struct str wire)
{
	if (to && to->life != p->life)
		return ERR_UNREACHABLE;
	p->watch.sent += wire.n;
	p->empty = false; /* to send, a socket may take note of what has come, and its descriptor not tell it */
	if (to && zmq_send(p->socket, to->name, to->n, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_BUSY : ERR_UNREACHABLE;
	if (zmq_send(p->socket, wire.p, wire.n, ZMQ_DONTWAIT) >= 0)
		return ERR_OK;
	/* one that connects has a queue only while it is connected (ZMQ_IMMEDIATE) */
	return to && (errno == EAGAIN || errno == EINTR) ? ERR_BUSY : ERR_UNREACHABLE;
}

static enum err backlog_put(struct port *p, const struct peer *to, struct str wire)
{
	struct waiting *w;

	if (p->backlog_count == BACKLOG_MESSAGES_MAX || wire.n > BACKLOG_BYTES_MAX - p->backlog_bytes)
		return ERR_BUSY;
	w = malloc(sizeof(*w) + wire.n);
	if (!w)
		return ERR_BUSY;
	w->next = NULL;
	w->until_ms = clock_mono_ms() + BACKLOG_MS;
	w->to = *to;
	w->n = wire.n;
	memcpy(w->wire, wire.p, wire.n);
	*p->last = w;
	p->last = &w->next;
	p->backlog_count++;
	p->backlog_bytes += wire.n;
	return ERR_OK;
}

enum err port_send(struct port *p, const struct peer *to, struct str wire)
{
	require(p->listens == (to != NULL));
	enum err e = send_now(p, to, wire);
	if (e == ERR_BUSY && to)
		e = backlog_put(p, to, wire);
	if (e && to)
		p->counts.answers_dropped++;
	return e;
}

static bool same_peer(const struct peer *a, const struct peer *b)
{
	return a->life == b->life && a->n == b->n && memcmp(a->name, b->name, a->n) == 0;
}

size_t port_backlog(const struct port *p, const struct peer *to)
{
	size_t n = 0;

	for (const struct waiting *w = p->first; w; w = w->next)
		if (same_peer(&w->to, to))
			n += w->n;
	return n;
}

bool port_flush(struct port *p)
{
	struct waiting **link = &p->first;
	const struct peer *full = NULL; /* the last one without room: all that is for him waits as well */

	if (!*link)
		return false;
	const int64_t now = clock_mono_ms();
	while (*link) {
		struct waiting *w = *link;
		const enum err e = full && same_peer(full, &w->to)
					   ? ERR_BUSY
					   : send_now(p, &w->to, (struct str){ w->wire, w->n });
		if (e == ERR_BUSY && now < w->until_ms) {
			full = &w->to;
			link = &w->next;
			continue;
		}
		if (e)
			p->counts.answers_dropped++;
		backlog_drop(p, link);
	}
	return p->first != NULL;
}

void port_publish(struct port *p, struct str topic, struct str wire)
{
	if (zmq_send(p->socket, topic.p, topic.n, ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0)
		(void)zmq_send(p->socket, wire.p, wire.n, ZMQ_DONTWAIT);
}

struct port_counts port_counts(const struct port *p)
{
	return p->counts;
}
