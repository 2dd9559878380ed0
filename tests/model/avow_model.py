#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The plain model of DESIGN.md section 4: events in, answers out, written for obviousness.

    avow_model.py EVENTS.jsonl '{"figure": "deal", "deal": "stargate", "as_of": "2025-01-30"}'
"""
import json
import sys

import amounts
import checks
import events
import parties
import rates
from amounts import Money, money_answer
from deals import Deals
from figures import RUNGS, Figures

CYCLE_LENGTH_MAX = 4


class BadQuestion(ValueError):
	"""A figure that the model does not know."""


class Model:
	def __init__(self, list_of_fields):
		self.events = events.events_of(list_of_fields)

	def ask(self, ask):
		"""The answer as a dict; a missing rate is an answer with `error`."""
		answer = Question(self.events, ask).answer()
		return answer if "error" in answer else {"policy": ask.get("policy", "best"), **answer}


class Question:
	"""One question: its clocks, and the figures under them."""

	def __init__(self, all_events, ask):
		self.events, self.ask = all_events, ask
		self.rungs = [ask["rung"]] if "rung" in ask else RUNGS
		self.missing_rates = []

	def clocks(self, **other):
		ask = {**self.ask, **other}
		return events.Clocks(ask.get("on"), ask.get("as_of"), ask.get("at_seq"))

	def figures(self, assume=None, window=None, **clocks):
		ask = self.ask
		view = events.View(self.events, self.clocks(**clocks), window)
		figures = Figures(view, Deals(view), ask.get("policy", "best"),
			ask.get("assume", []) if assume is None else assume, ask.get("in"),
			ask.get("basis"))
		figures.missing_rates = self.missing_rates
		return figures

	def answer(self):
		answerer = ANSWERS.get(self.ask["figure"])
		if answerer is None:
			raise BadQuestion(self.ask["figure"])
		answer = answerer(self)
		if self.missing_rates:
			return min(self.missing_rates, key=lambda m: m.statement.order()).answer
		return answer

	# ---- one deal ----

	def deal(self):
		return deal_answer(self.figures(), self.ask["deal"])

	def why(self):
		figures = self.figures()
		money = self.sum_to_explain(figures)
		used = [s for s in figures.view.own if s.id in money.used]
		by_deal = {}
		for s in used:
			by_deal.setdefault(s.deal, []).append(s.id)
		return {"amount": money_answer(money), "events": [s.id for s in used],
			"by_deal": dict(sorted(by_deal.items())), "sources": independent_sources(used)}

	def sum_to_explain(self, figures):
		"""A deal's total or a payer's value in it, else what a party is paid, pays, or pays another."""
		ask = self.ask
		deal, payer, payee, rung = ask.get("deal"), ask.get("payer"), ask.get("to"), ask["rung"]
		if deal:
			return figures.value(deal, payer, rung) if payer else figures.total(deal, rung)
		if payee and payer:
			return parties.value_to(figures, payer, payee, rung)
		if payee:
			return parties.to_party(figures, payee, rung)
		return parties.from_party(figures, payer, rung)

	# ---- parties ----

	def party(self):
		figures, party = self.figures(), self.ask["party"]
		return {"rungs": {rung: {
			"from": money_answer(parties.from_party(figures, party, rung)),
			"to": money_answer(parties.to_party(figures, party, rung)),
		} for rung in self.rungs}}

	def backers(self):
		figures, payee = self.figures(), self.ask["to"]
		return {"rungs": {rung: {
			"payers": payer_answers(parties.backers(figures, payee, rung)),
			"unattributed": money_answer(parties.unattributed_to(figures, payee, rung)),
			"total": money_answer(parties.to_party(figures, payee, rung)),
		} for rung in self.rungs}}

	def flows(self):
		figures = self.figures()
		answers = []
		for payee in figures.deals.all_payees():
			by_rung = {rung: parties.backers(figures, payee, rung) for rung in self.rungs}
			for payer in sorted({p for payers in by_rung.values() for p in payers}):
				answers.append((payer, payee, {r: by_rung[r][payer] for r in self.rungs}))
			answers.append((None, payee, {r: parties.unattributed_to(figures, payee, r)
				for r in self.rungs}))
		return {"flows": [{"from": payer, "to": payee,
			"rungs": {r: money_answer(m) for r, m in by_rung.items() if not m.is_empty()}}
			for payer, payee, by_rung in answers
			if not all(m.is_empty() for m in by_rung.values())]}

	def rows(self, figures):
		"""(rows, unattributed) of a league."""
		rung = self.ask["rung"]
		if "to" in self.ask:
			return (parties.backers(figures, self.ask["to"], rung),
				parties.unattributed_to(figures, self.ask["to"], rung))
		if "from" in self.ask:
			return parties.payees_of(figures, self.ask["from"], rung), Money()
		if self.ask.get("by") == "to":
			return parties.payees_of_all(figures, rung), Money()
		return (parties.payers_of_all(figures, rung),
			parties.unattributed_of_all(figures, rung))

	def league(self):
		rows, unattributed = self.rows(self.figures())
		return {"unattributed": money_answer(unattributed), "currencies": {
			currency: [{"party": party, "best": best, "worst": worst,
				"amount": money_answer(money)}
				for party, money, best, worst in parties.ranks(rows, currency)]
			for currency in parties.currencies_of(rows.values())}}

	def overtook(self):
		"""`between`: two days of as_of."""
		pairs = []
		for day in self.ask["between"]:
			rows, _ = self.rows(self.figures(as_of=day))
			pairs.append(tuple(rows.get(self.ask[who], Money()) for who in ("party", "other")))
		return {"overtook": parties.overtook(*pairs)}

	def cycles(self):
		graph = parties.edges(self.figures())
		length_max = self.ask.get("max_length", CYCLE_LENGTH_MAX)
		answers = []
		for path in parties.cycles(graph, length_max):
			rungs = parties.rungs_of_cycle(graph, path)
			answers.append({"parties": path, "weakest": min(rungs, key=RUNGS.index),
				"rungs": rungs})
		return {"cycles": answers}

	# ---- checks ----

	def reconciled(self, assume):
		answers = []
		for total in checks.totals(self.figures()):
			figures = self.figures([*assume, *total.fields.get("assume", [])],
				checks.window_of(total))
			# The scope is that of the view without the window: deals are there or not.
			scope = checks.scope_of(self.figures(), total)
			stated = self.figures().money_of(total) if total.amount else Money(undisclosed=1)
			figure = checks.figure_of(figures, total, scope)
			verdict, by = checks.verdict_of(stated, figure)
			answer = {"event": total.id, "rung": total.fields["rung"],
				"stated": money_answer(stated), "figure": money_answer(figure),
				"deals": scope, "verdict": verdict}
			if by is not None:
				answer["by"] = money_answer(by)
			answers.append(answer)
		return answers

	def reconcile(self):
		return {"totals": self.reconciled(self.ask.get("assume", []))}

	def anomalies(self):
		return {"anomalies": checks.anomalies(self.figures(assume=[]), self.reconciled([]))}

	# ---- lists ----

	def party_list(self):
		return {"parties": parties.all_named(self.figures().view)}

	def deal_list(self):
		figures = self.figures()
		deals = figures.deals
		return {"deals": [{"deal": d, "stage": figures.stage(d), "part_of": deals.whole.get(d),
			"superseded_by": deals.superseded_by(d),
			"events": len([s for s in figures.view.statements if s.deal == d])}
			for d in sorted(deals.spoken_of())]}

	def rate_list(self):
		return {"rates": [{"base": s.fields["base"], "quote": s.fields["quote"],
			"rate": amounts.decimal(amounts.Fraction(s.fields["rate"])), "event": s.decides.id}
			for s in rates.rates_of(self.figures().view, self.ask["base"], self.ask["quote"])]}

	# ---- two moments ----

	def diff(self):
		"""`between`: two days of as_of, or two seqs."""
		first, second = self.ask["between"]
		clock = "at_seq" if isinstance(first, int) else "as_of"
		before, after = (self.figures(**{clock: at}) for at in (first, second))
		deals = [self.ask["deal"]] if "deal" in self.ask \
			else sorted(before.deals.spoken_of() | after.deals.spoken_of())
		changes = []
		for deal in deals:
			changed = deal_changes(deal_answer(before, deal), deal_answer(after, deal))
			if changed:
				changes.append({"deal": deal, "changes": changed,
					"events": causes(before, after, deal)})
		return {"diff": changes}


ANSWERS = {name: getattr(Question, name) for name in ("deal", "why", "party", "backers", "flows",
	"league", "overtook", "cycles", "reconcile", "anomalies", "diff", "party_list", "deal_list",
	"rate_list")}


def payer_answers(payers):
	return {p: money_answer(m) for p, m in payers.items() if not m.is_empty()}


def deal_answer(figures, deal):
	of_deal = [s for s in figures.view.statements if s.deal == deal]
	return {
		"stage": figures.stage(deal),
		"superseded_by": figures.deals.superseded_by(deal),
		"rungs": {rung: {
			"total": money_answer(figures.total(deal, rung)),
			"unattributed": money_answer(figures.unattributed(deal, rung)),
			"payers": payer_answers({p: figures.value(deal, p, rung)
				for p in figures.payers(deal)}),
		} for rung in RUNGS},
		"conditional": money_answer(figures.conditional(deal)),
		"events": len(of_deal),
		"copies": len([s for s in of_deal if s.copy]),
	}


def deal_changes(before, after):
	"""What differs, each as {what, payer, rung, before, after}."""
	changes = []
	for what in ("stage", "superseded_by", "conditional"):
		if before[what] != after[what]:
			changes.append({"what": what, "before": before[what], "after": after[what]})
	for rung in RUNGS:
		was, now = before["rungs"][rung], after["rungs"][rung]
		for what in ("total", "unattributed"):
			if was[what] != now[what]:
				changes.append({"what": what, "rung": rung, "before": was[what],
					"after": now[what]})
		for payer in sorted(set(was["payers"]) | set(now["payers"])):
			pair = was["payers"].get(payer, {}), now["payers"].get(payer, {})
			if pair[0] != pair[1]:
				changes.append({"what": "payer", "payer": payer, "rung": rung,
					"before": pair[0], "after": pair[1]})
	return changes


def causes(before, after, deal):
	"""Ids of the events that only one of the two views holds, and that speak of the deal, or
	declare one that supersedes it or what is inside it, or are rates that convert their amounts."""
	about, successors, rates_used = {deal}, set(), set()
	for figures in (before, after):
		deals = figures.deals
		inside = {deal, *deals.inside(deal)}
		about |= inside | set(deals.containing(deal))
		successors |= {deals.superseded_by(d) for d in inside} - {None}
		rates_used |= {rate.id for s in figures.view.own if s.deal in inside
			for rate in [figures.rate_of(s)] if rate}
	held = [{e.id: e for e in figures.view.held} for figures in (before, after)]
	by_id = {**held[0], **held[1]}
	in_one = [e for e in by_id.values() if (e.id in held[0]) != (e.id in held[1])]
	return sorted(e.id for e in in_one
		if any(r.fields.get("deal") in about
			or (r.kind == "deal" and r.fields["deal"] in successors)
			or r.id in rates_used
			for r in repaired(e, by_id)))


def repaired(event, by_id):
	"""The event, and those that it corrects or retracts."""
	found = []
	while event is not None:
		found.append(event)
		event = by_id.get(event.ref)
	return found


def independent_sources(statements):
	sources = set()
	for s in statements:
		origin = s.fields.get("derived_from")
		sources.add(("derived_from", origin) if origin else s.source())
	return len(sources)


def main(arguments):
	if len(arguments) != 3:
		print(__doc__, file=sys.stderr)
		return 2
	with open(arguments[1], encoding="utf-8") as lines:
		model = Model([json.loads(line) for line in lines if line.strip()])
	print(json.dumps(model.ask(json.loads(arguments[2])), indent=1, ensure_ascii=False))
	return 0


if __name__ == "__main__":
	sys.exit(main(sys.argv))
