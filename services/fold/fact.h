/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fact: what of an event counts for figures, read once, small and flat.
 *
 * Slugs are numbers of two dictionaries, deals and parties; number 0 is none. What an event takes
 * from the event that it corrects (an absent `stated` or `on`) is filled in, and so is the first
 * version of its statement, so that a fact can be judged without looking anything else up.
 */
#ifndef AVOW_FOLD_FACT_H
#define AVOW_FOLD_FACT_H

#include "proto/msg.h"

/* Return early with an error; the reader sees the happy path. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		const enum err try_e = (call);                                                     \
		if (try_e)                                                                         \
			return try_e;                                                              \
	} while (0)

enum fact_flag {
	FACT_ADDS = 1 << 0,
	FACT_RETURNED = 1 << 1,
	FACT_AMOUNT = 1 << 2, /* has an amount; else undisclosed */
	FACT_LOW_OPEN = 1 << 3,
	FACT_HIGH_OPEN = 1 << 4,
	FACT_LOW_EXCL = 1 << 5,
	FACT_HIGH_EXCL = 1 << 6,
	FACT_APPROX = 1 << 7,
	FACT_WINDOW = 1 << 8, /* `on` is written with a slash */
	/* which parts its bytes hold; set by fact_write */
	FACT_HAS_ON = 1 << 9,
	FACT_HAS_DEAL = 1 << 10,
	FACT_HAS_PAYER = 1 << 11,
	FACT_HAS_HIGH = 1 << 12,
	FACT_HAS_CHAIN = 1 << 13,
	FACT_HAS_DERIVED = 1 << 14,
	FACT_HAS_DETAIL = 1 << 15,
	FACT_STORED = 0xfe00
};

/* What stands in `more`, each as: tag, count, numbers or bytes. */
enum fact_part {
	FACT_FROM = 1,	 /* parties; on declarations of a deal */
	FACT_TO,	 /* parties */
	FACT_PART_OF,	 /* deals, in the order of the links */
	FACT_SUPERSEDES, /* deals */
	FACT_DEALS,	 /* deals in the scope of a total */
	FACT_ASSUME,	 /* deals that a total assumes closed */
	FACT_SUBJECT,	 /* the party that is declared */
	FACT_CONDITION,	 /* bytes: the slug of a condition */
	FACT_ORIGIN,	 /* bytes: derived_from, where no event had that id yet; always the first */
	FACT_RATE	 /* bytes: base, quote (2 each), scale (1), units (8) */
};

/* A place in the order of statements: a day counts as its first instant. */
struct order {
	int64_t stated; /* microseconds since 1970 UTC */
	uint64_t seq;
};
static inline int order_cmp(struct order a, struct order b)
{
	if (a.stated != b.stated)
		return a.stated < b.stated ? -1 : 1;
	return a.seq < b.seq ? -1 : a.seq > b.seq;
}

struct fact {
	uint64_t seq;
	uint64_t root;	  /* first version of its statement; its own seq where it is that */
	uint64_t ref;	  /* the event that it corrects or withdraws; 0: none */
	uint64_t derived; /* the event that it retells; 0: none, or see FACT_ORIGIN */
	int64_t stated;	  /* microseconds since 1970 UTC */
	int64_t low, high; /* minor units */
	const char *more; /* parts; borrowed, see who gives the fact */
	uint32_t more_size;
	uint32_t flags; /* enum fact_flag */
	uint32_t deal, payer;
	int32_t on_first, on_last; /* earliest and latest day of `on` */
	uint16_t currency;	   /* currency_pack */
	uint8_t kind, grade, basis;
	uint8_t detail; /* rung of a total, state of a condition */
};
/* A fact of a home that is not alone; places are those among the facts of the home. */
#define NO_PLACE UINT32_MAX
struct mark {
	uint32_t at;
	uint32_t original; /* what it retells; NO_PLACE: nothing, or nothing in this home */
	uint32_t root;	   /* the first version of that one's statement; NO_PLACE: not in this home */
};
struct marks {
	struct mark *v; /* ascending: those that repair or retell */
	size_t n;
};
struct fact_list {
	struct fact *v;
	size_t n;
	bool cut; /* there are others, beyond what was asked for */
	/* of these facts and of those that follow them in the home; NULL: not found out yet, see visible.h */
	const struct marks *marks;
};

/* Numbers as they lie in a fact: read one with numbers_at. */
struct numbers {
	const char *p;
	size_t n;
};
uint32_t numbers_at(struct numbers list, size_t i);
bool numbers_have(struct numbers list, uint32_t number);

/* Three capital letters as a number that sorts like them; 0: none. */
uint16_t currency_pack(const char code[3]);
void currency_unpack(uint16_t packed, char code[4]);

/* Which names are numbered apart. */
enum dictionary { DICT_DEAL, DICT_PARTY };

/* Gives a slug its number; the same slug always gets the same one. */
struct numbering {
	void *arg;
	enum err (*number)(void *arg, enum dictionary dict, struct str slug, uint32_t *number);
};

/*
 * The fact of an event. `ref` is the fact of the event that its `ref` names, NULL where it has none
 * (or the ledger does not hold it). `derived` is the seq of the event that derived_from names, 0
 * where it is not there yet: then the fact keeps the id, for whoever reads it to look again. `more`
 * lies in the arena. Events that passed event_check cannot fail but by ERR_NO_MEMORY or what the
 * numbering returns; ERR_BAD_DATE and ERR_BAD_DECIMAL else.
 */
MUST_USE enum err fact_from_event(const struct event *e, uint64_t seq, const struct fact *ref,
				  uint64_t derived, const struct numbering *numbering,
				  struct arena *a, struct fact *out);

/* Largest bytes of a fact: fixed parts, 64 parties, 64 links, 512 deals of a total, a slug. */
#define FACT_SIZE_MAX 4096u
/* Smallest ones. */
#define FACT_SIZE_MIN 4u
/*
 * Bytes of a fact as an index stores it under (home, stated, seq): these three stand in the key.
 * `deal` is left out where it is the home's own, `home_deal` (0: a home that is no deal).
 */
size_t fact_write(const struct fact *f, uint32_t home_deal, char out[FACT_SIZE_MAX]);
/* The reverse; `more` borrows from bytes. ERR_DAMAGED. */
MUST_USE enum err fact_read(struct str bytes, uint32_t home_deal, int64_t stated, uint64_t seq,
			    struct fact *out);

/* Whether the bytes are of a fact that names another deal than the home's own, or none. */
bool fact_bytes_elsewhere(struct str bytes);

/* A part of a fact; empty where it has none. */
struct numbers fact_numbers(const struct fact *f, enum fact_part part);
struct str fact_bytes(const struct fact *f, enum fact_part part);

/* Whether it retells an event that was not there yet when it came; see FACT_ORIGIN. */
static inline bool fact_lacks_origin(const struct fact *f)
{
	return f->more_size && f->more[0] == FACT_ORIGIN;
}
/* `ref` on anything but a retract makes a correction. */
static inline bool fact_corrects(const struct fact *f)
{
	return f->ref && f->kind != kind_retract;
}
static inline struct order fact_order(const struct fact *f)
{
	return (struct order){ f->stated, f->seq };
}
/* Declarations are always within `on`. */
static inline bool fact_declares(const struct fact *f)
{
	return f->kind == kind_party || f->kind == kind_deal || f->kind == kind_rate;
}
/* The rung that a statement of this kind sets or adds to; rung_NONE where it does neither. */
static inline enum rung rung_of(uint8_t kind, uint32_t flags)
{
	static const uint8_t rungs[kind_COUNT] = {
		[kind_rumour] = rung_talked, [kind_talks] = rung_talked,
		[kind_announce] = rung_announced, [kind_commit] = rung_committed,
		[kind_close] = rung_committed, [kind_pay] = rung_paid
	};

	if (kind >= kind_COUNT || (kind == kind_close && !(flags & FACT_AMOUNT)))
		return rung_NONE;
	return (enum rung)rungs[kind];
}

#endif
