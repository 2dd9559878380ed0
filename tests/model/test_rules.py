# SPDX-License-Identifier: Apache-2.0
"""Small cases of the rules that are easy to get wrong, each as DECISIONS.md decides it."""
import unittest
import unittest.mock

import deals
from avow_model import Model

DAY = "2025-01-%02d"


def event(kind, day, **fields):
	if "from_" in fields:
		fields["from"] = fields.pop("from_").split()
	if "to" in fields:
		fields["to"] = fields["to"].split()
	fields.setdefault("id", "%s-%d" % (kind, day))
	fields.setdefault("deal", "d")
	return {"kind": kind, "stated": DAY % day, "grade": "press", **fields}


def deal(name, day, part_of=None, supersedes=None, **fields):
	links = [{"type": t, "deal": d} for t, d in (("part_of", part_of),
		("supersedes", supersedes)) if d]
	return event("deal", day, id="deal-%s-%d" % (name, day), deal=name, links=links, **fields)


def retract(ref, day, **fields):
	return event("retract", day, ref=ref, deal=None, **fields)


def text(money):
	"""An answer's money in short, as `10..20 USD`, `>5.. USD`, `1 undisclosed`."""
	found = []
	for currency, m in sorted(money.items()):
		if m["undisclosed"]:
			found.append("%d undisclosed" % m["undisclosed"])
			continue
		low = (">" if m["low_excl"] else "") + (m["low"] or "")
		high = ("<" if m["high_excl"] else "") + (m["high"] or "")
		found.append("%s%s %s" % ("~" if m["approx"] else "",
			low if low == high else low + ".." + high, currency))
	return " + ".join(found)


class Case(unittest.TestCase):
	def rung(self, events, rung, what="total", **ask):
		ask = {"figure": "deal", "deal": "d", **ask}
		return text(Model(events).ask(ask)["rungs"][rung][what])

	def payer(self, events, rung, payer, **ask):
		ask = {"figure": "deal", "deal": "d", **ask}
		return text(Model(events).ask(ask)["rungs"][rung]["payers"].get(payer, {}))

	def committed(self, events, **ask):
		return self.rung(events, "committed", **ask)

	def stage(self, events, name="d"):
		return Model(events).ask({"figure": "deal", "deal": name})["stage"]

	def anomalies(self, events):
		return [a["anomaly"] for a in Model(events).ask({"figure": "anomalies"})["anomalies"]]


class Repairs(Case):
	first = event("commit", 1, id="a", amount="1 USD")
	second = event("commit", 2, id="b", ref="a", amount="2 USD")
	third = event("commit", 3, id="c", ref="b", amount="3 USD")

	def test_the_latest_correction_decides_however_it_is_chained(self):
		self.assertEqual("3 USD", self.committed([self.first, self.second, self.third]))
		late = event("commit", 9, id="e", ref="a", amount="9 USD")
		self.assertEqual("9 USD", self.committed([self.first, late, self.second, self.third]))

	def test_a_retract_of_a_correction_leaves_corrections_of_it(self):
		events = [self.first, self.second, self.third, retract("b", 4)]
		self.assertEqual("3 USD", self.committed(events))
		self.assertEqual("1 USD", self.committed(events + [retract("c", 5)]))

	def test_a_retract_of_the_first_version_takes_corrections_made_later_with_it(self):
		events = [self.first, self.second, retract("a", 3, id="r"), self.third]
		self.assertEqual("", self.committed(events))
		self.assertEqual("3 USD", self.committed(events + [retract("r", 5)]))

	def test_a_correction_of_a_retract_puts_a_statement_in_its_place(self):
		events = [self.first, retract("a", 2, id="r"),
			event("commit", 3, id="n", ref="r", amount="7 USD", adds=True)]
		self.assertEqual("8 USD", self.committed(events))

	def test_a_correction_moves_a_statement_to_another_deal(self):
		moved = event("commit", 2, ref="a", deal="other", amount="5 USD")
		self.assertEqual("", self.committed([self.first, moved]))
		self.assertEqual("5 USD", self.committed([self.first, moved], deal="other"))

	def test_a_correction_stands_where_the_original_stood(self):
		later = event("commit", 2, amount="20 USD")
		self.assertEqual("20 USD", self.committed([self.first, later, self.third | {"ref": "a"}]))

	def test_a_correction_without_on_has_that_of_the_corrected(self):
		self.assertEqual("2 USD", self.committed([self.first, self.second], on=DAY % 1))

	def test_two_that_retell_each_other_are_both_copies(self):
		events = [self.first | {"derived_from": "b"},
			event("commit", 2, id="b", derived_from="a", amount="2 USD")]
		answer = Model(events).ask({"figure": "deal", "deal": "d"})
		self.assertEqual((2, 2, None), (answer["events"], answer["copies"], answer["stage"]))
		self.assertEqual("2 USD", self.committed(events + [retract("a", 3)]))


	def test_a_correction_that_names_its_own_first_version_is_no_copy(self):
		own = self.second | {"derived_from": "a"}
		self.assertEqual("2 USD", self.committed([self.first, own]))


class Rungs(Case):
	def test_best_prefers_the_grade_and_latest_the_day(self):
		events = [event("commit", 1, grade="official", amount="1 USD"),
			event("commit", 2, amount="2 USD"),
			event("commit", 3, amount="4 USD", adds=True),
			event("commit", 4, amount="8 USD", adds=True, grade="official")]
		self.assertEqual("9 USD", self.committed(events))
		self.assertEqual("14 USD", self.committed(events, policy="latest"))
		self.assertEqual("13..14 USD", self.committed(events, policy="hull"))

	def test_hull_takes_a_missing_currency_as_zero(self):
		events = [event("commit", 1, amount="10 USD"), event("commit", 2, amount="9 EUR")]
		self.assertEqual("9 EUR", self.committed(events))
		self.assertEqual("0..9 EUR + 0..10 USD", self.committed(events, policy="hull"))

	def test_an_addition_to_a_carried_rung_counts_if_it_is_later(self):
		events = [event("commit", 1, amount="10 USD"),
			event("announce", 2, amount="5 USD", adds=True)]
		self.assertEqual("15 USD", self.rung(events, "announced"))
		self.assertEqual("10 USD", self.committed(events))
		events.append(event("commit", 3, amount="15 USD"))
		self.assertEqual("15 USD", self.rung(events, "announced"))

	def test_undisclosed_counts_once_and_hides_nothing(self):
		events = [event("announce", 1), event("announce", 2), event("commit", 3, amount="10 USD")]
		self.assertEqual("10 USD + 1 undisclosed", self.rung(events, "announced"))
		self.assertEqual("10 USD", self.committed(events))
		events = [event("announce", 1), event("commit", 2), event("pay", 3, amount="3 USD")]
		self.assertEqual("3 USD + 1 undisclosed", self.rung(events, "announced"))

	def test_a_close_without_an_amount_is_not_undisclosed(self):
		self.assertEqual("", self.committed([event("close", 1)]))

	def test_assume_takes_announced_else_talked_payer_by_payer(self):
		events = [event("talks", 1, from_="a", amount="1 USD"),
			event("announce", 2, from_="b", amount="2 USD"),
			event("talks", 3, from_="b", amount="4 USD"),
			event("commit", 4, from_="c", amount="8 USD"),
			event("talks", 5, from_="c", amount="16 USD")]
		self.assertEqual("8 USD", self.committed(events))
		self.assertEqual("11 USD", self.committed(events, assume=["d"]))

	def test_payments_hang_below_what_is_not_stated(self):
		events = [event("pay", 1, from_="a", amount="5 USD"),
			event("pay", 2, from_="a", amount=">7 USD", returned=True)]
		self.assertEqual("..<-2 USD", self.rung(events, "paid"))
		self.assertEqual("..<-2 USD", self.payer(events, "talked", "a"))

	def test_a_return_is_no_stage(self):
		self.assertIsNone(self.stage([event("pay", 1, amount="1 USD", returned=True)]))
		self.assertEqual("committed", self.stage([event("pay", 1, amount="1 USD")]))

	def test_guarantees_are_apart(self):
		events = [event("commit", 1, amount="1 USD"),
			event("commit", 2, amount="2 USD", basis="guarantee")]
		self.assertEqual("1 USD", self.committed(events))
		self.assertEqual("2 USD", self.committed(events, basis=["guarantee"]))


class Wholes(Case):
	def test_unattributed_is_what_the_whole_has_beyond_its_payers(self):
		events = [deal("d", 1, from_="a b"), event("commit", 2, amount="<=40 USD"),
			event("commit", 3, from_="a", amount=">10 USD"),
			event("pay", 4, amount="3 USD")]
		self.assertEqual("0..<30 USD", self.rung(events, "committed", "unattributed"))
		self.assertEqual("0..40 USD", self.committed(events))
		self.assertEqual("3 USD", self.rung(events, "paid", "unattributed"))
		events.append(event("commit", 5, from_="b"))
		self.assertEqual("0..<30 USD", self.rung(events, "committed", "unattributed"))
		self.assertEqual("0..40 USD", self.committed(events))

	def test_the_only_declared_payer_is_spoken_for(self):
		events = [deal("d", 1, from_="a"), event("commit", 2, amount="4 USD")]
		self.assertEqual("4 USD", self.payer(events, "committed", "a"))
		self.assertEqual("", self.payer(events + [deal("d", 3)], "committed", "a"))

	def test_a_cancel_of_the_whole_ends_its_parts_but_not_what_was_paid(self):
		events = [deal("part", 1, part_of="d"),
			event("commit", 2, deal="part", from_="a", amount="4 USD"),
			event("pay", 3, deal="part", from_="a", amount="1 USD"),
			event("condition", 4, deal="part", condition="c", state="stated", amount="2 USD"),
			event("cancel", 5)]
		self.assertEqual("1 USD", self.committed(events))
		self.assertEqual(("cancelled", "cancelled"), (self.stage(events), self.stage(events, "part")))
		answer = Model(events).ask({"figure": "deal", "deal": "d"})
		self.assertEqual({}, answer["conditional"])
		events.append(event("talks", 6, deal="part", from_="a", amount="9 USD"))
		self.assertEqual(("cancelled", "talks"), (self.stage(events), self.stage(events, "part")))
		self.assertEqual("9 USD", self.rung(events, "talked"))

	def test_a_cancel_with_from_ends_that_payer_and_changes_no_stage(self):
		events = [deal("d", 1, from_="a"), event("commit", 2, from_="a", amount="4 USD"),
			event("commit", 2, id="b", from_="b", amount="5 USD"),
			event("cancel", 3, from_="a")]
		self.assertEqual("5 USD", self.committed(events))
		self.assertEqual("committed", self.stage(events))

	def test_conditions_of_parts_hang_on_the_whole_too(self):
		events = [deal("part", 1, part_of="d"),
			event("condition", 2, deal="part", condition="c", state="stated", amount="2 USD"),
			event("condition", 3, condition="c", state="stated", amount="5 USD"),
			event("condition", 4, condition="e", state="stated")]
		def conditional(more):
			return text(Model(events + more).ask({"figure": "deal", "deal": "d"})["conditional"])
		self.assertEqual("7 USD + 1 undisclosed", conditional([]))
		waived = event("condition", 1, id="waived", condition="c", state="waived")
		self.assertEqual("2 USD + 1 undisclosed", conditional([waived]))

	def test_of_a_superseded_part_only_what_was_paid_counts(self):
		events = [deal("old", 1, part_of="d"), deal("new", 2, part_of="d", supersedes="old"),
			event("commit", 3, deal="old", from_="a", amount="10 USD"),
			event("pay", 4, deal="old", from_="a", amount="1 USD"),
			event("commit", 5, deal="new", from_="a", amount="20 USD")]
		self.assertEqual("21 USD", self.committed(events))
		self.assertEqual("10 USD", self.committed(events, deal="old"))

	def test_of_two_wholes_the_first_holds_and_a_circle_is_dropped(self):
		both = deal("part", 2, part_of="d")
		both["links"].append({"type": "part_of", "deal": "e"})
		events = [deal("d", 1, part_of="part"), both, event("commit", 3, deal="part",
			amount="1 USD")]
		self.assertEqual(["part_of_circle", "part_of_double"], self.anomalies(events))
		self.assertEqual("1 USD", self.committed(events, deal="part"))
		self.assertEqual("", self.committed(events, deal="e"))

	def test_a_deal_inside_too_many_others_stands_alone_in_any_order(self):
		links = [("a", "b"), ("b", "c"), ("c", "d"), ("x", "y"), ("y", "x"),
			("p", "q"), ("q", "r"), ("r", "s"), ("s", "p")]
		with unittest.mock.patch.object(deals.Deals, "DEEPEST", 3):
			for order in (links, links[::-1]):
				events = [deal(part, day, part_of=whole)
					for day, (part, whole) in enumerate(order, 1)]
				events.append(event("commit", 20, deal="b", amount="1 USD"))
				self.assertEqual(["part_of_circle"] + 5 * ["part_of_too_deep"],
					self.anomalies(events))
				self.assertEqual("1 USD", self.committed(events, deal="d"))


class Money(Case):
	def test_conversion_is_exact_and_rounded_half_to_even_at_the_end(self):
		rates = [event("rate", 1, deal=None, base="USD", quote="EUR", rate="8")]
		pays = [event("pay", day, amount="0.02 EUR") for day in (2, 3)]
		self.assertEqual("0 USD", self.rung(rates + pays, "paid", **{"in": "USD"}))
		more = [event("pay", 4, amount="0.08 EUR")]
		self.assertEqual("0.02 USD", self.rung(rates + pays + more, "paid", **{"in": "USD"}))

	def test_a_missing_rate_names_pair_and_day(self):
		ask = {"figure": "deal", "deal": "d", "in": "USD"}
		events = [event("commit", 2, amount="1 EUR"), event("rate", 3, deal=None, base="EUR",
			quote="USD", rate="2")]
		self.assertEqual({"error": "NO_RATE", "base": "EUR", "quote": "USD", "day": DAY % 2},
			Model(events).ask(ask))

	def test_what_is_undisclosed_leaves_ranks_open(self):
		events = [deal("d", 1, to="x"), event("commit", 2, from_="a", amount="10 USD"),
			event("commit", 3, from_="b", amount="5 USD"), event("commit", 4, from_="c"),
			event("commit", 5, from_="c", amount="1 USD", adds=True)]
		rows = Model(events).ask({"figure": "league", "rung": "committed", "to": "x"})
		self.assertEqual([("a", 1, 2), ("c", 1, 3), ("b", 2, 3)],
			[(r["party"], r["best"], r["worst"]) for r in rows["currencies"]["USD"]])

	def test_after_an_undisclosed_return_nobody_is_certainly_above(self):
		events = [deal("d", 1, to="x"), event("pay", 2, from_="a", amount="10 USD"),
			event("pay", 3, from_="b", amount="5 USD"), event("pay", 4, from_="a", returned=True)]
		rows = Model(events).ask({"figure": "league", "rung": "paid", "to": "x"})
		self.assertEqual([("a", 1, 2), ("b", 1, 2)],
			[(r["party"], r["best"], r["worst"]) for r in rows["currencies"]["USD"]])

	def test_an_undisclosed_payer_may_have_all_that_is_left(self):
		events = [deal("d", 1, from_="a b"), event("commit", 2, amount="40 USD"),
			event("commit", 3, from_="a", amount="10 USD"), event("commit", 4, from_="b")]
		self.assertEqual("0..30 USD", self.rung(events, "committed", "unattributed"))


class Checks(Case):
	def verdict(self, figure, claim, **fields):
		events = [event("pay", 1, from_="a", amount=a) if a else event("pay", 2, from_="a")
			for a in figure]
		events.append(event("total", 9, deal=None, from_="a", amount=claim, rung="paid",
			deals=["d"], **fields))
		answer = Model(events).ask({"figure": "reconcile"})["totals"][0]
		return answer["verdict"], text(answer.get("by", {}))

	def test_verdicts(self):
		self.assertEqual(("match", ""), self.verdict(["3 USD"], "3 USD"))
		self.assertEqual(("compatible", ""), self.verdict(["~3 USD"], "3 USD"))
		self.assertEqual(("compatible", ""), self.verdict(["3 USD"], "<=3 USD"))
		self.assertEqual(("above", ">0.. USD"), self.verdict(["3 USD"], ">3 USD"))
		self.assertEqual(("below", "1..2 USD"), self.verdict(["3..4 USD"], "2 USD"))
		self.assertEqual(("unverifiable", ""), self.verdict(["3 USD", None], "2 USD"))
		self.assertEqual(("unverifiable", ""), self.verdict(["3 USD", "1 EUR"], "2 USD"))
		self.assertEqual(("above", "2 USD"), self.verdict([], "2 USD"))

	def test_a_total_has_its_own_assumptions(self):
		events = [event("talks", 1, from_="a", amount="3 USD")]
		claim = event("total", 2, deal=None, from_="a", rung="committed", amount="3 USD")
		def verdict(total):
			return Model(events + [total]).ask({"figure": "reconcile"})["totals"][0]["verdict"]
		self.assertEqual("above", verdict(claim))
		self.assertEqual("match", verdict(claim | {"assume": ["d"]}))

	def test_a_named_deal_inside_another_named_one_is_not_counted_twice(self):
		events = [deal("part", 1, part_of="d"),
			event("pay", 2, deal="part", from_="a", amount="3 USD"),
			event("total", 3, deal=None, from_="a", rung="paid", deals=["part", "d"],
				amount="3 USD")]
		answer = Model(events).ask({"figure": "reconcile"})["totals"][0]
		self.assertEqual(("match", ["d"]), (answer["verdict"], answer["deals"]))

	def test_an_interval_on_is_a_window(self):
		window = "%s/%s" % (DAY % 2, DAY % 8)
		self.assertEqual(("above", "3 USD"), self.verdict(["3 USD"], "3 USD", on=window))

	def test_only_what_is_certain_is_an_anomaly(self):
		events = [deal("d", 1, from_="a"), event("commit", 2, amount="10..20 USD"),
			event("pay", 3, amount="20 USD"),
			event("condition", 4, condition="c", state="stated", amount="<=30 USD")]
		self.assertEqual([], self.anomalies(events))
		events[2]["amount"], events[3]["amount"] = ">20 USD", ">20 USD"
		self.assertEqual(["conditional_beyond_committed", "paid_beyond_committed"],
			self.anomalies(events))

	def test_a_payment_after_a_cancel_is_an_anomaly_if_it_happened_after(self):
		events = [event("cancel", 5), event("pay", 7, amount="1 USD", on=DAY % 5)]
		self.assertEqual([], self.anomalies(events))
		events[1]["on"] = DAY % 6
		self.assertEqual(["statement_after_cancel"], self.anomalies(events))
		self.assertEqual([], self.anomalies([events[0], event("talks", 6), events[1]]))

	def test_restated_with_what_was_added_is_no_contradiction(self):
		events = [event("commit", 1, amount="10 USD"),
			event("commit", 2, amount="5 USD", adds=True), event("commit", 3, amount="15 USD")]
		self.assertEqual([], self.anomalies(events))
		del events[1]
		self.assertEqual(["statements_do_not_meet"], self.anomalies(events))

	def test_overtaking_has_three_answers(self):
		def ask(before, after):
			events = [deal("d", 1, to="x"), event("commit", 2, from_="a", amount=before),
				event("commit", 3, from_="b", amount="10 USD"),
				event("commit", 9, id="later", from_="a", amount=after)]
			return Model(events).ask({"figure": "overtook", "party": "a", "other": "b", "to": "x",
				"rung": "committed", "between": [DAY % 5, DAY % 10]})["overtook"]["USD"]
		self.assertEqual("certain", ask("10 USD", ">10 USD"))
		self.assertEqual("possible", ask("9..11 USD", "12 USD"))
		self.assertEqual("possible", ask("9 USD", "9..12 USD"))
		self.assertEqual("no", ask("11 USD", "12 USD"))
		self.assertEqual("no", ask("1 USD", "10 USD"))


if __name__ == "__main__":
	unittest.main()
