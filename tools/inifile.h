/* SPDX-License-Identifier: Apache-2.0 */
/* inifile: `name = value` lines in [sections], with their line numbers. */
#ifndef AVOW_TOOLS_INIFILE_H
#define AVOW_TOOLS_INIFILE_H

#include "proto/base.h"

/* One pair; section is "" before the first. An error ends the reading and is returned. */
typedef enum err inifile_fn(void *arg, const char *section, const char *name, const char *value,
			    int line, struct fault *fault);
/*
 * Read a file. *line (may be NULL) is where it went wrong, 0: not in a line. ERR_NOT_FOUND: there is
 * none; ERR_IO: it cannot be read; ERR_BAD_VALUE: a line that is no pair; errors of on_pair.
 */
MUST_USE enum err inifile_read(const char *path, inifile_fn *on_pair, void *arg, int *line,
			       struct fault *fault);

#endif
