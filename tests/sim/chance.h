/* SPDX-License-Identifier: Apache-2.0 */
/* chance: the one source of randomness of the product, libsodium's, replaced by the run's dice. */
#ifndef AVOW_TESTS_SIM_CHANCE_H
#define AVOW_TESTS_SIM_CHANCE_H

struct random;

/* From now on all randomness comes from there. */
void chance_from(struct random *dice);

#endif
