/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: nothing is told before the replica holds it durably, so that nobody hears of an event that
 * a restart would take back.
 */
#include "services/query/query.h"

#include <stdlib.h>

#include "services/fold/kept.h"
#include "services/query/answers.h"
#include "services/query/feed.h"
#include "services/query/paces.h"
#include "services/query/questions.h"
#include "services/query/reader.h"

struct query {
	struct replica *replica;
	struct kept *kept;
	struct sender people, tape;
	struct feed *feed;
	struct reader *reader;
	struct questions *questions;
	int64_t started_us, beacon_ms;
	uint64_t count_requests, count_refused, started_anew;
	struct paces paces;
	enum msg_type taken; /* question or read in hand; MSG_NONE: something else */
};

struct query *query_new(struct replica *replica, struct query_outlets outlets, struct now now)
{
	struct query *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->replica = replica;
	q->started_us = now.wall_us;
	q->beacon_ms = now.mono_ms;
	const enum err people = sender_init(&q->people, outlets.people);
	const enum err tape = sender_init(&q->tape, outlets.tape);
	q->kept = kept_new(KEPT_BYTES_MAX, KEPT_LARGE_FACTS);
	q->feed = feed_new(replica, q->kept, outlets.ledger, now);
	q->reader = reader_new(replica, &q->people);
	q->questions = questions_new(replica, q->kept, &q->people);
	if (people || tape || !q->kept || !q->feed || !q->reader || !q->questions) {
		query_free(q);
		return NULL;
	}
	return q;
}

void query_free(struct query *q)
{
	if (!q)
		return;
	feed_free(q->feed);
	reader_free(q->reader);
	questions_free(q->questions);
	kept_free(q->kept);
	sender_fini(&q->people);
	sender_fini(&q->tape);
	free(q);
}

bool query_knows_ledger(const struct query *q)
{
	return feed_state(q->feed, (struct now){ 0 }).greeted;
}

void query_started_anew(struct query *q, uint64_t times)
{
	q->started_anew = times;
}

void query_crowded(struct query *q, bool crowded)
{
	reader_crowded(q->reader, crowded);
}

/* ---- people ---- */

static bool is_bound(const struct replica_info *info)
{
	static const struct id none;

	return memcmp(info->ledger.b, none.b, ID_SIZE) != 0;
}

/* Whether there is anything to serve from. */
static enum err check_serving(struct query *q, struct now now, struct fault *fault)
{
	struct replica_info info;

	replica_info(q->replica, &info);
	if (feed_state(q->feed, now).foreign)
		return fault_set(fault, ERR_WRONG_LEDGER, NULL,
				 "the ledger behind this service is not the one of its replica");
	if (!is_bound(&info))
		return fault_set(fault, ERR_UNAVAILABLE, NULL,
				 "this service has not reached its ledger yet");
	return ERR_OK;
}

static void take_hello(struct query *q, const struct request *r, struct now now)
{
	struct replica_info info;
	struct welcome w;

	replica_info(q->replica, &info);
	welcome_init(&w, "query", now.wall_us);
	msg_set(&w, welcome, ledger, info.ledger);
	msg_set(&w, welcome, epoch, info.epoch);
	msg_set(&w, welcome, head, info.head);
	msg_set(&w.limits, limits, message_bytes, QUERY_MESSAGE_MAX);
	sender_answer(&q->people, r->from, r->head.rid, &shape_welcome, &w);
}

static void take_status(struct query *q, const struct request *r, struct now now)
{
	const struct feed_state feed = feed_state(q->feed, now);
	struct counters counters = { .n = 0 };
	struct state_of_service s;
	struct replica_info info;
	uint64_t log_bytes, in_reach, file_bytes;

	replica_info(q->replica, &info);
	state_init(&s, "query", q->started_us, now.wall_us);
	if (is_bound(&info)) {
		msg_set(&s, state_of_service, ledger, info.ledger);
		msg_set(&s, state_of_service, epoch, info.epoch);
		msg_set(&s, state_of_service, head, info.head);
		msg_set(&s, state_of_service, upstream_head, feed.upstream_head);
	}
	msg_set(&s, state_of_service, upstream_ok, feed.answers && !feed.foreign);
	counters_add(&counters, "requests", q->count_requests);
	counters_add(&counters, "refused", q->count_refused);
	counters_add(&counters, "readers_waiting", reader_waiting(q->reader));
	counters_add(&counters, "questions_waiting", questions_waiting(q->questions));
	counters_add(&counters, "feed_reads", feed.reads);
	counters_add(&counters, "feed_events", feed.events);
	counters_add(&counters, "feed_undecodable", feed.undecodable);
	counters_add(&counters, "feed_trouble", (uint64_t)feed.trouble);
	counters_add(&counters, "ledger_silent_ms", feed.silent_ms);
	counters_add(&counters, "foreign_ledger", feed.foreign);
	counters_add(&counters, "damaged", replica_damage(q->replica)->count);
	counters_add(&counters, "damaged_seq", replica_damage(q->replica)->first_seq);
	counters_add(&counters, "unsent", q->people.failed);
	counters_add(&counters, "started_anew", q->started_anew);
	if (replica_log_bytes(q->replica, &log_bytes) == ERR_OK)
		counters_add(&counters, "log_bytes", log_bytes);
	if (replica_reach(q->replica, &in_reach, &file_bytes) == ERR_OK) {
		counters_add(&counters, "file_bytes", file_bytes);
		counters_add(&counters, "in_reach_bytes", in_reach);
	}
	paces_count(&q->paces, &counters);
	counters_into(&counters, &s);
	sender_answer(&q->people, r->from, r->head.rid, &shape_state_of_service, &s);
}

void query_take(struct query *q, const struct parcel *parcel, struct now now)
{
	struct request r;
	struct fault fault;

	q->count_requests++;
	q->taken = MSG_NONE;
	if (!request_open(&r, parcel, now, &q->people)) {
		q->count_refused++;
		return;
	}
	fault_init(&fault);
	if (r.head.type == MSG_status) {
		take_status(q, &r, now);
		return;
	}
	const bool known = r.head.type == MSG_hello || r.head.type == MSG_read ||
			   answers_takes(r.head.type);
	fault.code = known ? check_serving(q, now, &fault)
			   : fault_set(&fault, ERR_UNKNOWN_MESSAGE, "type",
				       "query answers hello, read, status and questions");
	if (fault.code) {
		q->count_refused++;
		sender_refuse(&q->people, r.from, r.head.rid, &fault);
	} else if (r.head.type == MSG_hello) {
		take_hello(q, &r, now);
	} else if (r.head.type == MSG_read) {
		q->taken = r.head.type;
		reader_take(q->reader, &r, now);
	} else {
		q->taken = r.head.type;
		questions_take(q->questions, &r);
	}
}

void query_put_off(struct query *q, const struct parcel *parcel, struct now now)
{
	struct request r;
	struct fault fault;

	q->count_requests++;
	q->count_refused++;
	q->taken = MSG_NONE;
	if (!request_open(&r, parcel, now, &q->people))
		return;
	fault_init(&fault);
	fault.retry_after_ms = QUERY_BUSY_MS;
	(void)fault_set(&fault, ERR_BUSY, NULL, "earlier answers to this connection are not taken yet");
	sender_refuse(&q->people, r.from, r.head.rid, &fault);
}

void query_took(struct query *q, uint64_t us)
{
	if (q->taken)
		paces_add(&q->paces, q->taken, us);
}

/* ---- the tape ---- */

static void beacon(struct query *q, struct now now)
{
	struct replica_info info;
	struct beacon b = { 0 };

	q->beacon_ms = now.mono_ms;
	replica_info(q->replica, &info);
	if (!is_bound(&info))
		return;
	msg_set(&b, beacon, ledger, info.ledger);
	msg_set(&b, beacon, epoch, info.epoch);
	msg_set(&b, beacon, head, info.head);
	msg_set(&b, beacon, time, now.wall_us);
	/* what the tape loses is repaired by read */
	const enum err e = sender_ask(&q->tape, 0, 0, &shape_beacon, &b);
	(void)e;
}

static void to_tape(struct query *q, const struct news *news, struct now now)
{
	for (size_t i = 0; i < news->n; i++) {
		const struct record *rec = &news->records[i];
		struct event_on_tape t = { 0 };
		msg_set(&t, event_on_tape, entry,
			entry_make(rec->epoch, rec->seq, rec->recorded, rec->event));
		const enum err e = sender_ask(&q->tape, 0, 0, &shape_event_on_tape, &t);
		(void)e;
	}
	beacon(q, now);
}

/* ---- the ledger ---- */

enum err query_hear(struct query *q, struct str wire, struct now now)
{
	struct fault fault;
	struct news news;

	const enum err e = feed_hear(q->feed, wire, now, &news);
	if (e)
		return e;
	if (news.n) {
		reader_news(q->reader, &news, now);
		questions_news(q->questions);
		to_tape(q, &news, now);
	}
	fault_init(&fault);
	if (reader_waiting(q->reader) + questions_waiting(q->questions) > 0 &&
	    check_serving(q, now, &fault)) {
		reader_refuse_all(q->reader, &fault);
		questions_refuse_all(q->questions, &fault);
	}
	return ERR_OK;
}

int query_tick(struct query *q, struct now now)
{
	const int waits[] = { reader_tick(q->reader, now), questions_tick(q->questions, now) };
	int next_ms = feed_tick(q->feed, now);

	if (now.mono_ms - q->beacon_ms >= QUERY_BEACON_MS && !feed_state(q->feed, now).foreign)
		beacon(q, now);
	for (size_t i = 0; i < ARRAY_LEN(waits); i++)
		if (waits[i] >= 0 && waits[i] < next_ms)
			next_ms = waits[i];
	const int64_t beacon_ms = q->beacon_ms + QUERY_BEACON_MS - now.mono_ms;
	if (beacon_ms < next_ms)
		next_ms = beacon_ms > 0 ? (int)beacon_ms : QUERY_BEACON_MS;
	return next_ms;
}
