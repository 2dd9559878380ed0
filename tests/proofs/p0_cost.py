#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What the checks cost: the same program with and without them, in turn, in one run. Without: no checksums
of records, cells and rows, no look at LMDB's pages, no guard around its calls. Throughput of publishing
through ingest, and of reading at query, is at most 15 % apart. Beside it, for those who wonder, the same
without looking at events at ingest: that is no check of ours, but what ingest is for.
"""
import os
import statistics
import time

import zmq

import bulk
import history
import p12_overload as p12
import proof
import wire
import world

APART_MAX = 0.15
WITH, WITHOUT, UNLOOKED = "with_checks", "without", "without_and_events_unlooked_at"
PROGRAMS = {WITH: "avow", WITHOUT: "proof_unchecked", UNLOOKED: "proof_unvalidated"}


class Side:
    """Services of one program."""

    def __init__(self, p, name, avow):
        self.p, self.name = p, name
        os.environ["AVOW"] = avow # which Field starts
        self.field = bulk.Field(p, os.path.join(p.dir, name), ("ledger", "ingest", "query"))
        ledger = wire.Asker(zmq.Context(), self.field.services["ledger"].endpoint)
        self.number = 20000
        for _ in range(self.number // 1000):
            ledger.ask("publish", 30, events=[history.event_of(p.random.randbytes(16))
                                              for _ in range(1000)])
        query = wire.Asker(zmq.Context(), self.field.services["query"].endpoint)
        query.ask("get", 120, seq=self.number, min_seq=self.number)

    def pause(self, *names):
        """Who is not measured stands still."""
        for name in names:
            self.field.services[name].process.send_signal(world.signal.SIGSTOP)

    def go_on(self, *names):
        for name in names:
            self.field.services[name].process.send_signal(world.signal.SIGCONT)

    def write(self, turn, seconds):
        """Events a second through ingest and ledger."""
        self.go_on("ledger", "ingest")
        role = p12.Flood(self.p.dir, "%s%d" % (self.name, turn),
                         self.field.services["ingest"].endpoint, turn, seconds)
        role.start()
        role.join(seconds + 60)
        fate, _, _, _, took = role.result()
        self.pause("ledger", "ingest")
        return fate.count(p12.DONE) * p12.EVENTS / took

    def read(self, turn, seconds):
        """Events a second out of query."""
        self.go_on("query")
        readers = p12.Readers(self.p.dir, "%s_readers%d" % (self.name, turn),
                              self.field.services["query"].endpoint, self.number - 500)
        readers.start()
        while not readers.progress.value:
            time.sleep(0.01)
        began, before = time.monotonic(), readers.progress.value
        time.sleep(seconds)
        while readers.progress.value == before: # on a machine that does other things as well
            time.sleep(0.01)
        pace = (readers.progress.value - before) * 500 / (time.monotonic() - began)
        readers.result()
        self.pause("query")
        return pace


def compare(p, sides, what, others):
    """
    Each side in turn, the first one changing; how the first one stands to the second. Paces of one turn
    are compared, as a machine is now faster, now slower; of these ratios the median counts.
    """
    paces = {name: [] for name in (WITH, *others)}
    for turn in range(p.size(1, 15, 40)):
        for name in sorted(paces, reverse=turn % 2):
            paces[name].append(getattr(sides[name], what)(turn, p.size(1, 1, 3)))
    ratio = {name: statistics.median(a / b for a, b in zip(paces[WITH], paces[name]))
             for name in others}
    for name in others:
        p.say("%s: %.0f events a second with the checks, %.0f %s: %.1f %%", what,
              statistics.median(paces[WITH]), statistics.median(paces[name]), name, 100 * ratio[name])
        p.count("%s_per_mille_of_%s" % (what, name), int(1000 * ratio[name]))
    return ratio[WITHOUT]


def body(p):
    p.at_end.append(world.end_all)
    programs = {name: proof.built(program) for name, program in PROGRAMS.items()}
    sides = {name: Side(p, name, avow) for name, avow in programs.items()}
    os.environ["AVOW"] = programs[WITH]
    control(p, sides)
    for side in sides.values():
        side.pause("ledger", "ingest", "query")
    # events are looked at where they are published only
    ratios = [compare(p, sides, "write", (WITHOUT, UNLOOKED)), compare(p, sides, "read", (WITHOUT,))]
    for side in sides.values():
        side.field.end()
    refused(p)
    p.check(p.form == "short" or min(ratios) > 1 - APART_MAX, "the checks cost %.0f %%",
            100 - 100 * min(ratios))


def control(p, sides):
    """Who does not look at events takes one that is none."""
    for name, side in sides.items():
        ingest = wire.Asker(zmq.Context(), side.field.services["ingest"].endpoint)
        raw = wire.event(p.random.randbytes(16), stated="2001-13-45")
        try:
            ingest.ask("publish", events=[raw])
            taken = True
        except wire.Refused:
            taken = False
        p.check(taken == (name == UNLOOKED), "%s: an event that is none was %staken", name,
                "" if taken else "not ")


def refused(p):
    """What was written without checks is damage to who has them."""
    ledger = world.Service("ledger", os.path.join(p.dir, WITHOUT))
    p.check(not ledger.start() and "DAMAGED" in ledger.said(), "a store without checks: %s",
            ledger.said())
    p.count("control_a_store_without_checks_is_refused")


if __name__ == "__main__":
    proof.Proof("checks", "what the checks cost", disk=True).run(body)
