/* SPDX-License-Identifier: Apache-2.0 */
/* The negative control: a decoder that trusts a length, which must be found. */
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* "length, then bytes", with the mistake: the length is believed */
	struct str s = fuzz_str(data, size);

	if (fuzz_byte(&s) == 'L' && fuzz_byte(&s) == 'V') {
		const unsigned said = fuzz_byte(&s);
		require(said <= s.n);
	}
	return 0;
}
