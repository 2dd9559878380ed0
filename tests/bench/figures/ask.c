/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: questions to a query service, one after the other, and how long each took.
 *
 *     ask ENDPOINT < QUESTIONS
 *
 * Each line of QUESTIONS is the name of a message, a space, and the message in JSON. Each line of
 * the output: microseconds inside the service, microseconds from send to answer, bytes of the
 * answer; or the name of an error. What passed inside is the growth of the service's own counter
 * "<message>_us", read through `status` before and after the question; nobody else may ask.
 */
#include <stdio.h>
#include <stdlib.h>

#include "services/shared/client.h"
#include "services/shared/clock.h"

#define LINE_MAX_BYTES (1u << 20)
#define ARENA_MAX ((size_t)64 << 20)
#define TIMEOUT_MS 60000

static _Noreturn void give_up(const char *what, enum err e, const struct fault *fault)
{
	(void)fprintf(stderr, "ask: %s: %s %s\n", what, err_name(e), fault->text);
	exit(1);
}

static int64_t counter_of(struct client *c, const char *message, struct arena *a)
{
	const struct status ask = { 0 };
	struct state_of_service state;
	struct fault fault;
	char name[64];

	fault_init(&fault);
	arena_reset(a);
	const enum err e = client_ask(c, &shape_status, &ask, &shape_state_of_service, &state,
				      TIMEOUT_MS, a, &fault);
	if (e)
		give_up("status", e, &fault);
	(void)snprintf(name, sizeof(name), "%.48s_us", message);
	for (size_t i = 0; i < state.counters.n; i++)
		if (str_eq(state.counters.v[i].name, str_of(name)))
			return state.counters.v[i].value;
	return 0;
}

static const struct shape *shape_named(const char *name)
{
	for (int type = 1; type < MSG_COUNT; type++)
		if (strcmp(shape_of((enum msg_type)type)->name, name) == 0)
			return shape_of((enum msg_type)type);
	return NULL;
}

static enum err ask(struct client *c, const struct shape *shape, const char *json, struct arena *a,
		    int64_t *took_us, size_t *bytes, struct fault *fault)
{
	void *question = arena_zalloc(a, 1, shape->size);
	struct head head;
	struct str wire;
	uint64_t rid;

	if (!question)
		return ERR_NO_MEMORY;
	enum err e = json_read(shape, str_of(json), a, question, fault);
	if (e)
		return e;
	const int64_t begin_us = clock_mono_us();
	e = client_send(c, shape, question, TIMEOUT_MS, &rid, fault);
	if (!e)
		e = client_next(c, TIMEOUT_MS, &head, &wire, fault);
	if (e)
		return e;
	*took_us = clock_mono_us() - begin_us;
	*bytes = wire.n;
	if (head.type != MSG_error)
		return ERR_OK;
	struct error error;
	e = client_open_answer(&head, wire, &shape_error, &error, a, fault);
	return e ? e : ERR_INTERNAL;
}

static void line(struct client *c, char *text, struct arena *a)
{
	char *json = strchr(text, ' ');
	struct fault fault;
	int64_t took_us = 0;
	size_t bytes = 0;

	fault_init(&fault);
	if (!json)
		give_up(text, ERR_USAGE, &fault);
	*json++ = 0;
	const struct shape *shape = shape_named(text);
	if (!shape)
		give_up(text, ERR_UNKNOWN_MESSAGE, &fault);
	const int64_t before_us = counter_of(c, text, a);
	arena_reset(a);
	const enum err e = ask(c, shape, json, a, &took_us, &bytes, &fault);
	const int64_t inside_us = counter_of(c, text, a) - before_us;
	if (e)
		printf("%s %s\n", err_name(e), fault.text);
	else
		printf("%lld %lld %zu\n", (long long)inside_us, (long long)took_us, bytes);
}

int main(int argc, char **argv)
{
	static char text[LINE_MAX_BYTES];
	struct client *c;
	struct fault fault;
	struct arena a;

	fault_init(&fault);
	if (argc != 2)
		give_up("usage: ask ENDPOINT < QUESTIONS", ERR_USAGE, &fault);
	const enum err e = client_open(argv[1], &c, &fault);
	if (e)
		give_up(argv[1], e, &fault);
	arena_init(&a, ARENA_MAX);
	while (fgets(text, sizeof(text), stdin)) {
		text[strcspn(text, "\n")] = 0;
		line(c, text, &a);
	}
	arena_fini(&a);
	client_close(c);
	return 0;
}
