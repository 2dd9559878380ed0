/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: reads a map file. Its sections:
 *
 *   [map]      name, tag, duplicates
 *   [columns]  the columns of the CSV in their order, each with the checks on it
 *   [defaults] fields that every event gets
 *   [event X]  one event of each row: when, row, and fields; X only names it
 *
 * A field's value is a template: text in which {column} or {column|filter|filter:argument} stand for
 * the row's values. Which fields there are, and of which type, is what proto says of events.
 */
#include "tools/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/inifile.h"

#define MAP_ARENA_MAX ((size_t)16 << 20)

/* namespace of the namespaces of maps; made once, for ever the same */
static const uint8_t map_space[ID_SIZE] = { 0x3e, 0x9c, 0x1d, 0x52, 0x77, 0x0a, 0x48, 0x6b,
					    0xa4, 0x1f, 0xc2, 0x90, 0x5d, 0x3b, 0xe6, 0x08 };

struct reading {
	struct map *m;
	struct map_event defaults;
	struct map_event *at; /* the event section that is being read */
	char section[128];
	struct map_field *last; /* for lines that go on */
	int last_line;
};

static enum err no_memory(struct fault *fault)
{
	return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
}

static bool keep(struct map *m, struct str s, struct str *out)
{
	*out = arena_str(&m->arena, s);
	return out->p != NULL;
}

static int find_column(const struct map *m, struct str name)
{
	for (size_t i = 0; i < m->ncolumns; i++)
		if (str_eq(m->columns[i].name, name))
			return (int)i;
	return -1;
}

/* The next piece of s up to a separator, which is taken too. */
static struct str cut(struct str *s, char separator)
{
	const char *end = s->n ? memchr(s->p, separator, s->n) : NULL;
	const struct str piece = { s->p, end ? (size_t)(end - s->p) : s->n };

	s->p += piece.n + (end != NULL);
	s->n -= piece.n + (end != NULL);
	return piece;
}

static struct str trim(struct str s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t'))
		s.p++, s.n--;
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* ---- [map] ---- */

static enum err set_map(struct map *m, const char *name, struct str value, struct fault *fault)
{
	static const char *const words[] = { "copy", "skip", "reject" };

	if (strcmp(name, "name") == 0) {
		id_derive(map_space, value, m->space.b);
		return keep(m, value, &m->name) ? ERR_OK : no_memory(fault);
	}
	if (strcmp(name, "tag") == 0)
		return keep(m, value, &m->tag) ? ERR_OK : no_memory(fault);
	for (size_t i = 0; strcmp(name, "duplicates") == 0 && i < ARRAY_LEN(words); i++) {
		if (str_eq(value, str_of(words[i]))) {
			m->duplicates = (enum map_duplicates)i;
			return ERR_OK;
		}
	}
	return fault_set(fault, ERR_BAD_MAP, NULL, "[map] takes name, tag, and duplicates = copy, "
			 "skip or reject; not `%s = %.*s`", name, STR_ARG(value));
}

/* ---- [columns] ---- */

static enum err set_check(struct map_check *check, struct str word, struct fault *fault)
{
	static const char *const names[CHECKS] = { "required", "date", "decimal", "currency", "max",
						   "starts" };
	struct str rest = word;
	const struct str name = cut(&rest, ':');
	size_t kind = 0;

	while (kind < CHECKS && !str_eq(name, str_of(names[kind])))
		kind++;
	*check = (struct map_check){ .kind = (enum map_check_kind)kind,
				     .arg = rest,
				     .from = DAY_MIN,
				     .to = DAY_MAX };
	if (kind == check_max)
		check->max = strtoull(rest.p, NULL, 10);
	if (kind == check_day && rest.n) {
		struct str to = rest;
		const struct str from = cut(&to, '.');
		if (to.n == 0 || *to.p != '.' || day_parse(from, &check->from, NULL) ||
		    day_parse((struct str){ to.p + 1, to.n - 1 }, &check->to, NULL))
			kind = CHECKS;
	}
	if (kind == CHECKS || (kind == check_max && !check->max))
		return fault_set(fault, ERR_BAD_MAP, NULL, "a check is required, decimal, "
		"currency, "
				 "date, date:1990-01-01..2015-12-31, max:BYTES or starts:TEXT; "
				"not `%.*s`",
				 STR_ARG(word));
	return ERR_OK;
}

static enum err add_column(struct map *m, struct str name, struct str checks, struct fault *fault)
{
	struct map_column *column = &m->columns[m->ncolumns];

	if (m->ncolumns == MAP_COLUMNS_MAX)
		return fault_set(fault, ERR_BAD_MAP, NULL, "more than %u columns", MAP_COLUMNS_MAX);
	if (find_column(m, name) >= 0)
		return fault_set(fault, ERR_BAD_MAP, NULL, "column `%.*s` stands "
		"twice", STR_ARG(name));
	*column = (struct map_column){ 0 };
	if (!keep(m, name, &column->name) || !keep(m, checks, &checks))
		return no_memory(fault);
	for (struct str word; (checks = trim(checks)).n;) {
		word = cut(&checks, ' ');
		if (column->nchecks == MAP_CHECKS_MAX)
			return fault_set(fault, ERR_BAD_MAP, NULL, "more than %u "
			"checks", MAP_CHECKS_MAX);
		const enum err e = set_check(&column->checks[column->nchecks++], word, fault);
		if (e)
			return e;
	}
	m->ncolumns++;
	return ERR_OK;
}

/* ---- templates ---- */

static enum err add_filter(struct map_part *part, struct str word, struct fault *fault)
{
	static const char *const names[FILTERS] = { "trim", "lower", "upper", "strip", "default",
						    "split", "day" };
	struct str rest = word;
	const struct str name = cut(&rest, ':');

	for (size_t i = 0; i < FILTERS && part->nfilters < MAP_FILTERS_MAX; i++) {
		if (str_eq(name, str_of(names[i]))) {
			part->filters[part->nfilters++] =
				(struct map_filter){ (enum map_filter_kind)i, rest };
			return ERR_OK;
		}
	}
	return fault_set(fault, ERR_BAD_MAP, NULL, "a filter is trim, lower, upper, strip:TEXT, "
			 "default:TEXT, split:SEPARATOR, day or day:dmy or day:mdy; not `%.*s`",
			 STR_ARG(word));
}

/* What stands between braces. A separator that is `|` itself is written `bar`. */
static enum err set_column(const struct map *m, struct map_part *part, struct str inside,
			   struct fault *fault)
{
	const struct str name = trim(cut(&inside, '|'));
	enum err e = ERR_OK;

	part->column = find_column(m, name);
	if (part->column < 0)
		return fault_set(fault, ERR_BAD_MAP, NULL, "[columns] has no "
		"`%.*s`", STR_ARG(name));
	while (!e && inside.n)
		e = add_filter(part, cut(&inside, '|'), fault);
	return e;
}

static enum err set_template(const struct map *m, struct map_field *f, struct str text,
			     struct fault *fault)
{
	enum err e = ERR_OK;

	while (!e && text.n) {
		if (f->nparts == MAP_PARTS_MAX)
			return fault_set(fault, ERR_BAD_MAP, NULL, "more than %u parts in one "
			"value",
					 MAP_PARTS_MAX);
		struct map_part *part = &f->parts[f->nparts++];
		*part = (struct map_part){ .column = -1 };
		if (*text.p != '{') {
			const char *brace = memchr(text.p, '{', text.n);
			part->literal = (struct str){ text.p, brace ? (size_t)(brace - text.p) : text.n };
			text.p += part->literal.n;
			text.n -= part->literal.n;
			continue;
		}
		if (!memchr(text.p, '}', text.n))
			return fault_set(fault, ERR_BAD_MAP, NULL, "a { without its }");
		text.p++, text.n--;
		e = set_column(m, part, cut(&text, '}'), fault);
	}
	return e;
}

/* ---- [defaults] and [event X] ---- */

/* The field that a path names, in the event or one below. NULL: there is none. */
static const struct field *field_of(struct str path)
{
	const struct shape *s = &shape_event;
	const struct field *found = NULL;

	while (s && path.n) {
		const struct str name = cut(&path, '.');
		found = NULL;
		for (size_t i = 0; i < s->nfields && !found; i++)
			if (str_eq(str_of(s->fields[i].name), name))
				found = &s->fields[i];
		if (!found)
			return NULL;
		if (strcmp(found->name, "identifiers") == 0)
			return found; /* a map: any scheme may follow */
		s = path.n ? (found->type == F_SUB && !found->list ? found->sub : NULL) : NULL;
		if (path.n && !s)
			return NULL;
	}
	return found;
}

static enum err set_when(const struct map *m, struct map_event *event, struct str value,
			 struct fault *fault)
{
	while ((value = trim(value)).n) {
		struct str name = trim(cut(&value, ','));
		const bool empty = name.n && *name.p == '!';
		name.p += empty;
		name.n -= empty;
		const int column = find_column(m, trim(name));
		if (column < 0 || event->nwhen == MAP_CONDITIONS_MAX)
			return fault_set(fault, ERR_BAD_MAP, NULL, "`when` names columns, as "
			"`price, "
					 "!currency`; not `%.*s`", STR_ARG(name));
		event->when[event->nwhen].column = column;
		event->when[event->nwhen++].empty = empty;
	}
	return ERR_OK;
}

static enum err add_field(struct reading *r, struct map_event *event, const char *name,
			  struct str value, struct fault *fault)
{
	struct map *m = r->m;
	struct map_field *f = NULL;
	const struct str path = str_of(name);
	const struct field *field = field_of(path);

	if (!field)
		return fault_set(fault, ERR_BAD_MAP, NULL, "an event has no field `%s`", name);
	/* an event's own line goes over the default's */
	for (size_t i = 0; i < event->nfields && !f; i++)
		if (str_eq(event->fields[i].path, path))
			f = &event->fields[i];
	if (!f && event->nfields == MAP_FIELDS_MAX)
		return fault_set(fault, ERR_BAD_MAP, NULL, "more than %u fields", MAP_FIELDS_MAX);
	const bool goes_on = f && f == r->last;
	if (!f)
		f = &event->fields[event->nfields++];
	if (!goes_on)
		*f = (struct map_field){ .field = field };
	const struct str text = goes_on ? arena_printf(&m->arena, " %.*s", STR_ARG(value))
					: arena_str(&m->arena, value);
	if (!text.p || !keep(m, path, &f->path))
		return no_memory(fault);
	r->last = f;
	return set_template(m, f, text, fault);
}

static enum err begin_event(struct reading *r, const char *section, struct fault *fault)
{
	struct map *m = r->m;

	if (m->nevents == MAP_EVENTS_MAX)
		return fault_set(fault, ERR_BAD_MAP, NULL, "more than %u events a "
		"row", MAP_EVENTS_MAX);
	struct map_event *event = &m->events[m->nevents++];
	*event = (struct map_event){ 0 };
	event->fields = arena_zalloc(&m->arena, MAP_FIELDS_MAX, sizeof(*event->fields));
	if (!event->fields || !keep(m, str_of(section), &event->name))
		return no_memory(fault);
	memcpy(event->fields, r->defaults.fields, r->defaults.nfields * sizeof(*event->fields));
	event->nfields = r->defaults.nfields;
	r->at = event;
	return ERR_OK;
}

static enum err set_event(struct reading *r, const char *name, struct str value, struct fault *fault)
{
	if (strcmp(name, "when") == 0)
		return set_when(r->m, r->at, value, fault);
	if (strcmp(name, "row") != 0)
		return add_field(r, r->at, name, value, fault);
	if (!str_eq(value, STR("note")))
		return fault_set(fault, ERR_BAD_MAP, NULL, "`row` can only be `note`: the field "
		"that "
				 "keeps the whole row");
	return keep(r->m, value, &r->at->row) ? ERR_OK : no_memory(fault);
}

static enum err on_pair(void *arg, const char *section, const char *name, const char *value, int line,
			struct fault *fault)
{
	struct reading *r = arg;
	const struct str text = str_of(value);
	enum err e = ERR_OK;

	(void)line;
	if (strcmp(section, r->section) != 0) {
		(void)snprintf(r->section, sizeof(r->section), "%s", section);
		r->last = NULL;
		if (strncmp(section, "event ", 6) == 0)
			e = begin_event(r, section + 6, fault);
	}
	if (e)
		return e;
	if (strcmp(section, "map") == 0)
		return set_map(r->m, name, text, fault);
	if (strcmp(section, "columns") == 0)
		return add_column(r->m, str_of(name), text, fault);
	if (strcmp(section, "defaults") == 0)
		return add_field(r, &r->defaults, name, text, fault);
	if (strncmp(section, "event ", 6) == 0)
		return set_event(r, name, text, fault);
	return fault_set(fault, ERR_BAD_MAP, NULL, "sections are [map], [columns], [defaults] and "
			 "[event NAME], not [%s]", section);
}

/* ---- the whole ---- */

static enum err check_whole(const struct map *m, struct fault *fault)
{
	size_t rows = 0;

	for (size_t i = 0; i < m->nevents; i++)
		rows += m->events[i].row.n > 0;
	if (m->name.n == 0)
		return fault_set(fault, ERR_BAD_MAP, NULL, "[map] needs a name: ids are made of "
		"it");
	if (m->ncolumns == 0 || m->nevents == 0)
		return fault_set(fault, ERR_BAD_MAP, NULL, "it needs [columns] and an [event]");
	if (rows > 1)
		return fault_set(fault, ERR_BAD_MAP, NULL, "two events with `row = note`");
	if (rows && m->tag.n == 0)
		return fault_set(fault, ERR_BAD_MAP, NULL, "`row = note` needs a tag in [map]: "
		"export "
				 "finds the rows by it");
	return ERR_OK;
}

enum err map_open(const char *path, struct map *m, int *line, struct fault *fault)
{
	struct reading r = { .m = m };

	*m = (struct map){ 0 };
	*line = 0;
	arena_init(&m->arena, MAP_ARENA_MAX);
	m->columns = arena_zalloc(&m->arena, MAP_COLUMNS_MAX, sizeof(*m->columns));
	m->events = arena_zalloc(&m->arena, MAP_EVENTS_MAX, sizeof(*m->events));
	r.defaults.fields = arena_zalloc(&m->arena, MAP_FIELDS_MAX, sizeof(*r.defaults.fields));
	if (!m->columns || !m->events || !r.defaults.fields)
		return no_memory(fault);
	const enum err e = inifile_read(path, on_pair, &r, line, fault);
	if (e == ERR_NOT_FOUND)
		fault->code = ERR_IO;
	else if (e == ERR_BAD_VALUE)
		fault->code = ERR_BAD_MAP;
	return e ? fault->code : check_whole(m, fault);
}

void map_close(struct map *m)
{
	idmap_fini(&m->slugs);
	idmap_fini(&m->rows);
	arena_fini(&m->arena);
}
