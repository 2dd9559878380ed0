/* SPDX-License-Identifier: Apache-2.0 */
/* position: a reader's position in a file, so that the next run goes on where this one ended. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/reader.h"

#define POSITION_SIZE 256
#define FORMAT "avow position 1\nledger %s\nepoch %llu\nseq %llu\n"

static enum err foreign(const char *path, struct fault *fault)
{
	return fault_set(fault, ERR_USAGE, NULL, "%s holds no position of `avow watch`", path);
}

enum err position_load(const char *path, struct position *out, bool *found, struct fault *fault)
{
	char text[POSITION_SIZE] = "", again[POSITION_SIZE], id[ID_TEXT_SIZE] = "";
	unsigned long long epoch = 0, seq = 0;
	FILE *f = fopen(path, "re");

	*found = f != NULL;
	if (!f)
		return errno == ENOENT ? ERR_OK
				       : fault_set(fault, ERR_IO, NULL, "cannot read %s: %s", path,
						   strerror(errno));
	const size_t n = fread(text, 1, sizeof(text) - 1, f);
	const bool bad = ferror(f) != 0;
	(void)fclose(f);
	if (bad)
		return fault_set(fault, ERR_IO, NULL, "cannot read %s", path);
	text[n] = 0;
	if (sscanf(text, "avow position 1 ledger %36s epoch %llu seq %llu", id, &epoch, &seq) != 3)
		return foreign(path, fault);
	/* exactly what is written, so that half a file is never taken for a position */
	(void)snprintf(again, sizeof(again), FORMAT, id, epoch, seq);
	if (strcmp(text, again) != 0 || !epoch || seq > INT64_MAX ||
	    id_parse(str_of(id), out->ledger.b, NULL))
		return foreign(path, fault);
	out->epoch = epoch;
	out->seq = seq;
	return ERR_OK;
}

static bool write_all(int fd, const char *p, size_t n)
{
	while (n) {
		const ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

/* The directory that a file is in, so that its new name is on disk as well. */
static bool sync_directory_of(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	const size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= sizeof(dir))
		return false;
	memcpy(dir, path, n);
	dir[n] = 0;
	const int fd = open(!slash ? "." : n ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const bool good = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		(void)close(fd);
	return good;
}

enum err position_store(const char *path, const struct position *at, struct fault *fault)
{
	char text[POSITION_SIZE], id[ID_TEXT_SIZE], fresh[PATH_MAX];
	const int n = snprintf(fresh, sizeof(fresh), "%s.new", path);

	if (n < 0 || (size_t)n >= sizeof(fresh))
		return fault_set(fault, ERR_USAGE, NULL, "--position: the name is too long");
	id_format(at->ledger.b, id);
	const int size = snprintf(text, sizeof(text), FORMAT, id, (unsigned long long)at->epoch,
				  (unsigned long long)at->seq);
	const int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write_all(fd, text, (size_t)size) && fsync(fd) == 0;
	if (fd >= 0)
		good = close(fd) == 0 && good;
	good = good && rename(fresh, path) == 0 && sync_directory_of(path);
	return good ? ERR_OK
		    : fault_set(fault, ERR_IO, NULL, "cannot keep the position in %s: %s", path,
				strerror(errno));
}
