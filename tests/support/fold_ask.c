/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold_ask: questions to the index and the fold without any service, for tests that compare them
 * with the model.
 *
 *   fold_ask [--stale] DIR EVENTS.jsonl < QUESTIONS
 *
 * DIR is an empty directory for the replica. Each line of QUESTIONS is the name of a message, a
 * space, and the message in JSON; each line of the output its answer in JSON, or {"error": name,
 * "field": …, "text": …}. A line `publish EVENT` puts one more event, and has no answer.
 *
 * Every question is answered twice, with what deals came to in earlier ones (services/fold/kept.h) and
 * without: where the answers differ it ends with an error. With --stale nothing that was kept is dropped
 * when an event comes, which is a mistake for tests to see.
 */
#include <stdio.h>
#include <stdlib.h>

#include "services/fold/kept.h"
#include "services/query/answers.h"
#include "services/query/index.h"

#define LINE_MAX_BYTES (1u << 20)
#define MEMORY_MAX ((size_t)256 << 20)
#define COMMIT_EVENTS 5000u
#define KEPT_BYTES ((size_t)32 << 10) /* so few that there is often no more room */
#define LARGE_FACTS 2u /* so few that nearly every deal is large */

static _Noreturn void give_up(const char *what, enum err e, const struct fault *fault)
{
	fprintf(stderr, "fold_ask: %s: %s %s %s\n", what, err_name(e), fault->field, fault->text);
	exit(1);
}

/* What is asked. */
struct asked {
	struct replica *r;
	struct kept *kept;
	bool stale;
	struct arena a;
	uint64_t head;
};

static enum err put_line(struct asked *x, struct str line, struct fault *fault)
{
	struct kept *dropped = x->stale ? NULL : x->kept;
	struct arena *a = &x->a;
	struct event event;
	struct buf bytes;

	buf_init(&bytes, EVENT_BYTES_MAX);
	enum err e = json_read(&shape_event, line, a, &event, fault);
	if (!e)
		e = record_encode(&shape_event, &event, &bytes);
	const uint64_t seq = ++x->head;
	struct record rec = { .epoch = 1, .seq = seq, .recorded = (int64_t)seq,
			      .event = buf_str(&bytes) };
	if (!e)
		e = event_decode(rec.event, a, &event, fault);
	if (!e)
		e = replica_put(x->r, &event.id, &rec);
	if (!e)
		e = index_event(x->r, dropped, NULL, &rec, &event, a);
	buf_fini(&bytes);
	return e;
}

static void fill(struct asked *x, const char *path)
{
	static char line[LINE_MAX_BYTES];
	struct fault fault;
	FILE *f = fopen(path, "r");

	fault_init(&fault);
	if (!f)
		give_up(path, ERR_IO, &fault);
	enum err e = replica_begin(x->r);
	while (!e && fgets(line, sizeof(line), f)) {
		e = put_line(x, (struct str){ line, strcspn(line, "\n") }, &fault);
		arena_reset(&x->a);
		if (!e && x->head % COMMIT_EVENTS == 0)
			e = replica_commit(x->r);
		if (!e && x->head % COMMIT_EVENTS == 0)
			e = replica_begin(x->r);
	}
	if (!e)
		e = replica_commit(x->r);
	if (e)
		give_up("events", e, &fault);
	fclose(f);
}

static void publish(struct asked *x, struct str line)
{
	struct fault fault;

	fault_init(&fault);
	enum err e = replica_begin(x->r);
	if (!e)
		e = put_line(x, line, &fault);
	if (!e)
		e = replica_commit(x->r);
	if (e)
		give_up("publish", e, &fault);
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

static enum err answer_line(struct asked *x, struct kept *kept, struct str line, struct buf *out,
			    struct fault *fault)
{
	struct arena *a = &x->a;
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
		e = answers_answer(x->r, kept, (enum msg_type)shape->type, buf_str(&wire), a, &reply,
				   &answer, fault);
	if (!e)
		e = json_write(reply, answer, a, out);
	buf_fini(&wire);
	return e;
}

/* As a line of JSON. */
static void answer(struct asked *x, struct kept *kept, struct str line, struct buf *out)
{
	struct fault fault;

	fault_init(&fault);
	buf_clear(out);
	arena_reset(&x->a);
	if (replica_snap(x->r))
		give_up("snapshot", ERR_IO, &fault);
	const enum err e = answer_line(x, kept, line, out, &fault);
	replica_unsnap(x->r);
	if (!e)
		return;
	buf_clear(out);
	const struct str error = arena_printf(
		&x->a, "{\"error\": \"%s\", \"field\": \"%s\", \"text\": \"%s\"}", err_name(e),
		fault.field, strchr(fault.text, '"') ? "" : fault.text);
	if (buf_put(out, error.p, error.n))
		give_up("answer", ERR_NO_MEMORY, &fault);
}

static void answer_all(struct asked *x)
{
	static const char publishing[] = "publish ";
	static char line[LINE_MAX_BYTES];
	struct fault fault;
	struct buf plain, kept;

	fault_init(&fault);
	buf_init(&plain, (size_t)64 << 20);
	buf_init(&kept, (size_t)64 << 20);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, publishing, strlen(publishing)) == 0) {
			publish(x, str_of(line + strlen(publishing)));
			continue;
		}
		answer(x, NULL, str_of(line), &plain);
		answer(x, x->kept, str_of(line), &kept);
		if (!str_eq(buf_str(&plain), buf_str(&kept)))
			give_up("it was kept otherwise", ERR_INTERNAL, &fault);
		printf("%.*s\n", STR_ARG(buf_str(&plain)));
		fflush(stdout);
	}
	buf_fini(&plain);
	buf_fini(&kept);
}

int main(int argc, char **argv)
{
	const bool stale = argc > 1 && strcmp(argv[1], "--stale") == 0;
	struct asked x = { .stale = stale, .kept = kept_new(KEPT_BYTES, LARGE_FACTS) };
	struct fault fault;

	fault_init(&fault);
	if (argc != (stale ? 4 : 3))
		give_up("usage: fold_ask [--stale] DIR EVENTS.jsonl < QUESTIONS", ERR_USAGE, &fault);
	if (!x.kept)
		give_up("memory", ERR_NO_MEMORY, &fault);
	const enum err e = replica_open(argv[argc - 2], INDEX_VERSION, &x.r, &fault);
	if (e)
		give_up(argv[argc - 2], e, &fault);
	arena_init(&x.a, MEMORY_MAX);
	fill(&x, argv[argc - 1]);
	answer_all(&x);
	arena_fini(&x.a);
	replica_close(x.r);
	kept_free(x.kept);
	return 0;
}
