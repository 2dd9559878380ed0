#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P15: peers that say anything, in any state of ZMTP, and messages of any bytes: the services stay, a
connection that keeps to ZMTP gets one well-formed answer to each message, a message costs at most 10 ms
of CPU, memory stays bounded, and an honest client is served all the while. Command lines, config and
import files of any kind end the program with a code of its table, and words.
"""
import concurrent.futures
import glob
import itertools
import os
import random
import re
import struct
import subprocess
import time

import zmq

import hostile
import load
import memory
import proof
import wire
import world

CPU_MAX_MS = 10.0
ANON_MAX_KIB = {"ledger": 128 << 10, "ingest": 256 << 10, "query": 256 << 10}
MESSAGE_MAX = {"ledger": 16 << 20, "ingest": 16 << 20, "query": 1 << 20}
STORMS = 2     # processes that break ZMTP
SLOW = 40      # connections that say a byte at a time
BURST = 40     # messages sent at once over a whole connection
ANSWER_S = 60
EXIT_CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
OWN_WORDS = re.compile(r"(require|ensure|impossible) failed|Sanitizer|runtime error")


# ---- what is measured ----

def cpu_ms(pid):
    """CPU of all threads of a process, in nanoseconds' precision."""
    total = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
        with open(path, encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e6


class System:
    """The three services, looked at while they are under fire."""

    def __init__(self, p, directory, fragile=None):
        self.p, self.peak = p, {}
        more = {"preload": [proof.built("proof_fragile.so")], "env": {"AVOW_FRAGILE": fragile}} \
            if fragile else {}
        self.services = {"ledger": world.Service("ledger", directory)}
        for name in ("ingest", "query"):
            self.services[name] = world.Service(name, directory, options=("--tcp", "any"),
                                                **(more if name == "query" else {}))
        for service in self.services.values():
            p.check(service.start(), "%s does not start: %s", service.name, service.said())
        world.await_ledger(self.services)
        self.pids = {name: s.process.pid for name, s in self.services.items()}
        self.directory = directory

    def endpoints(self, name):
        with open(os.path.join(self.directory, "run", name + ".endpoints"), encoding="utf-8") as f:
            return [line.split()[1] for line in f if line.startswith("listen ")]

    def look(self):
        """Everybody is there, and is no larger than promised."""
        for name, service in self.services.items():
            self.p.check(service.alive(), "%s is gone: %s", name,
                         service.said() if not service.alive() else "")
            size = memory.anonymous(self.pids[name]) >> 10
            self.p.check(size, "%s is ending", name)
            self.peak[name] = max(size, self.peak.get(name, 0))
            self.p.check(size <= ANON_MAX_KIB[name], "%s has %d KiB of its own", name, size)

    def stop(self):
        for service in self.services.values():
            code = service.stop()
            self.p.check(code == 0, "%s ended with %s", service.name, code)


# ---- an honest client ----

class Canary(load.Role):
    """Publishes and asks query for just that, again and again; each must be answered in time."""

    def __init__(self, directory, seed, ingest, query):
        super().__init__(directory, "canary", seed)
        self.ingest, self.query = ingest, query

    def work(self):
        ingest, query = (wire.Asker(self.context, e) for e in (self.ingest, self.query))
        slowest = 0.0
        while not self.stopping.is_set() or self.progress.value == 0:
            began = time.monotonic()
            try:
                answer = self.ask(ingest, "publish", events=[wire.event(self.random.randbytes(16), "canary")])
                seq = answer["receipts"][0]["first"]
                self.ask(query, "get", seq=seq, min_seq=seq)
            except (wire.Refused, wire.NoAnswer) as e:
                raise proof.Broken("an honest client is not served: %r" % (e,)) from e
            slowest = max(slowest, time.monotonic() - began)
            self.progress.value += 1
            self.stopping.wait(0.01)
        return slowest

    def ask(self, asker, name, **fields):
        while True:
            try:
                return asker.ask(name, ANSWER_S, **fields)
            except wire.Refused as e:
                if e.code != "BUSY":
                    raise
                self.stopping.wait(0.05)


# ---- broken ZMTP ----

class Storm(load.Role):
    """Raw connections, one after the other, while some others say a byte at a time."""

    def __init__(self, directory, name, seed, endpoints, count):
        super().__init__(directory, name, seed)
        self.endpoints, self.count = endpoints, count

    def work(self):
        r, slow = self.random, []
        refused = 0
        for n in range(self.count):
            endpoint = r.choice(self.endpoints)
            words = hostile.raw_attacks(r)
            if n % 50 == 0:
                slow.append((hostile.dial(endpoint), itertools.chain(hostile.HELLO, words)))
            refused += self.once(endpoint, words, r)
            slow = [(s, rest) for s, rest in slow if self.drip(s, rest)][-SLOW:]
            self.progress.value += 1
        for s, _ in slow:
            hostile.drop(s, True)
        return refused

    def once(self, endpoint, words, r):
        """One connection; 1 where it was cut while we spoke."""
        s = hostile.dial(endpoint)
        try:
            s.sendall(words)
            if r.random() < 0.05:
                s.setblocking(False)
                s.recv(4096)
        except (ConnectionError, BlockingIOError):
            return 1
        finally:
            hostile.drop(s, r.random() < 0.9)
        return 0

    def drip(self, s, rest):
        try:
            byte = next(rest, None)
            if byte is not None:
                s.sendall(bytes([byte]))
                return True
        except ConnectionError:
            pass
        hostile.drop(s, True)
        return False


def storm(p, system, count):
    """So many raw connections to every socket that listens."""
    endpoints = [e for name in system.services for e in system.endpoints(name)]
    seed = p.random.randrange(1 << 32)
    roles = [Storm(system.directory, "storm%d" % i, seed + i, endpoints, count // STORMS + 1)
             for i in range(STORMS)]
    before = {name: cpu_ms(pid) for name, pid in system.pids.items()}
    for role in roles:
        role.start()
    said = time.monotonic()
    while not all(role.failed() for role in roles):
        time.sleep(0.05)
        system.look()
        if time.monotonic() - said > 20:
            said = time.monotonic()
            p.say("%d raw connections", sum(role.progress.value for role in roles))
    cut = sum(role.result() for role in roles)
    done = sum(role.progress.value for role in roles)
    spent = sum(cpu_ms(pid) - before[name] for name, pid in system.pids.items())
    p.say("%d raw connections, %d of them cut while they spoke; %.3f ms of CPU each, all services",
          done, cut, spent / done)
    p.check(spent / done <= CPU_MAX_MS, "a raw connection costs %.1f ms of CPU", spent / done)
    p.count("raw_connections", done)


# ---- whole ZMTP, hostile messages ----

def burst(peer, messages):
    """Send them all, and read exactly one good answer to each; how many were refusals."""
    peer.send(*messages)
    refused = sum(hostile.check_answer(peer.next_message()) for _ in messages)
    peer.send(wire.msgpack.packb({"v": 1, "type": "status", "rid": 77}))
    last = wire.msgpack.unpackb(peer.next_message())
    if last.get("rid") != 77 or not peer.silent():
        raise proof.Broken("more answers than messages: %r" % (last,))
    return refused


def battery(p, system, name, count):
    """Hostile messages to one service over connections that keep to ZMTP."""
    source = hostile.Messages(p.random)
    before, sent, refused = cpu_ms(system.pids[name]), 0, 0
    endpoints = itertools.cycle(system.endpoints(name))
    while sent < count:
        peer = hostile.Peer(next(endpoints))
        for _ in range(5):
            messages = [source.next() for _ in range(BURST)]
            try:
                refused += burst(peer, messages)
            except (OSError, proof.Broken) as e:
                system.look()
                raise proof.Broken("%s: %s" % (name, e)) from e
            sent += BURST
        peer.close()
        system.look()
    each = (cpu_ms(system.pids[name]) - before) / sent
    p.say("%s: %d messages, %d refused; %.3f ms of CPU each", name, sent, refused, each)
    p.check(each <= CPU_MAX_MS, "%s: a message costs %.1f ms of CPU", name, each)
    p.count("messages", sent)
    p.count("refusals", refused)


def costly(source, room):
    """The kinds of messages that take longest to refuse, each of about `room` bytes."""
    return {
        "depth": b"\x91" * room,
        "count": b"\xdd" + struct.pack(">I", room) + b"\xc0" * room,
        "nested maps": b"\x81\xa1a" * (room // 3),
        "arrays": source.packed(type="hello", x=[[]] * room),
        "text": source.packed(type="hello", x="\u20ac" * (room // 3)),
        "marks": source.packed(type="hello", client="a\u0300" * (room // 3)),
        "maps": source.packed(type="hello", x=[{"k%d" % i: 0 for i in range(60)}] * (room // 310)),
        "bytes": source.packed(type="publish", events=[b"\xc1" * room]),
        "no events": source.packed(type="publish", events=[b""] * 10001),
    }


def costs(p, system, name, messages, tries=5):
    """CPU of each costly message alone, the least of some tries, as others share the machine."""
    peer = hostile.Peer(system.endpoints(name)[0])
    for kind, raw in messages.items():
        least = float("inf")
        for _ in range(tries):
            before = cpu_ms(system.pids[name])
            burst(peer, [raw])
            least = min(least, cpu_ms(system.pids[name]) - before)
        p.check(least <= CPU_MAX_MS, "%s: %s, %d bytes, costs %.1f ms of CPU", name, kind, len(raw), least)
        p.counters["slowest_refusal_us"] = max(p.counters.get("slowest_refusal_us", 0), int(least * 1000))
    peer.close()


# ---- command lines and files ----

LINES = [
    ["pay", "--deal", "d", "--amount", "1bn USD", "--publisher", "p", "--stated", "2025-01-30"],
    ["show", "softbank-openai-2025", "-o", "json"], ["history", "stargate", "--as-of", "2025-01-30"],
    ["league", "--on", "2025-01-01", "--in", "USD"], ["flows", "--limit", "3"], ["explain", "300"],
    ["search", "soft"], ["get"], ["config", "show"], ["completion", "bash"], ["man"], ["help", "pay"],
    ["export", "--last", "5", "-o", "csv"], ["diff", "2025-01-01", "2025-02-01"], ["why", "stargate"],
    ["status", "-o", "json"], ["correct", "1", "--note", "x"], ["retract", "1"], ["reconcile", "1"],
    ["party", "openai", "--name", "OpenAI", "--names", "x;y"], ["rates"], ["deals"], ["anomalies"],
]
CONFIGS = ["dir = /nowhere\noutput = json\ntimeout = 1s\n", "[avow]\ncolor = never\n  more\n", "x\n"]
MAPS = ["[map]\nname = n\ntag = t\n[columns]\na = required max:9\nb = date\n[event x]\nkind = deal\n"
        "deal = {a|lower}\ntitle = {a}\nstated = {b|day}\nsource.publisher = p\nrow = note\n"]
CSVS = ["a,b\nx,2015-01-01\n\"y\"\"z\",2015-01-02\n", "a,b\n"]
JSONL = ['{"kind":"pay","deal":"d","amount":"1bn USD","stated":"2025-01-30","source":{"publisher":"p"},'
         '"grade":"press"}\n', '{"kind":"party","party":"p","name":"P","source":{"url":"u"},'
         '"stated":"2025-01"}\n']


def mangle(r, raw, words=(b"\0", b"\xff", b"\"", b"{", b"\n", b"%s%n", b"--", b"=", b"9" * 40, b"\xe2\x80\xae")):
    raw = bytearray(raw)
    for _ in range(r.choice((0, 1, 1, 2, 5))):
        at = r.randrange(len(raw) + 1)
        how = r.randrange(4)
        if how == 0 and at < len(raw):
            raw[at] = r.randrange(256)
        elif how == 1:
            raw[at:at] = r.choice(words)
        elif how == 2:
            del raw[at:at + r.randrange(1, 20)]
        else:
            raw[at:at] = raw[:r.randrange(1, 60)]
    return bytes(raw)


def command_line(r, folder, n):
    """One call: its words, and the config file that it gets."""
    path = os.path.join(folder, "in%d" % n)

    def written(name, choices):
        with open(path + name, "wb") as f:
            f.write(mangle(r, r.choice(choices).encode() * r.choice((1, 1, 3))))
        return path + name
    config = written(".config", CONFIGS) if r.random() < 0.3 else os.devnull
    kind = r.randrange(4)
    if kind == 0:
        return ["import", written(".csv", CSVS), "--map", written(".map", MAPS)], config
    if kind == 1:
        return ["publish", written(".jsonl", JSONL)], config
    words = [w.encode() for w in r.choice(LINES)]
    words[1:] = [mangle(r, w).replace(b"\0", b"") for w in words[1:]]
    if r.random() < 0.3:
        words.insert(r.randrange(1, len(words) + 1), mangle(r, b"--note").replace(b"\0", b""))
    return words, config


def call(arguments):
    """Run one; what is wrong with how it ended, or None."""
    words, config, env = arguments
    argv = [os.fsencode(proof.built("avow"))] + [w if isinstance(w, bytes) else os.fsencode(w) for w in words]
    try:
        done = subprocess.run(argv, env=dict(env, AVOW_CONFIG=config), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "%r does not end" % (words,)
    said = done.stderr.decode(errors="replace")
    if done.returncode not in EXIT_CODES or OWN_WORDS.search(said):
        return "%r ended with %d: %s" % (words, done.returncode, said[-300:])
    if done.returncode and not said.strip():
        return "%r ended with %d and no word" % (words, done.returncode)
    return None


def command_lines(p, directory, count):
    env = {k: v for k, v in os.environ.items() if not k.startswith("AVOW_")}
    env.update(AVOW_DIR=directory, LC_ALL="C.UTF-8", AVOW_TIMEOUT="5s")
    folder = os.path.join(directory, "cli")
    os.makedirs(folder)
    calls = [(*command_line(p.random, folder, n), env) for n in range(count)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for wrong in pool.map(call, calls):
            p.check(wrong is None, "avow %s", wrong)
    p.count("command_lines", count)


# ---- the whole ----

def attack(p, directory, raw, messages, calls):
    system = System(p, directory)
    canary = Canary(directory, p.random.randrange(1 << 32), system.services["ingest"].endpoint,
                    system.services["query"].endpoint)
    canary.start()
    storm(p, system, raw)
    for name in system.services:
        battery(p, system, name, messages // len(system.services))
    for name in system.services:
        # a build without optimisation takes its time: the short form has small ones
        largest = 64 << 10 if p.form == "short" else MESSAGE_MAX[name]
        costs(p, system, name, costly(hostile.Messages(p.random), largest - 200))
    slowest = canary.result()
    p.say("the honest client was served %d times, at the slowest in %.2f s", canary.progress.value, slowest)
    p.count("honest_pairs", canary.progress.value)
    command_lines(p, directory, calls)
    system.look()
    p.say("own memory at its peak: %s", ", ".join("%s %d MiB" % (n, k >> 10) for n, k in system.peak.items()))
    system.stop()


def control(p, directory, fragile):
    """The same against a query service with a planted mistake: it must be seen."""
    random_before = p.random
    p.random = random.Random(p.seed)
    hostile.PATIENCE_S, patience = 2.0, hostile.PATIENCE_S
    try:
        system = System(p, directory, fragile)
        try:
            battery(p, system, "query", 400)
            costs(p, system, "query", {"never": hostile.NEVER})
        except (proof.Broken, OSError) as e:
            p.say("planted %s: caught: %s", fragile, str(e)[:120])
            p.count("planted_caught")
            return
        finally:
            world.end_all()
        raise proof.Broken("the planted mistake `%s` was not caught" % fragile)
    finally:
        hostile.PATIENCE_S = patience
        p.random = random_before


def body(p):
    try:
        attack(p, os.path.join(p.dir, "a"), p.size(4000, 720000, 10000000), p.size(3000, 60000, 1000000),
               p.size(60, 2000, 50000))
        counted = dict(p.counters)
        for fragile in ("die", "hang", "mute", "slow"):
            control(p, os.path.join(p.dir, fragile), fragile)
        p.counters = {**counted, "planted_caught": p.counters["planted_caught"]}
    finally:
        world.end_all()


if __name__ == "__main__":
    proof.Proof("P15", "hostile peers, messages, command lines and files").run(body)
