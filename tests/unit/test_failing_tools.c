/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands, run in this process against the cores of the services, while one call fails: of memory, of
 * files, or of the connection. A command says what failed, with a code and in words, and leaves nothing
 * behind; or it comes to the same as when nothing fails.
 */
#include "tests/unit/failing.h"
#include "tests/unit/tale.h"
#include "tests/unit/world.h"

#include <locale.h>
#include <sys/mman.h>
#include <time.h>

#include "services/shared/client.h"
#include "tools/cmd.h"

#define WORDS_MAX 64u
#define SHOWN_MAX ((size_t)1 << 20)

static struct world *w;

/* ---- time, which passes when somebody waits ---- */

static int64_t waited_ns;

int __wrap_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	waited_ns += t->tv_sec * INT64_C(1000000000) + t->tv_nsec;
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
	const int64_t ns = WALL_US * 1000 + waited_ns;

	(void)clock;
	*t = (struct timespec){ ns / 1000000000, ns % 1000000000 };
	return 0;
}

/* ---- connections, which end in the world ---- */

#define CLIENTS_MAX 4u /* open at once */
#define KNOWN_MAX 256u /* questions that were asked before */

struct client {
	enum who to;
	unsigned who;
	uint64_t rid;
	struct letter *answer; /* the last; its bytes are what callers borrow */
};

static struct letter answers[CLIENTS_MAX];
static bool taken[CLIENTS_MAX];

/* The answer to a question that was asked before is the same, and costs the services nothing. */
static struct known {
	enum who to;
	struct str question, answer;
} known[KNOWN_MAX];
static size_t nknown;
static bool recalling; /* nothing is written meanwhile */

static enum err unreachable(struct fault *fault)
{
	return fault_set(fault, ERR_UNREACHABLE, NULL, "nobody answers");
}

enum err __wrap_client_open(const char *endpoint, struct client **out, struct fault *fault);
enum err __wrap_client_open(const char *endpoint, struct client **out, struct fault *fault)
{
	unsigned i = 0;

	*out = NULL;
	if (failing_now(failing_test))
		return unreachable(fault);
	struct client *c = calloc(1, sizeof(*c));
	if (!c)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	while (i < CLIENTS_MAX && taken[i])
		i++;
	assert_true(i < CLIENTS_MAX);
	taken[i] = true;
	c->to = strstr(endpoint, "ingest") ? to_ingest : strstr(endpoint, "query") ? to_query : to_ledger;
	c->who = to_people + i;
	c->answer = &answers[i];
	*out = c;
	return ERR_OK;
}

void __wrap_client_close(struct client *c);
void __wrap_client_close(struct client *c)
{
	if (c)
		taken[c->who - to_people] = false;
	free(c);
}

bool __wrap_client_broke(struct client *c);
bool __wrap_client_broke(struct client *c)
{
	(void)c;
	return false;
}

static struct str encode(const struct client *c, const struct shape *request, const void *req, int ttl_ms)
{
	return parcel_of(&w->b, c->who, request, c->rid, ttl_ms > 0 ? (uint64_t)ttl_ms : 1, req).wire;
}

enum err __wrap_client_send(struct client *c, const struct shape *request, const void *req, int ttl_ms,
			    uint64_t *rid, struct fault *fault);
enum err __wrap_client_send(struct client *c, const struct shape *request, const void *req, int ttl_ms,
			    uint64_t *rid, struct fault *fault)
{
	if (failing_now(failing_test))
		return fault_set(fault, ERR_BUSY, NULL, "no room");
	failing_rest(true); /* what the services do has its own test */
	*rid = ++c->rid;
	world_say(w, c->who, c->to, encode(c, request, req, ttl_ms));
	failing_rest(false);
	return ERR_OK;
}

/* The oldest letter to this client, taken out. */
static bool letter_for(struct client *c)
{
	struct letters *mail = &w->to[to_people];

	for (size_t i = 0; i < mail->n; i++) {
		if (mail->v[i].who != c->who)
			continue;
		c->answer->n = mail->v[i].n;
		memcpy(c->answer->wire, mail->v[i].wire, mail->v[i].n);
		for (mail->n--; i < mail->n; i++) {
			mail->v[i].who = mail->v[i + 1].who;
			mail->v[i].n = mail->v[i + 1].n;
			memcpy(mail->v[i].wire, mail->v[i + 1].wire, mail->v[i].n);
		}
		return true;
	}
	return false;
}

static bool await(struct client *c, int timeout_ms)
{
	world_settle(w, 0);
	if (letter_for(c))
		return true;
	world_settle(w, timeout_ms);
	waited_ns += timeout_ms * INT64_C(1000000);
	return letter_for(c);
}

enum err __wrap_client_next(struct client *c, int timeout_ms, struct head *head, struct str *wire,
			    struct fault *fault);
enum err __wrap_client_next(struct client *c, int timeout_ms, struct head *head, struct str *wire,
			    struct fault *fault)
{
	if (failing_now(failing_test))
		return fault_set(fault, ERR_UNREACHABLE, NULL, "the connection broke");
	failing_rest(true);
	const bool there = await(c, timeout_ms);
	failing_rest(false);
	if (!there)
		return fault_set(fault, ERR_UNKNOWN, NULL, "no answer in time");
	*wire = (struct str){ c->answer->wire, c->answer->n };
	return msg_peek(*wire, head, fault);
}

/* What is answered to this, now or before; false: nothing. */
static bool answer_of(struct client *c, struct str question, int timeout_ms)
{
	for (size_t i = 0; recalling && i < nknown; i++) {
		if (known[i].to != c->to || !str_eq(known[i].question, question))
			continue;
		c->answer->n = known[i].answer.n;
		memcpy(c->answer->wire, known[i].answer.p, known[i].answer.n);
		return true;
	}
	const struct str kept = arena_str(&w->b.arena, question);
	world_say(w, c->who, c->to, question);
	if (!await(c, timeout_ms))
		return false;
	const struct str answer = arena_str(&w->b.arena, (struct str){ c->answer->wire, c->answer->n });
	if (nknown < KNOWN_MAX)
		known[nknown++] = (struct known){ c->to, kept, answer };
	return true;
}

enum err __wrap_client_ask(struct client *c, const struct shape *request, const void *req,
			   const struct shape *want, void *answer, int timeout_ms, struct arena *a,
			   struct fault *fault);
enum err __wrap_client_ask(struct client *c, const struct shape *request, const void *req,
			   const struct shape *want, void *answer, int timeout_ms, struct arena *a,
			   struct fault *fault)
{
	struct head head;

	if (failing_now(failing_test))
		return unreachable(fault);
	failing_rest(true);
	const bool there = answer_of(c, encode(c, request, req, 9000), timeout_ms);
	failing_rest(false);
	if (!there)
		return fault_set(fault, ERR_UNKNOWN, NULL, "no answer in time");
	const struct str wire = { c->answer->wire, c->answer->n };
	const enum err e = msg_peek(wire, &head, fault);
	return e ? e : client_open_answer(&head, wire, want, answer, a, fault);
}

/* ---- running a command ---- */

/* What a command came to. */
struct run {
	enum err e;
	int exit;
	struct fault fault;
	char *shown; /* on stdout */
	size_t n;
};

/* Take a line apart at its blanks; its words replace what they stand in. */
static int words_of(char *line, char *argv[WORDS_MAX])
{
	int n = 0;

	for (char *rest, *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(n < (int)WORDS_MAX);
		argv[n++] = word;
	}
	return n;
}

/* As main does it. */
static enum err command(struct cli *c, int argc, char **argv, struct fault *fault)
{
	enum err e = args_parse(&c->args, c->cmd, argc, argv, &c->settings, fault);

	if (!e)
		e = settings_load(&c->settings, fault);
	return e ? e : c->cmd->run(c, fault);
}

/* Run it with stdout and stderr in files of their own; t: which call fails. */
static bool run_line(const char *text, enum failing kind, unsigned long n, struct run *out)
{
	static struct cli c; /* large */
	static char shown[SHOWN_MAX];
	char *argv[WORDS_MAX], *line = strdup(text);
	const int before = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO);
	const int to = memfd_create("stdout", 0), away = open("/dev/null", O_WRONLY);

	assert_true(line && before >= 0 && errors >= 0 && to >= 0 && away >= 0);
	const int argc = words_of(line, argv);
	(void)fflush(stdout);
	assert_true(dup2(to, STDOUT_FILENO) >= 0 && dup2(away, STDERR_FILENO) >= 0);
	memset(&c, 0, sizeof(c));
	c.cmd = command_find(argv[0]);
	c.now_us = WALL_US;
	waited_ns = 0;
	arena_init(&c.arena, CLI_ARENA_MAX);
	settings_init(&c.settings);
	fault_init(&out->fault);
	failing_begin(kind, n);
	out->e = command(&c, argc - 1, argv + 1, &out->fault);
	(void)fflush(stdout);
	const bool came = failing_end();
	out->exit = c.exit;
	args_fini(&c.args);
	arena_fini(&c.arena);
	assert_true(dup2(before, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0);
	clearerr(stdout);
	const ssize_t got = pread(to, shown, sizeof(shown), 0);
	assert_true(got >= 0);
	out->shown = shown;
	out->n = (size_t)got;
	assert_true(close(before) == 0 && close(errors) == 0 && close(to) == 0 && close(away) == 0);
	free(line);
	return came;
}

/* ---- commands ---- */

static const char *const asking[] = {
	"show den -o table", "show den -o json", "show den -o jsonl", "show den -o csv", "show den -o md",
	"show den --as-of 2025-01-14 --on 2025-01-20 --policy hull --assume new-den --in JPY --basis cash",
	"show wolf -o table", "show wolf --party --rung paid -o md", "show wolf -o json", "show #14 -o json",
	"show 17 -o table", "show dem", "show 99",
	"history den -o table", "history den --by-source -o table", "history fox --party -o json",
	"league --rung committed -o table", "league --rung paid --to hare --in EUR -o csv",
	"league --rung committed --overtook wolf,fox --between 2025-01-05..2025-01-20 -o table",
	"league --rung paid --by payees --limit 1 -o md", "league --rung paid --from wolf -o json",
	"flows -o table", "flows --cycles -o table", "flows --rung paid -o dot", "flows -o graphml",
	"flows --cycles --party wolf -o json", "flows --party hare --in JPY -o tsv",
	"diff --as-of 2025-01-08..2025-01-20 -o table", "diff den --at-seq 20.. -o md",
	"diff --as-of 2025-01-08.. --rung paid -o jsonl", "diff den --at-seq 20.. -o json",
	"why den --rung paid -o table", "why den wolf --rung committed --in USD -o json",
	"why --from fox --to hare --rung committed -o md", "why wolf hare --rung paid -o tsv",
	"reconcile -o table", "reconcile hare --party -o json", "reconcile den-one -o csv",
	"anomalies -o table", "anomalies den -o json", "anomalies --in EUR -o tsv",
	"search wolf -o table", "search den -o json", "parties -o table", "parties --limit 2 -o md",
	"deals -o table", "deals --as-of 2025-01-15 --limit 2 -o json", "rates EUR JPY -o table",
	"export -o jsonl", "export --deal den -o csv", "export --after 20 --at-seq 30 -o json",
	"watch --last 5 --count 5 -o table", "watch --after 3 --deal den --count 3 -o jsonl",
	"watch --after 0 --count 2 --min 3 --currency EUR -o csv",
	"explain ID_CONFLICT -o table", "explain 114 -o json", "explain part_of_circle",
	"config show -o table", "help", "help show", "completion bash", "man",
	"pay --deal d --from wolf --to hare --amount 1.5 EUR --publisher X --url https://example.org/a"
	" --stated 2025-01-20 --on 2025-01 --tags a,b --id 0193f7a0-0000-7000-8000-000000000001 --dry-run",
	"party --party cat --name Cat --names Chat --identifier ticker:XETR:CAT --stated 2025-01-01"
	" --id 0193f7a0-0000-7000-8000-000000000002 --dry-run",
	"deal --deal d --from wolf --to hare --link part_of:den --link extends:burrow --stated 2025-01-01"
	" --id 0193f7a0-0000-7000-8000-000000000003 --dry-run",
};

/* The line with WORK as a directory of the test's own, and one for all that is kept. */
static const char *placed(const char *line)
{
	static char text[2048];
	size_t n = 0;

	for (const char *at; (at = strstr(line, "WORK")); line = at + 4)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s%s", (int)(at - line), line,
				      (const char *)w->dir);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "%s --dir %s/tools", line, (const char *)w->dir);
	assert_true(n < sizeof(text));
	return text;
}

/* An error has words; main has them for one that is often returned without. */
static void assert_said(const char *line, unsigned long n, const struct run *got)
{
	if (got->e && got->e != ERR_NO_MEMORY && !got->fault.text[0])
		fail_msg("%s, call %lu: %s, and no words", line, n, err_name(got->e));
}

/* Questions: what is shown is the same, or there is an error. */
static void ask_each(const char *line, enum failing kind)
{
	struct run right, got;
	bool came = true;

	assert_false(run_line(placed(line), kind, 0, &right));
	char *shown = malloc(right.n + 1);
	assert_non_null(shown);
	memcpy(shown, right.shown, right.n);
	for (unsigned long n = 1; came; n++) {
		came = run_line(placed(line), kind, n, &got);
		const bool same = got.e == right.e && got.exit == right.exit && got.n == right.n &&
				  memcmp(got.shown, shown, right.n) == 0;
		if (same)
			continue;
		if (!came)
			fail_msg("%s is not what it was: %s", line, err_name(got.e));
		assert_said(line, n, &got);
		if (!got.e)
			fail_msg("%s, call %lu of kind %d: shows %zu bytes instead of %zu, and no error",
				 line, n, (int)kind, got.n, right.n);
	}
	free(shown);
}

static int setup(void **state)
{
	struct str v[ARRAY_LEN(tale_events)];
	void *told;

	w = world_open();
	if (!w || story_setup(&told))
		return -1;
	struct story *s = told;
	for (size_t i = 0; i < ARRAY_LEN(tale_events); i++)
		v[i] = s->entries[tell(s, tale_events[i])].event;
	const struct publish p = publish_of(v, ARRAY_LEN(v));
	world_say(w, to_people, to_ingest, parcel_of(&w->b, to_people, &shape_publish, 7, 9000, &p).wire);
	world_settle(w, 1000);
	world_forget(w);
	nknown = 0;
	*state = w;
	return story_teardown(&told) || !setlocale(LC_CTYPE, "C.UTF-8") ||
	       setenv("HOME", w->dir, 1) || setenv("AVOW_CONFIG", "", 1);
}

static int teardown(void **state)
{
	(void)state;
	world_close(w);
	return 0;
}

static const enum failing kinds[] = { failing_memory, failing_files, failing_test };

static void what_a_command_asks_in_vain_it_says_and_shows_nothing_wrong(void **state)
{
	(void)state;
	recalling = true;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; i < ARRAY_LEN(asking); i++)
			ask_each(asking[i], kinds[k]);
}

/* ---- commands that write, or that show what changes ---- */

#define PUBLISHED "--publisher X --stated 2025-01-20 --id 0193f7a0-0000-7000-8000-0000000000"

static const char *const doing[] = {
	"pay --deal den --from wolf --amount 1 EUR " PUBLISHED "11",
	"commit --deal den --amount 15..25 EUR --grade official -o table " PUBLISHED "12",
	"correct #17 --amount 4 USD -o json --id 0193f7a0-0000-7000-8000-000000000013",
	"retract 18 --reason other --publisher X --id 0193f7a0-0000-7000-8000-000000000014",
	"publish WORK/deals.jsonl",
	"publish WORK/deals.jsonl --partial --receipts -o tsv",
	"import WORK/deals.csv --map WORK/deals.map",
	"import WORK/deals.csv --map WORK/deals.map --dry-run",
	"status -o table", "status -o json", "check -o nagios", "check -o json",
	"watch --after 0 --count 4 --position WORK/position -o tsv",
};

/* Whatever fails, it comes to an end; when nothing fails any more, all is as it should be. */
static void do_each(const char *line, enum failing kind)
{
	struct run got;
	bool came = true;

	for (unsigned long n = 1; came; n++) {
		came = run_line(placed(line), kind, n, &got);
		assert_said(line, n, &got);
	}
	assert_int_equal(got.e, ERR_OK);
}

static void what_a_command_cannot_do_it_says_and_does_when_it_is_run_again(void **state)
{
	static const char deals[] =
		"{\"id\":\"0193f7a0-0000-7000-8000-000000000021\",\"kind\":\"pay\",\"deal\":\"den\","
		"\"amount\":\"2 EUR\",\"stated\":\"2025-01-20\",\"source\":{\"publisher\":\"X\"},"
		"\"grade\":\"press\"}\n# a remark\n\n"
		"{\"id\":\"0193f7a0-0000-7000-8000-000000000022\",\"kind\":\"remark\",\"deal\":\"den\","
		"\"stance\":\"doubt\",\"stated\":\"2025-01-20\",\"source\":{\"publisher\":\"X\"},"
		"\"grade\":\"press\"}\n";
	static const char csv[] = "deal,sum,day\nden,3,2025-01-20\nburrow,\"4\",2025-01-21\n";
	static const char map[] = "[map]\nname = t\n[columns]\ndeal =\nsum =\nday =\n[event pay]\n"
				  "kind = pay\ndeal = {deal}\namount = {sum} EUR\nstated = {day}\n"
				  "source.publisher = X\ngrade = press\n";

	(void)state;
	recalling = false;
	file_write(in_dir(w->dir, "deals.jsonl"), deals, sizeof(deals) - 1);
	file_write(in_dir(w->dir, "deals.csv"), csv, sizeof(csv) - 1);
	file_write(in_dir(w->dir, "deals.map"), map, sizeof(map) - 1);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		for (size_t i = 0; i < ARRAY_LEN(doing); i++)
			do_each(doing[i], kinds[k]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_command_asks_in_vain_it_says_and_shows_nothing_wrong),
		TEST(what_a_command_cannot_do_it_says_and_does_when_it_is_run_again),
	};

	return cmocka_run_group_tests_name("failing/tools", tests, NULL, NULL);
}
