/* SPDX-License-Identifier: Apache-2.0 */
/* Forgets the row macros of messages.def, so that the next reader of the table can define its own. */
#undef RECORD
#undef REQUEST
#undef MESSAGE
#undef FIELD
#undef FIELD_ENUM
#undef FIELD_SUB
#undef LIST
#undef LIST_ENUM
#undef LIST_SUB
#undef PAIRS
#undef END
