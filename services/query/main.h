/* SPDX-License-Identifier: Apache-2.0 */
/* Query as a service: see service_function in service.h. Needs config dir, listen, tape and ledger. */
#ifndef AVOW_SERVICES_QUERY_MAIN_H
#define AVOW_SERVICES_QUERY_MAIN_H

#include "services/shared/service.h"

/* Run until stopped; a service_function. */
MUST_USE enum err query_run(const struct service_config *config, struct service_control *control,
			    struct fault *fault);

#endif
