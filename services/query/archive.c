/* SPDX-License-Identifier: Apache-2.0 */
/* archive: walks the rows that index.c wrote. */
#include "services/query/archive.h"

#include <stdlib.h>

#include "services/fold/kept.h"

#define FACTS_FIRST 32u
#define FACTS_COUNTED 1024u /* homes with more of them are counted before they are read */

/* A copy that came before its original: the original may have come since. */
static enum err find_original(struct replica *r, struct fact *f)
{
	const struct str origin = fact_bytes(f, FACT_ORIGIN);
	struct id id;

	if (origin.n != ID_SIZE)
		return ERR_OK;
	memcpy(id.b, origin.p, ID_SIZE);
	const enum err e = replica_find(r, &id, &f->derived);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Go through the heads of a home; a large one costs that once a question. */
static enum err count_home(struct archive *archive, struct place place, const struct horizon *h)
{
	struct counted *counted = &archive->counted;
	struct cursor c = { 0 };
	struct walk w;

	TRY(walk_begin(archive->r, &c, place, h->stated_end, &w));
	const enum err e = walk_count(&w, h->at_seq, &counted->counts);
	cursor_close(&c);
	TRY(e);
	counted->place = place;
	counted->at_seq = h->at_seq;
	return ERR_OK;
}

/* Room for more facts: for twice as many, and in a large home for all of them, once. */
static enum err room_for_fact(struct archive *archive, struct place place, const struct horizon *h,
			      struct arena *a, struct fact_list *list, size_t *cap)
{
	const bool large = *cap >= FACTS_COUNTED;

	*cap = *cap ? 2 * *cap : FACTS_FIRST;
	if (large)
		TRY(count_home(archive, place, h));
	if (large && archive->counted.counts.most > *cap)
		*cap = (size_t)archive->counted.counts.most;
	struct fact *more = arena_alloc(a, *cap * sizeof(*more));
	if (!more)
		return ERR_NO_MEMORY;
	if (list->n)
		memcpy(more, list->v, list->n * sizeof(*more));
	list->v = more;
	return ERR_OK;
}

/* Put all facts of a deal on the shelf, where they have room. */
static enum err shelve(struct archive *archive, struct shelf *shelf, struct place place, size_t facts,
		       struct arena *a)
{
	struct item item;
	struct cursor c = { 0 };
	struct walk w;
	bool fits = shelf_begin(shelf, place.number, facts);
	enum err e = ERR_OK;

	if (!fits)
		return ERR_OK;
	TRY(walk_begin(archive->r, &c, place, INT64_MAX, &w));
	while (!e && fits && !(e = walk_next(&w, &item))) {
		struct fact f;
		e = fact_read(item.bytes, place.number, item.stated, item.seq, &f);
		if (!e && fact_lacks_origin(&f))
			e = find_original(archive->r, &f);
		fits = !e && shelf_add(shelf, &f);
	}
	cursor_close(&c);
	return e == ERR_NOT_FOUND ? shelf_end(shelf, a) : e;
}

/*
 * Of a large deal all facts are read, for later questions as well: by the first question, and where events
 * came since by one that sees half of it or more. *found: false where it is to be walked through.
 */
static enum err find_shelved(struct archive *archive, struct place place, const struct horizon *h,
			     struct arena *a, struct fact_list *out, bool *found)
{
	struct shelf *shelf = kept_shelf(archive->facts.kept);

	TRY(count_home(archive, place, h));
	const struct walk_counts *counts = &archive->counted.counts;
	*found = false;
	if (counts->most < counts->all / 2 && shelf_knew(shelf, place.number))
		return ERR_OK;
	kept_foresee_large(archive->facts.kept, (size_t)counts->all);
	TRY(shelve(archive, shelf, place, (size_t)counts->all, a));
	return shelf_find(shelf, place.number, h, a, out, found);
}

static enum err home_collect(struct archive *archive, struct walk *w, struct place place,
			     const struct horizon *h, struct arena *a, struct fact_list *out)
{
	const struct kept *kept = archive->facts.kept;
	const size_t large = kept && place.home == HOME_DEAL ? shelf_least(kept_shelf(kept)) : SIZE_MAX;
	const uint32_t deal = home_deal(place.home, place.number);
	struct item item = { .stated = INT64_MIN };
	size_t cap = 0;
	bool found = false;
	enum err e;

	while (!(e = walk_next(w, &item))) {
		out->cut |= item.seq > h->at_seq;
		if (item.seq > h->at_seq)
			continue;
		if (out->n == large)
			TRY(find_shelved(archive, place, h, a, out, &found));
		if (found)
			return ERR_OK;
		if (out->n == cap)
			TRY(room_for_fact(archive, place, h, a, out, &cap));
		struct fact *f = &out->v[out->n++];
		TRY(fact_read(item.bytes, deal, item.stated, item.seq, f));
		if (fact_lacks_origin(f))
			TRY(find_original(archive->r, f));
	}
	out->cut |= item.stated >= w->stated_end;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err archive_home(void *arg, enum home home, uint32_t number, const struct horizon *h,
			     struct arena *a, struct fact_list *out)
{
	struct archive *archive = arg;
	const struct place place = { home, number };
	struct kept *kept = archive->facts.kept;
	bool found = false;
	struct walk w;

	*out = (struct fact_list){ 0 };
	if (kept && home == HOME_DEAL)
		TRY(shelf_find(kept_shelf(kept), number, h, a, out, &found));
	if (found)
		return ERR_OK;
	TRY(walk_begin(archive->r, &archive->walking, place, h->stated_end, &w));
	return home_collect(archive, &w, place, h, a, out);
}

/* A name that is in the index already. */
static enum err number_known(void *arg, enum dictionary dict, struct str slug, uint32_t *number)
{
	struct archive *archive = arg;
	const struct row_key key = key_slug(dict, slug);
	struct str value;

	TRY(replica_lookup(archive->r, table_slug, row_str(&key), &value));
	if (value.n != 12)
		return ERR_DAMAGED;
	memcpy(number, value.p, sizeof(*number));
	return ERR_OK;
}

/* The fact of an event that no other one names by `ref`, and that names none. */
static enum err fact_alone(struct archive *archive, uint64_t seq, struct arena *a,
			   struct fact *out)
{
	const struct numbering numbering = { archive, number_known };
	struct record rec;
	struct event e;
	uint64_t derived = 0;

	TRY(replica_get(archive->r, seq, &rec));
	TRY(event_decode(rec.event, a, &e, NULL));
	if (msg_has(&e, event, derived_from)) {
		const enum err err = replica_find(archive->r, &e.derived_from, &derived);
		if (err && err != ERR_NOT_FOUND)
			return err;
	}
	return fact_from_event(&e, seq, NULL, derived, &numbering, a, out);
}

static int by_order(const void *x, const void *y)
{
	const struct fact *f = x, *g = y;

	return order_cmp(fact_order(f), fact_order(g));
}

static enum err archive_chain(void *arg, uint64_t seq, const struct horizon *h, struct arena *a,
			      struct fact_list *out)
{
	struct archive *archive = arg;
	uint64_t tree;

	*out = (struct fact_list){ 0 };
	if (seq == 0 || seq > archive->facts.head)
		return ERR_OK;
	TRY(chain_of(archive->r, seq, &tree));
	TRY(chain_read(archive->r, tree, h, a, out));
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_order);
	for (size_t i = 0; i < out->n; i++)
		if (fact_lacks_origin(&out->v[i]))
			TRY(find_original(archive->r, &out->v[i]));
	if (out->n || tree != seq || seq > h->at_seq)
		return ERR_OK;
	out->v = arena_alloc(a, sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	TRY(fact_alone(archive, seq, a, &out->v[0]));
	out->n = horizon_holds(h, &out->v[0]);
	return ERR_OK;
}

static enum err archive_last_number(void *arg, enum dictionary dict, uint32_t *out)
{
	struct archive *archive = arg;
	const struct row_key key = key_name(dict, UINT32_MAX);
	struct cursor c;

	*out = 0;
	TRY(cursor_open(archive->r, table_name, row_str(&key), true, &c));
	const enum err e = cursor_next(&c);
	if (!e && c.key.p[0] == (char)dict)
		*out = key_last_number(c.key);
	cursor_close(&c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err related_rows(struct archive *archive, enum relation relation, uint32_t number,
			     struct arena *a, struct number_list *out)
{
	struct row_key prefix = key_related(relation, number, 0);
	struct cursor *c = &archive->relating;
	size_t cap = 0;
	enum err e;

	prefix.n -= 4; /* whatever the other one is */
	if (c->impl)
		TRY(cursor_seek(c, row_str(&prefix)));
	else
		TRY(cursor_open(archive->r, table_related, row_str(&prefix), false, c));
	while (!(e = cursor_next(c))) {
		if (c->key.n < prefix.n || memcmp(c->key.p, prefix.p, prefix.n) != 0)
			return ERR_OK;
		if (out->n == cap) {
			cap = cap ? 2 * cap : 16;
			uint32_t *more = arena_alloc(a, cap * sizeof(*more));
			if (!more)
				return ERR_NO_MEMORY;
			if (out->n)
				memcpy(more, out->v, out->n * sizeof(*more));
			out->v = more;
		}
		out->v[out->n++] = key_last_number(c->key);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Nearly no deal has parts or successors: whether to look for them at all. */
static enum err has_none(struct archive *archive, enum relation relation, uint32_t number,
			 bool *none)
{
	*none = false;
	if (relation > RELATION_SUCCESSORS)
		return ERR_OK;
	struct some *some = &archive->some[relation];
	const uint32_t at = number % SOME_NUMBERS;
	if (!some->known || some->first != number - at) {
		const struct row_key key = key_some(relation, number);
		*some = (struct some){ .first = number - at };
		const enum err e = replica_lookup(archive->r, table_some, row_str(&key), &some->bits);
		if (e && e != ERR_NOT_FOUND)
			return e;
		if (!e && some->bits.n != SOME_BYTES)
			return ERR_DAMAGED;
		some->known = true;
	}
	*none = !some->bits.n || !(some->bits.p[at / 8] >> at % 8 & 1);
	return ERR_OK;
}

static enum err archive_related(void *arg, enum relation relation, uint32_t number,
				struct arena *a, struct number_list *out)
{
	struct archive *archive = arg;
	bool none;

	*out = (struct number_list){ 0 };
	TRY(has_none(archive, relation, number, &none));
	return none ? ERR_OK : related_rows(archive, relation, number, a, out);
}

static enum err archive_number(void *arg, enum dictionary dict, struct str slug, uint64_t at_seq,
			       uint32_t *out)
{
	struct archive *archive = arg;
	struct row_key key = { .n = 0 };
	struct str value;
	uint64_t first;

	if (slug.n > SLUG_MAX)
		return ERR_NOT_FOUND;
	key = key_slug(dict, slug);
	TRY(replica_lookup(archive->r, table_slug, row_str(&key), &value));
	if (value.n != 12)
		return ERR_DAMAGED;
	memcpy(out, value.p, 4);
	memcpy(&first, value.p + 4, 8);
	return first <= at_seq ? ERR_OK : ERR_NOT_FOUND;
}

static enum err archive_slug(void *arg, enum dictionary dict, uint32_t number, struct str *out)
{
	struct archive *archive = arg;
	const struct kept *kept = archive->facts.kept;

	if (dict == DICT_DEAL && kept && kept_slug(kept, number, out))
		return ERR_OK;
	const struct row_key key = key_name(dict, number);
	return replica_lookup(archive->r, table_name, row_str(&key), out);
}

static void archive_foresee_home(void *arg, enum home home, uint32_t number)
{
	struct archive *archive = arg;
	const struct row_key key = key_home(home, number);

	replica_foresee(archive->r, table_fact, row_str(&key));
}

static void archive_foresee_slug(void *arg, enum dictionary dict, uint32_t number)
{
	struct archive *archive = arg;
	const struct kept *kept = archive->facts.kept;

	if (dict == DICT_DEAL && kept && kept_foresee(kept, number))
		return;
	const struct row_key key = key_name(dict, number);
	replica_foresee(archive->r, table_name, row_str(&key));
}

static void archive_foresee_entries(void *arg, const uint64_t *seqs, size_t n)
{
	struct archive *archive = arg;

	replica_foresee_events(archive->r, seqs, n);
}

static enum err archive_slugs(void *arg, enum dictionary dict, struct str after, uint64_t at_seq,
			      size_t most, struct arena *a, struct slug_list *out)
{
	struct archive *archive = arg;
	const struct row_key from = key_slug(dict, after);
	struct row_key prefix = from;
	struct cursor c;
	enum err e = ERR_OK;

	prefix.n = 1;
	*out = (struct slug_list){ .v = arena_alloc(a, most * sizeof(*out->v)) };
	if (!out->v)
		return ERR_NO_MEMORY;
	TRY(cursor_open(archive->r, table_slug, row_str(&from), false, &c));
	while (out->n < most && !(e = cursor_next(&c))) {
		uint64_t first;
		if (c.key.p[0] != prefix.p[0])
			break;
		const struct str slug = { c.key.p + 1, c.key.n - 1 };
		if (str_eq(slug, after) || c.value.n != 12)
			continue;
		memcpy(&first, c.value.p + 4, 8);
		if (first > at_seq)
			continue;
		out->v[out->n].slug = slug;
		memcpy(&out->v[out->n++].number, c.value.p, 4);
	}
	cursor_close(&c);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err number_found(struct arena *a, uint32_t number, struct number_list *out,
			     size_t *cap)
{
	if (out->n == *cap) {
		*cap = *cap ? 2 * *cap : 64;
		uint32_t *more = arena_alloc(a, *cap * sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		if (out->n)
			memcpy(more, out->v, out->n * sizeof(*more));
		out->v = more;
	}
	out->v[out->n++] = number;
	return ERR_OK;
}

static bool holds(struct str text, struct str part)
{
	return part.n && memmem(text.p, text.n, part.p, part.n);
}

static uint32_t number_in_key(struct str key)
{
	return key_last_number((struct str){ key.p, 5 });
}

/* Rows of names and aliases, whose keys both begin with dictionary and number. */
static enum err named_in(struct archive *archive, enum table table, enum dictionary dict,
			 struct str part, struct arena *a, struct number_list *out)
{
	struct row_key prefix = key_name(dict, 0);
	struct range x;
	size_t cap = 0;
	enum err e;

	prefix.n = 1;
	*out = (struct number_list){ 0 };
	TRY(range_open(archive->r, table, &prefix, &x));
	while (!(e = range_next(&x))) {
		if (!holds(x.c.value, part))
			continue;
		const uint32_t number = number_in_key(x.c.key);
		if (out->n && out->v[out->n - 1] == number)
			continue;
		e = number_found(a, number, out, &cap);
		if (e)
			break;
	}
	range_close(&x);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err archive_named(void *arg, enum dictionary dict, struct str text, struct str slug,
			      struct arena *a, struct number_list *out)
{
	struct archive *archive = arg;
	struct number_list slugs, aliases;
	size_t i = 0, j = 0, cap = 0;

	TRY(named_in(archive, table_name, dict, slug, a, &slugs));
	TRY(named_in(archive, table_alias, dict, text, a, &aliases));
	*out = (struct number_list){ 0 };
	while (i < slugs.n || j < aliases.n) {
		const uint32_t one = i < slugs.n ? slugs.v[i] : UINT32_MAX;
		const uint32_t other = j < aliases.n ? aliases.v[j] : UINT32_MAX;
		i += one <= other;
		j += other <= one;
		TRY(number_found(a, one < other ? one : other, out, &cap));
	}
	return ERR_OK;
}

static enum err archive_revision(void *arg, uint32_t deal, uint64_t at_seq, uint64_t *out)
{
	struct archive *archive = arg;
	const struct counted *counted = &archive->counted;
	const struct place place = { HOME_DEAL, deal };
	const struct horizon whenever = { .at_seq = at_seq, .stated_end = INT64_MAX };
	const struct kept *kept = archive->facts.kept;

	if (kept && shelf_revision(kept_shelf(kept), deal, at_seq, out))
		return ERR_OK;
	if (counted->place.home != place.home || counted->place.number != deal ||
	    counted->at_seq != at_seq)
		TRY(count_home(archive, place, &whenever));
	*out = counted->counts.own;
	return ERR_OK;
}

static enum err archive_entry(void *arg, uint64_t seq, struct entry *out)
{
	struct archive *archive = arg;
	struct record rec;

	TRY(replica_get(archive->r, seq, &rec));
	*out = (struct entry){ 0 };
	msg_set(out, entry, seq, rec.seq);
	msg_set(out, entry, epoch, rec.epoch);
	msg_set(out, entry, recorded, rec.recorded);
	msg_set(out, entry, event, rec.event);
	return ERR_OK;
}

void archive_init(struct archive *archive, struct replica *r, struct kept *kept)
{
	struct replica_info info;

	replica_info(r, &info);
	kept_tidy(kept);
	*archive = (struct archive){
		.r = r,
		.facts = { .arg = archive, .kept = kept, .ledger = info.ledger, .epoch = info.epoch,
			.head = info.head, .home = archive_home, .chain = archive_chain,
			.related = archive_related, .number = archive_number,
			.slug = archive_slug, .slugs = archive_slugs,
			.named = archive_named, .last_number = archive_last_number,
			.foresee_home = archive_foresee_home,
			.foresee_slug = archive_foresee_slug,
			.foresee_entries = archive_foresee_entries, .revision = archive_revision,
			.entry = archive_entry }
	};
}

void archive_fini(struct archive *archive)
{
	cursor_close(&archive->walking);
	cursor_close(&archive->relating);
}
