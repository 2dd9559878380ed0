/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_guard: one call of LMDB, so that a damaged page ends the call and not the process; part of what
 * hides LMDB, only for the other files lm*.c.
 *
 * LMDB trusts what stands in its pages. A flipped bit in a page's header leads it outside of the
 * file (SIGBUS), outside of the map (SIGSEGV), or to one of its own assertions. Within a guarded call
 * each of the three becomes MDB_CORRUPTED.
 */
#ifndef AVOW_STORE_LM_GUARD_H
#define AVOW_STORE_LM_GUARD_H

#include <lmdb.h>

/* Take the signals, once a process, and the assertions of this environment. */
void lm_guard_open(MDB_env *env);
/*
 * What call(arg) returns, or MDB_CORRUPTED where it came upon a damaged page. The call must own
 * nothing that it would have to give back. What it was changing is then in no defined state: after
 * a read that is nothing, a write transaction must be left as it is.
 */
int lm_guard(int (*call)(void *arg), void *arg);
/* The same for some calls of LMDB. What is found can be read in full. */
int lm_guard_get(MDB_txn *t, MDB_dbi table, MDB_val *key, MDB_val *value);
int lm_guard_seek(MDB_cursor *c, MDB_val *key, MDB_val *value, MDB_cursor_op op);
/* As lm_guard_seek, but only the key can be read in full: of the value no byte was looked at. */
int lm_guard_find(MDB_cursor *c, MDB_val *key, MDB_val *value, MDB_cursor_op op);
/* Look at it; what has been looked at can be read in full. */
int lm_guard_touch(MDB_val *value);
int lm_guard_put(MDB_txn *t, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned flags);
int lm_guard_put_near(MDB_cursor *c, MDB_val *key, MDB_val *value);
int lm_guard_table(MDB_txn *t, const char *name, unsigned flags, MDB_dbi *table);
int lm_guard_commit(MDB_txn *t);

#endif
