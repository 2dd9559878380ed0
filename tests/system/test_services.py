# SPDX-License-Identifier: Apache-2.0
"""The services as a stranger sees them: by their sockets, signals and exit codes."""
import os
import random
import signal
import threading
import time
import unittest

import msgpack
import zmq

import avowtest
from avowtest import Avow, Refused, event, fields, new_id, unpack, wait_until

pack = msgpack.packb


def run_of(answer):
    """A receipt of one run as (first, last, status)."""
    receipts = answer["receipts"]
    assert len(receipts) == 1, answer
    return receipts[0]["first"], receipts[0]["last"], receipts[0]["status"]


class Shared(unittest.TestCase):
    """Tests that share one running `up`, as they leave it as they found it."""

    @classmethod
    def setUpClass(cls):
        cls.avow = Avow(tcp="any").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.avow.close()

    def refused(self, name, *args, **kw):
        with self.assertRaises(Refused) as caught:
            self.avow.ask(*args, **kw)
        self.assertEqual(caught.exception.name, name, caught.exception.message)
        return caught.exception


class Publishing(Shared):
    def test_a_batch_is_one_run_and_its_retry_gives_the_same_receipt(self):
        batch = [event() for _ in range(5)]
        first = self.avow.publish(*batch)
        again = self.avow.publish(*batch)
        self.assertEqual(first["status"], "created")
        self.assertEqual(again["status"], "exists")
        a, b = first["receipts"], again["receipts"]
        self.assertEqual([r.pop("status") for r in a + b], ["created", "exists"])
        self.assertEqual(a, b)
        self.assertEqual(a[0]["last"] - a[0]["first"], 4)
        self.assertEqual(len(a[0]["leaves"]), 5)

    def test_the_event_comes_back_byte_for_byte(self):
        data = event(note="déjà vu")
        seq = run_of(self.avow.publish(data))[0]
        got = self.avow.ask("query", "get", seq=seq, min_seq=seq)
        self.assertEqual(got["entry"]["event"], data)
        self.assertEqual(self.avow.ask("query", "get", id=unpack(data)["id"])["entry"]["seq"], seq)

    def test_the_same_content_in_another_order_exists(self):
        f = fields()
        seq = run_of(self.avow.publish(pack(f)))[0]
        other = pack(dict(reversed(list(f.items()))))
        self.assertEqual(run_of(self.avow.publish(other)), (seq, seq, "exists"))

    def test_other_content_under_an_id_is_a_conflict(self):
        f = fields()
        seq = run_of(self.avow.publish(pack(f)))[0]
        f["note"] = "changed"
        e = self.refused("ID_CONFLICT", "ingest", "publish", events=[pack(f)])
        self.assertEqual((e.seq, e.index, e.field), (seq, 0, "id"))

    def test_one_bad_event_keeps_the_batch_out_and_is_named(self):
        good, head = event(), self.avow.ask("ledger", "hello")["head"]
        e = self.refused("BAD_BATCH", "ingest", "publish",
                         events=[good, event(stated="2025-02-30"), event(grade=None)])
        self.assertEqual([(f["index"], f["name"], f["field"]) for f in e.faults],
                         [(1, "BAD_DATE", "stated"), (2, "MISSING_FIELD", "grade")])
        self.assertEqual(self.avow.ask("ledger", "hello")["head"], head)

    def test_partial_writes_the_good_ones(self):
        taken = fields()
        self.avow.publish(pack(taken))
        batch = [event(), event(stated=None), pack({**taken, "note": "x"}), event()]
        m = self.avow.publish(*batch, partial=True)
        self.assertEqual([(r["index"], r["status"]) for r in m["receipts"]],
                         [(0, "created"), (3, "created")])
        self.assertEqual([(f["index"], f["name"]) for f in m["faults"]],
                         [(1, "MISSING_FIELD"), (2, "ID_CONFLICT")])
        m = self.avow.publish(event(stated=None), partial=True)
        self.assertEqual((m["receipts"], len(m["faults"])), ([], 1))

    def test_expect_guards_the_deals_revision(self):
        deal = "expect-%d" % random.getrandbits(40)
        one = event(deal=deal)
        first = self.avow.publish(one, expect=[{"deal": deal, "revision": 0}])
        again = self.avow.publish(one, expect=[{"deal": deal, "revision": 0}])
        self.assertEqual(run_of(first)[:2], run_of(again)[:2])
        e = self.refused("WRONG_REVISION", "ingest", "publish", events=[event(deal=deal)],
                         expect=[{"deal": deal, "revision": 0}])
        self.assertEqual((e.expected, e.actual), (0, 1))

    def test_a_correction_needs_its_event_and_a_later_day(self):
        first = new_id()
        self.avow.publish(event(id=first, stated="2025-01-30"))
        self.avow.publish(event(ref=first, stated="2025-02-01"))
        self.refused("NO_SUCH_REF", "ingest", "publish", events=[event(ref=new_id())])
        self.refused("STATED_TOO_EARLY", "ingest", "publish",
                     events=[event(ref=first, stated="2025-01-29")])

    def test_publishers_at_once_get_seqs_without_a_hole(self):
        before = self.avow.ask("ledger", "hello")["head"]
        clients = [self.avow.client("ingest", "tcp") for _ in range(20)]
        rids = [(c, [c.send("publish", events=[event(), event()]) for _ in range(10)])
                for c in clients]
        seqs = []
        for c, sent in rids:
            for rid in sent:
                first, last, status = run_of(c.answer(rid))
                self.assertEqual((last - first, status), (1, "created"))
                seqs += [first, last]
            c.close()
        self.assertEqual(sorted(seqs), list(range(before + 1, before + 401)))


class Malformed(Shared):
    """Any bytes: one documented error, or none where no answer is possible; the service lives on."""

    HEAD = {"v": 1, "type": "hello", "rid": 7}
    ERRORS = [
        ("MALFORMED", b""), ("MALFORMED", b"\xc1"), ("MALFORMED", b"\x81"), ("MALFORMED", b"\x93\x01"),
        ("WRONG_TYPE", pack([1, 2, 3])), ("MALFORMED", pack(HEAD) + b"\x00"),
        ("MALFORMED", pack(HEAD)[:-1]), ("MALFORMED", b"\xdf\xff\xff\xff\xff"),
        ("DUPLICATE_KEY", b"\x84\xa1v\x01\xa1v\x01\xa4type\xa5hello\xa3rid\x07"),
        ("FLOAT", pack({**HEAD, "x": 1.5})),
        ("BAD_UTF8", b"\x84\xa1v\x01\xa4type\xa5hello\xa3rid\x07\xa1x\xa2\xc3\x28"),
        ("TOO_DEEP", pack({**HEAD, "x": [[[[[[[[[[1]]]]]]]]]]})),
        ("WRONG_TYPE", pack({**HEAD, "rid": "seven"})), ("WRONG_TYPE", pack({**HEAD, "type": 5})),
        ("MISSING_FIELD", pack({"v": 1, "rid": 7})), ("MISSING_FIELD", pack({"type": "hello"})),
        ("BAD_VERSION", pack({**HEAD, "v": 2})), ("BAD_VERSION", pack({**HEAD, "v": 0})),
        ("UNKNOWN_MESSAGE", pack({**HEAD, "type": "hullo"})),
        ("UNKNOWN_MESSAGE", pack({**HEAD, "type": "welcome"})),
    ]

    def answers(self, service, data):
        client = self.avow.client(service)
        try:
            client.send_raw(data)
            return client.receive()
        finally:
            client.close()

    def test_every_service_answers_with_the_documented_error(self):
        for service in ("ledger", "ingest", "query"):
            for name, data in self.ERRORS:
                with self.subTest(service=service, name=name, data=data):
                    m = self.answers(service, data)
                    self.assertEqual((m["type"], m.get("name")), ("error", name), m)
                    self.assertIn(m.get("rid", 0), (0, 7))
            self.avow.ask(service, "hello")

    def test_numbers_beyond_63_bits_are_refused(self):
        for bad in (2**63, 2**64 - 1):
            m = self.answers("query", pack({"v": 1, "type": "read", "rid": 7, "after": bad}))
            self.assertEqual((m["rid"], m["name"]), (7, "TOO_LARGE"))
        m = self.answers("query", pack({"v": 1, "type": "read", "rid": 7, "after": -1}))
        self.assertEqual(m["name"], "WRONG_TYPE")
        m = self.answers("query", pack({"v": 1, "type": "read", "rid": 7, "after": 2**63 - 1}))
        self.assertEqual(m["name"], "POSITION_IN_FUTURE")

    def test_bad_events_are_named(self):
        nested = b"\x81\xa1x" + b"\x91" * 20 + b"\x01"
        for name, data in [
                ("MALFORMED", b""), ("MALFORMED", b"\xc1"), ("WRONG_TYPE", pack([1])),
                ("FLOAT", event(amount={"low": 1.5, "high": 2, "currency": "USD"})),
                ("TOO_LARGE", event(amount={"low": 1, "high": 2**63, "currency": "USD"})),
                ("BAD_CURRENCY", event(amount={"low": 1, "high": 2, "currency": "EUROS"})),
                ("BAD_INTERVAL", event(amount={"low": 3, "high": 2, "currency": "USD"})),
                ("TOO_DEEP", nested), ("UNKNOWN_KIND", event(kind="gossip")),
                ("BAD_SLUG", event(deal="Not A Slug")), ("NOT_NFC", event(note="e\u0301")),
                ("BAD_UTF8", event(note="XYXYXY").replace(b"XYXYXY", b"\xff\xfe\xfd\xfc\xfb\xfa")),
                ("WRONG_TYPE", event(id="0190f3a2")), ("TOO_LARGE", event(note="x" * 70000)),
                ("NOT_FOR_KIND", event(phase=None, party="x")), ("NO_SOURCE", event(source={})),
                ("STATED_IN_FUTURE", event(stated="9999-01-01"))]:
            with self.subTest(name=name):
                self.refused(name, "ingest", "publish", events=[data])
        self.avow.publish(event())

    def test_a_publish_needs_events_and_not_too_many(self):
        self.refused("BAD_VALUE", "ingest", "publish", events=[])
        self.refused("MISSING_FIELD", "ingest", "publish")
        self.refused("TOO_LARGE", "ingest", "publish", events=[b""] * 10001)

    def test_random_bytes_harm_nobody(self):
        seed = random.getrandbits(32)
        rng = random.Random(seed)
        good = pack({"v": 1, "type": "publish", "rid": 3, "events": [event()]})
        for service in ("ledger", "ingest", "query"):
            client = self.avow.client(service)
            for _ in range(300):
                data = bytearray(good if rng.random() < 0.7 else rng.randbytes(rng.randrange(200)))
                for _ in range(rng.randrange(1, 8)):
                    if data:
                        data[rng.randrange(len(data))] = rng.randrange(256)
                client.send_raw(bytes(data))
                m = client.receive()
                self.assertIn(m["type"], ("error", "published", "welcome"), "seed %d" % seed)
            client.close()
            self.avow.ask(service, "status")

    def test_what_cannot_be_answered_is_dropped(self):
        for service in ("ledger", "ingest", "query"):
            client = self.avow.client(service)
            client.send_raw(b"part", pack(self.HEAD))
            client.send_raw(b"", pack(self.HEAD))
            client.ask("hello")
            client.close()

    def test_a_message_beyond_the_limit_costs_only_its_sender(self):
        hog = self.avow.client("ingest", "tcp")
        hog.send_raw(b"x" * (17 << 20))
        self.avow.publish(event())
        hog.close()

    def test_raw_tcp_garbage_harms_nobody(self):
        import socket
        host, port = self.avow.endpoint("ingest", "tcp")[6:].split(":")
        for data in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\xff" + b"\0" * 8 + b"\x7f", os.urandom(500)):
            with socket.create_connection((host, int(port))) as s:
                s.sendall(data)
        self.avow.publish(event())

    def test_a_socket_that_names_itself_is_told_not_to(self):
        client = self.avow.client("ingest")
        client.close()
        client.socket = zmq.Context.instance().socket(zmq.DEALER)
        client.socket.setsockopt(zmq.IDENTITY, b"me")
        client.socket.connect(client.endpoint)
        with self.assertRaises(Refused) as caught:
            client.ask("hello")
        self.assertEqual(caught.exception.name, "BAD_VALUE")
        client.close()


class Reading(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.avow = Avow(tcp="any").__enter__()
        deal = {"kind": "deal", "deal": "a-b", "from": ["a"], "to": ["b"], "title": "A and B"}
        cls.sent = [event(**deal), event(deal="a-b", from_=None, to=None),
                    event(deal="c-d", from_=["c"], to=["d"], kind="pay", tags=["ai"]),
                    event(deal="a-b", from_=["a"], to=None, kind="commit"),
                    event(deal="c-d", from_=["c"], to=["d"], amount=None)]
        for e in cls.sent:
            seq = run_of(cls.avow.publish(e))[0]
        cls.head = seq
        cls.avow.ask("query", "get", seq=seq, min_seq=seq)

    @classmethod
    def tearDownClass(cls):
        cls.avow.close()

    def seqs(self, **filter):
        m = self.avow.ask("query", "read", filter={k.rstrip("_"): v for k, v in filter.items()})
        self.assertGreaterEqual(m["scanned_to"], self.head)
        return [e["seq"] for e in m["events"] if e["seq"] <= 5]

    def test_filters_are_combined(self):
        self.assertEqual(self.seqs(deal="a-b"), [1, 2, 4])
        self.assertEqual(self.seqs(to="b"), [1, 2, 4])
        self.assertEqual(self.seqs(from_="c"), [3, 5])
        self.assertEqual(self.seqs(party="d", kind=["pay"]), [3])
        self.assertEqual(self.seqs(rung="committed"), [4])
        self.assertEqual(self.seqs(min="25000000000"), [2, 3, 4])
        self.assertEqual(self.seqs(min="25000000000.01"), [])
        self.assertEqual(self.seqs(currency="EUR"), [])
        self.assertEqual(self.seqs(tag="ai"), [3])

    def test_pages_follow_each_other(self):
        after, got = 0, []
        while after < 5:
            m = self.avow.ask("query", "read", after=after, limit=2)
            got += [e["event"] for e in m["events"]]
            after = m["scanned_to"]
        self.assertEqual(got[:5], self.sent)

    def test_last_and_before_walk_back(self):
        m = self.avow.ask("query", "read", last=2, before=5)
        self.assertEqual([e["seq"] for e in m["events"]], [3, 4])
        self.assertEqual((m["scanned_to"], m["scanned_from"]), (4, 3))

    def test_since_begins_at_the_recorded_time(self):
        entry = self.avow.ask("query", "get", seq=3)["entry"]
        m = self.avow.ask("query", "read", since=entry["recorded"], limit=1)
        self.assertEqual(m["events"][0]["seq"], 3)

    def test_refusals_say_where_the_head_is(self):
        with self.assertRaises(Refused) as caught:
            self.avow.ask("query", "read", after=1000000)
        self.assertEqual(caught.exception.name, "POSITION_IN_FUTURE")
        self.assertGreaterEqual(caught.exception.actual, 5)
        with self.assertRaises(Refused) as caught:
            self.avow.ask("query", "read", after=0, epoch=2)
        self.assertEqual(caught.exception.name, "WRONG_LEDGER")
        with self.assertRaises(Refused) as caught:
            self.avow.ask("query", "read", filter={"kind": ["gossip"]})
        self.assertIn(caught.exception.name, ("BAD_VALUE", "UNKNOWN_KIND"))

    def test_a_long_poll_is_woken_by_what_it_asked_for(self):
        client = self.avow.client("query")
        head = client.ask("hello")["head"]
        rid = client.send("read", after=head, wait_ms=20000, filter={"tag": "poll"}, ttl_ms=30000)
        self.avow.publish(event())
        seq = run_of(self.avow.publish(event(tags=["poll"])))[0]
        m = client.answer(rid)
        self.assertEqual([e["seq"] for e in m["events"]], [seq])
        client.close()

    def test_a_long_poll_in_vain_ends_in_time(self):
        head = self.avow.ask("query", "hello")["head"]
        start = time.monotonic()
        m = self.avow.ask("query", "read", after=head, wait_ms=300, filter={"tag": "never"})
        self.assertGreaterEqual(time.monotonic() - start, 0.29)
        self.assertEqual(m["events"], [])
        self.assertGreaterEqual(m["scanned_to"], head)

    def test_who_wrote_reads_it_at_once_and_never_less(self):
        for _ in range(50):
            data = event()
            seq = run_of(self.avow.publish(data))[0]
            got = self.avow.ask("query", "get", id=unpack(data)["id"], min_seq=seq)
            self.assertEqual(got["entry"]["seq"], seq)
            self.assertGreaterEqual(got["head"], seq)

    def test_a_min_seq_that_does_not_come_is_a_deadline(self):
        with self.assertRaises(Refused) as caught:
            self.avow.ask("query", "get", seq=1, min_seq=10**9, ttl_ms=200)
        self.assertEqual(caught.exception.name, "DEADLINE")

    def test_the_tape_rings_in_order_and_beats_when_idle(self):
        for scheme in ("ipc", "tcp"):
            tape = self.avow.tape(scheme)
            m = tape.receive()
            self.assertEqual(m["type"], "beacon")
            head = m["head"]
            seqs = [run_of(self.avow.publish(event()))[0] for _ in range(5)]
            got = []
            while len(got) < 5:
                m = tape.receive()
                if m["type"] == "event_on_tape" and m["entry"]["seq"] > head:
                    got.append(m["entry"]["seq"])
            self.assertEqual(got, seqs)
            self.assertEqual([tape.receive()["type"] for _ in range(4)], ["beacon"] * 4)
            tape.close()

    def test_status_and_hello_of_each_service(self):
        who = {self.avow.ask(s, "hello")["ledger"] for s in ("ledger", "ingest", "query")}
        self.assertEqual(len(who), 1)
        for service in ("ledger", "ingest", "query"):
            m = self.avow.ask(service, "status")
            self.assertEqual(m["service"], service)
            if service != "ledger":
                self.assertTrue(m["upstream_ok"])

    def test_a_thousand_readers_wait_and_are_all_told(self):
        readers = [self.avow.client("query") for _ in range(300)]
        head = self.avow.ask("query", "hello")["head"]
        rids = [[c.send("read", after=head, wait_ms=30000, ttl_ms=60000) for _ in range(4)]
                for c in readers]
        wait_until(lambda: [c["value"] for c in self.avow.ask("query", "status")["counters"]
                            if c["name"] == "readers_waiting"] == [1200], "all wait")
        seq = run_of(self.avow.publish(event()))[0]
        for c, sent in zip(readers, rids):
            for rid in sent:
                self.assertEqual(c.answer(rid)["events"][0]["seq"], seq)
            c.close()


KINDS = ("rumour", "talks", "announce", "commit", "close", "pay", "cancel", "condition", "total", "remark",
         "market", "party", "deal", "rate", "retract", "not a kind")


class Unchecked(unittest.TestCase):
    """What ingest would refuse, published to the ledger itself, which is for ingest only."""

    def test_query_goes_on_behind_an_event_that_says_nothing(self):
        whole = {**fields(), "base": "EUR", "quote": "USD", "rate": "1.08", "on": "2025-01-29",
                 "deals": ["a", "b"], "party": "softbank", "name": "SoftBank",
                 "links": [{"type": "part_of", "deal": "a"}], "condition": "first"}
        lacking = [{**whole, "id": new_id(), "kind": kind} for kind in KINDS]
        lacking += [{k: v for k, v in whole.items() if k != name} | {"id": new_id(), "kind": kind}
                    for kind in KINDS for name in whole if name not in ("id", "kind")]
        lacking += [{"id": new_id(), "kind": kind} for kind in KINDS]
        with Avow("ledger", "query") as avow:
            first = fields()
            avow.ask("ledger", "publish", events=[msgpack.packb(first)])
            lacking += [{**one, "id": new_id(), "ref": first["id"]} for one in lacking]
            for one in lacking:
                avow.ask("ledger", "publish", events=[msgpack.packb(one)])
            head = run_of(avow.ask("ledger", "publish", events=[event()]))[1]
            self.assertEqual(head, len(lacking) + 2)
            self.assertEqual(avow.ask("query", "get", seq=head, min_seq=head)["head"], head)
            self.assertGreater(self.counter(avow, "feed_undecodable"), 0)
            self.assertEqual(self.counter(avow, "feed_trouble"), 0)
            for question in (("show", "softbank-openai-2025"), ("show", "softbank"), ("deals",),
                             ("league", "--rung", "talked"), ("flows", "--rung", "talked"),
                             ("rates", "EUR", "USD"), ("anomalies",), ("parties",)):
                done = avow.cli(*question)
                self.assertEqual((question, done.returncode, done.stderr), (question, 0, ""))

    @staticmethod
    def counter(avow, name):
        return next(c["value"] for c in avow.ask("query", "status")["counters"] if c["name"] == name)


class Starting(unittest.TestCase):
    def test_up_ends_cleanly_when_asked(self):
        for sig, code in ((signal.SIGTERM, 0), (signal.SIGINT, 130)):
            with Avow() as avow:
                avow.publish(event())
                self.assertEqual(avow.stop("up", sig), code)
                self.assertEqual(sorted(os.listdir(avow.dir)), ["ledger", "query", "run"])
                avow.start("up")
                self.assertEqual(avow.ask("ledger", "hello")["head"], 1)

    def test_each_service_ends_cleanly_when_asked_also_alone(self):
        for name in ("ledger", "ingest", "query"):
            with Avow(name) as avow:
                self.assertEqual(avow.stop(name), 0)

    def test_a_second_ledger_on_the_same_directory_refuses(self):
        with Avow("ledger") as avow:
            done = avow.cli("ledger")
            self.assertEqual(done.returncode, 1)
            self.assertIn("STORE_LOCKED", done.stderr)
            done = avow.cli("up", "--tcp", "off")
            self.assertEqual(done.returncode, 1)
            avow.ask("ledger", "hello")

    def test_a_second_ingest_cannot_take_the_socket(self):
        with Avow("ledger", "ingest") as avow:
            done = avow.cli("ingest", "--tcp", "off")
            self.assertEqual(done.returncode, 1)
            self.assertIn("another process listens there", done.stderr)
            wait_until(lambda: avow.ask("ingest", "status")["upstream_ok"], "the ledger is reached")
            avow.publish(event())

    def test_only_loopback_may_be_listened_on(self):
        with Avow("ledger") as avow:
            for endpoint in ("tcp://0.0.0.0:7499", "tcp://*:7499", "udp://127.0.0.1:1", "nonsense"):
                done = avow.cli("ingest", "--listen", endpoint)
                self.assertEqual(done.returncode, 2, done.stderr)
            done = avow.cli("ledger", "--listen", "tcp://127.0.0.1:7499")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("ipc:// only", done.stderr)

    def test_a_port_that_is_taken_is_said(self):
        with Avow("ingest", tcp="any") as avow:
            done = avow.cli("ingest", "--listen", avow.endpoint("ingest", "tcp"))
            self.assertEqual(done.returncode, 1)
            self.assertIn("in use", done.stderr)

    def test_a_directory_with_a_long_name_is_said(self):
        with Avow("ingest") as avow:
            done = avow.cli("up", "--dir", avow.dir + "/" + "x" * 100)
            self.assertEqual(done.returncode, 2)
            self.assertIn("at most 107 bytes", done.stderr)

    def test_sockets_and_stores_are_their_owners(self):
        with Avow() as avow:
            for path in ("ledger", "query", "run", "ledger/data.mdb", "run/ingest.sock"):
                mode = os.stat(os.path.join(avow.dir, path)).st_mode
                self.assertEqual(mode & 0o077, 0, path)

    def test_a_query_service_of_another_ledger_says_so(self):
        with Avow("ledger", "ingest", "query") as avow:
            seq = run_of(avow.publish(event()))[0]
            avow.ask("query", "get", seq=seq, min_seq=seq)
            avow.stop("ledger")
            os.rename(os.path.join(avow.dir, "ledger"), os.path.join(avow.dir, "other"))
            avow.start("ledger")

            def refused():
                try:
                    avow.ask("query", "read", after=0)
                except Refused as e:
                    return e.name == "WRONG_LEDGER"

            wait_until(refused, "it is foreign")
            self.assertFalse(avow.ask("query", "status")["upstream_ok"])


# before what was asked of a service that died is asked again; twice as long each time, for slow machines
PATIENCE_S = 0.5


class Follower(threading.Thread):
    """Reads everything from seq 1, through restarts; keeps every seq that it was given."""

    def __init__(self, endpoint):
        super().__init__()
        self.endpoint, self.seqs, self.events, self.after = endpoint, [], [], 0
        self.wrong, self.done = None, threading.Event()

    def run(self):
        client, patience = avowtest.Client(self.endpoint, zmq.Context()), PATIENCE_S
        while not self.done.is_set():
            try:
                m = client.ask("read", timeout=patience, after=self.after, wait_ms=200, limit=50)
                patience = PATIENCE_S
            except avowtest.Silence:
                client.close()
                client.connect()
                patience = min(2 * patience, avowtest.TIMEOUT)
                continue
            except Refused as e:
                if e.message["class"] != "retry":
                    self.wrong = e
                    break
                continue
            self.seqs += [e["seq"] for e in m["events"]]
            self.events += [e["event"] for e in m["events"]]
            self.after = m["scanned_to"]
        client.close()
        client.context.term()


class Publisher(threading.Thread):
    """Publishes one event after the other, each until it is acknowledged; keeps the receipts."""

    def __init__(self, endpoint):
        super().__init__()
        self.endpoint, self.receipts, self.done = endpoint, {}, threading.Event()
        self.wrong, self.retries = None, 0

    def run(self):
        client = avowtest.Client(self.endpoint, zmq.Context())
        while not self.done.is_set():
            data, sent, patience = event(), 0, PATIENCE_S
            while data not in self.receipts and not (sent and self.done.is_set()):
                sent += 1
                try:
                    m = client.publish(data, timeout=1.5 * patience, ttl_ms=int(1000 * patience))
                    self.receipts[data] = m["receipts"][0]["first"]
                except avowtest.Silence:
                    client.close()
                    client.connect()
                    patience = min(2 * patience, avowtest.TIMEOUT)
                except Refused as e:
                    if e.message["class"] != "retry":
                        self.wrong = e
                        return
                    if e.name in ("UNKNOWN", "DEADLINE"):
                        patience = min(2 * patience, avowtest.TIMEOUT)
                    self.done.wait(0.01)
            self.retries += sent - 1
        client.close()
        client.context.term()


class Restarting(unittest.TestCase):
    def check(self, avow, publishers, follower):
        """Nothing acknowledged is missing, nothing comes twice, every seq once and in order."""
        for p in publishers:
            p.done.set()
            p.join()
            self.assertIsNone(p.wrong)
        head = avow.ask("ledger", "hello")["head"]
        wait_until(lambda: follower.after >= head, "the follower has everything")
        follower.done.set()
        follower.join()
        self.assertIsNone(follower.wrong)
        self.assertEqual(follower.seqs, list(range(1, head + 1)))
        self.assertEqual(len(set(follower.events)), head)
        by_event = dict(zip(follower.events, follower.seqs))
        for p in publishers:
            for data, seq in p.receipts.items():
                self.assertEqual(by_event.get(data), seq)
        return head

    def test_each_service_is_killed_in_turn_while_all_are_at_work(self):
        with Avow("ledger", "ingest", "query") as avow:
            publishers = [Publisher(avow.endpoint("ingest")) for _ in range(4)]
            follower = Follower(avow.endpoint("query"))
            for t in (*publishers, follower):
                t.start()
            total = lambda: sum(len(p.receipts) for p in publishers)
            for name in ("ledger", "ingest", "query", "query", "ledger", "ingest", "ledger"):
                before, seen = total(), follower.after
                wait_until(lambda: total() > before + 20 and follower.after > seen, "work goes on")
                avow.kill(name)
                avow.start(name)
            before, seen = total(), follower.after
            wait_until(lambda: total() > before + 20 and follower.after > seen, "work goes on")
            self.assertGreater(self.check(avow, publishers, follower), 100)

    def test_everything_at_once_is_killed_and_started_in_any_order(self):
        rng = random.Random(7)
        with Avow("ledger", "ingest", "query") as avow:
            publishers = [Publisher(avow.endpoint("ingest")) for _ in range(2)]
            follower = Follower(avow.endpoint("query"))
            for t in (*publishers, follower):
                t.start()
            total = lambda: sum(len(p.receipts) for p in publishers)
            for _ in range(3):
                before = total()
                wait_until(lambda: total() > before + 10, "work goes on")
                names = ["ledger", "ingest", "query"]
                for name in names:
                    avow.kill(name)
                rng.shuffle(names)
                for name in names:
                    avow.start(name)
            before = total()
            wait_until(lambda: total() > before + 10, "work goes on")
            self.check(avow, publishers, follower)

    def test_a_stopped_ledger_means_unknown_and_asking_again_resolves_it(self):
        with Avow("ledger", "ingest", "query") as avow:
            avow.publish(event())
            avow.ask("query", "get", seq=1, min_seq=1)
            ledger, data = avow.processes["ledger"], event()
            ledger.pause()
            try:
                with self.assertRaises(Refused) as caught:
                    avow.publish(data, ttl_ms=300)
                self.assertEqual(caught.exception.name, "UNKNOWN")
                wait_until(lambda: not avow.ask("ingest", "status")["upstream_ok"], "it is noticed")
                self.assertEqual(avow.ask("query", "read", after=0)["head"], 1)
            finally:
                ledger.go_on()
            self.assertEqual(run_of(avow.publish(data))[0], 2)

    def test_without_a_ledger_nothing_is_written_and_that_is_said(self):
        with Avow("ingest", "query") as avow:
            for service, type in (("ingest", "publish"), ("ingest", "hello"), ("query", "read")):
                more = {"events": [event()]} if type == "publish" else {}
                with self.assertRaises(Refused) as caught:
                    avow.ask(service, type, **more)
                self.assertEqual(caught.exception.name, "UNAVAILABLE")
            self.assertFalse(avow.ask("query", "status")["upstream_ok"])
            avow.start("ledger")
            wait_until(lambda: avow.ask("ingest", "status")["upstream_ok"], "it is there")
            self.assertEqual(run_of(avow.publish(event()))[0], 1)

    def test_a_stop_lets_what_is_in_flight_end(self):
        with Avow("ledger", "ingest", "query") as avow:
            client = avow.client("ingest")
            client.ask("status")
            rids = [client.send("publish", events=[event()]) for _ in range(50)]
            client.answer(rids[0])
            self.assertEqual(avow.stop("ingest"), 0)
            answered = 1
            try:
                for rid in rids[1:]:
                    client.answer(rid, timeout=1)
                    answered += 1
            except (avowtest.Silence, Refused):
                pass # what was not read before the stop, or had no answer of the ledger by then
            self.assertGreaterEqual(avow.ask("ledger", "hello")["head"], answered)
            client.close()


class Bounded(unittest.TestCase):
    def test_memory_stays_small_under_a_long_publish(self):
        count, size, window = 40000, 500, 16
        with Avow("ledger", "ingest", "query") as avow:
            client = avow.client("ingest")
            answered = 0
            for i in range(count // size + window):
                if i < count // size:
                    client.send("publish", ttl_ms=60000, events=[event() for _ in range(size)])
                if i >= window:
                    self.assertEqual(client.receive(30)["type"], "published")
                    answered += 1
            self.assertEqual(answered, count // size)
            wait_until(lambda: avow.ask("query", "hello")["head"] == count, "all is there", 60)
            for name, process in avow.processes.items():
                if "AVOW_TEST_SANITIZED" not in os.environ:
                    self.assertLess(process.memory(), 100 << 10, name)
            client.close()

    def test_overload_is_said_at_once(self):
        with Avow("ledger", "ingest") as avow:
            big = [event(note="x" * 4000) for _ in range(800)]

            def is_said():
                wait_until(lambda: avow.ask("ingest", "status")["upstream_ok"], "the ledger is reached")
                client = avow.client("ingest")
                client.socket.setsockopt(zmq.SNDHWM, 0)
                client.ask("status")
                avow.processes["ledger"].pause()
                try:
                    for _ in range(14):
                        client.send("publish", events=big, ttl_ms=60000)
                    m = client.receive()
                finally:
                    avow.processes["ledger"].go_on()
                    client.close()
                if m.get("name") == "UNAVAILABLE": # so slow that the ledger was given up before
                    return False
                self.assertEqual((m["name"], m["retry_after_ms"] > 0), ("BUSY", True))
                return True

            wait_until(is_said, "so much is sent before the ledger is given up", 60)

    def test_a_reader_that_takes_nothing_costs_the_others_nothing(self):
        with Avow() as avow:
            avow.publish(*[event(note="x" * 3000) for _ in range(1000)])
            avow.ask("query", "get", seq=1, min_seq=1000)
            context = zmq.Context()
            context.setsockopt(zmq.RCVHWM, 1) # so that nobody takes them for him
            stuck = avowtest.Client(avow.endpoint("query"), context)
            for _ in range(300):
                stuck.send("read", after=0)
            for _ in range(20):
                self.assertEqual(len(avow.ask("query", "read", after=0, limit=10)["events"]), 10)
            wait_until(lambda: [c["value"] for c in avow.ask("query", "status")["counters"]
                                if c["name"] == "refused"] > [0], "he is refused")
            stuck.close()
            context.term()


if __name__ == "__main__":
    unittest.main()
