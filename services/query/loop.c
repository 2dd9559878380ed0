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
#define TEND_MS 1000

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

struct inboxes {
	struct inbox *ledger, *people;
};

static enum err turn(struct query *q, const struct query_ports *ports, const struct inboxes *in)
{
	enum err e = port_gather(ports->ledger, in->ledger, TURN_BYTES);
	struct now now = clock_now();

	for (size_t i = 0; !e && i < inbox_count(in->ledger); i++)
		e = query_hear(q, inbox_at(in->ledger, i)->wire, now);
	inbox_clear(in->ledger);
	if (!e)
		e = port_gather(ports->people, in->people, TURN_BYTES);
	now = clock_now();
	for (size_t i = 0; !e && i < inbox_count(in->people); i++)
		query_take(q, inbox_at(in->people, i), now);
	inbox_clear(in->people);
	return e;
}

static enum err serve(struct query *q, struct replica *replica, const struct query_ports *ports,
		      const struct inboxes *in, int stop_fd)
{
	struct port *const waited[] = { ports->ledger, ports->people };
	int64_t tended_ms = clock_mono_ms();
	int wait_ms = 0;
	bool stop = false;

	while (!stop) {
		enum err e = port_wait(waited, ARRAY_LEN(waited), stop_fd, wait_ms, &stop);
		if (!e)
			e = turn(q, ports, in);
		if (e)
			return e;
		const struct now now = clock_now();
		wait_ms = query_tick(q, now);
		if (port_flush(ports->people) && wait_ms > FLUSH_MS)
			wait_ms = FLUSH_MS;
		if (now.mono_ms - tended_ms >= TEND_MS) {
			tended_ms = now.mono_ms;
			e = replica_tend(replica);
			if (e)
				return e;
		}
	}
	return ERR_OK;
}

enum err query_loop(struct replica *replica, const struct query_ports *ports, int stop_fd)
{
	const struct query_outlets outlets = {
		.people = { .send = send_to_port, .arg = ports->people },
		.ledger = { .send = send_to_port, .arg = ports->ledger },
		.tape = { .send = send_to_tape, .arg = ports->tape },
	};
	const struct inboxes in = { .ledger = inbox_open(FEED_MESSAGES),
				    .people = inbox_open(TURN_REQUESTS) };
	struct query *q = query_new(replica, outlets, clock_now());
	enum err e = ERR_NO_MEMORY;

	if (in.ledger && in.people && q)
		e = serve(q, replica, ports, &in, stop_fd);
	query_free(q);
	inbox_close(in.ledger);
	inbox_close(in.people);
	return e;
}
