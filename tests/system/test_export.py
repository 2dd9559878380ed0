# SPDX-License-Identifier: Apache-2.0
"""avow export: every event once and in order, exact and complete."""
import csv
import io
import json
import os
import subprocess
import unittest

import avowtest
from avowtest import Avow, event, new_id

DEALS = os.path.join(avowtest.ROOT, "tools", "demo", "ai-deals.jsonl")
HOSTILE = "=1+1;\\;\u202e\u0007\x1b[31m\t\r\n\"'|,\u00e9\U0001f4a9"


def split(text):
    """The items of a list in CSV."""
    items, item, escaped = [], "", False
    for c in text:
        if escaped or c not in "\\;":
            item, escaped = item + c, False
        elif c == "\\":
            escaped = True
        else:
            items, item = items + [item], ""
    return items + [item] if text else []


def every_kind():
    """Events that together have every field."""
    first = new_id()
    source = {"publisher": HOSTILE, "title": "T", "url": "https://example.org/", "lang": "fr",
              "published": "2025-01", "quote": "q"}
    return [
        event(id=first, kind="talks", phase="early", source=source, note=HOSTILE,
              tags=["a;b", "c\\", "", HOSTILE], basis="stock", on="2025-01/..", by="somebody"),
        event(kind="commit", adds=True, derived_from=first,
              amount={"low": 1, "currency": "JPY", "low_excl": True, "approx": True}),
        event(kind="commit", adds=False, amount={"high": 123456, "currency": "KWD", "high_excl": True}),
        event(kind="commit", amount=None, to=None, from_=None),
        event(kind="pay", returned=True, stated="2025-01-30T14:05:06.000007Z"),
        event(kind="condition", condition="c", state="stated", deadline="2025-12-31"),
        event(kind="total", rung="paid", deals=["a", "b"], assume=["c"], deal=None),
        event(kind="remark", stance="doubt", amount=None),
        event(kind="market", instrument="XTKS:9984", move="-1.5", amount=None),
        event(kind="party", party="p", name=HOSTILE, names=["x;y", "z"], type="company", group="g",
              identifiers={"lei": "5:4", "ticker": "X;Y"}),
        event(kind="deal", deal="d", title="T", instrument="shares", from_=["a", "b"], to=["c"],
              links=[{"type": "part_of", "deal": "e"}, {"type": "extends", "deal": "f"}]),
        event(kind="rate", base="EUR", quote="USD", rate="1.0834"),
        event(kind="retract", ref=first, reason="typo"),
    ]


class Export(unittest.TestCase):
    def setUp(self):
        self.avow = Avow().__enter__()
        self.addCleanup(self.avow.close)

    def export(self, *args):
        """What it prints, byte for byte (a text stream would change ends of lines within texts)."""
        done = subprocess.run([avowtest.program(), "export", *args], env=self.avow.env,
                              capture_output=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    def lines(self, *args):
        # not splitlines: texts may hold U+2028
        return [json.loads(line) for line in self.export(*args).split("\n")[:-1]]

    def table(self, *args):
        return list(csv.DictReader(io.StringIO(self.export("-o", "csv", *args), newline="")))

    def publish_all(self):
        events = every_kind()
        self.avow.publish(*events)
        return [avowtest.unpack(e) for e in events]

    def test_json_lines_can_be_published_again_and_all_of_it_exists(self):
        count = len(self.publish_all())
        self.avow.cli("publish", DEALS, check=0)
        text = self.export()
        self.assertEqual([e["seq"] for e in map(json.loads, text.split("\n")[:-1])],
                         list(range(1, count + 159)))
        again = json.loads(self.avow.cli("publish", "-", "-o", "json", input=text, check=0).stdout)
        self.assertEqual(again["rows"][0]["created"], 0)
        self.assertEqual(again["rows"][0]["exists"], count + 158)

    def test_another_ledger_filled_with_an_export_gives_the_same_export(self):
        self.publish_all()
        self.avow.cli("publish", DEALS, check=0)
        own = ("seq", "epoch", "recorded")
        bare = lambda events: [{k: v for k, v in e.items() if k not in own} for e in events]
        with Avow() as other:
            other.cli("publish", "-", input=self.export(), check=0)
            there = [json.loads(l) for l in other.cli("export", check=0).stdout.split("\n")[:-1]]
        self.assertEqual(bare(there), bare(self.lines()))

    def test_json_lines_hold_every_field_of_every_kind(self):
        published = self.publish_all()
        for sent, got in zip(published, self.lines()):
            self.assertEqual(set(sent), set(got) - {"seq", "epoch", "recorded"})
            for name in ("note", "tags", "names", "deals", "adds", "on", "stated", "identifiers", "links"):
                self.assertEqual(sent.get(name), got.get(name))

    def test_csv_holds_every_field_so_that_it_can_be_read_back(self):
        published = self.publish_all()
        rows = self.table()
        self.assertEqual([r["seq"] for r in rows], [str(i + 1) for i in range(len(rows))])
        for sent, row in zip(published, rows):
            for name in ("kind", "deal", "note", "on", "stated", "phase", "name", "rate", "move"):
                self.assertEqual(sent.get(name, ""), row[name])
            for name in ("from", "to", "tags", "names", "deals", "assume"):
                self.assertEqual(sent.get(name, []), split(row[name]))
            self.assertEqual([l["type"] + ":" + l["deal"] for l in sent.get("links", [])],
                             split(row["links"]))
            self.assertEqual(sent.get("identifiers", {}),
                             dict(i.split(":", 1) for i in split(row["identifiers"])))
            for name, value in sent.get("source", {}).items():
                self.assertEqual(value, row["source." + name])
        amount = lambda row: [row["amount." + n] for n in ("low", "high", "currency", "flags")]
        self.assertEqual(amount(rows[0]), ["15000000000", "25000000000", "USD", ""])
        self.assertEqual(amount(rows[1]), ["1", "", "JPY", "approx low_excl"])
        self.assertEqual(amount(rows[2]), ["", "123.456", "KWD", "high_excl"])
        self.assertEqual(amount(rows[3]), ["", "", "", ""])
        self.assertEqual([rows[1]["adds"], rows[2]["adds"], rows[3]["adds"]], ["true", "false", ""])

    def test_what_was_published_before_is_in_it_though_query_lags(self):
        lines = "".join(json.dumps({"kind": "talks", "deal": "d-%d" % i, "amount": "1bn USD", "stated":
                                    "2025-01-30", "grade": "press", "source": {"publisher": "P"}})
                        + "\n" for i in range(20000))
        for n in (1, 2):
            self.avow.cli("publish", "-", input=lines, check=0)
            seqs = [e["seq"] for e in self.lines()]
            self.assertEqual(seqs, list(range(1, n * 20000 + 1)))

    def test_a_range_and_a_filter_select(self):
        self.avow.publish(*[event(deal="deal-%d" % (i % 3)) for i in range(30)])
        seqs = lambda *args: [e["seq"] for e in self.lines(*args)]
        self.assertEqual(seqs("--after", "10", "--at-seq", "13"), [11, 12, 13])
        self.assertEqual(seqs("--deal", "deal-1", "--at-seq", "8"), [2, 5, 8])
        self.assertEqual(seqs("--deal", "nothing"), [])
        self.assertEqual(seqs("--after", "30"), [])
        self.assertEqual([r["seq"] for r in self.table("--deal", "deal-0", "--after", "20")],
                         ["22", "25", "28"])
        done = self.avow.cli("export", "--at-seq", "31", check=4)
        self.assertIn("POSITION_IN_FUTURE", done.stderr)

    def test_an_empty_ledger_is_an_empty_export(self):
        self.assertEqual(self.export(), "")
        self.assertEqual(len(self.export("-o", "csv").splitlines()), 1)

    def test_a_reader_that_goes_away_ends_it_in_silence(self):
        self.avow.publish(*[event() for _ in range(5000)])
        done = subprocess.run(["bash", "-c", "'%s' export | head -n 1; echo ${PIPESTATUS[0]}"
                               % avowtest.program()], env=self.avow.env, capture_output=True,
                              text=True, timeout=300)
        self.assertEqual((done.stdout.split("\n")[1], done.stderr), ("0", ""))

    def test_a_full_disk_is_an_error(self):
        self.avow.publish(event())
        done = subprocess.run("'%s' export >/dev/full" % avowtest.program(), shell=True,
                              env=self.avow.env, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 1)
        self.assertIn("IO (601)", done.stderr)


if __name__ == "__main__":
    unittest.main()
