/* SPDX-License-Identifier: Apache-2.0 */
/* Against a plain list in memory: a log does the same, whatever is asked of it in any order. */
#include "tests/unit/store_help.h"

#define MODEL_MAX 6000u
#define DEALS 5u
#define SEEDS 4u
#define STEPS 1500u

/* What a log is: a list of events; with what the log commit in hand has put behind `head`. */
struct model {
	uint64_t numbers[MODEL_MAX]; /* event number of each seq, from 1 */
	int64_t recorded[MODEL_MAX];
	uint64_t head, pending, next_number;
	int64_t last;
	bool open;
};

static void model_put(struct model *m, struct log *log, struct random *random)
{
	char space[EVENT_SIZE_MAX], deal[8];
	const uint64_t n = m->next_number++;
	const struct id id = id_of(n);
	const int64_t now = NOW + (int64_t)random_below(random, 20000) - 10000;
	struct record r;

	(void)snprintf(deal, sizeof(deal), "deal-%u", (unsigned)(n % DEALS));
	const enum err e = log_put(log, &id, str_of(deal), event_of(n, space), now, &r);
	if (e == ERR_NO_SPACE) {
		log_abort(log);
		m->open = false;
		return;
	}
	assert_int_equal(e, ERR_OK);
	m->last = now > m->last ? now : m->last + 1;
	m->numbers[++m->pending] = n;
	m->recorded[m->pending] = m->last;
	assert_int_equal(r.seq, m->pending);
	assert_int_equal(r.recorded, m->last);
}

static void model_ask_inside(struct model *m, struct log *log, struct random *random)
{
	uint64_t seq, revision, right = 0;
	const uint64_t n = random_below(random, m->next_number + 3), deal = n % DEALS;
	const struct id id = id_of(n);
	char name[8];

	for (seq = m->pending; seq > 0 && m->numbers[seq] != n; seq--)
		;
	uint64_t got;
	const enum err e = log_find(log, &id, &got);
	assert_int_equal(e, seq ? ERR_OK : ERR_NOT_FOUND);
	if (seq)
		assert_int_equal(got, seq);
	for (seq = 1; seq <= m->pending; seq++)
		right += m->numbers[seq] % DEALS == deal;
	(void)snprintf(name, sizeof(name), "deal-%u", (unsigned)deal);
	assert_int_equal(log_revision(log, str_of(name), &revision), ERR_OK);
	assert_int_equal(revision, right);
}

static void model_read(struct model *m, struct log *log, struct random *random)
{
	struct arena a;
	struct record_list got;
	const uint64_t after = random_below(random, m->head + 2);
	const struct slice_limits limits = { random_below(random, 2500), SIZE_MAX };

	arena_init(&a, ARENA_MAX);
	assert_int_equal(log_read(log, after, limits, &a, &got, NULL), ERR_OK);
	const uint64_t left = after < m->head ? m->head - after : 0;
	assert_int_equal(got.n, left < limits.events ? left : limits.events);
	for (size_t i = 0; i < got.n; i++) {
		assert_event(&got.v[i], after + 1 + i, m->numbers[after + 1 + i]);
		assert_int_equal(got.v[i].recorded, m->recorded[after + 1 + i]);
	}
	arena_fini(&a);
}

static void model_end(struct model *m, struct log *log, bool commit)
{
	enum err e = ERR_NO_SPACE;

	if (commit)
		e = log_commit(log);
	else
		log_abort(log);
	assert_true(e == ERR_OK || e == ERR_NO_SPACE);
	m->open = false;
	if (e == ERR_OK)
		m->head = m->pending;
}

static void model_step(struct model *m, struct log **log, const char *dir, struct random *random)
{
	const uint64_t what = random_below(random, 100);

	if (what < 2) {
		*log = reopen_log(*log, dir);
		m->open = false;
	} else if (what < 12) {
		model_read(m, *log, random);
	} else if (!m->open) {
		assert_int_equal(log_begin(*log), ERR_OK);
		m->open = true;
		m->pending = m->head;
		m->last = m->head ? m->recorded[m->head] : 0;
	} else if (what < 70) {
		for (uint64_t n = random_below(random, 12); m->open && n > 0; n--)
			model_put(m, *log, random);
	} else if (what < 80) {
		model_ask_inside(m, *log, random);
	} else {
		model_end(m, *log, what < 95);
	}
	const struct log_info i = info_of_log(*log);
	assert_int_equal(i.head, m->head);
	assert_int_equal(i.recorded, m->head ? m->recorded[m->head] : 0);
}

static void any_sequence_of_calls_does_what_a_plain_list_does(void **state)
{
	static struct model m;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		char dir[PATH_SIZE];
		struct random random = { seed };
		(void)snprintf(dir, sizeof(dir), "%s/%u", (char *)*state, (unsigned)seed);
		struct log *log = open_small_log(dir);
		m = (struct model){ 0 };
		print_message("seed %u\n", (unsigned)seed);
		for (unsigned i = 0; i < STEPS && m.pending < MODEL_MAX - 20; i++)
			model_step(&m, &log, dir, &random);
		log_close(log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(any_sequence_of_calls_does_what_a_plain_list_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
