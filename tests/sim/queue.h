/* SPDX-License-Identifier: Apache-2.0 */
/* queue: what is going to happen, in order of time; what is due at the same time in order of asking. */
#ifndef AVOW_TESTS_SIM_QUEUE_H
#define AVOW_TESTS_SIM_QUEUE_H

#include <stddef.h>
#include <stdint.h>

enum what {
	what_arrives,	   /* a message */
	what_node_boots,
	what_node_turns,
	what_node_goes_on, /* after a stall */
	what_disk_has_room,
	what_link_breaks,  /* one end hears that the other is gone */
	what_link_connects,
	what_client_wakes,
	what_fault_falls,
	what_all_heals
};
struct message;
struct happening {
	int64_t at_us;
	uint64_t order;
	enum what what;
	unsigned who;	     /* node, link or client */
	uint64_t generation; /* it counts only where this is still that of who */
	struct message *message;
};
struct queue {
	struct happening *heap;
	size_t n, cap;
	uint64_t orders;
};
void queue_put(struct queue *q, struct happening h);
/* The next; the queue must not be empty. */
struct happening queue_take(struct queue *q);

#endif
