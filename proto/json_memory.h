/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_memory: yajl's memory, out of an arena.
 *
 * yajl uses what it asks for without a look whether it got it. So where the arena is full, control
 * goes back to where setjmp(m->full) stood; nothing is lost, as everything is the arena's.
 */
#ifndef AVOW_PROTO_JSON_MEMORY_H
#define AVOW_PROTO_JSON_MEMORY_H

#include <setjmp.h>
#include <yajl/yajl_common.h>

#include "proto/base.h"

struct json_memory {
	struct arena *arena;
	jmp_buf full;
};
/* Memory from the arena; does not return where it is full. */
MUST_USE void *json_memory_take(struct json_memory *m, size_t n);
/* For yajl_alloc and yajl_gen_alloc; m must live as long as what they make. */
yajl_alloc_funcs json_memory_funcs(struct json_memory *m);

#endif
