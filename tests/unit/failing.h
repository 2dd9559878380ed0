/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failing: lets the n-th call of a kind fail, for n = 1, 2, … until a piece of work needs no more of
 * them, so that every error that can come from below is seen to be told, and to leave nothing behind.
 *
 *   for (unsigned long n = 1; reached; n++) {
 *           failing_begin(failing_memory, n);
 *           e = work();
 *           reached = failing_end();
 *           ...
 *   }
 *
 * A program that is called test_failing_NAME is linked so that its calls come by here (see
 * tests/CMakeLists.txt); its arenas take each thing from the system by itself, so that every
 * allocation can fail.
 */
#ifndef AVOW_TESTS_FAILING_H
#define AVOW_TESTS_FAILING_H

#include <stdbool.h>

enum failing {
	failing_memory, /* malloc, calloc, realloc, aligned_alloc: NULL */
	failing_lmdb,	/* whatever can fail of LMDB: EIO, what it was given is ended as LMDB would */
	failing_files,	/* calls that make, read, measure and write files: EIO */
	failing_test	/* what a test itself calls, see failing_now */
};

/* From now on the n-th call of this kind fails, and no other; n from 1, or 0 for none. */
void failing_begin(enum failing kind, unsigned long n);
/* Calls go well again; whether there was an n-th one. */
bool failing_end(void);
/* Meanwhile calls go well and are not counted: what is done now is not what is looked at. */
void failing_rest(bool rest);
/* For what a test puts in place of something of ours: whether this call is the one that fails. */
bool failing_now(enum failing kind);

#endif
