/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint: nothing here opens a socket; port.c does, after asking here. */
#include "services/shared/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

const char *endpoint_path(const char *endpoint)
{
	return begins(endpoint, "ipc://") ? endpoint + strlen("ipc://") : NULL;
}

static enum err check_path(const char *endpoint, const char *path, struct fault *fault)
{
	const size_t n = strlen(path);

	/* what libzmq reads as names without a file: nobody's permissions would guard them */
	if (path[0] == '@' || path[0] == '*' || n == 0)
		return fault_set(fault, ERR_USAGE, NULL,
				 "'%.64s': give the path of the socket, as ipc:///run/avow/x.sock",
				 endpoint);
	if (n > ENDPOINT_PATH_MAX)
		return fault_set(fault, ERR_USAGE, NULL,
				 "the path of a socket has at most %d bytes, this one %zu: choose a "
				 "shorter directory (%s)", ENDPOINT_PATH_MAX, n, path);
	if (path[n - 1] == '/')
		return fault_set(fault, ERR_USAGE, NULL, "%s names a directory", endpoint);
	return ERR_OK;
}

static bool port_ok(const char *port, bool listen)
{
	char *end;

	if (listen && strcmp(port, "*") == 0)
		return true;
	if (port[0] < '0' || port[0] > '9')
		return false;
	const long n = strtol(port, &end, 10);
	return *end == 0 && n >= 1 && n <= 65535;
}

static bool host_is_loopback(const char *host, size_t n, bool listen)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	if (n == 5 && memcmp(host, "[::1]", n) == 0)
		return true;
	if (!listen && n == 9 && memcmp(host, "localhost", n) == 0)
		return true;
	if (n >= sizeof(text))
		return false;
	memcpy(text, host, n);
	text[n] = 0;
	return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

enum err endpoint_check(const char *endpoint, bool listen, struct fault *fault)
{
	const char *path = endpoint_path(endpoint);

	if (path)
		return check_path(endpoint, path, fault);
	if (!begins(endpoint, "tcp://"))
		return fault_set(fault, ERR_USAGE, NULL,
				 "'%.64s' is no endpoint: write tcp://127.0.0.1:7401 or ipc:///path",
				 endpoint);
	const char *host = endpoint + strlen("tcp://");
	const char *colon = strrchr(host, ':');
	if (strlen(endpoint) > ENDPOINT_MAX || !colon || !port_ok(colon + 1, listen))
		return fault_set(fault, ERR_USAGE, NULL, "'%.64s' needs a port, 1 to 65535%s",
				 endpoint, listen ? ", or * for any" : "");
	if (!host_is_loopback(host, (size_t)(colon - host), listen))
		return fault_set(fault, ERR_USAGE, NULL,
				 "'%.64s' is not on loopback: without keys only this machine may "
				 "connect (127.0.0.1, [::1])", endpoint);
	return ERR_OK;
}

enum err directory_make(const char *path, struct fault *fault)
{
	char part[PATH_MAX];
	const size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return fault_set(fault, ERR_IO, NULL, "the path of a directory is too long");
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != 0)
			continue;
		const char kept = part[i];
		part[i] = 0;
		if (mkdir(part, 0700) && errno != EEXIST)
			return fault_set(fault, errno == ENOSPC ? ERR_NO_SPACE : ERR_IO, NULL,
					 "cannot make the directory %.150s: %s", part,
					 strerror(errno));
		part[i] = kept;
	}
	return ERR_OK;
}

enum err endpoint_lock(const char *path, int *lock_fd, struct fault *fault)
{
	char name[ENDPOINT_PATH_MAX + sizeof(".lock")];
	const char *slash = strrchr(path, '/');

	require(strlen(path) <= ENDPOINT_PATH_MAX);
	if (slash && slash != path) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)(slash - path), path);
		const enum err e = directory_make(name, fault);
		if (e)
			return e;
	}
	(void)snprintf(name, sizeof(name), "%s.lock", path);
	const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fault_set(fault, ERR_IO, NULL, "cannot open %s: %s", name, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		const bool taken = errno == EWOULDBLOCK;
		const char *why = taken ? "another process listens there" : strerror(errno);
		const enum err e = fault_set(fault, taken ? ERR_STORE_LOCKED : ERR_IO, NULL,
					     "cannot listen on %s: %s", path, why);
		(void)close(fd);
		return e;
	}
	*lock_fd = fd;
	return ERR_OK;
}
