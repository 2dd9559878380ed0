/* SPDX-License-Identifier: Apache-2.0 */
/* A config file: read, or refused with words. */
#include <stdlib.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "tools/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[FUZZ_PATH_SIZE];
	const int fd = fuzz_file(fuzz_str(data, size), path);
	struct settings s;
	struct fault fault;

	fault_init(&fault);
	settings_init(&s);
	require(setenv("AVOW_CONFIG", path, 1) == 0);
	const enum err e = settings_load(&s, &fault);
	require(!e || (fault.code == e && fault.text[0]));
	for (size_t i = 0; !e && i < SETTING_COUNT; i++)
		require(s.v[i].origin[0]);
	(void)close(fd);
	return 0;
}
