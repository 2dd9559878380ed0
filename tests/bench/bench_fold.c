/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_fold: how long answers take at the server, without sockets: question's bytes in, answer's
 * bytes out.
 *
 *   bench_fold DIR [EVENTS [DEALS [PARTIES [QUESTION]]]]
 *                                  1,000,000, 50,000 and 20,000 where not given; all questions
 *   bench_fold --jsonl EVENTS DEALS PARTIES       print the events instead
 *
 * DIR holds the replica and is kept, so that a second run does not fill it again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "services/query/answers.h"
#include "services/query/index.h"
#include "tests/bench/deals_made.h"

#define COMMIT_EVENTS 2000u
#define MEMORY_MAX ((size_t)96 << 20)
#define SAMPLES_MAX 10000u

struct bench {
	struct replica *r;
	struct arena a;
	struct made_sizes sizes;
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

/* ---- events ---- */

static enum err put_one(struct bench *b, uint64_t seq, uint64_t *bytes)
{
	static struct made made;
	struct event event;

	made_event(&made, &b->sizes, seq);
	buf_clear(&b->wire);
	enum err e = record_encode(&shape_event, &made.event, &b->wire);
	struct record rec = { .epoch = 1, .seq = seq, .recorded = (int64_t)seq,
			      .event = buf_str(&b->wire) };
	if (!e)
		e = event_decode(rec.event, &b->a, &event, NULL);
	if (!e)
		e = replica_put(b->r, &event.id, &rec);
	if (!e)
		e = index_event(b->r, &rec, &event, &b->a);
	*bytes += rec.event.n + RECORD_HEAD_SIZE;
	arena_reset(&b->a);
	return e;
}

static void fill(struct bench *b, const char *dir)
{
	struct fault fault;
	struct replica_info info;
	const double began = now_ms();
	uint64_t bytes = 0;
	char path[512];
	struct stat st;
	enum err e = ERR_OK;

	fault_init(&fault);
	replica_info(b->r, &info);
	if (info.head >= b->sizes.events)
		return;
	for (uint64_t seq = info.head + 1; !e && seq <= b->sizes.events; seq++) {
		if (seq % COMMIT_EVENTS == 1 || seq == info.head + 1)
			e = replica_begin(b->r);
		if (!e)
			e = put_one(b, seq, &bytes);
		if (!e && (seq % COMMIT_EVENTS == 0 || seq == b->sizes.events))
			e = replica_commit(b->r);
	}
	if (e)
		give_up("events", e, &fault);
	const double s = (now_ms() - began) / 1e3;
	(void)snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (stat(path, &st))
		st.st_size = 0;
	printf("filled        %10.0f events/s   records %.1f MiB, replica with index %.1f MiB\n",
	       (double)(b->sizes.events - info.head) / s, (double)bytes / 1048576,
	       (double)st.st_size / 1048576);
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
		e = answers_answer(b->r, head.type, buf_str(&b->wire), &b->a, &reply, &answer, &fault);
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
	struct rusage usage;

	qsort(b->ms, b->n, sizeof(b->ms[0]), by_size);
	getrusage(RUSAGE_SELF, &usage);
	printf("%-40s %6zu x  p50 %9.3f ms  p99 %9.3f ms  max %9.3f ms  answer %zu bytes\n", what, b->n,
	       b->ms[b->n / 2], b->ms[b->n * 99 / 100], b->ms[b->n - 1], b->out.n);
	b->n = 0;
}

/* A day some years before the last one. */
static struct clocks years_back(char day[DAY_TEXT_SIZE], int years)
{
	struct clocks clocks = { 0 };

	day_format(MADE_FIRST_DAY + MADE_DAYS - 365 * years, day);
	msg_set(&clocks, clocks, as_of, str_of(day));
	return clocks;
}

static void ask_deals(struct bench *b)
{
	char day[DAY_TEXT_SIZE];

	for (uint64_t i = 0; i < 5000; i++) {
		char slug[32];
		struct deal_figure q = { 0 };
		(void)snprintf(slug, sizeof(slug), "deal-%llu",
			       (unsigned long long)made_below(i, 50, b->sizes.deals));
		msg_set(&q, deal_figure, deal, str_of(slug));
		if (i % 2) {
			q.clocks = years_back(day, (int)made_below(i, 51, 8));
			msg_mark(&q, deal_figure, clocks);
		}
		ask(b, &shape_deal_figure, &q);
	}
	report(b, "deal, as of any day");
}

static void ask_party(struct bench *b)
{
	for (int i = 0; i < 200; i++) {
		struct party_figure q = { 0 };
		msg_set(&q, party_figure, party, STR("party-0"));
		ask(b, &shape_party_figure, &q);
	}
	report(b, "party with a deal in fifty, all rungs");
	for (int i = 0; i < 200; i++) {
		struct party_figure q = { 0 };
		msg_set(&q, party_figure, party, STR("party-0"));
		msg_set(&q, party_figure, rung, rung_committed);
		ask(b, &shape_party_figure, &q);
	}
	report(b, "the same, one rung");
}

static void ask_league(struct bench *b, enum rung rung, int years, const char *currency,
		       const char *what)
{
	char day[DAY_TEXT_SIZE];

	for (int i = 0; i < 5; i++) {
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
	for (int i = 0; i < 5; i++) {
		struct league q = { 0 };
		msg_set(&q, league, rung, rung_committed);
		msg_set(&q.clocks, clocks, at_seq, b->sizes.events * 7 / 10);
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
	{ "deals", ask_deals }, { "party", ask_party }, { "league", ask_leagues },
	{ "dollars", ask_in_dollars }, { "flows", ask_flows }, { "cycles", ask_cycles },
	{ "anomalies", ask_anomalies }, { "diff", ask_diff },
};

static int print_events(char **argv)
{
	const struct made_sizes sizes = { strtoull(argv[2], NULL, 10),
		(uint32_t)strtoul(argv[3], NULL, 10), (uint32_t)strtoul(argv[4], NULL, 10) };
	static struct made made;
	struct arena a;
	struct buf out;

	arena_init(&a, MEMORY_MAX);
	buf_init(&out, MEMORY_MAX);
	for (uint64_t seq = 1; seq <= sizes.events; seq++) {
		made_event(&made, &sizes, seq);
		buf_clear(&out);
		if (json_write(&shape_event, &made.event, &a, &out))
			return 1;
		printf("%.*s\n", STR_ARG(buf_str(&out)));
		arena_reset(&a);
	}
	buf_fini(&out);
	arena_fini(&a);
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct fault fault;

	fault_init(&fault);
	if (argc == 5 && strcmp(argv[1], "--jsonl") == 0)
		return print_events(argv);
	if (argc < 2)
		give_up("usage: bench_fold DIR [EVENTS [DEALS [PARTIES [QUESTION]]]]", ERR_USAGE, &fault);
	b.sizes.events = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	b.sizes.deals = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 50000;
	b.sizes.parties = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 20000;
	arena_init(&b.a, MEMORY_MAX);
	buf_init(&b.wire, MSG_BYTES_MAX);
	buf_init(&b.out, MSG_BYTES_MAX);
	(void)mkdir(argv[1], 0700);
	const enum err e = replica_open(argv[1], INDEX_VERSION, &b.r, &fault);
	if (e)
		give_up(argv[1], e, &fault);
	fill(&b, argv[1]);
	for (size_t i = 0; i < ARRAY_LEN(benches); i++)
		if (argc < 6 || strcmp(argv[5], benches[i].name) == 0)
			benches[i].run(&b);
	replica_close(b.r);
	arena_fini(&b.a);
	buf_fini(&b.wire);
	buf_fini(&b.out);
	return 0;
}
