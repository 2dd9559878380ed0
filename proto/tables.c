/* SPDX-License-Identifier: Apache-2.0 */
/* tables: messages.def and enums.def as constant descriptions, and look-ups in them. */
#include "proto/msg.h"

/* ---- enums ---- */

#define ENUM(e, doc) static const char *const words_##e[] = {
#define VALUE(e, v, doc) #v,
#define END_ENUM(e) };
#include "proto/enums.def"
#undef ENUM
#undef VALUE

#define ENUM(e, doc) static const char *const docs_##e[] = {
#define VALUE(e, v, doc) doc,
#include "proto/enums.def"
#undef ENUM
#undef VALUE
#undef END_ENUM

#define VALUE(e, v, doc)
#define END_ENUM(e)
#define ENUM(e, doc)                                                                               \
	const struct enum_info enum_##e = { #e, doc, ARRAY_LEN(words_##e), words_##e, docs_##e };
#include "proto/enums.def"
#undef ENUM

#define ENUM(e, doc) &enum_##e,
static const struct enum_info *const enums[] = {
#include "proto/enums.def"
};
#undef ENUM
#undef VALUE
#undef END_ENUM

/* ---- shapes ---- */

#define REQUIRED true
#define OPTIONAL false
#define ROW(r, f, T, list, need, limit, sub, words, doc)                                           \
	{ #f, doc, sizeof(#f) - 1, F_##T, list, need, limit, offsetof(struct r, f), sub, words,     \
	  { (char)(0xa0 | (sizeof(#f) - 1)), #f } },
#define RECORD(r, doc) static const struct field fields_##r[] = {
#define MESSAGE(r, doc) RECORD(r, doc)
#define REQUEST(r, answer, doc) RECORD(r, doc)
#define FIELD(r, f, T, need, limit, doc) ROW(r, f, T, false, need, limit, NULL, NULL, doc)
#define FIELD_ENUM(r, f, e, need, doc) ROW(r, f, ENUM, false, need, 0, NULL, &enum_##e, doc)
#define FIELD_SUB(r, f, r2, need, doc) ROW(r, f, SUB, false, need, 0, &shape_##r2, NULL, doc)
#define LIST(r, f, T, need, limit, doc) ROW(r, f, T, true, need, limit, NULL, NULL, doc)
#define LIST_ENUM(r, f, e, need, limit, doc)                                                       \
	ROW(r, f, ENUM, true, need, limit, NULL, &enum_##e, doc)
#define LIST_SUB(r, f, r2, need, limit, doc)                                                       \
	ROW(r, f, SUB, true, need, limit, &shape_##r2, NULL, doc)
#define PAIRS(r, f, r2, need, limit, doc)                                                          \
	ROW(r, f, PAIRS, true, need, limit, &shape_##r2, NULL, doc)
/* a message may have no fields, an array may not be empty */
#define END(r) { .name = NULL } };
#include "proto/messages.def"
#include "proto/undef.h"

#define FIELD(...)
#define FIELD_ENUM(...)
#define FIELD_SUB(...)
#define LIST(...)
#define LIST_ENUM(...)
#define LIST_SUB(...)
#define PAIRS(...)
/* `has` has 64 bits, and a map so many keys, four of them in the header of a message */
#define END(r) _Static_assert(r##_FIELDS <= MAP_KEYS_MAX - 4, "too many fields in " #r);
#define SHAPE(r, message, type, answer, doc)                                                       \
	const struct shape shape_##r = { #r, doc, sizeof(#r) - 1, message, answer, type,           \
					 sizeof(struct r), fields_##r,                     \
					 ARRAY_LEN(fields_##r) - 1 };
#define RECORD(r, doc) SHAPE(r, false, MSG_NONE, NULL, doc)
#define MESSAGE(r, doc) SHAPE(r, true, MSG_##r, NULL, doc)
#define REQUEST(r, answer, doc) SHAPE(r, true, MSG_##r, #answer, doc)
#include "proto/messages.def"
#undef RECORD
#undef MESSAGE
#undef REQUEST
#undef END

#define END(r)
#define RECORD(r, doc) &shape_##r,
#define MESSAGE(r, doc) &shape_##r,
#define REQUEST(r, answer, doc) &shape_##r,
static const struct shape *const shapes[] = {
#include "proto/messages.def"
};
#undef RECORD
#undef MESSAGE
#undef REQUEST

#define RECORD(r, doc)
#define MESSAGE(r, doc) [MSG_##r] = &shape_##r,
#define REQUEST(r, answer, doc) [MSG_##r] = &shape_##r,
static const struct shape *const by_type[MSG_COUNT] = {
#include "proto/messages.def"
};
#include "proto/undef.h"

/* ---- look-ups ---- */

const struct shape *shape_at(size_t i)
{
	return i < ARRAY_LEN(shapes) ? shapes[i] : NULL;
}

const struct enum_info *enum_at(size_t i)
{
	return i < ARRAY_LEN(enums) ? enums[i] : NULL;
}

const struct shape *shape_of(enum msg_type type)
{
	return (unsigned)type < MSG_COUNT ? by_type[type] : NULL;
}

const char *enum_word(const struct enum_info *e, int value)
{
	return value > 0 && (size_t)value <= e->count ? e->words[value - 1] : NULL;
}

int enum_value(const struct enum_info *e, struct str word)
{
	for (size_t i = 0; i < e->count; i++)
		if (word.n && *e->words[i] == *word.p && str_eq(str_of(e->words[i]), word))
			return (int)i + 1;
	return 0;
}
