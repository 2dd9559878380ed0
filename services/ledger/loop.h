/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger's loop: time and sockets. */
#ifndef AVOW_SERVICES_LEDGER_LOOP_H
#define AVOW_SERVICES_LEDGER_LOOP_H

#include "store/log.h"

struct port;

/* Serve until stop_fd is readable (ERR_OK), or the log fails (its error). */
MUST_USE enum err ledger_loop(struct log *log, struct port *port, int stop_fd);

#endif
