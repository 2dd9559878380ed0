# SPDX-License-Identifier: Apache-2.0
"""
Amounts as people write them, against Python's exact fractions: texts made by chance go through the
command line and the protocol, and what the ledger holds is what Python computes, to the minor unit.
"""
import json
import os
import random
import re
import unittest
from fractions import Fraction

import avowtest

NUMBER, SEED = 10000, 20251126
POWERS = {"": 0, "k": 3, "m": 6, "mn": 6, "bn": 9, "tn": 12}
CURRENCIES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "CLF": 4}
MOST = (1 << 63) - 1


def some_number(r):
    """Digits, perhaps with a fraction; what a multiplier is put behind."""
    whole = str(r.choice((0, 1, 9, r.randrange(100), r.randrange(10 ** r.randrange(1, 16)))))
    return whole if r.random() < 0.5 else "%s.%0*d" % (whole, r.randrange(1, 7), r.randrange(10))


def some_amount(r):
    """A text, and its bounds in minor units as fractions: (low, high, low_excl, high_excl, approx)."""
    code = r.choice(list(CURRENCIES))
    scale = 10 ** CURRENCIES[code]
    numbers, powers = [some_number(r), some_number(r)], [r.choice(list(POWERS)) for _ in range(2)]
    values = [Fraction(n) * 10 ** POWERS[p] * scale for n, p in zip(numbers, powers)]
    texts = [n + r.choice(("", " ")) * bool(p) + p for n, p in zip(numbers, powers)]
    approx = r.random() < 0.2
    kind = r.choice(("one", "one", "above", "at least", "below", "up to", "interval", "shared"))
    low, high, low_excl, high_excl = values[0], values[0], False, False
    if kind == "one":
        text = texts[0]
    elif kind in ("above", "at least"):
        text, high, low_excl = (">" if kind == "above" else ">=") + texts[0], None, kind == "above"
    elif kind in ("below", "up to"):
        text, low, high_excl = ("<" if kind == "below" else "<=") + texts[0], Fraction(0), kind == "below"
    else:
        if kind == "shared": # a missing multiplier on the low side is the high side's
            values[0], texts[0] = Fraction(numbers[0]) * 10 ** POWERS[powers[1]] * scale, numbers[0]
        elif powers[0] == "": # said twice, it would be the same rule
            values[0], texts[0] = Fraction(numbers[0]) * 10 ** 3 * scale, numbers[0] + "k"
        (low, first), (high, second) = zip(values, texts)
        low, high = values
        text = first + r.choice(("..", " .. ")) + second
    text = "~" * approx + text
    text = text + " " + code if r.random() < 0.7 else code + " " + text
    return text, code, (low, high, low_excl, high_excl, approx)


def is_right(bounds):
    """Whether an amount can be so: exact in minor units, not too large, something between its bounds."""
    low, high, low_excl, high_excl, _ = bounds
    there = [b for b in (low, high) if b is not None]
    if any(b.denominator != 1 or b > MOST for b in there):
        return False
    if low is None or high is None:
        return True
    return low < high if low_excl or high_excl else low <= high


def said(amount):
    """The same five of a message's bounds."""
    low, high = amount.get("low"), amount.get("high")
    return (None if low is None else Fraction(low), None if high is None else Fraction(high),
        amount.get("low_excl", False), amount.get("high_excl", False), amount.get("approx", False))


class Amounts(unittest.TestCase):
    def test_what_people_write_is_what_python_computes(self):
        r = random.Random(SEED)
        made = [some_amount(r) for _ in range(NUMBER)]
        lines = "".join(json.dumps({
            "kind": "announce", "deal": "d-%d" % i, "to": "payee", "amount": text, "grade": "press",
            "stated": "2025-01-30", "source": {"publisher": "p"}}) + "\n" for i, (text, _, _) in enumerate(made))
        with avowtest.Avow() as avow:
            done = avow.cli("publish", "-", "--rejects", os.devnull, input=lines)
            self.assertIn(done.returncode, (0, 9), done.stderr)
            entries = avow.read_all()
        got = {}
        for entry in entries:
            event = avowtest.unpack(entry["event"])
            got[int(re.fullmatch(r"d-(\d+)", event["deal"]).group(1))] = event["amount"]
        right = 0
        for i, (text, code, bounds) in enumerate(made):
            self.assertEqual(is_right(bounds), i in got, "%s: %s" % (text, bounds))
            if i in got:
                right += 1
                self.assertEqual((code, bounds), (got[i]["currency"], said(got[i])), text)
        self.assertGreater(right, NUMBER // 4)
        self.assertGreater(NUMBER - right, NUMBER // 20)

    def test_the_oracle_sees_a_cent(self):
        """The negative control: a bound that is off by one is not the same."""
        amount = {"low": 101, "high": 101, "currency": "USD"}
        self.assertNotEqual(said(amount), (Fraction("1.00") * 100,) * 2 + (False, False, False))
        self.assertEqual(said(amount), (Fraction("1.01") * 100,) * 2 + (False, False, False))


if __name__ == "__main__":
    unittest.main()
