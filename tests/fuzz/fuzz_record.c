/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stored records, identities and cells: any bytes are read or refused; what was written is read; and
 * with one bit of it flipped it is refused.
 */
#include <stdlib.h>

#include "store/cell.h"
#include "store/identity.h"
#include "store/record.h"
#include "tests/fuzz/fuzz.h"

#define NUMBER 7u

static void records(struct str bytes, size_t flip)
{
	const struct record rec = { .epoch = 1, .seq = 9, .recorded = 5, .event = bytes };
	const size_t n = RECORD_HEAD_SIZE + bytes.n;
	char *written = malloc(n);
	struct record out;

	require(written);
	if (record_parse(bytes, 9, &out) == ERR_OK)
		require(out.seq == 9 && out.event.n == bytes.n - RECORD_HEAD_SIZE);
	record_write(&rec, written);
	require(record_parse((struct str){ written, n }, 9, &out) == ERR_OK);
	require(out.epoch == 1 && out.recorded == 5 && str_eq(out.event, bytes));
	require(record_parse((struct str){ written, n }, 8, &out) == ERR_DAMAGED);
	require(record_parse((struct str){ written, n - 1 }, 9, &out) == ERR_DAMAGED);
	written[flip / 8 % n] ^= (char)(1 << flip % 8);
	require(record_parse((struct str){ written, n }, 9, &out) == ERR_DAMAGED);
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

	records(rest, flip);
	identities(rest, flip);
	const struct str key = fuzz_cut(&rest, 0);
	cells(key, rest, flip);
	return 0;
}
