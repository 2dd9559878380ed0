#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What must hold of every figure, whatever the events are: through the protocol, with hypothesis.

Each property compares what real services answer about a random set of events with what they answer
about another set, made from it. Each has a negative control: the other set made wrongly, which
hypothesis must find out. PROPERTY_EXAMPLES says how many sets each one is shown.
"""
import datetime
import os
import random
import sys
import unittest
import uuid

from hypothesis import HealthCheck, Phase, given, settings, strategies

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(HERE, "support"))
import differential

import amounts
import asking
import generate

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "20"))
CONTROL_EXAMPLES = 200 # in which a planted mistake must show
LATE = "2025-12-31" # after everything that is generated
SEEDS = strategies.integers(0, 2**32)
COUNTS = strategies.integers(1, 45)
OPTIONS = strategies.fixed_dictionaries({"policy": strategies.sampled_from(
    ["best", "latest", "hull"])})
MONEY = ("rumour", "talks", "announce", "commit", "pay")
RUNGS = generate.RUNGS


class Published:
    """A set of events in the world, under names and ids that no other set has."""

    def __init__(self, world, number, events):
        self.world, self.prefix = world, "e%d-" % number
        self.events = [self.with_own_ids(differential.renamed(e, self.prefix)) for e in events]
        self.count, self.batch_max, self.chance = len(events), 50, random.Random(number)
        world.publish(self)

    def with_own_ids(self, event):
        return {k: str(uuid.uuid5(uuid.NAMESPACE_OID, self.prefix + v))
                if k in ("id", "ref", "derived_from") else v for k, v in event.items()}

    def ask(self, asks):
        """Answers in the model's form and names; None about names that nobody knows."""
        ids = asking.Ids(self.world.events_by_seq)
        questions = [asking.question_of(differential.renamed(ask, self.prefix)) for ask in asks]
        for (_, fields), ask in zip(questions, asks):
            fields.update(differential.renamed(ask.get("only", {}), self.prefix))
        return [None if "error" in answer else self.own_names(
            asking.answer_of(asking.legible(answer), ask, ids))
            for answer, ask in zip(self.world.ask_all(questions), asks)]

    def own_names(self, value):
        """The names as they were before this set had its own; ids as places in the set."""
        if isinstance(value, dict):
            return {self.own_names(k): self.own_names(v) for k, v in value.items()
                    if k not in ("events", "copies")} # counts of events are no figures
        if isinstance(value, list): # anomalies are in an order of ids
            return sorted((self.own_names(v) for v in value), key=repr)
        if isinstance(value, str) and value.startswith(self.prefix):
            return value[len(self.prefix):]
        return self.world.original_ids.get(value, value) if isinstance(value, str) else value

    def figures(self, **options):
        """Every figure of every deal and party."""
        asks = [{"figure": figure, **ask, **options} for figure, ask in [
            *(("deal", {"deal": d}) for d in generate.DEALS),
            *(("anomalies", {"only": {"deal": d}}) for d in generate.DEALS),
            *(("party", {"party": p}) for p in generate.PARTIES),
            *(("backers", {"to": p}) for p in generate.PARTIES),
            *(("flows", {"only": {"party": p}}) for p in generate.PARTIES),
            *(("reconcile", {"only": {"party": p}}) for p in generate.PARTIES),
            *(("league", {"to": p, "rung": rung})
              for p in generate.PARTIES[:2] for rung in RUNGS)]]
        return {repr([ask["figure"], {k: v for k, v in ask.items() if k not in options}]): answer
                for ask, answer in zip(asks, self.ask(asks)) if answer is not None
                and not is_nothing(answer)}


def is_nothing(answer):
    """Whether an answer holds no figure: the name may then be unknown as well."""
    if isinstance(answer, dict):
        return all(is_nothing(v) for k, v in answer.items() if k != "policy")
    if isinstance(answer, list):
        return all(is_nothing(v) for v in answer)
    return answer is None


class World(differential.World):
    """A world that knows which event was which before it had an id of its own."""

    def __init__(self):
        super().__init__()
        self.events_by_seq, self.original_ids, self.sets = [], {}, 0

    def published(self, events):
        self.sets += 1
        one = Published(self, self.sets, events)
        self.events_by_seq += one.events
        self.original_ids.update((new["id"], old["id"])
                                 for new, old in zip(one.events, events))
        return one


def generated(seed, count, left_out=()):
    """Events without some kinds, and without rates, which are everybody's."""
    made = [e for e in generate.generate(seed, count) if e["kind"] not in ("rate", *left_out)]
    kept = set()
    return [e for e in made if "ref" not in e or e["ref"] in kept
            if kept.add(e["id"]) is None]


def with_distinct_instants(events):
    """In the same order, each with an instant of its own that repairs allow."""
    days = sorted(e.get("stated", LATE)[:10] for e in events)
    return [{**e, "stated": "%sT%02d:%02d:%02dZ" % (day, n // 3600, n // 60 % 60, n % 60)}
            for n, (e, day) in enumerate(zip(events, days))]


def shuffled(events, chance):
    """Another order of arrival, in which what `ref` names still comes first."""
    left, arrived, order = list(events), set(), []
    while left:
        event = chance.choice([e for e in left if e.get("ref") is None or e["ref"] in arrived])
        left.remove(event)
        arrived.add(event["id"])
        order.append(event)
    return order


def retract_of(event):
    return {"id": "retract", "kind": "retract", "stated": LATE, "ref": event["id"],
            "reason": "other", "source": {"publisher": "Gazette"}}


def without(events, event):
    """The events without this one and with nothing that repairs what is not there."""
    gone = {event["id"]}
    for e in events:
        if e.get("ref") in gone:
            gone.add(e["id"])
    return [e for e in events if e["id"] not in gone]


def a_part_that_is_stated_whole(maker):
    """The second deal is a part of the first one, and somebody states the whole of it."""
    whole = maker.event("commit")
    whole.update(id="whole", deal=generate.DEALS[1], amount="10bn USD")
    for field in ("from", "to", "adds", "basis", "derived_from"):
        whole.pop(field, None)
    part = {"id": "part", "kind": "deal", "deal": generate.DEALS[1], "stated": LATE,
            "source": {"publisher": "Wire"},
            "links": [{"type": "part_of", "deal": generate.DEALS[0]}]}
    return [part, whole]


def sums_in(answer, path=()):
    """{where: sums by currency} of an answer, unattributed left out: it is what is not known."""
    found = {}
    for key, value in answer.items() if isinstance(answer, dict) else [
            (repr((v.get("from"), v.get("to"))), v) for v in answer]:
        if key == "unattributed" or (isinstance(value, dict) and value.get("from", "") is None):
            continue
        if isinstance(value, dict) and value and all(
                isinstance(v, dict) and "undisclosed" in v for v in value.values()):
            found[path + (key,)] = value
        elif isinstance(value, (dict, list)):
            found.update(sums_in(value, path + (key,)))
    return found


def interval(entry):
    low, high = (None if entry[b] is None else amounts.Fraction(entry[b])
                 for b in ("low", "high"))
    return amounts.Interval(low, high, entry["low_excl"], entry["high_excl"])


def money(sums):
    return amounts.Money({c: interval(e) for c, e in sums.items() if c != "XXX"},
                         sum(e["undisclosed"] for e in sums.values()))


def widened(event, chance):
    """The same event, its amount reaching further to both sides."""
    currency, i = amounts.parse(event["amount"])
    less, more = (amounts.Fraction(chance.randrange(0, 20) * 10**9) for _ in range(2))
    amount = {"currency": currency}
    if i.low is not None and chance.randrange(4):
        amount["low"] = amounts.decimal(max(i.low - less, amounts.ZERO))
    if i.high is not None and chance.randrange(4):
        amount["high"] = amounts.decimal(i.high + more)
    return {**event, "amount": amount} if len(amount) > 1 else event


def narrowed(event):
    """As a mistake: only the low end of the amount is left."""
    currency, i = amounts.parse(event["amount"])
    low = amounts.decimal(i.low if i.low is not None else amounts.ZERO)
    return {**event, "amount": {"currency": currency, "low": low, "high": low}}


class Properties(unittest.TestCase):
    """check_… are the properties; `planted` is their mistake. Tests are made of them below."""
    maxDiff = None

    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.__exit__)

    def figures(self, events, **options):
        return self.world.published(events).figures(**options)

    def check_arrival_order_does_not_change_as_of_figures(self, seed, count, options, planted):
        chance = random.Random(seed)
        first = generated(seed, count)
        if not planted: # else of two of one instant the order decides
            first = with_distinct_instants(first)
        as_of = str(generate.FIRST_DAY + datetime.timedelta(chance.choice((200, 500))))
        self.assertEqual(self.figures(first, as_of=as_of, **options),
                         self.figures(shuffled(first, chance), as_of=as_of, **options))

    def check_publishing_again_changes_nothing(self, seed, count, options, planted):
        one = self.world.published(generated(seed, count))
        before, head = one.figures(**options), self.world.head
        if planted:
            one.events = [{**e, "id": str(uuid.uuid4())} for e in one.events]
        self.world.publish(one)
        self.assertEqual(one.figures(**options), before)
        self.assertEqual(self.world.head, head)

    def check_what_is_retracted_had_never_been_but_before(self, seed, count, options, planted):
        events = generated(seed, count)
        retracts = {e["id"] for e in events if e["kind"] == "retract"}
        for e in list(events): # what corrects a retract stands for itself
            if e["kind"] != "retract" and e.get("ref") in retracts:
                events = without(events, e)
        event = random.Random(seed).choice([e for e in events
                                            if e["kind"] == "retract" or "ref" not in e])
        bare = self.figures(without(events, event), **options)
        one = self.world.published(events)
        before, pin = one.figures(**options), self.world.head
        one.events = [one.with_own_ids(retract_of(event))]
        one.count = 1
        one.events[0]["ref"] = one.with_own_ids({"ref": event["id"]})["ref"]
        if not planted:
            self.world.publish(one)
        self.assertEqual(one.figures(**options), bare)
        self.assertEqual(one.figures(at_seq=pin, **options), before)

    def check_a_copy_never_changes_a_figure(self, seed, count, options, planted):
        events = generated(seed, count)
        own = [e for e in events if "ref" not in e and "derived_from" not in e
               and e["kind"] != "retract" and not any(o.get("ref") == e["id"] for o in events)]
        if not own:
            return
        copied = random.Random(seed).choice(own)
        copy = generate.Generator(seed + 1, 1).event("commit")
        copy.update(id="copy", derived_from=copied["id"], stated=LATE)
        if planted:
            del copy["derived_from"]
        self.assertEqual(self.figures(events, **options),
                         self.figures(events + [copy], **options))

    def check_widening_never_turns_possible_into_no(self, seed, count, options, planted):
        chance = random.Random(seed)
        events = generated(seed, count)
        wide = [e if "amount" not in e or e["kind"] == "total" else
                narrowed(e) if planted else widened(e, chance) for e in events]
        asks = []
        for rung in RUNGS:
            party, other, payee = chance.sample(generate.PARTIES, 3)
            asks.append({"figure": "league", "to": payee, "rung": rung, **options})
            asks.append({"figure": "overtook", "party": party, "other": other, "to": payee,
                         "rung": rung, "between": ["2024-06-01", LATE], **options})
        answers = [self.world.published(each).ask(asks) for each in (events, wide)]
        for was, now in zip(*answers):
            for currency, overtook in ((was or {}).get("overtook") or {}).items():
                if overtook != "no" and currency in now["overtook"]:
                    self.assertNotEqual(now["overtook"][currency], "no")
            for currency, rows in ((was or {}).get("currencies") or {}).items():
                ranks = {r["party"]: r for r in now["currencies"].get(currency, [])}
                for row in rows:
                    wider = ranks[row["party"]]
                    self.assertLessEqual(wider["best"], row["best"])
                    self.assertGreaterEqual(wider["worst"], row["worst"])

    def check_an_undisclosed_event_never_lowers_a_low_bound(self, seed, count, options, planted):
        maker = generate.Generator(seed + 1, 1)
        events = a_part_that_is_stated_whole(maker) + generated(seed, count)
        event = maker.event(maker.one_of(MONEY))
        for field in ("amount", "derived_from", "to"):
            event.pop(field, None)
        event["id"] = "undisclosed"
        if maker.chance(50):
            event["deal"] = generate.DEALS[1]
        if planted:
            event.update(kind="pay", amount="50bn USD", returned=True, stated=LATE)
            event.pop("adds", None)
        before, after = (self.figures(each, **options) for each in (events, events + [event]))
        for where, answer in before.items():
            if where.startswith(("['reconcile'", "['anomalies'", "['league'")):
                continue
            later = sums_in(after[where])
            for at, sums in sums_in(answer).items():
                for currency, entry in sums.items():
                    if entry["low"] is not None:
                        self.assertGreaterEqual(
                            amounts.Fraction(later[at][currency]["low"] or "-inf"
                                             if currency in later.get(at, {}) else "0"),
                            amounts.Fraction(entry["low"]), (where, at))

    def check_parts_never_exceed_the_whole_without_an_anomaly(self, seed, count, options, planted):
        one = self.world.published(generated(seed, count))
        asks = [{"figure": "deal", "deal": d, **options} for d in generate.DEALS]
        shown = {(a["deal"], a["rung"], a["currency"])
                 for a in one.ask([{"figure": "anomalies", **options}])[0]["anomalies"]
                 if a["anomaly"] == "parts_beyond_whole"} if not planted else set()
        figures = dict(zip(generate.DEALS, one.ask(asks)))
        parts = self.parts_of(one, options)
        for deal, figure in figures.items():
            if not figure or not parts.get(deal):
                continue
            rungs = [(figures[p]["rungs"], "paid" if figures[p]["superseded_by"] else "committed")
                     for p in parts[deal] if figures.get(p)]
            inside = amounts.money_sum([money(r[rung]["total"]) for r, rung in rungs])
            whole = money(figure["rungs"]["committed"]["total"])
            for currency in whole.intervals:
                if amounts.above(inside.bounds(currency), whole.bounds(currency)) == "certain":
                    self.assertIn((deal, "committed", currency), shown)

    def parts_of(self, one, options):
        """{deal: the parts that its page names}"""
        answers = one.world.ask_all([("deal_figure", {"deal": one.prefix + d,
                                                      "policy": options["policy"]})
                                     for d in generate.DEALS])
        return {d: [p[len(one.prefix):] for p in a.get("parts", [])]
                for d, a in zip(generate.DEALS, answers)}

    def check_the_total_of_a_currency_is_independent_of_others(self, seed, count, options, planted):
        changed = "USD" if planted else "EUR"
        events = generated(seed, count)
        other = [{**e, "amount": "7bn..8bn " + changed}
                 if e.get("amount", "").endswith(changed) else e for e in events]
        before, after = (
            {where: {at: sums.get("USD") for at, sums in sums_in(answer).items() if "USD" in sums}
             for where, answer in self.figures(each, **options).items()
             if not where.startswith(("['reconcile'", "['anomalies'"))}
            for each in (events, other))
        self.assertEqual(before, after)

    def check_rungs_are_never_added_together(self, seed, count, options, planted):
        """A statement on each rung of one deal: each rung is its own, none is a sum of two; and a
        less certain one never changes a more certain one."""
        chance = random.Random(seed)
        low = [chance.randrange(1, 10**6) for _ in RUNGS]
        deal = generate.DEALS[0]
        stated = [{"id": kind, "kind": kind, "deal": deal, "from": [generate.PARTIES[0]],
                   "to": [generate.PARTIES[1]], "stated": "2024-06-01", "grade": "press",
                   "source": {"publisher": "Wire"}, "amount": "%d USD" % n}
                  for kind, n in zip(("talks", "announce", "commit", "pay"), low)]
        if planted: # the rung below it comes to the same as a sum
            stated[1]["amount"] = "%d USD" % (low[1] + low[2])
        asks = [{"figure": "deal", "deal": deal, **options},
                {"figure": "party", "party": generate.PARTIES[0], **options},
                {"figure": "backers", "to": generate.PARTIES[1], **options}]
        for answer in self.world.published(stated).ask(asks):
            for n, rung in zip(low, RUNGS):
                for sums in sums_in(answer["rungs"][rung]).values():
                    if sums != {"USD": sums["USD"]} or sums["USD"]["undisclosed"]:
                        self.fail(sums)
                    self.assertEqual((sums["USD"]["low"], sums["USD"]["high"]),
                                     (str(n), str(n)), rung)
        events = generated(seed, count, left_out=["total"])
        raised = [{**e, "amount": "99bn USD"} if e["kind"] in ("rumour", "talks", "announce")
                  and "amount" in e else e for e in events]
        before, after = ({where: {rung: answer["rungs"][rung] for rung in ("committed", "paid")}
                          for where, answer in self.figures(each, **options).items()
                          if where.startswith(("['deal'", "['party'", "['backers'"))}
                         for each in (events, raised))
        self.assertEqual(before, after)


def test_of(check, planted):
    examples = settings(max_examples=CONTROL_EXAMPLES if planted else EXAMPLES, deadline=None,
                        derandomize=True, database=None,
                        phases=[Phase.explicit, Phase.generate],
                        suppress_health_check=list(HealthCheck))

    def holds(self):
        examples(given(SEEDS, COUNTS, OPTIONS)(
            lambda seed, count, options: check(self, seed, count, options, planted)))()

    def is_noticed(self):
        with self.assertRaises(AssertionError):
            holds(self)
    return is_noticed if planted else holds


for _name, _check in list(vars(Properties).items()):
    if _name.startswith("check_"):
        _sentence = _name[len("check_"):]
        setattr(Properties, "test_" + _sentence, test_of(_check, planted=False))
        setattr(Properties, "test_a_mistake_is_noticed_where_" + _sentence,
                test_of(_check, planted=True))


if __name__ == "__main__":
    unittest.main()
