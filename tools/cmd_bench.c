/* SPDX-License-Identifier: Apache-2.0 */
/* bench: how fast this machine makes events durable, beside how fast its disk could at all. */
#include <stdio.h>

#include "tools/bench.h"
#include "tools/cmd.h"
#include "tools/out.h"

#define START_MS 30000

static const struct opt options[] = {
	{ "events", 0, opt_text, "N", NULL, "How many events to publish; 100000 where absent." },
	{ "publishers", 0, opt_text, "N", NULL, "Connections that publish at once; 1 where absent." },
	{ "in-flight", 0, opt_text, "N", NULL, "Requests of each that wait for an answer; 4 where absent." },
	{ "batch", 0, opt_text, "N", NULL, "Events in one request; 1000 where absent." },
	OPT_END
};

static const struct out_column columns[] = {
	{ "events", out_is_number, false },	    { "publishers", out_is_number, false },
	{ "in_flight", out_is_number, false },	    { "batch", out_is_number, false },
	{ "events_per_s", out_is_number, false },   { "p50_us", out_is_number, false },
	{ "p95_us", out_is_number, false },	    { "p99_us", out_is_number, false },
	{ "max_us", out_is_number, false },	    { "disk_syncs_per_s", out_is_number, false },
	{ "ledger_kib", out_is_number, false },	    { "ledger_peak_kib", out_is_number, false },
	{ "ingest_kib", out_is_number, false },	    { "ingest_peak_kib", out_is_number, false },
	{ "query_kib", out_is_number, false },	    { "query_peak_kib", out_is_number, false },
};

/* A number of at least one: 0 of something measures nothing. */
static enum err read_count(struct cli *c, const char *option, uint64_t absent, uint64_t max,
			   uint64_t *out, struct fault *fault)
{
	enum err e = cli_number(c, option, absent, max, out, fault);

	if (!e && *out == 0)
		e = fault_set(fault, ERR_USAGE, NULL, "--%s is 1 or more, not 0", option);
	return e;
}

static enum err read_plan(struct cli *c, struct bench_plan *p, struct fault *fault)
{
	enum err e = read_count(c, "events", 100000, BENCH_EVENTS_MAX, &p->events, fault);

	if (!e)
		e = read_count(c, "publishers", 1, BENCH_PUBLISHERS_MAX, &p->publishers, fault);
	if (!e)
		e = read_count(c, "in-flight", 4, BENCH_IN_FLIGHT_MAX, &p->in_flight, fault);
	if (!e)
		e = read_count(c, "batch", 1000, BATCH_EVENTS_MAX, &p->batch, fault);
	if (!e && strcmp(cli_word(c, 0), "publish") != 0)
		e = fault_set(fault, ERR_USAGE, NULL, "only `publish` is measured, not `%s`",
			      cli_word(c, 0));
	p->timeout_ms = cli_timeout_ms(c);
	p->now_us = c->now_us;
	return e;
}

static void put_row(struct out *o, const struct bench_plan *p, const struct bench_result *r,
		    uint64_t syncs, const struct bench_memory *memory)
{
	const uint64_t numbers[] = { r->events, p->publishers, p->in_flight, p->batch,
				     r->events * 1000000 / (r->elapsed_us + 1), r->p50_us, r->p95_us,
				     r->p99_us, r->max_us, syncs };

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		out_number(o, (int64_t)numbers[i]);
	for (size_t i = 0; i < BENCH_SERVICES; i++) {
		out_number(o, (int64_t)memory[i].anonymous_kib);
		out_number(o, (int64_t)memory[i].peak_kib);
	}
	out_row(o);
}

static enum err measure(struct cli *c, struct bench_services *s, struct bench_plan *plan,
			struct fault *fault)
{
	struct bench_memory memory[BENCH_SERVICES] = { { 0 } };
	uint64_t syncs = 0;
	struct bench_result result;
	struct out *o;

	enum err e = bench_services_start(s, setting(&c->settings, setting_dir), START_MS, fault);
	if (!e)
		e = bench_sync_rate(s->dir, &syncs, fault);
	plan->ingest = s->ingest;
	if (!e)
		e = bench_publish(plan, &result, fault);
	for (size_t i = 0; i < BENCH_SERVICES && !e; i++)
		e = bench_memory(s->pid[i], &memory[i], fault);
	if (!e)
		e = out_open(c, columns, ARRAY_LEN(columns), &o, fault);
	if (e)
		return e;
	put_row(o, plan, &result, syncs, memory);
	return out_close(o, fault);
}

static enum err run_bench(struct cli *c, struct fault *fault)
{
	struct bench_services services = { 0 };
	struct bench_plan plan = { 0 };
	enum err e = read_plan(c, &plan, fault);

	if (!e)
		e = measure(c, &services, &plan, fault);
	bench_services_stop(&services);
	return e;
}

const struct command command_bench = {
	.name = "bench",
	.group = group_run,
	.line = "how fast this machine makes events durable",
	.usage = "publish [OPTIONS]",
	.examples = (const char *const[]){ "avow bench publish", "avow bench publish --publishers 50 "
		     "--in-flight 1 --batch 1 --events 20000", NULL },
	.details = "Starts ledger, ingest and query as processes of their own, on a new store in the\n"
		   "data directory, which is removed afterwards. disk_syncs_per_s is how often this\n"
		   "disk makes one page durable: all that a store without group commit could reach.\n"
		   "Memory is what belongs to each service alone, and the most that was resident,\n"
		   "pages of the store included.",
	.options = { options },
	.args_min = 1,
	.args_max = 1,
	.run = run_bench,
};
