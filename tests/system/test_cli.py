# SPDX-License-Identifier: Apache-2.0
"""The write side of the command line against running services."""
import csv
import io
import json
import os
import signal
import subprocess
import unicodedata
import unittest
import uuid

import avowtest

MAP = os.path.join(avowtest.ROOT, "tools", "maps", "crunchbase-2015.map")
SAID = ("--publisher", "The Example", "--stated", "2025-01-30")


def rows(done):
    """The rows of a JSON answer."""
    return json.loads(done.stdout)["rows"]


class Case(unittest.TestCase):
    services = ()

    def setUp(self):
        self.avow = avowtest.Avow(*self.services).__enter__()
        self.addCleanup(self.avow.close)

    def path(self, name, text=None):
        path = os.path.join(self.avow.dir, name)
        if text is not None:
            with open(path, "w", newline="") as f:
                f.write(text)
        return path

    def run_cli(self, *args, code=0, **more):
        return self.avow.cli(*args, check=code, **more)

    def events(self):
        """Every event that query holds, decoded."""
        try:
            return [avowtest.unpack(e["event"]) for e in self.avow.read_all()]
        except avowtest.Refused as e:
            if e.name != "UNAVAILABLE":
                raise
            return [] # query has not met its ledger yet

    def await_events(self, count):
        return avowtest.wait_until(lambda: (lambda e: len(e) >= count and e)(self.events()),
                                   "%d events in query" % count)


class Verbs(Case):
    def pay(self, *more, code=0):
        return self.run_cli("pay", "--deal", "d", "--amount", "1bn USD", *SAID, "-o", "json", *more,
                            code=code)

    def test_a_receipt_says_where_the_event_stands(self):
        receipt, = rows(self.pay())
        self.assertEqual((receipt["seq"], receipt["status"], receipt["kind"], receipt["deal"]),
                         (1, "created", "pay", "d"))
        event, = self.await_events(1)
        self.assertEqual(str(uuid.UUID(bytes=event["id"])), receipt["id"])
        self.assertEqual(event["amount"], {"low": 10**11, "high": 10**11, "currency": "USD"})
        self.assertEqual((event["grade"], event["stated"]), ("press", "2025-01-30"))

    def test_the_same_id_is_written_once_and_other_content_under_it_is_a_conflict(self):
        same = ("--id", "0193f7a0-0000-7000-8000-000000000001")
        first, again = rows(self.pay(*same))[0], rows(self.pay(*same))[0]
        self.assertEqual((first["status"], again["status"]), ("created", "exists"))
        self.assertEqual((first["seq"], first["recorded"]), (again["seq"], again["recorded"]))
        refused = self.pay(*same, "--note", "other", code=5)
        self.assertIn("ID_CONFLICT (300)", refused.stderr)
        self.assertIn("see event #1", refused.stderr)

    def test_an_expected_revision_is_held(self):
        self.pay("--expect", "0")
        self.assertIn("WRONG_REVISION", self.pay("--expect", "0", code=5).stderr)
        self.pay("--expect", "1")

    def test_a_correction_keeps_what_is_not_given(self):
        self.pay("--note", "as it was", "--from", "a", "--url", "https://example.org/1")
        self.run_cli("correct", "1", "--amount", "2bn EUR", "--publisher", "Another",
                     "--reason", "better_source", "--stated", "2025-02-01")
        self.run_cli("correct", "#1", "--unset", "amount,note", "--reason", "typo")
        first, second, third = self.await_events(3)
        self.assertEqual(second["ref"], first["id"])
        self.assertEqual(second["amount"]["currency"], "EUR")
        self.assertEqual((second["note"], second["from"], second["stated"], second["source"]),
                         ("as it was", ["a"], "2025-02-01",
                          {"publisher": "Another", "url": "https://example.org/1"}))
        # a slip of ours: the source said so on the same day
        self.assertEqual([k for k in ("amount", "note", "stated") if k in third], [])
        self.assertEqual(third["ref"], first["id"])

    def test_a_retract_names_what_it_withdraws_by_seq_or_by_id(self):
        receipt, = rows(self.pay())
        self.run_cli("retract", "1", "--reason", "duplicate")
        self.run_cli("retract", receipt["id"])
        first, second, third = self.await_events(3)
        self.assertEqual((second["kind"], second["ref"], second["reason"]),
                         ("retract", first["id"], "duplicate"))
        self.assertEqual(third["ref"], first["id"])

    def test_a_copy_names_its_origin_by_seq(self):
        self.pay()
        self.pay("--derived-from", "#1")
        first, second = self.await_events(2)
        self.assertEqual(second["derived_from"], first["id"])

    def test_an_event_that_is_not_there_is_not_found(self):
        self.pay()
        self.assertIn("#77", self.run_cli("retract", "#77", "--timeout", "5s", code=4).stderr)

    def test_nobody_there_is_exit_6_and_surely_not_written(self):
        self.avow.stop("up")
        refused = self.pay("--timeout", "300ms", code=6)
        self.assertIn("UNREACHABLE", refused.stderr)
        self.assertIn("nobody answers", refused.stderr)

    def test_an_answer_cut_short_by_the_reader_is_no_error(self):
        done = subprocess.run("%s explain -o jsonl | head -1" % avowtest.program(), shell=True,
                              capture_output=True, text=True, env=self.avow.env)
        self.assertEqual((done.stderr, len(done.stdout.splitlines())), ("", 1))


def line(i, **more):
    event = {"kind": "pay", "deal": "deal-%d" % (i % 100), "amount": "%d USD" % (i + 1),
             "stated": "2025-01-30", "source": {"publisher": "The Example"}}
    return json.dumps({**event, **more}) + "\n"


class Publish(Case):
    services = ("ledger", "ingest", "query")

    def summary(self, *args, code=0, **more):
        return rows(self.run_cli("publish", *args, "-o", "json", code=code, **more))[0]

    def check_once(self, count):
        """Each of `count` lines stands in the ledger once."""
        amounts = sorted(e["amount"]["low"] // 100 for e in self.await_events(count))
        self.assertEqual(amounts, list(range(1, count + 1)))

    def test_a_file_is_published_once_however_often_it_is_run(self):
        path = self.path("a.jsonl", "".join(line(i) for i in range(3000)))
        first = self.summary(path)
        self.assertEqual((first["created"], first["exists"], first["first_seq"], first["last_seq"]),
                         (3000, 0, 1, 3000))
        again = self.summary(path)
        self.assertEqual((again["created"], again["exists"]), (0, 3000))
        with open(path, "a") as f:
            f.write("".join(line(i) for i in range(3000, 3010)))
        more = self.summary(path)
        self.assertEqual((more["created"], more["exists"]), (10, 3000))
        self.check_once(3010)

    def test_equal_lines_are_events_of_their_own(self):
        path = self.path("a.jsonl", line(0) * 3)
        self.assertEqual(self.summary(path)["created"], 3)
        self.assertEqual(self.summary(path)["exists"], 3)

    def test_killed_in_the_middle_and_run_again_nothing_is_missing_or_double(self):
        count = 30000
        path = self.path("a.jsonl", "".join(line(i) for i in range(count)))
        for _ in range(4):
            tool = subprocess.Popen([avowtest.program(), "publish", path], env=self.avow.env,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            before = self.avow.ask("query", "hello")["head"]
            avowtest.wait_until(lambda: self.avow.ask("query", "hello")["head"] > before
                                or tool.poll() is not None, "events arrive")
            tool.send_signal(signal.SIGKILL)
            tool.wait()
        self.summary(path)
        self.check_once(count)

    def test_services_that_die_in_the_middle_are_waited_for(self):
        count = 40000
        path = self.path("a.jsonl", "".join(line(i) for i in range(count)))
        for victim in ("ingest", "ledger"):
            before = self.avow.ask("query", "hello")["head"]
            tool = subprocess.Popen([avowtest.program(), "publish", path, "--timeout", "30s", "-o",
                                     "json"], env=self.avow.env, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if victim == "ingest":
                avowtest.wait_until(lambda: self.avow.ask("query", "hello")["head"] > before
                                    or tool.poll() is not None, "events arrive")
            self.avow.kill(victim)
            self.avow.start(victim)
            out, err = tool.communicate(timeout=300)
            self.assertEqual((tool.returncode, err), (0, ""))
            done = json.loads(out)["rows"][0]
            self.assertEqual(done["created"] + done["exists"], count)
        self.check_once(count)

    def test_bad_lines_stop_it_or_go_to_the_rejects(self):
        text = line(0) + line(1, amount="1,5 USD") + line(2) + "{\n" + line(3, ref=str(uuid.uuid4()))
        path = self.path("a.jsonl", text)
        stopped = self.run_cli("publish", path, "-o", "json", code=9)
        self.assertEqual([rows(stopped)[0][k] for k in ("created", "refused")], [1, 1])
        self.assertIn("a.jsonl:2:45: BAD_AMOUNT", stopped.stderr)
        rejects = self.path("bad.jsonl")
        done = self.run_cli("publish", path, "--rejects", rejects, "-o", "json", code=9)
        self.assertEqual([rows(done)[0][k] for k in ("created", "exists", "refused")], [1, 1, 3])
        for words in ("a.jsonl:2:45: BAD_AMOUNT", "a.jsonl:4:2: BAD_JSON", "a.jsonl:5:", "NO_SUCH_REF"):
            self.assertIn(words, done.stderr)
        with open(rejects) as f:
            mended = f.read().replace("1,5 USD", "2 USD").replace("{\n", "").splitlines()
        mended = "\n".join(m for m in mended if "ref" not in m) + "\n"
        self.assertEqual(self.summary(self.path("mended.jsonl", mended))["created"], 1)

    def test_a_pipe_is_published_as_it_comes_with_receipts(self):
        done = self.run_cli("publish", "-", "--receipts", "-o", "jsonl",
                            input=line(0) + "\n# a remark\n" + line(1))
        receipts = [json.loads(l) for l in done.stdout.splitlines()]
        self.assertEqual([(r["line"], r["seq"], r["status"]) for r in receipts],
                         [(1, 1, "created"), (4, 2, "created")])
        self.assertEqual(os.listdir(self.path("spool")), [])

    def test_what_a_pipe_brought_can_be_sent_later_with_the_same_ids(self):
        self.avow.stop("ingest")
        done = self.run_cli("publish", "-", "--timeout", "300ms", input=line(0) + line(1), code=6)
        spool, = os.listdir(self.path("spool"))
        self.assertIn(spool, done.stderr)
        self.avow.start("ingest")
        path = os.path.join(self.path("spool"), spool)
        self.assertEqual(self.summary(path)["created"], 2)
        self.assertEqual(self.summary(path)["exists"], 2)

    def test_control_characters_of_a_bad_line_do_not_reach_the_terminal(self):
        path = self.path("a.jsonl", '{"kind":"\x1b[31m\u202egnp"}\n')
        done = self.run_cli("publish", path, code=3)
        self.assertNotIn("\x1b", done.stderr)
        self.assertNotIn("\u202e", done.stderr)
        self.assertIn("\\x1b", done.stderr)


HEAD = ("company_permalink,company_name,company_category_list,company_country_code,"
        "company_state_code,company_region,company_city,acquirer_permalink,acquirer_name,"
        "acquirer_category_list,acquirer_country_code,acquirer_state_code,acquirer_region,"
        "acquirer_city,acquired_at,acquired_month,price_amount,price_currency_code").split(",")


def row(company="blue-fish", acquirer="red-whale", at="2012-07-23", price="", currency="USD",
        name=None, **more):
    cells = dict.fromkeys(HEAD, "")
    cells.update(company_permalink="/organization/" + company, company_name=name or company.title(),
                 acquirer_permalink="/organization/" + acquirer, acquirer_name=acquirer.title(),
                 acquired_at=at, acquired_month=at[:7], price_amount=price,
                 price_currency_code=currency, **more)
    return [cells[h] for h in HEAD]


GOOD = [
    row(),
    row("green-cat", "red-whale", "2014-01-07", "9000000", company_region="Washington, D.C."),
    row("naïve-öl-ag", "société-générale", "2005-06-12", "1234567.89", "EUR", 'The "Oil" Co.'),
    row("decomposed", "red-whale", "2011-11-11", "5", "JPY", "De\u0301cor <img src=x onerror=1>"),
    row("a" * 95, "red-whale", "2011-11-11", "160000000000", "GBP", "日本の会社 🐟"),
    row("self", "self", "2010-01-01", "0", "CHF", " spaces  around "),
    row("twice", "red-whale", "2013-03-03", "7", "CAD"),
    row("twice", "red-whale", "2013-03-03", "7", "CAD"),
    row("newline", "red-whale", "2013-03-03", "7", "CAD", "Two\nlines"),
]
BAD = [
    (row("no-day", at=""), "acquired_at"),
    (row("far-day", at="3201-10-21"), "3201-10-21"),
    (row("old-day", at="1201-11-03 00:00:00"), "1201-11-03"),
    (row("no-such-day", at="2013-02-30"), "acquired_at"),
    (row("comma", price="1,5"), "price_amount"),
    (row("money", price="5", currency="QQQ"), "QQQ"),
    (row("runaway", name="x" * 3000 + "\n\ty" * 100), "company_name"),
    (["ns|Technology"] + row()[1:], "/organization/"),
    (row("x")[:-2], "fields"),
    (row("BLUE_FISH"), "blue-fish"), # makes the slug of another company
]


def sheet(*lists):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([HEAD, *lists])
    return out.getvalue()


class Import(Case):
    def do(self, path, *more, code=0):
        return rows(self.run_cli("import", path, "--map", MAP, "-o", "json", *more, code=code))[0]

    def read_csv(self, path):
        with open(path, newline="") as f:
            return list(csv.DictReader(f))

    def test_good_rows_come_in_once_and_bad_rows_are_given_back(self):
        path = self.path("t.csv", sheet(*GOOD, *[b for b, _ in BAD]))
        dry = self.do(path, "--dry-run", code=9)
        self.assertEqual((dry["accepted"], dry["rejected"], dry["created"]), (len(GOOD), len(BAD), 0))
        self.assertFalse(os.path.exists(self.path("t.rejects.csv")))
        first = self.do(path, code=9)
        self.assertEqual((first["accepted"], first["rejected"], first["copies"], first["exists"]),
                         (len(GOOD), len(BAD), 1, 0))
        self.assertEqual(first["created"], first["events"])
        again = self.do(path, code=9)
        self.assertEqual((again["created"], again["exists"]), (0, first["created"]))
        back = self.read_csv(self.path("t.rejects.csv"))
        self.assertEqual(len(back), len(BAD))
        for found, (cells, words) in zip(back, BAD):
            self.assertEqual([found[h] for h in HEAD[:len(cells)]], cells)
            self.assertIn(words, found["avow_reason"])
        self.assertEqual(int(back[0]["avow_line"]), len(GOOD) + 3) # a row of two lines before it

    def test_mended_rejects_can_be_imported(self):
        path = self.path("t.csv", sheet(GOOD[0], BAD[0][0], BAD[1][0]))
        self.do(path, code=9)
        rejects = self.path("t.rejects.csv")
        with open(rejects) as f:
            text = f.read().replace("3201-10-21", "2001-10-21")
        mended = self.path("mended.csv", text)
        done = self.do(mended, code=9)
        self.assertEqual((done["accepted"], done["rejected"]), (1, 1))
        self.assertEqual(len(self.read_csv(self.path("mended.rejects.csv"))), 1)

    def test_another_order_and_a_part_of_the_file_add_nothing(self):
        first = self.do(self.path("t.csv", sheet(*GOOD)))
        for name, part in (("reversed", GOOD[::-1]), ("part", GOOD[2:5])):
            done = self.do(self.path(name + ".csv", sheet(*part)))
            self.assertEqual((name, done["created"]), (name, 0))
        self.assertEqual(len(self.await_events(first["created"])), first["created"])

    def test_the_events_say_what_the_row_says(self):
        self.do(self.path("t.csv", sheet(GOOD[2], GOOD[0], GOOD[6], GOOD[7])))
        events = self.await_events(13)
        closed = [e for e in events if e["kind"] == "close"]
        self.assertEqual(closed[0]["amount"], {"low": 123456789, "high": 123456789, "currency": "EUR"})
        self.assertEqual(closed[0]["deal"], "societe-generale-naive-ol-ag-2005-06-12")
        self.assertEqual((closed[0]["from"], closed[0]["to"]), (["societe-generale"], ["naive-ol-ag"]))
        self.assertEqual(closed[0]["stated"], "2005-06-12")
        # no price: the commitment is there, undisclosed
        commit, = [e for e in events if e["kind"] == "commit"]
        self.assertNotIn("amount", commit)
        self.assertNotIn("amount", closed[1])
        # the same row again is a copy
        self.assertEqual(closed[3]["derived_from"], closed[2]["id"])
        self.assertEqual(len([e for e in events if e.get("party") == "red-whale"]), 1)
        self.assertTrue(all("crunchbase-2015" in e["tags"] for e in events))

    def test_every_accepted_row_comes_back_exactly(self):
        self.do(self.path("t.csv", sheet(*GOOD, BAD[0][0])), code=9)
        out = self.run_cli("export", "--map", MAP, "-o", "csv").stdout
        self.assertEqual(out, sheet(*GOOD))
        self.assertNotEqual(unicodedata.normalize("NFC", out), out)

    def test_a_header_that_the_map_does_not_know_is_refused(self):
        for text, words in ((",".join(HEAD[1:]) + "\n", "company_permalink` is missing"),
                            (",".join(HEAD) + ",extra\n", "no column `extra`"),
                            (",".join(HEAD).replace("price_amount", "price_amuont") + "\n",
                             "did you mean price_amount"), ("", "empty")):
            done = self.run_cli("import", self.path("h.csv", text), "--map", MAP, code=3)
            self.assertIn("BAD_CSV", done.stderr)
            self.assertIn(words, done.stderr)

    def test_a_quote_without_an_end_does_not_swallow_the_rows_before_it(self):
        text = sheet(*GOOD) + '/organization/x,"never closed,\n' + ",\n" * 50
        done = self.do(self.path("t.csv", text), code=9)
        self.assertEqual((done["accepted"], done["rejected"]), (len(GOOD), 1))

    def test_carriage_returns_a_mark_and_no_last_newline_are_taken(self):
        text = "\ufeff" + sheet(*GOOD[:2]).replace("\n", "\r\n")[:-2]
        self.assertEqual(self.do(self.path("t.csv", text))["accepted"], 2)


class Demo(unittest.TestCase):
    def test_up_demo_publishes_the_sample_deals_and_says_what_to_try(self):
        directory = avowtest.tempfile.mkdtemp(prefix="avow-")
        self.addCleanup(avowtest.shutil.rmtree, directory, True)
        env = {k: v for k, v in os.environ.items() if not k.startswith("AVOW_")}
        up = subprocess.Popen([avowtest.program(), "up", "--demo", "--dir", directory, "--tcp", "off"],
                              env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(up.stdout.close)
        self.addCleanup(up.wait)
        self.addCleanup(up.terminate)
        lines = [up.stdout.readline().rstrip("\n") for _ in range(7)]
        self.assertIn("158 events, 158 of them new", lines[0])
        commands = [l.strip() for l in lines if l.startswith("  avow ")]
        self.assertEqual(len(commands), 3)


class Alone(unittest.TestCase):
    """Commands that need no services of ours."""

    def setUp(self):
        self.dir = avowtest.tempfile.mkdtemp(prefix="avow-")
        self.addCleanup(avowtest.shutil.rmtree, self.dir, True)

    def avow(self, *args, code=0):
        env = {k: v for k, v in os.environ.items() if not k.startswith("AVOW_")}
        done = subprocess.run([avowtest.program(), *args], env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def bench(self, *args, code=0):
        return self.avow("bench", *args, "--dir", self.dir, "-o", "json", code=code)

    def test_bench_publishes_what_it_was_told_to_and_leaves_nothing(self):
        row, = rows(self.bench("publish", "--events", "230", "--publishers", "3", "--in-flight", "2",
                               "--batch", "10"))
        self.assertEqual([row[name] for name in ("events", "publishers", "in_flight", "batch")],
                         [230, 3, 2, 10])
        self.assertLessEqual(row["p50_us"], row["p95_us"])
        self.assertLessEqual(row["p99_us"], row["max_us"])
        for name in ("events_per_s", "p50_us", "disk_syncs_per_s", "ledger_kib", "ingest_peak_kib"):
            self.assertGreater(row[name], 0, name)
        self.assertEqual(os.listdir(self.dir), [])

    def test_bench_names_what_it_cannot_measure(self):
        for option in ("events", "publishers", "in-flight", "batch"):
            self.assertIn("--%s is 1 or more" % option,
                          self.bench("publish", "--" + option, "0", code=2).stderr)
        self.assertIn("not `query`", self.bench("query", code=2).stderr)

    def test_the_manual_page_has_every_command_setting_and_error(self):
        page = self.avow("man").stdout
        names = [line.split()[0] for line in self.avow("help").stdout.splitlines()
                 if line.startswith("  ") and not line.startswith("  avow")]
        self.assertGreater(len(names), 20)
        lines = page.splitlines()
        for line in [*(".Ss avow " + name for name in names), ".It Fl \\-dir",
                     ".It DAMAGED (602, exit 8)"]:
            self.assertIn(line, lines)


if __name__ == "__main__":
    unittest.main()
