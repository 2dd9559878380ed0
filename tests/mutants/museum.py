#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
museum.py [MUTANT…] [--jobs N] [--list] [--keep]

Plant each mistake of the museum into a copy of the source, build that, and run the test which is to
notice it. A mutant that survives its killer fails the run; so does a killer that fails on the healthy
source, or on a change that changes nothing, for such a test would kill anything.

Exit code 0: every mutant was killed; 1: one survived, or the museum is out of order.
"""
import argparse
import concurrent.futures
import os
import queue
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(ROOT, "build", "mutants")
KILLER_SECONDS = 900  # a killer that has no answer by then has not passed either
HUNK = re.compile(r"<<<<<<<\n(.*?)=======\n(.*?)>>>>>>>\n", re.DOTALL)
# What has to be built for a killer, by the kind of test; the name stands for its last part.
PARTS = {
    "unit": ["{}"],
    "system": ["avow", "fold_ask", "fold_ask_shallow"],
    "cli": ["avow"],
    "sim": ["sim"],
    "proof": ["avow", "proofs"],
}
# A change that changes nothing: every killer must leave it alive.
HARMLESS = """SPDX-License-Identifier: Apache-2.0
Mistake: none; a comment says something else
Promise: all
Killer: {}
File: store/log.c

<<<<<<<
#include "store/log.h"
=======
#include "store/log.h" /* the log */
>>>>>>>
"""


class Mutant:
    """One planted mistake: which file, what stands there, what shall stand there, who notices."""

    def __init__(self, name, text):
        head, _, body = text.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        self.name = name
        self.mistake = fields["Mistake"]
        self.promise = fields["Promise"]
        self.killer = fields["Killer"]
        self.file = fields["File"]
        self.hunks = HUNK.findall(body)
        if not self.hunks or HUNK.sub("", body).strip():
            raise ValueError("%s: not a list of <<<<<<< ======= >>>>>>> and nothing else" % name)

    def planted(self, source):
        """The source with the mistake in it."""
        for old, new in self.hunks:
            if source.count(old) != 1:
                raise ValueError("%s: what it replaces stands %d times in %s, not once" % (
                    self.name, source.count(old), self.file))
            source = source.replace(old, new)
        return source


def load(names):
    """The mutants of these names, or all, by name."""
    known = sorted(f[:-len(".mutant")] for f in os.listdir(HERE) if f.endswith(".mutant"))
    for name in names:
        if name not in known:
            sys.exit("museum: no mutant '%s'; --list shows all" % name)
    mutants = []
    for name in names or known:
        with open(os.path.join(HERE, name + ".mutant"), encoding="utf-8") as f:
            mutants.append(Mutant(name, f.read()))
    return mutants


def misplaced(mutants, root):
    """Why some of them cannot be planted in the source as it is."""
    for mutant in mutants:
        try:
            with open(os.path.join(root, mutant.file), encoding="utf-8") as f:
                mutant.planted(f.read())
        except (OSError, ValueError) as e:
            yield str(e)


class Tree:
    """A copy of the source with a build of its own, in which one mutant lives at a time."""

    def __init__(self, number):
        self.path = os.path.join(WORK, str(number))
        self.build = os.path.join(self.path, "build")
        self.log = os.path.join(WORK, "%d.log" % number)

    def refresh(self):
        """Make it like the source, touching only what differs, so that little is built again."""
        listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"],
                                capture_output=True, check=True).stdout.decode().split("\0")
        wanted = {name for name in listed if name and os.path.isfile(os.path.join(ROOT, name))}
        for name in sorted(wanted):
            self.copy(name)
        for folder, folders, names in os.walk(self.path):
            if folder == self.path:
                folders[:] = [name for name in folders if name != "build"]
            for name in names:
                path = os.path.join(folder, name)
                if os.path.relpath(path, self.path) not in wanted:
                    os.remove(path)

    def copy(self, name):
        source, target = os.path.join(ROOT, name), os.path.join(self.path, name)
        with open(source, "rb") as f:
            content = f.read()
        if os.path.isfile(target):
            with open(target, "rb") as f:
                if f.read() == content:
                    return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)

    def run(self, *command, seconds=1800):
        """Exit code of a command, None where it did not end in time; its output goes to the log."""
        with open(self.log, "a", encoding="utf-8") as log:
            log.write("$ %s\n" % " ".join(command))
            log.flush()
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                return None

    def configure(self):
        return self.run("cmake", "-S", self.path, "-B", self.build, "-G", "Ninja",
                        "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O1 -g0") == 0

    def make(self, killer):
        kind, _, name = killer.partition("/")
        targets = [part.format(name) for part in PARTS[kind]]
        return self.run("cmake", "--build", self.build, "--target", *targets) == 0

    def ask(self, killer):
        """What the killer says of what is built: 'passes', 'fails' or 'not run'."""
        code = self.run("ctest", "--test-dir", self.build, "-R", "^%s$" % re.escape(killer),
                        "--no-tests=error", "--output-on-failure", seconds=KILLER_SECONDS)
        with open(os.path.join(self.build, "Testing", "Temporary", "LastTest.log"),
                  encoding="utf-8", errors="replace") as f:
            if "Test Skipped." in f.read():
                return "not run"
        return "passes" if code == 0 else "fails"

    def visit(self, mutant):
        """Plant it, build, let its killer look: 'killed', 'SURVIVED' or what went wrong."""
        path = os.path.join(self.path, mutant.file)
        with open(path, encoding="utf-8") as f:
            healthy = f.read()
        try:
            with open(path, "w", encoding="utf-8") as f:
                f.write(mutant.planted(healthy))
            if not self.make(mutant.killer):
                return "DOES NOT BUILD"
            return {"passes": "SURVIVED", "fails": "killed"}.get(self.ask(mutant.killer), "NOT RUN")
        finally:
            with open(path, "w", encoding="utf-8") as f:
                f.write(healthy)


def check_killer(tree, killer):
    """A killer must pass on the healthy source, and on a change that changes nothing."""
    said = tree.ask(killer) if tree.make(killer) else "does not build"
    if said != "passes":
        return "%s ON THE HEALTHY SOURCE" % said.upper()
    harmless = tree.visit(Mutant("harmless", HARMLESS.format(killer)))
    return "sound" if harmless == "SURVIVED" else "KILLS THE HARMLESS: %s" % harmless


def over(trees, work, items):
    """Do `work(tree, item)` for all items, each tree one at a time; (item, outcome, seconds)."""
    free = queue.Queue()
    for tree in trees:
        free.put(tree)

    def one(item):
        tree = free.get()
        begun = time.monotonic()
        try:
            return item, work(tree, item), time.monotonic() - begun
        finally:
            free.put(tree)

    with concurrent.futures.ThreadPoolExecutor(len(trees)) as pool:
        yield from (done.result() for done in
                    concurrent.futures.as_completed([pool.submit(one, item) for item in items]))


def main():
    usage, _, words = __doc__.strip().partition("\n\n")
    parser = argparse.ArgumentParser(usage=usage, description=words)
    parser.add_argument("mutants", nargs="*")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep", action="store_true", help="keep the trees and their builds")
    options = parser.parse_args()
    mutants = load(options.mutants)
    problems = list(misplaced(mutants, ROOT))
    if problems:
        sys.exit("museum: " + "\nmuseum: ".join(problems))
    if options.list:
        for mutant in mutants:
            print("%-28s %-8s %-24s %s" % (mutant.name, mutant.promise, mutant.killer, mutant.mistake))
        return 0
    trees = [Tree(number) for number in range(max(1, options.jobs))]
    for tree in trees:
        os.makedirs(tree.path, exist_ok=True)
        tree.refresh()
        if not tree.configure():
            sys.exit("museum: cmake failed, see %s" % tree.log)
    failed = 0
    for killer, outcome, seconds in over(trees, check_killer, sorted({m.killer for m in mutants})):
        print("%-28s %-28s %4.0f s" % (killer, outcome, seconds), flush=True)
        failed += outcome != "sound"
    for mutant, outcome, seconds in over(trees, Tree.visit, mutants):
        print("%-28s %-10s %4.0f s  by %s: %s" % (mutant.name, outcome, seconds, mutant.killer,
                                                  mutant.mistake), flush=True)
        failed += outcome != "killed"
    if not options.keep and not failed:
        shutil.rmtree(WORK)
    print("%d mutants, %d not killed or killers not sound" % (len(mutants), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
