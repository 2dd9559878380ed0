/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_place: reads the line again, as a tree that knows where each value begins, and goes down the
 * path in it. Lines that are refused are few, so that this costs nothing where it counts.
 */
#include "tools/json_place.h"

#include <stdlib.h>

#include "proto/json_tree.h"
#include "tools/fail.h"

#define TREE_MAX (64u << 20) /* bytes, for one line */

static uint64_t column_of(struct str line, size_t at)
{
	uint64_t column = 1;

	for (size_t i = 0; i < at && i < line.n; column++) {
		uint32_t cp;
		const size_t n = utf8_next(line.p + i, line.n - i, &cp);
		i += n ? n : 1;
	}
	return column;
}

/* The first step of the path, `name` or `[index]`, taken from json, and the path behind it; or NULL. */
static const struct json *step(const struct json *json, const char **path)
{
	if (**path == '[' && json->type == json_array) {
		char *end;
		unsigned long left = strtoul(*path + 1, &end, 10);
		json = json->first;
		while (json && left--)
			json = json->next;
		*path = end + (*end == ']');
		return json;
	}
	*path += **path == '.';
	const struct str name = { *path, strcspn(*path, ".[") };
	*path += name.n;
	return json->type == json_object ? json_member(json, name) : NULL;
}

uint64_t json_place(struct str line, const char *path)
{
	const struct json *json, *found = NULL;
	struct arena a;
	size_t at;

	arena_init(&a, TREE_MAX);
	const enum err e = json_parse(line, &a, &json, &at, NULL);
	while (!e && *path && (json = step(json, &path)))
		found = json;
	const uint64_t column = e ? column_of(line, at) : found ? column_of(line, found->at) : 0;
	arena_fini(&a);
	return column;
}
