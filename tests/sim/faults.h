/* SPDX-License-Identifier: Apache-2.0 */
/* faults: what goes wrong in a run, when, and how all of it is healed. */
#ifndef AVOW_TESTS_SIM_FAULTS_H
#define AVOW_TESTS_SIM_FAULTS_H

#include <stdint.h>

struct world;

/* Choose what kind of run it is, out of the dice. */
void faults_choose(struct world *w);
/* Plan when each fault falls, and when all is healed. */
void faults_plan(struct world *w);
/* One of them falls now. */
void faults_fall(struct world *w);
/* There is room on the disk of this node again. */
void faults_make_room(struct world *w, unsigned node);
/* A node that was stalled goes on. */
void faults_go_on(struct world *w, unsigned node);
/* From now on nothing goes wrong. */
void faults_heal(struct world *w);

#endif
