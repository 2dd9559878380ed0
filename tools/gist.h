/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gist: an event as one row: in a few words for people, in columns of its own for programs.
 */
#ifndef AVOW_TOOLS_GIST_H
#define AVOW_TOOLS_GIST_H

#include "tools/out.h"

/* For people: who says what of whom. The cells are put by gist_words_put. */
#define GIST_WORDS_COLUMNS \
	{ "seq", out_is_number, false }, { "stated", out_is_text, false }, \
	{ "kind", out_is_text, false }, { "from", out_is_text, true }, \
	{ "to", out_is_text, true }, { "what", out_is_text, false }, \
	{ "grade", out_is_text, false }, { "source", out_is_text, true }
void gist_words_put(struct out *o, uint64_t seq, const struct event *e);
/* The same for the page of a deal, whose head names the payees. */
#define GIST_PAYER_COLUMNS \
	{ "seq", out_is_number, false }, { "stated", out_is_text, false }, \
	{ "kind", out_is_text, false }, { "payer", out_is_text, true }, \
	{ "what", out_is_text, false }, { "grade", out_is_text, false }, \
	{ "source", out_is_text, true }
void gist_payer_put(struct out *o, uint64_t seq, const struct event *e);

/* For programs. The cells are put by gist_fields_put; recorded_us 0: not known. */
#define GIST_FIELDS_COLUMNS \
	{ "seq", out_is_number, false }, { "recorded", out_is_text, false }, \
	{ "id", out_is_text, false }, { "stated", out_is_text, false }, \
	{ "on", out_is_text, false }, { "kind", out_is_text, false }, \
	{ "deal", out_is_text, false }, { "from", out_is_text, false }, \
	{ "to", out_is_text, false }, { "amount", out_is_amount, false }, \
	{ "undisclosed", out_is_bool, false }, { "adds", out_is_bool, false }, \
	{ "grade", out_is_text, false }, { "publisher", out_is_text, false }, \
	{ "title", out_is_text, false }, { "url", out_is_text, false }, \
	{ "ref", out_is_text, false }, { "what", out_is_text, false }
void gist_fields_put(struct out *o, uint64_t seq, int64_t recorded_us, const struct event *e);

/* The event's kind, `?` where this version does not know it. */
const char *gist_kind(const struct event *e);
/* What it says, appended: `15–25bn USD`, `undisclosed`, `met: recapitalization`, `XTKS:9984 +5%`. */
MUST_USE enum err gist_what(const struct event *e, struct buf *out);
/* Where it was stated: publisher, and title or address, appended. */
MUST_USE enum err gist_source(const struct event *e, struct buf *out);
/* A list of slugs, joined by commas, appended. */
MUST_USE enum err gist_list(struct str_list list, struct buf *out);
/* A money statement of a kind that sets or adds, without an amount. */
bool gist_undisclosed(const struct event *e);

#endif
