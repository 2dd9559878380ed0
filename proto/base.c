/* SPDX-License-Identifier: Apache-2.0 */
/* base: text, buffers, arenas, checks. */
#include "proto/base.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define BUF_FIRST 256u
#ifndef ARENA_CHUNK
#define ARENA_CHUNK ((size_t)64 << 10)
#endif
#define ARENA_KEEP ((size_t)1 << 20)
#define ARENA_CHUNK_MAX ((size_t)8 << 20)
#define HUGE_PAGE ((size_t)2 << 20)

void check_failed(const char *what, const char *text, const char *file, int line)
{
	fprintf(stderr, "avow: %s:%d: %s failed: %s\n", file, line, what, text);
	abort();
}

int str_cmp(struct str a, struct str b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	const int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

/* ---- buf ---- */

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_clear(struct buf *b)
{
	b->n = 0;
}

enum err buf_room(struct buf *b, size_t n)
{
	ensure(b->n <= b->cap && b->cap <= b->max);
	if (n > b->max - b->n)
		return ERR_TOO_LARGE;
	if (n <= b->cap - b->n)
		return ERR_OK;
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < b->n + n)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	char *p = realloc(b->p, cap);
	if (!p)
		return ERR_NO_MEMORY;
	b->p = p;
	b->cap = cap;
	return ERR_OK;
}

enum err buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;
	char *to;

	va_start(args, format);
	va_copy(again, args);
	const int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	ensure(n >= 0);
	/* vsnprintf writes a zero behind the text: make room for it, then leave it out */
	const enum err e = buf_grow(b, (size_t)n + 1, &to);
	if (!e) {
		(void)vsnprintf(to, (size_t)n + 1, format, again);
		b->n--;
	}
	va_end(again);
	return e;
}

/* ---- memory of the process ---- */

#define MEMORY_KEPT (32 << 20)

void memory_keep(void)
{
	/* glibc refuses only what it has no name for */
	(void)mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	/* where something else allocates, as under ASan, glibc sets itself up when first asked */
	(void)mallinfo2();
}

size_t memory_used(size_t *held)
{
	const struct mallinfo2 m = mallinfo2();

	*held = m.arena + m.hblkhd;
	return m.uordblks + m.hblkhd;
}

void memory_give_back(void)
{
	(void)malloc_trim(0);
}

void *memory_map(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void memory_unmap(void *p, size_t n)
{
	if (p)
		require(munmap(p, n) == 0);
}

void memory_wish_huge(void *p, size_t n)
{
	(void)madvise(p, n, MADV_HUGEPAGE);
}

/* ---- room ---- */

enum err room_init(struct room *r, size_t max)
{
	*r = (struct room){ .p = memory_map(max), .max = max };
	if (!r->p)
		return ERR_NO_MEMORY;
	memory_wish_huge(r->p, max);
	return ERR_OK;
}

void room_ready(struct room *r, size_t n)
{
	(void)madvise(r->p, n < r->max ? n : r->max, MADV_POPULATE_WRITE); /* a wish */
}

void room_fini(struct room *r)
{
	require(r->chunks == 0);
	memory_unmap(r->p, r->max);
	*r = (struct room){ 0 };
}

/* NULL: it does not fit. */
static void *room_take(struct room *r, size_t n)
{
	if (!r || n > r->max - r->used)
		return NULL;
	void *p = r->p + r->used;
	r->used += n;
	r->chunks++;
	return p;
}

/* False: it is none of this room. */
static bool room_give_back(struct room *r, const void *p)
{
	if (!r || (uintptr_t)p < (uintptr_t)r->p || (uintptr_t)p >= (uintptr_t)r->p + r->max)
		return false;
	if (--r->chunks == 0)
		r->used = 0;
	return true;
}

/* ---- arena ---- */

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

static void free_from(struct arena *a, struct arena_chunk *c)
{
	while (c) {
		struct arena_chunk *next = c->next;
		if (!room_give_back(a->room, c))
			free(c);
		c = next;
	}
}

void arena_fini(struct arena *a)
{
	free_from(a, a->first);
	*a = (struct arena){ .max = a->max, .room = a->room };
}

void arena_reset(struct arena *a)
{
	size_t kept = 0;
	struct arena_chunk **link = &a->first;

	while (*link && kept + (*link)->cap <= ARENA_KEEP) {
		kept += (*link)->cap;
		(*link)->n = 0;
		link = &(*link)->next;
	}
	free_from(a, *link);
	*link = NULL;
	a->at = a->first;
	a->used = 0;
}

/* A chunk of many pages takes huge ones. */
static struct arena_chunk *chunk_new(struct room *room, size_t cap)
{
	const size_t size = sizeof(struct arena_chunk) + cap;

	if (cap < 2 * HUGE_PAGE || size > SIZE_MAX - HUGE_PAGE)
		return malloc(size);
	const size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	struct arena_chunk *c = room_take(room, size);
	if (c)
		return c;
	c = aligned_alloc(HUGE_PAGE, whole);
	if (c)
		memory_wish_huge(c, whole);
	return c;
}

/* Beyond what is kept as much as is in use already: what takes many MiB takes few chunks, of huge pages. */
static size_t chunk_size(const struct arena *a)
{
	if (a->used < ARENA_KEEP)
		return ARENA_CHUNK;
	return a->used < ARENA_CHUNK_MAX ? a->used / ARENA_ALIGN * ARENA_ALIGN : ARENA_CHUNK_MAX;
}

/* The chunk with room for n bytes: the one in use, one kept behind it, or a new one. */
static struct arena_chunk *chunk_for(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->at;

	while (c && c->cap - c->n < n && c->next)
		c = c->next;
	if (!c || c->cap - c->n < n) {
		const size_t cap = n > chunk_size(a) ? n : chunk_size(a);
		struct arena_chunk *fresh = chunk_new(a->room, cap);
		if (!fresh)
			return NULL;
		*fresh = (struct arena_chunk){ .cap = cap };
		if (c)
			c->next = fresh;
		else
			a->first = fresh;
		c = fresh;
	}
	a->at = c;
	return c;
}

void *arena_alloc_slowly(struct arena *a, size_t n)
{
	if (n > a->max || a->used > a->max - n)
		return NULL;
	const size_t padded = arena_padded(n);
	if (padded < n)
		return NULL;
	struct arena_chunk *c = chunk_for(a, padded);
	if (!c)
		return NULL;
	void *p = c->bytes + c->n;
	c->n += padded;
	a->used += n;
	return p;
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (!p)
		return (struct str){ 0 };
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return (struct str){ p, s.n };
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	const int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	ensure(n >= 0);
	char *p = arena_alloc(a, (size_t)n + 1);
	if (p)
		(void)vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	return (struct str){ p, p ? (size_t)n : 0 };
}
