/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelf: the facts of deals of which very much is said, kept from one question to the next.
 *
 * To read so many out of an index, fact by fact, into memory that is new each time, is most of what a
 * question about such a deal costs; here they lie as the fold reads them, so that a question as of any day
 * finds its end among them and has the others at hand. Beside them lies what is the same in every question:
 * which of them are not alone (struct marks), and how many events are the deal's own.
 *
 * What lies here was verified when it was read. A row of the index that is damaged afterwards is told by
 * whoever reads it next; an answer out of the shelf does not read it and is right all the same. Whoever
 * puts a fact into the home of a deal drops it (kept_drop), and so does the arrival of an event that one of
 * its facts retells.
 */
#ifndef AVOW_FOLD_SHELF_H
#define AVOW_FOLD_SHELF_H

#include "services/fold/visible.h"

struct shelf;
/*
 * Nothing yet; at most so many bytes, which are taken as they are needed. Deals of fewer than `least`
 * facts are not worth it. NULL without memory.
 */
struct shelf *shelf_new(size_t bytes_max, size_t least);
/* Accepts NULL. */
void shelf_free(struct shelf *s);
size_t shelf_least(const struct shelf *s);

/* This deal has other facts from now on. */
void shelf_drop(struct shelf *s, uint32_t deal);
/* The same of those that retell this event, which has come only now. */
void shelf_arrived(struct shelf *s, const struct id *id);
/*
 * Between two questions: where one found no room, forget all, so that what is asked for from now on has
 * some.
 */
void shelf_tidy(struct shelf *s);

/*
 * The facts of a deal within the horizon, as facts.home gives them; those borrow until the next shelf_drop,
 * shelf_arrived or shelf_tidy. *found: false where they are not here. ERR_NO_MEMORY
 */
MUST_USE enum err shelf_find(const struct shelf *s, uint32_t deal, const struct horizon *h,
			     struct arena *a, struct fact_list *out, bool *found);
/* How many events up to at_seq name this deal in `deal`; false: it is not here. */
bool shelf_revision(const struct shelf *s, uint32_t deal, uint64_t at_seq, uint64_t *out);

/* Whether it has been here, as far as that is remembered. */
bool shelf_knew(const struct shelf *s, uint32_t deal);
/*
 * Put a deal there: begin, add each of its facts in order, whenever stated, then end, with an arena for the
 * time of the call. False: there is no room, and the deal is not put there. What is begun and not ended
 * leaves nothing behind.
 */
bool shelf_begin(struct shelf *s, uint32_t deal, size_t facts);
bool shelf_add(struct shelf *s, const struct fact *f);
/* ERR_NO_MEMORY, ERR_TOO_LARGE */
MUST_USE enum err shelf_end(struct shelf *s, struct arena *a);

#endif
