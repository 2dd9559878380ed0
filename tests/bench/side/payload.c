/* SPDX-License-Identifier: Apache-2.0 */
/*
 * payload: one event is encoded once, with marks where something changes from event to event; then
 * only those places are written, so that making an event costs about as much as copying it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/bench/side/payload.h"

#define DAY_FIRST 7305 /* 2020-01-01 in days since 2000-01-01 */
#define DAY_STEP 28
#define DAYS_TO_2000 10957 /* since 1970-01-01 */
#define TEXT_WORDS 8u
#define MARK_LOW INT64_C(0x0102030405060708)
#define MARK_HIGH INT64_C(0x0102030405060709)
#define CENTS_STEP INT64_C(10000000000) /* beyond 32 bits: every amount takes as many bytes */

uint64_t payload_mix(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t payload_amount(uint64_t n)
{
	return (int64_t)(n % 977 + 1) * CENTS_STEP;
}

static unsigned day_number(uint64_t n)
{
	return (unsigned)(n / PAYLOAD_BLOCK % PAYLOAD_DAYS);
}

int32_t payload_day(uint64_t n)
{
	return DAY_FIRST + DAY_STEP * (int32_t)day_number(n);
}

static void put_digits(char *at, unsigned digits, uint64_t number)
{
	for (unsigned i = digits; i-- > 0; number /= 10)
		at[i] = (char)('0' + number % 10);
}

static uint64_t deal_of(uint64_t n)
{
	return n / (PAYLOAD_BLOCK * PAYLOAD_DAYS) * PAYLOAD_BLOCK + n % PAYLOAD_BLOCK;
}

void payload_deal(uint64_t n, char text[PAYLOAD_DEAL_SIZE + 1])
{
	memcpy(text, "deal-", 5);
	put_digits(text + 5, PAYLOAD_DEAL_SIZE - 5, deal_of(n));
	text[PAYLOAD_DEAL_SIZE] = 0;
}

static void make_days(struct payload *p)
{
	for (int k = 0; k < (int)PAYLOAD_DAYS; k++) {
		const time_t t = (time_t)(DAYS_TO_2000 + DAY_FIRST + DAY_STEP * k) * 86400;
		struct tm utc;
		(void)gmtime_r(&t, &utc);
		(void)strftime(p->days[k], sizeof(p->days[k]), "%Y-%m-%d", &utc);
	}
}

static void put_be64(char *at, uint64_t number)
{
	for (unsigned i = 8; i-- > 0; number >>= 8)
		at[i] = (char)(number & 0xff);
}

void payload_now(struct payload *p)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	p->id_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void payload_set(struct payload *p, uint64_t n)
{
	char deal[PAYLOAD_DEAL_SIZE + 1];
	const uint64_t high = payload_mix(&p->random);
	uint64_t low = payload_mix(&p->random);

	p->number = n;
	put_be64(p->id, p->id_ms << 16 | 0x7000 | (high & 0xfff)); /* version 7 */
	put_be64(p->id + 8, low >> 2 | UINT64_C(1) << 63);
	payload_deal(n, deal);
	memcpy(p->deal, deal, PAYLOAD_DEAL_SIZE);
	put_digits(p->payer + 6, 3, n / PAYLOAD_BLOCK % 5 + n % 500);
	memcpy(p->stated, p->days[day_number(n)], PAYLOAD_STATED_SIZE);
	put_be64(p->low, (uint64_t)payload_amount(n));
	put_be64(p->high, (uint64_t)payload_amount(n));
	put_digits(p->url, 10, n);
	low = payload_mix(&p->random);
	for (unsigned i = 0; i + 1 < TEXT_WORDS; i++, low >>= 8)
		memcpy(p->text + i * PAYLOAD_WORD_SIZE, p->words[low & 0xff], PAYLOAD_WORD_SIZE);
}

/* Where a mark stands in the event. */
static char *place(struct payload *p, const void *mark, size_t n)
{
	char *at = memmem(p->bytes, p->n, mark, n);

	require(at);
	return at;
}

static void find_places(struct payload *p, const struct id *id, const char *text)
{
	char low[8], high[8];

	put_be64(low, (uint64_t)MARK_LOW);
	put_be64(high, (uint64_t)MARK_HIGH);
	p->id = place(p, id->b, ID_SIZE);
	p->deal = place(p, "deal-000000000", PAYLOAD_DEAL_SIZE);
	p->payer = place(p, "payer-000", PAYLOAD_PAYER_SIZE);
	p->stated = place(p, "2020-01-01", PAYLOAD_STATED_SIZE);
	p->low = place(p, low, sizeof(low));
	p->high = place(p, high, sizeof(high));
	p->url = place(p, "0123456789", 10);
	p->text = place(p, text, strlen(text));
}

static void make_words(struct payload *p)
{
	uint64_t state = 1;

	for (size_t w = 0; w < PAYLOAD_WORDS; w++) {
		uint64_t r = payload_mix(&state);
		for (size_t i = 0; i + 1 < PAYLOAD_WORD_SIZE; i++, r >>= 8)
			p->words[w][i] = i % 2 ? "aeiou"[(r & 0xff) % 5] : "bcdfghklmnprstvz"[r & 0xf];
		p->words[w][PAYLOAD_WORD_SIZE - 1] = ' ';
	}
}

enum err payload_init(struct payload *p, uint64_t seed)
{
	char text[TEXT_WORDS * PAYLOAD_WORD_SIZE + 1];
	struct str payer = STR("payer-000"), payee = STR("payee-of-all");
	struct event e = { 0 };
	struct id id;
	struct buf b;

	payload_now(p);
	id_make(0, id.b);
	memcpy(&p->random, id.b + ID_SIZE - sizeof(p->random), sizeof(p->random));
	p->random += seed;
	make_words(p);
	make_days(p);
	(void)memset(text, '-', sizeof(text));
	(void)snprintf(text + sizeof(text) - 8, 8, "nobody.");
	(void)memset(e.id.b, 0xa5, sizeof(e.id.b));
	msg_mark(&e, event, id);
	msg_set(&e, event, kind, kind_announce);
	msg_set(&e, event, deal, STR("deal-000000000"));
	e.from = (struct str_list){ &payer, 1 };
	msg_mark(&e, event, from);
	e.to = (struct str_list){ &payee, 1 };
	msg_mark(&e, event, to);
	e.amount = (struct amount){ .low = MARK_LOW, .high = MARK_HIGH, .currency = "USD" };
	msg_mark(&e, event, amount);
	msg_set(&e, event, stated, STR("2020-01-01"));
	msg_set(&e.source, source, url, STR("https://example.org/0123456789"));
	msg_set(&e.source, source, publisher, STR("Example Wire"));
	msg_set(&e.source, source, title, str_of(text));
	msg_mark(&e, event, source);
	msg_set(&e, event, grade, grade_press);
	buf_init(&b, sizeof(p->bytes));
	const enum err err = record_encode(&shape_event, &e, &b);
	if (!err) {
		memcpy(p->bytes, b.p, b.n);
		p->n = b.n;
		find_places(p, &e.id, text);
	}
	buf_fini(&b);
	return err;
}
