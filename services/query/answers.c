/* SPDX-License-Identifier: Apache-2.0 */
/* answers: one function a question; the table at the end says which. */
#include "services/query/answers.h"

#include "services/fold/fold.h"
#include "services/query/archive.h"

#define VERSIONS_SHOWN_MAX 1000u

/* A question's function: decodes wire, fills in *answer (in the arena). */
typedef enum err answer_function(struct replica *r, struct kept *kept, struct str wire, struct arena *a,
				 void **answer, struct fault *fault);

/* The versions of the statement that the event belongs to, so that its repairs can be found. */
static enum err versions_of(struct replica *r, struct arena *a, struct got *got)
{
	struct archive archive;

	archive_init(&archive, r, NULL);
	const enum err e = fold_versions(&archive.facts, got->entry.seq, a, &got->versions);
	archive_fini(&archive);
	TRY(e);
	if (got->versions.n > VERSIONS_SHOWN_MAX)
		got->versions.n = VERSIONS_SHOWN_MAX;
	msg_mark(got, got, versions);
	return ERR_OK;
}

static enum err answer_get(struct replica *r, struct kept *kept, struct str wire, struct arena *a,
			   void **answer, struct fault *fault)
{
	struct get ask;
	struct record rec;
	struct replica_info info;
	uint64_t seq;

	(void)kept;
	enum err e = msg_decode(&shape_get, wire, a, &ask, fault);
	if (e)
		return e;
	if (msg_has(&ask, get, seq) == msg_has(&ask, get, id))
		return fault_set(fault, ERR_BAD_VALUE, "seq", "give either seq or id");
	seq = ask.seq;
	if (msg_has(&ask, get, id)) {
		e = replica_find(r, &ask.id, &seq);
		if (e)
			return fault_set(fault, e, "id", "no event with this id");
	}
	e = replica_get(r, seq, &rec);
	if (e)
		return fault_set(fault, e, "seq", "no event #%llu", (unsigned long long)seq);
	struct got *got = arena_zalloc(a, 1, sizeof(*got));
	if (!got)
		return ERR_NO_MEMORY;
	msg_mark(got, got, entry);
	msg_set(&got->entry, entry, seq, rec.seq);
	msg_set(&got->entry, entry, epoch, rec.epoch);
	msg_set(&got->entry, entry, recorded, rec.recorded);
	msg_set(&got->entry, entry, event, rec.event);
	leaf_hash(rec.epoch, rec.seq, rec.recorded, rec.event, &got->leaf);
	msg_mark(got, got, leaf);
	replica_info(r, &info);
	msg_set(got, got, head, info.head);
	TRY(versions_of(r, a, got));
	*answer = got;
	return ERR_OK;
}

static uint64_t min_seq_of_get(struct str wire, struct arena *a)
{
	struct get ask;

	return msg_decode(&shape_get, wire, a, &ask, NULL) ? 0 : ask.min_seq;
}

/* A question that the fold answers whole. */
#define FOLDED(question, reply, fold)                                                              \
	static enum err answer_##question(struct replica *r, struct kept *kept, struct str wire,   \
					  struct arena *a, void **answer, struct fault *fault)     \
	{                                                                                          \
		struct archive archive;                                                            \
		struct question *ask = arena_zalloc(a, 1, sizeof(*ask));                           \
		struct reply *out = arena_zalloc(a, 1, sizeof(*out));                              \
		if (!ask || !out)                                                                  \
			return ERR_NO_MEMORY;                                                      \
		TRY(msg_decode(&shape_##question, wire, a, ask, fault));                           \
		archive_init(&archive, r, kept);                                                   \
		*answer = out;                                                                     \
		const enum err e = fold(&archive.facts, ask, a, out, fault);                       \
		archive_fini(&archive);                                                            \
		return e;                                                                          \
	}                                                                                          \
	static uint64_t min_seq_of_##question(struct str wire, struct arena *a)                    \
	{                                                                                          \
		struct question ask;                                                               \
		return msg_decode(&shape_##question, wire, a, &ask, NULL) ? 0 : ask.min_seq;       \
	}

FOLDED(deal_figure, deal_figures, fold_deal)
FOLDED(history, statements, fold_history)
FOLDED(party_figure, party_figures, fold_party)
FOLDED(backers_figure, backers_figures, fold_backers)
FOLDED(league, league_tables, fold_league)
FOLDED(overtook, overtook_answer, fold_overtook)
FOLDED(flows, flow_table, fold_flows)
FOLDED(cycles, cycle_table, fold_cycles)
FOLDED(why, reasons, fold_why)
FOLDED(reconcile, reconciled, fold_reconcile)
FOLDED(anomalies, anomaly_table, fold_anomalies)
FOLDED(diff, changes, fold_diff)
FOLDED(search, found, fold_search)
FOLDED(parties, party_table, fold_parties)
FOLDED(deals, deal_table, fold_deals)
FOLDED(rates, rate_table, fold_rates)

#define QUESTION(question, answer)                                                                 \
	{ MSG_##question, &shape_##answer, answer_##question, min_seq_of_##question }

static const struct question_row {
	enum msg_type type;
	const struct shape *answer;
	answer_function *function;
	uint64_t (*min_seq)(struct str wire, struct arena *a);
} questions[] = {
	QUESTION(get, got),
	QUESTION(deal_figure, deal_figures),
	QUESTION(history, statements),
	QUESTION(party_figure, party_figures),
	QUESTION(backers_figure, backers_figures),
	QUESTION(league, league_tables),
	QUESTION(overtook, overtook_answer),
	QUESTION(flows, flow_table),
	QUESTION(cycles, cycle_table),
	QUESTION(why, reasons),
	QUESTION(reconcile, reconciled),
	QUESTION(anomalies, anomaly_table),
	QUESTION(diff, changes),
	QUESTION(search, found),
	QUESTION(parties, party_table),
	QUESTION(deals, deal_table),
	QUESTION(rates, rate_table),
};

static const struct question_row *question_of(enum msg_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		if (questions[i].type == type)
			return &questions[i];
	return NULL;
}

bool answers_takes(enum msg_type type)
{
	return question_of(type) != NULL;
}

uint64_t answers_min_seq(enum msg_type type, struct str wire, struct arena *a)
{
	const struct question_row *q = question_of(type);

	require(q);
	return q->min_seq(wire, a);
}

enum err answers_answer(struct replica *r, struct kept *kept, enum msg_type type, struct str wire,
			struct arena *a, const struct shape **shape, void **answer,
			struct fault *fault)
{
	const struct question_row *q = question_of(type);

	require(q);
	*shape = q->answer;
	return q->function(r, kept, wire, a, answer, fault);
}
