/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of a deal come from the shelf as they were put there, within any horizon, until one of them changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/fold/shelf.h"
#include "tests/unit/random.h"

#define ARENA_MAX ((size_t)16 << 20)
#define FACTS 300u
#define DAYS 60u
#define HORIZONS 500
#define DEAL 7u
#define OTHER 8u /* deal that some facts name which lie here as well */
#define BYTES_EACH 128u /* more than a fact takes, with its parts */
#define ROOM ((size_t)FACTS * BYTES_EACH)

struct bench {
	struct random random;
	struct arena a; /* of facts */
	struct arena turn;
	struct fact facts[FACTS]; /* in order */
	struct shelf *shelf;
};

/* ---- facts ---- */

/* A part whose number tells the fact. */
static void give_part(struct bench *b, struct fact *f)
{
	const char head[] = { FACT_TO, 1, 0 };
	const uint32_t number = (uint32_t)f->seq;
	char *p = arena_alloc(&b->a, sizeof(head) + sizeof(number));

	assert_non_null(p);
	memcpy(p, head, sizeof(head));
	memcpy(p + sizeof(head), &number, sizeof(number));
	f->more = p;
	f->more_size = sizeof(head) + sizeof(number);
}

/* An id that nobody knows yet. */
static struct id id_of(uint64_t n)
{
	struct id id = { .b = { 1 } };

	memcpy(id.b + ID_SIZE - sizeof(n), &n, sizeof(n));
	return id;
}

static void give_origin(struct bench *b, struct fact *f, uint64_t n)
{
	const char head[] = { FACT_ORIGIN, ID_SIZE, 0 };
	const struct id id = id_of(n);
	char *p = arena_alloc(&b->a, sizeof(head) + ID_SIZE);

	assert_non_null(p);
	memcpy(p, head, sizeof(head));
	memcpy(p + sizeof(head), id.b, ID_SIZE);
	f->more = p;
	f->more_size = sizeof(head) + ID_SIZE;
}

/* One of those before it, that it may name; NULL: none. */
static const struct fact *one_before(struct bench *b, uint64_t seq)
{
	for (int tries = 0; tries < 20; tries++) {
		const struct fact *f = &b->facts[random_below(&b->random, FACTS)];
		if (f->seq && f->seq < seq)
			return f;
	}
	return NULL;
}

/* Some repair, some retell: what is here, or what is elsewhere. */
static void give_names(struct bench *b, struct fact *f)
{
	const struct fact *other = one_before(b, f->seq);
	const uint64_t turn = random_below(&b->random, 10);

	if (!other || turn > 5)
		return;
	if (turn > 2) {
		f->derived = turn == 5 ? 2 * FACTS + other->seq : other->seq;
		return;
	}
	f->ref = other->seq;
	f->kind = turn == 0 ? kind_retract : kind_commit;
	if (turn)
		f->root = fact_corrects(other) ? other->root : other->seq;
}

static int by_order(const void *x, const void *y)
{
	return order_cmp(fact_order(x), fact_order(y));
}

static int setup(void **state)
{
	static struct bench bench;
	struct bench *b = &bench;

	*b = (struct bench){ .random = random_begin("shelf") };
	arena_init(&b->a, ARENA_MAX);
	arena_init(&b->turn, ARENA_MAX);
	for (size_t i = 0; i < FACTS; i++) {
		struct fact *f = &b->facts[i];
		const int64_t day = (int64_t)random_below(&b->random, DAYS);
		*f = (struct fact){ .seq = i + 1, .root = i + 1, .stated = day * US_PER_DAY,
				    .kind = kind_commit,
				    .deal = random_below(&b->random, 10) ? DEAL : OTHER };
		give_names(b, f);
		if (random_below(&b->random, 2))
			give_part(b, f);
	}
	qsort(b->facts, FACTS, sizeof(b->facts[0]), by_order);
	b->shelf = shelf_new(ROOM, 1);
	*state = b;
	return b->shelf ? 0 : -1;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	shelf_free(b->shelf);
	arena_fini(&b->a);
	arena_fini(&b->turn);
	return 0;
}

/* The first n facts as those of a deal; whether they found room. */
static bool put(struct bench *b, uint32_t deal, size_t n)
{
	bool fits = shelf_begin(b->shelf, deal, n);

	for (size_t i = 0; i < n && fits; i++)
		fits = shelf_add(b->shelf, &b->facts[i]);
	if (fits)
		assert_int_equal(shelf_end(b->shelf, &b->turn), ERR_OK);
	return fits;
}

static bool is_there(struct bench *b, uint32_t deal)
{
	const struct horizon all = { UINT64_MAX, INT64_MAX };
	struct fact_list list;
	bool found;

	assert_int_equal(shelf_find(b->shelf, deal, &all, &b->turn, &list, &found), ERR_OK);
	return found;
}

/* ---- within a horizon ---- */

static struct horizon any_horizon(struct random *r)
{
	return (struct horizon){
		.at_seq = random_below(r, 2) ? UINT64_MAX : random_below(r, FACTS + 2),
		.stated_end = random_below(r, 4) ? (int64_t)random_below(r, DAYS + 2) * US_PER_DAY
						 : INT64_MAX
	};
}

/* The same, by looking at each. */
static struct fact_list looked_through(struct bench *b, const struct horizon *h)
{
	struct fact_list list = { .v = arena_alloc(&b->turn, sizeof(b->facts)) };

	assert_non_null(list.v);
	for (size_t i = 0; i < FACTS; i++)
		if (horizon_holds(h, &b->facts[i]))
			list.v[list.n++] = b->facts[i];
	list.cut = list.n < FACTS;
	return list;
}

static void assert_same_facts(const struct fact_list *got, const struct fact_list *right)
{
	assert_int_equal(got->n, right->n);
	assert_int_equal(got->cut, right->cut);
	for (size_t i = 0; i < right->n; i++) {
		struct fact one = got->v[i];
		assert_int_equal(one.more_size, right->v[i].more_size);
		if (one.more_size)
			assert_memory_equal(one.more, right->v[i].more, one.more_size);
		one.more = right->v[i].more;
		assert_memory_equal(&one, &right->v[i], sizeof(one));
	}
}

/* Of events elsewhere nobody knows anything. */
static enum err no_chain(void *arg, uint64_t seq, const struct horizon *h, struct arena *a,
			 struct fact_list *out)
{
	(void)arg, (void)seq, (void)h, (void)a;
	*out = (struct fact_list){ 0 };
	return ERR_OK;
}

/* How many copies there are among them. */
static size_t assert_same_statements(struct bench *b, const struct horizon *h, struct fact_list got,
				     struct fact_list right)
{
	const struct facts source = { .chain = no_chain };
	struct visible_list of_shelf, of_all;
	size_t copies = 0;

	assert_int_equal(visible_statements(&source, h, DAY_MAX, got, &b->turn, &of_shelf), ERR_OK);
	assert_int_equal(visible_statements(&source, h, DAY_MAX, right, &b->turn, &of_all), ERR_OK);
	assert_int_equal(of_shelf.n, of_all.n);
	for (size_t i = 0; i < of_all.n; i++) {
		assert_int_equal(of_shelf.v[i].first->seq, of_all.v[i].first->seq);
		assert_int_equal(of_shelf.v[i].fact->seq, of_all.v[i].fact->seq);
		assert_int_equal(of_shelf.v[i].copy, of_all.v[i].copy);
		copies += of_all.v[i].copy;
	}
	return copies;
}

static void within_any_horizon_there_are_the_facts_that_were_put_there(void **state)
{
	struct bench *b = *state;
	size_t copies = 0;

	assert_true(put(b, DEAL, FACTS));
	for (int i = 0; i < HORIZONS; i++) {
		const struct horizon h = any_horizon(&b->random);
		const struct fact_list right = looked_through(b, &h);
		struct fact_list got;
		uint64_t revision, own = 0;
		bool found;
		assert_int_equal(shelf_find(b->shelf, DEAL, &h, &b->turn, &got, &found), ERR_OK);
		assert_true(found);
		assert_same_facts(&got, &right);
		copies += assert_same_statements(b, &h, got, right);
		for (size_t k = 0; k < FACTS; k++)
			own += b->facts[k].deal == DEAL && b->facts[k].seq <= h.at_seq;
		assert_true(shelf_revision(b->shelf, DEAL, h.at_seq, &revision));
		assert_int_equal(revision, own);
		if (i % 10 == 0)
			assert_false(is_there(b, OTHER));
		arena_reset(&b->turn);
	}
	assert_int_not_equal(copies, 0);
}

/* ---- what changes ---- */

static void what_is_dropped_is_not_there_and_the_others_are(void **state)
{
	struct bench *b = *state;
	uint64_t revision;

	assert_true(put(b, 1, 20));
	assert_false(shelf_knew(b->shelf, 2));
	assert_true(put(b, 2, 30));
	assert_true(put(b, 3, 10));
	shelf_drop(b->shelf, 2);
	assert_true(shelf_knew(b->shelf, 2));
	assert_true(is_there(b, 1));
	assert_false(is_there(b, 2));
	assert_false(shelf_revision(b->shelf, 2, UINT64_MAX, &revision));
	assert_true(is_there(b, 3));
	shelf_drop(b->shelf, 3);
	shelf_drop(b->shelf, 4);
	assert_true(put(b, 2, 30));
	assert_true(is_there(b, 1));
	assert_true(is_there(b, 2));
	assert_false(is_there(b, 3));
}

static void an_event_that_a_fact_waits_for_drops_its_deal_alone(void **state)
{
	const struct id one = id_of(41), two = id_of(42), three = id_of(43);
	struct bench *b = *state;

	give_origin(b, &b->facts[5], 42);
	b->facts[5].derived = 0;
	give_origin(b, &b->facts[6], 43);
	b->facts[6].derived = 1; /* it has come */
	assert_true(put(b, 1, 5));
	assert_true(put(b, 2, 10));
	shelf_arrived(b->shelf, &one);
	shelf_arrived(b->shelf, &three);
	assert_true(is_there(b, 2));
	shelf_arrived(b->shelf, &two);
	assert_false(is_there(b, 2));
	assert_true(is_there(b, 1));
}

/* ---- room ---- */

static void where_there_is_no_room_the_next_question_finds_some(void **state)
{
	struct bench *b = *state;

	assert_true(put(b, 1, FACTS / 2));
	assert_false(put(b, 2, FACTS));
	assert_true(is_there(b, 1)); /* this question may still read it */
	assert_false(is_there(b, 2));
	shelf_tidy(b->shelf);
	assert_false(is_there(b, 1));
	assert_true(put(b, 2, FACTS));
	shelf_tidy(b->shelf);
	assert_true(is_there(b, 2));
}

static void a_deal_without_room_for_it_alone_is_not_tried_again_until_it_changes(void **state)
{
	struct bench *b = *state;

	assert_false(shelf_begin(b->shelf, 1, 2 * FACTS));
	shelf_tidy(b->shelf);
	assert_false(shelf_begin(b->shelf, 1, FACTS));
	assert_true(put(b, 2, FACTS));
	shelf_drop(b->shelf, 1);
	shelf_drop(b->shelf, 2);
	assert_true(put(b, 1, FACTS));
}

static void what_is_begun_and_not_ended_leaves_nothing_behind(void **state)
{
	struct bench *b = *state;

	assert_true(shelf_begin(b->shelf, 1, FACTS));
	assert_true(shelf_add(b->shelf, &b->facts[0]));
	assert_false(is_there(b, 1));
	assert_true(put(b, 2, FACTS));
	assert_true(is_there(b, 2));
	/* nor does one with more facts than were foreseen */
	shelf_drop(b->shelf, 2);
	assert_true(shelf_begin(b->shelf, 3, 1));
	assert_true(shelf_add(b->shelf, &b->facts[0]));
	assert_false(shelf_add(b->shelf, &b->facts[1]));
	assert_false(is_there(b, 3));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(within_any_horizon_there_are_the_facts_that_were_put_there),
		TEST(what_is_dropped_is_not_there_and_the_others_are),
		TEST(an_event_that_a_fact_waits_for_drops_its_deal_alone),
		TEST(where_there_is_no_room_the_next_question_finds_some),
		TEST(a_deal_without_room_for_it_alone_is_not_tried_again_until_it_changes),
		TEST(what_is_begun_and_not_ended_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
