/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs as text: what is read is written as the same digits. */
#include <strings.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = fuzz_str(data, size);
	uint8_t id[ID_SIZE], derived[ID_SIZE];
	char out[ID_TEXT_SIZE];
	struct fault fault;

	fault_init(&fault);
	const enum err e = id_parse(text, id, &fault);
	if (e) {
		fuzz_refused(e, &fault);
		return 0;
	}
	id_format(id, out);
	require(text.n == strlen(out) && strncasecmp(out, text.p, text.n) == 0);
	id_derive(id, text, derived);
	id_format(derived, out);
	require(id_parse(str_of(out), id, NULL) == ERR_OK && memcmp(id, derived, ID_SIZE) == 0);
	return 0;
}
