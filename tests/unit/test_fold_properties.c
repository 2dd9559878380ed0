/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of every figure, on random stories. Each property is shown many of them, and then
 * the same with a planted mistake, which one of them must bring to light.
 */
#include "tests/unit/story.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/random.h"

#define STORIES 80u
#define EVENTS_MAX 24u
#define DEALS 4u
#define PARTIES 3u
#define FIGURES_SIZE 8192u

/* One event of a random story; numbers of other events count from 0, -1 is none. */
struct one {
	const char *kind, *currency;
	unsigned deal, day, low, high;
	int from, part_of, ref, copy_of;
	bool disclosed, adds, returned;
};
struct made {
	struct one v[EVENTS_MAX];
	size_t n;
};

static bool chance(struct random *r, unsigned percent)
{
	return random_below(r, 100) < percent;
}

static struct one one_of(struct random *r, size_t before)
{
	static const char *const kinds[] = { "commit", "commit", "announce", "talks", "pay", "pay",
					     "deal", "cancel", "retract" };
	struct one e = { .kind = kinds[random_below(r, before ? ARRAY_LEN(kinds) : 7)],
		.currency = chance(r, 70) ? "JPY" : "KRW", .deal = (unsigned)random_below(r, DEALS),
		.low = (unsigned)random_below(r, 20), .disclosed = chance(r, 85), .from = -1,
		.part_of = -1, .ref = -1, .copy_of = -1 };

	e.high = e.low + (chance(r, 40) ? (unsigned)random_below(r, 20) : 0);
	if (chance(r, 60))
		e.from = (int)random_below(r, PARTIES);
	if (strcmp(e.kind, "deal") == 0)
		e.part_of = chance(r, 60) ? (int)random_below(r, DEALS) : -1;
	if (strcmp(e.kind, "retract") == 0 || (before && chance(r, 12)))
		e.ref = (int)random_below(r, before);
	e.adds = strcmp(e.kind, "pay") != 0 && chance(r, 15);
	e.returned = strcmp(e.kind, "pay") == 0 && chance(r, 15);
	return e;
}

static void make(struct random *r, struct made *m)
{
	const size_t n = 2 + random_below(r, EVENTS_MAX - 4);

	for (m->n = 0; m->n < n; m->n++) {
		m->v[m->n] = one_of(r, m->n);
		m->v[m->n].day = (unsigned)m->n;
		/* what corrects a retract stands for itself, whatever the retract was of */
		if (m->v[m->n].ref >= 0 && strcmp(m->v[m->v[m->n].ref].kind, "retract") == 0 &&
		    strcmp(m->v[m->n].kind, "retract") != 0)
			m->v[m->n].ref = -1;
	}
}

static size_t put_money(const struct one *e, char *out, size_t room)
{
	size_t n = 0;

	if (e->disclosed)
		n = (size_t)snprintf(out, room, ",'amount':'%u..%u %s'", e->low, e->high, e->currency);
	return n + (size_t)snprintf(out + n, room - n, "%s%s", e->adds ? ",'adds':true" : "",
				    e->returned ? ",'returned':true" : "");
}

/* `seqs`: where the other events came; those of others that came later are not named. */
static uint64_t tell_one(struct story *s, const struct one *e, const uint64_t seqs[])
{
	const bool retract = strcmp(e->kind, "retract") == 0, deal = strcmp(e->kind, "deal") == 0;
	const bool money = !retract && !deal && strcmp(e->kind, "cancel") != 0;
	char text[512];
	size_t n = (size_t)snprintf(text, sizeof(text), "{'kind':'%s','stated':'2025-%02u-%02u'",
				    e->kind, 1 + e->day / 28, 1 + e->day % 28);

	if (!retract)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",'deal':'d%u'", e->deal);
	if (e->from >= 0 && !retract)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",'from':'p%d'", e->from);
	if (money)
		n += put_money(e, text + n, sizeof(text) - n);
	if (e->part_of >= 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      ",'links':[{'type':'part_of','deal':'d%d'}]", e->part_of);
	if (e->ref >= 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",'ref':'#%lu'",
				      (unsigned long)seqs[e->ref]);
	if (e->copy_of >= 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",'derived_from':'#%lu'",
				      (unsigned long)seqs[e->copy_of]);
	(void)snprintf(text + n, sizeof(text) - n, "%s}",
		       strcmp(e->kind, "cancel") == 0 ? ",'reason':'other'" : "");
	return tell(s, text);
}

static void tell_all(struct story *s, const struct made *m, uint64_t seqs[EVENTS_MAX])
{
	for (size_t i = 0; i < m->n; i++)
		seqs[i] = tell_one(s, &m->v[i], seqs);
}

/* Every figure of every deal; `currency`: only what is of this one. */
static void figures_at(struct story *s, const char *options, const char *currency,
		       char out[FIGURES_SIZE])
{
	static const char *const whos[] = { NULL, "-", "p0", "p1", "p2" };
	char question[128];
	size_t n = 0;

	for (unsigned d = 0; d < DEALS; d++) {
		(void)snprintf(question, sizeof(question), "{'deal':'d%u'%s}", d, options);
		for (enum rung rung = rung_talked; rung <= rung_paid; rung++)
			for (size_t w = 0; w < ARRAY_LEN(whos); w++) {
				const char *text = figure(s, question, rung, whos[w]);
				const char *part = currency ? strstr(text, currency) : text;
				while (currency && part && part > text && part[-1] != ',')
					part--;
				const size_t most = currency && part ? strcspn(part, ",+") : 200;
				if (!part || strcmp(part, "nothing") == 0 || strcmp(part, "NOT_FOUND") == 0)
					continue;
				n += (size_t)snprintf(out + n, FIGURES_SIZE - n, "d%u %d %s %.*s\n", d,
						      (int)rung, whos[w] ? whos[w] : "*", (int)most, part);
				assert_true(n < FIGURES_SIZE);
			}
	}
	out[n] = 0;
}

static struct story *begin(void)
{
	void *s;

	assert_int_equal(story_setup(&s), 0);
	return s;
}

static void end(struct story *s)
{
	void *state = s;

	(void)story_teardown(&state);
}

/* What a story comes to. */
static void figures_of(const struct made *m, const char *options, const char *currency,
		       char out[FIGURES_SIZE])
{
	uint64_t seqs[EVENTS_MAX];
	struct story *s = begin();

	tell_all(s, m, seqs);
	figures_at(s, options, currency, out);
	end(s);
}

/* ---- properties: whether each holds of a story made by chance ---- */

static const char *policy(struct random *r)
{
	static const char *const policies[] = { "", ",'policy':'latest'", ",'policy':'hull'" };

	return policies[random_below(r, 3)];
}

static bool same_figures_in_another_order(struct random *r, bool planted)
{
	char first[FIGURES_SIZE], second[FIGURES_SIZE];
	const char *options = policy(r);
	uint64_t seqs[EVENTS_MAX] = { 0 };
	struct made m;

	make(r, &m);
	for (size_t i = 0; planted && i < m.n; i++)
		m.v[i].day = 0; /* then the order of arrival decides */
	figures_of(&m, options, NULL, first);
	struct story *s = begin();
	for (size_t left = m.n; left > 0;) {
		const size_t i = random_below(r, m.n);
		if (seqs[i] || (m.v[i].ref >= 0 && !seqs[m.v[i].ref]))
			continue;
		seqs[i] = tell_one(s, &m.v[i], seqs);
		left--;
	}
	figures_at(s, options, NULL, second);
	end(s);
	return strcmp(first, second) == 0;
}

static bool what_is_retracted_had_never_been_but_before(struct random *r, bool planted)
{
	char bare[FIGURES_SIZE], before[FIGURES_SIZE], after[FIGURES_SIZE], pinned[FIGURES_SIZE];
	char options[128];
	uint64_t seqs[EVENTS_MAX];
	struct made m, without = { .n = 0 };
	bool gone[EVENTS_MAX] = { false };
	int place[EVENTS_MAX];

	make(r, &m);
	gone[0] = true; /* and whatever repairs it, or what repairs that */
	for (size_t i = 0; i < m.n; i++) {
		gone[i] |= m.v[i].ref >= 0 && gone[m.v[i].ref];
		place[i] = (int)without.n;
		if (gone[i])
			continue;
		without.v[without.n] = m.v[i];
		if (m.v[i].ref >= 0)
			without.v[without.n].ref = place[m.v[i].ref];
		without.n++;
	}
	figures_of(&without, "", NULL, bare);
	struct story *s = begin();
	tell_all(s, &m, seqs);
	figures_at(s, "", NULL, before);
	(void)snprintf(options, sizeof(options), ",'clocks':{'at_seq':%zu}", m.n);
	if (!planted)
		tell(s, "{'kind':'retract','ref':'#1','stated':'2025-12-31'}");
	figures_at(s, "", NULL, after);
	figures_at(s, options, NULL, pinned);
	end(s);
	return strcmp(bare, after) == 0 && strcmp(before, pinned) == 0;
}

static bool a_copy_changes_nothing(struct random *r, bool planted)
{
	char first[FIGURES_SIZE], second[FIGURES_SIZE];
	const char *options = policy(r);
	struct made m;

	make(r, &m);
	for (size_t i = 0; i < m.n; i++)
		if (m.v[i].ref == 0)
			return true; /* what is copied is no longer what it was */
	figures_of(&m, options, NULL, first);
	struct one *copy = &m.v[m.n++];
	*copy = one_of(r, 0);
	copy->kind = "commit";
	copy->part_of = -1;
	copy->returned = false;
	copy->day = EVENTS_MAX;
	copy->copy_of = planted ? -1 : 0;
	figures_of(&m, options, NULL, second);
	return strcmp(first, second) == 0;
}

static bool is_no(struct story *s)
{
	return strstr(ask(s, "overtook", "{'party':'p0','other':'p1','rung':'committed',"
					 "'before':'2025-01-08','after':'2025-12-31'}"),
		      "'currency':'JPY','overtook':'no'") != NULL;
}

static bool widening_turns_nothing_into_no(struct random *r, bool planted)
{
	uint64_t seqs[EVENTS_MAX];
	struct made m;

	make(r, &m);
	m.v[0] = (struct one){ .kind = "pay", .currency = "JPY", .low = 1, .high = 1, .disclosed = true,
			       .from = 0, .part_of = -1, .ref = -1, .copy_of = -1 };
	m.v[1] = m.v[0];
	m.v[1].from = 1;
	struct story *s = begin();
	tell_all(s, &m, seqs);
	const bool was = is_no(s);
	end(s);
	for (size_t i = 0; i < m.n; i++) {
		struct one *e = &m.v[i];
		const unsigned less = (unsigned)random_below(r, e->low + 1);
		e->low = planted ? e->low : e->low - less;
		e->high = planted ? e->low : e->high + (unsigned)random_below(r, 10);
	}
	s = begin();
	tell_all(s, &m, seqs);
	const bool is = is_no(s);
	end(s);
	return was || !is;
}

/* The low bound of a figure in JPY; LONG_MIN where it is open. */
static long low_of(struct story *s, const char *question, enum rung rung, const char *who)
{
	const char *text = figure(s, question, rung, who), *at = strstr(text, "JPY");

	if (!at)
		return 0;
	while (at > text && at[-1] != ',')
		at--;
	at += strspn(at, " ~");
	if (*at == '<')
		return 0;
	at += strspn(at, ">=");
	return *at == '.' ? LONG_MIN : strtol(at, NULL, 10);
}

static bool an_undisclosed_event_lowers_no_low_bound(struct random *r, bool planted)
{
	static const char *const whos[] = { NULL, "p0", "p1", "p2" };
	const char *options = policy(r);
	long low[DEALS][rung_COUNT][ARRAY_LEN(whos)];
	uint64_t seqs[EVENTS_MAX];
	char question[96];
	bool holds = true;
	struct made m;

	make(r, &m);
	m.v[0] = (struct one){ .kind = "deal", .deal = 1, .from = -1, .part_of = 0, .ref = -1,
			       .copy_of = -1 };
	m.v[1] = (struct one){ .kind = "commit", .currency = "JPY", .deal = 1, .low = 10, .high = 10,
			       .disclosed = true, .from = -1, .part_of = -1, .ref = -1, .copy_of = -1 };
	struct story *s = begin();
	tell_all(s, &m, seqs);
	for (int after = 0; after < 2; after++) {
		for (unsigned d = 0; d < DEALS; d++)
			for (enum rung rung = rung_talked; rung <= rung_paid; rung++)
				for (size_t w = 0; w < ARRAY_LEN(whos); w++) {
					(void)snprintf(question, sizeof(question), "{'deal':'d%u'%s}", d,
						       options);
					const long now = low_of(s, question, rung, whos[w]);
					holds &= !after || now >= low[d][rung][w];
					low[d][rung][w] = now;
				}
		struct one e = one_of(r, 0);
		e.kind = chance(r, 50) ? "commit" : "pay";
		e.deal = chance(r, 50) ? 1 : e.deal; /* a part whose whole is stated */
		e.part_of = -1;
		e.adds = false;
		e.disclosed = false;
		e.returned = planted;
		if (planted) {
			e = (struct one){ .kind = "pay", .currency = "JPY", .deal = e.deal, .low = 9, .high = 9,
					  .disclosed = true, .returned = true, .from = e.from, .part_of = -1,
					  .ref = -1, .copy_of = -1 };
		} else if (strcmp(e.kind, "commit") == 0) {
			e.returned = false;
		}
		e.day = (unsigned)random_below(r, EVENTS_MAX);
		(void)tell_one(s, &e, seqs);
	}
	end(s);
	return holds;
}

static bool parts_beyond_the_whole_are_shown(struct random *r, bool planted)
{
	unsigned whole = (unsigned)random_below(r, 60), parts = 0;
	char text[160];

	struct story *s = begin();
	(void)snprintf(text, sizeof(text), "{'kind':'commit','deal':'d0','amount':'%u JPY'}", whole);
	tell(s, text);
	for (unsigned d = 1; d < DEALS; d++) {
		const unsigned n = (unsigned)random_below(r, 30);
		parts += n;
		(void)snprintf(text, sizeof(text), "{'kind':'deal','deal':'d%u','links':"
			       "[{'type':'part_of','deal':'d0'}]}", d);
		if (!planted)
			tell(s, text);
		(void)snprintf(text, sizeof(text), "{'kind':'commit','deal':'d%u','from':'p%u',"
			       "'amount':'%u JPY'}", d, d % PARTIES, n);
		tell(s, text);
	}
	const bool shown = strstr(ask(s, "anomalies", "{}"), "parts_beyond_whole") != NULL;
	end(s);
	return shown == (parts > whole);
}

static bool currencies_do_not_touch(struct random *r, bool planted)
{
	char first[FIGURES_SIZE], second[FIGURES_SIZE];
	const char *options = policy(r);
	struct made m;

	make(r, &m);
	figures_of(&m, options, "JPY", first);
	for (size_t i = 0; i < m.n; i++)
		if (planted || strcmp(m.v[i].currency, "KRW") == 0)
			m.v[i].high = m.v[i].low += 5;
	figures_of(&m, options, "JPY", second);
	return strcmp(first, second) == 0;
}

static bool rungs_are_not_added_up(struct random *r, bool planted)
{
	static const char *const kinds[] = { "talks", "announce", "commit", "pay" };
	bool holds = true;
	char expected[32];
	struct story *s = begin();
	struct one e = { .currency = "JPY", .disclosed = true, .part_of = -1, .ref = -1, .copy_of = -1 };
	unsigned amounts[ARRAY_LEN(kinds)];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		e.kind = kinds[i];
		amounts[i] = e.low = e.high = 1 + (unsigned)random_below(r, 1000);
		(void)tell_one(s, &e, NULL);
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		(void)snprintf(expected, sizeof(expected), "%u JPY",
			       amounts[i] + (planted && i ? amounts[i - 1] : 0));
		holds &= strcmp(figure(s, "{'deal':'d0'}", (enum rung)(i + 1), "p0"), expected) == 0 &&
			 strcmp(figure(s, "{'deal':'d0'}", (enum rung)(i + 1), NULL), expected) == 0;
	}
	end(s);
	return holds;
}

/* ---- each of them, and its mistake ---- */

typedef bool property(struct random *r, bool planted);

static void holds_of_all(property *holds)
{
	for (uint64_t seed = 1; seed <= STORIES; seed++) {
		struct random r = { seed };
		if (!holds(&r, false))
			fail_msg("seed %lu", (unsigned long)seed);
	}
}

static void mistake_is_seen(property *holds)
{
	for (uint64_t seed = 1; seed <= STORIES; seed++) {
		struct random r = { seed };
		if (!holds(&r, true))
			return;
	}
	fail_msg("not in %u stories", STORIES);
}

#define PROPERTIES(X)                                                                              \
	X(arrival_order_does_not_change_as_of_figures, same_figures_in_another_order)              \
	X(state_after_a_retract_is_that_without_the_event,                                         \
	  what_is_retracted_had_never_been_but_before)                                             \
	X(a_copy_never_changes_a_figure, a_copy_changes_nothing)                                   \
	X(widening_an_interval_never_turns_possible_into_no, widening_turns_nothing_into_no)       \
	X(an_undisclosed_event_never_lowers_a_low_bound, an_undisclosed_event_lowers_no_low_bound) \
	X(parts_never_exceed_the_whole_without_an_anomaly, parts_beyond_the_whole_are_shown)       \
	X(totals_of_currencies_are_independent, currencies_do_not_touch)                           \
	X(sums_over_rungs_are_never_produced, rungs_are_not_added_up)

#define PROPERTY(name, holds)                                                                      \
	static void name(void **state)                                                             \
	{                                                                                          \
		(void)state;                                                                       \
		holds_of_all(holds);                                                               \
	}                                                                                          \
	static void a_mistake_is_seen_where_##name(void **state)                                   \
	{                                                                                          \
		(void)state;                                                                       \
		mistake_is_seen(holds);                                                            \
	}
PROPERTIES(PROPERTY)

#define TESTS(name, holds)                                                                         \
	cmocka_unit_test(name), cmocka_unit_test(a_mistake_is_seen_where_##name),

int main(void)
{
	const struct CMUnitTest tests[] = { PROPERTIES(TESTS) };

	return cmocka_run_group_tests_name("fold/properties", tests, NULL, NULL);
}
