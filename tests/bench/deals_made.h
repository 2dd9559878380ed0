/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deals_made: events of any number about deals and parties, the same for the same numbers: what
 * benchmarks of figures run on. Declarations of parties and rates come first, then deals begin one
 * after the other, and are talked of, announced, committed, paid, corrected, retold, cancelled over
 * ten years.
 */
#ifndef AVOW_TESTS_DEALS_MADE_H
#define AVOW_TESTS_DEALS_MADE_H

#include <stdarg.h>
#include <stdio.h>

#include "proto/msg.h"

struct made_sizes {
	uint64_t events;
	uint32_t deals, parties;
};
#define MADE_BUSY_EVERY 50u /* party-0 pays in each deal whose number this divides */
#define MADE_FIRST_DAY 16436 /* 2015-01-01 */
#define MADE_DAYS 3650
#define MADE_CURRENCIES 6u
#define MADE_RATES (120u * (MADE_CURRENCIES - 1)) /* one a month and currency */

/* What an event is made in: its texts lie here. */
struct made {
	char text[12][96];
	struct str list[8];
	struct link links[2];
	struct event event;
};

static inline unsigned long long made_mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* A number below n that belongs to this event (or deal) and purpose. */
static inline unsigned long long made_below(uint64_t of, unsigned purpose, uint64_t n)
{
	return made_mix(of * UINT64_C(0x9e3779b97f4a7c15) + purpose * UINT64_C(0x632be59bd9b4e019)) % n;
}

static inline void made_id(uint64_t seq, struct id *id)
{
	const uint64_t high = made_mix(seq), low = made_mix(seq + (UINT64_C(1) << 40));

	memcpy(id->b, &seq, 8); /* near together, as ids of version 7 are */
	for (unsigned i = 0; i < 6; i++)
		id->b[i] = (uint8_t)(seq >> (40 - 8 * i));
	memcpy(id->b + 6, &high, 2);
	memcpy(id->b + 8, &low, 8);
	id->b[6] = (uint8_t)((id->b[6] & 0x0f) | 0x70);
	id->b[8] = (uint8_t)((id->b[8] & 0x3f) | 0x80);
}

__attribute__((format(printf, 3, 4)))
static inline struct str made_text(struct made *m, unsigned slot, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const int size = vsnprintf(m->text[slot], sizeof(m->text[slot]), format, args);
	va_end(args);
	return (struct str){ m->text[slot], (size_t)size };
}

static const char *const made_codes[MADE_CURRENCIES] = { "USD", "EUR", "GBP", "JPY", "CNY", "CAD" };

static inline void made_party(struct made *m, unsigned long long number)
{
	struct event *e = &m->event;

	msg_set(e, event, kind, kind_party);
	msg_set(e, event, party, made_text(m, 0, "party-%llu", number));
	msg_set(e, event, name, made_text(m, 1, "Party Number %llu", number));
	msg_set(e, event, type, party_type_company);
	msg_set(e, event, stated, STR("2015-01-01"));
}

static inline void made_rate(struct made *m, unsigned long long number)
{
	struct event *e = &m->event;
	char day[DAY_TEXT_SIZE];

	day_format((int32_t)(MADE_FIRST_DAY + number / (MADE_CURRENCIES - 1) * 30), day);
	msg_set(e, event, kind, kind_rate);
	msg_set(e, event, base, str_of(made_codes[1 + number % (MADE_CURRENCIES - 1)]));
	msg_set(e, event, quote, STR("USD"));
	msg_set(e, event, rate, made_text(m, 0, "1.%03llu", 100 + made_below(number, 1, 900)));
	(void)snprintf(m->text[1], sizeof(m->text[1]), "%s", day);
	msg_set(e, event, stated, str_of(m->text[1]));
}

/* The payers of a deal, 1 to 3 of them; the first is the one that is meant without saying. */
static inline unsigned long long made_payer(const struct made_sizes *sizes, unsigned long long deal, uint64_t which)
{
	if (which == 0 && deal % MADE_BUSY_EVERY == 0)
		return 0;
	return 1 + made_below(deal, 10 + (unsigned)which, sizes->parties - 1);
}

static inline void made_deal(struct made *m, const struct made_sizes *sizes, unsigned long long deal)
{
	struct event *e = &m->event;
	const uint64_t payers = 1 + made_below(deal, 1, 3);

	msg_set(e, event, kind, kind_deal);
	msg_set(e, event, title, made_text(m, 1, "The deal of number %llu", deal));
	for (uint64_t i = 0; i < payers; i++)
		m->list[i] = made_text(m, 2 + (unsigned)i, "party-%llu", made_payer(sizes, deal, i));
	e->from = (struct str_list){ m->list, payers };
	msg_mark(e, event, from);
	m->list[4] = made_text(m, 5, "party-%llu", 1 + made_below(deal, 20, sizes->parties - 1));
	e->to = (struct str_list){ &m->list[4], 1 };
	msg_mark(e, event, to);
	if (deal > 10 && made_below(deal, 2, 10) == 0) {
		m->links[0] = (struct link){ 0 };
		msg_set(&m->links[0], link, type, made_below(deal, 3, 10) ? link_type_part_of
									  : link_type_supersedes);
		msg_set(&m->links[0], link, deal,
			made_text(m, 6, "deal-%llu", deal - 1 - made_below(deal, 4, 10)));
		e->links = (struct link_list){ m->links, 1 };
		msg_mark(e, event, links);
	}
}

/* An earlier event of the same deal, 0 where there is none near. */
static inline unsigned long long made_earlier(const struct made_sizes *sizes, uint64_t seq)
{
	return seq > 3 * (uint64_t)sizes->deals ? seq - sizes->deals : 0;
}

static inline void made_money(struct made *m, const struct made_sizes *sizes, uint64_t seq,
			      unsigned long long deal)
{
	static const enum kind kinds[20] = { kind_commit, kind_commit, kind_commit, kind_commit,
		kind_commit, kind_pay, kind_pay, kind_pay, kind_pay, kind_pay, kind_pay,
		kind_announce, kind_announce, kind_announce, kind_announce, kind_talks, kind_talks,
		kind_talks, kind_rumour, kind_close };
	struct event *e = &m->event;

	msg_set(e, event, kind, (int)kinds[made_below(seq, 1, 20)]);
	if (made_below(seq, 2, 200) == 0) {
		msg_set(e, event, kind, kind_cancel);
		return;
	}
	const uint64_t payers = 1 + made_below(deal, 1, 3);
	if (made_below(seq, 3, 10) < 6) {
		m->list[0] = made_text(m, 1, "party-%llu",
				       made_payer(sizes, deal, made_below(seq, 4, payers)));
		e->from = (struct str_list){ m->list, 1 };
		msg_mark(e, event, from);
	}
	if (made_below(seq, 5, 20) == 0)
		return;
	const int64_t low = (int64_t)(1 + made_below(seq, 6, 1000)) * 100000000;
	struct amount amount = { .low = low, .high = low };
	if (made_below(seq, 7, 4) == 0)
		amount.high = low * 2;
	const uint64_t other = made_below(deal, 8, 10);
	memcpy(amount.currency, made_codes[other < MADE_CURRENCIES ? other : 0], 4);
	msg_set(e, event, amount, amount);
	if (e->kind != kind_pay && made_below(seq, 9, 10) == 0)
		msg_set(e, event, adds, true);
}

/* Event `seq`, from 1; it lies in m. */
static inline void made_event(struct made *m, const struct made_sizes *sizes,
			      unsigned long long seq)
{
	static const enum grade grades[4] = { grade_official, grade_press, grade_press,
					      grade_anonymous };
	struct event *e = &m->event;
	unsigned long long n = seq - 1;
	char day[DAY_TEXT_SIZE];

	*e = (struct event){ 0 };
	made_id(seq, &e->id);
	msg_mark(e, event, id);
	msg_mark(e, event, source);
	msg_set(&e->source, source, publisher, made_text(m, 7, "Gazette %llu", made_below(seq, 30, 200)));
	msg_set(&e->source, source, url,
		made_text(m, 8, "https://news.example/articles/%llu.html", seq));
	if (n < sizes->parties) {
		made_party(m, n);
		return;
	}
	n -= sizes->parties;
	if (n < MADE_RATES) {
		made_rate(m, n);
		return;
	}
	n -= MADE_RATES;
	const unsigned long long deal = n % sizes->deals;
	msg_set(e, event, deal, made_text(m, 0, "deal-%llu", deal));
	if (n < sizes->deals)
		made_deal(m, sizes, deal);
	else
		made_money(m, sizes, seq, deal);
	const uint64_t total = sizes->events - sizes->parties - MADE_RATES;
	day_format((int32_t)(MADE_FIRST_DAY + n * MADE_DAYS / total + made_below(seq, 31, 20)), day);
	(void)snprintf(m->text[9], sizeof(m->text[9]), "%s", day);
	msg_set(e, event, stated, str_of(m->text[9]));
	if (e->kind == kind_deal)
		return;
	msg_set(e, event, grade, (int)grades[made_below(seq, 32, 4)]);
	const uint64_t earlier = made_earlier(sizes, seq), turn = made_below(seq, 33, 100);
	if (!earlier || turn >= 8)
		return;
	if (turn < 5) {
		made_id(earlier, &e->derived_from);
		msg_mark(e, event, derived_from);
	} else if (turn < 7) {
		made_id(earlier, &e->ref);
		msg_mark(e, event, ref);
		msg_set(e, event, reason, reason_typo);
	} else {
		*e = (struct event){ .id = e->id, .source = e->source, .stated = e->stated };
		e->has = UINT64_C(1) << event_HAS_id | UINT64_C(1) << event_HAS_source |
			 UINT64_C(1) << event_HAS_stated;
		msg_set(e, event, kind, kind_retract);
		made_id(earlier, &e->ref);
		msg_mark(e, event, ref);
		msg_set(e, event, reason, reason_other);
	}
}

#endif
