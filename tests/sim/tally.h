/* SPDX-License-Identifier: Apache-2.0 */
/* tally: how often each fault was injected and each check was made. */
#ifndef AVOW_TESTS_SIM_TALLY_H
#define AVOW_TESTS_SIM_TALLY_H

#include <stdint.h>

enum tally_of {
#define TALLY(name) tally_##name,
#include "tests/sim/tally.def"
#undef TALLY
	TALLIES
};
struct tally {
	uint64_t v[TALLIES];
};

#endif
