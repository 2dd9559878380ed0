#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Avow beside what one would use instead, doing the same work on this machine in one run; see
../README.md.

    tools/bench [WORK…] [--quick | --long] [--rounds N] [--json FILE] [--keep FOLDER] [--dir FOLDER]

WORK is publish, latency, fanout, query, growth, catchup, start, size, import or figures; all of
them, one after the other, where none is named: about twenty minutes. `tools/bench figures` has options
of its own.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))

import avowtest
import peers
import report
import works

# how much is measured: rounds, how long each load runs (ms), connections of the many, each or each
# second form of publishing, how many watchers, events of the first and the second look at a growing
# ledger, rows imported, events published one at a time, cold starts, events and rounds of the figures
SIZES = {
    "quick": dict(rounds=1, ms=100, many=50, form_step=2, watchers=(1, 20), first=20000, last=60000,
                  rows=2000, gaps=20, starts=1, figures=(20000, 5)),
    "default": dict(rounds=5, ms=700, many=1000, form_step=1, watchers=(1, 100, 1000), first=1000000,
                    last=10000000, rows=200000, gaps=500, starts=5, figures=(200000, 50)),
    "long": dict(rounds=9, ms=3000, many=1000, form_step=1, watchers=(1, 100, 1000), first=1000000,
                 last=50000000, rows=1000000, gaps=5000, starts=10, figures=(1000000, 100)),
}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Run:
    """What every work needs: sizes, programs, a report, a folder on the disk."""

    def __init__(self, sizes, programs, folder):
        self.__dict__.update(sizes)
        self.programs, self.folder, self.peers = programs, folder, []
        self.report = report.Report()

    def path(self, name):
        return os.path.join(self.programs, "side_" + name)

    def program(self, name, *args):
        done = subprocess.run([self.path(name), *map(str, args)], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        if done.returncode:
            raise RuntimeError("%s %s: %s" % (name, " ".join(map(str, args)), done.stderr.strip()))
        return json.loads(done.stdout)

    def load(self, what, address, connections=1, in_flight=1, batch=1, ms=None, events=0, first=0,
             head=1):
        """A load for so many milliseconds (the run's own where none is given) or events."""
        ms = 0 if events else ms or self.ms
        return self.program("load", what, address, connections, in_flight, batch, ms, events, first,
                            head)

    def load_peer(self, peer, *args, **more):
        """The same with what it cost the peer's own processes; then the peer comes to rest."""
        before, processes = peers.cpu_seconds(peer.pids()), peers.processes(peer)
        result = self.load(*args, **more)
        result["peer_cpu_us"] = (peers.cpu_seconds(peer.pids()) - before) * 1e6
        peers.rest(peer, processes)
        return result


def main():
    p = argparse.ArgumentParser(prog="tools/bench", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("work", nargs="*", help="all where absent")
    p.add_argument("--quick", action="store_true", help="tiny sizes, a minute or two: a first look")
    p.add_argument("--long", action="store_true", help="50 million events; an hour or more")
    p.add_argument("--rounds", type=int, help="how often each is measured, in turn")
    p.add_argument("--events", type=int, help="how far the large ledger grows")
    p.add_argument("--json", metavar="FILE", help="all numbers")
    p.add_argument("--keep", metavar="FOLDER", help="a table and all numbers, named after the time")
    p.add_argument("--dir", metavar="FOLDER", help="where the stores are: the disk that is measured")
    p.add_argument("--programs", default=os.environ.get("BENCH_PROGRAMS"))
    args = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside")) # the peers are ended too
    for name in args.work:
        if name not in works.ALL:
            p.error("there is no work `%s`, only %s" % (name, ", ".join(works.ALL)))
    sizes = dict(SIZES["quick" if args.quick else "long" if args.long else "default"])
    if args.rounds:
        sizes["rounds"] = args.rounds
    if args.events:
        sizes["last"] = max(args.events, sizes["first"])
    folder = tempfile.mkdtemp(prefix="avow-side-", dir=args.dir)
    os.chmod(folder, 0o711) # PostgreSQL's own user passes through
    tempfile.tempdir = folder
    run = Run(sizes, args.programs, folder)
    environment = report.environment(folder, avowtest.program())
    begin = time.monotonic()
    try:
        if not args.quick: # whose numbers mean little anyway
            need_a_disk(environment)
        measure(run, args.work or list(works.ALL), environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    environment["took"] = "%d s" % (time.monotonic() - begin)
    run.report.print(environment)
    if args.json:
        run.report.write(args.json, environment)
    if args.keep:
        run.report.keep(os.path.join(args.keep, time.strftime("%Y-%m-%dT%H%M", time.gmtime())),
                        environment)


def need_a_disk(environment):
    if environment["disk"].startswith(("tmpfs", "ramfs")):
        sys.exit("the stores would lie in memory, where nothing is ever synced: give --dir")


def measure(run, names, environment):
    run.peers = [p for p in (peers.Redis, peers.Nats, peers.Postgres) if p.there()]
    for p in (peers.Redis, peers.Nats, peers.Postgres):
        environment[p.name] = "%s; %s" % (report.package(p.package), p.promise)
    environment["avow"] = peers.Avow.promise
    with works.World(run) as world:
        for name in names:
            begin = time.monotonic()
            works.ALL[name](run, world)
            say("%s: %.1f s" % (name, time.monotonic() - begin))


if __name__ == "__main__":
    main()
