/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: the tables of the index and how their keys look. Numbers in keys are most significant byte
 * first, so that they sort; numbers in values are least significant byte first.
 */
#ifndef AVOW_SERVICES_QUERY_ROWS_H
#define AVOW_SERVICES_QUERY_ROWS_H

#include "services/fold/facts.h"
#include "store/replica.h"

enum table {
	table_declaration, /* deal, 0, seq: nothing; one row for each declaration of a deal */
	table_slug,	   /* dictionary (1), slug: number (4), seq of the first event that names it (8) */
	table_name,	   /* dictionary (1), number (4): slug */
	table_fact,	   /* home (1), number (4), perhaps stated (8), seq (8): facts, see blocks.h */
	table_related,	   /* relation (1), number (4), other number (4): nothing */
	table_chain,	   /* seq of the chain's first event (8), seq (8): stated (8), the fact */
	table_tree,	   /* seq of an event with a `ref` (8): that of its chain's first event (8) */
	table_alias,	   /* dictionary (1), number (4), seq (8): names of a declaration, folded, each
			      with a line end */
	table_some	   /* relation (1), number / SOME_NUMBERS (4): a bit for each of so many numbers,
			      set where table_related has any row of it; of parts and successors */
};

/* Beyond these a chain of corrections is no longer followed; see index.c. */
#define CHAIN_HOMES_MAX 256u
#define CHAIN_ROWS_MAX 16384u

/* Numbers whose bits share a row of table_some. */
#define SOME_BYTES 512u
#define SOME_NUMBERS (8 * SOME_BYTES)

#define ROW_KEY_MAX 96u
struct row_key {
	char p[ROW_KEY_MAX];
	size_t n;
};
/* Borrows from the key. */
static inline struct str row_str(const struct row_key *k)
{
	return (struct str){ k->p, k->n };
}
/* Keys of the tables above; a slug is at most SLUG_MAX bytes. */
struct row_key key_slug(enum dictionary dict, struct str slug);
struct row_key key_name(enum dictionary dict, uint32_t number);
struct row_key key_fact(enum home home, uint32_t number, int64_t stated, uint64_t seq);
/* The keys of all facts of a home begin with this. */
struct row_key key_home(enum home home, uint32_t number);
/* Whether a key of this table is of a fact of this home. */
bool key_is_of(struct str key, enum home home, uint32_t number);
/* The keys of the other tables. */
struct row_key key_related(enum relation relation, uint32_t number, uint32_t other);
struct row_key key_some(enum relation relation, uint32_t number);
struct row_key key_chain(uint64_t tree, uint64_t seq);
struct row_key key_alias(enum dictionary dict, uint32_t number, uint64_t seq);
struct row_key key_seq(uint64_t seq);
/* The seq, or the number, that a key ends with. */
uint64_t key_last_seq(struct str key);
uint32_t key_last_number(struct str key);

/* The deal that a fact of this home has where its bytes name none. */
static inline uint32_t home_deal(enum home home, uint32_t number)
{
	return home == HOME_DEAL || home == HOME_STRUCTURE ? number : 0;
}

/* A place where a fact lies. */
struct place {
	enum home home;
	uint32_t number;
};
/* Where a fact belongs by itself, without its chain; at most 66. */
#define PLACES_MAX 66u
size_t places_of(const struct fact *f, struct place out[PLACES_MAX]);

/* The rows of a table whose keys begin with some bytes, one after the other. */
struct range {
	struct cursor c;
	struct row_key prefix;
};
MUST_USE enum err range_open(struct replica *r, enum table table, const struct row_key *prefix,
			     struct range *out);
/* Key and value stand in range.c. ERR_NOT_FOUND behind the last. */
MUST_USE enum err range_next(struct range *x);
void range_close(struct range *x);

/* The chain that an event is in, by the seq of its first event; the event's own without a `ref`. */
MUST_USE enum err chain_of(struct replica *r, uint64_t seq, uint64_t *tree);
/*
 * The events of a chain, in order of seq, copied into the arena; none where the event stands alone.
 * Only those within the horizon.
 */
MUST_USE enum err chain_read(struct replica *r, uint64_t tree, const struct horizon *h,
			     struct arena *a, struct fact_list *out);

#endif
