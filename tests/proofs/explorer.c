/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explorer: what a power cut may leave of a store, state after state, each opened and checked.
 *
 *     explorer TRACE HISTORY WORKDIR SEED EACH PART PARTS
 *
 * It walks along the trace of a ledger (trace.h). At each place it knows what is surely on the disk,
 * and which writes may be there or not; it builds EACH states of a subset of those, torn at 512
 * bytes, opens each with the store's own code, and compares every event with the history:
 *
 * - what was acknowledged before the cut is there, byte for byte, under its seq and its id;
 * - what is there beyond it is the history's, without a hole;
 * - the store goes on: one more event can be written (each 16th state).
 *
 * A store in the making, before the first acknowledgement, must open as an empty one. The states of
 * one place depend on SEED and the place alone, so that a state is found again.
 *
 * HISTORY: for each seq from 1: u64 number of the trace row of its first acknowledgement (2^64-1:
 * never), i64 recorded, 16 bytes of id, 32 of leaf hash, u32 length, the event.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/log.h"
#include "tests/proofs/trace.h"
#include "tests/unit/random.h"

#define SECTOR 512u
#define PAGE 4096u
#define PENDING_MAX 65536u
#define FILE_MAX ((size_t)256 << 20)
#define EVENTS_MAX 1000000u
#define ARENA_MAX ((size_t)64 << 20)
#define SHOWN_MAX 10u
#define MAKING_EACH 20u
/* A state whose reading takes that long kills its reader, and fails. */
#define HANG_S 20 /* of the processor */
#define STUCK_S 900 /* by the clock, as a machine may stand still */

struct event_known {
	uint64_t acked_at; /* row of the trace */
	int64_t recorded;
	struct id id;
	struct hash leaf;
	struct str bytes;
};

/* A change that may have reached the disk or not. */
struct pending {
	enum { change_write, change_size } what;
	uint64_t off;
	struct str bytes; /* borrowed from the trace */
};

/* One file of the store: what is surely on the disk, and what may be. */
struct image {
	char *bytes, *found; /* as it surely is; room to look at the one that is shown */
	size_t size;
	bool exists, exists_pending; /* as its name is on the disk, and as it may be */
	struct pending *pending;
	size_t npending;
	bool sync_next;	     /* the last write was O_DSYNC and is about to return */
	int fd;		     /* in the work directory */
	size_t shown_size;   /* of the file there */
	bool shown;
};

struct explorer {
	struct str trace, history;
	struct event_known *events;
	size_t nevents;
	struct image files[trace_files];
	const char *workdir;
	uint64_t seed, each, part, parts;
	uint64_t row, acked;	     /* rows so far; seqs 1 to acked are acknowledged */
	struct arena arena;
};

/* What the children tell, as they may die. */
struct shared {
	uint64_t states, failed, read, written;
};
static struct shared *shared;

static noreturn void die(const char *what)
{
	fprintf(stderr, "explorer: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* For a file, as much of it as is used. */
static char *room(void)
{
	char *p = mmap(NULL, FILE_MAX, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		die("memory");
	return p;
}

static struct str map_file(const char *path)
{
	struct stat st;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		die(path);
	(void)close(fd);
	return (struct str){ p, (size_t)st.st_size };
}

static void read_history(struct explorer *x)
{
	const char *p = x->history.p, *end = p + x->history.n;
	uint32_t n;

	x->events = calloc(EVENTS_MAX, sizeof(*x->events));
	if (!x->events)
		die("memory");
	while (p < end) {
		struct event_known *k = &x->events[x->nevents++];
		require(x->nevents < EVENTS_MAX);
		memcpy(&k->acked_at, p, 8);
		memcpy(&k->recorded, p + 8, 8);
		memcpy(k->id.b, p + 16, ID_SIZE);
		memcpy(k->leaf.b, p + 32, HASH_SIZE);
		memcpy(&n, p + 64, 4);
		k->bytes = (struct str){ p + 68, n };
		p += 68 + n;
	}
}

/* ---- what is on the disk ---- */

static void apply(struct image *f, const struct pending *c)
{
	if (c->what == change_size) {
		if (c->off > f->size)
			memset(f->bytes + f->size, 0, c->off - f->size);
		f->size = c->off;
		return;
	}
	require(c->off + c->bytes.n <= FILE_MAX);
	if (c->off > f->size)
		memset(f->bytes + f->size, 0, c->off - f->size);
	memcpy(f->bytes + c->off, c->bytes.p, c->bytes.n);
	if (c->off + c->bytes.n > f->size)
		f->size = c->off + c->bytes.n;
}

static void add(struct image *f, struct pending c)
{
	require(f->npending < PENDING_MAX);
	f->pending[f->npending++] = c;
}

/* A process begins and finds `now`: each page that is not surely on the disk may be or not. */
static void begin_process(struct image *f, struct str now)
{
	f->npending = 0;
	if (now.n != f->size)
		add(f, (struct pending){ .what = change_size, .off = now.n });
	for (size_t at = 0; at < now.n; at += PAGE) {
		const size_t n = now.n - at < PAGE ? now.n - at : PAGE;
		if (at + n > f->size || memcmp(f->bytes + at, now.p + at, n) != 0)
			add(f, (struct pending){ change_write, at, { now.p + at, n } });
	}
}

static void put(struct image *f, size_t off, const char *p, size_t n)
{
	if (n && pwrite(f->fd, p, n, (off_t)off) != (ssize_t)n)
		die("write a state");
	if (off + n > f->shown_size)
		f->shown_size = off + n;
}

static void resize(struct image *f, size_t size)
{
	if (f->shown_size != size && ftruncate(f->fd, (off_t)size) != 0)
		die("cut a state");
	f->shown_size = size;
}

/* A change is on the disk now; the file, where it is shown, follows. */
static void settle_one(struct image *f, const struct pending *c)
{
	apply(f, c);
	if (!f->shown)
		return;
	if (c->what == change_write)
		put(f, c->off, c->bytes.p, c->bytes.n);
	resize(f, f->size);
}

static void settle(struct image *f)
{
	for (size_t i = 0; i < f->npending; i++)
		settle_one(f, &f->pending[i]);
	f->npending = 0;
}

/* ---- one state ---- */

/* The file as it surely is on the disk. */
static void show_whole(const struct explorer *x, struct image *f, const char *name)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", x->workdir, name);
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (f->fd < 0)
		die(path);
	f->shown_size = 0;
	put(f, 0, f->bytes, f->size);
}

/* How the subset is chosen. */
enum mode { mode_none, mode_all, mode_subset, mode_but_one, mode_only_one, mode_sectors, mode_torn,
	    mode_prefix, modes };

struct choice {
	enum mode mode;
	size_t one;
	struct random *r;
};

static bool chosen(const struct choice *c, size_t i)
{
	switch (c->mode) {
	case mode_none:
		return false;
	case mode_subset:
	case mode_torn:
		return random_below(c->r, 2);
	case mode_but_one:
		return i != c->one;
	case mode_only_one:
		return i == c->one;
	case mode_prefix:
		return i < c->one;
	case mode_all:
	case mode_sectors:
	case modes:
	default:
		return true;
	}
}

static void put_sectors(struct image *f, const struct pending *c, struct random *r, uint64_t of)
{
	for (size_t at = 0; at < c->bytes.n;) {
		size_t n = SECTOR - (c->off + at) % SECTOR;
		if (n > c->bytes.n - at)
			n = c->bytes.n - at;
		if (random_below(r, of))
			put(f, c->off + at, c->bytes.p + at, n);
		at += n;
	}
}

static void show_pending(struct image *f, struct random *r)
{
	struct choice c = { .r = r, .mode = (enum mode)random_below(r, modes) };

	if (f->npending == 0)
		return;
	c.one = random_below(r, f->npending);
	for (size_t i = 0; i < f->npending; i++) {
		const struct pending *p = &f->pending[i];
		if (!chosen(&c, i))
			continue;
		if (p->what == change_size)
			resize(f, p->off);
		else if (c.mode == mode_sectors || (c.mode == mode_torn && i == c.one))
			put_sectors(f, p, r, 2);
		else
			put(f, p->off, p->bytes.p, p->bytes.n);
	}
}

/* Bring back what show_pending has changed. */
static void unshow(struct image *f)
{
	for (size_t i = 0; i < f->npending; i++) {
		const struct pending *p = &f->pending[i];
		if (p->what == change_size || p->off >= f->size)
			continue;
		const size_t n = p->off + p->bytes.n > f->size ? f->size - p->off : p->bytes.n;
		put(f, p->off, f->bytes + p->off, n);
	}
	f->shown_size = SIZE_MAX; /* the store may have cut it or made it longer */
	resize(f, f->size);
}

/* Bring back the whole, as the store has written to it. */
static void show_again(struct image *f)
{
	const ssize_t n = pread(f->fd, f->found, f->size, 0);

	if (n < 0)
		die("read a state");
	memset(f->found + n, 0, f->size - (size_t)n);
	for (size_t at = 0; at < f->size; at += PAGE) {
		const size_t some = f->size - at < PAGE ? f->size - at : PAGE;
		if (memcmp(f->found + at, f->bytes + at, some) != 0)
			put(f, at, f->bytes + at, some);
	}
	f->shown_size = SIZE_MAX;
	resize(f, f->size);
}

/* ---- checking ---- */

static const char *check_events(struct explorer *x, struct log *log, uint64_t head)
{
	const struct slice_limits limits = { .events = 4096, .bytes = (size_t)16 << 20 };
	struct record_list list;
	struct fault fault;

	for (uint64_t after = 0; after < head;) {
		arena_reset(&x->arena);
		fault_init(&fault);
		if (log_read(log, after, limits, &x->arena, &list, &fault))
			return "an event cannot be read";
		for (size_t i = 0; i < list.n; i++) {
			const struct record *rec = &list.v[i];
			const struct event_known *k = &x->events[after + i];
			if (rec->seq != after + i + 1)
				return "a hole in the order";
			if (!str_eq(rec->event, k->bytes) || rec->recorded != k->recorded ||
			    memcmp(rec->leaf.b, k->leaf.b, HASH_SIZE) != 0)
				return "an event is not what was published";
		}
		if (list.n == 0)
			return "the head cannot be reached";
		after += list.n;
		shared->read += list.n;
	}
	return NULL;
}

static const char *check_ids(struct explorer *x, struct log *log, uint64_t head, struct random *r,
			     bool go_on)
{
	struct record rec;
	struct id new;
	uint64_t seq;

	if (log_begin(log))
		return "no log commit can be begun";
	for (size_t i = 0; i < 16 && head > 0; i++) {
		const uint64_t want = i < 4 && head > i ? head - i : random_below(r, head) + 1;
		if (log_find(log, &x->events[want - 1].id, &seq) || seq != want)
			return "an id is not found under its seq";
	}
	if (!go_on) {
		log_abort(log);
		return NULL;
	}
	id_make(1, new.b);
	shared->written++;
	if (log_put(log, &new, STR("deal"), STR("an event"), INT64_MAX / 2, &rec) ||
	    log_commit(log) || rec.seq != head + 1)
		return "the store does not go on";
	return NULL;
}

static const char *check(struct explorer *x, struct random *r, bool go_on)
{
	struct log_info info;
	struct fault fault;
	struct log *log;
	const char *wrong = NULL;

	fault_init(&fault);
	if (log_open(x->workdir, 1, &log, &fault)) {
		static char words[512];
		(void)snprintf(words, sizeof(words), "it does not open: %s", fault.text);
		return words;
	}
	log_info(log, &info);
	if (info.head < x->acked)
		wrong = "acknowledged events are lost";
	else if (info.head > x->nevents)
		wrong = "there are events that nobody published";
	if (!wrong)
		wrong = check_events(x, log, info.head);
	if (!wrong)
		wrong = check_ids(x, log, info.head, r, go_on);
	log_close(log);
	return wrong;
}

static void watch(void)
{
	const struct itimerval hang = { .it_value = { .tv_sec = HANG_S } };

	(void)setitimer(ITIMER_PROF, &hang, NULL);
	(void)alarm(STUCK_S);
}

static void state(struct explorer *x, uint64_t number)
{
	static const char *const names[] = { "data.mdb", "lock" };
	struct random r = { x->seed + ((x->row << 20) + number) * UINT64_C(0x2545f4914f6cdd1d) };
	char path[4096];

	const bool go_on = random_below(&r, 16) == 0;
	for (size_t i = 0; i < trace_files; i++) {
		struct image *f = &x->files[i];
		const bool there = f->exists == f->exists_pending ? f->exists : random_below(&r, 2);
		if (!f->shown)
			show_whole(x, f, names[i]);
		f->shown = true;
		show_pending(f, &r);
		if (there)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", x->workdir, names[i]);
		(void)unlink(path);
		f->shown = false;
	}
	watch();
	const char *wrong = check(x, &r, go_on);
	shared->states++;
	if (wrong) {
		if (shared->failed++ < SHOWN_MAX)
			fprintf(stderr, "row %llu state %llu: %s (acknowledged %llu)\n",
				(unsigned long long)x->row, (unsigned long long)number, wrong,
				(unsigned long long)x->acked);
	}
	for (size_t i = 0; i < trace_files; i++) {
		/* whatever the store may have written itself is not to stay */
		if (wrong || x->acked == 0 || i == trace_lock)
			x->files[i].shown = false;
		else if (x->files[i].shown)
			(go_on ? show_again : unshow)(&x->files[i]);
	}
}

/* ---- walking ---- */

/* One row of the trace; whether the states of the disk are others now. */
static bool walk(struct explorer *x, const struct trace_row *row, struct str bytes)
{
	struct image *f = &x->files[row->file < trace_files ? row->file : 0];

	switch ((enum trace_op)row->op) {
	case trace_begin:
		if (bytes.n)
			begin_process(&x->files[trace_data], bytes);
		return false;
	case trace_create:
		f->exists_pending = true;
		return true;
	case trace_unlink:
		f->exists_pending = false;
		f->npending = 0;
		return true;
	case trace_write:
		add(f, (struct pending){ change_write, row->off, bytes });
		return true;
	case trace_truncate:
		add(f, (struct pending){ .what = change_size, .off = row->off });
		return true;
	case trace_written: {
		/* O_DSYNC is about its own bytes */
		const struct pending last = f->pending[f->npending - 1];
		settle_one(f, &last);
		f->npending--;
		return true;
	}
	case trace_sync:
		settle(f);
		return true;
	case trace_names:
		for (size_t i = 0; i < trace_files; i++)
			x->files[i].exists = x->files[i].exists_pending;
		return true;
	case trace_ack:
		while (x->acked < x->nevents && x->events[x->acked].acked_at <= x->row)
			x->acked++;
		return true;
	case trace_strange:
	default:
		fprintf(stderr, "explorer: operation %d, file %d, %zu bytes: %.*s\n", row->op, row->file,
			bytes.n, row->op == trace_strange ? (int)bytes.n : 0, bytes.p);
		errno = 0;
		die("the trace holds something that has no model");
	}
}

/* From row `from` on, until the end or until this process dies; tells by `row` how far it came. */
static void explore(struct explorer *x, uint64_t from, uint64_t *at)
{
	struct trace_row row;

	for (const char *p = x->trace.p; p < x->trace.p + x->trace.n; p += sizeof(row) + row.len) {
		memcpy(&row, p, sizeof(row));
		const bool changed = walk(x, &row, (struct str){ p + sizeof(row), row.len });
		if (changed && x->row >= from && x->row % x->parts == x->part) {
			*at = x->row;
			/* a store in the making has few places, and all of them matter */
			const uint64_t each = x->acked ? x->each : x->each * MAKING_EACH;
			for (uint64_t n = 0; n < each; n++)
				state(x, n);
		}
		x->row++;
	}
}

int main(int argc, char **argv)
{
	struct explorer x = { .seed = 1 };

	if (argc != 8)
		die("usage: explorer TRACE HISTORY WORKDIR SEED EACH PART PARTS");
	x.trace = map_file(argv[1]);
	x.history = map_file(argv[2]);
	x.workdir = argv[3];
	x.seed = strtoull(argv[4], NULL, 10);
	x.each = strtoull(argv[5], NULL, 10);
	x.part = strtoull(argv[6], NULL, 10);
	x.parts = strtoull(argv[7], NULL, 10);
	read_history(&x);
	arena_init(&x.arena, ARENA_MAX);
	for (size_t i = 0; i < trace_files; i++) {
		x.files[i].bytes = room();
		x.files[i].found = room();
		x.files[i].pending = calloc(PENDING_MAX, sizeof(struct pending));
		x.files[i].fd = -1;
		if (!x.files[i].pending)
			die("memory");
	}
	uint64_t *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		die("memory");
	shared = (struct shared *)(at + 1);
	/* a state that kills its reader is a failure like others; the next place goes on */
	for (uint64_t from = 0;; from = *at + 1) {
		int status;
		const pid_t child = fork();
		if (child < 0)
			die("fork");
		if (child == 0) {
			explore(&x, from, at);
			_exit(0);
		}
		if (waitpid(child, &status, 0) != child)
			die("wait");
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			break;
		if (WIFEXITED(status))
			return 2;
		shared->states++;
		if (shared->failed++ < SHOWN_MAX)
			fprintf(stderr, "row %llu: reading it killed the process, signal %d\n",
				(unsigned long long)*at, WTERMSIG(status));
	}
	printf("{\"states\": %llu, \"failed\": %llu, \"events_compared\": %llu, \"went_on\": %llu}\n",
	       (unsigned long long)shared->states, (unsigned long long)shared->failed,
	       (unsigned long long)shared->read, (unsigned long long)shared->written);
	return shared->failed ? 1 : 0;
}
