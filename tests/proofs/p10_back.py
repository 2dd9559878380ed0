#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P10: the ledger is killed and started again, 100 times at 1 million events and 100 times at 10 million,
every second time with nothing of the store in memory: how long from its start to the first receipt that
a publisher gets through ingest. Then it is left alone, and has to verify all events in the background; the
store is read into memory before that, as on a guest whose memory is lent anew that alone may take longer.
A ledger that reads all of its store first must be caught.
"""
import os
import subprocess
import time

import zmq

import bulk
import history
import load
import proof
import wire
import world

SCAN_SIZE = 256 << 10 # of the planted mistake, see mutant.c
# events in the store: seconds until the first receipt (p99)
SIZES = {1000000: 0.5, 10000000: 1.0}
SHORT = {50000: 5.0} # not judged, but that what is planted takes longer
VERIFIED_PER_S = 1000000
VERIFY_WAIT_S = 120


def fill(directory, number):
    """Let the store hold so many events; its ledger does not run."""
    event = wire.event(bytes(16), note="n" * 160)
    subprocess.run([proof.built("proof_fill"), directory, str(number)], input=event, check=True)


def forget(path):
    """Let nothing of this file be in memory."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def recall(path):
    """Let all of this file be in memory; how many bytes a second that took."""
    began, size = time.monotonic(), 0
    with open(path, "rb", buffering=0) as f:
        while some := f.read(4 << 20):
            size += len(some)
    return size / (time.monotonic() - began)


def restart(p, field, ingest, store, cold):
    """Seconds from the start to the first receipt."""
    ledger = field.services["ledger"]
    ledger.kill()
    if cold:
        forget(store)
    raw = history.event_of(p.random.randbytes(16))
    began = time.monotonic()
    ledger.launch()
    while True:
        try:
            ingest.ask("publish", 5, events=[raw])
            return time.monotonic() - began
        except (wire.NoAnswer, wire.Refused) as e:
            if isinstance(e, wire.Refused) and e.code not in load.RETRY:
                raise proof.Broken("refused: %s" % e) from e
            time.sleep(0.002)
        p.check(time.monotonic() - began < 120, "no receipt within two minutes: %s", ledger.said())


def p99(times):
    return sorted(times)[int(len(times) * 0.99) - 1 if len(times) >= 100 else -1]


def verified_per_s(p, field):
    """Events a second that a ledger verifies to which nobody comes, after a start: all of them."""
    ledger = field.services["ledger"]
    ledger.kill()
    p.check(ledger.start(), "the ledger does not start: %s", ledger.said())
    asker = wire.Asker(zmq.Context(), ledger.endpoint)
    began = time.monotonic()
    while time.monotonic() - began < VERIFY_WAIT_S:
        counters = {c["name"]: c["value"] for c in asker.ask("status", 20)["counters"]}
        took = time.monotonic() - began
        if counters["verify_passes"]:
            p.check(counters["damaged"] == 0, "an event is damaged")
            asker.close()
            return counters["verified"] / took
        time.sleep(0.01)
    raise proof.Broken("not all events are verified within %d s" % VERIFY_WAIT_S)


def at_size(p, field, ingest, events, limit_s):
    """All that is shown at one size; `name` is it in words for the counters."""
    directory, name = os.path.join(p.dir, "d", "ledger"), "_at_%d" % events
    store, ledger = os.path.join(directory, "data.mdb"), field.services["ledger"]
    ledger.kill()
    fill(directory, events)
    p.say("%d events, %d MiB", events, os.path.getsize(store) >> 20)
    p.count("store_mib" + name, os.path.getsize(store) >> 20)
    ledger.env["AVOW_MUTANT"] = "none"
    restart(p, field, ingest, store, False)
    times = {False: [], True: []}
    for n in range(p.size(6, 100, 100)):
        times[n % 2 == 1].append(restart(p, field, ingest, store, n % 2 == 1))
    every = times[False] + times[True]
    p.count("restarts", len(every))
    p.count("p99_ms" + name, int(1000 * p99(every)))
    p.count("slowest_ms" + name, int(1000 * max(every)))
    p.count("slowest_ms_with_the_store_in_memory" + name, int(1000 * max(times[False])))
    p.say("p99 %d ms, slowest %d ms, with the store in memory %d ms", 1000 * p99(every),
          1000 * max(every), 1000 * max(times[False]))
    p.check(p99(every) <= limit_s or p.form == "short", "the first receipt after %.0f ms (p99)", 1000 * p99(every))
    pace = recall(store)
    p.say("the store is read into memory at %d MiB a second", pace / (1 << 20))
    rate = verified_per_s(p, field)
    p.count("slowest_verified_per_s" + name, int(rate))
    p.say("%d events verified a second", rate)
    p.check(rate >= VERIFIED_PER_S or p.form == "short", "only %d events a second verified", rate)
    ledger.env.update({"AVOW_MUTANT": "scan", "AVOW_MUTANT_AT": str(
        int(1.2e6 * limit_s / (os.path.getsize(store) / SCAN_SIZE)) + 1)})
    took = restart(p, field, ingest, store, False)
    p.say("negative control, the whole store is read first: %.1f s", took)
    p.check(took > limit_s, "negative control, the whole store is read first: not caught")
    p.count("mutant_scan_caught")


def body(p):
    p.at_end.append(world.end_all)
    mutant = {"ledger": [proof.built("proof_mutant.so")]}
    field = bulk.Field(p, p.dir + "/d", preload=mutant, env={"ledger": {"AVOW_MUTANT": "none"}})
    ingest = wire.Asker(zmq.Context(), field.services["ingest"].endpoint)
    for events, limit_s in (SHORT if p.form == "short" else SIZES).items():
        at_size(p, field, ingest, int(events * p.options.scale), limit_s)
    field.end()


if __name__ == "__main__":
    proof.Proof("P10", "the first receipt after a kill, whatever the size", disk=True).run(body)
