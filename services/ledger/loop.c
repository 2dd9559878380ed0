/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger's loop: gather what has arrived, decide, commit once, reply, ring.
 *
 * While one log commit goes to the disk the next requests gather in the socket, so that batches grow
 * with the load by themselves; a short wait lets those come in who were just answered.
 */
#include "services/ledger/loop.h"

#include "services/ledger/ledger.h"

#define TEND_MS 1000
#define FLUSH_MS 2
#define PATIENCE_MAX_US 500
/* So much is worth a log commit of its own: the next one takes who comes while it goes to the disk. */
#define PATIENCE_BYTES (16u << 10)
/* So long nobody said anything: what is verified then may have to come from the disk, which publishers need. */
#define QUIET_MS 20

static enum err send_to_port(void *arg, const struct peer *to, struct str wire)
{
	return port_send(arg, to, wire);
}

/*
 * Whom the next log commit is worth waiting for: those who were just answered, and will soon send
 * again, and those whose requests came meanwhile. Without this, publishers with one request in
 * flight fall into two groups that take turns, each with a log commit of its own. A lone publisher
 * is all of them, so nobody waits for others that are not there.
 */
struct group {
	size_t expected;
	int64_t answered_us; /* when */
	int64_t patience_us; /* waiting longer would cost more than it saves */
};

static enum err gather(struct port *port, struct inbox *in, const struct group *g)
{
	const bool fresh = clock_mono_us() - g->answered_us <= g->patience_us;

	const enum err e = port_gather_wait(port, in, PATIENCE_BYTES, fresh ? g->expected : 0,
					    fresh ? g->patience_us : 0);

	return e ? e : port_gather(port, in, LEDGER_TURN_BYTES);
}

static enum err turn(struct ledger *l, struct port *port, struct inbox *in, struct group *g)
{
	const struct now arrived = clock_now();
	const int64_t begun_us = clock_mono_us();
	const size_t count = inbox_count(in);

	for (size_t i = 0; i < count; i++)
		ledger_take(l, inbox_at(in, i), arrived);
	const struct now now = clock_now(); /* deadlines may have passed meanwhile */
	const size_t publishers = ledger_publishers(l);
	enum err e = ledger_commit(l, now);
	g->patience_us = (clock_mono_us() - begun_us) / 2;
	if (g->patience_us > PATIENCE_MAX_US)
		g->patience_us = PATIENCE_MAX_US;
	ledger_reply(l, now);
	g->answered_us = clock_mono_us();
	inbox_clear(in);
	if (!e)
		e = port_gather(port, in, LEDGER_TURN_BYTES);
	g->expected = publishers ? publishers + inbox_count(in) : 0;
	return e;
}

static enum err serve(struct ledger *l, struct log *log, struct port *port, struct inbox *in,
		      int stop_fd)
{
	struct group group = { 0 };
	int wait_ms = 0;
	int64_t tended_ms = clock_mono_ms(), heard_ms = tended_ms;
	bool stop = false, more = false; /* more to verify */

	while (!stop) {
		enum err e = port_wait(&port, 1, stop_fd, inbox_count(in) ? 0 : wait_ms, &stop);
		ledger_started_anew(l, port_counts(port).started_anew);
		if (!e)
			e = gather(port, in, &group);
		const bool heard = inbox_count(in);
		if (!e)
			e = turn(l, port, in, &group);
		if (e)
			return e;
		const struct now now = clock_now();
		if (heard || inbox_count(in))
			heard_ms = now.mono_ms;
		const int next_ms = ledger_ring(l, now);
		wait_ms = next_ms >= 0 && next_ms < TEND_MS ? next_ms : TEND_MS;
		if (port_flush(port))
			wait_ms = FLUSH_MS;
		const bool tending = now.mono_ms - tended_ms >= TEND_MS;
		if (tending) {
			tended_ms = now.mono_ms;
			e = log_tend(log);
		}
		const bool quiet = now.mono_ms - heard_ms >= QUIET_MS;
		if (!e && (tending || quiet))
			e = ledger_verify(l, now, &more);
		if (e)
			return e;
		if (more && wait_ms > QUIET_MS)
			wait_ms = quiet ? 0 : QUIET_MS;
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
