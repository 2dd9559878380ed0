/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zeromq: what the library can do at all on this machine, over TCP on loopback.
 *
 *     zeromq echo               an echo; prints HOST:PORT, ends with its stdin
 *     zeromq oneway BYTES MS    messages a second from one socket to another, a thread each
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zmq.h>

#include "tests/bench/side/measure.h"
#include "tests/bench/side/stream.h"

#define ADDRESS_SIZE 64
#define MESSAGE_MAX 65536u
#define LOOK_EVERY 1024u /* messages between two looks at the clock */

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

/* ---- echo ---- */

static void echo_one(void *s)
{
	zmq_msg_t part;
	int more = 1;

	while (more) {
		(void)zmq_msg_init(&part);
		if (zmq_msg_recv(&part, s, 0) < 0)
			failed("recv");
		more = zmq_msg_more(&part);
		if (zmq_msg_send(&part, s, more ? ZMQ_SNDMORE : 0) < 0)
			failed("send");
	}
}

static void echo(void *context)
{
	char address[ADDRESS_SIZE];
	void *s = listen_on(context, ZMQ_ROUTER, address);
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
			echo_one(s);
	}
	(void)zmq_close(s);
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

	if (argc == 2 && strcmp(argv[1], "echo") == 0)
		echo(context);
	else if (argc == 4 && strcmp(argv[1], "oneway") == 0)
		one_way(context, measure_number(argv[2], MESSAGE_MAX), measure_number(argv[3], 60000));
	else
		stream_give_up("usage", STR("zeromq echo | zeromq oneway BYTES MS"));
	(void)zmq_ctx_term(context);
	return 0;
}
