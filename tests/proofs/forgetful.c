/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forgetful: linked into a second `avow` in the place of book_find (--wrap), it does not find each tenth
 * id that is there: the mistake that P2 must catch.
 */
#include "store/book.h"

#define FORGET_EACH 10

enum err __real_book_find(struct book *b, struct lm_txn *t, const struct id *id, uint64_t *seq);
enum err __wrap_book_find(struct book *b, struct lm_txn *t, const struct id *id, uint64_t *seq);
enum err __wrap_book_find(struct book *b, struct lm_txn *t, const struct id *id, uint64_t *seq)
{
	static unsigned found;
	const enum err e = __real_book_find(b, t, id, seq);

	return !e && ++found % FORGET_EACH == 0 ? ERR_NOT_FOUND : e;
}
