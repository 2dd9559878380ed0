/* SPDX-License-Identifier: Apache-2.0 */
/* answers: one function a question; the table at the end says which. */
#include "services/query/answers.h"

/* A question's function: decodes wire, fills in *answer (in the arena). */
typedef enum err answer_function(struct replica *r, struct str wire, struct arena *a, void **answer,
				 struct fault *fault);

static enum err answer_get(struct replica *r, struct str wire, struct arena *a, void **answer,
			   struct fault *fault)
{
	struct get ask;
	struct record rec;
	struct replica_info info;
	uint64_t seq;

	enum err e = msg_decode(&shape_get, wire, a, &ask, fault);
	if (e)
		return e;
	if (msg_has(&ask, get, seq) == msg_has(&ask, get, id))
		return fault_set(fault, ERR_BAD_VALUE, "seq", "give either seq or id");
	seq = ask.seq;
	if (msg_has(&ask, get, id)) {
		e = replica_find(r, &ask.id, &seq);
		if (e)
			return fault_set(fault, e, "id", "no event with this id");
	}
	e = replica_get(r, seq, &rec);
	if (e)
		return fault_set(fault, e, "seq", "no event #%llu", (unsigned long long)seq);
	struct got *got = arena_zalloc(a, 1, sizeof(*got));
	if (!got)
		return ERR_NO_MEMORY;
	msg_mark(got, got, entry);
	msg_set(&got->entry, entry, seq, rec.seq);
	msg_set(&got->entry, entry, epoch, rec.epoch);
	msg_set(&got->entry, entry, recorded, rec.recorded);
	msg_set(&got->entry, entry, event, rec.event);
	msg_set(got, got, leaf, rec.leaf);
	replica_info(r, &info);
	msg_set(got, got, head, info.head);
	*answer = got;
	return ERR_OK;
}

static uint64_t min_seq_of_get(struct str wire, struct arena *a)
{
	struct get ask;

	if (msg_decode(&shape_get, wire, a, &ask, NULL))
		return 0;
	return ask.min_seq;
}

static const struct question {
	enum msg_type type;
	const struct shape *answer;
	answer_function *function;
	uint64_t (*min_seq)(struct str wire, struct arena *a);
} questions[] = {
	{ MSG_get, &shape_got, answer_get, min_seq_of_get },
};

static const struct question *question_of(enum msg_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		if (questions[i].type == type)
			return &questions[i];
	return NULL;
}

bool answers_takes(enum msg_type type)
{
	return question_of(type) != NULL;
}

uint64_t answers_min_seq(enum msg_type type, struct str wire, struct arena *a)
{
	const struct question *q = question_of(type);

	require(q);
	return q->min_seq(wire, a);
}

enum err answers_answer(struct replica *r, enum msg_type type, struct str wire, struct arena *a,
			const struct shape **shape, void **answer, struct fault *fault)
{
	const struct question *q = question_of(type);

	require(q);
	*shape = q->answer;
	return q->function(r, wire, a, answer, fault);
}
