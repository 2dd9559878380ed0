# SPDX-License-Identifier: Apache-2.0
"""Parties: sums over deals, ranks, and round trips.

DESIGN.md section 4 rules 6, 11, 12; DECISIONS.md 32, 33, 45 to 47.
"""
import amounts
from amounts import money_sum
from figures import RUNGS


def all_named(view):
	"""Parties that are declared, and those that a statement or declaration names as a side."""
	named = {party for s in view.statements for side in ("from", "to")
		for party in s.fields.get(side, [])}
	return sorted(named | {s.fields["party"] for s in view.statements if s.kind == "party"})


def from_party(figures, party, rung):
	return money_sum([figures.summed_value(d, party, rung)
		for d in figures.deals.uncontained()])


def to_party(figures, party, rung):
	return money_sum([figures.summed_total(d, rung) for d in figures.deals.topmost(party)])


def value_to(figures, payer, payee, rung):
	return money_sum([figures.summed_value(d, payer, rung)
		for d in figures.deals.topmost(payee)])


def backers(figures, payee, rung):
	"""{payer: money} over the deals to this party."""
	deals = figures.deals.topmost(payee)
	payers = sorted({p for d in deals for p in figures.payers(d)})
	return {p: value_to(figures, p, payee, rung) for p in payers}


def unattributed_to(figures, payee, rung):
	return money_sum([figures.summed_unattributed(d, rung)
		for d in figures.deals.topmost(payee)])


def payers_of_all(figures, rung):
	deals = figures.deals.uncontained()
	payers = sorted({p for d in deals for p in figures.payers(d)})
	return {p: from_party(figures, p, rung) for p in payers}


def unattributed_of_all(figures, rung):
	return money_sum([figures.summed_unattributed(d, rung)
		for d in figures.deals.uncontained()])


def payees_of_all(figures, rung):
	return {p: to_party(figures, p, rung) for p in figures.deals.all_payees()}


def payees_of(figures, payer, rung):
	return {p: value_to(figures, payer, p, rung) for p in figures.deals.all_payees()}


# ---- ranks ----

def currencies_of(monies):
	found = sorted({c for m in monies for c in m.intervals})
	if not found and any(m.undisclosed for m in monies):
		return [amounts.UNKNOWN_CURRENCY]
	return found


def ranks(rows, currency):
	"""[(party, money, best, worst)] of all that have this currency or something undisclosed."""
	rows = {p: m for p, m in rows.items() if currency in m.intervals or m.undisclosed}
	ranked = []
	for party, money in rows.items():
		answers = [amounts.above(other.bounds(currency), money.bounds(currency))
			for name, other in rows.items() if name != party]
		best = 1 + answers.count("certain")
		worst = best + answers.count("possible")
		ranked.append((party, money, best, worst))
	return sorted(ranked, key=lambda row: (row[2], row[3], row[0]))


def overtook(before, after):
	"""before, after: (X, Y) as money. The answer for each currency."""
	answer = {}
	for currency in currencies_of([*before, *after]):
		was = amounts.above(before[0].bounds(currency), before[1].bounds(currency))
		now = amounts.above(after[0].bounds(currency), after[1].bounds(currency))
		if was == "no" and now == "certain":
			answer[currency] = "certain"
		elif was == "certain" or now == "no":
			answer[currency] = "no"
		else:
			answer[currency] = "possible"
	return answer


# ---- round trips ----

def is_edge(money):
	return money.undisclosed > 0 or any(i.high is None or i.high > 0
		for i in money.intervals.values())


def edges(figures):
	"""{payer: {payee: most certain rung}}"""
	found = {}
	for payee in figures.deals.all_payees():
		for rung in RUNGS:
			for payer, money in backers(figures, payee, rung).items():
				if is_edge(money) and payer != payee:
					found.setdefault(payer, {})[payee] = rung
	return found


def cycles(graph, length_max):
	"""Every simple cycle once, as its parties, the one that sorts first in front."""
	found = []

	def walk(path):
		for payee in graph.get(path[-1], {}):
			if payee == path[0] and len(path) > 1:
				found.append(path)
			elif payee > path[0] and payee not in path and len(path) < length_max:
				walk(path + [payee])

	for party in graph:
		walk([party])
	return sorted(found, key=lambda path: (len(path), path))


def rungs_of_cycle(graph, path):
	return [graph[payer][payee] for payer, payee in zip(path, path[1:] + path[:1])]
