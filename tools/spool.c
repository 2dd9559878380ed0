/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool: a file of records of 32 bytes, a key and an id, behind a line that says what it is.
 *
 * The key is a hash (XXH3, 128 bits) of the line's text and of its number among equal ones. In memory: a map
 * from key to id, of both what the file holds and what this run adds. A record that a crash cut in
 * two is cut off at the next start: it was not synced, so its id was never sent.
 */
#include "tools/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "tools/idmap.h"

#define HEAD "avow spool 1\n"
#define HEAD_SIZE (sizeof(HEAD) - 1)
#define RECORD_SIZE (2 * ID_SIZE)
#define PENDING_MAX ((size_t)64 << 20)

struct spool {
	int fd;
	char *path;
	struct idmap ids;   /* key to id; count: equal lines seen in this run */
	struct buf pending; /* records to write */
	bool whole;	    /* the file was read, so that what is in `ids` is all there is */
};

/* `number` of equal lines came before it. */
static struct id key_of(struct str line, uint64_t number)
{
	XXH128_canonical_t hash;
	struct id key;

	XXH128_canonicalFromHash(&hash, XXH3_128bits_withSeed(line.p, line.n, number));
	memcpy(key.b, hash.digest, ID_SIZE);
	return key;
}

const char *spool_path(const struct spool *s)
{
	return s->path;
}

/* ---- the file ---- */

static enum err read_all(struct spool *s, size_t size, struct fault *fault)
{
	struct id pair[2];
	struct idmap_slot *slot;
	const size_t n = size < HEAD_SIZE ? 0 : (size - HEAD_SIZE) / RECORD_SIZE;
	FILE *f = fdopen(dup(s->fd), "r");
	char head[HEAD_SIZE] = { 0 };
	enum err e = ERR_OK;

	if (!f)
		return fault_set(fault, ERR_IO, NULL, "cannot read %s: %s", s->path, strerror(errno));
	if (size >= HEAD_SIZE &&
	    (fread(head, 1, HEAD_SIZE, f) != HEAD_SIZE || memcmp(head, HEAD, HEAD_SIZE) != 0))
		e = fault_set(fault, ERR_IO, NULL, "%s is not a spool", s->path);
	for (size_t i = 0; !e && i < n; i++) {
		if (fread(pair, sizeof(pair), 1, f) != 1)
			e = fault_set(fault, ERR_IO, NULL, "cannot read %s", s->path);
		else
			e = idmap_slot(&s->ids, &pair[0], &slot);
		if (!e)
			slot->value = pair[1];
	}
	(void)fclose(f);
	const off_t end = (off_t)(n ? HEAD_SIZE + n * RECORD_SIZE : size < HEAD_SIZE ? 0 : HEAD_SIZE);
	if (!e && (ftruncate(s->fd, end) || lseek(s->fd, end, SEEK_SET) < 0))
		e = fault_set(fault, ERR_IO, NULL, "cannot write %s: %s", s->path, strerror(errno));
	if (!e && end == 0)
		e = buf_put(&s->pending, HEAD, HEAD_SIZE);
	return e;
}

/* The file's name must be on disk too. */
static enum err sync_parent(const char *path, struct fault *fault)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	(void)snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const enum err e = fd >= 0 && fsync(fd) == 0
				   ? ERR_OK
				   : fault_set(fault, ERR_IO, NULL, "cannot sync %s: %s", dir,
					       strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return e;
}

enum err spool_open(const char *path, struct spool **out, struct fault *fault)
{
	struct spool *s = calloc(1, sizeof(*s));
	struct stat st;

	*out = NULL;
	if (!s)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	buf_init(&s->pending, PENDING_MAX);
	s->path = strdup(path);
	s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	enum err e = ERR_OK;
	if (s->fd < 0 || !s->path || fstat(s->fd, &st))
		e = fault_set(fault, ERR_IO, NULL, "cannot open the spool %s: %s", path,
			      strerror(errno));
	else if (flock(s->fd, LOCK_EX | LOCK_NB))
		e = fault_set(fault, ERR_STORE_LOCKED, NULL, "another `avow publish` of this file is "
			      "at work (%s)", path);
	if (!e)
		e = sync_parent(path, fault);
	if (!e)
		e = read_all(s, (size_t)st.st_size, fault);
	if (e) {
		spool_close(s);
		return e;
	}
	s->whole = true;
	*out = s;
	return ERR_OK;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	if (s->fd >= 0 && s->whole && s->ids.count == 0)
		(void)unlink(s->path); /* every line brought its id */
	if (s->fd >= 0)
		(void)close(s->fd);
	buf_fini(&s->pending);
	idmap_fini(&s->ids);
	free(s->path);
	free(s);
}

enum err spool_id(struct spool *s, struct str line, const struct id *fresh, struct id *id,
		  struct fault *fault)
{
	static const struct id none;
	struct id key = key_of(line, 0);
	struct idmap_slot *slot;
	enum err e = idmap_slot(&s->ids, &key, &slot);

	const uint64_t number = e ? 0 : slot->count++;
	if (number) {
		key = key_of(line, number);
		e = idmap_slot(&s->ids, &key, &slot);
	}
	if (e)
		return fault_set(fault, e, NULL, "too many lines without an id");
	if (memcmp(&slot->value, &none, sizeof(none)) == 0) {
		slot->value = *fresh;
		e = buf_put(&s->pending, key.b, ID_SIZE);
		if (!e)
			e = buf_put(&s->pending, slot->value.b, ID_SIZE);
		if (e)
			return fault_set(fault, e, NULL, "out of memory");
	}
	*id = slot->value;
	return ERR_OK;
}

enum err spool_sync(struct spool *s, struct fault *fault)
{
	size_t at = 0;

	while (at < s->pending.n) {
		const ssize_t n = write(s->fd, s->pending.p + at, s->pending.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_set(fault, ERR_IO, NULL, "cannot write the spool %s: %s", s->path,
					 strerror(errno));
		at += (size_t)n;
	}
	if (at && fdatasync(s->fd))
		return fault_set(fault, ERR_IO, NULL, "cannot write the spool %s: %s", s->path,
				 strerror(errno));
	buf_clear(&s->pending);
	return ERR_OK;
}
