/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: subscribers of Avow, each a connection that reads on from its position and waits there.
 *
 *     watch latency INGEST QUERY COUNT GAP_US    publishes one event at a time, with a gap between,
 *                                                and takes the time to its receipt, and to its
 *                                                arrival at a reader that waits for it
 *     watch least ECHO FILE SYNCS ECHOES COUNT GAP_US
 *                                                what such a time is made of at the least, with the same
 *                                                gap: an event appended to a file and synced, so often,
 *                                                and so many ZeroMQ echoes, one after the other
 *     watch catchup QUERY LIMIT IN_FLIGHT EVENTS one reader from the first event to event EVENTS, with
 *                                                so many reads in flight; every event is decoded as
 *                                                far as a client must, and its seq compared
 *     watch many QUERY READERS                   prints `ready` when all wait at the head; counts what
 *                                                they are given until its stdin ends
 *
 * Prints one line of JSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/side/measure.h"
#include "tests/bench/side/speaker.h"

#define READERS_MAX 4096u
#define READY_MAX 256
#define WAIT_MS 20000u
#define SLICE_BYTES (8u << 20)
#define ARENA_MAX ((size_t)64 << 20)

struct reader {
	struct talk talk;
	uint64_t position; /* everything up to there came */
};

static void open_to(struct talk *t, const char *address)
{
	stream_open(&t->stream, address);
	zmtp_greet(t);
}

static void put_read(struct stream *s, uint64_t rid, uint64_t after, uint64_t limit, uint64_t wait_ms)
{
	struct read r = { 0 };

	msg_set(&r, read, after, after);
	msg_set(&r, read, limit, limit);
	msg_set(&r, read, max_bytes, SLICE_BYTES);
	msg_set(&r, read, wait_ms, wait_ms);
	avow_put(s, &shape_read, rid, &r);
}

/* Wait for the next answer; it borrows until stream_take(whole). */
static struct str await(struct stream *s, enum msg_type want, uint64_t *rid, size_t *whole)
{
	struct str message;
	enum heard heard;

	stream_flush_all(s);
	while ((heard = avow_next(s, want, rid, &message, whole)) == heard_nothing)
		stream_await(s);
	if (heard == heard_busy)
		stream_give_up("a service", STR("is busy"));
	return message;
}

static void decode(struct str message, struct arena *a, struct events *out)
{
	struct fault fault;

	fault_init(&fault);
	arena_reset(a);
	if (msg_decode(&shape_events, message, a, out, &fault))
		stream_give_up("events", str_of(fault.text));
}

/* ---- latency ---- */

static uint64_t head_of(struct stream *query, struct arena *a)
{
	struct events e;
	uint64_t rid;
	size_t whole;

	put_read(query, 1, 0, 1, 0);
	decode(await(query, MSG_events, &rid, &whole), a, &e);
	stream_take(query, whole);
	return e.head;
}

static void latency(char **argv)
{
	const uint64_t count = measure_number(argv[4], 1000000), gap_us = measure_number(argv[5], 1000000);
	const struct timespec gap = { .tv_nsec = (long)(gap_us * 1000) % 1000000000 };
	struct times receipt = { 0 }, arrival = { 0 };
	static struct talk ingest, query;
	static struct payload payload;
	struct arena a;
	uint64_t rid;
	size_t whole;

	arena_init(&a, ARENA_MAX);
	open_to(&ingest, argv[2]);
	open_to(&query, argv[3]);
	if (payload_init(&payload, 1))
		stream_give_up("latency", STR("no event"));
	uint64_t head = head_of(&query.stream, &a);
	for (uint64_t i = 0; i < count; i++, head++) {
		put_read(&query.stream, i + 1, head, 1, WAIT_MS);
		stream_flush_all(&query.stream);
		(void)nanosleep(&gap, NULL); /* idle, and the reader waits there already */
		const uint64_t begin = measure_ns();
		struct work w = { .tag = i + 1, .first = i, .batch = 1, .payload = &payload };
		speaker_avow_publish.put(&ingest, &w);
		(void)await(&ingest.stream, MSG_published, &rid, &whole);
		times_add(&receipt, measure_ns() - begin);
		stream_take(&ingest.stream, whole);
		(void)await(&query.stream, MSG_events, &rid, &whole);
		times_add(&arrival, measure_ns() - begin);
		stream_take(&query.stream, whole);
	}
	printf("{\"events\": %llu, ", (unsigned long long)count);
	times_print(&receipt, "receipt_");
	printf(", ");
	times_print(&arrival, "");
	printf("}\n");
	times_free(&receipt);
	times_free(&arrival);
	arena_fini(&a);
}

/* One event, on the disk and there and back. */
static void do_least(int fd, struct talk *echo, uint64_t syncs, uint64_t echoes, const struct work *w)
{
	uint64_t tag;

	for (uint64_t k = 0; k < syncs; k++)
		if (write(fd, w->payload->bytes, w->payload->n) != (ssize_t)w->payload->n ||
		    fdatasync(fd) != 0)
			stream_give_up("a file", str_of(strerror(errno)));
	for (uint64_t k = 0; k < echoes; k++) {
		speaker_echo.put(echo, w);
		stream_flush_all(&echo->stream);
		while (speaker_echo.take(echo, &tag) == heard_nothing)
			stream_await(&echo->stream);
	}
}

static void least(char **argv)
{
	const uint64_t syncs = measure_number(argv[4], 16), echoes = measure_number(argv[5], 16);
	const uint64_t count = measure_number(argv[6], 1000000), gap_us = measure_number(argv[7], 1000000);
	const struct timespec gap = { .tv_nsec = (long)(gap_us * 1000) % 1000000000 };
	const int fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct times times = { 0 };
	static struct talk echo;
	static struct payload payload;

	if (fd < 0)
		stream_give_up(argv[3], str_of(strerror(errno)));
	open_to(&echo, argv[2]);
	if (payload_init(&payload, 1))
		stream_give_up("least", STR("no event"));
	for (uint64_t i = 0; i < count; i++) {
		const struct work w = { .tag = i + 1, .first = i, .batch = 1, .payload = &payload };
		(void)nanosleep(&gap, NULL);
		const uint64_t begin = measure_ns();
		do_least(fd, &echo, syncs, echoes, &w);
		times_add(&times, measure_ns() - begin);
	}
	printf("{\"events\": %llu, ", (unsigned long long)count);
	times_print(&times, "");
	printf("}\n");
	times_free(&times);
	(void)close(fd);
}

/* ---- catch-up ---- */

static void catch_up(char **argv)
{
	const uint64_t limit = measure_number(argv[3], BATCH_EVENTS_MAX);
	const uint64_t in_flight = measure_number(argv[4], 64), want = measure_number(argv[5], UINT32_MAX);
	uint64_t at = 0, asked = 0, bytes = 0, rid;
	static struct talk query;
	struct events e;
	struct arena a;
	size_t whole;

	arena_init(&a, ARENA_MAX);
	open_to(&query, argv[2]);
	const uint64_t begin = measure_ns(), begin_cpu = measure_cpu_ns();
	while (at < want) {
		for (; asked < want && asked < at + limit * in_flight; asked += limit)
			put_read(&query.stream, asked + 1, asked, limit, 0);
		decode(await(&query.stream, MSG_events, &rid, &whole), &a, &e);
		if (rid != at + 1 || e.events.n != limit)
			stream_give_up("catch-up", STR("an answer is out of order, or not full"));
		for (size_t i = 0; i < e.events.n; i++) {
			if (e.events.v[i].seq != ++at)
				stream_give_up("catch-up", STR("a gap, a repeat or a disorder"));
			bytes += e.events.v[i].event.n;
		}
		stream_take(&query.stream, whole);
	}
	printf("{\"events\": %llu, \"bytes\": %llu, \"elapsed_us\": %llu, \"cpu_us\": %llu}\n",
	       (unsigned long long)at, (unsigned long long)bytes,
	       (unsigned long long)((measure_ns() - begin) / 1000),
	       (unsigned long long)((measure_cpu_ns() - begin_cpu) / 1000));
	arena_fini(&a);
}

/* ---- many ---- */

static uint64_t scanned_to(struct str message, struct arena *a)
{
	struct events e;

	decode(message, a, &e);
	return e.scanned_to;
}

static void read_on(struct reader *r)
{
	put_read(&r->talk.stream, 1, r->position, 1000, WAIT_MS);
	(void)stream_flush(&r->talk.stream);
}

/*
 * Memory for what comes, handed from one reader to the next, as a thousand readers in one process stand for
 * as many elsewhere: here the first touch of each page would cost more than all else.
 */
struct spare {
	struct buf *v;
	size_t n;
};

static void lend(struct spare *spare, struct stream *s)
{
	if (!s->in.p && spare->n > 0)
		s->in = spare->v[--spare->n];
}

static void take_back(struct spare *spare, struct stream *s)
{
	if (s->taken < s->in.n)
		return; /* the rest of a message is on its way */
	buf_clear(&s->in);
	spare->v[spare->n++] = s->in;
	buf_init(&s->in, STREAM_BYTES_MAX);
	s->taken = 0;
}

static uint64_t hear(struct reader *r, struct spare *spare, struct arena *a)
{
	uint64_t rid, given = 0;
	struct str message;
	enum heard heard;
	size_t whole;

	lend(spare, &r->talk.stream);
	stream_fill(&r->talk.stream);
	while ((heard = avow_next(&r->talk.stream, MSG_events, &rid, &message, &whole)) != heard_nothing) {
		if (heard == heard_busy)
			stream_give_up("query", STR("is busy: a reader of this many may not wait"));
		const uint64_t to = scanned_to(message, a);
		given += to - r->position;
		r->position = to;
		stream_take(&r->talk.stream, whole);
		read_on(r);
	}
	(void)stream_flush(&r->talk.stream);
	take_back(spare, &r->talk.stream);
	return given;
}

static void many(char **argv)
{
	const size_t count = (size_t)measure_number(argv[3], READERS_MAX);
	struct reader *readers = calloc(count + 1, sizeof(*readers));
	struct spare spare = { .v = calloc(count + 1, sizeof(*spare.v)) };
	struct epoll_event ready[READY_MAX], want = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	const int epoll = epoll_create1(EPOLL_CLOEXEC);
	uint64_t given = 0, head = 0;
	bool over = false;
	struct arena a;

	arena_init(&a, ARENA_MAX);
	if (!readers || !spare.v || epoll < 0)
		stream_give_up("readers", STR("no memory"));
	for (size_t i = 0; i < count; i++) {
		open_to(&readers[i].talk, argv[2]);
		readers[i].position = head = head_of(&readers[i].talk.stream, &a);
		read_on(&readers[i]);
		take_back(&spare, &readers[i].talk.stream);
		want.data.ptr = &readers[i];
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, readers[i].talk.stream.fd, &want) != 0)
			stream_give_up("epoll", str_of(strerror(errno)));
	}
	want = (struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL };
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &want) != 0)
		stream_give_up("epoll", STR("stdin is not a pipe"));
	printf("ready\n");
	(void)fflush(stdout);
	while (!over) {
		const int n = epoll_wait(epoll, ready, READY_MAX, -1);
		for (int i = 0; i < n; i++) {
			if (ready[i].data.ptr)
				given += hear(ready[i].data.ptr, &spare, &a);
			else
				over = true;
		}
	}
	printf("{\"readers\": %zu, \"delivered\": %llu, \"from\": %llu, \"cpu_us\": %llu}\n", count,
	       (unsigned long long)given, (unsigned long long)head,
	       (unsigned long long)(measure_cpu_ns() / 1000));
	free(spare.v);
	free(readers);
	arena_fini(&a);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 6 && strcmp(what, "latency") == 0)
		latency(argv);
	else if (argc == 8 && strcmp(what, "least") == 0)
		least(argv);
	else if (argc == 6 && strcmp(what, "catchup") == 0)
		catch_up(argv);
	else if (argc == 4 && strcmp(what, "many") == 0)
		many(argv);
	else
		stream_give_up("usage", STR("watch latency INGEST QUERY COUNT GAP_US | "
					    "least ECHO FILE SYNCS ECHOES COUNT GAP_US | "
					    "catchup QUERY LIMIT IN_FLIGHT EVENTS | many QUERY READERS"));
	return 0;
}
