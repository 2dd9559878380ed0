/* SPDX-License-Identifier: Apache-2.0 */
/* failing: what the linker puts in place of the functions that can fail (--wrap); see failing.h. */
#include "tests/unit/failing.h"

#include <errno.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

static enum failing counted;
static unsigned long left; /* until the one that fails, which is 1; 0: none will */
static bool counting, resting, reached;

void failing_begin(enum failing kind, unsigned long n)
{
	counted = kind;
	left = n;
	counting = true;
	reached = false;
}

bool failing_end(void)
{
	counting = false;
	return reached;
}

void failing_rest(bool rest)
{
	resting = rest;
}

bool failing_now(enum failing kind)
{
	if (!counting || resting || kind != counted || left == 0 || --left > 0)
		return false;
	reached = true;
	return true;
}

/*
 * REPLACE(kind, type, name, parameters, arguments, failure): where the call is the one that fails, it
 * comes to `failure`, an expression.
 */
#define REPLACE(kind, type, name, parameters, arguments, failure)                                  \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return failing_now(failing_##kind) ? (failure) : __real_##name arguments;          \
	}

/* ---- memory ---- */

REPLACE(memory, void *, malloc, (size_t n), (n), NULL)
REPLACE(memory, void *, calloc, (size_t n, size_t size), (n, size), NULL)
REPLACE(memory, void *, realloc, (void *p, size_t n), (p, n), NULL)
REPLACE(memory, void *, aligned_alloc, (size_t align, size_t n), (align, n), NULL)

/* ---- files ---- */

#define FAILED (errno = EIO, -1)
REPLACE(files, int, fstat, (int fd, struct stat *st), (fd, st), FAILED)
REPLACE(files, int, fstatvfs, (int fd, struct statvfs *v), (fd, v), FAILED)
REPLACE(files, int, fsync, (int fd), (fd), FAILED)
REPLACE(files, int, ftruncate, (int fd, off_t size), (fd, size), FAILED)
REPLACE(files, int, mkdir, (const char *path, mode_t mode), (path, mode), FAILED)
REPLACE(files, int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags), FAILED)
REPLACE(files, int, flock, (int fd, int how), (fd, how), FAILED)
REPLACE(files, int, posix_fallocate, (int fd, off_t at, off_t n), (fd, at, n), EIO)
REPLACE(files, ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), FAILED)
REPLACE(files, ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), FAILED)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	const mode_t mode = va_arg(more, mode_t); /* looked at only where one was given */
	va_end(more);
	return failing_now(failing_files) ? FAILED : __real_open(path, flags, mode);
}

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...)
{
	va_list more;

	va_start(more, flags);
	const mode_t mode = va_arg(more, mode_t);
	va_end(more);
	return failing_now(failing_files) ? FAILED : __real_openat(fd, path, flags, mode);
}

/* ---- LMDB ---- */

REPLACE(lmdb, int, mdb_env_create, (MDB_env **env), (env), ENOMEM)
REPLACE(lmdb, int, mdb_env_set_userctx, (MDB_env *env, void *p), (env, p), EINVAL)
REPLACE(lmdb, int, mdb_env_set_maxdbs, (MDB_env *env, MDB_dbi n), (env, n), EINVAL)
REPLACE(lmdb, int, mdb_env_set_mapsize, (MDB_env *env, size_t n), (env, n), EINVAL)
REPLACE(lmdb, int, mdb_env_open, (MDB_env *env, const char *path, unsigned flags, mdb_mode_t mode),
	(env, path, flags, mode), EIO)
REPLACE(lmdb, int, mdb_env_get_fd, (MDB_env *env, mdb_filehandle_t *fd), (env, fd), EINVAL)
REPLACE(lmdb, int, mdb_env_info, (MDB_env *env, MDB_envinfo *info), (env, info), EINVAL)
REPLACE(lmdb, int, mdb_env_stat, (MDB_env *env, MDB_stat *stat), (env, stat), EINVAL)
REPLACE(lmdb, int, mdb_reader_check, (MDB_env *env, int *dead), (env, dead), EIO)
REPLACE(lmdb, int, mdb_txn_begin, (MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **t),
	(env, parent, flags, t), EIO)
REPLACE(lmdb, int, mdb_txn_renew, (MDB_txn *t), (t), EIO)
REPLACE(lmdb, int, mdb_txn_commit, (MDB_txn *t), (t), (mdb_txn_abort(t), EIO))
REPLACE(lmdb, int, mdb_dbi_open, (MDB_txn *t, const char *name, unsigned flags, MDB_dbi *dbi),
	(t, name, flags, dbi), EIO)
REPLACE(lmdb, int, mdb_stat, (MDB_txn *t, MDB_dbi dbi, MDB_stat *stat), (t, dbi, stat), EINVAL)
REPLACE(lmdb, int, mdb_get, (MDB_txn *t, MDB_dbi dbi, MDB_val *key, MDB_val *value),
	(t, dbi, key, value), MDB_PAGE_NOTFOUND)
REPLACE(lmdb, int, mdb_put, (MDB_txn *t, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned flags),
	(t, dbi, key, value, flags), EIO)
REPLACE(lmdb, int, mdb_cursor_open, (MDB_txn *t, MDB_dbi dbi, MDB_cursor **c), (t, dbi, c), ENOMEM)
REPLACE(lmdb, int, mdb_cursor_get, (MDB_cursor *c, MDB_val *key, MDB_val *value, MDB_cursor_op op),
	(c, key, value, op), MDB_PAGE_NOTFOUND)
