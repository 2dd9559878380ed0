# SPDX-License-Identifier: Apache-2.0
"""The plain model answers every question about the sample deals as it was worked out by hand."""
import json
import pathlib
import unittest

from avow_model import Model

DATA = pathlib.Path(__file__).parent.parent / "data"


class Golden(unittest.TestCase):
	def test_every_golden_answer_is_reproduced_exactly(self):
		lines = (DATA / "ai-deals.jsonl").read_text(encoding="utf-8").splitlines()
		model = Model([json.loads(line) for line in lines])
		cases = json.loads((DATA / "ai-deals.golden.json").read_text(encoding="utf-8"))
		self.assertEqual(26, len(cases))
		for case in cases:
			with self.subTest(case["question"]):
				answer = model.ask(case["ask"])
				self.assertEqual(case["ask"].get("policy", "best"), answer["policy"])
				if "policy" in case["ask"]:
					del answer["policy"]  # the golden answers do not repeat it
				self.assertEqual(case["answer"], answer)


if __name__ == "__main__":
	unittest.main()
