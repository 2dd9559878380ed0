/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flips: what one flipped bit in a store does to those who read it.
 *
 *     flips WORKDIR SEED FLIPS
 *
 * It makes a store, then flips one bit at a time: every second one in the header of a page, the
 * others anywhere. A child opens the store and reads every event and every id; another appends one. What is
 * read must be what was written, or be refused as damaged under its own seq. A child that dies of a
 * signal, or hangs, is a failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/log.h"
#include "tests/unit/random.h"

#define PAGE 4096u
#define PAGE_HEAD 16u
#define EVENTS 3000u
#define BATCH 50u
#define EVENT_SIZE_MAX 12000u
#define HANG_S 20
#define ARENA_MAX ((size_t)64 << 20)
#define SHOWN_MAX 8u

/* What a child counts, in memory that outlives it. */
static struct counts {
	uint64_t flips, unseen, refused_open, damaged_events, damaged_ids, ids_lost, rolled_back;
	uint64_t not_written, signals, hangs, writer_signals, wrong;
} *counts;

static char *good; /* the store's file as it was written */
static size_t good_size;
static struct hash leaves[EVENTS + 1];
static int64_t recorded[EVENTS + 1];

static noreturn void die(const char *what)
{
	fprintf(stderr, "flips: %s: %s\n", what, strerror(errno));
	exit(2);
}

static struct id id_of(uint64_t seq)
{
	struct random r = { seq };
	struct id id;

	for (size_t i = 0; i < ID_SIZE; i += 8) {
		const uint64_t v = random_next(&r);
		memcpy(id.b + i, &v, 8);
	}
	return id;
}

/* The event under this seq: mostly some hundred bytes, now and then of pages of its own. */
static struct str event_of(uint64_t seq, char *room)
{
	struct random r = { seq ^ 77 };
	const size_t n = random_below(&r, 40) == 0 ? 5000 + random_below(&r, 7000)
						   : 50 + random_below(&r, 500);

	for (size_t i = 0; i < n; i++)
		room[i] = (char)random_next(&r);
	return (struct str){ room, n };
}

static struct str deal_of(uint64_t seq, char *room)
{
	return (struct str){ room, (size_t)sprintf(room, "deal-%llu", (unsigned long long)seq % 300) };
}

static void make(const char *dir)
{
	static char event[EVENT_SIZE_MAX];
	char deal[32];
	struct fault fault;
	struct log *log;
	struct record rec;

	fault_init(&fault);
	if (log_open(dir, 1000000, &log, &fault))
		die(fault.text);
	for (uint64_t seq = 1; seq <= EVENTS; seq++) {
		const struct id id = id_of(seq);
		if ((seq - 1) % BATCH == 0 && log_begin(log))
			die("begin");
		if (log_put(log, &id, deal_of(seq, deal), event_of(seq, event), 1000000, &rec))
			die("put");
		leaves[seq] = rec.leaf;
		recorded[seq] = rec.recorded;
		if (seq % BATCH == 0 && log_commit(log))
			die("commit");
	}
	log_close(log);
}

/* ---- in the child ---- */

static void wrong(const char *what, uint64_t seq)
{
	counts->wrong++;
	fprintf(stderr, "WRONG: %s, seq %llu\n", what, (unsigned long long)seq);
}

static uint64_t check_events(struct log *log, uint64_t head, struct arena *a)
{
	static char room[EVENT_SIZE_MAX];
	const struct slice_limits limits = { .events = 1000, .bytes = (size_t)4 << 20 };
	struct record_list list;
	struct fault fault;
	uint64_t damaged = 0;

	for (uint64_t after = 0; after < head;) {
		arena_reset(a);
		fault_init(&fault);
		const enum err e = log_read(log, after, limits, a, &list, &fault);
		if (e) {
			if (e != ERR_DAMAGED && e != ERR_IO)
				wrong("refused as something else", after + 1);
			if (fault.seq != (int64_t)after + 1)
				wrong("damage is not named by its seq", after + 1);
			damaged++;
			after++;
			continue;
		}
		if (list.n == 0)
			wrong("nothing, and no error", after + 1);
		for (size_t i = 0; i < list.n; i++) {
			const struct record *r = &list.v[i];
			const uint64_t seq = after + i + 1;
			if (r->seq != seq || !str_eq(r->event, event_of(seq, room)) ||
			    r->recorded != recorded[seq] ||
			    memcmp(r->leaf.b, leaves[seq].b, HASH_SIZE) != 0)
				wrong("other bytes than were written", seq);
		}
		after += list.n ? list.n : 1;
	}
	counts->damaged_events += damaged;
	return damaged;
}

static uint64_t check_ids(struct log *log, uint64_t head)
{
	uint64_t bad = 0, at;

	if (log_begin(log)) {
		counts->not_written++;
		return 1;
	}
	for (uint64_t seq = 1; seq <= head; seq++) {
		const struct id id = id_of(seq);
		const enum err e = log_find(log, &id, &at);
		if (!e && at != seq)
			wrong("an id is found under another seq", seq);
		if (!e)
			continue;
		bad++;
		if (e == ERR_NOT_FOUND)
			counts->ids_lost++;
		else
			counts->damaged_ids++;
		if (e != ERR_NOT_FOUND && e != ERR_DAMAGED)
			break; /* it sticks */
	}
	log_abort(log);
	return bad;
}

static uint64_t append(struct log *log, uint64_t head)
{
	const struct id id = id_of(EVENTS + 7);
	struct record rec;

	enum err e = log_begin(log);
	if (!e)
		e = log_put(log, &id, STR("deal-new"), STR("event"), 1000000, &rec);
	if (!e && rec.seq != head + 1)
		wrong("the next seq is another", rec.seq);
	if (!e)
		e = log_commit(log);
	else
		log_abort(log);
	counts->not_written += e != ERR_OK;
	return e != ERR_OK;
}

static void child(const char *dir, bool writes)
{
	struct fault fault;
	struct log_info info;
	struct arena a;
	struct log *log;
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)alarm(HANG_S);
	fault_init(&fault);
	if (log_open(dir, 1, &log, &fault)) {
		counts->refused_open += !writes;
		if (fault.text[0] == 0)
			wrong("refused without words", 0);
		return;
	}
	arena_init(&a, ARENA_MAX);
	log_info(log, &info);
	if (writes) {
		(void)append(log, info.head);
		log_close(log);
		return;
	}
	counts->rolled_back += info.head < EVENTS;
	if (info.head > EVENTS)
		wrong("more events than were written", info.head);
	uint64_t seen = check_events(log, info.head, &a);
	seen += check_ids(log, info.head);
	counts->unseen += seen == 0 && info.head == EVENTS;
	log_close(log);
}

/* ---- the flips ---- */

static void restore(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, good, good_size) != (ssize_t)good_size)
		die(path);
	(void)close(fd);
}

static void flip(const char *path, uint64_t byte, unsigned bit)
{
	const char changed = (char)(good[byte] ^ 1 << bit);
	const int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, &changed, 1, (off_t)byte) != 1)
		die(path);
	(void)close(fd);
}

/* What a child comes to that opens the store: its status. */
static int run_child(const char *dir, bool writes)
{
	int status;
	const pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		child(dir, writes);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	return status;
}

static void one(const char *dir, const char *path, struct random *r, uint64_t number)
{
	const uint64_t pages = good_size / PAGE;
	const bool head = number % 2 == 0;
	const uint64_t byte = head ? random_below(r, pages) * PAGE + random_below(r, PAGE_HEAD)
				   : random_below(r, good_size);
	const unsigned bit = (unsigned)random_below(r, 8);

	restore(path);
	flip(path, byte, bit);
	counts->flips++;
	const uint64_t wrongs = counts->wrong;
	const int status = run_child(dir, false);
	if (!WIFSIGNALED(status))
		counts->writer_signals += WIFSIGNALED(run_child(dir, true));
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) == SIGALRM)
			counts->hangs++;
		else
			counts->signals++;
	}
	if ((WIFSIGNALED(status) && counts->signals + counts->hangs <= SHOWN_MAX) ||
	    counts->wrong != wrongs)
		fprintf(stderr, "flip %llu: byte %llu (page %llu + %llu) bit %u: %s %d\n",
			(unsigned long long)number, (unsigned long long)byte,
			(unsigned long long)byte / PAGE, (unsigned long long)byte % PAGE, bit,
			WIFSIGNALED(status) ? "signal" : "exit",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	char path[4096];
	struct stat st;

	if (argc != 4)
		die("usage: flips WORKDIR SEED FLIPS");
	struct random r = { strtoull(argv[2], NULL, 10) };
	const uint64_t flips = strtoull(argv[3], NULL, 10);
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		die("memory");
	make(argv[1]);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", argv[1]);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	good_size = (size_t)st.st_size;
	good = malloc(good_size);
	if (!good || read(fd, good, good_size) != st.st_size)
		die("read");
	(void)close(fd);
	for (uint64_t i = 0; i < flips; i++)
		one(argv[1], path, &r, i);
	printf("{\"flips\": %llu, \"without_effect\": %llu, \"refused_at_opening\": %llu, "
	       "\"events_refused\": %llu, \"ids_refused\": %llu, \"ids_not_found\": %llu, "
	       "\"rolled_back\": %llu, \"not_written\": %llu, \"killed_by_signal\": %llu, "
	       "\"hangs\": %llu, \"writer_killed\": %llu, \"wrong\": %llu}\n",
	       (unsigned long long)counts->flips, (unsigned long long)counts->unseen,
	       (unsigned long long)counts->refused_open, (unsigned long long)counts->damaged_events,
	       (unsigned long long)counts->damaged_ids, (unsigned long long)counts->ids_lost,
	       (unsigned long long)counts->rolled_back, (unsigned long long)counts->not_written,
	       (unsigned long long)counts->signals, (unsigned long long)counts->hangs,
	       (unsigned long long)counts->writer_signals, (unsigned long long)counts->wrong);
	return counts->wrong || counts->signals || counts->hangs || counts->writer_signals;
}
