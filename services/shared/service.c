/* SPDX-License-Identifier: Apache-2.0 */
/* service: telling a service to stop, and letting it say that it is ready. */
#include "services/shared/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "services/shared/endpoint.h"
#include "services/shared/port.h"

#define READY_TEXT_MAX 4096u

enum err service_control_open(struct service_control *control, void *zmq, int ready_fd,
			      struct fault *fault)
{
	*control = (struct service_control){ .zmq = zmq, .stop_fd = { -1, -1 }, .ready_fd = ready_fd };
	if (pipe2(control->stop_fd, O_CLOEXEC | O_NONBLOCK))
		return fault_set(fault, ERR_IO, NULL, "cannot open a pipe: %s", strerror(errno));
	return ERR_OK;
}

void service_control_close(struct service_control *control)
{
	for (size_t i = 0; i < ARRAY_LEN(control->stop_fd); i++) {
		if (control->stop_fd[i] >= 0)
			(void)close(control->stop_fd[i]);
		control->stop_fd[i] = -1;
	}
}

void service_stop(const struct service_control *control)
{
	const int error = errno;

	/* a full pipe has been written to before: the service will see it */
	const ssize_t n = write(control->stop_fd[1], "x", 1);
	(void)n;
	errno = error;
}

/* Whether a file holds exactly this. */
static bool file_holds(const char *path, struct str text)
{
	char there[READY_TEXT_MAX + 1];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, there, sizeof(there));

	if (fd >= 0)
		(void)close(fd);
	return n >= 0 && str_eq((struct str){ there, (size_t)n }, text);
}

static enum err file_write(const char *path, struct str text, struct fault *fault)
{
	char fresh[4096];
	const char *slash = strrchr(path, '/');

	if (file_holds(path, text)) /* a service that comes back does so on a full disk, too */
		return ERR_OK;
	if (strlen(path) + sizeof(".new") > sizeof(fresh))
		return fault_set(fault, ERR_IO, NULL, "the path of the endpoints file is too long");
	if (slash && slash != path) {
		(void)snprintf(fresh, sizeof(fresh), "%.*s", (int)(slash - path), path);
		const enum err e = directory_make(fresh, fault);
		if (e)
			return e;
	}
	/* whoever waits for the file finds all of it, or none */
	(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
	const int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const ssize_t n = fd < 0 ? -1 : write(fd, text.p, text.n);
	if (fd >= 0)
		(void)close(fd);
	if (n != (ssize_t)text.n || rename(fresh, path))
		return fault_set(fault, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, NULL,
				 "cannot write %.180s: %s", path, strerror(errno));
	return ERR_OK;
}

/* Each endpoint of p with words before and behind it. */
static enum err add_endpoints(struct buf *text, const char *before, const struct port *p,
			      const char *behind)
{
	const char *endpoint;
	enum err e = ERR_OK;

	for (size_t i = 0; p && !e && (endpoint = port_endpoint(p, i)) != NULL; i++)
		e = buf_printf(text, "%s %s%s", before, endpoint, behind);
	return e;
}

static enum err write_all(const struct service_opening *o, struct buf *text, struct fault *fault)
{
	const int ready_fd = o->control->ready_fd;

	enum err e = add_endpoints(text, "listen", o->listen, "\n");
	if (!e)
		e = add_endpoints(text, "tape", o->tape, "\n");
	if (!e && o->config->endpoints_file)
		e = file_write(o->config->endpoints_file, buf_str(text), fault);
	buf_clear(text);
	if (!e)
		e = buf_printf(text, "%s ready on", o->service);
	if (!e)
		e = add_endpoints(text, "", o->listen, "");
	if (!e && o->tape)
		e = buf_printf(text, ", tape on");
	if (!e)
		e = add_endpoints(text, "", o->tape, "");
	if (!e)
		e = buf_put(text, "\n", 1);
	if (!e && ready_fd >= 0 && write(ready_fd, text->p, text->n) != (ssize_t)text->n)
		e = fault_set(fault, ERR_IO, NULL, "cannot say that %s is ready: %s", o->service,
			      strerror(errno));
	return e;
}

enum err service_ready(const struct service_opening *o, struct fault *fault)
{
	struct buf text;

	buf_init(&text, READY_TEXT_MAX);
	const enum err e = write_all(o, &text, fault);
	buf_fini(&text);
	return e;
}
