/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress: how far long work is, on stderr: on a terminal a bar after half a second, with rate and
 * time left; without one a line every ten seconds.
 */
#ifndef AVOW_TOOLS_PROGRESS_H
#define AVOW_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;	   /* what is counted: "events", "rows" */
	bool terminal, shown;	   /* a bar stands on the line */
	int64_t started_ms, next_ms;
};
/* Start the clock. */
void progress_begin(struct progress *p, const char *what);
/* `count` things are done; of `size` units of work (bytes; 0: not known) `done` are. Cheap. */
void progress_show(struct progress *p, uint64_t count, uint64_t done, uint64_t size);
/* Take the bar away, before anything else is printed and at the end. */
void progress_clear(struct progress *p);

#endif
