/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: the append-only history of events, in LMDB; the ledger's own and only.
 *
 * One process opens a log, one thread uses it. Writing is a log commit: log_begin, any number of
 * look-ups and log_put, then log_commit, which returns only when everything is on the disk
 * (fdatasync), or log_abort. Reading takes a slice out into the caller's memory, so that no read
 * transaction outlives a call.
 *
 * After ERR_IO from log_commit the outcome is unknown: the caller must close and leave; opening
 * again tells what was written. No sync is ever tried twice.
 */
#ifndef AVOW_STORE_LOG_H
#define AVOW_STORE_LOG_H

#include "store/record.h"

/* What one log commit takes at most, so that it always fits the room that log_begin made. */
#define LOG_COMMIT_EVENTS_MAX 32768u
#define LOG_COMMIT_BYTES_MAX ((size_t)64 << 20) /* of event bytes */

struct log;

struct log_info {
	struct id ledger;    /* made once, when the log was created */
	uint64_t epoch;	     /* 1 for a new log */
	uint64_t head;	     /* seq of the newest event, 0: none */
	int64_t recorded;    /* of the newest event, 0: none */
};

/*
 * Open the log in directory `dir`, created where there is none (then `now_us` goes into the
 * ledger's id). Checks format, and the newest records. The directory is locked against a second
 * process. Errors, with words in fault: ERR_STORE_LOCKED, ERR_STORE_FOREIGN (another format, or
 * not a log), ERR_DAMAGED, ERR_NO_SPACE, ERR_IO, ERR_NO_MEMORY.
 */
MUST_USE enum err log_open(const char *dir, int64_t now_us, struct log **out, struct fault *fault);
/* Accepts NULL. Aborts an open transaction. */
void log_close(struct log *log);
/* What is durable now. */
void log_info(const struct log *log, struct log_info *out);
/* Whether a log commit would find room on the disk. */
bool log_has_room(const struct log *log);
/* Words for the last ERR_IO or ERR_NO_SPACE of a call that has no fault; "" if there was none. */
const char *log_trouble(const struct log *log);

/* ---- writing ---- */

/*
 * Begin a log commit; the map has grown beforehand where it was nearly full. ERR_NO_SPACE: the disk
 * is full but for a reserve; reading goes on, and log_begin succeeds again once there is room.
 * ERR_IO. ERR_DAMAGED: what is kept about free pages is, so that nothing can be written.
 */
MUST_USE enum err log_begin(struct log *log);
/*
 * Begin the same for looking only, where nothing can be written: log_find, log_get and log_revision,
 * then log_abort. ERR_IO, ERR_NO_MEMORY.
 */
MUST_USE enum err log_look(struct log *log);
/* Seq of the event with this id, seen from inside the transaction; ERR_NOT_FOUND, ERR_DAMAGED. */
MUST_USE enum err log_find(struct log *log, const struct id *id, uint64_t *seq);
/*
 * The record at seq inside the transaction; borrowed until the next log_put. ERR_NOT_FOUND,
 * ERR_DAMAGED.
 */
MUST_USE enum err log_get(struct log *log, uint64_t seq, struct record *out);
/*
 * How many events of this deal there are inside the transaction; 0 for an unknown deal.
 * ERR_DAMAGED.
 */
MUST_USE enum err log_revision(struct log *log, struct str deal, uint64_t *revision);
/*
 * Append one event: gives it the next seq and a recorded time that is now_us or one microsecond
 * after the one before, whichever is later. The caller has made sure that its id is new: one that is
 * not comes out here or in log_commit, as ERR_INTERNAL. `deal` may be empty. out->event is the
 * caller's.
 *
 * ERR_TOO_LARGE: an event beyond EVENT_BYTES_MAX, a deal beyond SLUG_MAX, or a log commit beyond
 * LOG_COMMIT_*. ERR_DAMAGED: the deal's revision cannot be trusted. In both cases this event is not
 * in, and the others stay. Any other error sticks: nothing more is taken, and nothing of this log
 * commit will be written; abort. After ERR_NO_SPACE the next log_begin grows the map, so do the
 * same once more; where it is the disk that is full, that log_begin says so. ERR_NO_MEMORY, ERR_IO.
 */
MUST_USE enum err log_put(struct log *log, const struct id *id, struct str deal, struct str event,
			  int64_t now_us, struct record *out);
/*
 * Make it durable. ERR_OK: it is on disk. ERR_IO: unknown; close the log and leave (until then
 * every call gives ERR_IO). ERR_NO_SPACE, ERR_INTERNAL (an id was not new), or the error that log_put
 * gave before: surely nothing was written. ERR_BUSY: nor was anything, as the revision of a deal that was
 * still known from before cannot be written; begin it again, and log_put says of which. The transaction is
 * over in every case.
 */
MUST_USE enum err log_commit(struct log *log);
/* When the newest event was recorded, with what was put since log_begin; 0: none. */
int64_t log_recorded(const struct log *log);
/* Forget what was put since log_begin; without an open transaction it does nothing. */
void log_abort(struct log *log);

/* ---- reading, each call in a short transaction of its own ---- */

struct slice_limits {
	size_t events;	/* at most so many */
	size_t bytes;	/* at most so many bytes of events, but at least one event */
};
/*
 * The durable records with seq > after, in order, copied into the arena. n = 0 at the head, and
 * beyond it. An arena that is full ends the slice, like a limit. A damaged record ends the slice
 * before it; where it is the first, ERR_DAMAGED with fault->seq. ERR_NO_MEMORY: not even one record
 * fits. ERR_IO.
 */
MUST_USE enum err log_read(struct log *log, uint64_t after, struct slice_limits limits,
			   struct arena *a, struct record_list *out, struct fault *fault);
/* Clear reader slots of dead processes; cheap, to be called about once a second. */
MUST_USE enum err log_tend(struct log *log);

/*
 * Read the events behind `after`, at most `count` of them, only to see whether they are what was
 * written; outside of a log commit. *to: the last that was looked at; *damaged: the first that is
 * not, 0: none. ERR_IO, ERR_NO_MEMORY.
 */
MUST_USE enum err log_verify(struct log *log, uint64_t after, size_t count, uint64_t *to,
			     uint64_t *damaged);

/* ---- for tests ---- */

struct lm_sizes;
/* log_open with a map and a reserve of other sizes, see lm.h. */
MUST_USE enum err log_open_sized(const char *dir, int64_t now_us, const struct lm_sizes *sizes,
				 struct log **out, struct fault *fault);

#endif
