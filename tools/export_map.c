/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export_map: reads the events with the map's tag, and prints the rows that they carry. The last seq
 * to read is what the ledger held at the start, also where query has not caught up with it yet.
 */
#include "tools/export_map.h"

#include "services/shared/client.h"
#include "tools/fail.h"
#include "tools/map.h"
#include "tools/out.h"

#define READ_LIMIT 5000u
#define READ_BYTES (4u << 20)
#define WAIT_MS 500u
#define ARENA_MAX ((size_t)256 << 20)

const struct opt export_map_options[] = {
	{ "map", 0, opt_text, "MAP", NULL, "The rows that were imported by this map, as they were." },
	OPT_END
};

struct export_run {
	struct cli *c;
	struct map map;
	struct client *client;
	struct out *out;
	struct out_column columns[MAP_COLUMNS_MAX];
	struct arena arena, row;
};

/* The newest event that query holds, or knows the ledger to hold. */
static enum err find_end(struct export_run *r, uint64_t *end, struct fault *fault)
{
	const struct status request = { 0 };
	struct state_of_service state = { 0 };
	const enum err e = client_ask(r->client, &shape_status, &request, &shape_state_of_service,
				      &state, cli_timeout_ms(r->c), &r->arena, fault);

	*end = state.head > state.upstream_head ? state.head : state.upstream_head;
	return e;
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

static enum err read_on(struct export_run *r, uint64_t *after, struct fault *fault)
{
	struct read request = { 0 };
	struct events answer = { 0 };

	arena_reset(&r->arena);
	msg_set(&request, read, after, *after);
	msg_set(&request, read, limit, READ_LIMIT);
	msg_set(&request, read, max_bytes, READ_BYTES);
	msg_set(&request, read, wait_ms, WAIT_MS);
	msg_set(&request.filter, filter, tag, r->map.tag);
	msg_mark(&request, read, filter);
	enum err e = client_ask(r->client, &shape_read, &request, &shape_events, &answer,
				cli_timeout_ms(r->c), &r->arena, fault);
	for (size_t i = 0; !e && i < answer.events.n; i++)
		e = print_entry(r, &answer.events.v[i], fault);
	*after = answer.scanned_to;
	return e;
}

static enum err export_rows(struct export_run *r, struct fault *fault)
{
	uint64_t end = 0, after = 0;
	enum err e = find_end(r, &end, fault);

	while (!e && after < end) {
		e = read_on(r, &after, fault);
		if (!e && cli_interrupted())
			e = fault_set(fault, ERR_INTERRUPTED, NULL, "interrupted");
		if (!e && !out_flush(r->out))
			break; /* who reads went away; out_close tells */
	}
	out_meta_number(r->out, "at_seq", NULL, (int64_t)after);
	return e;
}

enum err export_map(struct cli *c, struct fault *fault)
{
	static struct export_run r; /* large */

	r = (struct export_run){ .c = c };
	arena_init(&r.arena, ARENA_MAX);
	arena_init(&r.row, ARENA_MAX);
	enum err e = map_open_for(c, &r.map, fault);
	if (!e && r.map.tag.n == 0)
		e = fault_set(fault, ERR_BAD_MAP, NULL, "this map keeps no rows: it has no `row = note`");
	for (size_t i = 0; !e && i < r.map.ncolumns; i++)
		r.columns[i] = (struct out_column){ r.map.columns[i].name.p, out_is_text, true };
	if (!e)
		e = client_open(setting(&c->settings, setting_query), &r.client, fault);
	if (!e)
		e = out_open(c, r.columns, r.map.ncolumns, &r.out, fault);
	if (!e) {
		e = export_rows(&r, fault);
		const enum err closed = out_close(r.out, e ? NULL : fault);
		e = e ? e : closed;
	}
	client_close(r.client);
	map_close(&r.map);
	arena_fini(&r.arena);
	arena_fini(&r.row);
	return e;
}
