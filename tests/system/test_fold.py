#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The index and the fold answer as the model does, without any service between them.

FOLD_RUNS sets how many random sets of events are compared, FOLD_SEED the first seed.
"""
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "model"), os.path.join(ROOT, "support")]

import asking
import avow_model
import generate

FOLD_ASK = os.environ["FOLD_ASK"]
RUNS = int(os.environ.get("FOLD_RUNS", "20"))
SEED = int(os.environ.get("FOLD_SEED", "1"))
EVENTS = 120
QUESTIONS = 30
MORE = 3 # of each of some kinds


def answers_to(path, asks):
	with open(path, encoding="utf-8") as f:
		ids = asking.Ids([json.loads(line) for line in f])
	lines = []
	for ask in asks:
		message, fields = asking.question_of(ask)
		lines.append("%s %s\n" % (message, json.dumps(fields)))
	with tempfile.TemporaryDirectory() as directory:
		done = subprocess.run([FOLD_ASK, directory, path], input="".join(lines),
			stdout=subprocess.PIPE, encoding="utf-8", check=True, timeout=120)
	answers = [json.loads(line) for line in done.stdout.splitlines()]
	assert len(answers) == len(asks)
	return [asking.answer_of(answer, ask, ids) for answer, ask in zip(answers, asks)]


def load(name):
	with open(os.path.join(ROOT, "data", name), encoding="utf-8") as f:
		return f.read()


class Golden(unittest.TestCase):
	maxDiff = None

	def test_every_golden_question_has_its_answer(self):
		cases = [c for c in json.loads(load("ai-deals.golden.json"))
			if c["ask"]["figure"] in asking.FIGURES]
		answers = answers_to(os.path.join(ROOT, "data", "ai-deals.jsonl"),
			[c["ask"] for c in cases])
		for case, answer in zip(cases, answers):
			with self.subTest(case["question"]):
				self.assertEqual({k: answer.get(k) for k in case["answer"]}, case["answer"])


class Random(unittest.TestCase):
	maxDiff = None

	def asks(self, seed):
		"""The model's own questions, and those that it does not make up."""
		asks = generate.questions(seed, QUESTIONS, EVENTS)
		chance = random.Random(seed)
		for _ in range(MORE):
			days = sorted(str(generate.FIRST_DAY + datetime.timedelta(
				days=chance.randrange(generate.DAYS))) for _ in range(2))
			seqs = sorted(chance.randrange(1, EVENTS + 1) for _ in range(2))
			rung = chance.choice(generate.RUNGS)
			party, other = chance.sample(generate.PARTIES, 2)
			side = chance.choice([{}, {"by": "to"}, {"to": other}, {"from": other}])
			more = chance.choice([{}, {"in": "EUR"}, {"policy": "hull"}, {"policy": "latest"},
				{"assume": [chance.choice(generate.DEALS)]}])
			asks.append({"figure": "diff", "between": chance.choice([days, seqs]), **more})
			asks.append({"figure": "overtook", "between": days, "rung": rung, "party": party,
				"other": other, **side, **more})
			asks.append({"figure": "league", "rung": rung, **side, **more})
			asks.append({"figure": "cycles", "max_length": chance.randrange(2, 6), **more})
		return asks

	def compare(self, seed):
		events = generate.generate(seed, EVENTS)
		asks = self.asks(seed)
		model = avow_model.Model(events)
		with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
			f.writelines(json.dumps(e) + "\n" for e in events)
			f.flush()
			for ask, answer in zip(asks, answers_to(f.name, asks)):
				if answer.get("error") == "NOT_FOUND":
					continue # the model knows no unknown names
				expected = asking.comparable(model.ask(ask))
				self.assertEqual(answer, expected, "seed %d, %s" % (seed, json.dumps(ask)))

	def test_random_events_and_questions_are_answered_as_the_model_does(self):
		for seed in range(SEED, SEED + RUNS):
			self.compare(seed)


if __name__ == "__main__":
	unittest.main()
