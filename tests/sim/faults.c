/* SPDX-License-Identifier: Apache-2.0 */
/* faults: crashes, stalls, cuts, full and failing disks, flipped bits, clocks that jump. */
#include "tests/sim/faults.h"

#include <stdio.h>

#include "store/replica.h"
#include "tests/sim/world.h"

#define CALM_ONE_IN 24
#define ROTTEN_ONE_IN 10
#define ROTTEN_WEIGHT 100
#define HEALS_MIN_US 800000
#define HEALS_MAX_US 4000000
#define FAULTS_MAX 30
#define DOWN_MIN_US 2000
#define DOWN_MAX_US 1500000
#define EFFECTS_MAX 24
#define TEN_YEARS_US INT64_C(315576000000000)
#define SYNC_MIN_US 50
#define SYNC_MAX_US 30000

enum fault_kind {
	fault_kill,
	fault_kill_within, /* within one of its next turns */
	fault_stall,
	fault_isolate, /* all links of a node are cut in silence */
	fault_cut,     /* one of them */
	fault_break,   /* one breaks, both ends hear of it */
	fault_fill_disk,
	fault_fill_map,
	fault_fail_commit,
	fault_flip,
	fault_jump_clock,
	fault_stop,
	fault_restart_client,
	FAULT_KINDS
};
_Static_assert(FAULT_KINDS <= ARRAY_LEN(((struct settings *)NULL)->weights), "each has its weight");

/* In half of all runs not at all. */
static unsigned perhaps(struct world *w, unsigned most)
{
	return dice_once_in(&w->dice, 2) ? 0 : (unsigned)dice_between(&w->dice, 1, most);
}

void faults_choose(struct world *w)
{
	struct settings *s = &w->set;

	*s = (struct settings){ .calm = dice_once_in(&w->dice, CALM_ONE_IN),
				.heals_us = dice_between(&w->dice, HEALS_MIN_US, HEALS_MAX_US) };
	s->disk.sync_min_us = SYNC_MIN_US;
	s->disk.sync_max_us = dice_skewed(&w->dice, SYNC_MIN_US, SYNC_MAX_US);
	if (s->calm)
		return;
	s->reorders = dice_once_in(&w->dice, 2);
	s->loses = perhaps(w, 5000);
	s->doubles = perhaps(w, 5000);
	s->delays = perhaps(w, 3000);
	s->delay_max_us = dice_between(&w->dice, 2000, 2000000);
	s->faults = (unsigned)dice_skewed(&w->dice, 0, FAULTS_MAX);
	for (size_t i = 0; i < FAULT_KINDS; i++)
		s->weights[i] = perhaps(w, 4);
	if (dice_once_in(&w->dice, ROTTEN_ONE_IN)) { /* bits flip everywhere */
		s->weights[fault_flip] = ROTTEN_WEIGHT;
		s->faults = FAULTS_MAX;
	}
	s->disk.commit_unknown = perhaps(w, 400);
	s->disk.commit_full = perhaps(w, 400);
	s->disk.put_full = perhaps(w, 60);
	s->disk.put_fails = perhaps(w, 20);
	s->disk.put_damaged = perhaps(w, 200);
	s->disk.read_fails = perhaps(w, 200);
	s->disk.open_fails = perhaps(w, 4000);
}

void faults_plan(struct world *w)
{
	for (unsigned i = 0; i < w->set.faults; i++)
		world_plan(w, dice_between(&w->dice, 0, w->set.heals_us), what_fault_falls, 0, 0);
	world_plan(w, w->set.heals_us, what_all_heals, 0, 0);
}

/* Half of all faults are the ledger's. */
static struct node *some_node(struct world *w)
{
	return &w->nodes[dice_once_in(&w->dice, 2) ? 0 : random_below(&w->dice, w->nnodes)];
}

static int64_t down_us(struct world *w)
{
	return dice_skewed(&w->dice, DOWN_MIN_US, DOWN_MAX_US);
}

static void stall(struct world *w, struct node *n)
{
	if (!n->up || n->stalled)
		return;
	w->tally->v[tally_stalls]++;
	n->stalled = true;
	n->turn++; /* the turn that is planned does not come */
	n->turn_us = INT64_MAX;
	world_plan(w, down_us(w), what_node_goes_on, n->number, n->incarnation);
}

static void cut(struct world *w, unsigned link, int64_t for_us)
{
	struct line *l = &w->links[link];

	w->tally->v[tally_links_cut]++;
	l->cut_until_us = w->now_us + for_us;
	if (for_us > DOWN_MAX_US / 2) /* so long that heartbeats miss it */
		net_break(w, link);
}

static void isolate(struct world *w, const struct node *n)
{
	const int64_t for_us = down_us(w);

	for (unsigned i = 0; i < w->nlinks; i++)
		if (w->links[i].client == n->number || w->links[i].server == n->number)
			cut(w, i, for_us);
}

static void fill_disk(struct world *w, struct node *n)
{
	w->tally->v[tally_disks_full]++;
	n->disk.full = true;
	world_plan(w, down_us(w), what_disk_has_room, n->number, 0);
}

/*
 * What carries a check as long as the promise needs: records, the rows of a replica's indexes, the
 * revisions of deals. What stands under an id has only 16 bits of one.
 */
static void flip(struct world *w, struct node *n)
{
	const bool other = dice_once_in(&w->dice, 2);
	char table[sizeof("index00")] = "log";
	bool missed = n->role != role_ingest;

	if (n->role == role_ledger && other)
		memcpy(table, "deals", sizeof("deals"));
	for (size_t tries = 0; missed && tries < REPLICA_TABLES; tries++) { /* some are empty */
		if (n->role == role_query && other)
			(void)snprintf(table, sizeof(table), "index%02u",
				       (unsigned)random_below(&w->dice, REPLICA_TABLES));
		missed = !disk_flip(&n->disk, table);
	}
	if (missed || n->role == role_ingest)
		return;
	world_trace(w, "a bit of a row of %s flips", table);
	w->tally->v[tally_bits_flipped]++;
	w->model.nflips++;
}

static void jump_clock(struct world *w, struct node *n)
{
	w->tally->v[tally_clock_jumps]++;
	n->wall_jump_us = dice_between(&w->dice, -TEN_YEARS_US, TEN_YEARS_US);
}

static enum fault_kind some_kind(struct world *w)
{
	uint64_t all = 0, at;

	for (size_t i = 0; i < FAULT_KINDS; i++)
		all += w->set.weights[i];
	if (all == 0)
		return fault_kill;
	at = random_below(&w->dice, all);
	for (size_t i = 0; i < FAULT_KINDS; i++) {
		if (at < w->set.weights[i])
			return (enum fault_kind)i;
		at -= w->set.weights[i];
	}
	impossible("the weights add up to all");
}

void faults_fall(struct world *w)
{
	const enum fault_kind kind = some_kind(w);
	struct node *n = some_node(w);
	const unsigned link = (unsigned)random_below(&w->dice, w->nlinks);

	if (w->healed)
		return;
	world_trace(w, "fault %u falls on %s", kind, n->name);
	switch (kind) {
	case fault_kill:
		node_kill(w, n, down_us(w));
		break;
	case fault_kill_within:
		n->life.effects_left = (unsigned)dice_between(&w->dice, 1, EFFECTS_MAX);
		break;
	case fault_stall:
		stall(w, n);
		break;
	case fault_isolate:
		isolate(w, n);
		break;
	case fault_cut:
		cut(w, link, down_us(w));
		break;
	case fault_break:
		w->tally->v[tally_links_broken]++;
		net_break(w, link);
		break;
	case fault_fill_disk:
		fill_disk(w, n);
		break;
	case fault_fill_map:
		n->disk.fills_once = true;
		break;
	case fault_fail_commit:
		n->disk.fails_once = true;
		break;
	case fault_flip:
		flip(w, n);
		break;
	case fault_jump_clock:
		jump_clock(w, n);
		break;
	case fault_stop:
		node_stop(w, n, down_us(w));
		break;
	case fault_restart_client:
		client_restart(w, &w->clients[random_below(&w->dice, w->nclients)]);
		break;
	case FAULT_KINDS:
	default:
		impossible("some_kind gives no other");
	}
}

void faults_make_room(struct world *w, unsigned node)
{
	w->nodes[node].disk.full = false;
}

void faults_go_on(struct world *w, unsigned node)
{
	w->nodes[node].stalled = false;
	node_wake(w, &w->nodes[node], 0);
}

/* What a node's operator does: room, a backup of what is damaged, another start. */
static void heal_node(struct world *w, struct node *n)
{
	const bool damaged = w->model.nflips > 0 && n->role != role_ingest;

	n->disk.full = n->disk.fills_once = n->disk.fails_once = false;
	n->disk.chances = (struct disk_chances){ .sync_min_us = w->set.disk.sync_min_us,
						 .sync_max_us = w->set.disk.sync_max_us };
	n->life.effects_left = 0;
	if (n->stalled)
		faults_go_on(w, n->number);
	if (!damaged)
		return;
	node_kill(w, n, DOWN_MIN_US);
	if (n->role == role_query)
		node_wipe(n);
	else
		disk_restore(&n->disk);
}

void faults_heal(struct world *w)
{
	world_trace(w, "all is healed");
	w->healed = true;
	w->set.loses = w->set.doubles = w->set.delays = 0;
	for (size_t i = 0; i < w->nnodes; i++)
		heal_node(w, &w->nodes[i]);
	for (size_t i = 0; i < w->nlinks; i++)
		w->links[i].cut_until_us = 0;
}
