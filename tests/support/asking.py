# SPDX-License-Identifier: Apache-2.0
"""From events, questions and answers of the model to those of the product, and back.

The model's forms are those of tests/model; the product's are its messages, in JSON or as they come
over the wire (see `legible`).
"""
import re
import uuid

import amounts

NONE = {"low": None, "high": None, "low_excl": False, "high_excl": False, "approx": False}
CLOCKS = ("on", "as_of", "at_seq")
NO_RATE_WORDS = re.compile(r"([A-Z]{3}) and ([A-Z]{3}) on or before (\d{4}-\d\d-\d\d)")


class Ids:
	"""By seq: the id of an event, and that of the first version of its statement. Events without a
	seq of their own have 1, 2, 3 …"""

	def __init__(self, events):
		self.events = {e.get("seq", n): e for n, e in enumerate(events, 1)}
		self.by_id = {e["id"]: e for e in events}

	def event(self, seq):
		return self.events[seq]["id"]

	def first(self, seq):
		event = self.events[seq]
		while "ref" in event and event["kind"] != "retract":
			event = self.by_id[event["ref"]]
		return event["id"]


# ---- over the wire ----

def wire_amount(text):
	currency, interval = amounts.parse(text)
	digits = amounts.minor_units(currency)
	amount = {"currency": currency}
	for bound in ("low", "high"):
		value = getattr(interval, bound)
		if value is not None:
			amount[bound] = int(value * 10**digits)
	for flag in ("approx", "low_excl", "high_excl"):
		if getattr(interval, flag):
			amount[flag] = True
	return amount


def wire_event(event):
	"""An event of the model as the map that is published."""
	message = {k: v for k, v in event.items() if k != "seq"}
	for field in ("id", "ref", "derived_from"):
		if field in message:
			message[field] = uuid.UUID(message[field]).bytes
	if "amount" in message:
		message["amount"] = wire_amount(message["amount"])
	return message


def legible(value):
	"""An answer as its JSON would be: amounts as decimals, ids as text."""
	if isinstance(value, bytes):
		return str(uuid.UUID(bytes=value)) if len(value) == 16 else value
	if isinstance(value, list):
		return [legible(v) for v in value]
	if not isinstance(value, dict):
		return value
	units = 10**amounts.minor_units(value["currency"]) \
		if isinstance(value.get("currency"), str) else 1
	return {k: amounts.decimal(amounts.Fraction(v, units))
		if k in ("low", "high") and isinstance(v, int) else legible(v)
		for k, v in value.items()}


# ---- questions ----

def options_of(ask, fields):
	message = {}
	clocks = {c: ask[c] for c in CLOCKS if c in ask}
	if clocks:
		message["clocks"] = clocks
	for name, field in (("policy", "policy"), ("assume", "assume"), ("in", "currency"),
		("basis", "basis")):
		if name in ask:
			message[field] = ask[name]
	for field in fields:
		if field in ask:
			message[field] = ask[field]
	return message


def decimal(text):
	"""Minor units with all their digits, as the model prints them: without trailing zeros."""
	return text if text is None or "." not in text else text.rstrip("0").rstrip(".")


def sums_of(sums):
	answer = {}
	for s in sums:
		amount = s.get("amount")
		bounds = dict(NONE)
		if amount:
			bounds.update((k, amount[k]) for k in NONE if k in amount)
			bounds["low"], bounds["high"] = decimal(bounds["low"]), decimal(bounds["high"])
		answer[s["currency"]] = {**bounds, "undisclosed": s.get("undisclosed", 0)}
	return answer


def rung_sums_of(rungs):
	return {r["rung"]: {"total": sums_of(r["total"]), "unattributed": sums_of(r["unattributed"]),
		"payers": {p["payer"]: sums_of(p["sums"]) for p in r["payers"]}} for r in rungs}


def deal_answer(answer, _ask, _ids):
	return {"stage": answer.get("stage"), "superseded_by": answer.get("superseded_by"),
		"rungs": rung_sums_of(answer["rungs"]),
		"conditional": sums_of(answer["conditional"]), "events": answer["events"],
		"copies": answer["copies"]}


def party_answer(answer, _ask, _ids):
	return {"rungs": {r["rung"]: {"from": sums_of(r["from"]), "to": sums_of(r["to"])}
		for r in answer["rungs"]}}


def backers_answer(answer, _ask, _ids):
	return {"rungs": rung_sums_of(answer["rungs"])}


def league_answer(answer, _ask, _ids):
	return {"unattributed": sums_of(answer["unattributed"]), "currencies": {
		t["currency"]: [{"party": r["party"], "best": r["best"], "worst": r["worst"],
			"amount": sums_of(r["sums"])} for r in t["rows"]] for t in answer["tables"]}}


def overtook_answer(answer, _ask, _ids):
	return {"overtook": {c["currency"]: c["overtook"] for c in answer["currencies"]}}


def flows_answer(answer, _ask, _ids):
	return {"flows": [{"from": f.get("from"), "to": f["to"],
		"rungs": {r["rung"]: sums_of(r["sums"]) for r in f["rungs"]}}
		for f in answer["flows"]]}


def cycles_answer(answer, _ask, _ids):
	return {"cycles": answer["cycles"]}


def why_answer(answer, _ask, ids):
	by_deal = {d["deal"]: [ids.first(e["seq"]) for e in d["events"]] for d in answer["deals"]
		if d["events"]}
	return {"amount": sums_of(answer["sums"]), "sources": answer["sources"],
		"by_deal": by_deal}


def reconcile_answer(answer, _ask, _ids):
	totals = []
	for t in answer["totals"]:
		total = {"event": t["event"], "rung": t["rung"], "stated": sums_of(t["stated"]),
			"figure": sums_of(t["figure"]), "deals": t["deals"], "verdict": t["verdict"]}
		if "by" in t:
			total["by"] = sums_of(t["by"])
		totals.append(total)
	return {"totals": totals}


def anomalies_answer(answer, _ask, _ids):
	found = []
	for a in answer["anomalies"]:
		one = {k: v for k, v in a.items() if k != "seq"}
		if "rung" in one and "payer" not in one:
			one["payer"] = "*"
		found.append(one)
	return {"anomalies": found}


def change_of(change):
	what = change["what"]
	one = {k: change[k] for k in ("what", "rung", "payer") if k in change}
	if what == "stage":
		return {**one, "before": change.get("stage_before"), "after": change.get("stage_after")}
	if what == "superseded_by":
		return {**one, "before": change.get("deal_before"), "after": change.get("deal_after")}
	return {**one, "before": sums_of(change.get("before", [])),
		"after": sums_of(change.get("after", []))}


def diff_answer(answer, _ask, ids):
	return {"diff": [{"deal": d["deal"], "changes": [change_of(c) for c in d["changes"]],
		"events": sorted(ids.event(seq) for seq in d["causes"])} for d in answer["deals"]]}


def party_list_answer(answer, _ask, _ids):
	return {"parties": [row["party"] for row in answer["parties"]]}


def deal_list_answer(answer, _ask, _ids):
	return {"deals": [{k: row.get(k) for k in ("deal", "stage", "part_of", "superseded_by",
		"events")} for row in answer["deals"]]}


def rate_list_answer(answer, _ask, ids):
	return {"rates": [{"base": row["base"], "quote": row["quote"], "rate": decimal(row["rate"]),
		"event": ids.event(row["seq"])} for row in answer["rates"]]}


# figure of the model: (message, its own fields, from the product's answer to the model's)
FIGURES = {
	"deal": ("deal_figure", ("deal",), deal_answer),
	"party": ("party_figure", ("party", "rung"), party_answer),
	"backers": ("backers_figure", ("to", "rung"), backers_answer),
	"league": ("league", ("rung", "to", "from", "by"), league_answer),
	"overtook": ("overtook", ("rung", "to", "from", "by", "party", "other"), overtook_answer),
	"flows": ("flows", ("rung",), flows_answer),
	"cycles": ("cycles", ("max_length",), cycles_answer),
	"why": ("why", ("deal", "payer", "to", "rung"), why_answer),
	"reconcile": ("reconcile", (), reconcile_answer),
	"anomalies": ("anomalies", (), anomalies_answer),
	"diff": ("diff", ("deal",), diff_answer),
	"party_list": ("parties", (), party_list_answer),
	"deal_list": ("deals", (), deal_list_answer),
	"rate_list": ("rates", ("base", "quote"), rate_list_answer),
}


def question_of(ask):
	"""(message, fields) of a question of the model."""
	message, fields, _ = FIGURES[ask["figure"]]
	question = options_of(ask, fields)
	if ask["figure"] == "overtook":
		question["before"], question["after"] = ask["between"]
	if ask["figure"] == "diff":
		clock = "at_seq" if isinstance(ask["between"][0], int) else "as_of"
		shared = question.pop("clocks", {})
		question["before"], question["after"] = ({**shared, clock: at} for at in ask["between"])
	return message, question


def answer_of(answer, ask, ids):
	"""An answer as the model would give it; errors as {"error": …}. ids: an Ids."""
	if "error" in answer:
		return error_of(answer)
	return {"policy": answer["basis"]["policy"],
		**FIGURES[ask["figure"]][2](answer, ask, ids)}


def error_of(answer):
	"""An error of the product; of a missing rate with the pair and the day that its words name."""
	error = {"error": answer["error"]}
	if error["error"] == "NO_RATE":
		words = NO_RATE_WORDS.search(answer["text"])
		error["pair"], error["day"] = sorted(words.group(1, 2)), words.group(3)
	return error


def comparable(answer):
	"""The model's own answer, without what the product says in another way."""
	if "error" in answer:
		return {"error": answer["error"], "pair": sorted((answer["base"], answer["quote"])),
			"day": answer["day"]}
	if "by_deal" in answer:
		return {k: v for k, v in answer.items() if k != "events"}
	return answer
