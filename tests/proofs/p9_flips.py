#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P9: one bit of a store flipped, 10,000 times, every second one in the header of a page. The long form does
most of it to smaller stores, as a flip costs what the store has pages.

What is read is what was written, or is refused under its own seq; nothing dies. The negative control
takes every record's checksum for right.
"""
import itertools
import json
import os
import subprocess

import proof


LARGE = 2000
HARM = ("wrong", "killed_by_signal", "hangs", "rolled_back")
# how many events the stores of the long form have, in turn; the others' have LARGE
LONG_STORES = (LARGE, 60, 250, 60, 250, 60, 250, 60)


def flips(p, number, events, program="proof_flips"):
    """Two halves side by side, each on its own store of so many events; the sum of what they counted."""
    running, sums, words = [], {}, ""
    for _ in range(2):
        work = os.path.join(p.dir, "store%d" % len(os.listdir(p.dir)))
        os.makedirs(work, mode=0o700)
        seed = p.random.randrange(1 << 62)
        running.append(subprocess.Popen(
            [proof.built(program), work, str(seed), str(-(-number // 2)), str(events)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    for r in running:
        out, err = r.communicate()
        p.check(r.returncode in (0, 1), "flips failed: %s", err.decode())
        for name, count in json.loads(out).items():
            sums[name] = sums.get(name, 0) + count
        words += err.decode()
    return sums, words


def body(p):
    wanted, done = p.size(200, 10000, 1000000), 0
    at_once, stores = 2000, itertools.cycle([LARGE])
    if p.form == "long":
        at_once, stores = 10000, itertools.cycle(LONG_STORES)
    while done < wanted:
        sums, words = flips(p, min(at_once, wanted - done), next(stores))
        done += sums["flips"]
        p.say("%(flips)d flips, %(events_refused)d events refused, %(wrong)d wrong", sums)
        for name, count in sums.items():
            p.count(name, count)
        p.check(not any(sums[harm] for harm in HARM), "a flipped bit did harm to a reader:\n%s", words)
    p.check(p.counters["writer_killed"] == 0, "readers are safe, but %d of %d flips killed the writer",
            p.counters["writer_killed"], done)
    p.check(p.counters["events_refused"] > 0, "no flip hit an event")
    sums, _ = flips(p, 100, LARGE, "proof_flips_unsummed")
    p.say("negative control, checksums not compared: %(wrong)d events wrong", sums)
    p.count("mutant_nosum_wrong", sums["wrong"])
    p.check(sums["wrong"] > 0, "negative control, checksums not compared: not caught")


if __name__ == "__main__":
    proof.Proof("P9", "one bit of the store flipped").run(body)
