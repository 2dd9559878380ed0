/* SPDX-License-Identifier: Apache-2.0 */
/* faults: the events of a publish that are at fault, and the refusal that names them. */
#ifndef AVOW_SERVICES_SHARED_FAULTS_H
#define AVOW_SERVICES_SHARED_FAULTS_H

#include "proto/msg.h"

/* How many of them an `error` names. */
#define ERROR_FAULTS_MAX 100u

/*
 * Note in `list` that event `index` of `count` is at fault; room for all of them is taken from the
 * arena the first time, and texts are copied there. ERR_NO_MEMORY.
 */
MUST_USE enum err faults_add(struct event_fault_list *list, size_t count, size_t index,
			     const struct fault *fault, struct arena *a);
/* Bring them into the order of the events. */
void faults_sort(struct event_fault_list *list);
/*
 * The refusal of a publish of `count` events, at least one of which is at fault: BAD_BATCH with the
 * first ERROR_FAULTS_MAX of them; where the publish is a single event, its own fault. Borrows from
 * the list. Returns the code.
 */
enum err faults_refusal(const struct event_fault_list *list, size_t count, struct error *out);

#endif
