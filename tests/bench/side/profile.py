#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What one event, or one question, costs in each service, in instructions: the same on a busy machine as
on an idle one.

    tools/bench profile [--events N] [--top N] [SERVICE.LOAD…]     # about five minutes

Each service in turn runs under callgrind, the others beside it as they are, and is given one load:
ledger, ingest and query.feed (which follows) events in requests of 1,000 and of 1; query.get,
query.as_of and query.read questions.
"""
import argparse
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))

import avowtest
import peers

# name: the service under callgrind, its load, connections, in flight, events in a request
CASES = {
    "ledger.1000": ("ledger", "publish", 4, 1, 1000),
    "ledger.1": ("ledger", "publish", 50, 20, 1),
    "ingest.1000": ("ingest", "publish", 4, 1, 1000),
    "ingest.1": ("ingest", "publish", 50, 20, 1),
    "query.feed": ("query", "publish", 4, 1, 1000),
    "query.get": ("query", "get", 4, 1, 1),
    "query.as_of": ("query", "as_of", 4, 1, 1),
    "query.read": ("query", "read", 1, 1, 1),
}
READ_EVENTS = 4000
SLOW = 600.0 # seconds: under callgrind everything is fifty times slower


class Profiled:
    """Services of which one runs under callgrind, by a program that stands in for `avow`."""

    def __init__(self, folder, service):
        self.service, self.out = service, os.path.join(folder, "callgrind.out")
        self.real = avowtest.program()
        self.wrapper = os.path.join(folder, "avow")
        with open(self.wrapper, "w") as f:
            f.write('#!/bin/sh\n[ "$1" = %s ] && exec valgrind -q --tool=callgrind '
                    '--callgrind-out-file=%s %s "$@"\nexec %s "$@"\n' % (
                        service, self.out, self.real, self.real))
        os.chmod(self.wrapper, stat.S_IRWXU)

    def __enter__(self):
        os.environ["AVOW"], avowtest.TIMEOUT = self.wrapper, SLOW
        try:
            self.avow = peers.Avow().__enter__()
        finally:
            os.environ["AVOW"] = self.real
        return self

    def __exit__(self, *_):
        self.avow.close()

    def control(self, what):
        subprocess.run(["callgrind_control", what, str(self.avow.processes[self.service].pid)],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    def counted(self):
        """[(instructions, function, where)] since the counters were set to zero: in each itself, and
        with all that it called; the most first."""
        self.control("-d")
        return [self.annotated("--inclusive=no"), self.annotated("--inclusive=yes")]

    def annotated(self, how):
        text = subprocess.run(["callgrind_annotate", "--threshold=100", "--tree=none", "--auto=no",
                               "--show-percs=no", how, self.out + ".1"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        rows = {}
        for line in text.splitlines():
            m = re.match(r"\s*([\d,]+)\s+(\S+?):(.*?)(?: \[(.*)\])?$", line)
            if not m:
                continue
            file, function, library = m.group(2), re.sub(r"'\d+$", "", m.group(3)), m.group(4)
            ours = file.startswith(("store/", "services/", "proto/", "tools/"))
            key = (function if not function.startswith("0x") else "", file if ours else
                   os.path.basename(library or file))
            n = int(m.group(1).replace(",", ""))
            # a function that calls itself stands there once for each depth, with what is below it
            rows[key] = max(rows.get(key, 0), n) if how.endswith("yes") else rows.get(key, 0) + n
        return sorted(((n, *key) for key, n in rows.items()), reverse=True)


def program(programs, name, *args):
    done = subprocess.run([os.path.join(programs, "side_" + name), *map(str, args)], text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout


def profile(programs, name, events, top):
    service, load, connections, in_flight, batch = CASES[name]
    folder = tempfile.mkdtemp(prefix="avow-profile-")
    try:
        with Profiled(folder, service) as p:
            avow = p.avow
            def run(what, address, *form):
                program(programs, "load", "avow." + what, address, *form, 0, events, 0, events)
            if load != "publish":
                run("publish", avow.address, 4, 1, 1000)
                avow.await_query(events, SLOW)
            p.control("-z")
            if load == "read":
                program(programs, "watch", "catchup", avow.at("query"), READ_EVENTS, 1, events)
            else:
                run(load, avow.at("query" if load in ("get", "as_of") else "ingest"), connections,
                    in_flight, batch)
            if name == "query.feed":
                avow.await_query(events, SLOW)
            alone, all_in = p.counted()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tell(name, alone, [r for r in all_in if "/" in r[2]], events, top)


def tell(name, alone, ours, events, top):
    """Both tables side by side: functions themselves, and ours with all that they call."""
    total = max(n for n, _, _ in ours)
    # where the counters were set to zero, callgrind gives all to what was being called then
    alone = [row for row in alone if row[0] < total * 0.9]
    print("## %s: %d instructions each\n" % (name, total // events))
    print("| itself | function | with its calls | function |\n| ---: | --- | ---: | --- |")
    for (n, function, where), (all_n, our, _) in zip(alone[:top], ours[:top]):
        print("| %d | %s | %d | `%s` |" % (n // events, "`%s`, %s" % (function, where) if function
                                           else where, all_n // events, our))
    print(flush=True)


def main():
    p = argparse.ArgumentParser(prog="tools/bench profile", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cases", nargs="*", metavar="SERVICE.LOAD")
    p.add_argument("--events", type=int, default=20000, help="a multiple of 4,000")
    p.add_argument("--top", type=int, default=15)
    p.add_argument("--programs", default=os.environ.get("BENCH_PROGRAMS"))
    args = p.parse_args()
    for name in args.cases or CASES:
        if name not in CASES:
            p.error("there is no %s, only %s" % (name, ", ".join(CASES)))
        profile(args.programs, name, args.events, args.top)


if __name__ == "__main__":
    main()
