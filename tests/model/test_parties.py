# SPDX-License-Identifier: Apache-2.0
"""Small cases of sums over deals, round trips, why and diff."""
import unittest

from avow_model import Model
from test_rules import DAY, deal, event, retract, text


def ask(events, figure, **fields):
	return Model(events).ask({"figure": figure, **fields})


class Sums(unittest.TestCase):
	nested = [deal("whole", 1, to="x y"), deal("part", 2, part_of="whole", to="x z"),
		event("commit", 3, deal="part", from_="a", amount="4 USD"),
		event("commit", 4, deal="whole", from_="a", amount="10 USD")]

	def party(self, events, name, side, rung="committed"):
		return text(ask(events, "party", party=name)["rungs"][rung][side])

	def test_a_payer_is_summed_over_deals_that_nobody_contains(self):
		self.assertEqual("10 USD", self.party(self.nested, "a", "from"))

	def test_a_payee_is_summed_over_the_topmost_deals_that_name_it(self):
		self.assertEqual(["10 USD", "10 USD", "4 USD"],
			[self.party(self.nested, name, "to") for name in "xyz"])

	def test_a_whole_that_nobody_declared_still_contains(self):
		events = [e for e in self.nested if e["deal"] != "whole"]
		self.assertEqual("4 USD", self.party(events, "a", "from"))
		self.assertEqual("4 USD", self.party(events, "x", "to"))

	def test_of_a_superseded_deal_only_what_was_paid_counts(self):
		events = [deal("old", 1, to="x"), deal("new", 2, to="x", supersedes="old"),
			event("commit", 3, deal="old", from_="a", amount="9 USD"),
			event("pay", 4, deal="old", from_="a", amount="1 USD"),
			event("commit", 5, deal="new", from_="a", amount="20 USD")]
		self.assertEqual("21 USD", self.party(events, "a", "from"))
		self.assertEqual("21 USD", text(ask(events, "backers", to="x", rung="committed")
			["rungs"]["committed"]["payers"]["a"]))

	def test_to_on_statements_counts_only_where_the_declaration_has_none(self):
		events = [event("commit", 1, from_="a", to="x", amount="1 USD")]
		self.assertEqual("1 USD", self.party(events, "x", "to"))
		self.assertEqual("", self.party(events + [deal("d", 2, to="y")], "x", "to"))

	def test_unattributed_money_flows_from_nobody(self):
		events = [deal("d", 1, to="x"), event("pay", 2, amount="1 USD"),
			event("pay", 3, from_="a", amount="2 USD")]
		flows = ask(events, "flows", rung="paid")["flows"]
		self.assertEqual([("a", "x", "2 USD"), (None, "x", "1 USD")],
			[(f["from"], f["to"], text(f["rungs"]["paid"])) for f in flows])


class RoundTrips(unittest.TestCase):
	events = [deal("one", 1, from_="a", to="b"), deal("two", 2, from_="b", to="a"),
		event("pay", 3, deal="one", amount="5 USD"),
		event("announce", 4, deal="two")]

	def cycles(self, events, **fields):
		return [(c["parties"], c["weakest"], c["rungs"])
			for c in ask(events, "cycles", **fields)["cycles"]]

	def test_each_has_its_weakest_rung(self):
		self.assertEqual([(["a", "b"], "announced", ["paid", "announced"])],
			self.cycles(self.events))

	def test_a_cancelled_edge_remains_only_for_what_was_paid(self):
		self.assertEqual([], self.cycles(self.events + [event("cancel", 5, deal="two")]))
		self.assertEqual(1, len(self.cycles(self.events + [event("cancel", 5, deal="one")])))

	def test_money_that_all_came_back_is_no_edge(self):
		back = event("pay", 5, deal="one", amount="5 USD", returned=True)
		self.assertEqual([], self.cycles(self.events + [back]))

	def test_what_nobody_is_named_for_is_no_edge(self):
		self.assertEqual([], self.cycles(self.events + [deal("two", 5, to="a")]))

	def test_length_is_limited(self):
		ring = [e for n in range(5) for e in (
			deal("ring-%d" % n, n + 1, from_="p%d" % n, to="p%d" % ((n + 1) % 5)),
			event("commit", n + 1, deal="ring-%d" % n, amount="1 USD"))]
		self.assertEqual([], self.cycles(ring))
		self.assertEqual([["p0", "p1", "p2", "p3", "p4"]],
			[c[0] for c in self.cycles(ring, max_length=5)])


class Why(unittest.TestCase):
	events = [deal("d", 1, from_="a b"),
		event("commit", 2, id="press", from_="a", amount="1 USD", source={"publisher": "P"}),
		event("commit", 3, id="filing", from_="a", amount="2 USD", grade="official",
			source={"publisher": "Q"}),
		event("commit", 4, id="more", from_="a", amount="4 USD", adds=True, grade="official",
			source={"publisher": "Q"}),
		event("pay", 5, id="paid", from_="b", amount="8 USD", source={"publisher": "R"})]

	def test_it_is_what_was_chosen_and_added_and_paid(self):
		answer = ask(self.events, "why", deal="d", rung="committed")
		self.assertEqual((["filing", "more", "paid"], 2), (answer["events"], answer["sources"]))
		answer = ask(self.events, "why", deal="d", rung="committed", policy="hull", payer="a")
		self.assertEqual((["press", "filing", "more"], 2), (answer["events"], answer["sources"]))

	def test_retellings_of_one_unknown_story_are_one_source(self):
		events = [event("pay", day, id="pay-%d" % day, amount="1 USD", derived_from="story",
			source={"publisher": "P%d" % day}) for day in (1, 2, 3)]
		answer = ask(events, "why", deal="d", rung="paid")
		self.assertEqual((3, 1), (len(answer["events"]), answer["sources"]))


class Diff(unittest.TestCase):
	def test_each_change_has_its_cause(self):
		events = [event("commit", 1, id="a", from_="p", amount="1 USD"),
			event("commit", 2, deal="other", amount="2 USD"), retract("a", 3, id="r")]
		by_day = ask(events, "diff", between=[DAY % 2, DAY % 3])["diff"]
		by_seq = ask(events, "diff", between=[2, 3])["diff"]
		self.assertEqual(by_day, by_seq)
		self.assertEqual([("d", ["r"])], [(d["deal"], d["events"]) for d in by_day])
		self.assertEqual({"what": "stage", "before": "committed", "after": None},
			by_day[0]["changes"][0])
		self.assertEqual([], ask(events, "diff", between=[3, 3])["diff"])


if __name__ == "__main__":
	unittest.main()
