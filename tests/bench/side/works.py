# SPDX-License-Identifier: Apache-2.0
"""
The work: each function does one kind with every peer in turn, round by round, so that whatever else
the machine is doing falls on all alike.
"""
import contextlib
import csv
import os
import random
import shutil
import subprocess
import sys
import time

import avowtest
import peers
import report

READ_EVENTS = 4000  # in one answer of a catch-up
READ_FLIGHT = 2     # reads in flight of a catch-up
FILL = (4, 1, 1000) # connections, in flight, batch
PEER_SIZE_EVENTS = 200000 # to see how many bytes a peer takes for each

# name, connections (0: the many), in flight on each, events in a request
FORMS = [
    ("1 publisher", 1, 1, 1),
    ("50 publishers", 50, 1, 1),
    ("the many publishers", 0, 1, 1),
    ("batches of 100", 1, 1, 100),
    ("batches of 1,000", 1, 1, 1000),
    ("batches of 100, pipelined", 1, 4, 100),
    ("batches of 1,000, pipelined", 1, 4, 1000),
    ("5,000 in flight, requests of 1,000", 5, 1, 1000),
    ("5,000 in flight, requests of 1", 50, 100, 1),
]
# goals of a form: the least ratio to each peer
GOALS = {
    "50 publishers": {"redis": 1.5},
    "5,000 in flight, requests of 1,000": {"redis": 1.2, "nats": 2, "postgres": 3},
    "5,000 in flight, requests of 1": {"redis": 1.2, "nats": 2},
}
LMDB_GOAL = 0.5


def turned(things, round_number):
    """The same in another order each round, the same order in each run: nobody always comes after the same."""
    return random.Random(round_number).sample(things, len(things))


EVENT_DISK = 1500 # bytes on disk for an event in log, replica and index, with room to spare


class World:
    """A ledger that grows, for the works that need a large one; filled when first asked for."""

    def __init__(self, run):
        self.run, self.avow, self.postgres = run, None, None
        self.head = self.event_bytes = 0
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def at(self, events):
        """At least so many events in Avow, and query holds them."""
        room = shutil.disk_usage(self.run.folder).free
        if (events - self.head) * EVENT_DISK > room:
            raise SystemExit("%d events need about %d GB of disk in %s: give --dir, or --events" % (
                events, events * EVENT_DISK // 10**9, self.run.folder))
        if not self.avow:
            self.avow = self.stack.enter_context(peers.Avow())
        if self.head < events:
            result = self.run.load("avow.publish", self.avow.address, *FILL,
                                   events=events - self.head, first=self.head)
            self.event_bytes = result["event_bytes"]
            self.head += result["events"]
        self.avow.await_query(self.head)
        return self.avow

    def publish(self, **more):
        """A load that adds to it."""
        result = self.run.load("avow.publish", self.avow.address, 5, 1, 1000, first=self.head, **more)
        self.head += result["events"]
        return result

    def beside(self, events):
        """The same number in PostgreSQL, settled; None where it is not installed."""
        if not self.postgres and peers.Postgres in self.run.peers:
            self.postgres = self.stack.enter_context(peers.Postgres())
            self.run.load("postgres.publish", self.postgres.address, *FILL, events=events)
            self.postgres.settled()
        return self.postgres


# ---- publish ----

def limits(run, event_bytes, batch, group, kept):
    """The machine's own pace with the same bytes: one write and sync, and one transaction of LMDB, of as
    many events as Avow's log commits had; and LMDB with those of one request."""
    kept.setdefault("fdatasync", []).append(rows(run.program(
        "limits", "sync", os.path.join(run.folder, "sync"), event_bytes * group, run.ms // 2), group))
    for name, events in ((LMDB_GROUP, group), (LMDB_BATCH, batch)):
        if name == LMDB_GROUP or batch > 1:
            kept.setdefault(name, []).append(rows(run.program(
                "limits", "lmdb", os.path.join(run.folder, "lmdb"), event_bytes, events, run.ms // 2), 1))


def rows(result, each):
    return {**result, "events": result["rows"] * each}


def bare(run, server, connections=1, in_flight=1, batch=1):
    """A load of ZeroMQ alone, or of ZeroMQ and LMDB alone."""
    return run.load("echo", server.address, connections, in_flight, batch, ms=max(50, run.ms // 2))


LMDB_BATCH = "LMDB, the same batch" # as many rows a transaction as a request has events
LMDB_GROUP = "LMDB, as a log commit" # as many as Avow put into one, of all that came together
KEEP = "ZeroMQ, SHA-256, LMDB" # see zeromq.c: nobody who keeps events so can be quicker than this


def publish(run, _):
    medians, kept = {}, {}
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(p()) for p in [peers.Writers, peers.Followed, peers.Apart, *run.peers]]
        echo = stack.enter_context(peers.Bare(run.programs))
        size = run.load("echo", echo.address, events=1)["event_bytes"]
        keep = stack.enter_context(peers.Bare(run.programs, os.path.join(run.folder, "keep"), size))
        first = 0
        for r in range(run.rounds):
            for form in FORMS[::run.form_step]:
                here = kept.setdefault(form[0], {"group": []})
                first = publish_round(run, r, form[1:], servers, first, here)
                load = (form[1] or run.many, *form[2:])
                here.setdefault(KEEP, []).append(bare(run, keep, *load))
                if load[2] == 1:
                    here.setdefault("ZeroMQ echo", []).append(bare(run, echo, *load))
    copies = run.program("limits", "memcpy", size, max(50, run.ms // 2))
    run.report.note("published events have %d bytes; memcpy of so many: %.1f million a second" % (
        size, copies["rows"] / copies["elapsed_us"]))
    for form, here in kept.items():
        group = here.pop("group")
        medians[form] = {who: run.report.number("publish", form, who, results)
                         for who, results in here.items()}
        medians[form]["group"] = report.median(group)
    judge_publish(run, medians)


def publish_round(run, round_number, load, servers, first, here):
    """Each server once, then the machine."""
    connections, in_flight, batch = load
    connections = connections or run.many
    for server in turned(servers, round_number):
        before = server.counters("ledger") if server.name == "avow" else None
        result = run.load_peer(server, server.speaks + ".publish", server.address, connections,
                               in_flight, batch, first=first)
        first += result["events"]
        here.setdefault(server.name, []).append(result)
        if before:
            after = server.counters("ledger")
            here["group"].append(result["events"] / (after["log_commits"] - before["log_commits"]))
    limits(run, result["event_bytes"], batch, max(1, round(here["group"][-1])), here)
    return first


def judge_publish(run, medians):
    for form, of in medians.items():
        avow, least = of["avow"]["per_s"], (of[KEEP]["per_s"], KEEP)
        for who, limit in GOALS.get(form, {}).items():
            if who in of:
                run.report.goal("publish, " + form, who, avow, of[who]["per_s"], limit, least=least,
                                extra="with query following %.2f" % (
                                    of["avow, query follows"]["per_s"] / of[who]["per_s"]))
        judge_lmdb(run, form, of, least)
    one = medians[FORMS[0][0]]
    run.report.goal("publish, 1 publisher: latency", "fdatasync + 2 ZeroMQ echoes", one["avow"]["p50_us"],
                    one["fdatasync"]["p50_us"] + 2 * one["ZeroMQ echo"]["p50_us"], 1.5, "us",
                    at_least=False, least=(one[KEEP]["p50_us"], KEEP))


def judge_lmdb(run, form, of, least):
    """Beside the same batch; where a request is one event, beside what came together of all publishers."""
    avow, group = of["avow"]["per_s"], of[LMDB_GROUP]["per_s"]
    extra = "%.0f events a log commit" % of["group"]
    if LMDB_BATCH in of:
        extra += "; beside LMDB with as many %.2f, the limit here %.2f" % (avow / group, least[0] / group)
    beside = LMDB_BATCH if LMDB_BATCH in of else LMDB_GROUP
    run.report.goal("publish, " + form, beside, avow, of[beside]["per_s"], LMDB_GOAL, least=least,
                    extra=extra)


# ---- latency ----

GAP_US = 2000 # between an event and the next one: everybody has come to rest

# what the time from publish to watcher is made of at the least: syncs, ZeroMQ echoes. The goal knows one
# sync; the ledger's LMDB and the replica's sync twice each
GOAL_LEAST, LEAST = (1, 2), (4, 2)


def latency(run, _):
    got, beside = [], {parts: [] for parts in (GOAL_LEAST, LEAST)}
    path = os.path.join(run.folder, "least")
    with peers.Followed() as avow, peers.Bare(run.programs) as echo:
        for _r in range(run.rounds):
            got.append(run.program("watch", "latency", avow.address, avow.at("query"), run.gaps, GAP_US))
            for parts, results in beside.items():
                results.append(run.program("watch", "least", echo.address, path, *parts, run.gaps, GAP_US))

    def middle(results, name):
        return report.median([r[name] for r in results])
    run.report.goal("publish to watcher, idle: p99", "fdatasync + 2 ZeroMQ echoes, p50",
                    middle(got, "p99_us"), middle(beside[GOAL_LEAST], "p50_us"), 3, "us", at_least=False,
                    least=(middle(beside[LEAST], "p99_us"),
                           "4 fdatasyncs, two in each LMDB, + 2 ZeroMQ echoes, p99"),
                    extra="its p50 %.0f µs, to the receipt %.0f µs; the sum's p99 %.0f µs" % (
                        middle(got, "p50_us"), middle(got, "receipt_p50_us"),
                        middle(beside[GOAL_LEAST], "p99_us")))


# ---- fan-out ----

class Watchers:
    """So many readers that wait at the head, in one process; ends with its stdin."""

    def __init__(self, run, address, count):
        self.process = subprocess.Popen([run.path("watch"), "many", address, str(count)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline().strip() != "ready":
            raise RuntimeError("watchers did not begin")
        self.before, self.begin = self.cpu(), time.monotonic()

    def cpu(self):
        return peers.cpu_seconds([self.process.pid])

    def share(self):
        """Of all processors, since they were ready."""
        return (self.cpu() - self.before) / (time.monotonic() - self.begin) / os.cpu_count()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def watchers_gone(run, avow, first):
    """The service finds out by the next event who waits no more; the next event's number."""
    def waiting():
        return avow.counters("query")["readers_waiting"]
    if waiting():
        first += run.load("avow.publish", avow.address, events=1, first=first)["events"]
        avowtest.wait_until(lambda: not waiting(), "watchers are gone")
    return first


def fanout(run, _):
    alone, with_them, memory, shares = [], {n: [] for n in run.watchers}, {}, {}
    with peers.Avow() as avow:
        ledger = avow.processes["ledger"].pid
        first = 0
        for _r in range(run.rounds):
            for count in (0, *run.watchers):
                with Watchers(run, avow.at("query"), count) as watchers:
                    result = run.load("avow.publish", avow.address, 50, first=first)
                    first += result["events"]
                    memory.setdefault(count, []).append(peers.memory_kib(ledger))
                    shares.setdefault(count, []).append(watchers.share())
                (with_them[count] if count else alone).append(result)
                avow.await_query(first)
                first = watchers_gone(run, avow, first)
    base = run.report.number("fan-out", "50 publishers", "no watcher", alone)
    for count in run.watchers:
        watched = run.report.number("fan-out", "50 publishers", "%d watchers" % count, with_them[count])
        run.report.goal("publish with %d watchers" % count, "without", watched["per_s"], base["per_s"],
                        0.8, extra="ledger %d KiB, alone %d KiB; the watchers took %.0f %% of the "
                        "processors" % (max(memory[count]), max(memory[0]),
                                        100 * report.median(shares[count])))


# ---- the large ledger: query, catch-up, growth, start, size ----

def query(run, world):
    avow, postgres = world.at(run.first), world.beside(run.first)
    avow.await_reach()
    kept = {}
    with peers.Bare(run.programs) as one:
        for r in range(run.rounds):
            for connections in (1, 16):
                for work in ("get", "as_of"):
                    here = kept.setdefault((work, connections), {})
                    who = [("avow", avow.at("query"))]
                    who += [("postgres", postgres.address)] if postgres else []
                    for name, address in turned(who, r):
                        here.setdefault(name, []).append(run.load(
                            "%s.%s" % (name, work), address, connections, head=run.first))
                    here.setdefault("ZeroMQ echo", []).append(bare(run, one, connections))
    names = {"get": "point query", "as_of": "as-of query"}
    for (work, connections), here in kept.items():
        form = "%s, %d asking" % (names[work], connections)
        of = {who: run.report.number("query", form, who, results) for who, results in here.items()}
        if connections == 1:
            run.report.goal(form + ": p99", "ZeroMQ echo: p99", of["avow"]["p99_us"],
                            of["ZeroMQ echo"]["p99_us"], 2, "us", at_least=False)
        if postgres:
            run.report.goal(form, "postgres", of["avow"]["per_s"], of["postgres"]["per_s"], 5,
                            least=(of["ZeroMQ echo"]["per_s"], "ZeroMQ echo"))


def catch_up(run, world, events):
    events -= events % READ_EVENTS
    one_way, got = [], []
    for _r in range(max(1, min(3, run.rounds))):
        got.append(run.program("watch", "catchup", world.avow.at("query"), READ_EVENTS, READ_FLIGHT,
                               events))
        raw = run.program("zeromq", "oneway", world.event_bytes, run.ms)
        one_way.append({"events": raw["messages"], "elapsed_us": raw["elapsed_us"]})
    form = "{:,} events".format(events)
    avow = run.report.number("catch-up", form, "avow", got)
    raw = run.report.number("catch-up", form, "ZeroMQ, one way", one_way)
    extra = "a million a second: " + ("yes" if avow["per_s"] >= 1e6 else "no")
    run.report.goal("catch-up, " + form, "ZeroMQ, one way", avow["per_s"], raw["per_s"], 0.5,
                    extra=extra)


def catchup(run, world):
    world.at(run.last)
    catch_up(run, world, run.first)
    catch_up(run, world, run.last)


class Grown:
    """What publishing and asking came to at one size, and the machine beside it, as full as it was then."""

    def __init__(self, run, world, events):
        self.form = "at {:,} events".format(events)
        published, asked, appended, read = [], [], [], []
        avow = world.at(events)
        avow.await_reach()
        for _r in range(run.rounds):
            published.append(world.publish())
            avow.await_query(world.head)
            avow.await_reach()
            appended.append(rows(run.program("limits", "lmdb", os.path.join(run.folder, "grown"),
                                             world.event_bytes, GROWTH_BATCH, run.ms), 1))
            asked.append(run.load("avow.as_of", avow.at("query"), head=events))
            read.append(rows(run.program("limits", "page", avow.data("query"), run.ms), 1))
        self.bytes = sum(avow.sizes().values())
        shutil.rmtree(os.path.join(run.folder, "grown"))
        self.publish, self.as_of, self.lmdb, self.page = [
            run.report.number("growth", self.form, who, results) for who, results in (
                ("avow publish", published), ("avow as-of", asked), ("LMDB, the same batch", appended),
                ("a page from the disk", read))]


GROWTH_BATCH = 5000 # events in flight of World.publish


def growth(run, world):
    """The rate and a question at the first size and at the last, nothing else in between. LMDB keeps so
    much of its pace; and where the stores are larger than the memory, a question that needs a single page
    from the disk takes so much longer."""
    young, old = [Grown(run, world, events) for events in (run.first, run.last)]
    kept = old.lmdb["per_s"] / young.lmdb["per_s"]
    run.report.goal("publish " + old.form, young.form, old.publish["per_s"], young.publish["per_s"], 0.8,
                    least=(kept * young.publish["per_s"], "what LMDB alone keeps of its own pace"))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    one_page = (young.as_of["p50_us"] + old.page["p50_us"], "and one page of the replica from the disk")
    run.report.goal("as-of query " + old.form + ": p50", young.form, old.as_of["p50_us"],
                    young.as_of["p50_us"], 1.25, "us", at_least=False,
                    least=one_page if old.bytes > memory else None,
                    extra="the stores have %.1f GB, the machine %.1f GB of memory" % (
                        old.bytes / 1e9, memory / 1e9))


def forget(folder):
    """Whatever of these files is in memory goes, so that a start reads the disk."""
    for path, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".mdb"):
                fd = os.open(os.path.join(path, name), os.O_RDONLY)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)


def start(run, world):
    avow = world.at(run.last)
    waits, serving = [], []
    for _r in range(run.starts):
        for client in avow.clients.values():
            client.close()
        avow.clients = {}
        for name in ("query", "ingest", "ledger"):
            avow.stop(name)
        forget(avow.dir)
        begin = time.monotonic()
        for name in avow.services:
            avow.start(name, wait=False)
        for name in avow.services:
            avow.wait_ready(name)
        waits.append(time.monotonic() - begin)
        seq = avow.publish(avowtest.event())["receipts"][0]["first"]
        avow.ask("query", "get", seq=seq, min_seq=seq)
        serving.append(time.monotonic() - begin)
        world.head = seq
    run.report.goal("cold start, {:,} events".format(run.last), "half a second", report.median(serving), 0.5, 1,
                    "s", at_least=False, extra="all three ready after %.2f s; then one event published "
                    "and read back" % report.median(waits))


def size(run, world):
    avow = world.at(run.last)
    payload = world.head * world.event_bytes
    of = avow.sizes()
    run.report.goal("size on disk: log", "payload", of["log"] / world.head, world.event_bytes, 1.25,
                    " bytes", at_least=False)
    run.report.goal("size on disk: log, replica, index", "payload", sum(of.values()) / world.head,
                    world.event_bytes, 3.5, " bytes", at_least=False,
                    extra="log %.2f, replica %.2f, index %.2f" % tuple(
                        of[n] / payload for n in ("log", "replica", "index")))
    count = min(run.first, PEER_SIZE_EVENTS)
    for peer in run.peers:
        with peer() as p:
            before = p.disk()
            run.load(p.name + ".publish", p.address, *FILL, events=count)
            run.report.note("size on disk, %s: %.2f of the payload" % (
                p.name, (p.disk() - before) / count / world.event_bytes))


# ---- import ----

MAP = """[map]
name = side
tag = side
duplicates = reject
[columns]
deal = required
payer = required
day = required date
amount = decimal
[defaults]
source.publisher = Example Wire
[event statement]
kind = announce
grade = press
deal = {deal}
from = {payer}
to = payee-of-all
stated = {day}
amount = {amount} USD
"""


def make_rows(path, count):
    with open(path, "w", newline="") as f:
        w = csv.writer(f)
        w.writerow(("deal", "payer", "day", "amount"))
        for n in range(count):
            w.writerow(("deal-%06d" % (n % (count // 20)), "payer-%03d" % (n % 500),
                        "2020-%02d-%02d" % (n % 12 + 1, n % 28 + 1), 1000000 + n))


def import_(run, _):
    path, map_path = (os.path.join(run.folder, name) for name in ("rows.csv", "side.map"))
    make_rows(path, run.rows)
    with open(map_path, "w") as f:
        f.write(MAP)
    got, copied = [], []
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(peers.Postgres()) if peers.Postgres in run.peers else None
        for _r in range(min(3, run.rounds)):
            with peers.Avow() as avow:
                begin = time.monotonic()
                avow.cli("import", path, "--map", map_path, timeout=3600, check=0)
                got.append(taken(run.rows, begin))
                assert avow.head("ledger") == run.rows
            if postgres:
                begin = time.monotonic()
                copy_rows(postgres, path)
                copied.append(taken(run.rows, begin))
    form = "{:,} rows of CSV".format(run.rows)
    avow = run.report.number("import", form, "avow", got)
    if postgres:
        other = run.report.number("import", form, "postgres, COPY", copied)
        run.report.note("import of CSV: %.2f of PostgreSQL's COPY, which checks types only, in one "
                        "transaction" % (avow["per_s"] / other["per_s"]))


def taken(count, begin):
    return {"events": count, "elapsed_us": (time.monotonic() - begin) * 1e6}


def copy_rows(postgres, path):
    postgres.sql("-c", "CREATE TABLE IF NOT EXISTS row_of_csv (seq bigserial PRIMARY KEY, deal text, "
                 "payer text, day date, amount numeric)", "-c",
                 "CREATE INDEX IF NOT EXISTS row_deal ON row_of_csv (deal, day)")
    with open(path, "rb") as f:
        subprocess.run([*postgres.as_user, os.path.join(peers.postgres.PLACES, "psql"), "-h",
                        postgres.dir, "-U", "bench", "-d", "postgres", "-X", "-q", "-c",
                        "COPY row_of_csv (deal, payer, day, amount) FROM STDIN (FORMAT csv, HEADER)"],
                       stdin=f, check=True, cwd=postgres.dir)


# ---- figures ----

def figures(run, _):
    """What questions about figures cost beside SQL: the other benchmark of this folder, as it is."""
    events, rounds = run.figures
    program = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "figures",
                           "figures.py")
    done = subprocess.run([sys.executable, program, "--events", str(events), "--rounds", str(rounds),
                           "--programs", run.programs], text=True, stdout=subprocess.PIPE, check=True)
    run.report.text(done.stdout)


# in this order: what needs the small ledger comes before it grows
ALL = {"publish": publish, "latency": latency, "fanout": fanout, "query": query, "growth": growth,
       "catchup": catchup, "start": start, "size": size, "import": import_,
       "figures": figures}
