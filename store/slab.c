/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slab: events of consecutive seqs in one row.
 *
 * The frame stands behind the bodies, so that a slab grows by adding at the end of two buffers, and
 * is one stretch of bytes with one checksum. It binds the slab to its key and its events to their
 * places: an event is right if the frame is, and its body's sum.
 */
#include "store/slab.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/be.h"

_Static_assert(SLAB_EVENTS_MAX * SLAB_TABLE_ROW + SLAB_FRAME_END <= SLAB_BYTES_MAX,
	       "a frame has room behind the largest body");

/* In a row of the table. */
enum { AT_BEGIN = 0, AT_AFTER = 2, AT_SUM = 6 };
_Static_assert(AT_SUM + 4 == SLAB_TABLE_ROW, "a row ends with its sum");
/* Behind the table. */
enum { AT_FIRST = 0, AT_EPOCH = 8, AT_RECORDED = 16, AT_COUNT = 24, AT_FRAME_SUM = 26 };
_Static_assert(AT_FRAME_SUM + 8 == SLAB_FRAME_END, "the frame ends with its sum");
_Static_assert(SLAB_BYTES_MAX <= SLAB_ROW_MAX, "a single event makes the largest row");
_Static_assert(SLAB_BYTES_MAX <= UINT16_MAX, "a body's place fits its two bytes");

/* ---- reading ---- */

/* How many bytes at the end of a row are its frame, by its last SLAB_FRAME_END; 0: they are none. */
static size_t frame_size(struct str row)
{
	if (row.n < SLAB_TABLE_ROW + SLAB_FRAME_END)
		return 0;
	const size_t n = be16_get(row.p + row.n - SLAB_FRAME_END + AT_COUNT);
	const size_t size = n * SLAB_TABLE_ROW + SLAB_FRAME_END;
	return n == 0 || n > SLAB_EVENTS_MAX || row.n < size ? 0 : size;
}

enum err slab_open(struct str row, uint64_t first, bool leaves, struct slab *out)
{
	/* the size first: a damaged one must not make us read beyond the row */
	const size_t size = frame_size(row);
	if (size == 0)
		return ERR_DAMAGED;
	const size_t n = (size - SLAB_FRAME_END) / SLAB_TABLE_ROW;
	const char *end = row.p + row.n - SLAB_FRAME_END, *table = row.p + row.n - size;
	if (be64_get(end + AT_FRAME_SUM) != XXH3_64bits(table, n * SLAB_TABLE_ROW + AT_FRAME_SUM) ||
	    be64_get(end + AT_FIRST) != first)
		return ERR_DAMAGED;
	*out = (struct slab){ .epoch = be64_get(end + AT_EPOCH),
			      .first = first,
			      .recorded = (int64_t)be64_get(end + AT_RECORDED),
			      .n = n,
			      .leaves = leaves,
			      .bodies = { row.p, (size_t)(table - row.p) },
			      .table = table };
	return ERR_OK;
}

/* Where the body of an event lies; of it no byte is looked at. ERR_NOT_FOUND beyond the slab, ERR_DAMAGED. */
static enum err body_of(const struct slab *s, uint64_t seq, struct str *out)
{
	if (!slab_has(s, seq))
		return ERR_NOT_FOUND;
	const size_t i = seq - s->first;
	const char *row = s->table + i * SLAB_TABLE_ROW;
	const size_t begin = be16_get(row + AT_BEGIN);
	const size_t end = i + 1 < s->n ? be16_get(row + SLAB_TABLE_ROW + AT_BEGIN) : s->bodies.n;
	if (begin > end || end > s->bodies.n || end - begin < (s->leaves ? HASH_SIZE : 0))
		return ERR_DAMAGED;
	*out = (struct str){ s->bodies.p + begin, end - begin };
	return ERR_OK;
}

enum err slab_get(const struct slab *s, uint64_t seq, struct record *out)
{
	struct str body;

	const enum err e = body_of(s, seq, &body);
	if (e)
		return e;
	const size_t lead = s->leaves ? HASH_SIZE : 0;
	const char *row = s->table + (seq - s->first) * SLAB_TABLE_ROW;
	if (body.n > SLAB_BODY_MAX || be32_get(row + AT_SUM) != record_sum(body))
		return ERR_DAMAGED;
	out->epoch = s->epoch;
	out->seq = seq;
	out->recorded = s->recorded + be32_get(row + AT_AFTER);
	memset(&out->leaf, 0, sizeof(out->leaf));
	memcpy(out->leaf.b, body.p, lead);
	out->event = (struct str){ body.p + lead, body.n - lead };
	return ERR_OK;
}

void slab_foresee(struct str row)
{
	const size_t n = row.n < SLAB_FRAME_END ? row.n : SLAB_FRAME_END;

	memory_foresee(row.p + row.n - n, n);
}

void slab_await(struct str row)
{
	if (row.n)
		(void)*(const volatile char *)(row.p + row.n - 1);
}

void slab_foresee_frame(struct str row)
{
	const size_t size = frame_size(row);

	memory_foresee(row.p + row.n - size, size);
}

void slab_foresee_body(struct str row, uint64_t first, uint64_t seq)
{
	const size_t size = frame_size(row);
	const size_t n = size ? (size - SLAB_FRAME_END) / SLAB_TABLE_ROW : 0;
	const struct slab s = { .first = first, .n = n, .bodies = { row.p, row.n - size },
				.table = row.p + row.n - size };
	struct str body;

	if (body_of(&s, seq, &body) == ERR_OK)
		memory_foresee(body.p, body.n);
}

/* ---- writing ---- */

void slab_begin(struct slab_writer *w, bool leaves, size_t bytes_max)
{
	require(bytes_max <= SLAB_BYTES_MAX);
	w->bytes_max = bytes_max;
	w->slab = (struct slab){ .leaves = leaves, .bodies = { w->bodies, 0 }, .table = w->table };
}

void slab_resume(struct slab_writer *w, const struct slab *s, size_t bytes_max)
{
	require(s->bodies.n <= sizeof(w->bodies) && bytes_max <= SLAB_BYTES_MAX);
	w->bytes_max = bytes_max;
	memcpy(w->bodies, s->bodies.p, s->bodies.n);
	memcpy(w->table, s->table, s->n * SLAB_TABLE_ROW);
	w->slab = *s;
	w->slab.bodies.p = w->bodies;
	w->slab.table = w->table;
}

static bool goes_on(const struct slab_writer *w, const struct record *rec, size_t body)
{
	const struct slab *s = &w->slab;
	const size_t size = s->bodies.n + body + (s->n + 1) * SLAB_TABLE_ROW + SLAB_FRAME_END;

	return size <= w->bytes_max && s->n < SLAB_EVENTS_MAX && rec->seq == s->first + s->n &&
	       rec->epoch == s->epoch && rec->recorded >= s->recorded &&
	       (uint64_t)rec->recorded - (uint64_t)s->recorded <= UINT32_MAX;
}

bool slab_add(struct slab_writer *w, const struct record *rec)
{
	struct slab *s = &w->slab;
	const size_t lead = s->leaves ? HASH_SIZE : 0, body = lead + rec->event.n;

	require(rec->event.n <= EVENT_BYTES_MAX);
	if (s->n == 0) {
		s->epoch = rec->epoch;
		s->first = rec->seq;
		s->recorded = rec->recorded;
	} else if (!goes_on(w, rec, body)) {
		return false;
	}
	char *to = w->bodies + s->bodies.n, *row = w->table + s->n * SLAB_TABLE_ROW;
	memcpy(to, rec->leaf.b, lead);
	if (rec->event.n)
		memcpy(to + lead, rec->event.p, rec->event.n);
	be16_put(row + AT_BEGIN, (uint16_t)s->bodies.n);
	be32_put(row + AT_AFTER, (uint32_t)((uint64_t)rec->recorded - (uint64_t)s->recorded));
	be32_put(row + AT_SUM, record_sum((struct str){ to, body }));
	s->bodies.n += body;
	s->n++;
	return true;
}

struct str slab_row(struct slab_writer *w)
{
	const struct slab *s = &w->slab;
	char *table = w->bodies + s->bodies.n, *end = table + s->n * SLAB_TABLE_ROW;

	require(s->n > 0);
	memcpy(table, s->table, s->n * SLAB_TABLE_ROW);
	be64_put(end + AT_FIRST, s->first);
	be64_put(end + AT_EPOCH, s->epoch);
	be64_put(end + AT_RECORDED, (uint64_t)s->recorded);
	be16_put(end + AT_COUNT, (uint16_t)s->n);
	be64_put(end + AT_FRAME_SUM,
		 XXH3_64bits(table, s->n * SLAB_TABLE_ROW + AT_FRAME_SUM));
	return (struct str){ w->bodies, s->bodies.n + s->n * SLAB_TABLE_ROW + SLAB_FRAME_END };
}
