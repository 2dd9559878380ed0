/* SPDX-License-Identifier: Apache-2.0 */
/* lines: a file or a pipe, line by line, with numbers. */
#ifndef AVOW_TOOLS_LINES_H
#define AVOW_TOOLS_LINES_H

#include "proto/base.h"

#define LINE_MAX_BYTES (1u << 20)

struct lines {
	int fd;
	const char *name;	/* the path, or "-" */
	uint64_t number;	/* of the line returned last, from 1 */
	uint64_t offset, size;	/* bytes handed out; size of a regular file, 0: not known */
	struct buf bytes;	/* read, not yet handed out from `at` on */
	size_t at;
	bool end;
};
/* "-" is stdin. `name` must live as long. ERR_IO. */
MUST_USE enum err lines_open(struct lines *l, const char *name, struct fault *fault);
void lines_close(struct lines *l);
/*
 * The next line, without its end but with `newline` telling whether it had one; borrowed until the
 * next call. *more false: there is none. ERR_IO; ERR_TOO_LARGE: longer than LINE_MAX_BYTES, skipped.
 */
MUST_USE enum err lines_next(struct lines *l, struct str *line, bool *newline, bool *more,
			     struct fault *fault);
/* Whether lines_next would have to wait for somebody to write. */
bool lines_would_wait(const struct lines *l);

#endif
