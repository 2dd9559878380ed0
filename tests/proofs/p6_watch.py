#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P6: 200 watchers, each from a place of its own, with all kinds of filters, standing still now and
then, while query is killed and stopped and events go on coming: what they are given is compared with
the log, byte for byte. From history to live there is no seam; a place that cannot be is an error.
"""
import array
import bisect
import ctypes
import itertools
import multiprocessing
import signal
import time

import msgpack
import zmq

import history
import load
import proof
import wire
import world

FILTERS = ({}, {}, {}, {"deal": "deal-3"}, {"kind": ["commit", "rumour"]}, {"to": "payee"},
           {"deal": "deal-7", "kind": ["announce"]}, {"to": "nobody"})
WEIGHTS = (8, 8, 8, 1, 3, 8, 1, 1) # how often each is chosen: those that find little deliver little
STALL_S = 0.3
DISTURB_EACH = {"short": 1000, "gate": 200000, "long": 400000} # deliveries, at least
LONG_NOTE = 8 # bytes of an event's note
LEAVE = 0.3 # the share of live answers after which a watcher begins again


IMPOSSIBLE = {1 << 63: ("WRONG_TYPE", "BAD_VALUE", "TOO_LARGE", "OVERFLOW"),
              -1: ("WRONG_TYPE", "BAD_VALUE"), (1 << 63) - 1: ("POSITION_IN_FUTURE",)}
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, KEPT_MAX = -1, -3, 32 << 20 # of malloc.h, see mallopt(3)
HEADER_MAX = 128 # bytes of an answer before its events


def keep_memory():
    """What is freed is used again: to ask the system for it, answer by answer, costs more than all else."""
    libc = ctypes.CDLL(None)
    libc.mallopt(M_TRIM_THRESHOLD, KEPT_MAX)
    libc.mallopt(M_MMAP_THRESHOLD, KEPT_MAX)


class Known:
    """The log before anybody watches: what an answer holds of it, filter by filter, as bytes."""

    def __init__(self, asker, raws):
        self.raws, self.entries = raws, []
        while len(self.entries) < len(raws):
            asker.send("read", after=len(self.entries), limit=10000, max_bytes=8 << 20)
            self.take(asker.socket.recv())
        self.found = [[i + 1 for i, raw in enumerate(raws) if not f or history.matches(raw, f)]
                      for f in FILTERS]
        self.bytes, self.at = [], []
        for found in self.found:
            self.bytes.append(b"".join(self.entries[seq - 1] for seq in found))
            self.at.append(array.array("Q", [0, *itertools.accumulate(
                len(self.entries[seq - 1]) for seq in found)]))

    def take(self, answer):
        """Each entry of an answer of the ledger: checked, and kept as it is encoded."""
        unpacker = msgpack.Unpacker()
        unpacker.feed(answer)
        for _ in range(unpacker.read_map_header()):
            if unpacker.unpack() != "events":
                unpacker.skip()
                continue
            for _ in range(unpacker.read_array_header()):
                at, entry = unpacker.tell(), unpacker.unpack()
                if entry["event"] != self.raws[entry["seq"] - 1]:
                    raise proof.Broken("event %d is not as it was published" % entry["seq"])
                self.entries.append(answer[at:unpacker.tell()])


class Crowd(load.Role):
    """Watchers that begin again, somewhere else, each time they have come to the head."""

    def __init__(self, directory, name, seed, endpoint, known, count, lose=False):
        super().__init__(directory, name, seed)
        self.endpoint, self.known, self.count, self.lose = endpoint, known, count, lose
        self.killed_at = multiprocessing.Value("d", 0.0) # query, the last time, by the clock

    def begin(self, asker):
        r, head = self.random, len(self.known.raws)
        asker.filter = r.choices(range(len(FILTERS)), WEIGHTS)[0]
        asker.start = asker.position = r.choice((0, 1, head, head - 1, r.randrange(head)))
        if r.random() < 0.02:
            asker.start = asker.position = r.choice(list(IMPOSSIBLE))
        asker.live, asker.sessions = array.array("Q"), asker.sessions + 1

    def work(self):
        keep_memory()
        self.found, self.refused = self.known.found, 0
        poller, askers, self.lives, self.seen = zmq.Poller(), [], [], {}
        for _ in range(self.count):
            asker = wire.Asker(self.context, self.endpoint)
            asker.sessions, asker.until, asker.current, asker.asked = 0, 0, None, 0
            self.begin(asker)
            poller.register(asker.socket, zmq.POLLIN)
            askers.append(asker)
        by_socket = {a.socket: a for a in askers}
        while not self.stopping.is_set():
            now, killed_at = time.monotonic(), self.killed_at.value
            for asker in askers:
                # what was on its way to one that was killed has no answer
                if now >= asker.until or (asker.current and asker.asked <= killed_at):
                    self.ask(asker, now)
            for socket, _ in poller.poll(20):
                self.take(by_socket[socket])
        for asker in askers:
            if asker.start not in IMPOSSIBLE:
                self.lives.append((asker.filter, asker.start, asker.position, asker.live))
        return self.lives, self.seen, sum(a.sessions for a in askers), self.refused

    def ask(self, asker, now):
        wanted = FILTERS[asker.filter]
        fields = {"filter": wanted} if wanted else {}
        asker.current = asker.send("read", after=asker.position, wait_ms=200, ttl_ms=3000,
                                   limit=self.random.choice((1, 1000, 10000, 10000)), **fields)
        asker.asked, asker.until = now, now + 4

    def take(self, asker):
        raw = asker.socket.recv()
        answer = self.at_once(asker, raw) or msgpack.unpackb(raw)
        if answer.get("rid") != asker.current:
            return
        asker.current, asker.until = None, 0
        if answer["type"] == "error":
            self.hear_error(asker, answer)
            return
        if asker.start in IMPOSSIBLE:
            raise proof.Broken("after %d is answered: %s" % (asker.start, answer))
        number = answer.get("number")
        if number is None: # it holds what nobody knew before
            events = answer["events"]
            if self.lose and len(events) > 2:
                del events[len(events) // 2] # planted
            self.compare(asker, events, answer["scanned_to"])
            number = len(events)
        self.progress.value += number
        if self.random.random() < 0.02:
            asker.until = time.monotonic() + self.random.random() * STALL_S
        if asker.position >= len(self.known.raws) and (not number or self.random.random() < LEAVE):
            self.lives.append((asker.filter, asker.start, asker.position, asker.live))
            self.begin(asker)

    def hear_error(self, asker, answer):
        code = answer["name"]
        if code in load.RETRY:
            asker.until = time.monotonic() + 0.05
        elif code in IMPOSSIBLE.get(asker.start, ()):
            self.refused += 1
            self.begin(asker)
        else:
            raise proof.Broken("at %d: %s %s" % (asker.position, code, answer["text"]))

    def at_once(self, asker, raw):
        """
        An answer whose events are, byte for byte, the next ones of the known log: its other fields, and
        their number. None where it is anything else, or stands in an order that is not expected.
        """
        try:
            unpacker = msgpack.Unpacker()
            unpacker.feed(raw[:HEADER_MAX])
            left, answer = unpacker.read_map_header(), {}
            while (key := unpacker.unpack()) != "events":
                answer[key], left = unpacker.unpack(), left - 1
            number, begin = unpacker.read_array_header(), unpacker.tell()
        except (msgpack.OutOfData, ValueError):
            return None
        found, at = self.found[asker.filter], self.known.at[asker.filter]
        first = bisect.bisect_right(found, asker.position)
        if self.lose or answer.get("rid") != asker.current or first + number > len(found):
            return None
        end = begin + at[first + number] - at[first]
        if end > len(raw):
            return None
        if not self.known.bytes[asker.filter].startswith(raw[begin:end], at[first]):
            return None
        unpacker = msgpack.Unpacker()
        unpacker.feed(raw[end:])
        for _ in range(left - 1):
            answer[unpacker.unpack()] = unpacker.unpack()
        to = answer["scanned_to"]
        if not asker.position <= to <= len(self.known.raws) or bisect.bisect_right(
                found, to) != first + number:
            return None
        asker.position, answer["number"] = to, number
        return answer

    def compare(self, asker, events, scanned_to):
        """These events are exactly the matches from the position to scanned_to."""
        if scanned_to < asker.position or (events and events[-1]["seq"] > scanned_to):
            raise proof.Broken("from %d: scanned to %d" % (asker.position, scanned_to))
        found, top = self.found[asker.filter], len(self.known.raws)
        want = found[bisect.bisect_right(found, asker.position):
                     bisect.bisect_right(found, min(scanned_to, top))]
        for i, seq in enumerate(want):
            if i >= len(events) or events[i]["seq"] != seq or events[i]["event"] != self.known.raws[seq - 1]:
                raise proof.Broken("from %d, filter %s: seq %d is missing or is not the log's" % (
                    asker.position, FILTERS[asker.filter], seq))
        for entry in events[len(want):]:
            if entry["seq"] <= max(top, asker.live[-1] if asker.live else 0):
                raise proof.Broken("from %d: seq %d twice or out of order" % (
                    asker.position, entry["seq"]))
            digest = hash(entry["event"])
            if self.seen.setdefault(entry["seq"], digest) != digest:
                raise proof.Broken("two watchers got other bytes for seq %d" % entry["seq"])
            asker.live.append(entry["seq"])
        asker.position = scanned_to


def fill(p, asker, number):
    """Events of the log before anybody watches, small ones where there are many; their bytes."""
    idents = [bytearray(p.random.randbytes(16)) for _ in range(number)]
    if p.form == "long":
        for ident in idents:
            ident[history.NOTE_AT] = LONG_NOTE
    raws = [history.event_of(bytes(ident)) for ident in idents]
    for at in range(0, number, 1000):
        asker.ask("publish", 30, events=raws[at:at + 1000])
    return raws


def check_lives(p, lives, seen, entries, known):
    """What came while it was being written: each match once, in order, with the log's bytes."""
    found = [array.array("Q", [e["seq"] for e in entries[known:]
                               if not f or history.matches(e["event"], f)]) for f in FILTERS]
    for seq, digest in seen.items():
        p.check(digest == hash(entries[seq - 1]["event"]), "other bytes for seq %d", seq)
    for kind, start, position, live in lives:
        want = found[kind]
        want = want[bisect.bisect_right(want, start):bisect.bisect_right(want, position)]
        p.check(live == want, "from %d to %d, filter %s: %d live events, %d in the log", start, position,
                FILTERS[kind], len(live), len(want))
        p.count("deliveries_live", len(live))


def body(p):
    p.at_end.append(world.end_all)
    services = {n: world.Service(n, p.dir + "/d") for n in ("ledger", "ingest", "query")}
    for service in services.values():
        p.check(service.start(), "%s does not start: %s", service.name, service.said())
    world.await_ledger(services)
    context = zmq.Context()
    ledger = wire.Asker(context, services["ledger"].endpoint)
    known = Known(ledger, fill(p, ledger, p.size(3000, 30000, 100000)))
    query = wire.Asker(context, services["query"].endpoint)
    query.ask("get", 60, seq=len(known.raws), min_seq=len(known.raws))
    wanted, seed = p.size(60000, 20000000, 500000000), p.random.randrange(1 << 32)
    crowds = [Crowd(p.dir, "crowd%d" % i, seed + i, services["query"].endpoint, known,
                    100 if p.form != "short" else 20) for i in range(2)]
    # each publish is an answer to all who wait: the long form is to be about events, not answers
    publisher = load.Publisher(p.dir, "publisher", seed + 9, services["ingest"].endpoint, 1, 5.0,
                               (1, 3), pause_s=0.25 if p.form == "long" else 0.02)
    roles = [*crowds, publisher]
    for role in roles:
        role.start()
    said, done, disturbed = time.monotonic(), 0, 0
    while done < wanted:
        time.sleep(p.random.random() * 2)
        done = sum(c.progress.value for c in crowds)
        if done - disturbed > DISTURB_EACH[p.form]: # something is to be done in between
            disturbed = done
            disturb(p, services["query"], crowds)
        for role in roles:
            if role.failed():
                role.result()
                raise proof.Broken("%s has ended" % role.name)
        if time.monotonic() - said > 20:
            said = time.monotonic()
            p.say("%d delivered", done)
    results = [c.result() for c in crowds]
    publisher.result()
    entries, epoch = wire.read_all(ledger)
    history.check_log(entries, epoch)
    for (lives, seen, sessions, refused), crowd in zip(results, crowds):
        check_lives(p, lives, seen, entries, len(known.raws))
        p.count("sessions", sessions)
        p.count("impossible_places_refused", refused)
        p.count("deliveries", crowd.progress.value)
    lossy = Crowd(p.dir, "lossy", seed, services["query"].endpoint, known, 5, lose=True)
    lossy.start()
    lossy.wait(60)
    try:
        lossy.result()
    except proof.Broken as e:
        p.say("negative control, an event of an answer left out: caught (%.70s)", e)
        p.count("mutant_lossy_caught")
    else:
        raise proof.Broken("negative control, an event left out: not caught")
    for service in services.values():
        service.stop()


def disturb(p, query, crowds):
    if p.random.random() < 0.5:
        query.kill()
        for crowd in crowds:
            crowd.killed_at.value = time.monotonic()
        p.check(query.start(60), "query does not start: %s", query.said())
        p.count("kills")
    else:
        query.process.send_signal(signal.SIGSTOP)
        time.sleep(p.random.random() * 0.3)
        query.process.send_signal(signal.SIGCONT)
        p.count("stops")


if __name__ == "__main__":
    proof.Proof("P6", "watchers compared with the log, through kills and stops of query").run(body)
