#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The index and the fold answer as the model does, without any service between them.

FOLD_RUNS sets how many random sets of events are compared, FOLD_SEED the first seed.
"""
import json
import os
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
RUNS = int(os.environ.get("FOLD_RUNS", "60"))
SEED = int(os.environ.get("FOLD_SEED", "1"))
EVENTS = 120
QUESTIONS = 40


def answers_to(path, asks):
	lines = []
	for ask in asks:
		message, fields = asking.question_of(ask)
		lines.append("%s %s\n" % (message, json.dumps(fields)))
	with tempfile.TemporaryDirectory() as directory:
		done = subprocess.run([FOLD_ASK, directory, path], input="".join(lines),
			stdout=subprocess.PIPE, encoding="utf-8", check=True, timeout=120)
	answers = [json.loads(line) for line in done.stdout.splitlines()]
	assert len(answers) == len(asks)
	return [asking.answer_of(answer, ask) for answer, ask in zip(answers, asks)]


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
				self.assertEqual({k: answer[k] for k in case["answer"]}, case["answer"])


class Random(unittest.TestCase):
	maxDiff = None

	def compare(self, seed):
		events = generate.generate(seed, EVENTS)
		asks = [a for a in generate.questions(seed, QUESTIONS, EVENTS)
			if a["figure"] in asking.FIGURES]
		model = avow_model.Model(events)
		with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
			f.writelines(json.dumps(e) + "\n" for e in events)
			f.flush()
			for ask, answer in zip(asks, answers_to(f.name, asks)):
				expected = model.ask(ask)
				if "error" in expected:
					expected = {"error": expected["error"]}
				if answer.get("error") == "NOT_FOUND":
					continue # the model knows no unknown names
				self.assertEqual(answer, expected, "seed %d, %s" % (seed, json.dumps(ask)))

	def test_random_events_and_questions_are_answered_as_the_model_does(self):
		for seed in range(SEED, SEED + RUNS):
			self.compare(seed)


if __name__ == "__main__":
	unittest.main()
