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
import unittest.mock

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "model"), os.path.join(ROOT, "support")]

import asking
import avow_model
import deals
import generate

FOLD_ASK = os.environ["FOLD_ASK"]
RUNS = int(os.environ.get("FOLD_RUNS", "20"))
SEED = int(os.environ.get("FOLD_SEED", "1"))
EVENTS = 120
SAMPLE = os.path.join(ROOT, "data", "ai-deals.jsonl")
QUESTIONS = 42


def ask(path, questions, program=FOLD_ASK):
	"""Answers to messages, each given as its name and fields."""
	lines = ["%s %s\n" % (message, json.dumps(fields)) for message, fields in questions]
	with tempfile.TemporaryDirectory() as directory:
		done = subprocess.run([program, directory, path], input="".join(lines),
			stdout=subprocess.PIPE, encoding="utf-8", check=True, timeout=120)
	answers = [json.loads(line) for line in done.stdout.splitlines()]
	assert len(answers) == len(questions)
	return answers


def answers_to(path, asks, program=FOLD_ASK):
	"""Answers to the model's questions, in the model's form."""
	with open(path, encoding="utf-8") as f:
		ids = asking.Ids([json.loads(line) for line in f])
	answers = ask(path, [asking.question_of(a) for a in asks], program)
	return [asking.answer_of(answer, a, ids) for answer, a in zip(answers, asks)]


def load(name):
	with open(os.path.join(ROOT, "data", name), encoding="utf-8") as f:
		return f.read()


class Golden(unittest.TestCase):
	maxDiff = None

	def test_every_golden_question_has_its_answer(self):
		cases = [c for c in json.loads(load("ai-deals.golden.json"))
			if c["ask"]["figure"] in asking.FIGURES]
		answers = answers_to(SAMPLE, [c["ask"] for c in cases])
		for case, answer in zip(cases, answers):
			with self.subTest(case["question"]):
				self.assertEqual({k: answer.get(k) for k in case["answer"]}, case["answer"])


class Lists(unittest.TestCase):
	maxDiff = None

	def hits(self, text, **fields):
		answer, = ask(SAMPLE, [("search", {"text": text, **fields})])
		return [hit.get("party") or hit["deal"] for hit in answer["hits"]]

	def test_a_name_is_found_in_any_script_case_and_spelling(self):
		self.assertEqual(self.hits("ソフトバンク"), ["softbank"])
		self.assertEqual(self.hits("SoftBank Group"), ["softbank"])
		self.assertEqual(self.hits("NVÍDIA")[:2], ["nvidia", "nvidia-anthropic"])
		self.assertEqual(self.hits("openai oracle"), ["openai-oracle"])
		self.assertEqual(self.hits("no such name"), [])

	def test_a_name_is_not_found_before_it_was_declared(self):
		self.assertEqual(self.hits("ソフトバンク", clocks={"at_seq": 1}), [])
		self.assertEqual(self.hits("ソフトバンク", clocks={"as_of": "2019-01-01"}), [])

	def test_a_name_of_which_nothing_was_public_is_in_no_list_and_not_found(self):
		early = {"clocks": {"as_of": "2019-12-31"}}
		for message in ("parties", "deals"):
			now, then = ask(SAMPLE, [(message, {}), (message, early)])
			self.assertGreater(len(now[message]), 20)
			self.assertLess(len(then[message]), 5)
		self.assertIn("stargate", self.hits("stargate"))
		self.assertEqual(self.hits("stargate", **early), [])
		self.assertEqual(self.hits("softbank", clocks={"on": "1900-01-01", "at_seq": 1}), [])

	def test_pages_of_lists_hold_everything_once_and_in_order(self):
		for message, row, clocks in (("parties", "party", {}), ("deals", "deal", {}),
			("deals", "deal", {"as_of": "2025-01-30"})):
			whole, = ask(SAMPLE, [(message, {"clocks": clocks})])
			slugs = [r[row] for r in whole[message]]
			self.assertEqual(slugs, sorted(set(slugs)))
			paged, after = [], {}
			while True:
				page, = ask(SAMPLE, [(message, {"limit": 7, "clocks": clocks, **after})])
				paged += page[message]
				if not page.get("more"):
					break
				after = {"after": paged[-1][row]}
			self.assertEqual(paged, whole[message])

	def test_a_list_of_deals_tells_what_their_own_pages_do(self):
		listed, = ask(SAMPLE, [("deals", {})])
		figures = ask(SAMPLE, [("deal_figure", {"deal": d["deal"]}) for d in listed["deals"]])
		for row, figure in zip(listed["deals"], figures):
			self.assertEqual((row.get("stage"), row["events"]),
				(figure.get("stage"), figure["events"]))


class Large(unittest.TestCase):
	STATEMENTS = 1500 # so many facts are counted before they are read

	def events(self):
		"""A deal with a large part."""
		def event(n, **fields):
			return {"id": "01936b2e-0000-7000-8000-%012x" % n, "stated": "2024-01-02",
				"source": {"publisher": "curator"}, **fields}
		yield event(1, kind="deal", deal="all")
		yield event(2, kind="deal", deal="much", links=[{"type": "part_of", "deal": "all"}])
		for n in range(self.STATEMENTS):
			yield event(3 + n, kind="announce", deal="much", to=["acme"],
				amount="%dm USD" % (n + 1))

	def test_a_revision_counts_the_deal_itself_also_where_a_part_is_large(self):
		with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
			f.writelines(json.dumps(e) + "\n" for e in self.events())
			f.flush()
			whole, part = ask(f.name, [("deal_figure", {"deal": d}) for d in ("all", "much")])
		self.assertEqual([whole["revision"], whole["parts"]], [1, ["much"]])
		self.assertEqual([part["revision"], part["events"]],
			[self.STATEMENTS + 1, self.STATEMENTS + 1])


class Random(unittest.TestCase):
	maxDiff = None

	def compare(self, seed, program=FOLD_ASK):
		events = generate.generate(seed, EVENTS)
		asks = generate.questions(seed, QUESTIONS, EVENTS)
		model = avow_model.Model(events)
		with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
			f.writelines(json.dumps(e) + "\n" for e in events)
			f.flush()
			for asked, answer in zip(asks, answers_to(f.name, asks, program)):
				if answer.get("error") == "NOT_FOUND":
					continue # the model knows no unknown names
				expected = asking.comparable(model.ask(asked))
				self.assertEqual(answer, expected, "seed %d, %s" % (seed, json.dumps(asked)))

	def test_random_events_and_questions_are_answered_as_the_model_does(self):
		for seed in range(SEED, SEED + RUNS):
			self.compare(seed)

	def deep(self, seed, program):
		"""Many deals inside one another, compared with a model that nests them two deep."""
		with unittest.mock.patch.object(deals.Deals, "DEEPEST", 2), \
				unittest.mock.patch.multiple(generate, DEALS=["deal-%d" % n for n in range(16)],
					KINDS=generate.KINDS + ["deal"] * len(generate.KINDS)):
			self.compare(seed, program)

	def test_the_same_where_more_deals_are_inside_one_another_than_may_be(self):
		for seed in range(SEED, SEED + RUNS):
			self.deep(seed, os.environ["FOLD_ASK_SHALLOW"])

	def test_deals_that_nest_deeper_than_they_may_are_seen(self):
		with self.assertRaises(AssertionError):
			self.deep(SEED, FOLD_ASK)


if __name__ == "__main__":
	unittest.main()
