#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P1, P4, P5: what a power cut may leave of the ledger's store.

A ledger is driven with the recorder in it; the explorer then builds disk states out of every subset
of what was not yet synced, and opens and checks each. The same with planted mistakes must fail.
"""
import json
import os
import struct
import subprocess

import msgpack
import zmq

import proof
import wire
import world

NEVER = (1 << 64) - 1
HEAD = struct.Struct("<BBxxIQ")
# planted mistake: the share of states that it must break at least; they are caught by far more
MUTANTS = {"nosync": 0.05, "nometasync": 0.02, "skipsync": 0.0, "early": 0.0}


def rows(path):
    """(number, op, bytes) of a trace."""
    with open(path, "rb") as f:
        data = f.read()
    at = number = 0
    while at < len(data):
        op, _, size, _ = HEAD.unpack_from(data, at)
        at += HEAD.size
        yield number, chr(op), data[at:at + size]
        at += size
        number += 1


def note_of(rng):
    """Mostly short, now and then of many pages."""
    return "n" * rng.choice((0, 5, 60, 400, 400, 1500, 4000))


class Drive:
    """Publishes to a recorded ledger, kills it now and then, and writes the history down."""

    def __init__(self, p, name, mutant, commits, restarts):
        self.p, self.commits = p, commits
        self.dir = os.path.join(p.dir, name)
        self.trace = os.path.join(p.dir, name + ".trace")
        self.history = os.path.join(p.dir, name + ".history")
        preload = [proof.built("proof_recorder.so")]
        env = {"AVOW_RECORD": self.trace, "AVOW_RECORD_DIR": os.path.join(self.dir, "ledger")}
        if mutant:
            preload.insert(0, proof.built("proof_mutant.so"))
            env["AVOW_MUTANT"] = mutant
        self.ledger = world.Service("ledger", self.dir, preload, env)
        self.kills_at = set(p.random.sample(range(commits), restarts))
        self.sent = {} # id: bytes
        self.requests = {} # rid: ids, over all starts, as the recorded receipts repeat the rid
        self.rid = 0

    def publish(self, asker):
        """One publish of one to many events; a few of them on their way at once."""
        p, wanted = self.p, []
        for _ in range(p.random.choice((1, 1, 1, 3))):
            events = []
            for _ in range(p.random.choice((1, 1, 1, 2, 5, 12))):
                ident = p.random.randbytes(16)
                raw = wire.event(ident, "deal-%d" % p.random.randrange(50), note_of(p.random))
                if p.random.random() < 0.01: # pages of its own
                    raw = wire.event(ident, "deal-1", "", by="somebody",
                                     more="x" * p.random.choice((9000, 30000, 60000)))
                self.sent[ident] = raw
                events.append((ident, raw))
            asker.rid = self.rid
            self.rid = asker.send("publish", events=[raw for _, raw in events])
            self.requests[self.rid] = [ident for ident, _ in events]
            wanted.append(self.rid)
        return wanted

    def run(self):
        context = zmq.Context()
        self.ledger.start()
        asker = wire.Asker(context, self.ledger.endpoint)
        for n in range(self.commits):
            wanted = self.publish(asker)
            if n in self.kills_at:
                self.ledger.kill()
                self.p.check(self.ledger.start(), "it does not start: %s", self.ledger.said())
                asker.connect()
                continue
            while wanted:
                answer = asker.next(10)
                self.p.check(answer["type"] == "published", "refused: %s", answer.get("text"))
                wanted.remove(answer["rid"])
        entries, self.epoch = wire.read_all(asker)
        self.ledger.stop()
        asker.close()
        context.term()
        self.write(entries)
        self.p.say("recorded")

    def acks(self):
        """seq: (row, leaf, id), as the receipts on their way out said."""
        acked = {}
        for number, op, data in rows(self.trace):
            if op != "A":
                continue
            answer = msgpack.unpackb(data)
            for receipt in answer["receipts"]:
                for i, leaf in enumerate(receipt["leaves"]):
                    ident = self.requests[answer["rid"]][receipt["index"] + i]
                    acked.setdefault(receipt["first"] + i, (number, leaf, ident))
        return acked

    def write(self, entries):
        """The history for the explorer; the running ledger's own answers are checked on the way."""
        acked, check = self.acks(), self.p.check
        with open(self.history, "wb") as f:
            for i, entry in enumerate(entries):
                seq, raw, recorded = entry["seq"], entry["event"], entry["recorded"]
                ident = wire.ident_of(raw)
                leaf = wire.leaf(entry["epoch"], seq, recorded, raw)
                check(seq == i + 1, "a hole at %d", i + 1)
                check(self.sent.get(ident) == raw, "event %d is not what was published", seq)
                row, said, acked_id = acked.get(seq, (NEVER, leaf, ident))
                check(said == leaf and acked_id == ident, "the receipt of %d is of another", seq)
                f.write(struct.pack("<Qq16s32sI", row, recorded, ident, leaf, len(raw)) + raw)
        check(len(acked) <= len(entries) and max(acked) <= len(entries), "acknowledged and lost")
        self.p.count("events_recorded", len(entries))


def explore(p, drive, each, seed):
    """Two explorers side by side; the sum of what they counted."""
    running, sums = [], {}
    for part in range(2):
        work = os.path.join(p.dir, "work%d" % part)
        os.makedirs(work, mode=0o700, exist_ok=True)
        running.append(subprocess.Popen(
            [proof.built("proof_explorer"), drive.trace, drive.history, work, str(seed),
             str(each), str(part), "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    for r in running:
        out, err = r.communicate()
        p.check(r.returncode in (0, 1), "the explorer failed: %s", err.decode())
        for name, number in json.loads(out).items():
            sums[name] = sums.get(name, 0) + number
        sums["words"] = sums.get("words", "") + err.decode()
    return sums


def body(p):
    p.at_end.append(world.end_all)
    wanted = p.size(600, 50000, 2000000)
    while p.counters.get("states", 0) < wanted:
        seed = p.random.randrange(1 << 32)
        drive = Drive(p, "store%d" % seed, None, 60 if p.form == "short" else 100, 4)
        drive.run()
        places = sum(op in "CWETSUN" for _, op, _ in rows(drive.trace))
        left = wanted - p.counters.get("states", 0)
        each = max(1, min(-(-left // places), 25))
        sums = explore(p, drive, each, seed)
        p.say("%(states)d states, %(failed)d failed, %(events_compared)d events compared", sums)
        for name in ("states", "failed", "events_compared", "went_on"):
            p.count(name, sums[name])
        p.check(sums["failed"] == 0, "a power cut loses something:\n%s", sums["words"])
        os.unlink(drive.trace)
    for mutant, share in MUTANTS.items():
        seed = p.random.randrange(1 << 32)
        drive = Drive(p, mutant, mutant, 20 if p.form == "short" else 40, 0)
        drive.run()
        sums = explore(p, drive, 2, seed)
        p.say("negative control %s: %d of %d states failed", mutant, sums["failed"], sums["states"])
        p.count("mutant_%s_failed_per_mille" % mutant, 1000 * sums["failed"] // sums["states"])
        p.check(sums["failed"] > share * sums["states"], "the mutant %s was not caught", mutant)


if __name__ == "__main__":
    proof.Proof("P1", "crash states: every subset of unsynced writes, torn").run(body)
