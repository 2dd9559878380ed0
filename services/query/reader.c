/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: from history to live without a seam: a read that finds nothing is parked at the head that
 * it has seen, and the next news begins right behind it.
 *
 * To tell many takes long, here, in the system, and where they are; if each log commit were told at
 * once to each of them, nobody else would come to his turn. So as long as events come in, answers to
 * those who would wait are followed by a pause, the longer the more and the larger they were. What
 * comes meanwhile is told in one answer when it is over, and who reads on in a pause waits with the
 * others. Where little comes in, or nobody would wait, there is none.
 */
#include "services/query/reader.h"

#include <stdlib.h>

#include "services/query/filter.h"

#define ANSWER_ARENA_MAX ((size_t)32 << 20)
#define BUSY_MS 1000
/* Of events that all who wait are sent at once. */
#define TELL_BYTES_MAX ((size_t)16 << 20)

struct parked {
	struct peer from;
	uint64_t rid, after;
	int64_t since; /* recorded at or after; INT64_MIN: any */
	size_t limit, bytes;
	struct filter_kept filter;
};

struct reader {
	struct replica *replica;
	struct sender *people;
	struct arena arena;	  /* of one answer, or one piece of news */
	struct arena match_arena; /* of matching one event */
	struct parked *parked;
	int64_t *until_ms; /* of each parked; apart, as it is looked at every turn */
	size_t nparked;
	int64_t flow_end_ms, pause_end_ms;
	uint64_t spent_us; /* by answers since pause_end_ms, not yet added to it */
	bool behind; /* somebody who waits has not been told of all that the replica holds */
};

/* An answer in the making. */
struct page {
	struct entry *entries;
	size_t n, limit, bytes, bytes_max;
	uint64_t scanned; /* the last seq that was looked at */
};

struct reader *reader_new(struct replica *replica, struct sender *people)
{
	struct reader *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->replica = replica;
	d->people = people;
	arena_init(&d->arena, ANSWER_ARENA_MAX);
	arena_init(&d->match_arena, ANSWER_ARENA_MAX);
	d->parked = calloc(READER_PARKED_MAX, sizeof(*d->parked));
	d->until_ms = calloc(READER_PARKED_MAX, sizeof(*d->until_ms));
	if (!d->parked || !d->until_ms) {
		reader_free(d);
		return NULL;
	}
	return d;
}

void reader_free(struct reader *d)
{
	if (!d)
		return;
	arena_fini(&d->arena);
	arena_fini(&d->match_arena);
	free(d->parked);
	free(d->until_ms);
	free(d);
}

size_t reader_waiting(const struct reader *d)
{
	return d->nparked;
}

/* ---- pages ---- */

static enum err page_open(struct page *p, size_t limit, size_t bytes_max, struct arena *a)
{
	*p = (struct page){ .limit = limit, .bytes_max = bytes_max };
	p->entries = arena_alloc(a, limit * sizeof(*p->entries));
	return p->entries ? ERR_OK : ERR_NO_MEMORY;
}

/* Add a match; false where it does not fit any more. */
static bool page_add(struct page *p, const struct record *rec)
{
	if (p->n == p->limit || (p->n && rec->event.n > p->bytes_max - p->bytes))
		return false;
	p->entries[p->n++] = entry_make(rec->epoch, rec->seq, rec->recorded, rec->event);
	p->bytes = rec->event.n > p->bytes_max - p->bytes ? p->bytes_max : p->bytes + rec->event.n;
	return true;
}

static void send_page(struct reader *d, const struct peer *to, uint64_t rid, const struct page *p,
		      uint64_t scanned_to, const uint64_t *scanned_from)
{
	struct replica_info info;
	struct events answer = { 0 };

	replica_info(d->replica, &info);
	msg_set(&answer, events, epoch, info.epoch);
	msg_set(&answer, events, head, info.head);
	msg_set(&answer, events, scanned_to, scanned_to);
	if (scanned_from)
		msg_set(&answer, events, scanned_from, *scanned_from);
	answer.events = (struct entry_list){ .v = p->entries, .n = p->n };
	msg_mark(&answer, events, events);
	sender_answer(d->people, to, rid, &shape_events, &answer);
}

/* Whether a stored record matches. */
static enum err match_record(struct reader *d, const struct filter_kept *f, const struct record *rec,
			     bool *matches)
{
	struct event event;

	*matches = filter_may_match(f, rec->event);
	if (f->empty || !*matches)
		return ERR_OK;
	arena_reset(&d->match_arena);
	const enum err e = event_decode(rec->event, &d->match_arena, &event, NULL);
	if (e) {
		*matches = false;
		return e == ERR_NO_MEMORY ? e : ERR_OK;
	}
	struct subject s = subject_of(&event, rec->seq);
	return filter_match(f, &s, d->replica, &d->match_arena, matches);
}

/* One budget for every answer. */
struct budget {
	size_t rows, bytes;
};

static bool spend(struct budget *b, size_t bytes)
{
	if (b->rows == 0 || b->bytes == 0)
		return false;
	b->rows--;
	b->bytes -= bytes < b->bytes ? bytes : b->bytes;
	return true;
}

/*
 * Look at the events from first to last, in either direction. p->scanned is the last one that was
 * looked at, and is in the page where it matches. ERR_DAMAGED only where it is the first.
 */
static enum err scan(struct reader *d, const struct filter_kept *f, uint64_t first, uint64_t last,
		     bool back, struct page *p, struct fault *fault)
{
	struct budget budget = { .rows = READER_ROWS_MAX, .bytes = READER_BYTES_MAX };
	struct record rec;
	bool matches;

	for (uint64_t seq = first; p->n < p->limit && (back ? seq >= last : seq <= last);
	     seq = back ? seq - 1 : seq + 1) {
		enum err e = replica_get(d->replica, seq, &rec);
		if (!e && !spend(&budget, rec.event.n))
			return ERR_OK;
		if (!e)
			e = match_record(d, f, &rec, &matches);
		if (e == ERR_DAMAGED && seq != first)
			return ERR_OK;
		if (e && seq == first)
			fault->seq = (int64_t)seq;
		if (e)
			return fault_set(fault, e, NULL, "event #%llu cannot be read",
					 (unsigned long long)seq);
		if (matches && !page_add(p, &rec))
			return ERR_OK;
		p->scanned = seq;
	}
	return ERR_OK;
}

/* ---- pauses ---- */

static bool pausing(const struct reader *d, struct now now)
{
	return now.mono_ms < d->pause_end_ms && now.mono_ms < d->flow_end_ms;
}

/* Whether events come in is a matter of how many: a few now and then leave time enough. */
static void flow(struct reader *d, size_t events, struct now now)
{
	int64_t end_ms = d->flow_end_ms > now.mono_ms ? d->flow_end_ms : now.mono_ms;

	end_ms += (int64_t)events * READER_FLOW_EVENT_MS;
	d->flow_end_ms = end_ms < now.mono_ms + READER_FLOW_MS ? end_ms : now.mono_ms + READER_FLOW_MS;
}

/* So many answers, and bytes of events in them, went to readers who would have waited. */
static void spend_time(struct reader *d, size_t answers, size_t bytes, struct now now)
{
	if (d->pause_end_ms < now.mono_ms) {
		d->pause_end_ms = now.mono_ms;
		d->spent_us = 0;
	}
	d->spent_us += answers * READER_ANSWER_US + bytes / READER_BYTES_PER_US;
	d->pause_end_ms += (int64_t)(d->spent_us / 1000);
	d->spent_us %= 1000;
	if (d->pause_end_ms > now.mono_ms + READER_PAUSE_MAX_MS)
		d->pause_end_ms = now.mono_ms + READER_PAUSE_MAX_MS;
}

/* ---- reading forwards ---- */

static void park(struct reader *d, const struct request *r, const struct read *q,
		 const struct filter_kept *f, uint64_t after, int64_t until_ms)
{
	struct fault fault;

	if (d->nparked == READER_PARKED_MAX) {
		fault_init(&fault);
		fault.retry_after_ms = BUSY_MS;
		(void)fault_set(&fault, ERR_BUSY, NULL, "%u readers wait already", READER_PARKED_MAX);
		sender_refuse(d->people, r->from, r->head.rid, &fault);
		return;
	}
	struct parked *k = &d->parked[d->nparked];
	k->from = *r->from;
	k->rid = r->head.rid;
	k->after = after;
	k->since = msg_has(q, read, since) ? q->since : INT64_MIN;
	k->limit = read_limit(q);
	k->bytes = read_bytes(q);
	filter_move(&k->filter, f);
	d->until_ms[d->nparked++] = until_ms;
}

static enum err read_forwards(struct reader *d, const struct request *r, const struct read *q,
			      const struct filter_kept *f, uint64_t after, uint64_t head,
			      struct now now, struct fault *fault)
{
	const int64_t until_ms = read_until(q, r, now);
	const bool waits = until_ms > now.mono_ms;
	struct page page;

	if (after < head && pausing(d, now) && until_ms - now.mono_ms >= READER_LONG_MS &&
	    d->nparked < READER_PARKED_MAX) {
		park(d, r, q, f, after, until_ms);
		d->behind = true;
		return ERR_OK;
	}
	enum err e = page_open(&page, read_limit(q), read_bytes(q), &d->arena);
	page.scanned = after;
	if (!e)
		e = scan(d, f, after + 1, head, false, &page, fault);
	if (e)
		return e;
	if (waits && !page.n && page.scanned == head) {
		park(d, r, q, f, page.scanned, until_ms);
		return ERR_OK;
	}
	send_page(d, r->from, r->head.rid, &page, page.scanned, NULL);
	if (waits)
		spend_time(d, 1, page.bytes, now);
	return ERR_OK;
}

/* ---- reading backwards ---- */

static enum err read_backwards(struct reader *d, const struct request *r, const struct read *q,
			       const struct filter_kept *f, uint64_t after, uint64_t head,
			       struct fault *fault)
{
	uint64_t top = head;
	struct page page;

	if (msg_has(q, read, before) && q->before <= head)
		top = q->before ? q->before - 1 : 0;
	enum err e = page_open(&page, q->last, read_bytes(q), &d->arena);
	page.scanned = top + 1;
	if (!e)
		e = scan(d, f, top, after + 1, true, &page, fault);
	if (e)
		return e;
	for (size_t i = 0; i < page.n / 2; i++) {
		const struct entry kept = page.entries[i];
		page.entries[i] = page.entries[page.n - 1 - i];
		page.entries[page.n - 1 - i] = kept;
	}
	send_page(d, r->from, r->head.rid, &page, top, &page.scanned);
	return ERR_OK;
}

/* ---- requests ---- */

/* Memory that is kept would count as what others do not take. */
static void release(struct reader *d)
{
	arena_reset(&d->arena);
	arena_reset(&d->match_arena);
}

static enum err answer_read(struct reader *d, const struct request *r, const struct read *q,
			    struct now now, struct fault *fault)
{
	struct filter_kept filter;
	struct replica_info info;
	uint64_t after = q->after, since;

	replica_info(d->replica, &info);
	enum err e = read_check(q, info.epoch, info.head, fault);
	if (e)
		return e;
	if (msg_has(q, read, before) && !msg_has(q, read, last))
		return fault_set(fault, ERR_BAD_VALUE, "before", "`before` stands only with `last`");
	e = filter_keep(&filter, msg_has(q, read, filter) ? &q->filter : NULL, fault);
	if (e)
		return e;
	if (msg_has(q, read, since)) {
		e = replica_seq_at(d->replica, q->since, &since);
		if (e)
			return e;
		if (since - 1 > after)
			after = since - 1;
	}
	if (msg_has(q, read, last))
		return read_backwards(d, r, q, &filter, after, info.head, fault);
	return read_forwards(d, r, q, &filter, after, info.head, now, fault);
}

void reader_take(struct reader *d, const struct request *r, struct now now)
{
	struct fault fault;
	struct read q;

	fault_init(&fault);
	enum err e = msg_decode(&shape_read, r->wire, &d->arena, &q, &fault);
	if (!e) {
		e = replica_snap(d->replica);
		if (!e) {
			/* sending only puts the answer into a queue: the snapshot does not wait */
			e = answer_read(d, r, &q, now, &fault);
			replica_unsnap(d->replica);
		}
	}
	if (e) {
		fault.code = e;
		sender_refuse(d->people, r->from, r->head.rid, &fault);
	}
	release(d);
}

/* ---- those who wait ---- */

static void unpark(struct reader *d, size_t i)
{
	d->nparked--;
	d->behind = d->behind && d->nparked;
	if (i == d->nparked)
		return;
	struct parked *to = &d->parked[i], *last = &d->parked[d->nparked];
	to->from = last->from;
	to->rid = last->rid;
	to->after = last->after;
	to->since = last->since;
	to->limit = last->limit;
	to->bytes = last->bytes;
	filter_move(&to->filter, &last->filter);
	d->until_ms[i] = d->until_ms[d->nparked];
}

/* Nobody can say whether the next event is one that was asked for: it is not to be skipped. */
static bool tell_damage(struct reader *d, const struct parked *k, uint64_t seq)
{
	struct fault fault;

	fault_init(&fault);
	fault.seq = (int64_t)seq;
	(void)fault_set(&fault, ERR_DAMAGED, NULL, "event #%llu cannot be read",
			(unsigned long long)seq);
	sender_refuse(d->people, &k->from, k->rid, &fault);
	return true;
}

/* The news that one of them asked for; whether it has been answered. */
static enum err tell(struct reader *d, struct parked *k, const struct news *news,
		     struct subject *subjects, struct page *page, bool *told)
{
	bool matches;

	page->n = page->bytes = 0;
	page->limit = k->limit < news->n ? k->limit : news->n;
	page->bytes_max = k->bytes;
	page->scanned = k->after;
	*told = false;
	for (size_t i = 0; i < news->n && page->n < page->limit; i++) {
		const struct record *rec = &news->records[i];
		if (rec->seq <= k->after)
			continue;
		const enum err e = filter_match(&k->filter, &subjects[i], d->replica, &d->arena,
						&matches);
		if (e == ERR_DAMAGED && page->n == 0)
			*told = tell_damage(d, k, rec->seq);
		if (e == ERR_DAMAGED)
			break;
		if (e)
			return e;
		if (matches && rec->recorded >= k->since && !page_add(page, rec))
			break;
		page->scanned = rec->seq;
	}
	k->after = page->scanned;
	if (page->n) {
		send_page(d, &k->from, k->rid, page, page->scanned, NULL);
		*told = true;
	}
	return ERR_OK;
}

/* As many as can be at once; the others are told to read, which they do when what was sent is taken. */
static enum err tell_all(struct reader *d, const struct news *news, struct now now)
{
	const struct page nothing = { .n = 0 };
	size_t bytes = 0, count = 0;
	struct subject *subjects = arena_alloc(&d->arena, news->n * sizeof(*subjects));
	struct page page;

	enum err e = page_open(&page, news->n, 0, &d->arena);
	if (e || !subjects)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < news->n; i++)
		subjects[i] = subject_of(&news->events[i], news->records[i].seq);
	for (size_t i = 0; !e && i < d->nparked;) {
		struct parked *k = &d->parked[i];
		bool told = bytes > TELL_BYTES_MAX;
		if (told) {
			send_page(d, &k->from, k->rid, &nothing, k->after, NULL);
		} else {
			e = tell(d, k, news, subjects, &page, &told);
			bytes += told ? page.bytes : 0;
		}
		count += told;
		if (!e && told)
			unpark(d, i);
		else
			i++;
	}
	spend_time(d, count, bytes, now);
	return e;
}

/* ---- those who waited through a pause ---- */

/* What the replica holds for one of them, as if he read now. */
static enum err read_for(struct reader *d, struct parked *k, uint64_t head, struct page *page,
			 struct fault *fault)
{
	uint64_t since = 0;
	enum err e = ERR_OK;

	if (k->since != INT64_MIN)
		e = replica_seq_at(d->replica, k->since, &since);
	if (!e && since > k->after)
		k->after = since - 1;
	if (!e)
		e = page_open(page, k->limit, k->bytes, &d->arena);
	page->scanned = k->after;
	if (!e)
		e = scan(d, &k->filter, k->after + 1, head, false, page, fault);
	return e;
}

/* Whether he was told anything; what he is not waits for is passed over. */
static bool tell_late(struct reader *d, struct parked *k, uint64_t head, struct page *page)
{
	struct fault fault;

	fault_init(&fault);
	*page = (struct page){ .n = 0 };
	enum err e = replica_snap(d->replica);
	if (!e) {
		e = read_for(d, k, head, page, &fault);
		k->after = page->scanned;
		if (!e && (page->n || page->scanned < head))
			send_page(d, &k->from, k->rid, page, page->scanned, NULL);
		replica_unsnap(d->replica);
	}
	if (e) {
		fault.code = e;
		sender_refuse(d->people, &k->from, k->rid, &fault);
	}
	release(d);
	return e || page->n || page->scanned < head;
}

/* As tell_all does, but each is told of what has come since his own position. */
static void tell_all_late(struct reader *d, struct now now)
{
	const struct page nothing = { .n = 0 };
	struct replica_info info;
	size_t bytes = 0, count = 0;
	struct page page;

	replica_info(d->replica, &info);
	for (size_t i = 0; i < d->nparked;) {
		struct parked *k = &d->parked[i];
		bool told = k->after < info.head;
		if (told && bytes > TELL_BYTES_MAX) {
			send_page(d, &k->from, k->rid, &nothing, k->after, NULL);
		} else if (told) {
			told = tell_late(d, k, info.head, &page);
			bytes += page.bytes;
		}
		count += told;
		if (told)
			unpark(d, i);
		else
			i++;
	}
	spend_time(d, count, bytes, now);
	d->behind = false;
}

static void tell_news(struct reader *d, const struct news *news, struct now now)
{
	struct fault fault;
	enum err e = replica_snap(d->replica);

	if (!e) {
		e = tell_all(d, news, now);
		replica_unsnap(d->replica);
	}
	if (e) {
		/* whoever has not been told asks again, and gets it from the replica */
		fault_init(&fault);
		(void)fault_set(&fault, e, NULL, "%s", "");
		reader_refuse_all(d, &fault);
	}
	release(d);
}

void reader_news(struct reader *d, const struct news *news, struct now now)
{
	flow(d, news->n, now);
	if (d->nparked == 0 || news->n == 0)
		return;
	d->behind = d->behind || pausing(d, now);
	if (!d->behind)
		tell_news(d, news, now);
	else if (!pausing(d, now))
		tell_all_late(d, now);
}

int reader_tick(struct reader *d, struct now now)
{
	const struct page nothing = { .n = 0 };
	int64_t next_ms = -1;

	if (d->behind && !pausing(d, now))
		tell_all_late(d, now);
	if (d->behind) {
		const int64_t end_ms = d->pause_end_ms < d->flow_end_ms ? d->pause_end_ms
									: d->flow_end_ms;
		next_ms = end_ms - now.mono_ms;
	}
	for (size_t i = 0; i < d->nparked;) {
		const int64_t left_ms = d->until_ms[i] - now.mono_ms;
		if (left_ms <= 0) {
			const struct parked *k = &d->parked[i];
			send_page(d, &k->from, k->rid, &nothing, k->after, NULL);
			unpark(d, i);
			continue;
		}
		if (next_ms < 0 || left_ms < next_ms)
			next_ms = left_ms;
		i++;
	}
	return (int)next_ms;
}

void reader_refuse_all(struct reader *d, const struct fault *fault)
{
	for (size_t i = 0; i < d->nparked; i++)
		sender_refuse(d->people, &d->parked[i].from, d->parked[i].rid, fault);
	d->nparked = 0;
	d->behind = false;
}
