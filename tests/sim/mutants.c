/* SPDX-License-Identifier: Apache-2.0 */
/* mutants: what stands between the sources of the product, and now and then does the wrong thing. */
#include "tests/sim/mutants.h"

#include "services/ingest/ingest.h"
#include "services/ledger/admit.h"
#include "services/query/answers.h"
#include "services/query/filter.h"
#include "services/query/index.h"
#include "services/shared/exchange.h"
#include "store/be.h"
#include "store/log.h"
#include "store/slab.h"

/* Where its time stands in an event's row of a slab's table; see store/slab.h. */
#define AT_AFTER 2
#define LATE_MS 40

enum mutant {
	mutant_NONE,
#define MUTANT(name) mutant_##name,
#include "tests/sim/mutants.def"
#undef MUTANT
	MUTANTS
};
static const char *const names[] = {
#define MUTANT(name) #name,
#include "tests/sim/mutants.def"
#undef MUTANT
};

/* Functions that the linker wraps take no argument that could carry these. */
static enum mutant planted;
static unsigned calls;
static bool overlooked; /* an id that is there */
static struct id overlooked_id;

bool mutants_set(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], name) == 0)
			planted = (enum mutant)(i + 1);
	return planted != mutant_NONE;
}

const char *mutants_on(void)
{
	return planted ? names[planted - 1] : NULL;
}

const char *mutants_at(size_t i)
{
	return i < ARRAY_LEN(names) ? names[i] : NULL;
}

bool mutants_disk_lies(bool ledger)
{
	return planted == (ledger ? mutant_log_commit_not_durable : mutant_replica_commit_not_durable);
}

/* Whether this mutant is planted and acts now, once in n times. */
static bool acts(enum mutant mutant, unsigned n)
{
	return planted == mutant && ++calls % n == 0;
}

/* The function of the product, and what stands before it. */
#define WRAPS(type, name, ...) type __real_##name(__VA_ARGS__); type __wrap_##name(__VA_ARGS__)

/* ---- the log ---- */

WRAPS(enum err, log_commit, struct log *log);
enum err __wrap_log_commit(struct log *log)
{
	const enum err e = __real_log_commit(log);

	return planted == mutant_failed_log_commit_acknowledged ? ERR_OK : e;
}

WRAPS(enum err, log_find, struct log *log, const struct id *id, uint64_t *seq);
enum err __wrap_log_find(struct log *log, const struct id *id, uint64_t *seq)
{
	const enum err e = __real_log_find(log, id, seq);

	if (e || (!acts(mutant_duplicate_written_again, 3) && !acts(mutant_duplicate_overlooked, 3)))
		return e;
	overlooked_id = *id;
	overlooked = true;
	return ERR_NOT_FOUND;
}

WRAPS(enum err, log_put, struct log *log, const struct id *id, struct str deal, struct str event,
      int64_t now_us, struct record *out);
enum err __wrap_log_put(struct log *log, const struct id *id, struct str deal, struct str event,
			int64_t now_us, struct record *out)
{
	struct id other = *id;

	/* under another id, so that the store's own check does not see it */
	if (overlooked && planted == mutant_duplicate_written_again &&
	    memcmp(id, &overlooked_id, sizeof(*id)) == 0)
		other.b[ID_SIZE - 1] ^= (uint8_t)++calls | 1;
	if (acts(mutant_batch_in_two_log_commits, 5)) {
		enum err e = __real_log_commit(log);
		if (!e)
			e = log_begin(log);
		if (e)
			return e;
	}
	return __real_log_put(log, &other, deal, event, now_us, out);
}

WRAPS(enum err, log_revision, struct log *log, struct str deal, uint64_t *revision);
enum err __wrap_log_revision(struct log *log, struct str deal, uint64_t *revision)
{
	const enum err e = __real_log_revision(log, deal, revision);

	if (!e && planted == mutant_revision_off_by_one)
		++*revision;
	return e;
}

WRAPS(enum err, slab_get, const struct slab *s, uint64_t seq, struct record *out);
enum err __wrap_slab_get(const struct slab *s, uint64_t seq, struct record *out)
{
	const enum err e = __real_slab_get(s, seq, out);

	if (planted != mutant_damage_served || e != ERR_DAMAGED)
		return e;
	const size_t i = seq - s->first;
	const char *row = s->table + i * SLAB_TABLE_ROW;
	const size_t begin = be16_get(row) + (s->leaves ? HASH_SIZE : 0);
	const size_t end = i + 1 < s->n ? be16_get(row + SLAB_TABLE_ROW) : s->bodies.n;
	*out = (struct record){ .epoch = s->epoch, .seq = seq,
				.recorded = s->recorded + be32_get(row + AT_AFTER),
				.event = { s->bodies.p + begin, end - begin } };
	return ERR_OK;
}

/* ---- deciding ---- */

WRAPS(enum err, event_same, struct str a, struct str b, struct arena *arena, bool *same);
enum err __wrap_event_same(struct str a, struct str b, struct arena *arena, bool *same)
{
	const enum err e = __real_event_same(a, b, arena, same);

	if (planted == mutant_conflict_accepted)
		*same = true;
	return e;
}

WRAPS(enum err, admit_decide, struct log *log, const struct publish *p, struct arena *a,
      struct admission *out);
enum err __wrap_admit_decide(struct log *log, const struct publish *p, struct arena *a,
			     struct admission *out)
{
	const enum err e = __real_admit_decide(log, p, a, out);

	if (e != ERR_BAD_BATCH || planted != mutant_bad_batch_written)
		return e;
	out->error.has = 0;
	return ERR_OK;
}

/* ---- answering ---- */

WRAPS(void, sender_answer, struct sender *s, const struct peer *to, uint64_t rid,
      const struct shape *shape, const void *msg);
void __wrap_sender_answer(struct sender *s, const struct peer *to, uint64_t rid,
			  const struct shape *shape, const void *msg)
{
	if (acts(mutant_answer_lost, 60))
		return;
	if (shape == &shape_events && planted == mutant_position_off_by_one) {
		struct events changed = *(const struct events *)msg;
		changed.scanned_to += changed.scanned_to < changed.head;
		__real_sender_answer(s, to, rid, shape, &changed);
		return;
	}
	if (shape == &shape_published && planted == mutant_retry_gets_new_seq) {
		const struct published *answer = msg;
		for (size_t i = 0; i < answer->receipts.n; i++) {
			struct receipt *r = &answer->receipts.v[i];
			if (r->status != outcome_exists)
				continue;
			r->first++;
			r->last++;
		}
	}
	__real_sender_answer(s, to, rid, shape, msg);
}

WRAPS(void, sender_refuse_as, struct sender *s, const struct peer *to, uint64_t rid, enum err code,
      const char *text);
void __wrap_sender_refuse_as(struct sender *s, const struct peer *to, uint64_t rid, enum err code,
			     const char *text)
{
	if (code == ERR_UNKNOWN && planted == mutant_unknown_said_not_executed)
		code = ERR_DEADLINE;
	__real_sender_refuse_as(s, to, rid, code, text);
}

WRAPS(enum err, sender_ask, struct sender *s, uint64_t rid, uint64_t ttl_ms, const struct shape *shape,
      const void *msg);
enum err __wrap_sender_ask(struct sender *s, uint64_t rid, uint64_t ttl_ms, const struct shape *shape,
			   const void *msg)
{
	if (shape == &shape_event_on_tape && acts(mutant_tape_repeats, 20)) {
		const enum err e = __real_sender_ask(s, rid, ttl_ms, shape, msg);
		if (e)
			return e;
	}
	return __real_sender_ask(s, rid, ttl_ms, shape, msg);
}

WRAPS(int, ingest_tick, struct ingest *g, struct now now);
int __wrap_ingest_tick(struct ingest *g, struct now now)
{
	if (planted == mutant_deadline_late)
		now.mono_ms -= LATE_MS;
	return __real_ingest_tick(g, now);
}

/* ---- reading ---- */

WRAPS(enum err, filter_match, const struct filter_kept *f, struct subject *s, struct replica *r,
      struct arena *a, bool *matches);
enum err __wrap_filter_match(const struct filter_kept *f, struct subject *s, struct replica *r,
			     struct arena *a, bool *matches)
{
	const enum err e = __real_filter_match(f, s, r, a, matches);

	if (*matches && acts(mutant_event_skipped, 20))
		*matches = false;
	return e;
}

WRAPS(uint64_t, answers_min_seq, enum msg_type type, struct str wire, struct arena *a);
uint64_t __wrap_answers_min_seq(enum msg_type type, struct str wire, struct arena *a)
{
	const uint64_t seq = __real_answers_min_seq(type, wire, a);

	return planted == mutant_min_seq_ignored ? 0 : seq;
}

WRAPS(enum err, index_event, struct replica *r, struct kept *kept, struct known_rows *known,
      const struct record *rec, const struct event *e, struct arena *a);
enum err __wrap_index_event(struct replica *r, struct kept *kept, struct known_rows *known,
			    const struct record *rec, const struct event *e, struct arena *a)
{
	return acts(mutant_index_row_lost, 10) ? ERR_OK :
						 __real_index_event(r, kept, known, rec, e, a);
}
