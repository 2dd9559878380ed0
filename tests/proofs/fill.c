/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill: gives a ledger's store as many events as wanted, through the store's own code, in log commits
 * much larger than a ledger's: how a store of 10 million events is made within a minute.
 *
 *     fill DIR HEAD < EVENT
 *
 * EVENT are the bytes of an event, its id at byte ID_AT, as tests/proofs/wire.py makes them. Each event
 * is a copy with an id of its own, in order of time, as UUIDs of version 7 are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/log.h"

#define ID_AT 6u
#define BATCH 20000u
#define NOW INT64_C(1600000000000000)

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	(void)fprintf(stderr, "fill: %s: %s\n", what, err_name(e));
	exit(2);
}

static void put(struct log *log, char *bytes, size_t n, uint64_t number)
{
	const uint64_t high = __builtin_bswap64(number << 8);
	const uint64_t low = number * UINT64_C(0x9e3779b97f4a7c15);
	struct record rec;
	struct id id;

	memcpy(id.b, &high, 8);
	memcpy(id.b + 8, &low, 8);
	memcpy(bytes + ID_AT, id.b, ID_SIZE);
	must(log_put(log, &id, STR("deal-1"), (struct str){ bytes, n }, NOW, &rec), "put");
}

int main(int argc, char **argv)
{
	static char bytes[EVENT_BYTES_MAX];
	struct log_info info;
	struct fault fault;
	struct log *log;

	if (argc != 3)
		must(ERR_INTERNAL, "usage: fill DIR HEAD < EVENT");
	const size_t n = fread(bytes, 1, sizeof(bytes), stdin);
	const uint64_t wanted = strtoull(argv[2], NULL, 10);
	if (n < ID_AT + ID_SIZE)
		must(ERR_INTERNAL, "read the event");
	fault_init(&fault);
	must(log_open(argv[1], NOW, &log, &fault), fault.text);
	log_info(log, &info);
	for (uint64_t number = info.head + 1; number <= wanted;) {
		must(log_begin(log), "begin");
		for (size_t i = 0; i < BATCH && number <= wanted; i++, number++)
			put(log, bytes, n, number);
		must(log_commit(log), "commit");
	}
	log_close(log);
	return 0;
}
