#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P7: who has a receipt asks query for that very event at once, with min_seq, over another connection,
while query is stopped and killed and its syncs take 50 ms: never an older answer, never a head that
goes back, and nothing that is not in the log afterwards.
"""
import signal
import time

import zmq

import history
import load
import proof
import wire
import world

READERS = 8


def disturb(p, query):
    kind = p.random.choice(("kill", "stop", "stop"))
    if kind == "kill":
        query.kill()
        p.check(query.start(60), "query does not start: %s", query.said())
    else:
        query.process.send_signal(signal.SIGSTOP)
        time.sleep(p.random.random() * 0.2)
        query.process.send_signal(signal.SIGCONT)
    p.count(kind + "s")


def pairs(p, directory, wanted, planted=False):
    """`wanted` pairs of a publish and its read; all that was published is then in the log."""
    services = {n: world.Service(n, directory) for n in ("ledger", "ingest")}
    services["query"] = world.Service("query", directory, [proof.built("proof_mutant.so")],
                                      {"AVOW_MUTANT": "slowsync"})
    for service in services.values():
        p.check(service.start(), "%s does not start: %s", service.name, service.said())
    seed = p.random.randrange(1 << 32)
    readers = [load.OwnReader(directory, "reader%d" % i, seed + i, services["ingest"].endpoint,
                              services["query"].endpoint, not planted) for i in range(READERS)]
    for reader in readers:
        reader.start()
    try:
        said = last = time.monotonic()
        while sum(r.progress.value for r in readers) < wanted:
            time.sleep(0.05)
            for reader in readers:
                if reader.failed():
                    reader.result()
                    raise proof.Broken("%s has ended" % reader.name)
            if not planted and time.monotonic() - last > 3:
                disturb(p, services["query"])
                last = time.monotonic()
            if time.monotonic() - said > 20:
                said = time.monotonic()
                p.say("%d pairs", sum(r.progress.value for r in readers))
        publishes = [publish for r in readers for publish in r.result()]
        asker = wire.Asker(zmq.Context(), services["ledger"].endpoint)
        entries, epoch = wire.read_all(asker)
        history.check_publishes(entries, history.check_log(entries, epoch), publishes)
        return len(publishes)
    finally:
        for reader in readers:
            reader.kill()
        for service in services.values():
            service.kill()


def body(p):
    p.at_end.append(world.end_all)
    p.count("pairs", pairs(p, p.dir + "/d", p.size(300, 100000, 1000000)))
    try:
        pairs(p, p.dir + "/mutant", 1000, planted=True)
    except proof.Broken as e:
        p.say("negative control, asked without min_seq: caught (%.80s)", e)
        p.count("mutant_caught")
        return
    raise proof.Broken("negative control, asked without min_seq: not caught")


if __name__ == "__main__":
    proof.Proof("P7", "what was written is read at once, through stops and kills of query").run(body)
