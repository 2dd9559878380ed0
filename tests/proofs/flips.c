/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flips: what one flipped bit in a store does to those who read it.
 *
 *     flips WORKDIR SEED FLIPS EVENTS
 *
 * It makes a store of so many events, then flips one bit at a time: every second one in the header of a page, the
 * others anywhere. The store is opened, and every event and every id read; then one event is appended,
 * every second time after it was opened anew. What is read must be what was written, or be refused as
 * damaged under its own seq.
 *
 * A child does that, flip after flip, as to start one costs more than a flip. One that dies of a signal,
 * or hangs, is a failure, and the next flip gets a new one; so it does where a log commit failed, as
 * whoever meets that leaves.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/log.h"
#include "tests/unit/random.h"

#define PAGE 4096u
#define PAGE_HEAD 16u
#define EVENTS_MAX 2000u
#define BATCH 50u
#define HANG_S 20 /* of the processor */
#define STUCK_S 900 /* by the clock, as a machine may stand still */
#define ARENA_MAX ((size_t)64 << 20)
#define SHOWN_MAX 8u
#define KEPT_MAX (3 << 19)

/* What a child counts, in memory that outlives it. */
static struct counts {
	uint64_t flips, unseen, refused_open, damaged_events, damaged_ids, ids_lost, rolled_back;
	uint64_t not_written, signals, hangs, writer_signals, wrong;
	bool writes; /* what it is at */
} *counts;

static char *good, *now; /* the store's file as it was written, and as it is found */
static size_t good_size;
static uint64_t nevents;
static struct str events[EVENTS_MAX + 1]; /* as they were given to the store */
static struct hash leaves[EVENTS_MAX + 1];
static int64_t recorded[EVENTS_MAX + 1];

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
static struct str event_of(uint64_t seq)
{
	struct random r = { seq ^ 77 };
	const size_t n = random_below(&r, 40) == 0 ? 5000 + random_below(&r, 7000)
						   : 50 + random_below(&r, 500);
	char *bytes = malloc(n);

	if (!bytes)
		die("memory");
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)random_next(&r);
	return (struct str){ bytes, n };
}

static struct str deal_of(uint64_t seq, char *room)
{
	return (struct str){ room, (size_t)sprintf(room, "deal-%llu", (unsigned long long)seq % 300) };
}

static void make(const char *dir)
{
	char deal[32];
	struct fault fault;
	struct log *log;
	struct record rec;

	fault_init(&fault);
	if (log_open(dir, 1000000, &log, &fault))
		die(fault.text);
	for (uint64_t seq = 1; seq <= nevents; seq++) {
		const struct id id = id_of(seq);
		events[seq] = event_of(seq);
		if ((seq - 1) % BATCH == 0 && log_begin(log))
			die("begin");
		if (log_put(log, &id, deal_of(seq, deal), events[seq], 1000000, &rec))
			die("put");
		leaves[seq] = rec.leaf;
		recorded[seq] = rec.recorded;
		if ((seq % BATCH == 0 || seq == nevents) && log_commit(log))
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
			if (r->seq != seq || !str_eq(r->event, events[seq]) ||
			    r->recorded != recorded[seq] ||
			    memcmp(r->leaf.b, leaves[seq].b, HASH_SIZE) != 0)
				wrong("other bytes than were written", seq);
		}
		after += list.n ? list.n : 1;
	}
	counts->damaged_events += damaged;
	return damaged;
}

/* Looks every id up, and tells how many are not found; whether nothing failed but that. */
static bool check_ids(struct log *log, uint64_t head, uint64_t *bad)
{
	enum err e = log_begin(log);
	uint64_t at;

	if (e) {
		counts->not_written++;
		*bad += 1;
		return false;
	}
	for (uint64_t seq = 1; seq <= head; seq++) {
		const struct id id = id_of(seq);
		e = log_find(log, &id, &at);
		if (!e && at != seq)
			wrong("an id is found under another seq", seq);
		if (!e)
			continue;
		*bad += 1;
		if (e == ERR_NOT_FOUND)
			counts->ids_lost++;
		else
			counts->damaged_ids++;
		if (e != ERR_NOT_FOUND && e != ERR_DAMAGED)
			break; /* it sticks */
	}
	log_abort(log);
	return e == ERR_OK || e == ERR_NOT_FOUND || e == ERR_DAMAGED;
}

static bool append(struct log *log, uint64_t head)
{
	const struct id id = id_of(EVENTS_MAX + 7);
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
	return e == ERR_OK;
}

/* Whoever does not come to an end is killed. */
static void watch(void)
{
	const struct itimerval hang = { .it_value = { .tv_sec = HANG_S } };

	(void)setitimer(ITIMER_PROF, &hang, NULL);
	(void)alarm(STUCK_S);
}

/* What is done with a store that was opened. */
enum use { use_read, use_append, use_all };

/* Open the store and use it; whether this process may go on to use others. */
static bool use(const char *dir, struct arena *a, enum use what)
{
	struct fault fault;
	struct log_info info;
	struct log *log;
	bool good_end = true;

	watch();
	counts->writes = what == use_append;
	fault_init(&fault);
	if (log_open(dir, 1, &log, &fault)) {
		counts->refused_open += what != use_append;
		if (fault.text[0] == 0)
			wrong("refused without words", 0);
		return true;
	}
	log_info(log, &info);
	if (what != use_append) {
		counts->rolled_back += info.head < nevents;
		if (info.head > nevents)
			wrong("more events than were written", info.head);
		uint64_t seen = check_events(log, info.head, a);
		good_end = check_ids(log, info.head, &seen);
		counts->unseen += seen == 0 && info.head == nevents;
	}
	if (what != use_read && good_end) {
		counts->writes = true;
		good_end = append(log, info.head);
	}
	log_close(log);
	return good_end;
}

/* ---- the flips ---- */

/* Give the file back what it was. */
static void restore(int fd)
{
	const ssize_t n = pread(fd, now, good_size, 0);

	if (n < 0 || ftruncate(fd, (off_t)good_size) != 0)
		die("restore");
	memset(now + n, 0, good_size - (size_t)n);
	for (size_t at = 0; at < good_size; at += PAGE)
		if (memcmp(now + at, good + at, PAGE) != 0 &&
		    pwrite(fd, good + at, PAGE, (off_t)at) != PAGE)
			die("restore");
}

struct flip {
	uint64_t number, byte;
	unsigned bit;
};

/* Flip `number` of this seed. */
static struct flip choose(uint64_t seed, uint64_t number)
{
	struct random r = { seed + number * UINT64_C(0x2545f4914f6cdd1d) };
	const uint64_t pages = good_size / PAGE;
	const bool head = number % 2 == 0;
	const uint64_t byte = head ? random_below(&r, pages) * PAGE + random_below(&r, PAGE_HEAD)
				   : random_below(&r, good_size);

	return (struct flip){ number, byte, (unsigned)random_below(&r, 8) };
}

static void tell(const struct flip *f, const char *what)
{
	fprintf(stderr, "flip %llu: byte %llu (page %llu + %llu) bit %u: %s\n",
		(unsigned long long)f->number, (unsigned long long)f->byte,
		(unsigned long long)f->byte / PAGE, (unsigned long long)f->byte % PAGE, f->bit, what);
}

/* In the child: flip after flip, up to the last one or to the first after which it should leave. */
static void child(const char *dir, int fd, uint64_t seed, uint64_t flips)
{
	struct rlimit none = { 0, 0 };
	struct arena a;
	bool go_on = true;

	(void)setrlimit(RLIMIT_CORE, &none);
	/* what each opening of a store needs is not to be mapped anew each time, but for what LMDB clears */
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_MAX);
	(void)mallopt(M_TRIM_THRESHOLD, ARENA_MAX);
	arena_init(&a, ARENA_MAX);
	while (go_on && counts->flips < flips) {
		const struct flip f = choose(seed, counts->flips);
		const char changed = (char)(good[f.byte] ^ 1 << f.bit);
		const uint64_t wrongs = counts->wrong;
		restore(fd);
		if (pwrite(fd, &changed, 1, (off_t)f.byte) != 1)
			die("flip");
		counts->flips++;
		/* by one who knows its pages already, or by one who has just opened it */
		if (f.number / 2 % 2 == 0) {
			go_on = use(dir, &a, use_all);
		} else {
			go_on = use(dir, &a, use_read);
			go_on = use(dir, &a, use_append) && go_on;
		}
		if (counts->wrong != wrongs)
			tell(&f, "wrong");
	}
}

/* Let a child do some of them; notes how it ended. */
static void some(const char *dir, int fd, uint64_t seed, uint64_t flips)
{
	int status;
	const pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		child(dir, fd, seed, flips);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("wait");
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		exit(2);
	if (!WIFSIGNALED(status))
		return;
	if (counts->writes)
		counts->writer_signals++;
	else if (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM)
		counts->hangs++;
	else
		counts->signals++;
	const struct flip f = choose(seed, counts->flips - 1);
	if (counts->signals + counts->hangs + counts->writer_signals <= SHOWN_MAX)
		tell(&f, strsignal(WTERMSIG(status)));
}

int main(int argc, char **argv)
{
	char path[4096];
	struct stat st;

	if (argc != 5)
		die("usage: flips WORKDIR SEED FLIPS EVENTS");
	const uint64_t seed = strtoull(argv[2], NULL, 10);
	const uint64_t flips = strtoull(argv[3], NULL, 10);
	nevents = strtoull(argv[4], NULL, 10);
	require(nevents > 0 && nevents <= EVENTS_MAX);
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		die("memory");
	make(argv[1]);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", argv[1]);
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	good_size = (size_t)st.st_size;
	good = malloc(good_size);
	now = malloc(good_size);
	if (!good || !now || pread(fd, good, good_size, 0) != st.st_size)
		die("read");
	while (counts->flips < flips)
		some(argv[1], fd, seed, flips);
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
