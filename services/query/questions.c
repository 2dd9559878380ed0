/* SPDX-License-Identifier: Apache-2.0 */
/* questions: parked ones keep a copy of their bytes, and are opened again when their seq is there. */
#include "services/query/questions.h"

#include <stdlib.h>

#include "services/query/answers.h"

#define ANSWER_ARENA_MAX ((size_t)96 << 20)
#define BUSY_MS 100

struct parked {
	struct peer from;
	struct head head;
	uint64_t min_seq;
	int64_t deadline_ms;
	struct buf wire;
};

struct questions {
	struct replica *replica;
	struct kept *kept;
	struct sender *people;
	struct arena arena; /* of one answer */
	struct parked *parked;
	size_t nparked, bytes;
};

struct questions *questions_new(struct replica *replica, struct kept *kept, struct sender *people)
{
	struct questions *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->replica = replica;
	q->kept = kept;
	q->people = people;
	arena_init(&q->arena, ANSWER_ARENA_MAX);
	q->parked = calloc(QUESTIONS_PARKED_MAX, sizeof(*q->parked));
	if (!q->parked) {
		questions_free(q);
		return NULL;
	}
	return q;
}

static void unpark(struct questions *q, size_t i)
{
	q->bytes -= q->parked[i].wire.n;
	buf_fini(&q->parked[i].wire);
	q->parked[i] = q->parked[--q->nparked];
}

void questions_free(struct questions *q)
{
	if (!q)
		return;
	while (q->nparked)
		unpark(q, q->nparked - 1);
	arena_fini(&q->arena);
	free(q->parked);
	free(q);
}

size_t questions_waiting(const struct questions *q)
{
	return q->nparked;
}

/* What is damaged, in the replica's words: they name the event or the row. */
static void tell_damage(const struct replica *r, struct fault *fault)
{
	const struct fault *found = &replica_damage(r)->last;

	if (found->code)
		*fault = *found;
	else
		(void)fault_set(fault, ERR_DAMAGED, NULL, "the index of this replica contradicts itself");
}

static void answer(struct questions *q, const struct peer *to, const struct head *head,
		   struct str wire)
{
	const struct shape *shape;
	struct fault fault;
	void *msg;

	fault_init(&fault);
	enum err e = replica_snap(q->replica);
	if (!e) {
		e = answers_answer(q->replica, q->kept, head->type, wire, &q->arena, &shape, &msg,
				   &fault);
		if (!e) /* only into a queue: the snapshot does not wait for the socket */
			sender_answer(q->people, to, head->rid, shape, msg);
		replica_unsnap(q->replica);
	}
	if (e == ERR_DAMAGED)
		tell_damage(q->replica, &fault);
	if (e) {
		fault.code = e;
		sender_refuse(q->people, to, head->rid, &fault);
	}
	arena_reset(&q->arena); /* memory that is kept would count as what others do not take */
}

static enum err park(struct questions *q, const struct request *r, uint64_t min_seq)
{
	struct parked *p = &q->parked[q->nparked];

	if (q->nparked == QUESTIONS_PARKED_MAX || r->wire.n > QUESTIONS_BYTES_MAX - q->bytes)
		return ERR_BUSY;
	*p = (struct parked){ .from = *r->from, .head = r->head, .min_seq = min_seq,
			      .deadline_ms = r->deadline_ms };
	buf_init(&p->wire, r->wire.n);
	if (buf_put(&p->wire, r->wire.p, r->wire.n)) {
		buf_fini(&p->wire);
		return ERR_BUSY;
	}
	q->nparked++;
	q->bytes += r->wire.n;
	return ERR_OK;
}

void questions_take(struct questions *q, const struct request *r)
{
	struct replica_info info;
	struct fault fault;

	arena_reset(&q->arena);
	replica_info(q->replica, &info);
	const uint64_t min_seq = answers_min_seq(r->head.type, r->wire, &q->arena);
	if (min_seq <= info.head) {
		answer(q, r->from, &r->head, r->wire);
		return;
	}
	if (park(q, r, min_seq) == ERR_OK)
		return;
	fault_init(&fault);
	fault.retry_after_ms = BUSY_MS;
	(void)fault_set(&fault, ERR_BUSY, NULL, "%zu questions wait already", q->nparked);
	sender_refuse(q->people, r->from, r->head.rid, &fault);
}

void questions_news(struct questions *q)
{
	struct replica_info info;

	replica_info(q->replica, &info);
	for (size_t i = 0; i < q->nparked;) {
		struct parked *p = &q->parked[i];
		if (p->min_seq > info.head) {
			i++;
			continue;
		}
		answer(q, &p->from, &p->head, buf_str(&p->wire));
		unpark(q, i);
	}
}

int questions_tick(struct questions *q, struct now now)
{
	struct replica_info info;
	struct fault fault;
	int64_t next_ms = -1;

	replica_info(q->replica, &info);
	for (size_t i = 0; i < q->nparked;) {
		const struct parked *p = &q->parked[i];
		const int64_t left_ms = p->deadline_ms - now.mono_ms;
		if (left_ms <= 0) {
			fault_init(&fault);
			fault.expected = (int64_t)p->min_seq;
			fault.actual = (int64_t)info.head;
			(void)fault_set(&fault, ERR_DEADLINE, "min_seq",
					"event #%llu was not here in time",
					(unsigned long long)p->min_seq);
			sender_refuse(q->people, &p->from, p->head.rid, &fault);
			unpark(q, i);
			continue;
		}
		if (next_ms < 0 || left_ms < next_ms)
			next_ms = left_ms;
		i++;
	}
	return (int)next_ms;
}

void questions_refuse_all(struct questions *q, const struct fault *fault)
{
	while (q->nparked) {
		const struct parked *p = &q->parked[q->nparked - 1];
		sender_refuse(q->people, &p->from, p->head.rid, fault);
		unpark(q, q->nparked - 1);
	}
}
