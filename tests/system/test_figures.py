#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of figure through real services, and what bad questions are told."""
import os
import unittest

from avowtest import Avow, Refused

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEALS = os.path.join(HERE, "data", "ai-deals.jsonl")
COUNT = 158
# A question of each kind that is answered.
GOOD = {
    "deal_figure": {"deal": "stargate"},
    "party_figure": {"party": "softbank"},
    "backers_figure": {"to": "openai"},
    "league": {"rung": "committed"},
    "overtook": {"party": "softbank", "other": "microsoft", "before": "2025-01-01",
                 "after": "2025-12-31", "rung": "paid"},
    "flows": {},
    "cycles": {},
    "why": {"deal": "stargate", "rung": "committed"},
    "reconcile": {},
    "anomalies": {},
    "diff": {"before": {"as_of": "2025-01-01"}, "after": {"as_of": "2025-12-31"}},
}


class BadQuestions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.avow = Avow().__enter__()
        cls.addClassCleanup(cls.avow.close)
        cls.avow.cli("publish", DEALS, check=0)
        cls.avow.ask("query", "get", seq=COUNT, min_seq=COUNT)

    def refused(self, type, **question):
        with self.assertRaises(Refused) as caught:
            self.avow.ask("query", type, **question)
        return caught.exception

    def test_a_word_that_is_not_known_is_refused_and_the_service_lives_on(self):
        for type, question in GOOD.items():
            for field, value in (("policy", "worst"), ("basis", ["cash", "gold"]),
                                 ("rung", "promised"), ("by", "weight")):
                if field == "rung" and field not in question or field == "by" and type != "league":
                    continue
                with self.subTest(type=type, field=field):
                    error = self.refused(type, **{**question, field: value})
                    self.assertEqual(error.name, "BAD_VALUE")
                    self.assertEqual(error.field.split(".")[0].split("[")[0], field)
            with self.subTest(type=type):
                self.assertEqual(self.avow.ask("query", type, **question)["basis"]["rules"],
                                 "avow-1")


if __name__ == "__main__":
    unittest.main()
