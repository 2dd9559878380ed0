/* SPDX-License-Identifier: Apache-2.0 */
/* near: "did you mean": how far two words are apart, and the nearest of a list. */
#ifndef AVOW_PROTO_NEAR_H
#define AVOW_PROTO_NEAR_H

#include "proto/base.h"

#define NEAR_WORD_MAX 80 /* bytes; longer words are near to nothing */

/*
 * How many bytes must be put in, left out, changed or swapped with their neighbour to make b of a
 * (optimal string alignment); NEAR_WORD_MAX + 1 where one is longer than that.
 */
unsigned near_distance(struct str a, struct str b);
/* Whether b is so near that a may be a slip of the pen for it: at most a third of it is wrong. */
bool near_enough(struct str a, struct str b);
/* The nearest of n words that is near enough, NULL where none is. */
const char *near_word(const char *const *words, size_t n, struct str word);

#endif
