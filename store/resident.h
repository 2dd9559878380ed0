/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident: keeps the mapped pages of a file from piling up in a process's resident size.
 *
 * Pages of a map that were touched count as the process's memory until the kernel takes them back,
 * which it only does in need: a long scan would look like a leak to whoever limits or watches the
 * process. They stay in the page cache, and a later touch is a minor fault, but at several
 * microseconds each these are what a question costs most: so a scan gives back soon, looking things
 * up here and there late. Only for maps that are read and never written through.
 */
#ifndef AVOW_STORE_RESIDENT_H
#define AVOW_STORE_RESIDENT_H

#include <sys/types.h>

#include "proto/base.h"

struct resident {
	dev_t device;
	ino_t inode;
	void *at; /* where the file is mapped; NULL: to be found again */
	size_t size, touched, scanned, max;
	size_t warmed; /* up to where resident_warm has come */
	bool whole, full; /* all of the file is brought; more does not fit */
};

/*
 * For the maps of this open file. After a scan the process may hold about RESIDENT_SCANNED bytes of
 * its files; where rows are looked up all over, as many as half of the machine's memory: the kernel takes
 * them back when somebody needs it. ERR_IO
 */
#define RESIDENT_SCANNED ((size_t)64 << 20)
MUST_USE enum err resident_init(struct resident *r, int fd, bool looked_up);
/* The map has moved or grown. */
void resident_moved(struct resident *r);
/* Where the file is mapped, and how large; NULL where the system does not tell. */
const char *resident_map(struct resident *r, size_t *size);
/* About so many bytes of the map were touched, anywhere. */
void resident_touch(struct resident *r, size_t bytes);
/* About so many bytes were gone through, one row after the other. */
void resident_scan(struct resident *r, size_t bytes);
/*
 * Whether a page is worth it, told by its first bytes; and how many pages from there on belong together,
 * at least 1.
 */
#define RESIDENT_HEAD 16u
typedef bool resident_choice(const char head[RESIDENT_HEAD], size_t *pages);
/*
 * Bring the next few MiB of the file's first `used` bytes into reach, for the idle moments of a service:
 * what was touched beforehand costs no question its first touch. Where the file is too large for `max`,
 * only the pages that are worth it. False where all is done, or no more fits.
 */
bool resident_warm(struct resident *r, int fd, size_t used, resident_choice *choose);
/* Whether these bytes of the map are in reach, in a file all of which is brought there. */
bool resident_holds(const struct resident *r, struct str bytes);

#endif
