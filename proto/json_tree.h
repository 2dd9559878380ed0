/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree: JSON text (RFC 8259) as a tree in an arena, read by yajl within bounds.
 *
 * Refused are double keys, invalid UTF-8, U+0000, whole numbers beyond 64 bits, nesting beyond
 * JSON_DEPTH_MAX, objects of more than MAP_KEYS_MAX keys, and anything behind the value. Texts without
 * an escape borrow from the text that was parsed.
 */
#ifndef AVOW_PROTO_JSON_TREE_H
#define AVOW_PROTO_JSON_TREE_H

#include "proto/msg.h"

#define JSON_DEPTH_MAX 16u

enum json_type {
	json_null,
	json_false,
	json_true,
	json_integer,
	json_real, /* a point or an exponent: its value is not kept */
	json_text,
	json_array,
	json_object
};
struct json {
	enum json_type type;
	size_t n;	   /* arrays and objects: items, members */
	struct str key;	   /* of a member; else empty */
	struct str text;
	int64_t integer;
	size_t at;	   /* where it begins: bytes before it */
	const struct json *first, *next; /* of the items or members; the next beside this one */
};
/*
 * Parse one value. ERR_BAD_JSON, ERR_BAD_UTF8, ERR_DUPLICATE_KEY, ERR_OVERFLOW, ERR_TOO_DEEP,
 * ERR_TOO_LARGE, ERR_NO_MEMORY; the words of the fault begin with line:column, from 1. On an error
 * *at is the place of it, in bytes; else it is not set.
 */
MUST_USE enum err json_parse(struct str text, struct arena *a, const struct json **out, size_t *at,
			     struct fault *fault);
/* A member by its key, NULL where there is none; json is an object. */
const struct json *json_member(const struct json *json, struct str key);

#endif
