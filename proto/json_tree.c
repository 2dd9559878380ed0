/* SPDX-License-Identifier: Apache-2.0 */
/* json_tree: one pass over the text, a node for each value. */
#include "proto/json_tree.h"

#include "proto/wire.h"

struct parser {
	const char *begin, *p, *end;
	struct arena *arena;
	struct fault *fault;
};

static enum err parse_value(struct parser *s, unsigned depth, struct json *out);

/* Refuse, with the place at which the text stops to be what it should. */
static enum err stop(struct parser *s, const char *at, enum err code, const char *words)
{
	unsigned long line = 1, column = 1;

	for (const char *p = s->begin; p < at; p++) {
		if (*p == '\n')
			line++, column = 1;
		else if (((unsigned char)*p & 0xc0) != 0x80)
			column++;
	}
	return fault_set(s->fault, code, NULL, "%lu:%lu: %s", line, column, words);
}

static enum err no_memory(struct parser *s)
{
	return fault_set(s->fault, ERR_NO_MEMORY, NULL, "more than this request may take");
}

static void skip_space(struct parser *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

static bool take(struct parser *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* ---- texts ---- */

static bool take_hex(struct parser *s, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, s->p++) {
		const char c = s->p < s->end ? *s->p : 0;
		if (c >= '0' && c <= '9')
			*out = *out << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			*out = *out << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

static size_t put_utf8(uint32_t cp, char *to)
{
	if (cp < 0x80) {
		to[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		to[0] = (char)(0xc0 | cp >> 6);
		to[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	const size_t n = cp < 0x10000 ? 3 : 4;
	size_t i = 0;
	if (n == 4)
		to[i++] = (char)(0xf0 | cp >> 18);
	to[i++] = (char)(n == 4 ? 0x80 | (cp >> 12 & 0x3f) : 0xe0 | cp >> 12);
	to[i++] = (char)(0x80 | (cp >> 6 & 0x3f));
	to[i++] = (char)(0x80 | (cp & 0x3f));
	return n;
}

/* \uXXXX, two of them for what lies beyond U+FFFF; `u` was taken. 0 in *cp: refused. */
static enum err take_unicode(struct parser *s, uint32_t *cp)
{
	const char *at = s->p;
	uint32_t low;

	if (!take_hex(s, cp))
		return stop(s, at, ERR_BAD_JSON, "four hexadecimal digits belong here");
	if (*cp == 0)
		return stop(s, at, ERR_BAD_UTF8, "U+0000 in a text");
	if (*cp < 0xd800 || *cp > 0xdfff)
		return ERR_OK;
	if (*cp > 0xdbff || !take(s, '\\') || !take(s, 'u') || !take_hex(s, &low) || low < 0xdc00 ||
	    low > 0xdfff)
		return stop(s, at, ERR_BAD_UTF8, "half of a surrogate pair");
	*cp = 0x10000 + ((*cp - 0xd800) << 10) + (low - 0xdc00);
	return ERR_OK;
}

/* What stands behind a backslash; appended at to, at most 4 bytes. */
static enum err take_escape(struct parser *s, char *to, size_t *n)
{
	static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char c = s->p < s->end ? *s->p : 0;
	const char *at = c ? strchr(from, c) : NULL;
	uint32_t cp;

	if (at) {
		s->p++;
		to[(*n)++] = meant[at - from];
		return ERR_OK;
	}
	if (!take(s, 'u'))
		return stop(s, s->p, ERR_BAD_JSON, "an escape that JSON does not have");
	const enum err e = take_unicode(s, &cp);
	if (!e)
		*n += put_utf8(cp, to + *n);
	return e;
}

/* The rest of a text with escapes, up to its closing quote. `head` is what was read before. */
static enum err take_escaped(struct parser *s, struct str head, struct str *out)
{
	/* an escape is never shorter than what it means */
	const char *quote = s->p;
	size_t n = head.n;
	enum err e = ERR_OK;

	while (quote < s->end && *quote != '"')
		quote += *quote == '\\' && quote + 1 < s->end ? 2 : 1;
	char *to = arena_alloc(s->arena, head.n + (size_t)(quote - s->p) + 1);
	if (!to)
		return no_memory(s);
	if (head.n)
		memcpy(to, head.p, head.n);
	while (!e && s->p < s->end && *s->p != '"') {
		if ((unsigned char)*s->p < 0x20)
			return stop(s, s->p, ERR_BAD_JSON, "a control character in a text");
		if (take(s, '\\'))
			e = take_escape(s, to, &n);
		else
			to[n++] = *s->p++;
	}
	*out = (struct str){ to, n };
	return e;
}

static enum err parse_text(struct parser *s, struct str *out)
{
	const char *from = s->p;
	unsigned char odd = 0;
	enum err e = ERR_OK;

	while (s->p < s->end && *s->p != '"' && *s->p != '\\' && (unsigned char)*s->p >= 0x20)
		odd |= (unsigned char)*s->p++;
	*out = (struct str){ from, (size_t)(s->p - from) };
	if (s->p < s->end && *s->p == '\\') {
		odd = 0x80;
		e = take_escaped(s, *out, out);
	} else if (s->p < s->end && *s->p != '"') {
		return stop(s, s->p, ERR_BAD_JSON, "a control character in a text");
	}
	if (e)
		return e;
	if (odd >= 0x80 && !utf8_valid(*out))
		return stop(s, from, ERR_BAD_UTF8, "text that is not valid UTF-8");
	return take(s, '"') ? ERR_OK : stop(s, s->p, ERR_BAD_JSON, "a text without its end");
}

/* ---- numbers and words ---- */

static bool take_digits(struct parser *s)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

static enum err parse_number(struct parser *s, struct json *out)
{
	const char *from = s->p;
	const bool minus = take(s, '-');
	const char *digits = s->p;
	int64_t v = 0;

	out->type = json_integer;
	if (!take_digits(s) || (*digits == '0' && s->p > digits + 1))
		return stop(s, from, ERR_BAD_JSON, "not a number of JSON");
	const char *end = s->p;
	if (take(s, '.')) {
		out->type = json_real;
		if (!take_digits(s))
			return stop(s, from, ERR_BAD_JSON, "not a number of JSON");
	}
	if (take(s, 'e') || take(s, 'E')) {
		out->type = json_real;
		if (!take(s, '-'))
			(void)take(s, '+');
		if (!take_digits(s))
			return stop(s, from, ERR_BAD_JSON, "not a number of JSON");
	}
	for (const char *p = digits; out->type == json_integer && p < end; p++) {
		const int64_t digit = minus ? -(*p - '0') : *p - '0';
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
			return stop(s, from, ERR_OVERFLOW, "a number beyond 64 bits");
	}
	out->integer = v;
	return ERR_OK;
}

static enum err parse_word(struct parser *s, struct json *out)
{
	static const struct {
		struct str word;
		enum json_type type;
	} words[] = { { { "null", 4 }, json_null },
		      { { "false", 5 }, json_false },
		      { { "true", 4 }, json_true } };
	const size_t left = (size_t)(s->end - s->p);

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const struct str w = words[i].word;
		if (left >= w.n && memcmp(s->p, w.p, w.n) == 0) {
			s->p += w.n;
			out->type = words[i].type;
			return ERR_OK;
		}
	}
	return stop(s, s->p, ERR_BAD_JSON, left ? "a value belongs here" : "the text ends too early");
}

/* ---- arrays and objects ---- */

static enum err parse_key(struct parser *s, const struct json *object, struct json *member)
{
	const char *at = s->p;

	if (!take(s, '"'))
		return stop(s, at, ERR_BAD_JSON, "a key belongs here");
	enum err e = parse_text(s, &member->key);
	if (e)
		return e;
	if (json_member(object, member->key))
		return stop(s, at, ERR_DUPLICATE_KEY, "this key stands twice");
	if (object->n == MAP_KEYS_MAX)
		return stop(s, at, ERR_TOO_LARGE, "an object with too many keys");
	skip_space(s);
	if (!take(s, ':'))
		return stop(s, s->p, ERR_BAD_JSON, "a colon belongs here");
	return ERR_OK;
}

/* The items behind [ or the members behind {, with the closing bracket. */
static enum err parse_items(struct parser *s, unsigned depth, struct json *out)
{
	const bool object = out->type == json_object;
	const char close = object ? '}' : ']';
	const struct json **link = &out->first;

	if (depth == JSON_DEPTH_MAX)
		return stop(s, s->p, ERR_TOO_DEEP, "values nested too deep");
	skip_space(s);
	if (take(s, close))
		return ERR_OK;
	for (;;) {
		struct json *item = arena_zalloc(s->arena, 1, sizeof(*item));
		if (!item)
			return no_memory(s);
		skip_space(s);
		enum err e = object ? parse_key(s, out, item) : ERR_OK;
		if (!e)
			e = parse_value(s, depth + 1, item);
		if (e)
			return e;
		*link = item;
		link = &item->next;
		out->n++;
		skip_space(s);
		if (take(s, close))
			return ERR_OK;
		if (!take(s, ','))
			return stop(s, s->p, ERR_BAD_JSON, object ? "a comma or } belongs here" :
								    "a comma or ] belongs here");
	}
}

static enum err parse_value(struct parser *s, unsigned depth, struct json *out)
{
	skip_space(s);
	switch (s->p < s->end ? *s->p : 0) {
	case '{':
	case '[':
		out->type = *s->p++ == '{' ? json_object : json_array;
		return parse_items(s, depth, out);
	case '"':
		s->p++;
		out->type = json_text;
		return parse_text(s, &out->text);
	case '-': case '0': case '1': case '2': case '3': case '4':
	case '5': case '6': case '7': case '8': case '9':
		return parse_number(s, out);
	default:
		return parse_word(s, out);
	}
}

enum err json_parse(struct str text, struct arena *a, const struct json **out, struct fault *fault)
{
	struct parser s = { text.p, text.p, text.n ? text.p + text.n : text.p, a, fault };
	struct json *root = arena_zalloc(a, 1, sizeof(*root));

	if (!root)
		return no_memory(&s);
	const enum err e = parse_value(&s, 0, root);
	if (e)
		return e;
	skip_space(&s);
	*out = root;
	return s.p == s.end ? ERR_OK : stop(&s, s.p, ERR_BAD_JSON, "something behind the end");
}

const struct json *json_member(const struct json *json, struct str key)
{
	const struct json *m = json->first;

	while (m && !str_eq(m->key, key))
		m = m->next;
	return m;
}
