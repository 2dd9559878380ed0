/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_services: the services under measurement, as processes of this same program, and the disk's
 * own pace.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/shared/client.h"
#include "tools/bench.h"
#include "tools/cmd.h"

#define ARENA_MAX ((size_t)1 << 20)
#define TRY_MS 200
#define OPEN_FILES_MAX 16 /* of nftw */
#define SYNC_BYTES 4096u
#define SYNC_US 1000000u

const char *const bench_service_names[BENCH_SERVICES] = { "ledger", "ingest", "query" };

/* In the child: become the service; its words go to a file beside its store. */
static _Noreturn void become(const char *name, const char *dir)
{
	char log[600];

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)snprintf(log, sizeof(log), "%s/%s.txt", dir, name);
	const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(127);
	/* endpoints of their own, whatever the one who measures has set */
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		char variable[64];
		(void)snprintf(variable, sizeof(variable), "AVOW_%s",
			       setting_word((enum setting_name)i));
		for (char *c = variable; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		(void)unsetenv(variable);
	}
	(void)setenv("AVOW_CONFIG", "/dev/null", 1);
	(void)setenv("AVOW_DIR", dir, 1);
	if (strcmp(name, bench_service_names[0]) == 0)
		execl("/proc/self/exe", "avow", name, (char *)NULL);
	else /* no port: another instance may have it */
		execl("/proc/self/exe", "avow", name, "--tcp", "off", (char *)NULL);
	_exit(127);
}

/* The last line that a service wrote before it gave up. */
static void last_words(const struct bench_services *s, size_t i, char *line, size_t size)
{
	char path[600];

	(void)snprintf(path, sizeof(path), "%s/%s.txt", s->dir, bench_service_names[i]);
	(void)snprintf(line, size, "it says nothing");
	FILE *f = fopen(path, "re");
	while (f && fgets(line, (int)size, f))
		line[strcspn(line, "\n")] = 0;
	if (f)
		(void)fclose(f);
}

/* Ask until it answers; it may still be starting. */
static enum err wait_for(const struct bench_services *s, size_t i, int timeout_ms,
			 struct fault *fault)
{
	const uint64_t end = bench_clock_us() + (uint64_t)timeout_ms * 1000;
	char endpoint[600], line[160];
	struct state_of_service state;
	struct status ask = { 0 };
	struct arena a;
	enum err e = ERR_UNREACHABLE;

	(void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/run/%s.sock", s->dir,
		       bench_service_names[i]);
	arena_init(&a, ARENA_MAX);
	while (e && bench_clock_us() < end) {
		struct client *c;
		arena_reset(&a);
		if (waitpid(s->pid[i], NULL, WNOHANG) != 0)
			break;
		e = client_open(endpoint, &c, fault);
		if (e)
			break;
		e = client_ask(c, &shape_status, &ask, &shape_state_of_service, &state, TRY_MS, &a, fault);
		client_close(c);
	}
	arena_fini(&a);
	if (e) {
		last_words(s, i, line, sizeof(line));
		return fault_set(fault, ERR_UNAVAILABLE, NULL, "%s did not start: %s",
				 bench_service_names[i], line);
	}
	return ERR_OK;
}

enum err bench_services_start(struct bench_services *s, const char *parent, int timeout_ms,
			      struct fault *fault)
{
	memset(s, 0, sizeof(*s));
	enum err e = settings_make_dir(parent, fault);
	if (e)
		return e;
	const int n = snprintf(s->dir, sizeof(s->dir), "%s/bench-XXXXXX", parent);
	if (n < 0 || (size_t)n >= sizeof(s->dir) || !mkdtemp(s->dir)) {
		s->dir[0] = 0;
		return fault_set(fault, ERR_IO, NULL, "cannot make a directory in %s: %s", parent,
				 strerror(errno));
	}
	(void)snprintf(s->ingest, sizeof(s->ingest), "ipc://%s/run/ingest.sock", s->dir);
	for (size_t i = 0; i < BENCH_SERVICES; i++) {
		s->pid[i] = fork();
		if (s->pid[i] == 0)
			become(bench_service_names[i], s->dir);
		if (s->pid[i] < 0) {
			s->pid[i] = 0;
			return fault_set(fault, ERR_IO, NULL, "cannot start a process: %s", strerror(errno));
		}
		e = wait_for(s, i, timeout_ms, fault);
		if (e)
			return e;
	}
	return ERR_OK;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void bench_services_stop(struct bench_services *s)
{
	/* those that depend on others first */
	for (size_t i = BENCH_SERVICES; i-- > 0;) {
		if (s->pid[i] <= 0)
			continue;
		(void)kill(s->pid[i], SIGTERM);
		(void)waitpid(s->pid[i], NULL, 0);
		s->pid[i] = 0;
	}
	if (s->dir[0])
		(void)nftw(s->dir, remove_one, OPEN_FILES_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	s->dir[0] = 0;
}

enum err bench_memory(int pid, struct bench_memory *out, struct fault *fault)
{
	char path[64], line[256];
	unsigned long long kib;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return fault_set(fault, ERR_IO, NULL, "cannot read %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "RssAnon: %llu", &kib) == 1)
			out->anonymous_kib = kib;
		if (sscanf(line, "VmHWM: %llu", &kib) == 1)
			out->peak_kib = kib;
	}
	(void)fclose(f);
	return ERR_OK;
}

enum err bench_sync_rate(const char *dir, uint64_t *per_second, struct fault *fault)
{
	char path[600], page[SYNC_BYTES] = { 0 };
	uint64_t n = 0;

	(void)snprintf(path, sizeof(path), "%s/sync", dir);
	const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_set(fault, ERR_IO, NULL, "cannot write %s: %s", path, strerror(errno));
	const uint64_t begin = bench_clock_us();
	uint64_t now = begin;
	bool good = true;
	while (good && now - begin < SYNC_US) {
		memset(page, (int)(n & 0xff), sizeof(page));
		good = pwrite(fd, page, sizeof(page), 0) == (ssize_t)sizeof(page) && fdatasync(fd) == 0;
		n++;
		now = bench_clock_us();
	}
	const int why = errno;
	(void)close(fd);
	(void)unlink(path);
	if (!good)
		return fault_set(fault, ERR_IO, NULL, "cannot sync %s: %s", path, strerror(why));
	*per_second = n * 1000000 / (now - begin);
	return ERR_OK;
}
