/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader: follows the feed by `read`, which is the truth. It holds the position, checks that the
 * ledger is still the one that the position belongs to, and asks again after whatever broke, so that
 * its caller sees every event that matches, once and in order, or an error.
 */
#ifndef AVOW_TOOLS_READER_H
#define AVOW_TOOLS_READER_H

#include "services/shared/client.h"
#include "tools/cmd.h"

/* Where somebody is in a ledger: everything up to `seq` was seen. */
struct position {
	struct id ledger;
	uint64_t epoch, seq;
};

struct reader;
struct reader_options {
	const struct filter *filter; /* NULL: all events; must live as long as the reader */
	/*
	 * Give up when no answer came for so long; 0: never, once the first answer came. It does not
	 * count the time that a read was asked to wait.
	 */
	int patience_ms;
	bool notices; /* say on stderr that the service went away, and that it is back */
};

/*
 * Connect to the query service of the settings, and ask it who it is. Waits for a service that
 * answers but is not ready, at most the settings' timeout. ERR_UNREACHABLE and others of client_ask.
 */
MUST_USE enum err reader_open(struct cli *c, const struct reader_options *options,
			      struct reader **out, struct fault *fault);
/* Accepts NULL. */
void reader_close(struct reader *r);
/* The position; at first the newest event of the service. */
const struct position *reader_position(const struct reader *r);
/*
 * Go on from another position. One with an epoch of 0 is only a seq of this ledger. ERR_WRONG_LEDGER:
 * it belongs to another ledger or epoch; ERR_POSITION_IN_FUTURE: behind the newest event.
 */
MUST_USE enum err reader_seek(struct reader *r, const struct position *at, struct fault *fault);
/* Go on with the first event that was recorded at or after this instant. */
void reader_seek_time(struct reader *r, int64_t since_us);
/*
 * The next events after the position, at most `limit`; waits up to wait_ms for the first. Moves the
 * position to their scanned_to. They borrow from the reader until its next call; texts of the struct
 * as well.
 * ERR_INTERRUPTED: a signal came, or whoever reads stdout went away; the fault has no text.
 * ERR_WRONG_LEDGER, ERR_POSITION_IN_FUTURE: the service holds another ledger than before.
 * ERR_INTERNAL: the service's answer has a gap, a repeat or a disorder.
 */
MUST_USE enum err reader_next(struct reader *r, uint64_t limit, uint64_t wait_ms,
			      struct events *out, struct fault *fault);
/*
 * The next events up to `end`, as reader_next gives them, for who reads a ledger once: ask while the
 * position is before `end`. Waits for a service that has not caught up with the ledger yet.
 * ERR_UNAVAILABLE: it does not come further within the settings' timeout.
 */
MUST_USE enum err reader_until(struct reader *r, uint64_t end, uint64_t limit, struct events *out,
			       struct fault *fault);
/*
 * The last `n` events before `before` (0: the end) that match, in ascending order; fewer where one
 * answer does not hold more: then scanned_from is where to go on, as the next `before`. The first
 * call, with before 0, moves the position to what is newest. Errors and lifetimes as of reader_next.
 */
MUST_USE enum err reader_last(struct reader *r, uint64_t n, uint64_t before, struct events *out,
			      struct fault *fault);

/*
 * A position as a small text file, replaced at once and durably. Load: `found` is false where there is
 * no file. ERR_IO; ERR_USAGE: it is no such file.
 */
MUST_USE enum err position_load(const char *path, struct position *out, bool *found,
				struct fault *fault);
MUST_USE enum err position_store(const char *path, const struct position *at, struct fault *fault);

#endif
