/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The query service's loop. People's turn is short, so that the feed, which everybody waits for,
 * comes round soon.
 */
#include "services/query/loop.h"

#include "services/query/query.h"

#define FEED_MESSAGES 8u
#define TURN_REQUESTS 64u
#define TURN_BYTES (4u << 20)
#define FLUSH_MS 2
/* Of answers that one connection does not take, before it is refused more. */
#define BACKLOG_BYTES_MAX (256u << 10)
#define TEND_MS 1000
#define WARM_MS 20 /* of which bringing pages into reach takes about a tenth */

static enum err send_to_port(void *arg, const struct peer *to, struct str wire)
{
	return port_send(arg, to, wire);
}

static enum err send_to_tape(void *arg, const struct peer *to, struct str wire)
{
	(void)to;
	port_publish(arg, STR("avow"), wire);
	return ERR_OK;
}

struct loop {
	struct query *q;
	struct replica *replica;
	const struct query_ports *ports;
	struct inbox *from_ledger, *from_people;
	const struct service_opening *opening;
	int64_t opened_ms, tended_ms;
	size_t heard; /* messages of this turn */
	size_t taken; /* of those in from_people */
	bool ready;
};

static enum err hear_ledger(struct loop *x)
{
	enum err e = port_gather(x->ports->ledger, x->from_ledger, TURN_BYTES);
	const struct now now = clock_now();

	for (size_t i = 0; !e && i < inbox_count(x->from_ledger); i++)
		e = query_hear(x->q, inbox_at(x->from_ledger, i)->wire, now);
	x->heard = inbox_count(x->from_ledger);
	inbox_clear(x->from_ledger);
	return e;
}

/* Who has not taken earlier answers costs the others no more than a refusal. */
static void take(struct loop *x, const struct parcel *parcel, struct now now)
{
	const int64_t begin_us = clock_mono_us();

	if (port_backlog(x->ports->people, &parcel->from) > BACKLOG_BYTES_MAX) {
		query_put_off(x->q, parcel, now);
		return;
	}
	query_take(x->q, parcel, now);
	query_took(x->q, (uint64_t)(clock_mono_us() - begin_us));
}

/* What cannot be answered now, as earlier answers are not taken, waits for a later turn. */
static enum err hear_people(struct loop *x)
{
	struct port *people = x->ports->people;
	const struct now now = clock_now();
	enum err e = ERR_OK;

	if (x->taken == inbox_count(x->from_people) && !port_crowded(people)) {
		inbox_clear(x->from_people);
		x->taken = 0;
		e = port_gather(people, x->from_people, TURN_BYTES);
	}
	for (; !e && x->taken < inbox_count(x->from_people) && !port_crowded(people); x->taken++) {
		take(x, inbox_at(x->from_people, x->taken), now);
		x->heard++;
	}
	return e;
}

static enum err become_ready(struct loop *x, struct fault *fault)
{
	if (x->ready || (!query_knows_ledger(x->q) &&
			 clock_mono_ms() - x->opened_ms < SERVICE_READY_MS))
		return ERR_OK;
	x->ready = true;
	return service_ready(x->opening, fault);
}

static enum err tend(struct loop *x, struct now now)
{
	if (now.mono_ms - x->tended_ms < TEND_MS)
		return ERR_OK;
	x->tended_ms = now.mono_ms;
	return replica_tend(x->replica);
}

/* In a turn in which nobody said anything. */
static enum err warm(struct loop *x, int *wait_ms)
{
	bool more = false;
	const enum err e = x->heard ? ERR_OK : replica_warm(x->replica, &more);

	if (more && *wait_ms > WARM_MS)
		*wait_ms = WARM_MS;
	return e;
}

static enum err serve(struct loop *x, struct fault *fault)
{
	struct port *const waited[] = { x->ports->ledger, x->ports->people };
	const int stop_fd = x->opening->control->stop_fd[0];
	int wait_ms = 0;
	bool stop = false;

	while (!stop) {
		enum err e = port_wait(waited, ARRAY_LEN(waited), stop_fd, wait_ms, &stop);
		if (!e)
			e = hear_ledger(x);
		if (!e)
			e = become_ready(x, fault);
		query_started_anew(x->q, port_counts(x->ports->people).started_anew);
		query_crowded(x->q, port_crowded(x->ports->people));
		if (!e)
			e = hear_people(x);
		const struct now now = clock_now();
		if (!e)
			e = tend(x, now);
		if (e)
			return e;
		wait_ms = query_tick(x->q, now);
		e = warm(x, &wait_ms);
		if (e)
			return e;
		const bool left = x->taken < inbox_count(x->from_people);
		if ((port_flush(x->ports->people) || left) && wait_ms > FLUSH_MS)
			wait_ms = FLUSH_MS;
	}
	return ERR_OK;
}

enum err query_loop(struct replica *replica, const struct query_ports *ports,
		    const struct service_opening *opening, struct fault *fault)
{
	const struct query_outlets outlets = {
		.people = { .send = send_to_port, .arg = ports->people },
		.ledger = { .send = send_to_port, .arg = ports->ledger },
		.tape = { .send = send_to_tape, .arg = ports->tape },
	};
	struct loop x = { .replica = replica, .ports = ports, .opening = opening,
			  .opened_ms = clock_mono_ms() };
	enum err e = ERR_NO_MEMORY;

	x.from_ledger = inbox_open(FEED_MESSAGES);
	x.from_people = inbox_open(TURN_REQUESTS);
	x.q = query_new(replica, outlets, clock_now());
	if (x.from_ledger && x.from_people && x.q)
		e = serve(&x, fault);
	query_free(x.q);
	inbox_close(x.from_ledger);
	inbox_close(x.from_people);
	return e;
}
