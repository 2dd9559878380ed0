/* SPDX-License-Identifier: Apache-2.0 */
/* chance: linked with --wrap=randombytes_buf. The function has no argument that could carry the dice. */
#include "tests/sim/chance.h"

#include "tests/unit/random.h"

static struct random *source;

void chance_from(struct random *dice)
{
	source = dice;
}

void __wrap_randombytes_buf(void *out, size_t n);
void __wrap_randombytes_buf(void *out, size_t n)
{
	unsigned char *bytes = out;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)random_next(source);
}
