/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speak_avow: Avow's protocol over ZMTP 3.0, the wire of ZeroMQ, spoken here without libzmq, so that
 * a load of 1,000 connections is one thread, as it is for every other peer. An echo behind the same
 * library speaks it too.
 */
#include "tests/bench/side/speaker.h"

#define FRAME_LONG 2u
#define FRAME_COMMAND 4u
#define GREETING_SIZE 64u
#define TTL_MS 60000u

/* ---- ZMTP ---- */

static void put_frame(struct stream *s, unsigned flags, struct str body)
{
	uint8_t head[9] = { (uint8_t)flags, (uint8_t)body.n };
	size_t n = 2;

	if (body.n > UINT8_MAX) {
		head[0] |= FRAME_LONG;
		for (size_t i = 0; i < 8; i++)
			head[1 + i] = (uint8_t)(body.n >> (56 - 8 * i));
		n = sizeof(head);
	}
	stream_put(s, head, n);
	stream_put(s, body.p, body.n);
}

/* One whole frame, where it is there. */
static bool frame_here(struct str here, unsigned *flags, struct str *body, size_t *whole)
{
	const uint8_t *p = (const uint8_t *)here.p;
	uint64_t n = 0;
	size_t head = 2;

	if (here.n < 2)
		return false;
	*flags = p[0];
	if (p[0] & FRAME_LONG) {
		head = 9;
		for (size_t i = 0; i < 8 && here.n >= head; i++)
			n = n << 8 | p[1 + i];
	} else {
		n = p[1];
	}
	if (here.n < head || here.n - head < n)
		return false;
	*body = (struct str){ here.p + head, n };
	*whole = head + n;
	return true;
}

/* A PING is answered with its own context; READY needs no answer. */
static void obey(struct stream *s, struct str command)
{
	struct buf pong;

	if (command.n < 7 || memcmp(command.p, "\4PING", 5) != 0)
		return;
	buf_init(&pong, 64);
	if (buf_put(&pong, "\4PONG", 5) || buf_put(&pong, command.p + 7, command.n - 7))
		stream_give_up("PING", STR("with a context that is too long"));
	put_frame(s, FRAME_COMMAND, buf_str(&pong));
	buf_fini(&pong);
	(void)stream_flush(s); /* what is left goes with the next request */
}

bool zmtp_next(struct stream *s, struct str *message, size_t *whole)
{
	unsigned flags;

	while (frame_here(stream_here(s), &flags, message, whole)) {
		if (!(flags & FRAME_COMMAND))
			return true;
		obey(s, *message);
		stream_take(s, *whole);
	}
	return false;
}

void zmtp_put(struct stream *s, struct str message)
{
	put_frame(s, 0, message);
}

void zmtp_greet(struct talk *t)
{
	static const char ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER";
	char greeting[GREETING_SIZE] = "\xff\0\0\0\0\0\0\0\0\x7f\3\0NULL";
	struct str body;
	unsigned flags;
	size_t whole;

	stream_put(&t->stream, greeting, sizeof(greeting));
	put_frame(&t->stream, FRAME_COMMAND, (struct str){ ready, sizeof(ready) - 1 });
	stream_flush_all(&t->stream);
	while (stream_here(&t->stream).n < GREETING_SIZE)
		stream_await(&t->stream);
	stream_take(&t->stream, GREETING_SIZE);
	while (!frame_here(stream_here(&t->stream), &flags, &body, &whole))
		stream_await(&t->stream);
	if (body.n < 6 || memcmp(body.p, "\5READY", 6) != 0)
		stream_give_up("instead of READY came", body);
	stream_take(&t->stream, whole);
}

/* ---- Avow ---- */

void avow_put(struct stream *s, const struct shape *shape, uint64_t rid, const void *message)
{
	const struct head head = { .rid = rid, .ttl_ms = TTL_MS };
	struct buf b;

	buf_init(&b, MSG_BYTES_MAX);
	const enum err e = msg_encode(shape, &head, message, &b);
	if (e)
		stream_give_up(shape->name, str_of(err_name(e)));
	zmtp_put(s, buf_str(&b));
	buf_fini(&b);
}

static void put_publish(struct talk *t, const struct work *w)
{
	struct publish p = { 0 };
	struct arena a;

	arena_init(&a, MSG_BYTES_MAX);
	p.events.v = arena_zalloc(&a, w->batch, sizeof(*p.events.v));
	for (; p.events.v && p.events.n < w->batch; p.events.n++) {
		payload_set(w->payload, w->first + p.events.n);
		p.events.v[p.events.n] =
			arena_str(&a, (struct str){ w->payload->bytes, w->payload->n });
	}
	if (!p.events.v || !p.events.v[w->batch - 1].p)
		stream_give_up("a batch", STR("no memory"));
	msg_mark(&p, publish, events);
	avow_put(&t->stream, &shape_publish, w->tag, &p);
	arena_fini(&a);
}

static void put_get(struct talk *t, const struct work *w)
{
	struct get g = { 0 };

	msg_set(&g, get, seq, 1 + payload_mix(&w->payload->random) % w->head);
	avow_put(&t->stream, &shape_get, w->tag, &g);
}

static void put_as_of(struct talk *t, const struct work *w)
{
	const uint64_t n = payload_mix(&w->payload->random);
	struct deal_figure f = { 0 };
	char deal[PAYLOAD_DEAL_SIZE + 1];

	payload_deal(n % w->head, deal);
	msg_set(&f, deal_figure, deal, str_of(deal));
	msg_set(&f.clocks, clocks, as_of, str_of(w->payload->days[(n >> 40) % PAYLOAD_DAYS]));
	msg_mark(&f, deal_figure, clocks);
	avow_put(&t->stream, &shape_deal_figure, w->tag, &f);
}

/* BUSY is an answer too: nothing was done. */
static enum heard take_error(struct str message)
{
	struct error error;
	struct fault fault;
	struct arena a;

	fault_init(&fault);
	arena_init(&a, MSG_BYTES_MAX);
	if (msg_decode(&shape_error, message, &a, &error, &fault))
		stream_give_up("an answer", str_of(fault.text));
	if (error.code != ERR_BUSY)
		stream_give_up("refused", error.text);
	arena_fini(&a);
	return heard_busy;
}

enum heard avow_next(struct stream *s, enum msg_type want, uint64_t *rid, struct str *message,
		     size_t *whole)
{
	struct fault fault;
	struct head head;

	if (!zmtp_next(s, message, whole))
		return heard_nothing;
	fault_init(&fault);
	if (msg_peek(*message, &head, &fault))
		stream_give_up("an answer", str_of(fault.text));
	if (head.type != want && head.type != MSG_error)
		stream_give_up("an answer", STR("is of another type"));
	*rid = head.rid;
	return head.type == MSG_error ? take_error(*message) : heard_answer;
}

static enum heard take_avow(struct talk *t, uint64_t *tag, enum msg_type want)
{
	struct str message;
	size_t whole;
	const enum heard heard = avow_next(&t->stream, want, tag, &message, &whole);

	if (heard != heard_nothing)
		stream_take(&t->stream, whole);
	return heard;
}

static enum heard take_published(struct talk *t, uint64_t *tag)
{
	return take_avow(t, tag, MSG_published);
}

static enum heard take_got(struct talk *t, uint64_t *tag)
{
	return take_avow(t, tag, MSG_got);
}

static enum heard take_figures(struct talk *t, uint64_t *tag)
{
	return take_avow(t, tag, MSG_deal_figures);
}

/* ---- an echo: the events' bytes there, and whatever comes back ---- */

static void put_echo(struct talk *t, const struct work *w)
{
	struct buf b;

	buf_init(&b, MSG_BYTES_MAX);
	for (uint64_t i = 0; i < w->batch; i++) {
		payload_set(w->payload, w->first + i);
		if (buf_put(&b, w->payload->bytes, w->payload->n))
			stream_give_up("a batch", STR("no memory"));
	}
	waiting_push(&t->waiting, w->tag, 1);
	zmtp_put(&t->stream, buf_str(&b));
	buf_fini(&b);
}

static enum heard take_echo(struct talk *t, uint64_t *tag)
{
	struct str message;
	size_t whole;

	if (!zmtp_next(&t->stream, &message, &whole))
		return heard_nothing;
	stream_take(&t->stream, whole);
	return waiting_pop(&t->waiting, tag) ? heard_answer : heard_nothing;
}

const struct speaker speaker_avow_publish = { "avow.publish", zmtp_greet, put_publish,
					      take_published };
const struct speaker speaker_avow_get = { "avow.get", zmtp_greet, put_get, take_got };
const struct speaker speaker_avow_as_of = { "avow.as_of", zmtp_greet, put_as_of, take_figures };
const struct speaker speaker_echo = { "echo", zmtp_greet, put_echo, take_echo };
