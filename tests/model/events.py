# SPDX-License-Identifier: Apache-2.0
"""Events, and the statements that they make visible under the three clocks.

DESIGN.md section 4 rule 1; DECISIONS.md 1 to 11.
"""
import dates

DECLARATIONS = ("party", "deal", "rate")


class Event:
	"""One event as published, with `stated` and `on` filled in."""

	def __init__(self, fields, seq, by_id):
		self.fields = fields
		self.id = fields["id"]
		self.seq = fields.get("seq", seq)
		self.kind = fields["kind"]
		self.ref = fields.get("ref")
		named = by_id.get(self.ref)
		self.stated = fields.get("stated") or named.stated
		self.instant = dates.instant(self.stated)
		self.on = fields.get("on")
		if self.on is None and self.is_correction():
			self.on = named.on
		if self.on is None:
			self.on = dates.day_of_instant(self.stated)
		self.earliest, self.latest = dates.days(self.on)

	def is_correction(self):
		return self.ref is not None and self.kind != "retract"

	def order(self):
		return (self.instant, self.seq)


def events_of(list_of_fields):
	"""Events in order of seq. `ref` names an event that the ledger holds already."""
	events, by_id = [], {}
	for seq, fields in enumerate(list_of_fields, 1):
		event = Event(fields, seq, by_id)
		events.append(event)
		by_id[event.id] = event
	return sorted(events, key=lambda e: e.seq)


class Clocks:
	def __init__(self, on=None, as_of=None, at_seq=None):
		self.on, self.as_of, self.at_seq = on, as_of, at_seq

	def hold(self, event):
		"""Held by the ledger, and public: this filters every event."""
		if self.at_seq is not None and event.seq > self.at_seq:
			return False
		day = dates.day_of_instant(event.stated)
		return self.as_of is None or dates.day_of(day) <= dates.day_of(self.as_of)

	def happened(self, event):
		if self.on is None or event.kind in DECLARATIONS or event.earliest is None:
			return True
		return event.earliest <= dates.day_of(self.on)


class Statement:
	"""A first version, its corrections, and the version among them that decides."""

	def __init__(self, first, decides, versions):
		self.first = first
		self.decides = decides
		self.versions = versions
		self.id = first.id
		self.kind = decides.kind
		self.fields = decides.fields
		self.deal = decides.fields.get("deal")
		self.amount = decides.fields.get("amount")
		self.adds = decides.fields.get("adds", False)
		self.returned = decides.fields.get("returned", False)
		self.grade = decides.fields.get("grade", "press")
		self.basis = decides.fields.get("basis", "cash")
		self.from_ = (decides.fields.get("from") or [None])[0]
		self.copy = False

	def order(self):
		return self.first.order()

	def source(self):
		"""Who published it: statements with the same source are not independent."""
		source = self.fields.get("source", {})
		for field in ("publisher", "title", "url"):
			if source.get(field):
				return (field, source[field])
		return ("id", self.id)


def withdrawn(held):
	"""Ids of the held events that a retract in effect names."""
	ids = set()
	by_id = {e.id: e for e in held}
	corrected = corrections_by_first(held, by_id)
	# Whatever withdraws or corrects an event has a greater seq than it, so it is settled before.
	for event in sorted(held, key=lambda e: -e.seq):
		if event.kind != "retract" or event.id in ids:
			continue
		if any(c.id not in ids for c in corrected.get(event.id, [])):
			continue
		ids.add(event.ref)
	return ids


def first_version(event, by_id):
	while event.is_correction():
		event = by_id[event.ref]
	return event


def corrections_by_first(held, by_id):
	found = {}
	for event in held:
		if event.is_correction():
			found.setdefault(first_version(event, by_id).id, []).append(event)
	return found


def statements_of(held):
	"""All statements that stand, in order, whether they happened by `on` or not."""
	by_id = {e.id: e for e in held}
	gone = withdrawn(held)
	corrections = corrections_by_first(held, by_id)
	statements = []
	for first in held:
		if first.is_correction() or first.id in gone:
			continue
		versions = [first] + corrections.get(first.id, [])
		standing = [c for c in versions[1:] if c.id not in gone]
		decides = max(standing, key=Event.order) if standing else first
		if decides.kind != "retract":
			statements.append(Statement(first, decides, versions))
	return sorted(statements, key=Statement.order)


def mark_copies(statements):
	by_version = {v.id: s for s in statements for v in s.versions}
	for statement in statements:
		origin = by_version.get(statement.fields.get("derived_from"))
		statement.copy = origin is not None and origin is not statement


def is_within(window, event):
	"""window: (earliest, latest) day of a total, None where there is none."""
	if window is None or event.kind in DECLARATIONS:
		return True
	earliest, latest = window
	if earliest is not None and (event.earliest is None or event.earliest < earliest):
		return False
	return latest is None or event.earliest is None or event.earliest <= latest


class View:
	"""What is visible: `held` events, and `statements` in order, copies marked."""

	def __init__(self, events, clocks, window=None):
		self.held = [e for e in events if clocks.hold(e)]
		self.statements = [s for s in statements_of(self.held) if clocks.happened(s.decides)]
		mark_copies(self.statements)
		self.statements = [s for s in self.statements if is_within(window, s.decides)]
		self.own = [s for s in self.statements if not s.copy]
