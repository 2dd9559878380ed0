/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: from history to live without a seam: a read that finds nothing is parked at the head that
 * it has seen, and the next news begins right behind it.
 *
 * To tell many takes long, here, in the system, and where they are; if each log commit were told at
 * once to each of them, nobody else would come to his turn. So they are told a few at a time, who waits
 * longest first, with a look at what else has come in between; and as long as events come in, those
 * few are followed by a pause, the longer the more comes in, and the more and the larger their answers
 * were. Whoever's turn comes late is told of all that has come meanwhile in one answer, and who reads on
 * in a pause waits with the others. Where little comes in, or nobody would wait, there is none.
 */
#include "services/query/reader.h"

#include <stdlib.h>

#include "services/query/filter.h"

#define ANSWER_ARENA_MAX ((size_t)32 << 20)
#define BUSY_MS 1000

struct parked {
	struct peer from;
	uint64_t rid;
	int64_t since; /* recorded at or after; INT64_MIN: any */
	size_t limit, bytes;
	struct filter_kept filter;
};

/* What is looked at again and again of one who waits, apart from the rest of him: in the order of coming. */
struct turn {
	size_t slot; /* where the rest is; behind the last turn, one that is free */
	uint64_t after;
	int64_t until_ms;
};

/* How many events came in of late: in the last READER_FLOW_MS, and in those before. */
struct inflow {
	int64_t begin_ms;
	size_t events, before;
};

struct reader {
	struct replica *replica;
	struct sender *people;
	struct arena arena;	  /* of one answer, or one piece of news */
	struct arena match_arena; /* of matching one event */
	struct parked *parked;
	struct turn *turns;
	size_t nparked;
	struct inflow inflow;
	int64_t pause_end_ms;
	uint64_t owed_us; /* of pauses, not yet added to pause_end_ms */
	bool behind; /* somebody who waits has not been told of all that the replica holds */
	bool crowded;
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
	d->turns = calloc(READER_PARKED_MAX, sizeof(*d->turns));
	if (!d->parked || !d->turns) {
		reader_free(d);
		return NULL;
	}
	for (size_t i = 0; i < READER_PARKED_MAX; i++)
		d->turns[i].slot = i;
	return d;
}

void reader_free(struct reader *d)
{
	if (!d)
		return;
	arena_fini(&d->arena);
	arena_fini(&d->match_arena);
	free(d->parked);
	free(d->turns);
	free(d);
}

size_t reader_waiting(const struct reader *d)
{
	return d->nparked;
}

void reader_crowded(struct reader *d, bool crowded)
{
	d->crowded = crowded;
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

/* How much comes in, in events of READER_FLOW_MS. */
static size_t inflow_level(const struct inflow *f, struct now now)
{
	const int64_t age_ms = now.mono_ms - f->begin_ms;

	if (age_ms < READER_FLOW_MS && f->before > f->events)
		return f->before;
	return age_ms < 2 * READER_FLOW_MS ? f->events : 0;
}

static void inflow_add(struct inflow *f, size_t events, struct now now)
{
	const int64_t age_ms = now.mono_ms - f->begin_ms;

	if (age_ms >= READER_FLOW_MS) {
		f->before = age_ms < 2 * READER_FLOW_MS ? f->events : 0;
		f->events = 0;
		f->begin_ms = now.mono_ms;
	}
	f->events += events;
}

static bool pausing(const struct reader *d, struct now now)
{
	return now.mono_ms < d->pause_end_ms && inflow_level(&d->inflow, now) > 0;
}

/* Milliseconds until it is over at the latest, or there is nothing any more that it is for. */
static int64_t pause_left_ms(const struct reader *d, struct now now)
{
	const int64_t flow_end_ms = d->inflow.begin_ms + 2 * READER_FLOW_MS;

	if (!pausing(d, now))
		return 0;
	return (d->pause_end_ms < flow_end_ms ? d->pause_end_ms : flow_end_ms) - now.mono_ms;
}

static uint64_t answer_us(size_t bytes)
{
	return READER_ANSWER_US + bytes / READER_BYTES_PER_US;
}

/* To tell those who would wait has taken so much. */
static void spend_time(struct reader *d, uint64_t us, struct now now)
{
	const size_t level = inflow_level(&d->inflow, now);

	if (d->pause_end_ms < now.mono_ms) {
		d->pause_end_ms = now.mono_ms;
		d->owed_us = 0;
	}
	d->owed_us += us * READER_PAUSE_TIMES *
		      (level < READER_FLOW_EVENTS ? level : READER_FLOW_EVENTS) / READER_FLOW_EVENTS;
	d->pause_end_ms += (int64_t)(d->owed_us / 1000);
	d->owed_us %= 1000;
	if (d->pause_end_ms > now.mono_ms + READER_PAUSE_MAX_MS)
		d->pause_end_ms = now.mono_ms + READER_PAUSE_MAX_MS;
}

/* ---- reading forwards ---- */

static struct parked *parked_at(const struct reader *d, size_t i)
{
	return &d->parked[d->turns[i].slot];
}

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
	struct turn *t = &d->turns[d->nparked++];
	struct parked *k = &d->parked[t->slot];
	t->after = after;
	t->until_ms = until_ms;
	k->from = *r->from;
	k->rid = r->head.rid;
	k->since = msg_has(q, read, since) ? q->since : INT64_MIN;
	k->limit = read_limit(q);
	k->bytes = read_bytes(q);
	filter_move(&k->filter, f);
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
		spend_time(d, answer_us(page.bytes), now);
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

/* The order of the others stays. */
static void unpark(struct reader *d, size_t i)
{
	const struct turn gone = d->turns[i];

	d->nparked--;
	d->behind = d->behind && d->nparked;
	memmove(&d->turns[i], &d->turns[i + 1], (d->nparked - i) * sizeof(*d->turns));
	d->turns[d->nparked] = gone;
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

/* Send one of them what he waited for. Microseconds that it takes. */
static uint64_t send_late(struct reader *d, const struct parked *k, const struct page *page)
{
	const uint64_t unsent = d->people->failed;

	send_page(d, &k->from, k->rid, page, page->scanned, NULL);
	return d->people->failed == unsent ? answer_us(page->bytes)
					   : 1 + page->bytes / READER_MADE_PER_US;
}

/* The news that one of them asked for; whether he has been answered. What that takes is added to *us. */
static enum err tell(struct reader *d, size_t i, const struct news *news, struct subject *subjects,
		     struct page *page, bool *told, uint64_t *us)
{
	struct parked *k = parked_at(d, i);
	uint64_t *after = &d->turns[i].after;
	bool matches;

	page->n = page->bytes = 0;
	page->limit = k->limit < news->n ? k->limit : news->n;
	page->bytes_max = k->bytes;
	page->scanned = *after;
	*told = false;
	for (size_t n = 0; n < news->n && page->n < page->limit; n++) {
		const struct record *rec = &news->records[n];
		if (rec->seq <= *after)
			continue;
		const enum err e = filter_match(&k->filter, &subjects[n], d->replica, &d->arena,
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
	*after = page->scanned;
	if (page->n) {
		*us += send_late(d, k, page);
		*told = true;
	}
	return ERR_OK;
}

/* As many as are told in one go; the others are behind then. */
static enum err tell_all(struct reader *d, const struct news *news, struct now now)
{
	uint64_t us = 0;
	struct subject *subjects = arena_alloc(&d->arena, news->n * sizeof(*subjects));
	struct page page;
	bool told;

	enum err e = page_open(&page, news->n, 0, &d->arena);
	if (e || !subjects)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < news->n; i++)
		subjects[i] = subject_of(&news->events[i], news->records[i].seq);
	for (size_t i = 0; !e && i < d->nparked;) {
		if (us >= READER_GO_US) {
			d->behind = true;
			break;
		}
		e = tell(d, i, news, subjects, &page, &told, &us);
		if (!e && told)
			unpark(d, i);
		else
			i++;
	}
	spend_time(d, us, now);
	return e;
}

/* ---- those who are behind ---- */

/* The first of them from i on; nparked: there is none. */
static size_t next_behind(const struct reader *d, size_t i, uint64_t head)
{
	while (i < d->nparked && d->turns[i].after >= head)
		i++;
	return i;
}

/* What the replica holds for one of them, as if he read now. */
static enum err read_for(struct reader *d, const struct parked *k, uint64_t after, uint64_t head,
			 struct page *page, struct fault *fault)
{
	uint64_t since = 0;
	enum err e = ERR_OK;

	if (k->since != INT64_MIN)
		e = replica_seq_at(d->replica, k->since, &since);
	if (!e)
		e = page_open(page, k->limit, k->bytes, &d->arena);
	page->scanned = since > after ? since - 1 : after;
	if (!e)
		e = scan(d, &k->filter, page->scanned + 1, head, false, page, fault);
	return e;
}

/*
 * Tell him of what has come since his position, where he was not waiting for nothing of it: then that is
 * passed over. What it took is added to *us.
 */
static void tell_late(struct reader *d, size_t i, uint64_t head, uint64_t *us)
{
	const struct parked *k = parked_at(d, i);
	const uint64_t after = d->turns[i].after;
	struct fault fault;
	struct page page = { .n = 0, .scanned = after };

	fault_init(&fault);
	enum err e = replica_snap(d->replica);
	if (!e) {
		e = read_for(d, k, after, head, &page, &fault);
		if (!e && (page.n || page.scanned < head))
			*us += send_late(d, k, &page);
		replica_unsnap(d->replica);
	}
	if (e) {
		fault.code = e;
		sender_refuse(d->people, &k->from, k->rid, &fault);
	}
	release(d);
	*us += k->filter.empty ? 0 : (page.scanned - after) * READER_LOOK_US;
	if (e || page.n || page.scanned < head)
		unpark(d, i);
	else
		d->turns[i].after = page.scanned;
}

static void tell_behind(struct reader *d, struct now now)
{
	struct replica_info info;
	uint64_t us = 0;

	replica_info(d->replica, &info);
	size_t i = next_behind(d, 0, info.head);
	for (; i < d->nparked && us < READER_GO_US; i = next_behind(d, i, info.head))
		tell_late(d, i, info.head, &us);
	d->behind = i < d->nparked;
	spend_time(d, us, now);
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
	inflow_add(&d->inflow, news->n, now);
	if (d->nparked == 0 || news->n == 0)
		return;
	d->behind = d->behind || d->crowded || pausing(d, now);
	if (!d->behind)
		tell_news(d, news, now);
}

/*
 * Those whose time is over; who is behind is told what there is. Milliseconds until that of the next one,
 * -1: nobody waits.
 */
static int64_t end_waits(struct reader *d, struct now now)
{
	const struct page nothing = { .n = 0 };
	struct replica_info info;
	int64_t next_ms = -1;
	uint64_t us = 0;

	replica_info(d->replica, &info);
	for (size_t i = 0; i < d->nparked;) {
		const int64_t left_ms = d->turns[i].until_ms - now.mono_ms;
		const size_t waiting = d->nparked;
		if (left_ms <= 0 && d->turns[i].after < info.head && !d->crowded)
			tell_late(d, i, info.head, &us);
		if (d->nparked < waiting)
			continue;
		if (left_ms <= 0) {
			const struct parked *k = parked_at(d, i);
			send_page(d, &k->from, k->rid, &nothing, d->turns[i].after, NULL);
			unpark(d, i);
			continue;
		}
		if (next_ms < 0 || left_ms < next_ms)
			next_ms = left_ms;
		i++;
	}
	if (us)
		spend_time(d, us, now);
	return next_ms;
}

int reader_tick(struct reader *d, struct now now)
{
	if (d->behind && !d->crowded && !pausing(d, now))
		tell_behind(d, now);
	const int64_t end_ms = end_waits(d, now);
	if (!d->behind)
		return (int)end_ms;
	const int64_t pause_ms = d->crowded ? READER_CROWDED_MS : pause_left_ms(d, now);
	return (int)(end_ms < pause_ms ? end_ms : pause_ms);
}

void reader_refuse_all(struct reader *d, const struct fault *fault)
{
	for (size_t i = 0; i < d->nparked; i++)
		sender_refuse(d->people, &parked_at(d, i)->from, parked_at(d, i)->rid, fault);
	d->nparked = 0;
	d->behind = false;
}
