/* SPDX-License-Identifier: Apache-2.0 */
/* lm_reach: what of the file is in memory, and what of it need not be; see resident.h. */
#include <errno.h>

#include "store/lm_inside.h"

#define LEAVES_AT_ONCE 256u /* some milliseconds, where they come from the disk */

void lm_wrote(struct lm *lm)
{
	mdb_filehandle_t fd;
	MDB_envinfo info;
	uint64_t used;

	if (!lm->looked_up && lm_map_state(lm, &info, &used) == 0 && mdb_env_get_fd(lm->env, &fd) == 0)
		resident_wrote(&lm->resident, fd, used);
}

/* The next leaves of the table in hand. False: no more of them fit. */
static bool bring_some(struct lm *lm, int fd, struct lm_txn *t)
{
	struct bringing *at = &lm->bringing;
	uint64_t leaves[LEAVES_AT_ONCE];
	struct lm_look x = { .t = t, .at = look_leaves, .table = at->table,
			     .key = { at->key, at->n }, .leaves = leaves, .most = LEAVES_AT_ONCE };

	/* behind a damaged page nothing is brought: whoever looks something up there will hear of it */
	const bool sound = lm_look(&x) == ERR_OK;
	const bool more = sound && x.next.n > 0 && x.next.n <= sizeof(at->key);
	if (more)
		memcpy(at->key, x.next.p, x.next.n);
	at->n = more ? x.next.n : 0;
	at->table += !more;
	return !sound || resident_bring(&lm->resident, fd, leaves, x.n, PAGES_SIZE);
}

/* Keys and small values: all tables, one after the other. */
static enum err bring(struct lm *lm, int fd, bool *more)
{
	struct lm_txn *t;

	if (lm->bringing.table == lm->ntables)
		return ERR_OK;
	const enum err e = lm_read(lm, &t);
	if (e)
		return e;
	if (!bring_some(lm, fd, t))
		lm->bringing.table = (unsigned)lm->ntables;
	lm_end(t);
	*more = lm->bringing.table < lm->ntables;
	return ERR_OK;
}

enum err lm_warm(struct lm *lm, bool *more)
{
	mdb_filehandle_t fd;
	MDB_envinfo info;
	uint64_t used;

	*more = false;
	if (lm->broken)
		return ERR_IO;
	int rc = lm_map_state(lm, &info, &used);
	if (!rc)
		rc = mdb_env_get_fd(lm->env, &fd);
	if (rc)
		return lm_troubled(lm, "look at the map", rc);
	if (lm->other_pages)
		return ERR_OK;
	if (!resident_fits(&lm->resident, used))
		return bring(lm, fd, more);
	*more = resident_warm(&lm->resident, used);
	return ERR_OK;
}

enum err lm_reach(struct lm *lm, uint64_t *in_reach, uint64_t *bytes)
{
	MDB_envinfo info;

	const int rc = lm->broken ? EIO : lm_map_state(lm, &info, bytes);
	*in_reach = lm->resident.warmed;
	return rc ? lm_troubled(lm, "look at the map", rc) : ERR_OK;
}
