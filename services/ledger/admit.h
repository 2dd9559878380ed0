/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admit: one publish against the log: which of its events are new, which are there already, which
 * are at fault; then all of the new ones in, or none.
 *
 * Deciding writes nothing, so a publish that is refused leaves no trace in a log commit that it
 * shares with others. The order of checks: shape, idempotency, `expect`, `ref`.
 */
#ifndef AVOW_SERVICES_LEDGER_ADMIT_H
#define AVOW_SERVICES_LEDGER_ADMIT_H

#include "store/log.h"

enum fate {
	fate_new,     /* to be written */
	fate_exists,  /* written before, with this content */
	fate_twin,    /* stands earlier in this publish, with this content */
	fate_refused
};

/* What becomes of one event of a publish. */
struct slot {
	struct str event; /* borrowed from the publish, as keys */
	struct event_keys keys;
	enum fate fate;
	uint32_t twin;	   /* fate_twin: the place of the first */
	struct record rec; /* where it lies; fate_new: from admit_put on; its event is not kept */
};

struct admission {
	struct slot *slots;
	size_t n, fresh; /* fresh: how many are new */
	struct event_fault_list faults; /* in order of their place */
	struct error error;		/* the answer where admit_decide refused */
};

/*
 * Decide, inside log_begin … log_commit. Everything lies in the arena and borrows from p.
 * ERR_OK: it may be written. A refusal (its class is not err_server): out->error is the answer,
 * nothing is to be written. ERR_NO_MEMORY: beyond this request's share, nothing is to be written.
 * ERR_IO: as for the log.
 *
 * An event of no bytes is one that ingest refused: it keeps its place, and is a fault of a `partial`
 * publish that ingest fills in.
 */
MUST_USE enum err admit_decide(struct log *log, const struct publish *p, struct arena *a,
			       struct admission *out);
/* Write the new ones. Errors of log_put: the whole log commit must be aborted. */
MUST_USE enum err admit_put(struct log *log, struct admission *d, int64_t now_us);
/* The receipts, in the arena; they borrow from d. ERR_NO_MEMORY. */
MUST_USE enum err admit_answer(const struct admission *d, struct arena *a, struct published *out);

#endif
