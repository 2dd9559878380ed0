#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P2, P3, P4, P6 over a network that loses packets, is cut off, and goes down; and with connections between
the services that are slow, stand still, or break in the middle of a message.

People reach ingest and query over TCP on the loopback of a network namespace of our own, where nft drops
packets at random, or all of them for a while, or the link is set down. The ledger listens on a unix
socket only, so what lies between it and the others is a proxy here that delays, holds, and cuts.
"""
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import zmq

import bulk
import history
import load
import proof
import wire
import world

PORTS = {"ingest": 7401, "query": 7402} # the namespace is ours alone
CHUNK = 65536
PARTITION_MAX_S = 3.0
GIVEN_UP_S = 10.0 # heartbeats are missed for 6 s, and TCP may take a while to try again
SPACE = ["unshare", "--net"]
RULES = "add table inet f; add chain inet f in { type filter hook input priority 0; }"


def own_namespace():
    """Run this program again in a network of its own; where the system refuses, `need` says so."""
    if os.geteuid() != 0 or os.environ.get("PROOF_NETWORK") or not shutil.which("unshare"):
        return
    if subprocess.run([*SPACE, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.environ["PROOF_NETWORK"] = "1"
        os.execvp(SPACE[0], [*SPACE, sys.executable, *sys.argv])


def tool(*argv):
    path = os.environ["PATH"] + ":/sbin:/usr/sbin"
    if not shutil.which(argv[0], path=path):
        raise proof.NotRun("`%s` is not installed" % argv[0])
    done = subprocess.run(argv, capture_output=True, text=True, check=False,
                          env=dict(os.environ, PATH=path))
    if done.returncode:
        raise proof.NotRun("`%s` failed: %s" % (" ".join(argv), done.stderr.strip()))
    return done.stdout


def need():
    if os.environ.get("PROOF_NETWORK") is None:
        raise proof.NotRun("the system gives no network namespace, by `unshare --net`")
    tool("ip", "link", "set", "lo", "up")
    tool("nft", RULES)


class Network:
    """What happens to packets of people; one thing at a time."""

    def __init__(self, p):
        self.p = p

    def lose(self, percent):
        tool("nft", "add rule inet f in meta l4proto tcp numgen random mod 100 < %d counter drop"
             % percent)
        self.p.count("spells_of_loss")

    def cut_off(self, name):
        tool("nft", "add rule inet f in tcp dport %d counter drop; add rule inet f in tcp sport %d "
             "counter drop" % (PORTS[name], PORTS[name]))
        self.p.count("partitions_of_" + name)

    def down(self):
        tool("ip", "link", "set", "lo", "down")
        self.p.count("links_down")

    def heal(self):
        text = tool("nft", "list chain inet f in")
        dropped = sum(int(word) for before, word in zip(text.split(), text.split()[1:])
                      if before == "packets")
        self.p.count("packets_dropped", dropped)
        tool("nft", "flush chain inet f in")
        tool("ip", "link", "set", "lo", "up")


class Proxy(threading.Thread):
    """Between a service and the ledger: bytes go through, late, later, or not at all."""

    def __init__(self, path, to):
        super().__init__(daemon=True)
        self.path, self.to, self.delay_s, self.pairs = path, to, 0.0, []
        self.open = threading.Event()
        self.open.set()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(16)

    def run(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                far.connect(self.to)
            except OSError: # the ledger is not there
                near.close()
                continue
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, a, b):
        try:
            while data := a.recv(CHUNK):
                self.open.wait()
                time.sleep(self.delay_s)
                b.sendall(data)
        except OSError: # cut
            pass
        self.end(a, b)

    @staticmethod
    def end(*sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError: # it is closed already
                pass

    def cut(self):
        """In the middle of whatever is on its way."""
        pairs, self.pairs = self.pairs, []
        for near, far in pairs:
            self.end(near, far)


class Scene:
    """Services, proxies between them, and people, all in this namespace."""

    def __init__(self, p, directory, total, preload=None):
        self.p, self.network, self.proxies, self.trouble = p, Network(p), {}, []
        ledger = world.Service("ledger", directory)
        p.check(ledger.start(), "the ledger does not start: %s", ledger.said())
        self.services, self.endpoints = {"ledger": ledger}, {}
        for name, port in PORTS.items():
            path = os.path.join(directory, "run", name + ".proxy")
            self.proxies[name] = Proxy(path, ledger.endpoint[len("ipc://"):])
            self.proxies[name].start()
            self.endpoints[name] = "tcp://127.0.0.1:%d" % port
            self.services[name] = world.Service(
                name, directory, (preload or {}).get(name, ()), {"AVOW_MUTANT": "mute"},
                ("--listen", self.endpoints[name], "--ledger", "ipc://" + path))
            p.check(self.services[name].start(), "%s does not start: %s", name,
                    self.services[name].said())
        seed = p.random.randrange(1 << 32)
        self.publishers = [bulk.Bulk(p.dir, "publisher%d" % i, seed + i, self.endpoints["ingest"], i,
                                     total // 2, batches=(1, 1, 1, 5, 50), sends=(1, 1, 2),
                                     drop=0.02, ttl_ms=1000, patience_s=2.0) for i in range(2)]
        self.watchers = load.Watchers(p.dir, "watchers", seed + 9, self.endpoints["query"], 14)
        for role in (*self.publishers, self.watchers):
            role.start()

    def spell(self, kind=None):
        """Something is wrong for a while; of this kind, or of any."""
        p, random = self.p, self.p.random
        kind = kind or random.choice(("loss", "loss", "partition", "down", "delay", "hold", "cut", "cut"))
        proxy = self.proxies[random.choice(list(self.proxies))]
        if kind == "loss":
            self.network.lose(random.choice((1, 5, 20)))
        elif kind == "partition":
            self.network.cut_off(random.choice(list(PORTS)))
        elif kind == "down":
            self.network.down()
        elif kind == "delay":
            proxy.delay_s = random.random() * 0.05
        elif kind == "hold":
            proxy.open.clear()
        else:
            proxy.cut()
        p.count("spells_" + kind)
        began = time.monotonic()
        time.sleep(random.random() * (PARTITION_MAX_S if kind != "cut" else 0.2))
        self.network.heal()
        if kind in ("loss", "partition", "down"):
            self.trouble.append((began, time.monotonic()))
        for proxy in self.proxies.values():
            proxy.delay_s = 0.0
            proxy.open.set()

    def finish(self, prefix=""):
        p, notes = self.p, []
        for publisher in self.publishers:
            note, silent, counts = publisher.result()
            notes.append(note)
            for name, number in counts.items():
                p.count(prefix + name, number)
            self.check_silence(silent, publisher)
        asker = wire.Asker(zmq.Context(), self.services["ledger"].endpoint)
        entries = list(bulk.entries_of(asker))
        bulk.Check(notes, [r.salt for r in self.publishers]).all(entries)
        self.watchers.tell_head(len(entries))
        watched, _ = self.watchers.result()
        for start, wanted, got, position in watched:
            history.check_watcher(entries, start, wanted, got, position)
        p.count(prefix + "events", len(entries))
        p.count(prefix + "deliveries", sum(len(got) for _, _, got, _ in watched))

    def check_silence(self, silent, publisher):
        """
        A connection that nothing came through for long is given up, a while after the trouble at the
        latest, and with it what was on its way; and what was sent again instead.
        """
        for sent in silent:
            self.p.check(any(began - publisher.patience_s <= sent <= ended + GIVEN_UP_S
                             for began, ended in self.trouble),
                         "a request of %.2f s has no answer, and nothing had happened then",
                         sent - self.p.began)
        times = 1 + (PARTITION_MAX_S + GIVEN_UP_S) / publisher.patience_s
        on_their_way = publisher.connections * publisher.window * len(self.trouble)
        self.p.check(len(silent) <= times * on_their_way, "%d requests without an answer", len(silent))
        self.p.count("unanswered_as_their_connection_was_given_up", len(silent))

    def end(self):
        for role in (*self.publishers, self.watchers):
            if role.is_alive():
                role.kill()
        for service in self.services.values():
            service.kill()


def body(p):
    p.at_end.append(world.end_all)
    need()
    scene = Scene(p, p.dir + "/d", p.size(3000, 60000, 600000))
    scene.spell("loss") # the one that is asked for below: people may be done after a few spells
    while any(r.is_alive() for r in scene.publishers):
        scene.spell()
        time.sleep(p.random.random())
    scene.finish()
    scene.end()
    p.check(p.counters.get("packets_dropped", 0) > 0 or p.form == "short", "no packet was dropped: void")
    control(p)


def control(p):
    """Who loses answers himself, and does not blame the network, must be caught."""
    scene = Scene(p, p.dir + "/mute", 2500, {"ingest": [proof.built("proof_mutant.so")]})
    try:
        scene.finish("mutant_")
    except proof.Broken as e:
        p.say("negative control, ingest does not answer now and then: caught (%.80s)", e)
        p.count("mutant_mute_caught")
        return
    finally:
        scene.end()
    raise proof.Broken("negative control, ingest does not answer now and then: not caught")


if __name__ == "__main__":
    own_namespace()
    proof.Proof("P3", "a network with loss and partitions, and connections that break").run(body)
