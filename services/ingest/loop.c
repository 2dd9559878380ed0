/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest's loop: answers of the ledger first, so that the table empties before it fills. */
#include "services/ingest/loop.h"

#include "services/ingest/ingest.h"

#define TURN_REQUESTS 512u
#define TURN_BYTES (4u << 20) /* of the ledger's answers, which cost little */
/* Of requests: whoever has an answer coming does not wait for all that others ask. */
#define TURN_ASKED_BYTES (64u << 10)
#define FLUSH_MS 2
#define STOP_GRACE_MS 2000

static enum err send_to_port(void *arg, const struct peer *to, struct str wire)
{
	return port_send(arg, to, wire);
}

static enum err hear_ledger(struct ingest *g, struct port *ledger, struct inbox *in)
{
	const enum err e = port_gather(ledger, in, TURN_BYTES);
	const struct now now = clock_now();

	for (size_t i = 0; !e && i < inbox_count(in); i++)
		ingest_hear(g, inbox_at(in, i)->wire, now);
	inbox_clear(in);
	return e;
}

static enum err hear_people(struct ingest *g, struct port *people, struct inbox *in)
{
	const enum err e = port_gather(people, in, TURN_ASKED_BYTES);
	const struct now now = clock_now();

	for (size_t i = 0; !e && i < inbox_count(in); i++)
		ingest_take(g, inbox_at(in, i), now);
	inbox_clear(in);
	return e;
}

struct loop {
	struct ingest *g;
	struct port *people, *ledger;
	struct inbox *in;
	const struct service_opening *opening;
	int64_t opened_ms;
	bool ready;
};

static enum err become_ready(struct loop *x, struct fault *fault)
{
	if (x->ready || (!ingest_knows_ledger(x->g) &&
			 clock_mono_ms() - x->opened_ms < SERVICE_READY_MS))
		return ERR_OK;
	x->ready = true;
	return service_ready(x->opening, fault);
}

static enum err serve(struct loop *x, struct fault *fault)
{
	struct port *const ports[] = { x->people, x->ledger };
	const int stop_fd = x->opening->control->stop_fd[0];
	int wait_ms = 0;
	bool stop = false;

	while (!stop) {
		enum err e = port_wait(ports, ARRAY_LEN(ports), stop_fd, wait_ms, &stop);
		if (!e)
			e = hear_ledger(x->g, x->ledger, x->in);
		if (!e)
			e = become_ready(x, fault);
		ingest_started_anew(x->g, port_counts(x->people).started_anew);
		if (!e)
			e = hear_people(x->g, x->people, x->in);
		if (e)
			return e;
		wait_ms = ingest_tick(x->g, clock_now());
		if (port_flush(x->people) && wait_ms > FLUSH_MS)
			wait_ms = FLUSH_MS;
	}
	return ERR_OK;
}

/* Stopping: nothing new is read, what is on its way may still come back. */
static enum err finish(struct loop *x)
{
	const int64_t end_ms = clock_mono_ms() + STOP_GRACE_MS;
	int64_t now_ms;
	bool stop;

	while (ingest_waiting(x->g) && (now_ms = clock_mono_ms()) < end_ms) {
		enum err e = port_wait(&x->ledger, 1, -1, (int)(end_ms - now_ms), &stop);
		if (!e)
			e = hear_ledger(x->g, x->ledger, x->in);
		if (e)
			return e;
		(void)ingest_tick(x->g, clock_now());
	}
	ingest_give_up(x->g);
	(void)port_flush(x->people);
	return ERR_OK;
}

enum err ingest_loop(struct port *people, struct port *ledger, const struct service_opening *opening,
		     struct fault *fault)
{
	const struct outlet to_people = { .send = send_to_port, .arg = people };
	const struct outlet to_ledger = { .send = send_to_port, .arg = ledger };
	struct loop x = { .people = people, .ledger = ledger, .opening = opening,
			  .opened_ms = clock_mono_ms() };
	enum err e = ERR_NO_MEMORY;

	x.in = inbox_open(TURN_REQUESTS);
	x.g = ingest_new(to_people, to_ledger, clock_now());
	if (x.in && x.g) {
		e = serve(&x, fault);
		if (!e)
			e = finish(&x);
	}
	ingest_free(x.g);
	inbox_close(x.in);
	return e;
}
