/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ids: a table from id to seq, for ever.
 *
 * Ids of version 7 grow with the time, so that what is added belongs to the end. A row holds up to
 * IDS_ROW_MAX ids in order under the least id that it may hold, so that many are added with one put,
 * and little is spent beside the ids: for each 16 bytes of it, and a cell (see cell.h) with the seq;
 * then 4 bytes of XXH3-64 over key and value, the low half. Where that does not fit, a bit has
 * flipped, and each id still has the check of its cell.
 */
#ifndef AVOW_STORE_IDS_H
#define AVOW_STORE_IDS_H

#include "store/cell.h"
#include "store/lm.h"
#include "proto/msg.h"

/* Two rows fill a page of LMDB. */
#define IDS_ENTRY_SIZE (ID_SIZE + CELL_SIZE)
#define IDS_ROW_MAX 83u

struct id_place {
	struct id id;
	uint64_t seq;
};

/* Find an id, with a cursor of the table. ERR_NOT_FOUND, ERR_DAMAGED, ERR_IO. */
MUST_USE enum err ids_find(struct lm_cursor *c, const struct id *id, uint64_t *seq);
/*
 * The greatest id of all: one beyond it is not there. ERR_NOT_FOUND: the table is empty; ERR_DAMAGED:
 * the last row is not what was written; ERR_IO.
 */
MUST_USE enum err ids_greatest(struct lm_cursor *c, struct id *out);
/*
 * Add `n` ids, in their order. No cursor of the table is open. ERR_INTERNAL: one is not new, or not in
 * order; end the transaction. Errors of lm.
 */
MUST_USE enum err ids_add(struct lm_txn *t, unsigned table, const struct id_place *v, size_t n);

#endif
