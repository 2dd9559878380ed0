/* SPDX-License-Identifier: Apache-2.0 */
/* story: facts are looked through one by one; see story.h. */
#include "tests/unit/story.h"

#include <stdio.h>
#include <stdlib.h>

#include "services/query/rows.h"

#define MEMORY_MAX ((size_t)64 << 20)
#define TEXT_MAX ((size_t)1 << 20)
#define JSON_MAX ((size_t)8 << 10)
#define ID_FORMAT "00000000-0000-7000-8000-%012lu"
#define NOW_US INT64_C(4000000000000000) /* after everything that a story tells */

/* ---- where facts come from ---- */

static int by_order(const void *x, const void *y)
{
	return order_cmp(fact_order(x), fact_order(y));
}

/* Those that a test says yes to, within the horizon, in order. */
static enum err select_facts(struct story *s, const bool chosen[], const struct horizon *h,
			     struct arena *a, struct fact_list *out)
{
	*out = (struct fact_list){ .v = arena_alloc(a, STORY_EVENTS_MAX * sizeof(*out->v)) };
	if (!out->v)
		return ERR_NO_MEMORY;
	for (uint64_t seq = 1; seq <= s->source.head; seq++)
		if (chosen[s->root[seq]] && horizon_holds(h, &s->facts[seq]))
			out->v[out->n++] = s->facts[seq];
		else
			out->cut |= chosen[s->root[seq]];
	qsort(out->v, out->n, sizeof(*out->v), by_order);
	return ERR_OK;
}

static enum err story_home(void *arg, enum home home, uint32_t number, const struct horizon *h,
			   struct arena *a, struct fact_list *out)
{
	bool chosen[STORY_EVENTS_MAX] = { false };
	struct story *s = arg;

	for (uint64_t seq = 1; seq <= s->source.head; seq++) {
		struct place places[PLACES_MAX];
		const size_t n = places_of(&s->facts[seq], places);
		for (size_t i = 0; i < n; i++)
			chosen[s->root[seq]] |= places[i].home == home && places[i].number == number;
	}
	return select_facts(s, chosen, h, a, out);
}

static enum err story_chain(void *arg, uint64_t seq, const struct horizon *h, struct arena *a,
			    struct fact_list *out)
{
	bool chosen[STORY_EVENTS_MAX] = { false };
	struct story *s = arg;

	if (seq <= s->source.head)
		chosen[s->root[seq]] = true;
	chosen[0] = false;
	return select_facts(s, chosen, h, a, out);
}

static bool relates(const struct fact *f, enum relation relation, uint32_t number)
{
	switch (relation) {
	case RELATION_PARTS:
		return numbers_have(fact_numbers(f, FACT_PART_OF), number);
	case RELATION_SUCCESSORS:
		return numbers_have(fact_numbers(f, FACT_SUPERSEDES), number);
	case RELATION_PAYER:
		return f->payer == number || numbers_have(fact_numbers(f, FACT_FROM), number);
	case RELATION_PAYEE:
		return numbers_have(fact_numbers(f, FACT_TO), number);
	}
	return false;
}

static enum err story_related(void *arg, enum relation relation, uint32_t number, struct arena *a,
			      struct number_list *out)
{
	struct story *s = arg;

	*out = (struct number_list){ arena_alloc(a, STORY_NAMES_MAX * sizeof(*out->v)), 0 };
	if (!out->v)
		return ERR_NO_MEMORY;
	for (uint32_t deal = 1; deal <= s->named[DICT_DEAL]; deal++) {
		bool found = false;
		for (uint64_t seq = 1; seq <= s->source.head && !found; seq++)
			found = s->facts[seq].deal == deal && relates(&s->facts[seq], relation, number);
		if (found)
			out->v[out->n++] = deal;
	}
	return ERR_OK;
}

static enum err story_number(void *arg, enum dictionary dict, struct str slug, uint64_t at_seq,
			     uint32_t *out)
{
	struct story *s = arg;

	for (*out = 1; *out <= s->named[dict]; (*out)++)
		if (str_eq(s->names[dict][*out], slug) && s->named_by[dict][*out] <= at_seq)
			return ERR_OK;
	return ERR_NOT_FOUND;
}

static enum err story_slug(void *arg, enum dictionary dict, uint32_t number, struct str *out)
{
	*out = ((struct story *)arg)->names[dict][number];
	return ERR_OK;
}

static int by_slug(const void *x, const void *y)
{
	return str_cmp(((const struct slug_of *)x)->slug, ((const struct slug_of *)y)->slug);
}

static enum err story_slugs(void *arg, enum dictionary dict, struct str after, uint64_t at_seq,
			    size_t most, struct arena *a, struct slug_list *out)
{
	struct story *s = arg;

	*out = (struct slug_list){ arena_alloc(a, STORY_NAMES_MAX * sizeof(*out->v)), 0 };
	if (!out->v)
		return ERR_NO_MEMORY;
	for (uint32_t n = 1; n <= s->named[dict]; n++)
		if (s->named_by[dict][n] <= at_seq && str_cmp(s->names[dict][n], after) > 0)
			out->v[out->n++] = (struct slug_of){ s->names[dict][n], n };
	qsort(out->v, out->n, sizeof(*out->v), by_slug);
	out->n = out->n < most ? out->n : most;
	return ERR_OK;
}

/* Everybody may have such a name; the declaration that decides is looked at anyway. */
static enum err story_named(void *arg, enum dictionary dict, struct str text, struct str slug,
			    struct arena *a, struct number_list *out)
{
	struct story *s = arg;

	(void)text;
	(void)slug;
	*out = (struct number_list){ arena_alloc(a, STORY_NAMES_MAX * sizeof(*out->v)), 0 };
	if (!out->v)
		return ERR_NO_MEMORY;
	while (out->n < s->named[dict]) {
		out->v[out->n] = (uint32_t)out->n + 1;
		out->n++;
	}
	return ERR_OK;
}

static enum err story_last_number(void *arg, enum dictionary dict, uint32_t *out)
{
	*out = ((struct story *)arg)->named[dict];
	return ERR_OK;
}

/* All of it is near. */
static void story_foresee_home(void *arg, enum home home, uint32_t number)
{
	(void)arg, (void)home, (void)number;
}

static void story_foresee_slug(void *arg, enum dictionary dict, uint32_t number)
{
	(void)arg, (void)dict, (void)number;
}

static void story_foresee_entries(void *arg, const uint64_t *seqs, size_t n)
{
	(void)arg, (void)seqs, (void)n;
}

static enum err story_revision(void *arg, uint32_t deal, uint64_t at_seq, uint64_t *out)
{
	struct story *s = arg;

	*out = 0;
	for (uint64_t seq = 1; seq <= s->source.head && seq <= at_seq; seq++)
		*out += s->facts[seq].deal == deal;
	return ERR_OK;
}

static enum err story_entry(void *arg, uint64_t seq, struct entry *out)
{
	*out = ((struct story *)arg)->entries[seq];
	return ERR_OK;
}

/* ---- telling ---- */

static enum err number_of(void *arg, enum dictionary dict, struct str slug, uint32_t *out)
{
	struct story *s = arg;

	if (!story_number(s, dict, slug, UINT64_MAX, out))
		return ERR_OK;
	*out = ++s->named[dict];
	assert_in_range(*out, 1, STORY_NAMES_MAX - 1);
	s->names[dict][*out] = arena_str(&s->kept, slug);
	s->named_by[dict][*out] = s->source.head + 1;
	return ERR_OK;
}

int story_setup(void **state)
{
	struct story *s = calloc(1, sizeof(*s));

	*state = s;
	if (!s)
		return -1;
	s->source = (struct facts){ .arg = s, .epoch = 1, .home = story_home, .chain = story_chain,
		.related = story_related, .number = story_number, .slug = story_slug,
		.slugs = story_slugs, .named = story_named, .last_number = story_last_number,
		.foresee_home = story_foresee_home, .foresee_slug = story_foresee_slug,
		.foresee_entries = story_foresee_entries,
		.revision = story_revision, .entry = story_entry };
	arena_init(&s->kept, MEMORY_MAX);
	arena_init(&s->answer, MEMORY_MAX);
	return 0;
}

int story_teardown(void **state)
{
	struct story *s = *state;

	arena_fini(&s->kept);
	arena_fini(&s->answer);
	free(s);
	return 0;
}

/* Single quotes become double ones, '#3' the id of the third event. */
static struct str json_of(const char *text, struct arena *a)
{
	char *out = arena_alloc(a, JSON_MAX), *end;
	size_t n = 0;

	assert_non_null(out);
	for (const char *p = text; *p && n < JSON_MAX - 64; p++) {
		if (*p == '#') {
			n += (size_t)snprintf(out + n, 64, ID_FORMAT, strtoul(p + 1, &end, 10));
			p = end;
		}
		out[n++] = *p == '\'' ? '"' : *p;
	}
	return (struct str){ out, n };
}

static void fill_in(struct event *e, uint64_t seq)
{
	char text[64];

	(void)snprintf(text, sizeof(text), ID_FORMAT, (unsigned long)seq);
	assert_int_equal(id_parse(str_of(text), e->id.b, NULL), ERR_OK);
	msg_mark(e, event, id);
	if (!msg_has(e, event, stated) && !msg_has(e, event, ref))
		msg_set(e, event, stated, STR("2025-01-01"));
	if (!msg_has(e, event, source)) {
		msg_mark(e, event, source);
		msg_set(&e->source, source, publisher, STR("Wire"));
	}
	if (!msg_has(e, event, grade) && e->kind != kind_party && e->kind != kind_deal &&
	    e->kind != kind_rate && e->kind != kind_retract)
		msg_set(e, event, grade, grade_press);
}

static uint64_t seq_of_id(const struct id *id)
{
	uint64_t seq = 0;

	for (size_t i = 10; i < ID_SIZE; i++)
		seq = seq * 100 + (uint64_t)(id->b[i] >> 4) * 10 + (id->b[i] & 15);
	return seq;
}

uint64_t tell(struct story *s, const char *text)
{
	const uint64_t seq = s->source.head + 1;
	const struct numbering numbering = { s, number_of };
	struct fault fault;
	struct event e;
	struct buf bytes;

	fault_init(&fault);
	assert_in_range(seq, 1, STORY_EVENTS_MAX - 1);
	memset(&e, 0, sizeof(e));
	enum err err = json_read(&shape_event, json_of(text, &s->kept), &s->kept, &e, &fault);
	if (err)
		fail_msg("%s: %s %s %s", text, err_name(err), fault.field, fault.text);
	fill_in(&e, seq);
	err = event_check_struct(&e, NOW_US, &fault);
	if (err)
		fail_msg("%s: %s %s %s", text, err_name(err), fault.field, fault.text);
	buf_init(&bytes, EVENT_BYTES_MAX);
	assert_int_equal(record_encode(&shape_event, &e, &bytes), ERR_OK);
	const uint64_t ref = msg_has(&e, event, ref) ? seq_of_id(&e.ref) : 0;
	const uint64_t origin = msg_has(&e, event, derived_from) ? seq_of_id(&e.derived_from) : 0;
	assert_int_equal(fact_from_event(&e, seq, ref ? &s->facts[ref] : NULL,
					 origin < seq ? origin : 0, &numbering, &s->kept,
					 &s->facts[seq]), ERR_OK);
	s->root[seq] = ref ? s->root[ref] : seq;
	msg_set(&s->entries[seq], entry, seq, seq);
	msg_set(&s->entries[seq], entry, event, arena_str(&s->kept, buf_str(&bytes)));
	buf_fini(&bytes);
	return s->source.head = seq;
}

/* ---- asking ---- */

#define QUESTIONS(X)                                                                               \
	X(deal_figure, deal_figures, fold_deal)                                                    \
	X(history, statements, fold_history)                                                       \
	X(party_figure, party_figures, fold_party)                                                 \
	X(backers_figure, backers_figures, fold_backers)                                           \
	X(league, league_tables, fold_league)                                                      \
	X(overtook, overtook_answer, fold_overtook)                                                \
	X(flows, flow_table, fold_flows)                                                           \
	X(cycles, cycle_table, fold_cycles)                                                        \
	X(why, reasons, fold_why)                                                                  \
	X(reconcile, reconciled, fold_reconcile)                                                   \
	X(anomalies, anomaly_table, fold_anomalies)                                                \
	X(diff, changes, fold_diff)                                                                \
	X(search, found, fold_search)                                                              \
	X(parties, party_table, fold_parties)                                                      \
	X(deals, deal_table, fold_deals)                                                           \
	X(rates, rate_table, fold_rates)

static void *question_read(struct story *s, const struct shape *shape, const char *text)
{
	struct fault fault;
	void *out = arena_zalloc(&s->answer, 1, shape->size);

	fault_init(&fault);
	assert_non_null(out);
	const enum err e = json_read(shape, json_of(text, &s->answer), &s->answer, out, &fault);
	if (e)
		fail_msg("%s: %s %s %s", text, err_name(e), fault.field, fault.text);
	return out;
}

static const char *answer_text(struct story *s, const struct shape *shape, const void *answer)
{
	char *text = arena_alloc(&s->answer, TEXT_MAX);
	struct buf out;

	assert_non_null(text);
	buf_init(&out, TEXT_MAX - 1);
	assert_int_equal(json_write(shape, answer, &s->answer, &out), ERR_OK);
	const struct str json = buf_str(&out);
	for (size_t i = 0; i < json.n; i++)
		text[i] = json.p[i] == '"' ? '\'' : json.p[i];
	text[json.n] = 0;
	buf_fini(&out);
	return text;
}

const char *ask(struct story *s, const char *message, const char *question)
{
	struct fault fault;
	enum err e;

	arena_reset(&s->answer);
	fault_init(&fault);
#define ASK(m, reply, fold)                                                                        \
	if (str_eq(str_of(message), STR(#m))) {                                                    \
		struct reply *out = arena_zalloc(&s->answer, 1, sizeof(*out));                     \
		const struct m *q = question_read(s, &shape_##m, question);                        \
		assert_non_null(out);                                                              \
		if (s->before)                                                                     \
			s->before(s->around);                                                      \
		e = fold(&s->source, q, &s->answer, out, &fault);                                  \
		if (s->after)                                                                      \
			s->after(s->around);                                                       \
		return e ? err_name(e) : answer_text(s, &shape_##reply, out);                      \
	}
	QUESTIONS(ASK)
#undef ASK
	fail_msg("there is no question %s", message);
	return NULL;
}

static const char *sums_text(struct story *s, const struct sum_list *sums)
{
	char *text = arena_alloc(&s->answer, JSON_MAX), amount[AMOUNT_TEXT_SIZE];
	size_t n = 0;

	assert_non_null(text);
	text[0] = 0;
	for (size_t i = 0; i < sums->n; i++) {
		const struct sum *sum = &sums->v[i];
		if (msg_has(sum, sum, amount)) {
			amount_format(&sum->amount, amount);
			n += (size_t)snprintf(text + n, JSON_MAX - n, "%s%s", n ? ", " : "", amount);
		}
		if (sum->undisclosed)
			n += (size_t)snprintf(text + n, JSON_MAX - n, "%s%lu undisclosed",
					      n ? " + " : "", (unsigned long)sum->undisclosed);
	}
	return n ? text : "nothing";
}

const char *figure(struct story *s, const char *question, enum rung rung, const char *who)
{
	struct deal_figures out;
	struct fault fault;

	arena_reset(&s->answer);
	fault_init(&fault);
	const enum err e = fold_deal(&s->source, question_read(s, &shape_deal_figure, question),
				     &s->answer, &out, &fault);
	if (e)
		return err_name(e);
	const struct rung_sums *of = &out.rungs.v[rung - 1];
	if (!who)
		return sums_text(s, &of->total);
	if (strcmp(who, "-") == 0)
		return sums_text(s, &of->unattributed);
	for (size_t i = 0; i < of->payers.n; i++)
		if (str_eq(of->payers.v[i].payer, str_of(who)))
			return sums_text(s, &of->payers.v[i].sums);
	return "nothing";
}
