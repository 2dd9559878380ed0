#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P13: the disk of ledger and query fills up and is freed again, again and again, with kills.

Publishes are refused with NO_SPACE while the file system has still room (the reserve), reading goes
on, writing resumes within a second of room, without a restart; nothing acknowledged is lost, nothing
refused is written, also where others fill the disk to the last byte in the middle of a log commit.
"""
import os
import subprocess
import time

import zmq

import disks
import history
import proof
import wire
import world

DISK_SIZE = 160 << 20
RESUME_S = 1.0
NO_ANSWER_S = 5.0
PATIENCE_S = 60.0 # for what is not a matter of space
BLIND_S = 2.0 # by then one who looks would have seen that the disk is full
ASKED_MAX = 100 # times, for all that one round has left open


class Round:
    """Services on a small disk, and the file that fills it."""

    def __init__(self, p, disk, mutant=None):
        self.patience_s = BLIND_S if mutant else PATIENCE_S
        self.p, self.disk, self.ballast = p, disk, os.path.join(disk, "ballast")
        preload = [proof.built("proof_mutant.so")] if mutant else ()
        self.services = {n: world.Service(n, disk + "/d", preload, {"AVOW_MUTANT": mutant or ""})
                         for n in ("ledger", "ingest", "query")}
        for service in self.services.values():
            service.log = os.path.join(p.dir, service.name + ".stderr") # not on the full disk
            p.check(service.start(), "%s does not start: %s", service.name, service.said())
        self.context = zmq.Context()
        self.ingest = wire.Asker(self.context, self.services["ingest"].endpoint)
        self.query = wire.Asker(self.context, self.services["query"].endpoint)
        self.publishes, self.refused = [], []
        self.open = []

    def free(self):
        s = os.statvfs(self.disk)
        return s.f_bavail * s.f_frsize

    def fill(self, leave):
        """Let others take the disk but for `leave` bytes."""
        size = os.path.getsize(self.ballast) if os.path.exists(self.ballast) else 0
        fd = os.open(self.ballast, os.O_RDWR | os.O_CREAT, 0o600)
        want = size + self.free() - leave
        while want > size:
            try:
                os.posix_fallocate(fd, size, want - size)
                break
            except OSError: # a file system needs a little for itself
                want -= 1 << 20
        os.close(fd)

    def release(self):
        os.unlink(self.ballast)

    def publish(self, count=1, again=None):
        """A publish; what it was told: `published`, a code, or `silence`."""
        publish = again or history.Publish([self.p.random.randbytes(16) for _ in range(count)])
        if again is None:
            self.publishes.append(publish)
        try:
            publish.hear(self.ingest.ask("publish", NO_ANSWER_S, events=[
                history.event_of(i) for i in publish.idents]))
            return "published"
        except wire.Refused as e:
            if e.code not in ("NO_SPACE", "UNKNOWN", "UNAVAILABLE"):
                raise proof.Broken("refused as %s" % e) from e
            if e.code == "NO_SPACE":
                self.refused.append(publish)
            self.open.append(publish)
            return e.code
        except wire.NoAnswer:
            self.open.append(publish)
            return "silence"

    def until(self, wanted, within_s, words):
        """Publish until it says `wanted`; how long that took."""
        began = time.monotonic()
        while True:
            said = self.publish(self.p.random.choice((1, 3, 20)))
            took = time.monotonic() - began
            if said == wanted:
                return took
            self.p.check(took < within_s, "%s: still %s after %.1f s", words, said, took)

    def read(self):
        """Reading goes on."""
        head = self.query.ask("hello")["head"]
        if head:
            self.query.ask("get", seq=self.p.random.randrange(head) + 1)

    def start(self, name, words):
        self.p.check(self.services[name].start(), "%s does not start %s: %s", name, words,
                     self.services[name].said())


def a_round(p, r, n):
    kind = ("reserve", "last byte", "killed")[n % 3]
    r.until("published", PATIENCE_S, "before round %d" % n)
    r.fill((20 << 20) if kind == "reserve" else 0)
    r.until("NO_SPACE", r.patience_s, "round %d, %s" % (n, kind))
    if kind == "reserve":
        p.check(r.free() > 1 << 20, "round %d: refused only when the disk was full", n)
    r.read()
    if kind == "killed":
        r.services["ledger"].kill()
        r.services["ledger"].launch()
        time.sleep(0.2)
        if not r.services["ledger"].ready():
            p.check("NO_SPACE" in r.services["ledger"].said() and
                    r.services["ledger"].process.returncode > 0,
                    "round %d: on a full disk: %s", n, r.services["ledger"].said())
            p.count("starts_refused_for_space")
            r.release()
            r.start("ledger", "with room")
        else:
            p.count("starts_on_a_full_disk")
            r.until("NO_SPACE", PATIENCE_S, "round %d, started on a full disk" % n)
            r.release()
        # ingest finds the ledger again; how soon is not a matter of space
        r.until("published", PATIENCE_S, "round %d, after a restart" % n)
    else:
        r.release()
        took = r.until("published", r.patience_s, "round %d, with room again" % n)
        p.check(took < RESUME_S or p.form == "short", "round %d: writing resumed after %.2f s", n, took)
        p.counters["slowest_resume_ms"] = max(p.counters.get("slowest_resume_ms", 0),
                                              int(took * 1000))
    asked = 0
    while r.open: # what was left open is resolved by asking again
        said, asked = r.publish(again=r.open.pop()), asked + 1
        p.check(said == "published" or asked < ASKED_MAX, "round %d: asked again: %s", n, said)
    for service in r.services.values():
        p.check(service.alive(), "round %d: %s has ended: %s", n, service.name, service.said())
    p.count("rounds_" + kind.replace(" ", "_"))


def body(p):
    p.at_end.append(world.end_all)
    disks.need("mkfs.ext4", "mount")
    image, disk = os.path.join(p.dir, "small.img"), os.path.join(p.dir, "small")
    disks.make(image, "ext4", DISK_SIZE, "-m", "0")
    disks.mount(image, disk)
    r = Round(p, disk)
    try:
        wait_for(r)
        for n in range(p.size(3, 100, 1000)):
            a_round(p, r, n)
        last = r.publishes[-1].receipt[-1][3]
        r.query.ask("get", 60, seq=last, min_seq=last)
        ledger = wire.Asker(r.context, r.services["ledger"].endpoint)
        entries, epoch = wire.read_all(ledger)
        history.check_publishes(entries, history.check_log(entries, epoch), r.publishes)
        replica, _ = wire.read_all(r.query)
        p.check(replica == entries[:len(replica)] and len(replica) >= last, "the replica differs")
        p.count("events", len(entries))
        p.count("refused_no_space", len(r.refused))
    finally:
        for service in r.services.values():
            service.kill()
        disks.unmount(disk)
    new_store(p, image, disk)
    blind(p, image, disk)


def wait_for(r):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if r.publish() == "published":
            return
        time.sleep(0.02)
    raise proof.Broken("ingest does not meet the ledger")


def blind(p, image, disk):
    """A ledger that does not see how much room there is, and so keeps no reserve, must be caught."""
    disks.make(image, "ext4", DISK_SIZE, "-m", "0")
    disks.mount(image, disk)
    r = Round(p, disk, "blind")
    try:
        wait_for(r)
        a_round(p, r, 0)
    except proof.Broken as e:
        p.say("negative control, no reserve is kept: caught (%.80s)", e)
        p.count("mutant_blind_caught")
        return
    finally:
        for service in r.services.values():
            service.kill()
        disks.unmount(disk)
    raise proof.Broken("negative control, no reserve is kept: not caught")


def new_store(p, image, disk):
    """A full disk at the very first start: a clear error, and a good store once there is room."""
    disks.make(image, "ext4", DISK_SIZE, "-m", "0")
    disks.mount(image, disk)
    ledger = world.Service("ledger", disk + "/d")
    ledger.log = os.path.join(p.dir, "new.stderr")
    ballast = os.path.join(disk, "ballast")
    subprocess.run(["sh", "-c", "dd if=/dev/zero of=%s bs=1M 2>/dev/null" % ballast], check=False)
    try:
        p.check(not ledger.start(), "a new store was made on a full disk")
        code = ledger.process.returncode
        p.check(code > 0 and "NO_SPACE" in ledger.said(), "a full disk: exit %d, %s", code,
                ledger.said())
        os.unlink(ballast)
        p.check(ledger.start(), "with room it does not start: %s", ledger.said())
    finally:
        ledger.kill()
        disks.unmount(disk)
    p.count("new_store_refused_with_exit_code", code)


if __name__ == "__main__":
    disks.own_namespace()
    proof.Proof("P13", "a disk that fills up and is freed", disk=True).run(body)
