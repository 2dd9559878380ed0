/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asker: reads at some query what was acknowledged a moment ago, and asks for figures at a seq, which
 * must be the same bytes from everybody and for ever.
 */
#include "tests/sim/world.h"

#define ASKS_MIN 3
#define ASKS_MAX 14
#define TTL_MS 1500
#define GRACE_US 250000
#define THINK_MIN_US 500
#define THINK_MAX_US 500000
#define FIGURES 8
#define GET_RID (UINT64_C(1) << 60)

void asker_init(struct world *w, struct client *c)
{
	c->u.asker = (struct asker){ .left = (unsigned)dice_between(&w->dice, ASKS_MIN, ASKS_MAX) };
}

/* ---- questions ---- */

/* A question about figure `what` at a seq, as the one number that names it; it is its rid too. */
static uint64_t question_of(unsigned what, unsigned about, uint64_t seq)
{
	return (uint64_t)(what + 1) << 40 | (uint64_t)about << 32 | seq;
}

#define ASK(type, fill)                                                                            \
	do {                                                                                       \
		struct type q = { 0 };                                                             \
		msg_mark(&q, type, clocks);                                                        \
		msg_set(&q.clocks, clocks, at_seq, seq);                                           \
		msg_set(&q, type, min_seq, seq);                                                   \
		fill;                                                                              \
		return client_ask(w, c, link, &shape_##type, rid, TTL_MS, &q, NULL);               \
	} while (0)

static bool ask_figure(struct world *w, struct client *c, unsigned link, uint64_t rid)
{
	const unsigned what = (unsigned)(rid >> 40) - 1, about = rid >> 32 & 0xff;
	const uint64_t seq = rid & 0xffffffff;
	char deal[24], party[24];

	model_deal(about, deal);
	model_party(about, party);
	switch (what) {
	case 0:
		ASK(deal_figure, msg_set(&q, deal_figure, deal, str_of(deal)));
	case 1:
		ASK(history, msg_set(&q, history, deal, str_of(deal)));
	case 2:
		ASK(party_figure, msg_set(&q, party_figure, party, str_of(party)));
	case 3:
		ASK(league, msg_set(&q, league, rung, rung_committed));
	case 4:
		ASK(flows, (void)0);
	case 5:
		ASK(anomalies, (void)0);
	case 6:
		ASK(deals, (void)0);
	default:
		ASK(parties, (void)0);
	}
}

static bool ask_get(struct world *w, struct client *c, unsigned link, uint64_t rid)
{
	struct asker *a = &c->u.asker;
	const struct made *made = &w->model.made[a->want];
	struct get q = { 0 };

	a->want_seq = made->rec.seq;
	if (dice_once_in(&w->dice, 2))
		msg_set(&q, get, id, made->id);
	else
		msg_set(&q, get, seq, made->rec.seq);
	msg_set(&q, get, min_seq, a->want_seq > a->seen ? a->want_seq : a->seen);
	return client_ask(w, c, link, &shape_get, rid, TTL_MS, &q, NULL);
}

/* The last event that was acknowledged, or one of the last. */
static bool some_acked(struct world *w, unsigned *which)
{
	const struct model *m = &w->model;

	for (size_t i = m->nmade; i > 0; i--) {
		*which = (unsigned)i - 1;
		if (m->made[*which].acked && dice_once_in(&w->dice, 2))
			return true;
	}
	return false;
}

/* Of the last round: everything at the head, from each query. */
static unsigned last_round_size(const struct world *w)
{
	return (unsigned)w->nqueries * FIGURES;
}

static bool publishing_is_over(const struct world *w)
{
	for (size_t i = 0; i < w->nclients; i++)
		if (w->clients[i].trade == trade_publisher && !client_is_done(w, &w->clients[i]))
			return false;
	return w->healed;
}

static bool choose(struct world *w, struct client *c, unsigned *link)
{
	struct asker *a = &c->u.asker;
	unsigned about = (unsigned)random_below(&w->dice, MODEL_DEALS);

	*link = c->links[random_below(&w->dice, c->nlinks)];
	if (a->left && dice_once_in(&w->dice, 2) && some_acked(w, &a->want)) {
		a->question = 0;
		return true;
	}
	if (a->left && w->model.head) {
		const uint64_t seq = dice_once_in(&w->dice, 2) ? w->model.head :
			1 + random_below(&w->dice, w->model.head);
		a->question = question_of((unsigned)random_below(&w->dice, FIGURES), about, seq);
		return true;
	}
	if (!publishing_is_over(w))
		return false;
	if (a->next == last_round_size(w) || w->model.head == 0) {
		a->left = 0;
		a->last_round = true;
		return false;
	}
	*link = c->links[a->next / FIGURES];
	a->question = question_of(a->next % FIGURES, a->next % FIGURES % MODEL_DEALS, w->model.head);
	return true;
}

void asker_wake(struct world *w, struct client *c)
{
	struct asker *a = &c->u.asker;
	unsigned link;

	if (a->rid && w->now_us < a->until_us)
		return;
	a->rid = 0;
	a->until_us = w->now_us + dice_skewed(&w->dice, THINK_MIN_US, THINK_MAX_US);
	if (choose(w, c, &link)) {
		a->wipes = w->nodes[w->links[link].server].wipes;
		const uint64_t rid = a->question ? a->question : GET_RID | ++c->rids;
		if (a->question ? ask_figure(w, c, link, rid) : ask_get(w, c, link, rid)) {
			a->rid = rid;
			a->until_us = w->now_us + TTL_MS * 1000 + GRACE_US;
		}
	}
	if (!a->last_round)
		client_plan(w, c, a->until_us - w->now_us);
}

/* ---- answers ---- */

static void take_got(struct world *w, struct client *c, struct node *n, struct str wire)
{
	struct asker *a = &c->u.asker;
	const struct made *made = &w->model.made[a->want];
	struct got got;

	if (msg_decode(&shape_got, wire, &w->model.arena, &got, NULL)) {
		world_fail(w, "%s: a `get` is answered with something else", c->name);
		return;
	}
	world_check(w, own_writes_read, got.entry.seq == a->want_seq &&
		    str_eq(got.entry.event, made->bytes) && got.entry.recorded == made->rec.recorded &&
		    got.head >= a->want_seq && got.head >= a->seen,
		    "%s: %s does not give seq %llu as it was written", c->name, n->name,
		    (unsigned long long)a->want_seq);
	if (got.head > a->seen)
		a->seen = got.head;
	model_head(w, n, got.head, a->wipes);
}

/* False: it is to be asked again. */
static bool take_error(struct world *w, struct client *c, const struct node *n, struct str wire)
{
	const struct asker *a = &c->u.asker;
	struct error error;

	if (msg_decode(&shape_error, wire, &w->model.arena, &error, NULL)) {
		world_fail(w, "%s: an error that cannot be read", c->name);
		return false;
	}
	switch (error.code) {
	case ERR_DEADLINE:
	case ERR_BUSY:
	case ERR_UNAVAILABLE:
		return false;
	case ERR_IO:
		if (!w->set.disk.read_fails)
			break;
		return false;
	case ERR_DAMAGED:
		if (!w->model.nflips)
			break;
		return false;
	case ERR_NOT_FOUND:
		if (!a->question)
			break;
		model_figure(w, n, a->question, wire);
		return true;
	default:
		break;
	}
	world_fail(w, "%s is told %s: %.*s", c->name, err_name((enum err)error.code),
		   STR_ARG(error.text));
	return false;
}

void asker_hear(struct world *w, struct client *c, unsigned link, const struct head *head,
		struct str wire)
{
	struct asker *a = &c->u.asker;
	struct node *n = &w->nodes[w->links[link].server];
	bool done = true;

	if (a->rid == 0 || head->rid != a->rid)
		return;
	arena_reset(&w->model.arena);
	if (head->type == MSG_error)
		done = take_error(w, c, n, wire);
	else if (a->question)
		model_figure(w, n, a->question, wire);
	else
		take_got(w, c, n, wire);
	if (done && a->left)
		a->left--;
	else if (done)
		a->next++;
	a->rid = 0;
	client_plan(w, c, dice_skewed(&w->dice, THINK_MIN_US, w->healed ? 4 * THINK_MIN_US : THINK_MAX_US));
}
