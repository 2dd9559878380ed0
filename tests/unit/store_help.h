/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_help: what the stores' tests share: directories that go away, files to damage, events, and
 * small logs and replicas that hold them.
 */
#ifndef AVOW_TESTS_STORE_HELP_H
#define AVOW_TESTS_STORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/lm.h"
#include "store/log.h"
#include "store/replica.h"
#include "tests/unit/random.h"

#define PATH_SIZE 512
#define EVENT_SIZE_MAX 400
#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)
#define ARENA_MAX (64 * MIB)
#define NOW INT64_C(1750000000000000)
#define SOME_VERSION 7u /* of the index of the small replicas */

/* Small enough that a test meets the end of the map; no reserve: a full disk is no matter. */
static const struct lm_sizes small_sizes __attribute__((unused)) = {
	.map = 256 * KIB, .room = 128 * KIB, .step = 512 * KIB, .reserve = 0
};

/* A directory of its own for one test: *state is its path. */
static inline int temp_make(void **state)
{
	const char *base = getenv("TMPDIR");
	char *path = malloc(PATH_SIZE);

	if (!path)
		return -1;
	(void)snprintf(path, PATH_SIZE, "%s/avow-store-XXXXXX", base ? base : "/tmp");
	*state = path;
	return mkdtemp(path) ? 0 : -1;
}

/* For nftw. */
static inline int temp_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Remove it with all that it holds. */
static inline int temp_remove(void **state)
{
	const int rc = nftw(*state, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(*state);
	return rc;
}

/* One test with a directory of its own. */
#define store_test(f) cmocka_unit_test_setup_teardown(f, temp_make, temp_remove)

/* dir/name, in one of a few places that are used in turn. */
static inline const char *in_dir(const char *dir, const char *name)
{
	static char paths[4][PATH_SIZE];
	static unsigned turn;
	char *path = paths[turn++ % 4], made[PATH_SIZE]; /* dir may be one of the places */

	assert_true(snprintf(made, PATH_SIZE, "%s/%s", dir, name) < PATH_SIZE);
	return memcpy(path, made, PATH_SIZE);
}

/* Whole content of a file; freed by the caller. */
static inline char *file_read(const char *path, size_t *size)
{
	struct stat st;
	const int fd = open(path, O_RDONLY);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	char *bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	assert_int_equal(close(fd), 0);
	*size = (size_t)st.st_size;
	return bytes;
}

/* Put these bytes there instead. */
static inline void file_write(const char *path, const void *bytes, size_t size)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(close(fd), 0);
}

/* Flip one bit in every place of the file where `text` stands, at its byte `at`; how many. */
static inline unsigned file_flip(const char *path, struct str text, size_t at)
{
	size_t size;
	unsigned places = 0;
	char *bytes = file_read(path, &size);

	for (char *p = bytes; (p = memmem(p, size - (size_t)(p - bytes), text.p, text.n)); p++) {
		p[at] ^= 4;
		places++;
	}
	file_write(path, bytes, size);
	free(bytes);
	return places;
}

/* The id of event number n of a test. */
static inline struct id id_of(uint64_t n)
{
	struct id id = { { 0 } };

	memcpy(id.b + 4, &n, sizeof(n));
	id.b[0] = (uint8_t)(n * 131);
	return id;
}

/* The bytes of event number n, of a length that differs, in `space` of EVENT_SIZE_MAX. */
static inline struct str event_of(uint64_t n, char *space)
{
	const int head = snprintf(space, EVENT_SIZE_MAX, "<event %llu>", (unsigned long long)n);
	const size_t size = (size_t)head + (size_t)(n * 37 % 350);

	for (size_t i = (size_t)head; i < size; i++)
		space[i] = (char)('a' + (i * 7 + n) % 26);
	return (struct str){ space, size };
}

/* ---- logs ---- */

/* The log in this directory, of a small map. */
static inline struct log *open_small_log(const char *dir)
{
	struct log *log = NULL;
	struct fault f;

	fault_init(&f);
	if (log_open_sized(dir, NOW, &small_sizes, &log, &f) != ERR_OK)
		fail_msg("log_open: %s", f.text);
	return log;
}

/* Close it, and open it again. */
static inline struct log *reopen_log(struct log *log, const char *dir)
{
	log_close(log);
	return open_small_log(dir);
}

static inline struct log_info info_of_log(const struct log *log)
{
	struct log_info i;

	log_info(log, &i);
	return i;
}

/* Put event number n, on this deal, into the log commit in hand. */
static inline enum err put_event(struct log *log, uint64_t n, const char *deal, int64_t now_us)
{
	char space[EVENT_SIZE_MAX];
	const struct id id = id_of(n);
	struct record r;

	return log_put(log, &id, str_of(deal), event_of(n, space), now_us, &r);
}

/* Events number first to first + count - 1, in one log commit. */
static inline void commit_events(struct log *log, uint64_t first, uint64_t count)
{
	assert_int_equal(log_begin(log), ERR_OK);
	for (uint64_t n = first; n < first + count; n++)
		assert_int_equal(put_event(log, n, "stargate", NOW), ERR_OK);
	assert_int_equal(log_commit(log), ERR_OK);
}

/* The record of this seq holds event number n. */
static inline void assert_event(const struct record *r, uint64_t seq, uint64_t n)
{
	char space[EVENT_SIZE_MAX];

	assert_int_equal(r->seq, seq);
	assert_true(str_eq(r->event, event_of(n, space)));
}

/* ---- replicas ---- */

/* The replica in this directory, of a small map and this version of its index. */
static inline struct replica *open_replica_version(const char *dir, uint32_t version)
{
	struct replica *r = NULL;
	struct fault f;

	fault_init(&f);
	if (replica_open_sized(dir, version, &small_sizes, &r, &f) != ERR_OK)
		fail_msg("replica_open: %s", f.text);
	return r;
}

static inline struct replica *open_small_replica(const char *dir)
{
	return open_replica_version(dir, SOME_VERSION);
}

/* Close it, and open it again. */
static inline struct replica *reopen_replica(struct replica *r, const char *dir)
{
	replica_close(r);
	return open_small_replica(dir);
}

static inline struct replica_info info_of_replica(const struct replica *r)
{
	struct replica_info i;

	replica_info(r, &i);
	return i;
}

/* Record number n, recorded n hundred microseconds after NOW; `space` holds its event. */
static inline struct record record_number(uint64_t n, char *space)
{
	struct record rec = { .epoch = 1, .seq = n, .recorded = NOW + 100 * (int64_t)n };

	rec.event = event_of(n, space);
	return rec;
}

/* Put record number n into the transaction in hand. */
static inline enum err put_record(struct replica *r, uint64_t n)
{
	char space[EVENT_SIZE_MAX];
	const struct record rec = record_number(n, space);
	const struct id id = id_of(n);

	return replica_put(r, &id, &rec);
}

/* Records number first to last, in one transaction. */
static inline void commit_records(struct replica *r, uint64_t first, uint64_t last)
{
	assert_int_equal(replica_begin(r), ERR_OK);
	for (uint64_t n = first; n <= last; n++)
		assert_int_equal(put_record(r, n), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
}

/* The snapshot in hand holds record number n, whole. */
static inline void assert_record(struct replica *r, uint64_t n)
{
	char space[EVENT_SIZE_MAX];
	const struct record right = record_number(n, space);
	struct record got;

	assert_int_equal(replica_get(r, n, &got), ERR_OK);
	assert_int_equal(got.seq, n);
	assert_int_equal(got.epoch, right.epoch);
	assert_int_equal(got.recorded, right.recorded);
	assert_true(str_eq(got.event, right.event));
}

/* A row of an index whose key and value are texts, into the transaction in hand. */
static inline enum err index_row(struct replica *r, unsigned table, const char *key,
				 const char *value)
{
	return replica_index(r, table, str_of(key), str_of(value));
}

#endif
