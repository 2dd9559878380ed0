/* SPDX-License-Identifier: Apache-2.0 */
/*
 * speak_postgres: PostgreSQL's protocol, version 3. One event is a prepared INSERT, a batch is one
 * COPY in its binary form: a transaction each, which with synchronous_commit is on disk when the
 * server is ready again. Questions are prepared statements.
 */
#include <stdio.h>

#include <arpa/inet.h>

#include "tests/bench/side/speaker.h"

#define COLUMNS 6
#define PROTOCOL_3 0x00030000u

static const char insert[] = "INSERT INTO event (id, deal, payer, stated, amount, body) "
			     "VALUES ($1, $2, $3, $4, $5, $6)";
static const char copy[] = "COPY event (id, deal, payer, stated, amount, body) "
			   "FROM STDIN (FORMAT binary)";
static const char get[] = "SELECT seq, body FROM event WHERE seq = $1";
/* what each payer had announced by a day, as far as it was public */
static const char as_of[] = "SELECT DISTINCT ON (payer) payer, amount, seq FROM event "
			    "WHERE deal = $1 AND stated <= $2 ORDER BY payer, stated DESC, seq DESC";

/* ---- bytes ---- */

static void put_u16(struct stream *s, unsigned n)
{
	const uint16_t be = htons((uint16_t)n);

	stream_put(s, &be, sizeof(be));
}

static void put_u32(struct stream *s, size_t n)
{
	const uint32_t be = htonl((uint32_t)n);

	stream_put(s, &be, sizeof(be));
}

static void put_field(struct stream *s, const void *p, size_t n)
{
	put_u32(s, n);
	stream_put(s, p, n);
}

/* A message's length is known when it ends: room for it, filled in afterwards. */
static size_t begin(struct stream *s, char type)
{
	stream_put(s, &type, 1);
	put_u32(s, 0);
	return s->out.n - 4;
}

static void end(struct stream *s, size_t at)
{
	const uint32_t be = htonl((uint32_t)(s->out.n - at));

	memcpy(s->out.p + at, &be, sizeof(be));
}

static void put_simple(struct stream *s, char type, const char *text)
{
	const size_t at = begin(s, type);

	stream_put(s, text, strlen(text) + 1);
	end(s, at);
}

static void put_empty(struct stream *s, char type)
{
	end(s, begin(s, type));
}

/* ---- answers ---- */

/* One whole message of the server. */
static bool message_here(struct str here, char *type, struct str *body)
{
	uint32_t n;

	if (here.n < 5)
		return false;
	memcpy(&n, here.p + 1, sizeof(n));
	n = ntohl(n);
	if (here.n - 1 < n)
		return false;
	*type = here.p[0];
	*body = (struct str){ here.p + 5, n - 4 };
	return true;
}

/* ReadyForQuery ends each request; rows are looked over on the way. */
static bool take_ready(struct talk *t)
{
	struct str body;
	char type;

	while (message_here(stream_here(&t->stream), &type, &body)) {
		if (type == 'E')
			stream_give_up("PostgreSQL", body);
		stream_take(&t->stream, body.n + 5);
		if (type == 'Z')
			return true;
	}
	return false;
}

static enum heard take_done(struct talk *t, uint64_t *tag)
{
	if (!take_ready(t))
		return heard_nothing;
	return waiting_pop(&t->waiting, tag) ? heard_answer : heard_nothing;
}

/* ---- requests ---- */

static void greet_with(struct talk *t, const char *statement)
{
	static const char who[] = "user\0bench\0database\0postgres\0";
	struct stream *s = &t->stream;

	put_u32(s, 8 + sizeof(who));
	put_u32(s, PROTOCOL_3);
	stream_put(s, who, sizeof(who));
	const size_t at = begin(s, 'P');
	stream_put(s, "s", 2);
	stream_put(s, statement, strlen(statement) + 1);
	put_u16(s, 0);
	end(s, at);
	put_empty(s, 'S');
	stream_flush_all(s);
	for (unsigned ready = 0; ready < 2;) { /* the session, then the statement */
		if (take_ready(t))
			ready++;
		else
			stream_await(s);
	}
}

static void greet_insert(struct talk *t)
{
	greet_with(t, insert);
}

static void greet_get(struct talk *t)
{
	greet_with(t, get);
}

static void greet_as_of(struct talk *t)
{
	greet_with(t, as_of);
}

/* An integer as PostgreSQL sends it, most significant byte first. */
static void put_int(struct stream *s, int64_t n, size_t size)
{
	uint8_t be[8];

	for (size_t i = 0; i < size; i++)
		be[i] = (uint8_t)((uint64_t)n >> 8 * (size - 1 - i));
	put_field(s, be, size);
}

static void put_row(struct stream *s, struct payload *p, uint64_t n)
{
	payload_set(p, n);
	put_u16(s, COLUMNS);
	put_field(s, p->id, ID_SIZE);
	put_field(s, p->deal, PAYLOAD_DEAL_SIZE);
	put_field(s, p->payer, PAYLOAD_PAYER_SIZE);
	put_int(s, payload_day(n), 4);
	put_int(s, payload_amount(n), 8);
	put_field(s, p->bytes, p->n);
}

/* Bind: unnamed portal, statement s, all parameters in binary; its values follow. */
static size_t begin_bind(struct stream *s)
{
	const size_t at = begin(s, 'B');

	stream_put(s, "\0s", 3);
	put_u16(s, 1);
	put_u16(s, 1);
	return at;
}

/* All results in binary; execute; and the transaction ends. */
static void end_bind(struct stream *s, size_t at)
{
	put_u16(s, 1);
	put_u16(s, 1);
	end(s, at);
	const size_t execute = begin(s, 'E');
	stream_put(s, "", 1);
	put_u32(s, 0);
	end(s, execute);
	put_empty(s, 'S');
}

static void put_insert(struct talk *t, const struct work *w)
{
	const size_t at = begin_bind(&t->stream);

	put_row(&t->stream, w->payload, w->first);
	end_bind(&t->stream, at);
}

static void put_copy(struct talk *t, const struct work *w)
{
	static const char signature[19] = "PGCOPY\n\377\r\n";
	struct stream *s = &t->stream;

	put_simple(s, 'Q', copy);
	const size_t at = begin(s, 'd');
	stream_put(s, signature, sizeof(signature));
	for (uint64_t i = 0; i < w->batch; i++)
		put_row(s, w->payload, w->first + i);
	put_u16(s, UINT16_MAX);
	end(s, at);
	put_empty(s, 'c');
}

static void put_publish(struct talk *t, const struct work *w)
{
	waiting_push(&t->waiting, w->tag, 1);
	if (w->batch == 1)
		put_insert(t, w);
	else
		put_copy(t, w);
}

static void put_get(struct talk *t, const struct work *w)
{
	const uint64_t seq = 1 + payload_mix(&w->payload->random) % w->head;
	const size_t at = begin_bind(&t->stream);

	waiting_push(&t->waiting, w->tag, 1);
	put_u16(&t->stream, 1);
	put_int(&t->stream, (int64_t)seq, 8);
	end_bind(&t->stream, at);
}

static void put_as_of(struct talk *t, const struct work *w)
{
	const uint64_t n = payload_mix(&w->payload->random);
	const uint64_t day = (n >> 40) % PAYLOAD_DAYS;
	char deal[PAYLOAD_DEAL_SIZE + 1];
	const size_t at = begin_bind(&t->stream);

	waiting_push(&t->waiting, w->tag, 1);
	payload_deal(n % w->head, deal);
	put_u16(&t->stream, 2);
	put_field(&t->stream, deal, PAYLOAD_DEAL_SIZE);
	put_int(&t->stream, payload_day(day * PAYLOAD_BLOCK), 4);
	end_bind(&t->stream, at);
}

const struct speaker speaker_postgres_publish = { "postgres.publish", greet_insert, put_publish,
						  take_done };
const struct speaker speaker_postgres_get = { "postgres.get", greet_get, put_get, take_done };
const struct speaker speaker_postgres_as_of = { "postgres.as_of", greet_as_of, put_as_of, take_done };
