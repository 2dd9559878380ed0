/* SPDX-License-Identifier: Apache-2.0 */
/* flow_graph: who pays whom as a graph for other programs: Graphviz's DOT, or GraphML. */
#ifndef AVOW_TOOLS_FLOW_GRAPH_H
#define AVOW_TOOLS_FLOW_GRAPH_H

#include "proto/msg.h"

/* One payment in a graph; texts lie in the arena of whoever asked. */
struct edge {
	struct str from;	      /* empty: unattributed */
	struct str to;
	struct str words[rung_COUNT]; /* what it comes to, by rung; empty: nothing */
	bool cycle;		      /* it is in a round trip */
};
struct edge_list {
	struct edge *v;
	size_t n, cap;
};
/*
 * The whole graph as text, appended. What is unattributed comes from a node of its own for each payee,
 * since it is nobody's. `basis` is JSON of what makes the answer repeatable. Names are escaped.
 */
MUST_USE enum err flow_graph_dot(const struct edge_list *edges, struct str basis, struct buf *out);
MUST_USE enum err flow_graph_graphml(const struct edge_list *edges, struct str basis,
				     struct buf *out);

#endif
