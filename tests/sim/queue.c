/* SPDX-License-Identifier: Apache-2.0 */
/* queue: a binary heap. */
#include "tests/sim/queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "proto/base.h"

static bool is_before(const struct happening *a, const struct happening *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void queue_put(struct queue *q, struct happening h)
{
	if (q->n == q->cap) {
		q->cap = q->cap ? 2 * q->cap : 256;
		q->heap = realloc(q->heap, q->cap * sizeof(*q->heap));
		ensure(q->heap);
	}
	h.order = q->orders++;
	size_t i = q->n++;
	for (; i > 0 && is_before(&h, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = h;
}

struct happening queue_take(struct queue *q)
{
	require(q->n > 0);
	const struct happening first = q->heap[0], last = q->heap[--q->n];
	size_t i = 0;

	for (;;) {
		size_t least = 2 * i + 1;
		if (least >= q->n)
			break;
		if (least + 1 < q->n && is_before(&q->heap[least + 1], &q->heap[least]))
			least++;
		if (!is_before(&q->heap[least], &last))
			break;
		q->heap[i] = q->heap[least];
		i = least;
	}
	q->heap[i] = last;
	return first;
}
