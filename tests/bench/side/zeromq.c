/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zeromq: what the library can do at all on this machine, over TCP on loopback.
 *
 *     zeromq echo               an echo; prints HOST:PORT, ends with its stdin
 *     zeromq keep DIR BYTES     the least that a service could be which keeps what it is given as Avow's
 *                               design has it: one thread hands it to another, which puts what has come
 *                               into one transaction of LMDB, in rows of so many bytes each with its leaf
 *                               hash, and answers when that is on the disk; nothing is looked at
 *     zeromq oneway BYTES MS    messages a second from one socket to another, a thread each
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zmq.h>

#include "proto/msg.h"
#include "tests/bench/side/measure.h"
#include "tests/bench/side/rows.h"
#include "tests/bench/side/stream.h"

#define ADDRESS_SIZE 64
#define MESSAGE_MAX 65536u
#define LOOK_EVERY 1024u /* messages between two looks at the clock */
#define TURN_MAX 1024	 /* messages in one transaction */
/* An answer as long as a receipt without its leaf hashes. */
#define RECEIPT "it is on the disk, and here is as much as there would be to say of it"

static _Noreturn void failed(const char *what)
{
	stream_give_up(what, str_of(zmq_strerror(errno)));
}

/* A socket that listens where the system picks; `address` becomes tcp://HOST:PORT. */
static void *listen_on(void *context, int type, char address[ADDRESS_SIZE])
{
	void *s = zmq_socket(context, type);
	size_t n = ADDRESS_SIZE;

	if (!s || zmq_bind(s, "tcp://127.0.0.1:*") != 0 ||
	    zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, address, &n) != 0)
		failed("bind");
	return s;
}

/* Print where it listens, and serve until stdin ends: `turn` whenever something is there. */
static void serve(void *s, const char *address, void (*turn)(void *s, struct rows *rows, size_t bytes),
		  struct rows *rows, size_t bytes)
{
	zmq_pollitem_t items[] = { { .socket = s, .events = ZMQ_POLLIN },
				   { .fd = STDIN_FILENO, .events = ZMQ_POLLIN } };

	printf("%s\n", address + strlen("tcp://"));
	(void)fflush(stdout);
	for (;;) {
		if (zmq_poll(items, 2, -1) < 0 && errno != EINTR)
			failed("poll");
		if (items[1].revents)
			break;
		if (items[0].revents)
			turn(s, rows, bytes);
	}
	(void)zmq_close(s);
}

/* ---- echo ---- */

static void echo_one(void *s, struct rows *rows, size_t bytes)
{
	zmq_msg_t part;
	int more = 1;

	(void)rows;
	(void)bytes;
	while (more) {
		(void)zmq_msg_init(&part);
		if (zmq_msg_recv(&part, s, 0) < 0)
			failed("recv");
		more = zmq_msg_more(&part);
		if (zmq_msg_send(&part, s, more ? ZMQ_SNDMORE : 0) < 0)
			failed("send");
	}
}

/* ---- keep ---- */

/* What came from outside goes to the thread that keeps it, and its answers back; until the context ends. */
static void *pass_on(void *arg)
{
	void **ends = arg;

	(void)zmq_proxy(ends[0], ends[1], NULL);
	(void)zmq_close(ends[0]);
	(void)zmq_close(ends[1]);
	return NULL;
}

/* The event, and behind it its leaf hash. */
static void keep_row(struct rows *rows, struct str event)
{
	char row[MESSAGE_MAX + HASH_SIZE];
	struct hash leaf;

	leaf_hash(1, rows_next(rows), 0, event, &leaf);
	memcpy(row, event.p, event.n);
	memcpy(row + event.n, leaf.b, HASH_SIZE);
	rows_put(rows, row, event.n + HASH_SIZE);
}

/* The next message's sender into `from` and its rows into the transaction; false: none is there. */
static bool keep_one(void *s, zmq_msg_t *from, struct rows *rows, size_t bytes)
{
	zmq_msg_t body;

	(void)zmq_msg_init(from);
	if (zmq_msg_recv(from, s, ZMQ_DONTWAIT) < 0) {
		if (errno != EAGAIN)
			failed("recv");
		return false;
	}
	(void)zmq_msg_init(&body);
	if (zmq_msg_recv(&body, s, 0) < 0)
		failed("recv");
	for (size_t at = 0; at + bytes <= zmq_msg_size(&body); at += bytes)
		keep_row(rows, (struct str){ (const char *)zmq_msg_data(&body) + at, bytes });
	(void)zmq_msg_close(&body);
	return true;
}

static void keep_all(void *s, struct rows *rows, size_t bytes)
{
	static zmq_msg_t from[TURN_MAX];
	size_t n = 0;

	rows_begin(rows);
	while (n < TURN_MAX && keep_one(s, &from[n], rows, bytes))
		n++;
	rows_commit(rows);
	for (size_t i = 0; i < n; i++)
		if (zmq_msg_send(&from[i], s, ZMQ_SNDMORE) < 0 ||
		    zmq_send(s, RECEIPT, sizeof(RECEIPT), 0) < 0)
			failed("send");
}

/* One end of what connects two threads: without marks, as each may wait to send to the other else. */
static void *inner_end(void *context)
{
	void *s = zmq_socket(context, ZMQ_DEALER);
	const int none = 0;

	if (!s || zmq_setsockopt(s, ZMQ_SNDHWM, &none, sizeof(none)) != 0 ||
	    zmq_setsockopt(s, ZMQ_RCVHWM, &none, sizeof(none)) != 0)
		failed("socket");
	return s;
}

/* Two threads, as ingest and ledger are two. */
static void keep(void *context, const char *dir, size_t bytes)
{
	char address[ADDRESS_SIZE];
	void *ends[] = { listen_on(context, ZMQ_ROUTER, address), inner_end(context) };
	void *s = inner_end(context);
	struct rows *rows = rows_open(dir);
	pthread_t thread;

	if (zmq_bind(s, "inproc://keep") != 0 || zmq_connect(ends[1], "inproc://keep") != 0)
		failed("bind");
	if (pthread_create(&thread, NULL, pass_on, ends) != 0)
		stream_give_up("thread", STR("cannot be started"));
	serve(s, address, keep_all, rows, bytes);
	(void)zmq_ctx_shutdown(context);
	(void)pthread_join(thread, NULL);
	rows_close(rows);
}

/* ---- one way ---- */

struct sender {
	void *context;
	char address[ADDRESS_SIZE];
	size_t bytes;
	uint64_t ms;
};

/* Sends for so long, then an empty message. */
static void *send_all(void *arg)
{
	static const char event[MESSAGE_MAX] = { 'e' };
	const struct sender *x = arg;
	const uint64_t end = measure_ns() + x->ms * 1000000;
	void *s = zmq_socket(x->context, ZMQ_PUSH);

	if (!s || zmq_connect(s, x->address) != 0)
		failed("connect");
	while (measure_ns() < end)
		for (unsigned i = 0; i < LOOK_EVERY; i++)
			if (zmq_send(s, event, x->bytes, 0) < 0)
				failed("send");
	if (zmq_send(s, "", 0, 0) < 0)
		failed("send");
	(void)zmq_close(s);
	return NULL;
}

static void one_way(void *context, size_t bytes, uint64_t ms)
{
	struct sender x = { .context = context, .bytes = bytes, .ms = ms };
	void *s = listen_on(context, ZMQ_PULL, x.address);
	uint64_t count = 0, begin = 0;
	zmq_msg_t m;
	pthread_t thread;
	int n = 1;

	if (pthread_create(&thread, NULL, send_all, &x) != 0)
		stream_give_up("thread", STR("cannot be started"));
	(void)zmq_msg_init(&m);
	while (n > 0) {
		n = zmq_msg_recv(&m, s, 0);
		if (n < 0)
			failed("recv");
		if (count++ == 0)
			begin = measure_ns();
	}
	const uint64_t elapsed = measure_ns() - begin;
	(void)zmq_msg_close(&m);
	(void)pthread_join(thread, NULL);
	(void)zmq_close(s);
	printf("{\"messages\": %llu, \"elapsed_us\": %llu}\n", (unsigned long long)(count - 1),
	       (unsigned long long)(elapsed / 1000));
}

int main(int argc, char **argv)
{
	void *context = zmq_ctx_new();
	char address[ADDRESS_SIZE];

	if (argc == 2 && strcmp(argv[1], "echo") == 0) {
		void *s = listen_on(context, ZMQ_ROUTER, address);
		serve(s, address, echo_one, NULL, 0);
	} else if (argc == 4 && strcmp(argv[1], "keep") == 0) {
		keep(context, argv[2], measure_number(argv[3], MESSAGE_MAX));
	} else if (argc == 4 && strcmp(argv[1], "oneway") == 0) {
		one_way(context, measure_number(argv[2], MESSAGE_MAX), measure_number(argv[3], 60000));
	} else {
		stream_give_up("usage", STR("zeromq echo | zeromq keep DIR BYTES | "
					    "zeromq oneway BYTES MS"));
	}
	(void)zmq_ctx_term(context);
	return 0;
}
