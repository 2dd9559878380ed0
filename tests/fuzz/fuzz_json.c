/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text as a tree, against jansson: what we take jansson takes as well, with the same value; what
 * only jansson takes is beyond one of our limits, or has a byte 0 behind it, where jansson stops.
 */
#include "proto/json_tree.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/theirs.h"

/*
 * The plain form in which both are compared: n, f, t, i and a number, r (no value is kept), a quote
 * and a text with its length, [ and {, each with a count, k before a key.
 */
static enum err plain_text(char mark, struct str s, struct buf *out)
{
	const enum err e = buf_printf(out, "%c%zu:", mark, s.n);

	return e ? e : buf_put(out, s.p, s.n);
}

static enum err plain_json(const struct json *j, struct buf *out)
{
	static const char marks[] = { [json_null] = 'n', [json_false] = 'f', [json_true] = 't',
				      [json_real] = 'r', [json_array] = '[', [json_object] = '{' };

	if (j->type == json_integer)
		return buf_printf(out, "i%lld", (long long)j->integer);
	if (j->type == json_text)
		return plain_text('"', j->text, out);
	if (j->type != json_array && j->type != json_object)
		return buf_put(out, &marks[j->type], 1);
	enum err e = buf_printf(out, "%c%zu", marks[j->type], j->n);
	for (const struct json *item = j->first; !e && item; item = item->next) {
		if (j->type == json_object)
			e = plain_text('k', item->key, out);
		if (!e)
			e = plain_json(item, out);
	}
	return e;
}

/* jansson refuses real numbers that no double holds; we do not look at their value. */
static bool has_real(const struct json *j)
{
	bool has = j->type == json_real;

	for (const struct json *item = j->first; !has && item; item = item->next)
		has = has_real(item);
	return has;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = fuzz_str(data, size);
	const struct json *tree = NULL;
	struct buf ours, theirs;
	struct fault fault;
	struct arena a;
	size_t at = 0;

	arena_init(&a, FUZZ_ARENA_MAX);
	buf_init(&ours, FUZZ_ARENA_MAX);
	buf_init(&theirs, FUZZ_ARENA_MAX);
	fault_init(&fault);
	const enum err e = json_parse(text, &a, &tree, &at, &fault);
	const bool taken = theirs_plain(text, &theirs);
	if (e) {
		fuzz_refused(e, &fault);
		require(at <= size);
		require(!taken || e == ERR_TOO_DEEP || e == ERR_TOO_LARGE ||
			memchr(text.p, 0, text.n));
	} else {
		require(plain_json(tree, &ours) == ERR_OK);
		require(taken ? str_eq(buf_str(&ours), buf_str(&theirs)) : has_real(tree));
	}
	buf_fini(&ours);
	buf_fini(&theirs);
	arena_fini(&a);
	return 0;
}
