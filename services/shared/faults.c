/* SPDX-License-Identifier: Apache-2.0 */
/* faults: one place where a fault found in an event becomes a row of an answer. */
#include "services/shared/faults.h"

#include <stdlib.h>

enum err faults_add(struct event_fault_list *list, size_t count, size_t index,
		    const struct fault *fault, struct arena *a)
{
	const struct err_info *info = err_info(fault->code);

	ensure(info && list->n < count);
	if (!list->v) {
		list->v = arena_alloc(a, count * sizeof(*list->v));
		if (!list->v)
			return ERR_NO_MEMORY;
	}
	struct event_fault *f = &list->v[list->n];
	*f = (struct event_fault){ 0 };
	msg_set(f, event_fault, index, index);
	msg_set(f, event_fault, code, (uint64_t)fault->code);
	msg_set(f, event_fault, name, str_of(info->name));
	msg_set(f, event_fault, text,
		fault->text[0] ? arena_str(a, str_of(fault->text)) : str_of(info->text));
	if (fault->field[0])
		msg_set(f, event_fault, field, arena_str(a, str_of(fault->field)));
	if (fault->seq != FAULT_NONE)
		msg_set(f, event_fault, seq, (uint64_t)fault->seq);
	if (!f->text.p || (fault->field[0] && !f->field.p))
		return ERR_NO_MEMORY;
	list->n++;
	return ERR_OK;
}

static int fault_cmp(const void *a, const void *b)
{
	const struct event_fault *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

void faults_sort(struct event_fault_list *list)
{
	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), fault_cmp);
}

enum err faults_refusal(const struct event_fault_list *list, size_t count, struct error *out)
{
	const struct event_fault *first = &list->v[0];
	const enum err code = count > 1 ? ERR_BAD_BATCH : (enum err)first->code;
	const struct err_info *info = err_info(code);

	require(list->n > 0 && info);
	*out = (struct error){ 0 };
	msg_set(out, error, code, (uint64_t)code);
	msg_set(out, error, name, str_of(info->name));
	msg_set(out, error, class, str_of(info->class_name));
	if (count > 1) {
		msg_set(out, error, text, str_of(info->text));
		out->faults = *list;
		if (out->faults.n > ERROR_FAULTS_MAX)
			out->faults.n = ERROR_FAULTS_MAX;
		msg_mark(out, error, faults);
		return code;
	}
	msg_set(out, error, text, first->text);
	msg_set(out, error, index, 0);
	if (msg_has(first, event_fault, field))
		msg_set(out, error, field, first->field);
	if (msg_has(first, event_fault, seq))
		msg_set(out, error, seq, first->seq);
	return code;
}
