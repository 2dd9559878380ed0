/* SPDX-License-Identifier: Apache-2.0 */
/* flat: walks the event's description, so that a new field of the table is a new column. */
#include "tools/flat.h"

#include <stdio.h>

#include "tools/out.h"

enum { part_low, part_high, part_currency, part_flags, PARTS };
static const char *const part_names[PARTS] = { "low", "high", "currency", "flags" };

static void add(struct flat *f, const struct field *outer, const struct field *inner, int part)
{
	require(f->n < FLAT_COLUMNS_MAX);
	struct flat_column *c = &f->v[f->n++];
	const char *last = inner ? inner->name : outer->type == F_AMOUNT ? part_names[part] : NULL;
	const int n = snprintf(c->name, sizeof(c->name), "%s%s%s", outer->name, last ? "." : "",
			       last ? last : "");

	ensure(n > 0 && (size_t)n < sizeof(c->name));
	c->outer = outer;
	c->inner = inner;
	c->part = part;
}

void flat_init(struct flat *f)
{
	f->n = 0;
	for (size_t i = 0; i < shape_event.nfields; i++) {
		const struct field *field = &shape_event.fields[i];
		const bool record = field->type == F_SUB && !field->list;
		for (size_t k = 0; record && k < field->sub->nfields; k++)
			add(f, field, &field->sub->fields[k], 0);
		for (int k = 0; field->type == F_AMOUNT && k < PARTS; k++)
			add(f, field, NULL, k);
		if (!record && field->type != F_AMOUNT)
			add(f, field, NULL, 0);
	}
}

static bool has_field(const struct shape *s, const struct field *f, const void *rec)
{
	uint64_t has;

	memcpy(&has, rec, sizeof(has));
	return has >> (f - s->fields) & 1;
}

/* One value; those of types that no event has are not known here. */
static enum err put_value(const struct field *f, const void *p, struct buf *out)
{
	char text[ID_TEXT_SIZE];
	struct str s;
	const char *word;
	bool yes;

	switch (f->type) {
	case F_BOOL:
		memcpy(&yes, p, sizeof(yes));
		return buf_printf(out, "%s", yes ? "true" : "false");
	case F_ID:
		id_format(p, text);
		return buf_printf(out, "%s", text);
	case F_ENUM:
		word = enum_word(f->words, *(const int *)p);
		return buf_printf(out, "%s", word ? word : "");
	case F_TEXT:
	case F_SLUG:
	case F_DATE:
	case F_WHEN:
	case F_DAY:
	case F_DECIMAL:
	case F_MOVE:
	case F_CURRENCY:
		memcpy(&s, p, sizeof(s));
		return buf_put(out, s.p, s.n);
	default:
		impossible("a type that no field of an event has");
	}
}

static enum err put_amount(int part, const void *p, struct buf *out)
{
	struct amount_words words;
	struct amount a;

	memcpy(&a, p, sizeof(a));
	amount_words(&a, &words);
	const char *const texts[PARTS] = { words.low, words.high, a.currency, words.flags };
	return buf_printf(out, "%s", texts[part]);
}

/* A text of a list, so that joining by `;` can be undone. */
static enum err put_item(struct str s, struct buf *out)
{
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < s.n; i++) {
		if (s.p[i] == ';' || s.p[i] == '\\')
			e = buf_put(out, "\\", 1);
		if (!e)
			e = buf_put(out, &s.p[i], 1);
	}
	return e;
}

/* A record of a list: its values joined by colons. */
static enum err put_record(const struct shape *s, const char *rec, struct buf *out)
{
	struct buf item;
	enum err e = ERR_OK;

	buf_init(&item, EVENT_BYTES_MAX);
	for (size_t i = 0; !e && i < s->nfields; i++) {
		if (i)
			e = buf_put(&item, ":", 1);
		if (!e)
			e = put_value(&s->fields[i], rec + s->fields[i].offset, &item);
	}
	if (!e)
		e = put_item(buf_str(&item), out);
	buf_fini(&item);
	return e;
}

/* Every list is { v, n }. */
static enum err put_list(const struct field *f, const void *p, struct buf *out)
{
	struct str_list list;
	enum err e = ERR_OK;

	memcpy(&list, p, sizeof(list));
	for (size_t i = 0; !e && i < list.n; i++) {
		if (i)
			e = buf_put(out, ";", 1);
		if (e)
			break;
		if (f->sub)
			e = put_record(f->sub, (const char *)list.v + i * f->sub->size, out);
		else
			e = put_item(list.v[i], out);
	}
	return e;
}

enum err flat_put(const struct flat_column *column, const struct event *event, bool *has,
		  struct buf *out)
{
	const char *p = (const char *)event + column->outer->offset;

	*has = has_field(&shape_event, column->outer, event);
	if (!*has)
		return ERR_OK;
	if (column->inner) {
		*has = has_field(column->outer->sub, column->inner, p);
		return *has ? put_value(column->inner, p + column->inner->offset, out) : ERR_OK;
	}
	if (column->outer->list || column->outer->type == F_PAIRS)
		return put_list(column->outer, p, out);
	if (column->outer->type == F_AMOUNT)
		return put_amount(column->part, p, out);
	return put_value(column->outer, p, out);
}
