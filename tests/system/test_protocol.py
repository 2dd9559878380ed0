# SPDX-License-Identifier: Apache-2.0
"""The specification against running services: its first program, and every refusal it lists."""
import json
import os
import subprocess
import unittest

import avowtest

FIRST = os.path.join(avowtest.ROOT, "proto/examples/first.py")
REFUSALS = os.path.join(avowtest.ROOT, "tests/vectors/refusals.json")


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.avow = avowtest.Avow()
        cls.avow.__enter__()
        avowtest.wait_until(cls.reached, "the services have reached the ledger")

    @classmethod
    def reached(cls):
        try:
            return cls.avow.ask("query", "hello") and cls.avow.ask("ingest", "hello")
        except avowtest.Refused as refused:
            assert refused.name == "UNAVAILABLE", refused
            return None

    @classmethod
    def tearDownClass(cls):
        cls.avow.close()

    def setUp(self):
        self.head = self.avow.ask("query", "hello")["head"]

    def test_the_first_program_publishes_reads_back_and_follows(self):
        places = [self.avow.endpoint(name) for name in ("ingest", "query", "tape")]
        done = subprocess.run(["/usr/bin/python3", FIRST, *places], capture_output=True, text=True,
                              timeout=300)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^written and read back as (\d+) True\n#\1 - read up to \1\n$")

    def test_the_first_program_has_forty_lines_and_stands_in_the_specification(self):
        with open(FIRST, encoding="utf-8") as f:
            program = f.read()
        with open(os.path.join(avowtest.ROOT, "proto/PROTOCOL.md"), encoding="utf-8") as f:
            self.assertIn(program, f.read())
        self.assertLessEqual(program.count("\n"), 40)

    def refusals(self, as_):
        with open(REFUSALS, encoding="utf-8") as f:
            for vector in json.load(f):
                # what counts as the future depends on the day of the test
                if vector["as"] == as_ and vector["error"]["name"] != "STATED_IN_FUTURE":
                    yield vector["name"], bytes.fromhex(vector["hex"]), vector["error"]

    def expect(self, name, error, got):
        with self.subTest(name):
            self.assertEqual(got["type"], "error")
            self.assertEqual((got["name"], got["code"]), (error["name"], error["code"]))
            self.assertEqual(got.get("field", ""), error["field"])

    def test_every_malformed_message_gets_its_error_and_harms_nobody(self):
        for service in ("ingest", "query"):
            client = self.avow.client(service)
            for name, wire, error in self.refusals("message"):
                if b"publish" in wire and service == "query":
                    continue # query does not answer a publish
                if b"publish" not in wire and service == "ingest" and b"type" in wire:
                    continue # nor ingest a read
                client.send_raw(wire)
                self.expect("%s: %s" % (service, name), error, client.receive())
            client.close()
            self.avow.ask(service, "hello")

    def test_every_malformed_event_gets_its_error_and_is_not_written(self):
        client = self.avow.client("ingest")
        for name, wire, error in self.refusals("event"):
            rid = client.send("publish", events=[wire])
            got = client.receive()
            self.assertEqual(got["rid"], rid)
            self.expect(name, error, got)
        client.close()
        self.assertEqual(self.avow.ask("query", "hello")["head"], self.head)


if __name__ == "__main__":
    unittest.main()
