/* SPDX-License-Identifier: Apache-2.0 */
/* world: the run: one happening after the other, until all are done, or something does not hold. */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/log.h"
#include "tests/sim/chance.h"
#include "tests/sim/faults.h"

#define JUDGE_ARENA_MAX ((size_t)64 << 20)
#define TRACE_PRIME UINT64_C(0x9e3779b97f4a7c15)
#define LINE_MAX 256

void world_mix(struct world *w, uint64_t number)
{
	w->trace = (w->trace ^ number) * TRACE_PRIME;
	w->trace ^= w->trace >> 29;
}

void world_trace(struct world *w, const char *format, ...)
{
	va_list args;

	if (!w->verbose)
		return;
	va_start(args, format);
	printf("%12.6f  ", (double)w->now_us / 1e6);
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

void world_fail(struct world *w, const char *format, ...)
{
	va_list args;

	if (w->failure[0])
		return;
	va_start(args, format);
	(void)vsnprintf(w->failure, sizeof(w->failure), format, args);
	va_end(args);
	world_trace(w, "FAILED: %s", w->failure);
}

void world_plan(struct world *w, int64_t in_us, enum what what, unsigned who, uint64_t generation)
{
	queue_put(&w->queue, (struct happening){ .at_us = w->now_us + in_us, .what = what, .who = who,
						 .generation = generation });
}

/* ---- beginning and end ---- */

static void people(struct world *w)
{
	const size_t publishers = (size_t)dice_between(&w->dice, 1, 4);
	const size_t watchers = (size_t)dice_between(&w->dice, 1, 4);
	const size_t askers = (size_t)dice_between(&w->dice, 1, 2);

	for (size_t i = 0; i < publishers + watchers + askers; i++) {
		const enum trade trade = i < publishers ? trade_publisher
			: i < publishers + watchers ? trade_watcher : trade_asker;
		client_init(w, &w->clients[i], trade, (unsigned)i);
		w->nclients++;
	}
}

static void begin(struct world *w, uint64_t seed, struct tally *tally, bool verbose)
{
	w->seed = seed;
	w->dice = (struct random){ seed * TRACE_PRIME };
	w->tally = tally;
	w->verbose = verbose;
	chance_from(&w->dice);
	model_init(&w->model);
	faults_choose(w);
	w->ningests = (size_t)dice_between(&w->dice, 1, 3);
	w->nqueries = (size_t)dice_between(&w->dice, 1, 3);
	w->nnodes = 1 + w->ningests + w->nqueries;
	for (unsigned i = 0; i < w->nnodes; i++) {
		const enum role role = i == 0 ? role_ledger
			: i <= w->ningests ? role_ingest : role_query;
		node_init(w, &w->nodes[i], role, i);
		if (i)
			w->nodes[i].upstream = net_link(w, i, 0);
		world_plan(w, dice_skewed(&w->dice, 0, 20000), what_node_boots, i, 0);
	}
	people(w);
	faults_plan(w);
}

void world_fini(struct world *w)
{
	for (size_t i = 0; i < w->nnodes; i++)
		node_fini(&w->nodes[i]);
	for (size_t i = 0; i < w->nclients; i++)
		client_fini(&w->clients[i]);
	for (size_t i = 0; i < w->queue.n; i++)
		free(w->queue.heap[i].message);
	free(w->queue.heap);
	model_fini(&w->model);
}

/* Read the log as anybody could, and compare. */
static void judge(struct world *w)
{
	struct node *ledger = &w->nodes[0];
	char path[DISK_PATH_SIZE];
	struct record_list records;
	struct fault fault;
	struct log *log;
	struct arena a;

	node_kill(w, ledger, 1);
	ledger->life = (struct life){ .alive = true };
	disk_path(&ledger->disk, path);
	fault_init(&fault);
	if (log_open(path, 0, &log, &fault)) {
		world_fail(w, "the final log cannot be opened: %s", fault.text);
		return;
	}
	arena_init(&a, JUDGE_ARENA_MAX);
	if (log_read(log, 0, (struct slice_limits){ MODEL_MADE_MAX + 1, JUDGE_ARENA_MAX / 4 }, &a, &records,
		     &fault))
		world_fail(w, "the final log cannot be read: %s", fault.text);
	else
		model_judge(w, &records);
	for (size_t i = 0; !w->failure[0] && i < w->nclients; i++)
		if (w->clients[i].trade == trade_watcher)
			watcher_judge(w, &w->clients[i]);
	arena_fini(&a);
	log_close(log);
}

/* ---- running ---- */

static void happen(struct world *w, const struct happening *h)
{
	struct node *n = &w->nodes[h->who < WORLD_NODES_MAX ? h->who : 0];

	switch (h->what) {
	case what_arrives:
		net_arrive(w, h->message);
		break;
	case what_node_boots:
		if (h->generation == n->incarnation && !n->up)
			node_boot(w, n);
		break;
	case what_node_turns:
		if (h->generation == n->turn && n->up)
			node_turn(w, n);
		break;
	case what_node_goes_on:
		if (h->generation == n->incarnation && n->stalled)
			faults_go_on(w, h->who);
		break;
	case what_disk_has_room:
		faults_make_room(w, h->who);
		break;
	case what_link_breaks:
		net_link_breaks(w, h->who, h->generation);
		break;
	case what_link_connects:
		net_link_connects(w, h->who, h->generation);
		break;
	case what_client_wakes:
		if (h->generation == w->clients[h->who].wakes)
			client_wake(w, &w->clients[h->who]);
		break;
	case what_fault_falls:
		faults_fall(w);
		break;
	case what_all_heals:
	default:
		faults_heal(w);
	}
}

static const char *who_is_not_done(const struct world *w)
{
	for (size_t i = 0; i < w->nclients; i++)
		if (!client_is_done(w, &w->clients[i]))
			return w->clients[i].name;
	return NULL;
}

bool world_run(struct world *w, uint64_t seed, struct tally *tally, bool verbose)
{
	size_t happenings = 0;

	begin(w, seed, tally, verbose);
	const int64_t end_us = w->set.heals_us + WORLD_HEALING_US;
	while (!w->failure[0] && (!w->healed || who_is_not_done(w))) {
		const struct happening h = queue_take(&w->queue);
		w->now_us = h.at_us;
		if (w->now_us > end_us || ++happenings > WORLD_HAPPENINGS_MAX) {
			free(h.message);
			world_fail(w, "%s has not come to its end %lld ms after all was healed",
				   who_is_not_done(w), (long long)WORLD_HEALING_US / 1000);
			break;
		}
		world_mix(w, (uint64_t)h.at_us << 8 | (uint64_t)h.what << 4 | h.who);
		happen(w, &h);
	}
	tally->v[tally_happenings] += happenings;
	if (!w->failure[0]) {
		tally->v[tally_alive_after_healing]++;
		judge(w);
	}
	return !w->failure[0];
}
