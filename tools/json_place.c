/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_place: walks a line of JSON without keeping any of it, and remembers where the longest part of
 * the path was met. It only looks for a place; whether the line is right is decided in proto.
 */
#include "tools/json_place.h"

#include <stdio.h>

#include "proto/msg.h"
#include "tools/fail.h"

#define PATH_SIZE 256u

struct walk {
	struct str s;
	size_t at;
	const char *path;
	size_t best_n;	/* how much of the path was met */
	size_t best_at; /* where; meaningful where best_n or found */
	bool found;
	char here[PATH_SIZE];
	size_t here_n;
};

static void skip_space(struct walk *w)
{
	while (w->at < w->s.n && strchr(" \t\r\n", w->s.p[w->at]) && w->s.p[w->at])
		w->at++;
}

static bool take(struct walk *w, char c)
{
	skip_space(w);
	if (w->at >= w->s.n || w->s.p[w->at] != c)
		return false;
	w->at++;
	return true;
}

/* The string at the cursor, without its quotes. */
static bool take_string(struct walk *w, struct str *out)
{
	if (!take(w, '"'))
		return false;
	const size_t from = w->at;
	while (w->at < w->s.n && w->s.p[w->at] != '"') {
		if ((unsigned char)w->s.p[w->at] < 0x20)
			return false;
		w->at += w->s.p[w->at] == '\\' && w->at + 1 < w->s.n ? 2 : 1;
	}
	*out = (struct str){ w->s.p + from, w->at - from };
	return take(w, '"');
}

/* Remember this place if the path leads here or through here. */
static void meet(struct walk *w)
{
	const size_t n = w->here_n;

	if (n == 0 || n < w->best_n || strncmp(w->path, w->here, n) != 0)
		return;
	if (w->path[n] && w->path[n] != '.' && w->path[n] != '[')
		return;
	w->best_n = n;
	w->best_at = w->at;
	w->found = true;
}

static bool walk_value(struct walk *w, unsigned depth);

static bool walk_member(struct walk *w, struct str key, unsigned depth)
{
	const size_t before = w->here_n;

	if (w->here_n + key.n + 2 < PATH_SIZE) {
		if (w->here_n)
			w->here[w->here_n++] = '.';
		memcpy(w->here + w->here_n, key.p, key.n);
		w->here_n += key.n;
	}
	skip_space(w);
	meet(w);
	const bool good = walk_value(w, depth + 1);
	w->here_n = before;
	return good;
}

static bool walk_object(struct walk *w, unsigned depth)
{
	struct str key;

	if (take(w, '}'))
		return true;
	do {
		if (!take_string(w, &key) || !take(w, ':') || !walk_member(w, key, depth))
			return false;
	} while (take(w, ','));
	return take(w, '}');
}

static bool walk_array(struct walk *w, unsigned depth)
{
	const size_t before = w->here_n;

	if (take(w, ']'))
		return true;
	for (unsigned i = 0;; i++) {
		char index[16];
		const int n = snprintf(index, sizeof(index), "[%u]", i);
		if (w->here_n + (size_t)n < PATH_SIZE) {
			memcpy(w->here + w->here_n, index, (size_t)n);
			w->here_n += (size_t)n;
		}
		skip_space(w);
		meet(w);
		const bool good = walk_value(w, depth + 1);
		w->here_n = before;
		if (!good)
			return false;
		if (!take(w, ','))
			return take(w, ']');
	}
}

/* A number or a word. */
static bool walk_plain(struct walk *w)
{
	static const char *const words[] = { "true", "false", "null" };
	const size_t from = w->at;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const size_t n = strlen(words[i]);
		if (w->s.n - w->at >= n && memcmp(w->s.p + w->at, words[i], n) == 0) {
			w->at += n;
			return true;
		}
	}
	while (w->at < w->s.n && w->s.p[w->at] && strchr("+-0123456789.eE", w->s.p[w->at]))
		w->at++;
	return w->at > from;
}

static bool walk_value(struct walk *w, unsigned depth)
{
	struct str text;

	skip_space(w);
	if (depth > MSG_DEPTH_MAX || w->at >= w->s.n)
		return false;
	switch (w->s.p[w->at]) {
	case '{':
		w->at++;
		return walk_object(w, depth);
	case '[':
		w->at++;
		return walk_array(w, depth);
	case '"':
		return take_string(w, &text);
	default:
		return walk_plain(w);
	}
}

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

uint64_t json_place(struct str line, const char *path)
{
	struct walk w = { .s = line, .path = path };
	const bool whole = walk_value(&w, 0);

	skip_space(&w);
	if (!whole || w.at < line.n)
		return column_of(line, w.at);
	return w.found ? column_of(line, w.best_at) : 0;
}
