/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_publish: publishers, each a connection on its own thread, that keep a number of requests in
 * flight and take the time from each send to its answer.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "services/shared/client.h"
#include "tools/bench.h"
#include "tools/cmd.h"

#define DEALS 1000u
#define PARTIES 100u
#define WORKER_ARENA_MAX ((size_t)64 << 20)

struct flight {
	uint64_t rid, sent_us, events;
};
struct worker {
	const struct bench_plan *plan;
	atomic_bool *give_up;	 /* of all: one of them failed */
	struct client *client;
	struct arena arena;	 /* one request, or one answer */
	struct flight flights[BENCH_IN_FLIGHT_MAX];
	size_t flying;
	uint64_t first, left;	 /* number of the next event, and how many are still to send */
	uint64_t acknowledged;
	uint64_t *took_us;	 /* of each request that was answered */
	size_t requests;
	enum err e;
	struct fault fault;
	pthread_t thread;
	bool running;
};

uint64_t bench_clock_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Ids of version 7 grow with the time, as those of every publisher do. */
static int64_t wall_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Event n: an announcement of one of many deals, as its publisher would send it. */
static enum err encode_event(uint64_t n, const char *day, struct arena *a, struct str *out)
{
	struct event e = { 0 };
	struct buf bytes;
	struct str payer = arena_printf(a, "bench-payer-%u", (unsigned)(n % PARTIES));
	struct str payee = STR("bench-payee");
	struct amount amount = { .currency = "USD" };

	amount.low = amount.high = (int64_t)(n % 1000 + 1) * 100000000;
	id_make(wall_us(), e.id.b);
	msg_mark(&e, event, id);
	msg_set(&e, event, kind, kind_announce);
	msg_set(&e, event, deal, arena_printf(a, "bench-%u", (unsigned)(n % DEALS)));
	msg_set(&e, event, amount, amount);
	msg_set(&e, event, grade, grade_press);
	msg_set(&e, event, stated, str_of(day));
	msg_set(&e.source, source, publisher, STR("avow bench"));
	msg_mark(&e, event, source);
	e.from = (struct str_list){ &payer, 1 };
	msg_mark(&e, event, from);
	e.to = (struct str_list){ &payee, 1 };
	msg_mark(&e, event, to);
	buf_init(&bytes, EVENT_BYTES_MAX);
	enum err err = record_encode(&shape_event, &e, &bytes);
	if (!err)
		*out = arena_str(a, buf_str(&bytes));
	if (!err && !out->p)
		err = ERR_NO_MEMORY;
	buf_fini(&bytes);
	return err;
}

static enum err send_request(struct worker *w)
{
	const uint64_t n = w->left < w->plan->batch ? w->left : w->plan->batch;
	const time_t now = (time_t)(w->plan->now_us / 1000000);
	struct publish p = { 0 };
	struct tm utc;
	char day[16];

	arena_reset(&w->arena);
	(void)gmtime_r(&now, &utc);
	(void)strftime(day, sizeof(day), "%Y-%m-%d", &utc);
	p.events.v = arena_zalloc(&w->arena, n, sizeof(*p.events.v));
	if (!p.events.v)
		return ERR_NO_MEMORY;
	for (; p.events.n < n; p.events.n++) {
		enum err e = encode_event(w->first + p.events.n, day, &w->arena,
					  &p.events.v[p.events.n]);
		if (e)
			return e;
	}
	msg_mark(&p, publish, events);
	struct flight *f = &w->flights[w->flying];
	f->sent_us = bench_clock_us();
	f->events = n;
	const enum err e = client_send(w->client, &shape_publish, &p, w->plan->timeout_ms, &f->rid,
				       &w->fault);
	if (e)
		return e;
	w->flying++;
	w->first += n;
	w->left -= n;
	return ERR_OK;
}

static enum err take_answer(struct worker *w)
{
	struct published published;
	struct head head;
	struct str wire;
	size_t i = 0;

	enum err e = client_next(w->client, w->plan->timeout_ms, &head, &wire, &w->fault);
	if (e)
		return e;
	while (i < w->flying && w->flights[i].rid != head.rid)
		i++;
	if (i == w->flying)
		return ERR_OK; /* not ours to judge: an answer that nobody waits for */
	arena_reset(&w->arena);
	e = client_open_answer(&head, wire, &shape_published, &published, &w->arena, &w->fault);
	if (e)
		return e;
	w->took_us[w->requests++] = bench_clock_us() - w->flights[i].sent_us;
	w->acknowledged += w->flights[i].events;
	w->flights[i] = w->flights[--w->flying];
	return ERR_OK;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	while (!w->e && (w->left > 0 || w->flying > 0)) {
		if (atomic_load(w->give_up) || cli_interrupted())
			w->e = ERR_INTERRUPTED;
		else if (w->left > 0 && w->flying < w->plan->in_flight)
			w->e = send_request(w);
		else
			w->e = take_answer(w);
	}
	if (w->e)
		atomic_store(w->give_up, true);
	return NULL;
}

static enum err worker_open(struct worker *w, const struct bench_plan *plan, uint64_t first,
			    uint64_t count, atomic_bool *give_up)
{
	const struct hello hello = { 0 };
	struct welcome welcome;

	w->plan = plan;
	w->give_up = give_up;
	w->first = first;
	w->left = count;
	fault_init(&w->fault);
	arena_init(&w->arena, WORKER_ARENA_MAX);
	w->took_us = calloc(count / plan->batch + 1, sizeof(*w->took_us));
	if (!w->took_us)
		return w->e = ERR_NO_MEMORY;
	w->e = client_open(plan->ingest, &w->client, &w->fault);
	if (!w->e) /* the connection stands before the time is taken */
		w->e = client_ask(w->client, &shape_hello, &hello, &shape_welcome, &welcome,
				  plan->timeout_ms, &w->arena, &w->fault);
	return w->e;
}

static void worker_close(struct worker *w)
{
	client_close(w->client);
	arena_fini(&w->arena);
	free(w->took_us);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* All workers' times in one row, sorted: the percentiles are its places. */
static enum err sum_up(const struct worker *w, size_t count, struct bench_result *out)
{
	size_t n = 0, at = 0;

	for (size_t i = 0; i < count; i++) {
		n += w[i].requests;
		out->events += w[i].acknowledged;
	}
	uint64_t *all = calloc(n + 1, sizeof(*all));
	if (!all)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < count; i++) {
		memcpy(all + at, w[i].took_us, w[i].requests * sizeof(*all));
		at += w[i].requests;
	}
	qsort(all, n, sizeof(*all), by_size);
	if (n > 0) {
		out->p50_us = all[(n - 1) * 50 / 100];
		out->p95_us = all[(n - 1) * 95 / 100];
		out->p99_us = all[(n - 1) * 99 / 100];
		out->max_us = all[n - 1];
	}
	free(all);
	return ERR_OK;
}

/* The error that ended it: that of the worker that failed, not of those that gave up with it. */
static enum err first_error(const struct worker *w, size_t count, struct fault *fault)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < count; i++) {
		if (!w[i].e || (e && w[i].e == ERR_INTERRUPTED))
			continue;
		e = w[i].e;
		if (fault)
			*fault = w[i].fault;
		if (e != ERR_INTERRUPTED)
			break;
	}
	if (e && fault && !fault->text[0])
		return fault_set(fault, e, NULL, "the publishers gave up: %s", err_name(e));
	return e;
}

enum err bench_publish(const struct bench_plan *plan, struct bench_result *out, struct fault *fault)
{
	const size_t count = (size_t)plan->publishers;
	struct worker *w = calloc(count, sizeof(*w));
	atomic_bool give_up = false;
	uint64_t first = 0;

	if (!w)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "no memory for %zu publishers", count);
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < count; i++) {
		const uint64_t share = plan->events / count + (i < plan->events % count);
		if (worker_open(&w[i], plan, first, share, &give_up))
			atomic_store(&give_up, true);
		first += share;
	}
	const uint64_t begin = bench_clock_us();
	for (size_t i = 0; i < count && !atomic_load(&give_up); i++) {
		w[i].running = pthread_create(&w[i].thread, NULL, worker_run, &w[i]) == 0;
		if (!w[i].running) {
			w[i].e = fault_set(&w[i].fault, ERR_NO_MEMORY, NULL, "no thread for publisher %zu", i);
			atomic_store(&give_up, true);
		}
	}
	for (size_t i = 0; i < count; i++)
		if (w[i].running)
			(void)pthread_join(w[i].thread, NULL);
	out->elapsed_us = bench_clock_us() - begin;
	enum err e = first_error(w, count, fault);
	if (!e)
		e = sum_up(w, count, out);
	for (size_t i = 0; i < count; i++)
		worker_close(&w[i]);
	free(w);
	return e;
}
