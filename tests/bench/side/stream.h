/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: one connection of a load, over TCP on loopback or a unix socket: what came and was not
 * taken yet, and what is to go. Whatever fails ends the program with words on stderr.
 */
#ifndef AVOW_TESTS_SIDE_STREAM_H
#define AVOW_TESTS_SIDE_STREAM_H

#include "proto/base.h"

#define STREAM_BYTES_MAX ((size_t)256 << 20)

struct stream {
	int fd;
	struct buf in, out;
	size_t taken, sent; /* how much of each is done with */
};

/* Connect to HOST:PORT or to the unix socket at /PATH, and wait until it stands. */
void stream_open(struct stream *s, const char *address);
void stream_close(struct stream *s);
/* What came and was not taken yet; valid until the next fill. */
struct str stream_here(const struct stream *s);
/* n bytes of it are done with. */
void stream_take(struct stream *s, size_t n);
/* Read what is there now, without waiting. */
void stream_fill(struct stream *s);
/* Write what can be written now; true: nothing is left. */
bool stream_flush(struct stream *s);
/* The same, waiting: until something came; until all is written. */
void stream_await(struct stream *s);
void stream_flush_all(struct stream *s);
/* Append to what is to go. */
void stream_put(struct stream *s, const void *p, size_t n);

_Noreturn void stream_give_up(const char *what, struct str said);

#endif
