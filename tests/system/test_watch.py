# SPDX-License-Identifier: Apache-2.0
"""avow watch: every event once and in order, whatever dies in between; and its filters and positions."""
import json
import os
import signal
import subprocess
import threading
import unittest

import avowtest
from avowtest import Avow, event, wait_until

USD = lambda major: {"low": major * 100, "high": major * 100, "currency": "USD"}


class Watch:
    """A running `avow watch -o jsonl`; its lines as they come."""

    def __init__(self, avow, *args, out="jsonl"):
        self.lines, self.errors = [], []
        self.popen = subprocess.Popen(
            [avowtest.program(), "watch", *args, "-o", out], env=avow.env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.threads = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in
                        ((self.popen.stdout, self.lines), (self.popen.stderr, self.errors))]
        for thread in self.threads:
            thread.start()

    def _read(self, stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def events(self):
        return [json.loads(line) for line in list(self.lines)]

    def seqs(self):
        return [e["seq"] for e in self.events()]

    def wait_seqs(self, expected, timeout=300):
        wait_until(lambda: len(self.lines) >= len(expected) or self.popen.poll() is not None,
                   "%d events" % len(expected), timeout)
        return self.seqs()

    def wait(self, timeout=avowtest.TIMEOUT):
        code = self.popen.wait(timeout)
        for thread in self.threads:
            thread.join(timeout)
        return code

    def end(self, sig=signal.SIGINT):
        if self.popen.poll() is None:
            self.popen.send_signal(sig)
        try:
            return self.wait()
        finally:
            if self.popen.poll() is None:
                self.popen.kill()
            self.popen.stdout.close()
            self.popen.stderr.close()


def waiting_readers(avow):
    counters = {c["name"]: c["value"] for c in avow.ask("query", "status")["counters"]}
    return counters["readers_waiting"]


class Once(unittest.TestCase):
    def publish_all(self, avow, count, done):
        """Publish `count` events one by one, each until it has a receipt."""
        client = None
        for i in range(count):
            data, patience = event(note="number %d" % i), 2
            while True:
                try:
                    client = client or avow.client("ingest")
                    client.publish(data, timeout=patience, ttl_ms=int(1000 * patience))
                    break
                except (avowtest.Silence, avowtest.Refused, OSError, AssertionError) as e:
                    if isinstance(e, avowtest.Refused) and e.class_ not in ("retry", None):
                        raise
                    if client and isinstance(e, avowtest.Silence):
                        patience = min(2 * patience, avowtest.TIMEOUT) # it may only be slow
                        client.close()
                        client = None
            done.append(i)
        client.close()

    def test_every_seq_comes_once_though_each_service_is_killed_while_publishing(self):
        count, services = 1500, ("query", "ingest", "ledger", "query", "ledger", "ingest")
        with Avow("ledger", "ingest", "query") as avow:
            everything = Watch(avow, "--after", "0")
            some = Watch(avow, "--after", "0", "--tag", "none") # its position moves on nothing
            done = []
            publisher = threading.Thread(target=self.publish_all, args=(avow, count, done))
            publisher.start()
            for n, service in enumerate(services, 1):
                wait_until(lambda: len(done) >= n * count // (len(services) + 1) or
                           not publisher.is_alive(), "publishing goes on", 300)
                avow.kill(service)
                avow.start(service)
            publisher.join(300)
            self.assertEqual(len(done), count)
            last = avow.publish(event(tags=["none"]))["receipts"][0]["last"]
            expected = list(range(1, last + 1))
            self.assertEqual(everything.wait_seqs(expected), expected)
            self.assertEqual(some.wait_seqs([last]), [last])
            notes = [e.get("note") for e in everything.events()][:-1]
            self.assertEqual(sorted(notes), sorted(set(notes)))
            self.assertEqual(everything.end(), 130)
            self.assertEqual(some.end(), 130)
            for line in everything.errors:
                self.assertRegex(line, r"^avow watch: the service (does not answer|answers again)")

    def test_a_stopped_query_service_is_waited_for(self):
        with Avow("ledger", "ingest", "query") as avow:
            watch = Watch(avow, "--after", "0")
            avow.publish(event())
            self.assertEqual(watch.wait_seqs([1]), [1])
            avow.stop("query")
            avow.publish(event(), event())
            wait_until(lambda: any("trying again" in l for l in list(watch.errors)), "a notice")
            avow.start("query")
            self.assertEqual(watch.wait_seqs([1, 2, 3]), [1, 2, 3])
            wait_until(lambda: any("answers again" in l for l in list(watch.errors)), "a notice")
            self.assertEqual(watch.end(), 130)


class Ends(unittest.TestCase):
    def setUp(self):
        self.avow = Avow().__enter__()
        self.addCleanup(self.avow.close)

    def test_ctrl_c_ends_it_with_130_and_without_words(self):
        watch = Watch(self.avow)
        wait_until(lambda: waiting_readers(self.avow), "it waits")
        self.assertEqual(watch.end(), 130)
        self.assertEqual((watch.lines, watch.errors), ([], []))

    def test_a_reader_that_goes_away_ends_it_in_silence(self):
        self.avow.publish(*[event() for _ in range(10)])
        line = "'%s' watch --after 0 -o jsonl 2>err | head -n 3 | wc -l; cat err" % avowtest.program()
        done = subprocess.run(["bash", "-c", "cd '%s'; %s" % (self.avow.dir, line)],
                              env=self.avow.env, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.stdout.split(), ["3"])
        self.assertEqual(done.stderr, "")

    def test_count_ends_it(self):
        self.avow.publish(*[event() for _ in range(10)])
        done = self.avow.cli("watch", "--after", "0", "--count", "4", "-o", "jsonl", check=0)
        self.assertEqual([json.loads(l)["seq"] for l in done.stdout.splitlines()], [1, 2, 3, 4])

    def test_timeout_ends_it_where_nothing_comes(self):
        done = self.avow.cli("watch", "--timeout", "5s", check=6)
        self.assertIn("DEADLINE", done.stderr)

    def test_no_service_is_an_error_at_once(self):
        done = self.avow.cli("watch", "--query", "ipc://%s/nobody" % self.avow.dir, check=6)
        self.assertIn("UNREACHABLE", done.stderr)

    def test_json_without_an_end_is_refused(self):
        self.assertIn("jsonl", self.avow.cli("watch", "-o", "json", check=2).stderr)


class Begins(unittest.TestCase):
    def setUp(self):
        self.avow = Avow().__enter__()
        self.addCleanup(self.avow.close)

    def seqs(self, *args):
        done = self.avow.cli("watch", *args, "-o", "jsonl", check=0)
        return [json.loads(line)["seq"] for line in done.stdout.splitlines()]

    def read_until(self, seq):
        """The query service holds it."""
        self.avow.ask("query", "get", seq=seq, min_seq=seq)

    def test_without_a_beginning_it_begins_with_what_comes_next(self):
        self.avow.publish(event(), event())
        self.read_until(2)
        watch = Watch(self.avow)
        wait_until(lambda: waiting_readers(self.avow), "it waits")
        self.avow.publish(event())
        self.assertEqual(watch.wait_seqs([3]), [3])
        self.assertEqual(watch.end(), 130)

    def test_last_begins_with_the_last_that_match_and_goes_on(self):
        self.avow.publish(*[event(to=[name], from_=["softbank"]) for name in ("openai", "arm") * 20])
        self.read_until(40)
        watch = Watch(self.avow, "--to", "openai", "--last", "3")
        self.assertEqual(watch.wait_seqs([35, 37, 39]), [35, 37, 39])
        self.avow.publish(event(to=["arm"]), event(to=["openai"]))
        self.assertEqual(watch.wait_seqs([35, 37, 39, 42]), [35, 37, 39, 42])
        self.assertEqual(watch.end(), 130)

    def test_last_of_more_than_there_are_is_all(self):
        self.avow.publish(event(), event())
        self.read_until(2)
        self.assertEqual(self.seqs("--last", "10000", "--count", "2"), [1, 2])

    def test_since_begins_with_what_was_recorded_since(self):
        self.avow.publish(event())
        first = self.avow.publish(event())["receipts"][0]["recorded"]
        self.avow.publish(event())
        self.read_until(3)
        instant = "%s.%06dZ" % (avowtest.time.strftime(
            "%Y-%m-%dT%H:%M:%S", avowtest.time.gmtime(first // 1000000)), first % 1000000)
        self.assertEqual(self.seqs("--since", instant, "--count", "2"), [2, 3])
        self.assertEqual(self.seqs("--since", "1h", "--count", "3"), [1, 2, 3])
        self.assertEqual(self.avow.cli("watch", "--since", "soon").returncode, 2)

    def test_a_position_behind_the_head_is_an_error(self):
        self.avow.publish(event())
        self.read_until(1)
        self.assertIn("POSITION_IN_FUTURE", self.avow.cli("watch", "--after", "2", check=4).stderr)

    def test_a_filter_selects_by_all_that_is_given(self):
        self.avow.publish(
            event(kind="commit", amount=USD(10 ** 9)),                                     # 1
            event(kind="commit", amount=USD(10 ** 9 - 1)),                                 # 2
            event(kind="commit", amount={"low": 10 ** 9, "high": 10 ** 9, "currency": "JPY"}), # 3
            event(kind="pay", amount=USD(2 * 10 ** 9), tags=["hot"]),                      # 4
            event(deal="nvidia-arm", from_=["nvidia"], to=["softbank"]))                   # 5
        self.read_until(5)
        for args, expected in (
                (["--min", "1bn"], [1, 3, 4, 5]),
                (["--min", "1bn USD"], [1, 4, 5]),
                (["--min", "1bn", "--currency", "JPY"], [3]),
                (["--kind", "commit,pay", "--currency", "USD"], [1, 2, 4]),
                (["--party", "softbank"], [1, 2, 3, 4, 5]),
                (["--from", "nvidia"], [5]), (["--deal", "nvidia-arm"], [5]),
                (["--rung", "paid"], [4]), (["--tag", "hot"], [4])):
            with self.subTest(args=args):
                self.assertEqual(self.seqs("--last", "10", "--count", str(len(expected)), *args),
                                 expected)

    def test_words_that_are_none_are_named(self):
        for args, words in ((["--kind", "comit"], "did you mean commit"),
                            (["--min", "1,25bn"], "1bn"), (["--rung", "x"], "talked"),
                            (["--to", "Open AI"], "BAD_SLUG"), (["--currency", "usd"], "USD"),
                            (["--min", "1bn USD", "--currency", "EUR"], "EUR")):
            with self.subTest(args=args):
                done = self.avow.cli("watch", *args)
                self.assertIn(done.returncode, (2, 3))
                self.assertIn(words, done.stderr)


class Positions(unittest.TestCase):
    def test_a_kept_position_goes_on_where_it_was(self):
        with Avow() as avow:
            kept = os.path.join(avow.dir, "seen")
            seqs = lambda *args: [json.loads(line)["seq"] for line in avow.cli(
                "watch", "--position", kept, "-o", "jsonl", *args, check=0).stdout.splitlines()]
            avow.publish(*[event() for _ in range(5)])
            avow.ask("query", "get", seq=5, min_seq=5)
            self.assertEqual(seqs("--after", "0", "--count", "2"), [1, 2])
            self.assertEqual(seqs("--after", "0", "--count", "1"), [3])
            self.assertEqual(seqs("--last", "1", "--count", "2"), [4, 5])
            # also where nothing came yet
            self.assertEqual(avow.cli("watch", "--position", kept + "2", "--timeout",
                                      "5s").returncode, 6)
            avow.publish(event())
            self.assertEqual(avow.cli("watch", "--position", kept + "2", "--count", "1", "-o",
                                      "tsv", check=0).stdout.splitlines()[1].split("\t")[0], "6")

    def test_a_position_of_another_ledger_is_refused(self):
        with Avow() as one, Avow() as other:
            kept = os.path.join(one.dir, "seen")
            one.publish(event())
            other.publish(event())
            one.cli("watch", "--after", "0", "--count", "1", "--position", kept, check=0)
            done = other.cli("watch", "--position", kept, check=4)
            self.assertIn("WRONG_LEDGER", done.stderr)

    def test_a_file_that_is_no_position_is_refused(self):
        with Avow() as avow:
            kept = os.path.join(avow.dir, "seen")
            for text in ("", "avow position 1\n", "avow position 1\nledger x\nepoch 1\nseq 1\n",
                         "avow position 1\nledger 01a20938-9bcb-786b-87f0-ff8339c23f22\nepoch 1\n"
                         "seq 12"):
                with open(kept, "w") as f:
                    f.write(text)
                self.assertIn("no position", avow.cli("watch", "--position", kept, check=2).stderr)

    def test_another_ledger_at_the_same_address_ends_it(self):
        with Avow() as avow:
            avow.publish(event())
            watch = Watch(avow, "--after", "0")
            self.assertEqual(watch.wait_seqs([1]), [1])
            avow.kill("up")
            for name in ("ledger", "query"):
                avowtest.shutil.rmtree(os.path.join(avow.dir, name))
            avow.start("up")
            self.assertEqual(watch.wait(), 4)
            self.assertIn("WRONG_LEDGER", "\n".join(watch.errors))
            watch.end()


if __name__ == "__main__":
    unittest.main()
