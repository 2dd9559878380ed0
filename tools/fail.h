/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail: errors as people see them on stderr: what happened, its code, where, what to do next.
 */
#ifndef AVOW_TOOLS_FAIL_H
#define AVOW_TOOLS_FAIL_H

#include "proto/err.h"
#include "proto/base.h"

/* Where in a file something is wrong. */
struct place {
	const char *file; /* NULL: nowhere in a file */
	uint64_t line;	  /* from 1 */
	uint64_t column;  /* from 1, in characters; 0: the whole line */
	struct str text;  /* the line itself, without its end; empty: not shown */
};

/*
 * Print a fault, as
 *   avow publish: deals.jsonl:17:24: BAD_AMOUNT (114): amount: `1,25bn USD`: use a point
 *     17 | {"kind": "pay", "amount": "1,25bn USD"}
 *        |                           ^
 *     Write it as 15bn..25bn USD, …
 * `who` is the command's name, `place` may be NULL.
 */
void fail_print(const char *who, const struct fault *fault, const struct place *place);
/* The exit code of an error; 0 for ERR_OK. */
int fail_exit(enum err code);
/*
 * Text for a terminal or a log: control characters, bidi overrides and invalid UTF-8 are shown as
 * \n, \x1b or \u202e; everything else as it is. Appended to out.
 */
MUST_USE enum err text_escape(struct str s, struct buf *out);
/* How many columns a text takes on a terminal (wide characters two, marks none). */
size_t text_width(struct str s);
/* How many bytes the longest beginning of a text has that takes at most so many columns. */
size_t text_prefix(struct str s, size_t columns);
/* One UTF-8 character at p (n bytes left): its length, 0 where it is not valid; code point in *cp. */
size_t utf8_next(const char *p, size_t n, uint32_t *cp);

#endif
