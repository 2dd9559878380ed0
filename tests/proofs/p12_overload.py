#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P12: five times as much is published as ingest and ledger can take. Every request is answered: done, or
BUSY with the time after which to come again, at once; what was refused is not in the log, what was
acknowledged is. And one reader who never takes his answers costs the others at most a tenth, measured
with and without him in turn, in the same run.
"""
import array
import collections
import multiprocessing
import statistics
import struct
import time

import msgpack
import zmq

import bulk
import history
import load
import proof
import wire
import world
import zmtp

EVENTS = 500 # of a request: so many that five times what can be done is made on the same machine
TIMES = 5
READERS = 4
BUSY_P99_S = 0.5
STOP_S = 1.0 # so long the ledger stands still, so that ingest is told too much
COST_MAX = 0.1
NAME = struct.Struct(">Q")
OPEN, DONE, REFUSED = 0, 1, 2


class Template:
    """
    A publish of EVENTS small events whose ids hold its number; all else is the same each time, so that
    five times what the services can take is made on the same machine.
    """

    def __init__(self, who, ttl_ms):
        raws = [history.event_of(self.ident(who, 0, place)) for place in range(EVENTS)]
        self.head, tail = wire.packed("publish", ttl_ms, events=None)
        self.step = len(wire.array_of_bytes(raws[:2])) - len(wire.array_of_bytes(raws[:1]))
        self.raw = bytearray(self.head + bytes(8) + tail[:-1] + wire.array_of_bytes(raws))
        self.at = self.raw.index(self.ident(who, 0, 0)) + 4 # where the number is

    @staticmethod
    def ident(who, n, place):
        return bytes((0, 0, 0, who)) + struct.pack(">I", n) + NAME.pack(place)

    def number(self, n, rid):
        bulk.RID.pack_into(self.raw, len(self.head), rid)
        for i, byte in enumerate(struct.pack(">I", n)):
            self.raw[self.at + i:self.at + i + (EVENTS - 1) * self.step + 1:self.step] = bytes(
                (byte,)) * EVENTS
        return self.raw


class Flood(bulk.Accounted):
    """
    Sends `rate` requests a second for so many seconds, whatever comes back (or, without a rate, as many
    as are answered), each once; and notes what became of each, and how long BUSY took.
    """

    def __init__(self, directory, name, endpoint, who, seconds, rate=None):
        window = 16 if rate is None else 120
        super().__init__(directory, name, who, endpoint, 8, window, 10000, 5.0)
        self.who, self.seconds, self.rate = who, seconds, rate
        self.told_busy = multiprocessing.Value("Q", 0)

    def work(self):
        self.open()
        self.template = Template(self.who, self.ttl_ms)
        self.fate, self.sent_at, self.busy_s = bytearray(), array.array("d"), array.array("d")
        self.perhaps = set() # asked again, as they may have been done
        self.began = time.monotonic()
        silent = self.serve()
        return self.fate, self.busy_s, silent, self.counts, self.took

    def finished(self):
        seen = self.busy_s if self.rate else self.progress.value
        if time.monotonic() - self.began < self.seconds or not seen:
            self.took = time.monotonic() - self.began
            return False
        return True

    def next(self):
        what = self.due()
        if what is None and (self.finished() or (self.rate and len(self.fate) >= self.rate *
                                                 (time.monotonic() - self.began))):
            return False
        if what is None:
            what = len(self.fate)
            self.fate.append(OPEN)
            self.sent_at.append(0.0)
        self.sent_at[what] = time.monotonic()
        self.ask(what)
        return True

    def packed(self, what, rid):
        return self.template.number(what, rid)

    def again(self, what):
        self.perhaps.add(what)
        super().again(what)

    def answered(self, what, answer):
        if answer["type"] != "error":
            self.fate[what] = DONE
            self.progress.value += EVENTS
            return
        if answer["name"] == "BUSY":
            if not answer.get("retry_after_ms"):
                raise proof.Broken("BUSY without a time: %s" % answer)
            self.busy_s.append(time.monotonic() - self.sent_at[what])
            self.told_busy.value += 1
        elif answer["name"] not in ("UNAVAILABLE", "DEADLINE", "UNKNOWN"):
            raise proof.Broken("refused: %s" % answer)
        if self.fate[what] != OPEN:
            return
        if answer["name"] == "UNKNOWN" or what in self.perhaps:
            self.again(what)
        else:
            self.fate[what] = REFUSED


def flood(p, field, who, seconds, rate=None, prefix=""):
    """One flood; its fates, how long BUSY took, and how many requests a second were done."""
    role = Flood(p.dir, "flood%d" % who, field.services["ingest"].endpoint, who, seconds, rate)
    role.start()
    # where the flood itself is slow, as on a machine that does other things as well
    while p.form == "short" and rate and not role.told_busy.value and role.is_alive():
        field.stop("ledger", STOP_S)
    role.join(seconds + 120)
    fate, busy_s, silent, counts, took = role.result()
    p.check(not silent, "%d requests have no answer at all", len(silent))
    for name, number in counts.items():
        p.count(prefix + name, number)
    return fate, busy_s, fate.count(DONE) / took, len(fate) / took


def overload(p):
    field = bulk.Field(p, p.dir + "/d")
    fates, _, capacity, _ = (first := flood(p, field, 0, p.size(1, 8, 30), prefix="alone_"))
    p.say("alone: %.0f requests of %d events a second", capacity, EVENTS)
    second = flood(p, field, 1, p.size(2, 60, 600), TIMES * capacity)
    fate, busy_s, done, offered = second
    p.say("offered %.0f a second, done %.0f, refused %d", offered, done, fate.count(REFUSED))
    p.count("offered_per_mille_of_capacity", int(1000 * offered / capacity))
    p.count("done_per_mille_of_capacity", int(1000 * done / capacity))
    p.count("requests_refused", fate.count(REFUSED))
    slowest = sorted(busy_s)[int(len(busy_s) * 0.99)]
    p.count("busy_p50_ms", int(1000 * statistics.median(busy_s)))
    p.count("busy_p99_ms", int(1000 * slowest))
    found = count_log(field)
    check_log(p, found, (first[0], fate))
    if p.form != "short": # a machine that does other things as well says nothing about time
        p.check(offered > 0.9 * TIMES * capacity, "only %.1f times the capacity was offered",
                offered / capacity)
        p.check(slowest < BUSY_P99_S, "BUSY took %.2f s", slowest)
    wrong = bytearray(fate)
    wrong[wrong.index(DONE)] = REFUSED
    try:
        check_log(p, found, (fates, wrong))
    except proof.Broken as e:
        p.say("negative control, one that was done counts as refused: caught (%s)", e)
        p.count("checker_controls")
    else:
        raise proof.Broken("negative control, one that was done counts as refused: not caught")
    field.end()


def count_log(field):
    """How many events of each request are in the log."""
    found, after, head = collections.Counter(), 0, 1
    asker = wire.Asker(zmq.Context(), field.services["ledger"].endpoint)
    request = slice(wire.ID_AT + 3, wire.ID_AT + 8) # who, and the number
    while after < head:
        answer = asker.ask("read", 30, after=after, limit=10000, max_bytes=8 << 20)
        found.update([entry["event"][request] for entry in answer["events"]])
        after, head = answer["scanned_to"], answer["head"]
    return found


def check_log(p, found, fates):
    """Whole requests, each done one and no refused one."""
    left = sum(found.values())
    for who, fate in enumerate(fates):
        for n, what in enumerate(fate):
            wanted, there = {DONE: EVENTS, REFUSED: 0}[what], found[bytes((who,)) + n.to_bytes(4, "big")]
            p.check(there == wanted, "request %d was %s, and %d of its events are in the log", n,
                    "done" if wanted else "refused", there)
            left -= there
    p.check(left == 0, "%d events in the log are nobody's", left)


class Readers(load.Role):
    """Read all the time, as fast as they are answered."""

    def __init__(self, directory, name, endpoint, head):
        super().__init__(directory, name, 1)
        self.endpoint, self.head = endpoint, head

    def work(self):
        poller, askers = zmq.Poller(), []
        for _ in range(READERS):
            askers.append(wire.Asker(self.context, self.endpoint))
            poller.register(askers[-1].socket, zmq.POLLIN)
        by_socket = {a.socket: a for a in askers}
        for asker in askers:
            asker.send("read", after=0, limit=500)
        while not self.stopping.is_set():
            for socket, _ in poller.poll(20):
                socket.recv()
                self.progress.value += 1
                by_socket[socket].send("read", after=self.random.randrange(self.head), limit=500)


def slow_reader(p):
    """The others' pace with one who never reads, and without, in turn."""
    field = bulk.Field(p, p.dir + "/q", ("ledger", "ingest", "query"))
    number = 20000
    ledger = wire.Asker(zmq.Context(), field.services["ledger"].endpoint)
    for _ in range(number // 1000):
        ledger.ask("publish", 30, events=[history.event_of(p.random.randbytes(16))
                                          for _ in range(1000)])
    query = field.services["query"].endpoint
    wire.Asker(zmq.Context(), query).ask("get", 120, seq=number, min_seq=number)
    readers = Readers(p.dir, "readers", query, number)
    readers.start()
    while not readers.progress.value and readers.is_alive():
        time.sleep(0.01)
    ask = zmtp.frame(msgpack.packb({"v": 1, "type": "read", "rid": 1, "after": 0, "limit": 10000,
                                    "max_bytes": 8 << 20}))
    paces = {False: [], True: []}
    for turn in range(p.size(2, 12, 50)):
        slow = turn % 2 == 1
        if slow:
            peer = zmtp.meet(query[len("ipc://"):])
            peer.sendall(ask * 100)
        began, before = time.monotonic(), readers.progress.value
        time.sleep(p.size(1, 2, 4))
        while readers.progress.value == before and readers.is_alive():
            time.sleep(0.01)
        paces[slow].append((readers.progress.value - before) / (time.monotonic() - began))
        if slow:
            peer.close()
    readers.result()
    field.end()
    without, with_him = (statistics.median(paces[slow]) for slow in (False, True))
    p.say("%.0f answers a second without a slow reader, %.0f with one", without, with_him)
    p.count("pace_with_a_slow_reader_per_mille", int(1000 * with_him / without))
    p.check(p.form == "short" or with_him > (1 - COST_MAX) * without,
            "a slow reader costs the others %d %%", 100 - 100 * with_him / without)


def body(p):
    p.at_end.append(world.end_all)
    overload(p)
    slow_reader(p)


if __name__ == "__main__":
    proof.Proof("P12", "overload is said, and a slow reader costs the others little").run(body)
