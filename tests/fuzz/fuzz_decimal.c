/* SPDX-License-Identifier: Apache-2.0 */
/* Exact decimals and moves: what is written reads back as the same number. */
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = fuzz_str(data, size);
	char out[DECIMAL_TEXT_SIZE], again[DECIMAL_TEXT_SIZE];
	struct decimal d, back;
	struct fault fault;

	fault_init(&fault);
	const enum err e = decimal_parse(text, &d, &fault);
	if (e) {
		fuzz_refused(e, &fault);
	} else {
		decimal_format(d, out);
		require(decimal_parse(str_of(out), &back, NULL) == ERR_OK);
		require(back.units == d.units && back.scale == d.scale);
		decimal_format(back, again);
		require(strcmp(out, again) == 0);
		require(move_check(text, NULL) == ERR_OK);
	}
	return 0;
}
