#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P2: each publish is sent one to five times, over any connection, some answers are taken for lost, and
the ledger is killed between its log commit and the answer, ledger and ingest also at any other time.

For one id there is at most one event; every receipt is the first one's, field by field, and what the
log holds; the same id with other content is refused, and the refusal names the first one's seq.

The short and the gate form count publishes, nearly all of them of one id. The long form counts ids: half
of its publishes are of one, the others of up to 250, each publish sent one to five times as a whole. It
begins a new store now and then, so that none becomes larger than memory.
"""
import shutil
import tempfile
import time

import zmq

import bulk
import proof
import wire
import world

PUBLISHERS = 2
SENDS = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 4, 5)
BATCHES = (1, 1, 1, 1, 1, 1, 1, 2, 5)
LONG_BATCHES = (1, 1, 1, 1, 2, 5, 60, 250)
LONG_STORE_IDS = 5000000
COMMITS_BEFORE_DEATH = 400 # at most
KILL_EACH_S = 2
TTL_MS = 10000 # long, as kills are heard of: what is asked again is found slowly after each
FIRST_DEATH = 8 # soon: a quick machine needs few log commits for the short form


class Killer:
    """
    The ledger dies between log commit and answer each time; now and then one is killed as it comes, but not
    before something was done in between.
    """

    def __init__(self, p, field):
        self.p, self.field, self.last, self.done = p, field, time.monotonic(), 0
        self.each = {"short": 100, "gate": 10000, "long": 50000}[p.form]

    def disturb(self):
        p, field = self.p, self.field
        time.sleep(0.05)
        if not field.services["ledger"].alive():
            p.check(field.services["ledger"].process.returncode == -9, "the ledger has ended: %s",
                    field.services["ledger"].said())
            self.arm()
            field.kill("ledger", died=True)
            p.count("deaths_between_log_commit_and_answer")
        done = sum(r.progress.value for r in field.roles)
        if time.monotonic() - self.last > KILL_EACH_S and done - self.done > self.each:
            self.last, self.done = time.monotonic(), done
            if p.random.random() < 0.5:
                field.kill("ledger", died=True) # it may be dying at this very moment
            else:
                field.kill("ingest")

    def arm(self):
        at = self.p.random.randrange(2, COMMITS_BEFORE_DEATH)
        self.field.services["ledger"].env["AVOW_MUTANT_AT"] = str(at)


def publishers(p, directory, endpoint, total, **more):
    seed = p.random.randrange(1 << 32)
    options = {"batches": LONG_BATCHES if p.form == "long" else BATCHES, "sends": SENDS,
               "drop": 0.03, "other": 0.02, "ttl_ms": TTL_MS, **more}
    return [bulk.Bulk(directory, "publisher%d" % i, seed + i, endpoint, i, -(-total // PUBLISHERS),
                      **options) for i in range(PUBLISHERS)]


def check(p, field, prefix=""):
    notes = bulk.results(p, field, prefix)
    asker = wire.Asker(zmq.Context(), field.services["ledger"].endpoint)
    salts = [role.salt for role in field.roles]
    entries = bulk.entries_of(asker)
    return bulk.Check(notes, salts).all(entries), notes, salts, asker


def body(p):
    p.at_end.append(world.end_all)
    wanted = p.size(6000, 1000000, 50000000)
    if p.form != "long":
        tampered(p, *one_store(p, p.dir + "/d", wanted))
    while p.form == "long" and (left := wanted - p.counters.get("ids", 0)) > 0:
        # a little more, as what is chosen at random may be less
        ids = min(left + left // 50, LONG_STORE_IDS)
        directory = tempfile.mkdtemp(dir=p.dir)
        tampered(p, *one_store(p, directory, -(-ids * len(LONG_BATCHES) // sum(LONG_BATCHES))))
        shutil.rmtree(directory)
    p.check(p.counters.get("deaths_between_log_commit_and_answer", 0) > 0 and
            p.counters.get("conflicts", 0) > 0, "the proof is void: nobody died, or nobody asked")
    forgetful(p)


def one_store(p, directory, total):
    """So many publishes to a new store, all of them checked; what the checker had."""
    preload = {"ledger": [proof.built("proof_mutant.so")]}
    field = bulk.Field(p, directory, preload=preload,
                       env={"ledger": {"AVOW_MUTANT": "die", "AVOW_MUTANT_AT": str(FIRST_DEATH)}})
    field.begin(publishers(p, directory, field.services["ingest"].endpoint, total))
    field.wait(Killer(p, field).disturb)
    events, notes, salts, asker = check(p, field)
    p.count("ids", events)
    p.count("publishes", sum(len(n.size) for n in notes))
    p.say("%d ids, all checks hold", events)
    entries = asker.ask("read", 30, after=0, limit=2000)["events"]
    field.end()
    return entries, notes, salts


def tampered(p, entries, notes, salts):
    """The checker must see what it is for."""
    while not is_end(notes, entries[-1]):
        entries.pop()
    single = next(e for e in entries[len(entries) // 4:] if is_single(notes, e))
    entry = dict(single, seq=len(entries) + 1, recorded=entries[-1]["recorded"] + 1)
    try:
        bulk.Check(notes, salts).all(entries + [entry])
    except proof.Broken as e:
        p.check("twice" in str(e), "negative control, an event twice: caught for something else: %s", e)
        p.say("negative control, an event twice: caught (%.80s)", e)
        p.count("checker_controls")
        return
    raise proof.Broken("negative control, an event twice: not caught")


def is_end(notes, entry):
    """Whether it is the last one of its publish."""
    who, n, place = bulk.split(wire.ident_of(entry["event"]))
    return place + 1 == notes[who].size[n]


def is_single(notes, entry):
    who, n, _ = bulk.split(wire.ident_of(entry["event"]))
    return notes[who].size[n] == 1


def forgetful(p):
    """A ledger that does not always find an id must be caught."""
    field = bulk.Field(p, p.dir + "/forget",
                       programs={"ledger": proof.built("proof_forgetful")})
    field.begin(publishers(p, p.dir, field.services["ingest"].endpoint, 2000, other=0.0, batches=(1,)))
    try:
        field.wait(lambda: time.sleep(0.05))
        check(p, field, "mutant_")
    except proof.Broken as e:
        p.say("negative control, an id not always found: caught (%.80s)", e)
        p.count("mutant_forget_caught")
        return
    finally:
        field.end()
    raise proof.Broken("negative control, an id not always found: not caught")


if __name__ == "__main__":
    proof.Proof("P2", "once: each publish sent one to five times, through kills").run(body)
