/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger: many publishers' requests in one log commit.
 *
 * Requests are kept until the end of the turn, so that a log commit can be begun again without the
 * one that spoils it. Those who only read wait as well, and see what was just written.
 */
#include "services/ledger/ledger.h"

#include <stdlib.h>

#define TURN_ARENA_MAX ((size_t)48 << 20)
#define READ_ARENA_MAX ((size_t)16 << 20)

/* One request of the turn. */
struct asked {
	struct request r;
	struct publish publish;
	struct admission admission;
	enum err outcome; /* of a publish: ERR_OK, a refusal in admission.error, or a plain error */
	bool excluded;	  /* it cannot be put, and shall not keep the others out */
};

/* Somebody who waits for events behind `after`. */
struct parked {
	struct peer from;
	uint64_t rid, after;
	struct slice_limits limits;
	int64_t until_ms;
};

struct ledger {
	struct log *log;
	struct sender sender;
	struct arena arena;	 /* of the turn */
	struct arena read_arena; /* of one answer to read */
	struct asked *asked;
	size_t nasked, npublish;
	struct parked *parked;
	size_t nparked;
	int64_t started_us;
	uint64_t count_requests, count_events, count_commits, count_refused, count_failed, started_anew;
	uint64_t count_damaged, damaged_seq; /* how often damage was met; the first event that is */
	uint64_t verified_to, count_verified, count_passes; /* see ledger_verify */
	int64_t verify_ms;				    /* when the next pass begins */
};

struct ledger *ledger_new(struct log *log, struct outlet outlet, struct now now)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->log = log;
	l->started_us = now.wall_us;
	arena_init(&l->arena, TURN_ARENA_MAX);
	arena_init(&l->read_arena, READ_ARENA_MAX);
	l->asked = calloc(LEDGER_TURN_REQUESTS, sizeof(*l->asked));
	l->parked = calloc(LEDGER_PARKED_MAX, sizeof(*l->parked));
	if (sender_init(&l->sender, outlet) || !l->asked || !l->parked) {
		ledger_free(l);
		return NULL;
	}
	return l;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	sender_fini(&l->sender);
	arena_fini(&l->arena);
	arena_fini(&l->read_arena);
	free(l->asked);
	free(l->parked);
	free(l);
}

/* ---- taking ---- */

static void refuse(struct ledger *l, const struct request *r, const struct fault *fault)
{
	l->count_refused++;
	sender_refuse(&l->sender, r->from, r->head.rid, fault);
}

static enum err open_publish(struct ledger *l, struct asked *q, struct fault *fault)
{
	const enum err e = msg_decode(&shape_publish, q->r.wire, &l->arena, &q->publish, fault);

	return e ? e : publish_check(&q->publish, fault);
}

void ledger_take(struct ledger *l, const struct parcel *parcel, struct now now)
{
	struct fault fault;

	require(l->nasked < LEDGER_TURN_REQUESTS);
	struct asked *q = &l->asked[l->nasked];
	*q = (struct asked){ 0 };
	l->count_requests++;
	if (!request_open(&q->r, parcel, now, &l->sender)) {
		l->count_refused++;
		return;
	}
	fault_init(&fault);
	switch (q->r.head.type) {
	case MSG_hello:
	case MSG_read:
	case MSG_status:
		break;
	case MSG_publish:
		fault.code = open_publish(l, q, &fault);
		if (fault.code) {
			refuse(l, &q->r, &fault);
			return;
		}
		l->npublish++;
		break;
	default:
		(void)fault_set(&fault, ERR_UNKNOWN_MESSAGE, "type",
				"the ledger answers hello, publish, read and status");
		refuse(l, &q->r, &fault);
		return;
	}
	l->nasked++;
}

size_t ledger_publishers(const struct ledger *l)
{
	return l->npublish;
}

/* ---- committing ---- */

static bool is_publish(const struct asked *q)
{
	return q->r.head.type == MSG_publish && !q->excluded;
}

/* Errors of admitting one publish that concern the whole log commit. */
static bool is_whole(enum err e)
{
	return e == ERR_IO || e == ERR_NO_SPACE || e == ERR_INTERNAL;
}

/* Decide on one publish and put its events. */
static enum err admit(struct ledger *l, struct asked *q, struct now now)
{
	if (now.mono_ms > q->r.deadline_ms) {
		q->outcome = ERR_DEADLINE;
		return ERR_OK;
	}
	q->outcome = admit_decide(l->log, &q->publish, &l->arena, &q->admission);
	if (is_whole(q->outcome))
		return q->outcome;
	if (q->outcome || q->admission.fresh == 0)
		return ERR_OK;
	const enum err e = admit_put(l->log, &q->admission, now.wall_us);
	if (!e || is_whole(e))
		return e;
	/*
	 * One of its events cannot be put (its deal's revision is damaged) after others were: it is
	 * refused, and the log commit begins again without it.
	 */
	q->outcome = e;
	q->excluded = true;
	return ERR_BUSY;
}

/*
 * One log commit with the requests from `first` on, as many as it takes; *end is the first that is
 * not in. ERR_BUSY: begin it again.
 */
static enum err commit_from(struct ledger *l, size_t first, size_t *end, struct now now)
{
	size_t fresh = 0, i;

	enum err e = log_begin(l->log);
	if (e)
		return e;
	for (i = first; !e && i < l->nasked; i++) {
		struct asked *q = &l->asked[i];
		if (!is_publish(q))
			continue;
		if (fresh + q->publish.events.n > LOG_COMMIT_EVENTS_MAX)
			break;
		e = admit(l, q, now);
		fresh += e || q->outcome ? 0 : q->admission.fresh;
	}
	*end = i;
	if (e || fresh == 0) {
		log_abort(l->log);
		return e;
	}
	e = log_commit(l->log);
	if (!e) {
		l->count_commits++;
		l->count_events += fresh;
	}
	return e;
}

/* The same until it is done, or cannot be done. */
static enum err commit_some(struct ledger *l, size_t first, size_t *end, struct now now)
{
	bool grown = false;

	/* each round but two excludes a request, and there are so many of them */
	for (size_t round = 0; round <= LEDGER_TURN_REQUESTS + 2; round++) {
		const enum err e = commit_from(l, first, end, now);
		if (e == ERR_NO_SPACE && !grown)
			grown = true; /* the map grows in log_begin */
		else if (e != ERR_BUSY)
			return e;
	}
	return ERR_INTERNAL;
}

static void fail_from(struct ledger *l, size_t first, enum err outcome)
{
	for (size_t i = first; i < l->nasked; i++) {
		if (!is_publish(&l->asked[i]))
			continue;
		l->asked[i].outcome = outcome;
		l->asked[i].admission.error.has = 0;
	}
}

/*
 * Nothing can be written, because of `why`. Whose events are all there already still gets the first
 * receipt, and what would be refused in any case is.
 */
static void refuse_new(struct ledger *l, size_t first, enum err why, struct now now)
{
	fail_from(l, first, why);
	if (log_look(l->log))
		return;
	for (size_t i = first; i < l->nasked; i++) {
		struct asked *q = &l->asked[i];
		if (!is_publish(q))
			continue;
		q->outcome = now.mono_ms > q->r.deadline_ms
				     ? ERR_DEADLINE
				     : admit_decide(l->log, &q->publish, &l->arena, &q->admission);
		if (!q->outcome && q->admission.fresh > 0)
			q->outcome = why;
	}
	log_abort(l->log);
}

enum err ledger_commit(struct ledger *l, struct now now)
{
	size_t end = l->nasked;

	for (size_t first = 0; l->npublish > 0 && first < l->nasked; first = end) {
		const enum err e = commit_some(l, first, &end, now);
		if (!e)
			continue;
		l->count_failed++;
		if (e == ERR_IO) {
			fail_from(l, first, ERR_UNKNOWN);
			return e;
		}
		refuse_new(l, first, e, now);
		return ERR_OK;
	}
	return ERR_OK;
}

/* ---- replying ---- */

static void reply_publish(struct ledger *l, struct asked *q)
{
	struct published answer;

	/* no memory for a receipt: what it is about is written, so this is no refusal */
	if (!q->outcome && admit_answer(&q->admission, &l->arena, &answer))
		q->outcome = ERR_UNKNOWN;
	if (!q->outcome) {
		sender_answer(&l->sender, q->r.from, q->r.head.rid, &shape_published, &answer);
		return;
	}
	l->count_refused++;
	if (q->admission.error.has) {
		sender_answer(&l->sender, q->r.from, q->r.head.rid, &shape_error, &q->admission.error);
		return;
	}
	sender_refuse_as(&l->sender, q->r.from, q->r.head.rid, q->outcome, "");
}

static void reply_hello(struct ledger *l, const struct request *r, struct now now)
{
	struct log_info info;
	struct welcome w;

	log_info(l->log, &info);
	welcome_init(&w, "ledger", now.wall_us);
	msg_set(&w, welcome, ledger, info.ledger);
	msg_set(&w, welcome, epoch, info.epoch);
	msg_set(&w, welcome, head, info.head);
	sender_answer(&l->sender, r->from, r->head.rid, &shape_welcome, &w);
}

static void reply_status(struct ledger *l, const struct request *r, struct now now)
{
	struct state_of_service s;
	struct counters counters = { .n = 0 };
	struct log_info info;

	log_info(l->log, &info);
	state_init(&s, "ledger", l->started_us, now.wall_us);
	msg_set(&s, state_of_service, ledger, info.ledger);
	msg_set(&s, state_of_service, epoch, info.epoch);
	msg_set(&s, state_of_service, head, info.head);
	counters_add(&counters, "requests", l->count_requests);
	counters_add(&counters, "refused", l->count_refused);
	counters_add(&counters, "events", l->count_events);
	counters_add(&counters, "log_commits", l->count_commits);
	counters_add(&counters, "log_commits_failed", l->count_failed);
	counters_add(&counters, "no_space", !log_has_room(l->log));
	counters_add(&counters, "damaged", l->count_damaged);
	counters_add(&counters, "damaged_seq", l->damaged_seq);
	counters_add(&counters, "verified", l->count_verified);
	counters_add(&counters, "verified_to", l->verified_to);
	counters_add(&counters, "verify_passes", l->count_passes);
	counters_add(&counters, "waiting", l->nparked);
	counters_add(&counters, "unsent", l->sender.failed);
	counters_add(&counters, "started_anew", l->started_anew);
	counters_into(&counters, &s);
	sender_answer(&l->sender, r->from, r->head.rid, &shape_state_of_service, &s);
}

static void note_damage(struct ledger *l, uint64_t seq)
{
	l->count_damaged++;
	if (!l->damaged_seq)
		l->damaged_seq = seq;
}

enum err ledger_verify(struct ledger *l, struct now now, bool *more)
{
	struct log_info info;
	uint64_t to, damaged;

	*more = false;
	if (now.mono_ms < l->verify_ms)
		return ERR_OK;
	const enum err e = log_verify(l->log, l->verified_to, LEDGER_VERIFY_EVENTS, &to, &damaged);
	if (e)
		return e == ERR_IO ? e : ERR_OK;
	if (damaged)
		note_damage(l, damaged);
	log_info(l->log, &info);
	l->count_verified += to - l->verified_to;
	l->verified_to = to;
	*more = to < info.head;
	if (!*more) {
		l->count_passes++;
		l->verified_to = 0;
		l->verify_ms = now.mono_ms + LEDGER_VERIFY_MS;
	}
	return ERR_OK;
}

/* The slice behind `after` as an answer, or the error of reading it. */
static void send_events(struct ledger *l, const struct peer *to, uint64_t rid, uint64_t after,
			struct slice_limits limits)
{
	struct record_list records;
	struct log_info info;
	struct fault fault;
	struct events answer = { 0 };

	arena_reset(&l->read_arena);
	fault_init(&fault);
	fault.code = log_read(l->log, after, limits, &l->read_arena, &records, &fault);
	struct entry *entries = NULL;
	if (!fault.code) {
		entries = arena_alloc(&l->read_arena, records.n * sizeof(*entries));
		if (!entries)
			fault.code = ERR_NO_MEMORY;
	}
	if (fault.code == ERR_DAMAGED)
		note_damage(l, (uint64_t)fault.seq);
	if (fault.code) {
		sender_refuse(&l->sender, to, rid, &fault);
		return;
	}
	for (size_t i = 0; i < records.n; i++) {
		const struct record *rec = &records.v[i];
		entries[i] = entry_make(rec->epoch, rec->seq, rec->recorded, rec->event);
	}
	log_info(l->log, &info);
	msg_set(&answer, events, epoch, info.epoch);
	msg_set(&answer, events, head, info.head);
	msg_set(&answer, events, scanned_to, records.n ? records.v[records.n - 1].seq : after);
	answer.events = (struct entry_list){ .v = entries, .n = records.n };
	msg_mark(&answer, events, events);
	sender_answer(&l->sender, to, rid, &shape_events, &answer);
}

static enum err check_read(const struct read *q, const struct log_info *info, struct fault *fault)
{
	if (msg_has(q, read, filter) || msg_has(q, read, since) || msg_has(q, read, last) ||
	    msg_has(q, read, before))
		return fault_set(fault, ERR_BAD_VALUE, msg_has(q, read, filter) ? "filter" : "last",
				 "the ledger's feed is read whole and forwards; ask the query service");
	return read_check(q, info->epoch, info->head, fault);
}

static void reply_read(struct ledger *l, const struct request *r, struct now now)
{
	struct log_info info;
	struct fault fault;
	struct read q;

	log_info(l->log, &info);
	fault_init(&fault);
	fault.code = msg_decode(&shape_read, r->wire, &l->arena, &q, &fault);
	if (!fault.code)
		fault.code = check_read(&q, &info, &fault);
	if (fault.code) {
		refuse(l, r, &fault);
		return;
	}
	const struct slice_limits limits = { .events = read_limit(&q), .bytes = read_bytes(&q) };
	const int64_t until_ms = read_until(&q, r, now);
	if (info.head > q.after || until_ms <= now.mono_ms) {
		send_events(l, r->from, r->head.rid, q.after, limits);
		return;
	}
	if (l->nparked == LEDGER_PARKED_MAX) {
		fault.retry_after_ms = 1000;
		(void)fault_set(&fault, ERR_BUSY, NULL, "%u readers wait already", LEDGER_PARKED_MAX);
		refuse(l, r, &fault);
		return;
	}
	l->parked[l->nparked++] = (struct parked){ .from = *r->from, .rid = r->head.rid,
						   .after = q.after, .limits = limits,
						   .until_ms = until_ms };
}

void ledger_reply(struct ledger *l, struct now now)
{
	for (size_t i = 0; i < l->nasked; i++) {
		struct asked *q = &l->asked[i];
		switch (q->r.head.type) {
		case MSG_publish:
			reply_publish(l, q);
			break;
		case MSG_hello:
			reply_hello(l, &q->r, now);
			break;
		case MSG_status:
			reply_status(l, &q->r, now);
			break;
		case MSG_read:
			reply_read(l, &q->r, now);
			break;
		default:
			impossible("ledger_take keeps no other");
		}
	}
	l->nasked = l->npublish = 0;
	arena_reset(&l->arena);
}

void ledger_started_anew(struct ledger *l, uint64_t times)
{
	l->started_anew = times;
}

int ledger_ring(struct ledger *l, struct now now)
{
	struct log_info info;
	int64_t next_ms = -1;

	log_info(l->log, &info);
	for (size_t i = 0; i < l->nparked;) {
		struct parked *p = &l->parked[i];
		if (info.head > p->after || p->until_ms <= now.mono_ms) {
			send_events(l, &p->from, p->rid, p->after, p->limits);
			*p = l->parked[--l->nparked];
			continue;
		}
		const int64_t left_ms = p->until_ms - now.mono_ms;
		if (next_ms < 0 || left_ms < next_ms)
			next_ms = left_ms;
		i++;
	}
	return (int)next_ms;
}
