/* SPDX-License-Identifier: Apache-2.0 */
/* settings: options, variables, files, defaults, in this order. */
#include "tools/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/inifile.h"

#define SYSTEM_CONFIG "/etc/avow/config"
#define PATH_SIZE 700u

static const struct {
	const char *name, *fallback, *doc;
} rows[SETTING_COUNT] = {
#define SETTING(name, letter, type, arg, fallback, doc) { #name, fallback, doc },
#include "tools/settings.def"
#undef SETTING
};

const char *setting_word(enum setting_name name)
{
	return rows[name].name;
}

const char *setting_doc(enum setting_name name)
{
	return rows[name].doc;
}

void settings_init(struct settings *s)
{
	memset(s, 0, sizeof(*s));
}

static void put(struct settings *s, size_t i, const char *value, enum setting_rank rank,
		const char *origin)
{
	if (s->v[i].rank > (int)rank)
		return;
	(void)snprintf(s->v[i].value, sizeof(s->v[i].value), "%s", value);
	(void)snprintf(s->v[i].origin, sizeof(s->v[i].origin), "%s", origin);
	s->v[i].rank = (int)rank;
}

enum err settings_set(struct settings *s, const char *name, const char *value,
		      enum setting_rank rank, const char *origin, struct fault *fault)
{
	if (strlen(value) >= SETTING_VALUE_MAX)
		return fault_set(fault, ERR_USAGE, name, "%s: a value of more than %u bytes", origin,
				 SETTING_VALUE_MAX - 1);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			put(s, i, value, rank, origin);
			return ERR_OK;
		}
	}
	return fault_set(fault, ERR_USAGE, name, "%s: there is no setting `%s`; `avow config show` "
			 "lists them", origin, name);
}

/* ---- variables ---- */

static void from_variables(struct settings *s)
{
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		char variable[64], origin[72];
		int n = snprintf(variable, sizeof(variable), "AVOW_%s", rows[i].name);
		ensure(n > 0 && (size_t)n < sizeof(variable));
		for (char *c = variable; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		(void)snprintf(origin, sizeof(origin), "$%s", variable);
		const char *value = getenv(variable);
		if (value && *value)
			put(s, i, value, rank_variable, origin);
	}
}

/* ---- files ---- */

struct file_reader {
	struct settings *s;
	const char *path;
	enum setting_rank rank;
};

static enum err on_pair(void *arg, const char *section, const char *name, const char *value, int line,
			struct fault *fault)
{
	struct file_reader *r = arg;
	char origin[SETTING_ORIGIN_MAX];

	if (*section && strcmp(section, "avow") != 0)
		return ERR_OK; /* other programs' sections */
	(void)snprintf(origin, sizeof(origin), "%.480s:%d", r->path, line);
	return settings_set(r->s, name, value, r->rank, origin, fault);
}

static enum err from_file(struct settings *s, const char *path, enum setting_rank rank, bool needed,
			  struct fault *fault)
{
	struct file_reader reader = { s, path, rank };
	struct fault why;

	fault_init(&why);
	const enum err e = inifile_read(path, on_pair, &reader, NULL, &why);
	if (e == ERR_NOT_FOUND && !needed)
		return ERR_OK;
	if (e)
		return fault_set(fault, e == ERR_IO || e == ERR_NOT_FOUND ? ERR_IO : ERR_USAGE, NULL,
				 "%s", why.text);
	return ERR_OK;
}

static enum err from_files(struct settings *s, struct fault *fault)
{
	char path[PATH_SIZE];
	const char *named = getenv("AVOW_CONFIG"), *base = getenv("XDG_CONFIG_HOME"),
		   *home = getenv("HOME");

	if (named && *named)
		return from_file(s, named, rank_user, true, fault);
	path[0] = 0;
	if (base && *base)
		(void)snprintf(path, sizeof(path), "%s/avow/config", base);
	else if (home && *home)
		(void)snprintf(path, sizeof(path), "%s/.config/avow/config", home);
	enum err e = from_file(s, SYSTEM_CONFIG, rank_system, false, fault);
	if (!e && path[0])
		e = from_file(s, path, rank_user, false, fault);
	return e;
}

/* ---- defaults ---- */

static void default_dir(char *out, size_t size)
{
	const char *base = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (base && *base)
		(void)snprintf(out, size, "%s/avow", base);
	else
		(void)snprintf(out, size, "%s/.local/share/avow", home && *home ? home : "");
}

static void from_defaults(struct settings *s)
{
	static const enum setting_name sockets[] = { setting_ingest, setting_query, setting_tape,
						     setting_ledger };
	char text[SETTING_VALUE_MAX];

	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (s->v[i].rank == rank_none)
			put(s, i, rows[i].fallback, rank_default, "default");
	if (s->v[setting_dir].rank == rank_default) {
		default_dir(text, sizeof(text));
		put(s, setting_dir, text, rank_default, "default");
	}
	for (size_t i = 0; i < ARRAY_LEN(sockets); i++) {
		if (s->v[sockets[i]].rank != rank_default)
			continue;
		(void)snprintf(text, sizeof(text), "ipc://%.900s/run/%s.sock",
			       setting(s, setting_dir), rows[sockets[i]].name);
		put(s, sockets[i], text, rank_default, "default");
	}
}

enum err settings_load(struct settings *s, struct fault *fault)
{
	from_variables(s);
	const enum err e = from_files(s, fault);
	if (e)
		return e;
	from_defaults(s);
	return ERR_OK;
}

enum err settings_make_dir(const char *path, struct fault *fault)
{
	char part[PATH_MAX];
	const size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return fault_set(fault, ERR_USAGE, NULL, "`%s` cannot be a directory", path);
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != 0)
			continue;
		part[i] = 0;
		if (mkdir(part, 0700) && errno != EEXIST)
			return fault_set(fault, ERR_IO, NULL, "cannot make the directory %s: %s", part,
					 strerror(errno));
		part[i] = i == n ? 0 : '/';
	}
	return ERR_OK;
}
