/* SPDX-License-Identifier: Apache-2.0 */
/* export_map: `avow export --map MAP`: the rows of an imported file, out of the ledger. */
#ifndef AVOW_TOOLS_EXPORT_MAP_H
#define AVOW_TOOLS_EXPORT_MAP_H

#include "tools/cmd.h"

/* The option --map, for the set of options of export. */
extern const struct opt export_map_options[];
/*
 * Print every row that was imported by the map given as --map: the map's columns in their order, the
 * rows in the order of the ledger, each value as it was; with -o csv the file itself. Errors of
 * map_open and client_ask.
 */
MUST_USE enum err export_map(struct cli *c, struct fault *fault);

#endif
