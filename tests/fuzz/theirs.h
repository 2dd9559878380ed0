/* SPDX-License-Identifier: Apache-2.0 */
/* theirs: JSON as jansson reads it. Its names are ours too, so it has a file of its own. */
#ifndef AVOW_TESTS_FUZZ_THEIRS_H
#define AVOW_TESTS_FUZZ_THEIRS_H

#include "proto/base.h"

/*
 * Read one value, double keys refused, and write it to out in a plain form, see plain_json in
 * fuzz_json.c. False: jansson refuses it.
 */
bool theirs_plain(struct str text, struct buf *out);

#endif
