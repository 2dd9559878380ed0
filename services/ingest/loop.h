/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest's loop: time and sockets. */
#ifndef AVOW_SERVICES_INGEST_LOOP_H
#define AVOW_SERVICES_INGEST_LOOP_H

#include "proto/err.h"

struct port;

/* Serve until stop_fd is readable, then wait a moment for the ledger's last answers. */
enum err ingest_loop(struct port *people, struct port *ledger, int stop_fd);

#endif
