/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flipped bits where LMDB would believe them: no writer dies, nothing that was written changes, and
 * nobody is told that something is not there that is.
 */
#include "tests/unit/store_help.h"

#include <stdio.h>

#define PAGE 4096u
#define PAGE_HEAD 16u
#define ROOT_END 152u /* of what a root page says */
#define EVENTS 60u
#define NODE_PLACES 4u /* so many of the first places of nodes are flipped as well */

static struct log *open_log(const char *dir, enum err *e)
{
	struct log *log = NULL;
	struct fault f;

	fault_init(&f);
	*e = log_open_sized(dir, NOW, &small_sizes, &log, &f);
	return log;
}

static void fill(const char *dir)
{
	enum err e;
	struct log *log = open_log(dir, &e);

	for (uint64_t n = 1; n <= EVENTS; n++) {
		if (n % 10 == 1)
			assert_int_equal(log_begin(log), ERR_OK);
		assert_int_equal(put_event(log, n, "deal", NOW), ERR_OK);
		if (n % 10 == 0)
			assert_int_equal(log_commit(log), ERR_OK);
	}
	log_close(log);
}

/* Every event is what was written, or damaged. */
static void check_events(struct log *log, uint64_t head)
{
	static const struct slice_limits one = { .events = 1, .bytes = EVENT_SIZE_MAX };
	char event[EVENT_SIZE_MAX];
	struct record_list list;
	struct fault f;
	struct arena a;

	arena_init(&a, MIB);
	for (uint64_t n = 1; n <= head; n++) {
		fault_init(&f);
		const enum err e = log_read(log, n - 1, one, &a, &list, &f);
		if (e) {
			assert_int_equal(e, ERR_DAMAGED);
			continue;
		}
		assert_int_equal(list.n, 1);
		assert_int_equal(list.v[0].seq, n);
		assert_true(str_eq(list.v[0].event, event_of(n, event)));
		arena_reset(&a);
	}
	arena_fini(&a);
}

/* In a log commit every id that is there is found, or the answer is that it is damaged. */
static enum err check_ids(struct log *log, uint64_t head)
{
	uint64_t seq;

	const enum err begun = log_begin(log);
	for (uint64_t n = 1; !begun && n <= head; n++) {
		const struct id id = id_of(n);
		const enum err e = log_find(log, &id, &seq);
		assert_true(e == ERR_OK || e == ERR_DAMAGED);
		assert_true(e || seq == n);
	}
	log_abort(log);
	return begun;
}

static void append_to(const char *dir)
{
	struct log_info info;
	enum err e;
	struct log *log = open_log(dir, &e);

	if (e) { /* a root page may look like another program's */
		assert_true(e == ERR_DAMAGED || e == ERR_STORE_FOREIGN);
		return;
	}
	log_info(log, &info);
	assert_int_equal(info.head, EVENTS);
	const enum err begun = check_ids(log, EVENTS);
	assert_true(begun == ERR_OK || begun == ERR_DAMAGED);
	if (!begun) {
		assert_int_equal(log_begin(log), ERR_OK);
		e = put_event(log, EVENTS + 1, "deal", NOW);
		e = e ? e : log_commit(log);
		assert_true(e == ERR_OK || e == ERR_DAMAGED);
		log_abort(log);
		log_info(log, &info);
	}
	check_events(log, info.head);
	log_close(log);
}

static void no_flip_in_the_head_of_a_page_kills_the_writer_or_hides_an_id(void **state)
{
	const char *path = in_dir(*state, "data.mdb");
	size_t size;

	fill(*state);
	char *good = file_read(path, &size);
	char *file = strdup(path);
	for (size_t page = 0; page < size / PAGE; page++)
		for (size_t bit = 0; bit < 8 * (PAGE_HEAD + 2 * NODE_PLACES); bit += 1 + bit % 4) {
			good[page * PAGE + bit / 8] ^= (char)(1 << bit % 8);
			file_write(file, good, size);
			good[page * PAGE + bit / 8] ^= (char)(1 << bit % 8);
			append_to(*state);
		}
	free(file);
	free(good);
}

static void no_flip_in_a_root_page_kills_who_opens_the_store_or_brings_back_an_earlier_state(void **state)
{
	const char *path = in_dir(*state, "data.mdb");
	struct log_info info;
	enum err e;
	size_t size;

	fill(*state);
	char *good = file_read(path, &size);
	char *file = strdup(path);
	for (size_t i = 0; i < 2 * ROOT_END; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			const size_t byte = i % ROOT_END + i / ROOT_END * PAGE;
			good[byte] ^= (char)(1 << bit);
			file_write(file, good, size);
			good[byte] ^= (char)(1 << bit);
			struct log *log = open_log(*state, &e);
			if (e) /* whatever it says: a size of the map may be more than there is memory */
				continue;
			log_info(log, &info);
			assert_int_equal(info.head, EVENTS);
			log_close(log);
		}
	free(file);
	free(good);
}

/* ---- what is foreseen ---- */

#define ROWS 2500

static void fill_replica(const char *dir)
{
	struct replica *r;
	char key[16];

	assert_int_equal(replica_open(dir, 1, &r, NULL), ERR_OK);
	assert_int_equal(replica_begin(r), ERR_OK);
	for (int i = 0; i < ROWS; i++) {
		(void)snprintf(key, sizeof(key), "%05d", 2 * i);
		assert_int_equal(replica_index(r, 0, str_of(key), str_of(key)), ERR_OK);
	}
	assert_int_equal(replica_commit(r), ERR_OK);
	replica_close(r);
}

/* Every row that is foreseen is found as it is, or is damaged; so many are found. */
static size_t foresee_rows(const char *dir, int step)
{
	struct replica *r;
	struct str value;
	char key[16];
	size_t found = 0;

	if (replica_open(dir, 1, &r, NULL))
		return 0;
	assert_int_equal(replica_snap(r), ERR_OK);
	replica_foresee(r, 1, STR("in a table without rows"));
	replica_foresee_events(r, (const uint64_t[]){ 0, 1, 2 }, 3);
	for (int i = 0; i < 2 * ROWS + 10; i += step) {
		(void)snprintf(key, sizeof(key), "%05d", i);
		replica_foresee(r, 0, str_of(key));
		const enum err e = replica_lookup(r, 0, str_of(key), &value);
		const bool there = i % 2 == 0 && i < 2 * ROWS;
		assert_true(e == ERR_DAMAGED || e == (there ? ERR_OK : ERR_NOT_FOUND));
		assert_true(e || str_eq(value, str_of(key)));
		found += !e;
	}
	replica_unsnap(r);
	replica_close(r);
	return found;
}

static void what_is_foreseen_is_found_or_damaged_as_if_it_were_not(void **state)
{
	const char *path = in_dir(*state, "data.mdb");
	size_t size;

	fill_replica(*state);
	assert_int_equal(foresee_rows(*state, 1), ROWS);
	char *good = file_read(path, &size);
	char *file = strdup(path);
	for (size_t page = 2; page < size / PAGE; page++)
		for (size_t bit = 0; bit < 8 * (PAGE_HEAD + 2 * NODE_PLACES); bit += 5) {
			good[page * PAGE + bit / 8] ^= (char)(1 << bit % 8);
			file_write(file, good, size);
			good[page * PAGE + bit / 8] ^= (char)(1 << bit % 8);
			foresee_rows(*state, 211);
		}
	free(file);
	free(good);
}

/* ---- values of many pages, in a replica ---- */

#define AT_COUNT 12u /* in the head of the first of a value's own pages: how many there are */

/* The count of the pages that hold this text, in the bytes of the store. */
static char *count_of_pages(char *bytes, size_t size, struct str text)
{
	char *value = memmem(bytes, size, text.p, text.n);

	assert_non_null(value);
	return value - (size_t)(value - bytes) % PAGE + AT_COUNT;
}

/* Give the row `key` a value that begins with its name, of so many bytes. */
static enum err index_big(struct replica *r, const char *name, size_t size)
{
	char value[5 * PAGE];

	require(size <= sizeof(value));
	memset(value, 'v', size);
	memcpy(value, name, strlen(name));
	return replica_index(r, 0, str_of(name), (struct str){ value, size });
}

/* Replacing it would give back pages of the rows behind it. */
static void a_row_that_seems_to_have_pages_of_others_is_not_replaced(void **state)
{
	const char *path = in_dir(*state, "data.mdb");
	struct replica *r = open_small_replica(*state);
	size_t size;

	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(index_big(r, "<first>", 2 * PAGE - PAGE / 2), ERR_OK);
	assert_int_equal(index_big(r, "<second>", 2 * PAGE - PAGE / 2), ERR_OK);
	assert_int_equal(index_big(r, "<third>", 2 * PAGE - PAGE / 2), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	replica_close(r);
	char *file = strdup(path), *good = file_read(path, &size);
	char *count = count_of_pages(good, size, STR("<first>v"));
	for (size_t bit = 0; bit < 32; bit++) {
		count[bit / 8] ^= (char)(1 << bit % 8);
		file_write(file, good, size);
		count[bit / 8] ^= (char)(1 << bit % 8);
		r = open_small_replica(*state);
		assert_int_equal(replica_begin(r), ERR_OK);
		assert_int_equal(index_big(r, "<first>", 3 * PAGE), ERR_DAMAGED);
		replica_close(r);
	}
	file_write(file, good, size);
	r = open_small_replica(*state);
	assert_int_equal(replica_begin(r), ERR_OK);
	assert_int_equal(index_big(r, "<first>", 3 * PAGE), ERR_OK);
	assert_int_equal(replica_commit(r), ERR_OK);
	replica_close(r);
	free(good);
	free(file);
}

/* It keeps the pages that it had, of which its size now needs fewer. */
static void a_row_that_was_made_smaller_can_be_replaced(void **state)
{
	struct replica *r = open_small_replica(*state);
	struct str value;

	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(replica_begin(r), ERR_OK);
		assert_int_equal(index_big(r, "<first>", 5 * PAGE), ERR_OK);
		assert_int_equal(index_big(r, "<second>", PAGE), ERR_OK);
		assert_int_equal(index_big(r, "<first>", PAGE), ERR_OK);
		assert_int_equal(replica_commit(r), ERR_OK);
	}
	assert_int_equal(replica_snap(r), ERR_OK);
	assert_int_equal(replica_lookup(r, 0, STR("<first>"), &value), ERR_OK);
	assert_int_equal(value.n, PAGE);
	replica_unsnap(r);
	replica_close(r);
}

/* ---- pages that lead back to each other ---- */

#define LEVELS 30u /* of branches, as many as LMDB follows */
#define NODES 3u   /* of each; so many paths to the power of LEVELS */
#define LEAF_NUMBER 2u
enum { IS_BRANCH = 1, IS_LEAF = 2 };
/* where in a root page: two trees (depth, root), the last page, the transaction */
enum { FREE_DEPTH = 46, FREE_ROOT = 80, MAIN_DEPTH = 94, MAIN_ROOT = 128, LAST = 136, TXN = 144 };

/* A page of `count` nodes that are all the same, behind each other from the end. */
static void make_page(char *page, uint64_t number, uint16_t flags, size_t count, struct str node)
{
	const uint16_t lower = (uint16_t)(PAGE_HEAD + 2 * count),
		       upper = (uint16_t)(PAGE - count * node.n);

	memset(page, 0, PAGE);
	memcpy(page, &number, sizeof(number));
	memcpy(page + 10, &flags, sizeof(flags));
	memcpy(page + 12, &lower, sizeof(lower));
	memcpy(page + 14, &upper, sizeof(upper));
	for (size_t i = 0; i < count; i++) {
		const uint16_t at = (uint16_t)(upper + i * node.n);
		memcpy(page + PAGE_HEAD + 2 * i, &at, sizeof(at));
		memcpy(page + at, node.p, node.n);
	}
}

/* A page of branches that all lead to page `to`, with a key of 8 bytes. */
static void make_branch(char *page, uint64_t number, uint64_t to)
{
	const uint16_t key_size = 8;
	char node[16] = { 0 };

	memcpy(node, &to, 6);
	memcpy(node + 6, &key_size, sizeof(key_size));
	node[8] = 1;
	make_page(page, number, IS_BRANCH, NODES, (struct str){ node, sizeof(node) });
}

static char *newer_root(char *file)
{
	uint64_t a, b;

	memcpy(&a, file + TXN, sizeof(a));
	memcpy(&b, file + PAGE + TXN, sizeof(b));
	return a > b ? file : file + PAGE;
}

static void is_damaged(const char *dir, const char *words)
{
	struct log *log;
	struct fault f;

	fault_init(&f);
	assert_int_equal(log_open_sized(dir, NOW, &small_sizes, &log, &f), ERR_DAMAGED);
	assert_non_null(strstr(f.text, words));
}

static void a_table_of_tables_that_leads_back_to_itself_is_damaged(void **state)
{
	const char *path = in_dir(*state, "data.mdb");
	uint64_t number;
	size_t size;

	fill(*state);
	char *file = file_read(path, &size), *root = newer_root(file);
	memcpy(&number, root + MAIN_ROOT, sizeof(number));
	for (uint16_t depth = 1; depth < LEVELS; depth++) {
		memcpy(root + MAIN_DEPTH, &depth, sizeof(depth));
		make_branch(file + number * PAGE, number, number);
		file_write(in_dir(*state, "data.mdb"), file, size);
		is_damaged(*state, "table of tables");
	}
	free(file);
}

/* Whoever wants to see all of them would go on for ever. */
static void a_short_file_whose_free_pages_lead_back_to_each_other_is_damaged(void **state)
{
	const char *path = in_dir(*state, "data.mdb");
	const uint16_t depth = LEVELS + 1;
	uint64_t leaf[4] = { 16 | (uint64_t)8 << 48, 1, 1, LEAF_NUMBER }; /* a list with one page */
	size_t size;

	fill(*state);
	char *old = file_read(path, &size), *file = calloc(1, size + (LEVELS + 1) * PAGE);
	assert_non_null(file);
	memcpy(file, old, size);
	free(old);
	const uint64_t first = size / PAGE, last = first + LEVELS + 1;
	for (uint64_t number = first; number < first + LEVELS; number++)
		make_branch(file + number * PAGE, number, number + 1);
	make_page(file + (first + LEVELS) * PAGE, first + LEVELS, IS_LEAF, 1,
		  (struct str){ (const char *)leaf, sizeof(leaf) });
	char *root = newer_root(file);
	memcpy(root + FREE_DEPTH, &depth, sizeof(depth));
	memcpy(root + FREE_ROOT, &first, sizeof(first));
	memcpy(root + LAST, &last, sizeof(last)); /* one more than the file has */
	file_write(in_dir(*state, "data.mdb"), file, size + (LEVELS + 1) * PAGE);
	is_damaged(*state, "cut off");
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(what_is_foreseen_is_found_or_damaged_as_if_it_were_not),
		store_test(no_flip_in_the_head_of_a_page_kills_the_writer_or_hides_an_id),
		store_test(no_flip_in_a_root_page_kills_who_opens_the_store_or_brings_back_an_earlier_state),
		store_test(a_row_that_seems_to_have_pages_of_others_is_not_replaced),
		store_test(a_row_that_was_made_smaller_can_be_replaced),
		store_test(a_table_of_tables_that_leads_back_to_itself_is_damaged),
		store_test(a_short_file_whose_free_pages_lead_back_to_each_other_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
