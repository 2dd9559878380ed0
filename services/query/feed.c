/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: one request at a time to the ledger; the next read is sent before the last one's events are
 * stored, so that the ledger reads while the replica syncs.
 */
#include "services/query/feed.h"

#include <stdlib.h>

#include "services/query/index.h"

#define NEWS_ARENA_MAX ((size_t)64 << 20)
#define INDEX_ARENA_MAX ((size_t)16 << 20)

enum stage_of_feed { feed_greeting, feed_following, feed_foreign };

struct feed {
	struct replica *replica;
	struct kept *kept;
	struct known_rows known;
	struct sender sender;
	struct arena arena;	  /* of the news */
	struct arena index_arena; /* of indexing one event */
	enum stage_of_feed stage;
	uint64_t rid;	   /* of the last request */
	uint64_t welcomed; /* rid of the last greeting that found the right ledger; 0: none */
	uint64_t greeted;  /* our head when the last greeting was sent */
	bool waiting;	   /* for its answer */
	bool wide;	   /* no publish ended within the last one: as much as can be is asked for */
	int64_t until_ms;  /* for it, or when to ask again */
	int64_t heard_ms;
	bool heard;
	uint64_t upstream_head;
	enum err trouble;
	uint64_t count_reads, count_events, count_undecodable;
};

struct feed *feed_new(struct replica *replica, struct kept *kept, struct outlet ledger,
		      struct now now)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->replica = replica;
	f->kept = kept;
	f->until_ms = f->heard_ms = now.mono_ms;
	arena_init(&f->arena, NEWS_ARENA_MAX);
	arena_init(&f->index_arena, INDEX_ARENA_MAX);
	counts_init(&f->known.slugs);
	counts_init(&f->known.related);
	if (sender_init(&f->sender, ledger)) {
		feed_free(f);
		return NULL;
	}
	return f;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	sender_fini(&f->sender);
	arena_fini(&f->arena);
	arena_fini(&f->index_arena);
	counts_fini(&f->known.slugs);
	counts_fini(&f->known.related);
	free(f);
}

struct feed_state feed_state(const struct feed *f, struct now now)
{
	return (struct feed_state){
		.greeted = f->welcomed > 0 || f->stage == feed_foreign,
		.foreign = f->stage == feed_foreign,
		.answers = f->heard && now.mono_ms - f->heard_ms < FEED_SILENCE_MS,
		.silent_ms = now.mono_ms > f->heard_ms ? (uint64_t)(now.mono_ms - f->heard_ms) : 0,
		.upstream_head = f->upstream_head,
		.trouble = f->trouble,
		.reads = f->count_reads,
		.events = f->count_events,
		.undecodable = f->count_undecodable,
	};
}

/* ---- asking ---- */

static void ask(struct feed *f, const struct shape *shape, const void *msg, int answer_ms,
		struct now now)
{
	const enum err e = sender_ask(&f->sender, ++f->rid, (uint64_t)answer_ms, shape, msg);

	/* nobody there: who comes back may be another ledger */
	if (e && f->stage == feed_following)
		f->stage = feed_greeting;
	f->waiting = !e;
	f->until_ms = now.mono_ms + (e ? FEED_KNOCK_MS : answer_ms);
}

static void greet(struct feed *f, struct now now)
{
	const struct hello hello = { 0 };
	struct replica_info info;

	replica_info(f->replica, &info);
	f->greeted = info.head;
	ask(f, &shape_hello, &hello, FEED_PATIENCE_MS, now);
}

static void read_behind(struct feed *f, uint64_t after, struct now now)
{
	struct replica_info info;
	struct read read = { 0 };

	replica_info(f->replica, &info);
	msg_set(&read, read, after, after);
	msg_set(&read, read, epoch, info.epoch);
	msg_set(&read, read, limit, f->wide ? READ_EVENTS_MAX : FEED_EVENTS_MAX);
	msg_set(&read, read, max_bytes, f->wide ? READ_BYTES_MAX : FEED_BYTES_MAX);
	msg_set(&read, read, wait_ms, FEED_WAIT_MS);
	f->count_reads++;
	ask(f, &shape_read, &read, FEED_WAIT_MS + FEED_PATIENCE_MS, now);
}

int feed_tick(struct feed *f, struct now now)
{
	struct replica_info info;

	arena_reset(&f->arena);
	if (now.mono_ms >= f->until_ms) {
		if (f->waiting && f->stage == feed_following)
			f->stage = feed_greeting; /* no answer: is it still there, and the same? */
		replica_info(f->replica, &info);
		if (f->stage == feed_following)
			read_behind(f, info.head, now);
		else
			greet(f, now);
	}
	const int64_t left_ms = f->until_ms - now.mono_ms;
	return left_ms > 0 ? (int)left_ms : 0;
}

/* Ask again in a moment. */
static void hold(struct feed *f, enum err trouble, struct now now)
{
	f->trouble = trouble;
	f->waiting = false;
	f->until_ms = now.mono_ms + FEED_RETRY_MS;
}

/* ---- storing ---- */

/*
 * The fold relies on the rules of an event, which ingest has looked at, but the ledger has not. What kinds
 * that are not known here ask for is not known either.
 */
static enum err index_one(struct feed *f, const struct record *rec, const struct event *event)
{
	const enum err e = event->kind ? event_check_struct(event, INT64_MAX, NULL) : ERR_OK;

	arena_reset(&f->index_arena);
	return e ? e : index_event(f->replica, f->kept, &f->known, rec, event, &f->index_arena);
}

/*
 * Whether the event is to blame: it is kept and delivered, but no index can know what it says. Nobody
 * mends it, so to try again is in vain.
 */
static bool says_nothing(enum err e)
{
	return e && err_info(e)->class == err_fix;
}

/* The event, all zero where it cannot be decoded, and its id, which it has in any case. */
static enum err decode_one(struct feed *f, struct str bytes, struct event *event, struct id *id,
			   bool *decoded)
{
	struct event_keys keys;

	const enum err e = event_decode(bytes, &f->arena, event, NULL);
	*decoded = !e;
	if (!e)
		*id = event->id;
	if (!e || e == ERR_NO_MEMORY)
		return e;
	*event = (struct event){ 0 };
	if (event_peek(bytes, &keys, NULL))
		return ERR_DAMAGED; /* the ledger takes no event without an id */
	*id = keys.id;
	return ERR_OK;
}

static enum err store_one(struct feed *f, const struct entry *entry, struct record *rec,
			  struct event *event)
{
	struct id id;
	bool decoded;

	*rec = (struct record){ .epoch = entry->epoch, .seq = entry->seq,
				.recorded = entry->recorded, .event = entry->event };
	enum err e = decode_one(f, rec->event, event, &id, &decoded);
	if (!e)
		e = replica_put(f->replica, &id, rec);
	if (e)
		return e;
	if (decoded) {
		e = index_one(f, rec, event);
		if (!says_nothing(e))
			return e;
	}
	f->count_undecodable++;
	return ERR_OK;
}

static enum err store(struct feed *f, const struct events *answer, struct news *news)
{
	const size_t n = answer->events.n;
	struct record *records = arena_alloc(&f->arena, n * sizeof(*records));
	struct event *events = arena_alloc(&f->arena, n * sizeof(*events));

	if (!records || !events)
		return ERR_NO_MEMORY;
	enum err e = replica_begin(f->replica);
	if (e)
		return e;
	for (size_t i = 0; !e && i < n; i++)
		e = store_one(f, &answer->events.v[i], &records[i], &events[i]);
	if (e)
		replica_abort(f->replica);
	else
		e = replica_commit(f->replica);
	if (e) {
		counts_clear(&f->known.slugs); /* rows of this transaction are not there */
		counts_clear(&f->known.related);
		return e;
	}
	f->count_events += n;
	*news = (struct news){ .records = records, .events = events, .n = n };
	return ERR_OK;
}

/* ---- hearing ---- */

static enum err hear_welcome(struct feed *f, struct str wire, struct now now)
{
	struct replica_info info;
	struct welcome w;

	enum err e = msg_decode(&shape_welcome, wire, &f->arena, &w, NULL);
	if (e) {
		hold(f, e, now);
		return ERR_OK;
	}
	f->upstream_head = w.head;
	e = replica_bind(f->replica, &w.ledger, w.epoch);
	if (e == ERR_IO)
		return e;
	replica_info(f->replica, &info);
	/* a late answer may have brought more meanwhile than this ledger had when it wrote its welcome */
	if (e == ERR_WRONG_LEDGER || (!e && w.head < f->greeted)) {
		f->stage = feed_foreign;
		f->welcomed = 0;
		hold(f, ERR_WRONG_LEDGER, now);
	} else if (e) {
		hold(f, e, now);
	} else {
		f->stage = feed_following;
		f->welcomed = f->rid;
		f->trouble = ERR_OK;
		read_behind(f, info.head, now);
	}
	return ERR_OK;
}

/* How an answer's events stand to the replica's head. */
enum place { place_next, place_behind, place_wrong };

static enum place place_of(const struct feed *f, const struct events *answer)
{
	struct replica_info info;

	replica_info(f->replica, &info);
	if (answer->epoch != info.epoch)
		return place_wrong;
	if (answer->events.n && answer->events.v[0].seq <= info.head)
		return place_behind;
	for (size_t i = 0; i < answer->events.n; i++)
		if (answer->events.v[i].seq != info.head + 1 + i)
			return place_wrong;
	return place_next;
}

/*
 * Leave of an answer what are whole publishes, so that nobody who asks the replica ever sees a part of
 * one: a publish ends at the ledger's head, and where the next event was not recorded right behind it.
 * False where none ends within it, and the answer could be longer: no publish is larger than the widest
 * one (BATCH_BYTES_MAX), so where none ends within that, it is one, whole.
 */
static bool leave_whole(struct feed *f, struct events *answer)
{
	const struct entry *v = answer->events.v;
	size_t n = answer->events.n;

	if (n == 0 || v[n - 1].seq == answer->head)
		return true;
	for (n--; n > 0 && v[n].recorded == v[n - 1].recorded + 1; n--)
		;
	if (n == 0 && !f->wide) {
		f->wide = true;
		return false;
	}
	f->wide = false;
	if (n > 0)
		answer->events.n = n;
	return true;
}

/* Store what is new, and count on nothing else. */
static enum err take_events(struct feed *f, const struct events *answer, struct now now,
			    struct news *news)
{
	const enum err e = store(f, answer, news);

	if (e == ERR_IO)
		return e;
	if (e)
		hold(f, e, now); /* and a read that is on its way is not waited for */
	return ERR_OK;
}

static enum err hear_events(struct feed *f, struct str wire, struct now now, struct news *news)
{
	struct events answer;
	enum place place = place_wrong;

	enum err e = msg_decode(&shape_events, wire, &f->arena, &answer, NULL);
	if (!e)
		place = place_of(f, &answer);
	if (place == place_wrong) {
		f->stage = feed_greeting;
		hold(f, e ? e : ERR_WRONG_LEDGER, now);
		return ERR_OK;
	}
	f->upstream_head = answer.head;
	f->trouble = ERR_OK;
	const bool whole = leave_whole(f, &answer);
	const size_t n = answer.events.n;
	if (n == 0 || place == place_behind || !whole) {
		/* nothing yet, or a late answer brought it already, or too little: read on at once */
		f->until_ms = now.mono_ms;
		return ERR_OK;
	}
	read_behind(f, answer.events.v[n - 1].seq, now);
	return take_events(f, &answer, now, news);
}

/* An answer that was given up. A ledger that is slower than our patience would else never be read. */
static enum err hear_late(struct feed *f, const struct head *head, struct str wire, struct now now,
			  struct news *news)
{
	struct events answer;

	if (head->type != MSG_events || f->welcomed == 0 || head->rid <= f->welcomed ||
	    head->rid > f->rid || msg_decode(&shape_events, wire, &f->arena, &answer, NULL) ||
	    answer.events.n == 0 || place_of(f, &answer) != place_next || !leave_whole(f, &answer))
		return ERR_OK;
	return take_events(f, &answer, now, news);
}

static void hear_error(struct feed *f, struct str wire, struct now now)
{
	struct error error;

	enum err e = msg_decode(&shape_error, wire, &f->arena, &error, NULL);
	if (!e)
		e = (enum err)error.code;
	if (e == ERR_WRONG_LEDGER || e == ERR_POSITION_IN_FUTURE)
		f->stage = feed_greeting; /* its welcome tells what it is now */
	hold(f, e, now);
}

enum err feed_hear(struct feed *f, struct str wire, struct now now, struct news *news)
{
	struct head head;

	*news = (struct news){ 0 };
	arena_reset(&f->arena);
	if (msg_peek(wire, &head, NULL))
		return ERR_OK;
	f->heard = true;
	f->heard_ms = now.mono_ms;
	if (!f->waiting || head.rid != f->rid)
		return hear_late(f, &head, wire, now, news);
	f->waiting = false;
	switch (head.type) {
	case MSG_welcome:
		return hear_welcome(f, wire, now);
	case MSG_events:
		return hear_events(f, wire, now, news);
	case MSG_error:
		hear_error(f, wire, now);
		return ERR_OK;
	default:
		hold(f, ERR_UNKNOWN_MESSAGE, now);
		return ERR_OK;
	}
}
