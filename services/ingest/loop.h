/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest's loop: time and sockets. */
#ifndef AVOW_SERVICES_INGEST_LOOP_H
#define AVOW_SERVICES_INGEST_LOOP_H

#include "services/shared/service.h"

/*
 * Serve, saying when it is ready, until the opening's control asks to stop; then wait a moment for
 * the ledger's last answers. ERR_IO, ERR_NO_MEMORY; fault has words where it could not become ready.
 */
MUST_USE enum err ingest_loop(struct port *people, struct port *ledger,
			      const struct service_opening *opening, struct fault *fault);

#endif
