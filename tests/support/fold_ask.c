/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold_ask: questions to the index and the fold without any service, for tests that compare them
 * with the model.
 *
 *   fold_ask DIR EVENTS.jsonl < QUESTIONS
 *
 * DIR is an empty directory for the replica. Each line of QUESTIONS is the name of a message, a
 * space, and the message in JSON; each line of the output its answer in JSON, or {"error": name,
 * "field": …, "text": …}.
 */
#include <stdio.h>
#include <stdlib.h>

#include "services/query/answers.h"
#include "services/query/index.h"

#define LINE_MAX_BYTES (1u << 20)
#define MEMORY_MAX ((size_t)256 << 20)
#define COMMIT_EVENTS 5000u

static _Noreturn void give_up(const char *what, enum err e, const struct fault *fault)
{
	fprintf(stderr, "fold_ask: %s: %s %s %s\n", what, err_name(e), fault->field, fault->text);
	exit(1);
}

static enum err put_line(struct replica *r, struct str line, uint64_t seq, struct arena *a,
			 struct fault *fault)
{
	struct event event;
	struct buf bytes;

	buf_init(&bytes, EVENT_BYTES_MAX);
	enum err e = json_read(&shape_event, line, a, &event, fault);
	if (!e)
		e = record_encode(&shape_event, &event, &bytes);
	struct record rec = { .epoch = 1, .seq = seq, .recorded = (int64_t)seq,
			      .event = buf_str(&bytes) };
	if (!e)
		e = event_decode(rec.event, a, &event, fault);
	if (!e)
		e = replica_put(r, &event.id, &rec);
	if (!e)
		e = index_event(r, &rec, &event, a);
	buf_fini(&bytes);
	return e;
}

static void fill(struct replica *r, const char *path, struct arena *a)
{
	static char line[LINE_MAX_BYTES];
	struct fault fault;
	uint64_t seq = 0;
	FILE *f = fopen(path, "r");

	fault_init(&fault);
	if (!f)
		give_up(path, ERR_IO, &fault);
	enum err e = replica_begin(r);
	while (!e && fgets(line, sizeof(line), f)) {
		e = put_line(r, (struct str){ line, strcspn(line, "\n") }, ++seq, a, &fault);
		arena_reset(a);
		if (!e && seq % COMMIT_EVENTS == 0)
			e = replica_commit(r);
		if (!e && seq % COMMIT_EVENTS == 0)
			e = replica_begin(r);
	}
	if (!e)
		e = replica_commit(r);
	if (e)
		give_up("events", e, &fault);
	fclose(f);
}

static enum err question_encode(struct str name, struct str json, struct arena *a,
				const struct shape **shape, struct buf *wire, struct fault *fault)
{
	for (int type = 1; type < MSG_COUNT; type++) {
		*shape = shape_of((enum msg_type)type);
		if (!str_eq(str_of((*shape)->name), name))
			continue;
		const struct head head = { PROTO_VERSION, (enum msg_type)type, 1, 0 };
		void *ask = arena_zalloc(a, 1, (*shape)->size);
		if (!ask)
			return ERR_NO_MEMORY;
		const enum err e = json_read(*shape, json, a, ask, fault);
		return e ? e : msg_encode(*shape, &head, ask, wire);
	}
	return fault_set(fault, ERR_UNKNOWN_MESSAGE, NULL, "%.*s", STR_ARG(name));
}

static enum err answer_line(struct replica *r, struct str line, struct arena *a, struct buf *out,
			    struct fault *fault)
{
	const size_t n = strcspn(line.p, " ");
	const struct shape *shape, *reply;
	struct buf wire;
	void *answer;

	buf_init(&wire, MSG_BYTES_MAX);
	enum err e = question_encode((struct str){ line.p, n },
				     (struct str){ line.p + n + 1, line.n - n - 1 }, a, &shape,
				     &wire, fault);
	if (!e && !answers_takes((enum msg_type)shape->type))
		e = fault_set(fault, ERR_UNKNOWN_MESSAGE, NULL, "%s is no question", shape->name);
	if (!e)
		e = answers_answer(r, (enum msg_type)shape->type, buf_str(&wire), a, &reply,
				   &answer, fault);
	if (!e)
		e = json_write(reply, answer, a, out);
	buf_fini(&wire);
	return e;
}

static void answer_all(struct replica *r, struct arena *a)
{
	static char line[LINE_MAX_BYTES];
	struct fault fault;
	struct buf out;

	buf_init(&out, (size_t)64 << 20);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		fault_init(&fault);
		buf_clear(&out);
		arena_reset(a);
		if (replica_snap(r))
			give_up("snapshot", ERR_IO, &fault);
		const enum err e = answer_line(r, str_of(line), a, &out, &fault);
		replica_unsnap(r);
		if (e)
			printf("{\"error\": \"%s\", \"field\": \"%s\", \"text\": \"%s\"}\n",
			       err_name(e), fault.field, strchr(fault.text, '"') ? "" : fault.text);
		else
			printf("%.*s\n", STR_ARG(buf_str(&out)));
		fflush(stdout);
	}
	buf_fini(&out);
}

int main(int argc, char **argv)
{
	struct replica *r = NULL;
	struct fault fault;
	struct arena a;

	fault_init(&fault);
	if (argc != 3)
		give_up("usage: fold_ask DIR EVENTS.jsonl < QUESTIONS", ERR_USAGE, &fault);
	const enum err e = replica_open(argv[1], INDEX_VERSION, &r, &fault);
	if (e)
		give_up(argv[1], e, &fault);
	arena_init(&a, MEMORY_MAX);
	fill(r, argv[2], &a);
	answer_all(r, &a);
	arena_fini(&a);
	replica_close(r);
	return 0;
}
