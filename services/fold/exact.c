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

/* 10^(tens - RATIO_TENS) / den as a number of 64 bits and a shift, cut off. */
static void ratio_about(struct ratio *r)
{
	uwide m = 1;
	int shift = 0;

	for (int tens = (int)r->tens - RATIO_TENS; tens; tens += tens < 0 ? 1 : -1) {
		for (; m < (uwide)1 << 120; shift++)
			m <<= 1;
		if (tens < 0) {
			m /= 10;
			continue;
		}
		m = (m >> 4) * 10;
		shift -= 4;
	}
	for (; m < (uwide)1 << 126; shift++)
		m <<= 1;
	m /= r->den;
	for (; m >= (uwide)1 << 64; shift--)
		m >>= 1;
	r->about = (uint64_t)m;
	r->shift = shift;
}

struct ratio ratio_direct(unsigned scale, unsigned digits_from, unsigned digits_to)
{
	struct ratio r = { .den = 1, .tens = RATIO_TENS + digits_to - digits_from - scale };

	require(scale <= 18 && digits_from <= 4 && digits_to <= 4);
	ratio_about(&r);
	return r;
}

struct ratio ratio_inverse(struct decimal rate, unsigned digits_from, unsigned digits_to)
{
	struct ratio r = { .den = (uint64_t)rate.units,
		.tens = RATIO_TENS + digits_to - digits_from + rate.scale };

	require(rate.units > 0 && rate.scale <= 18 && digits_from <= 4 && digits_to <= 4);
	ratio_about(&r);
	return r;
}

/* ---- sums ---- */

static struct terms *terms_new(struct arena *a, size_t cap)
{
	struct terms *t = arena_alloc(a, sizeof(*t) + cap * sizeof(t->v[0]));

	if (t)
		*t = (struct terms){ .cap = cap };
	return t;
}

enum err bound_at(struct arena *a, wide n, uint32_t ratio, struct bound *out)
{
	struct terms *t = terms_new(a, 1);

	if (!t)
		return ERR_NO_MEMORY;
	t->n = 1;
	t->v[0] = (struct term){ n, ratio };
	*out = (struct bound){ 0, t };
	return ERR_OK;
}

enum err bound_copy_terms(struct arena *a, struct bound x, struct bound *out)
{
	*out = x;
	out->terms = terms_new(a, x.terms->n);
	if (!out->terms)
		return ERR_NO_MEMORY;
	out->terms->n = x.terms->n;
	memcpy(out->terms->v, x.terms->v, x.terms->n * sizeof(x.terms->v[0]));
	return ERR_OK;
}

/* x += y, both sorted, from the last to the first, so that x can be its own destination. */
static enum err terms_merge(struct terms *x, const struct terms *y, size_t extra)
{
	size_t i = x->n, j = y->n, to = x->n + extra;

	x->n = to;
	while (j > 0) {
		if (i > 0 && x->v[i - 1].ratio > y->v[j - 1].ratio) {
			x->v[--to] = x->v[--i];
		} else if (i > 0 && x->v[i - 1].ratio == y->v[j - 1].ratio) {
			struct term sum = x->v[--i];
			if (__builtin_add_overflow(sum.n, y->v[--j].n, &sum.n))
				return ERR_OVERFLOW;
			x->v[--to] = sum;
		} else {
			x->v[--to] = y->v[--j];
		}
	}
	ensure(to == i);
	return ERR_OK;
}

/* How many of y's ratios x lacks. */
static size_t terms_lacking(const struct terms *x, const struct terms *y)
{
	size_t lacking = 0, i = 0;

	for (size_t j = 0; j < y->n; j++) {
		while (i < x->n && x->v[i].ratio < y->v[j].ratio)
			i++;
		lacking += i == x->n || x->v[i].ratio != y->v[j].ratio;
	}
	return lacking;
}

enum err bound_raise_terms(struct arena *a, struct bound *x, struct bound y)
{
	if (__builtin_add_overflow(x->n, y.n, &x->n))
		return ERR_OVERFLOW;
	const size_t n = x->terms ? x->terms->n : 0;
	const size_t extra = x->terms ? terms_lacking(x->terms, y.terms) : y.terms->n;
	if (n + extra > TERMS_MAX)
		return ERR_OVERFLOW;
	if (!x->terms || n + extra > x->terms->cap) {
		struct terms *more = terms_new(a, n ? 2 * (n + extra) : extra);
		if (!more)
			return ERR_NO_MEMORY;
		more->n = n;
		if (n)
			memcpy(more->v, x->terms->v, n * sizeof(more->v[0]));
		x->terms = more;
	}
	return terms_merge(x->terms, y.terms, extra);
}

enum err bound_add(struct arena *a, struct bound x, struct bound y, struct bound *out)
{
	if (!x.terms && !y.terms) {
		out->terms = NULL;
		return __builtin_add_overflow(x.n, y.n, &out->n) ? ERR_OVERFLOW : ERR_OK;
	}
	TRY(bound_copy(a, x, out));
	return bound_raise(a, out, y);
}

enum err bound_negate(struct arena *a, struct bound x, struct bound *out)
{
	TRY(bound_copy(a, x, out));
	bool over = __builtin_sub_overflow((wide)0, x.n, &out->n);
	for (size_t i = 0; out->terms && i < out->terms->n; i++) {
		wide *n = &out->terms->v[i].n;
		over |= __builtin_sub_overflow((wide)0, *n, n);
	}
	return over ? ERR_OVERFLOW : ERR_OK;
}

/* ---- quick comparison ---- */

#define ABOUT_BITS 24 /* behind the point */
#define ABOUT_MAX ((wide)1 << 90)

/* The sum times 2^ABOUT_BITS, at most `error` off; false where it is too large to tell. */
static bool about(const struct ratios *ratios, struct bound x, wide *sum, wide *error)
{
	if (x.n > ABOUT_MAX || x.n < -ABOUT_MAX)
		return false;
	*sum = x.n * ((wide)1 << ABOUT_BITS);
	*error = 0;
	for (size_t i = 0; x.terms && i < x.terms->n; i++) {
		const struct term *t = &x.terms->v[i];
		const struct ratio *r = &ratios->v[t->ratio];
		uwide size = t->n < 0 ? -(uwide)t->n : (uwide)t->n;
		int shift = r->shift - ABOUT_BITS;
		for (; size >> 62; shift--)
			size >>= 1;
		if (shift < 0 || shift > 126)
			return false;
		const wide term = (wide)(size * r->about >> shift);
		if (term > ABOUT_MAX)
			return false;
		*sum += t->n < 0 ? -term : term;
		*error += (term >> 60) + 2;
	}
	return true;
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
	static const struct ratio whole = { .den = 1, .tens = RATIO_TENS };
	const size_t terms = x.terms ? x.terms->n : 0;

	/* 128 bits of a term, 174 of its tens, some for carries, and 64 for each denominator */
	f->cap = 16 + 2 * terms;
	TRY(big_new(a, f->cap, &f->num));
	TRY(big_new(a, f->cap, &f->den));
	big_set(&f->den, 1);
	for (size_t i = 0; i < terms; i++)
		TRY(fraction_add(a, f, x.terms->v[i].n, &ratios->v[x.terms->v[i].ratio]));
	return fraction_add(a, f, x.n, &whole);
}

enum err bound_cmp_terms(const struct ratios *ratios, struct arena *a, struct bound x,
			 struct bound y, int *order)
{
	struct fraction f;
	struct bound less, difference;
	wide about_x, about_y, off_x, off_y;

	if (about(ratios, x, &about_x, &off_x) && about(ratios, y, &about_y, &off_y)) {
		const wide sum = about_x - about_y, off = off_x + off_y;
		*order = sum < 0 ? -1 : 1;
		if (sum > off || sum < -off)
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
