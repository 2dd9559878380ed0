/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints: what is allowed stays on this machine. The first byte: to listen, or to connect. */
#include <stdlib.h>

#include "services/shared/endpoint.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = fuzz_str(data, size);
	const bool listen = fuzz_byte(&rest) & 1;
	char *text = fuzz_text(rest);
	struct fault fault;

	fault_init(&fault);
	const enum err e = endpoint_check(text, listen, &fault);
	if (e) {
		require(e == ERR_USAGE && fault.text[0]);
	} else if (endpoint_path(text)) {
		require(strlen(endpoint_path(text)) <= ENDPOINT_PATH_MAX);
	} else {
		require(strncmp(text, "tcp://127.", 10) == 0 || strncmp(text, "tcp://[::1]:", 12) == 0 ||
			(!listen && strncmp(text, "tcp://localhost:", 16) == 0));
		require(strlen(text) <= ENDPOINT_MAX);
	}
	free(text);
	return 0;
}
