/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_fold: what applying events and answering questions costs in processor time, without sockets:
 * an event's bytes in, rows out; a question's bytes in, an answer's bytes out. For profilers, and for
 * machines that others load; `tools/bench figures` measures whole services.
 *
 *   bench_fold DIR [EVENTS [DEALS [PARTIES [QUESTION]]]]
 *                                  1,000,000, 50,000 and 20,000 where not given; all questions
 *
 * The events are those of figures/world.h. DIR holds the replica and is kept, so that a second run
 * does not fill it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "services/fold/kept.h"
#include "services/query/answers.h"
#include "services/query/index.h"
#include "tests/bench/figures/world.h"

#define COMMIT_EVENTS 2000u
#define MEMORY_MAX ((size_t)96 << 20)
#define SAMPLES_MAX 10000u
#define MOGUL_DEALS_MAX 1000u
#define SEED 1u

struct bench {
	struct replica *r;
	struct kept *kept;
	struct arena a;
	struct world_size size;
	struct world world; /* made where the replica lacks events */
	struct buf wire, out;
	double ms[SAMPLES_MAX];
	size_t n;
};

static _Noreturn void give_up(const char *what, enum err e, const struct fault *fault)
{
	fprintf(stderr, "bench_fold: %s: %s %s %s\n", what, err_name(e), fault->field, fault->text);
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Any number below n, by its place and purpose. */
static uint32_t any_below(uint64_t of, uint64_t purpose, uint32_t n)
{
	uint64_t z = of * UINT64_C(0x9e3779b97f4a7c15) + purpose * UINT64_C(0x632be59bd9b4e019);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % n);
}

/* ---- events ---- */

/* What applying takes alone, without making events up and log commits. */
static enum err put_one(struct bench *b, uint64_t seq, double *apply_ms)
{
	struct event event;
	struct str bytes;

	enum err e = made_encode(&b->world, &b->world.v[seq - 1], &b->a, &bytes);
	struct record rec = { .epoch = 1, .seq = seq, .recorded = (int64_t)seq, .event = bytes };
	const double began = now_ms();
	if (!e)
		e = event_decode(rec.event, &b->a, &event, NULL);
	if (!e)
		e = replica_put(b->r, &event.id, &rec);
	if (!e)
		e = index_event(b->r, b->kept, NULL, &rec, &event, &b->a);
	*apply_ms += now_ms() - began;
	arena_reset(&b->a);
	return e;
}

static void fill(struct bench *b, const char *dir)
{
	const uint64_t events = b->size.events;
	struct fault fault;
	struct replica_info info;
	double apply_ms = 0, commit_ms = 0;
	uint64_t log_bytes = 0;
	char path[512];
	struct stat st;
	enum err e = ERR_OK;

	fault_init(&fault);
	replica_info(b->r, &info);
	if (info.head >= events)
		return;
	if (!world_make(&b->world, &b->size))
		give_up("no memory, or no world of this size", ERR_USAGE, &fault);
	for (uint64_t seq = info.head + 1; !e && seq <= events; seq++) {
		if (seq % COMMIT_EVENTS == 1 || seq == info.head + 1)
			e = replica_begin(b->r);
		if (!e)
			e = put_one(b, seq, &apply_ms);
		const double began = now_ms();
		if (!e && (seq % COMMIT_EVENTS == 0 || seq == events))
			e = replica_commit(b->r);
		commit_ms += now_ms() - began;
	}
	if (!e)
		e = replica_log_bytes(b->r, &log_bytes);
	if (e)
		give_up("events", e, &fault);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (stat(path, &st))
		st.st_size = 0;
	printf("applied %llu events, %.2f us each, log commits %.2f us; log %.1f MiB, index %.1f MiB\n",
	       (unsigned long long)(events - info.head), apply_ms * 1e3 / (double)(events - info.head),
	       commit_ms * 1e3 / (double)(events - info.head), (double)log_bytes / 1048576,
	       ((double)st.st_size - (double)log_bytes) / 1048576);
}

/* ---- questions ---- */

static void ask(struct bench *b, const struct shape *shape, const void *question)
{
	const struct head head = { PROTO_VERSION, (enum msg_type)shape->type, 1, 0 };
	const struct shape *reply;
	struct fault fault;
	void *answer;

	fault_init(&fault);
	buf_clear(&b->wire);
	buf_clear(&b->out);
	if (msg_encode(shape, &head, question, &b->wire))
		give_up("question", ERR_INTERNAL, &fault);
	const double began = now_ms();
	enum err e = replica_snap(b->r);
	if (!e)
		e = answers_answer(b->r, b->kept, head.type, buf_str(&b->wire), &b->a, &reply, &answer,
				   &fault);
	if (!e) {
		const struct head back = { PROTO_VERSION, (enum msg_type)reply->type, 1, 0 };
		e = msg_encode(reply, &back, answer, &b->out);
	}
	replica_unsnap(b->r);
	arena_reset(&b->a);
	if (e)
		give_up(shape->name, e, &fault);
	if (b->n < SAMPLES_MAX)
		b->ms[b->n++] = now_ms() - began;
}

static int by_size(const void *x, const void *y)
{
	const double *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

static void report(struct bench *b, const char *what)
{
	qsort(b->ms, b->n, sizeof(b->ms[0]), by_size);
	printf("%-40s %6zu x  min %9.3f ms  p50 %9.3f ms  p99 %9.3f ms  max %9.3f ms  answer %zu bytes\n", what, b->n,
	       b->ms[0], b->ms[b->n / 2], b->ms[b->n * 99 / 100], b->ms[b->n - 1], b->out.n);
	b->n = 0;
}

/* A day some years before the last one. */
static struct clocks years_back(char day[DAY_TEXT_SIZE], int years)
{
	struct clocks clocks = { 0 };

	day_format(WORLD_FIRST_DAY + WORLD_DAYS - 365 * years, day);
	msg_set(&clocks, clocks, as_of, str_of(day));
	return clocks;
}

/* Any day of the five years. */
static struct clocks any_day(char day[DAY_TEXT_SIZE], uint64_t of)
{
	struct clocks clocks = { 0 };

	day_format(WORLD_FIRST_DAY + (int32_t)any_below(of, 2, WORLD_DAYS), day);
	msg_set(&clocks, clocks, as_of, str_of(day));
	return clocks;
}

static void ask_deal(struct bench *b, uint32_t deal, const struct clocks *clocks)
{
	struct deal_figure q = { .clocks = *clocks };
	char slug[32];

	(void)snprintf(slug, sizeof(slug), "deal-%06u", deal);
	msg_set(&q, deal_figure, deal, str_of(slug));
	msg_mark(&q, deal_figure, clocks);
	ask(b, &shape_deal_figure, &q);
}

static void ask_deals(struct bench *b)
{
	char day[DAY_TEXT_SIZE];

	for (uint64_t i = 0; i < 4000; i++) {
		const struct clocks clocks = any_day(day, i);
		ask_deal(b, 1 + any_below(i, 1, b->size.deals), &clocks);
	}
	report(b, "deal, as of any day");
}

/* For a world of a single deal; as of its last day all of it is seen. */
static void ask_giant(struct bench *b)
{
	char day[DAY_TEXT_SIZE];
	const struct clocks last = years_back(day, 0);

	ask_deal(b, 1, &last);
	report(b, "first deal, the first time");
	for (uint64_t i = 0; i < 20; i++)
		ask_deal(b, 1, &last);
	report(b, "the same once more, as of its last day");
	for (uint64_t i = 0; i < 40; i++) {
		const struct clocks clocks = any_day(day, i);
		ask_deal(b, 1, &clocks);
	}
	report(b, "the same, as of any day");
}

static void ask_party(struct bench *b)
{
	struct party_figure q = { 0 };
	char day[DAY_TEXT_SIZE];

	msg_set(&q, party_figure, party, STR("mogul"));
	for (int i = 0; i < 100; i++)
		ask(b, &shape_party_figure, &q);
	report(b, "party with many deals");
	for (uint64_t i = 0; i < 100; i++) {
		q.clocks = any_day(day, i);
		msg_mark(&q, party_figure, clocks);
		ask(b, &shape_party_figure, &q);
	}
	report(b, "the same, as of any day");
}

static void ask_league(struct bench *b, enum rung rung, int years, const char *currency,
		       const char *what)
{
	char day[DAY_TEXT_SIZE];

	for (int i = 0; i < 10; i++) {
		struct league q = { 0 };
		msg_set(&q, league, rung, (int)rung);
		if (currency)
			msg_set(&q, league, currency, str_of(currency));
		if (years) {
			q.clocks = years_back(day, years);
			msg_mark(&q, league, clocks);
		}
		ask(b, &shape_league, &q);
	}
	report(b, what);
}

static void ask_at_seq(struct bench *b)
{
	for (int i = 0; i < 10; i++) {
		struct league q = { 0 };
		msg_set(&q, league, rung, rung_committed);
		msg_set(&q.clocks, clocks, at_seq, b->size.events * 2 / 5);
		msg_mark(&q, league, clocks);
		ask(b, &shape_league, &q);
	}
	report(b, "league, at the seq of three years back");
}

static void ask_flows(struct bench *b)
{
	const struct flows flows = { 0 };

	ask(b, &shape_flows, &flows);
	report(b, "flows");
}

static void ask_cycles(struct bench *b)
{
	const struct cycles cycles = { 0 };

	ask(b, &shape_cycles, &cycles);
	report(b, "cycles");
}

static void ask_anomalies(struct bench *b)
{
	const struct anomalies anomalies = { 0 };

	ask(b, &shape_anomalies, &anomalies);
	report(b, "anomalies");
}

static void ask_diff(struct bench *b)
{
	char days[2][DAY_TEXT_SIZE];
	struct diff q = { 0 };

	q.before = years_back(days[0], 3);
	q.after = years_back(days[1], 2);
	msg_mark(&q, diff, before);
	msg_mark(&q, diff, after);
	ask(b, &shape_diff, &q);
	report(b, "diff over a year");
}

static void ask_leagues(struct bench *b)
{
	ask_league(b, rung_committed, 0, NULL, "league");
	ask_league(b, rung_committed, 3, NULL, "league, as of three years back");
	ask_at_seq(b);
	ask_league(b, rung_paid, 0, NULL, "league, paid");
}

static void ask_in_dollars(struct bench *b)
{
	ask_league(b, rung_committed, 0, "USD", "league in USD");
}

static const struct {
	const char *name;
	void (*run)(struct bench *b);
} benches[] = {
	{ "deals", ask_deals }, { "giant", ask_giant }, { "party", ask_party }, { "league", ask_leagues },
	{ "dollars", ask_in_dollars }, { "flows", ask_flows }, { "cycles", ask_cycles },
	{ "anomalies", ask_anomalies }, { "diff", ask_diff },
};

static uint32_t number(const char *text)
{
	return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct fault fault;

	fault_init(&fault);
	if (argc < 2)
		give_up("usage: bench_fold DIR [EVENTS [DEALS [PARTIES [QUESTION]]]]", ERR_USAGE, &fault);
	b.size = (struct world_size){ SEED, argc > 2 ? number(argv[2]) : 1000000,
				      argc > 3 ? number(argv[3]) : 50000,
				      argc > 4 ? number(argv[4]) : 20000, 0 };
	b.size.mogul_deals = b.size.deals / 10 < MOGUL_DEALS_MAX ? b.size.deals / 10 : MOGUL_DEALS_MAX;
	memory_keep();
	b.kept = kept_new(KEPT_BYTES_MAX, KEPT_LARGE_FACTS);
	if (!b.kept)
		give_up("no memory", ERR_NO_MEMORY, &fault);
	arena_init(&b.a, MEMORY_MAX);
	buf_init(&b.wire, MSG_BYTES_MAX);
	buf_init(&b.out, MSG_BYTES_MAX);
	(void)mkdir(argv[1], 0700);
	const enum err e = replica_open(argv[1], INDEX_VERSION, &b.r, &fault);
	if (e)
		give_up(argv[1], e, &fault);
	fill(&b, argv[1]);
	/* as a service does in idle moments */
	for (bool more = true; more;)
		if (replica_warm(b.r, &more))
			give_up("warming the replica", ERR_IO, &fault);
	for (size_t i = 0; i < ARRAY_LEN(benches); i++)
		if (argc < 6 || strcmp(argv[5], benches[i].name) == 0)
			benches[i].run(&b);
	replica_close(b.r);
	kept_free(b.kept);
	if (b.world.v)
		world_free(&b.world);
	arena_fini(&b.a);
	buf_fini(&b.wire);
	buf_fini(&b.out);
	return 0;
}
