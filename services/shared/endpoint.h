/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint: which addresses may be listened on and connected to, and the files around an ipc socket.
 *
 * Without keys nothing but this machine is trusted: tcp:// on loopback, and ipc:// in a directory
 * that only its owner enters.
 */
#ifndef AVOW_SERVICES_SHARED_ENDPOINT_H
#define AVOW_SERVICES_SHARED_ENDPOINT_H

#include "proto/base.h"

/* Longest path of an ipc socket: what the kernel takes (sun_path), less the closing zero. */
#define ENDPOINT_PATH_MAX 107
#define ENDPOINT_MAX 255

/*
 * `tcp://127.0.0.1:PORT` (any address of 127.0.0.0/8, or `[::1]`) or `ipc://PATH`. PORT is 1 to
 * 65535. Where one listens it may also be `*`, then the system picks; where one connects the host may
 * also be `localhost`. ERR_USAGE otherwise, with words in fault.
 */
MUST_USE enum err endpoint_check(const char *endpoint, bool listen, struct fault *fault);
/* The path of an ipc endpoint, NULL for others; borrowed from endpoint. */
const char *endpoint_path(const char *endpoint);
/*
 * Make the directory of an ipc socket where there is none (only for its owner, parents too) and take
 * its lock, a file beside the socket: a second bind would otherwise steal the path from the first.
 * `lock_fd` stays open as long as the socket is bound. ERR_STORE_LOCKED: another process has it;
 * ERR_IO.
 */
MUST_USE enum err endpoint_lock(const char *path, int *lock_fd, struct fault *fault);
/* Make a directory and its parents, each 0700 where it is new. ERR_IO with words in fault. */
MUST_USE enum err directory_make(const char *path, struct fault *fault);

#endif
