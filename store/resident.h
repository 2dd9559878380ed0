/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resident: keeps the mapped pages of a file from piling up in a process's resident size.
 *
 * Pages of a map that were touched count as the process's memory until the kernel takes them back,
 * which it only does in need: a long scan would look like a leak to whoever limits or watches the
 * process. Giving them back costs little: they stay in the page cache, and a later touch is a minor
 * fault. Only for maps that are read and never written through.
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
};

/* For the maps of this open file. ERR_IO */
MUST_USE enum err resident_init(struct resident *r, int fd);
/* The map has moved or grown. */
void resident_moved(struct resident *r);
/* About so many bytes of the map were touched; now and then this gives all its pages back. */
void resident_touch(struct resident *r, size_t bytes);

#endif
