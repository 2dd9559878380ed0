/* SPDX-License-Identifier: Apache-2.0 */
/* lines: read in large pieces, handed out line by line. */
#include "tools/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/cmd.h"

#define READ_SIZE ((size_t)256 << 10)

enum err lines_open(struct lines *l, const char *name, struct fault *fault)
{
	struct stat st;

	*l = (struct lines){ .fd = STDIN_FILENO, .name = name };
	buf_init(&l->bytes, LINE_MAX_BYTES + 2 * READ_SIZE);
	if (strcmp(name, "-") != 0)
		l->fd = open(name, O_RDONLY | O_CLOEXEC);
	if (l->fd < 0)
		return fault_set(fault, ERR_IO, NULL, "cannot read %s: %s", name, strerror(errno));
	if (fstat(l->fd, &st) == 0 && S_ISREG(st.st_mode))
		l->size = (uint64_t)st.st_size;
	return ERR_OK;
}

void lines_close(struct lines *l)
{
	if (l->fd > STDERR_FILENO)
		(void)close(l->fd);
	l->fd = -1;
	buf_fini(&l->bytes);
}

/* Read some more behind what is there. */
static enum err fill(struct lines *l, struct fault *fault)
{
	char *to;

	if (l->at) {
		memmove(l->bytes.p, l->bytes.p + l->at, l->bytes.n - l->at);
		l->bytes.n -= l->at;
		l->at = 0;
	}
	const enum err e = buf_grow(&l->bytes, READ_SIZE, &to);
	if (e)
		return fault_set(fault, e, NULL, "out of memory");
	l->bytes.n -= READ_SIZE;
	const ssize_t n = read(l->fd, to, READ_SIZE);
	if (n < 0 && errno == EINTR)
		return cli_interrupted() ? fault_set(fault, ERR_INTERRUPTED, NULL, "interrupted") : ERR_OK;
	if (n < 0)
		return fault_set(fault, ERR_IO, NULL, "cannot read %s: %s", l->name, strerror(errno));
	l->bytes.n += (size_t)n;
	l->end = n == 0;
	return ERR_OK;
}

/* Drop bytes until the end of the line that is too long. */
static enum err skip_line(struct lines *l, struct fault *fault)
{
	for (;;) {
		char *end = memchr(l->bytes.p + l->at, '\n', l->bytes.n - l->at);
		if (end || l->end) {
			l->at = end ? (size_t)(end - l->bytes.p) + 1 : l->bytes.n;
			return fault_set(fault, ERR_TOO_LARGE, NULL, "a line of more than %u bytes",
					 LINE_MAX_BYTES);
		}
		l->at = l->bytes.n;
		const enum err e = fill(l, fault);
		if (e)
			return e;
	}
}

enum err lines_next(struct lines *l, struct str *line, bool *newline, bool *more, struct fault *fault)
{
	size_t seen = 0;

	*more = true;
	for (;;) {
		const size_t left = l->bytes.n - l->at;
		char *from = left ? l->bytes.p + l->at : NULL; /* nothing is added to no address */
		char *end = left > seen ? memchr(from + seen, '\n', left - seen) : NULL;
		if (end || (l->end && left)) {
			*line = (struct str){ from, end ? (size_t)(end - from) : left };
			*newline = end != NULL;
			l->at += line->n + *newline;
			l->offset += line->n + *newline;
			l->number++;
			return ERR_OK;
		}
		if (l->end) {
			*more = false;
			return ERR_OK;
		}
		if (left > LINE_MAX_BYTES) {
			l->number++;
			return skip_line(l, fault);
		}
		seen = left;
		const enum err e = fill(l, fault);
		if (e)
			return e;
	}
}

bool lines_would_wait(const struct lines *l)
{
	struct pollfd item = { .fd = l->fd, .events = POLLIN };

	if (l->end || memchr(l->bytes.p + l->at, '\n', l->bytes.n - l->at))
		return false;
	return poll(&item, 1, 0) == 0;
}
