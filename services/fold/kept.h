/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept: what deals came to, kept from one question to the next.
 *
 * Deals that hang together by any link ever made come to the same in every question that sees all their
 * facts, whatever its clocks. So what they came to is kept with the first and the last place of these: a
 * question that ends before the first finds nothing, one that ends behind the last finds the same, and one
 * between them goes through the facts, as every question does under other options than the usual ones,
 * and for deals of which one retells what was said of another. Whoever puts a fact into the home of a deal
 * drops it, with all that it hangs together with; so does whoever adds a link.
 */
#ifndef AVOW_FOLD_KEPT_H
#define AVOW_FOLD_KEPT_H

#include "services/fold/shelf.h"
#include "services/fold/view.h"

/* Of a service: bytes, and how many facts make a deal large. */
#define KEPT_BYTES_MAX ((size_t)64 << 20)
#define KEPT_LARGE_FACTS ((size_t)16 << 10)
#define KEPT_ROOM_BYTES ((size_t)48 << 20) /* for what a question makes of a large deal */

/*
 * Nothing yet; at most so many bytes, and as many on a shelf for deals of at least `large` facts. NULL
 * without memory.
 */
struct kept *kept_new(size_t bytes_max, size_t large);
/* Accepts NULL. */
void kept_free(struct kept *k);
/* The facts of large deals, see shelf.h. */
struct shelf *kept_shelf(const struct kept *k);
/* Where views put what is large. */
struct room *kept_room(struct kept *k);
/* Have at hand what views of a deal with so many facts will need there. */
void kept_foresee_large(struct kept *k, size_t facts);
/*
 * What this deal came to, and those that it hangs together with, is not sure any more, nor are its facts on
 * the shelf. Accepts NULL.
 */
void kept_drop(struct kept *k, uint32_t deal);
/* The same of the one that retells this event, which has come only now. Accepts NULL. */
void kept_arrived(struct kept *k, const struct id *id);
/*
 * Between two questions: where there is no more room, and much of it is lost to what was dropped, forget
 * all, so that what is asked for from now on is kept. Accepts NULL.
 */
void kept_tidy(struct kept *k);

/* Whether a question has the usual options, but for its clocks `as_of` and `at_seq`. */
bool kept_serves(const struct question *q);
/*
 * What the deal comes to within this horizon; NULL: not known. Valid until the next kept_drop or
 * kept_tidy.
 */
const struct kept_deal *kept_find(const struct kept *k, const struct horizon *h, uint32_t deal);
/* Whether anything is kept of a deal. */
bool kept_has(const struct kept *k, uint32_t deal);
/* Begins to bring what is kept of a deal into the processor's cache; false: nothing is. */
bool kept_foresee(const struct kept *k, uint32_t deal);
/* Keep what this deal comes to, where it is one that can be, in `facts->kept`. ERR_NO_MEMORY, ERR_DAMAGED, ERR_IO */
MUST_USE enum err kept_put(struct view *v, struct deal *d);

/* Its slug; false: it is not kept. */
bool kept_slug(const struct kept *k, uint32_t deal, struct str *out);
/* Its payers, ascending, in number `n`. */
const uint32_t *kept_payers(const struct kept_deal *d, size_t *n);
/* Its payees, ascending. */
const uint32_t *kept_payees(const struct kept_deal *d, size_t *n);
/* What is inside it, ascending. */
const uint32_t *kept_parts(const struct kept_deal *d, size_t *n);
/* What contains it, and what replaced it; 0: nothing. */
uint32_t kept_whole(const struct kept_deal *d);
uint32_t kept_successor(const struct kept_deal *d);
enum stage kept_stage(const struct kept_deal *d);
/* What the payer at this place pays; in all; what is unattributed. In the arena of the counting. */
MUST_USE enum err kept_value(struct counting *c, const struct kept_deal *d, size_t place,
			     enum rung rung, struct sums *out);
MUST_USE enum err kept_total(struct counting *c, const struct kept_deal *d, enum rung rung,
			     struct sums *out);
MUST_USE enum err kept_unattributed(struct counting *c, const struct kept_deal *d, enum rung rung,
				    struct sums *out);

#endif
