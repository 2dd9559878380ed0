# SPDX-License-Identifier: Apache-2.0
"""Amounts: exact intervals of one currency, and money, which is intervals by currency.

Numbers are int and Fraction, in major units, never float. DECISIONS.md 16, 18, 34 to 39.
"""
import re
from fractions import Fraction

ZERO = Fraction(0)
UNKNOWN_CURRENCY = "XXX"

MULTIPLIERS = {"": 1, "k": 10**3, "m": 10**6, "mn": 10**6, "bn": 10**9, "tn": 10**12}
MINOR_UNITS_DEFAULT = 2
MINOR_UNITS = {code: digits for digits, codes in {
	0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
	3: "BHD IQD JOD KWD LYD OMR TND",
	4: "CLF UYW",
}.items() for code in codes.split()}


class BadAmount(ValueError):
	"""Text or an object that is no amount."""


class Interval:
	"""Numbers from low to high; None is an open bound. low_excl, high_excl: without the bound."""

	def __init__(self, low, high, low_excl=False, high_excl=False, approx=False):
		self.low, self.high = low, high
		self.low_excl = low_excl and low is not None
		self.high_excl = high_excl and high is not None
		self.approx = approx

	def key(self):
		return (self.low, self.high, self.low_excl, self.high_excl, self.approx)

	def __eq__(self, other):
		return self.key() == other.key()

	def __repr__(self):
		return "%s%s..%s%s%s" % (">" if self.low_excl else "", self.low,
			"<" if self.high_excl else "", self.high, "~" if self.approx else "")


NOTHING = Interval(ZERO, ZERO)


def add_bounds(a, b):
	return None if a is None or b is None else a + b


def add(a, b):
	return Interval(add_bounds(a.low, b.low), add_bounds(a.high, b.high),
		a.low_excl or b.low_excl, a.high_excl or b.high_excl, a.approx or b.approx)


def negate(a):
	return Interval(None if a.high is None else -a.high, None if a.low is None else -a.low,
		a.high_excl, a.low_excl, a.approx)


def subtract(a, b):
	return add(a, negate(b))


def never_below_nothing(a):
	"""The same money, where money below zero is none."""
	if a.high is not None and (a.high < 0 or (a.high == 0 and a.high_excl)):
		return Interval(ZERO, ZERO, approx=a.approx)
	if a.low is None or a.low < 0:
		return Interval(ZERO, a.high, False, a.high_excl, a.approx)
	return a


def hull(intervals):
	"""The smallest interval that spans them all."""
	if any(i.low is None for i in intervals):
		low, low_excl = None, False
	else:
		low = min(i.low for i in intervals)
		low_excl = all(i.low_excl for i in intervals if i.low == low)
	if any(i.high is None for i in intervals):
		high, high_excl = None, False
	else:
		high = max(i.high for i in intervals)
		high_excl = all(i.high_excl for i in intervals if i.high == high)
	return Interval(low, high, low_excl, high_excl, any(i.approx for i in intervals))


def above(a, b):
	"""Is a > b? "certain", "possible" or "no"."""
	if a.low is not None and b.high is not None:
		if a.low > b.high or (a.low == b.high and (a.low_excl or b.high_excl)):
			return "certain"
	if a.high is not None and b.low is not None and a.high <= b.low:
		return "no"
	return "possible"


def meet(a, b):
	return above(a, b) != "certain" and above(b, a) != "certain"


class Money:
	"""Intervals by currency, the number of undisclosed amounts beside them, and the statements
	that all this was computed from. Never changed once made."""

	def __init__(self, intervals=None, undisclosed=0, undisclosed_returned=0, used=()):
		self.intervals = dict(intervals or {})
		self.undisclosed = undisclosed
		self.undisclosed_returned = undisclosed_returned
		self.used = frozenset(used)

	def is_empty(self):
		return not self.intervals and not self.undisclosed

	def bounds(self, currency):
		"""What is known of this currency for comparing: undisclosed amounts open a bound."""
		known = self.intervals.get(currency, NOTHING)
		if self.undisclosed_returned:
			return Interval(None, None, approx=known.approx)
		if self.undisclosed:
			return Interval(known.low, None, known.low_excl, False, known.approx)
		return known

	def disclosed(self):
		return Money(self.intervals, used=self.used)


def money_sum(monies):
	intervals, undisclosed, returned, used = {}, 0, 0, set()
	for money in monies:
		for currency, interval in money.intervals.items():
			if currency in intervals:
				interval = add(intervals[currency], interval)
			intervals[currency] = interval
		undisclosed += money.undisclosed
		returned += money.undisclosed_returned
		used |= money.used
	return Money(intervals, undisclosed, returned, used)


def money_returned(money):
	"""What lowers a sum by this money."""
	return Money({c: negate(i) for c, i in money.intervals.items()}, money.undisclosed,
		money.undisclosed, money.used)


def money_hull(monies):
	"""What spans all these: a currency that one of them lacks is zero there."""
	currencies = {c for m in monies for c in m.intervals}
	return Money({c: hull([m.intervals.get(c, NOTHING) for m in monies]) for c in currencies},
		max(m.undisclosed for m in monies), max(m.undisclosed_returned for m in monies),
		{u for m in monies for u in m.used})


def money_beyond(whole, share):
	"""What the whole has beyond the share, for each currency of the whole, never below nothing."""
	return Money({c: never_below_nothing(subtract(i, share.bounds(c)))
		for c, i in whole.intervals.items()}, used=whole.used | share.used)


# ---- text ----

def decimal(number):
	"""Exact decimal text without exponent and without trailing zeros."""
	digits = 0
	while (number * 10**digits).denominator != 1:
		digits += 1
	units = int(number * 10**digits)
	sign, units = ("-", -units) if units < 0 else ("", units)
	whole, rest = divmod(units, 10**digits)
	return sign + str(whole) + ("." + str(rest).zfill(digits) if digits else "")


def round_half_even(number, digits):
	return Fraction(round(number * 10**digits), 10**digits)


def minor_units(currency):
	return MINOR_UNITS.get(currency, MINOR_UNITS_DEFAULT)


def interval_answer(interval, currency, undisclosed=0):
	def bound(number):
		if number is None:
			return None
		return decimal(round_half_even(number, minor_units(currency)))
	return {"low": bound(interval.low), "high": bound(interval.high),
		"low_excl": interval.low_excl, "high_excl": interval.high_excl,
		"approx": interval.approx, "undisclosed": undisclosed}


def money_answer(money):
	answer = {c: interval_answer(i, c) for c, i in sorted(money.intervals.items())}
	if money.undisclosed:
		answer[UNKNOWN_CURRENCY] = interval_answer(Interval(None, None), UNKNOWN_CURRENCY,
			money.undisclosed)
	return answer


NUMBER = r"([0-9]+(?:\.[0-9]+)?) ?(k|m|mn|bn|tn|)"
ONE = re.compile(r"(~?) ?(>=|<=|>|<|) ?%s ([A-Z]{3})" % NUMBER, re.IGNORECASE)
RANGE = re.compile(r"(~?) ?(?:(>=|>|) ?%s)? ?\.\. ?(?:(<=|<|) ?%s)? ([A-Z]{3})"
	% (NUMBER, NUMBER), re.IGNORECASE)


def number_of(digits, multiplier):
	return None if digits is None else Fraction(digits) * MULTIPLIERS[multiplier.lower()]


def parse_text(text):
	"""(currency, Interval) of people's text, as `15..25bn USD` or `>15bn..<25bn USD`."""
	match = RANGE.fullmatch(text)
	if match:
		approx, low_sign, low, low_by, high_sign, high, high_by, currency = match.groups()
		interval = Interval(number_of(low, low_by or high_by or ""), number_of(high, high_by),
			low_sign == ">", high_sign == "<", bool(approx))
	else:
		match = ONE.fullmatch(text)
		if not match:
			raise BadAmount(text)
		approx, sign, digits, by, currency = match.groups()
		n = number_of(digits, by)
		low, high = {"": (n, n), ">": (n, None), ">=": (n, None), "<": (ZERO, n),
			"<=": (ZERO, n)}[sign]
		interval = Interval(low, high, sign == ">", sign == "<", bool(approx))
	if None not in (interval.low, interval.high) and interval.low > interval.high:
		raise BadAmount(text)
	return currency.upper(), interval


def parse_object(fields):
	"""(currency, Interval) of an object: bounds as decimals in major units, null is open."""
	bounds = [None if fields.get(b) is None else Fraction(fields[b]) for b in ("low", "high")]
	return fields["currency"], Interval(*bounds, fields.get("low_excl", False),
		fields.get("high_excl", False), fields.get("approx", False))


def parse(amount):
	return parse_text(amount) if isinstance(amount, str) else parse_object(amount)
