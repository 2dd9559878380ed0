/* SPDX-License-Identifier: Apache-2.0 */
/* encode: from structs to bytes, canonical: fields in the order of the table, numbers shortest. */
#include "proto/field.h"
#include "proto/wire.h"

static enum err write_map(const struct shape *s, const void *rec, const struct head *head,
			  struct buf *out);

static enum err write_amount(const struct amount *a, struct buf *out)
{
	struct bounds b;

	bounds_of_amount(a, &b);
	return write_map(&shape_bounds, &b, NULL, out);
}

static enum err write_word(const struct field *f, int value, struct buf *out)
{
	const char *word = enum_word(f->words, value);

	require(word);
	return put_text(out, str_of(word));
}

static enum err write_value(const struct field *f, const void *p, struct buf *out)
{
	switch (f->type) {
	case F_BOOL:
		return put_bool(out, *(const bool *)p);
	case F_U64:
		return put_uint(out, *(const uint64_t *)p);
	case F_I64:
	case F_TIME:
		return put_int(out, *(const int64_t *)p);
	case F_ID:
		return put_bin(out, (struct str){ p, ID_SIZE });
	case F_HASH:
		return put_bin(out, (struct str){ p, HASH_SIZE });
	case F_BYTES:
		return put_bin(out, *(const struct str *)p);
	case F_AMOUNT:
		return write_amount(p, out);
	case F_ENUM:
		return write_word(f, *(const int *)p, out);
	case F_SUB:
		return write_map(f->sub, p, NULL, out);
	case F_PAIRS:
		impossible("pairs are written as a list");
	default:
		return put_text(out, *(const struct str *)p);
	}
}

static enum err write_pair(const struct shape *s, const char *rec, struct buf *out)
{
	const enum err e = put_text(out, *(const struct str *)(rec + s->fields[0].offset));

	return e ? e : put_text(out, *(const struct str *)(rec + s->fields[1].offset));
}

/* Every list has the layout { v, n }. */
static enum err write_list(const struct field *f, const void *p, struct buf *out)
{
	const struct str_list *list = p;
	const char *items = (const char *)list->v;
	const size_t size = field_size(f);
	const bool pairs = f->type == F_PAIRS;
	enum err e = pairs ? put_map(out, list->n) : put_array(out, list->n);

	for (size_t i = 0; !e && i < list->n; i++)
		e = pairs ? write_pair(f->sub, items + i * size, out) :
			    write_value(f, items + i * size, out);
	return e;
}

static enum err write_number_key(const char *key, uint64_t value, struct buf *out)
{
	const enum err e = put_text(out, str_of(key));

	return e ? e : put_uint(out, value);
}

static enum err write_head(const struct shape *s, const struct head *head, struct buf *out)
{
	enum err e = write_number_key("v", head->v ? head->v : PROTO_VERSION, out);

	if (!e)
		e = put_text(out, STR("type"));
	if (!e)
		e = put_text(out, (struct str){ s->name, s->name_n });
	if (!e && head->rid)
		e = write_number_key("rid", head->rid, out);
	if (!e && head->ttl_ms)
		e = write_number_key("ttl_ms", head->ttl_ms, out);
	return e;
}

/* With what lies behind the name, as so many bytes are copied at once; what is too much is given back. */
static enum err write_name(const struct field *f, struct buf *out)
{
	char *to;

	if (buf_grow(out, sizeof(f->key), &to)) /* these bytes may be the last */
		return put_text(out, (struct str){ f->name, f->name_n });
	memcpy(to, &f->key, sizeof(f->key));
	out->n -= sizeof(f->key.text) - f->name_n;
	return ERR_OK;
}

static enum err write_map(const struct shape *s, const void *rec, const struct head *head,
			  struct buf *out)
{
	const size_t head_pairs = head ? 2u + (head->rid != 0) + (head->ttl_ms != 0) : 0;
	uint64_t has;

	memcpy(&has, rec, sizeof(has));
	require(has >> s->nfields == 0);
	enum err e = put_map(out, head_pairs + (size_t)__builtin_popcountll(has));
	if (!e && head)
		e = write_head(s, head, out);
	for (size_t i = 0; !e && i < s->nfields; i++) {
		const struct field *f = &s->fields[i];
		const void *p = (const char *)rec + f->offset;
		require(has >> i & 1 || !f->required);
		if (!(has >> i & 1))
			continue;
		e = write_name(f, out);
		if (!e)
			e = f->list ? write_list(f, p, out) : write_value(f, p, out);
	}
	return e;
}

/* All or nothing: on error the buffer is as it was. */
static enum err encode(const struct shape *s, const struct head *head, const void *rec,
		       struct buf *out)
{
	const size_t before = out->n;
	const enum err e = write_map(s, rec, head, out);

	if (e)
		out->n = before;
	return e;
}

enum err msg_encode(const struct shape *s, const struct head *head, const void *msg,
		    struct buf *out)
{
	require(s->message && head);
	return encode(s, head, msg, out);
}

enum err record_encode(const struct shape *s, const void *rec, struct buf *out)
{
	return encode(s, NULL, rec, out);
}
