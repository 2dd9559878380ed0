/* SPDX-License-Identifier: Apache-2.0 */
/* node: the loops of services/NAME/loop.c, step by step, without sockets and clocks. */
#include "tests/sim/node.h"

#include <stdio.h>
#include <stdlib.h>

#include "services/ingest/ingest.h"
#include "services/ledger/ledger.h"
#include "services/query/index.h"
#include "services/query/query.h"
#include "tests/sim/mutants.h"
#include "tests/sim/world.h"

#define WAIT_MIN_US 100
#define TEND_US 1000000
#define RESTART_MIN_US 5000
#define RESTART_MAX_US 800000
#define BOOT_DIES_ONE_IN 24
#define BOOT_EFFECTS_MAX 12
#define PEOPLE_TURN 64u
#define FEED_TURN 8u
/* People get so many messages in one of ingest's turns. */
#define INGEST_TURN 512u

static struct now now_of(const struct node *n)
{
	return (struct now){ .wall_us = WORLD_WALL_US + n->life.now_us + n->wall_jump_us,
			     .mono_ms = (n->life.now_us + n->mono_base_us) / 1000 };
}

int64_t node_died_us(const struct node *n, uint64_t incarnation)
{
	if (incarnation == n->incarnation || n->incarnation - incarnation > NODE_DEATHS_KEPT)
		return INT64_MAX;
	return n->died_us[incarnation % NODE_DEATHS_KEPT];
}

/* ---- what it must answer ---- */

static int64_t due_of(const struct node *n, const struct head *head, struct str wire)
{
	const int64_t now_ms = now_of(n).mono_ms;
	const int64_t ttl_ms = head->ttl_ms ? (int64_t)head->ttl_ms : TTL_DEFAULT_MS;
	struct read read = { 0 };
	struct arena a;

	if (head->type == MSG_hello || head->type == MSG_status)
		return now_ms;
	if (head->type == MSG_publish)
		return n->role == role_ingest ? now_ms + ttl_ms : now_ms;
	if (head->type != MSG_read)
		return now_ms + ttl_ms;
	arena_init(&a, 1u << 20);
	const enum err e = msg_decode(&shape_read, wire, &a, &read, NULL);
	const int64_t wait_ms = e ? 0 : (int64_t)read.wait_ms;
	arena_fini(&a);
	return now_ms + (head->ttl_ms && ttl_ms < wait_ms ? ttl_ms : wait_ms);
}

static void expect_answer(struct node *n, const struct message *m)
{
	const struct str wire = { m->bytes, m->n };
	struct head head;

	if (msg_peek(wire, &head, NULL) || head.rid == 0)
		return;
	ensure(n->nopen < NODE_OPEN_MAX);
	n->open[n->nopen++] = (struct open_request){ .link = m->link, .session = m->session,
						     .rid = head.rid,
						     .due_ms = due_of(n, &head, wire),
						     .waits = head.type == MSG_read };
}

static void note_answer(struct world *w, struct node *n, unsigned link, uint64_t session,
			uint64_t rid)
{
	struct open_request *first = NULL;

	/* of a request that came twice, the one that is due first */
	for (size_t i = 0; i < n->nopen; i++) {
		struct open_request *o = &n->open[i];
		if (o->link == link && o->session == session && o->rid == rid &&
		    (!first || o->due_ms < first->due_ms))
			first = o;
	}
	if (!first) {
		world_fail(w, "%s answers request %llu, which is answered already or was never asked",
			   n->name, (unsigned long long)rid);
		return;
	}
	*first = n->open[--n->nopen];
	w->tally->v[tally_answered_in_time]++;
}

/*
 * Whatever is due must have been answered by now. Who leaves after a failed log commit has answered
 * all but those who wait for news.
 */
static void check_due(struct world *w, struct node *n, bool leaves)
{
	const int64_t now_ms = now_of(n).mono_ms;

	for (size_t i = 0; n->life.alive && i < n->nopen; i++)
		if (n->open[i].due_ms <= now_ms && !(leaves && n->open[i].waits))
			world_fail(w, "%s leaves request %llu unanswered %lld ms after its time",
				   n->name, (unsigned long long)n->open[i].rid,
				   (long long)(now_ms - n->open[i].due_ms));
}

/* ---- sending ---- */

static enum err send_to_people(void *arg, const struct peer *to, struct str wire)
{
	struct node *n = arg;
	struct head head;
	unsigned link;
	uint64_t session;

	if (!life_acts(&n->life))
		return ERR_OK;
	if (!net_link_of(n->world, to, &link, &session)) {
		world_fail(n->world, "%s answers a connection that never was", n->name);
		return ERR_UNREACHABLE;
	}
	if (msg_peek(wire, &head, NULL) == ERR_OK && head.rid)
		note_answer(n->world, n, link, session, head.rid);
	if (session != n->world->links[link].session)
		return ERR_UNREACHABLE;
	return net_send(n->world, link, false, wire, NULL);
}

static enum err send_to_ledger(void *arg, const struct peer *to, struct str wire)
{
	struct node *n = arg;

	(void)to;
	return life_acts(&n->life) ? net_send(n->world, n->upstream, true, wire, NULL) : ERR_OK;
}

static enum err send_to_tape(void *arg, const struct peer *to, struct str wire)
{
	struct node *n = arg;

	(void)to;
	if (life_acts(&n->life))
		model_tape(n->world, n, wire);
	return ERR_OK;
}

/* ---- life and death ---- */

void node_init(struct world *w, struct node *n, enum role role, unsigned number)
{
	static const char *const names[] = { "ledger", "ingest", "query" };

	*n = (struct node){ .world = w, .role = role, .number = number, .turn_us = INT64_MAX };
	(void)snprintf(n->name, sizeof(n->name), "%s-%u", names[role], number);
	disk_init(&n->disk, &w->dice, &n->life, w->tally);
	n->disk.chances = w->set.disk;
	n->disk.lies = mutants_disk_lies(role == role_ledger);
}

static void close_all(struct node *n)
{
	ledger_free(n->ledger);
	ingest_free(n->ingest);
	query_free(n->query);
	log_close(n->log);
	replica_close(n->replica);
	n->ledger = NULL;
	n->ingest = NULL;
	n->query = NULL;
	n->log = NULL;
	n->replica = NULL;
	for (size_t i = 0; i < n->ninbox; i++)
		free(n->inbox[i]);
	n->ninbox = n->nopen = 0;
}

void node_fini(struct node *n)
{
	close_all(n);
	disk_fini(&n->disk);
}

static void die(struct world *w, struct node *n, int64_t died_us, int64_t again_us)
{
	n->life.alive = false;
	n->up = n->stalled = false;
	n->died_us[n->incarnation % NODE_DEATHS_KEPT] = died_us;
	n->incarnation++;
	close_all(n);
	disk_crash(&n->disk);
	n->turn++;
	n->turn_us = INT64_MAX;
	net_gone(w, n->number);
	world_plan(w, again_us, what_node_boots, n->number, n->incarnation);
}

void node_wipe(struct node *n)
{
	n->world->tally->v[tally_replicas_wiped]++;
	disk_wipe(&n->disk);
	n->told_head = 0;
	n->wipes++;
}

void node_kill(struct world *w, struct node *n, int64_t again_us)
{
	if (!n->up)
		return;
	w->tally->v[tally_crashes]++;
	world_trace(w, "%s is killed", n->name);
	die(w, n, w->now_us, again_us);
}

/* It left by itself, or was killed within what it did; it is started again soon. */
static void leave(struct world *w, struct node *n, enum err e)
{
	const int64_t again_us = dice_skewed(&w->dice, RESTART_MIN_US, RESTART_MAX_US);

	if (!n->life.alive) {
		w->tally->v[tally_crashes]++;
		w->tally->v[tally_crashes_within_a_turn]++;
	}
	world_trace(w, "%s %s (%s)", n->name, n->life.alive ? "leaves" : "dies", err_name(e));
	die(w, n, n->life.alive ? INT64_MAX : n->life.now_us, again_us);
}

static enum err open_ledger(struct node *n, const char *path, struct fault *fault)
{
	const struct outlet people = { send_to_people, n };
	const enum err e = log_open(path, now_of(n).wall_us, &n->log, fault);

	if (e)
		return e;
	n->ledger = ledger_new(n->log, people, now_of(n));
	return n->ledger ? ERR_OK : ERR_NO_MEMORY;
}

static enum err open_query(struct node *n, const char *path, struct fault *fault)
{
	const struct query_outlets outlets = { .people = { send_to_people, n },
					       .ledger = { send_to_ledger, n },
					       .tape = { send_to_tape, n } };
	const enum err e = replica_open(path, INDEX_VERSION, &n->replica, fault);

	if (e)
		return e;
	n->query = query_new(n->replica, outlets, now_of(n));
	return n->query ? ERR_OK : ERR_NO_MEMORY;
}

static enum err open_ingest(struct node *n)
{
	n->ingest = ingest_new((struct outlet){ send_to_people, n },
			       (struct outlet){ send_to_ledger, n }, now_of(n));
	return n->ingest ? ERR_OK : ERR_NO_MEMORY;
}

void node_boot(struct world *w, struct node *n)
{
	char path[DISK_PATH_SIZE];
	struct fault fault;
	enum err e;

	fault_init(&fault);
	disk_path(&n->disk, path);
	n->life = (struct life){ .alive = true, .now_us = w->now_us };
	if (!w->healed && !w->set.calm && dice_once_in(&w->dice, BOOT_DIES_ONE_IN))
		n->life.effects_left = (unsigned)dice_between(&w->dice, 1, BOOT_EFFECTS_MAX);
	n->mono_base_us = dice_between(&w->dice, 0, INT64_C(1) << 40);
	n->up = true;
	n->taped = 0;
	e = n->role == role_ledger ? open_ledger(n, path, &fault)
	    : n->role == role_query ? open_query(n, path, &fault) : open_ingest(n);
	world_trace(w, "%s starts: %s", n->name, err_name(e));
	if (e == ERR_DAMAGED && n->role == role_query) {
		/* all of it is in the ledger: its operator removes it */
		node_wipe(n);
	}
	if (e || !n->life.alive) {
		if (e != ERR_IO && e != ERR_NO_SPACE && e != ERR_DAMAGED)
			world_fail(w, "%s cannot start: %s: %s", n->name, err_name(e), fault.text);
		leave(w, n, e);
		return;
	}
	node_wake(w, n, 0);
}

void node_stop(struct world *w, struct node *n, int64_t again_us)
{
	if (!n->up || n->stalled)
		return;
	w->tally->v[tally_graceful_stops]++;
	world_trace(w, "%s stops", n->name);
	n->life.now_us = n->life.now_us > w->now_us ? n->life.now_us : w->now_us;
	if (n->ingest)
		ingest_give_up(n->ingest);
	die(w, n, INT64_MAX, again_us);
}

/* ---- turns ---- */

void node_wake(struct world *w, struct node *n, int64_t in_us)
{
	int64_t at_us = w->now_us + in_us;

	if (at_us < n->life.now_us)
		at_us = n->life.now_us; /* busy until then */
	if (!n->up || n->stalled || at_us >= n->turn_us)
		return;
	n->turn_us = at_us;
	world_plan(w, at_us - w->now_us, what_node_turns, n->number, ++n->turn);
}

void node_receive(struct world *w, struct node *n, struct message *m)
{
	if (n->ninbox == NODE_INBOX_MAX) {
		w->tally->v[tally_messages_lost]++;
		free(m);
		return;
	}
	n->inbox[n->ninbox++] = m;
	node_wake(w, n, 0);
}

/* The parcel of a message from people, which from now on must be answered. */
static struct parcel parcel_of(struct node *n, const struct message *m)
{
	expect_answer(n, m);
	return (struct parcel){ .from = net_peer(n->world, m->link, m->session),
				.wire = { m->bytes, m->n } };
}

/* Take the first message from the ledger, or from people, out of the inbox; NULL: there is none. */
static struct message *next_from(struct node *n, bool ledger)
{
	for (size_t i = 0; i < n->ninbox; i++) {
		struct message *m = n->inbox[i];
		if (m->to_server == ledger)
			continue;
		n->ninbox--;
		memmove(&n->inbox[i], &n->inbox[i + 1], (n->ninbox - i) * sizeof(n->inbox[0]));
		return m;
	}
	return NULL;
}

static enum err turn_ledger(struct node *n, int *wait_ms)
{
	const size_t count = n->ninbox < LEDGER_TURN_REQUESTS ? n->ninbox : LEDGER_TURN_REQUESTS;
	struct parcel *parcels = calloc(count + 1, sizeof(*parcels));
	struct message **taken = calloc(count + 1, sizeof(*taken));

	ensure(parcels && taken);
	const struct now now = now_of(n);
	for (size_t i = 0; i < count; i++) {
		taken[i] = next_from(n, false);
		parcels[i] = parcel_of(n, taken[i]);
		ledger_take(n->ledger, &parcels[i], now);
	}
	const enum err e = ledger_commit(n->ledger, now);
	ledger_reply(n->ledger, now);
	for (size_t i = 0; i < count; i++)
		free(taken[i]);
	free(taken);
	free(parcels);
	if (e)
		return e;
	*wait_ms = ledger_ring(n->ledger, now_of(n));
	return log_tend(n->log);
}

static enum err turn_ingest(struct node *n, int *wait_ms)
{
	struct message *m;

	for (size_t i = 0; i < INGEST_TURN && (m = next_from(n, true)) != NULL; i++) {
		ingest_hear(n->ingest, (struct str){ m->bytes, m->n }, now_of(n));
		free(m);
	}
	for (size_t i = 0; i < INGEST_TURN && (m = next_from(n, false)) != NULL; i++) {
		const struct parcel parcel = parcel_of(n, m);
		ingest_take(n->ingest, &parcel, now_of(n));
		free(m);
	}
	*wait_ms = ingest_tick(n->ingest, now_of(n));
	return ERR_OK;
}

static enum err turn_query(struct node *n, int *wait_ms)
{
	struct message *m;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < FEED_TURN && (m = next_from(n, true)) != NULL; i++) {
		e = query_hear(n->query, (struct str){ m->bytes, m->n }, now_of(n));
		free(m);
	}
	for (size_t i = 0; !e && i < PEOPLE_TURN && (m = next_from(n, false)) != NULL; i++) {
		const struct parcel parcel = parcel_of(n, m);
		query_take(n->query, &parcel, now_of(n));
		free(m);
	}
	if (!e)
		e = replica_tend(n->replica);
	if (!e)
		*wait_ms = query_tick(n->query, now_of(n));
	return e;
}

void node_turn(struct world *w, struct node *n)
{
	int wait_ms = -1;
	enum err e;

	n->turn_us = INT64_MAX;
	n->life.now_us = n->life.now_us > w->now_us ? n->life.now_us : w->now_us;
	e = n->role == role_ledger ? turn_ledger(n, &wait_ms)
	    : n->role == role_query ? turn_query(n, &wait_ms) : turn_ingest(n, &wait_ms);
	if (!e || n->role == role_ledger)
		check_due(w, n, e != ERR_OK);
	if (e || !n->life.alive) {
		leave(w, n, e);
		return;
	}
	int64_t wait_us = wait_ms < 0 ? TEND_US : (int64_t)wait_ms * 1000;
	if (wait_us > TEND_US)
		wait_us = TEND_US;
	node_wake(w, n, n->ninbox ? 0 : n->life.now_us - w->now_us + (wait_us ? wait_us : WAIT_MIN_US));
}
