/* SPDX-License-Identifier: Apache-2.0 */
/* json_place: where in a line of JSON something is wrong, for the caret below it. */
#ifndef AVOW_TOOLS_JSON_PLACE_H
#define AVOW_TOOLS_JSON_PLACE_H

#include "proto/base.h"

/*
 * The column (in characters, from 1) of the value that a path as `source.url` or `from[1]` names, or
 * of the nearest one around it that is there; of the key where the field is unknown. Where the line
 * is not JSON: where it stops to be. 0: nowhere in particular.
 */
uint64_t json_place(struct str line, const char *path);

#endif
