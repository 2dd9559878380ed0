/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored slabs of records, identities and cells: any bytes are read or refused; what was written is
 * read; and with one bit of it flipped it is refused.
 */
#include <stdlib.h>

#include "store/cell.h"
#include "store/identity.h"
#include "store/slab.h"
#include "tests/fuzz/fuzz.h"

#define NUMBER 7u
#define SEQ 9u

/* Any bytes as a slab: what it gives lies within them. */
static void any_slab(struct str bytes, bool leaves)
{
	struct slab slab;
	struct record rec;

	if (slab_open(bytes, SEQ, leaves, &slab))
		return;
	for (size_t i = 0; i < slab.n; i++)
		if (slab_get(&slab, SEQ + i, &rec) == ERR_OK)
			require(rec.seq == SEQ + i && rec.event.p >= bytes.p &&
				rec.event.p + rec.event.n <= bytes.p + bytes.n);
	require(slab_get(&slab, SEQ + slab.n, &rec) == ERR_NOT_FOUND);
}

/* Two events in a slab: read as they were written, and with one bit flipped never as something else. */
static void slabs(struct str bytes, bool leaves, size_t flip)
{
	static struct slab_writer w;
	const struct record one = { .epoch = 1, .seq = SEQ, .recorded = 5, .event = bytes };
	const struct record two = { .epoch = 1, .seq = SEQ + 1, .recorded = 6, .event = bytes };
	struct slab slab;
	struct record rec;

	slab_begin(&w, leaves, SLAB_BYTES_MAX);
	const bool first = slab_add(&w, &one);
	require(first);
	const size_t n = slab_add(&w, &two) ? 2 : 1;
	const struct str row = slab_row(&w);
	char *written = fuzz_copy(row);
	const struct str copy = { written, row.n };
	require(slab_open(copy, SEQ, leaves, &slab) == ERR_OK && slab.n == n);
	for (size_t i = 0; i < n; i++) {
		require(slab_get(&slab, SEQ + i, &rec) == ERR_OK);
		require(str_eq(rec.event, bytes) && rec.recorded == 5 + (int64_t)i && rec.epoch == 1);
	}
	require(slab_open(copy, SEQ - 1, leaves, &slab) == ERR_DAMAGED);
	require(slab_open((struct str){ written, row.n - 1 }, SEQ, leaves, &slab) == ERR_DAMAGED);
	written[flip / 8 % row.n] ^= (char)(1 << flip % 8);
	if (slab_open(copy, SEQ, leaves, &slab) == ERR_OK)
		for (size_t i = 0; i < n; i++)
			if (slab_get(&slab, SEQ + i, &rec) == ERR_OK)
				require(str_eq(rec.event, bytes) && rec.recorded == 5 + (int64_t)i);
	free(written);
}

static void cells(struct str key, struct str bytes, size_t flip)
{
	char cell[CELL_SIZE];
	uint64_t number;

	if (key.n > CELL_KEY_MAX)
		key.n = CELL_KEY_MAX;
	const enum err any = cell_parse(key, bytes, &number);
	require(any == ERR_DAMAGED || number <= CELL_MAX);
	cell_write(key, NUMBER, cell);
	require(cell_parse(key, (struct str){ cell, CELL_SIZE }, &number) == ERR_OK);
	require(number == NUMBER);
	cell[flip / 8 % CELL_SIZE] ^= (char)(1 << flip % 8);
	/* 16 bits of a sum: a flipped bit of it is seen, one of the number almost always */
	const enum err flipped = cell_parse(key, (struct str){ cell, CELL_SIZE }, &number);
	require(flipped == ERR_DAMAGED || number != NUMBER);
}

static void identities(struct str bytes, size_t flip)
{
	struct identity id = { .kind = "avow-log", .format = 1, .epoch = 1, .created = 5 }, out;
	char written[IDENTITY_SIZE];
	struct fault fault;

	fault_init(&fault);
	const enum err any = identity_parse(bytes, "avow-log", 1, &out, &fault);
	require(!any || any == ERR_DAMAGED || any == ERR_STORE_FOREIGN);
	if (bytes.n)
		memcpy(id.ledger.b, bytes.p, bytes.n < ID_SIZE ? bytes.n : ID_SIZE);
	identity_write(&id, written);
	const struct str whole = { written, IDENTITY_SIZE };
	require(identity_parse(whole, "avow-log", 1, &out, &fault) == ERR_OK);
	require(memcmp(out.ledger.b, id.ledger.b, ID_SIZE) == 0 && out.created == id.created);
	written[flip / 8 % IDENTITY_SIZE] ^= (char)(1 << flip % 8);
	require(identity_parse(whole, "avow-log", 1, &out, &fault) != ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = fuzz_str(data, size);
	const size_t high = fuzz_byte(&rest), flip = high << 8 | fuzz_byte(&rest);

	any_slab(rest, flip & 1);
	if (rest.n <= EVENT_BYTES_MAX)
		slabs(rest, flip & 1, flip / 2);
	identities(rest, flip);
	const struct str key = fuzz_cut(&rest, 0);
	cells(key, rest, flip);
	return 0;
}
