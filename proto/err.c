/* SPDX-License-Identifier: Apache-2.0 */
/* err: the table of errors, look-ups in it, and faults. */
#include "proto/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct err_info table[] = {
#define ERROR(name, number, class, http, exit, text, remedy)                                       \
	{ ERR_##name, err_##class, #name, #class, http, exit, text, remedy },
#include "proto/errors.def"
#undef ERROR
};
#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

const struct err_info *err_at(size_t i)
{
	return i < TABLE_LEN ? &table[i] : NULL;
}

const struct err_info *err_info(enum err code)
{
	for (size_t i = 0; i < TABLE_LEN; i++)
		if (table[i].code == code)
			return &table[i];
	return NULL;
}

const struct err_info *err_find_name(const char *name)
{
	char *end;

	errno = 0;
	const long number = strtol(name, &end, 10);
	if (*name && !*end && !errno)
		return err_info((enum err)number);
	for (size_t i = 0; i < TABLE_LEN; i++)
		if (strcasecmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const char *err_name(enum err code)
{
	const struct err_info *info = err_info(code);

	if (code == ERR_OK)
		return "OK";
	return info ? info->name : "?";
}

void fault_init(struct fault *f)
{
	/* not the whole of its texts: there is one for each event, and nearly none is at fault */
	f->code = ERR_OK;
	f->field[0] = f->text[0] = 0;
	f->index = f->expected = f->actual = f->max = f->seq = f->retry_after_ms = FAULT_NONE;
}

enum err fault_set(struct fault *f, enum err code, const char *field, const char *format, ...)
{
	va_list args;

	if (!f)
		return code;
	f->code = code;
	(void)snprintf(f->field, sizeof(f->field), "%s", field ? field : "");
	va_start(args, format);
	(void)vsnprintf(f->text, sizeof(f->text), format, args);
	va_end(args);
	return code;
}

void fault_under(struct fault *f, const char *parent)
{
	char whole[2 * FAULT_FIELD_MAX];

	if (!f)
		return;
	(void)snprintf(whole, sizeof(whole), "%s%s%s", parent,
		       f->field[0] && f->field[0] != '[' ? "." : "", f->field);
	(void)snprintf(f->field, sizeof(f->field), "%.*s", FAULT_FIELD_MAX - 1, whole);
}
