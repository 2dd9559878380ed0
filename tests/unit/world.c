/* SPDX-License-Identifier: Apache-2.0 */
/* world: what one says to another is a letter, read when it is the other's turn; see world.h. */
#include "tests/unit/world.h"

#define TURNS_MAX 400u /* until nothing is on its way any more */
#define TICK_MS 100

/* Each outlet's `arg` is the world. */
static void post(struct world *w, unsigned to, unsigned from, struct str wire)
{
	struct letters *q = &w->to[to < to_people ? to : to_people];

	assert_true(q->n < LETTERS_MAX && wire.n <= LETTER_MAX);
	struct letter *l = &q->v[q->n++];
	l->who = to < to_people ? from : to;
	l->n = wire.n;
	memcpy(l->wire, wire.p, wire.n);
}

static struct str letter_text(const struct letter *l)
{
	return (struct str){ l->wire, l->n };
}

/* ---- outlets ---- */

/* As peer_named wrote it. */
static unsigned who_is(const struct peer *p)
{
	return (unsigned)p->name[3] << 8 | p->name[4];
}

static enum err to_peer(void *arg, const struct peer *to, struct str wire)
{
	post(arg, who_is(to), to_ledger, wire);
	return ERR_OK;
}

static enum err from_ingest(void *arg, const struct peer *to, struct str wire)
{
	(void)to;
	post(arg, to_ledger, to_ingest, wire);
	return ERR_OK;
}

static enum err from_query(void *arg, const struct peer *to, struct str wire)
{
	(void)to;
	post(arg, to_ledger, to_query, wire);
	return ERR_OK;
}

static enum err to_tape(void *arg, const struct peer *to, struct str wire)
{
	(void)arg, (void)to, (void)wire;
	return ERR_OK;
}

/* ---- the services ---- */

/* small, so that what is mapped grows on the way */
static const struct lm_sizes sizes = { .map = 2 * MIB, .room = MIB, .step = 2 * MIB };

void world_stop(struct world *w, enum who service)
{
	switch (service) {
	case to_ingest:
		ingest_free(w->ingest);
		w->ingest = NULL;
		break;
	case to_ledger:
		ledger_free(w->ledger);
		log_close(w->log);
		w->ledger = NULL;
		w->log = NULL;
		break;
	case to_query:
		query_free(w->query);
		replica_close(w->replica);
		w->query = NULL;
		w->replica = NULL;
		break;
	case to_people:
		fail_msg("people do not stop");
	}
}

static enum err start_ledger(struct world *w, struct fault *fault)
{
	const enum err e = log_open_sized(in_dir(w->dir, "ledger"), w->b.now.wall_us, &sizes, &w->log,
					  fault);

	if (e)
		return e;
	w->ledger = ledger_new(w->log, (struct outlet){ to_peer, w }, w->b.now);
	return w->ledger ? ERR_OK : ERR_NO_MEMORY;
}

static enum err start_query(struct world *w, struct fault *fault)
{
	const struct query_outlets outlets = { .people = { to_peer, w }, .ledger = { from_query, w },
					       .tape = { to_tape, w } };
	const enum err e = replica_open_sized(in_dir(w->dir, "query"), INDEX_VERSION, &sizes,
					      &w->replica, fault);

	if (e)
		return e;
	w->query = query_new(w->replica, outlets, w->b.now);
	return w->query ? ERR_OK : ERR_NO_MEMORY;
}

enum err world_start(struct world *w, enum who service)
{
	enum err e = ERR_OK;
	struct fault fault;

	fault_init(&fault);
	if (service == to_ledger) {
		e = start_ledger(w, &fault);
	} else if (service == to_query) {
		e = start_query(w, &fault);
	} else {
		w->ingest = ingest_new((struct outlet){ to_peer, w }, (struct outlet){ from_ingest, w },
				       w->b.now);
		e = w->ingest ? ERR_OK : ERR_NO_MEMORY;
	}
	if (e)
		world_stop(w, service);
	return e;
}

/* One that had to leave. Only one call fails, so that the second time it starts. */
static void start_again(struct world *w, enum who service)
{
	world_stop(w, service);
	if (world_start(w, service))
		assert_int_equal(world_start(w, service), ERR_OK);
}

struct world *world_open(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	bench_open(&w->b);
	if (temp_make(&w->dir) || world_start(w, to_ledger) || world_start(w, to_query) ||
	    world_start(w, to_ingest))
		return NULL;
	world_settle(w, 1000);
	return w;
}

void world_close(struct world *w)
{
	world_stop(w, to_ingest);
	world_stop(w, to_query);
	world_stop(w, to_ledger);
	bench_close(&w->b);
	assert_int_equal(temp_remove(&w->dir), 0);
	free(w);
}

/* ---- turns ---- */

static void ledger_turn(struct world *w)
{
	struct letters *mail = &w->to[to_ledger];
	struct parcel parcels[LETTERS_MAX];
	bool more;

	for (size_t i = 0; i < mail->n; i++) {
		parcels[i] = (struct parcel){ peer_named(mail->v[i].who), letter_text(&mail->v[i]) };
		ledger_take(w->ledger, &parcels[i], w->b.now);
	}
	enum err e = ledger_commit(w->ledger, w->b.now);
	ledger_reply(w->ledger, w->b.now);
	mail->n = 0;
	(void)ledger_ring(w->ledger, w->b.now);
	if (!e)
		e = ledger_verify(w->ledger, w->b.now, &more);
	if (e)
		start_again(w, to_ledger);
}

static void ingest_turn(struct world *w)
{
	struct letters *mail = &w->to[to_ingest];

	for (size_t i = 0; i < mail->n; i++)
		ingest_hear(w->ingest, letter_text(&mail->v[i]), w->b.now);
	mail->n = 0;
}

static void query_turn(struct world *w)
{
	struct letters *mail = &w->to[to_query];

	for (size_t i = 0; i < mail->n; i++)
		if (query_hear(w->query, letter_text(&mail->v[i]), w->b.now))
			start_again(w, to_query);
	mail->n = 0;
}

void world_settle(struct world *w, int64_t ms)
{
	const int64_t until_ms = w->b.now.mono_ms + ms;

	for (size_t turn = 0; turn < TURNS_MAX; turn++) {
		if (!w->to[to_ledger].n && !w->to[to_ingest].n && !w->to[to_query].n) {
			if (w->b.now.mono_ms >= until_ms)
				return;
			w->b.now.mono_ms += TICK_MS;
			w->b.now.wall_us += TICK_MS * 1000;
			(void)ingest_tick(w->ingest, w->b.now);
			(void)query_tick(w->query, w->b.now);
		}
		ledger_turn(w);
		ingest_turn(w);
		query_turn(w);
	}
	fail_msg("it does not come to rest");
}

void world_say(struct world *w, unsigned who, enum who to, struct str wire)
{
	const struct parcel parcel = { peer_named(who), wire };

	if (to == to_ingest)
		ingest_take(w->ingest, &parcel, w->b.now);
	else if (to == to_query)
		query_take(w->query, &parcel, w->b.now);
	else
		post(w, to_ledger, who, wire);
}

void world_forget(struct world *w)
{
	w->to[to_people].n = 0;
}
