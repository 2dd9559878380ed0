/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored slabs, identities and cells: any bytes are read or refused; what was written is read; and
 * with one bit of it flipped it is refused.
 */
#include <stdlib.h>

#include "store/cell.h"
#include "store/identity.h"
#include "store/slab.h"
#include "tests/fuzz/fuzz.h"

#define NUMBER 7u

/* A slab of two events, cut in two at `flip`; a flipped bit is seen by at least the event it is in. */
static void slabs(struct str bytes, size_t flip)
{
	const size_t cut = bytes.n ? flip % bytes.n : 0;
	const struct record one = { .epoch = 1, .seq = 9, .recorded = 5, .event = { bytes.p, cut } };
	const struct record two = { .epoch = 1, .seq = 10, .recorded = 6,
				    .event = { bytes.p + cut, bytes.n - cut } };
	struct slab_writer *w = malloc(sizeof(*w));
	struct record out;
	struct slab slab;

	require(w);
	if (slab_open(bytes, 9, true, &slab) == ERR_OK)
		for (size_t i = 0; i < slab.n; i++)
			(void)(slab_get(&slab, slab.first + i, &out) == ERR_OK);
	slab_begin(w, true);
	require(slab_add(w, &one));
	const size_t n = slab_add(w, &two) ? 2 : 1;
	const struct str row = slab_row(w);
	char *copy = malloc(row.n);
	require(copy);
	memcpy(copy, row.p, row.n);
	const struct str kept = { copy, row.n };
	require(slab_open(kept, 8, true, &slab) == ERR_DAMAGED);
	require(slab_open((struct str){ copy, row.n - 1 }, 9, true, &slab) == ERR_DAMAGED);
	require(slab_open(kept, 9, true, &slab) == ERR_OK && slab.n == n);
	require(slab_get(&slab, 9, &out) == ERR_OK && str_eq(out.event, one.event));
	require(slab_get(&slab, 9 + n, &out) == ERR_NOT_FOUND);
	copy[flip / 8 % row.n] ^= (char)(1 << flip % 8);
	size_t seen = slab_open(kept, 9, true, &slab) == ERR_DAMAGED;
	for (size_t i = 0; !seen && i < n; i++)
		seen = slab_get(&slab, 9 + i, &out) == ERR_DAMAGED;
	require(seen);
	free(copy);
	free(w);
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

	slabs(rest, flip);
	identities(rest, flip);
	const struct str key = fuzz_cut(&rest, 0);
	cells(key, rest, flip);
	return 0;
}
