/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool: the ids given to lines that came without one, on disk before they are sent, so that the
 * same file published again after a crash gets the same ids.
 *
 * A line is known by its text and by how many lines of the same text came before it in its file: a
 * file that was mended or grew keeps the ids of its other lines. One spool a file, in D/spool.
 */
#ifndef AVOW_TOOLS_SPOOL_H
#define AVOW_TOOLS_SPOOL_H

#include "proto/msg.h"

struct spool;
/*
 * Open, or make, the spool at `path`, reading what it holds; another process that has it open is
 * waited for no longer than it takes to say ERR_STORE_LOCKED. ERR_IO, ERR_NO_MEMORY.
 */
MUST_USE enum err spool_open(const char *path, struct spool **out, struct fault *fault);
/* Close; the file goes where it holds no id. Accepts NULL. */
void spool_close(struct spool *s);
/*
 * The id of a line: the one that it got before, or else `fresh`, which spool_sync must put on disk
 * before it is used. ERR_NO_MEMORY.
 */
MUST_USE enum err spool_id(struct spool *s, struct str line, const struct id *fresh, struct id *id,
			   struct fault *fault);
/* Write and sync what is new. ERR_IO. */
MUST_USE enum err spool_sync(struct spool *s, struct fault *fault);
const char *spool_path(const struct spool *s);

#endif
