/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_raw: a row as a JSON object of texts, and back, exactly. What an event's text may not hold, or
 * would change (text that is not in NFC), stands there as \u escapes.
 */
#include "tools/fail.h"
#include "tools/map.h"
#include "tools/out.h"

/* Only ASCII: everything else as \uXXXX, in two halves beyond U+FFFF. */
static enum err quote_ascii(struct str s, struct buf *out)
{
	enum err e = buf_put(out, "\"", 1);

	for (size_t i = 0; !e && i < s.n;) {
		uint32_t cp;
		const size_t n = utf8_next(s.p + i, s.n - i, &cp);
		if (n == 0)
			return ERR_BAD_UTF8;
		if (cp >= 0x10000)
			e = buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (cp >> 10)),
				       (unsigned)(0xdc00 | (cp & 0x3ff)));
		else if (cp < 0x20 || cp >= 0x7f || cp == '"' || cp == '\\')
			e = buf_printf(out, "\\u%04x", (unsigned)cp);
		else
			e = buf_put(out, s.p + i, 1);
		i += n;
	}
	return e ? e : buf_put(out, "\"", 1);
}

enum err map_raw_write(const struct map *m, const struct str *cells, struct buf *out)
{
	enum err e = buf_put(out, "{", 1);

	for (size_t i = 0; !e && i < m->ncolumns; i++) {
		const enum err text = text_check(cells[i], NULL);
		if (cells[i].n == 0)
			continue;
		if (out->n > 1)
			e = buf_put(out, ",", 1);
		if (!e)
			e = json_quote(m->columns[i].name, out);
		if (!e)
			e = buf_put(out, ":", 1);
		if (!e)
			e = text ? quote_ascii(cells[i], out) : json_quote(cells[i], out);
	}
	return e ? e : buf_put(out, "}", 1);
}

/* ---- back ---- */

static bool take(struct str *s, char c)
{
	if (s->n == 0 || *s->p != c)
		return false;
	s->p++, s->n--;
	return true;
}

static bool take_hex(struct str *s, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++) {
		const char c = s->n ? *s->p : 0;
		const int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			      c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
		if (v < 0)
			return false;
		*out = *out << 4 | (uint32_t)v;
		s->p++, s->n--;
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
	if (cp < 0x10000) {
		to[0] = (char)(0xe0 | cp >> 12);
		to[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		to[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | cp >> 18);
	to[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	to[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	to[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

/* What stands behind a backslash, as UTF-8 (at most 4 bytes). 0: nothing that JSON knows. */
static size_t take_escape(struct str *s, char *to)
{
	static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *at = s->n && *s->p ? strchr(from, *s->p) : NULL;
	uint32_t cp, low;

	if (at) {
		s->p++, s->n--;
		to[0] = meant[at - from];
		return 1;
	}
	if (!take(s, 'u') || !take_hex(s, &cp))
		return 0;
	if (cp >= 0xd800 && cp < 0xdc00) {
		if (!take(s, '\\') || !take(s, 'u') || !take_hex(s, &low) || low < 0xdc00 || low > 0xdfff)
			return 0;
		cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	}
	return put_utf8(cp, to);
}

static bool take_text(struct str *s, struct arena *a, struct str *out)
{
	char *to = arena_alloc(a, s->n + 1); /* an escape is never shorter than what it means */
	size_t n = 0;

	if (!to || !take(s, '"'))
		return false;
	while (s->n && *s->p != '"') {
		if (!take(s, '\\')) {
			to[n++] = *s->p;
			s->p++, s->n--;
			continue;
		}
		const size_t k = take_escape(s, to + n);
		if (k == 0)
			return false;
		n += k;
	}
	*out = (struct str){ to, n };
	return take(s, '"');
}

bool map_raw_read(const struct map *m, struct str text, struct arena *a, struct str *cells)
{
	struct str name, value;

	for (size_t i = 0; i < m->ncolumns; i++)
		cells[i] = (struct str){ "", 0 };
	if (!take(&text, '{'))
		return false;
	while (text.n && *text.p == '"') {
		size_t i = 0;
		if (!take_text(&text, a, &name) || !take(&text, ':') || !take_text(&text, a, &value))
			return false;
		while (i < m->ncolumns && !str_eq(m->columns[i].name, name))
			i++;
		if (i == m->ncolumns)
			return false;
		cells[i] = value;
		if (!take(&text, ','))
			break;
	}
	return take(&text, '}') && text.n == 0;
}

bool map_row_of(const struct map *m, const struct event *e, struct arena *a, struct str *cells)
{
	bool tagged = false;

	for (size_t i = 0; msg_has(e, event, tags) && i < e->tags.n; i++)
		tagged |= str_eq(e->tags.v[i], m->tag);
	/* a correction of an imported event was not in the file */
	return tagged && msg_has(e, event, note) && !msg_has(e, event, ref) &&
	       map_raw_read(m, e->note, a, cells);
}
