#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P7: who has a receipt asks query for that very event at once, with min_seq, over another connection,
while query is stopped and killed and its syncs take 50 ms: never an older answer, never a head that
goes back in a session. Somebody else follows the log and notes what he sees: all of it is in the log
afterwards, also where the ledger was killed right behind it: nothing is shown before it is durable.
"""
import time

import zmq

import bulk
import history
import load
import p3_network
import proof
import wire
import world

WRITERS, SESSIONS = 2, 400 # many, as each waits for syncs that are made slow
DISTURB_EACH_S, PAUSE_S = 2, 0.05


class Writers(load.Role):
    """Sessions that write one event and read it elsewhere, again and again, side by side."""

    def __init__(self, directory, name, seed, ingest, query, careful=True):
        super().__init__(directory, name, seed)
        self.ingest, self.query, self.careful = ingest, query, careful

    def work(self):
        poller = zmq.Poller()
        self.to = {"publish": wire.Asker(self.context, self.ingest),
                   "get": wire.Asker(self.context, self.query)}
        for asker in self.to.values():
            poller.register(asker.socket, zmq.POLLIN)
        self.waiting, self.publishes = {}, []
        sessions = [{"head": 0, "until": 0.0, "state": None} for _ in range(SESSIONS)]
        while not self.stopping.is_set():
            now = time.monotonic()
            for s in sessions:
                if now >= s["until"]:
                    self.go_on(s, now)
            for socket, _ in poller.poll(10):
                self.hear("publish" if socket == self.to["publish"].socket else "get")
        return self.publishes

    def go_on(self, s, now):
        """Begin a pair, or ask again what was not answered."""
        if s["state"] is None:
            s["publish"] = history.Publish([self.random.randbytes(16)], s["head"])
            self.publishes.append(s["publish"])
            s["state"] = "publish"
        if s["state"] == "publish":
            fields = {"events": [history.event_of(s["publish"].idents[0])]}
        else:
            seq = s["publish"].receipt[0][2]
            fields = {"seq": seq, **({"min_seq": seq} if self.careful else {})}
        rid = self.to[s["state"]].send(s["state"], ttl_ms=2000, **fields)
        s["asked"], s["until"] = (s["state"], rid), now + 4
        self.waiting[s["asked"]] = s

    def hear(self, kind):
        while True:
            try:
                answer = self.to[kind].next(0)
            except wire.NoAnswer:
                return
            s = self.waiting.pop((kind, answer.get("rid")), None)
            if s is None or s["asked"] != (kind, answer["rid"]):
                continue # asked again meanwhile
            if answer["type"] == "error":
                if answer["name"] not in load.RETRY:
                    raise proof.Broken("%s is refused: %s %s" % (kind, answer["name"], answer["text"]))
                s["until"] = time.monotonic() + 0.02
                continue
            self.step(s, kind, answer)
            if s["state"] is None and self.random.random() < 0.3:
                s["until"] = time.monotonic() + self.random.random() * PAUSE_S # not all in step
            else:
                self.go_on(s, time.monotonic())

    def step(self, s, kind, answer):
        if kind == "publish":
            s["publish"].hear(answer)
            s["state"] = "get"
            return
        publish, entry = s["publish"], answer["entry"]
        seq = publish.receipt[0][2]
        if (entry["seq"] != seq or entry["event"] != history.event_of(publish.idents[0]) or
                answer["leaf"] != publish.receipt[0][5][0]):
            raise proof.Broken("what was written as %d is not what is read" % seq)
        if answer["head"] < max(seq, s["head"]):
            raise proof.Broken("head goes back from %d to %d" % (s["head"], answer["head"]))
        s["head"], s["state"] = answer["head"], None
        self.progress.value += 1


class Follower(load.Role):
    """Reads everything as early as it can, at ledger and query, and notes it."""

    def __init__(self, directory, name, seed, endpoint):
        super().__init__(directory, name, seed)
        self.endpoint = endpoint

    def work(self):
        asker, seen, head = wire.Asker(self.context, self.endpoint), [], 0
        while not self.stopping.is_set():
            try:
                answer = asker.ask("read", 1.0, after=len(seen), wait_ms=200)
            except (wire.NoAnswer, wire.Refused):
                time.sleep(0.01)
                continue
            if answer["head"] < head:
                raise proof.Broken("a follower is told of head %d, then of %d" % (head, answer["head"]))
            head = answer["head"]
            seen += [hash(e["event"]) for e in answer["events"]]
        return seen


def disturb(p, field):
    kind = p.random.choice(("kill", "stop", "stop", "ledger"))
    if kind == "ledger":
        field.kill("ledger")
    elif kind == "kill":
        field.kill("query")
    else:
        field.stop("query", p.random.random() * 0.2)


def pairs(p, directory, wanted):
    """`wanted` pairs of a publish and its read; all that was published or seen is then in the log."""
    field = bulk.Field(p, directory, ("ledger", "ingest", "query"),
                       {"query": [proof.built("proof_mutant.so")]},
                       {"query": {"AVOW_MUTANT": "slowsync"}})
    seed = p.random.randrange(1 << 32)
    ingest, query = (field.services[n].endpoint for n in ("ingest", "query"))
    writers = [Writers(directory, "writers%d" % i, seed + i, ingest, query) for i in range(WRITERS)]
    followers = [Follower(directory, "follower_of_" + n, 0, field.services[n].endpoint)
                 for n in ("ledger", "query")]
    field.begin([*writers, *followers])
    try:
        said = last = time.monotonic()
        while sum(r.progress.value for r in writers) < wanted:
            time.sleep(0.05)
            for role in field.roles:
                if role.failed():
                    role.result()
                    raise proof.Broken("%s has ended" % role.name)
            if time.monotonic() - last > DISTURB_EACH_S:
                disturb(p, field)
                last = time.monotonic()
            if time.monotonic() - said > 20:
                said = time.monotonic()
                p.say("%d pairs", sum(r.progress.value for r in writers))
        publishes = [publish for w in writers for publish in w.result()]
        seen = [f.result() for f in followers]
        field.kill("ledger") # what was only in its memory does not count
        entries, epoch = wire.read_all(wire.Asker(zmq.Context(), field.services["ledger"].endpoint))
        history.check_publishes(entries, history.check_log(entries, epoch), publishes)
        for s in seen:
            check_seen(entries, s)
            p.count("events_followed", len(s))
        check_early(p, entries, seen[0])
        return sum(r.progress.value for r in writers)
    finally:
        field.end()


def check_seen(entries, seen):
    """What somebody saw is in the log, where he saw it."""
    for i, digest in enumerate(seen):
        if i >= len(entries) or hash(entries[i]["event"]) != digest:
            raise proof.Broken("event %d was shown, and is not in the log" % (i + 1))


def check_early(p, entries, seen):
    """The checker must see an event that was shown and is lost."""
    try:
        check_seen(entries[:len(seen) - 1], seen)
    except proof.Broken:
        p.count("checker_controls")
        return
    raise proof.Broken("negative control, an event shown and lost: not caught")


def body(p):
    p.at_end.append(world.end_all)
    p.count("pairs", pairs(p, p.dir + "/d", p.size(1000, 100000, 1000000)))
    careless(p, p.dir + "/mutant")


def careless(p, directory):
    """
    Who asks without min_seq must be caught, here where query stands before the ledger and hears
    nothing of it any more: what was just written cannot be there.
    """
    field = bulk.Field(p, directory)
    proxy = p3_network.Proxy(directory + "/run/proxy", field.services["ledger"].endpoint[len("ipc://"):])
    proxy.start()
    query = world.Service("query", directory, options=("--ledger", "ipc://" + proxy.path))
    p.check(query.start(), "query does not start: %s", query.said())
    world.await_ledger({"query": query})
    proxy.open.clear()
    writers = Writers(directory, "careless", 0, field.services["ingest"].endpoint, query.endpoint, False)
    writers.start()
    writers.join(world.PATIENCE_S)
    try:
        writers.result()
    except proof.Broken as e:
        p.say("negative control, asked without min_seq: caught (%.80s)", e)
        p.count("mutant_caught")
        return
    finally:
        field.end()
        query.kill()
    raise proof.Broken("negative control, asked without min_seq: not caught")


if __name__ == "__main__":
    proof.Proof("P7", "what was written is read at once, through stops and kills of query").run(body)
