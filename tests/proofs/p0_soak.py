#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Hours of use with a fault every few seconds: services are stopped for a while, their clocks jump, peers say
what is no message or ask and do not read; in the first third they are also killed. After that they live on,
and neither their memory nor their descriptors may grow. In the end all that anybody was told is compared
with the log.
"""
import os
import signal
import time

import msgpack

import hostile
import memory
import proof
import siege
import world
import zmtp

MIB = memory.MIB
# publishers rest so long between what they do, so that hours of it can be checked in one process
PAUSE_S = 0.5
READER_PAUSE_S = 0.05
# a third of a run is looked at in so many parts
PARTS = 4
# the store grows, and with it what is known about it
GROWS_BY, GROWS_MIB, GROWS_DESCRIPTORS = 1.1, 4, 16
YEARS = (-10, -1, 0, 1, 10)
JUNK, SILENT = 20, 4 # connections at a time that say no message, and that do not read
ASK = zmtp.frame(msgpack.packb({"v": 1, "type": "read", "rid": 1, "after": 0, "limit": 10000}))


class Soak(siege.Siege):
    """The services under faults, and how large they were meanwhile."""

    def __init__(self, p, directory, of_ledger="none"):
        clocks = {name: os.path.join(p.dir, name + ".clock") for name in siege.SERVICES}
        self.clocks = {name: world.Clock(path) for name, path in clocks.items()}
        libraries = [proof.built(n) for n in ("proof_clocks.so", "proof_mutant.so")]
        super().__init__(p, directory, PAUSE_S, {
            name: (libraries, {"CLOCK_FILE": path,
                               "AVOW_MUTANT": of_ledger if name == "ledger" else "none"})
            for name, path in clocks.items()}, READER_PAUSE_S)
        self.watch = memory.Watch(self.services, 0.1)
        self.watch.start()

    def fault(self, lasts_s, kills):
        name = self.p.random.choice(siege.SERVICES)
        kinds = (self.stop, self.jump, self.peers) + (self.killed,) * kills
        self.p.random.choice(kinds)(name, lasts_s)
        self.goes_on()
        for service in self.services.values():
            self.p.check(service.alive(), "%s has ended by itself: %s", service.name, service.said())
        self.p.count("faults")

    def stop(self, name, lasts_s):
        process = self.services[name].process
        process.send_signal(signal.SIGSTOP)
        time.sleep(self.p.random.random() * lasts_s)
        process.send_signal(signal.SIGCONT)
        self.p.count("stops")

    def jump(self, name, _):
        self.clocks[name].set(self.p.random.choice(YEARS) * world.YEAR_S)
        self.p.count("clock_jumps")

    def peers(self, name, _):
        path = self.services[name].endpoint
        for _ in range(JUNK):
            s = hostile.dial(path)
            try:
                s.sendall(hostile.raw_attacks(self.p.random))
            except OSError:
                pass # thrown out before all of it was said
            hostile.drop(s, True)
        silent = [zmtp.meet(path[len("ipc://"):]) for _ in range(SILENT)]
        for s in silent:
            s.sendall(ASK * 3)
        for s in silent:
            s.close()
        self.p.count("peers", JUNK + SILENT)

    def killed(self, name, lasts_s):
        self.kill_one(self.services[name], lasts_s)
        self.p.count("kills")

    def third(self, seconds, each_s, kills):
        """A third of the run, in parts; of each part how large each service was."""
        sizes = []
        for _ in range(PARTS):
            self.watch.take()
            least = {}
            end = time.monotonic() + seconds / PARTS
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, each_s / 2))
                self.fault(min(left, each_s / 2), kills)
                for name, service in self.services.items():
                    least[name] = min(least.get(name, 1 << 20), memory.descriptors(service.process.pid))
            sizes.append((self.watch.take(), least))
            self.p.say("%s; %s MiB, %s descriptors", self.told(),
                       {n: b // MIB for n, b in sizes[-1][0].items()}, least)
        return sizes

    def run(self, seconds, each_s):
        self.third(seconds / 3, each_s, True)
        before = self.third(seconds / 3, each_s, False)
        after = self.third(seconds / 3, each_s, False)
        self.watch.stopping = True
        check_flat(before, after)
        for name in siege.SERVICES:
            self.p.counters["peak_mib_" + name] = max(p[name] for p, _ in before + after) // MIB


def check_flat(before, after):
    """Nobody is larger in the last third of the run than in the one before."""
    for name in siege.SERVICES:
        was, is_now = (max(peak[name] for peak, _ in third) for third in (before, after))
        if is_now > was * GROWS_BY + GROWS_MIB * MIB:
            raise proof.Broken("%s grows: %d KiB, then %d KiB" % (name, was >> 10, is_now >> 10))
        was, is_now = (min(least[name] for _, least in third) for third in (before, after))
        if is_now > was + GROWS_DESCRIPTORS:
            raise proof.Broken("%s grows: %d descriptors, then %d" % (name, was, is_now))


def body(p):
    p.at_end.append(world.end_all)
    run = Soak(p, p.dir + "/a")
    run.run(p.size(6, 60, 4 * 3600), p.size(1, 2, 5))
    run.finish()
    control(p)


def control(p):
    """A ledger that loses some memory with each sync grows from one second to a later one."""
    run, patience = Soak(p, p.dir + "/leaking", "leak"), proof.Patience(world.PATIENCE_S)
    before = run.third(1, 1, False)
    try:
        while patience.step():
            check_flat(before, run.third(1, 1, False))
    except proof.Broken as e:
        p.check("ledger grows" in str(e), "negative control: %s", e)
        p.say("negative control, each sync loses memory: caught (%s)", e)
        p.count("mutant_leak_caught")
        return
    finally:
        for role in run.roles:
            role.kill()
    raise proof.Broken("negative control, each sync loses memory: not caught")


if __name__ == "__main__":
    proof.Proof("SOAK", "hours of use with a fault every few seconds, memory flat", disk=True).run(body)
