/* SPDX-License-Identifier: Apache-2.0 */
/* demo: the sample deals, linked into the program as they stand in demo/ai-deals.jsonl. */
#include "tools/demo.h"

#include <stdio.h>
#include <time.h>

#include "services/shared/client.h"
#include "tools/cmd.h"
#include "tools/fail.h"
#include "tools/pipeline.h"

#define LINE_ARENA_MAX ((size_t)1 << 20)
#define TIMEOUT_MS 5000
#define TRIES_MAX 100
#define TRY_EVERY_MS 50

/* AVOW_DEMO_FILE is the path, given by the build */
__asm__(".section .rodata\n"
	".global avow_demo_begin, avow_demo_end\n"
	".type avow_demo_begin, @object\n"
	".type avow_demo_end, @object\n"
	"avow_demo_begin:\n"
	".incbin \"" AVOW_DEMO_FILE "\"\n"
	"avow_demo_end:\n"
	".byte 0\n"
	".previous\n");
extern const char avow_demo_begin[], avow_demo_end[];

struct demo_run {
	uint64_t created, exists, last_seq;
	enum err e;
	struct fault *fault;
};

static void on_verdict(void *arg, const struct verdict *v)
{
	struct demo_run *r = arg;

	if (v->code && !r->e) {
		r->e = v->code;
		*r->fault = *v->fault;
		r->fault->index = (int64_t)v->tag;
	}
	r->created += v->code == ERR_OK && v->outcome == outcome_created;
	r->exists += v->code == ERR_OK && v->outcome == outcome_exists;
	if (v->seq > r->last_seq)
		r->last_seq = v->seq;
}

static enum err send_line(struct pipeline *p, struct str line, uint64_t number, struct arena *a,
			  struct fault *fault)
{
	struct event event = { 0 };
	struct buf bytes;

	arena_reset(a);
	buf_init(&bytes, EVENT_BYTES_MAX);
	enum err e = json_read(&shape_event, line, a, &event, fault);
	if (!e)
		e = record_encode(&shape_event, &event, &bytes);
	if (!e)
		e = pipeline_add(p, buf_str(&bytes), number, (struct str){ 0 }, fault);
	buf_fini(&bytes);
	return e;
}

static enum err send_all(struct pipeline *p, struct fault *fault)
{
	struct arena a;
	enum err e = ERR_OK;
	uint64_t number = 1;

	arena_init(&a, LINE_ARENA_MAX);
	for (const char *at = avow_demo_begin; !e && at < avow_demo_end; number++) {
		const char *end = memchr(at, '\n', (size_t)(avow_demo_end - at));
		const size_t n = (size_t)((end ? end : avow_demo_end) - at);
		if (n)
			e = send_line(p, (struct str){ at, n }, number, &a, fault);
		at += n + 1;
	}
	arena_fini(&a);
	return e ? e : pipeline_finish(p, fault);
}

static enum err publish(const char *ingest, struct demo_run *r)
{
	struct pipeline *p;
	enum err e = pipeline_open(ingest, TIMEOUT_MS, on_verdict, r, &p, r->fault);

	if (!e)
		e = send_all(p, r->fault);
	pipeline_close(p);
	return e ? e : r->e;
}

/* Until query holds what was published, so that what is printed next works. */
static enum err await_query(const char *query, uint64_t seq, struct fault *fault)
{
	struct get request = { 0 };
	struct got got = { 0 };
	const struct timespec pause = { 0, TRY_EVERY_MS * 1000000 };
	struct client *client;
	struct arena a;
	enum err e = client_open(query, &client, fault);

	if (e)
		return e;
	arena_init(&a, LINE_ARENA_MAX);
	msg_set(&request, get, seq, seq);
	msg_set(&request, get, min_seq, seq);
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		e = client_ask(client, &shape_get, &request, &shape_got, &got, TIMEOUT_MS, &a, fault);
		if (e != ERR_UNAVAILABLE)
			break; /* else query has not met its ledger yet */
		(void)nanosleep(&pause, NULL);
	}
	arena_fini(&a);
	client_close(client);
	return e;
}

static void print_hints(const struct settings *s)
{
	static const char *const commands[] = { "show softbank-openai-2025 --as-of 2025-01-30",
						"history stargate", "watch --to openai --last 5" };
	/* what another terminal does not know by itself */
	const bool told = s->v[setting_dir].rank >= rank_variable;

	puts("\nTry, in another terminal:\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  avow %s%s%s\n", commands[i], told ? " --dir " : "",
		       told ? setting(s, setting_dir) : "");
	putchar('\n');
	(void)fflush(stdout); /* to a pipe as well: somebody may wait for it */
}

void *demo_thread(void *arg)
{
	const struct cli *c = arg;
	struct fault fault;
	struct demo_run r = { .fault = &fault };

	fault_init(&fault);
	enum err e = publish(setting(&c->settings, setting_ingest), &r);
	if (!e)
		e = await_query(setting(&c->settings, setting_query), r.last_seq, &fault);
	if (e) {
		fail_print("up --demo", &fault, NULL);
		return NULL;
	}
	printf("The sample deals are there: %llu events, %llu of them new.\n",
	       (unsigned long long)(r.created + r.exists), (unsigned long long)r.created);
	print_hints(&c->settings);
	return NULL;
}
