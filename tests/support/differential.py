#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The plain model against the product through the protocol: random sets of events are published to
real services, and every question is answered as the model answers it.

    differential.py --sets 5000 --seed 1

prints its seed and its counts; the same seed gives the same sets and questions. The client knows
nothing but the protocol. A world is one set of services over an empty ledger. Most sets share a
world, each with names of its own: questions about one of them then touch no other, but for rates,
which the model is given too, and answers about everything, of which each set looks at its own part.
Each ALONE_EVERY-th set has a world to itself, where leagues of everybody and missing rates are
asked for as well.

A machine with much else to do answers late, or that it is busy: then the question is put again, which
is counted, and given up after TRIES_MAX times.
"""
import argparse
import json
import os
import random
import sys
import time

import msgpack

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE, os.path.join(os.path.dirname(HERE), "model")]

import asking
import avow_model
import avowtest
import generate

EVENTS_MAX = 120
QUESTIONS = 40
WORLD_SETS = 20
ALONE_EVERY = 20
BATCH_MAX = 40
AGAIN = 8 # questions of each set that are asked again when the world holds all its sets
TRIES_MAX = 20
TTL_MS = 600000 # of a request: as long as a service allows
PUT_OFF = {"BUSY", "DEADLINE"} # what says nothing about the question
SLUGS = set(generate.DEALS) | set(generate.PARTIES)
# Answers about everything hold this much, so that no set's part is on a second page.
LIMITS = {"flows": 10000, "cycles": 10000, "anomalies": 10000, "reconcile": 1000, "diff": 1000}


class Differs(AssertionError):
    """The product answered otherwise than the model."""


class PutOff(Exception):
    """The machine is too busy to compare anything."""


def renamed(value, prefix):
    """The same value with the names of deals and parties after this prefix."""
    if isinstance(value, dict):
        return {k: renamed(v, prefix) for k, v in value.items()}
    if isinstance(value, list):
        return [renamed(v, prefix) for v in value]
    return prefix + value if value in SLUGS else value


def about_rates(events):
    """Those that hang together by `ref` with a rate: they may change another set's figures."""
    root, chains = {}, {}
    for e in events:
        root[e["id"]] = root.get(e.get("ref"), e["id"])
        chains.setdefault(root[e["id"]], []).append(e)
    return [e for chain in chains.values() if any(e["kind"] == "rate" for e in chain)
            for e in chain]


def names_of(event):
    """(deals, parties) that an event names as far as figures go."""
    deals = {event.get("deal"), *event.get("deals", []), *event.get("assume", []),
             *(link["deal"] for link in event.get("links", [])
               if link["type"] in ("part_of", "supersedes"))}
    return deals, {event.get("party"), *event.get("from", []), *event.get("to", [])}


class RandomSet:
    """Events with names of their own, and questions about them."""

    def __init__(self, seed, alone):
        chance = random.Random(seed)
        self.seed, self.alone = seed, alone
        self.prefix = "" if alone else "s%d-" % seed
        self.count = chance.choice((12, 30, 60, EVENTS_MAX))
        self.events = renamed(generate.generate(seed, self.count), self.prefix)
        self.batch_max = chance.randrange(1, BATCH_MAX + 1)
        self.chance = chance

    def questions(self):
        """The model's questions with this set's names and seqs."""
        for ask in generate.questions(self.seed, QUESTIONS, self.count):
            ask = renamed(ask, self.prefix)
            if "at_seq" in ask:
                ask["at_seq"] = self.events[ask["at_seq"] - 1]["seq"]
            if "between" in ask and isinstance(ask["between"][0], int):
                ask["between"] = [self.events[n - 1]["seq"] for n in ask["between"]]
            if not self.alone:
                self.keep_to_itself(ask)
            yield ask

    def keep_to_itself(self, ask):
        """Change a question that other sets of the world would change the answer of."""
        if ask["figure"] in ("league", "overtook") and not {"to", "from"} & set(ask):
            ask["to"] = self.prefix + generate.PARTIES[0]
            ask.pop("by", None)
        if ask["figure"] in LIMITS and "deal" not in ask:
            ask.pop("in", None) # another set's rate may be the one that is missing

    def is_known(self, ask):
        """Whether the ledger holds every name that the question gives, at its seq."""
        seqs = [ask["at_seq"]] if "at_seq" in ask else []
        between = [at for at in ask.get("between", []) if isinstance(at, int)]
        deals, parties = set(), set()
        for e in self.events:
            named = names_of(e)
            if e["seq"] <= min([*seqs, max(between, default=e["seq"])]):
                deals |= named[0]
                parties |= named[1]
        return {ask.get("deal"), None} <= deals | {None} \
            and set(ask.get("assume", [])) <= deals \
            and {ask.get(k) for k in ("party", "other", "payer", "to", "from")} <= parties | {None}

    def own_part(self, answer):
        """What of an answer of the model about everything is this set's."""
        ids = {e["id"] for e in self.events}
        def is_own(entry):
            if isinstance(entry, str):
                return entry.startswith(self.prefix)
            names = [entry.get("from"), entry.get("to"), entry.get("deal"),
                     *entry.get("parties", [])]
            return entry.get("event") in ids or any(
                n is not None and n.startswith(self.prefix) for n in names)
        return {k: [e for e in v if is_own(e)]
                if k in ("flows", "cycles", "totals", "anomalies", "diff", "parties", "deals")
                else v
                for k, v in answer.items()}


def answers_to(client, questions, min_seq):
    """(answers to (message, fields), an error as {"error": …, "text": …}; how many were asked anew)."""
    def send(message, fields):
        return client.send(message, ttl_ms=TTL_MS, min_seq=min_seq, **fields)

    anew = 0
    answers = []
    for question, rid in [(question, send(*question)) for question in questions]:
        for tries in range(1, TRIES_MAX + 1):
            try:
                answer = client.answer(rid, TTL_MS / 1000)
            except avowtest.Refused as refused:
                answer = {"error": refused.name, "text": refused.text}
                if refused.name in PUT_OFF and tries < TRIES_MAX:
                    time.sleep((refused.retry_after_ms or 0) / 1000) # as long as the service asks
                    rid = send(*question)
                    anew += 1
                    continue
            break
        if answer.get("error") in PUT_OFF:
            raise PutOff("%d times: %s to %s" % (TRIES_MAX, answer, question))
        answer.pop("rid", None)
        answers.append(answer)
    return answers, anew


class World:
    """Services over an empty ledger, and what was published there."""

    def __init__(self):
        self.avow = avowtest.Avow("ledger", "ingest", "query")
        self.head = 0      # what was published is asked for
        self.rates = []    # of all sets so far
        self.events = []
        self.anew = 0      # questions that were put again, as the services had too much to do
        self.answered = [] # (message, fields, answer) of questions that are pinned to a seq

    def __enter__(self):
        self.avow.__enter__()
        self.ingest, self.query = self.avow.client("ingest"), self.avow.client("query")
        return self

    def __exit__(self, *_):
        self.ingest.close()
        self.query.close()
        self.avow.close()

    def publish(self, a_set):
        """All events, in batches, without waiting for one before the next."""
        sent, first = [], 0
        while first < a_set.count:
            batch = a_set.events[first:first + a_set.chance.randrange(1, a_set.batch_max + 1)]
            sent.append((first, self.ingest.send("publish", ttl_ms=TTL_MS, events=[
                msgpack.packb(asking.wire_event(e)) for e in batch])))
            first += len(batch)
        for first, rid in sent:
            for r in self.ingest.answer(rid, TTL_MS / 1000)["receipts"]:
                for n in range(r["last"] - r["first"] + 1):
                    a_set.events[first + r["index"] + n]["seq"] = r["first"] + n
        self.head = max([self.head] + [e["seq"] for e in a_set.events])

    def ask_all(self, questions):
        """Answers to (message, fields), an error as {"error": …, "text": …}."""
        answers, anew = answers_to(self.query, questions, self.head)
        self.anew += anew
        return answers

    def ask(self, a_set):
        """Publish a set and ask all its questions."""
        self.publish(a_set)
        self.events += a_set.events
        asks = list(a_set.questions())
        questions = [asking.question_of(ask) for ask in asks]
        for message, fields in questions:
            if message in LIMITS:
                fields["limit"] = LIMITS[message]
        answers = self.ask_all(questions)
        asked = Asked(a_set, a_set.events + self.rates, asking.Ids(self.events), asks, answers)
        self.rates += about_rates(a_set.events)
        self.answered += [(q, a) for q, a in zip(questions, answers) if is_pinned(q[1])][:AGAIN]
        return asked

    def ask_again(self):
        """What is pinned to a seq has the same answer, whatever came later."""
        answers = self.ask_all([question for question, _ in self.answered])
        for (question, before), after in zip(self.answered, answers):
            if before != after:
                raise Differs("asked again, another answer: %s\nbefore %s\nafter  %s" % (
                    question, before, after))
        return len(answers)


def is_pinned(fields):
    return all("at_seq" in fields.get(clocks, {}) for clocks in
               (("before", "after") if "before" in fields and isinstance(fields["before"], dict)
                else ("clocks",)))


class Asked:
    """A set, and what the product answered about it."""

    def __init__(self, a_set, events, ids, asks, answers):
        self.a_set, self.ids, self.asks, self.answers = a_set, ids, asks, answers
        self.events = sorted(events, key=lambda e: e["seq"]) # for the model

    def check(self):
        """Raise Differs where an answer is not the model's."""
        model = avow_model.Model(self.events)
        for ask, answer in zip(self.asks, self.answers):
            self.check_one(ask, answer, model)

    def check_one(self, ask, answer, model):
        known = self.a_set.is_known(ask)
        if not known or answer.get("error") == "NOT_FOUND":
            if known != (answer.get("error") != "NOT_FOUND"):
                raise Differs("seed %d: %s: known is %s, answer is %s" % (
                    self.a_set.seed, json.dumps(ask), known, answer))
            return
        got = asking.answer_of(asking.legible(answer), ask, self.ids)
        expected = asking.comparable(model.ask(ask))
        if not self.a_set.alone:
            got, expected = self.a_set.own_part(got), self.a_set.own_part(expected)
        if got != expected:
            raise Differs("seed %d, events %d, %s: %s\nproduct %s\nmodel   %s" % (
                self.a_set.seed, self.a_set.count, "alone" if self.a_set.alone else "shared",
                json.dumps(ask), json.dumps(got, sort_keys=True),
                json.dumps(expected, sort_keys=True)))


def worlds(sets, seed):
    """The sets in order of their seeds, as they share worlds."""
    world = []
    for n in range(sets):
        if n % ALONE_EVERY == 0:
            yield [RandomSet(seed + n, alone=True)]
            continue
        world.append(RandomSet(seed + n, alone=False))
        if len(world) == WORLD_SETS:
            yield world
            world = []
    if world:
        yield world


def run(sets, seed, say=lambda text: None):
    """Compare so many sets; returns what was counted."""
    counted = {"sets": 0, "worlds": 0, "events": 0, "questions": 0, "asked again": 0,
               "put again as busy": 0}
    for its_sets in worlds(sets, seed):
        with World() as world:
            for a_set in its_sets:
                asked = world.ask(a_set)
                asked.check()
                counted["questions"] += len(asked.asks)
                counted["events"] += a_set.count
            counted["asked again"] += world.ask_again()
            counted["put again as busy"] += world.anew
        counted["worlds"] += 1
        counted["sets"] += len(its_sets)
        say(counted)
    return counted


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print("--sets %d --seed %d" % (options.sets, options.seed), flush=True)
    said = 0.0

    def say(counted):
        nonlocal said
        if time.monotonic() > said + 10:
            said = time.monotonic()
            print("    %d sets, %d questions" % (counted["sets"], counted["questions"]), flush=True)

    began = time.monotonic()
    try:
        counted = run(options.sets, options.seed, say)
    except Differs as differs:
        print(differs)
        return 1
    print("%s: no answer differs, %.0f s" % (
        ", ".join("%d %s" % (n, what) for what, n in counted.items()),
        time.monotonic() - began))
    return 0


if __name__ == "__main__":
    sys.exit(main())
