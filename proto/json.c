/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json: records out of JSON text, as people and programs write it.
 *
 * Everything is copied into the arena and brought to NFC on the way. Numbers with a point or an
 * exponent are refused wherever they stand.
 */
#include <stdio.h>

#include "proto/field.h"
#include "proto/json_tree.h"
#include "proto/near.h"
#include "proto/wire.h"

struct reader {
	struct arena *arena;
	struct fault *fault;
};

static enum err read_object(struct reader *r, const struct shape *s, const struct json *json, void *out);

static enum err wrong(struct reader *r, const struct json *json, const char *wanted)
{
	static const char *const found[] = { [json_object] = "an object", [json_array] = "an array",
					     [json_text] = "text", [json_integer] = "a number",
					     [json_true] = "true", [json_false] = "false",
					     [json_null] = "null" };

	if (json->type == json_real)
		return fault_set(r->fault, ERR_FLOAT, NULL,
				 "a floating point number; write decimals as text");
	return fault_set(r->fault, ERR_WRONG_TYPE, NULL, "%s where %s belongs",
			 found[json->type], wanted);
}

static enum err no_memory(struct reader *r)
{
	return fault_set(r->fault, ERR_NO_MEMORY, NULL, "more than this request may take");
}

/* ---- scalars ---- */

/* A copy that outlives the parsed tree. */
static enum err keep(struct reader *r, struct str s, struct str *to)
{
	*to = arena_str(r->arena, s);
	return to->p ? ERR_OK : no_memory(r);
}

static enum err read_text(struct reader *r, const struct field *f, const struct json *json,
			  struct str *to)
{
	const bool number = f->type == F_DECIMAL || f->type == F_MOVE;
	enum err e;

	if (number && json->type == json_integer) {
		*to = arena_printf(r->arena, "%lld", (long long)json->integer);
		e = to->p ? ERR_OK : no_memory(r);
	} else if (json->type == json_text) {
		e = keep(r, json->text, to);
		if (!e && f->type == F_TEXT)
			e = text_nfc(*to, r->arena, to, r->fault);
	} else {
		return wrong(r, json, "text");
	}
	return e ? e : field_check_text(f, *to, r->fault);
}

static enum err read_u64(struct reader *r, const struct field *f, const struct json *json, uint64_t *to)
{
	if (json->type != json_integer || json->integer < 0)
		return wrong(r, json, "a whole number from 0");
	*to = (uint64_t)json->integer;
	return field_check_u64(f, *to, r->fault);
}

static enum err read_i64(struct reader *r, const struct json *json, int64_t *to)
{
	if (json->type != json_integer)
		return wrong(r, json, "a whole number");
	*to = json->integer;
	return ERR_OK;
}

static enum err read_bool(struct reader *r, const struct json *json, bool *to)
{
	if (json->type != json_true && json->type != json_false)
		return wrong(r, json, "true or false");
	*to = json->type == json_true;
	return ERR_OK;
}

static enum err read_word(struct reader *r, const struct field *f, const struct json *json, int *to)
{
	if (json->type != json_text)
		return wrong(r, json, "a word");
	*to = enum_value(f->words, json->text);
	return *to ? ERR_OK : field_bad_word(f->words, json->text, r->fault);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Hexadecimal digits as bytes in the arena. */
static enum err read_hex(struct reader *r, const struct json *json, struct str *to)
{
	const struct str s = json->text;
	char *p = arena_alloc(r->arena, s.n / 2);

	if (!p)
		return no_memory(r);
	for (size_t i = 0; i < s.n; i += 2) {
		const int high = nibble(s.p[i]), low = i + 1 < s.n ? nibble(s.p[i + 1]) : -1;
		if (high < 0 || low < 0)
			return fault_set(r->fault, ERR_BAD_VALUE, NULL,
					 "not pairs of hexadecimal digits");
		p[i / 2] = (char)(high << 4 | low);
	}
	*to = (struct str){ p, s.n / 2 };
	return ERR_OK;
}

static enum err read_hash(struct reader *r, const struct json *json, struct hash *to)
{
	struct str bytes;

	if (json->type != json_text)
		return wrong(r, json, "text");
	const enum err e = read_hex(r, json, &bytes);
	if (e)
		return e;
	if (bytes.n != HASH_SIZE)
		return fault_set(r->fault, ERR_BAD_VALUE, NULL, "not %u hexadecimal digits",
				 2 * HASH_SIZE);
	memcpy(to->b, bytes.p, HASH_SIZE);
	return ERR_OK;
}

/* An event, to be encoded; or hexadecimal. */
static enum err read_bytes(struct reader *r, const struct json *json, struct str *to)
{
	struct event event;
	struct buf bytes;

	if (json->type == json_text)
		return read_hex(r, json, to);
	if (json->type != json_object)
		return wrong(r, json, "an event");
	enum err e = read_object(r, &shape_event, json, &event);
	if (e)
		return e;
	if (!msg_has(&event, event, id))
		return fault_set(r->fault, ERR_MISSING_FIELD, "id", "every event has it");
	buf_init(&bytes, EVENT_BYTES_MAX);
	e = record_encode(&shape_event, &event, &bytes);
	if (!e)
		e = keep(r, buf_str(&bytes), to);
	else if (e == ERR_TOO_LARGE)
		e = field_check_limit(EVENT_BYTES_MAX, EVENT_BYTES_MAX + 1, "a longer event",
				      r->fault);
	buf_fini(&bytes);
	return e;
}

/* ---- amounts ---- */

/* A bound in major units: decimal text, or a whole number. null: open. */
static enum err read_bound(struct reader *r, const struct json *json, const struct currency *c,
			   int64_t *minor, bool *open)
{
	char digits[MINOR_TEXT_SIZE];
	struct str text;

	*open = !json || json->type == json_null;
	if (*open)
		return ERR_OK;
	if (json->type == json_integer) {
		(void)snprintf(digits, sizeof(digits), "%lld",
			       (long long)json->integer);
		text = str_of(digits);
	} else if (json->type == json_text) {
		text = json->text;
	} else {
		return wrong(r, json, "a decimal as text");
	}
	return minor_parse(text, c, minor, r->fault);
}

static enum err read_flag(struct reader *r, const struct json *json, const char *name, bool *to)
{
	const struct json *flag = json_member(json, str_of(name));

	if (!flag || flag->type == json_null)
		return ERR_OK;
	const enum err e = read_bool(r, flag, to);
	if (e)
		fault_under(r->fault, name);
	return e;
}

static enum err unknown_field(struct reader *r, const struct shape *s, struct str key)
{
	const char *names[MAP_KEYS_MAX];

	for (size_t i = 0; i < s->nfields; i++)
		names[i] = s->fields[i].name;
	const char *near = near_word(names, s->nfields, key);
	if (near)
		(void)fault_set(r->fault, ERR_UNKNOWN_FIELD, NULL,
				"no such field; did you mean `%s`?", near);
	else
		(void)fault_set(r->fault, ERR_UNKNOWN_FIELD, NULL, "no such field");
	fault_under_key(r->fault, key);
	return ERR_UNKNOWN_FIELD;
}

static enum err check_amount_keys(struct reader *r, const struct json *json)
{
	for (const struct json *m = json->first; m; m = m->next) {
		size_t i = 0;
		while (i < shape_bounds.nfields &&
		       !str_eq(m->key, str_of(shape_bounds.fields[i].name)))
			i++;
		if (i == shape_bounds.nfields)
			return unknown_field(r, &shape_bounds, m->key);
	}
	return ERR_OK;
}

static enum err read_currency(struct reader *r, const struct json *json, const struct currency **c)
{
	const struct json *code = json_member(json, STR("currency"));

	if (!code)
		return fault_set(r->fault, ERR_MISSING_FIELD, "currency", "an amount needs it");
	if (code->type != json_text)
		return wrong(r, code, "a code");
	*c = currency_find(code->text);
	return *c ? ERR_OK :
		fault_set(r->fault, ERR_BAD_CURRENCY, "currency", "not a currency of ISO 4217");
}

static enum err read_amount_object(struct reader *r, const struct json *json, struct amount *to)
{
	const struct currency *c = NULL;
	enum err e = check_amount_keys(r, json);

	*to = (struct amount){ 0 };
	if (!e)
		e = read_currency(r, json, &c);
	if (e)
		return e;
	memcpy(to->currency, c->code, sizeof(to->currency));
	e = read_bound(r, json_member(json, STR("low")), c, &to->low, &to->low_open);
	if (e) {
		fault_under(r->fault, "low");
		return e;
	}
	e = read_bound(r, json_member(json, STR("high")), c, &to->high, &to->high_open);
	if (e) {
		fault_under(r->fault, "high");
		return e;
	}
	e = read_flag(r, json, "approx", &to->approx);
	if (!e)
		e = read_flag(r, json, "low_excl", &to->low_excl);
	return e ? e : read_flag(r, json, "high_excl", &to->high_excl);
}

static enum err read_amount(struct reader *r, const struct json *json, struct amount *to)
{
	if (json->type == json_text)
		return amount_parse(json->text, to, r->fault);
	if (json->type != json_object)
		return wrong(r, json, "an amount, as \"15bn..25bn USD\",");
	const enum err e = read_amount_object(r, json, to);
	return e ? e : amount_check_form(to, r->fault);
}

/* ---- records ---- */

static enum err read_value(struct reader *r, const struct field *f, const struct json *json, void *to)
{
	switch (f->type) {
	case F_BOOL:
		return read_bool(r, json, to);
	case F_U64:
		return read_u64(r, f, json, to);
	case F_I64:
		return read_i64(r, json, to);
	case F_TIME:
		return json->type == json_text ? time_parse(json->text, to, r->fault) :
					      wrong(r, json, "a time as text");
	case F_ID:
		return json->type == json_text ? id_parse(json->text, to, r->fault) :
					      wrong(r, json, "a UUID as text");
	case F_HASH:
		return read_hash(r, json, to);
	case F_BYTES:
		return read_bytes(r, json, to);
	case F_AMOUNT:
		return read_amount(r, json, to);
	case F_ENUM:
		return read_word(r, f, json, to);
	case F_SUB:
		return read_object(r, f->sub, json, to);
	case F_PAIRS:
		impossible("pairs are read as a list");
	default:
		return read_text(r, f, json, to);
	}
}

/* Room for n items; every list has the layout { v, n }. */
static enum err make_list(struct reader *r, const struct field *f, size_t n, void *to, char **items)
{
	struct str_list list = { NULL, n };
	const enum err e = field_check_limit(f->limit, n, "more items", r->fault);

	if (e)
		return e;
	list.v = n ? arena_zalloc(r->arena, n, field_size(f)) : NULL;
	if (n && !list.v)
		return no_memory(r);
	memcpy(to, &list, sizeof(list));
	*items = (char *)list.v;
	return ERR_OK;
}

/* An array; or one text, which stands for a list of one. */
static enum err read_list(struct reader *r, const struct field *f, const struct json *json, void *to)
{
	const bool one = json->type == json_text && (type_is_text(f->type) || f->type == F_ENUM);
	const size_t n = one ? 1 : json->n, size = field_size(f);
	const struct json *item = one ? json : json->first;
	char *items;

	if (!one && json->type != json_array)
		return wrong(r, json, "an array");
	enum err e = make_list(r, f, n, to, &items);
	for (size_t i = 0; !e && i < n; i++, item = item->next) {
		e = read_value(r, f, item, items + i * size);
		if (e && !one) {
			char at[24];
			(void)snprintf(at, sizeof(at), "[%zu]", i);
			fault_under(r->fault, at);
		}
	}
	return e;
}

static enum err read_pair(struct reader *r, const struct shape *s, struct str key,
			  const struct json *value, char *out)
{
	struct str *first = (struct str *)(out + s->fields[0].offset);
	const uint64_t has = 3;

	memcpy(out, &has, sizeof(has));
	enum err e = keep(r, key, first);
	if (!e)
		e = field_check_text(&s->fields[0], *first, r->fault);
	if (!e)
		e = read_text(r, &s->fields[1], value, (struct str *)(out + s->fields[1].offset));
	if (e)
		fault_under_key(r->fault, key);
	return e;
}

static enum err read_pairs(struct reader *r, const struct field *f, const struct json *json, void *to)
{
	char *items;

	if (json->type != json_object)
		return wrong(r, json, "an object");
	enum err e = make_list(r, f, json->n, to, &items);
	for (const struct json *m = json->first; !e && m; m = m->next) {
		e = read_pair(r, f->sub, m->key, m, items);
		items += f->sub->size;
	}
	return e;
}

/* What an export writes beside the event: given by the ledger, not by the publisher. */
static bool by_ledger(const struct shape *s, struct str key)
{
	return s == &shape_event && (str_eq(key, STR("seq")) || str_eq(key, STR("epoch")) ||
				     str_eq(key, STR("recorded")));
}

static enum err read_member(struct reader *r, const struct shape *s, struct str key,
			    const struct json *json, char *out)
{
	size_t i = 0;
	enum err e;

	while (i < s->nfields &&
	       !str_eq(key, (struct str){ s->fields[i].name, s->fields[i].name_n }))
		i++;
	if (i == s->nfields)
		return by_ledger(s, key) ? ERR_OK : unknown_field(r, s, key);
	if (json->type == json_null)
		return ERR_OK;
	const struct field *f = &s->fields[i];
	if (f->type == F_PAIRS)
		e = read_pairs(r, f, json, out + f->offset);
	else if (f->list)
		e = read_list(r, f, json, out + f->offset);
	else
		e = read_value(r, f, json, out + f->offset);
	if (e)
		fault_under(r->fault, f->name);
	else
		*(uint64_t *)(void *)out |= UINT64_C(1) << i;
	return e;
}

static enum err read_object(struct reader *r, const struct shape *s, const struct json *json, void *out)
{
	enum err e = ERR_OK;

	if (json->type != json_object)
		return wrong(r, json, "an object");
	memset(out, 0, s->size);
	for (const struct json *m = json->first; !e && m; m = m->next)
		e = read_member(r, s, m->key, m, out);
	const uint64_t has = *(uint64_t *)out;
	for (size_t i = 0; !e && i < s->nfields; i++)
		/* the tools make an id where people gave none */
		if (s->fields[i].required && !(has >> i & 1) &&
		    !(s == &shape_event && i == event_HAS_id))
			e = fault_set(r->fault, ERR_MISSING_FIELD, s->fields[i].name, "%s",
				      s->fields[i].doc);
	return e;
}

enum err json_read(const struct shape *s, struct str text, struct arena *a, void *rec,
		   struct fault *fault)
{
	struct reader r = { a, fault };
	const struct json *json;
	size_t at;
	enum err e = field_check_limit(MSG_BYTES_MAX, text.n, "a longer text", fault);

	if (!e)
		e = json_parse(text, a, &json, &at, fault);
	return e ? e : read_object(&r, s, json, rec);
}
