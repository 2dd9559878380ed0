/* SPDX-License-Identifier: Apache-2.0 */
/* json_memory: each piece remembers its size before itself, to be moved when it must grow. */
#include "proto/json_memory.h"

struct piece {
	size_t n;
	_Alignas(16) char bytes[];
};

void *json_memory_take(struct json_memory *m, size_t n)
{
	void *p = arena_alloc(m->arena, n);

	if (!p)
		longjmp(m->full, 1);
	return p;
}

static void *take(void *arg, size_t n)
{
	struct piece *piece = json_memory_take(arg, sizeof(*piece) + n);

	piece->n = n;
	return piece->bytes;
}

static void *grow(void *arg, void *old, size_t n)
{
	char *p = take(arg, n);

	if (old) {
		const size_t had = ((struct piece *)((char *)old - offsetof(struct piece, bytes)))->n;
		memcpy(p, old, had < n ? had : n);
	}
	return p;
}

/* The arena takes back everything at once. */
static void keep(void *arg, void *old)
{
	(void)arg;
	(void)old;
}

yajl_alloc_funcs json_memory_funcs(struct json_memory *m)
{
	return (yajl_alloc_funcs){ .malloc = take, .realloc = grow, .free = keep, .ctx = m };
}
