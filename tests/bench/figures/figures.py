#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What a question about figures costs, beside the same question in SQL; see README.md.

    tools/bench figures [--events N] [--seed N] [--json FILE] [--rounds N] [--no-postgres]
"""
import argparse
import datetime
import json
import os
import platform
import random
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))

import avowtest
import postgres

FIRST = datetime.date(2020, 1, 1)
DAYS = 1826
PINNED = DAYS - 3 * 365 # three years before the end
RATES = 300
CATCH_UP = 1800.0 # seconds
SAMPLE = 0.005    # seconds between two looks at a service's memory
LOOK = 0.25       # seconds between two looks at what it has in reach, which grows each 20 ms
STAYS = 8         # looks without growth: all is in reach that will be


def say(text):
    print(text, file=sys.stderr, flush=True)


def at(values, share):
    """The value below which this share of them is."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def day(number):
    return (FIRST + datetime.timedelta(days=number)).isoformat()


class Memory:
    """The most anonymous memory that a process had while the `with` lasted, in KiB."""

    def __init__(self, process):
        self.process, self.most, self.over = process, 0, threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def look(self):
        while not self.over.wait(SAMPLE):
            self.most = max(self.most, self.process.memory())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.most = max(self.most, self.process.memory())


class World:
    """Services of their own, filled with events."""

    def __init__(self, programs, seed, events, deals, parties, mogul):
        self.programs, self.events, self.deals = programs, events, deals
        self.avow = avowtest.Avow("ledger", "ingest", "query")
        self.rows = os.path.join(self.avow.dir, "rows")
        self.size = [str(n) for n in (seed, events, deals, parties, mogul)]

    def __enter__(self):
        self.avow.__enter__()
        try:
            self.fill()
        except BaseException:
            self.avow.close()
            raise
        return self

    def __exit__(self, *_):
        self.avow.close()

    def program(self, name):
        return os.path.join(self.programs, "figures_" + name)

    def fill(self):
        begin = time.monotonic()
        done = subprocess.run([self.program("fill"), self.avow.endpoint("ingest"), self.rows,
                               *self.size], stdout=subprocess.PIPE, text=True, check=True)
        count, self.bytes, self.publish_us = [int(n) for n in done.stdout.split()]
        assert count == self.events
        avowtest.wait_until(lambda: self.status()["head"] == self.events,
                            "query has all events", CATCH_UP, 0.05)
        self.followed_us = int((time.monotonic() - begin) * 1e6)

    def status(self):
        return self.avow.ask("query", "status")

    def counters(self):
        return {c["name"]: c["value"] for c in self.status()["counters"]}

    def warm(self):
        """Wait for what query does by itself in idle moments: bring its file into reach."""
        begin, before, stays = time.monotonic(), -1, 0
        while stays < STAYS:
            self.reach = self.counters()
            stays = stays + 1 if self.reach["in_reach_bytes"] == before else 0
            before = self.reach["in_reach_bytes"]
            time.sleep(LOOK)
        say("query had %d of %d MB in reach %.1f s after the last event" % (
            before / 1e6, self.reach["file_bytes"] / 1e6, time.monotonic() - begin))

    def ask(self, questions):
        """[(microseconds inside, microseconds from send to answer, bytes)]"""
        done = subprocess.run([self.program("ask"), self.avow.endpoint("query")], text=True,
                              input="".join("%s %s\n" % (m, json.dumps(q)) for m, q in questions),
                              stdout=subprocess.PIPE, check=True)
        answers = [line.split() for line in done.stdout.splitlines()]
        for answer in answers:
            if not answer[0].isdigit():
                raise RuntimeError(" ".join(answer))
        return [tuple(int(n) for n in answer) for answer in answers]

    def sizes(self):
        """Bytes on disk: the ledger's log; the replica; its copy of the log."""
        def of(service):
            st = os.stat(os.path.join(self.avow.dir, service, "data.mdb"))
            return st.st_blocks * 512
        return {"log": of("ledger"), "replica": of("query"), "copy": self.counters()["log_bytes"]}


class Report:
    def __init__(self):
        self.rows, self.goals = [], []

    def goal(self, name, value, goal, form):
        self.goals.append((name, form % value, form % goal, value < goal))

    def add(self, name, avow, goal_us=None, shares=("p50", "p99")):
        """Measured times; those at `shares` are to be below the goal."""
        inside, trip, _ = zip(*avow)
        row = {"question": name, "n": len(avow), "inside_p50_us": at(inside, .5),
               "inside_p99_us": at(inside, .99), "inside_max_us": max(inside),
               "trip_p50_us": at(trip, .5), "trip_p99_us": at(trip, .99), "goal_us": goal_us}
        for share in shares if goal_us else ():
            self.goal("%s, ms %s" % (name, share), row["inside_%s_us" % share] / 1000,
                      goal_us / 1000, "%.3f")
        self.rows.append(row)
        return row

    def compare(self, name, sql):
        """What the same question took in SQL."""
        row = next(r for r in self.rows if r["question"] == name)
        row["postgres_p50_us"], row["postgres_p99_us"] = at(sql, .5), at(sql, .99)
        row["ratio_p50"] = round(row["postgres_p50_us"] / max(1, row["trip_p50_us"]), 1)
        row["ratio_p99"] = round(row["postgres_p99_us"] / max(1, row["trip_p99_us"]), 1)

    def print(self):
        def ms(us):
            return "-" if us is None else "%.3f" % (us / 1000)
        print("%-38s %5s %9s %9s %9s %8s %9s %9s %9s %9s %7s" % (
            "question (milliseconds)", "n", "inside50", "inside99", "max", "goal",
            "trip50", "trip99", "sql50", "sql99", "ratio50"))
        for r in self.rows:
            print("%-38s %5d %9s %9s %9s %8s %9s %9s %9s %9s %7s" % (
                r["question"], r["n"], ms(r["inside_p50_us"]), ms(r["inside_p99_us"]),
                ms(r["inside_max_us"]), ms(r["goal_us"]), ms(r["trip_p50_us"]),
                ms(r["trip_p99_us"]), ms(r.get("postgres_p50_us")),
                ms(r.get("postgres_p99_us")), r.get("ratio_p50", "-")))
        print()
        print("%-46s %12s %10s" % ("goal", "measured", "below"))
        for name, value, goal, met in self.goals:
            print("%-46s %12s %10s  %s" % (name, value, goal, "met" if met else "MISSED"))


def script(name):
    return os.path.join(HERE, "sql", name + ".sql")


DEAL, PARTY = "one deal, any day", "a party and its deals"
LEAGUE, PINNED_LEAGUE = "league over everything", "the same three years back"


def pinned_seq(world):
    return int(world.events * PINNED / DAYS) + 1


def measure(world, report, rounds, seed):
    chance = random.Random(seed)

    def as_of():
        return {"as_of": day(chance.randrange(DAYS))}

    def any_deal(clocks):
        return "deal_figure", {"deal": "deal-%06d" % chance.randint(1, world.deals),
                               "clocks": clocks}

    def near():
        return {"as_of": day(PINNED + chance.randint(-30, 30)), "at_seq": pinned_seq(world)}

    league = ("league", {"rung": "committed"})
    party = ("party_figure", {"party": "mogul"})
    # a service that has run for a while; what its first questions cost stands in rows without a goal
    world.ask([any_deal(as_of()) for _ in range(20 * rounds)])
    report.add("the first question for the party", world.ask([party]))
    report.add("the first league", world.ask([league]))
    report.add(DEAL, world.ask([any_deal(as_of()) for _ in range(20 * rounds)]), 300, ("p99",))
    report.add(PARTY, world.ask([party] * (4 * rounds)), 5000)
    report.add("the same, any day", world.ask([(party[0], {**party[1], "clocks": as_of()})
                                               for _ in range(4 * rounds)]), 5000)
    few = max(3, rounds // 5)
    now = report.add(LEAGUE, world.ask([league] * few), 300000)
    then = report.add(PINNED_LEAGUE, world.ask(
        [(league[0], {**league[1], "clocks": near()}) for _ in range(few)]), 900000)
    then["times_now_p50"] = round(then["inside_p50_us"] / max(1, now["inside_p50_us"]), 2)


def measure_sql(world, pg, report, rounds):
    few = max(3, rounds // 5)
    for name, query, count in ((DEAL, "deal", 20 * rounds), (PARTY, "party", rounds),
                               (LEAGUE, "league", few), (PINNED_LEAGUE, "pinned", few)):
        report.compare(name, pg.time(script(query), count, deals=world.deals, head=world.events,
                                     pinned_day=PINNED, pinned_seq=pinned_seq(world)))


def measure_giant(world, report, rounds, seed):
    chance = random.Random(seed)
    questions = [("deal_figure", {"deal": "deal-000001",
                                  "clocks": {"as_of": day(chance.randrange(DAYS))}})
                 for _ in range(rounds)]
    report.add("the first question for it", world.ask(questions[:1]))
    name = "a deal of %d statements, any day" % (world.events - 1 - 200 - RATES)
    report.add(name, world.ask(questions), 100000)
    return name


def machine(pg):
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if "model name" in l), "")
    return {"kernel": platform.release(), "processor": model, "processors": os.cpu_count(),
            "postgres": pg.version() if pg else None}


def loaded(pg, rows):
    pg.sql("-c", "DROP TABLE IF EXISTS event")
    pg.load(script("schema"), script("indexes"), rows)


def main():
    p = argparse.ArgumentParser(prog="tools/bench figures", description=__doc__)
    p.add_argument("--events", type=int, default=1000000, help="20,000 at least")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--rounds", type=int, default=100, help="questions of each kind, about")
    p.add_argument("--json", metavar="FILE", help="write all numbers there")
    p.add_argument("--no-postgres", action="store_true")
    p.add_argument("--programs", default=os.environ.get("BENCH_PROGRAMS"),
                   help="where figures_fill and figures_ask are")
    args = p.parse_args()
    if args.events < 20000:
        p.error("a world has at least 20,000 events")
    deals, parties = args.events // 20, args.events // 50
    report, result, pg = Report(), {}, None
    if not args.no_postgres and not postgres.there():
        say("PostgreSQL 15 is not installed: without it there is nothing to compare with")
    elif not args.no_postgres:
        pg = postgres.Postgres().__enter__()
    try:
        say("publishing %d events over %d deals and %d parties" % (args.events, deals, parties))
        with World(args.programs, args.seed, args.events, deals, parties,
                   min(1000, deals // 10)) as world:
            world.warm()
            say("asking")
            with Memory(world.avow.processes["query"]) as memory:
                measure(world, report, args.rounds, args.seed)
            if pg:
                loaded(pg, world.rows)
                measure_sql(world, pg, report, args.rounds)
            result.update(machine(pg), events=args.events, event_bytes=world.bytes,
                          publish_per_s=int(args.events * 1e6 / world.publish_us),
                          followed_per_s=int(args.events * 1e6 / world.followed_us),
                          query_kib=memory.most, **world.sizes())
            result.update((k, world.reach[k]) for k in ("in_reach_bytes", "file_bytes"))
        statements = args.events * 2 // 5
        say("publishing one deal of %d statements" % statements)
        with World(args.programs, args.seed, statements + 1 + 200 + RATES, 1, 200, 0) as world:
            world.warm()
            say("asking")
            rounds = max(3, args.rounds // 2)
            with Memory(world.avow.processes["query"]) as memory:
                name = measure_giant(world, report, rounds, args.seed)
            if pg:
                loaded(pg, world.rows)
                report.compare(name, pg.time(script("deal"), rounds, deals=1, head=world.events))
            result["query_giant_kib"] = memory.most
    finally:
        if pg:
            pg.close()
    tell(report, result, args.json)


def tell(report, result, path):
    index = result["replica"] - result["copy"]
    print("%s, kernel %s, %d × %s, PostgreSQL %s" % (
        platform.machine(), result["kernel"], result["processors"], result["processor"],
        result["postgres"] or "not compared"))
    print("%d events of %d bytes on average; published at %d a second, followed at %d a second" % (
        result["events"], result["event_bytes"] // result["events"], result["publish_per_s"],
        result["followed_per_s"]))
    print("asked when query had %.0f of its file's %.0f MB in reach, as it does by itself in idle moments" % (
        result["in_reach_bytes"] / 1e6, result["file_bytes"] / 1e6))
    print()
    then = next(r for r in report.rows if "times_now_p50" in r)
    report.goal("three years back, times as much as now", then["times_now_p50"], 3, "%.2f")
    report.goal("query's anonymous memory, MiB", result["query_kib"] / 1024, 256, "%.1f")
    report.goal("the same with the large deal, MiB", result["query_giant_kib"] / 1024, 256, "%.1f")
    report.goal("index, times the log (%.1f MB, %.1f MB)" % (index / 1e6, result["log"] / 1e6),
                index / result["log"], 1.5, "%.2f")
    report.print()
    if path:
        with open(path, "w") as f:
            json.dump({**result, "index": index, "questions": report.rows}, f, indent=1)


if __name__ == "__main__":
    main()
