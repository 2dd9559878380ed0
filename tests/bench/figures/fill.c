/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill: publishes a world through ingest, in batches, and writes the same events as rows.
 *
 *     fill ENDPOINT ROWS SEED EVENTS DEALS PARTIES MOGUL_DEALS
 *
 * ROWS becomes a file that PostgreSQL's COPY reads: seq, deal, payer, payee, kind, rung, stated,
 * grade, basis, currency, low, high, adds, returned, ref, derived. The payer is the one that the
 * statement speaks for, so that the database need not look at declarations. The ledger must be
 * empty: row and event have the same seq. Prints one line: events, bytes of events, microseconds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "services/shared/client.h"
#include "services/shared/clock.h"
#include "tests/bench/figures/world.h"

#define BATCH 1000u
#define IN_FLIGHT 4u
#define TIMEOUT_MS 60000
#define ARENA_MAX ((size_t)64 << 20)

struct filling {
	struct world world;
	struct client *client;
	struct arena arena;
	uint64_t sent, confirmed, bytes;
	unsigned flying;
};

static _Noreturn void give_up(const char *what, enum err e, const struct fault *fault)
{
	(void)fprintf(stderr, "fill: %s: %s %s %s\n", what, err_name(e), fault ? fault->field : "",
		      fault ? fault->text : "");
	exit(1);
}

/* ---- rows ---- */

static void put_number(FILE *f, uint64_t number, char end)
{
	if (number)
		(void)fprintf(f, "%llu%c", (unsigned long long)number, end);
	else
		(void)fprintf(f, "\\N%c", end);
}

static void put_row(FILE *f, const struct world *w, const struct made *m)
{
	const bool amount = m->flags & MADE_AMOUNT;
	char day[DAY_TEXT_SIZE];

	day_format(WORLD_FIRST_DAY + m->stated, day);
	(void)fprintf(f, "%u\t", w->seq_of[m->n]);
	put_number(f, m->deal, '\t');
	put_number(f, made_payer(w, m), '\t');
	put_number(f, m->payee, '\t');
	(void)fprintf(f, "%s\t", enum_word(&enum_kind, m->kind));
	put_number(f, made_rung(m), '\t');
	(void)fprintf(f, "%s\t", day);
	put_number(f, m->grade, '\t');
	put_number(f, m->basis, '\t');
	(void)fprintf(f, "%s\t", amount ? world_currency(m->currency) : "\\N");
	put_number(f, amount ? (uint64_t)m->low : 0, '\t');
	put_number(f, amount && !(m->flags & MADE_MORE_THAN) ? (uint64_t)m->high : 0, '\t');
	(void)fprintf(f, "%c\t%c\t", m->flags & MADE_ADDS ? 't' : 'f',
		      m->flags & MADE_RETURNED ? 't' : 'f');
	put_number(f, m->ref ? w->seq_of[m->ref] : 0, '\t');
	put_number(f, m->derived ? w->seq_of[m->derived] : 0, '\n');
}

static void write_rows(const struct world *w, const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		give_up(path, ERR_IO, NULL);
	for (size_t i = 0; i < w->n; i++)
		put_row(f, w, &w->v[i]);
	if (fclose(f))
		give_up(path, ERR_IO, NULL);
}

/* ---- events ---- */

static void send_batch(struct filling *f)
{
	const uint64_t left = f->world.n - f->sent;
	struct publish p = { 0 };
	struct fault fault;
	uint64_t rid;

	fault_init(&fault);
	arena_reset(&f->arena);
	p.events.v = arena_alloc(&f->arena, BATCH * sizeof(*p.events.v));
	if (!p.events.v)
		give_up("batch", ERR_NO_MEMORY, &fault);
	for (; p.events.n < BATCH && p.events.n < left; p.events.n++) {
		const struct made *m = &f->world.v[f->sent + p.events.n];
		struct str *bytes = &p.events.v[p.events.n];
		const enum err e = made_encode(&f->world, m, &f->arena, bytes);
		if (e)
			give_up("event", e, &fault);
		f->bytes += bytes->n;
	}
	msg_mark(&p, publish, events);
	const enum err e = client_send(f->client, &shape_publish, &p, TIMEOUT_MS, &rid, &fault);
	if (e)
		give_up("publish", e, &fault);
	f->sent += p.events.n;
	f->flying++;
}

static void take_receipt(struct filling *f)
{
	struct published published;
	struct fault fault;
	struct head head;
	struct str wire;

	fault_init(&fault);
	arena_reset(&f->arena);
	enum err e = client_next(f->client, TIMEOUT_MS, &head, &wire, &fault);
	if (!e)
		e = client_open_answer(&head, wire, &shape_published, &published, &f->arena, &fault);
	struct error error;
	if (e && head.type == MSG_error &&
	    msg_decode(&shape_error, wire, &f->arena, &error, NULL) == ERR_OK && error.faults.n)
		(void)fprintf(stderr, "fill: event %llu: %.*s %.*s\n",
			      (unsigned long long)(f->confirmed + 1 + error.faults.v[0].index),
			      STR_ARG(error.faults.v[0].field), STR_ARG(error.faults.v[0].text));
	if (e)
		give_up("publish", e, &fault);
	for (size_t i = 0; i < published.receipts.n; i++) {
		const struct receipt *r = &published.receipts.v[i];
		if (r->first != f->confirmed + 1)
			give_up("the ledger was not empty, or events came out of order", ERR_INTERNAL,
				&fault);
		f->confirmed = r->last;
	}
	f->flying--;
}

/* The connection stands before the time is taken. */
static void connect_to(struct filling *f, const char *endpoint)
{
	const struct hello hello = { 0 };
	struct welcome welcome;
	struct fault fault;

	fault_init(&fault);
	arena_init(&f->arena, ARENA_MAX);
	enum err e = client_open(endpoint, &f->client, &fault);
	if (!e)
		e = client_ask(f->client, &shape_hello, &hello, &shape_welcome, &welcome, TIMEOUT_MS,
			       &f->arena, &fault);
	if (e)
		give_up(endpoint, e, &fault);
}

static uint32_t number(const char *text)
{
	char *end;
	const unsigned long n = strtoul(text, &end, 10);

	if (*end || n > UINT32_MAX)
		give_up(text, ERR_USAGE, NULL);
	return (uint32_t)n;
}

int main(int argc, char **argv)
{
	static struct filling f;
	struct fault fault;

	fault_init(&fault);
	if (argc != 8)
		give_up("usage: fill ENDPOINT ROWS SEED EVENTS DEALS PARTIES MOGUL_DEALS", ERR_USAGE,
			&fault);
	const struct world_size size = { number(argv[3]), number(argv[4]), number(argv[5]),
					 number(argv[6]), number(argv[7]) };
	if (!world_make(&f.world, &size))
		give_up("no memory, or no world of this size", ERR_USAGE, &fault);
	write_rows(&f.world, argv[2]);
	connect_to(&f, argv[1]);
	const int64_t begin_us = clock_mono_us();
	while (f.confirmed < f.world.n) {
		if (f.sent < f.world.n && f.flying < IN_FLIGHT)
			send_batch(&f);
		else
			take_receipt(&f);
	}
	printf("%llu %llu %lld\n", (unsigned long long)f.confirmed, (unsigned long long)f.bytes,
	       (long long)(clock_mono_us() - begin_us));
	client_close(f.client);
	arena_fini(&f.arena);
	world_free(&f.world);
	return 0;
}
