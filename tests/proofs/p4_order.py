#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P4 and P5: 32 publishers send batches of 1 to 5,000 events, some with a fault in them, some twice; the
map fills up and grows, ledger and ingest are killed, and readers watch the head.

Afterwards the whole log is read once: 1, 2, 3 … without a hole, `recorded` increases, what anybody had
a receipt for stands before what anybody sent after that, every batch is contiguous or not there, and
nobody was ever told of a head within a batch.
"""
import bisect
import multiprocessing
import time

import zmq

import bulk
import load
import proof
import wire
import world

PROCESSES, EACH = 2, 16 # publishers: a connection each
BATCHES = 3 * (1, 1, 2, 3, 10, 10, 30, 100, 100, 300, 300, 1000, 1000) + (5000,)
# long, as kills are heard of: a ledger that was killed finds what is asked again slowly, and where that
# takes longer than anybody waits, all of it is asked again for ever
TTL_MS, SHORT_TTL_MS = 30000, 15000
MEAN = sum(BATCHES) / len(BATCHES)
KILLS = 20 # while all is written


class Heads(load.Role):
    """Asks for the head all the time, and notes each that it was told."""

    def __init__(self, directory, name, seed, endpoint):
        super().__init__(directory, name, seed)
        self.endpoint = endpoint

    def work(self):
        asker, heads = wire.Asker(self.context, self.endpoint), {0}
        while not self.stopping.is_set():
            try:
                answer = asker.ask("read", 0.5, after=max(heads), limit=1, max_bytes=1, wait_ms=100)
                heads.add(answer["head"])
            except (wire.NoAnswer, wire.Refused):
                time.sleep(0.01)
        return heads


class Killer:
    """Kills ledger or ingest each time that so many more events were acknowledged."""

    def __init__(self, p, field, events):
        self.p, self.field, self.step, self.next = p, field, events // KILLS, 0

    def disturb(self):
        time.sleep(0.05 + self.p.random.random() * 0.2)
        if sum(r.progress.value for r in self.field.roles) > self.next:
            self.next = sum(r.progress.value for r in self.field.roles) + self.step
            self.field.kill(self.p.random.choice(("ledger", "ledger", "ingest")))


def publishers(p, endpoint, events, aborts=0.05):
    seed, top = p.random.randrange(1 << 32), multiprocessing.Value("Q", 0)
    ttl_ms = SHORT_TTL_MS if p.form == "short" else TTL_MS
    return [bulk.Bulk(p.dir, "publisher%d" % i, seed + i, endpoint, i,
                      int(events / MEAN / PROCESSES), top, BATCHES, sends=(1, 1, 1, 1, 1, 1, 1, 2),
                      drop=0.01, aborts=aborts, connections=EACH, window=1, ttl_ms=ttl_ms)
            for i in range(PROCESSES)]


def entries_of(field):
    asker = wire.Asker(zmq.Context(), field.services["ledger"].endpoint)
    return bulk.entries_of(asker)


def run(p, directory, events, names, watched, preload=None, env=None, prefix=""):
    """Let them write, and check the log; the field, the notes, and the heads that `watched` told."""
    field = bulk.Field(p, directory, names, preload, env)
    watching = Heads(directory, "heads", 0, field.services[watched].endpoint)
    watching.start()
    field.begin(publishers(p, field.services["ingest"].endpoint, events))
    field.wait(Killer(p, field, events).disturb)
    heads = watching.result()
    notes, salts = bulk.results(p, field, prefix), [r.salt for r in field.roles]
    check = bulk.Check(notes, salts)
    p.count(prefix + "events", check.all(entries_of(field)))
    p.count(prefix + "publishes", sum(len(n.size) for n in notes))
    p.say("%d events, all checks hold", check.seq)
    return field, notes, salts, check.ends, heads


def body(p):
    p.at_end.append(world.end_all)
    field, notes, salts, ends, heads = run(
        p, p.dir + "/d", p.size(60000, 5000000, 100000000), ("ledger", "ingest"), "ledger",
        {"ledger": [proof.built("proof_mutant.so")]}, {"ledger": {"AVOW_MUTANT": "fullmap"}})
    whole(p, "ledger", ends, heads)
    tampered(p, field, notes, salts)
    field.end()
    field, _, _, ends, heads = run(p, p.dir + "/q", p.size(40000, 400000, 4000000),
                                   ("ledger", "ingest", "query"), "query", prefix="with_query_")
    field.end()
    whole(p, "query", ends, heads)


def whole(p, service, ends, told):
    """Each head is the end of a batch."""
    for head in told:
        at = bisect.bisect_left(ends, head)
        p.check(head == 0 or (at < len(ends) and ends[at] == head),
                "%s told of head %d, which is within a batch", service, head)
    p.count("heads_of_" + service, len(told))


def tampered(p, field, notes, salts):
    """The same log with a mistake in it, which the checker must find."""
    entries = []
    for e in entries_of(field):
        entries.append(e)
        if len(entries) == 20000:
            break
    at = p.random.randrange(5000, 10000)
    swapped = list(entries)
    swapped[at], swapped[at + 1] = (dict(entries[at], event=entries[at + 1]["event"]),
                                    dict(entries[at + 1], event=entries[at]["event"]))
    mistakes = {
        "an event lost": [dict(e, seq=i + 1) for i, e in enumerate(entries[:at] + entries[at + 1:])],
        "a hole": entries[:at] + entries[at + 1:],
        "two events swapped": swapped,
        "recorded goes back": entries[:at] + [dict(entries[at], recorded=1)] + entries[at + 1:],
    }
    for words, wrong in mistakes.items():
        control(p, words, lambda wrong=wrong: bulk.Check(notes, salts).all(wrong))
    late = max(notes[0].floor) # the end of a batch, and not event 1, before which all is well
    notes[0].floor[next(i for i, f in enumerate(notes[0].flags) if f & bulk.Notes.ACKED)] = 1 << 40
    control(p, "sent after what stands behind it was acknowledged",
            lambda: bulk.Check(notes, salts).all(entries_of(field)))
    control(p, "a head within a batch", lambda: whole(p, "control", [late], [late - 1]))


def control(p, words, run):
    try:
        run()
    except proof.Broken as e:
        p.say("negative control, %s: caught (%.80s)", words, e)
        p.count("checker_controls")
        return
    raise proof.Broken("negative control, %s: not caught" % words)


if __name__ == "__main__":
    proof.Proof("P4", "one order without holes, batches whole, 32 publishers (with P5)").run(body)
