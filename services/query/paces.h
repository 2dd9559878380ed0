/* SPDX-License-Identifier: Apache-2.0 */
/* paces: how many messages of each type were answered, and how long that took in all. */
#ifndef AVOW_SERVICES_QUERY_PACES_H
#define AVOW_SERVICES_QUERY_PACES_H

#include "services/shared/exchange.h"

#define PACE_NAME_MAX 64
struct pace {
	uint64_t count, us;
	char name[PACE_NAME_MAX], name_us[PACE_NAME_MAX]; /* of its counters */
};
/* All zero: nothing yet. */
struct paces {
	struct pace of[MSG_COUNT]; /* by enum msg_type */
};
/* One more message of this type took so many microseconds. */
void paces_add(struct paces *p, enum msg_type type, uint64_t us);
/*
 * Add two counters for each type that came: its name, and its name with "_us". They borrow from the
 * paces.
 */
void paces_count(struct paces *p, struct counters *counters);

#endif
