# SPDX-License-Identifier: Apache-2.0
"""
A peer that means no good: ZMTP by hand over raw sockets, broken and whole, and hostile MessagePack.

Written from the specification of ZMTP 3.1 and from PROTOCOL.md; libzmq has no part in it.
"""
import json
import os
import select
import socket
import struct
import time

import msgpack

import proof
from zmtp import COMMAND, LONG, MORE, command, frame, greeting, ready

NEVER = b"\xc1" # begins nothing in MessagePack
PATIENCE_S = 60.0


def vectors(name):
    with open(os.path.join(proof.ROOT, "tests", "vectors", name + ".json"), encoding="utf-8") as f:
        return json.load(f)


# ---- ZMTP ----

HELLO = greeting() + ready()


def dial(endpoint):
    """A connected socket to ipc://PATH or tcp://HOST:PORT."""
    timeout_s = PATIENCE_S
    scheme, _, rest = endpoint.partition("://")
    if scheme == "ipc":
        s = socket.socket(socket.AF_UNIX)
        s.connect(rest) # waits where too many want to at once, which it does not with a time-out
        s.settimeout(timeout_s)
    else:
        host, _, port = rest.rpartition(":")
        s = socket.socket(socket.AF_INET)
        s.settimeout(timeout_s)
        s.connect((host, int(port)))
    return s


def drop(s, abruptly):
    """Close; abruptly: with a reset, so that nothing of it lingers."""
    if abruptly:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


class Peer:
    """One connection that keeps to ZMTP, whatever it says in it."""

    def __init__(self, endpoint):
        self.socket = dial(endpoint)
        self.socket.sendall(HELLO)
        self.bytes, self.end = b"", time.monotonic() + PATIENCE_S
        self.need(64)
        self.bytes = self.bytes[64:]
        while not self.next_frame()[0] & COMMAND:
            pass

    def need(self, count):
        while len(self.bytes) < count:
            if time.monotonic() > self.end:
                raise proof.Broken("a message over a whole connection is not answered")
            more = self.socket.recv(1 << 16)
            if not more:
                raise proof.Broken("a connection that keeps to ZMTP was closed")
            self.bytes += more

    def next_frame(self):
        self.need(2)
        flags, head = self.bytes[0], 9 if self.bytes[0] & LONG else 2
        self.need(head)
        size = struct.unpack(">Q", self.bytes[1:9])[0] if flags & LONG else self.bytes[1]
        self.need(head + size)
        body, self.bytes = self.bytes[head:head + size], self.bytes[head + size:]
        return flags, body

    def next_message(self):
        """The next message; heartbeats on the way are answered."""
        self.end = time.monotonic() + PATIENCE_S
        while True:
            flags, body = self.next_frame()
            if not flags & COMMAND:
                return body
            self.hear_command(body)

    def hear_command(self, body):
        if body[:5] == b"\4PING":
            self.socket.sendall(command(b"PONG", body[7:]))

    def silent(self):
        """Whether nothing has come that was not read; heartbeats are nothing."""
        while self.bytes or select.select([self.socket], [], [], 0)[0]:
            flags, body = self.next_frame()
            if not flags & COMMAND:
                return False
            self.hear_command(body)
        return True

    def send(self, *messages):
        self.socket.sendall(b"".join(frame(m) for m in messages))

    def close(self):
        self.socket.close()


# ---- broken ZMTP ----

def raw_attacks(r):
    """What one raw connection says before it is cut; endless in kind, from seeded chance."""
    junk = r.randbytes(r.randrange(1, 300))
    return r.choice((
        lambda: junk,
        lambda: b"",
        lambda: greeting()[:r.randrange(64)],
        lambda: greeting(r.choice((b"PLAIN", b"CURVE", b"GSSAPI", b"\xff" * 20, b"null")), server=1),
        lambda: greeting(major=r.choice((0, 1, 2, 4, 255)), minor=r.randrange(256)) + junk,
        lambda: b"\x01\x00" + junk, # ZMTP 1.0, without a greeting
        lambda: b"\xff" + struct.pack(">Q", 1) + b"\x7f\1" + junk, # 2.0
        lambda: greeting() + bytes([r.randrange(256), r.randrange(256)]) + junk,
        lambda: greeting() + ready()[:r.randrange(1, 40)],
        lambda: greeting() + ready(r.choice((b"PUB", b"REQ", b"ROUTER", b"", b"X" * 255))),
        lambda: greeting() + ready(Identity=r.choice((b"me", b"\0abcd", b"x" * 255, b"y" * 3000))),
        lambda: greeting() + ready(X_=b"z" * r.randrange(2000)),
        lambda: greeting() + command(b"READY", junk),
        lambda: greeting() + command(r.choice((b"ERROR", b"HELLO", b"NOPE", b"")), junk),
        lambda: greeting() + frame(b"too early"),
        lambda: HELLO + bytes([LONG | r.choice((0, MORE, COMMAND))]) + struct.pack(
            ">Q", r.choice((1 << 63, (1 << 64) - 1, (1 << 31), (16 << 20) + 1))) + junk,
        lambda: HELLO + bytes([LONG]) + struct.pack(">q", 1000) + junk, # and no more of it
        lambda: HELLO + frame(junk, MORE) * r.randrange(1, 200),
        lambda: HELLO + (frame(b"", MORE) * 50 + frame(b"")) * r.randrange(1, 5),
        lambda: HELLO + command(b"PING", struct.pack(">H", r.randrange(65536)) + junk[:r.randrange(32)])
        * r.randrange(1, 200),
        lambda: HELLO + command(b"PONG") * 50 + command(b"SUBSCRIBE", junk) + command(b"CANCEL", junk),
        lambda: HELLO + bytes([r.randrange(8, 256), len(junk) & 255]) + junk,
        lambda: HELLO + frame(junk),
        lambda: HELLO + frame(NEVER),
        lambda: HELLO + frame(msgpack.packb({"v": 1, "type": "hello", "rid": 1}))
        * r.randrange(1, 20), # and does not wait for the answers
    ))()


# ---- hostile MessagePack ----

class Messages:
    """Messages that are no good, or good ones that go to the wrong service."""

    def __init__(self, r):
        self.random = r
        # what would wait for its time is another proof's
        good = [bytes.fromhex(row["hex"]) for row in vectors("messages")]
        self.good = [m.replace(b"wait_ms", b"wait_mz").replace(b"min_seq", b"min_sez") for m in good]
        self.events = [bytes.fromhex(row["hex"]) for row in vectors("events")]
        self.good += [self.packed(type="publish", events=[e]) for e in self.events]
        self.good += [self.packed(type="publish", events=self.events, partial=True)]
        self.refused = [bytes.fromhex(row["hex"]) for row in vectors("refusals") if row["as"] == "message"]

    def packed(self, **fields):
        return msgpack.packb({"v": 1, "rid": self.random.randrange(1, 1 << 20), **fields})

    def mutated(self, raw):
        r, raw = self.random, bytearray(raw)
        for _ in range(r.choice((1, 1, 2, 4))):
            at = r.randrange(len(raw) + 1)
            how = r.randrange(6)
            if how == 0 and at < len(raw):
                raw[at] ^= 1 << r.randrange(8)
            elif how == 1 and at < len(raw):
                raw[at] = r.choice((0, 0x7f, 0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xca, 0xd9, 0xdd, 0xdf, 0xff))
            elif how == 2:
                raw[at:at] = r.randbytes(r.randrange(1, 9))
            elif how == 3:
                del raw[at:at + r.randrange(1, 9)]
            elif how == 4:
                del raw[at:]
            else:
                other = r.choice(self.good)
                raw[at:] = other[r.randrange(len(other)):]
        return bytes(raw)

    def next(self):
        r = self.random
        return r.choice((
            lambda: r.choice(self.good),
            lambda: self.mutated(r.choice(self.good)),
            lambda: self.mutated(r.choice(self.good)),
            lambda: self.mutated(r.choice(self.good)),
            lambda: r.choice(self.refused),
            lambda: r.randbytes(r.randrange(200)),
            lambda: NEVER + r.randbytes(9),
            lambda: r.choice(self.bombs())(),
            lambda: r.choice(self.mistakes())(),
        ))()

    def bombs(self):
        n = 1 << self.random.randrange(4, 17)
        return (
            lambda: b"\x91" * n,
            lambda: b"\x81\xa1a" * n,
            lambda: b"\x81\xa1x" + b"\x91" * n + b"\xc0",
            lambda: b"\xdd\xff\xff\xff\xff" + b"\xc0" * n,
            lambda: b"\xdf\x7f\xff\xff\xff" + b"\xa1a" * n,
            lambda: b"\xdb\xff\xff\xff\xff" + b"a" * n,
            lambda: b"\xc6\xff\xff\xff\xf0" + b"a" * n,
            lambda: b"\xde\xff\xff" + b"".join(b"\xa4%04x\xc0" % i for i in range(n % 65536)),
            lambda: msgpack.packb({"k%d" % i: i for i in range(65)}),
            lambda: self.packed(type="publish", events=[b""] * min(n, 10001)),
            lambda: self.packed(type="publish", events=[self.events[0]] * min(n, 200)),
            lambda: self.packed(type="hello", client="\u00e9" * n),
            lambda: self.packed(type="hello", x=[[]] * n),
            lambda: self.packed(type="read", filter={"tag": "a\u0300" * n}),
        )

    def mistakes(self):
        r = self.random
        head = b"\xa1v\x01\xa4type\xa5hello"
        return (
            lambda: b"\x83" + head + b"\xa1v\x01", # a key twice
            lambda: b"\x83" + head + b"\xa1x\xcb" + r.randbytes(8), # a float
            lambda: b"\x83" + head + b"\xa1x\xca" + r.randbytes(4),
            lambda: b"\x83" + head + b"\xa1x\xd4\x01\x00", # an extension
            lambda: b"\x83" + head + b"\xa1x\xa2\xc3\x28", # no UTF-8
            lambda: b"\x83" + head + b"\xa2\xff\xfe\xc0",
            lambda: b"\x82" + head + b"\x00", # something behind the end
            lambda: b"\x83" + head + b"\x01\x02", # a key that is no text
            lambda: b"\x83" + head + b"\xa3rid\xff",
            lambda: b"\x83" + head + b"\xa3rid\xcf" + b"\xff" * 8,
            lambda: b"\x82\xa1v\x02\xa4type\xa5hello",
            lambda: b"\x82\xa1v\x01\xa4type\xa5nopes",
            lambda: b"\x80", lambda: b"\x90", lambda: b"\xc0", lambda: b"",
        )


ANSWERS = {"error", "welcome", "published", "events", "state_of_service", "got"} | {
    name for row in vectors("messages") for name in [row["name"]] if not name.startswith("event_on")}


def check_answer(raw):
    """One well-formed answer; whether it is a refusal."""
    try:
        answer = msgpack.unpackb(raw, raw=False, strict_map_key=True)
    except (ValueError, msgpack.exceptions.ExtraData) as e:
        raise proof.Broken("an answer that is not MessagePack: %r: %s" % (raw[:80], e)) from e
    good = isinstance(answer, dict) and answer.get("v") == 1 and answer.get("type") in ANSWERS
    if good and answer["type"] == "error":
        good = all(isinstance(answer.get(k), t) for k, t in
                   (("code", int), ("name", str), ("class", str), ("text", str)))
    if not good:
        raise proof.Broken("an answer that is none: %r" % (answer,))
    if answer["type"] == "error" and answer["name"] == "INTERNAL":
        raise proof.Broken("a fault of our own: %r" % (answer,))
    return answer["type"] == "error"
