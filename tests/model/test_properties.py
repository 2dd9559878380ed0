# SPDX-License-Identifier: Apache-2.0
"""What must hold of every figure of the plain model, on random sets of events."""
import random
import unittest

from hypothesis import given, settings, strategies

import amounts
import dates
import events
import generate
from avow_model import Model
from deals import Deals
from figures import RUNGS, Figures

settings.register_profile("avow", max_examples=40, deadline=None, derandomize=True,
	database=None)
settings.load_profile("avow")
SEEDS = strategies.integers(0, 2**32)
COUNTS = strategies.integers(1, 45)
POLICIES = strategies.sampled_from(["best", "latest", "hull"])


def everything(list_of_fields, **ask):
	"""All figures, without the numbers of events and copies, which are no amounts."""
	model = Model(list_of_fields)
	answers = {d: model.ask({"figure": "deal", "deal": d, **ask}) for d in generate.DEALS}
	for answer in answers.values():
		del answer["events"], answer["copies"]
	for figure in ("flows", "reconcile", "anomalies", "cycles"):
		answers[figure] = model.ask({"figure": figure, **ask})
	return answers


def with_distinct_instants(list_of_fields, chooser):
	"""The same events, each with an instant of its own, in an order that repairs allow."""
	instants = sorted(chooser.sample(range(86_400), len(list_of_fields)))
	days = sorted(fields.get("stated", "2025-06-01")[:10] for fields in list_of_fields)
	return [{**fields, "stated": "%sT%02d:%02d:%02dZ" % (day, n // 3600, n // 60 % 60, n % 60)}
		for fields, n, day in zip(list_of_fields, instants, days)]


def shuffled(list_of_fields, chooser):
	"""Another order of arrival, in which what `ref` names still comes first."""
	left, arrived, order = list(list_of_fields), set(), []
	while left:
		ready = [e for e in left if e.get("ref") is None or e["ref"] in arrived]
		event = chooser.choice(ready)
		left.remove(event)
		arrived.add(event["id"])
		order.append(event)
	return order


def lows(answer):
	"""{where: low bound} of the totals and payers of a deal, an open one left out."""
	found = {}
	for rung, of_rung in answer["rungs"].items():
		for payer, money in [("*", of_rung["total"]), *of_rung["payers"].items()]:
			for currency, entry in money.items():
				if entry["low"] is not None:
					found[rung, payer, currency] = amounts.Fraction(entry["low"])
	return found


def of_currency(answer, currency):
	"""The answer with all that is not of this currency left out."""
	if isinstance(answer, dict):
		return {k: of_currency(v, currency) for k, v in answer.items()
			if not (len(k) == 3 and k.isupper() and k != currency)}
	if isinstance(answer, list):
		return [of_currency(a, currency) for a in answer]
	return answer


class Properties(unittest.TestCase):
	@given(SEEDS, COUNTS, POLICIES)
	def test_arrival_order_does_not_change_as_of_figures(self, seed, count, policy):
		chooser = random.Random(seed)
		first = with_distinct_instants(generate.generate(seed, count), chooser)
		second = shuffled(first, chooser)
		for as_of in (None, str(generate.FIRST_DAY + generate.datetime.timedelta(200))):
			self.assertEqual(everything(first, as_of=as_of, policy=policy),
				everything(second, as_of=as_of, policy=policy))

	@given(SEEDS, COUNTS, POLICIES)
	def test_a_retracted_event_is_as_if_it_had_never_been(self, seed, count, policy):
		made = generate.generate(seed, count)
		event = random.Random(seed).choice(made)
		retract = {"id": "retract", "kind": "retract", "stated": "2025-12-31",
			"ref": event["id"], "reason": "other"}
		gone = {event["id"]}
		if event["kind"] == "retract" or "ref" not in event:
			# Whatever repairs it goes with it; a correction goes alone.
			for other in made:
				if other.get("ref") in gone:
					gone.add(other["id"])
			without = [e for e in made if e["id"] not in gone]
			self.assertEqual(everything(without, policy=policy),
				everything(made + [retract], policy=policy))

	@given(SEEDS, COUNTS, POLICIES)
	def test_a_retract_changes_nothing_for_who_asks_at_an_earlier_seq(self, seed, count, policy):
		made = generate.generate(seed, count)
		event = random.Random(seed).choice(made)
		retract = {"id": "retract", "kind": "retract", "stated": "2023-01-01",
			"ref": event["id"], "reason": "other"}
		self.assertEqual(everything(made, policy=policy),
			everything(made + [retract], policy=policy, at_seq=len(made)))

	@given(SEEDS, COUNTS, POLICIES)
	def test_a_retract_of_a_retract_undoes_it(self, seed, count, policy):
		made = generate.generate(seed, count)
		event = random.Random(seed).choice(made)
		twice = [{"id": name, "kind": "retract", "stated": "2025-12-31", "ref": ref,
			"reason": "other"} for name, ref in (("one", event["id"]), ("two", "one"))]
		self.assertEqual(everything(made, policy=policy),
			everything(made + twice, policy=policy))

	@given(SEEDS, COUNTS, POLICIES)
	def test_a_copy_never_changes_a_figure(self, seed, count, policy):
		made = generate.generate(seed, count)
		visible = events.View(events.events_of(made), events.Clocks()).statements
		for statement in random.Random(seed).sample(visible, min(3, len(visible))):
			copy = generate.Generator(seed + 1, 1).event("commit")
			copy.update(id="copy", derived_from=statement.id)
			self.assertEqual(everything(made, policy=policy),
				everything(made + [copy], policy=policy))

	@given(SEEDS, COUNTS, POLICIES)
	def test_numbers_of_one_currency_never_change_those_of_another(self, seed, count, policy):
		made = generate.generate(seed, count)
		other = [{**e, "amount": "7bn..8bn EUR"} if e.get("amount", "").endswith("EUR") else e
			for e in made]
		for deal in generate.DEALS:
			ask = {"figure": "deal", "deal": deal, "policy": policy}
			self.assertEqual(of_currency(Model(made).ask(ask), "USD"),
				of_currency(Model(other).ask(ask), "USD"))

	@given(SEEDS, COUNTS, POLICIES)
	def test_an_undisclosed_statement_never_lowers_a_low_bound(self, seed, count, policy):
		chooser = generate.Generator(seed + 1, 1)
		made = generate.generate(seed, count)
		# A part whose whole is stated is where a total could fall.
		made = [{"id": "part", "kind": "deal", "stated": "2025-12-31", "deal": generate.DEALS[1],
			"links": [{"type": "part_of", "deal": generate.DEALS[0]}]},
			{"id": "whole", "kind": "commit", "stated": "2024-06-01", "grade": "official",
			"deal": generate.DEALS[1], "amount": "10bn USD"}] + made
		event = chooser.event(chooser.one_of(["talks", "announce", "commit", "pay"]))
		if chooser.chance(50):
			event["deal"] = generate.DEALS[1]
		event.pop("amount", None)
		event.pop("derived_from", None)
		event.pop("to", None) # who is paid is another matter
		event.update(id="undisclosed")
		for deal in generate.DEALS:
			ask = {"figure": "deal", "deal": deal, "policy": policy}
			before, after = (lows(Model(e).ask(ask)) for e in (made, made + [event]))
			for where, low in before.items():
				self.assertGreaterEqual(after[where], low)

	@given(SEEDS, COUNTS)
	def test_parts_certainly_beyond_their_whole_are_always_an_anomaly(self, seed, count):
		made = generate.generate(seed, count)
		view = events.View(events.events_of(made), events.Clocks())
		figures = Figures(view, Deals(view))
		found = Model(made).ask({"figure": "anomalies"})["anomalies"]
		shown = {(a["deal"], a["rung"], a["currency"]) for a in found
			if a["anomaly"] == "parts_beyond_whole" and a["payer"] == "*"}
		for deal in figures.deals.all:
			for rung in RUNGS[:3]:
				if not figures.setters_with_amount(deal, None, rung):
					continue
				whole = figures.total(deal, rung)
				parts = amounts.money_sum([figures.summed_total(p, rung)
					for p in figures.deals.parts(deal)])
				for c in whole.intervals:
					exceeds = amounts.above(parts.bounds(c), whole.bounds(c))
					self.assertEqual(exceeds == "certain", (deal, rung, c) in shown)


NUMBERS = strategies.integers(-20, 20).map(amounts.Fraction)


@strategies.composite
def intervals(draw):
	low, high = sorted([draw(NUMBERS), draw(NUMBERS)])
	exclusive = strategies.booleans() if low < high else strategies.just(False)
	interval = amounts.Interval(low, high, draw(exclusive), draw(exclusive))
	if draw(strategies.integers(0, 4)) == 0:
		interval = amounts.Interval(None, high, False, interval.high_excl)
	if draw(strategies.integers(0, 4)) == 0:
		interval = amounts.Interval(interval.low, None, interval.low_excl)
	return interval


def members(interval):
	"""Some numbers in it, in halves, well beyond all bounds where it is open."""
	halves = [amounts.Fraction(n, 2) for n in range(-200, 201)]
	return [n for n in halves
		if (interval.low is None or n > interval.low or (n == interval.low
			and not interval.low_excl))
		and (interval.high is None or n < interval.high or (n == interval.high
			and not interval.high_excl))]


class Intervals(unittest.TestCase):
	@given(intervals(), intervals())
	def test_above_says_what_holds_of_all_and_of_some_members(self, a, b):
		pairs = [x > y for x in members(a) for y in (members(b)[0], members(b)[-1])]
		expected = "certain" if all(pairs) else "possible" if any(pairs) else "no"
		self.assertEqual(expected, amounts.above(a, b))

	@given(intervals(), intervals())
	def test_meeting_is_having_a_member_in_common(self, a, b):
		self.assertEqual(bool(set(members(a)) & set(members(b))), amounts.meet(a, b))

	@given(intervals(), intervals())
	def test_widening_never_turns_possible_into_no(self, a, b):
		wide = amounts.hull([a, b])
		for other in (a, b, amounts.NOTHING):
			if amounts.above(a, other) != "no":
				self.assertNotEqual("no", amounts.above(wide, other))

	@given(intervals(), intervals())
	def test_sums_and_differences_hold_those_of_all_members(self, a, b):
		total, rest = set(members(amounts.add(a, b))), set(members(amounts.subtract(a, b)))
		for x in members(a)[:3] + members(a)[-3:]:
			for y in members(b)[:3] + members(b)[-3:]:
				if abs(x + y) <= 100 and abs(x - y) <= 100:
					self.assertIn(x + y, total)
					self.assertIn(x - y, rest)


class Dates(unittest.TestCase):
	@given(strategies.dates())
	def test_days_are_counted_as_the_calendar_does(self, day):
		offset = dates.day_of("0001-01-01") - 1
		self.assertEqual(day.toordinal() + offset, dates.day_of(day.isoformat()))


if __name__ == "__main__":
	unittest.main()
