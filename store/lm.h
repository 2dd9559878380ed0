/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm: named tables in one memory-mapped file, with transactions; the one place that knows LMDB.
 *
 * Every write transaction is on the disk when lm_commit returns (fdatasync of the pages, then the
 * root page with O_DSYNC): no flag that loosens this is ever set. One thread uses an environment;
 * it may have one write transaction and one snapshot at the same time.
 *
 * How space is found: before a write transaction begins, the file system must have `reserve` bytes
 * left and the map `room` bytes; the map grows by itself, which needs that no transaction is open.
 * Where a transaction nevertheless fills the map, lm_put gives ERR_NO_SPACE, the caller ends it,
 * and the next lm_write has grown the map, so that doing the same work once more succeeds; where it
 * is the disk that is full, that lm_write says ERR_NO_SPACE itself.
 *
 * LMDB holds at most 131,072 changed pages (512 MiB) in one transaction: beyond that ERR_TOO_LARGE.
 *
 * The first error inside a write transaction sticks: everything after it, lm_commit included, gives
 * that error, and nothing is written.
 */
#ifndef AVOW_STORE_LM_H
#define AVOW_STORE_LM_H

#include "proto/base.h"

#define LM_TABLES_MAX 24
#define LM_KEY_MAX 500u

struct lm;
struct lm_txn;	  /* a write transaction or a snapshot; belongs to its lm */
struct lm_cursor; /* a place in a table of one transaction */

struct lm_table {
	const char *name;
	bool by_number; /* keys are uint64_t as they lie in memory, ordered as numbers */
};
struct lm_sizes {
	size_t map;	/* bytes of address space to begin with */
	size_t room;	/* of it left for each write transaction */
	size_t step;	/* the map grows by its own size, at most by this */
	size_t reserve; /* bytes of disk that stay free */
	size_t reach;	/* bytes that lm_warm may bring into reach; 0: see resident_init */
};
extern const struct lm_sizes lm_sizes_default;
struct lm_options {
	const struct lm_table *tables; /* stays the caller's, for as long as the store is open */
	size_t ntables;
	struct str first; /* row of table 0 under LM_FIRST_KEY that a new store begins with */
	bool anew;	  /* empty the store that is there */
	const struct lm_sizes *sizes; /* NULL: lm_sizes_default */
	/* rows are looked up all over, and cursors go through the same ones again and again: see resident.h */
	bool looked_up;
};
#define LM_FIRST_KEY STR("store")

/*
 * Open the store in directory `path`, made where there is none, and lock it. Errors: ERR_NO_SPACE,
 * ERR_STORE_LOCKED, ERR_STORE_FOREIGN (not LMDB's format, or other tables), ERR_DAMAGED (data
 * missing, empty or cut off), ERR_NO_MEMORY, ERR_IO.
 */
MUST_USE enum err lm_open(const char *path, const struct lm_options *o, struct lm **out,
			  struct fault *fault);
/* Ends open transactions; their cursors must be closed. Accepts NULL. */
void lm_close(struct lm *lm);
/* Words for the last error of a call that has no fault; "" where there was none. */
const char *lm_trouble(const struct lm *lm);
/* Whether the disk has more than the reserve, so that a write transaction can begin. */
bool lm_has_room(const struct lm *lm);
/* Free the reader slots of dead processes. */
MUST_USE enum err lm_tend(struct lm *lm);
/*
 * Bring a few MiB of the store into reach, see resident_warm; of a large one only leaves, with keys and small
 * values, and no pages of large ones.
 * Whether there is more to bring. ERR_IO
 */
MUST_USE enum err lm_warm(struct lm *lm, bool *more);
/* Bytes of the store's file in use, and how many lm_warm has brought. ERR_IO */
MUST_USE enum err lm_reach(struct lm *lm, uint64_t *in_reach, uint64_t *bytes);

/*
 * Begin the write transaction. ERR_NO_SPACE, ERR_IO (also after an unknown outcome before),
 * ERR_DAMAGED: what is kept about free pages is damaged, so that nothing can be written.
 */
MUST_USE enum err lm_write(struct lm *lm, struct lm_txn **out);
/*
 * Make it durable. ERR_NO_SPACE: surely nothing was written. ERR_IO: unknown; from now on the
 * environment refuses everything. The error that sticks to the transaction: nothing was written.
 */
MUST_USE enum err lm_commit(struct lm_txn *t);
/* Begin a snapshot of what is durable. */
MUST_USE enum err lm_read(struct lm *lm, struct lm_txn **out);
/* End a snapshot, or abort a write transaction. */
void lm_end(struct lm_txn *t);

/*
 * What is read borrows from the transaction, in a write transaction until the next put.
 * ERR_NOT_FOUND, ERR_DAMAGED (does not stick), ERR_IO.
 */
MUST_USE enum err lm_get(struct lm_txn *t, unsigned table, struct str key, struct str *value);
/*
 * A hint that this key will be looked up soon: its page begins to come into the processor's cache, which
 * takes about as long as all else that looking up does. Finds no errors.
 */
void lm_foresee(struct lm_txn *t, unsigned table, struct str key);
/*
 * The rows of a table by number from a key on, at most so many, in order: their keys and where their values
 * lie, of which no byte is looked at. Of a row that is not the last, and never is written again, a page stays
 * what it is. None where the map cannot be looked at. ERR_DAMAGED
 */
struct lm_row {
	uint64_t key;
	uint64_t page; /* the first of the value's own; 0: it lies among others, which move */
	size_t size;   /* of the value */
};
MUST_USE enum err lm_rows_from(struct lm_txn *t, unsigned table, uint64_t key, struct lm_row *out,
			       size_t most, size_t *n);
/* Where the value of a row that has a page lies; NULL where the map cannot be looked at, or is too small. */
struct str lm_row_there(struct lm_txn *t, const struct lm_row *row);
/* The row with the greatest key; ERR_NOT_FOUND in an empty table. */
MUST_USE enum err lm_last(struct lm_txn *t, unsigned table, struct str *key, struct str *value);
MUST_USE enum err lm_count(struct lm_txn *t, unsigned table, uint64_t *rows);
/* Bytes of the pages that a table takes. */
MUST_USE enum err lm_size(struct lm_txn *t, unsigned table, uint64_t *bytes);

enum lm_how {
	lm_replace, /* the value of an existing key is replaced */
	lm_fresh,   /* the key must be new: ERR_INTERNAL */
	lm_append   /* the key must be greater than all others: ERR_INTERNAL */
};
/*
 * Write a row, the key 1 to LM_KEY_MAX bytes. ERR_NO_SPACE, ERR_TOO_LARGE, ERR_INTERNAL, ERR_IO;
 * ERR_DAMAGED: a page that would have to be changed is, and nothing was.
 */
MUST_USE enum err lm_put(struct lm_txn *t, unsigned table, struct str key, struct str value,
			 enum lm_how how);
/* The same with `n` bytes that the caller fills in at once, before any other call. */
MUST_USE enum err lm_put_room(struct lm_txn *t, unsigned table, struct str key, size_t n,
			      enum lm_how how, char **out);

/* Cursors are closed before their transaction ends. */
MUST_USE enum err lm_cursor_open(struct lm_txn *t, unsigned table, struct lm_cursor **out);
void lm_cursor_close(struct lm_cursor *c);
/*
 * To the first row with this key or a greater one, or with `back` the last with this key or a
 * smaller one. An empty key is the table's beginning, or with `back` its end. ERR_NOT_FOUND.
 */
MUST_USE enum err lm_cursor_seek(struct lm_cursor *c, struct str from, bool back, struct str *key,
				 struct str *value);
/*
 * Whether the row that was just found, in a table of which this transaction has put nothing yet, has
 * the pages that its size needs; if not, replacing it would give back pages of others.
 */
bool lm_cursor_sound(struct lm_cursor *c);
/*
 * To the last row with this key or a smaller one. Unlike lm_cursor_seek it looks at all pages on the
 * way, so that it is right where it says that there is none. ERR_NOT_FOUND, ERR_DAMAGED (does not
 * stick).
 */
MUST_USE enum err lm_cursor_floor(struct lm_cursor *c, struct str key, struct str *found,
				  struct str *value);
/*
 * The same, and tells where its value lies, of which no byte is looked at. For values of many pages, of
 * which mostly little is wanted: what is in reach (lm_warm) is read there, within lm_guarded; what is not is
 * copied, as under a hypervisor the first touch of a page that is mapped can take longer than reading
 * eight of them from the file.
 */
MUST_USE enum err lm_cursor_floor_there(struct lm_cursor *c, struct str key, struct str *found,
					struct str *there);
/* Whether a value that was found so is in reach. Never in a write transaction, which may move it. */
bool lm_in_reach(struct lm_txn *t, struct str there);
/*
 * Copy a value that was found so and is read by itself, where that needs no disk. False: it does; nothing is
 * copied, and it begins to be read.
 */
bool lm_copy_near(struct lm_txn *t, struct str from, char *to);
/* A hint that a value that was found so will be copied soon: it begins to be read, with nothing around it. */
void lm_expect(struct lm_txn *t, struct str there);
/* Copy some bytes of a value that was found so. ERR_DAMAGED: they cannot be read. */
MUST_USE enum err lm_copy(struct lm_txn *t, struct str from, char *to);
/*
 * What call(arg) returns, or ERR_DAMAGED where it came upon bytes of a value that cannot be read; what it
 * has read can be read again without this. It must own nothing that it would have to give back.
 */
MUST_USE enum err lm_guarded(enum err (*call)(void *arg), void *arg);
/*
 * Put a row as lm_put with lm_replace, through a cursor of a write transaction, which stands on it behind this.
 * Quicker than that for many rows whose keys follow one another.
 */
MUST_USE enum err lm_cursor_put(struct lm_cursor *c, struct str key, struct str value);
/* To the next row, or with `back` the one before; ERR_NOT_FOUND behind the last. */
MUST_USE enum err lm_cursor_step(struct lm_cursor *c, bool back, struct str *key,
				 struct str *value);

#endif
