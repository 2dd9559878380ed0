/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutant: preloaded into a ledger, it plants one of the mistakes that the proofs of durability must
 * catch. The product itself holds no code for tests.
 *
 * AVOW_MUTANT is nosync (pages are never synced), nometasync (the root page is not), skipsync (every
 * seventh sync is not done), early (a log commit is said to be done, and is done only when the next
 * transaction begins: an acknowledgement before the log commit), mute (each 1,000th message is not
 * sent), twice (each 1,000th is sent twice), blind (the disk seems to have room for ever), scan (the
 * whole store is read before it opens, AVOW_MUTANT_AT microseconds each 256 KiB), leak (each sync loses
 * 512 KiB of memory).
 *
 * No mistakes, but what proofs need: slowsync (a sync takes 50 ms longer), die (the process is killed
 * right after log commit AVOW_MUTANT_AT has returned, before anybody is told), fullmap (a put
 * finds the map full now and then: once soon after each start, and never twice within one log commit).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define NOSYNC 0x10000u
#define NOMETASYNC 0x40000u
#define RDONLY 0x20000u
#define SKIP_EACH 7
#define SLOW_US 50000
#define LEAK_SIZE (512 << 10)
#define FULL_EACH 300000
#define FULL_FIRST 3000
#define SEND_EACH 1000
#define NAME_MAX_SIZE 255
#define SCAN_SIZE (256 << 10)
#define PATH_SIZE 4096
#define MAP_FULL (-30792)

/* LMDB's functions, as far as they are needed; its header belongs to the store */
int mdb_env_open(void *env, const char *path, unsigned flags, unsigned mode);
int mdb_env_get_flags(void *env, unsigned *flags);
int mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn);
int mdb_txn_renew(void *txn);
int mdb_txn_commit(void *txn);
struct value {
	size_t n;
	void *p;
};
int mdb_put(void *txn, unsigned table, struct value *key, struct value *value, unsigned flags);
/* ZeroMQ's */
int zmq_send(void *socket, const void *p, size_t n, int flags);
#define SNDMORE 2

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool is(const char *name)
{
	const char *mutant = getenv("AVOW_MUTANT");

	return mutant && strcmp(mutant, name) == 0;
}

static void scan(const char *path)
{
	static char some[SCAN_SIZE];
	const char *at = getenv("AVOW_MUTANT_AT");
	char name[PATH_SIZE];

	(void)snprintf(name, sizeof(name), "%s/data.mdb", path);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && read(fd, some, sizeof(some)) > 0)
		(void)usleep(at ? (useconds_t)strtoul(at, NULL, 10) : 0);
	(void)close(fd);
}

int mdb_env_open(void *env, const char *path, unsigned flags, unsigned mode)
{
	if (is("scan"))
		scan(path);
	flags |= is("nosync") ? NOSYNC : is("nometasync") ? NOMETASYNC : 0;
	return NEXT(mdb_env_open)(env, path, flags, mode);
}

/* the store checks its flags at start; it shall not see these */
int mdb_env_get_flags(void *env, unsigned *flags)
{
	const int rc = NEXT(mdb_env_get_flags)(env, flags);

	*flags &= ~(NOSYNC | NOMETASYNC);
	return rc;
}

static void lose(void)
{
	static void *volatile lost; /* so that the compiler does not leave it out */

	lost = malloc(LEAK_SIZE);
	if (lost)
		memset(lost, 1, LEAK_SIZE); /* else it takes no memory */
}

int fdatasync(int fd)
{
	static unsigned calls;

	if (is("slowsync"))
		(void)usleep(SLOW_US);
	if (is("leak"))
		lose();
	if (is("skipsync") && ++calls % SKIP_EACH == 0)
		return 0;
	return NEXT(fdatasync)(fd);
}

static void *writing, *late;

static int commit_late(void)
{
	void *txn = late;

	late = NULL;
	return txn ? NEXT(mdb_txn_commit)(txn) : 0;
}

int mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn)
{
	int rc = is("early") ? commit_late() : 0;

	if (!rc)
		rc = NEXT(mdb_txn_begin)(env, parent, flags, txn);
	if (!rc && !(flags & RDONLY))
		writing = *txn;
	return rc;
}

int mdb_txn_renew(void *txn)
{
	const int rc = is("early") ? commit_late() : 0;

	return rc ? rc : NEXT(mdb_txn_renew)(txn);
}

int mdb_txn_commit(void *txn)
{
	/* the first one makes the store */
	static unsigned commits;
	const char *at = getenv("AVOW_MUTANT_AT");

	if (is("early") && txn == writing && ++commits >= 3) {
		writing = NULL;
		late = txn;
		return 0;
	}
	const int rc = NEXT(mdb_txn_commit)(txn);
	if (is("die") && at && txn == writing && ++commits >= strtoul(at, NULL, 10))
		(void)raise(SIGKILL);
	return rc;
}

int fstatvfs(int fd, struct statvfs *v)
{
	const int rc = NEXT(fstatvfs)(fd, v);

	if (rc == 0 && is("blind"))
		v->f_bavail = v->f_bfree = v->f_blocks;
	return rc;
}

int mdb_put(void *txn, unsigned table, struct value *key, struct value *value, unsigned flags)
{
	static unsigned calls;

	if (is("fullmap") && ++calls % FULL_EACH == FULL_FIRST)
		return MAP_FULL;
	return NEXT(mdb_put)(txn, table, key, value, flags);
}

/* An answer goes out as two frames, a name and the message. */
int zmq_send(void *socket, const void *p, size_t n, int flags)
{
	static char name[NAME_MAX_SIZE];
	static size_t name_n;
	static unsigned calls;
	static bool hit;

	if (!is("mute") && !is("twice"))
		return NEXT(zmq_send)(socket, p, n, flags);
	if ((flags & SNDMORE) && n <= sizeof(name)) {
		hit = ++calls % SEND_EACH == 0;
		memcpy(name, p, n);
		name_n = n;
		return hit && is("mute") ? (int)n : NEXT(zmq_send)(socket, p, n, flags);
	}
	if (!hit)
		return NEXT(zmq_send)(socket, p, n, flags);
	hit = false;
	if (is("mute"))
		return (int)n;
	(void)NEXT(zmq_send)(socket, p, n, flags);
	(void)NEXT(zmq_send)(socket, name, name_n, SNDMORE | flags);
	return NEXT(zmq_send)(socket, p, n, flags);
}
