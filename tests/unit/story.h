/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story: events out of an array, through the fold's own interface to its facts, and questions about
 * them; for tests of the fold that need neither a replica nor a service.
 *
 * Events and questions are JSON with single quotes; '#3' stands for the id of the third event. An
 * event's id, and where it has none its grade, source and stated, are filled in.
 */
#ifndef AVOW_TESTS_STORY_H
#define AVOW_TESTS_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "services/fold/fold.h"

#define STORY_EVENTS_MAX 600u
#define STORY_NAMES_MAX 600u

struct story {
	struct arena kept;   /* events and facts */
	struct arena answer; /* of the last question */
	struct fact facts[STORY_EVENTS_MAX]; /* by seq, from 1 on */
	uint64_t root[STORY_EVENTS_MAX];     /* what all events of a chain lead to by `ref` */
	struct entry entries[STORY_EVENTS_MAX];
	struct str names[2][STORY_NAMES_MAX]; /* by dictionary and number */
	uint32_t named[2];
	uint64_t named_by[2][STORY_NAMES_MAX]; /* the first event that does */
	struct facts source;
	/* called with `around` right before and right after the fold is asked; NULL: nothing is */
	void (*before)(void *around), (*after)(void *around);
	void *around;
};

/* For cmocka: *state is a story in which nothing was told yet. */
int story_setup(void **state);
int story_teardown(void **state);
/* The next event; its seq. A text that is no event fails the test. */
uint64_t tell(struct story *s, const char *event);
/* The answer of a message as JSON with single quotes, or the name of its error; until the next question. */
const char *ask(struct story *s, const char *message, const char *question);
/*
 * A sum of a deal_figure as text, as "10 JPY, >5 USD + 1 undisclosed" or "nothing": the total of a
 * rung (who is NULL), what is unattributed ("-"), or what a payer's part comes to.
 */
const char *figure(struct story *s, const char *question, enum rung rung, const char *who);

#endif
