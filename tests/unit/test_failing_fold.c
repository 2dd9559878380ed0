/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the fold asks of memory or of the source of its facts fails once: the answer is that error,
 * and the next one is right.
 */
#include "tests/unit/failing.h"
#include "tests/unit/tale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/fold/kept.h"

#define AGAIN_EVERY 16u /* calls that failed: the same question is asked again */
#define KEPT_BYTES ((size_t)4 << 20)

/* ---- facts that fail ---- */

/* Each of a source's functions, unless its turn to fail has come; `arg` is the story. */
#define FAILS (failing_now(failing_test))

static struct facts real; /* what the story itself gives */

static enum err fails_home(void *arg, enum home home, uint32_t number, const struct horizon *h,
			   struct arena *a, struct fact_list *out)
{
	return FAILS ? ERR_IO : real.home(arg, home, number, h, a, out);
}

static enum err fails_chain(void *arg, uint64_t seq, const struct horizon *h, struct arena *a,
			    struct fact_list *out)
{
	return FAILS ? ERR_IO : real.chain(arg, seq, h, a, out);
}

static enum err fails_related(void *arg, enum relation relation, uint32_t number, struct arena *a,
			      struct number_list *out)
{
	return FAILS ? ERR_IO : real.related(arg, relation, number, a, out);
}

static enum err fails_number(void *arg, enum dictionary dict, struct str slug, uint64_t at_seq,
			     uint32_t *out)
{
	return FAILS ? ERR_IO : real.number(arg, dict, slug, at_seq, out);
}

static enum err fails_slug(void *arg, enum dictionary dict, uint32_t number, struct str *out)
{
	return FAILS ? ERR_IO : real.slug(arg, dict, number, out);
}

static enum err fails_slugs(void *arg, enum dictionary dict, struct str after, uint64_t at_seq,
			    size_t most, struct arena *a, struct slug_list *out)
{
	return FAILS ? ERR_IO : real.slugs(arg, dict, after, at_seq, most, a, out);
}

static enum err fails_named(void *arg, enum dictionary dict, struct str text, struct str slug,
			    struct arena *a, struct number_list *out)
{
	return FAILS ? ERR_IO : real.named(arg, dict, text, slug, a, out);
}

static enum err fails_last_number(void *arg, enum dictionary dict, uint32_t *out)
{
	return FAILS ? ERR_IO : real.last_number(arg, dict, out);
}

static enum err fails_revision(void *arg, uint32_t deal, uint64_t at_seq, uint64_t *out)
{
	return FAILS ? ERR_IO : real.revision(arg, deal, at_seq, out);
}

static enum err fails_entry(void *arg, uint64_t seq, struct entry *out)
{
	return FAILS ? ERR_IO : real.entry(arg, seq, out);
}

/* ---- one call after the other ---- */

static int setup(void **state)
{
	const int rc = story_setup(state);
	struct story *s = *state;

	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(tale_events); i++)
		(void)tell(s, tale_events[i]);
	real = s->source;
	s->source.home = fails_home;
	s->source.chain = fails_chain;
	s->source.related = fails_related;
	s->source.number = fails_number;
	s->source.slug = fails_slug;
	s->source.slugs = fails_slugs;
	s->source.named = fails_named;
	s->source.last_number = fails_last_number;
	s->source.revision = fails_revision;
	s->source.entry = fails_entry;
	s->source.kept = kept_new(KEPT_BYTES, SIZE_MAX);
	return s->source.kept ? 0 : -1;
}

static int teardown(void **state)
{
	kept_free(((struct story *)*state)->source.kept);
	return story_teardown(state);
}

/* As if no question had been asked before. */
static void forget(struct story *s)
{
	for (uint32_t deal = 1; deal <= s->named[DICT_DEAL]; deal++)
		kept_drop(s->source.kept, deal);
	kept_tidy(s->source.kept);
}

struct turn {
	enum failing kind;
	unsigned long n;
	bool came;
};

static void begin(void *around)
{
	const struct turn *t = around;

	failing_begin(t->kind, t->n);
}

static void end(void *around)
{
	((struct turn *)around)->came = failing_end();
}

/* Ask with the n-th call failing: whether there was one; *told: its error was the answer. */
static bool fail_nth(struct story *s, size_t which, struct turn t, enum err right, const char *whole,
		     bool *told)
{
	const char *message = tale_questions[which].message, *question = tale_questions[which].question;

	forget(s);
	s->before = begin;
	s->after = end;
	s->around = &t;
	const char *got = ask(s, message, question);
	s->before = s->after = NULL;
	*told = strcmp(got, whole) != 0; /* what would only have been kept may be done without */
	if (*told && (!t.came || strcmp(got, err_name(right)) != 0))
		fail_msg("%s %s, call %lu: %s", message, question, t.n, got);
	got = t.n % AGAIN_EVERY == 0 || !t.came ? ask(s, message, question) : whole;
	if (strcmp(got, whole) != 0)
		fail_msg("%s %s, after call %lu: %s, not %s", message, question, t.n, got, whole);
	return t.came;
}

static void fail_each(struct story *s, enum failing kind, enum err right)
{
	unsigned long calls = 0, tellings = 0;

	for (size_t which = 0; which < ARRAY_LEN(tale_questions); which++) {
		unsigned long n = 0;
		bool told;
		char *whole = strdup(ask(s, tale_questions[which].message,
					 tale_questions[which].question));
		assert_non_null(whole);
		while (fail_nth(s, which, (struct turn){ kind, ++n, false }, right, whole, &told))
			tellings += told;
		free(whole);
		calls += n;
	}
	printf("%lu calls failed, %lu of them were told\n", calls, tellings);
	assert_true(tellings > calls / 2);
}

static void memory_that_is_refused_is_told_and_the_next_answer_is_right(void **state)
{
	fail_each(*state, failing_memory, ERR_NO_MEMORY);
}

static void a_source_that_fails_is_told_and_the_next_answer_is_right(void **state)
{
	fail_each(*state, failing_test, ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_that_is_refused_is_told_and_the_next_answer_is_right),
		TEST(a_source_that_fails_is_told_and_the_next_answer_is_right),
	};

	return cmocka_run_group_tests_name("failing/fold", tests, NULL, NULL);
}
