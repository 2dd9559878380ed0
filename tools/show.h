/* SPDX-License-Identifier: Apache-2.0 */
/* show: the pages of `avow show`, one a file. */
#ifndef AVOW_TOOLS_SHOW_H
#define AVOW_TOOLS_SHOW_H

#include "tools/question.h"

/*
 * Ask for a deal's figures under the clocks and rules that c was given, and print them with their
 * sources. ERR_NOT_FOUND, ERR_NO_RATE; errors of the options and of client_ask.
 */
MUST_USE enum err show_deal(struct cli *c, struct client *client, struct str deal,
			    const struct rules *rules, struct fault *fault);
/*
 * The same for a party: what it is, what it pays and is paid on each rung, and the deals that come
 * to that.
 */
MUST_USE enum err show_party(struct cli *c, struct client *client, struct str party,
			     const struct rules *rules, struct fault *fault);
/* Ask for one event and print all its fields, its receipt and its versions. ERR_NOT_FOUND, … */
MUST_USE enum err show_event(struct cli *c, struct client *client, const struct get *get,
			     struct fault *fault);

#endif
