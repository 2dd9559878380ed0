/* SPDX-License-Identifier: Apache-2.0 */
/* model: answers, one by one, against what was published; what is said twice must be said the same. */
#include "tests/sim/model.h"

#include <stdlib.h>

#include "tests/sim/world.h"

#define LOG_TABLE "log"
#define MESSAGE_ARENA_MAX ((size_t)64 << 20)

void model_init(struct model *m)
{
	*m = (struct model){ .nmade = 0 };
	arena_init(&m->arena, MESSAGE_ARENA_MAX);
}

void model_fini(struct model *m)
{
	for (size_t i = 0; i < m->nmade; i++)
		free((void *)(uintptr_t)m->made[i].bytes.p);
	for (size_t i = 0; i < m->nplans; i++) {
		struct plan *p = &m->plans[i];
		buf_fini(&p->receipt);
		for (size_t k = 0; k < p->n; k++)
			if (p->slots[k].lot == lot_conflict)
				free((void *)(uintptr_t)p->slots[k].bytes.p);
	}
	arena_fini(&m->arena);
}

/* ---- receipts ---- */

/* One event is said to be in the log. */
static void acknowledge(struct world *w, struct plan *p, size_t slot, const struct record *rec,
			bool existed)
{
	struct model *m = &w->model;
	struct made *made = &m->made[p->slots[slot].made];
	struct hash leaf;

	if (p->slots[slot].lot != lot_written) {
		world_fail(w, "a receipt for an event that must be refused");
		return;
	}
	leaf_hash(rec->epoch, rec->seq, rec->recorded, made->bytes, &leaf);
	if (memcmp(&leaf, &rec->leaf, sizeof(leaf)) != 0)
		world_fail(w, "the receipt of seq %llu has the leaf hash of something else",
			   (unsigned long long)rec->seq);
	world_check(w, durable_when_acknowledged,
		    rec->seq <= disk_durable_head(&w->nodes[0].disk, LOG_TABLE),
		    "seq %llu is acknowledged before it is durable", (unsigned long long)rec->seq);
	if (made->acked) {
		world_check(w, retries_receipts_same,
			    made->rec.seq == rec->seq && made->rec.recorded == rec->recorded &&
				    made->rec.epoch == rec->epoch,
			    "an event has receipts of seq %llu and of seq %llu",
			    (unsigned long long)made->rec.seq, (unsigned long long)rec->seq);
		return;
	}
	/* behind an ingest a message may have come twice, and only one of the two was refused */
	if (existed && !p->doubt && !p->slots[slot].old && !w->doubled)
		world_fail(w, "seq %llu exists, though every attempt was answered with 'not executed'",
			   (unsigned long long)rec->seq);
	made->acked = true;
	made->rec = *rec;
	m->nacked++;
	if (rec->seq > m->head)
		m->head = rec->seq;
}

/* The receipts say where each event of the plan is; *covered has a bit for each. */
static void take_receipts(struct world *w, struct plan *p, const struct published *answer,
			  uint64_t *covered)
{
	bool created = false, existed = false;

	*covered = 0;
	for (size_t i = 0; i < answer->receipts.n; i++) {
		const struct receipt *r = &answer->receipts.v[i];
		if (r->leaves.n == 0 || r->last - r->first + 1 != r->leaves.n ||
		    r->index + r->leaves.n > p->n) {
			world_fail(w, "a receipt that does not fit its publish");
			return;
		}
		for (size_t k = 0; k < r->leaves.n; k++) {
			const size_t slot = (size_t)r->index + k;
			const struct record rec = { .epoch = r->epoch, .seq = r->first + k,
						    .recorded = r->recorded + (int64_t)k,
						    .leaf = r->leaves.v[k] };
			if (*covered >> slot & 1)
				world_fail(w, "an event of a publish has two receipts");
			*covered |= UINT64_C(1) << slot;
			created = created || r->status == outcome_created;
			existed = existed || r->status != outcome_created;
			acknowledge(w, p, slot, &rec, r->status != outcome_created);
		}
	}
	if (p->once && created && existed)
		world_fail(w, "one part of a batch was there already, the other is new");
}

/* The answer as a repeated one would be, byte for byte the same as the last. */
static void compare_receipt(struct world *w, struct plan *p, struct published *answer)
{
	const struct head head = { .type = MSG_published };
	struct buf b;

	answer->status = outcome_exists;
	for (size_t i = 0; i < answer->receipts.n; i++)
		answer->receipts.v[i].status = outcome_exists;
	buf_init(&b, MSG_BYTES_MAX);
	ensure(msg_encode(&shape_published, &head, answer, &b) == ERR_OK);
	if (p->receipt.n == 0) {
		buf_fini(&p->receipt);
		p->receipt = b;
		return;
	}
	world_check(w, retries_receipts_same, str_eq(buf_str(&b), buf_str(&p->receipt)),
		    "a repeated publish gets another receipt than the first time");
	buf_fini(&b);
}

/* ---- refusals ---- */

static enum err code_of(enum lot lot)
{
	switch (lot) {
	case lot_bad_form:
		return ERR_MISSING_FIELD;
	case lot_bad_ref:
		return ERR_NO_SUCH_REF;
	case lot_conflict:
		return ERR_ID_CONFLICT;
	case lot_written:
	default:
		return ERR_OK;
	}
}

/* Whether some store has met damage, so that it may say so. */
static bool damage_met(const struct world *w)
{
	bool met = w->model.nflips > 0;

	for (size_t i = 0; i < w->nnodes; i++)
		met = met || w->nodes[i].disk.puts_damaged > 0;
	return met;
}

/* Whether a fault is what its event deserves; *damaged: it only says that the store is. */
static bool is_just(struct world *w, const struct plan *p, const struct event_fault *f, bool *damaged)
{
	if (f->index >= p->n)
		return false;
	if (f->code == ERR_DAMAGED && damage_met(w)) {
		*damaged = true;
		return true;
	}
	return f->code == (uint64_t)code_of(p->slots[f->index].lot);
}

static bool is_expected_refusal(const struct plan *p)
{
	bool bad = false;

	for (size_t i = 0; i < p->n; i++)
		bad = bad || p->slots[i].lot != lot_written;
	return p->wrong_revision || (bad && !p->partial);
}

/* A refusal for good: is it the right one? */
static enum verdict refused(struct world *w, struct plan *p, const struct error *e)
{
	bool damaged = false;
	struct event_fault only = { .index = e->index, .code = e->code };

	w->tally->v[tally_refusals]++;
	if (e->code == ERR_WRONG_REVISION) {
		if (!p->wrong_revision || e->expected != (int64_t)p->revision ||
		    e->actual != (int64_t)p->actual)
			world_fail(w, "WRONG_REVISION for a deal at the right one");
		p->refused = true;
		return verdict_done;
	}
	if (e->code == ERR_DAMAGED && damage_met(w))
		return verdict_again;
	if (e->code != ERR_BAD_BATCH && p->n == 1 && is_just(w, p, &only, &damaged)) {
		const struct made *made = &w->model.made[p->slots[0].made];
		if (p->slots[0].lot == lot_conflict && e->seq != made->rec.seq)
			world_fail(w, "ID_CONFLICT names seq %llu", (unsigned long long)e->seq);
		p->refused = true;
		return verdict_done;
	}
	if (e->code != ERR_BAD_BATCH || e->faults.n == 0 || !is_expected_refusal(p)) {
		bool all_damaged = e->code == ERR_BAD_BATCH && e->faults.n > 0;
		for (size_t i = 0; i < e->faults.n; i++)
			all_damaged = all_damaged && e->faults.v[i].code == ERR_DAMAGED;
		if (!all_damaged || !damage_met(w))
			world_fail(w, "refused for no reason: %s", err_name((enum err)e->code));
		return verdict_again;
	}
	for (size_t i = 0; i < e->faults.n; i++)
		if (!is_just(w, p, &e->faults.v[i], &damaged))
			world_fail(w, "event %llu of a batch is refused with %s",
				   (unsigned long long)e->faults.v[i].index,
				   err_name((enum err)e->faults.v[i].code));
	p->refused = !damaged;
	return damaged ? verdict_again : verdict_done;
}

static enum verdict take_error(struct world *w, struct plan *p, const struct error *e)
{
	if (w->set.calm && !is_expected_refusal(p) && e->code != ERR_UNAVAILABLE)
		world_fail(w, "%s, though nothing is wrong", err_name((enum err)e->code));
	switch (e->code) {
	case ERR_UNKNOWN:
		w->tally->v[tally_unknown_outcomes]++;
		p->doubt = true;
		return verdict_again;
	case ERR_DEADLINE:
	case ERR_BUSY:
	case ERR_UNAVAILABLE:
	case ERR_NO_SPACE:
		return verdict_again;
	default:
		return refused(w, p, e);
	}
}

/* ---- answers to a publish ---- */

static enum verdict take_published(struct world *w, struct plan *p, struct published *answer)
{
	uint64_t covered, faulty = 0;
	bool damaged = false;

	if (is_expected_refusal(p)) {
		world_fail(w, "a publish that must be refused is written");
		return verdict_done;
	}
	w->tally->v[tally_receipts]++;
	take_receipts(w, p, answer, &covered);
	for (size_t i = 0; i < answer->faults.n; i++) {
		if (!is_just(w, p, &answer->faults.v[i], &damaged)) {
			world_fail(w, "an event of a publish is refused with %s",
				   err_name((enum err)answer->faults.v[i].code));
			return verdict_done;
		}
		faulty |= UINT64_C(1) << answer->faults.v[i].index;
	}
	if ((covered | faulty) != (UINT64_C(1) << p->n) - 1 || (covered & faulty))
		world_fail(w, "an event of a publish has neither receipt nor fault, or both");
	if (damaged)
		return verdict_again;
	if (p->once && answer->faults.n == 0)
		compare_receipt(w, p, answer);
	if (!p->acked)
		p->acked_us = w->now_us;
	if (p->expects)
		w->model.last_expected = p;
	p->acked = true;
	return verdict_done;
}

enum verdict model_answered(struct world *w, struct plan *p, const struct head *head, struct str wire)
{
	struct published published;
	struct error error;
	struct fault fault;

	fault_init(&fault);
	arena_reset(&w->model.arena);
	if (head->type == MSG_error) {
		if (msg_decode(&shape_error, wire, &w->model.arena, &error, &fault))
			world_fail(w, "an error that cannot be read: %s", fault.text);
		return w->failure[0] ? verdict_done : take_error(w, p, &error);
	}
	if (head->type != MSG_published ||
	    msg_decode(&shape_published, wire, &w->model.arena, &published, &fault)) {
		world_fail(w, "a publish is answered with something else: %s", fault.text);
		return verdict_done;
	}
	return take_published(w, p, &published);
}

/* ---- what queries say ---- */

void model_head(struct world *w, struct node *n, uint64_t head, unsigned wipes)
{
	if (head > disk_durable_head(&w->nodes[0].disk, LOG_TABLE))
		world_fail(w, "%s tells of seq %llu before the ledger has it on disk", n->name,
			   (unsigned long long)head);
	if (head > n->told_head && wipes == n->wipes)
		n->told_head = head;
}

void model_tape(struct world *w, struct node *n, struct str wire)
{
	const uint64_t durable = disk_durable_head(&n->disk, LOG_TABLE);
	struct event_on_tape t;
	struct beacon b;
	struct head head;

	arena_reset(&w->model.arena);
	if (msg_peek(wire, &head, NULL) == ERR_OK && head.type == MSG_beacon) {
		if (msg_decode(&shape_beacon, wire, &w->model.arena, &b, NULL) || b.head > durable)
			world_fail(w, "%s: a beacon beyond what is durable", n->name);
		model_head(w, n, b.head, n->wipes);
		return;
	}
	if (msg_decode(&shape_event_on_tape, wire, &w->model.arena, &t, NULL)) {
		world_fail(w, "%s: something on the tape that is no event", n->name);
		return;
	}
	world_check(w, on_tape, t.entry.seq <= durable && (n->taped == 0 || t.entry.seq == n->taped + 1),
		    "%s: seq %llu on the tape after %llu, with %zu durable", n->name,
		    (unsigned long long)t.entry.seq, (unsigned long long)n->taped, durable);
	n->taped = t.entry.seq;
	model_head(w, n, t.entry.seq, n->wipes);
}

void model_figure(struct world *w, const struct node *n, uint64_t question, struct str wire)
{
	struct model *m = &w->model;
	const uint64_t hash = model_hash(wire);

	for (size_t i = 0; i < m->nanswers; i++) {
		const struct known_answer *k = &m->answers[i];
		if (k->question != question)
			continue;
		world_check(w, answers_same, k->hash == hash && k->n == wire.n,
			    "%s answers question %llx otherwise than it was answered before", n->name,
			    (unsigned long long)question);
		return;
	}
	if (m->nanswers < MODEL_ANSWERS_MAX)
		m->answers[m->nanswers++] = (struct known_answer){ question, hash, wire.n };
}
