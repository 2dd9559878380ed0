/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz: what the targets share. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES 3
#define DIR_SIZE 64

/* ---- bytes ---- */

unsigned fuzz_byte(struct str *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return (unsigned char)*s->p++;
}

struct str fuzz_cut(struct str *s, char separator)
{
	const char *end = s->n ? memchr(s->p, separator, s->n) : NULL;
	const struct str piece = { s->p, end ? (size_t)(end - s->p) : s->n };

	s->p += piece.n + (end != NULL);
	s->n -= piece.n + (end != NULL);
	return piece;
}

char *fuzz_copy(struct str s)
{
	char *copy = malloc(s.n ? s.n : 1);

	require(copy);
	if (s.n)
		memcpy(copy, s.p, s.n);
	return copy;
}

char *fuzz_text(struct str s)
{
	char *copy = malloc(s.n + 1);

	require(copy);
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = 0;
	return copy;
}

void fuzz_refused(enum err e, const struct fault *fault)
{
	const struct head head = { .v = PROTO_VERSION, .type = MSG_error };
	struct error error, back;
	struct buf wire;

	require(e && fault->code == e);
	buf_init(&wire, MSG_BYTES_MAX);
	error_from_fault(fault, &error);
	require(msg_encode(&shape_error, &head, &error, &wire) == ERR_OK);
	require(msg_decode(&shape_error, buf_str(&wire), NULL, &back, NULL) == ERR_OK);
	require(back.code == (uint64_t)e && back.text.n);
	buf_fini(&wire);
}

/* ---- files ---- */

int fuzz_file(struct str bytes, char path[FUZZ_PATH_SIZE])
{
	const int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fd >= 0);
	require(write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
	(void)snprintf(path, FUZZ_PATH_SIZE, "/proc/self/fd/%d", fd);
	return fd;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	return at->level ? remove(path) : 0;
}

void fuzz_dir_empty(const char *dir)
{
	require(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static char directory[DIR_SIZE];
static pid_t directory_of;

static void remove_directory(void)
{
	if (directory_of != getpid())
		return; /* a fork of who made it */
	fuzz_dir_empty(directory);
	(void)rmdir(directory);
}

const char *fuzz_dir(void)
{
	if (directory[0])
		return directory;
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	(void)snprintf(directory, sizeof(directory), "%s/avow-fuzz-XXXXXX", base);
	require(mkdtemp(directory));
	directory_of = getpid();
	require(atexit(remove_directory) == 0);
	return directory;
}

/* ---- messages ---- */

bool fuzz_message(struct str *input, struct fuzz_message *out)
{
	if (input->n < 3)
		return false;
	const unsigned who = fuzz_byte(input), high = fuzz_byte(input), low = fuzz_byte(input);
	const size_t said = high << 8 | low;

	out->who = who;
	out->from = (struct peer){ .n = 5, .name = { who & FUZZ_NAMED ? 'x' : 0, 0, 0, 0, who & 3 } };
	out->n = said < input->n ? said : input->n;
	out->bytes = fuzz_copy((struct str){ input->p, out->n });
	input->p += out->n;
	input->n -= out->n;
	return true;
}

/* ---- answers ---- */

/* Well-formed, of a type that is no request, and the very bytes that encoding gives. */
static void look(struct fuzz_answers *a, struct str wire, struct head *head)
{
	struct fault fault;

	fault_init(&fault);
	arena_reset(&a->arena);
	require(wire.n <= MSG_BYTES_MAX);
	require(msg_peek(wire, head, &fault) == ERR_OK);
	const struct shape *shape = shape_of(head->type);
	void *msg = arena_zalloc(&a->arena, 1, shape->size);
	require(msg);
	require(msg_decode(shape, wire, &a->arena, msg, &fault) == ERR_OK);
	buf_clear(&a->again);
	require(msg_encode(shape, head, msg, &a->again) == ERR_OK);
	require(str_eq(buf_str(&a->again), wire));
}

static enum err to_people(void *arg, const struct peer *to, struct str wire)
{
	struct fuzz_answers *a = arg;
	struct head head;

	require(to && to->n == 5);
	look(a, wire, &head);
	require(shape_of(head.type)->answer == NULL);
	a->n++;
	a->of_peer[to->name[4] & 3]++;
	return ERR_OK;
}

static enum err to_others(void *arg, const struct peer *to, struct str wire)
{
	struct head head;

	require(to == NULL);
	look(arg, wire, &head);
	return ERR_OK;
}

void fuzz_answers_init(struct fuzz_answers *a)
{
	*a = (struct fuzz_answers){ 0 };
	arena_init(&a->arena, FUZZ_ARENA_MAX);
	buf_init(&a->again, MSG_BYTES_MAX);
}

void fuzz_answers_fini(struct fuzz_answers *a)
{
	arena_fini(&a->arena);
	buf_fini(&a->again);
}

struct outlet fuzz_answers_outlet(struct fuzz_answers *a)
{
	return (struct outlet){ .send = to_people, .arg = a };
}

struct outlet fuzz_outlet(struct fuzz_answers *a)
{
	return (struct outlet){ .send = to_others, .arg = a };
}

/* ---- time ---- */

#ifdef AVOW_FUZZ
static int64_t cpu_us(void)
{
	struct timespec t;

	require(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}
#else
static int64_t cpu_us(void)
{
	return 0;
}
#endif

void fuzz_clock_start(struct fuzz_clock *c)
{
	c->begun_us = cpu_us();
}

void fuzz_clock_stop(struct fuzz_clock *c)
{
	const int64_t took_us = cpu_us() - c->begun_us;

	if (took_us > c->worst_us)
		c->worst_us = took_us;
}

void fuzz_within(void (*run)(struct str input, struct fuzz_clock *c), struct str input)
{
	struct fuzz_clock c;

	for (int i = 0; i < TRIES; i++) {
		c = (struct fuzz_clock){ 0 };
		run(input, &c);
		if (c.worst_us <= FUZZ_CPU_MAX_US)
			return;
	}
	fprintf(stderr, "a message took %lld us of CPU\n", (long long)c.worst_us);
	impossible("a message costs at most 10 ms");
}
