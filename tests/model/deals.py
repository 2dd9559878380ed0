# SPDX-License-Identifier: Apache-2.0
"""Deals: what their declarations say of payers, payees, parts and successors.

DESIGN.md section 4 rules 3 and 6; DECISIONS.md 20 to 23, 32.
"""


class Deals:
	DEEPEST = 500  # deals from one that nobody contains down to the innermost

	def __init__(self, view):
		self.view = view
		self.declared = {}  # deal: its deciding declaration
		for statement in view.own:
			if statement.kind == "deal":
				self.declared[statement.deal] = statement
		self.in_order = sorted(self.declared.values(), key=lambda s: s.order())
		self.whole = {}  # deal: the deal that it is a part of
		self.link_anomalies = []
		for declaration in self.in_order:
			self.add_part(declaration)
		self.drop_too_deep()
		named = {s.deal for s in view.statements if s.deal}
		self.all = sorted(named | set(self.whole.values()))

	def add_part(self, declaration):
		deal = declaration.deal
		wholes = [link["deal"] for link in declaration.fields.get("links", [])
			if link["type"] == "part_of"]
		for double in wholes[1:]:
			self.link_anomalies.append({"anomaly": "part_of_double", "deal": deal,
				"whole": double})
		if not wholes:
			return
		if deal in ([wholes[0]] + self.containing(wholes[0]))[:self.DEEPEST]:
			self.link_anomalies.append({"anomaly": "part_of_circle", "deal": deal,
				"whole": wholes[0]})
		else:
			self.whole[deal] = wholes[0]

	def drop_too_deep(self):
		"""The links of all deals that are inside too many others, or inside others for ever."""
		too_deep = [d for d in self.whole if len(self.containing(d)) == self.DEEPEST]
		for deal in too_deep:
			self.link_anomalies.append({"anomaly": "part_of_too_deep", "deal": deal,
				"whole": self.whole[deal]})
		for deal in too_deep:
			del self.whole[deal]

	def containing(self, deal):
		"""The deals that contain this one, nearest first; not more than the deepest is inside."""
		found = []
		while deal in self.whole and len(found) < self.DEEPEST:
			deal = self.whole[deal]
			found.append(deal)
		return found

	def parts(self, deal):
		return sorted(d for d, whole in self.whole.items() if whole == deal)

	def inside(self, deal):
		return [d for d in self.all if deal in self.containing(d)]

	def uncontained(self):
		return [d for d in self.all if d not in self.whole]

	def payer_of(self, statement):
		"""The payer that it speaks for; None: the whole deal."""
		if statement.from_:
			return statement.from_
		declaration = self.declared.get(statement.deal)
		payers = declaration.fields.get("from", []) if declaration else []
		return payers[0] if len(payers) == 1 else None

	def payees(self, deal):
		declaration = self.declared.get(deal)
		if declaration and declaration.fields.get("to"):
			return set(declaration.fields["to"])
		return {party for s in self.view.own if s.deal == deal and s.kind != "deal"
			for party in s.fields.get("to", [])}

	def all_payees(self):
		return sorted({party for deal in self.all for party in self.payees(deal)})

	def topmost(self, payee):
		"""Deals to this party, without those inside another one to it."""
		return [d for d in self.all if payee in self.payees(d)
			and not any(payee in self.payees(w) for w in self.containing(d))]

	def spoken_of(self):
		"""All deals, and those of which only their successor speaks."""
		return set(self.all) | {link["deal"] for d in self.in_order
			for link in d.fields.get("links", []) if link["type"] == "supersedes"}

	def superseded_by(self, deal):
		for declaration in self.in_order:
			for link in declaration.fields.get("links", []):
				if link["type"] == "supersedes" and link["deal"] == deal != declaration.deal:
					return declaration.deal
		return None
