# SPDX-License-Identifier: Apache-2.0
"""
The protocol in plain Python, from proto/PROTOCOL.md alone: asking, events, leaf hashes.

Nothing here is shared with the services: what they say is checked against it.
"""
import hashlib
import struct

import msgpack
import zmq

import proof

STATED = "2001-01-21" # so that no clock of P18 takes it for the future
TTL_MAX_MS = 600000 # for whom the time that an answer takes is no matter


class Refused(Exception):
    """An `error` came: `code` is its name, `fields` the message."""

    def __init__(self, fields):
        super().__init__("%(name)s: %(text)s" % fields)
        self.code, self.fields = fields["name"], fields


class NoAnswer(Exception):
    """Nothing came in time."""


def event(ident, deal="deal-1", note="", **more):
    """The bytes of a small event."""
    fields = {"id": ident, "kind": "announce", "deal": deal, "to": ["payee"],
              "amount": {"low": 1500, "high": 2500, "currency": "USD"}, "stated": STATED,
              "source": {"publisher": "proof"}, "grade": "press", **more}
    if note:
        fields["note"] = note
    return msgpack.packb(fields)


ID_AT = 6 # where the id stands in an event that begins with it, as those of `event` do


def ident_of(raw):
    if raw[1:ID_AT] == b"\xa2id\xc4\x10":
        return raw[ID_AT:ID_AT + 16]
    return msgpack.unpackb(raw)["id"]


def packed(name, ttl_ms, **fields):
    """A request in two pieces, between which its rid is to be put as 8 bytes, most significant first."""
    head = bytes([0x80 | (4 + len(fields))]) + msgpack.packb("v") + b"\x01"
    head += msgpack.packb("type") + msgpack.packb(name) + msgpack.packb("rid") + b"\xcf"
    tail = msgpack.packb("ttl_ms") + msgpack.packb(ttl_ms)
    return head, tail + b"".join(msgpack.packb(k) + msgpack.packb(v) for k, v in fields.items())


def array_of_bytes(raws):
    """The bytes of an array of bin; each less than 65,536 long."""
    parts = [b"\xdc" + struct.pack(">H", len(raws))]
    for raw in raws:
        parts += (b"\xc4" + bytes((len(raw),)) if len(raw) < 256 else
                  b"\xc5" + struct.pack(">H", len(raw)), raw)
    return b"".join(parts)


def leaf(epoch, seq, recorded, raw):
    """The leaf hash of PROTOCOL.md."""
    return hashlib.sha256(b"\0avow1" + struct.pack(">QQQ", epoch, seq, recorded) + raw).digest()


class Asker:
    """A DEALER that asks one service; `connect` again gives a new connection."""

    def __init__(self, context, endpoint):
        self.context, self.endpoint, self.rid, self.socket = context, endpoint, 0, None
        self.connect()

    def connect(self):
        self.close()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.reconnect_ivl = 10
        self.socket.connect(self.endpoint)

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def send(self, name, **fields):
        """Send a request; returns its rid."""
        self.rid += 1
        self.socket.send(msgpack.packb({"v": 1, "type": name, "rid": self.rid, **fields}))
        return self.rid

    def next(self, timeout_s):
        """The next answer, whatever it answers."""
        return self.wait(proof.Patience(timeout_s))

    def wait(self, patience):
        while not self.socket.poll(int((step := patience.step()) * 1000)):
            if not step:
                raise NoAnswer()
        return msgpack.unpackb(self.socket.recv())

    def ask(self, name, timeout_s=30.0, **fields):
        """Ask, and wait for its answer: the message, or Refused, or NoAnswer."""
        fields.setdefault("ttl_ms", int(timeout_s * 1000))
        rid = self.send(name, **fields)
        patience = proof.Patience(timeout_s * 1.5)
        while True:
            answer = self.wait(patience)
            if answer.get("rid") != rid:
                continue
            if answer["type"] == "error":
                raise Refused(answer)
            return answer


def read_all(asker, timeout_s=30.0):
    """Every entry that a service holds, in order, and its epoch."""
    entries, after = [], 0
    while True:
        answer = asker.ask("read", timeout_s, after=after, limit=10000, max_bytes=8 << 20,
                           ttl_ms=TTL_MAX_MS)
        entries += answer["events"]
        after = answer["scanned_to"]
        if after >= answer["head"]:
            return entries, answer["epoch"]
