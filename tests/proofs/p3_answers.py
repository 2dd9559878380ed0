#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P3: each service is stopped and killed in turn under load. Every request has exactly one answer: done,
refused, or that its time is over, after which asking again gives a definite one.

A request has no answer only where the very service that it was sent to was killed meanwhile, which to
a client is UNKNOWN as well (PROTOCOL.md). What was refused as DEADLINE, BUSY or UNAVAILABLE and never
sent again must not be in the log. Each answer that comes late is waited for, and must be the only one.
"""
import multiprocessing
import time

import zmq

import bulk
import proof
import wire
import world

SERVICES = ("ledger", "ingest", "query")
FRONT_KILL_EACH = 12 # of what is done to ingest or query, the others are stops
SILENT_MAX_MS = 900
WINDOW = 160 # requests on their way over each connection, so that much is done between two stops


class Disturber:
    """Stops and kills in turn; whom people ask is killed seldom, so that silence has few excuses."""

    def __init__(self, p, field):
        self.p, self.field, self.turn = p, field, 0

    def disturb(self):
        random, name = self.p.random, SERVICES[self.turn % len(SERVICES)]
        self.turn += 1
        time.sleep(random.random() * 0.2)
        kill = (random.random() < 0.5 if name == "ledger" else
                self.turn // len(SERVICES) % FRONT_KILL_EACH == FRONT_KILL_EACH // 2)
        if kill:
            self.field.kill(name)
        else: # some for longer than a request lasts
            self.field.stop(name, random.choice((0.01, 0.05, 0.1, SILENT_MAX_MS / 1000)))


def start(p, directory, publishes, asks, preload=None, env=None):
    field = bulk.Field(p, directory, SERVICES, preload, env)
    seed, top = p.random.randrange(1 << 32), multiprocessing.Value("Q", 0)
    ingest, query = (field.services[n].endpoint for n in ("ingest", "query"))
    field.begin([bulk.Bulk(p.dir, "publisher", seed, ingest, 0, publishes, top, (1, 1, 1, 3),
                           abandon=0.2, window=WINDOW, patience_s=2.0),
                 bulk.Asks(p.dir, "asks", seed + 1, query, asks, top, window=WINDOW, patience_s=2.0)])
    return field


def check(p, field, prefix=""):
    notes = bulk.results(p, field, prefix)
    asker = wire.Asker(zmq.Context(), field.services["ledger"].endpoint)
    return bulk.Check(notes, [field.roles[0].salt]).all(bulk.entries_of(asker))


def body(p):
    p.at_end.append(world.end_all)
    total = p.size(6000, 1000000, 10000000)
    field = start(p, p.dir + "/d", total // 2, total // 2)
    field.wait(Disturber(p, field).disturb)
    p.count("events", check(p, field))
    field.end()
    p.count("requests", total)
    p.check(p.counters.get("kills_ledger", 0) + p.counters.get("stops_ledger", 0) > 0, "void")
    for mutant, where in (("mute", "ingest"), ("twice", "ingest"), ("mute", "query")):
        control(p, mutant, where)


def control(p, mutant, where):
    """A service that does not answer, or answers twice, now and then, must be caught."""
    field = start(p, "%s/%s_%s" % (p.dir, mutant, where), 1500, 1500,
                  {where: [proof.built("proof_mutant.so")]}, {where: {"AVOW_MUTANT": mutant}})
    try:
        field.wait(lambda: time.sleep(0.05))
        check(p, field, "mutant_")
    except proof.Broken as e:
        p.say("negative control, %s: %s: caught (%.80s)", where, mutant, e)
        p.count("mutant_%s_of_%s_caught" % (mutant, where))
        return
    finally:
        field.end()
    raise proof.Broken("negative control, %s: %s: not caught" % (where, mutant))


if __name__ == "__main__":
    proof.Proof("P3", "a definite outcome: each service stopped and killed in turn").run(body)
