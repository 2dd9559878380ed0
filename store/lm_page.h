/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_page: a reader of our own of LMDB's pages (format of 0.9), to look at them before LMDB does;
 * part of what hides LMDB, only for the other files lm*.c.
 *
 * LMDB copies and changes pages by what stands in them: where a page's header or a node's size is
 * damaged, it writes beyond the page in memory. Here nothing is believed. A page holds together if it
 * is the one that was asked for, its nodes fill the space between `upper` and its end without a gap or
 * an overlap, its keys ascend, and lie between those of the page above that lead to it.
 *
 * What cannot be seen in this way is a value, which has its own check (record.h, cell.h, row.h), and
 * a bit in the list of free pages that names another page that might as well be free.
 */
#ifndef AVOW_STORE_LM_PAGE_H
#define AVOW_STORE_LM_PAGE_H

#include "store/lm.h"

#define PAGES_SIZE 4096u
#define PAGES_HEAD_SIZE 16u
#define PAGES_SEEN_MAX 16384u

/* Keys from `low` on, and below `high`; NULL: no bound. */
struct key_range {
	struct str low, high;
};
/* A tree of pages. */
struct tree {
	uint64_t root;
	unsigned depth; /* 0: it is empty, and has no root */
	bool by_number; /* keys are uint64_t as they lie in memory */
};

/* The pages of one state of a store: what the last log commit left. */
struct pages {
	const char *at;	   /* the map */
	int fd;		   /* of the file that is mapped */
	size_t size;	   /* of it */
	uint64_t txn;	   /* of the state; 0: none */
	uint64_t last;	   /* the last page that is in use */
	struct tree free, main;
	struct tree trees[LM_TABLES_MAX];
	bool known[LM_TABLES_MAX]; /* which of them have been looked up */
	struct path {
		const char *leaf;	 /* NULL: none */
		struct key_range within; /* what belongs on it */
	} paths[LM_TABLES_MAX]; /* of each table the last one: what is looked up next often lies beside */
	const struct lm_table *tables;
	/* pages that hold together, and in which state, each at its number modulo PAGES_SEEN_MAX */
	struct seen {
		uint64_t txn, page;
	} *seen;
	const char *place; /* the page of the last pages_check_place */
};

/* `tables` stays the caller's, for as long as this lives. ERR_NO_MEMORY */
MUST_USE enum err pages_init(struct pages *p, const struct lm_table *tables);
/* Accepts one that is all zero. */
void pages_fini(struct pages *p);
/*
 * From now on the state that transaction `txn` left, in this map of the file `fd`. ERR_DAMAGED where
 * neither root page is that of this transaction.
 */
MUST_USE enum err pages_at(struct pages *p, int fd, const char *map, size_t size, uint64_t txn);
/*
 * Whether the two root pages (PAGES_ROOTS_SIZE bytes, the beginning of the file) go together: the
 * numbers of their transactions follow each other, and the newer one has no fewer pages.
 */
#define PAGES_ROOTS_SIZE 8192u
MUST_USE enum err pages_check_roots(const char *roots);
/* Whether the root pages, as far as they are LMDB's, say that pages have PAGES_SIZE bytes. */
bool pages_of_our_size(const char *roots);
/*
 * Whether the description of each of the first `n` tables is what it should be; ERR_NOT_FOUND where
 * one is not there.
 */
MUST_USE enum err pages_check_tables(struct pages *p, size_t n);
/* Whether all that LMDB keeps about free pages holds together. */
MUST_USE enum err pages_check_free(struct pages *p);
/*
 * Whether the pages from the root of a table to where `key` is or belongs hold together. An empty
 * key is the end of the table. *found: whether it is there.
 */
MUST_USE enum err pages_check_path(struct pages *p, unsigned table, struct str key, bool *found);
/*
 * Whether the page of this table that `place` is in holds together; what is not in the map is a page
 * that a transaction has just made.
 */
MUST_USE enum err pages_check_place(struct pages *p, unsigned table, const char *place);
/*
 * The leaves of a table from the one that `key` is or belongs on, an empty one: from the first; in order,
 * none of them looked at. *next is the key that goes on behind them, borrowed from the map; empty: they were
 * the last.
 */
MUST_USE enum err pages_leaves(struct pages *p, unsigned table, struct str key, uint64_t *out, size_t most,
			       size_t *n, struct str *next);
/*
 * The last row with this key or a smaller one: its key, and where its value lies, of which no byte is looked
 * at. there->p is NULL where the page that the key belongs on has no such row; one before it may.
 */
MUST_USE enum err pages_floor(struct pages *p, unsigned table, struct str key, struct str *found,
			      struct str *there);
/* The rows of a table by number from a key on; see lm_rows_from. */
MUST_USE enum err pages_rows(struct pages *p, unsigned table, struct str key, struct lm_row *out,
			     size_t most, size_t *n);
/* Have the page that `key` is or belongs on brought into the processor's cache; says nothing of it. */
void pages_foresee(struct pages *p, unsigned table, struct str key);
/*
 * Whether a value that was found has as many pages of its own as its size needs, or none: LMDB gives
 * as many back as they say when it replaces the value, and one too many would be another's. (A value
 * that was replaced by a smaller one within a transaction rightly has more.)
 */
bool pages_match_value(const struct pages *p, struct str value);
/* Forget which page that was about: the next state may have another one there. */
static inline void pages_leave(struct pages *p)
{
	p->place = NULL;
}
/* Whether that was said of this place's page just before. */
static inline bool pages_stand_on(const struct pages *p, const char *place)
{
	return p->place && place >= p->place && place < p->place + PAGES_SIZE;
}

#endif
