/* SPDX-License-Identifier: Apache-2.0 */
/* lm_inside: what lm.c (files and transactions) and lm_rows.c (what is in them) share; for nobody else. */
#ifndef AVOW_STORE_LM_INSIDE_H
#define AVOW_STORE_LM_INSIDE_H

#include <lmdb.h>

#include "store/dir.h"
#include "store/lm.h"
#include "store/lm_page.h"
#include "store/resident.h"

struct lm_txn {
	struct lm *lm;
	MDB_txn *t;	 /* of a snapshot that ended: kept, to be renewed */
	bool open, writes;
	unsigned cursors;
	enum err failed; /* the first error of a write transaction */
};
struct lm {
	struct dir dir;
	MDB_env *env;
	MDB_dbi tables[LM_TABLES_MAX];
	size_t ntables;
	struct lm_sizes sizes;
	struct resident resident;
	struct bringing {
		unsigned table; /* whose leaves are being brought; ntables: all were */
		char key[LM_KEY_MAX]; /* from where on */
		size_t n;
	} bringing;
	int alone_fd; /* of the file, for what is read without its neighbours; -1: none */
	struct pages pages; /* of the state that the transaction in hand began with */
	bool looked_up; /* what cursors go through is wanted again soon */
	struct lm_txn write, read;
	bool other_pages; /* of another size than lm_page knows */
	bool full;   /* a transaction has filled the map: it must grow */
	bool broken; /* an outcome is unknown: no more of this */
	char trouble[FAULT_TEXT_MAX];
};

/* What an error number of LMDB, or one of the system that it passes on, means here. */
enum err lm_err_of(int rc);
/* The same, and in words that the store keeps: "cannot `what`: …". */
enum err lm_troubled(struct lm *lm, const char *what, int rc);

/* What is to be looked at before LMDB follows it. */
struct lm_look {
	struct lm_txn *t;
	enum { look_tables, look_free, look_path, look_place, look_floor, look_rows,
	       look_leaves, look_foresee } at;
	unsigned table;
	struct str key;
	bool found;
	struct str row, there; /* look_floor: see pages_floor */
	struct lm_row *rows;   /* look_rows: see pages_rows */
	uint64_t *leaves;      /* look_leaves: see pages_leaves */
	size_t most, n;
	struct str next;
};

/* How large the map is, and how many bytes of the file are in use. */
int lm_map_state(struct lm *lm, MDB_envinfo *info, uint64_t *used);
/* A transaction is on the disk: see resident_wrote. */
void lm_wrote(struct lm *lm);
/* ERR_DAMAGED, in words that name the table; ERR_NOT_FOUND: one is not there (look_tables). */
MUST_USE enum err lm_look(struct lm_look *x);

#endif
