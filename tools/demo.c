/* SPDX-License-Identifier: Apache-2.0 */
/* demo: the sample deals, linked into the program as they stand in demo/ai-deals.jsonl. */
#include "tools/demo.h"

#include <stdio.h>

#include "tools/pipeline.h"

#define LINE_ARENA_MAX ((size_t)1 << 20)

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

enum err demo_publish(const char *ingest, int timeout_ms, uint64_t *created, uint64_t *exists,
		      uint64_t *last_seq, struct fault *fault)
{
	struct demo_run r = { .fault = fault };
	struct pipeline *p;
	enum err e = pipeline_open(ingest, timeout_ms, on_verdict, &r, &p, fault);

	if (!e)
		e = send_all(p, fault);
	pipeline_close(p);
	*created = r.created;
	*exists = r.exists;
	*last_seq = r.last_seq;
	return e ? e : r.e;
}

void demo_print_hints(const char *dir)
{
	static const char *const commands[] = { "show softbank-openai-2025 --as-of 2025-01-30",
						"history stargate", "watch --to openai --last 5" };

	puts("\nTry, in another terminal:\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  avow %s%s%s%s\n", dir ? "--dir " : "", dir ? dir : "", dir ? " " : "",
		       commands[i]);
	putchar('\n');
}
