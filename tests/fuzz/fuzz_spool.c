/* SPDX-License-Identifier: Apache-2.0 */
/* Files that the tools keep for themselves: a spool, and a position. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tools/reader.h"
#include "tools/spool.h"

#define PATH_SIZE 128

static void put(const char *path, struct str bytes)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	require(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n && close(fd) == 0);
}

/* The id that a line got it gets again. */
static void spools(const char *path)
{
	const struct id fresh = { { 1 } }, other = { { 2 } };
	struct id first, again;
	struct spool *s;
	struct fault fault;

	fault_init(&fault);
	if (spool_open(path, &s, &fault)) {
		require(fault.code && fault.text[0]);
		return;
	}
	require(spool_id(s, STR("a line"), &fresh, &first, &fault) == ERR_OK);
	require(spool_sync(s, &fault) == ERR_OK);
	spool_close(s);
	require(spool_open(path, &s, &fault) == ERR_OK);
	require(spool_id(s, STR("a line"), &other, &again, &fault) == ERR_OK);
	require(memcmp(first.b, again.b, ID_SIZE) == 0);
	spool_close(s);
}

static void positions(const char *path)
{
	struct position at, again;
	struct fault fault;
	bool found;

	fault_init(&fault);
	if (position_load(path, &at, &found, &fault)) {
		require(fault.code && fault.text[0]);
		return;
	}
	require(found && position_store(path, &at, &fault) == ERR_OK);
	require(position_load(path, &again, &found, &fault) == ERR_OK && found);
	require(again.seq == at.seq && again.epoch == at.epoch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str bytes = fuzz_str(data, size);
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/file", fuzz_dir());
	put(path, bytes);
	positions(path);
	put(path, bytes);
	spools(path);
	(void)unlink(path);
	return 0;
}
