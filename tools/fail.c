/* SPDX-License-Identifier: Apache-2.0 */
/* fail: errors on stderr, and text made harmless for terminals. */
#include "tools/fail.h"

#include <stdio.h>
#include <wchar.h>

#include "proto/msg.h"

#define SHOWN_MAX 100u	       /* characters of a line that are shown around its fault */
#define ESCAPED_MAX (1u << 20) /* bytes of one escaped text */

size_t utf8_next(const char *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)p;
	size_t len = 1;

	if (n == 0)
		return 0;
	*cp = u[0];
	if (u[0] < 0x80)
		return 1;
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		len = 2, *cp = u[0] & 0x1f;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		len = 3, *cp = u[0] & 0x0f;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		len = 4, *cp = u[0] & 0x07;
	if (len == 1 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (u[i] & 0x3f);
	}
	if (*cp < least[len] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return len;
}

/* Characters that move the cursor, hide text or turn its direction. */
static bool is_harmful(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0x61c || cp == 0x200e ||
	       cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) ||
	       cp == 0xfeff || (cp >= 0xe0000 && cp <= 0xe007f);
}

static enum err put_escape(struct buf *out, uint32_t cp)
{
	switch (cp) {
	case '\n':
		return buf_put(out, "\\n", 2);
	case '\t':
		return buf_put(out, "\\t", 2);
	case '\r':
		return buf_put(out, "\\r", 2);
	default:
		return cp < 0x100     ? buf_printf(out, "\\x%02x", (unsigned)cp)
		       : cp < 0x10000 ? buf_printf(out, "\\u%04x", (unsigned)cp)
				      : buf_printf(out, "\\U%08x", (unsigned)cp);
	}
}

enum err text_escape(struct str s, struct buf *out)
{
	size_t clean = 0; /* from here on nothing needed an escape yet */

	for (size_t i = 0; i < s.n;) {
		uint32_t cp;
		size_t n = utf8_next(s.p + i, s.n - i, &cp);
		if (n && !is_harmful(cp)) {
			i += n;
			continue;
		}
		enum err e = buf_put(out, s.p + clean, i - clean);
		if (!e)
			e = put_escape(out, n ? cp : (unsigned char)s.p[i]);
		if (e)
			return e;
		i += n ? n : 1;
		clean = i;
	}
	return s.n > clean ? buf_put(out, s.p + clean, s.n - clean) : ERR_OK;
}

/* The next character: its bytes, and its columns. */
static size_t step(struct str s, size_t at, size_t *columns)
{
	uint32_t cp;
	const size_t n = utf8_next(s.p + at, s.n - at, &cp);
	const int w = n ? wcwidth((wchar_t)cp) : 1;

	*columns = w > 0 ? (size_t)w : 0;
	return n ? n : 1;
}

size_t text_width(struct str s)
{
	size_t width = 0, columns;

	for (size_t i = 0; i < s.n; width += columns)
		i += step(s, i, &columns);
	return width;
}

size_t text_prefix(struct str s, size_t columns)
{
	size_t width = 0, i = 0;

	while (i < s.n) {
		size_t more;
		const size_t n = step(s, i, &more);
		if (width + more > columns)
			break;
		width += more;
		i += n;
	}
	return i;
}

/* The byte at which character `column` (from 1) of s begins. */
static size_t byte_of_column(struct str s, uint64_t column)
{
	size_t i = 0;

	for (uint64_t k = 1; k < column && i < s.n; k++) {
		uint32_t cp;
		const size_t n = utf8_next(s.p + i, s.n - i, &cp);
		i += n ? n : 1;
	}
	return i;
}

/* The line with a caret below; of a long one only what is around the fault. */
static void print_line(const struct place *at)
{
	const uint64_t column = at->column ? at->column : 1;
	const uint64_t first = column > SHOWN_MAX / 2 ? column - SHOWN_MAX / 2 : 1;
	const size_t from = byte_of_column(at->text, first),
		     to = byte_of_column(at->text, first + SHOWN_MAX),
		     caret = byte_of_column(at->text, column);
	struct buf line;

	buf_init(&line, ESCAPED_MAX);
	if (text_escape((struct str){ at->text.p + from, caret - from }, &line)) {
		buf_fini(&line);
		return;
	}
	const size_t before = text_width(buf_str(&line)) + (first > 1 ? 1 : 0);
	if (!text_escape((struct str){ at->text.p + caret, to - caret }, &line)) {
		const int margin = fprintf(stderr, "%5llu | ", (unsigned long long)at->line) - 2;
		fprintf(stderr, "%s%.*s%s\n", first > 1 ? "…" : "", (int)line.n, line.p,
			to < at->text.n ? "…" : "");
		if (at->column)
			fprintf(stderr, "%*s| %*s^\n", margin, "", (int)before, "");
	}
	buf_fini(&line);
}

static void print_escaped(const char *text)
{
	struct buf b;

	buf_init(&b, ESCAPED_MAX);
	if (!text_escape(str_of(text), &b))
		fprintf(stderr, "%.*s", (int)b.n, b.p ? b.p : "");
	buf_fini(&b);
}

static void print_numbers(const struct fault *f)
{
	static const struct {
		const char *words;
		size_t offset;
	} rows[] = {
		{ "expected", offsetof(struct fault, expected) },
		{ "found", offsetof(struct fault, actual) },
		{ "at most", offsetof(struct fault, max) },
		{ "see event #", offsetof(struct fault, seq) },
	};
	const char *between = "      ";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t v;
		memcpy(&v, (const char *)f + rows[i].offset, sizeof(v));
		if (v == FAULT_NONE)
			continue;
		const bool joined = rows[i].words[strlen(rows[i].words) - 1] == '#';
		fprintf(stderr, "%s%s%s%lld", between, rows[i].words, joined ? "" : " ", (long long)v);
		between = ", ";
	}
	if (between[0] == ',')
		fputc('\n', stderr);
}

void fail_print(const char *who, const struct fault *fault, const struct place *place)
{
	const struct err_info *info = err_info(fault->code);

	fprintf(stderr, "avow%s%s: ", who ? " " : "", who ? who : "");
	if (place && place->file && place->line) {
		print_escaped(place->file);
		fprintf(stderr, ":%llu:", (unsigned long long)place->line);
		if (place->column)
			fprintf(stderr, "%llu:", (unsigned long long)place->column);
		fputc(' ', stderr);
	}
	if (info)
		fprintf(stderr, "%s (%d): ", info->name, (int)info->code);
	if (fault->field[0]) {
		print_escaped(fault->field);
		fputs(": ", stderr);
	}
	print_escaped(fault->text[0] ? fault->text : info ? info->text : "failed");
	fputc('\n', stderr);
	if (place && place->text.n)
		print_line(place);
	print_numbers(fault);
	if (info && fault->code != ERR_USAGE)
		fprintf(stderr, "      %s\n", info->remedy);
}

int fail_exit(enum err code)
{
	const struct err_info *info = err_info(code);

	return code == ERR_OK ? 0 : info ? info->exit : 1;
}
