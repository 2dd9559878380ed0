/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: connections that keep requests in flight, and how long each took. One thread, one loop, the
 * same for every peer.
 *
 *     load PEER.WORK ADDRESS CONNECTIONS IN_FLIGHT BATCH MILLISECONDS EVENTS FIRST HEAD
 *
 * Ends after so many milliseconds (0: any) or events (0: any), when everything in flight is answered.
 * FIRST is the number of the first event; HEAD: questions are about events up to there. Prints one
 * line of JSON: events, requests, busy, elapsed_us, cpu_us (of this program), p50_us …
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/bench/side/measure.h"
#include "tests/bench/side/speaker.h"

#define CONNECTIONS_MAX 4096u
#define BATCH_MAX BATCH_EVENTS_MAX
#define READY_MAX 256
#define STILL_MS 60000 /* without any answer: something is wrong */

struct load {
	const struct speaker *speaker;
	struct talk *talks;
	size_t connections, in_flight;
	uint64_t batch, head;
	uint64_t end_ns, events_left; /* when to stop sending, whichever comes first */
	uint64_t next;		      /* number of the next event */
	uint64_t flying, answered, busy;
	int epoll;
	struct payload payload;
	struct times times;
};

static const struct speaker *const speakers[] = {
	&speaker_avow_publish, &speaker_avow_get, &speaker_avow_as_of, &speaker_echo,
	&speaker_redis_publish, &speaker_nats_publish, &speaker_postgres_publish,
	&speaker_postgres_get, &speaker_postgres_as_of,
};

static const struct speaker *speaker_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(speakers); i++)
		if (strcmp(speakers[i]->name, name) == 0)
			return speakers[i];
	stream_give_up(name, STR("is no load"));
}

static void open_all(struct load *l, const char *address)
{
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->talks = calloc(l->connections, sizeof(*l->talks));
	if (l->epoll < 0 || !l->talks)
		stream_give_up("load", STR("no memory"));
	for (size_t i = 0; i < l->connections; i++) {
		struct talk *t = &l->talks[i];
		struct epoll_event want = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = t };
		t->number = (unsigned)i;
		stream_open(&t->stream, address);
		l->speaker->greet(t);
		if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, t->stream.fd, &want) != 0)
			stream_give_up("epoll", str_of(strerror(errno)));
	}
}

/* One more request on a connection, unless it is time to end. */
static void put(struct load *l, struct talk *t)
{
	const uint64_t now = measure_ns();

	if (l->events_left < l->batch || now >= l->end_ns)
		return;
	const struct work w = { .tag = now, .first = l->next, .batch = l->batch, .head = l->head,
				.payload = &l->payload };
	payload_now(&l->payload);
	l->speaker->put(t, &w);
	l->next += l->batch;
	l->events_left -= l->batch;
	l->flying++;
	t->flying++;
}

/*
 * Take what a connection has to say; each answer makes room for the next request. Who was told that
 * the peer is busy asks again when another answer came: it keeps less in flight from then on.
 */
static void turn(struct load *l, struct talk *t)
{
	enum heard heard;
	uint64_t tag;

	stream_fill(&t->stream);
	while ((heard = l->speaker->take(t, &tag)) != heard_nothing) {
		l->flying--;
		t->flying--;
		if (heard == heard_answer) {
			times_add(&l->times, measure_ns() - tag);
			l->answered++;
		} else {
			l->busy++;
			l->events_left += l->batch;
		}
		if (heard == heard_answer || t->flying == 0)
			put(l, t);
	}
	(void)stream_flush(&t->stream); /* what is left is written when epoll says that there is room */
}

static void run(struct load *l)
{
	struct epoll_event ready[READY_MAX];

	for (size_t i = 0; i < l->connections; i++) {
		for (size_t k = 0; k < l->in_flight; k++)
			put(l, &l->talks[i]);
		(void)stream_flush(&l->talks[i].stream);
	}
	while (l->flying > 0) {
		const int n = epoll_wait(l->epoll, ready, READY_MAX, STILL_MS);
		if (n == 0)
			stream_give_up(l->speaker->name, STR("the peer says nothing"));
		for (int i = 0; i < n; i++)
			turn(l, ready[i].data.ptr);
	}
}

static void close_all(struct load *l)
{
	for (size_t i = 0; i < l->connections; i++)
		stream_close(&l->talks[i].stream);
	free(l->talks);
	(void)close(l->epoll);
	times_free(&l->times);
}

/* A connection is a file: as many as the system lets us have. */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
	static struct load l;

	if (argc != 10)
		stream_give_up("usage", STR("load PEER.WORK ADDRESS CONNECTIONS IN_FLIGHT BATCH "
					    "MILLISECONDS EVENTS FIRST HEAD"));
	l.speaker = speaker_named(argv[1]);
	l.connections = measure_number(argv[3], CONNECTIONS_MAX);
	l.in_flight = measure_number(argv[4], WAITING_MAX);
	l.batch = measure_number(argv[5], BATCH_MAX);
	const uint64_t ms = measure_number(argv[6], 86400000), events = measure_number(argv[7], UINT32_MAX);
	l.next = measure_number(argv[8], UINT32_MAX);
	l.head = measure_number(argv[9], UINT32_MAX);
	if (!l.connections || !l.in_flight || !l.batch || (!ms && !events) || events % l.batch)
		stream_give_up("load", STR("0 of something, or half a batch, measures nothing"));
	if (payload_init(&l.payload, l.next + 1))
		stream_give_up("load", STR("no event"));
	raise_files();
	open_all(&l, argv[2]);
	const uint64_t begin = measure_ns(), begin_cpu = measure_cpu_ns();
	l.end_ns = ms ? begin + ms * 1000000 : UINT64_MAX;
	l.events_left = events ? events : UINT32_MAX;
	run(&l);
	const uint64_t elapsed = measure_ns() - begin, cpu = measure_cpu_ns() - begin_cpu;
	printf("{\"events\": %llu, \"requests\": %llu, \"busy\": %llu, \"elapsed_us\": %llu, "
	       "\"cpu_us\": %llu, \"event_bytes\": %zu, ",
	       (unsigned long long)(l.answered * l.batch), (unsigned long long)l.answered,
	       (unsigned long long)l.busy, (unsigned long long)(elapsed / 1000),
	       (unsigned long long)(cpu / 1000), l.payload.n);
	times_print(&l.times, "");
	printf("}\n");
	close_all(&l);
	return 0;
}
