/* SPDX-License-Identifier: Apache-2.0 */
/* filter: the options that select events, for commands that read the feed. */
#ifndef AVOW_TOOLS_FILTER_H
#define AVOW_TOOLS_FILTER_H

#include "tools/cmd.h"

extern const struct opt filter_options[];
/*
 * The filter that the given options describe; `any` tells whether there is one. Its texts lie in the
 * arena of c or borrow from its arguments. --min takes multipliers, and a currency, as `1bn USD`.
 * ERR_BAD_SLUG, ERR_BAD_AMOUNT, ERR_BAD_CURRENCY, ERR_USAGE for words that are none.
 */
MUST_USE enum err filter_given(struct cli *c, struct filter *filter, bool *any,
			       struct fault *fault);
/*
 * The value of an enum's word that an option was given, 0 where it was not given. ERR_USAGE names
 * the nearest word, or all of them.
 */
MUST_USE enum err word_given(const struct cli *c, const char *name, const struct enum_info *words,
			     int *value, struct fault *fault);
/* The same for a list of words; in the arena. */
MUST_USE enum err words_given(struct cli *c, const char *name, const struct enum_info *words,
			      struct enum_list *out, struct fault *fault);
/* The value of an option that is a slug, empty where it was not given. ERR_BAD_SLUG. */
MUST_USE enum err slug_given(const struct cli *c, const char *name, struct str *out,
			     struct fault *fault);

#endif
