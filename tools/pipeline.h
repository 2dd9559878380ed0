/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline: events on their way to ingest: gathered into batches, several in flight, asked again with
 * the same ids until each has a definite outcome or nothing moved for the time limit.
 *
 * Events without an outcome yet are kept here, encoded, so that asking again sends the same bytes.
 */
#ifndef AVOW_TOOLS_PIPELINE_H
#define AVOW_TOOLS_PIPELINE_H

#include "proto/msg.h"

#define PIPELINE_BATCHES 12u	    /* in flight or being gathered */
#define PIPELINE_BATCH_EVENTS 1000u /* events in one publish */
#define PIPELINE_BATCH_BYTES ((size_t)4 << 20)

/* What became of one event. Texts are gone when the callback returns. */
struct verdict {
	uint64_t tag;	    /* as given to pipeline_add */
	struct str context; /* likewise */
	struct str event;   /* its bytes */
	enum err code;	    /* ERR_OK: it is in the log */
	enum outcome outcome;
	uint64_t seq;
	int64_t recorded_us;
	const struct fault *fault; /* why not, where code is not ERR_OK */
};
typedef void verdict_fn(void *arg, const struct verdict *v);

struct pipeline;

/*
 * `timeout_ms`: give up when no event got an outcome for so long. Events are refused one by one; the
 * others of their batch are written. `on_verdict` is called from pipeline_add and pipeline_finish,
 * about in the order of adding.
 */
MUST_USE enum err pipeline_open(const char *endpoint, int timeout_ms, verdict_fn *on_verdict,
				void *arg, struct pipeline **out, struct fault *fault);
/* Drops what has no outcome. Accepts NULL. */
void pipeline_close(struct pipeline *p);
/*
 * Take an event (copied) with what the caller wants back in its verdict; sends full batches. Waits
 * while PIPELINE_BATCHES are in flight. Errors end the pipeline: the last error of the retry class
 * after timeout_ms (pipeline_unsent tells how many events were in doubt), any other at once.
 * ERR_INTERRUPTED: a signal came.
 */
MUST_USE enum err pipeline_add(struct pipeline *p, struct str event, uint64_t tag,
			       struct str context, struct fault *fault);
/* Send what is gathered, without waiting for more. */
MUST_USE enum err pipeline_flush(struct pipeline *p, struct fault *fault);
/* Send all and wait for every outcome. Errors as pipeline_add. */
MUST_USE enum err pipeline_finish(struct pipeline *p, struct fault *fault);
/* How many events have no outcome: surely not written, and perhaps written. */
void pipeline_open_ends(const struct pipeline *p, uint64_t *unsent, uint64_t *in_doubt);

#endif
