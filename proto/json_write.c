/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_write: records as JSON text, by yajl, which knows where commas, quotes and escapes go.
 *
 * A record in memory is walked by its description. An event's bytes are walked as they stand, with
 * the description only saying how a value is written, so that keys and words that are not known
 * here come out too. The first error is kept; what is written behind it is taken back at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <yajl/yajl_gen.h>

#include "proto/field.h"
#include "proto/json_memory.h"
#include "proto/wire.h"

struct writer {
	struct json_memory memory;
	yajl_gen gen;
	struct buf *out;
	enum err e;
};

static void write_record(struct writer *w, const struct shape *s, const void *rec);
static void write_item(struct writer *w, struct wire *in, const struct field *f);
static void write_pairs(struct writer *w, struct wire *in, uint64_t n, const struct shape *s);

/* ---- yajl's pieces ---- */

static void append(void *arg, const char *p, size_t n)
{
	struct writer *w = arg;

	if (!w->e)
		w->e = buf_put(w->out, p, n);
}

/* yajl refuses only a wrong order of calls, or a depth far beyond MSG_DEPTH_MAX. */
static void took(yajl_gen_status s)
{
	ensure(s == yajl_gen_status_ok);
}

static void put_quoted(struct writer *w, struct str s)
{
	took(yajl_gen_string(w->gen, (const unsigned char *)s.p, s.n));
}

static void put_word(struct writer *w, const char *word)
{
	put_quoted(w, str_of(word));
}

static void put_unsigned(struct writer *w, uint64_t n)
{
	char digits[24];
	const int size = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	took(yajl_gen_number(w->gen, digits, (size_t)size));
}

/* ---- scalars ---- */

static void put_hex(struct writer *w, struct str bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *p = json_memory_take(&w->memory, 2 * bytes.n);

	for (size_t i = 0; i < bytes.n; i++) {
		p[2 * i] = digits[(unsigned char)bytes.p[i] >> 4];
		p[2 * i + 1] = digits[(unsigned char)bytes.p[i] & 15];
	}
	put_quoted(w, (struct str){ p, 2 * bytes.n });
}

static void put_uuid(struct writer *w, const void *id)
{
	char text[ID_TEXT_SIZE];

	id_format(id, text);
	put_word(w, text);
}

static void put_time(struct writer *w, int64_t us)
{
	char text[TIME_TEXT_SIZE];

	time_format(us, text);
	put_word(w, text);
}

static void put_minor(struct writer *w, const char *name, bool open, int64_t minor,
		      const struct currency *c)
{
	char text[MINOR_TEXT_SIZE];

	put_word(w, name);
	if (open) {
		took(yajl_gen_null(w->gen));
		return;
	}
	minor_format(minor, c, text);
	put_word(w, text);
}

static void put_flag(struct writer *w, const char *name, bool value)
{
	if (!value)
		return;
	put_word(w, name);
	took(yajl_gen_bool(w->gen, true));
}

static void put_amount(struct writer *w, const struct amount *a)
{
	const struct currency *c = currency_find(str_of(a->currency));

	require(c);
	took(yajl_gen_map_open(w->gen));
	put_minor(w, "low", a->low_open, a->low, c);
	put_minor(w, "high", a->high_open, a->high, c);
	put_word(w, "currency");
	put_word(w, a->currency);
	put_flag(w, "approx", a->approx);
	put_flag(w, "low_excl", a->low_excl);
	put_flag(w, "high_excl", a->high_excl);
	took(yajl_gen_map_close(w->gen));
}

/* ---- bytes of an event ---- */

static bool next(struct writer *w, struct wire *in, struct item *item)
{
	if (!w->e)
		w->e = wire_next(in, item, NULL);
	return !w->e;
}

/* Bytes that are no amount are written as the map that they are. */
static void write_amount_item(struct writer *w, struct wire *in, const struct item *head,
			      struct wire begin)
{
	struct bounds b;
	struct amount amount;

	w->e = wire_pass(in, head, 1, NULL);
	if (w->e)
		return;
	const struct str bytes = { (const char *)begin.p, (size_t)(in->p - begin.p) };
	if (record_decode(&shape_bounds, bytes, w->memory.arena, &b, NULL) ||
	    amount_of_bounds(&b, &amount, NULL))
		write_item(w, &begin, NULL);
	else
		put_amount(w, &amount);
}

static void write_items(struct writer *w, struct wire *in, uint64_t n, const struct field *f)
{
	struct field one;

	if (f) {
		one = *f;
		one.list = false;
	}
	took(yajl_gen_array_open(w->gen));
	for (uint64_t i = 0; !w->e && i < n; i++)
		write_item(w, in, f ? &one : NULL);
	took(yajl_gen_array_close(w->gen));
}

static void write_bin(struct writer *w, const struct item *item, const struct field *f)
{
	if (f && f->type == F_ID && item->s.n == ID_SIZE)
		put_uuid(w, item->s.p);
	else
		put_hex(w, item->s);
}

/* The value that comes next; f says what it should be, NULL where nobody knows. */
static void write_item(struct writer *w, struct wire *in, const struct field *f)
{
	const struct wire begin = *in;
	struct item item;

	if (!next(w, in, &item))
		return;
	switch (item.kind) {
	case ITEM_NIL:
		took(yajl_gen_null(w->gen));
		return;
	case ITEM_BOOL:
		took(yajl_gen_bool(w->gen, item.u != 0));
		return;
	case ITEM_UINT:
		put_unsigned(w, item.u);
		return;
	case ITEM_NEGATIVE:
		took(yajl_gen_integer(w->gen, item.i));
		return;
	case ITEM_TEXT:
		put_quoted(w, item.s);
		return;
	case ITEM_BIN:
		write_bin(w, &item, f);
		return;
	case ITEM_ARRAY:
		write_items(w, in, item.u, f);
		return;
	case ITEM_MAP:
		if (f && f->type == F_AMOUNT) {
			write_amount_item(w, in, &item, begin);
			return;
		}
		took(yajl_gen_map_open(w->gen));
		write_pairs(w, in, item.u, f && f->type == F_SUB ? f->sub : NULL);
		took(yajl_gen_map_close(w->gen));
		return;
	}
	impossible("every kind of item is handled");
}

/* The next value, if it is one that stands for absent. */
static bool absent(const struct wire *in, const struct field *f)
{
	struct wire ahead = *in;
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
static void write_pairs(struct writer *w, struct wire *in, uint64_t n, const struct shape *s)
{
	struct item item;
	struct str key;

	for (uint64_t i = 0; !w->e && i < n; i++) {
		w->e = wire_key(in, &key, NULL);
		if (w->e)
			return;
		const struct field *f = field_named(s, key);
		if (absent(in, f)) {
			(void)next(w, in, &item);
			continue;
		}
		put_quoted(w, key);
		write_item(w, in, f);
	}
}

/* The members of an event's object out of its bytes, which are known to be an event. */
static void write_event(struct writer *w, struct str bytes)
{
	struct wire in = wire_of(bytes);
	struct item item;

	if (next(w, &in, &item))
		write_pairs(w, &in, item.u, &shape_event);
}

static void write_bytes(struct writer *w, struct str bytes)
{
	struct event_keys keys;

	if (event_peek(bytes, &keys, NULL)) {
		put_hex(w, bytes);
		return;
	}
	took(yajl_gen_map_open(w->gen));
	write_event(w, bytes);
	took(yajl_gen_map_close(w->gen));
}

/* ---- records ---- */

static void write_value(struct writer *w, const struct field *f, const void *p)
{
	switch (f->type) {
	case F_BOOL:
		took(yajl_gen_bool(w->gen, *(const bool *)p));
		return;
	case F_U64:
		put_unsigned(w, *(const uint64_t *)p);
		return;
	case F_I64:
		took(yajl_gen_integer(w->gen, *(const int64_t *)p));
		return;
	case F_TIME:
		put_time(w, *(const int64_t *)p);
		return;
	case F_ID:
		put_uuid(w, p);
		return;
	case F_HASH:
		put_hex(w, (struct str){ p, HASH_SIZE });
		return;
	case F_BYTES:
		write_bytes(w, *(const struct str *)p);
		return;
	case F_AMOUNT:
		put_amount(w, p);
		return;
	case F_ENUM:
		put_word(w, enum_word(f->words, *(const int *)p));
		return;
	case F_SUB:
		write_record(w, f->sub, p);
		return;
	case F_PAIRS:
		impossible("pairs are written as an object");
	default:
		put_quoted(w, *(const struct str *)p);
	}
}

/* Every list has the layout { v, n }. */
static void write_list(struct writer *w, const struct field *f, const void *p)
{
	const struct str_list *list = p;
	const char *items = (const char *)list->v;
	const size_t size = field_size(f);

	took(yajl_gen_array_open(w->gen));
	for (size_t i = 0; i < list->n; i++)
		write_value(w, f, items + i * size);
	took(yajl_gen_array_close(w->gen));
}

/* A list of keys and values, both texts, as an object. */
static void write_texts(struct writer *w, const struct shape *s, const void *p)
{
	const struct str_list *list = p;
	const char *pair = (const char *)list->v;

	took(yajl_gen_map_open(w->gen));
	for (size_t i = 0; i < list->n; i++, pair += s->size) {
		put_quoted(w, *(const struct str *)(pair + s->fields[0].offset));
		put_quoted(w, *(const struct str *)(pair + s->fields[1].offset));
	}
	took(yajl_gen_map_close(w->gen));
}

static void write_record(struct writer *w, const struct shape *s, const void *rec)
{
	uint64_t has;

	memcpy(&has, rec, sizeof(has));
	took(yajl_gen_map_open(w->gen));
	for (size_t i = 0; i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const void *p = (const char *)rec + f->offset;
		/* a word that is not known here was read as 0 */
		if (!(has >> i & 1) || (f->type == F_ENUM && !f->list && *(const int *)p == 0))
			continue;
		put_quoted(w, (struct str){ f->name, f->name_n });
		if (f->type == F_PAIRS)
			write_texts(w, f->sub, p);
		else if (f->list)
			write_list(w, f, p);
		else
			write_value(w, f, p);
	}
	took(yajl_gen_map_close(w->gen));
}

static void write_entry(struct writer *w, const struct entry *entry)
{
	took(yajl_gen_map_open(w->gen));
	put_word(w, "seq");
	put_unsigned(w, entry->seq);
	put_word(w, "epoch");
	put_unsigned(w, entry->epoch);
	put_word(w, "recorded");
	put_time(w, entry->recorded);
	write_event(w, entry->event);
	took(yajl_gen_map_close(w->gen));
}

/* ---- the whole ---- */

/* What is to be written: an entry, or else a record. */
struct subject {
	const struct entry *entry;
	const struct shape *shape;
	const void *rec;
};

/* All or nothing: on an error the buffer is as it was. */
static enum err write_whole(const struct subject *what, struct arena *a, struct buf *out)
{
	struct writer w = { .memory.arena = a, .out = out };
	const yajl_alloc_funcs funcs = json_memory_funcs(&w.memory);
	const size_t before = out->n;

	if (setjmp(w.memory.full)) {
		out->n = before;
		return ERR_NO_MEMORY;
	}
	w.gen = yajl_gen_alloc(&funcs);
	(void)yajl_gen_config(w.gen, yajl_gen_print_callback, append, &w);
	if (what->entry)
		write_entry(&w, what->entry);
	else
		write_record(&w, what->shape, what->rec);
	if (w.e)
		out->n = before;
	return w.e;
}

enum err json_write(const struct shape *s, const void *rec, struct arena *a, struct buf *out)
{
	return write_whole(&(struct subject){ .shape = s, .rec = rec }, a, out);
}

enum err json_write_entry(const struct entry *entry, struct arena *a, struct buf *out)
{
	struct event_keys keys;
	const enum err e = event_peek(entry->event, &keys, NULL);

	return e ? e : write_whole(&(struct subject){ .entry = entry }, a, out);
}
