# SPDX-License-Identifier: Apache-2.0
"""Checks: stated totals against the ledger's own figures, and what contradicts itself.

DESIGN.md section 4 rules 10 and 13; DECISIONS.md 42 to 44, 48 to 52.
"""
import amounts
import dates
import parties
from amounts import money_sum
from figures import REOPENING, SET_RUNGS


# ---- totals ----

def totals(figures):
	return [s for s in figures.view.own if s.kind == "total" and figures.counts_basis(s)]


def window_of(total):
	on = total.decides.on
	return dates.days(on) if dates.is_interval(on) else None


def scope_of(figures, total):
	"""The deals that the total speaks of."""
	deals = figures.deals
	named = set(total.fields.get("deals", []))
	if named:
		return sorted(d for d in named if not named & set(deals.containing(d)))
	payees = total.fields.get("to", [])
	if payees:
		return deals.topmost(payees[0])
	return [d for d in deals.uncontained() if total.from_ in figures.payers(d)]


def figure_of(figures, total, scope):
	rung = total.fields["rung"]
	if total.from_:
		return money_sum([figures.summed_value(d, total.from_, rung) for d in scope])
	return money_sum([figures.summed_total(d, rung) for d in scope])


def verdict_of(stated, figure):
	"""(verdict, by how much)"""
	if not stated.intervals or figure.undisclosed or set(figure.intervals) - set(stated.intervals):
		return "unverifiable", None
	currency, claim = next(iter(stated.intervals.items()))
	own = figure.intervals.get(currency, amounts.NOTHING)
	if claim == own:
		return "match", None
	if amounts.meet(claim, own):
		return "compatible", None
	above = amounts.above(claim, own) == "certain"
	by = amounts.subtract(claim, own) if above else amounts.subtract(own, claim)
	return "above" if above else "below", amounts.Money({currency: by})


# ---- contradictions ----

def anomaly(name, deal, payer, rung, currency):
	return {"anomaly": name, "deal": deal, "payer": payer or "*", "rung": rung,
		"currency": currency}


def beyond(name, deal, payer, rung, much, limit):
	"""An anomaly for each currency of the limit that `much` certainly exceeds."""
	return [anomaly(name, deal, payer, rung, c) for c in limit.intervals
		if amounts.above(much.bounds(c), limit.bounds(c)) == "certain"]


def parts_beyond_whole(figures, deal):
	found = []
	parts = figures.deals.parts(deal)
	for rung in SET_RUNGS:
		for payer in [None] + figures.payers(deal):
			if not figures.setters_with_amount(deal, payer, rung):
				continue
			_, stated = figures.stated(deal, payer, rung)
			if payer is None:
				in_parts = [figures.summed_total(part, rung) for part in parts]
				found += beyond("payers_beyond_whole", deal, None, rung,
					figures.sum_over_payers(deal, rung), stated)
			else:
				in_parts = [figures.summed_value(part, payer, rung) for part in parts]
			found += beyond("parts_beyond_whole", deal, payer, rung,
				money_sum(in_parts), stated)
	return found


def paid_beyond_committed(figures, deal):
	found = []
	for payer in [None] + figures.payers(deal):
		has_base, stated = figures.stated(deal, payer, "committed")
		if not has_base:
			continue
		paid = figures.value(deal, payer, "paid") if payer else figures.total(deal, "paid")
		found += beyond("paid_beyond_committed", deal, payer, "committed", paid, stated)
	return found


def conditional_beyond_committed(figures, deal):
	return beyond("conditional_beyond_committed", deal, None, "committed",
		figures.conditional(deal), figures.total(deal, "committed"))


def statements_do_not_meet(figures, deal):
	found = []
	for payer in [None] + figures.payers(deal):
		for rung in SET_RUNGS:
			additions = figures.additions(deal, payer, rung)
			by_currency = {}
			for s in figures.setters_with_amount(deal, payer, rung):
				later = [a for a in additions if a.order() > s.order()]
				money = money_sum([figures.money_of(each) for each in [s] + later])
				for currency in figures.money_of(s).intervals:
					by_currency.setdefault(currency, []).append(money.bounds(currency))
			for currency, bounds in by_currency.items():
				if not all(amounts.meet(a, b) for a in bounds for b in bounds):
					found.append(anomaly("statements_do_not_meet", deal, payer, rung,
						currency))
	return found


def statements_after_cancel(figures, deal):
	found = []
	own = [s for s in figures.view.own if s.deal == deal]
	for s in own:
		if s.kind not in ("rumour", "close", "pay") or s.returned:
			continue
		payer = figures.deals.payer_of(s)
		for cancel in figures.cancels(deal):
			if cancel.from_ not in (None, payer) or cancel.order() > s.order():
				continue
			if any(cancel.order() < r.order() < s.order() and r.kind in REOPENING for r in own):
				continue
			earliest, latest = s.decides.earliest, cancel.decides.latest
			if earliest is not None and latest is not None and earliest > latest:
				found.append({"anomaly": "statement_after_cancel", "deal": deal,
					"event": s.id})
				break
	return found


def unreconciled(reconciled):
	return [{"anomaly": "total_does_not_reconcile", "event": r["event"],
		"verdict": r["verdict"]} for r in reconciled if r["verdict"] in ("above", "below")]


def anomalies(figures, reconciled):
	"""All of them. `figures` assumes nothing; `reconciled` are the answers about totals."""
	found = list(figures.deals.link_anomalies) + unreconciled(reconciled)
	for deal in figures.deals.all:
		found += parts_beyond_whole(figures, deal)
		found += paid_beyond_committed(figures, deal)
		found += conditional_beyond_committed(figures, deal)
		found += statements_do_not_meet(figures, deal)
		found += statements_after_cancel(figures, deal)
	keys = ("anomaly", "deal", "payer", "rung", "currency", "event", "whole")
	return sorted(found, key=lambda a: [str(a.get(k, "")) for k in keys])
