/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lm_page: a reader of LMDB's pages.
 *
 * A page begins with its number (8 bytes), 2 unused ones, flags, `lower` and `upper` (2 each; in the
 * first of a value's own pages a count of them, 4). Behind that stand the places of its nodes, 2
 * bytes each, up to `lower`; the nodes lie from `upper` to the end, in any order. A node of a leaf is
 * the value's size (4), flags (2), the key's size (2), key, value; with NODE_BIG the value is the
 * number of the first of its own pages. A node of a branch has a page's number in the first 6 bytes,
 * and the key from which on that page holds; the first node's key is not looked at. Two root pages
 * take turns: transaction n writes the one that n is odd or even like.
 */
#include "store/lm_page.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE PAGES_SIZE
#define PAGE_HEAD PAGES_HEAD_SIZE
#define NODE_HEAD 8u
#define KEY_SIZE_MAX 511u
#define DEPTH_MAX 16u
#define NODES_MAX ((PAGE - PAGE_HEAD) / 2)
#define BIG_PAGES_MAX 8192u /* of one value: 32 MiB, twice what the largest one needs */
#define FIRST_PAGE 2u /* behind the two roots */
#define NO_PAGE UINT64_MAX

enum { AT_NUMBER = 0, AT_FLAGS = 10, AT_LOWER = 12, AT_UPPER = 14, AT_COUNT = 12 };
enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_ROOT = 8 };
enum { NODE_BIG = 1, NODE_TREE = 2 };
/* In a root page. */
enum {
	ROOT_MAGIC = 16,
	ROOT_PAGE_SIZE = 40, /* where the description of the free pages' tree begins */
	ROOT_FREE = ROOT_PAGE_SIZE,
	ROOT_MAIN = 88,
	ROOT_LAST = 136,
	ROOT_TXN = 144
};
#define MAGIC 0xBEEFC0DEu
/* A tree's description. */
enum { TREE_FLAGS = 4, TREE_DEPTH = 6, TREE_ROOT = 40, TREE_SIZE = 48 };
#define TREE_BY_NUMBER 8u

static uint16_t u16_at(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t u32_at(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t u64_at(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

enum err pages_init(struct pages *p, const struct lm_table *tables)
{
	*p = (struct pages){ .tables = tables };
	p->seen = calloc(PAGES_SEEN_MAX, sizeof(*p->seen));
	return p->seen ? ERR_OK : ERR_NO_MEMORY;
}

void pages_fini(struct pages *p)
{
	free(p->seen);
	p->seen = NULL;
}

/* ---- nodes ---- */

static unsigned count_of(const char *page)
{
	return (unsigned)(u16_at(page + AT_LOWER) - PAGE_HEAD) / 2;
}

static const char *node_at(const char *page, unsigned i)
{
	return page + u16_at(page + PAGE_HEAD + 2 * i);
}

static struct str key_of(const char *node)
{
	return (struct str){ node + NODE_HEAD, u16_at(node + 6) };
}

static uint64_t child_of(const char *node)
{
	return u32_at(node) | (uint64_t)u16_at(node + 4) << 32;
}

static size_t size_of(const char *node, bool leaf)
{
	size_t n = NODE_HEAD + u16_at(node + 6);

	if (leaf)
		n += u16_at(node + 4) & NODE_BIG ? sizeof(uint64_t) : u32_at(node);
	return n + (n & 1);
}

static int compare(const struct str a, const struct str b, bool by_number)
{
	if (!by_number)
		return str_cmp(a, b);
	const uint64_t x = u64_at(a.p), y = u64_at(b.p);
	return x < y ? -1 : x > y;
}

static uint64_t pages_for(uint64_t bytes)
{
	return (PAGE_HEAD + bytes + PAGE - 1) / PAGE;
}

/* ---- one page ---- */

/* The nodes fill the page from `upper` to its end, each place named once. */
static bool nodes_fill(const char *page, unsigned n, bool leaf)
{
	uint64_t starts[PAGE / 2 / 64] = { 0 };
	const unsigned upper = u16_at(page + AT_UPPER);
	unsigned seen = 0;

	for (unsigned i = 0; i < n; i++) {
		const unsigned at = u16_at(page + PAGE_HEAD + 2 * i);
		if (at < upper || at > PAGE - NODE_HEAD || at & 1)
			return false;
		starts[at / 128] |= UINT64_C(1) << at / 2 % 64;
	}
	for (size_t at = upper; at < PAGE; seen++) {
		if (at > PAGE - NODE_HEAD || !(starts[at / 128] >> at / 2 % 64 & 1))
			return false;
		at += size_of(page + at, leaf);
		if (at > PAGE)
			return false;
	}
	return seen == n;
}

static uint64_t big_of(const char *node)
{
	return u64_at(key_of(node).p + key_of(node).n);
}

/* Whether the pages of a value's own lie within those in use. */
static bool big_is_inside(const struct pages *p, const char *node)
{
	const uint64_t first = big_of(node);

	return first >= FIRST_PAGE && first <= p->last &&
	       pages_for(u32_at(node)) <= p->last - first + 1;
}

/*
 * How one of a value's own pages begins, read from the file: who goes through all values reads them from
 * there as well, and would touch this page in the map for nothing else, which costs more.
 */
static bool head_of(const struct pages *p, uint64_t number, char head[PAGE_HEAD])
{
	ssize_t n;

	do
		n = pread(p->fd, head, PAGE_HEAD, (off_t)(number * PAGE));
	while (n < 0 && errno == EINTR);
	return n == PAGE_HEAD;
}

/*
 * Whether the first of them is what it should be, where the node has any: LMDB frees as many pages as
 * stand there when the value is replaced. Only looked at for that one, as each is a page more to read.
 * A value that was made smaller within a transaction rightly has more than it needs; but none of those
 * holds its own number, as each page does with which something else begins.
 */
static bool big_is_whole(const struct pages *p, const char *node)
{
	char head[PAGE_HEAD];

	if (!(u16_at(node + 4) & NODE_BIG))
		return true;
	const uint64_t needed = pages_for(u32_at(node)), first = big_of(node);
	if (!head_of(p, first, head))
		return false;
	const uint64_t count = u32_at(head + AT_COUNT);
	if (u64_at(head + AT_NUMBER) != first || u16_at(head + AT_FLAGS) != PAGE_OVERFLOW ||
	    count < needed || count > BIG_PAGES_MAX || count > p->last - first + 1)
		return false;
	for (uint64_t number = first + needed; number < first + count; number++)
		if (!head_of(p, number, head) || u64_at(head + AT_NUMBER) == number)
			return false;
	return true;
}

bool pages_match_value(const struct pages *p, struct str value)
{
	if (value.p < p->at || value.p >= p->at + p->size)
		return false;
	/* behind the head of a page there is no node, but the first byte of a value with pages of its own */
	if ((uint64_t)(value.p - p->at) % PAGE != PAGE_HEAD)
		return true;
	return u32_at(value.p - PAGE_HEAD + AT_COUNT) == pages_for(value.n);
}

/* What each node must be, once nodes_fill holds. */
static bool node_is_good(const struct pages *p, const char *node, bool leaf, bool by_number)
{
	const struct str key = key_of(node);
	const unsigned flags = u16_at(node + 4);

	if (key.n == 0 || key.n > KEY_SIZE_MAX || (by_number && key.n != sizeof(uint64_t)))
		return false;
	if (!leaf)
		return child_of(node) >= FIRST_PAGE && child_of(node) <= p->last;
	return (flags & ~(unsigned)(NODE_BIG | NODE_TREE)) == 0 &&
	       (!(flags & NODE_BIG) || big_is_inside(p, node));
}

static bool page_is_whole(const struct pages *p, uint64_t number, bool leaf, bool by_number)
{
	const char *page = p->at + number * PAGE;
	const unsigned lower = u16_at(page + AT_LOWER), upper = u16_at(page + AT_UPPER);

	if (u64_at(page + AT_NUMBER) != number ||
	    u16_at(page + AT_FLAGS) != (leaf ? PAGE_LEAF : PAGE_BRANCH))
		return false;
	if (lower <= PAGE_HEAD || lower & 1 || upper < lower || upper > PAGE)
		return false;
	const unsigned n = count_of(page);
	if (n > NODES_MAX || !nodes_fill(page, n, leaf))
		return false;
	/* a branch's first key may be anything */
	for (unsigned i = leaf ? 0 : 1; i < n; i++) {
		const char *node = node_at(page, i);
		if (!node_is_good(p, node, leaf, by_number))
			return false;
		if (i > (leaf ? 0u : 1u) &&
		    compare(key_of(node_at(page, i - 1)), key_of(node), by_number) >= 0)
			return false;
	}
	const uint64_t first = child_of(node_at(page, 0));
	return leaf || (first >= FIRST_PAGE && first <= p->last);
}

/* The same, looked at once a state. */
static bool page_is_good(struct pages *p, uint64_t number, bool leaf, bool by_number)
{
	const uint64_t page = number << 2 | (uint64_t)leaf << 1 | by_number;
	struct seen *seen = &p->seen[number % PAGES_SEEN_MAX];

	if (number < FIRST_PAGE || number > p->last)
		return false;
	if (seen->page == page && seen->txn == p->txn)
		return true;
	if (!page_is_whole(p, number, leaf, by_number))
		return false;
	*seen = (struct seen){ p->txn, page };
	return true;
}

enum err pages_check_place(struct pages *p, unsigned table, const char *place)
{
	if (place < p->at || place >= p->at + p->size)
		return ERR_OK;
	const uint64_t number = (uint64_t)(place - p->at) / PAGE;
	if (!page_is_good(p, number, true, p->tables[table].by_number))
		return ERR_DAMAGED;
	p->place = p->at + number * PAGE;
	return ERR_OK;
}

/* ---- from a root down ---- */

/* The first node from `from` on whose key is greater than `key`. */
static unsigned upper_bound(const char *page, unsigned from, struct str key, bool by_number)
{
	unsigned low = from, high = count_of(page);

	while (low < high) {
		const unsigned mid = low + (high - low) / 2;
		if (compare(key_of(node_at(page, mid)), key, by_number) > 0)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

static bool is_between(const char *page, bool leaf, struct key_range b, bool by_number)
{
	const unsigned first = leaf ? 0 : 1, n = count_of(page);

	if (first >= n)
		return true;
	return (!b.low.p || compare(b.low, key_of(node_at(page, first)), by_number) <= 0) &&
	       (!b.high.p || compare(key_of(node_at(page, n - 1)), b.high, by_number) < 0);
}

static bool is_usable(const struct tree *t, struct str key)
{
	return t->depth <= DEPTH_MAX && (t->depth == 0) == (t->root == NO_PAGE) &&
	       (!t->by_number || !key.n || key.n == sizeof(uint64_t));
}

/*
 * Down to the leaf of a key, or of the end, NULL in an empty tree: *upto of its keys are not greater, or all
 * where there is no key. What is on it lies within some bounds.
 */
static enum err go_down(struct pages *p, const struct tree *t, struct str key, const char **leaf,
			unsigned *upto, struct key_range *within)
{
	struct key_range b = { 0 };
	uint64_t number = t->root;

	*leaf = NULL;
	if (!is_usable(t, key))
		return ERR_DAMAGED;
	for (unsigned level = 1; level <= t->depth; level++) {
		const bool last = level == t->depth;
		if (!page_is_good(p, number, last, t->by_number))
			return ERR_DAMAGED;
		const char *page = p->at + number * PAGE;
		if (!is_between(page, last, b, t->by_number))
			return ERR_DAMAGED;
		const unsigned n = count_of(page);
		const unsigned i = key.n ? upper_bound(page, last ? 0 : 1, key, t->by_number) : n;
		if (last) {
			*leaf = page;
			*upto = i;
			*within = b;
			return ERR_OK;
		}
		number = child_of(node_at(page, i - 1));
		if (i > 1)
			b.low = key_of(node_at(page, i - 1));
		if (i < n)
			b.high = key_of(node_at(page, i));
	}
	return ERR_OK;
}

/* The node with exactly this key on a leaf, `upto` of whose keys are not greater; NULL: none. */
static enum err node_on(const struct pages *p, const char *leaf, unsigned upto, struct str key,
			bool by_number, const char **node)
{
	*node = NULL;
	if (!leaf || !key.n || upto == 0)
		return ERR_OK;
	const char *last = node_at(leaf, upto - 1);
	if (compare(key_of(last), key, by_number) != 0)
		return ERR_OK;
	*node = last;
	return big_is_whole(p, last) ? ERR_OK : ERR_DAMAGED;
}

static enum err descend(struct pages *p, const struct tree *t, struct str key, const char **node)
{
	struct key_range within;
	const char *leaf;
	unsigned upto;

	const enum err e = go_down(p, t, key, &leaf, &upto, &within);
	return e ? e : node_on(p, leaf, upto, key, t->by_number, node);
}

/* ---- roots and tables ---- */

static struct tree tree_at(const char *p)
{
	const unsigned depth = u16_at(p + TREE_DEPTH);

	return (struct tree){ .root = u64_at(p + TREE_ROOT), .depth = depth,
			      .by_number = u16_at(p + TREE_FLAGS) & TREE_BY_NUMBER };
}

static bool root_is_whole(const char *root, uint64_t number)
{
	const uint64_t txn = u64_at(root + ROOT_TXN);

	return u64_at(root + AT_NUMBER) == number && u16_at(root + AT_FLAGS) == PAGE_ROOT &&
	       u32_at(root + ROOT_MAGIC) == MAGIC && (txn == 0 || txn % 2 == number);
}

bool pages_of_our_size(const char *roots)
{
	for (size_t i = 0; i < PAGES_ROOTS_SIZE; i += PAGE)
		if (u32_at(roots + i + ROOT_MAGIC) == MAGIC && u32_at(roots + i + ROOT_PAGE_SIZE) != PAGE)
			return false;
	return true;
}

enum err pages_check_roots(const char *roots)
{
	const char *newer = roots, *older = roots + PAGE;

	if (!root_is_whole(roots, 0) || !root_is_whole(roots + PAGE, 1))
		return ERR_DAMAGED;
	if (u64_at(newer + ROOT_TXN) < u64_at(older + ROOT_TXN)) {
		newer = roots + PAGE;
		older = roots;
	}
	const uint64_t txn = u64_at(newer + ROOT_TXN), before = u64_at(older + ROOT_TXN);
	if (txn - before != (txn ? 1 : 0) || u64_at(newer + ROOT_LAST) < u64_at(older + ROOT_LAST))
		return ERR_DAMAGED;
	return ERR_OK;
}

enum err pages_at(struct pages *p, int fd, const char *map, size_t size, uint64_t txn)
{
	const char *root = map + txn % 2 * PAGE;

	p->fd = fd;
	if (p->txn == txn && p->at == map && p->size == size)
		return ERR_OK;
	p->txn = 0;
	if (size < PAGES_ROOTS_SIZE || !root_is_whole(root, txn % 2) ||
	    u64_at(root + ROOT_TXN) != txn || u64_at(root + ROOT_LAST) >= size / PAGE)
		return ERR_DAMAGED;
	p->at = map;
	p->size = size;
	p->txn = txn;
	p->last = u64_at(root + ROOT_LAST);
	p->free = tree_at(root + ROOT_FREE);
	p->free.by_number = true;
	p->main = tree_at(root + ROOT_MAIN);
	p->place = NULL;
	memset(p->known, 0, sizeof(p->known));
	for (size_t i = 0; i < LM_TABLES_MAX; i++)
		p->paths[i].leaf = NULL;
	return ERR_OK;
}

/* Where the tree of a table begins; ERR_NOT_FOUND: there is no such table. */
static enum err know(struct pages *p, unsigned table)
{
	const struct lm_table *named = &p->tables[table];
	const char *node;

	require(table < LM_TABLES_MAX);
	if (p->known[table])
		return ERR_OK;
	const enum err e = descend(p, &p->main, str_of(named->name), &node);
	if (e || !node)
		return e ? e : ERR_NOT_FOUND;
	if (u32_at(node) != TREE_SIZE || u16_at(node + 4) != NODE_TREE)
		return ERR_DAMAGED;
	const char *described = key_of(node).p + key_of(node).n;
	if (u16_at(described + TREE_FLAGS) != (named->by_number ? TREE_BY_NUMBER : 0))
		return ERR_DAMAGED;
	p->trees[table] = tree_at(described);
	p->known[table] = true;
	return ERR_OK;
}

enum err pages_check_tables(struct pages *p, size_t n)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < n && !e; i++)
		e = know(p, i);
	return e;
}

/* Whether a key, or the end, belongs on the leaf that was gone down to last. */
static bool is_on(const struct path *last, const struct tree *t, struct str key)
{
	const struct key_range *r = &last->within;

	if (!last->leaf || !is_usable(t, key))
		return false;
	if (!key.n)
		return !r->high.p;
	return (!r->low.p || compare(r->low, key, t->by_number) <= 0) &&
	       (!r->high.p || compare(key, r->high, t->by_number) < 0);
}

enum err pages_check_path(struct pages *p, unsigned table, struct str key, bool *found)
{
	struct path *last = &p->paths[table];
	const char *node;
	unsigned upto = 0;

	enum err e = know(p, table);
	if (e)
		return e;
	const struct tree *t = &p->trees[table];
	if (!is_on(last, t, key))
		e = go_down(p, t, key, &last->leaf, &upto, &last->within);
	else
		upto = key.n ? upper_bound(last->leaf, 0, key, t->by_number) : count_of(last->leaf);
	if (!e)
		e = node_on(p, last->leaf, upto, key, t->by_number, &node);
	*found = !e && node;
	return e;
}

enum err pages_floor(struct pages *p, unsigned table, struct str key, struct str *found, struct str *there)
{
	struct key_range within;
	const char *leaf;
	unsigned upto;

	there->p = NULL;
	enum err e = know(p, table);
	if (!e)
		e = go_down(p, &p->trees[table], key, &leaf, &upto, &within);
	if (e || !leaf || upto == 0)
		return e;
	const char *node = node_at(leaf, upto - 1);
	*found = key_of(node);
	there->n = u32_at(node);
	there->p = u16_at(node + 4) & NODE_BIG ? p->at + big_of(node) * PAGE + PAGE_HEAD
					       : found->p + found->n;
	return ERR_OK;
}

enum err pages_rows(struct pages *p, unsigned table, struct str key, struct lm_row *out, size_t most,
		    size_t *n)
{
	struct key_range within = { .high = key };
	const char *leaf;
	unsigned at;

	*n = 0;
	enum err e = know(p, table);
	while (!e && *n < most && within.high.p) {
		const struct str from = within.high;
		e = go_down(p, &p->trees[table], from, &leaf, &at, &within);
		if (e || !leaf)
			break;
		at -= at > 0 && compare(key_of(node_at(leaf, at - 1)), from, true) == 0;
		for (; at < count_of(leaf) && *n < most; at++) {
			const char *node = node_at(leaf, at);
			out[(*n)++] = (struct lm_row){ u64_at(key_of(node).p),
				u16_at(node + 4) & NODE_BIG ? big_of(node) : 0, u32_at(node) };
		}
	}
	return e;
}

enum err pages_leaves(struct pages *p, unsigned table, struct str key, uint64_t *out, size_t most,
		      size_t *n, struct str *next)
{
	*n = 0;
	*next = (struct str){ 0 };
	const enum err e = know(p, table);
	const struct tree *t = &p->trees[table];
	if (e || !t->depth)
		return e;
	if (!is_usable(t, key))
		return ERR_DAMAGED;
	uint64_t number = out[(*n)++] = t->root;
	for (unsigned level = 1; level < t->depth; level++) {
		if (!page_is_good(p, number, false, t->by_number))
			return ERR_DAMAGED;
		const char *page = p->at + number * PAGE;
		const unsigned count = count_of(page);
		unsigned i = key.n ? upper_bound(page, 1, key, t->by_number) - 1 : 0;
		number = child_of(node_at(page, i));
		const unsigned last = level + 1 == t->depth ? (unsigned)most : 1;
		for (*n = 0; i < count && *n < last; i++)
			out[(*n)++] = child_of(node_at(page, i));
		*next = i < count ? key_of(node_at(page, i)) : *next;
	}
	return ERR_OK;
}

void pages_foresee(struct pages *p, unsigned table, struct str key)
{
	if (know(p, table))
		return;
	const struct tree *t = &p->trees[table];
	uint64_t number = t->root;
	if (!is_usable(t, key))
		return;
	for (unsigned level = 1; level < t->depth; level++) {
		if (!page_is_good(p, number, false, t->by_number))
			return;
		const char *page = p->at + number * PAGE;
		number = child_of(node_at(page, upper_bound(page, 1, key, t->by_number) - 1));
	}
	if (number <= p->last)
		memory_foresee(p->at + number * PAGE, PAGE);
}

/* ---- free pages ---- */

/*
 * A list of free pages: how many, and their numbers, the greatest first. Every log commit writes both
 * trees from a new root on, and puts the old one here: a root that is free is that of an earlier state.
 */
static bool list_is_good(const struct pages *p, const char *node)
{
	const struct str key = key_of(node);
	const uint64_t room = u32_at(node) / sizeof(uint64_t);
	const char *list = key.p + key.n;

	if (!big_is_whole(p, node))
		return false;
	if (u16_at(node + 4) & NODE_BIG)
		list = p->at + big_of(node) * PAGE + PAGE_HEAD;
	if (room == 0 || u64_at(list) >= room || u64_at(key.p) > p->txn)
		return false;
	uint64_t before = p->last + 1;
	for (uint64_t i = 1; i <= u64_at(list); i++) {
		const uint64_t number = u64_at(list + i * sizeof(number));
		if (number < FIRST_PAGE || number >= before || number == p->main.root ||
		    number == p->free.root)
			return false;
		before = number;
	}
	return true;
}

static bool lists_are_good(struct pages *p, uint64_t number, unsigned levels, struct key_range b)
{
	const bool leaf = levels == 1;

	if (!page_is_good(p, number, leaf, true))
		return false;
	const char *page = p->at + number * PAGE;
	const unsigned n = count_of(page);
	if (!is_between(page, leaf, b, true))
		return false;
	for (unsigned i = 0; i < n; i++) {
		const char *node = node_at(page, i);
		const struct key_range below = { i > 0 ? key_of(node) : b.low,
					      i + 1 < n ? key_of(node_at(page, i + 1)) : b.high };
		if (leaf ? !list_is_good(p, node)
			 : !lists_are_good(p, child_of(node), levels - 1, below))
			return false;
	}
	return true;
}

enum err pages_check_free(struct pages *p)
{
	if (!is_usable(&p->free, (struct str){ 0 }))
		return ERR_DAMAGED;
	if (p->free.depth > 0 &&
	    !lists_are_good(p, p->free.root, p->free.depth, (struct key_range){ 0 }))
		return ERR_DAMAGED;
	return ERR_OK;
}
