/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident: keeps the mapped pages of a file from piling up in a process's resident size.
 *
 * Pages of a map that were touched count as the process's memory until the kernel takes them back,
 * which it only does in need: a long scan would look like a leak to whoever limits or watches the
 * process. They stay in the page cache, and a later touch is a minor fault, but at several
 * microseconds each these are what a question costs most: so what is looked up all over is never given
 * back. Only for maps that are read and never written through.
 */
#ifndef AVOW_STORE_RESIDENT_H
#define AVOW_STORE_RESIDENT_H

#include <sys/types.h>

#include "proto/base.h"

struct resident {
	dev_t device;
	ino_t inode;
	void *at; /* where the file is mapped; NULL: to be found again */
	size_t size, touched;
	size_t max;    /* bytes that may be brought into reach; 0: what was touched is given back soon */
	size_t warmed; /* up to where resident_warm has come, or how much resident_bring has brought */
	bool whole;    /* all of the file is brought, not some of its pages */
	bool full;     /* more does not fit */
	size_t keep;   /* bytes of the file's end that stay in the page cache: see resident_wrote */
	size_t wrote;  /* up to where those before them were given up */
	size_t read_from; /* from where they were read, one after the other */
};

/*
 * For the maps of this open file. After a scan, or looking up here and there, the process may hold about
 * RESIDENT_SCANNED bytes of its files. Where rows are `looked_up` all over nothing is given back, and up to
 * `max` bytes can be brought into reach: 0 means half of the memory that there is for this process; the
 * kernel takes them back when somebody needs it. ERR_IO
 */
#define RESIDENT_SCANNED ((size_t)64 << 20)
MUST_USE enum err resident_init(struct resident *r, int fd, bool looked_up, size_t max);
/* The map has moved or grown. */
void resident_moved(struct resident *r);
/* Where the file is mapped, and how large; NULL where the system does not tell. */
const char *resident_map(struct resident *r, size_t *size);
/* About so many bytes of the map were touched, anywhere. */
void resident_touch(struct resident *r, size_t bytes);
/*
 * Whether all of a file's first `used` bytes can be brought into reach by resident_warm; if not, what is worth
 * it is brought by resident_bring. One begins anew where the other was at work.
 */
bool resident_fits(struct resident *r, size_t used);
/*
 * Bring the next few MiB of the file into reach, for the idle moments of a service: what was touched
 * beforehand costs no question its first touch. False where all is done, or no more fits.
 */
bool resident_warm(struct resident *r, size_t used);
/*
 * Bring these pages of `size` bytes into reach, those that are in the file. They are read from the disk at
 * once and not with their neighbours, which may be many: see read_ahead_kb of the block device.
 * False: no more fits.
 */
bool resident_bring(struct resident *r, int fd, const uint64_t *pages, size_t n, size_t size);
/* Begin to read these bytes of the map from the disk where they are not in memory, and nothing around them. */
void resident_expect(struct resident *r, int fd, struct str bytes);
/*
 * The file was written up to `used`, or read from here to there. Where rows are not looked up only the newest
 * part of a large file stays in the page cache, a 64th of the memory that there is: the rest, read again by
 * few, would push out what others look up.
 */
void resident_wrote(struct resident *r, int fd, size_t used);
void resident_read(struct resident *r, int fd, size_t from, size_t to);
/* Whether these bytes of the map are in reach, in a file all of which is brought there. */
bool resident_holds(const struct resident *r, struct str bytes);

#endif
