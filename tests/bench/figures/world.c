/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: first a plan for each deal, then its statements one after the other, then all of them in
 * the order of their publication, which for most is that of `stated`, and for some is late.
 */
#include "tests/bench/figures/world.h"

#include <stdlib.h>

#define DAY_MINUTES 1440
#define RATE_MONTHS 60u
#define MONTH_DAYS 30
#define STATEMENTS_MIN 3u
#define MOGUL 1u
#define CROWD 1000u /* statements from which a deal has many payers */

struct chance {
	uint64_t state;
};

static uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static struct chance chance_of(uint64_t seed, uint64_t what, uint64_t number)
{
	struct chance c = { seed * 1000003 + what };

	c.state = chance_next(&c) ^ number * UINT64_C(0xd1342543de82ef95);
	return c;
}

/* 0 to n - 1. */
static uint32_t below(struct chance *c, uint32_t n)
{
	return (uint32_t)((chance_next(c) >> 32) * n >> 32);
}

static bool percent(struct chance *c, uint32_t of_hundred)
{
	return below(c, 100) < of_hundred;
}

/* Small numbers much more often than great ones: 0 to n - 1. */
static uint32_t popular(struct chance *c, uint32_t n)
{
	const uint64_t x = below(c, 65536), y = below(c, 65536);

	return (uint32_t)((x * y >> 16) * n >> 16);
}

/* ---- plans ---- */

static const struct {
	const char *code;
	uint32_t of_hundred;
} currencies[] = { { "USD", 66 }, { "EUR", 14 }, { "GBP", 8 }, { "JPY", 5 }, { "CNY", 4 },
		   { "INR", 3 } };

const char *world_currency(uint8_t number)
{
	return currencies[number].code;
}

static uint8_t any_currency(struct chance *c)
{
	uint32_t roll = below(c, 100);
	uint8_t i = 0;

	while (roll >= currencies[i].of_hundred)
		roll -= currencies[i++].of_hundred;
	return i;
}

/* Anybody but the mogul. */
static uint32_t any_party(const struct world *w, struct chance *c)
{
	return 2 + popular(c, w->size.parties - 1);
}

static void plan_payers(const struct world *w, struct chance *c, uint32_t deal, struct plan *p)
{
	const uint32_t step = w->size.mogul_deals ? w->size.deals / w->size.mogul_deals : 0;
	const uint32_t roll = below(c, 100);

	if (step && deal % step == 0 && deal / step <= w->size.mogul_deals) {
		p->payers[0] = MOGUL;
		p->npayers = p->declared = 1;
		return;
	}
	p->npayers = (uint8_t)(roll < 65 ? 1 : 2 + below(c, 3));
	p->declared = roll < 85 ? p->npayers : 0;
	if (p->events >= CROWD) {
		p->npayers = PLAN_PAYERS_MAX;
		p->declared = 0;
	}
	for (uint32_t i = 0; i < p->npayers; i++)
		p->payers[i] = any_party(w, c);
}

static void plan_links(const struct world *w, struct chance *c, uint32_t deal, struct plan *p)
{
	const uint32_t other = deal > 1 ? 1 + below(c, deal - 1) : 0;

	if (!other)
		return;
	if (percent(c, 10) && (!w->plans[other].whole || percent(c, 10))) {
		p->whole = other;
		p->payee = w->plans[other].payee;
		if (p->begin < w->plans[other].begin)
			p->begin = w->plans[other].begin;
	} else if (percent(c, 1)) {
		p->replaces = other;
	}
}

static void plan_make(const struct world *w, uint32_t deal, uint32_t events, struct plan *p)
{
	struct chance c = chance_of(w->size.seed, 1, deal);

	*p = (struct plan){ .events = events, .currency = any_currency(&c) };
	p->payee = any_party(w, &c);
	p->begin = (int32_t)below(&c, WORLD_DAYS - 60);
	plan_payers(w, &c, deal, p);
	plan_links(w, &c, deal, p);
	p->days = 30 + (int32_t)(below(&c, 600) + below(&c, 600));
	if (events >= CROWD) {
		p->begin = 0;
		p->days = WORLD_DAYS;
	}
	if (p->begin + p->days > WORLD_DAYS)
		p->days = WORLD_DAYS - p->begin;
	p->size = INT64_C(100000000) * (1 + below(&c, 50)) * (int64_t)(1 + below(&c, 100));
}

/* How many statements, before they are scaled: most deals have few, some very many. */
static uint64_t weight_of(const struct world *w, uint32_t deal)
{
	struct chance c = chance_of(w->size.seed, 2, deal);
	const uint64_t x = below(&c, 1000) + 20;

	return 1000 + 4000000 / x;
}

static bool plans_make(struct world *w, uint64_t statements)
{
	const uint32_t deals = w->size.deals;
	uint64_t all = 0, so_far = 0, given = 0;

	if (statements < (uint64_t)deals * STATEMENTS_MIN)
		return false;
	w->plans = calloc((size_t)deals + 1, sizeof(*w->plans));
	if (!w->plans)
		return false;
	for (uint32_t deal = 1; deal <= deals; deal++)
		all += weight_of(w, deal);
	const uint64_t free = statements - (uint64_t)deals * STATEMENTS_MIN;
	for (uint32_t deal = 1; deal <= deals; deal++) {
		so_far += weight_of(w, deal);
		const uint64_t due = free * so_far / all;
		plan_make(w, deal, STATEMENTS_MIN + (uint32_t)(due - given), &w->plans[deal]);
		given = due;
	}
	return true;
}

/* ---- statements ---- */

static struct made *put(struct world *w, enum kind kind, int32_t stated, struct chance *c)
{
	struct made *m = &w->v[w->n++];

	*m = (struct made){ .n = (uint32_t)w->n, .kind = (uint8_t)kind, .stated = stated,
			    .key = (int64_t)stated * DAY_MINUTES + below(c, DAY_MINUTES) };
	return m;
}

static enum kind any_kind(struct chance *c, uint32_t thousandth)
{
	static const struct {
		enum kind kind;
		uint32_t early, middle, late; /* of a thousand */
	} mix[] = { { kind_rumour, 330, 60, 10 },   { kind_talks, 340, 150, 20 },
		    { kind_announce, 110, 440, 90 }, { kind_commit, 10, 120, 210 },
		    { kind_pay, 0, 20, 420 },	     { kind_close, 0, 0, 30 },
		    { kind_cancel, 5, 10, 15 },	     { kind_condition, 5, 40, 50 },
		    { kind_total, 10, 10, 5 },	     { kind_market, 40, 50, 40 },
		    { kind_remark, 150, 100, 110 } };
	uint32_t roll = below(c, 1000);

	for (size_t i = 0; i < ARRAY_LEN(mix); i++) {
		const uint32_t share = thousandth < 250	  ? mix[i].early
				       : thousandth < 500 ? mix[i].middle
							  : mix[i].late;
		if (roll < share)
			return mix[i].kind;
		roll -= share;
	}
	return kind_remark;
}

static void add_amount(const struct plan *p, struct chance *c, struct made *m)
{
	const int64_t size = p->size / (m->payer ? p->npayers : 1) / (m->kind == kind_pay ? 8 : 1);

	m->currency = percent(c, 97) ? p->currency : any_currency(c);
	if (m->kind != kind_total && percent(c, 12))
		return; /* undisclosed */
	m->flags |= MADE_AMOUNT;
	m->low = m->high = size / 100 * (60 + below(c, 80));
	if (m->kind <= kind_announce && percent(c, 35))
		m->high += m->low / 100 * below(c, 90);
	if (percent(c, 12))
		m->flags |= MADE_APPROX;
	else if (percent(c, 4))
		m->flags |= MADE_MORE_THAN;
}

static void tell(const struct plan *p, struct chance *c, struct made *m)
{
	static const uint8_t grades[] = { grade_official, grade_official, grade_press, grade_press,
					  grade_press, grade_press, grade_press, grade_anonymous,
					  grade_anonymous, grade_social };

	m->grade = grades[below(c, ARRAY_LEN(grades))];
	m->basis = (uint8_t)(percent(c, 85) ? basis_cash : 1 + below(c, basis_COUNT - 1));
	if (percent(c, p->npayers > 1 ? 70 : 40))
		m->payer = p->payers[below(c, p->npayers)];
	if (percent(c, 40))
		m->payee = p->payee;
	if (m->kind == kind_cancel || m->kind == kind_remark || m->kind == kind_market)
		m->payee = 0;
	if (m->kind == kind_total)
		m->payee = p->payee;
	if (m->kind == kind_total || m->kind == kind_condition)
		m->detail = (uint8_t)(1 + below(c, 4));
	if (m->kind <= kind_pay || m->kind == kind_condition || m->kind == kind_total)
		add_amount(p, c, m);
	if ((m->kind == kind_announce || m->kind == kind_commit) && percent(c, 5))
		m->flags |= MADE_ADDS;
	if (m->kind == kind_pay && percent(c, 3))
		m->flags |= MADE_RETURNED;
}

/* What refers to another one is published after it. */
static void follow(struct made *m, const struct made *before)
{
	if (m->stated < before->stated)
		m->stated = before->stated;
	if (m->key <= before->key)
		m->key = before->key + 1;
}

/* A statement that says again, corrects or withdraws one of those before it. */
static void repeat(const struct world *w, const struct plan *p, struct chance *c, uint32_t first,
		   struct made *m)
{
	const struct made *other = &w->v[first + below(c, m->n - 1 - first)];
	const uint32_t roll = below(c, 100);

	if (roll >= 16 || other->ref)
		return;
	if (roll < 13) { /* a copy */
		const struct made own = *m;
		*m = *other;
		m->n = own.n;
		m->stated = own.stated;
		m->key = own.key;
		m->derived = other->n;
		m->grade = (uint8_t)(grade_press + below(c, 3));
	} else {
		m->kind = roll == 15 ? kind_retract : other->kind;
		m->ref = other->n;
		m->flags = 0;
		m->payer = m->payee = 0;
		tell(p, c, m);
		m->detail = other->detail;
	}
	follow(m, other);
}

static void deal_make(struct world *w, uint32_t deal)
{
	const struct plan *p = &w->plans[deal];
	struct chance c = chance_of(w->size.seed, 3, deal);
	struct made *m = put(w, kind_deal, p->begin, &c);
	const uint32_t first = (uint32_t)w->n;

	m->deal = deal;
	m->key = (int64_t)m->stated * DAY_MINUTES; /* before all that it says */
	for (uint32_t i = 0; i < p->events; i++) {
		const uint32_t at = 1000 * i / p->events;
		const int32_t day = p->begin + (int32_t)((int64_t)p->days * i / p->events);
		m = put(w, any_kind(&c, at), day, &c);
		m->deal = deal;
		if (percent(&c, 5)) /* found much later */
			m->key += (int64_t)below(&c, 200) * DAY_MINUTES;
		tell(p, &c, m);
		if (m->n - 1 > first)
			repeat(w, p, &c, first, m);
		if (!m->ref && !m->derived && percent(&c, 1))
			m->flags |= MADE_UNKNOWN_ORIGIN;
	}
}

static void declare(struct world *w)
{
	struct chance c = chance_of(w->size.seed, 4, 0);

	for (uint32_t party = 1; party <= w->size.parties; party++) {
		struct made *m = put(w, kind_party, 0, &c);
		m->party = party;
		m->key = -1;
	}
	for (uint32_t month = 0; month < RATE_MONTHS; month++)
		for (uint8_t i = 1; i < ARRAY_LEN(currencies); i++) {
			struct made *m = put(w, kind_rate, (int32_t)month * MONTH_DAYS, &c);
			m->currency = i;
			m->low = 90 + below(&c, 40);
			m->key = (int64_t)m->stated * DAY_MINUTES;
		}
}

/* ---- all of them ---- */

static int by_key(const void *x, const void *y)
{
	const struct made *a = x, *b = y;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->n < b->n ? -1 : 1;
}

bool world_make(struct world *w, const struct world_size *size)
{
	const uint64_t rates = RATE_MONTHS * (ARRAY_LEN(currencies) - 1);
	const uint64_t fixed = (uint64_t)size->deals + size->parties + rates;

	*w = (struct world){ .size = *size };
	if (size->events > WORLD_EVENTS_MAX || fixed >= size->events || size->parties < 2 ||
	    size->deals < 1 || size->mogul_deals > size->deals)
		return false;
	w->v = calloc(size->events, sizeof(*w->v));
	w->seq_of = calloc((size_t)size->events + 1, sizeof(*w->seq_of));
	if (!w->v || !w->seq_of || !plans_make(w, size->events - fixed)) {
		world_free(w);
		return false;
	}
	declare(w);
	for (uint32_t deal = 1; deal <= size->deals; deal++)
		deal_make(w, deal);
	qsort(w->v, w->n, sizeof(*w->v), by_key);
	for (size_t i = 0; i < w->n; i++)
		w->seq_of[w->v[i].n] = (uint32_t)i + 1;
	return true;
}

void world_free(struct world *w)
{
	free(w->plans);
	free(w->v);
	free(w->seq_of);
	*w = (struct world){ 0 };
}

enum rung made_rung(const struct made *m)
{
	switch (m->kind) {
	case kind_rumour:
	case kind_talks:
		return rung_talked;
	case kind_announce:
		return rung_announced;
	case kind_commit:
		return rung_committed;
	case kind_close:
		return m->flags & MADE_AMOUNT ? rung_committed : rung_NONE;
	case kind_pay:
		return rung_paid;
	default:
		return rung_NONE;
	}
}

uint32_t made_payer(const struct world *w, const struct made *m)
{
	if (m->payer || !m->deal)
		return m->payer;
	const struct plan *p = &w->plans[m->deal];
	return p->declared == 1 ? p->payers[0] : 0;
}

/* ---- as events ---- */

struct str world_deal(uint32_t deal, struct arena *a)
{
	return arena_printf(a, "deal-%06u", deal);
}

struct str world_party(uint32_t party, struct arena *a)
{
	return party == MOGUL ? STR("mogul") : arena_printf(a, "party-%05u", party);
}

/* The id that the n-th event has: ids grow with the time, as those of every publisher do. */
static struct id id_of(const struct world *w, const struct made *m)
{
	struct chance c = chance_of(w->size.seed, 5, m->n);
	const uint64_t ms = (uint64_t)(((int64_t)WORLD_FIRST_DAY * DAY_MINUTES + m->key) * 60000 +
				       m->n % 60000);
	const uint64_t words[] = { chance_next(&c), chance_next(&c) };
	struct id id;

	memcpy(id.b, words, sizeof(words));
	for (unsigned i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> 8 * (5 - i));
	id.b[6] = (uint8_t)(0x70 | (id.b[6] & 15));
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 63));
	return id;
}

static struct str_list names_of(const uint32_t *parties, size_t n, struct arena *a)
{
	struct str_list list = { arena_alloc(a, n * sizeof(struct str)), 0 };

	for (; list.v && list.n < n; list.n++)
		list.v[list.n] = world_party(parties[list.n], a);
	return list;
}

static void declaration(const struct world *w, const struct made *m, struct arena *a,
			struct event *e)
{
	const struct plan *p = &w->plans[m->deal];
	struct link *link = arena_zalloc(a, 1, sizeof(*link));

	if (!link)
		return;
	e->from = names_of(p->payers, p->declared, a);
	if (e->from.n)
		msg_mark(e, event, from);
	e->to = names_of(&p->payee, 1, a);
	msg_mark(e, event, to);
	msg_set(e, event, title, arena_printf(a, "Agreement %u over capacity and its financing",
					      m->deal));
	if (!p->whole && !p->replaces)
		return;
	msg_set(link, link, type, p->whole ? link_type_part_of : link_type_supersedes);
	msg_set(link, link, deal, world_deal(p->whole ? p->whole : p->replaces, a));
	e->links = (struct link_list){ link, 1 };
	msg_mark(e, event, links);
}

static void of_its_kind(const struct world *w, const struct made *m, struct arena *a,
			struct event *e)
{
	switch (m->kind) {
	case kind_party:
		msg_set(e, event, party, world_party(m->party, a));
		msg_set(e, event, name, arena_printf(a, "Party %u Holdings", m->party));
		break;
	case kind_rate:
		msg_set(e, event, base, str_of(world_currency(m->currency)));
		msg_set(e, event, quote, STR("USD"));
		msg_set(e, event, rate, arena_printf(a, "1.%02u", (unsigned)m->low % 100));
		break;
	case kind_deal:
		declaration(w, m, a, e);
		break;
	case kind_condition:
		msg_set(e, event, condition, arena_printf(a, "approval-%u", m->deal % 3));
		msg_set(e, event, state, m->detail);
		break;
	case kind_total:
		msg_set(e, event, rung, m->detail);
		break;
	case kind_remark:
		msg_set(e, event, stance, stance_doubt);
		break;
	case kind_market:
		msg_set(e, event, instrument, STR("XNAS:ABCD"));
		msg_set(e, event, move, STR("up"));
		break;
	case kind_cancel:
		msg_set(e, event, reason, reason_terminated);
		break;
	default:
		break;
	}
}

static void statement(const struct made *m, struct arena *a, struct event *e)
{
	const bool more = m->flags & MADE_MORE_THAN;
	struct amount amount = { .low = m->low, .high = more ? 0 : m->high,
				 .approx = m->flags & MADE_APPROX,
				 .low_excl = more, .high_open = more };

	if (m->deal)
		msg_set(e, event, deal, world_deal(m->deal, a));
	if (m->payer) {
		e->from = names_of(&m->payer, 1, a);
		msg_mark(e, event, from);
	}
	if (m->payee) {
		e->to = names_of(&m->payee, 1, a);
		msg_mark(e, event, to);
	}
	if (m->grade)
		msg_set(e, event, grade, m->grade);
	if (m->flags & MADE_AMOUNT) {
		memcpy(amount.currency, world_currency(m->currency), sizeof(amount.currency));
		msg_set(e, event, amount, amount);
		if (m->basis != basis_cash)
			msg_set(e, event, basis, m->basis);
	}
	if (m->flags & MADE_ADDS)
		msg_set(e, event, adds, true);
	if (m->flags & MADE_RETURNED)
		msg_set(e, event, returned, true);
}

static void source_of(const struct made *m, struct arena *a, struct event *e)
{
	msg_set(&e->source, source, publisher, arena_printf(a, "The %u Gazette", m->n % 97));
	msg_set(&e->source, source, url,
		arena_printf(a, "https://news.example/%u/%u/what-was-said", m->n % 97, m->n));
	if (m->n % 3 == 0)
		msg_set(&e->source, source, quote,
			STR("People who know of the matter said that the sum may still change."));
	else
		msg_set(&e->source, source, title, STR("What is known of the agreement so far"));
	msg_mark(e, event, source);
}

enum err made_encode(const struct world *w, const struct made *m, struct arena *a, struct str *out)
{
	struct event e = { 0 };
	struct made other = { 0 };
	char day[DAY_TEXT_SIZE];
	struct buf bytes;

	msg_set(&e, event, id, id_of(w, m));
	msg_set(&e, event, kind, m->kind);
	day_format(WORLD_FIRST_DAY + m->stated, day);
	msg_set(&e, event, stated, arena_str(a, str_of(day)));
	source_of(m, a, &e);
	of_its_kind(w, m, a, &e);
	if (m->kind == kind_retract)
		msg_set(&e, event, reason, reason_source_withdrawn);
	else if (m->kind == kind_deal)
		msg_set(&e, event, deal, world_deal(m->deal, a));
	else
		statement(m, a, &e);
	if (m->ref) {
		msg_set(&e, event, ref, id_of(w, &w->v[w->seq_of[m->ref] - 1]));
		if (m->kind != kind_retract && m->kind != kind_cancel)
			msg_set(&e, event, reason, reason_source_corrected);
	}
	if (m->derived)
		msg_set(&e, event, derived_from, id_of(w, &w->v[w->seq_of[m->derived] - 1]));
	other.n = UINT32_MAX - m->n;
	if (m->flags & MADE_UNKNOWN_ORIGIN)
		msg_set(&e, event, derived_from, id_of(w, &other));
	buf_init(&bytes, EVENT_BYTES_MAX);
	enum err err = record_encode(&shape_event, &e, &bytes);
	if (!err)
		*out = arena_str(a, buf_str(&bytes));
	if (!err && !out->p)
		err = ERR_NO_MEMORY;
	buf_fini(&bytes);
	return err;
}
