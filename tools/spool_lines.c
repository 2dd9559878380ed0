/* SPDX-License-Identifier: Apache-2.0 */
/* spool_lines: lines with their ids, appended and synced chunk by chunk. */
#include "tools/spool_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PENDING_MAX ((size_t)64 << 20)

struct spool_lines {
	int fd;
	char *path;
	struct buf pending;
	bool any;
};

enum err spool_lines_open(const char *path, struct spool_lines **out, struct fault *fault)
{
	struct spool_lines *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return fault_set(fault, ERR_NO_MEMORY, NULL, "out of memory");
	buf_init(&s->pending, PENDING_MAX);
	s->path = strdup(path);
	s->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd < 0 || !s->path) {
		const int why = errno;
		spool_lines_close(s, false);
		return fault_set(fault, ERR_IO, NULL, "cannot make the spool %s: %s", path,
				 strerror(why));
	}
	*out = s;
	return ERR_OK;
}

enum err spool_lines_add(struct spool_lines *s, struct str line, const struct id *id,
			 struct fault *fault)
{
	const char *brace = line.n ? memchr(line.p, '{', line.n) : NULL;
	char text[ID_TEXT_SIZE];
	enum err e = ERR_OK;

	if (id && brace) {
		const size_t head = (size_t)(brace - line.p) + 1;
		id_format(id->b, text);
		e = buf_put(&s->pending, line.p, head);
		if (!e)
			e = buf_printf(&s->pending, "\"id\":\"%s\",", text);
		line.p += head;
		line.n -= head;
	}
	if (!e)
		e = buf_put(&s->pending, line.p, line.n);
	if (!e)
		e = buf_put(&s->pending, "\n", 1);
	s->any = true;
	return e ? fault_set(fault, e, NULL, "out of memory") : ERR_OK;
}

enum err spool_lines_sync(struct spool_lines *s, struct fault *fault)
{
	size_t at = 0;

	while (at < s->pending.n) {
		const ssize_t n = write(s->fd, s->pending.p + at, s->pending.n - at);
		if (n < 0 && errno != EINTR)
			break;
		at += n > 0 ? (size_t)n : 0;
	}
	if (at < s->pending.n || (at && fdatasync(s->fd)))
		return fault_set(fault, ERR_IO, NULL, "cannot write the spool %s: %s", s->path,
				 strerror(errno));
	buf_clear(&s->pending);
	return ERR_OK;
}

const char *spool_lines_path(const struct spool_lines *s)
{
	return s->path;
}

void spool_lines_close(struct spool_lines *s, bool done)
{
	if (!s)
		return;
	if (s->fd >= 0) {
		(void)close(s->fd);
		if (done || !s->any)
			(void)unlink(s->path);
	}
	buf_fini(&s->pending);
	free(s->path);
	free(s);
}
