# SPDX-License-Identifier: Apache-2.0
"""
People under whom services die: publishers, watchers, and one who reads what was just written.

Each is a process of its own; what it noted comes back when it ends. None of them gives up: whatever
a service answers or does not, they ask again, as PROTOCOL.md tells them to.
"""
import multiprocessing
import os
import pickle
import random
import time
import traceback

import zmq

import history
import proof
import wire

# what a client asks again for, with the same ids
RETRY = ("UNKNOWN", "UNAVAILABLE", "BUSY", "DEADLINE", "NO_SPACE", "UNREACHABLE")
# hash() of bytes is salted for each process; all of these are forked from one
RESULT_WAIT_S = 240
GIVE_UP_S = 120 # without a definite answer, and nobody is killed
INSIST_S = 600 # the same through kills; whoever kills is to see that there is an end to it
INSIST_MAX_S = 4.0
WAIT_MAX_S = 20.0 # for one answer; so long from the first where nobody is killed any more
AGAIN_MAX = 200 # publishes that are to be sent once more, before another one begins


class Role(multiprocessing.Process):
    """A process that runs `work` until told to stop, and whose result is fetched then."""

    def __init__(self, directory, name, seed):
        super().__init__(name=name, daemon=True)
        self.path, self.seed = os.path.join(directory, name + ".result"), seed
        self.stopping = multiprocessing.Event()
        self.progress = multiprocessing.Value("Q", 0)

    def run(self):
        self.random = random.Random(self.seed)
        self.context = zmq.Context()
        try:
            result = self.work()
        except proof.Broken as e:
            result = e
        except Exception: # whatever it is, the proof must not take it for success
            result = proof.Broken("%s: %s" % (self.name, traceback.format_exc()))
        with open(self.path, "wb") as f:
            pickle.dump(result, f)
        os._exit(0)

    def failed(self):
        """Whether it has ended before it was told to."""
        return not self.is_alive()

    def tell(self):
        self.stopping.set()

    def wait(self, timeout_s):
        """Until it has ended, but not for ever."""
        patience = proof.Patience(timeout_s)
        while self.is_alive() and (step := patience.step()):
            self.join(step)

    def result(self):
        self.tell()
        self.wait(RESULT_WAIT_S)
        if self.is_alive():
            self.kill()
            raise proof.Broken("%s does not come to an end" % self.name)
        with open(self.path, "rb") as f:
            result = pickle.load(f)
        if isinstance(result, proof.Broken):
            raise result
        return result


class Publisher(Role):
    """Many connections; each publish is sent one to five times, over any of them."""

    def __init__(self, directory, name, seed, endpoint, connections=8, wait_s=1.0, batch=(1, 1, 2, 7, 30),
                 pause_s=0.0):
        super().__init__(directory, name, seed)
        self.endpoint, self.connections, self.wait_s, self.batch = endpoint, connections, wait_s, batch
        self.pause_s = pause_s

    def work(self):
        self.poller = zmq.Poller()
        self.askers = [wire.Asker(self.context, self.endpoint) for _ in range(self.connections)]
        for asker in self.askers:
            asker.waiting = {} # rid: (publish, until)
            self.poller.register(asker.socket, zmq.POLLIN)
        self.publishes, self.again, self.top = [], [], 0
        self.retries = self.dropped = self.answers = 0
        give_up = None
        while True:
            if self.stopping.is_set():
                give_up = give_up or proof.Patience(GIVE_UP_S)
                if not self.again and not any(a.waiting for a in self.askers):
                    break
                if not give_up.step():
                    raise proof.Broken("%d publishes get no definite answer" % len(self.again))
            for asker in self.askers:
                if len(asker.waiting) < 4:
                    self.send(asker)
            self.hear()
            if not self.stopping.is_set():
                time.sleep(self.pause_s)
        counts = {"retries": self.retries, "replies_dropped": self.dropped, "answers": self.answers}
        return self.publishes, counts

    def send(self, asker):
        if self.again and (self.stopping.is_set() or len(self.again) > AGAIN_MAX or
                           self.random.random() < 0.5):
            publish = self.again.pop(self.random.randrange(len(self.again)))
        elif self.stopping.is_set():
            return
        else:
            publish = history.Publish([self.random.randbytes(16)
                                       for _ in range(self.random.choice(self.batch))], self.top)
            self.publishes.append(publish)
            self.again += [publish] * self.random.choice((0, 0, 1, 2, 4))
        publish.sends += 1
        wait_s = WAIT_MAX_S if self.stopping.is_set() else self.wait_s
        rid = asker.send("publish", ttl_ms=int(wait_s * 1000),
                         events=[history.event_of(i) for i in publish.idents])
        asker.waiting[rid] = (publish, time.monotonic() + wait_s * 1.5)

    def hear(self):
        ready = dict(self.poller.poll(20))
        now = time.monotonic()
        for asker in self.askers:
            if asker.socket in ready:
                self.take(asker)
            for rid in [r for r, (_, until) in asker.waiting.items() if until < now]:
                publish, _ = asker.waiting.pop(rid)
                self.retries += 1
                self.again.append(publish)

    def take(self, asker):
        while True:
            try:
                answer = asker.next(0)
            except wire.NoAnswer:
                return
            publish, _ = asker.waiting.pop(answer.get("rid"), (None, None))
            if publish is None:
                continue # asked again meanwhile; which must not matter
            self.answers += 1
            if answer["type"] == "error":
                if answer["name"] not in RETRY:
                    raise proof.Broken("a publish is refused: %(name)s %(text)s" % answer)
                self.retries += 1
                self.again.append(publish)
            elif self.random.random() < 0.05:
                self.dropped += 1 # as if it had not come
                self.again.append(publish)
            else:
                self.top = max(self.top, publish.hear(answer))
                self.progress.value += len(publish.idents)


class Watchers(Role):
    """Those who follow, each with a filter and a start, through `read` alone."""

    def __init__(self, directory, name, seed, endpoint, count, digest=hash):
        super().__init__(directory, name, seed)
        self.endpoint, self.count, self.digest = endpoint, count, digest
        self.until = multiprocessing.Value("Q", 0)

    def tell_head(self, head):
        """They are to follow up to this seq, and then end."""
        self.until.value = head
        self.tell()

    def work(self):
        poller, askers = zmq.Poller(), []
        filters = ({}, {}, {"deal": "deal-3"}, {"kind": ["commit", "rumour"]}, {"to": "payee"},
                   {"deal": "deal-7", "kind": ["announce"]}, {"to": "nobody"})
        for i in range(self.count):
            asker = wire.Asker(self.context, self.endpoint)
            asker.wanted, asker.got = filters[i % len(filters)], []
            asker.start = asker.position = 0
            asker.until, asker.current = 0, None
            poller.register(asker.socket, zmq.POLLIN)
            askers.append(asker)
        self.retries = 0
        give_up = None
        while True:
            if self.stopping.is_set():
                give_up = give_up or proof.Patience(GIVE_UP_S)
                if all(a.position >= self.until.value for a in askers):
                    break
                if not give_up.step():
                    raise proof.Broken("a watcher does not get to the head")
            now = time.monotonic()
            for asker in askers:
                if now >= asker.until and self.random.random() < 0.5: # now and then one stands still
                    self.ask(asker, now)
            ready = dict(poller.poll(20))
            for asker in askers:
                if asker.socket in ready:
                    self.take(asker)
        return [(a.start, a.wanted, a.got, a.position) for a in askers], self.retries

    def ask(self, asker, now):
        self.retries += asker.current is not None
        fields = {"filter": asker.wanted} if asker.wanted else {}
        wait_s = WAIT_MAX_S if self.stopping.is_set() else 0.6
        asker.current = asker.send("read", after=asker.position, wait_ms=300, ttl_ms=int(wait_s * 1000),
                                   limit=self.random.choice((1, 7, 100, 1000)), **fields)
        asker.until = now + wait_s + 0.2

    def take(self, asker):
        answer = asker.next(0)
        if answer.get("rid") != asker.current:
            return
        asker.current, asker.until = None, 0
        if answer["type"] == "error":
            if answer["name"] not in RETRY:
                raise proof.Broken("a watcher at %d is refused: %s %s" % (
                    asker.position, answer["name"], answer["text"]))
            asker.until = time.monotonic() + 0.02
            return
        for entry in answer["events"]:
            if entry["seq"] <= asker.position or (asker.got and entry["seq"] <= asker.got[-1][0]):
                raise proof.Broken("a watcher at %d gets seq %d" % (asker.position, entry["seq"]))
            asker.got.append((entry["seq"], self.digest(entry["event"])))
        if answer["scanned_to"] < asker.position:
            raise proof.Broken("a watcher is sent back from %d" % asker.position)
        asker.position = answer["scanned_to"]
        self.progress.value += len(answer["events"])


class OwnReader(Role):
    """P7: publishes one event, and asks the query service for it at once, with min_seq."""

    def __init__(self, directory, name, seed, ingest, query, careful=True, pause_s=0.0):
        super().__init__(directory, name, seed)
        self.ingest, self.query, self.careful, self.pause_s = ingest, query, careful, pause_s

    def insist(self, asker, name, **fields):
        """Ask until there is an answer; the wait doubles, as a slow service is not one that died."""
        patience, wait_s = proof.Patience(INSIST_S, 2 * INSIST_MAX_S), 0.5
        while patience.step():
            try:
                return asker.ask(name, wait_s, **fields)
            except wire.NoAnswer:
                wait_s = min(2 * wait_s, INSIST_MAX_S)
            except wire.Refused as e:
                if e.code not in RETRY:
                    raise proof.Broken("%s is refused: %s" % (name, e)) from e
                time.sleep(0.01)
        raise proof.Broken("no definite answer to %s within %d s" % (name, INSIST_S))

    def work(self):
        ingest = wire.Asker(self.context, self.ingest)
        query = wire.Asker(self.context, self.query)
        publishes, head = [], 0
        while not self.stopping.is_set():
            publish = history.Publish([self.random.randbytes(16)], head)
            publishes.append(publish)
            raw = history.event_of(publish.idents[0])
            seq = publish.hear(self.insist(ingest, "publish", events=[raw]))
            got = self.insist(query, "get", seq=seq, **({"min_seq": seq} if self.careful else {}))
            entry = got["entry"]
            if entry["seq"] != seq or entry["event"] != raw or got["leaf"] != publish.receipt[0][5][0]:
                raise proof.Broken("what was written as %d is not what is read" % seq)
            if got["head"] < max(seq, head):
                raise proof.Broken("head goes back from %d to %d" % (head, got["head"]))
            head = got["head"]
            self.progress.value += 1
            time.sleep(self.pause_s)
        return publishes
