/* SPDX-License-Identifier: Apache-2.0 */
/* paces: the names are made when they are first needed, as counters only borrow theirs. */
#include "services/query/paces.h"

#include <stdio.h>

void paces_add(struct paces *p, enum msg_type type, uint64_t us)
{
	require(type > MSG_NONE && type < MSG_COUNT);
	p->of[type].count++;
	p->of[type].us += us;
}

void paces_count(struct paces *p, struct counters *counters)
{
	for (int type = MSG_NONE + 1; type < MSG_COUNT; type++) {
		struct pace *pace = &p->of[type];
		if (!pace->count)
			continue;
		const char *name = shape_of((enum msg_type)type)->name;
		(void)snprintf(pace->name, sizeof(pace->name), "%s", name);
		(void)snprintf(pace->name_us, sizeof(pace->name_us), "%s_us", name);
		counters_add(counters, pace->name, pace->count);
		counters_add(counters, pace->name_us, pace->us);
	}
}
