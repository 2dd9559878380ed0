#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The product answers through the protocol as the plain model does; see support/differential.py,
which is also the long form. DIFFERENTIAL_SETS and DIFFERENTIAL_SEED say what is compared here.
"""
import os
import sys
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(HERE, "support"))
import differential

import amounts
import avowtest
import checks
import deals
import events
import figures
import parties
import rates

SETS = int(os.environ.get("DIFFERENTIAL_SETS", "150"))
SEED = int(os.environ.get("DIFFERENTIAL_SEED", "1"))
CONTROL_SETS = 40 # in which each planted mistake must show
# Sets, each alone, that were once answered otherwise: a statement whose currency a correction changes
# between the two seqs of a diff, with no rate for either.
ONCE_DIFFERED = (304120,)

Figures, Deals = figures.Figures, deals.Deals


def last_of_any_grade(self, setters):
    return max(setters, key=lambda s: s.order())


def payer_as_written(self, statement):
    return statement.from_


def without_undisclosed(self, currency):
    return self.intervals.get(currency, amounts.NOTHING)


# Mistakes planted in the model, one at a time: what one might misread in the design.
MISTAKES = {
    "best is only the latest": mock.patch.object(Figures, "choose", last_of_any_grade),
    "a declared only payer pays nothing": mock.patch.object(Deals, "payer_of", payer_as_written),
    "copies count": mock.patch.object(events, "mark_copies", lambda statements: None),
    "what is withdrawn still counts": mock.patch.object(events, "withdrawn", lambda held: set()),
    "a superseded deal counts on": mock.patch.object(Deals, "superseded_by",
                                                     lambda self, deal: None),
    "a deal inside another one to the same party counts twice": mock.patch.object(
        Deals, "topmost", lambda self, payee: [d for d in self.all if payee in self.payees(d)]),
    "a cancel of the whole leaves its parts": mock.patch.object(
        Figures, "cancels", lambda self, deal: [
            s for s in self.view.own if s.kind == "cancel" and s.deal == deal]),
    "guarantees are summed with the rest": mock.patch.object(
        Figures, "counts_basis", lambda self, s: self.bases is None or s.basis in self.bases),
    "what is undisclosed is zero where one compares": mock.patch.object(
        amounts.Money, "bounds", without_undisclosed),
    "unattributed may be below nothing": mock.patch.object(
        amounts, "never_below_nothing", lambda interval: interval),
    "a window of a total is no matter": mock.patch.object(checks, "window_of",
                                                          lambda total: None),
    "assumed is only the announced": mock.patch.object(
        Figures, "way_down", lambda self, deal, rung: figures.SET_RUNGS[
            figures.SET_RUNGS.index(rung):] + ["announced"] * (deal in self.assume)),
    "rates count but in their own direction": mock.patch.object(
        rates, "held_on", lambda view, base, quote, day: None),
    "a rate is no cause of a change": mock.patch.object(
        Figures, "rate_of", lambda self, statement: None),
    "the day of as_of itself does not count": mock.patch.object(
        events.Clocks, "hold", lambda self, e: (self.at_seq is None or e.seq <= self.at_seq) and (
            self.as_of is None or e.stated[:10] < self.as_of)),
    "the latest day of `on` is what counts": mock.patch.object(
        events.Clocks, "happened", lambda self, e: self.on is None
        or e.kind in events.DECLARATIONS or e.latest is None
        or e.latest <= events.dates.day_of(self.on)),
    "touching exclusive bounds meet": mock.patch.object(
        amounts, "meet", lambda a, b: amounts.above(a, b) != "certain"),
    "to overtake is to be above": mock.patch.object(
        parties, "overtook", lambda before, after: {
            c: amounts.above(after[0].bounds(c), after[1].bounds(c))
            for c in parties.currencies_of([*before, *after])}),
}


class BusyAtFirst:
    """A client of a service that says so many times that it is busy."""

    def __init__(self, times):
        self.times, self.rid = times, 0

    def send(self, message, **fields):
        self.rid += 1
        return self.rid

    def answer(self, rid, timeout):
        if rid <= self.times:
            raise avowtest.Refused({"name": "BUSY", "text": "too much", "rid": rid})
        return {"rid": rid, "figure": 1}


class Differential(unittest.TestCase):
    def test_every_answer_through_the_protocol_is_the_models(self):
        counted = differential.run(SETS, SEED)
        print("\n--sets %d --seed %d: %s" % (SETS, SEED, counted), file=sys.stderr)
        self.assertEqual(counted["sets"], SETS)

    def test_what_once_differed_is_the_models(self):
        for seed in ONCE_DIFFERED:
            with self.subTest(seed), differential.World() as world:
                world.ask(differential.RandomSet(seed, alone=True)).check()

    def test_each_planted_mistake_is_seen(self):
        asked = []
        for its_sets in differential.worlds(CONTROL_SETS, SEED):
            with differential.World() as world:
                asked += [world.ask(a_set) for a_set in its_sets]
        for mistake, planted in MISTAKES.items():
            with self.subTest(mistake), planted, self.assertRaises(differential.Differs):
                for each in asked:
                    each.check()

    def test_who_is_busy_is_asked_anew(self):
        most = differential.TRIES_MAX
        self.assertEqual(differential.answers_to(BusyAtFirst(most - 1), [("get", {"seq": 1})], 1),
                         ([{"figure": 1}], most - 1))
        with self.assertRaises(differential.PutOff):
            differential.answers_to(BusyAtFirst(most), [("get", {"seq": 1})], 1)

    def test_an_answer_that_changes_later_is_seen(self):
        its_sets = [differential.RandomSet(SEED + n, alone=False) for n in range(2)]
        with differential.World() as world:
            for a_set in its_sets:
                world.ask(a_set)
            self.assertGreater(world.ask_again(), 0)
            question, answer = world.answered[0]
            world.answered[0] = (question, {**answer, "planted": True})
            with self.assertRaises(differential.Differs):
                world.ask_again()


if __name__ == "__main__":
    unittest.main()
