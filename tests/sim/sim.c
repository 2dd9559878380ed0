/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim: the whole system in one thread, under a virtual clock, network and disk.
 *
 *   sim --seed N           replay one seed, with all that happens; its trace hash at the end
 *   sim --seeds A..B       run many; exit code 1 and how to replay where one fails
 *   sim --mutants A..B     the negative controls: each planted mistake must be caught within the seeds
 *   sim --mutant NAME …    plant one of them
 *   --json                 end with one line of JSON
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/mutants.h"
#include "tests/sim/world.h"

#define MUTANT_SECONDS_MAX 900
/* Above this memory comes from the system, zeroed only where it is touched: services ask for tables. */
#define LARGE_BYTES (512 << 10)
#define KEPT_BYTES (256 << 20)

struct options {
	uint64_t first, last;
	bool many, mutants, json, usage;
	const char *mutant;
};
struct result {
	struct tally tally;
	uint64_t seeds, trace, failed_seed;
	bool failed;
	double seconds;
};

static const char *const tally_names[] = {
#define TALLY(name) #name,
#include "tests/sim/tally.def"
#undef TALLY
};

static double seconds_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seed the run is in, for what ends the process from within. */
static uint64_t running;

_Noreturn void __wrap_check_failed(const char *what, const char *text, const char *file, int line);
void __wrap_check_failed(const char *what, const char *text, const char *file, int line)
{
	printf("seed %llu FAILED: %s(%s) at %s:%d\nreplay: sim --seed %llu\n",
	       (unsigned long long)running, what, text, file, line, (unsigned long long)running);
	(void)fflush(stdout);
	_exit(1);
}

static bool run_one(uint64_t seed, struct result *r, bool verbose)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		abort();
	running = seed;
	const bool held = world_run(w, seed, &r->tally, verbose);
	r->seeds++;
	r->trace = (r->trace ^ w->trace) * UINT64_C(0x9e3779b97f4a7c15);
	if (!held && !r->failed) {
		r->failed = true;
		r->failed_seed = seed;
		printf("seed %llu FAILED: %s\nreplay: sim --seed %llu%s%s\n", (unsigned long long)seed,
		       w->failure, (unsigned long long)seed, mutants_on() ? " --mutant " : "",
		       mutants_on() ? mutants_on() : "");
	} else if (verbose) {
		printf("seed %llu %s, trace %016llx\n", (unsigned long long)seed,
		       held ? "held" : "FAILED", (unsigned long long)w->trace);
	}
	world_fini(w);
	free(w);
	return held;
}

static void run_all(const struct options *o, struct result *r)
{
	const double began = seconds_now();

	for (uint64_t seed = o->first; seed <= o->last && !r->failed; seed++)
		(void)run_one(seed, r, !o->many && !o->json);
	r->seconds = seconds_now() - began;
}

static void print_result(const struct options *o, const struct result *r)
{
	for (size_t i = 0; o->many && i < TALLIES; i++)
		printf("%-28s %12llu\n", tally_names[i], (unsigned long long)r->tally.v[i]);
	if (o->many)
		printf("%llu seeds %s in %.1f s: %.0f a minute; trace %016llx\n",
		       (unsigned long long)r->seeds, r->failed ? "run, one FAILED," : "held", r->seconds,
		       r->seconds > 0 ? (double)r->seeds * 60 / r->seconds : 0,
		       (unsigned long long)r->trace);
	if (!o->json)
		return;
	printf("{\"seeds\": %llu, \"failed\": %s, \"seed\": %llu, \"seconds\": %.1f, "
	       "\"trace\": \"%016llx\"", (unsigned long long)r->seeds, r->failed ? "true" : "false",
	       (unsigned long long)r->failed_seed, r->seconds, (unsigned long long)r->trace);
	for (size_t i = 0; i < TALLIES; i++)
		printf(", \"%s\": %llu", tally_names[i], (unsigned long long)r->tally.v[i]);
	printf("}\n");
}

/* Run one mutant in a process of its own, as it may also crash or not end: whether it was caught. */
static bool is_caught(const struct options *o, const char *name)
{
	int status;

	printf("%-24s ", name);
	(void)fflush(stdout);
	const pid_t child = fork();
	if (child < 0)
		return false;
	if (child == 0) {
		struct result r = { .seeds = 0 };
		(void)alarm(MUTANT_SECONDS_MAX);
		mutants_set(name);
		run_all(o, &r);
		if (!r.failed)
			printf("SURVIVED %llu seeds\n", (unsigned long long)r.seeds);
		(void)fflush(stdout);
		_exit(r.failed ? 1 : 0);
	}
	if (waitpid(child, &status, 0) != child)
		return false;
	if (WIFSIGNALED(status))
		printf("ended by signal %d\n", WTERMSIG(status));
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static int run_mutants(const struct options *o)
{
	const char *name;
	size_t caught = 0, all = 0;

	for (; (name = mutants_at(all)) != NULL; all++)
		caught += is_caught(o, name);
	printf("%zu of %zu mutants caught\n", caught, all);
	if (o->json)
		printf("{\"mutants\": %zu, \"mutants_caught\": %zu}\n", all, caught);
	return caught == all ? 0 : 1;
}

/* A or A..B */
static void read_seeds(struct options *o, const char *text)
{
	char *end = NULL;

	o->first = o->last = strtoull(text, &end, 10);
	if (strncmp(end, "..", 2) == 0)
		o->last = strtoull(end + 2, &end, 10);
	o->usage = o->usage || *end || o->last < o->first || end == text;
}

static struct options read_options(int argc, char **argv)
{
	struct options o = { .first = 1, .last = 0 };

	for (int i = 1; i < argc; i++) {
		const bool more = i + 1 < argc;
		o.mutants = o.mutants || strcmp(argv[i], "--mutants") == 0;
		o.many = o.many || strcmp(argv[i], "--seeds") == 0 || o.mutants;
		if (strcmp(argv[i], "--json") == 0)
			o.json = true;
		else if (more && strcmp(argv[i], "--mutant") == 0)
			o.mutant = argv[++i];
		else if (more && (strcmp(argv[i], "--seed") == 0 || strcmp(argv[i], "--seeds") == 0 ||
				  strcmp(argv[i], "--mutants") == 0))
			read_seeds(&o, argv[++i]);
		else
			o.usage = true;
	}
	o.usage = o.usage || o.last < o.first;
	return o;
}

int main(int argc, char **argv)
{
	const struct options o = read_options(argc, argv);
	struct result r = { .seeds = 0 };

	if (o.usage || (o.mutant && !mutants_set(o.mutant))) {
		fprintf(stderr, "sim --seed N | --seeds A..B | --mutants A..B [--mutant NAME] [--json]\n");
		return 2;
	}
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
	if (o.mutants)
		return run_mutants(&o);
	run_all(&o, &r);
	print_result(&o, &r);
	return r.failed ? 1 : 0;
}
