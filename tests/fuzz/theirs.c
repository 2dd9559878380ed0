/* SPDX-License-Identifier: Apache-2.0 */
/* theirs: what jansson read, in the form of fuzz_json.c. */
#include "tests/fuzz/theirs.h"

#include <jansson.h>

static enum err plain(const json_t *j, struct buf *out);

static enum err plain_text(char mark, const char *p, size_t n, struct buf *out)
{
	const enum err e = buf_printf(out, "%c%zu:", mark, n);

	return e ? e : buf_put(out, p, n);
}

static enum err plain_object(json_t *j, struct buf *out)
{
	enum err e = buf_printf(out, "{%zu", json_object_size(j));

	for (void *at = json_object_iter(j); !e && at; at = json_object_iter_next(j, at)) {
		const char *key = json_object_iter_key(at);
		e = plain_text('k', key, strlen(key), out);
		if (!e)
			e = plain(json_object_iter_value(at), out);
	}
	return e;
}

static enum err plain_array(const json_t *j, struct buf *out)
{
	enum err e = buf_printf(out, "[%zu", json_array_size(j));

	for (size_t i = 0; !e && i < json_array_size(j); i++)
		e = plain(json_array_get(j, i), out);
	return e;
}

static enum err plain(const json_t *j, struct buf *out)
{
	switch (json_typeof(j)) {
	case JSON_NULL:
		return buf_put(out, "n", 1);
	case JSON_FALSE:
		return buf_put(out, "f", 1);
	case JSON_TRUE:
		return buf_put(out, "t", 1);
	case JSON_INTEGER:
		return buf_printf(out, "i%lld", (long long)json_integer_value(j));
	case JSON_REAL:
		return buf_put(out, "r", 1);
	case JSON_STRING:
		return plain_text('"', json_string_value(j), json_string_length(j), out);
	case JSON_ARRAY:
		return plain_array(j, out);
	case JSON_OBJECT:
		return plain_object((json_t *)j, out);
	}
	impossible("every type is handled");
}

bool theirs_plain(struct str text, struct buf *out)
{
	json_t *j = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

	if (j)
		require(plain(j, out) == ERR_OK);
	json_decref(j);
	return j != NULL;
}
