/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_row: a row becomes events. Each event is put together as JSON, which proto reads and checks as
 * it does any other; then it gets an id derived from the map's name and its content, so that the same
 * row makes the same events, whenever and from whatever line it comes.
 */
#include <stdio.h>

#include "tools/map.h"
#include "tools/out.h"

#define TEXT_MAX (1u << 20)

static struct str trim(struct str s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* ---- checks ---- */

/* The day of `2015-01-02`, also with a time behind it. */
static enum err read_day(struct str s, int32_t *day, struct fault *fault)
{
	if (s.n > 10 && (s.p[10] == ' ' || s.p[10] == 'T'))
		s.n = 10;
	return day_parse(s, day, fault);
}

static enum err check_one(const struct map_check *check, struct str cell, struct fault *fault)
{
	char from[DAY_TEXT_SIZE], to[DAY_TEXT_SIZE];
	struct decimal decimal;
	int32_t day;

	switch (check->kind) {
	case check_required:
		return ERR_OK; /* looked at before */
	case check_day: {
		const enum err e = read_day(cell, &day, fault);
		if (e || (day >= check->from && day <= check->to))
			return e;
		day_format(check->from, from);
		day_format(check->to, to);
		return fault_set(fault, ERR_BAD_DATE, NULL, "%.*s is not within "
		"%s..%s", STR_ARG(cell),
				 from, to);
	}
	case check_decimal:
		return decimal_parse(cell, &decimal, fault);
	case check_currency:
		return currency_find(cell) ? ERR_OK
					   : fault_set(fault, ERR_BAD_CURRENCY, NULL, "`%.*s` "
					"is not a "
						       "currency of ISO 4217", STR_ARG(cell));
	case check_max:
		return cell.n <= check->max
			       ? ERR_OK
			       : fault_set(fault, ERR_TOO_LARGE, NULL, "%zu bytes, at most %llu: a "
					   "quote that was never closed?", cell.n,
					   (unsigned long long)check->max);
	case check_prefix:
		return cell.n >= check->arg.n && memcmp(cell.p, check->arg.p, check->arg.n) == 0
			       ? ERR_OK
			       : fault_set(fault, ERR_BAD_VALUE, NULL, "`%.*s` does not begin with "
					   "%.*s", cell.n < 60 ? (int)cell.n : 60, cell.p,
					   STR_ARG(check->arg));
	case CHECKS:
		break;
	}
	impossible("a check that is none");
}

static enum err check_cells(const struct map *m, const struct str *cells, int *column,
			    struct fault *fault)
{
	for (size_t i = 0; i < m->ncolumns; i++) {
		const struct map_column *col = &m->columns[i];
		*column = (int)i;
		for (size_t k = 0; k < col->nchecks; k++) {
			if (col->checks[k].kind == check_required && cells[i].n == 0)
				return fault_set(fault, ERR_MISSING_FIELD, NULL, "it is empty");
			if (cells[i].n == 0)
				continue;
			const enum err e = check_one(&col->checks[k], cells[i], fault);
			if (e)
				return e;
		}
	}
	*column = -1;
	return ERR_OK;
}

/* ---- templates ---- */

static struct str change_case(struct str s, bool upper, struct arena *a)
{
	struct str out = arena_str(a, s);
	char *p = (char *)out.p; /* ours, only just made */

	for (size_t i = 0; i < out.n; i++)
		if (upper ? p[i] >= 'a' && p[i] <= 'z' : p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] ^ 0x20);
	return out;
}

/* 21/12/2014 or 12/21/2014, also with points or hyphens, to 2014-12-21. */
static enum err swap_day(struct str s, bool month_first, struct arena *a, struct str *out,
			 struct fault *fault)
{
	unsigned part[3] = { 0 };
	size_t k = 0;

	for (size_t i = 0; i < s.n && k < 3; i++) {
		if (s.p[i] >= '0' && s.p[i] <= '9' && part[k] < 10000)
			part[k] = part[k] * 10 + (unsigned)(s.p[i] - '0');
		else if (strchr("/.-", s.p[i]) && s.p[i] && ++k < 3)
			continue;
		else
			k = 3;
	}
	if (k != 2)
		return fault_set(fault, ERR_BAD_DATE, NULL, "`%.*s` is not %s", STR_ARG(s),
				 month_first ? "month/day/year" : "day/month/year");
	*out = arena_printf(a, "%04u-%02u-%02u", part[2], part[month_first ? 0 : 1],
			    part[month_first ? 1 : 0]);
	return out->p ? ERR_OK : ERR_NO_MEMORY;
}

static enum err apply(const struct map_filter *f, struct arena *a, struct str *s, struct fault *fault)
{
	char text[DAY_TEXT_SIZE];
	int32_t day;
	enum err e = ERR_OK;

	switch (f->kind) {
	case filter_trim:
		*s = trim(*s);
		break;
	case filter_lower:
	case filter_upper:
		*s = change_case(*s, f->kind == filter_upper, a);
		break;
	case filter_strip:
		if (s->n < f->arg.n || memcmp(s->p, f->arg.p, f->arg.n) != 0)
			return fault_set(fault, ERR_BAD_VALUE, NULL, "`%.*s` does not begin "
			"with %.*s",
					 s->n < 60 ? (int)s->n : 60, s->p, STR_ARG(f->arg));
		s->p += f->arg.n;
		s->n -= f->arg.n;
		break;
	case filter_default:
		*s = s->n ? *s : f->arg;
		break;
	case filter_day:
		if (f->arg.n)
			e = swap_day(*s, str_eq(f->arg, STR("mdy")), a, s, fault);
		if (!e)
			e = read_day(*s, &day, fault);
		if (!e) {
			day_format(day, text);
			*s = arena_str(a, str_of(text));
		}
		break;
	case filter_split: /* see split_of */
	case FILTERS:
		break;
	}
	return e;
}

/* The separator of a template that is split into a list; 0: it is not. */
static char split_of(const struct map_field *f)
{
	for (size_t i = 0; i < f->nparts; i++)
		for (size_t k = 0; k < f->parts[i].nfilters; k++)
			if (f->parts[i].filters[k].kind == filter_split) {
				const struct str arg = f->parts[i].filters[k].arg;
				return str_eq(arg, STR("bar")) || !arg.n ? '|' : arg.p[0];
			}
	return 0;
}

/* The template's text; *empty where one of its columns is. */
static enum err expand(const struct map_field *f, const struct str *cells, struct arena *a,
		       struct buf *out, bool *empty, int *column, struct fault *fault)
{
	enum err e = ERR_OK;

	*empty = false;
	buf_clear(out);
	for (size_t i = 0; !e && i < f->nparts; i++) {
		const struct map_part *part = &f->parts[i];
		struct str s = part->literal;
		if (part->column >= 0) {
			*column = part->column;
			s = cells[part->column];
			for (size_t k = 0; !e && k < part->nfilters; k++)
				if (s.n || part->filters[k].kind == filter_default)
					e = apply(&part->filters[k], a, &s, fault);
			*empty |= s.n == 0;
		}
		if (!e)
			e = buf_put(out, s.p, s.n);
	}
	return e;
}

/* ---- JSON ---- */

/* A slug of the text; two texts that make the same slug would be mixed up, so the second is refused. */
static enum err put_slug(struct map *m, struct str text, struct buf *out, struct fault *fault)
{
	static const struct id none;
	char slug[SLUG_MAX + 1];
	struct id key, value;
	struct idmap_slot *slot;
	enum err e = ERR_OK;

	if (slug_check(text, NULL) == ERR_OK)
		(void)snprintf(slug, sizeof(slug), "%.*s", STR_ARG(text));
	else
		e = slug_from_name(text, slug, fault);
	if (e)
		return e;
	id_derive(m->space.b, str_of(slug), key.b);
	id_derive(m->space.b, text, value.b);
	e = idmap_slot(&m->slugs, &key, &slot);
	if (e)
		return e;
	if (memcmp(&slot->value, &none, sizeof(none)) == 0)
		slot->value = value;
	if (memcmp(&slot->value, &value, sizeof(value)) != 0)
		return fault_set(fault, ERR_BAD_SLUG, NULL, "`%.*s` makes the slug %s, which "
		"stands for "
				 "another text already", STR_ARG(text), slug);
	return buf_printf(out, "\"%s\"", slug);
}

static enum err put_value(struct map *m, const struct map_field *f, struct str text, struct buf *out,
			  struct fault *fault)
{
	if (f->field->type == F_SLUG)
		return put_slug(m, text, out, fault);
	if (f->field->type == F_BOOL)
		return str_eq(text, STR("true")) || str_eq(text, STR("yes")) ? buf_put(out, "true", 4)
									     : buf_put(out, "false", 5);
	return json_quote(text, out);
}

static enum err put_values(struct map *m, const struct map_field *f, struct str text, struct buf *out,
			   struct fault *fault)
{
	const char separator = split_of(f);
	enum err e = buf_put(out, "[", 1);

	while (!e) {
		const char *end = separator && text.n ? memchr(text.p, separator, text.n) : NULL;
		const struct str piece = { text.p, end ? (size_t)(end - text.p) : text.n };
		if (piece.n && out->p[out->n - 1] != '[')
			e = buf_put(out, ",", 1);
		if (!e && piece.n)
			e = put_value(m, f, piece, out, fault);
		if (!end)
			break;
		text.p += piece.n + 1;
		text.n -= piece.n + 1;
	}
	return e ? e : buf_put(out, "]", 1);
}

struct making {
	struct map *m;
	const struct map_event *event;
	const struct str *cells;
	struct str raw; /* the row as JSON */
	struct arena *a;
	struct buf json, text;
	int *column;
};

static enum err comma(struct buf *b)
{
	return b->n && b->p[b->n - 1] != '{' ? buf_put(b, ",", 1) : ERR_OK;
}

static enum err put_field(struct making *k, const struct map_field *f, struct str name,
			  struct fault *fault)
{
	bool empty;
	enum err e = expand(f, k->cells, k->a, &k->text, &empty, k->column, fault);

	if (e || empty)
		return e;
	e = comma(&k->json);
	if (!e)
		e = json_quote(name, &k->json);
	if (!e)
		e = buf_put(&k->json, ":", 1);
	if (e)
		return e;
	const bool list = f->field->list && strcmp(f->field->name, "identifiers") != 0;
	return list ? put_values(k->m, f, buf_str(&k->text), &k->json, fault)
		    : put_value(k->m, f, buf_str(&k->text), &k->json, fault);
}

/* The fields below `parent` (empty: those below none), as members. */
static enum err put_level(struct making *k, const char *parent, struct fault *fault)
{
	const size_t n = strlen(parent);
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < k->event->nfields; i++) {
		const struct map_field *f = &k->event->fields[i];
		const char *dot = memchr(f->path.p, '.', f->path.n);
		if (n ? !dot || (size_t)(dot - f->path.p) != n || memcmp(f->path.p, parent, n) : dot != NULL)
			continue;
		const size_t skip = n ? n + 1 : 0;
		e = put_field(k, f, (struct str){ f->path.p + skip, f->path.n - skip }, fault);
	}
	return e;
}

static enum err put_nested(struct making *k, const char *parent, struct fault *fault)
{
	const size_t before = k->json.n;
	enum err e = comma(&k->json);

	if (!e)
		e = buf_printf(&k->json, "\"%s\":{", parent);
	const size_t empty = k->json.n;
	if (!e)
		e = put_level(k, parent, fault);
	if (!e && k->json.n == empty) {
		k->json.n = before;
		return ERR_OK;
	}
	return e ? e : buf_put(&k->json, "}", 1);
}

static enum err put_event(struct making *k, struct fault *fault)
{
	enum err e = buf_put(&k->json, "{", 1);

	if (!e)
		e = put_level(k, "", fault);
	if (!e)
		e = put_nested(k, "source", fault);
	if (!e)
		e = put_nested(k, "identifiers", fault);
	if (e)
		return e;
	*k->column = -1;
	if (k->event->row.n) {
		e = comma(&k->json);
		if (!e)
			e = buf_printf(&k->json, "\"%.*s\":", STR_ARG(k->event->row));
		if (!e)
			e = json_quote(k->raw, &k->json);
	}
	return e ? e : buf_put(&k->json, "}", 1);
}

/* ---- events ---- */

/* Which column to blame for a field of the event: the first of its template. */
static void blame(const struct map_event *event, const struct fault *fault, int *column)
{
	const size_t n = strcspn(fault->field, "[");

	for (size_t i = 0; i < event->nfields; i++) {
		const struct map_field *f = &event->fields[i];
		if (f->path.n > n || memcmp(f->path.p, fault->field, f->path.n) != 0)
			continue;
		for (size_t k = 0; k < f->nparts; k++)
			if (f->parts[k].column >= 0) {
				*column = f->parts[k].column;
				return;
			}
	}
}

static bool is_declaration(int kind)
{
	return kind == kind_party || kind == kind_deal || kind == kind_rate;
}

/* The id of the content: of the bytes with an id of zeros, and a number from the second on. */
static enum err derive(const struct map *m, struct event *e, uint64_t number, struct fault *fault)
{
	struct buf b;

	buf_init(&b, EVENT_BYTES_MAX + 64);
	memset(&e->id, 0, sizeof(e->id));
	msg_mark(e, event, id);
	enum err bad = record_encode(&shape_event, e, &b);
	if (!bad && number > 1)
		bad = buf_printf(&b, "#%llu", (unsigned long long)number);
	if (!bad)
		id_derive(m->space.b, buf_str(&b), e->id.b);
	buf_fini(&b);
	return bad ? fault_set(fault, bad, NULL, "an event larger than %u bytes", EVENT_BYTES_MAX)
		   : ERR_OK;
}

static enum err finish(const struct map *m, struct event *e, uint64_t number, int64_t now_us,
		       struct arena *a, struct map_made *made, struct fault *fault)
{
	struct buf b;
	enum err bad = derive(m, e, 1, fault);

	if (!bad && number > 1 && !is_declaration(e->kind)) {
		/* the same row once more is a copy of its first */
		const struct id first = e->id;
		bad = derive(m, e, number, fault);
		msg_set(e, event, derived_from, first);
	}
	if (!bad)
		bad = event_check_struct(e, now_us, fault);
	if (bad)
		return bad;
	buf_init(&b, EVENT_BYTES_MAX);
	bad = record_encode(&shape_event, e, &b);
	if (!bad) {
		*made = (struct map_made){ arena_str(a, buf_str(&b)), e->id, e->kind };
		bad = made->bytes.p ? ERR_OK : ERR_NO_MEMORY;
	}
	buf_fini(&b);
	return bad;
}

static enum err make(struct making *k, uint64_t number, int64_t now_us, struct map_made *made,
		     struct fault *fault)
{
	struct event e = { 0 };

	buf_clear(&k->json);
	enum err bad = put_event(k, fault);
	if (bad)
		return bad;
	const struct str json = arena_str(k->a, buf_str(&k->json));
	bad = json.p ? json_read(&shape_event, json, k->a, &e, fault) : ERR_NO_MEMORY;
	if (!bad && k->m->tag.n) {
		struct str_list tags = { arena_zalloc(k->a, e.tags.n + 1, sizeof(struct str)), 0 };
		if (!tags.v)
			return ERR_NO_MEMORY;
		tags.v[tags.n++] = k->m->tag;
		for (size_t i = 0; msg_has(&e, event, tags) && i < e.tags.n; i++)
			tags.v[tags.n++] = e.tags.v[i];
		msg_set(&e, event, tags, tags);
	}
	if (!bad)
		bad = finish(k->m, &e, number, now_us, k->a, made, fault);
	if (bad)
		blame(k->event, fault, k->column);
	return bad;
}

static bool wanted(const struct map_event *event, const struct str *cells)
{
	for (size_t i = 0; i < event->nwhen; i++)
		if ((cells[event->when[i].column].n == 0) != event->when[i].empty)
			return false;
	return true;
}

static enum err make_all(struct making *k, uint64_t number, int64_t now_us, struct map_result *out,
			 struct fault *fault)
{
	struct map *m = k->m;
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < m->nevents; i++) {
		k->event = &m->events[i];
		if (!wanted(k->event, k->cells))
			continue;
		e = make(k, number, now_us, &out->v[out->n++], fault);
	}
	return e;
}

enum err map_events(struct map *m, const struct str *cells, int64_t now_us, struct arena *a,
		    struct map_result *out, int *column, struct fault *fault)
{
	struct making k = { .m = m, .cells = cells, .a = a, .column = column };
	struct idmap_slot *slot;
	struct buf raw;
	struct id key;

	out->n = 0;
	out->again = false;
	enum err e = check_cells(m, cells, column, fault);
	if (e)
		return e;
	buf_init(&raw, TEXT_MAX);
	buf_init(&k.json, 2 * TEXT_MAX);
	buf_init(&k.text, TEXT_MAX);
	e = map_raw_write(m, cells, &raw);
	k.raw = buf_str(&raw);
	if (e) {
		(void)fault_set(fault, e, NULL, "%s", err_info(e)->text);
	} else {
		id_derive(m->space.b, k.raw, key.b);
		e = idmap_slot(&m->rows, &key, &slot);
	}
	if (!e) {
		const uint64_t number = slot->count + 1;
		out->again = number > 1;
		if (number > 1 && m->duplicates == duplicates_reject)
			e = fault_set(fault, ERR_BAD_VALUE, NULL, "the same row came before");
		else if (number == 1 || m->duplicates == duplicates_copy)
			e = make_all(&k, number, now_us, out, fault);
		/* only rows that are taken count; the map of slugs does not move this one */
		slot->count += e == ERR_OK;
	}
	buf_fini(&raw);
	buf_fini(&k.json);
	buf_fini(&k.text);
	return e;
}
