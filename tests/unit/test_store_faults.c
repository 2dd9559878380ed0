/* SPDX-License-Identifier: Apache-2.0 */
/* What a store does when its files, its disk, its process or its neighbours fail. */
#include "tests/unit/store_help.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define KILLS 25
#define SKIPPED 77
#define DATA(dir) in_dir(dir, "data.mdb")
#define MARK(dir) in_dir(dir, "lock")

static enum err try_open(const char *dir, struct log **log, struct fault *f)
{
	*log = NULL;
	fault_init(f);
	return log_open(dir, NOW, log, f);
}

/* Opening gives this error, with words. */
static void assert_refused(const char *dir, enum err right)
{
	struct log *log;
	struct fault f;
	const enum err e = try_open(dir, &log, &f);

	if (e != right)
		fail_msg("%s instead of %s: %s", err_name(e), err_name(right), f.text);
	assert_int_equal(f.code, right);
	assert_string_not_equal(f.text, "");
}

/* Commit events up to number `last`, `batch` at a time. */
static void fill(struct log *log, uint64_t last, uint64_t batch)
{
	struct log_info i;

	for (log_info(log, &i); i.head < last; log_info(log, &i)) {
		assert_int_equal(log_begin(log), ERR_OK);
		for (uint64_t n = i.head + 1; n <= i.head + batch; n++)
			assert_int_equal(put_event(log, n, "stargate", NOW), ERR_OK);
		assert_int_equal(log_commit(log), ERR_OK);
	}
}

static void make_log(const char *dir, uint64_t events)
{
	struct log *log;
	struct fault f;

	assert_int_equal(try_open(dir, &log, &f), ERR_OK);
	fill(log, events, 20);
	log_close(log);
}

/* All events of a log are those of fill, each under its id, and there are at least so many. */
static void assert_whole(struct log *log, uint64_t at_least)
{
	struct arena a;
	struct record_list got;
	struct log_info i;
	uint64_t seq, done = 0;
	char space[EVENT_SIZE_MAX];

	log_info(log, &i);
	assert_true(i.head >= at_least);
	arena_init(&a, ARENA_MAX);
	while (done < i.head) {
		const struct slice_limits limits = { 5000, SIZE_MAX };
		assert_int_equal(log_read(log, done, limits, &a, &got, NULL), ERR_OK);
		assert_true(got.n > 0);
		for (size_t k = 0; k < got.n; k++, done++) {
			assert_int_equal(got.v[k].seq, done + 1);
			assert_true(str_eq(got.v[k].event, event_of(done + 1, space)));
		}
		arena_reset(&a);
	}
	arena_fini(&a);
	assert_int_equal(log_begin(log), ERR_OK);
	for (uint64_t n = 1; n <= i.head; n++) {
		const struct id id = id_of(n);
		assert_int_equal(log_find(log, &id, &seq), ERR_OK);
		assert_int_equal(seq, n);
	}
	const struct id next = id_of(i.head + 1);
	assert_int_equal(log_find(log, &next, &seq), ERR_NOT_FOUND);
	assert_int_equal(log_revision(log, STR("stargate"), &seq), ERR_OK);
	assert_int_equal(seq, i.head);
	log_abort(log);
}

/* ---- files ---- */

static void a_file_cut_off_anywhere_is_damage_and_not_a_crash(void **state)
{
	size_t size;
	const char *dir = *state;
	struct log *log;
	struct fault f;

	/* in one log commit, so that the last page is not a free one */
	assert_int_equal(try_open(dir, &log, &f), ERR_OK);
	fill(log, 200, 200);
	log_close(log);
	char *bytes = file_read(DATA(dir), &size);
	const size_t sizes[] = { 0, 1, 15, 16, 100, 152, 153, 4095, 4096, 4097, 4248, 4249, 8191,
				 8192, 8193, 12288, 16384, 40000, size / 2, size - 8192,
				 size - 4097, size - 4096, size - 1 };
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		file_write(DATA(dir), bytes, sizes[i]);
		assert_refused(dir, ERR_DAMAGED);
		size_t after;
		free(file_read(DATA(dir), &after));
		assert_int_equal(after, sizes[i]);
	}
	file_write(DATA(dir), bytes, size);
	free(bytes);
	assert_int_equal(try_open(dir, &log, &f), ERR_OK);
	assert_whole(log, 200);
	log_close(log);
}

/* Put one row of an index, in a transaction of its own. */
static void commit_row(struct replica *r, const char *key, struct str value)
{
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(replica_index(r, 0, str_of(key), value), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
}

static void a_file_that_lacks_only_free_pages_opens(void **state)
{
	enum { PAGES = 64, PAGE = 4096 };
	struct replica *r;
	struct str value;
	size_t size;
	unsigned opened = 0, refused = 0;
	const char *dir = *state;
	char *big = calloc(1, (size_t)PAGES * PAGE);

	assert_non_null(big);
	assert_int_equal(replica_open(dir, 1, &r, NULL), ERR_OK);
	/* more than once, so that there are free pages before the big value's to be used again */
	for (unsigned i = 0; i < 10; i++)
		commit_row(r, "small", STR("is kept"));
	commit_row(r, "big", (struct str){ big, (size_t)PAGES * PAGE });
	commit_row(r, "big", STR("is now small: its pages are free"));
	replica_close(r);
	free(big);
	char *bytes = file_read(DATA(dir), &size);
	for (size_t cut = 1; cut <= PAGES + 8; cut++) {
		file_write(DATA(dir), bytes, size - cut * PAGE);
		const enum err e = replica_open(dir, 1, &r, NULL);
		if (e) {
			size_t after;
			assert_int_equal(e, ERR_DAMAGED);
			free(file_read(DATA(dir), &after));
			assert_int_equal(after, size - cut * PAGE);
			refused++;
			continue;
		}
		assert_int_equal(replica_snap(r), ERR_OK);
		assert_int_equal(replica_lookup(r, 0, STR("small"), &value), ERR_OK);
		assert_true(str_eq(value, STR("is kept")));
		assert_int_equal(replica_lookup(r, 0, STR("big"), &value), ERR_OK);
		replica_unsnap(r);
		replica_close(r);
		opened++;
	}
	free(bytes);
	assert_true(opened > 0 && refused > 0);
}

static void a_file_that_is_gone_is_damage_and_not_a_new_log(void **state)
{
	make_log(*state, 20);
	assert_int_equal(unlink(DATA(*state)), 0);
	assert_refused(*state, ERR_DAMAGED);
	assert_refused(*state, ERR_DAMAGED);
}

static void a_file_of_another_program_is_foreign(void **state)
{
	char bytes[20000];

	memset(bytes, 'x', sizeof(bytes));
	file_write(DATA(*state), bytes, sizeof(bytes));
	assert_refused(*state, ERR_STORE_FOREIGN);
	make_log(in_dir(*state, "b"), 20);
	file_write(in_dir(*state, "b/data.mdb"), bytes, sizeof(bytes));
	assert_refused(in_dir(*state, "b"), ERR_DAMAGED);
}

static void a_lock_file_of_another_program_is_foreign(void **state)
{
	file_write(MARK(*state), "hello", 5);
	assert_refused(*state, ERR_STORE_FOREIGN);
}

static void a_replica_is_no_log_and_a_log_no_replica(void **state)
{
	struct replica *r;
	struct fault f;

	fault_init(&f);
	assert_int_equal(replica_open(in_dir(*state, "r"), 1, &r, &f), ERR_OK);
	replica_close(r);
	assert_refused(in_dir(*state, "r"), ERR_STORE_FOREIGN);
	make_log(in_dir(*state, "l"), 20);
	assert_int_equal(replica_open(in_dir(*state, "l"), 1, &r, &f), ERR_STORE_FOREIGN);
}

static void a_making_that_was_cut_short_begins_anew(void **state)
{
	struct log *log;
	struct fault f;

	for (size_t left = 0; left < 9000; left += 1000) {
		char bytes[9000] = { 0 };
		file_write(MARK(*state), "creating\n", 9);
		file_write(DATA(*state), bytes, left);
		assert_int_equal(try_open(*state, &log, &f), ERR_OK);
		fill(log, 20, 20);
		log_close(log);
	}
	file_write(MARK(*state), "", 0);
	assert_int_equal(unlink(DATA(*state)), 0);
	assert_int_equal(try_open(*state, &log, &f), ERR_OK);
	log_close(log);
}

static void a_log_brought_from_elsewhere_as_its_data_alone_opens(void **state)
{
	size_t size;
	struct log *log;
	struct fault f;
	const char *to = in_dir(*state, "to");

	make_log(in_dir(*state, "from"), 100);
	char *bytes = file_read(in_dir(*state, "from/data.mdb"), &size);
	assert_int_equal(mkdir(to, 0700), 0);
	file_write(in_dir(*state, "to/data.mdb"), bytes, size);
	free(bytes);
	assert_int_equal(try_open(in_dir(*state, "to"), &log, &f), ERR_OK);
	assert_whole(log, 100);
	log_close(log);
}

static void a_newest_record_that_is_damaged_is_named_at_opening(void **state)
{
	struct log *log;
	struct fault f;

	make_log(*state, 40);
	assert_true(file_flip(DATA(*state), STR("<event 40>"), 8) > 0);
	assert_int_equal(try_open(*state, &log, &f), ERR_DAMAGED);
	assert_int_equal(f.seq, 40);
}

static void a_damaged_identity_is_named_at_opening(void **state)
{
	make_log(*state, 20);
	assert_true(file_flip(DATA(*state), STR("avow-log\0\0\0\2"), 20) > 0);
	assert_refused(*state, ERR_DAMAGED);
}

/* ---- neighbours ---- */

/* Run f in a child with these arguments; how it exited. */
static int in_child(int (*f)(const char *dir), const char *dir)
{
	int status;
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(f(dir));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int child_opens(const char *dir)
{
	struct log *log;
	struct fault f;
	const enum err e = try_open(dir, &log, &f);

	/* errors are beyond what an exit code holds */
	return e == ERR_OK ? 0 : e == ERR_STORE_LOCKED ? 1 : e == ERR_IO ? 2 : 3;
}

static void a_second_opener_is_refused_in_the_same_and_in_another_process(void **state)
{
	struct log *log, *second;
	struct fault f;

	assert_int_equal(try_open(*state, &log, &f), ERR_OK);
	fill(log, 20, 20);
	assert_refused(*state, ERR_STORE_LOCKED);
	assert_int_equal(in_child(child_opens, *state), 1);
	/* the refused ones took nothing from the first */
	fill(log, 40, 20);
	assert_whole(log, 40);
	log_close(log);
	assert_int_equal(in_child(child_opens, *state), 0);
	assert_int_equal(try_open(*state, &second, &f), ERR_OK);
	log_close(second);
}

static int child_without_rights(const char *dir)
{
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		return SKIPPED;
	return child_opens(dir);
}

static void a_directory_that_may_not_be_written_gives_an_error_with_words(void **state)
{
	const char *dir = in_dir(*state, "shut");

	make_log(dir, 20);
	assert_int_equal(chmod(*state, 0755), 0);
	assert_int_equal(chmod(dir, 0555), 0);
	assert_int_equal(in_child(child_without_rights, dir), 2);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(in_child(child_without_rights, in_dir(*state, "new/one")), 2);
}

static void a_path_that_is_no_directory_gives_an_error_with_words(void **state)
{
	char longer[5000];

	file_write(in_dir(*state, "file"), "x", 1);
	assert_refused(in_dir(*state, "file"), ERR_IO);
	assert_refused(in_dir(*state, "file/below"), ERR_IO);
	assert_refused("", ERR_IO);
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	assert_refused(longer, ERR_IO);
}

static int child_out_of_files(const char *dir)
{
	struct log *log;
	struct fault f;

	for (rlim_t files = 3; files < 16; files++) {
		const struct rlimit limit = { files, 64 };
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			return SKIPPED;
		const enum err e = try_open(dir, &log, &f);
		if (e == ERR_OK)
			log_close(log);
		else if (e != ERR_IO || !f.text[0])
			return 1;
	}
	return 0;
}

static void a_process_without_free_file_descriptors_gets_an_error_with_words(void **state)
{
	make_log(*state, 20);
	const int rc = in_child(child_out_of_files, *state);
	assert_int_equal(rc, 0);
}

/* ---- the disk ---- */

static int child_at_its_file_limit(const char *dir)
{
	struct log *log;
	struct fault f;
	struct rlimit limit = { 0, RLIM_INFINITY };
	enum err e;
	struct log_info i;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (try_open(dir, &log, &f) != ERR_OK)
		return 1;
	log_info(log, &i);
	/* not at a page, so that LMDB's write is cut short and it says EIO */
	limit.rlim_cur = 300 * KIB + 1000;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return SKIPPED;
	do {
		e = log_begin(log);
		log_info(log, &i);
		for (uint64_t n = i.head + 1; n <= i.head + 20 && !e; n++)
			e = put_event(log, n, "stargate", NOW);
		if (!e)
			e = log_commit(log);
	} while (!e);
	if (e != ERR_IO || !log_trouble(log)[0])
		return 2;
	/* it does not try again */
	if (log_begin(log) != ERR_IO || log_tend(log) != ERR_IO)
		return 3;
	const uint64_t sure = i.head;
	log_close(log);
	if (try_open(dir, &log, &f) != ERR_OK)
		return 4;
	log_info(log, &i);
	log_close(log);
	return i.head >= sure ? 0 : 5;
}

static void a_write_that_fails_ends_writing_until_it_is_opened_anew(void **state)
{
	struct log *log;
	struct fault f;

	make_log(*state, 20);
	assert_int_equal(in_child(child_at_its_file_limit, *state), 0);
	assert_int_equal(try_open(*state, &log, &f), ERR_OK);
	assert_whole(log, 20);
	log_close(log);
}

/* A small file system of our own, to be filled. */
static bool small_disk(const char *at)
{
	if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		return false;
	(void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	return mount("none", at, "tmpfs", 0, "size=2m") == 0;
}

/* Fill the disk but for `leave` bytes. */
static bool fill_disk(const char *dir, off_t leave)
{
	static const char block[512];
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/ballast", dir);
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	const bool full = errno == ENOSPC;
	const off_t size = lseek(fd, 0, SEEK_END);
	return full && ftruncate(fd, size - leave) == 0 && close(fd) == 0;
}

static bool free_disk(const char *dir)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/ballast", dir);
	return unlink(path) == 0;
}

/* Commit 20 more events. */
static enum err go_on(struct log *log)
{
	struct log_info i;
	enum err e = log_begin(log);

	if (e)
		return e;
	log_info(log, &i);
	for (uint64_t n = i.head + 1; n <= i.head + 20 && !e; n++)
		e = put_event(log, n, "stargate", NOW);
	if (!e)
		return log_commit(log);
	log_abort(log);
	return e;
}

/*
 * `reserve` is less than a log commit takes, so that the disk becomes full in the middle of one;
 * with some pages left LMDB's write is cut short, and it says EIO.
 */
static int child_on_a_full_disk(const char *dir)
{
	const struct lm_sizes sizes = { .map = MIB, .room = MIB, .step = MIB, .reserve = 4096 };
	struct log *log, *other;
	struct fault f;
	char path[PATH_SIZE];

	fault_init(&f);
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	if (!small_disk(dir))
		return SKIPPED;
	if (log_open_sized(path, NOW, &sizes, &log, &f) != ERR_OK || go_on(log) != ERR_OK)
		return 1;
	for (unsigned pages = 0; pages < 10; pages++) {
		enum err e = ERR_OK;
		if (!fill_disk(dir, 4096 * (off_t)pages))
			return 2;
		while (!e)
			e = go_on(log);
		if (e != ERR_NO_SPACE || go_on(log) != ERR_NO_SPACE)
			return 3;
		(void)snprintf(path, sizeof(path), "%s/other", dir);
		if (!fill_disk(dir, 0) ||
		    log_open_sized(path, NOW, &sizes, &other, &f) != ERR_NO_SPACE)
			return 4;
		if (!free_disk(dir) || go_on(log) != ERR_OK)
			return 5;
	}
	/* the log opens on a full disk */
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	log_close(log);
	if (!fill_disk(dir, 0) || log_open_sized(path, NOW, &sizes, &log, &f) != ERR_OK ||
	    !free_disk(dir))
		return 6;
	assert_whole(log, 20 * 11);
	log_close(log);
	return 0;
}

static void a_full_disk_refuses_writing_and_room_lets_it_go_on(void **state)
{
	const int rc = in_child(child_on_a_full_disk, *state);

	if (rc == SKIPPED)
		skip();
	assert_int_equal(rc, 0);
}

/* ---- kill -9 ---- */

/* Commit for ever, telling after each log commit what is durable. */
static void write_for_ever(const char *dir, int tell, struct random random)
{
	struct log *log;
	struct log_info i;
	struct fault f;

	if (log_open_sized(dir, NOW, &small_sizes, &log, &f) != ERR_OK)
		_exit(1);
	for (;;) {
		log_info(log, &i);
		const uint64_t count = 1 + random_below(&random, 40);
		enum err e = log_begin(log);
		for (uint64_t n = i.head + 1; n <= i.head + count && !e; n++)
			e = put_event(log, n, "stargate", NOW);
		if (e)
			log_abort(log);
		else
			e = log_commit(log);
		if (e == ERR_NO_SPACE)
			continue; /* the map grows when the next one begins */
		if (e)
			_exit(2);
		log_info(log, &i);
		if (write(tell, &i.head, sizeof(i.head)) != sizeof(i.head))
			_exit(3);
	}
}

static void what_was_reported_committed_survives_kill_9(void **state)
{
	struct random random = random_begin(__func__);
	uint64_t told = 0;
	const char *dir = *state;

	for (unsigned round = 0; round < KILLS; round++) {
		int pipe_fd[2], status;
		assert_int_equal(pipe(pipe_fd), 0);
		const pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			write_for_ever(dir, pipe_fd[1], (struct random){ random.state ^ round });
		assert_int_equal(close(pipe_fd[1]), 0);
		for (uint64_t n = 1 + random_below(&random, 20); n > 0; n--)
			assert_int_equal(read(pipe_fd[0], &told, sizeof(told)), sizeof(told));
		/* somewhere within the next log commits */
		for (uint64_t spin = random_below(&random, 2000000); spin > 0; spin--)
			__asm__ volatile("");
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		while (read(pipe_fd[0], &told, sizeof(told)) == sizeof(told))
			;
		assert_int_equal(close(pipe_fd[0]), 0);
		struct log *log;
		struct fault f;
		assert_int_equal(try_open(dir, &log, &f), ERR_OK);
		assert_whole(log, told);
		log_close(log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(a_file_cut_off_anywhere_is_damage_and_not_a_crash),
		store_test(a_file_that_lacks_only_free_pages_opens),
		store_test(a_file_that_is_gone_is_damage_and_not_a_new_log),
		store_test(a_file_of_another_program_is_foreign),
		store_test(a_lock_file_of_another_program_is_foreign),
		store_test(a_replica_is_no_log_and_a_log_no_replica),
		store_test(a_making_that_was_cut_short_begins_anew),
		store_test(a_log_brought_from_elsewhere_as_its_data_alone_opens),
		store_test(a_newest_record_that_is_damaged_is_named_at_opening),
		store_test(a_damaged_identity_is_named_at_opening),
		store_test(a_second_opener_is_refused_in_the_same_and_in_another_process),
		store_test(a_directory_that_may_not_be_written_gives_an_error_with_words),
		store_test(a_path_that_is_no_directory_gives_an_error_with_words),
		store_test(a_process_without_free_file_descriptors_gets_an_error_with_words),
		store_test(a_write_that_fails_ends_writing_until_it_is_opened_anew),
		store_test(a_full_disk_refuses_writing_and_room_lets_it_go_on),
		store_test(what_was_reported_committed_survives_kill_9),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
