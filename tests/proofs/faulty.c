/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faulty: preloaded into a service, it lets the n-th call of one kind fail, once or for ever.
 *
 * FAULT_CALL: pwrite, writev, write, fdatasync, fsync, ftruncate, mmap, open, openat, malloc, calloc,
 * realloc, fstatvfs, posix_fallocate. FAULT_N: which call, from 1. FAULT_FOREVER: all from then on.
 * FAULT_ERRNO: the error's number; 0 lets a write be cut short instead. FAULT_FILE: a file that is
 * made when it happens. FAULT_RETRIED plants the mistake that a failed sync is tried again.
 *
 * Only calls of our own code and of LMDB count: libzmq aborts by design where memory is refused.
 * Writes count only on files, not on pipes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define RANGES_MAX 16

static struct {
	uintptr_t from, to;
} ours[RANGES_MAX];
static size_t nours;
static const char *call, *file;
static long first, error_number;
static bool forever, retried;
static atomic_long calls;

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CALLER ((uintptr_t)__builtin_return_address(0))

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	/* the program itself has no name */
	if (info->dlpi_name[0] != 0 && !strstr(info->dlpi_name, "lmdb"))
		return 0;
	for (size_t i = 0; i < info->dlpi_phnum && nours < RANGES_MAX; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		if (h->p_type != PT_LOAD || !(h->p_flags & PF_X))
			continue;
		ours[nours].from = info->dlpi_addr + h->p_vaddr;
		ours[nours++].to = info->dlpi_addr + h->p_vaddr + h->p_memsz;
	}
	return 0;
}

__attribute__((constructor)) static void begin(void)
{
	const char *n = getenv("FAULT_N"), *number = getenv("FAULT_ERRNO");

	call = getenv("FAULT_CALL");
	file = getenv("FAULT_FILE");
	first = n ? strtol(n, NULL, 10) : 0;
	error_number = number ? strtol(number, NULL, 10) : EIO;
	forever = getenv("FAULT_FOREVER") != NULL;
	retried = getenv("FAULT_RETRIED") != NULL;
	(void)dl_iterate_phdr(look, NULL);
}

/* Whether this call is to fail. */
static bool fails(const char *name, uintptr_t caller)
{
	bool own = false;

	if (!call || strcmp(call, name) != 0)
		return false;
	for (size_t i = 0; i < nours; i++)
		own = own || (caller >= ours[i].from && caller < ours[i].to);
	if (!own)
		return false;
	const long n = atomic_fetch_add(&calls, 1) + 1;
	if (n < first || (n > first && !forever))
		return false;
	const int fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_CREAT | O_WRONLY, 0600);
	(void)syscall(SYS_close, fd);
	errno = (int)error_number;
	return true;
}

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
	if (!fails("pwrite", CALLER))
		return NEXT(pwrite)(fd, p, n, off);
	return error_number ? -1 : NEXT(pwrite)(fd, p, n / 2, off);
}

ssize_t write(int fd, const void *p, size_t n)
{
	if (!is_file(fd) || !fails("write", CALLER))
		return NEXT(write)(fd, p, n);
	return error_number ? -1 : NEXT(write)(fd, p, n / 2);
}

ssize_t writev(int fd, const struct iovec *v, int count)
{
	if (!is_file(fd) || !fails("writev", CALLER))
		return NEXT(writev)(fd, v, count);
	return error_number ? -1 : NEXT(writev)(fd, v, count / 2);
}

int fdatasync(int fd)
{
	if (!fails("fdatasync", CALLER) || retried)
		return NEXT(fdatasync)(fd);
	return -1;
}

int fsync(int fd)
{
	return fails("fsync", CALLER) ? -1 : NEXT(fsync)(fd);
}

int ftruncate(int fd, off_t size)
{
	return fails("ftruncate", CALLER) ? -1 : NEXT(ftruncate)(fd, size);
}

int fstatvfs(int fd, struct statvfs *v)
{
	return fails("fstatvfs", CALLER) ? -1 : NEXT(fstatvfs)(fd, v);
}

int posix_fallocate(int fd, off_t off, off_t n)
{
	return fails("posix_fallocate", CALLER) ? (int)error_number : NEXT(posix_fallocate)(fd, off, n);
}

void *mmap(void *p, size_t n, int protection, int flags, int fd, off_t off)
{
	if (fails("mmap", CALLER))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, p, n, protection, flags, fd, off);
}

int open(const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	const mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails("open", CALLER) ? -1 : NEXT(open)(path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	const mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
	va_end(args);
	return fails("openat", CALLER) ? -1 : NEXT(openat)(at, path, flags, mode);
}

void *malloc(size_t n)
{
	return fails("malloc", CALLER) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails("calloc", CALLER) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails("realloc", CALLER) ? NULL : __libc_realloc(p, n);
}
