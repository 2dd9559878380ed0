/* SPDX-License-Identifier: Apache-2.0 */
/*
 * book: the events of a store, by seq and by id, in two tables; what log and replica share.
 *
 * What is put inside a write transaction is gathered, and goes into the tables with book_settle, many
 * events in one row; until then it is found and got as if it were there. The newest slab goes on
 * with the next transaction until it is full: its row is replaced by one that begins with the same
 * bodies.
 */
#ifndef AVOW_STORE_BOOK_H
#define AVOW_STORE_BOOK_H

#include "store/lm.h"
#include "store/record.h"

struct book;

/*
 * Its two tables (by_number: slabs; not: ids); whether it keeps leaf hashes; how many pages a slab fills:
 * with many of them little is wasted, with one an event that is read by itself is near. NULL without memory.
 */
struct book *book_new(unsigned slabs, unsigned ids, bool leaves, unsigned slab_pages);
/* Accepts NULL. */
void book_free(struct book *b);

/*
 * The newest event, borrowed from the transaction. ERR_NOT_FOUND: there is none. ERR_DAMAGED: it
 * is not what was written, *seq tells where. ERR_IO.
 */
MUST_USE enum err book_newest(struct book *b, struct lm_txn *t, struct record *out, uint64_t *seq);

/* A write transaction has begun. */
void book_begin(struct book *b, struct lm_txn *t);
/*
 * Add the event of the next seq. ERR_INTERNAL: its id was put in this transaction already. Every
 * error sticks: end the transaction. ERR_NO_SPACE, ERR_NO_MEMORY, ERR_IO.
 */
MUST_USE enum err book_put(struct book *b, const struct id *id, const struct record *rec);
/*
 * Bring everything into the tables, before lm_commit. ERR_INTERNAL: an id is not new. After an error
 * end the transaction.
 */
MUST_USE enum err book_settle(struct book *b);
/* The write transaction is over, or is about to end: what was put and not settled is forgotten. */
void book_end(struct book *b);

/*
 * Find and get in a snapshot or in the write transaction, and book_leave before a snapshot ends.
 * What is got is borrowed from the transaction, in a write transaction until the next put.
 * ERR_NOT_FOUND, ERR_DAMAGED, ERR_IO.
 */
MUST_USE enum err book_find(struct book *b, struct lm_txn *t, const struct id *id, uint64_t *seq);
MUST_USE enum err book_get(struct book *b, struct lm_txn *t, uint64_t seq, struct record *out);
void book_leave(struct book *b);
/* Learn where some slabs lie in a snapshot, for the idle moments of a service. Whether there are others. */
bool book_learn(struct book *b, struct lm_txn *t);
/*
 * A hint that these events will be got next, in this order, until something else is foreseen: each is
 * looked up now, and when the first is got the memory of all is sent for, so that it comes near while others
 * are. Some FORESEEN_MAX of them.
 */
#define FORESEEN_MAX 128u
void book_foresee(struct book *b, struct lm_txn *t, const uint64_t *seqs, size_t n);

#endif
