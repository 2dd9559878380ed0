# SPDX-License-Identifier: Apache-2.0
"""From questions and answers of the model to those of the product, and back.

The model's forms are those of tests/model; the product's are its messages in JSON.
"""
NONE = {"low": None, "high": None, "low_excl": False, "high_excl": False, "approx": False}
CLOCKS = ("on", "as_of", "at_seq")


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


def deal_answer(answer, _ask):
	return {"policy": answer["basis"]["policy"], "stage": answer.get("stage"),
		"superseded_by": answer.get("superseded_by"), "rungs": rung_sums_of(answer["rungs"]),
		"conditional": sums_of(answer["conditional"]), "events": answer["events"],
		"copies": answer["copies"]}


# figure of the model: (message, its own fields, from the product's answer to the model's)
FIGURES = {
	"deal": ("deal_figure", ("deal",), deal_answer),
}


def question_of(ask):
	"""(message, fields) of a question of the model."""
	message, fields, _ = FIGURES[ask["figure"]]
	return message, options_of(ask, fields)


def answer_of(answer, ask):
	"""An answer as the model would give it; errors as {"error": …}."""
	if "error" in answer:
		return {"error": answer["error"]}
	return FIGURES[ask["figure"]][2](answer, ask)
