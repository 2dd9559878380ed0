#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Random sets of valid events, small and crowded so that everything meets everything, and
questions about them. The same seed gives the same events and questions.

    generate.py SEED COUNT        prints JSON Lines
"""
import datetime
import json
import random
import sys
import uuid

import events

FIRST_DAY = datetime.date(2024, 1, 1)
DAYS = 400
DEALS = ["deal-%d" % n for n in range(6)]
PARTIES = ["party-%d" % n for n in range(5)]
CURRENCIES = ["USD", "USD", "USD", "EUR", "EUR", "JPY"]
CONDITIONS = ["approval", "financing"]
GRADES = ["official", "press", "press", "anonymous", "social"]
BASES = ["stock", "debt", "in_kind", "purchase", "guarantee"]
PUBLISHERS = ["Gazette", "Herald", "Tribune", "Wire", "The company"]
RUNGS = ["talked", "announced", "committed", "paid"]
KINDS = (["commit"] * 6 + ["announce"] * 4 + ["talks"] * 3 + ["pay"] * 5 + ["deal"] * 4
	+ ["rumour", "close", "cancel", "cancel", "condition", "condition", "total", "total",
	"remark", "market", "rate", "rate", "party"])
MONEY = ("rumour", "talks", "announce", "commit", "close", "pay")


class Generator:
	def __init__(self, seed, count):
		self.random = random.Random(seed)
		self.ids = [str(uuid.UUID(int=self.random.getrandbits(128), version=4))
			for _ in range(count)]
		self.made = []

	def chance(self, percent):
		return self.random.randrange(100) < percent

	def one_of(self, choices):
		return self.random.choice(choices)

	# ---- values ----

	def day(self):
		return FIRST_DAY + datetime.timedelta(days=self.random.randrange(DAYS))

	def stated(self):
		# A third of all days is the same few, so that order is often decided by seq.
		day = self.day() if self.chance(67) else FIRST_DAY + datetime.timedelta(
			days=40 * self.random.randrange(DAYS // 40))
		if self.chance(15):
			return "%sT%02d:%02d:%02dZ" % (day, self.random.randrange(24),
				self.random.randrange(60), self.random.randrange(60))
		return str(day)

	def on(self):
		day, later = sorted([self.day(), self.day()])
		month = day.strftime("%Y-%m")
		return self.one_of([str(day), str(day), str(day), month, month + "~", month + "?",
			str(day.year), "%d-%d" % (day.year, self.random.randrange(21, 25)),
			"%s/%s" % (day, later), "../%s" % day, "%s/.." % day, "%s/%s" % (month, later),
			month + "-XX"])

	def amount(self):
		currency = self.one_of(CURRENCIES)
		low, high = sorted(self.random.randrange(1, 60) for _ in range(2))
		text = self.one_of(["{0}bn", "{0}bn", "{0}bn", "~{0}bn", ">{0}bn", ">={0}bn", "<{1}bn",
			"<={1}bn", "{0}bn..{1}bn", "{0}..{1}bn", "~{0}..{1}bn", "{0}.5bn", "{0}00m",
			">{0}bn..<{2}bn"])
		return text.format(low, high, high + 1) + " " + currency

	def some(self, choices, most):
		return sorted(self.random.sample(choices, self.random.randrange(most + 1)))

	# ---- events ----

	def event(self, kind):
		event = {"id": self.ids[len(self.made)], "kind": kind, "stated": self.stated(),
			"source": {"publisher": self.one_of(PUBLISHERS)}}
		getattr(self, kind if kind not in MONEY else "money")(event)
		if kind not in events.DECLARATIONS:
			event["grade"] = self.one_of(GRADES)
			if self.chance(40):
				event["on"] = self.on()
			if self.chance(8):
				event["derived_from"] = self.one_of(self.ids + [str(uuid.UUID(int=7))])
				if event["derived_from"] == event["id"]:
					del event["derived_from"]
		return event

	def about_a_deal(self, event):
		event["deal"] = self.one_of(DEALS)

	def money(self, event):
		self.about_a_deal(event)
		if self.chance(60):
			event["from"] = [self.one_of(PARTIES)]
		if self.chance(30):
			event["to"] = [self.one_of(PARTIES)]
		if self.chance(85):
			event["amount"] = self.amount()
		if event["kind"] == "pay":
			if self.chance(15):
				event["returned"] = True
		elif self.chance(20):
			event["adds"] = True
		if self.chance(15):
			event["basis"] = self.one_of(BASES)

	def cancel(self, event):
		self.about_a_deal(event)
		event["reason"] = "terminated"
		if self.chance(40):
			event["from"] = [self.one_of(PARTIES)]

	def condition(self, event):
		self.about_a_deal(event)
		event["condition"] = self.one_of(CONDITIONS)
		event["state"] = self.one_of(["stated"] * 4 + ["met", "failed", "waived"])
		if event["state"] == "stated" and self.chance(85):
			event["amount"] = self.amount()
		if self.chance(20):
			event["from"] = [self.one_of(PARTIES)]

	def total(self, event):
		event["rung"] = self.one_of(RUNGS)
		event["amount"] = self.amount()
		sides = self.one_of([("from",), ("to",), ("from", "to")])
		for side in sides:
			event[side] = [self.one_of(PARTIES)]
		if self.chance(50):
			event["deals"] = self.some(DEALS, 3) or [DEALS[0]]
		stated = [e for e in self.made if e["kind"] in ("commit", "pay") and "amount" in e]
		if stated and self.chance(40):
			claimed = self.one_of(stated)
			event["deals"], event["amount"] = [claimed["deal"]], claimed["amount"]
			event["rung"] = "paid" if claimed["kind"] == "pay" else "committed"
		if self.chance(20):
			event["assume"] = [self.one_of(DEALS)]
		if self.chance(30):
			event["on"] = "%s/%s" % tuple(sorted([self.day(), self.day()]))

	def remark(self, event):
		self.about_a_deal(event)
		event["stance"] = "doubt"
		event["note"] = "no money there"

	def market(self, event):
		self.about_a_deal(event)
		event["instrument"], event["move"] = "XNYS:ABC", "-1.5"

	def party(self, event):
		event["party"] = self.one_of(PARTIES)
		event["name"] = event["party"].title()
		event["type"] = "company"

	def deal(self, event):
		self.about_a_deal(event)
		for side, most in (("from", 3), ("to", 2)):
			named = self.some(PARTIES, most)
			if named:
				event[side] = named
		links = []
		if self.chance(50):
			links.append({"type": "part_of", "deal": self.one_of(DEALS)})
		if self.chance(8):
			links.append({"type": "part_of", "deal": self.one_of(DEALS)})
		if self.chance(12):
			links.append({"type": "supersedes", "deal": self.one_of(DEALS)})
		if links:
			event["links"] = links

	def rate(self, event):
		event["base"], event["quote"] = self.random.sample(["USD", "EUR", "JPY"], 2)
		event["rate"] = "%d.%02d" % (self.random.randrange(1, 200), self.random.randrange(100))
		if self.chance(50):
			event["on"] = str(self.day())

	# ---- repairs ----

	def named(self):
		"""An event to correct or to retract: often a repair itself."""
		repairs = [e for e in self.made if "ref" in e]
		return self.one_of(repairs) if repairs and self.chance(40) else self.one_of(self.made)

	def retract(self):
		return {"id": self.ids[len(self.made)], "kind": "retract", "stated": self.stated(),
			"ref": self.named()["id"], "reason": "other",
			"source": {"publisher": self.one_of(PUBLISHERS)}}

	def correction(self):
		"""Of the same kind mostly; its `stated` is not before that of what it corrects."""
		named = self.named()
		same = named["kind"] != "retract" and self.chance(80)
		event = self.event(named["kind"] if same else self.one_of(KINDS))
		if same and self.chance(70) and "deal" in named:
			event["deal"] = named["deal"]
		event["ref"], event["reason"] = named["id"], "typo"
		held = events.events_of(self.made + [event])
		if held[-1].instant < held[self.made.index(named)].instant or self.chance(20):
			del event["stated"]
		return event

	def first_rates(self):
		"""Without these nearly every conversion would fail for want of a rate."""
		for base, quote in (("USD", "EUR"), ("EUR", "JPY"), ("JPY", "USD")):
			event = self.event("rate")
			event.update(stated=str(FIRST_DAY), on=str(FIRST_DAY), base=base, quote=quote)
			self.made.append(event)

	def make(self):
		if len(self.ids) > 10 and self.chance(70):
			self.first_rates()
		while len(self.made) < len(self.ids):
			if self.made and self.chance(12):
				self.made.append(self.correction())
			elif self.made and self.chance(8):
				self.made.append(self.retract())
			else:
				self.made.append(self.event(self.one_of(KINDS)))
		return self.made


def generate(seed, count):
	"""A list of event dicts; seqs are 1, 2, 3 … in this order."""
	return Generator(seed, count).make()


FIGURES = (["deal"] * 6 + ["why"] * 4 + ["diff"] * 3 + ["party", "backers", "flows", "league",
	"league", "overtook", "overtook", "cycles", "reconcile", "anomalies", "party_list", "deal_list", "rate_list"])
LISTS = ("party_list", "deal_list", "rate_list") # which clocks change, and no other option


def about(maker, figure, event_count):
	"""The fields that a question of this figure has of its own."""
	rung, (party, other) = maker.one_of(RUNGS), maker.random.sample(PARTIES, 2)
	side = maker.one_of([{}, {"by": "to"}, {"to": other}, {"from": other}])
	days = sorted(str(maker.day()) for _ in range(2))
	if figure == "deal":
		return {"deal": maker.one_of(DEALS)}
	if figure == "why":
		deal = maker.one_of(DEALS)
		return {"rung": rung, **maker.one_of([{"deal": deal}, {"deal": deal, "payer": party},
			{"to": party}, {"payer": party}, {"payer": party, "to": other}])}
	if figure == "diff":
		seqs = sorted(maker.random.randrange(1, event_count + 1) for _ in range(2))
		return {"between": maker.one_of([days, days, seqs]),
			**maker.one_of([{}, {"deal": maker.one_of(DEALS)}])}
	if figure == "league":
		return {"rung": rung, **side}
	if figure == "overtook":
		return {"rung": rung, "party": party, "other": other, "between": days, **side}
	if figure == "cycles":
		return maker.one_of([{}, {"max_length": maker.random.randrange(2, 6)}])
	if figure == "rate_list":
		return dict(zip(("base", "quote"), maker.random.sample(["USD", "EUR", "JPY"], 2)))
	named = {"party": {"party": party}, "backers": {"to": party}}.get(figure, {})
	if figure in ("party", "backers", "flows") and maker.chance(40):
		named["rung"] = rung
	return named


def question(maker, event_count):
	figure = maker.one_of(FIGURES)
	ask = {"figure": figure, **about(maker, figure, event_count)}
	between = [type(at) for at in ask.get("between", [])]
	if maker.chance(30):
		ask["on"] = str(maker.day())
	if maker.chance(50) and str not in between:
		ask["as_of"] = str(maker.day())
	if maker.chance(40) and int not in between:
		ask["at_seq"] = maker.random.randrange(1, event_count + 1)
	if figure in LISTS:
		return ask
	if maker.chance(40):
		ask["policy"] = maker.one_of(["latest", "hull"])
	if maker.chance(20):
		ask["assume"] = [maker.one_of(DEALS)]
	if maker.chance(20):
		ask["in"] = maker.one_of(["USD", "EUR", "JPY"])
	if maker.chance(10):
		ask["basis"] = [maker.one_of(BASES)]
	return ask


def questions(seed, count, event_count):
	"""Questions about generate(…, event_count), with all figures, clocks and options."""
	maker = Generator(seed, 0)
	return [question(maker, event_count) for _ in range(count)]


def main(arguments):
	if len(arguments) != 3:
		print(__doc__, file=sys.stderr)
		return 2
	for event in generate(int(arguments[1]), int(arguments[2])):
		print(json.dumps(event))
	return 0


if __name__ == "__main__":
	sys.exit(main(sys.argv))
