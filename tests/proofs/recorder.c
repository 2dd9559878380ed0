/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recorder: preloaded into a ledger, it writes down every system call that changes the store's
 * files, and every receipt that is about to be sent, in the order in which they happen.
 *
 * AVOW_RECORD is the trace's file, AVOW_RECORD_DIR the directory of the store. A write is noted
 * before the call and a sync after it, so that what is not surely on the disk counts as not there;
 * a receipt is noted before it leaves.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/proofs/trace.h"

#define FDS_MAX 1024
#define PATH_BYTES_MAX 4096
#define ROW_BYTES_MAX ((size_t)256 << 20)

/* what a descriptor is to us */
enum { fd_other, fd_data, fd_lock, fd_dir };
static struct {
	uint8_t what;
	uint8_t dsync;
} fds[FDS_MAX];
static const char *dir;
static int trace_fd = -1;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

#define NEXT(name) ((__typeof__(&name))next(#name))
static void *next(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

static void put(const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		const long done = syscall(SYS_write, trace_fd, at, n);
		if (done <= 0)
			abort();
		at += done;
		n -= (size_t)done;
	}
}

static void note(enum trace_op op, int file, uint64_t off, const void *bytes, size_t n)
{
	const struct trace_row row = { .op = (uint8_t)op, .file = (uint8_t)file,
				       .len = (uint32_t)n, .off = off };

	if (trace_fd < 0)
		return;
	if (n > ROW_BYTES_MAX)
		abort();
	put(&row, sizeof(row));
	put(bytes, n);
}

/*
 * A process that was killed may have written half a row: what the row tells of had not happened yet,
 * so it goes, or everything behind it could not be read.
 */
static void cut_torn_row(void)
{
	struct trace_row row;
	struct stat st;
	off_t whole = 0;

	if (fstat(trace_fd, &st) != 0)
		abort();
	while (st.st_size - whole >= (off_t)sizeof(row)) {
		if (syscall(SYS_pread64, trace_fd, &row, sizeof(row), whole) != sizeof(row))
			abort();
		if (row.len > st.st_size - whole - (off_t)sizeof(row))
			break;
		whole += (off_t)sizeof(row) + row.len;
	}
	if (syscall(SYS_ftruncate, trace_fd, whole) != 0)
		abort();
}

static void note_file(const char *name)
{
	static char bytes[1 << 16];
	char path[PATH_BYTES_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	const int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);
	struct trace_row row = { .op = trace_begin };
	if (fd >= 0 && fstat(fd, &st) == 0)
		row.len = (uint32_t)st.st_size;
	put(&row, sizeof(row));
	for (size_t left = row.len; left > 0;) {
		const long n = syscall(SYS_read, fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes));
		if (n <= 0)
			abort();
		put(bytes, (size_t)n);
		left -= (size_t)n;
	}
	if (fd >= 0)
		(void)syscall(SYS_close, fd);
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("AVOW_RECORD");

	dir = getenv("AVOW_RECORD_DIR");
	if (!path || !dir)
		return;
	trace_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,
				0600);
	if (trace_fd < 0)
		abort();
	cut_torn_row();
	note_file("data.mdb");
}

/* ---- descriptors ---- */

static int file_of(int fd)
{
	if (trace_fd < 0 || fd < 0 || fd >= FDS_MAX)
		return -1;
	return fds[fd].what == fd_data ? trace_data : fds[fd].what == fd_lock ? trace_lock : -1;
}

static bool is_dir(int fd)
{
	return trace_fd >= 0 && fd >= 0 && fd < FDS_MAX && fds[fd].what == fd_dir;
}

static void opened(int fd, int flags, bool existed)
{
	char link[64], path[PATH_BYTES_MAX];

	if (trace_fd < 0 || fd < 0 || fd >= FDS_MAX)
		return;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	const ssize_t n = readlink(link, path, sizeof(path) - 1);
	const size_t under = strlen(dir);
	fds[fd].what = fd_other;
	if (n < 0)
		return;
	path[n] = 0;
	if (strncmp(path, dir, under) != 0)
		return;
	fds[fd].dsync = (flags & O_DSYNC) != 0;
	if (path[under] == 0)
		fds[fd].what = fd_dir;
	else if (strcmp(path + under, "/data.mdb") == 0)
		fds[fd].what = fd_data;
	else if (strcmp(path + under, "/lock") == 0)
		fds[fd].what = fd_lock;
	else
		return;
	if (fds[fd].what == fd_dir)
		return;
	if (!existed && (flags & O_CREAT))
		note(trace_create, file_of(fd), 0, NULL, 0);
	if (existed && (flags & O_TRUNC))
		note(trace_truncate, file_of(fd), 0, NULL, 0);
}

int open(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	const mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
	va_end(args);
	(void)pthread_mutex_lock(&order);
	const bool existed = access(path, F_OK) == 0;
	const int fd = NEXT(open)(path, flags, mode);
	const int error = errno;
	opened(fd, flags, existed);
	(void)pthread_mutex_unlock(&order);
	errno = error;
	return fd;
}

int openat(int at, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	const mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
	va_end(args);
	(void)pthread_mutex_lock(&order);
	const bool existed = faccessat(at, path, F_OK, 0) == 0;
	const int fd = NEXT(openat)(at, path, flags, mode);
	const int error = errno;
	opened(fd, flags, existed);
	(void)pthread_mutex_unlock(&order);
	errno = error;
	return fd;
}

int close(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd].what = fd_other;
	return NEXT(close)(fd);
}

int unlinkat(int at, const char *path, int flags)
{
	(void)pthread_mutex_lock(&order);
	if (is_dir(at) && (strcmp(path, "data.mdb") == 0 || strcmp(path, "lock") == 0) &&
	    faccessat(at, path, F_OK, 0) == 0)
		note(trace_unlink, path[0] == 'd' ? trace_data : trace_lock, 0, NULL, 0);
	const int rc = NEXT(unlinkat)(at, path, flags);
	(void)pthread_mutex_unlock(&order);
	return rc;
}

/* ---- writes ---- */

static void wrote(int fd, ssize_t n)
{
	if (n >= 0 && fds[fd].dsync)
		note(trace_written, file_of(fd), 0, NULL, 0);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t off)
{
	if (file_of(fd) < 0)
		return NEXT(pwrite)(fd, bytes, n, off);
	(void)pthread_mutex_lock(&order);
	note(trace_write, file_of(fd), (uint64_t)off, bytes, n);
	const ssize_t done = NEXT(pwrite)(fd, bytes, n, off);
	wrote(fd, done);
	(void)pthread_mutex_unlock(&order);
	return done;
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	if (file_of(fd) < 0)
		return NEXT(write)(fd, bytes, n);
	(void)pthread_mutex_lock(&order);
	note(trace_write, file_of(fd), (uint64_t)lseek(fd, 0, SEEK_CUR), bytes, n);
	const ssize_t done = NEXT(write)(fd, bytes, n);
	wrote(fd, done);
	(void)pthread_mutex_unlock(&order);
	return done;
}

static ssize_t vector(int fd, const struct iovec *v, int count, off_t at, bool has_at)
{
	uint64_t off = (uint64_t)(has_at ? at : lseek(fd, 0, SEEK_CUR));

	(void)pthread_mutex_lock(&order);
	for (int i = 0; i < count; i++) {
		note(trace_write, file_of(fd), off, v[i].iov_base, v[i].iov_len);
		off += v[i].iov_len;
	}
	const ssize_t done = has_at ? NEXT(pwritev)(fd, v, count, at) : NEXT(writev)(fd, v, count);
	wrote(fd, done);
	(void)pthread_mutex_unlock(&order);
	return done;
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	return file_of(fd) < 0 ? NEXT(writev)(fd, v, count) : vector(fd, v, count, 0, false);
}

ssize_t pwritev(int fd, const struct iovec *v, int count, off_t off)
{
	return file_of(fd) < 0 ? NEXT(pwritev)(fd, v, count, off) : vector(fd, v, count, off, true);
}

int ftruncate(int fd, off_t size)
{
	(void)pthread_mutex_lock(&order);
	if (file_of(fd) >= 0)
		note(trace_truncate, file_of(fd), (uint64_t)size, NULL, 0);
	const int rc = NEXT(ftruncate)(fd, size);
	(void)pthread_mutex_unlock(&order);
	return rc;
}

/* ---- syncs ---- */

static void synced(int fd)
{
	if (file_of(fd) >= 0)
		note(trace_sync, file_of(fd), 0, NULL, 0);
	else if (is_dir(fd))
		note(trace_names, 0, 0, NULL, 0);
}

int fdatasync(int fd)
{
	(void)pthread_mutex_lock(&order);
	const int rc = NEXT(fdatasync)(fd);
	if (rc == 0)
		synced(fd);
	(void)pthread_mutex_unlock(&order);
	return rc;
}

int fsync(int fd)
{
	(void)pthread_mutex_lock(&order);
	const int rc = NEXT(fsync)(fd);
	if (rc == 0)
		synced(fd);
	(void)pthread_mutex_unlock(&order);
	return rc;
}

int msync(void *p, size_t n, int flags)
{
	note(trace_strange, 0, 0, "msync", 5);
	return NEXT(msync)(p, n, flags);
}

void *mmap(void *p, size_t n, int protection, int flags, int fd, off_t off)
{
	if (file_of(fd) >= 0 && (protection & PROT_WRITE) && (flags & MAP_SHARED))
		note(trace_strange, 0, 0, "a writable map", 14);
	return (void *)syscall(SYS_mmap, p, n, protection, flags, fd, off);
}

/* ---- receipts ---- */

/* The library is the product's own choice: only this name of it is known here. */
int zmq_send(void *socket, const void *bytes, size_t n, int flags);
int zmq_send(void *socket, const void *bytes, size_t n, int flags)
{
	(void)pthread_mutex_lock(&order);
	if (memmem(bytes, n < 64 ? n : 64, "published", 9))
		note(trace_ack, 0, 0, bytes, n);
	(void)pthread_mutex_unlock(&order);
	return NEXT(zmq_send)(socket, bytes, n, flags);
}
