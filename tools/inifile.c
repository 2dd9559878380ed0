/* SPDX-License-Identifier: Apache-2.0 */
/* inifile: hides inih, which as Debian builds it does not tell line numbers: its reader counts. */
#include "tools/inifile.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>

struct reader {
	FILE *f;
	int line;
	bool cut; /* the line was longer than inih's buffer */
	inifile_fn *on_pair;
	void *arg;
	struct fault *fault;
	enum err e;
};

static char *next_line(char *to, int size, void *arg)
{
	struct reader *r = arg;
	/* the library goes on behind an error, but the first one is told */
	char *got = r->cut || r->e ? NULL : fgets(to, size, r->f);

	if (!got)
		return NULL;
	r->line++;
	const size_t n = strlen(got);
	if (n && got[n - 1] != '\n' && !feof(r->f)) {
		r->cut = true;
		return NULL;
	}
	return got;
}

static int on_pair(void *arg, const char *section, const char *name, const char *value)
{
	struct reader *r = arg;

	r->e = r->on_pair(r->arg, section, name, value, r->line, r->fault);
	return r->e == ERR_OK;
}

enum err inifile_read(const char *path, inifile_fn *fn, void *arg, int *line, struct fault *fault)
{
	FILE *f = fopen(path, "re");
	struct reader r = { .f = f, .on_pair = fn, .arg = arg, .fault = fault };

	if (line)
		*line = 0;
	if (!f)
		return fault_set(fault, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, NULL,
				 "cannot read %s: %s", path, strerror(errno));
	const int bad = ini_parse_stream(next_line, &r, on_pair, &r);
	const bool failed = ferror(f) != 0;
	(void)fclose(f);
	if (line)
		*line = r.e || r.cut ? r.line : bad;
	if (r.e)
		return r.e;
	if (failed)
		return fault_set(fault, ERR_IO, NULL, "cannot read %s", path);
	if (r.cut)
		return fault_set(fault, ERR_BAD_VALUE, NULL, "%s:%d: a line of more than %d bytes; go on "
				 "in the next one, indented", path, r.line, INI_MAX_LINE - 2);
	if (bad)
		return fault_set(fault, ERR_BAD_VALUE, NULL, "%s:%d: not a line `name = value`", path, bad);
	return ERR_OK;
}
