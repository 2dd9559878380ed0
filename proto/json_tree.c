/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree: yajl reads, each of its events becomes a node.
 *
 * What it lets pass and we do not is refused here: double keys, overlong UTF-8, halves of surrogate
 * pairs, a text begun behind the end. It says how far it came; the token at fault is found from there.
 */
#include "proto/json_tree.h"

#include <yajl/yajl_parse.h>

#include "proto/json_memory.h"
#include "proto/wire.h"

/* What is being filled: the array or object, and where its next item or member is linked. */
struct frame {
	struct json *in;
	const struct json **link;
};
struct parser {
	struct json_memory memory;
	struct str text;
	yajl_handle yajl;
	size_t done;	/* behind the last token that became a node */
	struct str key; /* read, its value not yet; p is NULL where there is none */
	struct json root; /* an array of the one value */
	unsigned depth;
	struct frame open[JSON_DEPTH_MAX + 1];
	enum err e;
	size_t at; /* of e */
	struct fault *fault;
};

/* ---- places and refusals ---- */

static size_t skip_space(const struct parser *p, size_t i)
{
	while (i < p->text.n && p->text.p[i] && strchr(" \n\t\r", p->text.p[i]))
		i++;
	return i;
}

/* Where the token begins that yajl has read, or stopped in: behind the space and separator in between. */
static size_t token(const struct parser *p)
{
	const size_t i = skip_space(p, p->done);
	const char between = p->key.p ? ':' : p->depth && p->open[p->depth].in->n ? ',' : 0;

	return between && i < p->text.n && p->text.p[i] == between ? skip_space(p, i + 1) : i;
}

/* The answer of a callback that ends the parse. */
static int refuse(struct parser *p, size_t at, enum err code, const char *words)
{
	unsigned long line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		if (p->text.p[i] == '\n')
			line++, column = 1;
		else if (((unsigned char)p->text.p[i] & 0xc0) != 0x80)
			column++;
	}
	p->at = at;
	p->e = fault_set(p->fault, code, NULL, "%lu:%lu: %s", line, column, words);
	return 0;
}

/* yajl's words, and ours; inside: the place is where it stopped, not where the token begins. */
static const struct {
	const char *theirs, *ours;
	bool inside;
} words[] = {
	{ "invalid char in", "a value belongs here", false },
	{ "invalid string in", "a value belongs here", false },
	{ "probable comment", "a value belongs here", false },
	{ "unallowed token", "a value belongs here", false },
	{ "malformed number", "not a number of JSON", false },
	{ "invalid object key", "a key belongs here", false },
	{ "by a colon", "a colon belongs here", false },
	{ "',' or '}'", "a comma or } belongs here", false },
	{ "',' or ']'", "a comma or ] belongs here", false },
	{ "trailing garbage", "something behind the end", false },
	{ "invalid character inside", "a control character in a text", true },
	{ "'\\' occurs", "an escape that JSON does not have", true },
	{ "(non-hex)", "four hexadecimal digits belong here", true },
};

static void refuse_syntax(struct parser *p)
{
	const char *theirs = (const char *)yajl_get_error(p->yajl, 0, NULL, 0);
	size_t i = 0;

	while (i < ARRAY_LEN(words) && !strstr(theirs, words[i].theirs))
		i++;
	if (i == ARRAY_LEN(words))
		(void)refuse(p, token(p), ERR_BAD_JSON, "not JSON");
	else
		(void)refuse(p, words[i].inside ? yajl_get_bytes_consumed(p->yajl) : token(p),
			     ERR_BAD_JSON, words[i].ours);
}

/* ---- nodes ---- */

static struct json *add(struct parser *p, enum json_type type)
{
	struct frame *f = &p->open[p->depth];
	struct json *node = json_memory_take(&p->memory, sizeof(*node));

	*node = (struct json){ .type = type, .key = p->key, .at = token(p) };
	p->done = yajl_get_bytes_consumed(p->yajl);
	p->key = (struct str){ 0 };
	*f->link = node;
	f->link = &node->next;
	f->in->n++;
	return node;
}

static int on_null(void *arg)
{
	(void)add(arg, json_null);
	return 1;
}

static int on_bool(void *arg, int value)
{
	(void)add(arg, value ? json_true : json_false);
	return 1;
}

static int on_number(void *arg, const char *digits, size_t n)
{
	struct parser *p = arg;
	const bool minus = *digits == '-';
	int64_t v = 0;

	for (size_t i = minus; i < n; i++) {
		if (digits[i] < '0' || digits[i] > '9') {
			(void)add(p, json_real);
			return 1;
		}
	}
	for (size_t i = minus; i < n; i++) {
		const int64_t digit = minus ? '0' - digits[i] : digits[i] - '0';
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
			return refuse(p, token(p), ERR_OVERFLOW, "a number beyond 64 bits");
	}
	add(p, json_integer)->integer = v;
	return 1;
}

/* yajl gives a part of our text where nothing in it is escaped, else its own memory, used again. */
static bool take_text(struct parser *p, const unsigned char *s, size_t n, struct str *out)
{
	const char *c = (const char *)s;

	*out = (struct str){ c, n };
	if (!utf8_valid(*out))
		return refuse(p, token(p), ERR_BAD_UTF8, "text that is not valid UTF-8");
	if (c >= p->text.p && c < p->text.p + p->text.n)
		return true;
	char *copy = json_memory_take(&p->memory, n);
	memcpy(copy, s, n);
	out->p = copy;
	return true;
}

static int on_text(void *arg, const unsigned char *s, size_t n)
{
	struct str text;

	if (!take_text(arg, s, n, &text))
		return 0;
	add(arg, json_text)->text = text;
	return 1;
}

static int on_key(void *arg, const unsigned char *s, size_t n)
{
	struct parser *p = arg;
	const struct json *object = p->open[p->depth].in;
	struct str key;

	if (!take_text(p, s, n, &key))
		return 0;
	if (json_member(object, key))
		return refuse(p, token(p), ERR_DUPLICATE_KEY, "this key stands twice");
	if (object->n == MAP_KEYS_MAX)
		return refuse(p, token(p), ERR_TOO_LARGE, "an object with too many keys");
	p->key = key;
	p->done = yajl_get_bytes_consumed(p->yajl);
	return 1;
}

static int begin(struct parser *p, enum json_type type)
{
	if (p->depth == JSON_DEPTH_MAX)
		return refuse(p, yajl_get_bytes_consumed(p->yajl), ERR_TOO_DEEP,
			      "values nested too deep");
	struct json *node = add(p, type);
	p->open[++p->depth] = (struct frame){ node, &node->first };
	return 1;
}

static int on_object(void *arg)
{
	return begin(arg, json_object);
}

static int on_array(void *arg)
{
	return begin(arg, json_array);
}

static int on_end(void *arg)
{
	struct parser *p = arg;

	p->depth--;
	p->done = yajl_get_bytes_consumed(p->yajl);
	return 1;
}

/* ---- the whole ---- */

enum half { HALF_NONE, HALF_FIRST, HALF_SECOND };

/* Whether the half of a surrogate pair is escaped at i: \ud800 to \udbff, \udc00 to \udfff. */
static enum half half_at(const struct parser *p, size_t i)
{
	const char *s = p->text.p + i;

	if (p->text.n - i < 6 || s[0] != '\\' || s[1] != 'u' || (s[2] | 0x20) != 'd')
		return HALF_NONE;
	const char c = (char)(s[3] | 0x20);
	return c == '8' || c == '9' || c == 'a' || c == 'b' ? HALF_FIRST :
	       c >= 'c' && c <= 'f'			    ? HALF_SECOND :
							      HALF_NONE;
}

/* yajl makes a question mark, or a wrong character, of a half: refuse it before. */
static bool pairs_are_whole(struct parser *p)
{
	for (size_t i = 0; i < p->text.n;) {
		const char *escape = memchr(p->text.p + i, '\\', p->text.n - i);
		if (!escape)
			return true;
		i = (size_t)(escape - p->text.p);
		const enum half half = half_at(p, i);
		if (half == HALF_SECOND || (half == HALF_FIRST && half_at(p, i + 6) != HALF_SECOND))
			return refuse(p, i + 2, ERR_BAD_UTF8, "half of a surrogate pair");
		i += half ? 12 : 2;
	}
	return true;
}

/* yajl takes two more bytes for space than JSON has; in a text it refuses them itself. */
static bool space_is_json(struct parser *p)
{
	static const char not_space[] = { '\f', '\v' };

	for (size_t i = 0; i < sizeof(not_space) && p->text.n; i++) {
		const char *at = memchr(p->text.p, not_space[i], p->text.n);
		if (at)
			return refuse(p, (size_t)(at - p->text.p), ERR_BAD_JSON,
				      "a control character that JSON does not have");
	}
	return true;
}

static void parse(struct parser *p)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = on_null, .yajl_boolean = on_bool, .yajl_number = on_number,
		.yajl_string = on_text, .yajl_map_key = on_key,
		.yajl_start_map = on_object, .yajl_end_map = on_end,
		.yajl_start_array = on_array, .yajl_end_array = on_end
	};
	yajl_alloc_funcs funcs = json_memory_funcs(&p->memory);

	p->yajl = yajl_alloc(&callbacks, &funcs, p);
	/* take_text does it, and whole */
	(void)yajl_config(p->yajl, yajl_dont_validate_strings, 1);
	yajl_status s = yajl_parse(p->yajl, (const unsigned char *)p->text.p, p->text.n);
	if (s == yajl_status_error)
		refuse_syntax(p);
	if (s != yajl_status_ok)
		return;
	const size_t behind = skip_space(p, p->done);
	if (p->root.n && p->depth == 0 && behind < p->text.n) {
		(void)refuse(p, behind, ERR_BAD_JSON, "something behind the end");
		return;
	}
	/* only now does a number end that the text ends with */
	s = yajl_complete_parse(p->yajl);
	if (s == yajl_status_error)
		(void)refuse(p, p->text.n, ERR_BAD_JSON, "the text ends too early");
}

enum err json_parse(struct str text, struct arena *a, const struct json **out, size_t *at,
		    struct fault *fault)
{
	struct parser p = { .memory.arena = a, .text = text, .fault = fault };

	p.open[0] = (struct frame){ &p.root, &p.root.first };
	if (setjmp(p.memory.full)) {
		*at = 0;
		return fault_set(fault, ERR_NO_MEMORY, NULL, "more than this request may take");
	}
	if (pairs_are_whole(&p) && space_is_json(&p))
		parse(&p);
	ensure(p.e || p.root.n == 1);
	*out = p.root.first;
	*at = p.at;
	return p.e;
}

const struct json *json_member(const struct json *json, struct str key)
{
	const struct json *m = json->first;

	while (m && !str_eq(m->key, key))
		m = m->next;
	return m;
}
