/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident: gives mapped pages back to the page cache, by madvise(2).
 *
 * What is touched again and again is touched for nothing the second time, so what was touched only
 * says when to look; how much is mapped stands in /proc/self/statm (proc(5)), for the whole process.
 * Where a file is mapped stands in /proc/self/maps (proc(5)); without it nothing is given back, and
 * nobody learns where the map is.
 */
#include "store/resident.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TOUCHED_MAX ((size_t)16 << 20) /* then it is time to look */
#define WARMED_AT_ONCE ((size_t)4 << 20)
#define GIVEN_UP_AT_ONCE ((size_t)4 << 20)
#define KEEP_MIN ((size_t)64 << 20)
#define LINE_SIZE 512

/* Where a container finds what it may have of the machine's memory: cgroups of version 2, and of 1. */
static const char *const limits[] = {
	"/sys/fs/cgroup/memory.max",
	"/sys/fs/cgroup/memory/memory.limit_in_bytes",
};

/* What memory there is for this process; none where nobody tells. */
static size_t memory_of_ours(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES);
	size_t all = pages > 0 ? (size_t)pages * (size_t)sysconf(_SC_PAGESIZE) : 0, limit;

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		FILE *file = fopen(limits[i], "re");
		if (!file)
			continue;
		/* where there is no limit stands a word, or a number beyond all memory */
		if (fscanf(file, "%zu", &limit) == 1 && limit < all)
			all = limit;
		(void)fclose(file);
	}
	return all;
}

enum err resident_init(struct resident *r, int fd, bool looked_up, size_t max)
{
	const size_t memory = memory_of_ours();
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR_IO;
	*r = (struct resident){ .device = st.st_dev, .inode = st.st_ino, .keep = SIZE_MAX };
	if (looked_up)
		r->max = max ? max : memory / 2 > RESIDENT_SCANNED ? memory / 2 : RESIDENT_SCANNED;
	else
		r->keep = memory / 64 > KEEP_MIN ? memory / 64 : KEEP_MIN;
	return ERR_OK;
}

void resident_moved(struct resident *r)
{
	r->at = NULL;
	r->warmed = 0;
	r->full = false;
}

/* Lines such as `7f0a40000000-7f0a80000000 r--s 00000000 fe:00 1234 /path`. */
static void find(struct resident *r)
{
	char line[LINE_SIZE];
	uintptr_t from, to;
	unsigned major_no, minor_no;
	uintmax_t inode;
	FILE *maps = fopen("/proc/self/maps", "re");

	if (!maps)
		return;
	while (!r->at && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " r--s %*x %x:%x %" SCNuMAX, &from, &to,
			   &major_no, &minor_no, &inode) != 5)
			continue;
		if (inode != r->inode || makedev(major_no, minor_no) != r->device)
			continue;
		r->at = (void *)from;
		r->size = to - from;
	}
	(void)fclose(maps);
}

/* Bytes of files that are mapped and resident; as many as can be where nobody tells. */
static size_t mapped(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	size_t shared;

	if (!statm)
		return SIZE_MAX;
	const int read = fscanf(statm, "%*u %*u %zu", &shared);
	(void)fclose(statm);
	return read == 1 ? shared * (size_t)sysconf(_SC_PAGESIZE) : SIZE_MAX;
}

const char *resident_map(struct resident *r, size_t *size)
{
	if (!r->at)
		find(r);
	*size = r->at ? r->size : 0;
	return r->at;
}

static void give_back(struct resident *r)
{
	if (!r->at)
		find(r);
	/* it only saves memory: where the kernel refuses, nothing is lost */
	if (r->at && mapped() > RESIDENT_SCANNED)
		(void)madvise(r->at, r->size, MADV_DONTNEED);
}

void resident_touch(struct resident *r, size_t bytes)
{
	r->touched += bytes;
	if (r->touched < TOUCHED_MAX || r->max)
		return;
	r->touched = 0;
	give_back(r);
}

/* Under a hypervisor a page that is mapped still costs its first touch. */
static void touch(const char *page)
{
	volatile char seen = *page;

	(void)seen;
}

/* The next n bytes, all of them. */
static void warm_whole(struct resident *r, size_t n)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *from = (char *)r->at + r->warmed;

	/* it only saves time: a kernel before 5.14 refuses, and nothing is lost */
	if (madvise(from, n, MADV_POPULATE_READ) == 0)
		for (size_t i = 0; i < n; i += page)
			touch(from + i);
	r->warmed += n;
}

bool resident_holds(const struct resident *r, struct str bytes)
{
	const char *at = r->at;

	return r->whole && at && bytes.p >= at && bytes.p + bytes.n <= at + r->warmed;
}

bool resident_fits(struct resident *r, size_t used)
{
	const bool whole = used <= r->max / 8 * 7;

	if (whole != r->whole)
		resident_moved(r);
	r->whole = whole;
	return whole;
}

bool resident_warm(struct resident *r, size_t used)
{
	if (!r->at)
		find(r);
	if (!r->at || used > r->size || r->full || used < r->warmed)
		return false;
	const size_t left = used - r->warmed, n = left < WARMED_AT_ONCE ? left : WARMED_AT_ONCE;
	if (n == 0 || (n < WARMED_AT_ONCE && r->warmed))
		return false;
	/* what does not fit would be given back and brought again for ever */
	r->full = mapped() > r->max - WARMED_AT_ONCE;
	if (r->full)
		return false;
	warm_whole(r, n);
	return r->warmed < used;
}

/* The kernel reads so much and no more, and goes on before it is there. */
static void read_soon(int fd, size_t from, size_t n)
{
	/* it only saves time */
	(void)posix_fadvise(fd, (off_t)from, (off_t)n, POSIX_FADV_WILLNEED);
}

bool resident_bring(struct resident *r, int fd, const uint64_t *pages, size_t n, size_t size)
{
	if (!r->at)
		find(r);
	if (!r->at || r->full)
		return false;
	const uint64_t last = r->size / size;
	for (size_t i = 0, run; i < n; i += run) {
		run = 1;
		while (i + run < n && pages[i + run] == pages[i] + run)
			run++;
		read_soon(fd, pages[i] * size, run * size);
	}
	for (size_t i = 0; i < n; i++) {
		if (pages[i] < last)
			touch((const char *)r->at + pages[i] * size);
		r->warmed += size;
	}
	r->full = r->warmed > r->max;
	return !r->full;
}

void resident_expect(struct resident *r, int fd, struct str bytes)
{
	const char *at = r->at;

	if (at && bytes.p >= at && bytes.p + bytes.n <= at + r->size)
		read_soon(fd, (size_t)(bytes.p - at), bytes.n);
}

/* Give up what lies there in the page cache, but for what is in use by a map. */
static void give_up(int fd, size_t from, size_t to)
{
	/* it only saves memory */
	(void)posix_fadvise(fd, (off_t)from, (off_t)(to - from), POSIX_FADV_DONTNEED);
}

void resident_wrote(struct resident *r, int fd, size_t used)
{
	const size_t to = used > r->keep ? used - r->keep : 0;

	/* what others have left there is not ours to judge */
	if (!r->wrote)
		r->wrote = to;
	if (to < r->wrote || to - r->wrote < GIVEN_UP_AT_ONCE)
		return;
	give_up(fd, r->wrote, to);
	r->wrote = to;
}

void resident_read(struct resident *r, int fd, size_t from, size_t to)
{
	if (to > r->wrote)
		return;
	/* not in order, or more than one reads: what was read stays */
	if (from < r->read_from || from - r->read_from > 2 * GIVEN_UP_AT_ONCE)
		r->read_from = from;
	if (to - r->read_from < GIVEN_UP_AT_ONCE)
		return;
	give_up(fd, r->read_from, to);
	r->read_from = to;
}
