#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P14: the n-th call of each kind fails in the ledger, for every n, once and for ever, also while it
starts on a store that is there.

It may refuse (then nothing is written), say UNKNOWN, or not answer and leave; never with a signal.
After a failed write or sync it must leave. What it acknowledged is there when it is started again,
once, and what was left open can be published.
"""
import concurrent.futures
import errno
import itertools
import os
import queue
import shutil
import time

import zmq

import history
import proof
import wire
import world

WRITES = ("pwrite", "writev", "write", "fdatasync", "fsync")
# call: the errors that it is given; 0 cuts a write short
CALLS = {
    "pwrite": (errno.EIO, errno.ENOSPC, 0), "writev": (errno.EIO, errno.ENOSPC, 0),
    "write": (errno.EIO,), "fdatasync": (errno.EIO,), "fsync": (errno.EIO,),
    "ftruncate": (errno.EIO, errno.ENOSPC), "mmap": (errno.ENOMEM,), "open": (errno.EMFILE,),
    "openat": (errno.EMFILE, errno.EIO), "fstatvfs": (errno.EIO,), "posix_fallocate": (errno.ENOSPC,),
    "malloc": (errno.ENOMEM,), "calloc": (errno.ENOMEM,), "realloc": (errno.ENOMEM,),
}
REFUSED = ("NO_SPACE", "NO_MEMORY", "IO", "TOO_LARGE", "DAMAGED", "UNKNOWN", "BUSY")
CALLS_MAX = 5000
PUBLISHES = (1, 3, 1, 40, 1, 2)
LEAVE_S, GOES_ON_S = 60.0, 1.0 # for who must leave; for who is known to go on
LANES = 2
# in the short form: the first call that fails, at most, and from one to the next
FIRST_MAX, STEP = 8, 37


class Faults:
    """One store, again and again: as it was, with a fault, and without."""

    def __init__(self, p, directory):
        self.p, self.made = p, os.path.join(directory, "made")
        self.dir, self.file = os.path.join(directory, "d"), os.path.join(directory, "fired")
        self.context = zmq.Context()
        ledger = world.Service("ledger", self.made)
        p.check(ledger.start(), "the ledger does not start: %s", ledger.said())
        asker = wire.Asker(self.context, ledger.endpoint)
        self.before = []
        for count in (1, 5, 60, 200):
            idents = [p.random.randbytes(16) for _ in range(count)]
            answer = asker.ask("publish", events=[history.event_of(i) for i in idents])
            publish = history.Publish(idents)
            publish.hear(answer)
            self.before.append(publish)
        asker.close()
        ledger.stop()
        self.fired = 0

    def one(self, call, number, error, forever, fresh, retried=False):
        """Let call `number` fail; False where there are not so many."""
        p = self.p
        shutil.rmtree(self.dir, ignore_errors=True)
        if not fresh:
            shutil.copytree(self.made, self.dir, ignore=shutil.ignore_patterns("*.sock"))
        if os.path.exists(self.file):
            os.unlink(self.file)
        env = {"FAULT_CALL": call, "FAULT_N": str(number), "FAULT_ERRNO": str(error),
               "FAULT_FILE": self.file}
        if forever:
            env["FAULT_FOREVER"] = "1"
        if retried:
            env["FAULT_RETRIED"] = "1"
        ledger = world.Service("ledger", self.dir, [proof.built("proof_faulty.so")], env)
        where = "%s %d, error %d, %s, %s store" % (call, number, error,
                                                   "for ever" if forever else "once",
                                                   "a new" if fresh else "an old")
        publishes, refused = [] if fresh else list(self.before), []
        started = ledger.start()
        fired_at_start = os.path.exists(self.file)
        if started:
            self.use(ledger, publishes, refused, where)
        must_leave = (started and not fired_at_start and os.path.exists(self.file) and
                      call in ("pwrite", "writev", "fdatasync") and error == errno.EIO)
        self.leave(ledger, where, must_leave, started, GOES_ON_S if retried else LEAVE_S)
        if not os.path.exists(self.file):
            return False
        self.again(publishes, refused, where)
        p.count("faults_" + call)
        p.count("faults")
        return True

    def use(self, ledger, publishes, refused, where):
        asker = wire.Asker(self.context, ledger.endpoint)
        for count in PUBLISHES:
            publish = history.Publish([self.p.random.randbytes(16) for _ in range(count)])
            publishes.append(publish)
            asker.rid += 1
            try:
                publish.hear(self.patient(asker, ledger, publish))
            except wire.Refused as e:
                self.p.check(e.code in REFUSED, "%s: refused as %s", where, e)
                self.p.count("said_" + e.code.lower())
                if e.code != "UNKNOWN":
                    refused.append(publish)
            except wire.NoAnswer:
                self.p.check(not ledger.alive(), "%s: no answer, and it goes on", where)
                self.p.count("said_nothing_and_left")
                break
            try:
                asker.ask("read", 0.2, after=0, limit=3)
            except (wire.NoAnswer, wire.Refused):
                pass
            if not ledger.alive():
                break
        asker.close()

    def patient(self, asker, ledger, publish):
        """Its answer, or NoAnswer once the ledger is gone, or after long enough."""
        rid = asker.send("publish", ttl_ms=60000, events=[history.event_of(i) for i in publish.idents])
        end = time.monotonic() + world.PATIENCE_S
        gone = False
        while time.monotonic() < end:
            try:
                answer = asker.next(0.05)
            except wire.NoAnswer:
                if gone:
                    raise
                gone = not ledger.alive()
                continue
            if answer.get("rid") != rid:
                continue
            if answer["type"] == "error":
                raise wire.Refused(answer)
            return answer
        raise wire.NoAnswer()

    def leave(self, ledger, where, must_leave, started, within_s):
        if must_leave and not ledger.wait(within_s):
            ledger.kill()
            raise proof.Broken("%s: it goes on after a failed write or sync" % where)
        code = ledger.stop() if ledger.alive() else ledger.process.returncode
        self.p.check(code >= 0, "%s: it ended by signal %d: %s", where, -code, ledger.said())
        self.p.check(started or code > 0, "%s: it did not start and said nothing wrong", where)
        self.p.check(code == 0 or "avow" in ledger.said(), "%s: left without a word", where)
        if code:
            self.p.count("left_with_%d" % code)

    def again(self, publishes, refused, where):
        """Start without faults; nothing acknowledged is lost, nothing refused is there."""
        p = self.p
        ledger = world.Service("ledger", self.dir)
        p.check(ledger.start(), "%s: it does not start again: %s", where, ledger.said())
        asker = wire.Asker(self.context, ledger.endpoint)
        try:
            entries, epoch = wire.read_all(asker)
            seen = history.check_log(entries, epoch)
            history.check_publishes(entries, seen, publishes)
            for publish in refused:
                p.check(not any(i in seen for i in publish.idents), "refused, and written")
            for publish in publishes:
                if publish.receipt is None:
                    events = [history.event_of(i) for i in publish.idents]
                    publish.hear(asker.ask("publish", events=events))
            entries, epoch = wire.read_all(asker)
            history.check_publishes(entries, history.check_log(entries, epoch), publishes)
        except proof.Broken as e:
            raise proof.Broken("%s: %s" % (where, e)) from e
        finally:
            asker.close()
            ledger.kill()


def kinds(p):
    """(call, error, for ever, a new store): all there are; in the short form of each error one."""
    how = list(itertools.product((False, True), (False, True)))
    for call, errors in CALLS.items():
        for error in errors:
            for forever, fresh in [p.random.choice(how)] if p.form == "short" else how:
                yield call, error, forever, fresh


def lane(p, faults, todo):
    """Take one kind after the other, and let call after call fail; two lanes, as each mostly waits."""
    first, step = (FIRST_MAX, STEP) if p.form == "short" else (1, 1)
    try:
        for call, error, forever, fresh in iter(todo.get_nowait, None):
            number = 1 + p.random.randrange(first)
            while number < CALLS_MAX and faults.one(call, number, error, forever, fresh):
                number += step
            p.check(number < CALLS_MAX, "%s is called too often", call)
            p.say("%s, error %d, %s, %s store", call, error, "for ever" if forever else "once",
                  "a new" if fresh else "an old")
    except queue.Empty:
        return
    except proof.Broken: # then the other lane need not go on
        while not todo.empty():
            todo.get_nowait()
        raise


def body(p):
    p.at_end.append(world.end_all)
    todo, faults = queue.SimpleQueue(), [Faults(p, "%s/%d" % (p.dir, i)) for i in range(LANES)]
    for kind in kinds(p):
        todo.put(kind)
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        for done in [pool.submit(lane, p, own, todo) for own in faults]:
            done.result()
    p.check(p.counters.get("faults", 0) > 5, "no fault happened")
    caught = False
    try: # plant: a failed sync is tried again, and "succeeds"
        for number in range(1, 8):
            faults[0].one("fdatasync", number, errno.EIO, False, False, retried=True)
    except proof.Broken as e:
        caught = True
        p.say("negative control, a sync tried again: caught (%.80s)", e)
        p.count("mutant_retry_caught")
    p.check(caught, "negative control, a sync tried again: not caught")


if __name__ == "__main__":
    proof.Proof("P14", "the n-th system call or allocation of the ledger fails").run(body)
