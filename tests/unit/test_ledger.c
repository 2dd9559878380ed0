/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's decisions, without sockets: what is written, what is answered, in which order. */
#include "tests/unit/ledger_help.h"

#include <dirent.h>
#include <fcntl.h>

static struct error publish_fails(const struct publish *p, enum err code)
{
	ask(&shape_publish, p);
	return next_error(&f->b, &f->out, code);
}

static uint64_t head(void)
{
	struct log_info info;

	log_info(f->log, &info);
	return info.head;
}

static void assert_run(const struct receipt *r, uint64_t index, int status, uint64_t first,
		       uint64_t last)
{
	assert_int_equal(r->index, index);
	assert_int_equal(r->status, status);
	assert_int_equal(r->first, first);
	assert_int_equal(r->last, last);
	assert_int_equal(r->leaves.n, last - first + 1);
}

/* ---- publishing ---- */

static void a_batch_gets_one_run_of_seqs(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK), event(2, A_TALK), event(3, A_TALK) };
	const struct publish p = publish_of(v, 3);
	const struct published got = publish_ok(&p);

	assert_int_equal(got.status, outcome_created);
	assert_int_equal(got.receipts.n, 1);
	assert_run(&got.receipts.v[0], 0, outcome_created, 1, 3);
	assert_int_equal(got.receipts.v[0].recorded, WALL_US);
	assert_int_equal(head(), 3);
}

static void the_same_again_gives_the_first_receipt(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK), event(2, A_TALK) };
	const struct publish p = publish_of(v, 2);
	const struct published first = publish_ok(&p);

	f->b.now.wall_us += 1000000;
	const struct published again = publish_ok(&p);
	assert_int_equal(again.status, outcome_exists);
	assert_int_equal(again.receipts.n, 1);
	assert_run(&again.receipts.v[0], 0, outcome_exists, 1, 2);
	assert_int_equal(again.receipts.v[0].recorded, first.receipts.v[0].recorded);
	assert_memory_equal(again.receipts.v[0].leaves.v, first.receipts.v[0].leaves.v,
			    2 * sizeof(struct hash));
	assert_int_equal(head(), 2);
}

static void the_same_id_with_other_content_is_a_conflict_with_the_first_ones_seq(void **state)
{
	(void)state;
	struct str a[] = { event(1, A_TALK) }, b[] = { event(1, A_TALK ",\"note\":\"x\"") };
	const struct publish first = publish_of(a, 1), other = publish_of(b, 1);

	(void)publish_ok(&first);
	const struct error e = publish_fails(&other, ERR_ID_CONFLICT);
	assert_int_equal(e.seq, 1);
	assert_true(str_eq(e.field, STR("id")));
	assert_int_equal(head(), 1);
}

static void one_event_at_fault_keeps_the_whole_batch_out(void **state)
{
	(void)state;
	struct str a[] = { event(1, A_TALK) };
	struct str b[] = { event(2, A_TALK), event(1, A_TALK ",\"note\":\"x\""), event(3, A_TALK) };
	const struct publish first = publish_of(a, 1), batch = publish_of(b, 3);

	(void)publish_ok(&first);
	const struct error e = publish_fails(&batch, ERR_BAD_BATCH);
	assert_int_equal(e.faults.n, 1);
	assert_int_equal(e.faults.v[0].index, 1);
	assert_int_equal(e.faults.v[0].code, ERR_ID_CONFLICT);
	assert_int_equal(e.faults.v[0].seq, 1);
	assert_int_equal(head(), 1);
}

static void a_partial_batch_writes_the_good_ones_and_names_the_others(void **state)
{
	(void)state;
	struct str a[] = { event(1, A_TALK) };
	struct str b[] = { event(2, A_TALK), event(1, A_TALK ",\"note\":\"x\""), (struct str){ "", 0 },
			   event(3, A_TALK) };
	const struct publish first = publish_of(a, 1);
	struct publish batch = publish_of(b, 4);

	msg_set(&batch, publish, partial, true);
	(void)publish_ok(&first);
	const struct published got = publish_ok(&batch);
	assert_int_equal(got.receipts.n, 2);
	assert_run(&got.receipts.v[0], 0, outcome_created, 2, 2);
	assert_run(&got.receipts.v[1], 3, outcome_created, 3, 3);
	assert_int_equal(got.faults.n, 2);
	assert_int_equal(got.faults.v[0].index, 1);
	assert_int_equal(got.faults.v[1].index, 2);
	assert_int_equal(got.faults.v[1].code, ERR_MALFORMED);
}

static void an_event_is_not_measured_by_one_of_its_batch_that_is_refused(void **state)
{
	(void)state;
	struct str a[] = { event(1, A_TALK) };
	struct str b[] = { event(1, A_TALK ",\"note\":\"x\""), event(1, A_TALK) };
	const struct publish first = publish_of(a, 1);
	struct publish batch = publish_of(b, 2);

	msg_set(&batch, publish, partial, true);
	(void)publish_ok(&first);
	const struct published got = publish_ok(&batch);
	assert_int_equal(got.faults.n, 1);
	assert_int_equal(got.faults.v[0].index, 0);
	assert_int_equal(got.faults.v[0].code, ERR_ID_CONFLICT);
	assert_int_equal(got.receipts.n, 1);
	assert_run(&got.receipts.v[0], 1, outcome_exists, 1, 1);
}

static void an_id_twice_in_one_batch_is_written_once(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK), event(2, A_TALK), event(1, A_TALK) };
	const struct publish p = publish_of(v, 3);
	const struct published got = publish_ok(&p);

	assert_int_equal(got.receipts.n, 2);
	assert_run(&got.receipts.v[0], 0, outcome_created, 1, 2);
	assert_run(&got.receipts.v[1], 2, outcome_exists, 1, 1);
	assert_int_equal(head(), 2);
}

static void an_id_twice_in_one_batch_with_other_content_is_a_conflict(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK), event(1, A_TALK ",\"note\":\"x\"") };
	const struct publish p = publish_of(v, 2);
	const struct error e = publish_fails(&p, ERR_BAD_BATCH);

	assert_int_equal(e.faults.v[0].index, 1);
	assert_int_equal(e.faults.v[0].code, ERR_ID_CONFLICT);
	assert_int_equal(head(), 0);
}

static void two_publishers_of_one_id_in_one_log_commit_get_the_same_seq(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };
	const struct publish p = publish_of(v, 1);

	take(1, &shape_publish, 1, &p);
	take(2, &shape_publish, 2, &p);
	turn();
	const struct published a = published(), b = published();
	assert_int_equal(a.status, outcome_created);
	assert_int_equal(b.status, outcome_exists);
	assert_int_equal(a.receipts.v[0].first, b.receipts.v[0].first);
	assert_int_equal(head(), 1);
}

static void a_refused_batch_leaves_no_hole_for_others_of_the_same_log_commit(void **state)
{
	(void)state;
	struct str bad[] = { event(1, A_TALK), event(1, A_TALK ",\"note\":\"x\"") };
	struct str good[] = { event(2, A_TALK) };
	const struct publish refused = publish_of(bad, 2), taken = publish_of(good, 1);

	take(1, &shape_publish, 1, &refused);
	take(2, &shape_publish, 2, &taken);
	turn();
	(void)next_error(&f->b, &f->out, ERR_BAD_BATCH);
	const struct published got = published();
	assert_run(&got.receipts.v[0], 0, outcome_created, 1, 1);
	assert_int_equal(head(), 1);
}

static void nothing_is_answered_before_the_log_commit(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };
	const struct publish p = publish_of(v, 1);

	take(1, &shape_publish, 1, &p);
	assert_int_equal(f->out.n, 0);
	assert_int_equal(ledger_commit(f->l, f->b.now), ERR_OK);
	assert_int_equal(f->out.n, 0);
	assert_int_equal(head(), 1);
	ledger_reply(f->l, f->b.now);
	assert_int_equal(f->out.n, 1);
}

static void more_events_than_one_log_commit_takes_go_into_the_next(void **state)
{
	(void)state;
	enum { REQUESTS = 5, EACH = 10000 };
	struct str *v = malloc(EACH * sizeof(*v));

	for (unsigned r = 0; r < REQUESTS; r++) {
		for (unsigned i = 0; i < EACH; i++)
			v[i] = event(r * EACH + i, A_TALK);
		const struct publish p = publish_of(v, EACH);
		take(1, &shape_publish, r, &p);
	}
	turn();
	for (unsigned r = 0; r < REQUESTS; r++) {
		const struct published got = published();
		assert_int_equal(got.receipts.v[0].last, (r + 1) * EACH);
	}
	assert_int_equal(head(), REQUESTS * EACH);
	free(v);
}

static void a_publish_whose_deadline_passed_is_not_executed(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK) };
	const struct publish p = publish_of(v, 1);
	const struct parcel parcel = parcel_of(&f->b, 1, &shape_publish, 7, 100, &p);

	ledger_take(f->l, &parcel, f->b.now);
	f->b.now.mono_ms += 101;
	turn();
	(void)next_error(&f->b, &f->out, ERR_DEADLINE);
	assert_int_equal(head(), 0);
}

static void a_publish_without_events_is_refused(void **state)
{
	(void)state;
	const struct publish p = publish_of(NULL, 0);

	(void)publish_fails(&p, ERR_BAD_VALUE);
}

/* ---- conditions ---- */

static struct publish expecting(struct str *v, size_t n, struct expect *x, const char *deal,
				uint64_t revision)
{
	struct publish p = publish_of(v, n);

	*x = (struct expect){ 0 };
	msg_set(x, expect, deal, str_of(deal));
	msg_set(x, expect, revision, revision);
	p.expect = (struct expect_list){ .v = x, .n = 1 };
	msg_mark(&p, publish, expect);
	return p;
}

static void a_revision_other_than_expected_refuses_with_both(void **state)
{
	(void)state;
	struct expect x;
	struct str a[] = { event(1, A_TALK) }, b[] = { event(2, A_TALK) };
	const struct publish first = expecting(a, 1, &x, "a-b", 0);

	(void)publish_ok(&first);
	const struct publish second = expecting(b, 1, &x, "a-b", 0);
	const struct error e = publish_fails(&second, ERR_WRONG_REVISION);
	assert_int_equal(e.expected, 0);
	assert_int_equal(e.actual, 1);
	assert_int_equal(head(), 1);
	const struct publish third = expecting(b, 1, &x, "a-b", 1);
	(void)publish_ok(&third);
}

static void a_retry_of_a_conditional_publish_gets_its_receipt(void **state)
{
	(void)state;
	struct expect x;
	struct str v[] = { event(1, A_TALK) };
	const struct publish p = expecting(v, 1, &x, "a-b", 0);

	(void)publish_ok(&p);
	const struct published again = publish_ok(&p);
	assert_int_equal(again.status, outcome_exists);
}

static void a_ref_must_name_an_event_that_the_ledger_holds(void **state)
{
	(void)state;
	const char *correction = A_TALK ",\"ref\":\"0190f3a2-0000-7000-8000-000000000001\"";
	struct str v[] = { event(2, correction), event(1, A_TALK) };
	const struct publish alone = publish_of(v, 1), too_late = publish_of(v, 2);

	const struct error e = publish_fails(&alone, ERR_NO_SUCH_REF);
	assert_true(str_eq(e.field, STR("ref")));
	/* the one that it names stands behind it */
	(void)publish_fails(&too_late, ERR_BAD_BATCH);
	struct str order[] = { v[1], v[0] };
	const struct publish good = publish_of(order, 2);
	(void)publish_ok(&good);
}

static void a_correction_is_not_stated_before_what_it_corrects(void **state)
{
	(void)state;
#define CORRECTS_1 ",\"deal\":\"a-b\",\"ref\":\"0190f3a2-0000-7000-8000-000000000001\""
#define CORRECTS_2 ",\"deal\":\"a-b\",\"ref\":\"0190f3a2-0000-7000-8000-000000000002\""
	struct str first[] = { event(1, A_TALK), event(2, TALKS CORRECTS_1) };
	struct str early[] = { event(3, TALKS STATED("2025-01-29") CORRECTS_1) };
	struct str chained[] = { event(4, TALKS STATED("2025-01-29") CORRECTS_2) };
	struct str same_day[] = { event(5, TALKS STATED("2025-01-30") CORRECTS_1) };
	struct str retract[] = { event(6, ",\"kind\":\"retract\"" SOURCED STATED("2025-01-29")
				 ",\"ref\":\"0190f3a2-0000-7000-8000-000000000001\"") };
	const struct publish p1 = publish_of(first, 2), p2 = publish_of(early, 1),
			     p3 = publish_of(chained, 1), p4 = publish_of(same_day, 1),
			     p5 = publish_of(retract, 1);

	(void)publish_ok(&p1);
	const struct error e = publish_fails(&p2, ERR_STATED_TOO_EARLY);
	assert_true(str_eq(e.field, STR("stated")));
	/* where the corrected event has no `stated`, that of the one which it corrects counts */
	(void)publish_fails(&p3, ERR_STATED_TOO_EARLY);
	(void)publish_ok(&p4);
	(void)publish_ok(&p5);
}

/* ---- the rest ---- */

static void hello_and_status_tell_who_it_is(void **state)
{
	(void)state;
	const struct hello hello = { 0 };
	const struct status status = { 0 };
	struct welcome w;
	struct state_of_service s;
	struct head h;
	struct log_info info;

	log_info(f->log, &info);
	ask(&shape_hello, &hello);
	(void)next_sent(&f->b, &f->out, &shape_welcome, &h, &w);
	assert_int_equal(h.rid, 7);
	assert_memory_equal(w.ledger.b, info.ledger.b, ID_SIZE);
	assert_int_equal(w.epoch, 1);
	ask(&shape_status, &status);
	(void)next_sent(&f->b, &f->out, &shape_state_of_service, &h, &s);
	assert_int_equal(s.head, 0);
}

static void what_cannot_be_read_is_answered_and_harms_nobody(void **state)
{
	(void)state;
	struct parcel p = { .from = peer_named(1), .wire = STR("\xc1garbage") };
	const struct get get = { 0 };

	ledger_take(f->l, &p, f->b.now);
	(void)next_error(&f->b, &f->out, ERR_MALFORMED);
	p.wire = STR("\x82\xa1v\x09\xa4type\xa5hello");
	ledger_take(f->l, &p, f->b.now);
	(void)next_error(&f->b, &f->out, ERR_BAD_VERSION);
	ask(&shape_get, &get);
	(void)next_error(&f->b, &f->out, ERR_UNKNOWN_MESSAGE);
	fill(1);
}

static void a_connection_that_names_itself_is_told_not_to(void **state)
{
	(void)state;
	const struct hello hello = { 0 };
	struct parcel p = parcel_of(&f->b, 1, &shape_hello, 1, 0, &hello);

	p.from = (struct peer){ .n = 2, .name = "me" };
	ledger_take(f->l, &p, f->b.now);
	(void)next_error(&f->b, &f->out, ERR_BAD_VALUE);
}

/* Whatever this process has open of the file refuses to be written from now on. */
static void break_file(const char *path)
{
	char found[PATH_MAX], real[PATH_MAX];
	DIR *fds = opendir("/proc/self/fd");

	assert_non_null(fds);
	assert_non_null(realpath(path, real));
	const int broken = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(broken >= 0);
	for (struct dirent *d; (d = readdir(fds));) {
		const ssize_t n = readlinkat(dirfd(fds), d->d_name, found, sizeof(found) - 1);
		found[n > 0 ? n : 0] = 0;
		if (strcmp(found, real) == 0 && atoi(d->d_name) != broken)
			assert_true(dup2(broken, atoi(d->d_name)) >= 0);
	}
	(void)close(broken);
	(void)closedir(fds);
}

static void a_log_commit_of_unknown_outcome_is_said_to_each_publisher(void **state)
{
	(void)state;
	struct str a[] = { event(2, A_TALK) }, b[] = { event(3, A_TALK) };
	const struct publish one = publish_of(a, 1), two = publish_of(b, 1);

	fill(1);
	break_file(in_dir(f->dir, "data.mdb"));
	take(1, &shape_publish, 7, &one);
	take(2, &shape_publish, 8, &two);
	assert_int_equal(ledger_commit(f->l, f->b.now), ERR_IO);
	ledger_reply(f->l, f->b.now);
	(void)next_error(&f->b, &f->out, ERR_UNKNOWN);
	(void)next_error(&f->b, &f->out, ERR_UNKNOWN);
	assert_int_equal(head(), 1);
}

/* The same log again, on a disk that is full but for what must stay free. */
static void fill_the_disk(void)
{
	const struct lm_sizes full = { .map = MIB, .room = 64 * KIB, .step = MIB,
				       .reserve = SIZE_MAX };
	struct fault fault;

	ledger_free(f->l);
	log_close(f->log);
	fault_init(&fault);
	assert_int_equal(log_open_sized(f->dir, WALL_US, &full, &f->log, &fault), ERR_OK);
	f->l = ledger_new(f->log, outlet_to(&f->out), f->b.now);
	assert_non_null(f->l);
}

static void on_a_full_disk_a_retry_gets_its_receipt_and_what_is_new_no_space(void **state)
{
	(void)state;
	struct str v[] = { event(1, A_TALK), event(2, A_TALK), event(3, A_TALK) };
	struct str other[] = { event(1, A_TALK ",\"note\":\"x\"") };
	const struct publish first = publish_of(v, 2), more = publish_of(v, 3);
	const struct publish changed = publish_of(other, 1);

	(void)publish_ok(&first);
	fill_the_disk();
	const struct published again = publish_ok(&first);
	assert_int_equal(again.status, outcome_exists);
	assert_run(&again.receipts.v[0], 0, outcome_exists, 1, 2);
	(void)publish_fails(&more, ERR_NO_SPACE);
	(void)publish_fails(&changed, ERR_ID_CONFLICT);
	assert_int_equal(head(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ledger_test(a_batch_gets_one_run_of_seqs),
		ledger_test(the_same_again_gives_the_first_receipt),
		ledger_test(the_same_id_with_other_content_is_a_conflict_with_the_first_ones_seq),
		ledger_test(one_event_at_fault_keeps_the_whole_batch_out),
		ledger_test(a_partial_batch_writes_the_good_ones_and_names_the_others),
		ledger_test(an_event_is_not_measured_by_one_of_its_batch_that_is_refused),
		ledger_test(an_id_twice_in_one_batch_is_written_once),
		ledger_test(an_id_twice_in_one_batch_with_other_content_is_a_conflict),
		ledger_test(two_publishers_of_one_id_in_one_log_commit_get_the_same_seq),
		ledger_test(a_refused_batch_leaves_no_hole_for_others_of_the_same_log_commit),
		ledger_test(nothing_is_answered_before_the_log_commit),
		ledger_test(more_events_than_one_log_commit_takes_go_into_the_next),
		ledger_test(a_publish_whose_deadline_passed_is_not_executed),
		ledger_test(a_publish_without_events_is_refused),
		ledger_test(a_revision_other_than_expected_refuses_with_both),
		ledger_test(a_retry_of_a_conditional_publish_gets_its_receipt),
		ledger_test(a_ref_must_name_an_event_that_the_ledger_holds),
		ledger_test(a_correction_is_not_stated_before_what_it_corrects),
		ledger_test(hello_and_status_tell_who_it_is),
		ledger_test(what_cannot_be_read_is_answered_and_harms_nobody),
		ledger_test(a_connection_that_names_itself_is_told_not_to),
		ledger_test(on_a_full_disk_a_retry_gets_its_receipt_and_what_is_new_no_space),
		ledger_test(a_log_commit_of_unknown_outcome_is_said_to_each_publisher),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
