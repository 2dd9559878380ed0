# SPDX-License-Identifier: Apache-2.0
"""avow show and history against running services: the golden answers, pages, one's own writes."""
import csv
import io
import json
import os
import unittest

import avowtest
from avowtest import Avow, event

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEALS = os.path.join(HERE, "data", "ai-deals.jsonl")
GOLDEN = os.path.join(HERE, "data", "ai-deals.golden.json")
FLAGS = ("approx", "low_excl", "high_excl")


def sums_of(sums):
    """Sums of an answer in the form of the golden file."""
    out = {}
    for s in sums:
        a = s.get("amount", {})
        out[s["currency"]] = {"low": a.get("low"), "high": a.get("high"),
                              "undisclosed": s.get("undisclosed", 0),
                              **{flag: a.get(flag, False) for flag in FLAGS}}
    return out


def rung_of(r):
    return {"total": sums_of(r["total"]), "unattributed": sums_of(r["unattributed"]),
            "payers": {p["payer"]: sums_of(p["sums"]) for p in r["payers"]}}


class Golden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.avow = Avow().__enter__()
        cls.addClassCleanup(cls.avow.close)
        cls.avow.cli("publish", DEALS, check=0)
        cls.avow.ask("query", "get", seq=158, min_seq=158)

    def questions(self):
        with open(GOLDEN) as f:
            for q in json.load(f):
                ask = dict(q["ask"])
                if ask.pop("figure") == "deal":
                    args = [ask.pop("deal")]
                    for name, value in ask.items():
                        args += ["--" + name.replace("_", "-"),
                                 ",".join(value) if isinstance(value, list) else str(value)]
                    yield q, args

    def show(self, *args):
        return self.avow.cli("show", *args, check=0).stdout

    def test_every_golden_figure_of_a_deal_is_shown_as_json(self):
        count = 0
        for q, args in self.questions():
            with self.subTest(question=q["question"]):
                got, want = json.loads(self.show(*args, "-o", "json")), q["answer"]
                self.assertEqual(got.get("stage"), want["stage"])
                self.assertEqual({r["rung"]: rung_of(r) for r in got["rungs"]}, want["rungs"])
                self.assertEqual(sums_of(got["conditional"]), want["conditional"])
                self.assertEqual((got["events"], got["copies"]), (want["events"], want["copies"]))
                self.assertEqual(got["meta"]["policy"], q["ask"].get("policy", "best"))
                self.assertEqual(got["meta"]["as_of"], q["ask"].get("as_of"))
                count += 1
        self.assertGreaterEqual(count, 19)

    def test_rows_for_programs_hold_the_same_figures(self):
        for q, args in self.questions():
            with self.subTest(question=q["question"]):
                rows = list(csv.DictReader(io.StringIO(self.show(*args, "-o", "csv"))))
                for rung, want in q["answer"]["rungs"].items():
                    self.check_rows(rows, rung, "total", "", want["total"])
                    for payer, sums in want["payers"].items():
                        self.check_rows(rows, rung, "payer", payer, sums)
                    if want["unattributed"]:
                        self.check_rows(rows, rung, "unattributed", "", want["unattributed"])
                tsv = self.show(*args)
                self.assertEqual([line.split("\t") for line in tsv.splitlines()],
                                 [list(rows[0])] + [list(r.values()) for r in rows])

    def check_rows(self, rows, rung, part, payer, want):
        found = [r for r in rows if (r["rung"], r["part"], r["payer"]) == (rung, part, payer)]
        self.assertEqual(len(found), max(1, len(want)))
        for row in found:
            if not want:
                self.assertEqual((row["amount_low"], row["amount_high"], row["undisclosed"]),
                                 ("", "", "0"))
                continue
            sum_ = want[row["amount_currency"] or "XXX"]
            self.assertEqual(row["amount_low"], sum_["low"] or "")
            self.assertEqual(row["amount_high"], sum_["high"] or "")
            self.assertEqual(row["undisclosed"], str(sum_["undisclosed"]))
            self.assertEqual(row["amount_flags"], " ".join(f for f in FLAGS if sum_[f]))


class Pages(unittest.TestCase):
    def test_a_history_of_many_pages_is_whole_and_in_order(self):
        with Avow() as avow:
            for page in range(3):
                avow.publish(*[event(deal="d", stated="2025-01-%02d" % (28 - i % 28), note=str(i))
                               for i in range(900)])
            done = avow.cli("history", "d", "--min-seq", "2700", "-o", "json", check=0)
            rows = json.loads(done.stdout)["rows"]
            self.assertEqual(sorted(r["seq"] for r in rows), list(range(1, 2701)))
            keys = [(r["stated"], r["seq"]) for r in rows]
            self.assertEqual(keys, sorted(keys))

    def test_what_was_written_is_read_at_once_with_min_seq(self):
        with Avow("ledger", "ingest", "query") as avow:
            for i in range(1, 30):
                done = avow.cli("commit", "--deal", "d", "--amount", "%dbn" % i, "USD", "--publisher", "P",
                                "--stated", "2025-01-01", "-o", "json", check=0)
                seq = json.loads(done.stdout)["rows"][0]["seq"]
                shown = json.loads(avow.cli("show", "d", "--min-seq", str(seq), "-o", "json",
                                            check=0).stdout)
                self.assertEqual(shown["rungs"][2]["total"][0]["amount"]["low"], "%d000000000" % i)

    def test_a_question_pinned_to_a_seq_gives_the_same_bytes(self):
        with Avow() as avow:
            args = ("stargate", "--at-seq", "100", "-o", "json")
            avow.cli("publish", DEALS, check=0)
            before = avow.cli("show", *args, "--min-seq", "158", check=0).stdout
            avow.publish(event(deal="stargate", kind="commit", stated="2025-01-21"))
            now = avow.cli("show", "stargate", "--min-seq", "159", "-o", "json", check=0).stdout
            self.assertNotEqual(now, before)
            self.assertEqual(avow.cli("show", *args, check=0).stdout, before)

    def test_texts_of_others_cannot_move_the_cursor_or_forge_a_column(self):
        hostile = "\x1b[2J\u202e\u0007x\ty\nz\r\u2066"
        with Avow() as avow:
            avow.publish(event(deal="d", source={"publisher": hostile, "title": hostile}))
            for args in (["show", "d", "--min-seq", "1"], ["history", "d"], ["show", "1"],
                         ["watch", "--after", "0", "--count", "1"]):
                for form in ("table", "tsv", "md"):
                    out = avow.cli(*args, "-o", form, check=0).stdout
                    with self.subTest(args=args, form=form):
                        for c in "\x1b\u202e\u0007\r\u2066":
                            self.assertNotIn(c, out)
                        self.assertIn("\\x1b[2J\\u202e", out)
                        if form == "tsv":
                            rows = [line.count("\t") for line in out.splitlines()]
                            self.assertEqual(len(set(rows)), 1)


if __name__ == "__main__":
    unittest.main()
