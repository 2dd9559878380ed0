/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica: a query service's own copy of the log, with its indexes, in LMDB.
 *
 * Events, index rows and position are written in one transaction, so that it can be killed at any
 * moment and goes on where it was. The replica does not know what an index means: the caller gives
 * keys and values. One process, one thread.
 */
#ifndef AVOW_STORE_REPLICA_H
#define AVOW_STORE_REPLICA_H

#include "store/log.h"

struct replica;

struct replica_info {
	struct id ledger;  /* zero until the first replica_bind */
	uint64_t epoch;
	uint64_t head;	   /* position: seq of the newest event applied */
	int64_t recorded;  /* of that event */
	uint32_t index_version; /* as given by the caller when it was made */
};

/*
 * Open or create. Where the stored index_version, or the format of the rows, is another one, the
 * store is made anew, to be filled again from the feed. Errors as log_open; what does not say that it
 * is a replica is never made anew.
 */
MUST_USE enum err replica_open(const char *dir, uint32_t index_version, struct replica **out,
			       struct fault *fault);
/*
 * The same, and empty what is there, to be filled again from the feed: all of a replica is in the
 * ledger. Only what can still be read so far that it says it is a replica is emptied, so that nobody
 * loses a ledger by naming its directory: otherwise ERR_STORE_FOREIGN, or ERR_DAMAGED.
 */
MUST_USE enum err replica_rebuild(const char *dir, uint32_t index_version, struct replica **out,
				  struct fault *fault);
/* Accepts NULL. Ends what is open. */
void replica_close(struct replica *r);
/* What is durable now; inside replica_begin … replica_commit, what the transaction holds. */
void replica_info(const struct replica *r, struct replica_info *out);
/* Bytes of its copy of the log; outside of a snapshot and a transaction. ERR_IO, ERR_NO_MEMORY */
MUST_USE enum err replica_log_bytes(struct replica *r, uint64_t *bytes);
/*
 * Take on a ledger's identity, durably, while no event is in; after that ERR_WRONG_LEDGER where it
 * has another one, and nothing where it is the same. Outside of a transaction. ERR_NO_SPACE,
 * ERR_IO.
 */
MUST_USE enum err replica_bind(struct replica *r, const struct id *ledger, uint64_t epoch);
/* Words for the last ERR_IO or ERR_NO_SPACE of a call that has no fault; "" if there was none. */
const char *replica_trouble(const struct replica *r);
/*
 * What was found damaged since it was opened. Nothing of it was given to anybody; what else is in
 * the replica is right, and can go on being asked for.
 */
struct replica_damage {
	uint64_t count;	    /* how often */
	uint64_t first_seq; /* the first event that was; 0: none, only rows of tables */
	struct fault last;  /* in words, of the latest in this snapshot; code ERR_OK: none in it */
};
const struct replica_damage *replica_damage(const struct replica *r);
/* Clear reader slots of dead processes; cheap, to be called about once a second. */
MUST_USE enum err replica_tend(struct replica *r);
/*
 * For moments in which nobody asks: bring a few MiB of the file into reach, so that questions do not
 * wait for them, of a large one only the indexes. Some milliseconds; *more: call it again soon. ERR_IO
 */
MUST_USE enum err replica_warm(struct replica *r, bool *more);
/*
 * Bytes of the file, and up to where its indexes are in reach; but for the last few MiB all, where they
 * fit. ERR_IO
 */
MUST_USE enum err replica_reach(struct replica *r, uint64_t *in_reach, uint64_t *bytes);

/* ---- writing ---- */

/*
 * Any number of events at a time, but at most 100,000 rows in all their tables: LMDB holds no more
 * than 512 MiB of changed pages in one transaction (ERR_TOO_LARGE).
 *
 * An error of a put (other than ERR_TOO_LARGE for a key or value) sticks, and nothing of the
 * transaction will be written: abort. After ERR_NO_SPACE the next replica_begin has grown the map,
 * so do the same once more; where it is the disk that is full, that replica_begin says so.
 * ERR_NO_SPACE, ERR_IO.
 */
MUST_USE enum err replica_begin(struct replica *r);
/*
 * Append the next record and its id; its leaf is not kept. ERR_INTERNAL: its seq is not head + 1, or
 * its id is not new, which may come out in replica_commit as well; abort. ERR_NO_SPACE, ERR_IO.
 */
MUST_USE enum err replica_put(struct replica *r, const struct id *id, const struct record *rec);
/*
 * Put a row of an index: `table` 0 to REPLICA_TABLES - 1, key 1 to REPLICA_KEY_MAX bytes, ordered
 * as bytes. Replaces the value of an existing key. ERR_TOO_LARGE: key or value are beyond their
 * limits, nothing was put.
 */
#define REPLICA_TABLES 16
#define REPLICA_KEY_MAX 500u
#define REPLICA_VALUE_MAX ((size_t)16 << 20)
MUST_USE enum err replica_index(struct replica *r, unsigned table, struct str key,
				struct str value);
/* Durable on ERR_OK. ERR_NO_SPACE: surely nothing was written. ERR_IO: unknown; close and leave. */
MUST_USE enum err replica_commit(struct replica *r);
/* Forget what was put since replica_begin; without an open transaction it does nothing. */
void replica_abort(struct replica *r);

/* ---- reading ---- */

/*
 * A snapshot serves every read until it ends; inside replica_begin … replica_commit it is the
 * transaction itself, so that indexing can look things up. What is read borrows from the snapshot,
 * inside the transaction only until the next put. Reading without one is a fault of the caller, as
 * is a second one, or beginning a transaction within one. Never hold one while waiting for a
 * socket.
 */
MUST_USE enum err replica_snap(struct replica *r);
void replica_unsnap(struct replica *r);
/* Its leaf is zero: who needs it hashes anew. ERR_NOT_FOUND beyond the head, ERR_DAMAGED. */
MUST_USE enum err replica_get(struct replica *r, uint64_t seq, struct record *out);
/* Seq of the event with this id; ERR_NOT_FOUND, ERR_DAMAGED. */
MUST_USE enum err replica_find(struct replica *r, const struct id *id, uint64_t *seq);
/* Smallest seq recorded at or after this instant; head + 1 where there is none. */
MUST_USE enum err replica_seq_at(struct replica *r, int64_t recorded, uint64_t *seq);
/* A hint that these events will be got next, in this order; see book_foresee. */
void replica_foresee_events(struct replica *r, const uint64_t *seqs, size_t n);
/* A hint that the row of this key will be looked up soon; see lm_foresee. */
void replica_foresee(struct replica *r, unsigned table, struct str key);
/* The value under exactly this key; ERR_NOT_FOUND, ERR_DAMAGED. */
MUST_USE enum err replica_lookup(struct replica *r, unsigned table, struct str key,
				 struct str *value);

/*
 * Walk rows of a table in order of their keys. The caller gives the first key (or greater); `back`
 * walks downwards from the key (or smaller). An empty key is the beginning of the table, with
 * `back` its end. cursor_open stands before the first row; each cursor_next gives one:
 * ERR_DAMAGED where that one is damaged, ERR_NOT_FOUND at the end, and after either of them.
 * Several may be open; all are closed before the snapshot or transaction ends. A put into the same
 * table while one is open leaves what it gives next undefined. ERR_TOO_LARGE: a key beyond
 * REPLICA_KEY_MAX; ERR_DAMAGED, ERR_NO_MEMORY, ERR_IO.
 */
struct cursor {
	void *impl;
	struct replica *replica;
	unsigned table;
	struct str key, value; /* borrowed from the snapshot */
	bool back;
	enum { cursor_first, cursor_within, cursor_ended } at;
};
MUST_USE enum err cursor_open(struct replica *r, unsigned table, struct str from, bool back,
			      struct cursor *c);
MUST_USE enum err cursor_next(struct cursor *c);
/* Stand before another row, as cursor_open does, without opening anew: cheaper where it is near. */
MUST_USE enum err cursor_seek(struct cursor *c, struct str from);
/* Accepts one that is closed, or all zero. */
void cursor_close(struct cursor *c);

/* ---- for tests ---- */

struct lm_sizes;
/* replica_open with a map and a reserve of other sizes, see lm.h. */
MUST_USE enum err replica_open_sized(const char *dir, uint32_t index_version,
				     const struct lm_sizes *sizes, struct replica **out,
				     struct fault *fault);

#endif
