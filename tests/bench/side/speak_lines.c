/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speak_lines: Redis (RESP) and NATS, whose answers are lines, and come in order.
 *
 * Redis: a batch is that many XADD in one write; a request is done when each has its id back, which
 * with appendfsync always is after the sync. NATS: a batch is that many PUB to a JetStream stream,
 * each with a subject to answer to; done when each has its acknowledgement, which JetStream sends
 * before it syncs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/side/speaker.h"

void waiting_push(struct waiting *w, uint64_t tag, uint64_t each)
{
	if (w->n == WAITING_MAX)
		stream_give_up("load", STR("more in flight than one connection takes"));
	w->each = each;
	w->tag[(w->at + w->n++) % WAITING_MAX] = tag;
}

bool waiting_pop(struct waiting *w, uint64_t *tag)
{
	if (w->n == 0)
		stream_give_up("load", STR("an answer that nobody asked for"));
	if (++w->come < w->each)
		return false;
	*tag = w->tag[w->at];
	w->at = (w->at + 1) % WAITING_MAX;
	w->n--;
	w->come = 0;
	return true;
}

bool speaker_line(struct str here, struct str *line)
{
	const char *end = here.n ? memchr(here.p, '\n', here.n) : NULL;

	if (!end)
		return false;
	*line = (struct str){ here.p, (size_t)(end - here.p) };
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

static bool starts(struct str s, const char *with)
{
	return s.n >= strlen(with) && memcmp(s.p, with, strlen(with)) == 0;
}

/* ---- Redis ---- */

static void greet_redis(struct talk *t)
{
	(void)t; /* it waits for us */
}

static void put_xadd(struct talk *t, const struct work *w)
{
	char head[96];

	waiting_push(&t->waiting, w->tag, w->batch);
	for (uint64_t i = 0; i < w->batch; i++) {
		payload_set(w->payload, w->first + i);
		const int n = snprintf(head, sizeof(head),
				       "*5\r\n$4\r\nXADD\r\n$6\r\nevents\r\n$1\r\n*\r\n$1\r\ne\r\n$%zu\r\n",
				       w->payload->n);
		stream_put(&t->stream, head, (size_t)n);
		stream_put(&t->stream, w->payload->bytes, w->payload->n);
		stream_put(&t->stream, "\r\n", 2);
	}
}

/* `$15`, and the id on a line of its own. */
static enum heard take_id(struct talk *t, uint64_t *tag)
{
	struct str line, id;

	for (;;) {
		const struct str here = stream_here(&t->stream);
		if (!speaker_line(here, &line))
			return heard_nothing;
		if (!starts(line, "$"))
			stream_give_up("Redis", line);
		const size_t first = line.n + 2;
		if (!speaker_line((struct str){ here.p + first, here.n - first }, &id))
			return heard_nothing;
		stream_take(&t->stream, first + id.n + 2);
		if (waiting_pop(&t->waiting, tag))
			return heard_answer;
	}
}

/* ---- NATS ---- */

static void greet_nats(struct talk *t)
{
	char text[160];
	struct str line = { 0 };
	const int n = snprintf(text, sizeof(text),
			       "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n"
			       "SUB _INBOX.%d.%u 1\r\nPING\r\n",
			       (int)getpid(), t->number);

	stream_put(&t->stream, text, (size_t)n);
	stream_flush_all(&t->stream);
	while (!starts(line, "PONG")) {
		while (!speaker_line(stream_here(&t->stream), &line))
			stream_await(&t->stream);
		if (starts(line, "-ERR"))
			stream_give_up("NATS", line);
		stream_take(&t->stream, line.n + 2);
	}
}

static void put_pub(struct talk *t, const struct work *w)
{
	char head[96];

	waiting_push(&t->waiting, w->tag, w->batch);
	for (uint64_t i = 0; i < w->batch; i++) {
		payload_set(w->payload, w->first + i);
		const int n = snprintf(head, sizeof(head), "PUB events _INBOX.%d.%u %zu\r\n",
				       (int)getpid(), t->number, w->payload->n);
		stream_put(&t->stream, head, (size_t)n);
		stream_put(&t->stream, w->payload->bytes, w->payload->n);
		stream_put(&t->stream, "\r\n", 2);
	}
}

/* `MSG subject sid [reply] size`, then so many bytes: {"stream":…,"seq":…}, or an error. */
static bool take_ack(struct talk *t, struct str here, struct str line)
{
	const char *space = memrchr(line.p, ' ', line.n);
	const size_t head = line.n + 2;
	const size_t size = space ? strtoul(space + 1, NULL, 10) : 0;

	if (here.n < head + size + 2)
		return false;
	const struct str body = { here.p + head, size };
	if (!size || memmem(body.p, body.n, "\"error\"", 7) || !memmem(body.p, body.n, "\"seq\"", 5))
		stream_give_up("NATS", size ? body : line);
	stream_take(&t->stream, head + size + 2);
	return true;
}

static enum heard take_acks(struct talk *t, uint64_t *tag)
{
	struct str line;

	for (;;) {
		const struct str here = stream_here(&t->stream);
		if (!speaker_line(here, &line))
			return heard_nothing;
		if (starts(line, "MSG ")) {
			if (!take_ack(t, here, line))
				return heard_nothing;
			if (waiting_pop(&t->waiting, tag))
				return heard_answer;
			continue;
		}
		if (starts(line, "-ERR"))
			stream_give_up("NATS", line);
		stream_take(&t->stream, line.n + 2);
		if (starts(line, "PING")) {
			stream_put(&t->stream, "PONG\r\n", 6);
			(void)stream_flush(&t->stream);
		}
	}
}

const struct speaker speaker_redis_publish = { "redis.publish", greet_redis, put_xadd, take_id };
const struct speaker speaker_nats_publish = { "nats.publish", greet_nats, put_pub, take_acks };
