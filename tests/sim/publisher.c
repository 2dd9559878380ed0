/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publisher: sends each publish to some ingest, again and again with the same ids until the answer is
 * one for good; and now and then once more after that, which must change nothing.
 */
#include "tests/sim/world.h"

#define BEGINS_MIN 3
#define BEGINS_MAX 9
#define TTL_MIN_MS 20
/* Where nothing is wrong: then there must be an answer. */
#define PATIENT_TTL_MS 10000
#define GRACE_US 250000
#define AGAIN_MIN_US 500
#define AGAIN_MAX_US 250000
#define REPEAT_ONE_IN 3

void publisher_init(struct world *w, struct client *c)
{
	c->u.publisher = (struct publisher){
		.left = (unsigned)dice_between(&w->dice, BEGINS_MIN, BEGINS_MAX) };
}

/* Nobody knows what became of the last attempt. */
static void doubt(struct world *w, struct attempt *a)
{
	if (a->rid) {
		a->plan->doubt = true;
		w->tally->v[tally_unknown_outcomes]++;
	}
	a->rid = 0;
	a->until_us = w->now_us + dice_skewed(&w->dice, AGAIN_MIN_US, AGAIN_MAX_US);
}

void publisher_lost(struct world *w, struct client *c)
{
	struct publisher *p = &c->u.publisher;

	for (size_t i = 0; i < CLIENT_OPEN_MAX; i++)
		if (p->open[i].plan)
			doubt(w, &p->open[i]);
	client_plan(w, c, AGAIN_MIN_US);
}

static void try_once(struct world *w, struct client *c, struct attempt *a)
{
	const struct publish publish = model_publish(&w->model, a->plan);
	const unsigned link = c->links[random_below(&w->dice, c->nlinks)];
	const uint64_t rid = ++c->rids;
	uint64_t ttl_ms = PATIENT_TTL_MS;
	bool again;

	if (!w->set.calm && !w->healed)
		ttl_ms = (uint64_t)dice_skewed(&w->dice, TTL_MIN_MS, PATIENT_TTL_MS / 4);
	if (!client_ask(w, c, link, &shape_publish, rid, ttl_ms, &publish, &again)) {
		a->until_us = w->now_us + dice_skewed(&w->dice, AGAIN_MIN_US, AGAIN_MAX_US);
		return;
	}
	w->tally->v[tally_publishes]++;
	a->number++;
	a->rid = rid;
	a->until_us = w->now_us + (int64_t)ttl_ms * 1000 + GRACE_US;
	a->plan->doubt = a->plan->doubt || again;
	if (a->plan->sent_us < 0)
		a->plan->sent_us = w->now_us;
}

/* Begin another publish where there is a place for it. */
static void begin(struct world *w, struct client *c)
{
	struct publisher *p = &c->u.publisher;

	for (size_t i = 0; p->left && i < CLIENT_OPEN_MAX; i++) {
		if (p->open[i].plan)
			continue;
		p->left--;
		const int64_t think_us = w->healed || w->set.calm ? AGAIN_MAX_US :
			w->set.heals_us / (BEGINS_MAX - 2);
		p->open[i] = (struct attempt){ .plan = model_plan(w, c->number),
					       .until_us = w->now_us + dice_between(&w->dice, 0, think_us) };
		return;
	}
}

void publisher_wake(struct world *w, struct client *c)
{
	struct publisher *p = &c->u.publisher;
	int64_t next_us = INT64_MAX;

	begin(w, c);
	for (size_t i = 0; i < CLIENT_OPEN_MAX; i++) {
		struct attempt *a = &p->open[i];
		if (!a->plan)
			continue;
		if (a->until_us <= w->now_us && a->rid)
			doubt(w, a);
		else if (a->until_us <= w->now_us)
			try_once(w, c, a);
		if (a->until_us < next_us)
			next_us = a->until_us;
	}
	if (next_us < INT64_MAX)
		client_plan(w, c, next_us - w->now_us);
}

void publisher_hear(struct world *w, struct client *c, const struct head *head, struct str wire)
{
	struct publisher *p = &c->u.publisher;

	for (size_t i = 0; i < CLIENT_OPEN_MAX; i++) {
		struct attempt *a = &p->open[i];
		if (!a->plan || a->rid != head->rid)
			continue;
		const enum verdict verdict = model_answered(w, a->plan, head, wire);
		a->rid = 0;
		a->until_us = w->now_us + dice_skewed(&w->dice, AGAIN_MIN_US, AGAIN_MAX_US);
		if (verdict == verdict_done && (a->plan->repeated || !dice_once_in(&w->dice, REPEAT_ONE_IN)))
			a->plan = NULL;
		else if (verdict == verdict_done)
			a->plan->repeated = true;
		client_plan(w, c, 1);
		return;
	}
	/* else a late answer to an attempt that was given up, or one that came twice */
}
