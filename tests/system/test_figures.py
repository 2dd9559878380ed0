#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of figure through real services, and what bad questions are told."""
import json
import os
import re
import shutil
import sys
import unittest

from avowtest import TIMEOUT, Avow, Refused, event, new_id

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(HERE, "support"), os.path.join(HERE, "model")]
import asking

DEALS = os.path.join(HERE, "data", "ai-deals.jsonl")
GOLDEN = os.path.join(HERE, "data", "ai-deals.golden.json")
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


def command_of(ask):
    """The command that asks a golden question."""
    figure = ask["figure"]
    words = {"deal": lambda: ["show", ask["deal"]],
             "party": lambda: ["show", ask["party"], "--party"],
             "backers": lambda: ["league", "--to", ask["to"]],
             "reconcile": lambda: ["reconcile"], "anomalies": lambda: ["anomalies"],
             "cycles": lambda: ["flows", "--cycles"]}[figure]()
    for option in ("on", "as_of", "at_seq", "policy", "in", "rung"):
        if option in ask:
            words += ["--" + option.replace("_", "-"), str(ask[option])]
    for option in ("assume", "basis"):
        if option in ask:
            words += ["--" + option, ",".join(ask[option])]
    return words


def row_sums(row):
    amount = [{"currency": row["amount"]["currency"], "amount": row["amount"]}] \
        if row["amount"] else []
    unknown = [{"currency": "XXX", "undisclosed": row["undisclosed"]}] if row["undisclosed"] else []
    return asking.sums_of(amount + unknown)


def told(ask, answer, ids):
    """What the command line told in JSON, in the model's form."""
    return {"policy": answer["meta"]["policy"], **told_figures(ask, answer, ids)}


def told_figures(ask, answer, ids):
    figure, rows = ask["figure"], answer.get("rows", [])
    if figure in ("deal", "party"):
        return asking.answer_of({**answer, "basis": answer["meta"]}, ask, ids)
    if figure == "backers":
        payers = {r["party"]: row_sums(r) for r in rows if r["party"]}
        rest = [row_sums(r) for r in rows if not r["party"]]
        return {"payers": payers, "unattributed": rest[0] if rest else {}}
    if figure == "cycles":
        cycles = {}
        for r in rows:
            one = cycles.setdefault(r["cycle"], {"parties": [], "weakest": r["weakest"],
                                                 "rungs": []})
            one["parties"].append(r["from"])
            one["rungs"].append(r["rung"])
        return {"cycles": list(cycles.values())}
    if figure == "anomalies":
        return asking.anomalies_answer({"anomalies": [
            {k: v for k, v in r.items() if v is not None} for r in rows]}, ask, ids)
    return asking.reconcile_answer({"totals": [
        {k: v for k, v in {**r, "stated": r["claim"]}.items() if v is not None}
        for r in rows]}, ask, ids)


def lines(first, last):
    with open(DEALS, encoding="utf-8") as f:
        return "".join(f.readlines()[first:last])


def caught_up(avow, seq):
    avow.ask("query", "get", seq=seq, min_seq=seq)


class Golden(unittest.TestCase):
    """The services of a ledger, and a query service of its own directory beside them."""
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        with open(GOLDEN, encoding="utf-8") as f:
            cls.cases = json.load(f)
        with open(DEALS, encoding="utf-8") as f:
            cls.ids = asking.Ids([json.loads(line) for line in f])

    def bytes_of(self, avow, questions):
        """The answers as they come over the wire, each service asked in the same order."""
        client = avow.client("query")
        answers = []
        for message, question in questions:
            client.send(message, **question)
            self.assertTrue(client.socket.poll(int(TIMEOUT * 1000)), "an answer to " + message)
            answers.append(client.socket.recv())
        client.close()
        return answers

    def pinned(self):
        """Every golden question and one of each other kind, pinned to the newest event."""
        for case in self.cases:
            message, question = asking.question_of(case["ask"])
            clocks = {"at_seq": COUNT, **question.get("clocks", {})}
            yield message, {**question, "clocks": clocks}
        for message, question in GOOD.items():
            if message == "diff":
                yield message, {side: {**question[side], "at_seq": COUNT}
                                for side in ("before", "after")}
            else:
                yield message, {**question, "clocks": {"at_seq": COUNT}}

    def test_every_golden_question_is_answered_the_same_by_two_replicas(self):
        with Avow("ledger", "ingest", "query") as avow, \
                Avow("query", flags=["--ledger", avow.endpoint("ledger")]) as other:
            self.fill(avow, other)
            for case in self.cases:
                with self.subTest(case["question"]):
                    message, question = asking.question_of(case["ask"])
                    answer = asking.answer_of(asking.legible(avow.ask("query", message, **question)),
                                              case["ask"], self.ids)
                    self.assertEqual({k: answer.get(k) for k in case["answer"]}, case["answer"])
            words = [self.words_of(one) for one in (avow, other)]
            self.assertEqual(words[1], words[0])
            first = self.bytes_of(avow, self.pinned())
            self.assertGreater(len(first), len(self.cases))
            self.assertEqual(self.bytes_of(other, self.pinned()), first)
            other.kill("query")
            shutil.rmtree(os.path.join(other.dir, "query"))
            self.restart(other) # from seq 1
            caught_up(other, COUNT)
            self.assertEqual(self.bytes_of(other, self.pinned()), first)
            self.assertEqual(self.words_of(other), words[0])
            avow.publish(event(deal="stargate", kind="commit", stated="2025-01-21"))
            for one in (avow, other):
                caught_up(one, COUNT + 1)
                self.assertEqual(self.bytes_of(one, self.pinned()), first)
                self.assertEqual(self.words_of(one), words[0])

    def test_every_golden_question_has_its_answer_on_the_command_line(self):
        with Avow() as avow:
            avow.cli("publish", DEALS, check=0)
            caught_up(avow, COUNT)
            for case in self.cases:
                with self.subTest(case["question"]):
                    done = avow.cli(*command_of(case["ask"]), "-o", "json", check=0)
                    answer = told(case["ask"], json.loads(done.stdout), self.ids)
                    expected = case["answer"]
                    if case["ask"]["figure"] == "backers":
                        expected = expected["rungs"][case["ask"]["rung"]]
                        expected = {k: expected[k] for k in ("payers", "unattributed")}
                    self.assertEqual({k: answer.get(k) for k in expected}, expected)

    def words_of(self, avow):
        """What the command line prints of every golden question, pinned, in each of its forms; the
        time that a table took is no part of an answer."""
        printed = []
        for case in self.cases:
            command = command_of({"at_seq": COUNT, **case["ask"]})
            for form in ("json", "tsv", "table"):
                text = avow.cli(*command, "-o", form, check=0).stdout
                printed.append(re.sub(r" · \d+ ms$", "", text, flags=re.MULTILINE))
        return printed

    def restart(self, other):
        for client in other.clients.values():
            client.close()
        other.clients = {}
        other.start("query")

    def fill(self, avow, other):
        """All events, some at a time; the other query service is killed after each lot."""
        for first in range(0, COUNT, 40):
            last = min(first + 40, COUNT)
            avow.cli("publish", "-", input=lines(first, last), check=0)
            other.kill("query")
            self.restart(other)
        for one in (avow, other):
            caught_up(one, COUNT)


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

    def test_a_name_that_is_not_known_is_not_found_and_the_nearest_is_told(self):
        for type, field in (("deal_figure", "deal"), ("history", "deal"), ("why", "deal"),
                            ("reconcile", "deal"), ("anomalies", "deal"), ("diff", "deal"),
                            ("history", "party"), ("party_figure", "party"),
                            ("backers_figure", "to"), ("league", "to"), ("league", "from"),
                            ("overtook", "other"), ("why", "payer"), ("reconcile", "party")):
            right = "stargate" if field == "deal" else "softbank"
            with self.subTest(type=type, field=field):
                error = self.refused(type, **{**GOOD.get(type, {}), field: right[:-1] + "x"})
                self.assertEqual((error.name, error.field), ("NOT_FOUND", field))
                self.assertIn('did you mean "%s' % right[:5], error.text)

    def test_a_day_that_does_not_exist_is_refused(self):
        for type, question in GOOD.items():
            clocks = {"as_of": "2025-02-30"}
            bad = {"before": clocks} if type == "diff" else {"clocks": clocks}
            with self.subTest(type=type):
                error = self.refused(type, **{**question, **bad})
                self.assertEqual(error.name, "BAD_DATE")
                self.assertIn("as_of", error.field)

    def test_a_rate_that_is_missing_is_named_with_its_pair_and_day(self):
        for type, question in GOOD.items():
            with self.subTest(type=type):
                error = self.refused(type, **{**question, "currency": "EUR"})
                self.assertEqual(error.name, "NO_RATE")
                self.assertRegex(error.text, r"USD and EUR on or before \d{4}-\d\d-\d\d")

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


class Causes(unittest.TestCase):
    def test_what_happened_between_two_days_is_the_cause_of_what_changed(self):
        with Avow() as avow:
            avow.publish(*[event(kind="pay", deal="d", on="2025-01-0%d" % day) for day in (1, 3, 5)])
            caught_up(avow, 3)
            found = avow.ask("query", "diff", before={"on": "2025-01-02"}, after={"on": "2025-01-04"})
            self.assertEqual([(d["deal"], d["causes"]) for d in found["deals"]], [("d", [2])])
            found = avow.ask("query", "diff", before={"on": "2025-01-04", "at_seq": 1},
                             after={"on": "2025-01-04"})
            self.assertEqual([d["causes"] for d in found["deals"]], [[2, 3]])


class Pages(unittest.TestCase):
    """Answers that the command line puts together out of many pages."""
    DEALS = 450   # pages of 200
    TOTALS = 2100 # pages of 1,000

    def rows(self, avow, *args):
        return json.loads(avow.cli(*args, "-o", "json", check=0).stdout)["rows"]

    def test_what_comes_in_many_pages_is_whole_and_in_order(self):
        with Avow() as avow:
            avow.publish(*[event(kind="commit", deal="d%03d" % i, to=["y"])
                           for i in range(self.DEALS)])
            for first in range(0, self.TOTALS, 700):
                avow.publish(*[event(kind="total", deal=None, from_=["x"], to=["z"], rung="paid")
                               for _ in range(700)])
            caught_up(avow, self.DEALS + self.TOTALS)
            rows = self.rows(avow, "diff", "--at-seq", "0..", "--as-of", "2025-12-31")
            changed = [r["deal"] for r in rows if r["part"] == "change" and r["what"] == "stage"]
            self.assertEqual(changed, ["d%03d" % i for i in range(self.DEALS)])
            self.assertEqual([r["seq"] for r in rows if r["part"] == "cause"],
                             list(range(1, self.DEALS + 1)))
            seqs = list(range(self.DEALS + 1, self.DEALS + self.TOTALS + 1))
            self.assertEqual([r["seq"] for r in self.rows(avow, "reconcile")], seqs)
            found = self.rows(avow, "anomalies")
            self.assertEqual(sorted(r["seq"] for r in found), seqs)


class OddEvents(unittest.TestCase):
    """Events that are in form, and make no sense together: each has its documented answer."""

    def deal(self, avow, name):
        return avow.ask("query", "deal_figure", deal=name)

    def test_a_circle_of_parts_is_cut_where_it_closes_and_shown(self):
        with Avow() as avow:
            avow.publish(*[event(kind="deal", deal=a, from_=None, to=None, stated="2025-01-0%d" % day,
                                 links=[{"type": "part_of", "deal": b}])
                           for day, (a, b) in enumerate((("a", "b"), ("b", "c"), ("c", "a")), 1)],
                         event(deal="a", from_=None, kind="commit", stated="2025-01-05"))
            caught_up(avow, 4)
            found = avow.ask("query", "anomalies")["anomalies"]
            self.assertEqual([(a["anomaly"], a["deal"], a["whole"]) for a in found],
                             [("part_of_circle", "c", "a")])
            self.assertEqual(self.deal(avow, "c")["parts"], ["b"])
            self.assertEqual(self.deal(avow, "c")["rungs"][2]["total"],
                             self.deal(avow, "a")["rungs"][2]["total"])

    def test_a_correction_of_a_correction_of_a_withdrawn_event_counts_no_more(self):
        first, second = new_id(), new_id()
        with Avow() as avow:
            avow.publish(event(kind="pay", deal="d", id=first))
            avow.publish(event(kind="pay", deal="d", id=second, ref=first, reason="typo"))
            avow.publish(event(kind="pay", deal="d", ref=second, reason="typo"))
            caught_up(avow, 3)
            self.assertEqual(len(self.deal(avow, "d")["rungs"][3]["total"]), 1)
            avow.publish(event(kind="retract", ref=first, reason="source_withdrawn"))
            avow.publish(event(kind="pay", deal="d", ref=second, reason="better_source"))
            caught_up(avow, 5)
            answer = self.deal(avow, "d")
            self.assertEqual((answer["rungs"][3]["total"], answer["events"]), ([], 0))
            standing = [s["standing"] for s in
                        avow.ask("query", "history", deal="d")["statements"]]
            self.assertNotIn("counts", standing[:3])

    def test_a_history_at_a_seq_is_not_changed_by_a_later_correction_that_moves_the_statement(self):
        moved = new_id()
        with Avow() as avow:
            avow.publish(event(kind="pay", deal="old", id=moved), event(kind="pay", deal="new"))
            caught_up(avow, 2)

            def shown(**at):
                return [(s["entry"]["seq"], s["standing"]) for s in
                        avow.ask("query", "history", deal="new", **at)["statements"]]
            before = shown(clocks={"at_seq": 2})
            self.assertEqual(before, [(2, "counts")])
            avow.publish(event(kind="pay", deal="new", ref=moved, reason="typo"))
            caught_up(avow, 3)
            self.assertEqual(shown(clocks={"at_seq": 2}), before)
            self.assertEqual(shown(), [(1, "corrected"), (2, "counts"), (3, "counts")])

    def test_a_retraction_of_a_correction_is_in_the_history_of_the_party(self):
        first, second = new_id(), new_id()
        with Avow() as avow:
            avow.publish(event(kind="pay", from_=["p"], id=first))
            avow.publish(event(kind="pay", from_=["p"], id=second, ref=first, reason="typo"))
            avow.publish(event(kind="retract", ref=second, reason="source_withdrawn"))
            caught_up(avow, 3)
            for whose in ({"party": "p"}, {"deal": "softbank-openai-2025"}):
                seqs = [s["entry"]["seq"] for s in
                        avow.ask("query", "history", **whose)["statements"]]
                self.assertEqual(seqs, [1, 2, 3], whose)

    def test_the_command_line_tells_the_same_of_what_makes_no_sense(self):
        first, second = new_id(), new_id()
        with Avow() as avow:
            avow.publish(
                *[event(kind="deal", deal=a, from_=None, to=None, stated="2025-01-0%d" % day,
                        links=[{"type": "part_of", "deal": b}])
                  for day, (a, b) in enumerate((("a", "b"), ("b", "a")), 1)],
                event(kind="total", deal=None, from_=None, to=["y"], rung="committed",
                      deals=["no-such-deal"]),
                event(kind="pay", deal="d", id=first),
                event(kind="pay", deal="d", id=second, ref=first, reason="typo"),
                event(kind="retract", ref=first, reason="source_withdrawn"),
                event(kind="pay", deal="d", ref=second, reason="typo"))
            caught_up(avow, 7)
            def rows(*args):
                return json.loads(avow.cli(*args, "-o", "json", check=0).stdout)["rows"]
            self.assertEqual([(r["anomaly"], r["deal"], r["whole"]) for r in rows("anomalies")
                              if r["anomaly"] == "part_of_circle"], [("part_of_circle", "b", "a")])
            total, = rows("reconcile")
            self.assertEqual((total["verdict"], total["figure"], total["by"]),
                             ("above", [], total["claim"]))
            shown = json.loads(avow.cli("show", "d", "-o", "json", check=0).stdout)
            self.assertEqual([r["total"] for r in shown["rungs"]], [[], [], [], []])
            self.assertEqual({r["standing"] for r in rows("history", "d") if r["kind"] == "pay"},
                             {"retracted"})

    def test_what_is_nested_beyond_the_limit_stands_alone_and_nobody_else_notices(self):
        depth = 502 # so that three deals would have 500 others or more above them
        with Avow() as avow:
            avow.publish(*[event(kind="deal", deal="d%d" % n, from_=None, to=None,
                                 links=[{"type": "part_of", "deal": "d%d" % (n + 1)}])
                           for n in range(depth)],
                         event(kind="commit", deal="d0"), event(kind="commit", deal="d3"),
                         event(kind="commit", deal="elsewhere"))
            caught_up(avow, depth + 3)
            found = avow.ask("query", "anomalies")["anomalies"]
            self.assertEqual([(a["anomaly"], a["deal"], a["whole"]) for a in found],
                             [("part_of_too_deep", "d%d" % n, "d%d" % (n + 1)) for n in range(3)])
            alone, top = self.deal(avow, "d0"), self.deal(avow, "d%d" % depth)
            self.assertEqual(alone["rungs"][2]["total"], top["rungs"][2]["total"])
            self.assertEqual(self.deal(avow, "elsewhere")["events"], 1)
            for message, rows in (("flows", "flows"), ("deals", "deals"), ("league", "tables")):
                self.assertTrue(avow.ask("query", message, **(
                    {"rung": "committed"} if message == "league" else {}))[rows], message)
            changed = avow.ask("query", "diff", before={"at_seq": depth}, after={})["deals"]
            self.assertIn("elsewhere", [d["deal"] for d in changed])
            self.assertEqual(len(changed), depth) # d0, all from d3 to the top, and elsewhere

    def test_a_chain_of_corrections_through_too_many_deals_is_followed_no_further(self):
        homes = 256 # with the party that pays
        ids = [new_id() for _ in range(homes + 10)]
        with Avow() as avow:
            avow.publish(*[event(kind="commit", deal="d%d" % n, from_=None, to=None, id=ids[n],
                                 **({"ref": ids[n - 1], "reason": "wrong_party"} if n else {}))
                           for n in range(len(ids))])
            caught_up(avow, len(ids))
            holding = [n for n in range(len(ids)) if self.deal(avow, "d%d" % n)["rungs"][2]["total"]]
            self.assertEqual(len(holding), 1) # and nothing is counted twice
            self.assertLess(holding[0], homes)
            self.assertEqual(len(avow.read_all()), len(ids))

    def test_a_total_over_nothing_is_above_by_all_of_it(self):
        with Avow() as avow:
            avow.publish(event(kind="total", deal=None, from_=["x"], to=["y"], rung="paid"),
                         event(kind="total", deal=None, from_=None, to=["y"], rung="committed",
                               deals=["no-such-deal"]))
            caught_up(avow, 2)
            totals = avow.ask("query", "reconcile")["totals"]
            self.assertEqual([t["verdict"] for t in totals], ["above", "above"])
            for t in totals:
                self.assertEqual((t["figure"], t["by"]), ([], t["stated"]))
            self.assertEqual([t["deals"] for t in totals], [[], ["no-such-deal"]])


if __name__ == "__main__":
    unittest.main()
