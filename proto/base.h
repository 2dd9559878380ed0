/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: text that borrows, bytes that own, memory for one turn of a loop, and checks.
 *
 * A `str` borrows: whoever stores one says in a comment what keeps the bytes alive.
 * A `buf` owns and has a maximum. An `arena` gives memory that is all taken back at once.
 */
#ifndef AVOW_PROTO_BASE_H
#define AVOW_PROTO_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/err.h"

#define MUST_USE __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Checks, always compiled in: `require` blames the caller, `ensure` blames this function. */
#define require(cond) ((cond) ? (void)0 : check_failed("require", #cond, __FILE__, __LINE__))
#define ensure(cond) ((cond) ? (void)0 : check_failed("ensure", #cond, __FILE__, __LINE__))
#define impossible(why) check_failed("impossible", why, __FILE__, __LINE__)
_Noreturn void check_failed(const char *what, const char *text, const char *file, int line);

/* Bytes that somebody else owns; text is UTF-8 without a terminating zero. */
struct str {
	const char *p;
	size_t n;
};
#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p

/* The same bytes. */
static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
/* The str of a C string; NULL gives an empty one. */
static inline struct str str_of(const char *c)
{
	return (struct str){ c, c ? strlen(c) : 0 };
}
/* Byte order; a prefix sorts before what it begins. */
int str_cmp(struct str a, struct str b);

/* Bytes that this struct owns, up to `max` of them; n <= cap <= max. */
struct buf {
	char *p;
	size_t n, cap, max;
};
/* An empty buffer that may grow to `max` bytes; allocates nothing. */
void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b);
/* Make room for n bytes behind those that are there. ERR_TOO_LARGE beyond max, ERR_NO_MEMORY. */
MUST_USE enum err buf_room(struct buf *b, size_t n);
/*
 * Append n bytes, not set, and give their address (valid until the next append). Errors of
 * buf_room; on error the buffer is as it was. Here, since messages are written a few bytes at a time.
 */
MUST_USE static inline enum err buf_grow(struct buf *b, size_t n, char **out)
{
	if (n > b->cap - b->n) {
		const enum err e = buf_room(b, n);
		if (e)
			return e;
	}
	*out = b->p + b->n;
	b->n += n;
	return ERR_OK;
}
/* Append; errors as buf_grow. */
MUST_USE static inline enum err buf_put(struct buf *b, const void *p, size_t n)
{
	char *to;
	const enum err e = buf_grow(b, n, &to);

	if (!e && n)
		memcpy(to, p, n);
	return e;
}
/* Append formatted text; errors as buf_grow. */
MUST_USE enum err buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* What it holds, borrowed until the next append. */
static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

/*
 * Once, at the start of a service, before it has threads: what is freed stays with the process, up
 * to 32 MiB of it, since to be given it page by page again would cost more than what most turns do
 * with it.
 */
void memory_keep(void);
/* Bytes that this process has allocated and not freed; *held: what it has of the system for them. */
size_t memory_used(size_t *held);
/* Give back to the system what is freed; whoever allocates next pays for it. */
void memory_give_back(void);
/*
 * `n` bytes of zeros straight from the system, each page taken when it is first written; memory_used
 * does not count them. NULL without memory. The caller gives them back with memory_unmap and the same
 * `n`.
 */
void *memory_map(size_t n);
/* Accepts NULL. */
void memory_unmap(void *p, size_t n);
/*
 * A wish that these bytes, of which many will be written, are of huge pages, where the system has some: to be
 * given page after page costs more than most of what is then done with them.
 */
void memory_wish_huge(void *p, size_t n);

/*
 * Memory of many MiB that stays with its owner from one turn to the next, as to be given it anew would cost
 * more than most turns do with it. Pages are taken when they are first written, huge ones where there are.
 */
struct room {
	char *p;
	size_t used, max; /* bytes */
	size_t chunks; /* that are in it now; when the last one goes, all of it is free again */
};
/* ERR_NO_MEMORY */
MUST_USE enum err room_init(struct room *r, size_t max);
/* Takes the pages of so many bytes now, where the system can. */
void room_ready(struct room *r, size_t n);
/* Of one without chunks; accepts one that is all zero. */
void room_fini(struct room *r);

/*
 * Finds the first of n of which a condition does not hold, where it holds of all before it and of none behind:
 *
 *   struct halving h = { .high = n };
 *   while (halving_goes_on(&h))
 *           halving_take(&h, v[h.at] < wanted);
 *
 * Then h.low is its place, n where the condition holds of all.
 */
struct halving {
	size_t low, high, at;
};
static inline bool halving_goes_on(struct halving *h)
{
	h->at = h->low + (h->high - h->low) / 2;
	return h->low < h->high;
}
/* Whether it holds of the one at `at`. */
static inline void halving_take(struct halving *h, bool holds)
{
	if (holds)
		h->low = h->at + 1;
	else
		h->high = h->at;
}

#define CACHE_LINE 64u
/* A hint: begin to bring these bytes into the processor's cache. They need not be there at all. */
static inline void memory_foresee(const char *p, size_t n)
{
	/* a line that they only begin or end in is one of theirs */
	const uintptr_t end = (uintptr_t)p + n;

	for (uintptr_t at = (uintptr_t)p / CACHE_LINE * CACHE_LINE; at < end; at += CACHE_LINE)
		__builtin_prefetch((const void *)at);
}

/*
 * Memory for one turn: allocations live until the next arena_reset or arena_fini.
 * `max` bounds the bytes handed out between two resets. All results are 16-byte aligned.
 */
struct arena {
	struct arena_chunk *first, *at;
	size_t used, max;
	struct room *room; /* where large chunks are put while they fit; NULL: nowhere. It outlives them */
};
#define ARENA_ALIGN 16u
struct arena_chunk {
	struct arena_chunk *next;
	size_t cap, n; /* of bytes; both can be divided by ARENA_ALIGN */
	_Alignas(ARENA_ALIGN) char bytes[];
};
void arena_init(struct arena *a, size_t max);
void arena_fini(struct arena *a);
/* Take everything back; keeps at most 1 MiB of memory for the next turn. */
void arena_reset(struct arena *a);
/* For arena_alloc, where what is at hand is not enough. */
MUST_USE void *arena_alloc_slowly(struct arena *a, size_t n);
/* So many bytes are taken for n, which may be none, as no two results are the same. */
static inline size_t arena_padded(size_t n)
{
	return n ? (n + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
}
/*
 * NULL beyond max or when the system has no memory: the caller returns ERR_NO_MEMORY. Here, since an
 * answer is made of many small things.
 */
MUST_USE static inline void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->at;

	if (!c || n >= c->cap - c->n || n > a->max - a->used)
		return arena_alloc_slowly(a, n);
	void *p = c->bytes + c->n;
	c->n += arena_padded(n);
	a->used += n;
	return p;
}
/* The same, zeroed; NULL also where count * size overflows. */
MUST_USE static inline void *arena_zalloc(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	void *p = arena_alloc(a, n);
	return p ? memset(p, 0, n) : NULL;
}
/* A copy in the arena (with a zero behind it); {NULL, 0} where there is no memory. */
MUST_USE struct str arena_str(struct arena *a, struct str s);
/* Formatted text in the arena; {NULL, 0} where there is no memory. */
MUST_USE struct str arena_printf(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
