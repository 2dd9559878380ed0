/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: read, check the answer, move the position; after a break ask who answers now before going on.
 *
 * Waiting is cut into slices, so that a signal that comes between a check and a wait, and a stdout
 * that nobody reads any more, are noticed soon.
 */
#include "tools/reader.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 500
#define CONNECT_STEP_MS 20
#define RETRY_MS 100
#define RETRY_MAX_MS 2000
#define READ_BYTES (4u << 20)
#define CATCH_UP_MS 500
#define READER_ARENA_MAX ((size_t)64 << 20)

struct reader {
	struct cli *c;
	struct client *client;
	struct reader_options options;
	struct position at;
	int64_t since_us; /* 0: none */
	bool unsure;	  /* the connection broke: perhaps another ledger answers now */
	bool away;	  /* it was said that the service went away */
	struct arena arena;
};

static int64_t clock_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Whether it makes no sense to go on: a signal, or nobody reads what is printed. */
static bool is_over(int wait_ms)
{
	struct pollfd out = { STDOUT_FILENO, 0, 0 };

	if (cli_interrupted())
		return true;
	(void)poll(&out, 1, wait_ms);
	return cli_interrupted() || (out.revents & (POLLERR | POLLHUP));
}

static enum err over(struct fault *fault)
{
	(void)fault_set(fault, ERR_INTERRUPTED, NULL, "%s", "");
	return ERR_INTERRUPTED;
}

/* ---- one question ---- */

static enum err send(struct reader *r, const struct shape *request, const void *req, int timeout_ms,
		     uint64_t *rid, struct fault *fault)
{
	const int64_t until = clock_ms() + CLIENT_CONNECT_MS;
	enum err e;

	for (;;) {
		e = client_send(r->client, request, req, timeout_ms, rid, fault);
		if (e != ERR_BUSY)
			return e;
		if (clock_ms() >= until)
			return fault_set(fault, ERR_UNREACHABLE, NULL, "nobody answers at %s",
					 setting(&r->c->settings, setting_query));
		if (is_over(CONNECT_STEP_MS))
			return over(fault);
	}
}

static enum err ask(struct reader *r, const struct shape *request, const void *req,
		    const struct shape *want, void *answer, int timeout_ms, struct fault *fault)
{
	const int64_t until = clock_ms() + timeout_ms;
	struct head head;
	struct str wire;
	uint64_t rid;

	arena_reset(&r->arena);
	enum err e = send(r, request, req, timeout_ms, &rid, fault);
	if (e)
		return e;
	do {
		const int64_t left = until - clock_ms();
		e = client_next(r->client, left < SLICE_MS ? left > 0 ? (int)left : 0 : SLICE_MS,
				&head, &wire, fault);
		if (is_over(0))
			return over(fault);
		if (e == ERR_OK && head.rid == rid)
			return client_open_answer(&head, wire, want, answer, &r->arena, fault);
	} while ((e == ERR_OK || e == ERR_UNKNOWN || e == ERR_INTERRUPTED) && clock_ms() < until);
	return e ? e : ERR_UNKNOWN;
}

static enum err wrong_ledger(struct fault *fault, const char *what)
{
	return fault_set(fault, ERR_WRONG_LEDGER, NULL, "the service now holds another %s", what);
}

/* Ask who answers. `first`: take on its ledger, else compare with ours. */
static enum err greet(struct reader *r, bool first, struct fault *fault)
{
	struct hello hello = { 0 };
	struct welcome welcome;

	(void)client_broke(r->client);
	msg_set(&hello, hello, client, STR("avow " AVOW_VERSION));
	const enum err e = ask(r, &shape_hello, &hello, &shape_welcome, &welcome,
			       cli_timeout_ms(r->c), fault);
	if (e)
		return e;
	if (first)
		r->at = (struct position){ welcome.ledger, welcome.epoch, welcome.head };
	if (memcmp(&r->at.ledger, &welcome.ledger, sizeof(welcome.ledger)) != 0)
		return wrong_ledger(fault, "ledger than the one that was followed");
	if (r->at.epoch != welcome.epoch)
		return wrong_ledger(fault, "epoch of the ledger: it was restored");
	r->unsure = false;
	return ERR_OK;
}

/* ---- asking again ---- */

static bool is_passing(enum err e)
{
	const struct err_info *info = err_info(e);

	return e != ERR_INTERRUPTED && info && info->class == err_retry;
}

static void notice(struct reader *r, enum err e)
{
	if (!r->options.notices || r->away == (e != ERR_OK))
		return;
	r->away = e != ERR_OK;
	if (e)
		fprintf(stderr, "avow %s: the service does not answer (%s); trying again\n",
			r->c->cmd->name, err_name(e));
	else
		fprintf(stderr, "avow %s: the service answers again\n", r->c->cmd->name);
}

/* One read, asked again until it is answered. */
static enum err read_feed(struct reader *r, const struct read *read, struct events *out,
			  struct fault *fault)
{
	const int timeout_ms = (int)read->wait_ms + cli_timeout_ms(r->c);
	const int64_t begun = clock_ms();

	for (;;) {
		enum err e = r->unsure ? greet(r, false, fault) : ERR_OK;
		if (!e)
			e = ask(r, &shape_read, read, &shape_events, out, timeout_ms, fault);
		if (!e && client_broke(r->client)) {
			r->unsure = true; /* whose answer is it? */
			continue;
		}
		if (!is_passing(e)) {
			notice(r, ERR_OK);
			return e;
		}
		r->unsure = true;
		if (r->options.patience_ms && clock_ms() - begun >= r->options.patience_ms)
			return e;
		notice(r, e);
		const int64_t asked = fault->retry_after_ms;
		fault->retry_after_ms = FAULT_NONE;
		if (is_over(asked < RETRY_MS	   ? RETRY_MS
			    : asked > RETRY_MAX_MS ? RETRY_MAX_MS
						   : (int)asked))
			return over(fault);
	}
}

/* ---- opening ---- */

enum err reader_open(struct cli *c, const struct reader_options *options, struct reader **out,
		     struct fault *fault)
{
	const int64_t until = clock_ms() + cli_timeout_ms(c);
	struct reader *r = calloc(1, sizeof(*r));
	enum err e;

	*out = NULL;
	if (!r)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	arena_init(&r->arena, READER_ARENA_MAX);
	r->c = c;
	r->options = *options;
	e = client_open(setting(&c->settings, setting_query), &r->client, fault);
	if (!e)
		e = greet(r, true, fault);
	/* it answers, but cannot yet say whom it serves */
	while ((e == ERR_UNAVAILABLE || e == ERR_BUSY) && clock_ms() < until) {
		if (is_over(RETRY_MS))
			e = over(fault);
		else
			e = greet(r, true, fault);
	}
	if (e)
		reader_close(r);
	else
		*out = r;
	return e;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	client_close(r->client);
	arena_fini(&r->arena);
	free(r);
}

const struct position *reader_position(const struct reader *r)
{
	return &r->at;
}

enum err reader_seek(struct reader *r, const struct position *at, struct fault *fault)
{
	if (at->epoch && memcmp(&at->ledger, &r->at.ledger, sizeof(at->ledger)) != 0)
		return fault_set(fault, ERR_WRONG_LEDGER, NULL,
				 "the position is of another ledger than the one that answers");
	if (at->epoch && at->epoch != r->at.epoch) {
		fault->expected = (int64_t)at->epoch;
		fault->actual = (int64_t)r->at.epoch;
		return fault_set(fault, ERR_WRONG_LEDGER, NULL,
				 "the position is of another epoch of the ledger");
	}
	r->at.seq = at->seq;
	return ERR_OK;
}

void reader_seek_time(struct reader *r, int64_t since_us)
{
	r->at.seq = 0;
	r->since_us = since_us;
}

/* ---- reading ---- */

static enum err broken(struct fault *fault, const char *what, uint64_t seq)
{
	fault->seq = (int64_t)seq;
	return fault_set(fault, ERR_INTERNAL, NULL, "the service's answer has %s", what);
}

/* The events of an answer follow on each other and on `after`. `whole`: none may be missing. */
static enum err check(const struct reader *r, const struct events *got, uint64_t after, bool whole,
		      struct fault *fault)
{
	uint64_t seq = after;

	if (got->epoch != r->at.epoch)
		return wrong_ledger(fault, "epoch of the ledger: it was restored");
	for (size_t i = 0; i < got->events.n; i++) {
		const uint64_t next = got->events.v[i].seq;
		if (next <= seq)
			return broken(fault, "a repeat", next);
		if (whole && next != seq + 1)
			return broken(fault, "a gap", seq + 1);
		seq = next;
	}
	if (got->scanned_to < seq || (whole && got->scanned_to != seq))
		return broken(fault, "a position that does not fit its events", got->scanned_to);
	return ERR_OK;
}

static void begin(const struct reader *r, struct read *read, uint64_t limit)
{
	*read = (struct read){ 0 };
	msg_set(read, read, epoch, r->at.epoch);
	msg_set(read, read, limit, limit);
	msg_set(read, read, max_bytes, READ_BYTES);
	if (r->options.filter) {
		read->filter = *r->options.filter;
		msg_mark(read, read, filter);
	}
}

enum err reader_next(struct reader *r, uint64_t limit, uint64_t wait_ms, struct events *out,
		     struct fault *fault)
{
	struct read read;

	begin(r, &read, limit);
	msg_set(&read, read, after, r->at.seq);
	if (r->since_us)
		msg_set(&read, read, since, r->since_us);
	if (wait_ms)
		msg_set(&read, read, wait_ms, wait_ms);
	enum err e = read_feed(r, &read, out, fault);
	if (!e)
		e = check(r, out, r->at.seq, !r->options.filter && !r->since_us, fault);
	if (!e)
		r->at.seq = out->scanned_to;
	return e;
}

enum err reader_until(struct reader *r, uint64_t end, uint64_t limit, struct events *out,
		      struct fault *fault)
{
	const uint64_t before = r->at.seq;
	const int64_t until = clock_ms() + cli_timeout_ms(r->c);
	enum err e;

	require(before < end);
	do {
		e = reader_next(r, limit, CATCH_UP_MS, out, fault);
	} while (!e && r->at.seq == before && clock_ms() < until);
	if (!e && r->at.seq == before)
		return fault_set(fault, ERR_UNAVAILABLE, NULL, "the query service is at #%llu and does "
				 "not catch up with the ledger, which is at #%llu",
				 (unsigned long long)before, (unsigned long long)end);
	/* what is behind it was published while we read */
	while (!e && out->events.n && out->events.v[out->events.n - 1].seq > end)
		out->events.n--;
	return e;
}

enum err reader_last(struct reader *r, uint64_t n, uint64_t before, struct events *out,
		     struct fault *fault)
{
	struct read read;

	begin(r, &read, n);
	msg_set(&read, read, last, n);
	if (before)
		msg_set(&read, read, before, before);
	enum err e = read_feed(r, &read, out, fault);
	if (!e)
		e = check(r, out, 0, false, fault);
	if (!e && !before)
		r->at.seq = out->scanned_to;
	return e;
}
