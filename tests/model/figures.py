# SPDX-License-Identifier: Apache-2.0
"""Figures: what the statements of a deal come to, rung by rung and payer by payer.

DESIGN.md section 4 rules 2 to 5, 8, 9; DECISIONS.md 12 to 31, 40, 41. A payer of None is the
whole deal.
"""
import amounts
import rates
from amounts import Money, money_sum

RUNGS = ["talked", "announced", "committed", "paid"]
SET_RUNGS = ["talked", "announced", "committed"]
RUNG_OF_KIND = {"rumour": "talked", "talks": "talked", "announce": "announced",
	"commit": "committed", "close": "committed", "pay": "paid"}
GRADES = ["official", "press", "anonymous", "social"]
STAGES = ["rumour", "talks", "announced", "committed", "closed"]
STAGE_OF_KIND = {"rumour": "rumour", "talks": "talks", "announce": "announced",
	"commit": "committed", "close": "closed", "pay": "committed"}
REOPENING = ("talks", "announce", "commit")


class Figures:
	"""Figures of one view, under one policy.

	policy: best, latest or hull. assume: deals assumed closed. target: the currency to convert
	into, or None. bases: what amounts are made of, None for all but guarantees.
	"""

	def __init__(self, view, deals, policy="best", assume=(), target=None, bases=None):
		self.view, self.deals = view, deals
		self.policy, self.assume = policy, set(assume)
		self.target, self.bases = target, bases
		self.missing_rates = []

	# ---- statements ----

	def counts_basis(self, statement):
		if self.bases is None:
			return statement.basis != "guarantee"
		return statement.basis in self.bases

	def money_of(self, statement):
		"""The statement's own amount, undisclosed where it has none."""
		if statement.amount is None:
			return Money(undisclosed=1, used=[statement.id])
		currency, interval = amounts.parse(statement.amount)
		if self.target is not None:
			try:
				interval = rates.exchange(self.view, statement, currency, interval,
					self.target)
			except rates.MissingRate as missing:
				self.missing_rates.append(missing)
				return Money(used=[statement.id])
			currency = self.target
		return Money({currency: interval}, used=[statement.id])

	def rate_of(self, statement):
		"""The statement of the rate that converts its amount; None where none does."""
		if self.target is None or statement.amount is None:
			return None
		currency, _ = amounts.parse(statement.amount)
		if currency == self.target:
			return None
		return rates.rate_for(self.view, statement, currency, self.target)

	def cancels(self, deal):
		"""Cancels of the deal and of those that contain it, in order."""
		reached_from = [deal] + self.deals.containing(deal)
		return [s for s in self.view.own if s.kind == "cancel" and s.deal in reached_from]

	def is_cancelled(self, statement, payer):
		return any(c.order() > statement.order() and c.from_ in (None, payer)
			for c in self.cancels(statement.deal))

	def of_rung(self, deal, payer, rung):
		"""Statements that set this rung or add to it, and that no cancel ended."""
		return [s for s in self.view.own
			if s.deal == deal and RUNG_OF_KIND.get(s.kind) == rung
			and not (s.kind == "close" and s.amount is None)
			and self.counts_basis(s) and self.deals.payer_of(s) == payer
			and (rung == "paid" or not self.is_cancelled(s, payer))]

	def setters(self, deal, payer, rung):
		return [s for s in self.of_rung(deal, payer, rung) if not s.adds]

	def setters_with_amount(self, deal, payer, rung):
		return [s for s in self.setters(deal, payer, rung) if s.amount is not None]

	def additions(self, deal, payer, rung):
		return [s for s in self.of_rung(deal, payer, rung) if s.adds]

	def payers(self, deal):
		own = {self.deals.payer_of(s) for s in self.view.own
			if s.deal == deal and s.kind in RUNG_OF_KIND}
		inside = {p for part in self.deals.parts(deal) for p in self.payers(part)}
		return sorted((own | inside) - {None})

	# ---- choosing among statements ----

	def choose(self, setters):
		if self.policy == "best":
			best = min(GRADES.index(s.grade) for s in setters)
			setters = [s for s in setters if GRADES.index(s.grade) == best]
		return max(setters, key=lambda s: s.order())

	def with_additions(self, setter, additions):
		"""The setter's amount and what was added to it."""
		counted = [a for a in additions if a.order() > setter.order()]
		if self.policy == "best":
			counted = [a for a in counted
				if GRADES.index(a.grade) <= GRADES.index(setter.grade)]
		return money_sum([self.money_of(s) for s in [setter] + counted])

	def decide(self, setters, additions):
		if self.policy == "hull":
			return amounts.money_hull([self.with_additions(s, additions) for s in setters])
		return self.with_additions(self.choose(setters), additions)

	# ---- what is stated ----

	def way_down(self, deal, rung):
		"""The rungs at which to look for an amount, in this order."""
		way = SET_RUNGS[SET_RUNGS.index(rung):]
		if deal in self.assume:
			way += [r for r in ("announced", "talked") if r not in way]
		return way

	def stated(self, deal, payer, rung):
		"""(has a base, money). With a base nothing below counts, without one everything does."""
		additions, undisclosed = [], []
		for at in self.way_down(deal, rung):
			additions += self.additions(deal, payer, at)
			setters = self.setters_with_amount(deal, payer, at)
			if setters:
				return True, money_sum([self.decide(setters, additions),
					self.one_undisclosed(undisclosed)])
			undisclosed += self.setters(deal, payer, at)
		return False, money_sum([self.money_of(s) for s in additions]
			+ [self.one_undisclosed(undisclosed)])

	def one_undisclosed(self, statements):
		if not statements:
			return Money()
		return Money(undisclosed=1, used=[s.id for s in statements])

	# ---- values and sums ----

	def payments(self, deal, payer):
		monies = []
		for s in self.of_rung(deal, payer, "paid"):
			money = self.money_of(s)
			monies.append(amounts.money_returned(money) if s.returned else money)
		return money_sum(monies)

	def value(self, deal, payer, rung):
		has_base, money = self.stated_below_paid(deal, payer, rung)
		if has_base:
			return money
		return money_sum([money, self.payments(deal, payer)]
			+ [self.summed_value(part, payer, rung) for part in self.deals.parts(deal)])

	def stated_below_paid(self, deal, payer, rung):
		"""Nothing is stated on the paid rung."""
		return (False, Money()) if rung == "paid" else self.stated(deal, payer, rung)

	def sum_over_payers(self, deal, rung):
		return money_sum([self.value(deal, p, rung) for p in self.payers(deal)])

	def unattributed(self, deal, rung, in_total=False):
		"""In a total a payer whose amount is undisclosed takes nothing from what a whole states."""
		has_base, money = self.stated_below_paid(deal, None, rung)
		if has_base:
			share = self.sum_over_payers(deal, rung)
			return amounts.money_beyond(money, share.disclosed() if in_total else share)
		return money_sum([money, self.payments(deal, None)]
			+ [self.unattributed(part, self.rung_in_sums(part, rung), in_total)
				for part in self.deals.parts(deal)])

	def total(self, deal, rung):
		if rung != "paid":
			has_base, money = self.stated(deal, None, rung)
			if has_base:
				return money
		return money_sum([self.sum_over_payers(deal, rung),
			self.unattributed(deal, rung, in_total=True)])

	# Wherever a deal is summed into something else only the paid rung of a superseded one counts.

	def rung_in_sums(self, deal, rung):
		return "paid" if self.deals.superseded_by(deal) else rung

	def summed_value(self, deal, payer, rung):
		return self.value(deal, payer, self.rung_in_sums(deal, rung))

	def summed_unattributed(self, deal, rung):
		return self.unattributed(deal, self.rung_in_sums(deal, rung))

	def summed_total(self, deal, rung):
		return self.total(deal, self.rung_in_sums(deal, rung))

	# ---- conditions and stage ----

	def conditional(self, deal):
		stated, settled = {}, set()
		for s in self.view.own:
			if s.kind != "condition" or s.deal != deal or self.is_cancelled(s, s.from_):
				continue
			if s.fields["state"] != "stated":
				settled.add(s.fields["condition"])
			elif self.counts_basis(s):
				stated.setdefault(s.fields["condition"], []).append(s)
		monies = [self.conditional(part) for part in self.deals.parts(deal)]
		for name, statements in stated.items():
			if name not in settled:
				monies.append(self.of_condition(statements))
		return money_sum(monies)

	def of_condition(self, statements):
		with_amount = [s for s in statements if s.amount is not None]
		if not with_amount:
			return self.one_undisclosed(statements)
		return self.decide(with_amount, [])

	def stage(self, deal):
		own = [s for s in self.view.own if s.deal == deal and s.kind in STAGE_OF_KIND]
		cancels = [s for s in self.cancels(deal) if s.from_ is None]
		stage = None
		for s in sorted(own + cancels, key=lambda s: s.order()):
			if s.kind == "cancel":
				stage = "cancelled"
			elif s.returned or (stage == "cancelled" and s.kind not in REOPENING):
				continue
			elif stage in (None, "cancelled"):
				stage = STAGE_OF_KIND[s.kind]
			else:
				stage = max(stage, STAGE_OF_KIND[s.kind], key=STAGES.index)
		return stage
