/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exact: sums of integers times rates.
 *
 * To compare or round one, it is written as one fraction: numerator and denominator are big
 * numbers, made of 32-bit limbs, least significant first. Direct rates have powers of ten below the
 * line, which RATIO_TENS clears, so only inverse ones make the denominator grow.
 */
#include "services/fold/exact.h"

#define TERMS_MAX ((size_t)1 << 16)

struct ratio ratio_of(struct decimal rate, bool inverse, unsigned digits_from, unsigned digits_to)
{
	const unsigned tens = RATIO_TENS + digits_to - digits_from;

	require(rate.units > 0 && rate.scale <= 18 && digits_from <= 4 && digits_to <= 4);
	if (inverse)
		return (struct ratio){ 1, (uint64_t)rate.units, tens + rate.scale };
	return (struct ratio){ (uint64_t)rate.units, 1, tens - rate.scale };
}

/* ---- sums ---- */

enum err bound_at(struct arena *a, int64_t n, uint32_t ratio, struct bound *out)
{
	struct terms *t = arena_alloc(a, sizeof(*t) + sizeof(t->v[0]));

	if (!t)
		return ERR_NO_MEMORY;
	t->n = 1;
	t->v[0] = (struct term){ n, ratio };
	*out = (struct bound){ 0, t };
	return ERR_OK;
}

static enum err terms_add(struct arena *a, const struct terms *x, const struct terms *y,
			  const struct terms **out)
{
	size_t i = 0, j = 0;

	if (!x || !y) {
		*out = x ? x : y;
		return ERR_OK;
	}
	if (x->n + y->n > TERMS_MAX)
		return ERR_OVERFLOW;
	struct terms *t = arena_alloc(a, sizeof(*t) + (x->n + y->n) * sizeof(t->v[0]));
	if (!t)
		return ERR_NO_MEMORY;
	t->n = 0;
	while (i < x->n || j < y->n) {
		struct term *to = &t->v[t->n++];
		if (j == y->n || (i < x->n && x->v[i].ratio < y->v[j].ratio)) {
			*to = x->v[i++];
		} else if (i == x->n || y->v[j].ratio < x->v[i].ratio) {
			*to = y->v[j++];
		} else {
			*to = x->v[i++];
			if (__builtin_add_overflow(to->n, y->v[j++].n, &to->n))
				return ERR_OVERFLOW;
		}
	}
	*out = t;
	return ERR_OK;
}

enum err bound_add(struct arena *a, struct bound x, struct bound y, struct bound *out)
{
	if (__builtin_add_overflow(x.n, y.n, &out->n))
		return ERR_OVERFLOW;
	if (!x.terms && !y.terms) {
		out->terms = NULL;
		return ERR_OK;
	}
	return terms_add(a, x.terms, y.terms, &out->terms);
}

enum err bound_negate(struct arena *a, struct bound x, struct bound *out)
{
	const struct terms *from = x.terms;

	*out = (struct bound){ .n = -x.n };
	if (!from)
		return ERR_OK;
	struct terms *t = arena_alloc(a, sizeof(*t) + from->n * sizeof(t->v[0]));
	if (!t)
		return ERR_NO_MEMORY;
	t->n = from->n;
	for (size_t i = 0; i < t->n; i++)
		t->v[i] = (struct term){ -from->v[i].n, from->v[i].ratio };
	out->terms = t;
	return ERR_OK;
}

/* ---- big numbers ---- */

struct big {
	uint32_t *limb;
	size_t n, cap;
	bool negative; /* never of zero */
};

static enum err big_new(struct arena *a, size_t cap, struct big *b)
{
	*b = (struct big){ .limb = arena_zalloc(a, cap, sizeof(b->limb[0])), .cap = cap };
	return b->limb ? ERR_OK : ERR_NO_MEMORY;
}

static void big_trim(struct big *b)
{
	while (b->n && b->limb[b->n - 1] == 0)
		b->n--;
	if (b->n == 0)
		b->negative = false;
}

static void big_push(struct big *b, uint32_t limb)
{
	ensure(b->n < b->cap);
	b->limb[b->n++] = limb;
}

static void big_mul32(struct big *b, uint32_t by)
{
	uint64_t carry = 0;

	for (size_t i = 0; i < b->n; i++) {
		carry += (uint64_t)b->limb[i] * by;
		b->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		big_push(b, (uint32_t)carry);
	big_trim(b);
}


static uint64_t big_mod(const struct big *b, uint64_t by)
{
	uwide rest = 0;

	for (size_t i = b->n; i-- > 0;)
		rest = (rest << 32 | b->limb[i]) % by;
	return (uint64_t)rest;
}

/* b / by, which must leave no rest. */
static void big_divide(struct big *b, uint64_t by)
{
	uwide rest = 0;

	for (size_t i = b->n; i-- > 0;) {
		rest = rest << 32 | b->limb[i];
		b->limb[i] = (uint32_t)(rest / by);
		rest %= by;
	}
	ensure(rest == 0);
	big_trim(b);
}

static void big_mul(struct big *b, uint64_t by)
{
	uwide carry = 0;

	for (size_t i = 0; i < b->n; i++) {
		carry += (uwide)b->limb[i] * by;
		b->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	for (; carry; carry >>= 32)
		big_push(b, (uint32_t)carry);
	big_trim(b);
}

static void big_mul_tens(struct big *b, unsigned tens)
{
	for (; tens >= 9; tens -= 9)
		big_mul32(b, 1000000000u);
	for (; tens; tens--)
		big_mul32(b, 10u);
}

/* Below, equal or above, without the signs. */
static int big_cmp(const struct big *x, const struct big *y)
{
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	for (size_t i = x->n; i-- > 0;)
		if (x->limb[i] != y->limb[i])
			return x->limb[i] < y->limb[i] ? -1 : 1;
	return 0;
}

/* x -= y, without the signs; x >= y. */
static void big_lower(struct big *x, const struct big *y)
{
	int64_t borrow = 0;

	for (size_t i = 0; i < x->n; i++) {
		borrow += (int64_t)x->limb[i] - (i < y->n ? (int64_t)y->limb[i] : 0);
		x->limb[i] = (uint32_t)borrow;
		borrow >>= 32;
	}
	ensure(borrow == 0);
	big_trim(x);
}

static void big_raise(struct big *x, const struct big *y)
{
	uint64_t carry = 0;

	while (x->n < y->n)
		big_push(x, 0);
	for (size_t i = 0; i < x->n; i++) {
		carry += (uint64_t)x->limb[i] + (i < y->n ? y->limb[i] : 0);
		x->limb[i] = (uint32_t)carry;
		carry >>= 32;
	}
	if (carry)
		big_push(x, (uint32_t)carry);
}

/* x += y with signs; y may be changed. */
static void big_add(struct big *x, struct big *y)
{
	if (x->negative == y->negative) {
		big_raise(x, y);
	} else if (big_cmp(x, y) >= 0) {
		big_lower(x, y);
	} else {
		const struct big t = *x;
		*x = *y;
		*y = t;
		big_lower(x, y);
	}
}

static void big_set(struct big *b, wide n)
{
	uwide rest = n < 0 ? -(uwide) n
						     : (uwide) n;

	b->n = 0;
	for (; rest; rest >>= 32)
		big_push(b, (uint32_t)rest);
	b->negative = n < 0;
}

static enum err big_copy(struct arena *a, const struct big *from, size_t cap, struct big *to)
{
	TRY(big_new(a, cap, to));
	memcpy(to->limb, from->limb, from->n * sizeof(to->limb[0]));
	to->n = from->n;
	to->negative = from->negative;
	return ERR_OK;
}

/* ---- fractions ---- */

struct fraction {
	struct big num, den; /* the number times 10^RATIO_TENS is num / den */
	size_t cap;
};

static uint64_t gcd(uint64_t x, uint64_t y)
{
	while (y) {
		const uint64_t rest = x % y;
		x = y;
		y = rest;
	}
	return x;
}

/* f += n * ratio */
static enum err fraction_add(struct arena *a, struct fraction *f, wide n, const struct ratio *r)
{
	struct big scaled, one;

	const uint64_t shared = gcd(big_mod(&f->den, r->den), r->den);
	/* over the common denominator den * (r->den / shared), n stands times den / shared */
	TRY(big_copy(a, &f->den, f->cap, &scaled));
	big_divide(&scaled, shared);
	big_mul(&scaled, r->num);
	big_mul_tens(&scaled, r->tens);
	TRY(big_new(a, f->cap, &one));
	big_set(&one, n);
	const bool negative = one.negative;
	if (one.n == 0)
		return ERR_OK;
	/* scaled * |n|, n in two halves of 64 bits */
	struct big low;
	const uint64_t halves[2] = {
		(uint64_t)one.limb[0] | (one.n > 1 ? (uint64_t)one.limb[1] << 32 : 0),
		(one.n > 2 ? one.limb[2] : 0) | (one.n > 3 ? (uint64_t)one.limb[3] << 32 : 0)
	};
	TRY(big_copy(a, &scaled, f->cap, &low));
	big_mul(&low, halves[0]);
	big_mul(&scaled, halves[1]);
	if (scaled.n) {
		big_mul(&scaled, (uint64_t)1 << 32);
		big_mul(&scaled, (uint64_t)1 << 32);
	}
	big_add(&low, &scaled);
	low.negative = negative && low.n;
	big_mul(&f->num, r->den / shared);
	big_mul(&f->den, r->den / shared);
	big_add(&f->num, &low);
	return ERR_OK;
}

static enum err fraction_of(const struct ratios *ratios, struct arena *a, struct bound x,
			    struct fraction *f)
{
	static const struct ratio whole = { 1, 1, RATIO_TENS };
	const size_t terms = x.terms ? x.terms->n : 0;

	/* 128 bits of a term, 174 of its tens, 64 of its rate, and 64 for each denominator */
	f->cap = 16 + 2 * terms;
	TRY(big_new(a, f->cap, &f->num));
	TRY(big_new(a, f->cap, &f->den));
	big_set(&f->den, 1);
	for (size_t i = 0; i < terms; i++)
		TRY(fraction_add(a, f, x.terms->v[i].n, &ratios->v[x.terms->v[i].ratio]));
	return fraction_add(a, f, x.n, &whole);
}

enum err bound_cmp(const struct ratios *ratios, struct arena *a, struct bound x, struct bound y,
		   int *order)
{
	struct fraction f;
	struct bound less, difference;

	if (!x.terms && !y.terms) {
		*order = x.n < y.n ? -1 : x.n > y.n;
		return ERR_OK;
	}
	TRY(bound_negate(a, y, &less));
	TRY(bound_add(a, x, less, &difference));
	TRY(fraction_of(ratios, a, difference, &f));
	*order = f.num.n == 0 ? 0 : f.num.negative ? -1 : 1;
	return ERR_OK;
}

/* num / den as an integer and a rest, which stays in num. */
static enum err divide(struct arena *a, struct fraction *f, uint64_t *quotient)
{
	struct big shifted;

	*quotient = 0;
	for (unsigned bit = 64; bit-- > 0;) {
		TRY(big_copy(a, &f->den, f->cap + 3, &shifted));
		big_mul(&shifted, (uint64_t)1 << bit);
		if (big_cmp(&f->num, &shifted) >= 0) {
			if (bit == 63)
				return ERR_OVERFLOW;
			big_lower(&f->num, &shifted);
			*quotient |= (uint64_t)1 << bit;
		}
	}
	return big_cmp(&f->num, &f->den) < 0 ? ERR_OK : ERR_OVERFLOW;
}

enum err bound_round(const struct ratios *ratios, struct arena *a, struct bound x, int64_t *out)
{
	struct fraction f;
	uint64_t quotient;

	if (!x.terms) {
		*out = (int64_t)x.n;
		return *out == x.n ? ERR_OK : ERR_OVERFLOW;
	}
	TRY(fraction_of(ratios, a, x, &f));
	f.cap += 4; /* for 10^RATIO_TENS */
	struct big den;
	TRY(big_copy(a, &f.den, f.cap, &den));
	f.den = den;
	big_mul_tens(&f.den, RATIO_TENS);
	const bool negative = f.num.negative;
	TRY(divide(a, &f, &quotient));
	TRY(big_copy(a, &f.num, f.cap + 1, &den));
	big_mul32(&den, 2);
	const int half = big_cmp(&den, &f.den);
	if (half > 0 || (half == 0 && quotient & 1))
		quotient++;
	if (quotient > INT64_MAX)
		return ERR_OVERFLOW;
	*out = negative ? -(int64_t)quotient : (int64_t)quotient;
	return ERR_OK;
}
