#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P1 under power cuts: an xfs with reflink holds a disk image, mounted as ext4 with the store on it.

A reflink copy of the image is what that disk held at that instant: it is mounted (the journal is
replayed), the ledger started on it, and compared with what had been acknowledged before the copy.
"""
import os
import threading
import time

import zmq

import disks
import history
import proof
import wire
import world

IMAGE_SIZE, POOL_SIZE = 192 << 20, 3 << 30
# without a pause after the receipt the next log commit syncs what this one should have
PAUSE_S = 0.005
CUTS_OF_A_DISK = 100
MUTANTS = ("nosync", "nometasync")


class Writer(threading.Thread):
    """Publishes one batch after the other, and notes each receipt the moment it is there."""

    def __init__(self, endpoint, rng):
        super().__init__(daemon=True)
        self.endpoint, self.random = endpoint, rng
        self.acked = [] # (first, leaves, recorded, ids)
        self.stopping, self.failed = False, None

    def run(self):
        try:
            context = zmq.Context()
            asker = wire.Asker(context, self.endpoint)
            while not self.stopping:
                idents = [self.random.randbytes(16) for _ in range(self.random.choice((1, 1, 3, 20)))]
                answer = asker.ask("publish", 120, ttl_ms=wire.TTL_MAX_MS,
                                   events=[history.event_of(i) for i in idents])
                receipt = answer["receipts"][0]
                self.acked.append((receipt["first"], receipt["leaves"], receipt["recorded"], idents))
                time.sleep(PAUSE_S)
            asker.close()
            context.term()
        except Exception as e: # told to the proof, which ends with it
            self.failed = e


class Cuts:
    """One store on its own disk, written to while copies of the disk are taken."""

    def __init__(self, p, name, mutant=None):
        self.p, self.name = p, name
        self.known, self.seen, self.compared = [], None, 0 # of earlier cuts
        pool = os.path.join(p.dir, "pool")
        self.image, self.copy = (os.path.join(pool, name + end) for end in (".img", ".copy"))
        self.disk, self.after = (os.path.join(p.dir, name + end) for end in (".disk", ".after"))
        disks.make(self.image, "ext4", IMAGE_SIZE)
        disks.mount(self.image, self.disk)
        # sockets and logs are on no disk that is cut
        self.socket = "ipc://%s/%s.sock" % (os.path.join(p.dir, "run"), name)
        preload = [proof.built("proof_mutant.so")] if mutant else ()
        self.ledger = self.service(self.disk, self.socket, preload, {"AVOW_MUTANT": mutant or ""})
        p.check(self.ledger.start(), "the ledger does not start: %s", self.ledger.said())
        self.writer = Writer(self.socket, p.random)
        self.writer.start()

    def service(self, disk, socket, preload=(), env=None):
        service = world.Service("ledger", disk, preload, env, (
            "--listen", socket, "--endpoints", socket[6:] + ".endpoints"))
        service.log = socket[6:] + ".stderr"
        os.makedirs(os.path.dirname(socket[6:]), mode=0o700, exist_ok=True)
        return service

    def cut(self):
        """Copy the disk as it is, and check the copy. Returns what is wrong with it, or None."""
        time.sleep(self.p.random.random() * 0.02)
        if self.writer.failed:
            raise proof.Broken("the writer failed: %r" % self.writer.failed)
        acked = len(self.writer.acked)
        disks.copy(self.image, self.copy)
        disks.mount_quickly(self.copy, "ext4", self.after)
        try:
            return self.check(acked)
        finally:
            disks.unmount(self.after)

    def check(self, acked):
        socket = self.socket + ".after"
        ledger = self.service(self.after, socket)
        context = zmq.Context()
        asker = None
        try:
            if not ledger.start():
                return "it does not start: " + ledger.said()
            asker = wire.Asker(context, socket)
            try:
                entries, epoch = wire.read_all(asker)
                self.p.count("events_compared", len(entries))
                return self.compare(entries, epoch, acked)
            except (proof.Broken, wire.Refused) as e:
                return str(e)
        finally:
            if asker:
                asker.close()
            context.term()
            ledger.kill()

    def compare(self, entries, epoch, acked):
        """
        What earlier cuts held must still be there, so that only what is new is looked at one by one.
        """
        if entries[:len(self.known)] != self.known:
            return "what the disk held at an earlier cut is gone, or another"
        self.seen = history.check_log(entries, epoch, len(self.known), self.seen)
        for first, leaves, recorded, idents in self.writer.acked[self.compared:acked]:
            for i, ident in enumerate(idents):
                if first + i > len(entries):
                    return "event %d was acknowledged and is lost" % (first + i)
                entry = entries[first + i - 1]
                if (entry["event"] != history.event_of(ident) or
                        wire.leaf(epoch, first + i, recorded + i, entry["event"]) != leaves[i]):
                    return "event %d is not what was acknowledged" % (first + i)
        self.known, self.compared = entries, acked
        return None

    def end(self):
        self.writer.stopping = True
        self.writer.join(30)
        self.ledger.kill()
        disks.unmount(self.disk)
        os.unlink(self.image)


def body(p):
    p.at_end.append(world.end_all)
    disks.need("mkfs.xfs", "mkfs.ext4", "mount")
    pool = os.path.join(p.dir, "pool.img")
    disks.make(pool, "xfs", POOL_SIZE, "-m", "reflink=1")
    disks.mount(pool, os.path.join(p.dir, "pool"))
    wanted, n, said = p.size(8, 500, 10000), 0, time.monotonic()
    while n < wanted: # a new disk now and then, so that reading a copy stays quick
        cuts = Cuts(p, "disk%d" % n)
        for _ in range(min(CUTS_OF_A_DISK, wanted - n)):
            wrong = cuts.cut()
            n += 1
            p.count("cuts")
            p.check(wrong is None, "after cut %d: %s", n, wrong)
            if time.monotonic() - said > 20:
                said = time.monotonic()
                p.say("%d cuts, %d receipts", n, len(cuts.writer.acked))
        p.count("receipts", len(cuts.writer.acked))
        cuts.end()
    for mutant in MUTANTS:
        cuts = Cuts(p, mutant, mutant)
        for n in range(200):
            wrong = cuts.cut()
            if wrong:
                break
        cuts.end()
        p.check(wrong, "the mutant %s was not caught in 200 cuts", mutant)
        p.say("negative control %s: caught by cut %d (%.80s)", mutant, n + 1, wrong)
        p.count("mutant_%s_caught_by_cut" % mutant, n + 1)
    disks.unmount(os.path.join(p.dir, "pool"))


if __name__ == "__main__":
    disks.own_namespace()
    proof.Proof("P1", "power cuts by reflink copies of the disk").run(body)
