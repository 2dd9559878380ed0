/* SPDX-License-Identifier: Apache-2.0 */
/* stream: plain non-blocking sockets, so that a load costs as little as it can, whoever the peer is. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/bench/side/stream.h"

#define FILL_BYTES ((size_t)256 << 10)
#define WAIT_MS 60000

_Noreturn void stream_give_up(const char *what, struct str said)
{
	(void)fprintf(stderr, "side: %s: %.*s\n", what, (int)(said.n < 300 ? said.n : 300), said.p);
	exit(1);
}

static _Noreturn void failed(const char *what)
{
	stream_give_up(what, str_of(strerror(errno)));
}

static int connect_tcp(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const char *colon = strrchr(address, ':');
	const int one = 1;
	char host[64];

	if (!colon)
		stream_give_up(address, STR("is neither HOST:PORT nor /PATH"));
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
		stream_give_up(address, STR("is no address"));
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)
		failed(address);
	return fd;
}

static int connect_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (n >= (int)sizeof(to.sun_path))
		stream_give_up(path, STR("is too long for a socket"));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		failed(path);
	return fd;
}

void stream_open(struct stream *s, const char *address)
{
	s->fd = address[0] == '/' ? connect_unix(address) : connect_tcp(address);
	s->taken = s->sent = 0;
	buf_init(&s->in, STREAM_BYTES_MAX);
	buf_init(&s->out, STREAM_BYTES_MAX);
}

void stream_close(struct stream *s)
{
	(void)close(s->fd);
	buf_fini(&s->in);
	buf_fini(&s->out);
}

struct str stream_here(const struct stream *s)
{
	return (struct str){ s->in.p + s->taken, s->in.n - s->taken };
}

void stream_take(struct stream *s, size_t n)
{
	require(n <= s->in.n - s->taken);
	s->taken += n;
}

/* Room for more: what was taken goes away once it is the larger part. */
static char *room(struct stream *s)
{
	char *at;

	if (s->taken > 0 && s->taken >= s->in.n - s->taken) {
		memmove(s->in.p, s->in.p + s->taken, s->in.n - s->taken);
		s->in.n -= s->taken;
		s->taken = 0;
	}
	if (buf_grow(&s->in, FILL_BYTES, &at))
		stream_give_up("an answer", STR("is too large"));
	s->in.n -= FILL_BYTES;
	return at;
}

void stream_fill(struct stream *s)
{
	for (;;) {
		const ssize_t n = recv(s->fd, room(s), FILL_BYTES, MSG_DONTWAIT);
		if (n == 0)
			stream_give_up("a peer", STR("closed the connection"));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			failed("recv");
		s->in.n += (size_t)n;
		if ((size_t)n < FILL_BYTES)
			return;
	}
}

bool stream_flush(struct stream *s)
{
	while (s->sent < s->out.n) {
		const ssize_t n = send(s->fd, s->out.p + s->sent, s->out.n - s->sent,
				       MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n < 0)
			failed("send");
		s->sent += (size_t)n;
	}
	buf_clear(&s->out);
	s->sent = 0;
	return true;
}

static void wait_for(struct stream *s, short what)
{
	struct pollfd p = { .fd = s->fd, .events = what };
	const int n = poll(&p, 1, WAIT_MS);

	if (n == 0)
		stream_give_up("a peer", STR("says nothing"));
	if (n < 0 && errno != EINTR)
		failed("poll");
}

void stream_await(struct stream *s)
{
	wait_for(s, POLLIN);
	stream_fill(s);
}

void stream_flush_all(struct stream *s)
{
	while (!stream_flush(s))
		wait_for(s, POLLOUT);
}

void stream_put(struct stream *s, const void *p, size_t n)
{
	if (buf_put(&s->out, p, n))
		stream_give_up("a request", STR("is too large"));
}
