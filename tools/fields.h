/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: options that stand for fields of an event, and the event that they make.
 *
 * One table says which option is which field; the write verbs pick the sets that their kind takes.
 */
#ifndef AVOW_TOOLS_FIELDS_H
#define AVOW_TOOLS_FIELDS_H

#include "tools/cmd.h"

extern const struct opt fields_any[];	 /* id, stated, on, by, note, tags, ref, … and the source */
extern const struct opt fields_said[];	 /* grade, --title and --quote of the source */
extern const struct opt fields_about[];	 /* deal, from, to */
extern const struct opt fields_money[];	 /* amount, basis */
extern const struct opt fields_adds[], fields_phase[], fields_returned[], fields_condition[],
	fields_total[], fields_remark[], fields_market[], fields_party[], fields_deal[],
	fields_rate[];
extern const struct opt fields_write[];	 /* --dry-run, --expect: how to publish */
extern const struct opt fields_correct[]; /* what correct names otherwise, as two fields share a word */

/*
 * The event of a kind that the given options describe, without defaults. Texts lie in the arena of
 * c. A fault's field is the option's name. ERR_USAGE and errors of json_read.
 */
MUST_USE enum err fields_event(struct cli *c, int kind, struct event *e, struct fault *fault);
/* Give a fault's field the name of the option that the user typed, as `--amount`. */
void fields_fault(const struct cli *c, struct fault *fault);
/* `stated` today, `grade` press on statements, a fresh id: where the event has none. */
MUST_USE enum err fields_defaults(struct cli *c, struct event *e, struct fault *fault);
/* `grade` press on a statement that has none. Returns ERR_OK. */
enum err fields_default_grade(struct event *e);

#endif
