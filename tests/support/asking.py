# SPDX-License-Identifier: Apache-2.0
"""From questions and answers of the model to those of the product, and back.

The model's forms are those of tests/model; the product's are its messages in JSON.
"""
NONE = {"low": None, "high": None, "low_excl": False, "high_excl": False, "approx": False}
CLOCKS = ("on", "as_of", "at_seq")


class Ids:
	"""By seq: the id of an event, and that of the first version of its statement."""

	def __init__(self, events):
		self.events = events
		self.by_id = {e["id"]: e for e in events}

	def event(self, seq):
		return self.events[seq - 1]["id"]

	def first(self, seq):
		event = self.events[seq - 1]
		while "ref" in event and event["kind"] != "retract":
			event = self.by_id[event["ref"]]
		return event["id"]


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


# figure of the model: (message, its own fields, from the product's answer to the model's)
FIGURES = {
	"deal": ("deal_figure", ("deal",), deal_answer),
	"party": ("party_figure", ("party", "rung"), party_answer),
	"backers": ("backers_figure", ("to", "rung"), backers_answer),
	"league": ("league", ("rung", "to", "from", "by"), league_answer),
	"overtook": ("overtook", ("rung", "to", "from", "by", "party", "other"), overtook_answer),
	"flows": ("flows", ("rung",), flows_answer),
	"cycles": ("cycles", ("max_length",), cycles_answer),
	"why": ("why", ("deal", "payer", "rung"), why_answer),
	"reconcile": ("reconcile", (), reconcile_answer),
	"anomalies": ("anomalies", (), anomalies_answer),
	"diff": ("diff", ("deal",), diff_answer),
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
		return {"error": answer["error"]}
	return {"policy": answer["basis"]["policy"],
		**FIGURES[ask["figure"]][2](answer, ask, ids)}


def comparable(answer):
	"""The model's own answer, without what the product says in another way."""
	if "error" in answer:
		return {"error": answer["error"]}
	if "by_deal" in answer:
		return {k: v for k, v in answer.items() if k != "events"}
	return answer
