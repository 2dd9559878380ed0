/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: which events a row of a CSV file makes, as a map file says (see map.c and tools/maps).
 *
 * A map is read once and then only used: map_events makes the events of one row, map_raw_read gets the
 * row back out of the event that carries it.
 */
#ifndef AVOW_TOOLS_MAP_H
#define AVOW_TOOLS_MAP_H

#include "tools/cmd.h"
#include "tools/csv.h"
#include "tools/idmap.h"

#define MAP_COLUMNS_MAX 256u
#define MAP_EVENTS_MAX 32u
#define MAP_FIELDS_MAX 64u	/* of one event, the defaults included */
#define MAP_PARTS_MAX 16u	/* of one template */
#define MAP_FILTERS_MAX 6u	/* on one column of a template */
#define MAP_CONDITIONS_MAX 16u
#define MAP_CHECKS_MAX 8u	/* on one column */

enum map_filter_kind { filter_trim, filter_lower, filter_upper, filter_strip, filter_default,
		       filter_split, filter_day, FILTERS };
struct map_filter {
	enum map_filter_kind kind;
	struct str arg;
};
/* Text, or a column's value. */
struct map_part {
	struct str literal;
	int column; /* -1: literal */
	struct map_filter filters[MAP_FILTERS_MAX];
	size_t nfilters;
};
struct map_field {
	struct str path; /* as `source.url` */
	const struct field *field; /* of the event, or of its nested record */
	struct map_part parts[MAP_PARTS_MAX];
	size_t nparts;
};
struct map_event {
	struct str name;
	struct map_field *fields;
	size_t nfields;
	struct {
		int column;
		bool empty; /* it must be empty; else not empty */
	} when[MAP_CONDITIONS_MAX];
	size_t nwhen;
	struct str row; /* the field that carries the row; empty: none */
};
enum map_check_kind { check_required, check_day, check_decimal, check_currency, check_max, check_prefix,
		      CHECKS };
struct map_check {
	enum map_check_kind kind;
	struct str arg;
	int32_t from, to; /* check_day */
	uint64_t max;	  /* check_max: bytes */
};
struct map_column {
	struct str name;
	struct map_check checks[MAP_CHECKS_MAX];
	size_t nchecks;
};
enum map_duplicates { duplicates_copy, duplicates_skip, duplicates_reject };

struct map {
	struct str name, tag;
	enum map_duplicates duplicates;
	struct id space; /* namespace of the ids: derived from the name */
	struct map_column *columns;
	size_t ncolumns;
	struct map_event *events;
	size_t nevents;
	struct arena arena; /* holds all of the above */
	/* while importing: */
	struct idmap slugs; /* slug to the text that it was made of */
	struct idmap rows;  /* row to how often it came */
};
/* Read and check a map file. *line is where it is wrong, 0: nowhere. ERR_BAD_MAP, ERR_IO. */
MUST_USE enum err map_open(const char *path, struct map *m, int *line, struct fault *fault);
void map_close(struct map *m);
/* The map that --map names: a path, or an installed one; what is wrong with it is printed. */
MUST_USE enum err map_open_for(struct cli *c, struct map *m, struct fault *fault);

/* An event of a row: its bytes, with an id derived from the map's name and its content. */
struct map_made {
	struct str bytes;
	struct id id;
	int kind;
};
struct map_result {
	struct map_made v[MAP_EVENTS_MAX];
	size_t n;
	bool again; /* the same row came before */
};
/*
 * The events of a row; cells are in the map's order of columns, everything made lies in the arena.
 * Refusals have the CSV column's name, where one is to blame, in fault->field and its number in
 * *column (-1: none): errors of the checks, of json_read and of event_check_struct.
 */
MUST_USE enum err map_events(struct map *m, const struct str *cells, int64_t now_us, struct arena *a,
			     struct map_result *out, int *column, struct fault *fault);

/* ---- map_raw.c: a row as text, exactly ---- */
/*
 * The row as a JSON object of its columns that are not empty. Text that is not in NFC is written with
 * \u escapes, so that the event's text is. ERR_BAD_UTF8: it cannot be kept.
 */
MUST_USE enum err map_raw_write(const struct map *m, const struct str *cells, struct buf *out);
/* And back: cells (ncolumns of them) in the arena. False: this text is no row of the map. */
bool map_raw_read(const struct map *m, struct str text, struct arena *a, struct str *cells);
/* The row that an event of this map carries; false: it carries none. */
bool map_row_of(const struct map *m, const struct event *e, struct arena *a, struct str *cells);

#endif
