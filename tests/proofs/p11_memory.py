#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P11: what peers do costs a bounded amount of memory: 1,000 watchers of whom 990 never read, thousands
of idle and half-open connections, messages as large as they may be, messages that never end, scans of
everything. Anonymous memory of ledger <= 128 MiB, of ingest and query <= 256 MiB each, sampled all the
time; where memory cgroups can be written, in one, where the kernel would kill beyond that. All the while
somebody honest publishes and reads what he published; he goes on through each of it, and what he was
told is what the log holds.
"""
import os
import resource
import select
import socket
import time

import msgpack
import zmq

import bulk
import history
import load
import memory
import proof
import wire
import world
import zmtp

MIB = memory.MIB
BOUND = {"ledger": 128 * MIB, "ingest": 256 * MIB, "query": 256 * MIB}
# in a cgroup: beside anonymous memory the pages of files and what the kernel keeps for sockets
ROOM = 128 * MIB
CGROUPS = "/sys/fs/cgroup/memory"
MESSAGE_MAX = {"ingest": 16 * MIB, "query": MIB, "ledger": 16 * MIB}
PATIENCE_S = 120
confined = [] # the cgroups that were made


def confine(p, name, pid):
    """Into a memory cgroup of its own; False where that cannot be."""
    path = os.path.join(CGROUPS, "avow-proof-%d-%s" % (os.getpid(), name))
    try:
        os.makedirs(path, exist_ok=True)
        with open(path + "/memory.limit_in_bytes", "w", encoding="ascii") as f:
            f.write(str(BOUND[name] + ROOM))
        with open(path + "/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(pid))
    except OSError:
        return False
    if path not in confined:
        confined.append(path)
        p.at_end.append(lambda: os.rmdir(path))
    return True


class Attack:
    """Services under watch; each attack says what it has cost."""

    def __init__(self, p):
        self.p, self.context, self.over = p, zmq.Context(), []
        self.field = bulk.Field(p, p.dir + "/d", ("ledger", "ingest", "query"))
        self.path = {n: s.endpoint[len("ipc://"):] for n, s in self.field.services.items()}
        # in the short form the ledger's bound is so near that what a busy machine does would decide
        self.attacked = ("ingest", "query") + (() if p.form == "short" else ("ledger",))
        p.count("services_in_a_memory_cgroup", sum(
            confine(p, n, s.process.pid) for n, s in self.field.services.items()))
        ingest = wire.Asker(self.context, self.field.services["ingest"].endpoint)
        self.query = wire.Asker(self.context, self.field.services["query"].endpoint)
        self.events, self.publishes = p.size(20000, 200000, 2000000), []
        for at in range(0, self.events, 1000):
            publish = history.Publish([p.random.randbytes(16) for _ in range(1000)], at)
            publish.hear(ingest.ask("publish", 30, events=[history.event_of(i)
                                                           for i in publish.idents]))
            self.publishes.append(publish)
        self.query.ask("get", 300, seq=self.events, min_seq=self.events)
        self.honest = load.OwnReader(p.dir, "honest", p.random.randrange(1 << 32), ingest.endpoint,
                                     self.query.endpoint)
        self.field.begin([self.honest])
        self.watch = memory.Watch(self.field.services)
        self.watch.start()

    def do(self, words, run):
        self.watch.take()
        self.opened = []
        run()
        self.revive(words)
        self.goes_on(words)
        for s in self.opened:
            s.close()
        peak = self.watch.take()
        self.p.say("%s: %s MiB", words, {n: b // MIB for n, b in peak.items()})
        for name, size in peak.items():
            key = "peak_mib_%s_%s" % (name, words.replace(" ", "_"))
            self.p.counters[key] = size // MIB
            if size > BOUND[name]:
                self.over.append("%s: %s has %d MiB" % (words, name, size // MIB))

    def revive(self, words):
        """Who was killed for memory has broken the promise; the next attack finds him anew."""
        for name, service in self.field.services.items():
            if not service.alive():
                self.over.append("%s: %s ended with %d" % (words, name, service.process.returncode))
                self.p.check(service.start(), "%s does not start: %s", name, service.said())
                confine(self.p, name, service.process.pid)

    def goes_on(self, words):
        """The honest one is served, while all that was opened is still there or was thrown out."""
        before, end = self.honest.progress.value, time.monotonic() + PATIENCE_S
        while self.honest.progress.value < before + 3:
            if self.honest.failed():
                self.honest.result()
            self.p.check(time.monotonic() < end, "%s: nobody else is answered", words)
            time.sleep(0.01)

    def meet(self, name):
        """A new connection, which waits here where the service closes all of them just now."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.opened.append(zmtp.meet(self.path[name]))
                return self.opened[-1]
            except OSError:
                if not self.field.services[name].alive() or time.monotonic() > end:
                    raise proof.Broken("%s takes no connections" % name) from None
                time.sleep(0.01)

    def finish(self):
        """What the honest one was told is what there is."""
        publishes = self.publishes + self.honest.result()
        ledger = wire.Asker(self.context, self.field.services["ledger"].endpoint)
        entries, epoch = wire.read_all(ledger)
        history.check_publishes(entries, history.check_log(entries, epoch), publishes)
        self.p.count("honest_pairs", self.honest.progress.value)
        for name, service in self.field.services.items():
            status = wire.Asker(self.context, service.endpoint).ask("status")
            self.p.count("started_anew_" + name, sum(c["value"] for c in status["counters"]
                                                     if c["name"] == "started_anew"))

    def watchers(self):
        """990 ask for all they can get and never read; 10 read on."""
        ask = zmtp.frame(msgpack.packb({
            "v": 1, "type": "read", "rid": 1, "after": 0, "limit": 10000, "max_bytes": 8 << 20}))
        for _ in range(self.p.size(99, 990, 990)):
            send(self.meet("query"), ask * 8)
        self.answered(self.opened)

    def answered(self, sockets):
        """Each of them has an answer in its socket that it does not take, or was thrown out."""
        poller, end = select.poll(), time.monotonic() + PATIENCE_S
        for s in sockets:
            poller.register(s, select.POLLIN)
        left = len(sockets)
        while left:
            for fd, _ in poller.poll(1000):
                poller.unregister(fd)
                left -= 1
            self.p.check(time.monotonic() < end, "%d watchers are never answered", left)

    def idle(self):
        for n in ("ingest", "query"):
            for _ in range(self.p.size(500, 5000, 5000)):
                self.meet(n)

    def half_open(self):
        for n in ("ingest", "query"):
            for i in range(self.p.size(100, 1000, 1000)):
                s = zmtp.connect(self.path[n])
                s.sendall(zmtp.GREETING[:i % 64])
                self.opened.append(s)

    def bombs(self):
        """Whole messages of the greatest size, of what is no message, and of small events."""
        whole = history.Publish([self.p.random.randbytes(16) for _ in range(10000)], self.events)
        self.publishes.append(whole) # which will be written
        many = wire.packed("publish", 1000, events=[history.event_of(i) for i in whole.idents])
        for body in (b"\x81" * (MESSAGE_MAX["ingest"] - 9), many[0] + bytes(8) + many[1],
                     msgpack.packb({"v": 1, "type": "publish", "rid": 1, "events": [
                         b"\xdd\xff\xff\xff\xff" + bytes(60000)] * 250})):
            for n in ("ingest", "query"):
                send(self.meet(n), zmtp.frame(body))

    def unfinished(self):
        """Messages of the greatest size that lack their end, 1 GiB of them, whoever is thrown out."""
        for n in self.attacked:
            size = MESSAGE_MAX[n]
            begun = zmtp.announced(size) + bytes(size - 65536)
            for _ in range(self.p.size(192, 1024, 10240) * MIB // size):
                send(self.meet(n), begun)

    def endless(self):
        """Messages of ever more parts."""
        part = zmtp.frame(bytes(65536), zmtp.MORE)
        for n in self.attacked:
            s = self.meet(n)
            for _ in range(self.p.size(3000, 16000, 160000)):
                if not send(s, part):
                    s = self.meet(n)

    def scans(self):
        for _ in range(3):
            self.p.check(len(wire.read_all(self.query)[0]) >= self.events, "a scan misses something")


def send(s, data):
    """False where the other side has had enough of it."""
    try:
        s.sendall(data)
        return True
    except (OSError, socket.timeout):
        return False


def body(p):
    p.at_end.append(world.end_all)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = p.size(2500, 13000, 13000)
    if hard < wanted:
        raise proof.NotRun("so many connections need %d file descriptors; the limit is %d" % (wanted, hard))
    a = Attack(p)
    a.do("scans of everything", a.scans)
    a.do("watchers that stand still", a.watchers)
    a.do("idle connections", a.idle)
    a.do("half-open connections", a.half_open)
    a.do("the largest messages", a.bombs)
    a.do("unfinished messages", a.unfinished)
    a.do("endless messages", a.endless)
    a.finish()
    a.watch.stopping = True
    control(p, a)
    a.field.end()
    p.check(not a.over, "; ".join(a.over))


def control(p, a):
    """What is measured is there: this very process, grown by so much."""
    before, grown = memory.anonymous(os.getpid()), bytearray(os.urandom(1)) * (64 * MIB)
    p.check(memory.anonymous(os.getpid()) - before > 60 * MIB and len(grown) and a.over is not None,
            "negative control: 64 MiB more are not seen")
    p.count("control_growth_seen")


if __name__ == "__main__":
    proof.Proof("P11", "memory is bounded, whatever peers do", disk=True).run(body)
