/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_guard: a jump out of LMDB where it follows a damaged page.
 *
 * Signals belong to the process and the place to jump to belongs to the thread, so both lie outside
 * of any struct here. Outside of a guarded call the signals do what they did before.
 */
#include "store/lm_guard.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

#include "store/lm.h"

#define PAGE 4096u

static _Thread_local sigjmp_buf *back; /* of the guarded call that this thread is in, or NULL */
static struct sigaction before_bus, before_segv;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void jump(int signal_number)
{
	if (back)
		siglongjmp(*back, 1);
	/* not ours: the access is made again, and what was there before has its way */
	(void)sigaction(signal_number, signal_number == SIGBUS ? &before_bus : &before_segv, NULL);
}

static void take_signals(void)
{
	struct sigaction a = { .sa_handler = jump, .sa_flags = SA_NODEFER };

	(void)sigemptyset(&a.sa_mask);
	(void)sigaction(SIGBUS, &a, &before_bus);
	(void)sigaction(SIGSEGV, &a, &before_segv);
}

/* LMDB aborts when this returns. */
static void assertion(MDB_env *env, const char *words)
{
	(void)env;
	(void)words;
	if (back)
		siglongjmp(*back, 1);
}

void lm_guard_open(MDB_env *env)
{
	(void)pthread_once(&once, take_signals);
	(void)mdb_env_set_assert(env, assertion);
}

int lm_guard(int (*call)(void *arg), void *arg)
{
	sigjmp_buf here;
	int rc = MDB_CORRUPTED;

	if (sigsetjmp(here, 0) == 0) {
		back = &here;
		rc = call(arg);
	}
	back = NULL;
	return rc;
}

/* ---- calls ---- */

struct arguments {
	MDB_txn *t;
	MDB_cursor *c;
	MDB_dbi table, *table_out;
	MDB_val *key, *value;
	MDB_cursor_op op;
	unsigned flags;
	const char *name;
};

/* Read a byte of each page of it, while that is guarded. */
static void touch(const MDB_val *v)
{
	const volatile char *p = v->mv_data;

	for (size_t at = 0; at < v->mv_size; at += PAGE)
		(void)p[at];
	if (v->mv_size)
		(void)p[v->mv_size - 1];
}

static int get(void *arg)
{
	const struct arguments *a = arg;
	const int rc = mdb_get(a->t, a->table, a->key, a->value);

	if (!rc)
		touch(a->value);
	return rc;
}

static int touch_it(void *arg)
{
	touch(arg);
	return 0;
}

static int find(void *arg)
{
	const struct arguments *a = arg;
	const int rc = mdb_cursor_get(a->c, a->key, a->value, a->op);

	if (!rc)
		touch(a->key);
	return rc;
}

static int seek(void *arg)
{
	const struct arguments *a = arg;
	const int rc = find(arg);

	if (!rc)
		touch(a->value);
	return rc;
}

static int put(void *arg)
{
	const struct arguments *a = arg;

	return mdb_put(a->t, a->table, a->key, a->value, a->flags);
}

static int put_near(void *arg)
{
	const struct arguments *a = arg;

	return mdb_cursor_put(a->c, a->key, a->value, 0);
}

static int table(void *arg)
{
	const struct arguments *a = arg;

	return mdb_dbi_open(a->t, a->name, a->flags, a->table_out);
}

static int commit(void *arg)
{
	const struct arguments *a = arg;

	return mdb_txn_commit(a->t);
}

int lm_guard_get(MDB_txn *t, MDB_dbi dbi, MDB_val *key, MDB_val *value)
{
	return lm_guard(get, &(struct arguments){ .t = t, .table = dbi, .key = key, .value = value });
}

int lm_guard_seek(MDB_cursor *c, MDB_val *key, MDB_val *value, MDB_cursor_op op)
{
	return lm_guard(seek, &(struct arguments){ .c = c, .key = key, .value = value, .op = op });
}

int lm_guard_find(MDB_cursor *c, MDB_val *key, MDB_val *value, MDB_cursor_op op)
{
	return lm_guard(find, &(struct arguments){ .c = c, .key = key, .value = value, .op = op });
}

int lm_guard_touch(MDB_val *value)
{
	return lm_guard(touch_it, value);
}

int lm_guard_put(MDB_txn *t, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags)
{
	return lm_guard(put, &(struct arguments){ .t = t, .table = dbi, .key = key, .value = value,
						  .flags = flags });
}

int lm_guard_put_near(MDB_cursor *c, MDB_val *key, MDB_val *value)
{
	return lm_guard(put_near, &(struct arguments){ .c = c, .key = key, .value = value });
}

int lm_guard_table(MDB_txn *t, const char *name, unsigned flags, MDB_dbi *out)
{
	return lm_guard(table, &(struct arguments){ .t = t, .name = name, .flags = flags,
						    .table_out = out });
}

int lm_guard_commit(MDB_txn *t)
{
	return lm_guard(commit, &(struct arguments){ .t = t });
}

/* ---- for values ---- */

struct look {
	enum err (*call)(void *arg);
	void *arg;
};

static int look(void *arg)
{
	const struct look *x = arg;

	return (int)x->call(x->arg);
}

enum err lm_guarded(enum err (*call)(void *arg), void *arg)
{
	const int rc = lm_guard(look, &(struct look){ call, arg });

	return rc < 0 ? ERR_DAMAGED : (enum err)rc; /* LMDB's own are below 0 */
}
