#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P6: 200 watchers, each from a place of its own, with all kinds of filters, standing still now and
then, while query is killed and stopped and events go on coming: what they are given is compared with
the log, byte for byte. From history to live there is no seam; a place that cannot be is an error.
"""
import array
import bisect
import signal
import time

import zmq

import history
import load
import proof
import wire
import world

FILTERS = ({}, {}, {}, {"deal": "deal-3"}, {"kind": ["commit", "rumour"]}, {"to": "payee"},
           {"deal": "deal-7", "kind": ["announce"]}, {"to": "nobody"})
STALL_S = 0.3


class Crowd(load.Role):
    """Watchers that begin again, somewhere else, each time they have come to the head."""

    def __init__(self, directory, name, seed, endpoint, known, count, lose=False):
        super().__init__(directory, name, seed)
        self.endpoint, self.known, self.count, self.lose = endpoint, known, count, lose

    def begin(self, asker):
        r, head = self.random, len(self.known)
        asker.filter = r.randrange(len(FILTERS))
        asker.start = asker.position = r.choice((0, 1, head, head - 1, r.randrange(head)))
        asker.live, asker.sessions = array.array("Q"), asker.sessions + 1

    def work(self):
        self.found = [[i + 1 for i, raw in enumerate(self.known) if not f or history.matches(raw, f)]
                      for f in FILTERS]
        poller, askers, self.lives, self.seen = zmq.Poller(), [], [], {}
        for _ in range(self.count):
            asker = wire.Asker(self.context, self.endpoint)
            asker.sessions, asker.until, asker.current = 0, 0, None
            self.begin(asker)
            poller.register(asker.socket, zmq.POLLIN)
            askers.append(asker)
        by_socket = {a.socket: a for a in askers}
        while not self.stopping.is_set():
            now = time.monotonic()
            for asker in askers:
                if now >= asker.until:
                    self.ask(asker, now)
            for socket, _ in poller.poll(20):
                self.take(by_socket[socket])
        for asker in askers:
            self.lives.append((asker.filter, asker.start, asker.position, asker.live))
        return self.lives, self.seen, sum(a.sessions for a in askers)

    def ask(self, asker, now):
        wanted = FILTERS[asker.filter]
        fields = {"filter": wanted} if wanted else {}
        asker.current = asker.send("read", after=asker.position, wait_ms=200, ttl_ms=3000,
                                   limit=self.random.choice((1, 100, 1000, 1000, 10000)), **fields)
        asker.until = now + 4

    def take(self, asker):
        answer = asker.next(0)
        if answer.get("rid") != asker.current:
            return
        asker.current, asker.until = None, 0
        if answer["type"] == "error":
            if answer["name"] not in load.RETRY:
                raise proof.Broken("at %d: %s %s" % (asker.position, answer["name"], answer["text"]))
            asker.until = time.monotonic() + 0.05
            return
        events = answer["events"]
        if self.lose and len(events) > 2:
            del events[len(events) // 2] # planted
        self.compare(asker, events, answer["scanned_to"])
        self.progress.value += len(events)
        if self.random.random() < 0.02:
            asker.until = time.monotonic() + self.random.random() * STALL_S
        if not events and asker.position >= len(self.known):
            self.lives.append((asker.filter, asker.start, asker.position, asker.live))
            self.begin(asker)

    def compare(self, asker, events, scanned_to):
        """These events are exactly the matches from the position to scanned_to."""
        if scanned_to < asker.position or (events and events[-1]["seq"] > scanned_to):
            raise proof.Broken("from %d: scanned to %d" % (asker.position, scanned_to))
        found, top = self.found[asker.filter], len(self.known)
        want = found[bisect.bisect_right(found, asker.position):
                     bisect.bisect_right(found, min(scanned_to, top))]
        for i, seq in enumerate(want):
            if i >= len(events) or events[i]["seq"] != seq or events[i]["event"] != self.known[seq - 1]:
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
    """Events of the log before anybody watches; their bytes."""
    raws = [history.event_of(p.random.randbytes(16)) for _ in range(number)]
    for at in range(0, number, 1000):
        asker.ask("publish", 30, events=raws[at:at + 1000])
    return raws


def impossible_places(p, query):
    """A place that cannot be is said to be one, never skipped over."""
    for after, codes in (((1 << 63) - 1, ("POSITION_IN_FUTURE",)), (1 << 63, ("WRONG_TYPE", "BAD_VALUE",
                         "TOO_LARGE", "OVERFLOW")), (-1, ("WRONG_TYPE", "BAD_VALUE"))):
        try:
            query.ask("read", after=after)
        except wire.Refused as e:
            p.check(e.code in codes, "after %d: %s", after, e)
            continue
        raise proof.Broken("after %d is not refused" % after)


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
    context = zmq.Context()
    ledger = wire.Asker(context, services["ledger"].endpoint)
    known = fill(p, ledger, p.size(3000, 30000, 100000))
    query = wire.Asker(context, services["query"].endpoint)
    query.ask("get", 60, seq=len(known), min_seq=len(known))
    impossible_places(p, query)
    wanted, seed = p.size(60000, 20000000, 500000000), p.random.randrange(1 << 32)
    crowds = [Crowd(p.dir, "crowd%d" % i, seed + i, services["query"].endpoint, known,
                    100 if p.form != "short" else 20) for i in range(2)]
    publisher = load.Publisher(p.dir, "publisher", seed + 9, services["ingest"].endpoint, 1, 5.0,
                               (1, 3))
    roles = [*crowds, publisher]
    for role in roles:
        role.start()
    said = time.monotonic()
    while sum(c.progress.value for c in crowds) < wanted:
        time.sleep(p.random.random() * 2)
        disturb(p, services["query"])
        for role in roles:
            if role.failed():
                role.result()
                raise proof.Broken("%s has ended" % role.name)
        if time.monotonic() - said > 20:
            said = time.monotonic()
            p.say("%d delivered", sum(c.progress.value for c in crowds))
    results = [c.result() for c in crowds]
    publisher.result()
    entries, epoch = wire.read_all(ledger)
    history.check_log(entries, epoch)
    for (lives, seen, sessions), crowd in zip(results, crowds):
        check_lives(p, lives, seen, entries, len(known))
        p.count("sessions", sessions)
        p.count("deliveries", crowd.progress.value)
    lossy = Crowd(p.dir, "lossy", seed, services["query"].endpoint, known, 5, lose=True)
    lossy.start()
    lossy.join(60)
    try:
        lossy.result()
    except proof.Broken as e:
        p.say("negative control, an event of an answer left out: caught (%.70s)", e)
        p.count("mutant_lossy_caught")
    else:
        raise proof.Broken("negative control, an event left out: not caught")
    for service in services.values():
        service.stop()


def disturb(p, query):
    if p.random.random() < 0.5:
        query.kill()
        p.check(query.start(60), "query does not start: %s", query.said())
        p.count("kills")
    else:
        query.process.send_signal(signal.SIGSTOP)
        time.sleep(p.random.random() * 0.3)
        query.process.send_signal(signal.SIGCONT)
        p.count("stops")


if __name__ == "__main__":
    proof.Proof("P6", "watchers compared with the log, through kills and stops of query").run(body)
