/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unsummed: linked into a mutant of `flips` in the place of record_sum (--wrap), it gives all bytes
 * the same sum, so that every event is taken for right: the mistake that P9 must catch.
 */
#include "store/record.h"

/* record_sum without a look at the bytes. */
uint32_t __wrap_record_sum(struct str bytes);
uint32_t __wrap_record_sum(struct str bytes)
{
	(void)bytes;
	return 1;
}
