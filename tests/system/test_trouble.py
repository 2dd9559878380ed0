# SPDX-License-Identifier: Apache-2.0
"""
What goes wrong around services: a store that is locked, damaged, cut off, read-only or gone, too few
descriptors, a full disk, services that stop, die or lag. Each start that fails ends with a clear error
and its exit code, and `avow check` sees each state that a service can be in.

Small disks and read-only ones are mounted in a namespace of the test's own, which needs root.
"""
import json
import os
import resource
import shutil
import subprocess
import sys
import unittest

import avowtest
from avowtest import Avow, Process, Refused, event, wait_until

OWN = ["unshare", "--mount", "--propagation", "private"]
FAILED, NO_SPACE, DAMAGED = 1, 6, 8
OK, WARNING, CRITICAL, UNKNOWN = range(4)
SERVICES = ("ledger", "query", "up")


def own_namespace():
    """Run this program again where its mounts are nobody else's."""
    if os.geteuid() == 0 and not os.environ.get("OWN_MOUNTS") and shutil.which("unshare") and \
            subprocess.run([*OWN, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.environ["OWN_MOUNTS"] = "1"
        os.execvp(OWN[0], [*OWN, sys.executable, *sys.argv])


needs_mounts = unittest.skipUnless(os.environ.get("OWN_MOUNTS"), "needs root, to mount small disks")


def mount(*options):
    subprocess.run(["mount", *options], check=True)


def flip(path, text, at=0):
    """Flip a bit in each place of a file where `text` stands; how many."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    places, found = 0, data.find(text)
    while found >= 0:
        data[found + at] ^= 4
        places, found = places + 1, data.find(text, found + 1)
    with open(path, "wb") as f:
        f.write(data)
    return places


class Starting(unittest.TestCase):
    """Each test has the directories of services that have run and ended, with two events."""

    @classmethod
    def setUpClass(cls):
        cls.avow = Avow().__enter__()
        seq = cls.avow.publish(event(), event())["receipts"][0]["last"]
        cls.avow.ask("query", "get", seq=seq, min_seq=seq)
        cls.avow.stop("up")

    @classmethod
    def tearDownClass(cls):
        cls.avow.close()

    def setUp(self):
        self.dir = self.avow.dir + ".test"
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        shutil.copytree(self.avow.dir, self.dir, ignore=shutil.ignore_patterns("*.sock"))

    def start(self, service, **popen):
        """What a service that cannot start says, and its exit code."""
        env = dict(self.avow.env, AVOW_DIR=self.dir)
        tcp = [] if service == "ledger" else ["--tcp", "off"]
        done = subprocess.run([avowtest.program(), service, *tcp], env=env, capture_output=True,
                              text=True, timeout=300, check=False, **popen)
        return done.returncode, done.stderr

    def refuses(self, code, words, services=SERVICES, **popen):
        for service in services:
            with self.subTest(service):
                got, said = self.start(service, **popen)
                self.assertEqual((got, words in said), (code, True), said)

    def data(self, service):
        return os.path.join(self.dir, service, "data.mdb")

    def test_a_directory_that_another_ledger_has_open_is_refused(self):
        env = dict(self.avow.env, AVOW_DIR=self.dir)
        first = Process(["ledger", "--listen", "ipc://%s/other.sock" % self.dir], env)
        try:
            first.wait_line("ledger ready")
            self.refuses(FAILED, "STORE_LOCKED", ("ledger", "up"))
        finally:
            self.assertEqual(first.end(), 0)

    def test_a_store_that_is_cut_off_is_refused(self):
        for service in ("ledger", "query"):
            os.truncate(self.data(service), 9000)
        self.refuses(DAMAGED, "cut off")

    def test_a_store_that_is_gone_is_refused_and_not_made_anew(self):
        for service in ("ledger", "query"):
            os.unlink(self.data(service))
        self.refuses(DAMAGED, "missing")
        self.assertFalse(os.path.exists(self.data("ledger")))

    def test_a_store_whose_newest_event_is_damaged_is_refused_by_its_seq(self):
        for service in ("ledger", "query"):
            self.assertGreater(flip(self.data(service), b"softbank-openai-2025", 3), 0)
        self.refuses(DAMAGED, "newest event")

    @needs_mounts
    def test_a_read_only_store_is_refused(self):
        mount("--bind", self.dir, self.dir)
        self.addCleanup(subprocess.run, ["umount", self.dir], check=True)
        mount("-o", "remount,ro,bind", self.dir)
        self.refuses(FAILED, "Read-only file system")

    @needs_mounts
    def test_a_full_disk_at_the_first_start_is_refused(self):
        shutil.rmtree(self.dir)
        os.mkdir(self.dir)
        mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", self.dir)
        self.addCleanup(subprocess.run, ["umount", self.dir], check=True)
        self.refuses(NO_SPACE, "NO_SPACE")

    def test_too_few_descriptors_are_refused_in_words(self):
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
        self.refuses(FAILED, "file descriptors", preexec_fn=few)


class Descriptors(unittest.TestCase):
    def test_with_64_descriptors_everything_serves_more_peers_than_that(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with Avow(tcp="any") as avow:
            resource.prlimit(avow.processes["up"].pid, resource.RLIMIT_NOFILE, (64, limits[1]))
            peers = [avow.client(name, scheme) for name in ("ingest", "query") * 25
                     for scheme in ("tcp", "ipc")]
            for peer in peers:
                peer.send("hello")
            answered = wait_until(lambda: sum(bool(p.socket.poll(0)) for p in peers), "one answers")
            self.assertGreater(answered, 0)
            for peer in peers:
                peer.close()
            self.assertEqual(avow.publish(event())["status"], "created")


class Damage(unittest.TestCase):
    def test_a_damaged_event_is_named_and_the_others_are_served(self):
        with Avow("ledger", "ingest", "query") as avow:
            avow.publish(event(note="first one"))
            avow.publish(event(note="second one"))
            last = avow.publish(event(note="third one"))["receipts"][0]["last"]
            avow.ask("query", "get", seq=last, min_seq=last)
            avow.stop("query")
            avow.stop("ledger")
            for service in ("ledger", "query"):
                path = os.path.join(avow.dir, service, "data.mdb")
                self.assertGreater(flip(path, b"second one"), 0)
            for service in ("ledger", "query"):
                if service in avow.clients:
                    avow.clients.pop(service).close()
                avow.start(service)
            for service in ("ledger", "query"):
                with self.assertRaises(Refused) as caught:
                    avow.ask(service, "read", after=1, limit=1)
                self.assertEqual((caught.exception.name, caught.exception.seq), ("DAMAGED", 2))
                self.assertEqual([e["seq"] for e in avow.ask(service, "read", after=0)["events"]], [1])
                self.assertEqual([e["seq"] for e in avow.ask(service, "read", after=2)["events"]], [3])
            done = avow.cli("check", check=CRITICAL)
            self.assertIn("event #2", done.stdout)
            self.assertIn("avow query --rebuild", done.stdout)

    def test_a_damaged_row_of_the_index_refuses_its_question_alone_until_it_is_rebuilt(self):
        with Avow("ledger", "ingest", "query") as avow:
            avow.publish(event(deal="first-2025"), event(deal="second-2025"))
            avow.ask("query", "get", seq=2, min_seq=2)
            avow.stop("query")
            # in the table of names: the number of a deal, behind it its slug
            path = os.path.join(avow.dir, "query", "data.mdb")
            self.assertGreater(flip(path, b"\0\0\0\x02second-2025", 14), 0)
            avow.clients.pop("query").close()
            avow.start("query")
            refused, answered = self.questions(avow)
            self.assertEqual((refused, answered > 0), ({"DAMAGED"}, True))
            self.assertIn("damaged rows", avow.cli("check", check=WARNING).stdout)
            avow.stop("query")
            avow.clients.pop("query").close()
            avow.start("query", "--rebuild")
            avow.ask("query", "get", seq=2, min_seq=2)
            self.assertEqual(self.questions(avow)[0], set())
            avow.cli("check", check=OK)

    def questions(self, avow):
        """Names of the errors, and how many were answered."""
        refused, answered = set(), 0
        for deal in ("first-2025", "second-2025"):
            for ask in (("deal_figure", {"deal": deal}), ("history", {"deal": deal}),
                        ("why", {"deal": deal, "rung": "talked"}), ("deals", {}), ("flows", {})):
                try:
                    avow.ask("query", ask[0], **ask[1])
                    answered += 1
                except Refused as e:
                    refused.add(e.name)
        return refused, answered


def check(avow, code, words, *options):
    """`avow check` comes to this; asked until it does, as each state takes a moment to be seen."""
    def seen():
        done = avow.cli("check", "--timeout", "2s", *options)
        return done.returncode == code and words in done.stdout and done
    return wait_until(seen, "check says %d, %s" % (code, words), 120)


class Checking(unittest.TestCase):
    def test_each_state_of_a_service_is_told_apart(self):
        with Avow("ledger", "ingest", "query") as avow:
            avow.publish(event())
            check(avow, OK, "every service answers")
            avow.processes["query"].pause()
            check(avow, CRITICAL, "query   is there but does not answer")
            avow.processes["query"].go_on()
            check(avow, OK, "every service answers")
            avow.kill("query")
            check(avow, CRITICAL, "query   is not running")
            avow.start("query")
            avow.processes["ledger"].pause()
            check(avow, CRITICAL, "ledger  is there but does not answer")
            check(avow, CRITICAL, "has not heard its ledger", "--silent-warn", "1s")
            self.assertEqual(len(avow.ask("query", "read", after=0)["events"]), 1)
            avow.processes["ledger"].go_on()
            avow.kill("ledger")
            check(avow, CRITICAL, "ledger  is not running")
            shutil.rmtree(os.path.join(avow.dir, "ledger"))
            avow.start("ledger")
            check(avow, CRITICAL, "another ledger")

    def test_formats_and_exit_codes(self):
        with Avow() as avow:
            said = check(avow, OK, "AVOW OK - ", "-o", "nagios").stdout
            self.assertRegex(said, r"^AVOW OK - [^|\n]+ \| lag=0;10000;1000000;0 head=0\n$")
            said = json.loads(check(avow, OK, "OK", "-o", "json").stdout)
            self.assertEqual((said["state"], said["exit"], len(said["checks"])), ("OK", 0, 1))
            self.assertEqual(avow.cli("check", "-o", "csv").returncode, UNKNOWN)
            self.assertEqual(avow.cli("check", "--lag-warn", "x").returncode, UNKNOWN)
            self.assertEqual(avow.cli("check", "--nonsense").returncode, UNKNOWN)
            avow.kill("up")
            said = avow.cli("check", "-o", "nagios", check=CRITICAL).stdout
            self.assertTrue(said.startswith("AVOW CRITICAL - ingest is not running"), said)


@needs_mounts
class FullDisk(unittest.TestCase):
    def disk(self, directory, size):
        os.makedirs(directory, exist_ok=True)
        mount("-t", "tmpfs", "-o", "size=" + size, "tmpfs", directory)
        self.addCleanup(subprocess.run, ["umount", "-l", directory], check=True)

    def fill(self, directory):
        """Others take the disk but for 8 MiB, less than the reserve; what releases it."""
        s = os.statvfs(directory)
        path = os.path.join(directory, "ballast")
        with open(path, "wb") as f:
            os.posix_fallocate(f.fileno(), 0, s.f_bavail * s.f_frsize - (8 << 20))
        return lambda: os.unlink(path)

    def test_a_query_without_room_lags_answers_and_catches_up(self):
        avow = Avow("ledger", "ingest", "query")
        self.disk(os.path.join(avow.dir, "query"), "64m")
        with avow:
            avow.publish(event())
            avow.ask("query", "get", seq=1, min_seq=1)
            release = self.fill(os.path.join(avow.dir, "query"))
            avow.publish(*[event() for _ in range(5)])
            check(avow, CRITICAL, "is 5 events behind", "--lag-critical", "5")
            done = check(avow, CRITICAL, "is 5 events behind", "--lag-warn", "5")
            self.assertIn("cannot take in events: NO_SPACE", done.stdout)
            self.assertEqual(avow.ask("query", "get", seq=1)["entry"]["seq"], 1)
            release()
            check(avow, OK, "query is 0 events behind")

    def test_no_space_is_said_and_ends_by_itself(self):
        avow = Avow("ledger", "ingest", "query")
        self.disk(avow.dir, "96m")
        with avow:
            written = event()
            first = avow.publish(written)
            release = self.fill(avow.dir)
            with self.assertRaises(Refused) as caught:
                avow.publish(event())
            self.assertEqual(caught.exception.name, "NO_SPACE")
            self.assertEqual(avow.publish(written)["receipts"][0]["last"],
                             first["receipts"][0]["last"])
            self.assertEqual(len(avow.ask("query", "read", after=0)["events"]), 1)
            self.assertIn("NO_SPACE", avow.cli("check", check=CRITICAL).stdout)
            avow.stop("ledger")
            avow.start("ledger")
            wait_until(lambda: self.said(avow) == "NO_SPACE", "it serves on a full disk")
            self.assertEqual(len(avow.ask("ledger", "read", after=0)["events"]), 1)
            release()
            wait_until(lambda: self.said(avow) == "created", "it writes again")
            check(avow, OK, "every service answers")

    def said(self, avow):
        try:
            return avow.publish(event())["status"]
        except Refused as e:
            return e.name


if __name__ == "__main__":
    own_namespace()
    unittest.main()
