/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: rows beside the events. Each table is one enumerator below, with the layout of its keys;
 * numbers in keys are most significant byte first, so that they sort.
 */
#include "services/query/index.h"

enum table {
	table_declaration, /* deal, 0, seq: nothing; one row for each declaration of a deal */
};

#define SEQ_SIZE 8u
#define DEAL_KEY_MAX (SLUG_MAX + 1 + SEQ_SIZE)

static void put_seq(char *p, uint64_t seq)
{
	for (size_t i = 0; i < SEQ_SIZE; i++)
		p[i] = (char)(seq >> (8 * (SEQ_SIZE - 1 - i)));
}

static uint64_t get_seq(const char *p)
{
	uint64_t seq = 0;

	for (size_t i = 0; i < SEQ_SIZE; i++)
		seq = seq << 8 | (unsigned char)p[i];
	return seq;
}

static struct str deal_key(char *space, struct str deal, uint64_t seq)
{
	require(deal.n <= SLUG_MAX);
	memcpy(space, deal.p, deal.n);
	space[deal.n] = 0;
	put_seq(space + deal.n + 1, seq);
	return (struct str){ space, deal.n + 1 + SEQ_SIZE };
}

enum err index_event(struct replica *r, const struct record *rec, const struct event *e,
		     struct arena *a)
{
	char space[DEAL_KEY_MAX];

	(void)a;
	if (e->kind != kind_deal || !msg_has(e, event, deal))
		return ERR_OK;
	return replica_index(r, table_declaration, deal_key(space, e->deal, rec->seq), STR(""));
}

enum err index_declaration(struct replica *r, struct str deal, uint64_t at_seq, uint64_t *seq)
{
	char space[DEAL_KEY_MAX];
	struct cursor c;

	const struct str key = deal_key(space, deal, at_seq);
	enum err e = cursor_open(r, table_declaration, key, true, &c);
	if (e)
		return e;
	e = cursor_next(&c);
	if (!e && (c.key.n != key.n || memcmp(c.key.p, key.p, deal.n + 1) != 0))
		e = ERR_NOT_FOUND;
	if (!e)
		*seq = get_seq(c.key.p + deal.n + 1);
	cursor_close(&c);
	return e;
}
