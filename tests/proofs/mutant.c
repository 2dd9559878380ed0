/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mutant: preloaded into a ledger, it plants one of the mistakes that the proofs of durability must
 * catch. The product itself holds no code for tests.
 *
 * AVOW_MUTANT is nosync (pages are never synced), nometasync (the root page is not), skipsync (every
 * seventh sync is not done), early (a log commit is said to be done, and is done only when the next
 * transaction begins: an acknowledgement before the log commit), slowsync (a sync takes 50 ms longer:
 * no mistake, but what P7 needs).
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOSYNC 0x10000u
#define NOMETASYNC 0x40000u
#define RDONLY 0x20000u
#define SKIP_EACH 7
#define SLOW_US 50000

/* LMDB's functions, as far as they are needed; its header belongs to the store */
int mdb_env_open(void *env, const char *path, unsigned flags, unsigned mode);
int mdb_env_get_flags(void *env, unsigned *flags);
int mdb_txn_begin(void *env, void *parent, unsigned flags, void **txn);
int mdb_txn_renew(void *txn);
int mdb_txn_commit(void *txn);

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool is(const char *name)
{
	const char *mutant = getenv("AVOW_MUTANT");

	return mutant && strcmp(mutant, name) == 0;
}

int mdb_env_open(void *env, const char *path, unsigned flags, unsigned mode)
{
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

int fdatasync(int fd)
{
	static unsigned calls;

	if (is("slowsync"))
		(void)usleep(SLOW_US);
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

	if (!is("early") || txn != writing || ++commits < 3)
		return NEXT(mdb_txn_commit)(txn);
	writing = NULL;
	late = txn;
	return 0;
}
