/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_store: how many events a second the log takes durably, beside what the disk could do.
 *
 *     bench_store DIR [SECONDS [ROUNDS]]
 *
 * For each size of a log commit it appends events of 300 bytes for SECONDS (default 1) in three
 * ways, in turn, ROUNDS times (default 5), and prints the medians: through the log (ids, revisions,
 * leaf hashes and checksums included), as bare rows of one table, and as the same bytes at the end
 * of a plain file with fdatasync. Then how fast the log reads back and opens, and how large a log
 * becomes that was written in log commits of one size.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/lm.h"
#include "store/log.h"

#define EVENT_SIZE 300u
#define ROUNDS_MAX 99u
#define BATCH_MAX 5000u
#define DEALS 1000u
#define ARENA_MAX ((size_t)64 << 20)
#define READ_ROUND 10000u
/* Of a log whose size is taken; of single events there are fewer, as each costs a sync. */
#define SIZED_EVENTS 100000u
#define SIZED_COMMITS_MAX 5000u

static const size_t batches[] = { 1, 50, 1000, BATCH_MAX };

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	(void)fprintf(stderr, "bench_store: %s: %s\n", what, err_name(e));
	exit(1);
}

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *in_dir(const char *dir, const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

/* ---- the three ways; each state goes through one whole run ---- */

struct run {
	struct log *log;
	struct lm *lm;
	int fd;
	uint64_t next; /* number of the next event */
	char event[EVENT_SIZE];
	char file[EVENT_SIZE * BATCH_MAX];
};

static void log_batch(struct run *r, size_t n)
{
	struct record rec;
	struct id id;
	char deal[32];

	must(log_begin(r->log), "log_begin");
	for (size_t i = 0; i < n; i++, r->next++) {
		/* ordered in time but for the end, as UUIDs of version 7 are */
		const uint64_t high = __builtin_bswap64(r->next << 8);
		const uint64_t low = r->next * UINT64_C(0x9e3779b97f4a7c15);
		memcpy(id.b, &high, 8);
		memcpy(id.b + 8, &low, 8);
		memcpy(r->event, &low, 8);
		const int size = snprintf(deal, sizeof(deal), "deal-%u", (unsigned)(low % DEALS));
		must(log_put(r->log, &id, (struct str){ deal, (size_t)size },
			     (struct str){ r->event, EVENT_SIZE }, 1, &rec),
		     "log_put");
	}
	must(log_commit(r->log), "log_commit");
}

static void row_batch(struct run *r, size_t n)
{
	struct lm_txn *t;

	must(lm_write(r->lm, &t), "lm_write");
	for (size_t i = 0; i < n; i++, r->next++)
		must(lm_put(t, 1, (struct str){ (const char *)&r->next, sizeof(r->next) },
			    (struct str){ r->event, EVENT_SIZE }, lm_append),
		     "lm_put");
	must(lm_commit(t), "lm_commit");
}

static void file_batch(struct run *r, size_t n)
{
	const ssize_t size = (ssize_t)(n * EVENT_SIZE);

	if (write(r->fd, r->file, (size_t)size) != size || fdatasync(r->fd) != 0)
		must(ERR_IO, "write to a plain file");
}

enum { WAY_LOG, WAY_ROWS, WAY_FILE, WAYS };
static void (*const ways[WAYS])(struct run *, size_t) = { log_batch, row_batch, file_batch };

/* Events a second in log commits of `batch`, over about `span` seconds. */
static double measure(struct run *r, unsigned way, size_t batch, double span)
{
	const double begin = seconds();
	uint64_t done = 0;
	double now;

	do {
		ways[way](r, batch);
		done += batch;
		now = seconds();
	} while (now - begin < span);
	return (double)done / (now - begin);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void open_all(struct run *r, const char *dir)
{
	static const struct lm_table tables[] = { { "meta", false }, { "rows", true } };
	const struct lm_options o = { .tables = tables, .ntables = 2, .first = STR("bench") };

	must(log_open(in_dir(dir, "log"), 1, &r->log, NULL), "log_open");
	must(lm_open(in_dir(dir, "rows"), &o, &r->lm, NULL), "lm_open");
	r->fd = open(in_dir(dir, "file"), O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (r->fd < 0)
		must(ERR_IO, "open a plain file");
	r->next = 1;
}

static void append(struct run *r, double span, unsigned rounds)
{
	static double got[WAYS][ROUNDS_MAX];

	(void)printf("%8s %14s %14s %14s %10s %10s\n", "batch", "log ev/s", "rows ev/s",
		     "file ev/s", "log/rows", "log/file");
	for (size_t b = 0; b < ARRAY_LEN(batches); b++) {
		for (unsigned round = 0; round < rounds; round++)
			for (unsigned way = 0; way < WAYS; way++)
				got[way][round] = measure(r, way, batches[b], span);
		for (unsigned way = 0; way < WAYS; way++)
			qsort(got[way], rounds, sizeof(double), by_size);
		const double log = got[WAY_LOG][rounds / 2], rows = got[WAY_ROWS][rounds / 2],
			     file = got[WAY_FILE][rounds / 2];
		(void)printf("%8zu %14.0f %14.0f %14.0f %10.2f %10.2f\n", batches[b], log, rows,
			     file, log / rows, log / file);
	}
}

static void read_back(struct run *r)
{
	struct arena a;
	struct record_list got;
	struct log_info i;
	uint64_t at = 0;

	arena_init(&a, ARENA_MAX);
	log_info(r->log, &i);
	const double begin = seconds();
	while (at < i.head) {
		const struct slice_limits limits = { READ_ROUND, ARENA_MAX / 2 };
		must(log_read(r->log, at, limits, &a, &got, NULL), "log_read");
		at += got.n;
		arena_reset(&a);
	}
	(void)printf("read      %.0f events/s (%llu events)\n",
		     (double)i.head / (seconds() - begin), (unsigned long long)i.head);
	arena_fini(&a);
}

static void open_again(struct run *r, const char *dir)
{
	log_close(r->log);
	const double begin = seconds();
	must(log_open(in_dir(dir, "log"), 1, &r->log, NULL), "log_open");
	(void)printf("open      %.2f ms\n", (seconds() - begin) * 1e3);
	log_close(r->log);
}

/* Bytes of the file for each event of a log that was written in log commits of `batch`. */
static void size_of(struct run *r, const char *dir, size_t batch)
{
	char name[64], file[80];
	struct log_info i;
	struct stat st;

	(void)snprintf(name, sizeof(name), "log-%zu", batch);
	(void)snprintf(file, sizeof(file), "%s/data.mdb", name);
	must(log_open(in_dir(dir, name), 1, &r->log, NULL), "log_open");
	for (size_t n = 0; n * batch < SIZED_EVENTS && n < SIZED_COMMITS_MAX; n++)
		log_batch(r, batch);
	log_info(r->log, &i);
	log_close(r->log);
	if (stat(in_dir(dir, file), &st) != 0)
		must(ERR_IO, "stat");
	const double each = (double)st.st_size / (double)i.head;
	(void)printf("size      %.0f bytes an event in log commits of %zu, %.2f times its own %u\n",
		     each, batch, each / EVENT_SIZE, EVENT_SIZE);
}

int main(int argc, char **argv)
{
	static struct run r;
	const double span = argc > 2 ? strtod(argv[2], NULL) : 1;
	const unsigned long rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 5;

	if (argc < 2 || argc > 4 || span <= 0 || rounds < 1 || rounds > ROUNDS_MAX) {
		(void)fprintf(stderr, "usage: bench_store NEW_DIR [SECONDS [ROUNDS, at most %u]]\n",
			      ROUNDS_MAX);
		return 2;
	}
	if (mkdir(argv[1], 0700) != 0) {
		(void)fprintf(stderr, "bench_store: cannot make the new directory %s\n", argv[1]);
		return 1;
	}
	memset(r.event, 'e', sizeof(r.event));
	memset(r.file, 'f', sizeof(r.file));
	open_all(&r, argv[1]);
	append(&r, span, (unsigned)rounds);
	read_back(&r);
	open_again(&r, argv[1]);
	for (size_t i = 0; i < ARRAY_LEN(batches); i++)
		size_of(&r, argv[1], batches[i]);
	lm_close(r.lm);
	return close(r.fd);
}
