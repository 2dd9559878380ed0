/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk: the disk of one service in memory. It is what store/lm.h reads and writes here, and what the
 * simulator breaks.
 *
 * What lm_commit returned ERR_OK for survives a crash, what was not committed does not; a crash in
 * the middle of a commit leaves the old or the new state, as the dice fall.
 */
#ifndef AVOW_TESTS_SIM_DISK_H
#define AVOW_TESTS_SIM_DISK_H

#include "store/lm.h"
#include "tests/sim/dice.h"
#include "tests/sim/tally.h"

/*
 * The process that uses it, as the outside sees one: its time, and whether it lives. Whatever a dead
 * one still does has no effect, so that it can die between any two effects within a turn.
 */
struct life {
	bool alive;
	unsigned effects_left; /* it dies instead of the last of them; 0: it does not */
	int64_t now_us;
};
/* Whether what it now does takes place. */
bool life_acts(struct life *life);

/* How often each thing goes wrong, in DICE_CERTAIN; and how long a sync takes. */
struct disk_chances {
	unsigned commit_unknown, commit_full, put_full, put_fails, put_damaged, read_fails, open_fails;
	int64_t sync_min_us, sync_max_us;
};

struct disk_row; /* a key and its value */
struct disk_table {
	struct disk_row **rows; /* in order of their keys */
	size_t n, cap;
};
struct disk_change {
	unsigned table;
	struct disk_row *was, *is; /* was NULL: there was no such row */
};
struct disk {
	bool made; /* a store is on it */
	const struct lm_table *names;
	size_t ntables;
	struct disk_table tables[LM_TABLES_MAX];
	struct disk_change *changes; /* since what survives a crash */
	size_t nchanges, cap;
	bool full, lies; /* lies: says that a commit is durable when it is not */
	unsigned lied;
	unsigned puts_damaged; /* pages that a put found damaged, though no bit was flipped here */
	bool fills_once, fails_once; /* the next put, the next commit */
	struct disk_chances chances;
	struct random *dice;
	struct life *life;
	struct tally *tally;
};
void disk_init(struct disk *d, struct random *dice, struct life *life, struct tally *tally);
void disk_fini(struct disk *d);
/* What log_open and replica_open are given as its directory. */
#define DISK_PATH_SIZE 32
void disk_path(const struct disk *d, char path[DISK_PATH_SIZE]);
/* The power is gone: back to what is durable. */
void disk_crash(struct disk *d);
/* Empty it. */
void disk_wipe(struct disk *d);
/* Flip a bit of some value in this table; false where it is empty. */
bool disk_flip(struct disk *d, const char *table);
/* Put every flipped bit back, as from a backup. */
void disk_restore(struct disk *d);
/* Seq of the newest event in this table of slabs that would survive a crash; 0: none. */
uint64_t disk_durable_head(struct disk *d, const char *table);

#endif
