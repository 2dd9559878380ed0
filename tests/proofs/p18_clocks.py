#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P18: the wall clock of every service jumps by up to ten years, both ways, while people publish, read
and wait. Only the times that are written down may show it: `recorded` still increases, nobody waits
longer, nothing is lost.
"""
import os
import time

import zmq

import history
import load
import proof
import wire
import world

# the slowest answer that is no sign of a wait that followed the wall clock, on any machine
PATIENCE_S = 20.0


def ask_all(p, ingest, query, n):
    """A publish, a read of it, a read that waits in vain, each in its time."""
    began = time.monotonic()
    publish = history.Publish([p.random.randbytes(16) for _ in range(p.random.choice((1, 4)))])
    seq = publish.hear(ingest.ask("publish", PATIENCE_S, events=[
        history.event_of(i) for i in publish.idents]))
    query.ask("get", PATIENCE_S, seq=seq, min_seq=seq)
    got = query.ask("read", PATIENCE_S, after=seq - 1, limit=1, wait_ms=1000)
    p.check(got["events"] and got["events"][0]["seq"] == seq, "jump %d: read misses %d", n, seq)
    waited = time.monotonic()
    head = query.ask("read", PATIENCE_S, after=0, limit=1)["head"]
    query.ask("read", PATIENCE_S, after=head, wait_ms=30)
    waited = time.monotonic() - waited
    p.check(0.025 <= waited < PATIENCE_S, "jump %d: a wait of 30 ms took %g s", n, waited)
    p.check(time.monotonic() - began < 2 * PATIENCE_S, "jump %d: it took too long", n)
    return publish


def body(p):
    p.at_end.append(world.end_all)
    services = {}
    jumps(p, services, p.dir + "/d", p.size(20, 500, 5000))
    try: # planted: time-outs follow the wall clock
        jumps(p, services, p.dir + "/mutant", 60, {"CLOCK_MONOTONIC_TOO": "1"})
    except proof.Broken as e:
        p.say("negative control, time-outs by the wall clock: caught (%.90s)", e)
        p.count("mutant_caught")
        return
    finally:
        for service in services.values():
            service.kill()
    raise proof.Broken("negative control, time-outs by the wall clock: not caught")


def jumps(p, services, directory, number, planted=None):
    clocks, prefix = {}, "mutant_" if planted else ""
    for name in ("ledger", "ingest", "query"):
        clocks[name] = world.Clock(os.path.join(p.dir, name + ".clock"))
        services[name] = world.Service(name, directory, [proof.built("proof_clocks.so")],
                                       {"CLOCK_FILE": clocks[name].path, **(planted or {})})
        p.check(services[name].start(), "%s does not start: %s", name, services[name].said())
    context = zmq.Context()
    ingest = wire.Asker(context, services["ingest"].endpoint)
    query = wire.Asker(context, services["query"].endpoint)
    publishes = []
    end = time.monotonic() + world.PATIENCE_S
    while not publishes and time.monotonic() < end: # until ingest and query have met the ledger
        try:
            publish = ask_all(p, ingest, query, 0)
            publishes.append(publish)
        except (wire.Refused, wire.NoAnswer):
            time.sleep(0.02)
    for n in range(1, number + 1):
        name = p.random.choice(list(clocks))
        jump = p.random.choice((-10 * world.YEAR_S, 10 * world.YEAR_S, -world.YEAR_S, world.YEAR_S, -3600, 3600, 0))
        if n == number // 2: # this one at least
            name, jump = "ledger", 10 * world.YEAR_S
        clocks[name].set(jump)
        if p.random.random() < 0.1:
            services[name].kill()
            p.check(services[name].start(), "%s does not start at %+d s: %s", name, jump,
                    services[name].said())
            p.count(prefix + "restarts")
            reader = load.OwnReader(p.dir, "unused", 0, None, None)
            # they have met again once a publish goes through
            publish = history.Publish([p.random.randbytes(16)])
            publish.hear(reader.insist(ingest, "publish", events=[
                history.event_of(publish.idents[0])]))
            publishes.append(publish)
            query_head(query, publishes)
        try:
            publishes.append(ask_all(p, ingest, query, n))
        except (wire.Refused, wire.NoAnswer) as e:
            raise proof.Broken("%s jumped by %+d s: %s" % (name, jump, repr(e))) from e
        p.count(prefix + "jumps")
        if n % 4 == 0:
            jump_while_waiting(p, query, clocks["query"])
            p.count(prefix + "jumps_while_waiting")
    ledger = wire.Asker(context, services["ledger"].endpoint)
    entries, epoch = wire.read_all(ledger)
    history.check_publishes(entries, history.check_log(entries, epoch), publishes)
    years = sorted({time.gmtime(e["recorded"] / 1e6).tm_year for e in entries})
    p.say("%d events, recorded in the years %s", len(entries), years)
    p.count(prefix + "events", len(entries))
    p.check(years[-1] - time.gmtime().tm_year >= 9, "no jump had an effect: the proof is void")
    for service in services.values():
        service.stop()


def jump_while_waiting(p, query, clock):
    """A reader waits 100 ms in vain while the clock goes: its time is over when it is over."""
    head = query.ask("read", PATIENCE_S, after=0, limit=1)["head"]
    while True:
        began = time.monotonic()
        rid = query.send("read", after=head, wait_ms=100, ttl_ms=10000)
        behind = query.send("status") # answered when the reader is known to wait
        if query.next(PATIENCE_S)["rid"] == behind:
            break
        query.next(PATIENCE_S) # his time was over before we could do anything: once more
    clock.set(p.random.choice((-10 * world.YEAR_S, 10 * world.YEAR_S)))
    try:
        answer = query.next(PATIENCE_S)
    except wire.NoAnswer:
        raise proof.Broken("who waited while the clock jumped is not answered") from None
    took = time.monotonic() - began
    p.check(answer.get("rid") == rid and 0.095 < took, "a wait of 100 ms ended after %g s", took)


def query_head(query, publishes):
    """After a restart a service is asked until it has met the others again."""
    seq = publishes[-1].receipt[-1][3]
    end = time.monotonic() + world.PATIENCE_S
    while time.monotonic() < end:
        try:
            return query.ask("get", 1.0, seq=seq, min_seq=seq)
        except (wire.Refused, wire.NoAnswer):
            time.sleep(0.01)
    raise proof.Broken("query does not come back")


if __name__ == "__main__":
    proof.Proof("P18", "clocks that jump by ten years").run(body)
