/* SPDX-License-Identifier: Apache-2.0 */
/* bench: services of its own in a directory that goes with it, publishers, and what they measured. */
#ifndef AVOW_TOOLS_BENCH_H
#define AVOW_TOOLS_BENCH_H

#include "proto/msg.h"

#define BENCH_EVENTS_MAX 10000000u
#define BENCH_PUBLISHERS_MAX 1000u
#define BENCH_IN_FLIGHT_MAX 64u

/* ---- bench_publish.c ---- */

/* How many events, over how many connections, in what steps. */
struct bench_plan {
	const char *ingest;  /* endpoint */
	uint64_t events;     /* in all, shared evenly */
	uint64_t publishers; /* connections, a thread each */
	uint64_t in_flight;  /* publish requests of one connection that wait for their answer */
	uint64_t batch;	     /* events in one request */
	int timeout_ms;	     /* for each answer */
	int64_t now_us;	     /* `stated` of the events is its day */
};
struct bench_result {
	uint64_t events;			      /* acknowledged */
	uint64_t elapsed_us;			      /* from the first send to the last answer */
	uint64_t p50_us, p95_us, p99_us, max_us; /* of one request, from send to answer */
};
/*
 * Publish, wait for every receipt. The first error of any publisher ends it: that of client_ask, or
 * the refusal's; ERR_INTERRUPTED.
 */
MUST_USE enum err bench_publish(const struct bench_plan *plan, struct bench_result *out,
				struct fault *fault);

/* Microseconds of a clock that only goes on. */
uint64_t bench_clock_us(void);

/* ---- bench_services.c ---- */

#define BENCH_SERVICES 3
struct bench_services {
	char dir[512];		  /* theirs; removed at the end */
	char ingest[600];	  /* endpoint */
	int pid[BENCH_SERVICES];  /* ledger, ingest, query; 0: not running */
};
extern const char *const bench_service_names[BENCH_SERVICES];
/*
 * Start ledger, ingest and query as processes of their own, on a new store in a new directory below
 * `parent`; returns when all three answer. ERR_IO, ERR_UNAVAILABLE with words in fault.
 */
MUST_USE enum err bench_services_start(struct bench_services *s, const char *parent,
				       int timeout_ms, struct fault *fault);
/* End them, and remove their directory. What was not started is left alone. */
void bench_services_stop(struct bench_services *s);
struct bench_memory {
	uint64_t anonymous_kib; /* its own, RssAnon */
	uint64_t peak_kib;	/* the most that was ever resident, pages of files included, VmHWM */
};
/* What a process holds now; ERR_IO. */
MUST_USE enum err bench_memory(int pid, struct bench_memory *out, struct fault *fault);
/*
 * How often a second this disk makes 4 KiB durable, one write after the other: what one publisher
 * with one event at a time could reach at best. Takes about a second. ERR_IO.
 */
MUST_USE enum err bench_sync_rate(const char *dir, uint64_t *per_second, struct fault *fault);

#endif
