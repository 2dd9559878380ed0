/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dir: the directory of one store: made, locked against a second opener, and marked when complete.
 *
 * Our own file `lock` in it holds a flock while the store is open. What stands in the file tells a
 * store that was never finished (its making was cut short: nothing can be in it) from one that was,
 * whose data must therefore be there.
 */
#ifndef AVOW_STORE_DIR_H
#define AVOW_STORE_DIR_H

#include "proto/base.h"

enum dir_mark {
	dir_unmarked, /* nobody has said anything: a new directory, or files from elsewhere */
	dir_making,   /* a store is being made; when found at opening, that was interrupted */
	dir_ready     /* a store was completely made */
};
struct dir {
	int fd, lock_fd;
	enum dir_mark mark; /* as found, then as set */
};

/*
 * Make the directory (and those above it) where there is none, and lock it.
 * ERR_STORE_LOCKED: another opener has it, in this process or another. ERR_STORE_FOREIGN: `lock` is
 * not ours. ERR_NO_SPACE, ERR_IO. On error `d` needs no closing.
 */
MUST_USE enum err dir_open(const char *path, struct dir *d, struct fault *fault);
/* Unlock. */
void dir_close(struct dir *d);
/* Set the mark; when this returns ERR_OK it and all names in the directory are on the disk. */
MUST_USE enum err dir_set_mark(struct dir *d, enum dir_mark mark, struct fault *fault);
/* Size of a file in the directory; ERR_NOT_FOUND. */
MUST_USE enum err dir_size(const struct dir *d, const char *name, uint64_t *size,
			   struct fault *fault);
/* Remove a file; it is no error where there is none. */
MUST_USE enum err dir_remove(const struct dir *d, const char *name, struct fault *fault);
/* Make sure that a file of at least `size` bytes is there, with its blocks on the disk reserved. */
MUST_USE enum err dir_reserve(const struct dir *d, const char *name, size_t size,
			      struct fault *fault);
/* Bytes that we may still write to this file system. */
MUST_USE enum err dir_space(const struct dir *d, uint64_t *bytes);
/* Which of our errors an errno is. */
enum err dir_err(int error_number);

#endif
