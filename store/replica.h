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
 * Open or create. Where the stored index_version is another one, the store is emptied, to be filled
 * again from the feed. Errors as log_open.
 */
MUST_USE enum err replica_open(const char *dir, uint32_t index_version, struct replica **out,
			       struct fault *fault);
void replica_close(struct replica *r);
void replica_info(const struct replica *r, struct replica_info *out);
/* Take on a ledger's identity while still empty; ERR_WRONG_LEDGER where it has another one. */
MUST_USE enum err replica_bind(struct replica *r, const struct id *ledger, uint64_t epoch);

/* ---- writing ---- */
MUST_USE enum err replica_begin(struct replica *r);
/* Append the next record (seq = head + 1, else ERR_INTERNAL) and its id. */
MUST_USE enum err replica_put(struct replica *r, const struct id *id, const struct record *rec);
/*
 * Put a row of an index: `table` 0 to REPLICA_TABLES - 1, key 1 to 500 bytes, ordered as bytes.
 * Replaces the value of an existing key.
 */
#define REPLICA_TABLES 16
MUST_USE enum err replica_index(struct replica *r, unsigned table, struct str key, struct str value);
MUST_USE enum err replica_commit(struct replica *r);
void replica_abort(struct replica *r);

/* ---- reading ---- */

/*
 * A snapshot serves every read until it ends; inside replica_begin … replica_commit it is the
 * transaction itself, so that indexing can look things up. What is read borrows from the snapshot.
 * Never hold one while waiting for a socket.
 */
MUST_USE enum err replica_snap(struct replica *r);
void replica_unsnap(struct replica *r);
MUST_USE enum err replica_get(struct replica *r, uint64_t seq, struct record *out); /* ERR_NOT_FOUND, ERR_DAMAGED */
MUST_USE enum err replica_find(struct replica *r, const struct id *id, uint64_t *seq);
/* Smallest seq recorded at or after this instant; head + 1 where there is none. */
MUST_USE enum err replica_seq_at(struct replica *r, int64_t recorded, uint64_t *seq);
MUST_USE enum err replica_lookup(struct replica *r, unsigned table, struct str key, struct str *value);

/*
 * Walk rows of a table in order of their keys. The caller gives the first key (or greater); `back`
 * walks downwards from the key (or smaller). next: ERR_NOT_FOUND at the end.
 */
struct cursor {
	void *impl;
	struct str key, value; /* borrowed from the snapshot */
};
MUST_USE enum err cursor_open(struct replica *r, unsigned table, struct str from, bool back,
			      struct cursor *c);
MUST_USE enum err cursor_next(struct cursor *c);
void cursor_close(struct cursor *c);

#endif
