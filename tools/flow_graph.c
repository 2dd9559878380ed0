/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_graph: nodes are parties, edges payments. An edge's label is its most certain rung; edges of
 * round trips are red in DOT, and have `cycle` true in GraphML.
 */
#include "tools/flow_graph.h"

#include <stdlib.h>

#define UNATTRIBUTED "(unattributed)"

/* ---- DOT: a text in quotes; only quotes and backslashes mean something there ---- */

static enum err dot_quote(struct str s, struct buf *out)
{
	enum err e = buf_put(out, "\"", 1);

	for (size_t i = 0; !e && i < s.n; i++) {
		const char c = s.p[i];
		if (c == '"' || c == '\\')
			e = buf_put(out, "\\", 1);
		if (!e)
			e = buf_put(out, (unsigned char)c < 0x20 ? " " : &s.p[i], 1);
	}
	return e ? e : buf_put(out, "\"", 1);
}

/* The node that an edge begins at. */
static enum err dot_from(const struct edge *edge, struct buf *out)
{
	if (edge->from.n)
		return dot_quote(edge->from, out);
	/* no party is called so: a slug has no blank */
	enum err e = buf_printf(out, "\"" UNATTRIBUTED " ");
	if (!e)
		e = buf_put(out, edge->to.p, edge->to.n);
	return e ? e : buf_put(out, "\"", 1);
}

static int surest(const struct edge *edge)
{
	int rung = rung_paid;

	while (rung > rung_talked && !edge->words[rung].n)
		rung--;
	return rung;
}

static enum err dot_edge(const struct edge *edge, struct buf *out)
{
	const int rung = surest(edge);
	struct buf label;
	enum err e = ERR_OK;

	if (!edge->from.n) {
		e = buf_printf(out, "\t");
		if (!e)
			e = dot_from(edge, out);
		if (!e)
			e = buf_printf(out, " [label=\"" UNATTRIBUTED "\", style=dashed];\n");
	}
	if (!e)
		e = buf_printf(out, "\t");
	if (!e)
		e = dot_from(edge, out);
	if (!e)
		e = buf_printf(out, " -> ");
	if (!e)
		e = dot_quote(edge->to, out);
	if (!e)
		e = buf_printf(out, " [label=");
	buf_init(&label, 1 << 16);
	if (!e)
		e = buf_printf(&label, "%s %.*s", enum_word(&enum_rung, rung),
			       STR_ARG(edge->words[rung]));
	if (!e)
		e = dot_quote(buf_str(&label), out);
	buf_fini(&label);
	if (!e)
		e = buf_printf(out, "%s%s];\n", edge->cycle ? ", color=red, penwidth=2" : "",
			       edge->from.n ? "" : ", style=dashed");
	return e;
}

enum err flow_graph_dot(const struct edge_list *edges, struct str basis, struct buf *out)
{
	enum err e = buf_printf(out, "// ");

	if (!e)
		e = buf_put(out, basis.p, basis.n);
	if (!e)
		e = buf_printf(out, "\ndigraph avow {\n");
	for (size_t i = 0; !e && i < edges->n; i++)
		e = dot_edge(&edges->v[i], out);
	return e ? e : buf_printf(out, "}\n");
}

/* ---- GraphML ---- */

/* Text between tags or in quotes; control characters, which XML cannot hold, become blanks. */
static enum err xml_text(struct str s, struct buf *out)
{
	enum err e = ERR_OK;

	for (size_t i = 0; !e && i < s.n; i++) {
		switch (s.p[i]) {
		case '&': e = buf_printf(out, "&amp;"); break;
		case '<': e = buf_printf(out, "&lt;"); break;
		case '>': e = buf_printf(out, "&gt;"); break;
		case '"': e = buf_printf(out, "&quot;"); break;
		default:
			e = buf_put(out, (unsigned char)s.p[i] < 0x20 ? " " : &s.p[i], 1);
		}
	}
	return e;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static enum err graphml_node(struct str id, bool unattributed, struct buf *out)
{
	enum err e = buf_printf(out, "    <node id=\"%s", unattributed ? UNATTRIBUTED " " : "");

	if (!e)
		e = xml_text(id, out);
	if (!e)
		e = buf_printf(out, "\"><data key=\"label\">");
	if (!e)
		e = xml_text(unattributed ? STR(UNATTRIBUTED) : id, out);
	return e ? e : buf_printf(out, "</data></node>\n");
}

/* Each party once, then a node for what is unattributed of each payee. */
static enum err graphml_nodes(const struct edge_list *edges, struct buf *out)
{
	struct str *ids = calloc(2 * edges->n + 1, sizeof(*ids));
	size_t n = 0;
	enum err e = ids ? ERR_OK : ERR_NO_MEMORY;

	for (size_t i = 0; !e && i < edges->n; i++) {
		ids[n++] = edges->v[i].to;
		if (edges->v[i].from.n)
			ids[n++] = edges->v[i].from;
	}
	if (n > 1)
		qsort(ids, n, sizeof(*ids), by_text);
	for (size_t i = 0; !e && i < n; i++)
		if (i == 0 || !str_eq(ids[i], ids[i - 1]))
			e = graphml_node(ids[i], false, out);
	for (size_t i = 0; !e && i < edges->n; i++)
		if (!edges->v[i].from.n)
			e = graphml_node(edges->v[i].to, true, out);
	free(ids);
	return e;
}

static enum err graphml_edge(const struct edge *edge, struct buf *out)
{
	enum err e = buf_printf(out, "    <edge source=\"%s", edge->from.n ? "" : UNATTRIBUTED " ");

	if (!e)
		e = xml_text(edge->from.n ? edge->from : edge->to, out);
	if (!e)
		e = buf_printf(out, "\" target=\"");
	if (!e)
		e = xml_text(edge->to, out);
	if (!e)
		e = buf_printf(out, "\">");
	for (int rung = rung_talked; !e && rung < rung_COUNT; rung++) {
		if (!edge->words[rung].n)
			continue;
		e = buf_printf(out, "<data key=\"%s\">", enum_word(&enum_rung, rung));
		if (!e)
			e = xml_text(edge->words[rung], out);
		if (!e)
			e = buf_printf(out, "</data>");
	}
	return e ? e : buf_printf(out, "<data key=\"cycle\">%s</data></edge>\n",
				  edge->cycle ? "true" : "false");
}

enum err flow_graph_graphml(const struct edge_list *edges, struct str basis, struct buf *out)
{
	enum err e = buf_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
		"  <key id=\"label\" for=\"node\" attr.name=\"label\" attr.type=\"string\"/>\n");

	for (int rung = rung_talked; !e && rung < rung_COUNT; rung++)
		e = buf_printf(out, "  <key id=\"%s\" for=\"edge\" attr.name=\"%s\" attr.type=\"string\"/>\n",
			       enum_word(&enum_rung, rung), enum_word(&enum_rung, rung));
	if (!e)
		e = buf_printf(out, "  <key id=\"cycle\" for=\"edge\" attr.name=\"cycle\" "
			       "attr.type=\"boolean\"/>\n"
			       "  <graph id=\"avow\" edgedefault=\"directed\">\n    <desc>");
	if (!e)
		e = xml_text(basis, out);
	if (!e)
		e = buf_printf(out, "</desc>\n");
	if (!e)
		e = graphml_nodes(edges, out);
	for (size_t i = 0; !e && i < edges->n; i++)
		e = graphml_edge(&edges->v[i], out);
	return e ? e : buf_printf(out, "  </graph>\n</graphml>\n");
}
