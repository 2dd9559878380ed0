/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_memory: store/lm.h over a disk in memory, linked in the place of store/lm.c and lm_rows.c.
 *
 * A table is an array of rows in order of their keys. A write transaction changes it in place and
 * notes what was there, so that an abort, or a crash, takes it back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/slab.h"
#include "tests/sim/disk.h"

/* A disk that lies makes only each so many commits durable. */
#define LIE_COMMITS 4

struct disk_row {
	uint32_t key_n, value_n;
	uint32_t flipped; /* bit number + 1; 0: none */
	char bytes[];	  /* the key, the value */
};
struct lm_txn {
	struct lm *lm;
	bool open, writes;
	unsigned cursors;
	size_t first; /* of its changes */
	enum err failed;
};
struct lm_cursor {
	struct lm_txn *t;
	unsigned table;
	size_t at; /* of the row that was given last */
};
struct lm {
	struct disk *disk;
	struct lm_txn write, read;
	bool broken;
	const char *trouble;
};

const struct lm_sizes lm_sizes_default = { 0 };

bool life_acts(struct life *life)
{
	if (life->alive && life->effects_left && --life->effects_left == 0)
		life->alive = false;
	return life->alive;
}

/* ---- rows ---- */

static struct str key_of(const struct disk_row *r)
{
	return (struct str){ r->bytes, r->key_n };
}

static struct str value_of(const struct disk_row *r)
{
	return (struct str){ r->bytes + r->key_n, r->value_n };
}

static struct disk_row *row_make(struct str key, size_t value_n)
{
	struct disk_row *r = malloc(sizeof(*r) + key.n + value_n);

	ensure(r);
	r->key_n = (uint32_t)key.n;
	r->value_n = (uint32_t)value_n;
	r->flipped = 0;
	memcpy(r->bytes, key.p, key.n);
	return r;
}

static int key_cmp(const struct disk *d, unsigned table, struct str a, struct str b)
{
	uint64_t x, y;

	if (!d->names[table].by_number)
		return str_cmp(a, b);
	ensure(a.n == sizeof(x) && b.n == sizeof(y));
	memcpy(&x, a.p, sizeof(x));
	memcpy(&y, b.p, sizeof(y));
	return x < y ? -1 : x > y;
}

/* Place of the first row with this key or a greater one; *found: with this very key. */
static size_t place_of(const struct disk *d, unsigned table, struct str key, bool *found)
{
	const struct disk_table *t = &d->tables[table];
	size_t low = 0, high = t->n;

	*found = false;
	/* most rows are put behind the last */
	if (t->n && key_cmp(d, table, key_of(t->rows[t->n - 1]), key) < 0)
		return t->n;
	while (low < high) {
		const size_t mid = low + (high - low) / 2;
		const int c = key_cmp(d, table, key_of(t->rows[mid]), key);
		*found = *found || c == 0;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void insert(struct disk_table *t, size_t at, struct disk_row *row)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 16;
		t->rows = realloc(t->rows, t->cap * sizeof(*t->rows));
		ensure(t->rows);
	}
	memmove(&t->rows[at + 1], &t->rows[at], (t->n - at) * sizeof(*t->rows));
	t->rows[at] = row;
	t->n++;
}

static void note_change(struct disk *d, unsigned table, struct disk_row *was, struct disk_row *is)
{
	if (d->nchanges == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 64;
		d->changes = realloc(d->changes, d->cap * sizeof(*d->changes));
		ensure(d->changes);
	}
	d->changes[d->nchanges++] = (struct disk_change){ table, was, is };
}

/* Take back the changes from `first` on. */
static void take_back(struct disk *d, size_t first)
{
	while (d->nchanges > first) {
		const struct disk_change *c = &d->changes[--d->nchanges];
		struct disk_table *t = &d->tables[c->table];
		bool found;
		const size_t at = place_of(d, c->table, key_of(c->is), &found);
		ensure(found && t->rows[at] == c->is);
		if (c->was) {
			t->rows[at] = c->was;
		} else {
			t->n--;
			memmove(&t->rows[at], &t->rows[at + 1], (t->n - at) * sizeof(*t->rows));
		}
		free(c->is);
	}
}

/* From now on the changes survive a crash. */
static void make_durable(struct disk *d)
{
	for (size_t i = 0; i < d->nchanges; i++)
		free(d->changes[i].was);
	d->nchanges = 0;
}

/* ---- the disk ---- */

void disk_init(struct disk *d, struct random *dice, struct life *life, struct tally *tally)
{
	*d = (struct disk){ .dice = dice, .life = life, .tally = tally };
}

void disk_wipe(struct disk *d)
{
	make_durable(d);
	for (size_t i = 0; i < d->ntables; i++) {
		for (size_t k = 0; k < d->tables[i].n; k++)
			free(d->tables[i].rows[k]);
		free(d->tables[i].rows);
		d->tables[i] = (struct disk_table){ 0 };
	}
	d->made = false;
}

void disk_fini(struct disk *d)
{
	disk_wipe(d);
	free(d->changes);
}

void disk_path(const struct disk *d, char path[DISK_PATH_SIZE])
{
	(void)snprintf(path, DISK_PATH_SIZE, "%p", (const void *)d);
}

void disk_crash(struct disk *d)
{
	take_back(d, 0);
}

static unsigned table_named(const struct disk *d, const char *name)
{
	for (unsigned i = 0; i < d->ntables; i++)
		if (strcmp(d->names[i].name, name) == 0)
			return i;
	return LM_TABLES_MAX;
}

static void flip(struct disk_row *r, uint32_t bit)
{
	r->bytes[r->key_n + bit / 8] ^= (char)(1u << bit % 8);
}

bool disk_flip(struct disk *d, const char *table)
{
	const unsigned i = table_named(d, table);

	if (i == LM_TABLES_MAX || d->tables[i].n == 0)
		return false;
	struct disk_row *r = d->tables[i].rows[random_below(d->dice, d->tables[i].n)];
	if (r->flipped || r->value_n == 0)
		return false;
	r->flipped = (uint32_t)random_below(d->dice, 8 * r->value_n) + 1;
	flip(r, r->flipped - 1);
	return true;
}

void disk_restore(struct disk *d)
{
	for (size_t i = 0; i < d->ntables; i++) {
		for (size_t k = 0; k < d->tables[i].n; k++) {
			struct disk_row *r = d->tables[i].rows[k];
			if (r->flipped)
				flip(r, r->flipped - 1);
			r->flipped = 0;
		}
	}
}

/* What a crash would leave in the place of this row, or NULL. */
static struct disk_row *durable_row(const struct disk *d, struct disk_row *row)
{
	for (size_t i = d->nchanges; i-- > 0 && row;)
		if (d->changes[i].is == row)
			row = d->changes[i].was;
	return row;
}

uint64_t disk_durable_head(struct disk *d, const char *table)
{
	const unsigned at = table_named(d, table);
	struct disk_row *row = NULL;
	struct slab slab;
	uint64_t first;

	for (size_t i = at == LM_TABLES_MAX ? 0 : d->tables[at].n; i-- > 0 && !row;)
		row = durable_row(d, d->tables[at].rows[i]);
	if (!row)
		return 0;
	memcpy(&first, row->bytes, sizeof(first));
	if (row->flipped)
		flip(row, row->flipped - 1);
	ensure(slab_open(value_of(row), first, false, &slab) == ERR_OK);
	if (row->flipped)
		flip(row, row->flipped - 1);
	return slab.first + slab.n - 1;
}

/* ---- opening ---- */

static enum err troubled(struct lm *lm, const char *words, enum err e)
{
	lm->trouble = words;
	return e;
}

static struct disk *disk_at(const char *path)
{
	void *p = NULL;

	ensure(sscanf(path, "%p", &p) == 1);
	return p;
}

static void put_row(struct disk *d, unsigned table, struct disk_row *row)
{
	bool found;
	struct disk_table *t = &d->tables[table];
	const size_t at = place_of(d, table, key_of(row), &found);

	note_change(d, table, found ? t->rows[at] : NULL, row);
	if (found) {
		/* who makes a row longer copies what has flipped in it; else it is written anew */
		if (row->value_n > t->rows[at]->value_n)
			row->flipped = t->rows[at]->flipped;
		t->rows[at] = row;
	} else {
		insert(t, at, row);
	}
}

enum err lm_open(const char *path, const struct lm_options *o, struct lm **out, struct fault *fault)
{
	struct disk *d = disk_at(path);

	if (!life_acts(d->life))
		return fault_set(fault, ERR_IO, NULL, "killed while it started");
	if (dice_falls(d->dice, d->chances.open_fails)) {
		d->tally->v[tally_openings_failed]++;
		return fault_set(fault, ERR_IO, NULL, "the disk does not answer");
	}
	if (d->full && !d->made)
		return fault_set(fault, ERR_NO_SPACE, NULL, "no room for a new store");
	if (o->anew)
		disk_wipe(d);
	if (!d->made) {
		struct disk_row *first = row_make(LM_FIRST_KEY, o->first.n);
		memcpy(first->bytes + first->key_n, o->first.p, o->first.n);
		d->names = o->tables;
		d->ntables = o->ntables;
		put_row(d, 0, first);
		make_durable(d);
		d->made = true;
	}
	struct lm *lm = calloc(1, sizeof(*lm));
	ensure(lm && d->ntables == o->ntables);
	*lm = (struct lm){ .disk = d, .write = { .lm = lm, .writes = true }, .read = { .lm = lm },
			   .trouble = "" };
	*out = lm;
	return ERR_OK;
}

void lm_close(struct lm *lm)
{
	if (!lm)
		return;
	if (lm->write.open)
		lm_end(&lm->write);
	free(lm);
}

const char *lm_trouble(const struct lm *lm)
{
	return lm->trouble;
}

bool lm_has_room(const struct lm *lm)
{
	return !lm->disk->full;
}

enum err lm_tend(struct lm *lm)
{
	return lm->broken ? ERR_IO : ERR_OK;
}

/* All of it is in reach. */
enum err lm_warm(struct lm *lm, bool *more)
{
	*more = false;
	return lm->broken ? ERR_IO : ERR_OK;
}

/* It has no pages. */
enum err lm_rows_from(struct lm_txn *t, unsigned table, uint64_t key, struct lm_row *out, size_t most,
		      size_t *n)
{
	(void)t, (void)table, (void)key, (void)out, (void)most;
	*n = 0;
	return ERR_OK;
}

struct str lm_row_there(struct lm_txn *t, const struct lm_row *row)
{
	(void)t, (void)row;
	return (struct str){ 0 };
}

/* All of it is near. */
void lm_foresee(struct lm_txn *t, unsigned table, struct str key)
{
	(void)t, (void)table, (void)key;
}

enum err lm_reach(struct lm *lm, uint64_t *in_reach, uint64_t *bytes)
{
	*in_reach = *bytes = 0;
	return lm->broken ? ERR_IO : ERR_OK;
}

/* ---- transactions ---- */

enum err lm_write(struct lm *lm, struct lm_txn **out)
{
	require(!lm->write.open && !lm->read.open);
	if (lm->broken)
		return ERR_IO;
	if (lm->disk->full)
		return troubled(lm, "the reserve is reached", ERR_NO_SPACE);
	lm->write.open = true;
	lm->write.failed = ERR_OK;
	lm->write.first = lm->disk->nchanges;
	*out = &lm->write;
	return ERR_OK;
}

static enum err unknown(struct lm *lm, bool written)
{
	struct disk *d = lm->disk;

	if (written)
		make_durable(d);
	else
		take_back(d, lm->write.first);
	lm->broken = true;
	return troubled(lm, "a sync failed", ERR_IO);
}

enum err lm_commit(struct lm_txn *t)
{
	struct lm *lm = t->lm;
	struct disk *d = lm->disk;

	require(t->open && t->writes && t->cursors == 0);
	if (t->failed) {
		const enum err e = t->failed;
		lm_end(t);
		return e;
	}
	t->open = false;
	const bool was_alive = d->life->alive;
	if (!life_acts(d->life)) {
		d->tally->v[tally_crashes_within_a_log_commit] += was_alive;
		return unknown(lm, was_alive && dice_once_in(d->dice, 2));
	}
	d->life->now_us += dice_skewed(d->dice, d->chances.sync_min_us, d->chances.sync_max_us);
	if (d->fails_once || dice_falls(d->dice, d->chances.commit_unknown)) {
		d->fails_once = false;
		d->tally->v[tally_log_commits_unknown]++;
		return unknown(lm, dice_once_in(d->dice, 2));
	}
	if (d->full || dice_falls(d->dice, d->chances.commit_full)) {
		d->tally->v[tally_log_commits_refused]++;
		take_back(d, t->first);
		return troubled(lm, "the disk is full", ERR_NO_SPACE);
	}
	d->tally->v[tally_log_commits]++;
	if (!d->lies || ++d->lied % LIE_COMMITS == 0)
		make_durable(d);
	return ERR_OK;
}

enum err lm_read(struct lm *lm, struct lm_txn **out)
{
	require(!lm->read.open);
	if (lm->broken)
		return ERR_IO;
	if (dice_falls(lm->disk->dice, lm->disk->chances.read_fails)) {
		lm->disk->tally->v[tally_reads_failed]++;
		return troubled(lm, "a read failed", ERR_IO);
	}
	lm->read.open = true;
	*out = &lm->read;
	return ERR_OK;
}

void lm_end(struct lm_txn *t)
{
	require(t->open && t->cursors == 0);
	t->open = false;
	if (t->writes)
		take_back(t->lm->disk, t->first);
}

/* ---- rows of a transaction ---- */

enum err lm_get(struct lm_txn *t, unsigned table, struct str key, struct str *value)
{
	const struct disk *d = t->lm->disk;
	bool found;

	require(t->open && table < d->ntables);
	if (t->failed)
		return t->failed;
	if (key.n == 0 || key.n > LM_KEY_MAX)
		return ERR_NOT_FOUND;
	const size_t at = place_of(d, table, key, &found);
	if (!found)
		return ERR_NOT_FOUND;
	*value = value_of(d->tables[table].rows[at]);
	return ERR_OK;
}

enum err lm_last(struct lm_txn *t, unsigned table, struct str *key, struct str *value)
{
	const struct disk_table *rows = &t->lm->disk->tables[table];

	require(t->open && table < t->lm->disk->ntables);
	if (t->failed)
		return t->failed;
	if (rows->n == 0)
		return ERR_NOT_FOUND;
	*key = key_of(rows->rows[rows->n - 1]);
	*value = value_of(rows->rows[rows->n - 1]);
	return ERR_OK;
}

enum err lm_count(struct lm_txn *t, unsigned table, uint64_t *rows)
{
	require(t->open && table < t->lm->disk->ntables);
	*rows = t->lm->disk->tables[table].n;
	return t->failed;
}

enum err lm_size(struct lm_txn *t, unsigned table, uint64_t *bytes)
{
	const struct disk_table *rows = &t->lm->disk->tables[table];

	require(t->open && table < t->lm->disk->ntables);
	*bytes = 0;
	for (size_t i = 0; i < rows->n; i++)
		*bytes += rows->rows[i]->key_n + rows->rows[i]->value_n;
	return t->failed;
}

/* What goes wrong with this put, if anything. */
static enum err put_fault(struct lm *lm)
{
	struct disk *d = lm->disk;

	if (d->fills_once || dice_falls(d->dice, d->chances.put_full)) {
		d->fills_once = false;
		d->tally->v[tally_writes_failed]++;
		return troubled(lm, "the map is full", ERR_NO_SPACE);
	}
	if (dice_falls(d->dice, d->chances.put_fails)) {
		d->tally->v[tally_writes_failed]++;
		return troubled(lm, "a write failed", ERR_IO);
	}
	if (dice_falls(d->dice, d->chances.put_damaged)) {
		d->puts_damaged++;
		d->tally->v[tally_writes_onto_damaged_pages]++;
		return troubled(lm, "a page is damaged", ERR_DAMAGED);
	}
	return ERR_OK;
}

enum err lm_put_room(struct lm_txn *t, unsigned table, struct str key, size_t n, enum lm_how how,
		     char **out)
{
	struct disk *d = t->lm->disk;
	bool found;

	require(t->open && t->writes && table < d->ntables);
	require(key.n > 0 && key.n <= LM_KEY_MAX);
	if (t->failed)
		return t->failed;
	t->failed = put_fault(t->lm);
	if (t->failed)
		return t->failed;
	const size_t at = place_of(d, table, key, &found);
	if ((how == lm_fresh && found) || (how == lm_append && at < d->tables[table].n))
		return t->failed = troubled(t->lm, "the key is there", ERR_INTERNAL);
	struct disk_row *row = row_make(key, n);
	put_row(d, table, row);
	*out = row->bytes + row->key_n;
	return ERR_OK;
}

enum err lm_put(struct lm_txn *t, unsigned table, struct str key, struct str value, enum lm_how how)
{
	char *room;
	const enum err e = lm_put_room(t, table, key, value.n, how, &room);

	if (!e && value.n)
		memcpy(room, value.p, value.n);
	return e;
}

/* ---- cursors ---- */

enum err lm_cursor_open(struct lm_txn *t, unsigned table, struct lm_cursor **out)
{
	struct lm_cursor *c = malloc(sizeof(*c));

	require(t->open && table < t->lm->disk->ntables);
	ensure(c);
	*c = (struct lm_cursor){ .t = t, .table = table };
	t->cursors++;
	*out = c;
	return ERR_OK;
}

void lm_cursor_close(struct lm_cursor *c)
{
	c->t->cursors--;
	free(c);
}

enum err lm_cursor_put(struct lm_cursor *c, struct str key, struct str value)
{
	bool found;
	const enum err e = lm_put(c->t, c->table, key, value, lm_replace);

	if (!e)
		c->at = place_of(c->t->lm->disk, c->table, key, &found);
	return e;
}

/* Stand on row `at`; SIZE_MAX is before the first. */
static enum err stand(struct lm_cursor *c, size_t at, struct str *key, struct str *value)
{
	const struct disk_table *rows = &c->t->lm->disk->tables[c->table];

	if (c->t->failed)
		return c->t->failed;
	if (at >= rows->n)
		return ERR_NOT_FOUND;
	c->at = at;
	*key = key_of(rows->rows[at]);
	*value = value_of(rows->rows[at]);
	return ERR_OK;
}

enum err lm_cursor_seek(struct lm_cursor *c, struct str from, bool back, struct str *key,
			struct str *value)
{
	const struct disk *d = c->t->lm->disk;
	bool found = false;

	require(from.n <= LM_KEY_MAX);
	if (from.n == 0)
		return stand(c, back ? d->tables[c->table].n - 1 : 0, key, value);
	const size_t at = place_of(d, c->table, from, &found);
	return stand(c, back && !found ? at - 1 : at, key, value);
}

enum err lm_cursor_floor(struct lm_cursor *c, struct str key, struct str *found, struct str *value)
{
	return lm_cursor_seek(c, key, true, found, value);
}

enum err lm_cursor_floor_there(struct lm_cursor *c, struct str key, struct str *found,
			       struct str *there)
{
	return lm_cursor_floor(c, key, found, there);
}

bool lm_in_reach(struct lm_txn *t, struct str there)
{
	(void)t, (void)there;
	return false;
}

bool lm_copy_near(struct lm_txn *t, struct str from, char *to)
{
	(void)t, (void)from, (void)to;
	return false;
}

void lm_expect(struct lm_txn *t, struct str there)
{
	(void)t, (void)there;
}

enum err lm_copy(struct lm_txn *t, struct str from, char *to)
{
	(void)t;
	if (from.n)
		memcpy(to, from.p, from.n);
	return ERR_OK;
}

enum err lm_guarded(enum err (*call)(void *arg), void *arg)
{
	return call(arg); /* memory can always be read */
}

bool lm_cursor_sound(struct lm_cursor *c)
{
	(void)c;
	return true;
}

enum err lm_cursor_step(struct lm_cursor *c, bool back, struct str *key, struct str *value)
{
	return stand(c, back ? c->at - 1 : c->at + 1, key, value);
}
