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

#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TOUCHED_MAX ((size_t)16 << 20) /* then it is time to look */
#define WARMED_AT_ONCE ((size_t)4 << 20)
#define TOUCHED_AT_ONCE 128u /* pages: some milliseconds */
#define LINE_SIZE 512

/* Of the machine's memory. */
static size_t half_of_memory(void)
{
	const long pages = sysconf(_SC_PHYS_PAGES);

	return pages > 0 ? (size_t)pages / 2 * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

enum err resident_init(struct resident *r, int fd, bool looked_up)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR_IO;
	*r = (struct resident){ .device = st.st_dev, .inode = st.st_ino, .max = RESIDENT_SCANNED };
	if (looked_up && half_of_memory() > RESIDENT_SCANNED)
		r->max = half_of_memory();
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
	if (r->at)
		(void)madvise(r->at, r->size, MADV_DONTNEED);
	r->warmed = 0;
	r->full = true;
}

void resident_touch(struct resident *r, size_t bytes)
{
	r->touched += bytes;
	if (r->touched < TOUCHED_MAX)
		return;
	r->touched = 0;
	if (mapped() > r->max)
		give_back(r);
}

void resident_scan(struct resident *r, size_t bytes)
{
	r->scanned += bytes;
	if (r->scanned < TOUCHED_MAX)
		return;
	r->scanned = 0;
	if (mapped() > RESIDENT_SCANNED)
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

/* Go on from where it came, as far as one call goes. False: the file could not be read. */
static bool warm_some(struct resident *r, int fd, size_t end, resident_choice *choose)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char head[RESIDENT_HEAD];
	size_t pages;

	for (size_t touched = 0; r->warmed < end && touched < TOUCHED_AT_ONCE;) {
		if (pread(fd, head, sizeof(head), (off_t)r->warmed) != (ssize_t)sizeof(head))
			return false;
		if (choose(head, &pages)) {
			touch((const char *)r->at + r->warmed);
			touched++;
		}
		r->warmed += pages * page;
	}
	return true;
}

bool resident_holds(const struct resident *r, struct str bytes)
{
	const char *at = r->at;

	return r->whole && at && bytes.p >= at && bytes.p + bytes.n <= at + r->warmed;
}

bool resident_warm(struct resident *r, int fd, size_t used, resident_choice *choose)
{
	if (!r->at)
		find(r);
	const bool whole = used <= r->max / 8 * 7;
	if (r->whole && !whole) {
		give_back(r);
		r->full = false;
	}
	r->whole = whole;
	if (!r->at || used > r->size || r->full || used < r->warmed)
		return false;
	const size_t left = used - r->warmed, n = left < WARMED_AT_ONCE ? left : WARMED_AT_ONCE;
	if (n == 0 || (n < WARMED_AT_ONCE && r->warmed))
		return false;
	/* what does not fit would be given back and brought again for ever */
	r->full = mapped() > r->max - WARMED_AT_ONCE;
	if (r->full)
		return false;
	if (whole)
		warm_whole(r, n);
	else
		r->full = !warm_some(r, fd, r->warmed + n, choose);
	if (r->warmed > used)
		r->warmed = used;
	return !r->full && r->warmed < used;
}
