#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What deals came to, and facts of large ones, are kept from one question to the next, and every answer is
the same without.

fold_ask answers each question twice and ends with an error where the two differ. Between the questions
come events, so that what is kept must be dropped at the right time. KEPT_RUNS sets how many random sets
of events are gone through, KEPT_SEED the first seed.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "model"), os.path.join(ROOT, "support")]

import generate

FOLD_ASK = os.environ["FOLD_ASK"]
SHALLOW = os.environ["FOLD_ASK_SHALLOW"]
RUNS = int(os.environ.get("KEPT_RUNS", "30"))
SEED = int(os.environ.get("KEPT_SEED", "1"))
EVENTS = 150
FIRST = 50   # of them are there before the first question
QUESTIONS = 3 # behind each event
CONTROL_RUNS = 20 # in which a planted mistake must show
DEALS = ["deal-%d" % n for n in range(30)] # so many that some hang together with few others
PARTIES = ["party-%d" % n for n in range(6)]


def question(chance, head):
    """About sums over deals, mostly under the options for which they are kept, and about one deal."""
    party, rung = chance.choice(PARTIES), chance.choice(generate.RUNGS)
    deal = chance.choice(DEALS)
    name, fields = chance.choice([
        ("deal_figure", {"deal": deal}), ("deal_figure", {"deal": deal}), ("history", {"deal": deal}),
        ("party_figure", {"party": party}), ("party_figure", {"party": party, "rung": rung}),
        ("league", {"rung": rung}), ("league", {"rung": rung, "by": "to"}),
        ("league", {"rung": rung, "to": party}), ("flows", {}), ("flows", {"rung": rung}),
        ("cycles", {}), ("backers_figure", {"to": party}),
        ("why", {"rung": rung, "to": party}), ("why", {"rung": rung, "payer": party}),
        ("why", {"rung": rung, "payer": party, "to": PARTIES[0]}),
        ("overtook", {"rung": rung, "party": party, "other": PARTIES[0], "before": "2024-06-01",
                      "after": "2025-06-01"})])
    clocks = {}
    if chance.random() < .5 and name != "overtook":
        clocks["as_of"] = str(generate.FIRST_DAY
                              + generate.datetime.timedelta(days=chance.randrange(-5, 430)))
    if chance.random() < .3:
        clocks["at_seq"] = chance.randint(1, head)
    if chance.random() < .1:
        clocks["on"] = "2024-08-01"
    options = chance.choice([{}] * 8 + [{"policy": "latest"}, {"assume": [chance.choice(DEALS)]}])
    return "%s %s" % (name, json.dumps({**fields, **options, "clocks": clocks}))


def gone_through(seed, program, *options):
    """What fold_ask says on stderr: nothing, where all answers were the same."""
    chance = random.Random(seed)
    with unittest.mock.patch.multiple(generate, DEALS=DEALS, PARTIES=PARTIES):
        events = [json.dumps(e) for e in generate.generate(seed, EVENTS)]
    lines = []
    for head in range(FIRST, EVENTS):
        lines += [question(chance, head) for _ in range(QUESTIONS)]
        lines.append("publish " + events[head])
    with tempfile.TemporaryDirectory() as directory, \
            tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        f.writelines(e + "\n" for e in events[:FIRST])
        f.flush()
        done = subprocess.run([program, *options, directory, f.name], input="\n".join(lines) + "\n",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                              timeout=120)
    if done.returncode == 0:
        answers = done.stdout.splitlines()
        assert len(answers) == QUESTIONS * (EVENTS - FIRST)
        assert sum('"error"' in a for a in answers) < len(answers) / 3
    return done.stderr


class Kept(unittest.TestCase):
    def test_answers_are_the_same_with_what_was_kept_and_without(self):
        for seed in range(SEED, SEED + RUNS):
            self.assertEqual(gone_through(seed, FOLD_ASK), "", "seed %d" % seed)

    def test_the_same_where_deals_nest_two_deep_only(self):
        for seed in range(SEED, SEED + RUNS // 3):
            self.assertEqual(gone_through(seed, SHALLOW), "", "seed %d" % seed)

    def test_what_is_kept_although_an_event_came_is_seen(self):
        stale = [gone_through(seed, FOLD_ASK, "--stale") for seed in range(CONTROL_RUNS)]
        self.assertGreater(sum("it was kept otherwise" in said for said in stale),
                           CONTROL_RUNS / 2)


if __name__ == "__main__":
    unittest.main()
