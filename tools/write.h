/* SPDX-License-Identifier: Apache-2.0 */
/* write: one event to ingest, and its receipt on stdout. */
#ifndef AVOW_TOOLS_WRITE_H
#define AVOW_TOOLS_WRITE_H

#include "tools/cmd.h"

/*
 * Check the event, then publish it and print its receipt; or, with --dry-run, print the event. Asks
 * again with the same id until --timeout. Errors of event_check_struct, of ingest, ERR_UNREACHABLE,
 * ERR_UNKNOWN; a fault's field is the option's name.
 */
MUST_USE enum err write_event(struct cli *c, const struct event *e, struct fault *fault);
/*
 * Ask query for the event that a word names: a UUID, `#17` or `17`. Its entry lies in the arena of c.
 * ERR_USAGE, ERR_NOT_FOUND, ERR_UNREACHABLE.
 */
MUST_USE enum err fetch_event(struct cli *c, const char *word, struct entry *entry,
			      struct fault *fault);
/*
 * The id of the event that a word names: a UUID as it is (nobody is asked), `#17` or `17` by query.
 */
MUST_USE enum err fetch_id(struct cli *c, const char *word, struct id *id, struct fault *fault);

#endif
