/* SPDX-License-Identifier: Apache-2.0 */
/* err: the one list of errors, for every part and every language; see errors.def. */
#ifndef AVOW_PROTO_ERR_H
#define AVOW_PROTO_ERR_H

#include <stddef.h>
#include <stdint.h>

enum err {
	ERR_OK = 0,
#define ERROR(name, number, class, http, exit, text, remedy) ERR_##name = number,
#include "proto/errors.def"
#undef ERROR
};

/* What the one who gets an error can do about it; code branches on this, not on the number. */
enum err_class { err_fix, err_find, err_conflict, err_permission, err_retry, err_server };

struct err_info {
	enum err code;
	enum err_class class;
	const char *name, *class_name;
	int http, exit;
	const char *text, *remedy;
};
/* The row of an error; ERR_OK and numbers that are not in the table give NULL. */
const struct err_info *err_info(enum err code);
/* By name ("ID_CONFLICT", any case) or number ("300"); NULL where there is none. */
const struct err_info *err_find_name(const char *name);
/* Row i of the table, in the order of numbers; NULL behind the last. */
const struct err_info *err_at(size_t i);
/* Never NULL: "OK", the name, or "?". */
const char *err_name(enum err code);

#define FAULT_FIELD_MAX 96
#define FAULT_TEXT_MAX 256

/*
 * What is wrong and where, for one request or event: filled by whoever finds it.
 * `field` is a path as `amount.currency` or `from[1]`, empty where there is none.
 * Numbers that do not apply are FAULT_NONE.
 */
#define FAULT_NONE INT64_MIN
struct fault {
	enum err code;
	char field[FAULT_FIELD_MAX];
	char text[FAULT_TEXT_MAX];
	int64_t index;		 /* which event of a batch, from 0 */
	int64_t expected, actual; /* revisions, positions, sizes */
	int64_t max;		 /* the limit that was passed */
	int64_t seq;		 /* the event in the way */
	int64_t retry_after_ms;
};
void fault_init(struct fault *f);
/*
 * Fill in code, field (may be NULL) and a formatted text, leaving the numbers alone; returns the
 * code, so that a check reads `return fault_set(f, ERR_BAD_SLUG, "deal", "…")`. f may be NULL.
 */
enum err fault_set(struct fault *f, enum err code, const char *field, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Put a parent's name before the field: "low" under "amount" becomes "amount.low". f may be NULL. */
void fault_under(struct fault *f, const char *parent);

#endif
