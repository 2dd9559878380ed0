/* SPDX-License-Identifier: Apache-2.0 */
/* probe: whether anybody is at an endpoint, without a word being exchanged. */
#ifndef AVOW_SERVICES_SHARED_PROBE_H
#define AVOW_SERVICES_SHARED_PROBE_H

#include "proto/base.h"

/*
 * Whether somebody listens at ipc://PATH or tcp://ADDRESS:PORT, found out by connecting: the kernel
 * takes connections also for a process that is stopped. Waits at most a second. False for what is no
 * endpoint, or names its host by a name.
 */
bool probe_listens(const char *endpoint);

#endif
