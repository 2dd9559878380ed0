/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Import: a map file, the byte 0, and a CSV file that it is used on. Where the map part is empty it is
 * the one of this project. An event that a row makes is one that ingest takes, and the row that it
 * carries is read back as it was.
 */
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tools/map.h"

#define ROWS_MAX 200

/* The row that an event carries is that row. */
static void carried(const struct map *m, const struct event *e, const struct str *cells,
		    struct arena *a)
{
	struct str back[MAP_COLUMNS_MAX];

	if (!map_row_of(m, e, a, back))
		return;
	for (size_t i = 0; i < m->ncolumns; i++)
		require(str_eq(back[i], cells[i]));
}

static void use(struct map *m, const struct csv_row *row, struct arena *a)
{
	struct str cells[MAP_COLUMNS_MAX] = { 0 };
	struct map_result made;
	struct fault fault;
	int column;

	for (size_t i = 0; i < row->n && i < m->ncolumns; i++)
		cells[i] = row->fields[i];
	fault_init(&fault);
	const enum err e = map_events(m, cells, FUZZ_NOW_US, a, &made, &column, &fault);
	if (e)
		fuzz_refused(e, &fault);
	for (size_t i = 0; !e && i < made.n; i++) {
		struct event event;
		require(event_check(made.v[i].bytes, FUZZ_NOW_US, a, &event, &fault) == ERR_OK);
		carried(m, &event, cells, a);
	}
}

static void rows_of(struct map *m, const char *path)
{
	struct csv *csv;
	struct csv_row row;
	struct fault fault;
	struct arena a;
	bool more = true;

	arena_init(&a, FUZZ_ARENA_MAX);
	fault_init(&fault);
	require(csv_open(path, &csv, &fault) == ERR_OK);
	for (int i = 0; more && i < ROWS_MAX; i++) {
		arena_reset(&a);
		const enum err e = csv_next(csv, &row, &more, &fault);
		if (e)
			break;
		if (!more)
			continue;
		for (size_t k = 0; k < row.n; k++)
			(void)csv_place(row.raw, k);
		use(m, &row, &a);
	}
	csv_close(csv);
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = fuzz_str(data, size);
	const struct str text = fuzz_cut(&rest, 0);
	char map_path[FUZZ_PATH_SIZE], csv_path[FUZZ_PATH_SIZE];
	const int map_fd = fuzz_file(text, map_path), csv_fd = fuzz_file(rest, csv_path);
	struct fault fault;
	struct map m;
	int line;

	fault_init(&fault);
	if (map_open(text.n ? map_path : AVOW_TEST_MAP, &m, &line, &fault) == ERR_OK)
		rows_of(&m, csv_path);
	else
		require(fault.code && fault.text[0]);
	map_close(&m);
	(void)close(map_fd);
	(void)close(csv_fd);
	return 0;
}
