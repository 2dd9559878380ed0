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


def rate_on(view, base, quote, day):
	"""How many `quote` one `base` costs; None where nothing says so."""
	held = [s for s in rates_of(view, base, quote)
		if s.decides.earliest is None or s.decides.earliest <= day]
	if not held:
		return None
	rate = Fraction(held[-1].fields["rate"])
	return rate if held[-1].fields["base"] == base else 1 / rate


def exchange(view, statement, currency, interval, target):
	"""The interval in the target currency, exact."""
	if currency == target:
		return interval
	day = dates.day_of(dates.day_of_instant(statement.first.stated))
	rate = rate_on(view, currency, target, day)
	if rate is None:
		raise MissingRate(statement, currency, target)
	return amounts.Interval(None if interval.low is None else interval.low * rate,
		None if interval.high is None else interval.high * rate,
		interval.low_excl, interval.high_excl, interval.approx)
