# SPDX-License-Identifier: Apache-2.0
"""
The frame of a proof: how it is called, what it counts, how it ends.

A proof is a program: `p1_kill.py [--form short|gate|long] [--seed N] [--scale X]`. It prints what it
did and ends with one line of JSON. Exit code 0: held; 1: broken; 77: not run, for the reason given.
"""
import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time

HELD, BROKEN, NOT_RUN = 0, 1, 77
FORMS = ("short", "gate", "long")
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MEMORY_MIN = 2 << 30 # bytes; in a container /dev/shm may be a few MiB


def room_of(directory):
    """Bytes that are free there; 0 where it is not."""
    if not os.path.isdir(directory):
        return 0
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


class Broken(Exception):
    """The promise does not hold."""


class NotRun(Exception):
    """The proof cannot be run here."""


def built(name):
    """A program or library that the build made; AVOW is the path of the `avow` under test."""
    avow = os.environ.get("AVOW")
    if not avow:
        for preset in ("release", "dev"):
            avow = os.path.join(ROOT, "build", preset, "tools", "avow")
            if os.path.exists(avow):
                break
    path = avow if name == "avow" else os.path.join(
        os.path.dirname(os.path.dirname(avow)), "tests", "proofs", name)
    if not os.path.exists(path):
        raise NotRun("%s is not built: tools/build release" % path)
    return path


class Patience:
    """
    So long something may take, by a clock that is looked at while one waits, at least once in `step_s`. A
    machine that does nothing for minutes, as a guest that is not given its processors, is not a
    service that hangs: whatever passed between two looks counts as one step at most.
    """

    def __init__(self, seconds, step_s=1.0):
        self.left_s, self.step_s, self.at = seconds, step_s, time.monotonic()

    def step(self):
        """How long to wait before the next look; 0 when it is over."""
        now = time.monotonic()
        self.left_s -= min(now - self.at, self.step_s)
        self.at = now
        return min(max(self.left_s, 0.0), self.step_s / 2)


class Proof:
    """One run of a proof: its form, its random numbers, its counters and its directory."""

    def __init__(self, promise, words, disk=False):
        parser = argparse.ArgumentParser(description=words)
        parser.add_argument("--form", choices=FORMS, default="gate")
        parser.add_argument("--seed", type=int, default=int(time.time()))
        parser.add_argument("--scale", type=float, default=1.0,
                            help="do so many times the work of the form")
        parser.add_argument("--keep", action="store_true", help="keep the directory of the run")
        self.options = parser.parse_args()
        self.promise, self.words, self.disk = promise, words, disk
        self.form, self.seed = self.options.form, self.options.seed
        self.random = random.Random(self.seed)
        self.counters, self.counting = {}, threading.Lock() # some proofs go on in several lanes
        self.began = time.monotonic()
        self.dir = None
        self.at_end = [] # what is called before the directory goes

    def size(self, short, gate, long):
        """How much of something this form asks for."""
        number = {"short": short, "gate": gate, "long": long}[self.form]
        return max(1, int(number * self.options.scale))

    def count(self, name, number=1):
        with self.counting:
            self.counters[name] = self.counters.get(name, 0) + number

    def say(self, text, *args):
        args = args[0] if len(args) == 1 and isinstance(args[0], dict) else args
        print("[%6.1fs] %s" % (time.monotonic() - self.began, text % args if args else text),
              flush=True)

    def check(self, good, text, *args):
        if not good:
            raise Broken(text % args if args else text)

    def run(self, body):
        """Run body(self) and leave with the exit code of its verdict."""
        self.say("%s: %s, %s form, seed %d", self.promise, self.words, self.form, self.seed)
        # memory is quicker, and enough where the disk is no part of what is proved
        base = "/dev/shm" if not self.disk and room_of("/dev/shm") >= MEMORY_MIN else "/var/tmp"
        self.dir = tempfile.mkdtemp(prefix="avow-proof-", dir=base)
        code, why = BROKEN, ""
        try:
            body(self)
            code = HELD
        except Broken as e:
            why = str(e)
        except NotRun as e:
            code, why = NOT_RUN, str(e)
        finally:
            for end in self.at_end:
                end()
            if self.options.keep:
                self.say("kept: %s", self.dir)
            else:
                shutil.rmtree(self.dir, ignore_errors=True)
        verdict = {HELD: "held", BROKEN: "BROKEN", NOT_RUN: "NOT RUN"}[code]
        self.say("%s %s%s", self.promise, verdict, ": " + why if why else "")
        print(json.dumps({"promise": self.promise, "what": self.words, "form": self.form,
                          "seed": self.seed, "verdict": verdict, "why": why,
                          "seconds": round(time.monotonic() - self.began, 1),
                          "counters": self.counters}), flush=True)
        sys.exit(code)
