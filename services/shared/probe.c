/* SPDX-License-Identifier: Apache-2.0 */
/* probe: one connect(2), and nothing more. */
#include "services/shared/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "services/shared/endpoint.h"

#define WAIT_MS 1000

union address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool inet_address(const char *host, union address *out, socklen_t *n)
{
	char text[ENDPOINT_MAX + 1];
	char *colon;

	(void)snprintf(text, sizeof(text), "%s", host);
	colon = strrchr(text, ':');
	if (!colon)
		return false;
	*colon = 0;
	const uint16_t port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (strcmp(text, "[::1]") == 0) {
		out->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = port,
						  .sin6_addr = in6addr_loopback };
		*n = sizeof(out->in6);
		return true;
	}
	out->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = port };
	*n = sizeof(out->in);
	const char *address = strcmp(text, "localhost") == 0 ? "127.0.0.1" : text;
	return inet_pton(AF_INET, address, &out->in.sin_addr) == 1;
}

static bool address_of(const char *endpoint, union address *out, socklen_t *n)
{
	const char *path = endpoint_path(endpoint);

	if (!path)
		return strncmp(endpoint, "tcp://", 6) == 0 && inet_address(endpoint + 6, out, n);
	if (strlen(path) > ENDPOINT_PATH_MAX)
		return false;
	out->un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)strcpy(out->un.sun_path, path);
	*n = sizeof(out->un);
	return true;
}

bool probe_listens(const char *endpoint)
{
	union address address;
	socklen_t n, size = sizeof(int);
	int error = 0;

	if (!address_of(endpoint, &address, &n))
		return false;
	const int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	struct pollfd writable = { .fd = fd, .events = POLLOUT };
	bool there = connect(fd, &address.any, n) == 0 || errno == EAGAIN;
	if (!there && errno == EINPROGRESS)
		there = poll(&writable, 1, WAIT_MS) == 1 &&
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
	(void)close(fd);
	return there;
}
