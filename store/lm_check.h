/* SPDX-License-Identifier: Apache-2.0 */
/* lm_check: whether an LMDB file holds all its pages; part of what hides LMDB, only for lm.c. */
#ifndef AVOW_STORE_LM_CHECK_H
#define AVOW_STORE_LM_CHECK_H

#include <lmdb.h>

#include "proto/base.h"

/*
 * ERR_DAMAGED where a root page of this file says that pages are not PAGES_SIZE bytes; call before LMDB
 * opens it. ERR_IO and what else opening and reading may say.
 */
MUST_USE enum err lm_check_page_size(int dir_fd, const char *name, struct fault *fault);

/*
 * ERR_DAMAGED where the file ends before the last page in use; call before any page is read.
 * Free pages at the end that LMDB never wrote are no loss; the file is then made longer by them.
 */
MUST_USE enum err lm_check_whole(MDB_env *env, struct fault *fault);

/*
 * ERR_DAMAGED where the two root pages do not go together: LMDB takes the one with the greater
 * number, and a flipped bit in it would bring back the state before, without the newest events.
 */
MUST_USE enum err lm_check_roots(MDB_env *env, struct fault *fault);

#endif
