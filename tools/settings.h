/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings: what holds for every command, each with where it comes from. In order: the option, the
 * AVOW_* variable, the config file, the default.
 *
 * Config files: $AVOW_CONFIG alone, or else /etc/avow/config and over it $XDG_CONFIG_HOME/avow/config
 * (~/.config/avow/config). Lines are `name = value`.
 */
#ifndef AVOW_TOOLS_SETTINGS_H
#define AVOW_TOOLS_SETTINGS_H

#include "proto/base.h"

enum setting_name {
#define SETTING(name, letter, type, arg, fallback, doc) setting_##name,
#include "tools/settings.def"
#undef SETTING
	SETTING_COUNT
};
#define SETTING_VALUE_MAX 1024u
#define SETTING_ORIGIN_MAX 512u

struct settings {
	struct {
		char value[SETTING_VALUE_MAX];
		char origin[SETTING_ORIGIN_MAX]; /* "--dir", "$AVOW_DIR", "file:line", "default" */
		int rank;			 /* of the origin; a higher one is not replaced */
	} v[SETTING_COUNT];
};
enum setting_rank { rank_none, rank_default, rank_system, rank_user, rank_variable, rank_option };

/* Nothing is set. */
void settings_init(struct settings *s);
/* Set by name unless a higher rank has; ERR_USAGE: no such setting, or too long. */
MUST_USE enum err settings_set(struct settings *s, const char *name, const char *value,
			       enum setting_rank rank, const char *origin, struct fault *fault);
/*
 * Fill in what the options left open: variables, files, defaults; and check them. ERR_USAGE with
 * file and line where a file is at fault; ERR_IO where $AVOW_CONFIG cannot be read.
 */
MUST_USE enum err settings_load(struct settings *s, struct fault *fault);
static inline const char *setting(const struct settings *s, enum setting_name name)
{
	return s->v[name].value;
}
const char *setting_word(enum setting_name name);
const char *setting_doc(enum setting_name name);
/* Make the data directory and its parents (0700); ERR_IO. */
MUST_USE enum err settings_make_dir(const char *path, struct fault *fault);

#endif
