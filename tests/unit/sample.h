/* SPDX-License-Identifier: Apache-2.0 */
/* sample: values for every record and message, made from its description. */
#ifndef AVOW_TESTS_SAMPLE_H
#define AVOW_TESTS_SAMPLE_H

#include "proto/msg.h"
#include "tests/unit/random.h"

/*
 * Fill in a struct of this shape with values that decoding takes; everything lies in the arena. An
 * event so made is right field by field, not by the rules of its kind. `whole`: every field is
 * there, lists have two items, and texts are short; else both are left to chance.
 */
void sample_make(const struct shape *s, struct random *r, struct arena *a, bool whole, void *out);

#endif
