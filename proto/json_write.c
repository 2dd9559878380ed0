/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_write: records as JSON text.
 *
 * A record in memory is walked by its description. An event's bytes are walked as they stand, with
 * the description only saying how a value is written, so that keys and words that are not known
 * here come out too.
 */
#include <inttypes.h>

#include "proto/field.h"
#include "proto/wire.h"

static enum err write_record(const struct shape *s, const void *rec, struct arena *a,
			     struct buf *out);
static enum err write_item(struct wire *w, const struct field *f, struct arena *a, struct buf *out);
static enum err write_pairs(struct wire *w, uint64_t n, const struct shape *s, bool first,
			    struct arena *a, struct buf *out);

/* ---- scalars ---- */

static enum err put_literal(struct buf *out, const char *text)
{
	return buf_put(out, text, strlen(text));
}

/* What RFC 8259 wants escaped: quotes, backslashes and control characters. */
static bool plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

static enum err put_escape(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		return put_literal(out, "\\\"");
	case '\\':
		return put_literal(out, "\\\\");
	case '\n':
		return put_literal(out, "\\n");
	case '\t':
		return put_literal(out, "\\t");
	default:
		return buf_printf(out, "\\u%04x", c);
	}
}

static enum err put_quoted(struct buf *out, struct str s)
{
	enum err e = put_literal(out, "\"");
	size_t done = 0;

	while (!e && done < s.n) {
		size_t n = 0;
		while (done + n < s.n && plain((unsigned char)s.p[done + n]))
			n++;
		e = buf_put(out, s.p + done, n);
		done += n;
		if (!e && done < s.n)
			e = put_escape(out, (unsigned char)s.p[done++]);
	}
	return e ? e : put_literal(out, "\"");
}

static enum err put_hex(struct buf *out, struct str bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *p;
	const enum err e = buf_grow(out, 2 * bytes.n + 2, &p);

	if (e)
		return e;
	*p++ = '"';
	for (size_t i = 0; i < bytes.n; i++) {
		*p++ = digits[(unsigned char)bytes.p[i] >> 4];
		*p++ = digits[(unsigned char)bytes.p[i] & 15];
	}
	*p = '"';
	return ERR_OK;
}

static enum err put_uuid(struct buf *out, const void *id)
{
	char text[ID_TEXT_SIZE];

	id_format(id, text);
	return buf_printf(out, "\"%s\"", text);
}

static enum err put_time(struct buf *out, int64_t us)
{
	char text[TIME_TEXT_SIZE];

	time_format(us, text);
	return buf_printf(out, "\"%s\"", text);
}

static enum err put_minor(struct buf *out, const char *name, bool open, int64_t minor,
			  const struct currency *c)
{
	char text[MINOR_TEXT_SIZE];

	if (open)
		return buf_printf(out, "\"%s\":null,", name);
	minor_format(minor, c, text);
	return buf_printf(out, "\"%s\":\"%s\",", name, text);
}

static enum err put_amount(struct buf *out, const struct amount *a)
{
	const struct currency *c = currency_find(str_of(a->currency));

	require(c);
	enum err e = put_literal(out, "{");
	if (!e)
		e = put_minor(out, "low", a->low_open, a->low, c);
	if (!e)
		e = put_minor(out, "high", a->high_open, a->high, c);
	if (e)
		return e;
	return buf_printf(out, "\"currency\":\"%s\"%s%s%s}", a->currency,
			  a->approx ? ",\"approx\":true" : "",
			  a->low_excl ? ",\"low_excl\":true" : "",
			  a->high_excl ? ",\"high_excl\":true" : "");
}

/* ---- bytes of an event ---- */

/* Bytes that are no amount are written as the map that they are. */
static enum err write_amount_item(struct wire *w, const struct item *head, struct wire begin,
				  struct arena *a, struct buf *out)
{
	struct bounds b;
	struct amount amount;
	enum err e = wire_pass(w, head, 1, NULL);

	if (e)
		return e;
	const struct str bytes = { (const char *)begin.p, (size_t)(w->p - begin.p) };
	if (record_decode(&shape_bounds, bytes, a, &b, NULL) || amount_of_bounds(&b, &amount, NULL))
		return write_item(&begin, NULL, a, out);
	return put_amount(out, &amount);
}

static enum err write_items(struct wire *w, uint64_t n, const struct field *f, struct arena *a,
			    struct buf *out)
{
	struct field one;
	enum err e = put_literal(out, "[");

	if (f) {
		one = *f;
		one.list = false;
	}
	for (uint64_t i = 0; !e && i < n; i++) {
		if (i)
			e = put_literal(out, ",");
		if (!e)
			e = write_item(w, f ? &one : NULL, a, out);
	}
	return e ? e : put_literal(out, "]");
}

static enum err write_bin(const struct item *item, const struct field *f, struct buf *out)
{
	return f && f->type == F_ID && item->s.n == ID_SIZE ? put_uuid(out, item->s.p) :
							      put_hex(out, item->s);
}

/* The value that comes next; f says what it should be, NULL where nobody knows. */
static enum err write_item(struct wire *w, const struct field *f, struct arena *a, struct buf *out)
{
	const struct wire begin = *w;
	struct item item;
	enum err e = wire_next(w, &item, NULL);

	if (e)
		return e;
	switch (item.kind) {
	case ITEM_NIL:
		return put_literal(out, "null");
	case ITEM_BOOL:
		return put_literal(out, item.u ? "true" : "false");
	case ITEM_UINT:
		return buf_printf(out, "%" PRIu64, item.u);
	case ITEM_NEGATIVE:
		return buf_printf(out, "%" PRId64, item.i);
	case ITEM_TEXT:
		return put_quoted(out, item.s);
	case ITEM_BIN:
		return write_bin(&item, f, out);
	case ITEM_ARRAY:
		return write_items(w, item.u, f, a, out);
	case ITEM_MAP:
		if (f && f->type == F_AMOUNT)
			return write_amount_item(w, &item, begin, a, out);
		e = put_literal(out, "{");
		if (!e)
			e = write_pairs(w, item.u, f && f->type == F_SUB ? f->sub : NULL, true, a,
					out);
		return e ? e : put_literal(out, "}");
	}
	impossible("every kind of item is handled");
}

/* The next value, if it is one that stands for absent. */
static bool absent(const struct wire *w, const struct field *f)
{
	struct wire ahead = *w;
	struct item item;

	return f && !wire_next(&ahead, &item, NULL) && item.kind == ITEM_NIL;
}

static const struct field *field_named(const struct shape *s, struct str key)
{
	for (size_t i = 0; s && i < s->nfields; i++)
		if (str_eq(key, (struct str){ s->fields[i].name, s->fields[i].name_n }))
			return &s->fields[i];
	return NULL;
}

/* n pairs of a map as members of an object; s knows some of the keys, NULL: none. */
static enum err write_pairs(struct wire *w, uint64_t n, const struct shape *s, bool first,
			    struct arena *a, struct buf *out)
{
	struct item item;
	struct str key;
	enum err e = ERR_OK;

	for (uint64_t i = 0; !e && i < n; i++) {
		e = wire_key(w, &key, NULL);
		if (e)
			break;
		const struct field *f = field_named(s, key);
		if (absent(w, f)) {
			e = wire_next(w, &item, NULL);
			continue;
		}
		if (!first)
			e = put_literal(out, ",");
		first = false;
		if (!e)
			e = put_quoted(out, key);
		if (!e)
			e = put_literal(out, ":");
		if (!e)
			e = write_item(w, f, a, out);
	}
	return e;
}

/* The members of an event's object out of its bytes, which are known to be an event. */
static enum err write_event(struct str bytes, bool first, struct arena *a, struct buf *out)
{
	struct wire w = wire_of(bytes);
	struct item item;
	enum err e = wire_next(&w, &item, NULL);

	if (!e)
		e = write_pairs(&w, item.u, &shape_event, first, a, out);
	return e ? e : put_literal(out, "}");
}

static enum err write_bytes(struct str bytes, struct arena *a, struct buf *out)
{
	struct event_keys keys;

	if (event_peek(bytes, &keys, NULL))
		return put_hex(out, bytes);
	const enum err e = put_literal(out, "{");
	return e ? e : write_event(bytes, true, a, out);
}

/* ---- records ---- */

static enum err write_value(const struct field *f, const void *p, struct arena *a, struct buf *out)
{
	switch (f->type) {
	case F_BOOL:
		return put_literal(out, *(const bool *)p ? "true" : "false");
	case F_U64:
		return buf_printf(out, "%" PRIu64, *(const uint64_t *)p);
	case F_I64:
		return buf_printf(out, "%" PRId64, *(const int64_t *)p);
	case F_TIME:
		return put_time(out, *(const int64_t *)p);
	case F_ID:
		return put_uuid(out, p);
	case F_HASH:
		return put_hex(out, (struct str){ p, HASH_SIZE });
	case F_BYTES:
		return write_bytes(*(const struct str *)p, a, out);
	case F_AMOUNT:
		return put_amount(out, p);
	case F_ENUM:
		return put_quoted(out, str_of(enum_word(f->words, *(const int *)p)));
	case F_SUB:
		return write_record(f->sub, p, a, out);
	case F_PAIRS:
		impossible("pairs are written as a list");
	default:
		return put_quoted(out, *(const struct str *)p);
	}
}

static enum err write_pair(const struct shape *s, const char *rec, struct buf *out)
{
	enum err e = put_quoted(out, *(const struct str *)(rec + s->fields[0].offset));

	if (!e)
		e = put_literal(out, ":");
	return e ? e : put_quoted(out, *(const struct str *)(rec + s->fields[1].offset));
}

/* Every list has the layout { v, n }. */
static enum err write_list(const struct field *f, const void *p, struct arena *a, struct buf *out)
{
	const struct str_list *list = p;
	const char *items = (const char *)list->v;
	const size_t size = field_size(f);
	const bool pairs = f->type == F_PAIRS;
	enum err e = put_literal(out, pairs ? "{" : "[");

	for (size_t i = 0; !e && i < list->n; i++) {
		if (i)
			e = put_literal(out, ",");
		if (!e)
			e = pairs ? write_pair(f->sub, items + i * size, out) :
				    write_value(f, items + i * size, a, out);
	}
	return e ? e : put_literal(out, pairs ? "}" : "]");
}

static enum err write_record(const struct shape *s, const void *rec, struct arena *a,
			     struct buf *out)
{
	bool first = true;
	uint64_t has;
	enum err e = put_literal(out, "{");

	memcpy(&has, rec, sizeof(has));
	for (size_t i = 0; !e && i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const void *p = (const char *)rec + f->offset;
		/* a word that is not known here was read as 0 */
		if (!(has >> i & 1) || (f->type == F_ENUM && !f->list && *(const int *)p == 0))
			continue;
		e = buf_printf(out, "%s\"%s\":", first ? "" : ",", f->name);
		first = false;
		if (!e)
			e = f->list ? write_list(f, p, a, out) : write_value(f, p, a, out);
	}
	return e ? e : put_literal(out, "}");
}

enum err json_write(const struct shape *s, const void *rec, struct arena *a, struct buf *out)
{
	const size_t before = out->n;
	const enum err e = write_record(s, rec, a, out);

	if (e)
		out->n = before;
	return e;
}

enum err json_write_entry(const struct entry *entry, struct arena *a, struct buf *out)
{
	const size_t before = out->n;
	char recorded[TIME_TEXT_SIZE];
	struct event_keys keys;
	enum err e = event_peek(entry->event, &keys, NULL);

	time_format(entry->recorded, recorded);
	if (!e)
		e = buf_printf(out, "{\"seq\":%" PRIu64 ",\"epoch\":%" PRIu64 ",\"recorded\":\"%s\"",
			       entry->seq, entry->epoch, recorded);
	if (!e)
		e = write_event(entry->event, false, a, out);
	if (e)
		out->n = before;
	return e;
}
