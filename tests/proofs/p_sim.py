#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
All promises at once: the whole system under a deterministic simulator (tests/sim), seed after seed, one
process for each CPU; then its negative controls, each of which must be caught within as many seeds as
the gate has.
"""
import json
import os
import subprocess

import proof

SHARE = 500 # seeds of one process
MUTANT_SEEDS = 2000


def start(sim, first, last):
    return subprocess.Popen([sim, "--seeds", "%d..%d" % (first, last), "--json"],
                            stdout=subprocess.PIPE, text=True)


def finish(p, process, totals):
    text = process.communicate()[0].strip().split("\n")
    try:
        result = json.loads(text[-1])
    except ValueError:
        raise proof.Broken("the simulator ended: %s" % " ".join(text[-2:])) from None
    if process.returncode or result["failed"]:
        raise proof.Broken("; ".join(line for line in text if "FAILED" in line or "replay" in line))
    for name, number in result.items():
        if name not in ("failed", "seed", "seconds", "trace"):
            totals[name] = totals.get(name, 0) + number


def run_seeds(p, sim, number, totals):
    shares = [(first, min(first + SHARE, p.seed + number) - 1)
              for first in range(p.seed, p.seed + number, SHARE)]
    running = []
    p.at_end.append(lambda: [process.kill() for process in running])
    while shares or running:
        while shares and len(running) < (os.cpu_count() or 1):
            running.append(start(sim, *shares.pop(0)))
        finish(p, running[0], totals)
        running.pop(0)
        if totals["seeds"] % (20 * SHARE) == 0:
            p.say("%d seeds held", totals["seeds"])


def run_mutants(p, sim):
    done = subprocess.run([sim, "--mutants", "%d..%d" % (p.seed, p.seed + MUTANT_SEEDS - 1), "--json"],
                          stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().split("\n")
    for line in lines[:-1]:
        if not line.startswith("replay"):
            p.say("%s", line)
    result = json.loads(lines[-1])
    p.count("mutants_caught", result["mutants_caught"])
    p.check(done.returncode == 0, "%d of %d mutants survived",
            result["mutants"] - result["mutants_caught"], result["mutants"])


def body(p):
    sim, totals = proof.built("../sim/sim"), {}
    run_seeds(p, sim, p.size(200, 2000, 200000), totals)
    # kinds of faults and checks that never came show that the run proved less than it says
    missing = [name for name, number in totals.items() if number == 0]
    p.check(p.form == "short" or not missing, "never happened: %s", ", ".join(missing))
    for name, number in totals.items():
        p.count(name, number)
    run_mutants(p, sim)


if __name__ == "__main__":
    proof.Proof("P1 P2 P3 P4 P5 P6 P7 P9 P20", "the whole system, simulated").run(body)
