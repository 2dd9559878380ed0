# SPDX-License-Identifier: Apache-2.0
"""Rates: exchange of an amount on the day on which it was stated. DECISIONS.md 38."""
from fractions import Fraction

import amounts
import dates


class MissingRate(Exception):
	"""No rate for this pair on or before this day."""

	def __init__(self, statement, base, quote):
		super().__init__(statement, base, quote)
		self.statement = statement
		self.answer = {"error": "NO_RATE", "base": base, "quote": quote,
			"day": dates.day_of_instant(statement.first.stated)}


def rates_of(view, base, quote):
	"""The statements of rates between the two, by the day from which they hold, then in order."""
	found = [s for s in view.own
		if s.kind == "rate" and {s.fields["base"], s.fields["quote"]} == {base, quote}]
	return sorted(found, key=lambda s: (s.decides.earliest is not None,
		s.decides.earliest or 0, s.order()))


def held_on(view, base, quote, day):
	"""The statement of the rate that holds on this day; None where there is none."""
	held = [s for s in rates_of(view, base, quote)
		if s.decides.earliest is None or s.decides.earliest <= day]
	return held[-1] if held else None


def rate_for(view, statement, currency, target):
	"""That of the rate which converts an amount of this statement."""
	return held_on(view, currency, target,
		dates.day_of(dates.day_of_instant(statement.first.stated)))


def exchange(view, statement, currency, interval, target):
	"""The interval in the target currency, exact."""
	if currency == target:
		return interval
	held = rate_for(view, statement, currency, target)
	if held is None:
		raise MissingRate(statement, currency, target)
	rate = Fraction(held.fields["rate"])
	if held.fields["base"] != currency:
		rate = 1 / rate
	return amounts.Interval(None if interval.low is None else interval.low * rate,
		None if interval.high is None else interval.high * rate,
		interval.low_excl, interval.high_excl, interval.approx)
