/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_lines: what came through a pipe, with the ids it was given, as a file that can be published
 * again. A pipe cannot be read twice, so whole lines are kept, until all of them are written.
 */
#ifndef AVOW_TOOLS_SPOOL_LINES_H
#define AVOW_TOOLS_SPOOL_LINES_H

#include "proto/msg.h"

struct spool_lines;
/* Make the file. ERR_IO, ERR_NO_MEMORY. */
MUST_USE enum err spool_lines_open(const char *path, struct spool_lines **out, struct fault *fault);
/* Keep a line, a JSON object; `id` (NULL: it has its own) is put into it. ERR_NO_MEMORY. */
MUST_USE enum err spool_lines_add(struct spool_lines *s, struct str line, const struct id *id,
				  struct fault *fault);
/* Write and sync what is new. ERR_IO. */
MUST_USE enum err spool_lines_sync(struct spool_lines *s, struct fault *fault);
const char *spool_lines_path(const struct spool_lines *s);
/* Close, and where nothing of it is needed any more (or it is empty) remove the file. Accepts NULL. */
void spool_lines_close(struct spool_lines *s, bool done);

#endif
