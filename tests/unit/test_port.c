/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints and sockets: what may be listened on, what arrives, what is dropped. */
#include <sys/stat.h>
#include <zmq.h>

#include "services/shared/clock.h"
#include "services/shared/endpoint.h"
#include "services/shared/port.h"
#include "services/shared/service.h"
#include "tests/unit/store_help.h"

#define WAIT_MS 60000

struct fixture {
	void *context, *dir;
	struct fault fault;
	struct inbox *in;
	char endpoint[256];
	/* what is open: a test that fails must not wait for it for ever */
	struct port *ports[8];
	void *raw;
};

static struct fixture *f;

static int setup(void **state)
{
	f = calloc(1, sizeof(*f));
	*state = f;
	f->context = context_open();
	f->in = inbox_open(8);
	if (temp_make(&f->dir))
		return -1;
	(void)snprintf(f->endpoint, sizeof(f->endpoint), "ipc://%s/run/x.sock", (char *)f->dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(f->ports); i++)
		port_close(f->ports[i]);
	if (f->raw)
		(void)zmq_close(f->raw);
	inbox_close(f->in);
	context_close(f->context);
	const int rc = temp_remove(&f->dir);
	free(f);
	return rc;
}

static const struct port_limits limits = { .message_max = 1000, .waiting_max = 4 };

static struct port *keep(struct port *p)
{
	for (size_t i = 0; i < ARRAY_LEN(f->ports); i++) {
		if (f->ports[i])
			continue;
		f->ports[i] = p;
		return p;
	}
	fail_msg("too many ports");
	return NULL;
}

static void shut(struct port *p)
{
	for (size_t i = 0; i < ARRAY_LEN(f->ports); i++)
		if (f->ports[i] == p)
			f->ports[i] = NULL;
	port_close(p);
}

/* A socket that sends what no port would. */
static void *raw_dealer(void)
{
	const int none = 0;

	f->raw = zmq_socket(f->context, ZMQ_DEALER);
	assert_int_equal(zmq_setsockopt(f->raw, ZMQ_LINGER, &none, sizeof(none)), 0);
	assert_int_equal(zmq_connect(f->raw, f->endpoint), 0);
	return f->raw;
}

static struct port *listening(const char *endpoint)
{
	const char *list[] = { endpoint, NULL };
	struct port *p = NULL;

	if (port_listen(f->context, list, 2, limits, &p, &f->fault))
		fail_msg("%s", f->fault.text);
	return keep(p);
}

static struct port *connected(const char *endpoint)
{
	struct port *p = NULL;

	assert_int_equal(port_connect(f->context, endpoint, limits, &p, &f->fault), ERR_OK);
	return keep(p);
}

/* Send until somebody is connected. */
static void send_soon(struct port *p, struct str wire)
{
	for (unsigned i = 0; i < WAIT_MS; i++) {
		if (port_send(p, NULL, wire) == ERR_OK)
			return;
		(void)usleep(1000);
	}
	fail_msg("nobody connected");
}

/* What arrives at p within the time; 0 where nothing does. */
static size_t arrivals(struct port *p, int wait_ms)
{
	const int64_t end_ms = clock_mono_ms() + wait_ms;
	int64_t left_ms = wait_ms;
	bool stop;

	inbox_clear(f->in);
	do {
		assert_int_equal(port_wait(&p, 1, -1, (int)left_ms, &stop), ERR_OK);
		assert_int_equal(port_gather(p, f->in, 1u << 20), ERR_OK);
		left_ms = end_ms - clock_mono_ms();
	} while (inbox_count(f->in) == 0 && left_ms > 0);
	return inbox_count(f->in);
}

static void services_of_one_process_meet_there(void **state)
{
	struct port *server = listening(f->endpoint), *client = NULL, *other = connected(f->endpoint);

	(void)state;
	assert_int_equal(port_join(f->context, limits, &client, &f->fault), ERR_OK);
	(void)keep(client);
	/* before the port is there: it arrives once it is */
	assert_int_equal(port_send(client, NULL, STR("early")), ERR_OK);
	assert_int_equal(port_meet(server, &f->fault), ERR_OK);
	assert_int_equal(arrivals(server, WAIT_MS), 1);
	const struct parcel *in = inbox_at(f->in, 0);
	assert_true(str_eq(in->wire, STR("early")));
	assert_int_equal(in->from.name[0], 0); /* a name that the port gave it */
	assert_int_equal(port_send(server, &in->from, STR("answer")), ERR_OK);
	assert_int_equal(arrivals(client, WAIT_MS), 1);
	assert_true(str_eq(inbox_at(f->in, 0)->wire, STR("answer")));
	/* those of other processes reach it as before, and are told one endpoint */
	send_soon(other, STR("outside"));
	assert_int_equal(arrivals(server, WAIT_MS), 1);
	assert_null(port_endpoint(server, 1));
}

static void only_loopback_and_files_are_endpoints(void **state)
{
	(void)state;
	static const struct {
		const char *endpoint;
		bool listen, connect;
	} cases[] = {
		{ "tcp://127.0.0.1:7401", true, true },	  { "tcp://127.9.8.7:1", true, true },
		{ "tcp://[::1]:7401", true, true },	  { "tcp://localhost:7401", false, true },
		{ "tcp://127.0.0.1:*", true, false },	  { "ipc:///tmp/x.sock", true, true },
		{ "ipc://x.sock", true, true },		  { "tcp://0.0.0.0:7401", false, false },
		{ "tcp://*:7401", false, false },	  { "tcp://192.168.1.1:7401", false, false },
		{ "tcp://example.org:7401", false, false }, { "tcp://127.0.0.1.org:1", false, false },
		{ "tcp://127.0.0.1", false, false },	  { "tcp://127.0.0.1:0", false, false },
		{ "tcp://127.0.0.1:65536", false, false }, { "tcp://127.0.0.1:1x", false, false },
		{ "tcp://[::]:7401", false, false },	  { "inproc://x", false, false },
		{ "udp://127.0.0.1:1", false, false },	  { "ipc://@x", false, false },
		{ "ipc://*", false, false },		  { "ipc://", false, false },
		{ "ipc:///tmp/", false, false },	  { "", false, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const enum err a = endpoint_check(cases[i].endpoint, true, &f->fault);
		const enum err b = endpoint_check(cases[i].endpoint, false, &f->fault);
		if ((a == ERR_OK) != cases[i].listen || (b == ERR_OK) != cases[i].connect)
			fail_msg("%s: %s %s", cases[i].endpoint, err_name(a), err_name(b));
	}
}

static void a_path_that_is_too_long_is_said(void **state)
{
	(void)state;
	char endpoint[256] = "ipc:///";

	memset(endpoint + 7, 'x', ENDPOINT_PATH_MAX);
	assert_int_equal(endpoint_check(endpoint, true, &f->fault), ERR_USAGE);
	assert_non_null(strstr(f->fault.text, "at most 107 bytes"));
	endpoint[6 + ENDPOINT_PATH_MAX] = 0;
	assert_int_equal(endpoint_check(endpoint, true, &f->fault), ERR_OK);
}

static void a_second_bind_cannot_steal_the_path(void **state)
{
	(void)state;
	const char *list[] = { f->endpoint, NULL };
	struct port *first = listening(f->endpoint), *second = NULL;
	struct stat st;

	assert_int_equal(port_listen(f->context, list, 2, limits, &second, &f->fault),
			 ERR_STORE_LOCKED);
	assert_null(second);
	struct port *asker = connected(f->endpoint);
	send_soon(asker, STR("still here"));
	assert_int_equal(arrivals(first, WAIT_MS), 1);
	assert_int_equal(stat(in_dir(f->dir, "run"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	shut(asker);
	shut(first);
	/* and it is free again after that */
	shut(listening(f->endpoint));
}

static void the_system_picks_a_port_and_it_is_told(void **state)
{
	(void)state;
	struct port *p = listening("tcp://127.0.0.1:*");
	const char *endpoint = port_endpoint(p, 0);

	assert_int_equal(strncmp(endpoint, "tcp://127.0.0.1:", 16), 0);
	assert_true(atoi(endpoint + 16) > 0);
	assert_null(port_endpoint(p, 1));
}

static void an_answer_goes_back_to_who_asked(void **state)
{
	(void)state;
	struct port *p = listening(f->endpoint), *a = connected(f->endpoint),
		    *b = connected(f->endpoint);

	send_soon(a, STR("from a"));
	assert_int_equal(arrivals(p, WAIT_MS), 1);
	const struct peer first = inbox_at(f->in, 0)->from;
	send_soon(b, STR("from b"));
	assert_int_equal(arrivals(p, WAIT_MS), 1);
	assert_true(str_eq(inbox_at(f->in, 0)->wire, STR("from b")));
	assert_int_equal(port_send(p, &first, STR("to a")), ERR_OK);
	assert_int_equal(arrivals(a, WAIT_MS), 1);
	assert_true(str_eq(inbox_at(f->in, 0)->wire, STR("to a")));
	assert_int_equal(arrivals(b, 0), 0);
}

static void who_is_gone_cannot_be_answered(void **state)
{
	(void)state;
	const struct peer nobody = { .n = 5, .name = { 0, 1, 2, 3, 4 } };
	struct port *p = listening(f->endpoint);

	assert_int_equal(port_send(p, &nobody, STR("x")), ERR_UNREACHABLE);
	assert_int_equal(port_counts(p).answers_dropped, 1);
}

static void without_a_connection_nothing_is_sent(void **state)
{
	(void)state;
	struct port *p = connected(f->endpoint);

	assert_int_equal(port_send(p, NULL, STR("x")), ERR_UNREACHABLE);
}

static void messages_of_many_parts_are_dropped_and_others_arrive(void **state)
{
	(void)state;
	struct port *p = listening(f->endpoint);

	void *s = raw_dealer();
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(zmq_send(s, "a", 1, ZMQ_SNDMORE), 1);
		assert_int_equal(zmq_send(s, "b", 1, ZMQ_SNDMORE), 1);
		assert_int_equal(zmq_send(s, "c", 1, 0), 1);
	}
	assert_int_equal(zmq_send(s, "whole", 5, 0), 5);
	while (arrivals(p, WAIT_MS) == 0)
		;
	assert_int_equal(inbox_count(f->in), 1);
	assert_true(str_eq(inbox_at(f->in, 0)->wire, STR("whole")));
	assert_int_equal(port_counts(p).parts_dropped, 5);
}

static void a_message_that_is_too_large_costs_its_sender_the_connection(void **state)
{
	(void)state;
	struct port *p = listening(f->endpoint), *good = connected(f->endpoint);
	char large[1001] = { 0 };

	void *s = raw_dealer();
	assert_int_equal(zmq_send(s, large, sizeof(large), 0), sizeof(large));
	send_soon(good, STR("good"));
	assert_int_equal(arrivals(p, WAIT_MS), 1);
	assert_true(str_eq(inbox_at(f->in, 0)->wire, STR("good")));
}

static void gathering_ends_at_the_count_and_at_the_bytes(void **state)
{
	(void)state;
	struct port *p = listening(f->endpoint);
	size_t got = 0;

	void *s = raw_dealer();
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(zmq_send(s, "0123456789", 10, 0), 10);
	while (got < 20) {
		const size_t n = arrivals(p, WAIT_MS);
		assert_true(n > 0 && n <= 8);
		got += n;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(zmq_send(s, "0123456789", 10, 0), 10);
	for (got = 0; got < 3; got += inbox_count(f->in)) {
		bool stop;
		inbox_clear(f->in);
		assert_int_equal(port_wait(&p, 1, -1, WAIT_MS, &stop), ERR_OK);
		assert_int_equal(port_gather(p, f->in, 11), ERR_OK);
		assert_true(inbox_count(f->in) <= 2);
	}
}

static void answers_that_find_no_room_wait_in_the_backlog(void **state)
{
	(void)state;
	struct port *p = listening("tcp://127.0.0.1:*"), *a = connected(port_endpoint(p, 0));
	static char answer[1000];
	size_t sent = 0, got = 0;
	bool left;

	send_soon(a, STR("ask"));
	assert_int_equal(arrivals(p, WAIT_MS), 1);
	const struct peer from = inbox_at(f->in, 0)->from;
	while (port_send(p, &from, (struct str){ answer, sizeof(answer) }) == ERR_OK)
		sent++;
	assert_true(sent >= 4096); /* what the backlog holds */
	assert_true(port_backlog(p, &from) > 0 && port_backlog(p, &from) % sizeof(answer) == 0);
	assert_int_equal(port_backlog(p, &(struct peer){ .n = from.n }), 0);
	while (got < sent) {
		left = port_flush(p);
		const size_t n = arrivals(a, left ? 0 : WAIT_MS);
		assert_true(n > 0 || left);
		got += n;
	}
	assert_false(port_flush(p));
	assert_int_equal(port_backlog(p, &from), 0);
	assert_int_equal(port_counts(p).answers_dropped, 1); /* the one that was refused */
}

/* ---- memory ---- */

#define MUCH ((size_t)64 << 20)

/* A port that may have so many bytes more than the process has now; crowded beyond half of them. */
static struct port *watching(size_t more, bool crowds)
{
	const char *list[] = { f->endpoint, "tcp://127.0.0.1:*" };
	struct port_limits watched = limits;
	struct port *p = NULL;
	size_t held;

	watched.memory_max = memory_used(&held) + more;
	watched.crowd_max = crowds ? watched.memory_max - more / 2 : 0;
	if (port_listen(f->context, list, 2, watched, &p, &f->fault))
		fail_msg("%s", f->fault.text);
	return keep(p);
}

/* Have MUCH more than before; false where a sanitizer's allocator keeps its own accounts. */
static bool have_much(struct buf *much)
{
	size_t held;
	const size_t before = memory_used(&held);
	char *room;

	buf_init(much, MUCH);
	assert_int_equal(buf_grow(much, MUCH, &room), ERR_OK);
	return memory_used(&held) - before >= MUCH;
}

static void let_it_start_anew(struct port *p)
{
	bool stop;

	for (unsigned i = 0; port_counts(p).started_anew == 0; i++) {
		assert_true(i < WAIT_MS);
		assert_int_equal(port_wait(&p, 1, -1, WAIT_MS, &stop), ERR_OK);
	}
}

/* Ask p until it hears it; who asked, as p knows him now. Others may have asked more than was heard. */
static struct peer heard(struct port *p, struct port *asker, struct str words)
{
	for (unsigned i = 0; i < WAIT_MS; i++) {
		const enum err e = port_send(asker, NULL, words);
		(void)e; /* perhaps it is not connected again yet */
		const size_t n = arrivals(p, 10);
		for (size_t k = 0; k < n; k++)
			if (str_eq(inbox_at(f->in, k)->wire, words))
				return inbox_at(f->in, k)->from;
	}
	fail_msg("nobody is heard");
	return (struct peer){ 0 };
}

static void where_memory_is_too_much_a_port_starts_anew_and_is_there_again(void **state)
{
	(void)state;
	const struct str words[2] = { STR("first"), STR("second") };
	struct port *p = watching(MUCH / 2, false), *asker[2];
	struct peer before[2];
	struct buf much;

	for (size_t i = 0; i < 2; i++) {
		asker[i] = connected(port_endpoint(p, i));
		before[i] = heard(p, asker[i], words[i]);
	}
	if (have_much(&much))
		let_it_start_anew(p);
	buf_fini(&much);
	if (port_counts(p).started_anew == 0)
		skip();
	for (size_t i = 0; i < 2; i++) {
		/* an answer to who asked before must not reach anybody else */
		assert_int_equal(port_send(p, &before[i], STR("late")), ERR_UNREACHABLE);
		const struct peer now = heard(p, asker[i], words[i]);
		struct peer namesake = now;
		namesake.life = before[i].life;
		assert_int_equal(port_send(p, &namesake, STR("late")), ERR_UNREACHABLE);
		assert_int_equal(port_send(p, &now, STR("answer")), ERR_OK);
		assert_true(arrivals(asker[i], WAIT_MS) > 0);
		assert_true(str_eq(inbox_at(f->in, 0)->wire, STR("answer")));
	}
}

static void a_crowded_port_takes_nothing_and_then_starts_anew_but_not_in_vain(void **state)
{
	(void)state;
	struct port *p = watching(4 * MUCH, true);
	struct port *asker = connected(f->endpoint);
	struct buf much = { 0 }, more = { 0 };
	bool stop;

	(void)heard(p, asker, STR("ask"));
	assert_false(port_crowded(p));
	const bool seen = have_much(&much) && have_much(&more);
	if (seen) {
		while (!port_crowded(p))
			assert_int_equal(port_wait(&p, 1, -1, WAIT_MS, &stop), ERR_OK);
		assert_int_equal(port_counts(p).started_anew, 0);
		let_it_start_anew(p);
		/* it was not connections that had so much: they are served all the same */
		(void)heard(p, asker, STR("ask"));
		assert_false(port_crowded(p));
	}
	buf_fini(&much);
	buf_fini(&more);
	if (!seen)
		skip();
}

static void a_stop_is_seen_at_once(void **state)
{
	(void)state;
	struct service_control control;
	struct port *p = listening(f->endpoint);
	bool stop;

	assert_int_equal(service_control_open(&control, f->context, -1, &f->fault), ERR_OK);
	assert_int_equal(port_wait(&p, 1, control.stop_fd[0], 0, &stop), ERR_OK);
	assert_false(stop);
	service_stop(&control);
	assert_int_equal(port_wait(&p, 1, control.stop_fd[0], WAIT_MS, &stop), ERR_OK);
	assert_true(stop);
	service_control_close(&control);
}

static void a_service_that_is_ready_says_where_it_listens(void **state)
{
	(void)state;
	struct service_control control;
	struct port *p = listening(f->endpoint), *tape = NULL;
	const char *list[] = { "tcp://127.0.0.1:*", NULL };
	const struct service_config config = { .endpoints_file = in_dir(f->dir, "run/x.endpoints") };
	char line[512] = "", want[512];
	int ready[2];
	size_t n;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(port_tape(f->context, list, 2, &tape, &f->fault), ERR_OK);
	(void)keep(tape);
	assert_int_equal(service_control_open(&control, f->context, ready[1], &f->fault), ERR_OK);
	const struct service_opening opening = { .service = "x", .config = &config,
						 .control = &control, .listen = p, .tape = tape };
	assert_int_equal(service_ready(&opening, &f->fault), ERR_OK);
	char *text = file_read(config.endpoints_file, &n);
	(void)snprintf(want, sizeof(want), "listen %s\ntape %s\n", f->endpoint,
		       port_endpoint(tape, 0));
	assert_int_equal(n, strlen(want));
	assert_memory_equal(text, want, n);
	assert_true(read(ready[0], line, sizeof(line) - 1) > 0);
	(void)snprintf(want, sizeof(want), "x ready on %s, tape on %s\n", f->endpoint,
		       port_endpoint(tape, 0));
	assert_string_equal(line, want);
	free(text);
	(void)close(ready[0]);
	(void)close(ready[1]);
	service_control_close(&control);
}

int main(void)
{
#define port_test(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		port_test(services_of_one_process_meet_there),
		port_test(only_loopback_and_files_are_endpoints),
		port_test(a_path_that_is_too_long_is_said),
		port_test(a_second_bind_cannot_steal_the_path),
		port_test(the_system_picks_a_port_and_it_is_told),
		port_test(an_answer_goes_back_to_who_asked),
		port_test(who_is_gone_cannot_be_answered),
		port_test(without_a_connection_nothing_is_sent),
		port_test(messages_of_many_parts_are_dropped_and_others_arrive),
		port_test(a_message_that_is_too_large_costs_its_sender_the_connection),
		port_test(gathering_ends_at_the_count_and_at_the_bytes),
		port_test(answers_that_find_no_room_wait_in_the_backlog),
		port_test(where_memory_is_too_much_a_port_starts_anew_and_is_there_again),
		port_test(a_crowded_port_takes_nothing_and_then_starts_anew_but_not_in_vain),
		port_test(a_stop_is_seen_at_once),
		port_test(a_service_that_is_ready_says_where_it_listens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
