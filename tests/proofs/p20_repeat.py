#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
P20: the same question at the same seq has the same bytes: on every replica, after a replica was killed
while it was built, after it was built anew, after more was published, and after an upgrade. For the
latter, tests/golden holds a store and answers of each release, to be opened by this build.

    p20_repeat.py --make     write the golden files of this version; never again once it is released
"""
import gzip
import os
import re
import shutil
import sys
import time

import msgpack
import zmq

import history
import load
import proof
import wire
import world

GOLDEN = os.path.join(proof.ROOT, "tests", "golden")
DEALS_FILE = os.path.join(proof.ROOT, "tests", "data", "ai-deals.jsonl")
RID = 7
# figures pinned to a seq; `head` of what reads or gets moves on with the ledger
MOVING = ("read", "get")


def version():
    with open(os.path.join(proof.ROOT, "CMakeLists.txt"), encoding="utf-8") as f:
        return re.search(r"VERSION (\d+\.\d+\.\d+)", f.read()).group(1)


class Asking:
    """Questions as bytes in, answers as bytes out."""

    def __init__(self, endpoint):
        self.context = zmq.Context()
        self.asker = wire.Asker(self.context, endpoint)

    def ask(self, name, fields):
        """The answer's bytes; a refusal is an answer as well, but for one to be asked again."""
        end = time.monotonic() + 60
        head, tail = wire.packed(name, 30000, **fields)
        while time.monotonic() < end:
            self.asker.socket.send(head + RID.to_bytes(8, "big") + tail)
            if not self.asker.socket.poll(5000):
                continue
            raw = self.asker.socket.recv()
            answer = msgpack.unpackb(raw)
            if answer["type"] != "error" or answer["name"] not in load.RETRY:
                return raw
            time.sleep(0.01)
        raise proof.Broken("no answer to %s %s" % (name, fields))

    def close(self):
        self.asker.close()
        self.context.term()


def questions(entries):
    """Of every kind, about every deal and party, at two seqs and under all three clocks."""
    deals, parties, head = set(), set(), len(entries)
    for entry in entries:
        event = msgpack.unpackb(entry["event"])
        deals |= {event["deal"]} if "deal" in event else set()
        for side in ("from", "to"):
            parties |= set(event.get(side) or ())
    for clocks in ({"at_seq": head}, {"at_seq": head // 2},
                   {"at_seq": head, "as_of": "2025-04-01"}, {"at_seq": head, "on": "2024-12-31"}):
        for deal in sorted(deals):
            yield "deal_figure", {"deal": deal, "clocks": clocks}
            yield "history", {"deal": deal, "clocks": clocks}
            yield "why", {"deal": deal, "rung": "committed", "clocks": clocks}
        for party in sorted(parties):
            yield "party_figure", {"party": party, "clocks": clocks}
        for rung in ("announced", "committed", "paid"):
            yield "league", {"rung": rung, "clocks": clocks}
            yield "flows", {"rung": rung, "clocks": clocks}
        for name in ("cycles", "reconcile", "anomalies", "parties", "deals"):
            yield name, {"clocks": clocks}
        yield "search", {"text": "open", "clocks": clocks}
        for policy in ("latest", "hull"):
            yield "league", {"rung": "committed", "policy": policy, "clocks": clocks}
    yield "diff", {"before": {"at_seq": head // 2}, "after": {"at_seq": head}}
    for after in range(0, head, 20):
        yield "read", {"after": after, "limit": 20}
    for seq in range(1, head + 1, 10):
        yield "get", {"seq": seq}


def start(p, name, directory, ledger=None):
    options = ("--ledger", ledger) if ledger else ()
    service = world.Service(name, directory, options=options)
    p.check(service.start(), "%s does not start: %s", name, service.said())
    return service


def replica(p, directory, ledger, head):
    """A replica that holds everything up to head, and who asks it."""
    query = start(p, "query", directory, ledger.endpoint)
    asking = Asking(query.endpoint)
    asking.ask("get", {"seq": head, "min_seq": head})
    return query, asking


def compare(p, words, asking, golden, also_moving=True):
    for name, fields, wanted in golden:
        if also_moving or name not in MOVING:
            p.check(asking.ask(name, fields) == wanted, "%s: another answer to %s %s", words, name,
                    fields)
            p.count("answers_compared")
    p.say("%s: the same bytes", words)


def unpack(path, directory):
    """The golden store as a ledger's directory."""
    os.makedirs(os.path.join(directory, "ledger"), mode=0o700)
    os.chmod(directory, 0o700)
    with gzip.open(path) as f, open(os.path.join(directory, "ledger", "data.mdb"), "wb") as out:
        shutil.copyfileobj(f, out)


def release(p, name):
    """The golden files of one release against this build."""
    folder, base = os.path.join(GOLDEN, name), os.path.join(p.dir, name)
    os.makedirs(base)
    unpack(os.path.join(folder, "store.gz"), base + "/a")
    with gzip.open(os.path.join(folder, "answers.gz")) as f:
        golden = msgpack.unpackb(f.read())
    ledger = start(p, "ledger", base + "/a")
    head = wire.Asker(zmq.Context(), ledger.endpoint).ask("hello")["head"]
    query, asking = replica(p, base + "/b", ledger, head)
    compare(p, "%s, a new replica" % name, asking, golden)
    query.kill()
    for _ in range(p.size(2, 20, 100)): # killed while it is built
        shutil.rmtree(base + "/b")
        query.launch()
        time.sleep(p.random.random() * 0.1)
        query.kill()
        p.count("kills_while_built")
    p.check(query.start(), "query does not start: %s", query.said())
    asking.ask("get", {"seq": head, "min_seq": head})
    compare(p, "%s, built anew through kills" % name, asking, golden)
    _, other = replica(p, base + "/c", ledger, head)
    compare(p, "%s, another replica" % name, other, golden)
    publish = wire.Asker(zmq.Context(), ledger.endpoint)
    publish.ask("publish", events=[history.event_of(p.random.randbytes(16)) for _ in range(100)])
    other.ask("get", {"seq": head + 100, "min_seq": head + 100})
    compare(p, "%s, after more was published" % name, other, golden, also_moving=False)
    try: # planted: an answer that is not pinned, and so has the news in it
        unpinned = [(n, {**fields, "clocks": {}}, wanted) for n, fields, wanted in golden
                    if n == "deals"]
        compare(p, "control", other, unpinned)
    except proof.Broken as e:
        p.say("negative control, a question that is not pinned: caught (%.70s)", e)
        p.count("control_unpinned_caught")
    else:
        raise proof.Broken("negative control, a question that is not pinned: not caught")
    p.count("releases")
    world.end_all()


def body(p):
    p.at_end.append(world.end_all)
    releases = sorted(n for n in os.listdir(GOLDEN) if os.path.isdir(os.path.join(GOLDEN, n)))
    p.check(version() in releases, "there is no golden store of this version, %s", version())
    for name in releases:
        release(p, name)


def make():
    """The store and the answers of this version."""
    folder = os.path.join(GOLDEN, version())
    base = "/tmp/avow-golden-%d" % os.getpid()

    class Loose: # what world and replica need of a proof
        @staticmethod
        def check(good, text, *args):
            if not good:
                sys.exit(text % args)

    ledger, ingest = start(Loose, "ledger", base), start(Loose, "ingest", base)
    os.makedirs(folder, exist_ok=True)
    try:
        world.subprocess.run([proof.built("avow"), "publish", "--dir", base, DEALS_FILE], check=True)
        ingest.stop()
        entries, _ = wire.read_all(wire.Asker(zmq.Context(), ledger.endpoint))
        _, asking = replica(Loose, base + "/query", ledger, len(entries))
        answers = [(name, fields, asking.ask(name, fields)) for name, fields in questions(entries)]
        ledger.stop()
        write(os.path.join(folder, "answers.gz"), msgpack.packb(answers))
        with open(os.path.join(base, "ledger", "data.mdb"), "rb") as f:
            write(os.path.join(folder, "store.gz"), f.read())
        print("%d events, %d answers" % (len(entries), len(answers)))
    finally:
        world.end_all()
        shutil.rmtree(base, ignore_errors=True)


def write(path, data):
    with open(path, "wb") as f:
        f.write(gzip.compress(data, 9, mtime=0))


if __name__ == "__main__":
    if sys.argv[1:] == ["--make"]:
        make()
    else:
        proof.Proof("P20", "repeatable answers: golden stores of each release").run(body)
