/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's loop: gather what has arrived, decide, commit once, reply, ring.
 *
 * While one log commit goes to the disk the next requests gather in the socket, so that batches grow
 * with the load by themselves, and nobody waits when there is none.
 */
#include "services/ledger/loop.h"

#include "services/ledger/ledger.h"

#define TEND_MS 1000
#define FLUSH_MS 2

static enum err send_to_port(void *arg, const struct peer *to, struct str wire)
{
	return port_send(arg, to, wire);
}

static enum err turn(struct ledger *l, struct inbox *in)
{
	const struct now arrived = clock_now();

	for (size_t i = 0; i < inbox_count(in); i++)
		ledger_take(l, inbox_at(in, i), arrived);
	const struct now now = clock_now();
	const enum err e = ledger_commit(l, now);
	ledger_reply(l, now);
	return e;
}

static enum err serve(struct ledger *l, struct log *log, struct port *port, struct inbox *in,
		      int stop_fd)
{
	int wait_ms = 0;
	int64_t tended_ms = clock_mono_ms();
	bool stop = false;

	while (!stop) {
		enum err e = port_wait(&port, 1, stop_fd, wait_ms, &stop);
		if (!e)
			e = port_gather(port, in, LEDGER_TURN_BYTES);
		if (!e)
			e = turn(l, in);
		if (e)
			return e;
		const struct now now = clock_now();
		const int next_ms = ledger_ring(l, now);
		wait_ms = next_ms >= 0 && next_ms < TEND_MS ? next_ms : TEND_MS;
		if (port_flush(port))
			wait_ms = FLUSH_MS;
		if (now.mono_ms - tended_ms >= TEND_MS) {
			tended_ms = now.mono_ms;
			e = log_tend(log);
			if (e)
				return e;
		}
	}
	return ERR_OK;
}

enum err ledger_loop(struct log *log, struct port *port, int stop_fd)
{
	const struct outlet outlet = { .send = send_to_port, .arg = port };
	struct inbox *in = inbox_open(LEDGER_TURN_REQUESTS);
	struct ledger *l = ledger_new(log, outlet, clock_now());
	enum err e = ERR_NO_MEMORY;

	if (in && l)
		e = serve(l, log, port, in, stop_fd);
	ledger_free(l);
	inbox_close(in);
	return e;
}
