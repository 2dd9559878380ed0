/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flat: an event's fields as columns of text, in the order of the message table.
 *
 * A nested field is `source.url`; an amount is `amount.low`, `.high`, `.currency` and `.flags`, with
 * decimals in major units and open bounds empty. Items of lists are joined by `;`, and a `;` or `\`
 * within one has a `\` before it; links and identifiers are `part_of:stargate`, `lei:5493…`. An
 * absent field is empty.
 */
#ifndef AVOW_TOOLS_FLAT_H
#define AVOW_TOOLS_FLAT_H

#include "proto/msg.h"

#define FLAT_COLUMNS_MAX 96u
#define FLAT_NAME_SIZE 64

struct flat_column {
	char name[FLAT_NAME_SIZE];
	const struct field *outer; /* of the event */
	const struct field *inner; /* of the nested record; NULL: the field itself */
	int part;		   /* of an amount: 0 low, 1 high, 2 currency, 3 flags */
};
struct flat {
	struct flat_column v[FLAT_COLUMNS_MAX];
	size_t n;
};

/* Every column that an event can have. */
void flat_init(struct flat *f);
/* The text of one column, appended; whether the event has the field. ERR_NO_MEMORY, ERR_TOO_LARGE. */
MUST_USE enum err flat_put(const struct flat_column *column, const struct event *e, bool *has,
			   struct buf *out);

#endif
