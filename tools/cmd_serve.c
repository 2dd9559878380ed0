/* SPDX-License-Identifier: Apache-2.0 */
/*
 * avow up, ledger, ingest, query: services as threads of this process, each its own loop.
 *
 * This file only connects them: which directories and endpoints each gets, one line on stderr when
 * one answers, and a clean stop in the order ingest, query, ledger, so that what is in flight ends.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/ingest/main.h"
#include "services/ledger/main.h"
#include "services/query/main.h"
#include "services/shared/endpoint.h"
#include "services/shared/port.h"
#include "tools/cmd.h"
#include "tools/demo.h"

#define SERVICES_MAX 3
#define TCP_PORT 7401
#define READY_TEXT_MAX 1024
#define DESCRIPTORS_MIN 64 /* all services in one process, and some to spare */

/* In the order in which they are stopped. */
enum which { which_ingest, which_query, which_ledger };
static const struct {
	const char *name;
	service_function *run;
	int port; /* tcp: how far behind --tcp; -1: ipc only */
} services[SERVICES_MAX] = {
	[which_ingest] = { "ingest", ingest_run, 0 },
	[which_query] = { "query", query_run, 1 },
	[which_ledger] = { "ledger", ledger_run, -1 },
};
#define TAPE_PORT 2

struct running {
	enum which which;
	struct service_config config;
	struct service_control control;
	struct fault fault;
	enum err outcome;
	pthread_t thread;
	bool started, joined;
	int done_fd; /* an eventfd that counts the ends of services */
};

struct process {
	struct running running[SERVICES_MAX];
	size_t n;
	void *zmq;
	struct cli *demo; /* up --demo: NULL otherwise */
	pthread_t demo_thread;
	bool demo_started;
	int ready[2], done_fd, signal_fd;
	int signal; /* that asked to stop; 0: none */
};

/* ---- configuration ---- */

/* --tcp: the port of ingest, 0 for off, -1 for any. */
static enum err tcp_port(const struct cli *c, int *port, struct fault *fault)
{
	const char *text = cli_text(c, "tcp");
	char *end;

	*port = TCP_PORT;
	if (!text)
		return ERR_OK;
	if (strcmp(text, "off") == 0 || strcmp(text, "any") == 0) {
		*port = text[0] == 'o' ? 0 : -1;
		return ERR_OK;
	}
	const long n = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || n < 1 || n > 65535 - TAPE_PORT)
		return fault_set(fault, ERR_USAGE, "tcp", "`%s` is not off, any or a port", text);
	*port = (int)n;
	return ERR_OK;
}

static enum err add_tcp(struct cli *c, int base, int offset, const char **out)
{
	*out = NULL;
	if (base == 0)
		return ERR_OK;
	const struct str s = base < 0 ? STR("tcp://127.0.0.1:*")
				      : arena_printf(&c->arena, "tcp://127.0.0.1:%d", base + offset);
	*out = s.p;
	return s.p ? ERR_OK : ERR_NO_MEMORY;
}

/* What was given with the option, where there is one, or else the socket in the data directory and the port. */
static enum err endpoints(struct cli *c, const char *option, const char *own, int offset,
			  const char **out, struct fault *fault)
{
	struct str_list list = { 0 };
	int base;

	enum err e = option ? cli_list(c, option, &list, fault) : ERR_OK;
	if (e)
		return e;
	if (list.n > SERVICE_ENDPOINTS_MAX)
		return fault_set(fault, ERR_USAGE, option, "at most %d endpoints",
				 SERVICE_ENDPOINTS_MAX);
	for (size_t i = 0; i < list.n; i++) {
		out[i] = arena_str(&c->arena, list.v[i]).p;
		if (!out[i])
			return ERR_NO_MEMORY;
	}
	if (list.n)
		return ERR_OK;
	out[0] = own;
	if (offset < 0)
		return ERR_OK;
	e = tcp_port(c, &base, fault);
	return e ? e : add_tcp(c, base, offset, &out[1]);
}

static enum err path_in(struct cli *c, const char *a, const char *b, const char **out)
{
	const struct str s = arena_printf(&c->arena, "%s/%s%s", setting(&c->settings, setting_dir), a, b);

	*out = s.p;
	return s.p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err configure(struct cli *c, enum which which, bool all, struct service_config *config,
			  struct fault *fault)
{
	static const enum setting_name own[] = { setting_ingest, setting_query, setting_ledger };
	const char *name = services[which].name;
	const char *file = all ? NULL : cli_text(c, "endpoints");

	*config = (struct service_config){ .ledger = setting(&c->settings, setting_ledger),
					   .together = all,
					   .rebuild = which == which_query && cli_flag(c, "rebuild") };
	enum err e = path_in(c, name, "", &config->dir);
	if (!e && file)
		config->endpoints_file = file;
	else if (!e)
		e = path_in(c, "run/", arena_printf(&c->arena, "%s.endpoints", name).p,
			    &config->endpoints_file);
	if (!e)
		e = endpoints(c, all ? NULL : "listen", setting(&c->settings, own[which]),
			      services[which].port, config->listen, fault);
	if (!e && which == which_query)
		e = endpoints(c, all ? NULL : "listen-tape", setting(&c->settings, setting_tape),
			      TAPE_PORT, config->tape, fault);
	return e;
}

/* ---- running ---- */

static void *run_thread(void *arg)
{
	struct running *r = arg;
	const uint64_t one = 1;

	fault_init(&r->fault);
	r->outcome = services[r->which].run(&r->config, &r->control, &r->fault);
	const ssize_t n = write(r->done_fd, &one, sizeof(one));
	(void)n; /* an eventfd takes it, or is full, which says the same */
	return NULL;
}

static enum err start(struct process *p, struct fault *fault)
{
	for (size_t i = 0; i < p->n; i++) {
		struct running *r = &p->running[i];
		r->done_fd = p->done_fd;
		const enum err e = service_control_open(&r->control, p->zmq, p->ready[1], fault);
		if (e)
			return e;
		const int error = pthread_create(&r->thread, NULL, run_thread, r);
		if (error)
			return fault_set(fault, ERR_IO, NULL, "cannot start a thread: %s",
					 strerror(error));
		r->started = true;
	}
	p->demo_started = p->demo && pthread_create(&p->demo_thread, NULL, demo_thread, p->demo) == 0;
	if (p->demo && !p->demo_started)
		return fault_set(fault, ERR_IO, NULL, "cannot start a thread");
	return ERR_OK;
}

/* Pass on what services say of themselves. */
static void tell_ready(int fd)
{
	char text[READY_TEXT_MAX];
	const ssize_t n = read(fd, text, sizeof(text));

	for (ssize_t from = 0, to = 0; to < n; to++) {
		if (text[to] != '\n')
			continue;
		fprintf(stderr, "avow: %.*s\n", (int)(to - from), text + from);
		from = to + 1;
	}
}

/* Until a signal comes, or a service ends by itself. */
static void wait_for_end(struct process *p)
{
	struct pollfd fds[] = { { .fd = p->signal_fd, .events = POLLIN },
				{ .fd = p->done_fd, .events = POLLIN },
				{ .fd = p->ready[0], .events = POLLIN } };
	struct signalfd_siginfo info;

	for (;;) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return;
		if (fds[2].revents)
			tell_ready(p->ready[0]);
		if (fds[0].revents && read(p->signal_fd, &info, sizeof(info)) == sizeof(info))
			p->signal = (int)info.ssi_signo;
		if (fds[0].revents || fds[1].revents)
			return;
	}
}

/* Stop them one after the other; the first that failed says why. */
static enum err stop(struct process *p, struct fault *fault)
{
	enum err first = ERR_OK;

	for (size_t i = 0; i < p->n; i++) {
		struct running *r = &p->running[i];
		if (r->started) {
			service_stop(&r->control);
			(void)pthread_join(r->thread, NULL);
		}
		if (r->outcome && !first) {
			first = r->outcome;
			*fault = r->fault;
			(void)snprintf(fault->text, sizeof(fault->text), "%s: %.230s",
				       services[r->which].name, r->fault.text);
		}
		service_control_close(&r->control);
	}
	return first;
}

/* SIGTERM and SIGINT come through a descriptor to this thread alone; a second one kills. */
static enum err take_signals(struct process *p, sigset_t *before, struct fault *fault)
{
	sigset_t set;

	(void)signal(SIGINT, SIG_DFL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &set, before);
	p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	p->done_fd = eventfd(0, EFD_CLOEXEC);
	if (p->signal_fd < 0 || p->done_fd < 0 || pipe(p->ready))
		return fault_set(fault, ERR_IO, NULL, "cannot open descriptors: %s", strerror(errno));
	return ERR_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

/*
 * As many descriptors as the system allows: each connection takes one. ZeroMQ aborts where it cannot
 * open its own, so too few are refused before it is asked.
 */
static enum err take_descriptors(struct fault *fault)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return fault_set(fault, ERR_IO, NULL, "cannot see how many descriptors there are: %s",
				 strerror(errno));
	if (files.rlim_max < DESCRIPTORS_MIN)
		return fault_set(fault, ERR_IO, NULL, "at most %llu file descriptors are allowed here, "
				 "services need %d: raise the limit (ulimit -n)",
				 (unsigned long long)files.rlim_max, DESCRIPTORS_MIN);
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		return fault_set(fault, ERR_IO, NULL, "cannot raise the limit of descriptors: %s",
				 strerror(errno));
	return ERR_OK;
}

static enum err run_process(struct process *p, struct fault *fault)
{
	sigset_t before;

	/* sockets, stores and their directories are their owner's */
	(void)umask(077);
	memory_keep();
	p->ready[0] = p->ready[1] = p->done_fd = p->signal_fd = -1;
	enum err e = take_descriptors(fault);
	if (e)
		return e;
	e = take_signals(p, &before, fault);
	p->zmq = e ? NULL : context_open();
	if (!e && !p->zmq)
		e = fault_set(fault, ERR_IO, NULL, "cannot start ZeroMQ: %s", strerror(errno));
	if (!e)
		e = start(p, fault);
	if (!e)
		wait_for_end(p);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	const enum err ended = stop(p, e ? &(struct fault){ 0 } : fault);
	if (p->demo_started)
		(void)pthread_join(p->demo_thread, NULL);
	context_close(p->zmq);
	close_fd(p->ready[0]);
	close_fd(p->ready[1]);
	close_fd(p->done_fd);
	close_fd(p->signal_fd);
	if (e || ended)
		return e ? e : ended;
	return p->signal == SIGINT ? ERR_INTERRUPTED : ERR_OK;
}

static enum err serve(struct cli *c, const enum which *which, size_t n, bool demo,
		      struct fault *fault)
{
	struct process p = { .n = n, .demo = demo ? c : NULL };

	for (size_t i = 0; i < n; i++) {
		p.running[i].which = which[i];
		const enum err e = configure(c, which[i], n > 1, &p.running[i].config, fault);
		if (e)
			return e;
		p.running[i].config.memory_max = n * SERVICE_MEMORY_MAX;
	}
	return run_process(&p, fault);
}

/* ---- commands ---- */

static enum err run_up(struct cli *c, struct fault *fault)
{
	static const enum which all[] = { which_ingest, which_query, which_ledger };
	static const enum which writers[] = { which_ingest, which_ledger };

	if (cli_flag(c, "no-query"))
		return serve(c, writers, ARRAY_LEN(writers), cli_flag(c, "demo"), fault);
	return serve(c, all, ARRAY_LEN(all), cli_flag(c, "demo"), fault);
}

static enum err run_one(struct cli *c, struct fault *fault)
{
	for (size_t i = 0; i < SERVICES_MAX; i++) {
		const enum which which = (enum which)i;
		if (strcmp(services[i].name, c->cmd->name) == 0)
			return serve(c, &which, 1, false, fault);
	}
	impossible("a command of this file is the name of a service");
}

static const struct opt tcp_options[] = {
	{ "tcp", 0, opt_text, "PORT", NULL,
	  "Port on 127.0.0.1 of ingest; query and tape take the next two: a number (7401), any, off." },
	OPT_END
};
static const struct opt demo_options[] = {
	{ "demo", 0, opt_flag, NULL, NULL, "Publish the sample deals, and print what to try." },
	{ "no-query", 0, opt_flag, NULL, NULL, "Leave query out: it runs elsewhere, as `avow query`." },
	OPT_END
};
static const struct opt rebuild_options[] = {
	{ "rebuild", 0, opt_flag, NULL, NULL,
	  "Empty query's replica, and fill it anew from the ledger: for when it is damaged." },
	OPT_END
};
static const struct opt listen_options[] = {
	{ "listen", 0, opt_list, "ENDPOINT", NULL,
	  "Listen here instead of the socket in the data directory and the port." },
	{ "endpoints", 0, opt_text, "FILE", NULL,
	  "Write there what is listened on, once it answers (DIR/run/NAME.endpoints)." },
	OPT_END
};
static const struct opt tape_options[] = {
	{ "listen-tape", 0, opt_list, "ENDPOINT", NULL, "The same for the tape." },
	OPT_END
};

const struct command command_up = {
	.name = "up",
	.group = group_run,
	.line = "start every service in one process",
	.usage = "[--demo] [--no-query] [--tcp PORT]",
	.examples = (const char *const[]){ "avow up", "avow up --demo",
					   "avow up --dir /srv/avow --tcp off", NULL },
	.details = "Prints a line on stderr for each service that answers. Ctrl-C or SIGTERM stops them; "
		   "what was acknowledged is on the disk in any case.",
	.options = { demo_options, rebuild_options, tcp_options },
	.run = run_up,
};

const struct command command_ledger = {
	.name = "ledger",
	.group = group_run,
	.line = "start the ledger alone: the one writer",
	.usage = "",
	.examples = (const char *const[]){ "avow ledger --dir /srv/avow", NULL },
	.options = { listen_options },
	.run = run_one,
};

const struct command command_ingest = {
	.name = "ingest",
	.group = group_run,
	.line = "start ingest alone: what publishers reach",
	.usage = "",
	.examples = (const char *const[]){ "avow ingest --dir /srv/avow",
					   "avow ingest --listen tcp://127.0.0.1:7401 "
					   "--ledger ipc:///srv/avow/run/ledger.sock", NULL },
	.options = { listen_options, tcp_options },
	.run = run_one,
};

const struct command command_query = {
	.name = "query",
	.group = group_run,
	.line = "start a query service alone: answers, reads, the tape",
	.usage = "",
	.examples = (const char *const[]){ "avow query --dir /srv/avow",
					   "avow query --dir /srv/avow --rebuild", NULL },
	.options = { listen_options, tape_options, rebuild_options, tcp_options },
	.run = run_one,
};
