/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_map: reads the events with the map's tag, and prints the rows that they carry. The last seq
 * to read is what the ledger held at the start, also where query has not caught up with it yet.
 */
#include "tools/export_map.h"

#include "tools/map.h"
#include "tools/out.h"
#include "tools/question.h"
#include "tools/reader.h"

#define READ_LIMIT 5000u
#define ARENA_MAX ((size_t)64 << 20)

const struct opt export_map_options[] = {
	{ "map", 0, opt_text, "MAP", NULL, "The rows that were imported by this map, as they were." },
	OPT_END
};

struct export_run {
	struct cli *c;
	struct map map;
	struct reader *reader;
	struct filter filter;
	struct out *out;
	struct out_column columns[MAP_COLUMNS_MAX];
	struct arena row;
	uint64_t end;
};

static enum err open_reader(struct export_run *r, struct fault *fault)
{
	const struct reader_options options = { .filter = &r->filter,
						.patience_ms = cli_timeout_ms(r->c),
						.notices = true };
	const struct position start = { 0 };

	msg_set(&r->filter, filter, tag, r->map.tag);
	const enum err e = reader_open(r->c, &options, &r->reader, fault);
	return e ? e : reader_seek(r->reader, &start, fault);
}

static enum err print_entry(struct export_run *r, const struct entry *entry, struct fault *fault)
{
	struct str cells[MAP_COLUMNS_MAX];
	struct event e = { 0 };

	arena_reset(&r->row);
	const enum err bad = event_decode(entry->event, &r->row, &e, fault);
	if (bad)
		return bad;
	if (!map_row_of(&r->map, &e, &r->row, cells))
		return ERR_OK;
	for (size_t i = 0; i < r->map.ncolumns; i++)
		out_text(r->out, cells[i]);
	out_row(r->out);
	return ERR_OK;
}

static enum err export_rows(struct export_run *r, struct fault *fault)
{
	struct events slice = { 0 };
	enum err e = ERR_OK;

	while (!e && reader_position(r->reader)->seq < r->end) {
		e = reader_until(r->reader, r->end, READ_LIMIT, &slice, fault);
		for (size_t i = 0; !e && i < slice.events.n; i++)
			e = print_entry(r, &slice.events.v[i], fault);
		if (!e && !out_flush(r->out))
			break; /* who reads went away; out_close tells */
	}
	out_meta_number(r->out, "at_seq", NULL, (int64_t)r->end);
	return e;
}

enum err export_map(struct cli *c, struct fault *fault)
{
	static struct export_run r; /* large */

	r = (struct export_run){ .c = c };
	arena_init(&r.row, ARENA_MAX);
	enum err e = map_open_for(c, &r.map, fault);
	if (!e && r.map.tag.n == 0)
		e = fault_set(fault, ERR_BAD_MAP, NULL, "this map keeps no rows: it has no `row = note`");
	for (size_t i = 0; !e && i < r.map.ncolumns; i++)
		r.columns[i] = (struct out_column){ r.map.columns[i].name.p, out_is_text, true };
	if (!e)
		e = ledger_head(c, &r.end, fault);
	if (!e)
		e = open_reader(&r, fault);
	if (!e)
		e = out_open(c, r.columns, r.map.ncolumns, &r.out, fault);
	if (!e) {
		e = export_rows(&r, fault);
		const enum err closed = out_close(r.out, e ? NULL : fault);
		e = e ? e : closed;
	}
	reader_close(r.reader);
	map_close(&r.map);
	arena_fini(&r.row);
	return e;
}
