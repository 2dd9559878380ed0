/* SPDX-License-Identifier: Apache-2.0 */
/* dir: the directory of one store, its lock and its mark. */
#include "store/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOCK_NAME "lock"
#define MARK_SIZE 9

/* Of one size, so that one replaces the other within one sector of the disk. */
static const char *const marks[] = { [dir_making] = "creating\n", [dir_ready] = "ready   \n" };

enum err dir_err(int error_number)
{
	switch (error_number) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_NO_SPACE;
	case ENOMEM:
		return ERR_NO_MEMORY;
	default:
		return ERR_IO;
	}
}

static enum err failed(struct fault *fault, const char *what, const char *name)
{
	const int error_number = errno;

	return fault_set(fault, dir_err(error_number), NULL, "cannot %s %s: %s", what, name,
			 strerrordesc_np(error_number));
}

/* Put the name of a directory that was just made on the disk: sync the one that holds it. */
static enum err sync_parent(const char *path, struct fault *fault)
{
	char parent[PATH_MAX];

	(void)snprintf(parent, sizeof(parent), "%s", path);
	char *slash = strrchr(parent, '/');
	if (!slash)
		memcpy(parent, ".", sizeof("."));
	else
		slash[slash == parent] = 0;
	const int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(fault, "open", parent);
	const enum err e = fsync(fd) == 0 ? ERR_OK : failed(fault, "sync", parent);
	(void)close(fd);
	return e;
}

static enum err make_one(const char *path, struct fault *fault)
{
	if (mkdir(path, 0700) == 0)
		return sync_parent(path, fault);
	/* whether what is there is a directory shows when it is opened */
	if (errno == EEXIST || errno == EISDIR)
		return ERR_OK;
	return failed(fault, "make the directory", path);
}

static enum err make_path(const char *path, struct fault *fault)
{
	char part[PATH_MAX];
	struct stat st;
	enum err e = ERR_OK;

	if (stat(path, &st) == 0)
		return ERR_OK;
	const size_t n = strlen(path);
	if (n == 0 || n >= sizeof(part))
		return fault_set(fault, ERR_IO, NULL, "the directory's name is %s",
				 n ? "too long" : "empty");
	memcpy(part, path, n + 1);
	while (n && part[strlen(part) - 1] == '/' && part[1])
		part[strlen(part) - 1] = 0;
	for (char *slash = strchr(part + 1, '/'); slash && !e; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (stat(part, &st) != 0)
			e = make_one(part, fault);
		*slash = '/';
	}
	return e ? e : make_one(part, fault);
}

static enum err read_mark(struct dir *d, struct fault *fault)
{
	char text[MARK_SIZE + 1];
	const ssize_t n = pread(d->lock_fd, text, sizeof(text), 0);

	if (n < 0)
		return failed(fault, "read", LOCK_NAME);
	d->mark = dir_unmarked;
	for (enum dir_mark m = dir_making; n > 0 && m <= dir_ready; m++)
		if (n == MARK_SIZE && memcmp(text, marks[m], MARK_SIZE) == 0)
			d->mark = m;
	/* the very first mark was cut short, as by a full disk: no file was made yet */
	if (n < MARK_SIZE && memcmp(text, marks[dir_making], (size_t)n) == 0)
		return ERR_OK;
	if (n > 0 && d->mark == dir_unmarked)
		return fault_set(fault, ERR_STORE_FOREIGN, NULL,
				 "the file `" LOCK_NAME "` in this directory is not Avow's");
	return ERR_OK;
}

static enum err take_lock(const char *path, struct dir *d, struct fault *fault)
{
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return failed(fault, "open the directory", path);
	d->lock_fd = openat(d->fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (d->lock_fd < 0)
		return failed(fault, "open " LOCK_NAME " in", path);
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return read_mark(d, fault);
	if (errno == EWOULDBLOCK)
		return fault_set(fault, ERR_STORE_LOCKED, NULL, "%s is open elsewhere", path);
	return failed(fault, "lock", path);
}

enum err dir_open(const char *path, struct dir *d, struct fault *fault)
{
	*d = (struct dir){ .fd = -1, .lock_fd = -1 };
	enum err e = make_path(path, fault);
	if (!e)
		e = take_lock(path, d, fault);
	if (e)
		dir_close(d);
	return e;
}

void dir_close(struct dir *d)
{
	if (d->lock_fd >= 0)
		(void)close(d->lock_fd);
	if (d->fd >= 0)
		(void)close(d->fd);
	*d = (struct dir){ .fd = -1, .lock_fd = -1 };
}

enum err dir_set_mark(struct dir *d, enum dir_mark mark, struct fault *fault)
{
	require(mark == dir_making || mark == dir_ready);
	/* the names first: a mark that is on the disk speaks of files that must be there too */
	if (fsync(d->fd) != 0)
		return failed(fault, "sync", "the directory");
	for (size_t at = 0; at < MARK_SIZE;) {
		errno = EIO; /* what a write of nothing means */
		const ssize_t n = pwrite(d->lock_fd, marks[mark] + at, MARK_SIZE - at, (off_t)at);
		if (n <= 0)
			return failed(fault, "write", LOCK_NAME);
		at += (size_t)n;
	}
	if (fsync(d->lock_fd) != 0)
		return failed(fault, "sync", LOCK_NAME);
	d->mark = mark;
	return ERR_OK;
}

enum err dir_size(const struct dir *d, const char *name, uint64_t *size, struct fault *fault)
{
	struct stat st;

	if (fstatat(d->fd, name, &st, 0) == 0) {
		*size = (uint64_t)st.st_size;
		return ERR_OK;
	}
	if (errno == ENOENT)
		return fault_set(fault, ERR_NOT_FOUND, NULL, "%s is missing", name);
	return failed(fault, "look at", name);
}

enum err dir_remove(const struct dir *d, const char *name, struct fault *fault)
{
	if (unlinkat(d->fd, name, 0) == 0 || errno == ENOENT)
		return ERR_OK;
	return failed(fault, "remove", name);
}

enum err dir_reserve(const struct dir *d, const char *name, size_t size, struct fault *fault)
{
	const int fd = openat(d->fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return failed(fault, "open", name);
	errno = posix_fallocate(fd, 0, (off_t)size);
	const enum err e = errno ? failed(fault, "reserve room for", name) : ERR_OK;
	(void)close(fd);
	return e;
}

enum err dir_space(const struct dir *d, uint64_t *bytes)
{
	struct statvfs v;

	if (fstatvfs(d->fd, &v) != 0)
		return dir_err(errno);
	if (__builtin_mul_overflow((uint64_t)v.f_bavail, (uint64_t)v.f_frsize, bytes))
		*bytes = UINT64_MAX;
	return ERR_OK;
}
