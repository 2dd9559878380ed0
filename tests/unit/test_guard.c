/* SPDX-License-Identifier: Apache-2.0 */
/* What a damaged page of the store does to who reads it: an error, and nothing else. */
#include "tests/unit/store_help.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096u
#define PAGE_FLAGS_AT 10u
#define PAGE_LOWER_AT 12u
#define EVENTS 400u

static void make(const char *dir)
{
	static const char bytes[300];
	struct log *log;
	struct fault f;
	struct record r;

	fault_init(&f);
	assert_int_equal(log_open(dir, NOW, &log, &f), ERR_OK);
	assert_int_equal(log_begin(log), ERR_OK);
	for (uint64_t n = 1; n <= EVENTS; n++) {
		const struct id id = id_of(n);
		assert_int_equal(log_put(log, &id, STR("deal"),
					 (struct str){ bytes, sizeof(bytes) }, NOW, &r), ERR_OK);
	}
	assert_int_equal(log_commit(log), ERR_OK);
	log_close(log);
}

/* Read all of it in a child; 0: each event was right or refused by its seq, else what went wrong. */
static int read_in_child(const char *dir)
{
	int status;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		const struct slice_limits limits = { .events = 100, .bytes = 1 << 20 };
		struct record_list list;
		struct log *log;
		struct fault f;
		struct arena a;
		struct log_info i;
		int rc = 0;

		arena_init(&a, ARENA_MAX);
		fault_init(&f);
		if (log_open(dir, NOW, &log, &f))
			_exit(f.text[0] ? 0 : 1);
		log_info(log, &i);
		for (uint64_t after = 0; after < i.head && !rc;) {
			arena_reset(&a);
			fault_init(&f);
			const enum err e = log_read(log, after, limits, &a, &list, &f);
			if (e && (e != ERR_DAMAGED || f.seq != (int64_t)after + 1))
				rc = 2;
			for (size_t n = 0; !e && n < list.n; n++)
				if (list.v[n].seq != after + n + 1 || list.v[n].event.n != 300)
					rc = 3;
			after += e || list.n == 0 ? 1 : list.n;
		}
		log_close(log);
		arena_fini(&a);
		_exit(rc);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* One bit at byte `at` of each page but the two root pages, one after the other. */
static void flip_each_page(const char *dir, size_t at, unsigned bit)
{
	size_t size;
	char *bytes = file_read(in_dir(dir, "data.mdb"), &size);

	for (size_t page = 2; page < size / PAGE; page++) {
		char *place = bytes + page * PAGE + at;
		*place = (char)(*place ^ 1 << bit);
		file_write(in_dir(dir, "data.mdb"), bytes, size);
		const int rc = read_in_child(dir);
		if (rc)
			fail_msg("page %zu, byte %zu, bit %u: %d", page, at, bit, rc);
		*place = (char)(*place ^ 1 << bit);
	}
	free(bytes);
}

static void a_damaged_page_head_is_an_error_that_names_the_seq_and_never_a_signal(void **state)
{
	make(*state);
	flip_each_page(*state, PAGE_FLAGS_AT, 0);
	flip_each_page(*state, PAGE_FLAGS_AT, 1);
	flip_each_page(*state, PAGE_LOWER_AT + 1, 5);
	flip_each_page(*state, PAGE_LOWER_AT + 1, 7);
}

static enum err read_a_byte(void *arg)
{
	const volatile char *p = arg;

	return *p ? ERR_NOT_FOUND : ERR_OK;
}

/* In a process that takes the signals for itself, as cmocka takes them anew for each test; 0: all is right. */
static int look_in_child(const char *dir)
{
	const char *path = in_dir(dir, "short");
	int status;

	file_write(path, "\1", 1);
	const pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct log *log;
		struct fault f;
		fault_init(&f);
		if (log_open(dir, NOW, &log, &f))
			_exit(1);
		const int fd = open(in_dir(dir, "short"), O_RDONLY);
		char *map = mmap(NULL, 2 * (size_t)PAGE, PROT_READ, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			_exit(2);
		if (lm_guarded(read_a_byte, map) != ERR_NOT_FOUND || lm_guarded(read_a_byte, map + 1))
			_exit(3);
		if (lm_guarded(read_a_byte, map + PAGE) != ERR_DAMAGED)
			_exit(4);
		_exit(lm_guarded(read_a_byte, map + 1) ? 5 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void what_cannot_be_read_ends_a_look_and_not_the_process(void **state)
{
	assert_int_equal(look_in_child(*state), 0);
}

/* Every page that this text stands on becomes one of no kind. */
static void damage_pages_with(const char *dir, const char *text)
{
	size_t size;
	char *bytes = file_read(in_dir(dir, "data.mdb"), &size);
	const int fd = open(in_dir(dir, "data.mdb"), O_WRONLY);

	assert_true(fd >= 0);
	for (size_t page = 2; page < size / PAGE; page++)
		if (memmem(bytes + page * PAGE, PAGE, text, strlen(text)))
			assert_int_equal(pwrite(fd, "\0\0", 2, (off_t)(page * PAGE + PAGE_FLAGS_AT)), 2);
	close(fd);
	free(bytes);
}

static enum err put_one(struct log *log, uint64_t n, const char *deal)
{
	const struct id id = id_of(n);
	struct record r;

	return log_put(log, &id, str_of(deal), STR("x"), NOW, &r);
}

static void a_known_revision_that_cannot_be_written_is_met_where_its_event_is_put(void **state)
{
	struct log *log;

	assert_int_equal(log_open(*state, NOW, &log, NULL), ERR_OK);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_one(log, 1, "stargate"), ERR_OK);
	assert_int_equal(log_commit(log), ERR_OK);
	damage_pages_with(*state, "stargate");
	/* it is known, so that nobody looks before it is written */
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_one(log, 2, "stargate"), ERR_OK);
	assert_int_equal(put_one(log, 3, ""), ERR_OK);
	assert_int_equal(log_commit(log), ERR_BUSY);
	assert_int_equal(log_begin(log), ERR_OK);
	assert_int_equal(put_one(log, 2, "stargate"), ERR_DAMAGED);
	assert_int_equal(put_one(log, 3, ""), ERR_OK);
	assert_int_equal(log_commit(log), ERR_OK);
	log_close(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(what_cannot_be_read_ends_a_look_and_not_the_process), /* before signals are taken here */
		store_test(a_damaged_page_head_is_an_error_that_names_the_seq_and_never_a_signal),
		store_test(a_known_revision_that_cannot_be_written_is_met_where_its_event_is_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
