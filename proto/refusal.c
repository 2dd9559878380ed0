/* SPDX-License-Identifier: Apache-2.0 */
/* refusal: faults as `error` messages, and back. */
#include <stdio.h>

#include "proto/field.h"
#include "proto/wire.h"

/*
 * Text of a fault as a message may carry it: a fault's buffer may have been filled with what a
 * stranger sent, and cut in the middle of a character.
 */
static struct str clean(const char *text, const char *instead)
{
	struct str s = str_of(text);

	for (size_t cut = 0; cut < 4 && s.n; cut++, s.n--)
		if (utf8_valid(s))
			break;
	return s.n && !text_check(s, NULL) ? s : str_of(instead);
}

#define SET_NUMBER(out, f, from) \
	do { \
		if ((from) != FAULT_NONE) \
			msg_set(out, error, f, (from)); \
	} while (0)
#define SET_COUNT(out, f, from) \
	do { \
		if ((from) >= 0) \
			msg_set(out, error, f, (uint64_t)(from)); \
	} while (0)

void error_from_fault(const struct fault *fault, struct error *out)
{
	const struct err_info *info = err_info(fault->code);

	require(info);
	*out = (struct error){ 0 };
	msg_set(out, error, code, (uint64_t)info->code);
	msg_set(out, error, name, str_of(info->name));
	msg_set(out, error, class, str_of(info->class_name));
	msg_set(out, error, text, clean(fault->text, info->text));
	if (fault->field[0])
		msg_set(out, error, field, clean(fault->field, "?"));
	SET_COUNT(out, index, fault->index);
	SET_NUMBER(out, expected, fault->expected);
	SET_NUMBER(out, actual, fault->actual);
	SET_NUMBER(out, max, fault->max);
	SET_COUNT(out, seq, fault->seq);
	SET_COUNT(out, retry_after_ms, fault->retry_after_ms);
}

static int64_t count_of(bool there, uint64_t n)
{
	return there && n <= INT64_MAX ? (int64_t)n : FAULT_NONE;
}

void fault_from_error(const struct error *e, struct fault *fault)
{
	/* a newer server may know more numbers */
	const enum err code = e->code <= INT16_MAX ? (enum err)e->code : ERR_INTERNAL;
	const enum err known = err_info(code) ? code : ERR_INTERNAL;

	fault_init(fault);
	fault->code = known;
	(void)snprintf(fault->field, sizeof(fault->field), "%.*s", STR_ARG(e->field));
	(void)snprintf(fault->text, sizeof(fault->text), "%.*s", STR_ARG(e->text));
	fault->index = count_of(msg_has(e, error, index), e->index);
	fault->expected = msg_has(e, error, expected) ? e->expected : FAULT_NONE;
	fault->actual = msg_has(e, error, actual) ? e->actual : FAULT_NONE;
	fault->max = msg_has(e, error, max) ? e->max : FAULT_NONE;
	fault->seq = count_of(msg_has(e, error, seq), e->seq);
	fault->retry_after_ms = count_of(msg_has(e, error, retry_after_ms), e->retry_after_ms);
}
