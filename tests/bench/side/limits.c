/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: what the machine itself can do, before anybody's product.
 *
 *     limits sync DIR BYTES MS           append so many bytes to a file, fdatasync; again
 *     limits lmdb DIR BYTES BATCH MS     rows of so many bytes at the end of a table, a transaction
 *                                        of LMDB for each batch, on disk when it returns
 *     limits memcpy BYTES MS             copies of so many bytes
 *     limits page FILE MS                a page anywhere in a file, from the disk whatever is in memory
 *
 * DIR is new, or was made by the same call before. Prints one line of JSON: rows, elapsed_us, and the
 * time of each turn as p50_us ….
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/side/measure.h"
#include "tests/bench/side/payload.h"
#include "tests/bench/side/rows.h"
#include "tests/bench/side/stream.h"

#define BYTES_MAX ((uint64_t)64 << 20)
#define PAGE 4096u
#define COPIES 1024u /* between two looks at the clock */

struct limit {
	size_t bytes, batch;
	char *from, *to;
	int fd;
	struct rows *rows;
	uint64_t pages, random; /* of the file */
};

static void turn_sync(struct limit *l)
{
	if (write(l->fd, l->from, l->bytes) != (ssize_t)l->bytes || fdatasync(l->fd) != 0)
		stream_give_up("a file", str_of(strerror(errno)));
}

static void turn_lmdb(struct limit *l)
{
	rows_begin(l->rows);
	for (size_t i = 0; i < l->batch; i++)
		rows_put(l->rows, l->from, l->bytes);
	rows_commit(l->rows);
}

static void turn_memcpy(struct limit *l)
{
	for (unsigned i = 0; i < COPIES; i++) {
		memcpy(l->to, l->from, l->bytes);
		__asm__ volatile("" : : "r"(l->to) : "memory"); /* or the copies are left out */
	}
}

static void turn_page(struct limit *l)
{
	const uint64_t page = payload_mix(&l->random) % l->pages;

	if (pread(l->fd, l->to, PAGE, (off_t)(page * PAGE)) != (ssize_t)PAGE)
		stream_give_up("a page", str_of(strerror(errno)));
}

static void run(struct limit *l, void (*turn)(struct limit *), uint64_t rows, uint64_t ms)
{
	memset(l->from, 'e', l->bytes); /* no page more: each costs its first touch */
	const uint64_t begin = measure_ns();
	struct times times = { 0 };
	uint64_t now = begin;

	while (now - begin < ms * 1000000) {
		turn(l);
		const uint64_t then = now;
		now = measure_ns();
		times_add(&times, now - then);
	}
	printf("{\"rows\": %llu, \"elapsed_us\": %llu, ", (unsigned long long)(times.n * rows),
	       (unsigned long long)((now - begin) / 1000));
	times_print(&times, "");
	printf("}\n");
	times_free(&times);
}

static void make_dir(const char *dir)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		stream_give_up(dir, str_of(strerror(errno)));
}

static void run_sync(struct limit *l, const char *dir, uint64_t ms)
{
	char path[512];

	make_dir(dir);
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (l->fd < 0)
		stream_give_up(path, str_of(strerror(errno)));
	run(l, turn_sync, 1, ms);
	(void)close(l->fd);
}

static void run_lmdb(struct limit *l, const char *dir, uint64_t ms)
{
	l->rows = rows_open(dir);
	run(l, turn_lmdb, l->batch, ms);
	rows_close(l->rows);
}

static void run_page(struct limit *l, const char *path, uint64_t ms)
{
	struct stat st;

	l->fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (l->fd < 0 || fstat(l->fd, &st) != 0)
		stream_give_up(path, str_of(strerror(errno)));
	l->pages = (uint64_t)st.st_size / PAGE;
	if (l->pages == 0)
		stream_give_up(path, STR("has no page"));
	run(l, turn_page, 1, ms);
	(void)close(l->fd);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	static struct limit l;

	l.from = aligned_alloc(PAGE, BYTES_MAX);
	l.to = aligned_alloc(PAGE, BYTES_MAX);
	if (!l.from || !l.to)
		stream_give_up("limits", STR("no memory"));
	if (argc == 5 && strcmp(what, "sync") == 0) {
		l.bytes = measure_number(argv[3], BYTES_MAX);
		run_sync(&l, argv[2], measure_number(argv[4], 60000));
	} else if (argc == 6 && strcmp(what, "lmdb") == 0) {
		l.bytes = measure_number(argv[3], 65536);
		l.batch = measure_number(argv[4], 100000);
		run_lmdb(&l, argv[2], measure_number(argv[5], 60000));
	} else if (argc == 4 && strcmp(what, "memcpy") == 0) {
		l.bytes = measure_number(argv[2], BYTES_MAX);
		run(&l, turn_memcpy, COPIES, measure_number(argv[3], 60000));
	} else if (argc == 4 && strcmp(what, "page") == 0) {
		run_page(&l, argv[2], measure_number(argv[3], 60000));
	} else {
		stream_give_up("usage", STR("limits sync DIR BYTES MS | lmdb DIR BYTES BATCH MS | "
					    "memcpy BYTES MS | page FILE MS"));
	}
	free(l.from);
	free(l.to);
	return 0;
}
