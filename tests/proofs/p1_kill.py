#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P1, P2, P4, P5, P6, P7 under kill -9 of each service in turn, while people publish, follow and read.
"""
import time

import zmq

import history
import load
import proof
import siege
import wire
import world

# at most so long between a start and the next kill
LIFE_S = 0.08
# publishes to a ledger that acknowledges too early; its first two log commits are done in time
EARLY_PUBLISHES = 5
# between two rounds of a publisher, so that services get to work again before they are killed
PAUSE_S = 0.05
# after so many without anything read, nobody is killed until something is: a slow machine needs longer
# than there is between two
KILLS_IN_VAIN = 30


class Killed(siege.Siege):
    """The three services, killed in turn."""

    def let_read(self, before):
        """What was written is read, once nobody is killed any more."""
        patience = proof.Patience(load.GIVE_UP_S)
        while self.reader.progress.value == before and not self.reader.failed():
            self.p.check(patience.step(), "nobody is killed, and nothing was read in %d s", load.GIVE_UP_S)
            time.sleep(0.01)

    def kill(self, times):
        said, read, read_at = time.monotonic(), 0, 0
        for n in range(times):
            if self.reader.progress.value != read:
                read, read_at = self.reader.progress.value, n
            elif n - read_at >= KILLS_IN_VAIN:
                self.let_read(read)
            name = siege.SERVICES[n % len(siege.SERVICES)]
            self.kill_one(self.services[name], LIFE_S)
            self.p.count("kills_" + name)
            self.goes_on()
            if time.monotonic() - said > 20:
                said = time.monotonic()
                self.p.say("%d kills, %s", n + 1, self.told())


def tampered(entries, publishes, watched, rng):
    """The same history with a mistake in it, which the checkers must find."""
    at = rng.randrange(len(entries) // 4, len(entries) // 2)
    renumbered = [dict(e, seq=i + 1) for i, e in enumerate(entries[:at] + entries[at + 1:])]
    yield "an event lost", renumbered, watched
    swapped = list(entries)
    swapped[at], swapped[at + 1] = (dict(entries[at], event=entries[at + 1]["event"]),
                                    dict(entries[at + 1], event=entries[at]["event"]))
    yield "two events swapped", swapped, watched
    twice = [dict(e, seq=i + 1, recorded=e["recorded"] + (i > at)) for i, e in enumerate(
        entries[:at] + [entries[at]] + entries[at:])]
    yield "an event twice", twice, watched
    bytes_of = entries[at]["event"]
    other = list(entries)
    other[at] = dict(entries[at], event=bytes_of[:-1] + bytes([bytes_of[-1] ^ 1]))
    yield "a bit flipped", other, watched
    back = list(entries)
    back[at] = dict(entries[at], recorded=entries[at - 1]["recorded"])
    yield "recorded stands still", back, watched
    start, wanted, got, position = watched[0]
    middle = len(got) // 2
    yield "a watcher missed one", entries, [(start, wanted, got[:middle] + got[middle + 1:], position)]
    yield "a watcher got one twice", entries, [(start, wanted, got[:middle] + got[middle - 1:], position)]


def body(p):
    p.at_end.append(world.end_all)
    run = Killed(p, p.dir + "/a", PAUSE_S)
    run.kill(p.size(30, 1000, 10000))
    entries, epoch, publishes, watched = run.finish()
    for words, entries2, watched2 in tampered(entries, publishes, watched, p.random):
        try:
            siege.check(entries2, epoch, publishes, watched2)
        except proof.Broken as e:
            p.say("negative control, %s: caught (%.70s)", words, e)
            p.count("checker_controls")
            continue
        raise proof.Broken("negative control, %s: not caught" % words)
    early(p)


def early(p):
    """
    A ledger that acknowledges before the log commit must be caught. Nobody reads here, as each read
    would make up for it: what is acknowledged last is lost by a kill, whenever that comes.
    """
    directory, more = p.dir + "/early", ([proof.built("proof_mutant.so")], {"AVOW_MUTANT": "early"})
    ledger, ingest = world.Service("ledger", directory, *more), world.Service("ingest", directory)
    for service in (ledger, ingest):
        p.check(service.start(), "%s does not start: %s", service.name, service.said())
    world.await_ledger({"ledger": ledger, "ingest": ingest})
    context, publishes = zmq.Context(), []
    asker = wire.Asker(context, ingest.endpoint)
    for _ in range(EARLY_PUBLISHES):
        publishes.append(history.Publish([p.random.randbytes(16)]))
        publishes[-1].hear(asker.ask("publish", 20.0, events=[
            history.event_of(publishes[-1].idents[0])]))
    ledger.kill()
    p.check(ledger.start(), "the ledger does not start again: %s", ledger.said())
    asker.close()
    asker = wire.Asker(context, ledger.endpoint)
    entries, epoch = wire.read_all(asker)
    asker.close()
    for service in (ledger, ingest):
        service.kill()
    try:
        siege.check(entries, epoch, publishes, [])
    except proof.Broken as e:
        p.say("negative control, acknowledged before the log commit: caught (%.90s)", e)
        p.count("mutant_early_caught")
        return
    raise proof.Broken("the mutant `early` was not caught")


if __name__ == "__main__":
    proof.Proof("P1", "kill -9 of each service under load (with P2, P4 to P7)", disk=True).run(body)
